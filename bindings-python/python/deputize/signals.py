"""What is out of the ordinary in an audit log, told to people. Nothing is blocked by it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from deputize import _native
from deputize.export import Record, record_json

__all__ = ["Signal", "Signals"]


@dataclass(frozen=True)
class Signal:
    """Something out of the ordinary, and the entry that it is about."""

    kind: str
    entry: int
    text: str
    #: The record of the kind ``signal``, as JSON, for ``AuditLog.append_json``.
    record: str


class Signals:
    """Watches a log, record by record. Its memory has fixed bounds.

    Given to an ``AuditLog``, as ``signals``, a copy of it is fed by the log. Otherwise feed it the log from its
    beginning: what it does not know is new to it. ``learning``: so many calls teach without
    being told as new. ``denials`` and ``approvals``: how many, within how many seconds, are a burst.
    """

    def __init__(
        self,
        *,
        learning: int | None = None,
        capacity: int | None = None,
        denials: tuple[int, int] | None = None,
        approvals: tuple[int, int] | None = None,
        most_per_minute: int | None = None,
    ) -> None:
        self.__watch = _native.SignalWatch(learning, capacity, denials, approvals, most_per_minute)

    def observe(self, record: Record, sequence: int) -> list[Signal]:
        """What is out of the ordinary about the next record, which is the entry of that sequence."""
        told = [(json.loads(signal), signal) for signal in self.__watch.observe(record_json(record), sequence)]
        return [Signal(said["signal"], said["entry"], said["text"], signal) for said, signal in told]
