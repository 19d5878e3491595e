"""The state file: what a trust state accepted is there after a restart, also after one in the midst of writing."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, outcome, refused
from deputize import (
    Agent,
    Authority,
    RevocationList,
    StateFile,
    Target,
    TrustState,
    Verifier,
    rotate,
)
from state_process import ANA, following

KILLS = 20
PROCESS = Path(__file__).with_name("state_process.py")


def state(**options: Any) -> TrustState:
    return TrustState([ANA], **options)


def signed(number: int, by: Agent = ANA, **options: Any) -> bytes:
    return RevocationList(number, **options).sign(by, "1h")


def sequence(of: TrustState) -> int | None:
    held = of.held("ana")
    return None if held is None else held["sequence"]


def opened(path: Path) -> int | None:
    """What a new process would know."""
    return sequence(StateFile.open(path, state()).state)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trust.state"


@pytest.fixture
def file(path: Path) -> StateFile:
    file = StateFile.create(path, state())
    assert file.apply_list(signed(1)) == "accepted"
    return file


def test_what_was_accepted_is_there_after_a_restart(path: Path, file: StateFile, story: Story) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    anew = Agent.generate("planner")
    change, rotation = signed(2, base=1, revoke=[Target.key(story.coder)]), rotate(story.planner, anew)
    assert [file.apply_list(change) for _ in range(2)] == ["accepted", "unchanged"]
    assert [file.apply_rotation(rotation) for _ in range(2)] == ["accepted", "unchanged"]
    other = rotate(story.planner, Agent.generate("planner"))
    assert refused(lambda: file.apply_rotation(other)).code == "rotation-equivocation"

    again = StateFile.open(str(path), state()).state
    assert (again.held("ana"), again.evidence) == (file.state.held("ana"), file.state.evidence)
    assert [found["code"] for found in again.evidence] == ["rotation-equivocation"]
    assert [(used["key"], used["retired"]) for used in again.keys_of(story.planner)] == [
        (story.planner.key, True),
        (anew.key, False),
    ]
    verifier = Verifier(trust=[ANA], audience=SERVER, state=again)
    for agent, code in ((story.coder, "key-revoked"), (story.planner, "key-retired"), (anew, "allowed")):
        chain = ANA.issue(to=agent, tools={"read": {}})
        call = agent.prove(chain, "read", {}, SERVER)
        assert outcome(lambda call=call: verifier.authorize(call, "read", {})) == code


def test_processes_take_over_from_each_other(path: Path, file: StateFile) -> None:
    def in_another_process() -> int:
        ran = subprocess.run([sys.executable, PROCESS, "once", path], check=True, capture_output=True, timeout=60)
        return int(ran.stdout)

    for number in (2, 4):
        assert in_another_process() == number
        assert sequence(file.state) == number - 1
        # A change to what the other one took.
        assert file.apply_list(signed(number + 1, base=number)) == "accepted"
        assert sequence(file.state) == number + 1
    assert in_another_process() == 6
    file.refresh()
    assert sequence(file.state) == opened(path) == 6


def test_a_process_that_is_killed_leaves_what_it_kept(path: Path, file: StateFile) -> None:
    kept = 1
    for kill in range(KILLS):
        process = subprocess.Popen([sys.executable, PROCESS, "keep", path], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        # Once it is at work, at an instant that is another each time.
        kept = int(process.stdout.readline())
        time.sleep(kill * 397 % 20_000 / 1e6)
        process.kill()
        kept = max([kept, *map(int, process.stdout.read().split())])
        process.wait()
        process.stdout.close()
        found = opened(path)
        assert found in (kept, kept + 1), (kill, kept, found)
    file.refresh()
    assert sequence(file.state) == found
    assert file.apply_list(following(file.state)) == "accepted"


def test_a_file_that_is_not_whole_not_ours_or_not_private_is_never_an_empty_state(path: Path, file: StateFile) -> None:
    good = path.read_bytes()

    def unavailable(what: object) -> None:
        assert refused(lambda: opened(path)).code == "state-unavailable", what
        assert refused(file.refresh).code == "state-unavailable", what
        assert refused(lambda: file.apply_list(signed(9))).code == "state-unavailable", what
        assert sequence(file.state) == 1

    for at in range(0, len(good), 5):
        path.write_bytes(good[:at])
        unavailable(("cut", at))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert refused(lambda: opened(path)).code == "state-unavailable", ("flipped", at)
    for wrong in (b"", b"hello", signed(1), good + b"\0"):
        path.write_bytes(wrong)
        unavailable(wrong)
    path.write_bytes(good)
    for mode in (0o602, 0o620, 0o604, 0o640, 0o644, 0o666):
        path.chmod(mode)
        unavailable(oct(mode))
    path.chmod(0o600)
    path.parent.chmod(0o777)
    unavailable("a folder that others can write in")
    path.parent.chmod(0o700)
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    unavailable("gone")
    path.symlink_to(elsewhere)
    unavailable("a link")
    path.unlink()
    path.mkdir()
    unavailable("a folder")
    path.rmdir()
    elsewhere.rename(path)
    for other in (Agent.generate("ana"), Agent.generate("bo")):
        assert refused(lambda other=other: StateFile.open(path, TrustState([other]))).code == "state-unavailable"
    assert opened(path) == 1


def test_an_older_file_is_refused_while_somebody_knows_better(path: Path, file: StateFile, tmp_path: Path) -> None:
    older = shutil.copy(path, tmp_path / "older")
    file.apply_list(signed(5))
    shutil.copy(older, path)
    assert refused(file.refresh).code == "revocation-rollback"
    assert refused(lambda: file.apply_list(signed(6))).code == "revocation-rollback"
    knows = TrustState([Authority("ana", ANA, at_least=5)])
    assert refused(lambda: StateFile.open(path, knows)).code == "revocation-rollback"
    knows = state()
    knows.apply_list(signed(5))
    assert refused(lambda: StateFile.open(path, knows)).code == "revocation-rollback"
    assert refused(lambda: StateFile.open(path, state(clock=lambda: int(time.time() * 1000) - 60_000))).code == (
        "clock-behind"
    )


def test_a_file_is_made_once_for_an_empty_state_and_everything_comes_through_it(
    path: Path, file: StateFile, story: Story
) -> None:
    assert refused(lambda: StateFile.create(path, state())).code == "state-unavailable"
    assert refused(lambda: StateFile.create(path / "no" / "such", state())).code == "state-unavailable"
    filled = state()
    filled.apply_list(signed(1))
    assert refused(lambda: StateFile.create(path.with_name("other"), filled)).code == "config-invalid"
    assert refused(lambda: StateFile.open(path, file.state)).code == "config-invalid"
    loader = file.state.loader()
    assert refused(lambda: loader.push(signed(2))).code == "config-invalid"
    assert refused(loader.finish).code == "config-invalid"
    assert refused(lambda: file.state.apply_list(signed(2))).code == "config-invalid"
    assert refused(lambda: file.state.apply_rotation(rotate(story.planner, story.coder))).code == "config-invalid"
    assert file.apply_list(bytearray(signed(2))) == "accepted"
    assert file.apply_list(memoryview(signed(4))) == "accepted"
    before = path.read_bytes()
    assert refused(lambda: file.apply_list(signed(3))).code == "revocation-rollback"
    assert refused(lambda: file.apply_list(signed(9, base=8))).code == "revocation-gap"
    assert refused(lambda: file.apply_list(signed(5)[:-1])).code == "revocation-incomplete"
    assert refused(lambda: file.apply_list(signed(5, Agent.generate("bo")))).code == "revocation-untrusted"
    assert path.read_bytes() == before
    for wrong in (None, "text", 5, [b"x"]):
        assert refused(lambda wrong=wrong: file.apply_list(wrong)).code == "malformed"
        assert refused(lambda wrong=wrong: file.apply_rotation(wrong)).code == "malformed"
    for wrong in (None, ANA, [ANA], file, "state"):
        for make in (StateFile.create, StateFile.open):
            assert refused(lambda make=make, wrong=wrong: make(path, wrong)).code == "config-invalid"
    assert refused(lambda: story.verifier(state=file)).code == "config-invalid"


def test_observers_are_told_and_may_use_the_file(path: Path, story: Story) -> None:
    told: list[tuple[int, int | None]] = []

    def look(event: Any) -> None:
        file.refresh()
        told.append((event["sequence"], sequence(file.state)))
        if event["sequence"] == 1:
            file.apply_list(signed(2, suspend=[story.planner]))

    file = StateFile.create(path, state(on_revoked=look))
    file.apply_list(signed(1, suspend=[story.coder]))
    assert told == [(1, 1), (2, 2)]
    assert opened(path) == 2


def test_threads_and_files_of_one_path_lose_nothing(path: Path, file: StateFile) -> None:
    bo = Agent.generate("bo")
    path.unlink()
    both = lambda: TrustState([ANA, bo])  # noqa: E731
    first = StateFile.create(path, both())
    files = [first, StateFile.open(path, both())]

    def work(which: StateFile, by: Agent) -> None:
        for number in range(1, 20):
            assert which.apply_list(signed(number, by)) == "accepted"

    threads = [threading.Thread(target=work, args=pair) for pair in zip(files, (ANA, bo), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    held = [StateFile.open(path, both()).state.held(name) for name in ("ana", "bo")]
    assert [one and one["sequence"] for one in held] == [19, 19]


def test_a_file_whose_observer_holds_it_is_collected(path: Path) -> None:
    class Holder:
        file: StateFile

        def note(self, event: object) -> None: ...

    holder = Holder()
    holder.file = StateFile.create(path, state(on_revoked=holder.note))
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def child(file: StateFile, answers: Any) -> None:
    answers.send([outcome(lambda: file.apply_list(signed(2))), outcome(file.refresh)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_write_with_a_copy_of_the_state(path: Path, file: StateFile) -> None:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(file, there))
    process.start()
    try:
        assert here.poll(30)
        assert here.recv() == ["revocation-stale", "revocation-stale"]
    finally:
        process.join(30)
    assert opened(path) == 1
    assert file.apply_list(signed(2)) == "accepted"
