"""The audit log: what is recorded, what nobody can change unseen, and what is left after a crash."""

from __future__ import annotations

import base64
import hmac
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import (
    Agent,
    ApprovalRequest,
    AuditEvent,
    AuditLog,
    Checkpoint,
    CheckpointPolicy,
    LogCheck,
    MemoryStore,
    NoteKey,
    RevocationList,
    Target,
    Verifier,
    Witness,
    arguments_digest,
    check_log,
    log_files,
    make_receipt,
    open_calls,
    prove_consistency,
    read_log,
    record_sentence,
    rotate,
    verify_receipt,
)

ORIGIN = "acme.example/calls"
HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.log"


def numbered(count: int, start: int = 0) -> list[str]:
    return [f'{{"kind":"test","number":{number}}}' for number in range(start, start + count)]


def kinds(path: Path) -> list[str]:
    return [record["kind"] for _, record in read_log(path)]


def test_each_decision_is_recorded_before_it_is_given(story: Story, path: Path) -> None:
    chain = story.chain({"t": {}})
    with AuditLog(path, arguments=True, sync=True) as log:
        verifier = story.verifier(audit=log)
        verifier.authorize(story.coder.prove(chain, "t", {"a": "é\n"}, SERVER), "t", {"a": "é\n"})
        denied(lambda: verifier.authorize(None, "t", {}))
        denied(lambda: verifier.authorize("x", "t\n", {"a": 1.0}))
        records = [record for _, record in read_log(path)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [record.get("code") for record in records] == [None, "allowed", "proof-missing", "value-unsupported"]
    assert (records[0]["kind"], records[0]["origin"]) == ("opened", "calls.log")
    assert records[1]["arguments"] == {"a": "é\n"}
    call = lambda: verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})  # noqa: E731
    assert denied(call).code == "audit-unavailable"
    assert denied(lambda: verifier.authorize(None, "t", {})).code == "proof-missing"
    log.close()
    with AuditLog(path) as again:
        assert again(denied(lambda: story.verifier().authorize(None, "t", {})).record) is None
        assert again.append(denied(lambda: story.verifier().authorize(None, "t", {})).record) == 5
    assert len(path.read_text().splitlines()) == 6


def test_arguments_that_are_too_long_are_known_by_their_digest(story: Story, path: Path) -> None:
    log = AuditLog(path, arguments=True)
    verifier = story.verifier(audit=log)
    chain = story.chain({"t": {}})
    verifier.authorize(story.coder.prove(chain, "t", {"a": "x" * 500_000}, SERVER), "t", {"a": "x" * 500_000})
    record = list(read_log(path))[-1][1]
    assert "arguments" not in record
    assert len(record["arguments_digest"]) == 64


def test_arguments_are_disclosed_by_name_and_digests_salted(story: Story, tmp_path: Path) -> None:
    arguments = {"amount": 5, "iban": "DE00"}
    chain = story.chain({"t": {}})
    plain = arguments_digest(arguments).hex()

    def recorded(**options: Any) -> dict[str, Any]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.log"
        verifier = story.verifier(audit=AuditLog(path, **options))
        verifier.authorize(story.coder.prove(chain, "t", arguments, SERVER), "t", arguments)
        return list(read_log(path))[-1][1]

    assert (recorded()["arguments_digest"], "arguments" in recorded()) == (plain, False)
    assert recorded(arguments=["amount", "other"])["arguments"] == {"amount": 5}
    salted = recorded(salt=bytes(range(32)))
    mac = hmac.digest(bytes(range(32)), bytes.fromhex(plain), "sha256").hex()
    assert (salted["arguments_digest"], salted["arguments_salted"]) == (mac, True)
    path = tmp_path / "approvals.log"
    bo = Agent.generate("bo", audit=AuditLog(path, salt=bytes(range(32))))
    bo.approve(ApprovalRequest(chain, "t", arguments, SERVER))
    approved = list(read_log(path))[-1][1]
    assert (approved["arguments_digest"], approved["arguments_salted"]) == (mac, True)
    for bad in ({"salt": bytes(31)}, {"salt": "x" * 32}, {"arguments": [5]}, {"arguments": {"a": 1}}):
        assert refused(lambda bad=bad: recorded(**bad)).code == "config-invalid"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_what_is_no_file_is_no_log(tmp_path: Path) -> None:
    for bad in ("/dev/full", tmp_path, tmp_path / "none" / "calls.log"):
        assert refused(lambda bad=bad: AuditLog(bad)).code == "audit-unavailable"
    assert not Path("/dev/full.lock").exists() or os.remove("/dev/full.lock") is None


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_disk_that_takes_no_more_denies_and_loses_nothing(story: Story, path: Path) -> None:
    import resource
    import signal

    log = AuditLog(path)
    verifier = story.verifier(audit=log)
    chain = story.chain({"t": {}})

    def call() -> Any:
        return verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})

    call()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limits[1]))
        assert denied(call).code == "audit-unavailable"
        assert denied(call).code == "audit-unavailable"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    call()
    assert kinds(path) == ["opened", "decision", "decision"]


