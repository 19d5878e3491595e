"""What is raised. Every refusal has a stable code, the same in every language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deputize._native import AuditRecord

__all__ = ["Denied", "DeputizeError", "UnsupportedOperation"]


class DeputizeError(Exception):
    """A refusal.

    ``code`` is stable; ``link`` is the position of the token at fault (the root is 0) or None; ``context`` names the
    argument, claim or limit, or is None; ``help`` says what to do about it; ``entry`` is the sequence of the entry of
    an audit log that is at fault, or None.
    """

    def __init__(
        self,
        code: str,
        message: str,
        link: int | None = None,
        context: str | None = None,
        help: str = "",
        entry: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.link = link
        self.context = context
        self.help = help
        self.entry = entry

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, str(self), self.link, self.context, self.help, self.entry)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class Denied(DeputizeError):
    """A refused call, with its audit record. Pickled, it leaves the record behind.

    ``request_id`` is what the request for approval is called, in hex, where the code is ``approval-required``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        link: int | None = None,
        context: str | None = None,
        help: str = "",
        record: AuditRecord | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(code, message, link, context, help)
        self._record = record
        self.request_id = request_id

    @property
    def record(self) -> AuditRecord:
        """The audit record of the decision."""
        if self._record is None:
            raise AttributeError("the audit record stays in the process that made the decision")
        return self._record

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, str(self), self.link, self.context, self.help, None, self.request_id)


class UnsupportedOperation(DeputizeError, TypeError):
    """Something that this object cannot be used for: copying a signing key, guarding what is no server."""
