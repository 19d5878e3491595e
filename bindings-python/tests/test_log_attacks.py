"""The audit log under attack: sinks that fail in every way, threads, forks, readers beside writers, logs that lie."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, denied, outcome, refused
from deputize import (
    Agent,
    AuditLog,
    MemoryStore,
    ParentAttestor,
    Registrar,
    RenewalPolicy,
    Verifier,
    check_log,
    log_files,
    open_calls,
    read_log,
)

HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.log"


def kinds(path: Path) -> list[str]:
    return [record["kind"] for _, record in read_log(path)]


def test_renewed_tokens_are_recorded_and_given_to_nobody_without_it(path: Path) -> None:
    working = [True]
    log = AuditLog(path)

    def sink(record: Any) -> None:
        if not working[0]:
            raise OSError("no space")
        log(record)

    ana, planner, coder = (Agent.generate(name, audit=sink) for name in ("ana", "planner", "coder"))
    root = ana.issue(to=planner, tools={"t": {}}, ttl=60)
    chain = planner.delegate(root, to=coder, tools={"t": {}}, ttl=30)
    policy = RenewalPolicy("1h", int(time.time()) + 86_400)
    renewed = policy.renew_root(ana, root)
    assert renewed is not None
    assert policy.renew(planner, renewed, chain) is not None
    assert kinds(path) == ["opened", "issued", "delegated", "issued", "delegated"]
    working[0] = False
    assert refused(lambda: policy.renew_root(ana, root)).code == "audit-unavailable"
    assert refused(lambda: policy.renew(planner, renewed, chain)).code == "audit-unavailable"


def test_identities_of_a_registrar_are_recorded_and_given_to_nobody_without_it(path: Path) -> None:
    working = [True]
    log = AuditLog(path)

    def sink(record: Any) -> None:
        if not working[0]:
            raise OSError("no space")
        log(record)

    ids, runner, child = Agent.generate("ids", audit=sink), Agent.generate("runner"), Agent.generate("child")
    store, registrar = MemoryStore(), Registrar(ids, [ParentAttestor("parent", [runner])])

    def request() -> bytes:
        challenge = registrar.challenge()
        return child.enrol(challenge, ids, "parent", runner.vouch("runner/child", child, challenge))

    registrar.enrol(request(), store)
    registrar.issue(registrar.admit(request(), store))
    assert kinds(path) == ["opened", "identified", "identified"]
    working[0] = False
    assert refused(lambda: registrar.enrol(request(), store)).code == "audit-unavailable"


class Raising:
    """Whatever is asked of it fails."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError(name)


def later() -> Any:
    yield


async def much_later() -> Any:
    yield


@pytest.mark.parametrize("answer", [later, much_later, Future, Raising], ids=lambda answer: answer.__name__)
def test_a_sink_that_puts_it_off_has_recorded_nothing(story: Story, answer: Callable[[], Any]) -> None:
    chain = story.chain({"t": {}})
    verifier = story.verifier(audit=lambda _: answer())
    call = lambda: verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})  # noqa: E731
    assert denied(call).code == "audit-unavailable"
    assert denied(lambda: verifier.authorize(None, "t", {})).code == "proof-missing"
    ana = Agent.generate("ana", audit=lambda _: answer())
    assert refused(ana.open_session).code == "audit-unavailable"


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_ends_the_program_in_a_sink_ends_it_and_allows_nothing(story: Story, ending: type[BaseException]) -> None:
    def sink(_: object) -> None:
        raise ending

    chain = story.chain({"t": {}})
    for unrecorded in (False, True):
        verifier = story.verifier(audit=sink, danger_allow_unrecorded=unrecorded)
        with pytest.raises(ending):
            verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})


def test_unrecorded_calls_that_are_allowed_allow_nothing_else(story: Story) -> None:
    working = [False]
    seen: list[Any] = []

    def sink(record: Any) -> None:
        if not working[0]:
            raise OSError("no space")
        seen.append(record)

    chain = story.chain({"t": {}})
    careless = story.verifier(audit=sink, danger_allow_unrecorded=True)
    careful = story.verifier(audit=sink)
    call = lambda verifier: verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})  # noqa: E731
    authorized = call(careless)
    assert denied(lambda: call(careful)).code == "audit-unavailable"
    assert refused(lambda: careless.outcome(authorized)).code == "audit-unavailable"
    assert refused(lambda: careless.revoke_key(story.coder)).code == "audit-unavailable"
    working[0] = True
    assert denied(lambda: call(careless)).code == "key-revoked"