def test_unrecorded_calls_are_allowed_only_by_name(story: Story) -> None:
    def broken(record: object) -> None:
        raise OSError("no space")

    chain = story.chain({"t": {}})
    for allowed in (False, True):
        verifier = Verifier(trust=[story.ana], audience=SERVER, audit=broken, danger_allow_unrecorded=allowed)
        call = lambda v=verifier: v.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})  # noqa: E731
        if allowed:
            assert call().caller == "coder"
        else:
            assert denied(call).code == "audit-unavailable"
    for bad in (1, "yes", None):
        if bad is not None:
            options: dict[str, Any] = {"danger_allow_unrecorded": bad}
            assert refused(lambda o=options: Verifier(trust=[story.ana], audience=SERVER, **o)).code == "config-invalid"


def test_the_outcome_of_a_call_is_recorded_and_without_it_the_call_is_open(story: Story, path: Path) -> None:
    log = AuditLog(path)
    verifier = story.verifier(audit=log)
    chain = story.chain({"t": {}})
    calls = [verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {}) for _ in range(3)]
    verifier.outcome(calls[0])
    verifier.outcome(calls[2], "timed\nout")
    records = [record for _, record in read_log(path)]
    assert [(record["result"], record.get("error")) for record in records[-2:]] == [
        ("succeeded", None),
        ("failed", "timed\\u{a}out"),
    ]
    assert [sequence for sequence, _ in open_calls(path)] == [2]
    for bad in (None, "x", story):
        assert refused(lambda bad=bad: verifier.outcome(bad)).code == "config-invalid"  # type: ignore[arg-type]


def test_the_delegation_tree_is_rebuilt_from_the_log_alone(path: Path) -> None:
    log = AuditLog(path)
    ana, planner = Agent.generate("ana", audit=log), Agent.generate("planner", audit=log)
    coder, bo = Agent.generate("coder"), Agent.generate("bo", audit=log)
    session = ana.open_session("fix the login")
    chain = ana.issue(to=planner, tools={"deploy": {}, "read": {}}, session=session, reason="fix the login")
    verifier = Verifier(trust=[ana], audience=SERVER, audit=log)
    part = planner.delegate(chain, to=coder, tools={"deploy": {}}, ttl="5m")
    request = ApprovalRequest(part, "deploy", {}, SERVER)
    bo.approve(request, reason="go")
    bo.deny(request)
    ana.consent(holder=coder, issuer=ana, audience=SERVER)
    ana.issue_identity("coder", coder)
    verifier.authorize(coder.prove(part, "deploy", {}, SERVER), "deploy", {})
    RevocationList(1, revoke=[Target.key(coder.key)]).sign(ana, "1h")
    rotate(ana, Agent.generate("ana2"))
    verifier.revoke_key(coder)
    verifier.close_session("ana", session.id)
    records = [record for _, record in read_log(path)]
    assert [record["kind"] for record in records] == [
        "opened", "session_opened", "issued", "delegated", "approved", "refused", "consented", "identified",
        "decision", "revoked", "rotated", "revoked", "revoked",
    ]  # fmt: skip
    by_kind = {record["kind"]: record for record in records}
    delegated = by_kind["delegated"]
    assert (delegated["by"], delegated["tools"]) == (planner.did, ["deploy"])
    assert [holder["name"] for holder in delegated["chain"]] == ["planner", "coder"]
    assert {record["session"] for record in records if "session" in record} == {session.id.hex()}
    assert records[-1]["targets"] == [f"session:{session.id.hex()}"]
    assert records[-4]["targets"] == [f"key:{coder.did}"]
    sentences = [record_sentence(json.dumps(record)) for record in records]
    assert "planner delegated deploy to coder for ana until" in sentences[3]
    assert "bo approved deploy (request" in sentences[4]


