"""Signed messages between agents: each is taken once, in order, by the one it is for."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import threading
import time
import weakref
from typing import Any

import pytest

from conftest import Story, outcome, refused
from deputize import Agent, IdentityPolicy, Inbox, Outbox, ReceivedMessage, Session

HELLO = b"update the tests"


@pytest.fixture
def session() -> Session:
    return Session.open()


def test_a_message_is_received_once_and_in_order(story: Story, session: Session) -> None:
    inbox, outbox = Inbox("coder", [story.planner]), Outbox(story.planner)
    first, second, third = (outbox.send(HELLO, to="coder", session=session) for _ in range(3))
    received = inbox.receive(first, HELLO, session)
    assert type(received) is ReceivedMessage
    assert (received.payload, received.sender, received.sequence) == (HELLO, story.planner.key, 0)
    assert (received.session, received.token) == (session.id.hex(), None)
    assert abs(received.issued - time.time()) < 60
    assert len(received.id) == 32
    assert refused(lambda: inbox.receive(first, HELLO)).code == "message-replayed"
    assert refused(lambda: inbox.receive(third, HELLO)).code == "message-out-of-order"
    assert inbox.receive(second, bytearray(HELLO)).sequence == 1
    assert inbox.receive(third, memoryview(HELLO)).sequence == 2


def test_a_message_is_for_one_recipient_session_and_payload(story: Story, session: Session) -> None:
    inbox, outbox = Inbox(story.coder, [story.planner.key]), Outbox(story.planner)
    message = outbox.send(HELLO, to=story.coder, session=session.id.hex(), token=b"t" * 32, ttl="1h")
    for payload in (b"", HELLO + b" ", HELLO.upper()):
        assert refused(lambda payload=payload: inbox.receive(message, payload)).code == "message-mismatch"
    assert refused(lambda: inbox.receive(message, HELLO, Session.open())).code == "message-mismatch"
    assert refused(lambda: Inbox("reviewer", [story.planner]).receive(message, HELLO)).code == "message-mismatch"
    for bit in range(0, len(message) * 8, 5):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        refused(lambda changed=changed: inbox.receive(changed, HELLO))
    for end in range(len(message)):
        refused(lambda end=end: inbox.receive(message[:end], HELLO))
    assert inbox.receive(message, HELLO, session.id).token == (b"t" * 32).hex()


def _received(inbox: Inbox, message: bytes, answers: Any) -> None:
    answers.send(outcome(lambda: inbox.receive(message, HELLO)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_take_a_message_once_more(story: Story, session: Session) -> None:
    inbox = Inbox("coder", [story.planner])
    message = Outbox(story.planner).send(HELLO, to="coder", session=session)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_received, args=(inbox, message, there))
    process.start()
    assert here.poll(30)
    assert here.recv() == "store-unavailable"
    process.join(30)
    assert inbox.receive(message, HELLO).sequence == 0


def test_only_senders_that_are_known_are_heard(story: Story, session: Session) -> None:
    inbox = Inbox("coder")
    message = Outbox(story.planner).send(HELLO, to="coder", session=session)
    assert refused(lambda: inbox.receive(message, HELLO)).code == "sender-unknown"
    inbox.know(Agent.generate("planner"))
    assert refused(lambda: inbox.receive(message, HELLO)).code == "sender-unknown"
    ids = Agent.generate("ids")
    verified = IdentityPolicy([ids]).verify(ids.issue_identity("planner", story.planner))
    inbox.know(verified)
    inbox.forget(story.planner)
    assert refused(lambda: inbox.receive(message, HELLO)).code == "sender-unknown"
    inbox.know(story.planner.key)
    inbox.receive(message, HELLO)
    for wrong in (None, "planner", story.planner.key.bytes, 5):
        for method in (inbox.know, inbox.forget):
            assert refused(lambda method=method, wrong=wrong: method(wrong)).code == "key-invalid"


def test_a_message_lives_for_its_time(story: Story, session: Session) -> None:
    ahead = [0.0]
    inbox = Inbox("coder", [story.planner], clock=lambda: int((time.time() + ahead[0]) * 1000))
    outbox = Outbox(story.planner)
    short = outbox.send(HELLO, to="coder", session=session, ttl=5)
    ahead[0] = 6
    assert refused(lambda: inbox.receive(short, HELLO)).code == "message-expired"
    ahead[0] = -120
    assert refused(lambda: inbox.receive(short, HELLO)).code == "clock-behind"
    early = Inbox("coder", [story.planner], clock=lambda: int((time.time() - 120) * 1000))
    assert refused(lambda: early.receive(short, HELLO)).code == "message-not-yet-valid"
    late = Inbox("coder", [story.planner], clock=lambda: int((time.time() + 2) * 1000))
    assert refused(lambda: late.receive(short, HELLO)).code == "message-replayed"
    for ttl in (0, 3601, "2h", True, -1, 1.5, 2**64):
        assert refused(lambda ttl=ttl: outbox.send(HELLO, to="coder", session=session, ttl=ttl)).code == "claim-invalid"
    good = [True]
    fails = Inbox("coder", [story.planner], clock=lambda: int(time.time() * 1000) if good else 1 / 0)  # type: ignore[arg-type, return-value]
    good.clear()
    assert refused(lambda: fails.receive(short, HELLO)).code == "clock-invalid"
    assert refused(lambda: fails.close(session)).code == "clock-invalid"


def test_a_closed_session_is_closed(story: Story, session: Session) -> None:
    inbox, outbox = Inbox("coder", [story.planner]), Outbox(story.planner)
    inbox.receive(outbox.send(HELLO, to="coder", session=session), HELLO)
    inbox.close(session)
    assert refused(lambda: inbox.receive(outbox.send(HELLO, to="coder", session=session), HELLO)).code == (
        "session-closed"
    )
    outbox.close(session)
    inbox.receive(outbox.send(HELLO, to="coder", session=Session.open()), HELLO)


def test_an_inbox_and_an_outbox_go_on_after_a_restart(story: Story, session: Session) -> None:
    inbox, outbox = Inbox("coder", [story.planner]), Outbox(story.planner)
    message = outbox.send(HELLO, to="coder", session=session)
    inbox.receive(message, HELLO)
    again = Inbox.decode(inbox.encode(), "coder", [story.planner])
    assert refused(lambda: again.receive(message, HELLO)).code == "message-replayed"
    second = Outbox.decode(outbox.encode(), story.planner).send(HELLO, to="coder", session=session)
    assert again.receive(second, HELLO).sequence == 1
    forgetful = Inbox.decode(inbox.encode(), "coder")
    assert refused(lambda: forgetful.receive(second, HELLO)).code == "sender-unknown"
    assert refused(lambda: Inbox.decode(inbox.encode(), "reviewer")).code == "config-invalid"
    stranger = Outbox.decode(outbox.encode(), story.coder)
    assert refused(lambda: stranger.send(HELLO, to="coder", session=session)).code == "holder-mismatch"
    for wrong in (b"", b"x" * 40, inbox.encode()[:-1], None, "text", 5):
        assert refused(lambda wrong=wrong: Inbox.decode(wrong, "coder")).code in ("malformed", "not-canonical")
        assert refused(lambda wrong=wrong: Outbox.decode(wrong, story.planner)).code in ("malformed", "not-canonical")


def test_what_is_no_message_is_neither_signed_nor_received(story: Story, session: Session) -> None:
    inbox, outbox = Inbox("coder", [story.planner]), Outbox(story.planner)
    for payload in (None, "text", 5, [1], True, {"a": 1}, memoryview(b"abcdefgh").cast("I")):
        assert refused(lambda payload=payload: outbox.send(payload, to="coder", session=session)).code == (
            "value-unsupported"
        )
        assert refused(lambda payload=payload: inbox.receive(b"", payload)).code == "value-unsupported"
    for to in (None, "", "\n", "\ud800", 5, b"coder"):
        assert refused(lambda to=to: outbox.send(HELLO, to=to, session=session)).code == "name-invalid"
        assert refused(lambda to=to: Inbox(to)).code == "name-invalid"
    for bad in (None, b"", b"s" * 15, "S" * 32, 5, True):
        assert refused(lambda bad=bad: outbox.send(HELLO, to="coder", session=bad)).code == "claim-invalid"
        assert refused(lambda bad=bad: inbox.close(bad)).code == "claim-invalid"
        assert refused(lambda bad=bad: outbox.close(bad)).code == "claim-invalid"
    for token in (b"", b"t" * 31, "T" * 64, 5):
        send = lambda token=token: outbox.send(HELLO, to="coder", session=session, token=token)  # noqa: E731
        assert refused(send).code == "claim-invalid"
    for message in (None, "text", 5, b"", b"x" * 50):
        assert refused(lambda message=message: inbox.receive(message, HELLO)).code == "malformed"
    assert refused(lambda: inbox.receive(b"x" * 2000, HELLO)).code == "too-large"
    huge = bytes(16 * 1024 * 1024 + 1)
    assert refused(lambda: outbox.send(huge, to="coder", session=session)).code == "too-large"
    assert refused(lambda: inbox.receive(b"", huge)).code == "too-large"
    # Nothing of all that used up a sequence number.
    most = huge[1:]
    assert inbox.receive(outbox.send(most, to="coder", session=session), most).sequence == 0


def test_what_is_no_inbox_or_outbox_is_refused(story: Story) -> None:
    for capacity in (0, -1, True, 1.5, "5", 2**64):
        assert refused(lambda capacity=capacity: Inbox("coder", capacity=capacity)).code == "config-invalid"
    for know in (story.planner, "planner", 5):
        assert refused(lambda know=know: Inbox("coder", know)).code == "config-invalid"
    assert refused(lambda: Inbox("coder", [None])).code == "key-invalid"  # type: ignore[list-item]
    assert refused(lambda: Inbox("coder", clock=5)).code == "config-invalid"  # type: ignore[arg-type]
    for wrong in (None, "planner", story.planner.key, object()):
        assert refused(lambda wrong=wrong: Outbox(wrong)).code == "key-invalid"
    outbox = Outbox(story.planner)
    for copies in (pickle.dumps, copy.copy, copy.deepcopy):
        assert refused(lambda copies=copies: copies(outbox)).code == "config-invalid"
    assert story.planner.did in repr(outbox)
    with pytest.raises(TypeError):
        pickle.dumps(Inbox("coder"))


def test_what_was_received_does_not_change(story: Story, session: Session) -> None:
    inbox, payload = Inbox("coder", [story.planner]), bytearray(HELLO)
    received = inbox.receive(Outbox(story.planner).send(payload, to="coder", session=session), payload)
    payload[:] = b"x" * len(payload)
    assert received.payload == HELLO
    with pytest.raises(AttributeError):
        received.payload = b"other"  # type: ignore[misc]


def test_of_many_threads_one_receives_and_each_sends_a_number_of_its_own(story: Story, session: Session) -> None:
    inbox, outbox = Inbox("coder", [story.planner]), Outbox(story.planner)
    message = outbox.send(HELLO, to="coder", session=session)
    outcomes: list[str] = []
    sent: list[Any] = []

    def work() -> None:
        outcomes.append(outcome(lambda: inbox.receive(message, HELLO)))
        sent.append(outbox.send(HELLO, to="coder", session=session))

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["allowed"] + ["message-replayed"] * 63
    left = sent
    for _ in range(64):  # each is the next one exactly once
        before = len(left)
        left = [one for one in left if not taken(inbox, one)]
        assert len(left) < before
        if not left:
            break
    assert not left


def taken(inbox: Inbox, message: bytes) -> bool:
    code = outcome(lambda: inbox.receive(message, HELLO))
    assert code in ("allowed", "message-out-of-order")
    return code == "allowed"


def test_an_inbox_in_a_cycle_is_collected() -> None:
    class Holder:
        inbox: Inbox

        def clock(self) -> int:
            return int(time.time() * 1000)

    holder = Holder()
    holder.inbox = Inbox("coder", clock=holder.clock)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