def test_a_sink_that_blocks_blocks_its_own_call_and_no_other(story: Story, path: Path) -> None:
    """AUD-18: a sink that raises, blocks, re-enters the verifier, or destroys the log."""
    log = AuditLog(path)
    go, waiting = threading.Event(), threading.Event()
    first = [True]

    def sink(record: Any) -> None:
        if first[0]:
            first[0] = False
            waiting.set()
            assert go.wait(60)
        log(record)

    verifier = Verifier(trust=[story.ana], audience=SERVER, audit=sink)
    chain = story.chain({"t": {}})
    proofs = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(8)]
    held: list[Any] = []
    thread = threading.Thread(target=lambda: held.append(verifier.authorize(proofs[0], "t", {})))
    thread.start()
    assert waiting.wait(60)
    for proof in proofs[1:]:
        verifier.authorize(proof, "t", {})
    assert (held, kinds(path)[1:]) == ([], ["decision"] * 7)
    go.set()
    thread.join(60)
    assert (len(held), kinds(path)[1:]) == (1, ["decision"] * 8)


def test_a_sink_that_reenters_the_verifier_and_destroys_its_log_ends_with_a_denial(story: Story, path: Path) -> None:
    log = AuditLog(path)
    depth = [0]

    def sink(record: Any) -> None:
        log(record)
        if depth[0] < 2:
            depth[0] += 1
            verifier.authorize(proofs[depth[0]], "t", {})
            assert denied(lambda: verifier.authorize(None, "t", {})).code == "proof-missing"

    verifier = Verifier(trust=[story.ana], audience=SERVER, audit=sink)
    chain = story.chain({"t": {}})
    proofs = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(4)]
    verifier.authorize(proofs[0], "t", {})
    assert kinds(path).count("decision") == 5
    path.unlink()
    call = lambda: verifier.authorize(proofs[3], "t", {})  # noqa: E731
    assert denied(call).code == "audit-unavailable"
    assert not path.exists()

    closing = AuditLog(path.with_name("other.log"))

    def close(record: Any) -> None:
        closing.close()
        closing(record)

    verifier = Verifier(trust=[story.ana], audience=SERVER, audit=close)
    proof = story.coder.prove(chain, "t", {}, SERVER)
    assert denied(lambda: verifier.authorize(proof, "t", {})).code == "audit-unavailable"


