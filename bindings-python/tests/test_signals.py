"""Signals on decisions that a verifier made; the rules are tested in Rust."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import AuditLog, read_log
from deputize.signals import Signal, Signals


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


def test_a_log_watches_itself_and_tells_each_signal_once(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "calls.log"
    told: list[Signal] = []
    chain = story.chain({"deploy": {}, "read": {}})

    def call(log: AuditLog, tool: str) -> Any:
        proof = story.coder.prove(chain, tool, {}, SERVER)
        story.verifier(audit=log).authorize(proof, tool, {})
        return proof

    with AuditLog(path, signals=Signals(learning=0), on_signal=told.append) as log:
        call(log, "deploy")
        call(log, "read")
        call(log, "read")
    assert [(signal.kind, signal.entry) for signal in told] == [("new-agent", 1), ("new-tool", 3)]
    with AuditLog(path, signals=Signals(learning=0), on_signal=told.append) as log:
        call(log, "deploy")
    with AuditLog(path, signals=Signals(learning=0)) as log:
        call(log, "read")
    assert len(told) == 2
    kept = [(record["signal"], record["entry"]) for _, record in read_log(path) if record["kind"] == "signal"]
    assert kept == [("new-agent", 1), ("new-tool", 3)]
    assert [json.loads(signal.record)["signal"] for signal in told] == ["new-agent", "new-tool"]


def test_whoever_is_told_of_signals_may_raise_block_and_use_the_log(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "calls.log"
    told: list[str] = []
    chain = story.chain({"t": {}})

    def on_signal(signal: Signal) -> None:
        told.append(signal.kind)
        depth.append(len(depth))
        assert depth == [0]
        # This gives signals of its own, which are told after this one.
        denied(lambda: verifier.authorize(None, "t", {}))
        denied(lambda: verifier.authorize(None, "t", {}))
        log.append_json(['{"kind":"test"}'])
        depth.pop()
        raise KeyboardInterrupt

    depth: list[int] = []
    log = AuditLog(path, signals=Signals(learning=0, denials=(2, 60), most_per_minute=5), on_signal=on_signal)
    verifier = story.verifier(audit=log)
    with unraisable() as raised:
        assert verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {}).caller == "coder"
    assert told == ["new-agent"] + ["denial-burst"] * 5
    assert raised == [KeyboardInterrupt] * 6
    assert [record["kind"] for _, record in read_log(path)].count("signal") == 6


@contextmanager
def unraisable() -> Iterator[list[type[BaseException] | None]]:
    raised: list[type[BaseException] | None] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda what: raised.append(what.exc_type)
    try:
        yield raised
    finally:
        sys.unraisablehook = before


def test_a_signal_that_is_told_for_long_keeps_no_other_call_waiting(story: Story, tmp_path: Path) -> None:
    go, waiting = threading.Event(), threading.Event()
    told: list[int] = []

    def on_signal(signal: Signal) -> None:
        told.append(signal.entry)
        waiting.set()
        assert go.wait(60)

    log = AuditLog(tmp_path / "calls.log", signals=Signals(learning=0), on_signal=on_signal)
    verifier = story.verifier(audit=log)
    chain = story.chain({"t": {}, "u": {}})
    proofs = {tool: story.coder.prove(chain, tool, {}, SERVER) for tool in ("t", "u")}
    thread = threading.Thread(target=lambda: verifier.authorize(proofs["t"], "t", {}))
    thread.start()
    assert waiting.wait(60)
    verifier.authorize(proofs["u"], "u", {})
    assert told == [1]
    go.set()
    thread.join(60)
    assert told == [1, 3]


def test_only_signals_watch_a_log(tmp_path: Path) -> None:
    path = tmp_path / "calls.log"
    for wrong in ({"signals": True}, {"signals": {}}, {"on_signal": print}, {"signals": Signals(), "on_signal": 5}):
        assert refused(lambda wrong=wrong: AuditLog(path, **wrong)).code == "config-invalid"  # type: ignore[arg-type]
