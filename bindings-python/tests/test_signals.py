"""Signals on decisions that a verifier made; the rules are tested in Rust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import AuditLog, read_log
from deputize.signals import Signals


def test_a_log_is_watched_and_signals_go_into_it(story: Story, tmp_path: Path) -> None:
    signals = Signals(learning=0)
    told = []
    with AuditLog(tmp_path / "calls.log") as log:

        def sink(record: Any) -> None:
            sequence = log.append(record)
            if sequence is not None:
                told.extend(signals.observe(record, sequence))

        chain = story.chain({"deploy": {}, "read": {}})
        verifier = story.verifier(audit=sink)
        proof = story.coder.prove(chain, "deploy", {}, SERVER)
        verifier.authorize(proof, "deploy", {})
        verifier.authorize(story.coder.prove(chain, "read", {}, SERVER), "read", {})
        denied(lambda: verifier.authorize(proof, "deploy", {}))
        log.append_json([signal.record for signal in told])
    assert [(signal.kind, signal.entry) for signal in told] == [("new-agent", 1), ("new-tool", 2), ("proof-replay", 3)]
    assert told[1].text == "coder never called read before"
    records = [record for _, record in read_log(tmp_path / "calls.log")]
    assert [record["signal"] for record in records if record["kind"] == "signal"] == [signal.kind for signal in told]
    again = Signals(learning=0)
    assert [signal for at, record in enumerate(records) for signal in again.observe(record, at)] == told


def test_thresholds_are_taken_and_wrong_ones_refused() -> None:
    record = {"kind": "decision", "decision": "deny", "code": "malformed", "time": "2026-11-21T08:00:00.000Z"}
    signals = Signals(learning=1, capacity=16, denials=(2, 60), approvals=(2, 1), most_per_minute=1)
    told = [signal.kind for at in range(4) for signal in signals.observe(json.dumps(record), at)]
    assert told == ["denial-burst"]
    for wrong in (
        {"learning": -1},
        {"capacity": 15},
        {"denials": (1, 60)},
        {"denials": 20},
        {"approvals": (3, 0)},
        {"approvals": (3, 10, 1)},
        {"most_per_minute": True},
    ):
        assert refused(lambda wrong=wrong: Signals(**wrong)).code == "config-invalid"  # type: ignore[misc]


@pytest.mark.parametrize("record", ["", "[]", {"kind": 1}, None])
def test_what_is_no_record_is_malformed(record: Any) -> None:
    assert refused(lambda: Signals().observe(record, 0)).code == "malformed"
