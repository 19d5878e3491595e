"""Agents: a name and a key."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar, final

from deputize import _native
from deputize._native import (
    Approval,
    ApprovalRequest,
    Budget,
    Chain,
    Consent,
    Identity,
    Presentation,
    Session,
    SigningKey,
    VerifyingKey,
)
from deputize.errors import DeputizeError, UnsupportedOperation

__all__ = ["Agent"]

_Audit: TypeAlias = Callable[[Any], object]
_Signed = TypeVar("_Signed", Chain, Approval, Consent, Identity, Session)
_Bytes: TypeAlias = bytes | bytearray | memoryview
_Budgets: TypeAlias = list[Budget] | tuple[Budget, ...]
_Evidence: TypeAlias = Approval | Consent | Identity | _Bytes
_Tools: TypeAlias = dict[str, dict[str, Any]]

_KEYS = Path(".deputize") / "keys"


def _error(code: str, what: str, name: object) -> DeputizeError:
    return _native.make_error(code, what, str(name))


def _not_copied() -> UnsupportedOperation:
    error = _native.make_error("config-invalid", "not copied or pickled, because it holds a key:", "Agent")
    return UnsupportedOperation(error.code, str(error), error.link, error.context, error.help)


@final
class Agent:
    """A name and a key: issues, delegates, and proves its own calls."""

    __slots__ = ("__audit", "__name", "__signing_key")

    def __init__(self, name: str, signing_key: SigningKey, *, audit: _Audit | None = None) -> None:
        if type(name) is not str:
            raise _error("name-invalid", "the name of an agent is a text, not", type(name).__name__)
        if type(signing_key) is not SigningKey:
            raise _error("key-invalid", "the key of an agent is a SigningKey, not", type(signing_key).__name__)
        if audit is not None and not callable(audit):
            raise _error("config-invalid", "audit: an AuditLog or a function, not", type(audit).__name__)
        self.__name = name
        self.__signing_key = signing_key
        self.__audit = audit

    def __init_subclass__(cls, **kwargs: Any) -> NoReturn:
        raise TypeError("Agent cannot be subclassed")

    @classmethod
    def generate(cls, name: str, *, audit: _Audit | None = None) -> Agent:
        """An agent with a new key."""
        return cls(name, SigningKey.generate(), audit=audit)

    @classmethod
    def from_seed(cls, name: str, seed: bytes | bytearray | memoryview, *, audit: _Audit | None = None) -> Agent:
        """An agent whose key has this seed of 32 bytes."""
        try:
            key = SigningKey.from_seed(seed)
        finally:
            del seed  # not in the locals of a traceback
        return cls(name, key, audit=audit)

    @classmethod
    def load(cls, path: str | os.PathLike[str], name: str | None = None, *, audit: _Audit | None = None) -> Agent:
        """An agent whose key is in this file. It is named like the file unless a name is given."""
        return cls(Path(path).stem if name is None else name, SigningKey.load(path), audit=audit)

    @classmethod
    def load_or_create(
        cls, name: str, directory: str | os.PathLike[str] | None = None, *, audit: _Audit | None = None
    ) -> Agent:
        """An agent whose key is in ``<directory>/<name>.pem``; made if it is not there."""
        if type(name) is not str or not name or name.startswith(".") or any(c in name for c in "/\\\0"):
            raise _error("name-invalid", "the name of a key file", name)
        folder = _KEYS if directory is None else Path(directory)
        return cls(name, SigningKey.load_or_create(folder / f"{name}.pem"), audit=audit)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.__name

    @property
    def key(self) -> VerifyingKey:
        """Its public key."""
        return self.__signing_key.verifying_key

    @property
    def did(self) -> str:
        """Its public key as did:key."""
        return self.key.did_key

    @property
    def audit(self) -> _Audit | None:
        """Where everything that it signs is recorded before anybody gets it; None without."""
        return self.__audit

    def __recorded(self, signed: _Signed) -> _Signed:
        _native.record_signed(self, signed)
        return signed

    def open_session(self, task: bytes | str | None = None) -> Session:
        """Opens a session for a task, in this agent's name."""
        return self.__recorded(Session.open(task))

    def issue(
        self,
        *,
        to: Agent | VerifyingKey,
        tools: _Tools | None = None,
        ttl: int | str | None = None,
        subject: str | None = None,
        mode: str | None = None,
        session: Session | bytes | str | None = None,
        task: bytes | None = None,
        audience: str | list[str] | None = None,
        max_depth: int | None = None,
        reason: str | None = None,
        context: str | None = None,
        holder_name: str | None = None,
        not_before: int | None = None,
        approvals: dict[str, Any] | None = None,
        evidence: bytes | None = None,
        budgets: _Budgets | None = None,
    ) -> Chain:
        """A root, in this agent's name as verifiers know it."""
        options = _given(
            to,
            tools=tools,
            ttl=ttl,
            subject=subject,
            mode=mode,
            session=session,
            task=task,
            audience=audience,
            max_depth=max_depth,
            reason=reason,
            context=context,
            holder_name=holder_name,
            not_before=not_before,
            approvals=approvals,
            evidence=evidence,
            budgets=budgets,
        )
        return self.__recorded(_native.issue(self.__signing_key, self.__name, to, options))

    def issue_on_behalf_of(
        self,
        subject: str,
        *,
        to: Agent | VerifyingKey,
        tools: _Tools | None = None,
        ttl: int | str | None = None,
        session: Session | bytes | str | None = None,
        task: bytes | None = None,
        audience: str | list[str] | None = None,
        max_depth: int | None = None,
        reason: str | None = None,
        context: str | None = None,
        holder_name: str | None = None,
        not_before: int | None = None,
        approvals: dict[str, Any] | None = None,
        evidence: bytes | None = None,
        budgets: _Budgets | None = None,
    ) -> Chain:
        """A root on behalf of a principal, who stays accountable."""
        options = _given(
            to,
            tools=tools,
            ttl=ttl,
            session=session,
            task=task,
            audience=audience,
            max_depth=max_depth,
            reason=reason,
            context=context,
            holder_name=holder_name,
            not_before=not_before,
            approvals=approvals,
            evidence=evidence,
            budgets=budgets,
        )
        return self.__recorded(
            _native.issue(self.__signing_key, self.__name, to, {**options, "subject": subject, "mode": "on_behalf_of"})
        )

    def issue_own_behalf(
        self,
        *,
        to: Agent | VerifyingKey,
        name: str | None = None,
        tools: _Tools | None = None,
        ttl: int | str | None = None,
        session: Session | bytes | str | None = None,
        task: bytes | None = None,
        audience: str | list[str] | None = None,
        max_depth: int | None = None,
        reason: str | None = None,
        context: str | None = None,
        not_before: int | None = None,
        approvals: dict[str, Any] | None = None,
        evidence: bytes | None = None,
        budgets: _Budgets | None = None,
    ) -> Chain:
        """A root on the holder's own behalf: it is its own principal, by this name, or as the agent is called."""
        options = _given(
            to,
            tools=tools,
            ttl=ttl,
            session=session,
            task=task,
            audience=audience,
            max_depth=max_depth,
            reason=reason,
            context=context,
            holder_name=name,
            not_before=not_before,
            approvals=approvals,
            evidence=evidence,
            budgets=budgets,
        )
        own = {**options, "subject": options.get("holder_name"), "mode": "own_behalf"}
        return self.__recorded(_native.issue(self.__signing_key, self.__name, to, own))

    def issue_impersonation(
        self,
        subject: str,
        *,
        to: Agent | VerifyingKey,
        audience: str | list[str],
        holder_name: str | None = None,
        reason: str | None = None,
        tools: _Tools | None = None,
        ttl: int | str | None = None,
        session: Session | bytes | str | None = None,
        task: bytes | None = None,
        context: str | None = None,
        not_before: int | None = None,
        approvals: dict[str, Any] | None = None,
        evidence: bytes | None = None,
        budgets: _Budgets | None = None,
    ) -> Chain:
        """A root as a principal: at these audiences, by this holder and nobody below it. It takes the principal's
        consent (:meth:`consent`) to use it."""
        options = _given(
            to,
            tools=tools,
            ttl=ttl,
            session=session,
            task=task,
            reason=reason,
            context=context,
            holder_name=holder_name,
            not_before=not_before,
            approvals=approvals,
            evidence=evidence,
            budgets=budgets,
        )
        options |= {
            "subject": subject,
            "mode": "impersonation",
            "audience": audience,
            "holder_name": options.get("holder_name"),
        }
        return self.__recorded(_native.issue(self.__signing_key, self.__name, to, options))

    def delegate(
        self,
        chain: Chain,
        *,
        to: Agent | VerifyingKey,
        tools: _Tools | None = None,
        ttl: int | str | None = None,
        audience: str | list[str] | None = None,
        max_depth: int | None = None,
        reason: str | None = None,
        context: str | None = None,
        holder_name: str | None = None,
        not_before: int | None = None,
        approvals: dict[str, Any] | None = None,
        evidence: bytes | None = None,
        budgets: _Budgets | None = None,
    ) -> Chain:
        """The chain with one more token, which allows no more than its parent."""
        options = _given(
            to,
            tools=tools,
            ttl=ttl,
            audience=audience,
            max_depth=max_depth,
            reason=reason,
            context=context,
            holder_name=holder_name,
            not_before=not_before,
            approvals=approvals,
            evidence=evidence,
            budgets=budgets,
        )
        return self.__recorded(_native.delegate(self.__signing_key, chain, to, options))

    def prove(
        self,
        chain: Chain,
        tool: str,
        arguments: dict[str, Any],
        audience: str,
        challenge: _Bytes | None = None,
        evidence: list[_Evidence] | tuple[_Evidence, ...] | None = None,
    ) -> Presentation:
        """What travels with one attempt of a call. Each attempt, also a retry, needs a new one."""
        return _native.prove(self.__signing_key, chain, tool, arguments, audience, challenge, evidence)

    def approve(self, request: ApprovalRequest, *, ttl: int | str | None = None, reason: str | None = None) -> Approval:
        """Approves one call, whose text (``request.text``) whoever has this key has read."""
        return self.__recorded(_native.approve(self, request, ttl, reason))

    def deny(self, request: ApprovalRequest, *, ttl: int | str | None = None, reason: str | None = None) -> Approval:
        """Says no to one call, which blocks it until this expires."""
        return self.__recorded(_native.deny(self, request, ttl, reason))

    def consent(
        self,
        *,
        holder: Agent | VerifyingKey,
        issuer: str | Agent,
        audience: str,
        tools: list[str] | tuple[str, ...] | None = None,
        ttl: int | str | None = None,
    ) -> Consent:
        """Consents that a holder acts as this agent, with a token of this trust anchor, at this verifier."""
        return self.__recorded(_native.consent(self, holder, issuer, audience, tools, ttl))

    def issue_identity(
        self,
        name: str,
        key: Agent | VerifyingKey,
        *,
        kind: str | None = None,
        state: str | None = None,
        environment: str | None = None,
        attributes: dict[str, str | bool | int] | None = None,
        attestor: str | None = None,
        evidence: bytes | str | None = None,
        ttl: int | str | None = None,
    ) -> Identity:
        """An identity document, by this agent as an authority: who has that key."""
        options = {
            "kind": kind,
            "state": state,
            "environment": environment,
            "attributes": attributes,
            "attestor": attestor,
            "evidence": evidence,
            "ttl": ttl,
        }
        return self.__recorded(_native.issue_identity(self, name, key, options))

    def enrol(self, challenge: _Bytes, authority: str | Agent, attestor: str, evidence: _Bytes | str) -> bytes:
        """Asks an authority for an identity of this agent's key: answers its challenge with evidence."""
        return _native.enrol(self, challenge, authority, attestor, evidence)

    def vouch(
        self,
        child_name: str,
        child_key: Agent | VerifyingKey,
        challenge: _Bytes,
        measurement: _Bytes | str | None = None,
    ) -> bytes:
        """Signs that this agent started another one, which has that key: evidence for its enrolment."""
        return _native.vouch(self, child_name, child_key, challenge, measurement)

    def __repr__(self) -> str:
        return f"Agent({self.__name!r}, {self.did})"

    def __reduce__(self) -> NoReturn:
        raise _not_copied()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise _not_copied()

    def __copy__(self) -> NoReturn:
        raise _not_copied()

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise _not_copied()


def _given(to: object, **options: Any) -> dict[str, Any]:
    """The options that were given; the holder is called as the agent is, unless told otherwise."""
    if options["holder_name"] is None and type(to) is Agent:
        options["holder_name"] = to.name
    return {name: value for name, value in options.items() if value is not None}