def test_no_secret_no_token_and_no_signature_is_in_a_record(path: Path) -> None:
    log = AuditLog(path, arguments=["shown"])
    seeds = [bytes(range(start, start + 32)) for start in (1, 51, 101)]
    ana, planner, coder = (
        Agent.from_seed(name, seed, audit=log) for name, seed in zip(("ana", "planner", "coder"), seeds, strict=True)
    )
    verifier = Verifier(trust=[ana], audience=SERVER, audit=log)
    chain = planner.delegate(ana.issue(to=planner, tools={"t": {}}), to=coder, tools={"t": {}})
    arguments = {"password": "correct horse battery staple", "shown": 1}
    presentation = coder.prove(chain, "t", arguments, SERVER)
    verifier.outcome(verifier.authorize(presentation, "t", arguments))
    approval = planner.deny(ApprovalRequest(ana.issue(to=coder, tools={"t": {}}), "t", arguments, SERVER))
    written = path.read_bytes()
    assert b"correct horse" not in written
    secrets = [*seeds, *(token[-64:] for token in chain.tokens), approval.bytes[-64:], presentation.bytes[-64:]]
    for secret in secrets:
        for start in range(len(secret) - 8):
            window = secret[start : start + 9]
            texts = (window.hex().encode(), base64.b64encode(window).rstrip(b"="), window)
            assert not any(text in written for text in texts)


def test_an_agent_whose_sink_fails_gives_nothing_away(story: Story) -> None:
    def broken(event: AuditEvent) -> None:
        raise RuntimeError("down")

    ana = Agent.generate("ana", audit=broken)
    assert refused(lambda: ana.issue(to=story.coder, tools={})).code == "audit-unavailable"
    assert refused(ana.open_session).code == "audit-unavailable"
    assert refused(lambda: RevocationList(1).sign(ana, "1h")).code == "audit-unavailable"
    assert refused(lambda: rotate(ana, story.coder)).code == "audit-unavailable"
    assert refused(lambda: Agent.generate("x", audit=5)).code == "config-invalid"  # type: ignore[arg-type]
    seen: list[AuditEvent] = []
    Agent.generate("ana", audit=seen.append).issue(to=story.coder, tools={})
    assert (seen[0].kind, json.loads(seen[0].json())["kind"]) == ("issued", "issued")
    assert "issued" in seen[0].sentence
    assert seen[0].time_ms > 0


def test_every_change_is_named_with_its_place(path: Path) -> None:
    log = AuditLog(path, origin=ORIGIN)
    log.append_json(numbered(9))
    assert check_log(path).anchored is None
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    anchor = Checkpoint(ORIGIN, 10, check_log(path).root)
    assert check_log(path, [anchor]).anchored == 10

    def judged(data: bytes) -> tuple[str, int | None]:
        path.write_bytes(data)
        error = refused(lambda: check_log(path, [anchor]))
        assert refused(lambda: list(read_log(path, [anchor]))).code == error.code
        return error.code, error.entry

    assert judged(whole.replace(b'"number":4', b'"number":5', 1)) == ("log-changed", 5)
    assert judged(whole.replace(b'"number":8', b'"number":9', 1)) == ("log-changed", 0)
    assert judged(b"".join(lines[:7])) == ("log-truncated", 7)
    assert judged(b"".join(lines[:4] + lines[5:])) == ("log-gap", 4)
    assert judged(b"".join([*lines[:4], lines[5], lines[4], *lines[6:]])) == ("log-gap", 4)
    assert judged(whole[:-5]) == ("log-torn", 9)
    assert judged(b"hello\n") == ("log-malformed", 0)
    assert refused(lambda: check_log(path.parent / "none")).code == "audit-unavailable"
    path.write_bytes(whole)
    fault = refused(lambda: LogCheck().push(whole.replace(b'"number":4', b'"number":5', 1)))
    assert (fault.code, fault.entry, fault.args) == ("log-changed", 5, (str(fault),))


