"""Stores, clocks, audit sinks, threads, processes and panics."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

import deputize._native as native
import worker
from conftest import SERVER, Story, refused
from deputize import Denied, DeputizeError, MemoryStore, Verifier


def outcome(verifier: Verifier, presentation: Any) -> str:
    try:
        verifier.authorize(presentation, "t", {})
    except Denied as error:
        return error.code
    return "allowed"


def test_one_of_a_thousand_threads_is_allowed(story: Story) -> None:
    verifier, chain = story.verifier(), story.chain({"t": {}})
    presentation = story.coder.prove(chain, "t", {}, SERVER)
    barrier = threading.Barrier(1000)
    codes: list[str] = []

    def call() -> None:
        barrier.wait()
        codes.append(outcome(verifier, presentation))

    threads = [threading.Thread(target=call) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 1000
    assert codes.count("allowed") == 1
    assert codes.count("proof-replayed") == 999


def test_one_of_many_tasks_is_allowed(story: Story) -> None:
    verifier, presentation = story.verifier(), story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)

    async def main() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(outcome, verifier, presentation) for _ in range(64)))

    assert sorted(asyncio.run(main())) == ["allowed"] + ["proof-replayed"] * 63


def test_verifiers_share_a_store(story: Story) -> None:
    store = MemoryStore()
    first, second = story.verifier(store=store), story.verifier(store=store)
    presentation = story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)
    assert outcome(first, presentation) == "allowed"
    assert outcome(second, presentation) == "proof-replayed"
    assert len(store) == 1
    assert outcome(first, None) == "proof-missing"
    assert len(store) == 1


def test_a_full_store_refuses_and_forgets_nothing(story: Story) -> None:
    verifier, chain = story.verifier(store=MemoryStore(1)), story.chain({"t": {}})
    first, second = (story.coder.prove(chain, "t", {}, SERVER) for _ in range(2))
    assert outcome(verifier, first) == "allowed"
    assert outcome(verifier, second) == "store-full"
    assert outcome(verifier, first) == "proof-replayed"


CLAIM = 6
"""Where the proof is claimed in the transaction of a chain of two: after what must not have been revoked."""


class Store:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []

    def commit(self, *asked: Any) -> Any:
        self.asked.append(asked)
        return self.answer()


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*_: object) -> Any:
        raise error

    return call


class Text(str):
    pass


class Pair(tuple[Any, ...]):
    pass


class Truthy:
    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


async def later(*_: object) -> bool:
    return True


def quietly(make: Callable[[], Any]) -> Callable[[], Any]:
    """A coroutine that nobody awaits, without the warning."""

    def call() -> Any:
        coroutine = make()
        coroutine.close()
        return coroutine

    return call


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda: True, "allowed"),
        (lambda: ("refused", CLAIM), "proof-replayed"),
        (lambda: ("predates", CLAIM), "proof-predates-store"),
        (lambda: ("refused", 0), "session-closed"),
        (lambda: ("predates", 0), "token-predates-store"),
        (lambda: "full", "store-full"),
        *[
            (answer, "store-unavailable")
            for answer in (
                lambda: None,
                lambda: False,
                lambda: 1,
                lambda: 0,
                lambda: "True",
                lambda: [True],
                lambda: ("refused", CLAIM + 1),
                lambda: ("refused", -1),
                lambda: ("refused", 2**64),
                lambda: ("refused", True),
                lambda: ("refused", 0.0),
                lambda: ("refused",),
                lambda: ("refused", 0, 0),
                lambda: ["refused", 0],
                lambda: ("committed", 0),
                lambda: ("full", 0),
                lambda: "refused",
                lambda: "committed",
                lambda: Text("full"),
                lambda: Pair(("refused", 0)),
                Truthy,
                quietly(later),
                raising(OSError("no disk")),
                raising(TimeoutError()),
                raising(MemoryError()),
            )
        ],
    ],
)
def test_a_store_of_ones_own(answer: Callable[[], Any], code: str, story: Story) -> None:
    store = Store(answer)
    verifier, presentation = story.verifier(store=store), story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)
    assert outcome(verifier, presentation) == code
    ((operations, now),) = store.asked
    *absent, (name, key, expires, since) = operations
    assert {operation[0] for operation in absent} == {"absent"}
    assert (type(operations), type(operations[0]), name) == (list, tuple, "claim")
    assert type(key) is bytes
    assert len(key) == 49
    assert key[:33] == b"p" + story.coder.key.bytes
    assert {type(expires), type(since), type(now)} == {int}
    assert since <= now + 10_000
    assert abs(since - time.time() * 1000) < 10_000
    assert abs(expires - time.time()) < 70
    assert abs(now - time.time() * 1000) < 10_000
    # A call that is denied for another reason never gets to the store.
    assert outcome(verifier, None) == "proof-missing"
    assert len(store.asked) == 1


def test_a_store_is_told_that_a_verifier_has_taken_it(story: Story) -> None:
    class Beginning(Store):
        told: ClassVar[list[Any]] = []

        def begin(self, now_ms: int) -> None:
            self.told.append(now_ms)
            raise OSError("not there yet")

    store = Beginning(lambda: True)
    verifier = story.verifier(store=store, clock=lambda: int(time.time() * 1000))
    assert outcome(verifier, story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)) == "allowed"
    assert [type(now) for now in store.told] == [int]
    for begin in (None, 5, "begin"):
        store = Store(lambda: True)
        store.begin = begin  # type: ignore[attr-defined]
        verifier = story.verifier(store=store)
        assert outcome(verifier, story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)) == "allowed"
    store.begin = raising(KeyboardInterrupt())  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        story.verifier(store=store)


def test_an_interrupt_passes_and_nothing_is_allowed(story: Story) -> None:
    chain = story.chain({"t": {}})
    for options in (
        {"store": Store(raising(KeyboardInterrupt()))},
        {"audit": raising(KeyboardInterrupt())},
        {"audit": raising(asyncio.CancelledError()), "store": Store(lambda: True)},
    ):
        verifier = story.verifier(**options)
        with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)):
            verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})


@pytest.mark.parametrize(
    "clock",
    [
        lambda: 1.5,
        lambda: float("nan"),
        lambda: "1764000000000",
        lambda: -1,
        lambda: 0,
        lambda: None,
        lambda: True,
        lambda: 2**64,
        lambda: 253_402_300_800_000,
        quietly(later),
        raising(OSError()),
    ],
)
def test_a_bad_clock_denies(clock: Callable[[], Any], story: Story) -> None:
    good = [True]
    sink: list[str] = []
    verifier = story.verifier(
        clock=lambda: int(time.time() * 1000) if good else clock(), audit=lambda record: sink.append(record.code)
    )
    chain = story.chain({"t": {}})
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"
    good.clear()
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "clock-invalid"
    assert refused(lambda: verifier.verify_chain(chain)).code == "clock-invalid"
    good.append(True)
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"
    assert sink == ["allowed", "clock-invalid", "allowed"]
    assert refused(lambda: story.verifier(clock=clock)).code == "clock-invalid"


def test_time_does_not_run_backwards(story: Story) -> None:
    offset = [0.0]
    verifier = story.verifier(clock=lambda: int((time.time() + offset[0]) * 1000), store=Store(lambda: True))
    chain = story.chain({"t": {}})
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"
    offset[0] = -10
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"
    offset[0] = -86_400
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "clock-behind"


def test_no_record_no_action(story: Story) -> None:
    chain = story.chain({"t": {}})
    for sink in (raising(OSError("disk full")), quietly(later), raising(ValueError())):
        verifier = story.verifier(audit=(lambda record, sink=sink: sink()))
        assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "audit-unavailable"
        assert outcome(verifier, None) == "proof-missing"


def test_a_sink_may_use_the_verifier(story: Story) -> None:
    chain = story.chain({"t": {}})
    inner: list[str] = []

    def sink(record: native.AuditRecord) -> None:
        if not inner:
            inner.append("begun")
            inner.append(outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)))

    verifier = story.verifier(audit=sink)
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"
    assert inner == ["begun", "allowed"]


def test_threads_with_callbacks_do_not_block_each_other(story: Story) -> None:
    lock, seen, sink = threading.Lock(), set(), []

    class Shared:
        def commit(self, operations: list[Any], now_ms: int) -> Any:
            *_, (_, key, _, _) = operations
            with lock:
                if key in seen:
                    return "refused", len(operations) - 1
                seen.add(key)
                return True

    verifier = story.verifier(store=Shared(), audit=sink.append, clock=lambda: int(time.time() * 1000))
    chain = story.chain({"t": {}})

    def work(_: int) -> list[str]:
        presentations = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(25)]
        return [outcome(verifier, presentation) for presentation in presentations * 2]

    with ThreadPoolExecutor(16) as pool:
        codes = [code for batch in pool.map(work, range(16)) for code in batch]
    assert codes.count("allowed") == 400
    assert codes.count("proof-replayed") == 400
    assert len(sink) == 800


def child(verifier: Verifier, presentation: Any, answers: Any) -> None:
    answers.send(outcome(verifier, presentation))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_use_a_copy_of_the_memory(story: Story) -> None:
    context = multiprocessing.get_context("fork")
    chain = story.chain({"t": {}})

    def in_child(verifier: Verifier) -> str:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=child, args=(verifier, story.coder.prove(chain, "t", {}, SERVER), there))
        process.start()
        try:
            assert here.poll(30)
            return str(here.recv())
        finally:
            process.join(30)

    memory = story.verifier()
    assert outcome(memory, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"
    assert in_child(memory) == "store-unavailable"
    assert in_child(story.verifier(store=MemoryStore())) == "store-unavailable"
    assert in_child(story.verifier(store=Store(lambda: True))) == "allowed"
    assert outcome(memory, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"


def test_a_verifier_in_a_cycle_is_collected(story: Story) -> None:
    class Holder:
        verifier: Verifier

        def sink(self, record: native.AuditRecord) -> None:
            pass

    holder = Holder()
    holder.verifier = story.verifier(audit=holder.sink)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_a_panic_is_an_ordinary_error(story: Story, capfd: pytest.CaptureFixture[str]) -> None:
    panic = getattr(native, "_test_panic", None)
    if panic is None:
        pytest.skip("built without the feature test-panic")
    for _ in range(3):
        with pytest.raises(DeputizeError) as caught:
            panic()
        assert caught.value.code == "internal"
    assert outcome(story.verifier(), story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)) == "allowed"
    capfd.readouterr()


def test_the_module_is_compiled_and_never_a_stub() -> None:
    assert native.__file__.endswith((".so", ".pyd", ".dylib"))
    code = "import sys; sys.modules['deputize._native'] = None; import deputize"
    process = __import__("subprocess").run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode != 0
    assert "ImportError" in process.stderr or "ModuleNotFoundError" in process.stderr


def test_one_of_several_processes_says_which_store_it_uses() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(worker.outcomes) == ["config-invalid", "made"]
    assert worker.outcomes() == ["made", "made"]
