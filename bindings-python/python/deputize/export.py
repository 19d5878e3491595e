"""Records of the audit log in the forms of other systems: OCSF, CloudEvents, OpenTelemetry, and the claim ``act``.

A record is an ``AuditRecord``, an ``AuditEvent``, its JSON, or a dict as ``read_log`` gives it.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from deputize import _native
from deputize._native import AuditEvent, AuditRecord

__all__ = ["Record", "to_act", "to_cloud_event", "to_ocsf", "to_telemetry"]

Record: TypeAlias = AuditRecord | AuditEvent | str | dict[str, Any]


def record_json(record: Record) -> str:
    """The JSON of a record, without arguments of calls unless they are in it already."""
    if isinstance(record, (AuditRecord, AuditEvent)):
        return record.json()
    if isinstance(record, dict):
        try:
            return json.dumps(record, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            raise _native.make_error("malformed", "not a record of a log:", "dict") from None
    return record


def to_act(record: Record) -> dict[str, Any] | None:
    """A decision as claims of RFC 8693; ``None`` unless its caller proved itself. Never authorize by it."""
    return _read(_native.export_act(record_json(record)))


def to_cloud_event(record: Record, origin: str, sequence: int) -> dict[str, Any]:
    """An entry of a log as a structured CloudEvent 1.0, with the record as its ``data``."""
    event: dict[str, Any] = json.loads(_native.export_cloud_event(record_json(record), origin, sequence))
    return event


def to_ocsf(record: Record, origin: str, sequence: int) -> dict[str, Any] | None:
    """An entry of a log as an event of OCSF's class API Activity; ``None`` for what is about no activity."""
    return _read(_native.export_ocsf(record_json(record), origin, sequence))


def to_telemetry(record: Record) -> dict[str, Any]:
    """``attributes``, ``event``, ``severity``, ``span`` and ``status``, as OpenTelemetry names them."""
    telemetry: dict[str, Any] = json.loads(_native.export_telemetry(record_json(record)))
    return telemetry


def _read(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)