def test_a_log_that_was_cut_is_not_gone_on_with(path: Path) -> None:
    key = Agent.generate("log")
    with AuditLog(path, origin=ORIGIN, key=key, checkpoint_every=5) as log:
        log.append_json(numbered(20))
        assert log.latest_checkpoint is not None
    note = path.with_name("calls.log.checkpoint").read_text()
    policy = CheckpointPolicy([NoteKey.of_log(ORIGIN, key)])
    checkpoint = policy.verify(note)
    assert (checkpoint.size, checkpoint.origin) == (21, ORIGIN)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:15]))
    assert refused(lambda: AuditLog(path, origin=ORIGIN, key=key)).code == "log-truncated"
    path.with_name("calls.log.checkpoint").unlink()
    assert refused(lambda: AuditLog(path, origin=ORIGIN, expect=[checkpoint])).code == "log-truncated"
    path.write_bytes(b"".join(lines))
    assert AuditLog(path, origin=ORIGIN, expect=[checkpoint]).size == 21
    assert refused(lambda: AuditLog(path, origin="other")).code == "log-foreign"
    assert refused(lambda: AuditLog(path, origin="a b")).code == "name-invalid"
    assert refused(lambda: AuditLog(path, origin=ORIGIN).checkpoint()).code == "config-invalid"
    for bad in ({"key": 5}, {"expect": [5]}, {"arguments": 1}, {"sync": "x"}, {"rotate_at": -1}, {"clock": 5}):
        code = refused(lambda bad=bad: AuditLog(path, origin=ORIGIN, **bad)).code  # type: ignore[arg-type]
        assert code in ("config-invalid", "key-invalid")


def test_witnesses_and_receipts(path: Path) -> None:
    key, watcher = Agent.generate("log"), Agent.generate("w1.example")
    log = AuditLog(path, origin=ORIGIN, key=key)
    log.append_json(numbered(6))
    first = log.checkpoint()
    log.append_json(numbered(6))
    second = log.checkpoint()
    policy = CheckpointPolicy([NoteKey.of_log(ORIGIN, key)])
    witness = Witness(watcher, policy)
    line = witness.cosign(first)
    assert refused(lambda: witness.cosign(second)).code == "checkpoint-inconsistent"
    proof = prove_consistency(path, 7, policy.verify(second))
    line = witness.cosign(second, proof)
    assert refused(lambda: witness.cosign(first)).code == "checkpoint-rollback"
    forked = Checkpoint(ORIGIN, 13, bytes(32)).sign(key)
    assert refused(lambda: witness.cosign(forked)).code == "checkpoint-equivocation"
    assert witness.seen == second
    restarted = Witness(watcher, policy, seen=witness.seen)
    assert refused(lambda: restarted.cosign(first)).code == "checkpoint-rollback"
    cosigned = CheckpointPolicy([NoteKey.of_log(ORIGIN, key)], [NoteKey.of_witness("w1.example", watcher)])
    assert cosigned.verify(second + line).size == 13
    assert refused(lambda: cosigned.verify(second)).code == "checkpoint-invalid"

    lines = path.read_text().splitlines()
    receipt = make_receipt(path, 3, second)
    assert verify_receipt(receipt, lines[3], policy).size == 13
    assert refused(lambda: verify_receipt(receipt, lines[4], policy)).code == "receipt-invalid"
    assert refused(lambda: make_receipt(path, 13, second)).code == "config-invalid"
    text = str(NoteKey.of_log(ORIGIN, key))
    assert NoteKey.from_text(text) == NoteKey.of_log(ORIGIN, key)
    assert refused(lambda: NoteKey.from_text(text[:-1])).code == "checkpoint-invalid"


