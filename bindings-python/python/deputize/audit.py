"""The audit log: its file, how it is checked, and how it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from deputize._native import (
    AuditEvent,
    AuditLog,
    Checkpoint,
    CheckpointPolicy,
    LogCheck,
    LogReader,
    LogReport,
    NoteKey,
    Witness,
    check_log,
    log_files,
    make_receipt,
    prove_consistency,
    record_sentence,
    verify_receipt,
)

__all__ = [
    "AuditEvent",
    "AuditLog",
    "Checkpoint",
    "CheckpointPolicy",
    "LogCheck",
    "LogReport",
    "NoteKey",
    "Witness",
    "check_log",
    "log_files",
    "make_receipt",
    "open_calls",
    "prove_consistency",
    "read_log",
    "record_sentence",
    "verify_receipt",
]


def read_log(
    path: str | os.PathLike[str], checkpoints: list[Checkpoint] | tuple[Checkpoint, ...] = ()
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a log with their sequences, each checked against what is before it; its end by the checkpoints."""
    check = LogCheck(checkpoints)
    for piece in LogReader(path):
        for sequence, record in check.push(piece):
            yield sequence, json.loads(record)
    check.finish()


def open_calls(path: str | os.PathLike[str]) -> list[tuple[int, dict[str, Any]]]:
    """The calls that were allowed and have no outcome: their tools may have run."""
    waiting: dict[object, tuple[int, dict[str, Any]]] = {}
    for sequence, record in read_log(path):
        if record.get("kind") == "decision" and record.get("decision") == "allow":
            waiting[_call(record) or sequence] = sequence, record
        elif record.get("kind") == "outcome":
            waiting.pop(_named(record.get("caller"), record.get("proof")), None)
    return list(waiting.values())


def _call(record: dict[str, Any]) -> tuple[str, str] | None:
    """What names an allowed call: its last holder and its proof. A log holds whatever was put into it."""
    try:
        return _named(record["chain"][-1]["key"], record["proof"])
    except (KeyError, IndexError, TypeError):
        return None


def _named(key: object, proof: object) -> tuple[str, str] | None:
    return (key, proof) if isinstance(key, str) and isinstance(proof, str) else None
