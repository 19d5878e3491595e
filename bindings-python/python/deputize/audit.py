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

_PIECE = 256 * 1024


def read_log(
    path: str | os.PathLike[str], checkpoints: list[Checkpoint] | tuple[Checkpoint, ...] = ()
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a log with their sequences, each checked against what is before it; its end by the checkpoints."""
    check = LogCheck(checkpoints)
    for name in log_files(path):
        with open(name, "rb") as file:
            while piece := file.read(_PIECE):
                for sequence, record in check.push(piece):
                    yield sequence, json.loads(record)
    check.finish()


def open_calls(path: str | os.PathLike[str]) -> list[tuple[int, dict[str, Any]]]:
    """The calls that were allowed and have no outcome: their tools may have run."""
    waiting: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for sequence, record in read_log(path):
        if record["kind"] == "decision" and record["decision"] == "allow":
            waiting[record["chain"][-1]["key"], record["proof"]] = sequence, record
        elif record["kind"] == "outcome":
            waiting.pop((record["caller"], record["proof"]), None)
    return list(waiting.values())