def test_garbage_from_anybody_fills_no_disk(story: Story, path: Path) -> None:
    now = [int(time.time() * 1000)]
    clock = lambda: now[0]  # noqa: E731
    log = AuditLog(path, unproven_per_minute=10, clock=clock)
    verifier = story.verifier(audit=log, clock=clock)
    chain = story.chain({"t": {}})
    for _ in range(500):
        denied(lambda: verifier.authorize(b"garbage", "t", {}))
        denied(lambda: verifier.authorize(None, "t", {}))
    verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})
    assert len(kinds(path)) == 12
    now[0] += 61_000
    denied(lambda: verifier.authorize(None, "t", {}))
    denied(lambda: verifier.authorize(None, "t", {}))
    log.close()
    suppressed = [record for _, record in read_log(path) if record["kind"] == "suppressed"]
    assert [record["suppressed"] for record in suppressed] == [{"malformed": 495, "proof-missing": 495}]
    assert len(kinds(path)) == 15


def test_sixty_four_threads_of_eight_processes_make_one_chain(path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, HERE / "log_threads.py", str(path), str(n)]) for n in range(8)]
    assert [process.wait(120) for process in processes] == [0] * 8
    written = [(r["writer"], r["number"]) for _, r in read_log(path) if r["kind"] == "test"]
    assert len(written) == len(set(written)) == 8 * 64 * 10 * 4
    assert len(log_files(path)) > 2
    assert check_log(path).size == len(written) + kinds(path).count("continued") + 1


@pytest.mark.parametrize(("rotate_at", "sync"), [(10_000_000, "sync"), (1500, "")])
def test_killed_at_any_moment_nothing_that_was_acknowledged_is_lost(path: Path, rotate_at: int, sync: str) -> None:
    pause = random.Random(5)
    for round_number in range(12):
        arguments = [str(path), str(rotate_at), sync, "100000", str(round_number)]
        process = subprocess.Popen(
            [sys.executable, HERE / "log_writer.py", *arguments], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(pause.random() / 50)
        process.kill()
        acknowledged = [
            int(line) for line in (first + process.stdout.read()).splitlines(keepends=True) if line.endswith("\n")
        ]
        process.wait()
        AuditLog(path, origin=ORIGIN).close()
        found = {r["number"] for _, r in read_log(path) if r["kind"] == "test" and r["writer"] == str(round_number)}
        assert set(acknowledged) <= found
        assert len(found) <= len(acknowledged) + 1


def test_a_sink_may_use_the_verifier_and_be_shared_by_threads(story: Story, path: Path) -> None:
    log = AuditLog(path)
    chain = story.chain({"t": {}})
    inner = story.verifier()

    def sink(record: Any) -> None:
        denied(lambda: inner.authorize(None, "t", {}))
        log(record)

    verifier = Verifier(trust=[story.ana], audience=SERVER, audit=sink, store=MemoryStore())
    proofs = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(80)]
    threads = [
        threading.Thread(target=lambda part=part: [verifier.authorize(proof, "t", {}) for proof in part])
        for part in (proofs[n::8] for n in range(8))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds(path).count("decision") == 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
def test_a_forked_process_opens_its_own_log(path: Path) -> None:
    log = AuditLog(path, origin=ORIGIN)
    child = os.fork()
    if child == 0:
        try:
            log.append_json(numbered(1))
            os._exit(1)
        except Exception as error:
            if getattr(error, "code", None) != "audit-unavailable":
                os._exit(2)
        AuditLog(path, origin=ORIGIN).append_json(numbered(1))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    log.append_json(numbered(1))
    assert check_log(path).size == 3


def test_wrong_types_are_refused(path: Path) -> None:
    log = AuditLog(path, origin=ORIGIN)
    for bad in (None, 5, "{}", {}):
        assert refused(lambda bad=bad: log.append(bad)).code == "config-invalid"  # type: ignore[arg-type]
    for bad in ([5], ["x"], ["{} "], ["[]"], "{}", None):
        assert refused(lambda bad=bad: log.append_json(bad)).code == "log-malformed"  # type: ignore[arg-type]
    assert log.size == 1
    check = LogCheck()
    assert refused(lambda: check.push(5)).code == "log-malformed"  # type: ignore[arg-type]
    check.finish()
    assert refused(check.finish).code == "config-invalid"
    assert refused(lambda: check.push(b"")).code == "config-invalid"

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_log(path, progress=stop)