def test_a_log_that_is_closed_while_threads_write_it_refuses_and_breaks_nothing(story: Story, path: Path) -> None:
    log = AuditLog(path)
    verifier = story.verifier(audit=log)
    chain = story.chain({"t": {}})
    proofs = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(200)]
    codes: list[str] = []

    def run(part: list[Any]) -> None:
        codes.extend(outcome(lambda proof=proof: verifier.authorize(proof, "t", {})) for proof in part)

    threads = [threading.Thread(target=run, args=(proofs[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    while len(codes) < 40:
        time.sleep(0.001)
    log.close()
    for thread in threads:
        thread.join()
    assert set(codes) <= {"allowed", "audit-unavailable"}
    assert codes.count("allowed") == kinds(path).count("decision")


def run_python(code: str, *arguments: str) -> None:
    """In a process of its own, which a deadlock does not keep from ending."""
    try:
        done = subprocess.run([sys.executable, "-c", code, *arguments], timeout=60, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        pytest.fail("the process hangs")
    assert done.returncode == 0, done.stderr


PUSHING = """
import sys, threading
from deputize import DeputizeError, LogCheck
piece = open(sys.argv[1], "rb").read(500_000)
for _ in range(50):
    check, together = LogCheck(), threading.Barrier(4)
    def push():
        together.wait()
        try:
            check.push(piece)
        except DeputizeError:
            pass
    threads = [threading.Thread(target=push) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


def test_threads_that_share_a_check_wait_for_one_another_and_end(path: Path) -> None:
    AuditLog(path).append_json([json.dumps({"kind": "test", "n": n}, separators=(",", ":")) for n in range(20_000)])
    run_python(PUSHING, str(path))


LOOKING = """
import fcntl, sys, threading, time
from deputize import AuditLog
log = AuditLog(sys.argv[1])
lock = open(sys.argv[1] + ".lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
thread = threading.Thread(target=lambda: log.append_json(['{"kind":"test"}']))
thread.start()
time.sleep(0.3)
looker = threading.Thread(target=lambda: (log.size, log.latest_checkpoint))
looker.start()
time.sleep(0.3)
fcntl.flock(lock, fcntl.LOCK_UN)
thread.join()
looker.join()
assert log.size == 2
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_whoever_looks_at_a_log_that_waits_for_its_turn_keeps_nobody_from_running(path: Path) -> None:
    run_python(LOOKING, str(path))


FORKING = """
import os, signal, sys, threading, time
from deputize import AuditLog
log = AuditLog(sys.argv[1], sync=True)
done = False
def write():
    while not done:
        log.append_json(['{"kind":"test"}'])
thread = threading.Thread(target=write)
thread.start()
children, parent = [], os.getpid()
for _ in range(40):
    child = os.fork()
    if child == 0:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(0)
    children.append(child)
    time.sleep(0.002)
size = log.size
deadline = time.monotonic() + 20
while log.size <= size + 3:
    if time.monotonic() > deadline:
        print("stuck", file=sys.stderr)
        [os.kill(child, signal.SIGKILL) for child in children]
        os._exit(1)
    time.sleep(0.01)
done = True
thread.join()
[os.kill(child, signal.SIGKILL) for child in children]
[os.waitpid(child, 0) for child in children]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
def test_a_process_that_was_forked_in_the_middle_of_an_append_keeps_nobody_from_the_log(path: Path) -> None:
    run_python(FORKING, str(path))


def test_a_log_is_read_as_it_is_while_others_write_and_put_files_away(path: Path) -> None:
    arguments = [str(path), "3000", "", "20000", "w"]
    writer = subprocess.Popen([sys.executable, HERE / "log_writer.py", *arguments], stdout=subprocess.DEVNULL)
    try:
        while not path.exists() or len(log_files(path)) < 3:
            time.sleep(0.01)
        for _ in range(20):
            sizes = [sequence for sequence, _ in read_log(path)]
            assert sizes == list(range(len(sizes)))
            assert check_log(path).size >= len(sizes)
    finally:
        writer.kill()
        writer.wait()


FEW = """
import resource, sys
from deputize import AuditLog, check_log, read_log
log = AuditLog(sys.argv[1], rotate_at=1)
for _ in range(300):
    log.append_json(['{"kind":"test"}'])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
assert check_log(sys.argv[1]).size == 601
assert len(list(read_log(sys.argv[1]))) == 601
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_log_of_more_files_than_can_be_open_is_read(path: Path) -> None:
    run_python(FEW, str(path))


def test_a_check_stops_where_its_progress_raises(path: Path) -> None:
    AuditLog(path, rotate_at=2000).append_json(['{"kind":"test"}'])
    with AuditLog(path, rotate_at=2000) as log:
        for _ in range(200):
            log.append_json(['{"kind":"test"}'])
    told: list[tuple[int, int]] = []

    def stop(done: int, of: int) -> None:
        told.append((done, of))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_log(path, progress=stop)
    assert len(told) == 1
    told.clear()
    check_log(path, progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] > 2000


@pytest.mark.parametrize(
    "record",
    [
        "{}",
        '{"decision":"allow","kind":"decision"}',
        '{"chain":[],"decision":"allow","kind":"decision","proof":"a"}',
        '{"chain":[[]],"decision":"allow","kind":"decision","proof":{}}',
        '{"chain":[{"key":{}}],"decision":"allow","kind":"decision","proof":[1]}',
        '{"chain":7,"decision":"allow","kind":"decision"}',
        '{"caller":{},"kind":"outcome","proof":[]}',
        '{"kind":"outcome"}',
        '{"kind":[]}',
    ],
)
def test_open_calls_of_a_log_that_lies_are_counted_all_the_same(story: Story, path: Path, record: str) -> None:
    log = AuditLog(path)
    story.verifier(audit=log).authorize(story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER), "t", {})
    log.append_json([record])
    assert [sequence for sequence, _ in open_calls(path)] == ([1, 2] if "allow" in record else [1])


def test_a_number_of_entries_between_checkpoints_needs_a_key(path: Path) -> None:
    assert refused(lambda: AuditLog(path, checkpoint_every=5)).code == "config-invalid"
    assert not path.exists()


def test_a_denial_and_its_record_are_tied_by_the_proof(story: Story, path: Path) -> None:
    verifier = story.verifier(audit=AuditLog(path))
    proof = story.coder.prove(story.chain({"t": {}}), "u", {}, SERVER)
    told = denied(lambda: verifier.authorize(proof, "u", {}))
    assert told.record.proof == list(read_log(path))[-1][1]["proof"]
    assert denied(lambda: verifier.authorize(None, "u", {})).record.proof is None


def test_the_log_outlives_loops_and_tasks_that_are_cancelled(story: Story, path: Path) -> None:
    log = AuditLog(path, sync=True)
    verifier = story.verifier(audit=log)
    chain = story.chain({"t": {}})
    proofs = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(50)]

    async def call(proof: Any) -> None:
        authorized = await asyncio.to_thread(verifier.authorize, proof, "t", {})
        await asyncio.to_thread(verifier.outcome, authorized)

    async def main() -> None:
        tasks = [asyncio.create_task(call(proof)) for proof in proofs]
        await asyncio.sleep(0.005)
        for task in tasks[::2]:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    log.close()
    decisions, outcomes = kinds(path).count("decision"), kinds(path).count("outcome")
    assert decisions >= 25
    assert len(open_calls(path)) == decisions - outcomes
