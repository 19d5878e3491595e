"""The trust state: revocation lists, agents that are suspended or pending, rotated keys, observers, evidence."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import sys
import threading
import time
import weakref
from typing import Any

import cbor2
import pytest

from conftest import SERVER, Story, denied, outcome, refused
from deputize import (
    Agent,
    ApprovalRequest,
    Authority,
    Authorized,
    Chain,
    RevocationList,
    Session,
    Target,
    TrustState,
    Verifier,
    rotate,
)


@pytest.fixture
def state(story: Story) -> TrustState:
    """A state with ana as the authority for her own chains, who has revoked nothing yet."""
    state = TrustState([story.ana])
    assert state.apply_list(RevocationList(1).sign(story.ana, "1h")) == "accepted"
    return state


def attempt(verifier: Verifier, agent: Agent, chain: Chain) -> Authorized:
    return verifier.authorize(agent.prove(chain, "read", {}, SERVER), "read", {})


def test_nothing_runs_that_nobody_knows_anything_fresh_about(story: Story) -> None:
    ahead = [0]
    state = TrustState([story.ana])
    verifier = story.verifier(state=state, clock=lambda: int((time.time() + ahead[0]) * 1000), store=Unforgetful())
    chain = story.chain({"read": {}}, ttl="1d")
    assert denied(lambda: attempt(verifier, story.coder, chain)).code == "revocation-stale"
    assert state.held("ana") is None
    state.apply_list(RevocationList(1).sign(story.ana, 600))
    attempt(verifier, story.coder, chain)
    held = state.held(story.ana)
    assert held is not None
    assert (held["sequence"], held["ids"]) == (1, 0)
    assert abs(held["next_update"] - time.time() - 600) < 30
    ahead[0] = 30
    attempt(verifier, story.coder, chain)
    other = Verifier(trust=[Agent.generate("bo"), story.ana], audience=SERVER, state=TrustState([Agent.generate("bo")]))
    assert denied(lambda: attempt(other, story.coder, chain)).code == "revocation-stale"


class Unforgetful:
    def commit(self, operations: list[Any], now_ms: int) -> Any:
        return True


def test_a_stale_list_counts_only_where_that_danger_is_asked_for(story: Story) -> None:
    chain = story.chain({"read": {}})
    authority = Authority("ana", story.ana, danger_allow_stale=True)
    attempt(story.verifier(state=TrustState([authority])), story.coder, chain)


def test_what_a_list_revokes_is_refused_with_everything_below(story: Story, state: TrustState) -> None:
    """REV-08."""
    verifier = story.verifier(state=state)
    session = Session.open("a task")
    chains = [story.chain({"read": {}}, **options) for options in ({}, {}, {"session": session}, {})]
    ids = [[claims["id"] for claims in chain.unverified_claims()] for chain in chains]
    for chain in chains:
        attempt(verifier, story.coder, chain)
    revoked = [Target.token(ids[0][0]), str(Target.token(bytes.fromhex(ids[1][1]))), Target.session(session)]
    assert state.apply_list(RevocationList(2, revoke=revoked).sign(story.ana, "1h")) == "accepted"  # type: ignore[arg-type]
    for chain, expected in zip(
        chains, [("token-revoked", 0), ("token-revoked", 1), ("session-closed", 0)], strict=False
    ):
        error = denied(lambda chain=chain: attempt(verifier, story.coder, chain))
        assert (error.code, error.link) == expected
    attempt(verifier, story.coder, chains[3])
    assert session.task is not None
    more = [Target.task(session.task), Target.key(story.coder)]
    assert state.apply_list(RevocationList(3, base=2, revoke=more).sign(story.ana, "1h")) == "accepted"
    error = denied(lambda: attempt(verifier, story.coder, chains[3]))
    assert (error.code, error.link) == ("key-revoked", 1)
    held = state.held("ana")
    assert held is not None
    assert held["ids"] == 5


def test_agents_are_suspended_and_come_back(story: Story, state: TrustState) -> None:
    verifier, chain = story.verifier(state=state), story.chain({"read": {}})
    for number, change, code in (
        (2, {"suspend": [story.coder]}, "agent-suspended"),
        (3, {"activate": [story.coder.key]}, None),
        (4, {"pending": [story.planner]}, "agent-pending"),
    ):
        change = RevocationList(number, base=number - 1, **change)  # type: ignore[arg-type]
        assert state.apply_list(change.sign(story.ana, "1h")) == "accepted"
        if code is None:
            attempt(verifier, story.coder, chain)
            state.judge_key("ana", story.coder)
        else:
            assert denied(lambda: attempt(verifier, story.coder, chain)).code == code
    assert refused(lambda: state.judge_key("ana", story.planner)).code == "agent-pending"
    assert refused(lambda: state.judge_key("bo", story.planner)).code == "revocation-stale"


def test_roots_from_before_an_epoch_are_refused(story: Story, state: TrustState) -> None:
    verifier, chain = story.verifier(state=state), story.chain({"read": {}})
    state.apply_list(RevocationList(2, epoch=int(time.time()) + 10).sign(story.ana, "1h"))
    assert denied(lambda: attempt(verifier, story.coder, chain)).code == "issued-before-epoch"


def test_an_approval_is_withdrawn_by_a_list(story: Story, state: TrustState) -> None:
    human = Agent.generate("human")
    verifier = story.verifier(state=state)
    chain = story.ana.issue(
        to=story.planner, tools={"read": {}}, approvals={"read": {"count": 1, "approvers": [human]}}
    )
    approval = human.approve(ApprovalRequest(chain, "read", {}, SERVER))
    state.judge_approval("ana", approval)
    state.apply_list(RevocationList(2, revoke=[Target.approval(approval)]).sign(story.ana, "1h"))
    assert refused(lambda: state.judge_approval(story.ana, approval.id)).code == "approval-withdrawn"
    presentation = story.planner.prove(chain, "read", {}, SERVER, evidence=[approval])
    assert denied(lambda: verifier.authorize(presentation, "read", {})).code == "approval-withdrawn"


def test_lists_move_forward_only_and_both_sides_of_a_lie_are_kept(story: Story) -> None:
    state = TrustState([Authority("ana", story.ana, at_least=5)])
    assert refused(lambda: state.apply_list(RevocationList(4).sign(story.ana, "1h"))).code == "revocation-rollback"
    seven = RevocationList(7, revoke=[Target.key(story.coder)]).sign(story.ana, "1h")
    other = RevocationList(7).sign(story.ana, "1h")
    assert [state.apply_list(seven), state.apply_list(seven)] == ["accepted", "unchanged"]
    assert refused(lambda: state.apply_list(RevocationList(6).sign(story.ana, "1h"))).code == "revocation-rollback"
    assert refused(lambda: state.apply_list(other)).code == "revocation-equivocation"
    (found,) = state.evidence
    assert (found["code"], found["about"]) == ("revocation-equivocation", "ana")
    assert seven.startswith(found["first"])
    assert other.startswith(found["second"])
    state.evidence.clear()
    assert len(state.evidence) == 1
    assert refused(lambda: state.apply_list(RevocationList(9, base=8).sign(story.ana, "1h"))).code == "revocation-gap"
    for eve in (Agent.generate("ana"), story.coder):
        forged = RevocationList(8).sign(Agent("ana", _key_of(eve)), "1h")
        assert refused(lambda forged=forged: state.apply_list(forged)).code == "signature-invalid"
    assert refused(lambda: state.apply_list(RevocationList(8).sign(story.coder, "1h"))).code == "revocation-untrusted"
    held = state.held("ana")
    assert held is not None
    assert held["sequence"] == 7


def _key_of(agent: Agent) -> Any:
    return agent._Agent__signing_key  # type: ignore[attr-defined]


def test_a_list_comes_in_chunks_of_any_size(story: Story) -> None:
    keys = [Agent.generate("x").key for _ in range(50)]
    ids = [Target.token(number.to_bytes(16, "big")) for number in range(1, 2000)]
    data = RevocationList(1, revoke=[*ids, *map(Target.key, keys)]).sign(story.ana, "1h")
    for size in (1, 7, 1000, len(data)):
        state = TrustState([story.ana])
        loader = state.loader()
        for start in range(0, len(data), size):
            loader.push(data[start : start + size])
        assert state.held("ana") is None
        assert loader.finish() == "accepted"
        held = state.held("ana")
        assert held is not None
        assert held["ids"] == 2049
        assert refused(lambda state=state: state.judge_key("ana", keys[7])).code == "key-revoked"
        assert refused(loader.finish).code == "config-invalid"
        assert refused(lambda loader=loader: loader.push(b"")).code == "config-invalid"
    state = TrustState([story.ana])
    for end in (0, 1, 10, len(data) // 2, len(data) - 1):
        loader = state.loader()
        loader.push(bytearray(data[:end]))
        assert refused(loader.finish).code == "revocation-incomplete"
        assert refused(lambda end=end: state.apply_list(data[:end])).code == "revocation-incomplete"
    loader = state.loader()
    loader.push(data[: len(data) // 2])
    assert refused(lambda: loader.push(b"\xff" * (len(data) - len(data) // 2))).code == "revocation-incomplete"
    assert refused(lambda: loader.push(b"")).code == "revocation-incomplete"
    assert state.held("ana") is None
    for wrong in (None, "text", 5, [b"x"]):
        assert refused(lambda wrong=wrong: state.loader().push(wrong)).code == "malformed"
        assert refused(lambda wrong=wrong: state.apply_list(wrong)).code == "malformed"
        assert refused(lambda wrong=wrong: state.apply_rotation(wrong)).code == "malformed"


def test_targets_have_one_spelling(story: Story) -> None:
    for target in (
        Target.token(b"\xab" * 16),
        Target.key(story.ana),
        Target.session("ab" * 16),
        Target.task(b"t" * 32),
        Target.approval("0" * 32),
    ):
        text = str(target)
        assert Target.from_text(text) == pickle.loads(pickle.dumps(target)) == target
        assert hash(Target.from_text(text)) == hash(target)
        wrong: list[Any] = [text.upper(), f" {text}", f"{text}0", text[:-1], "", None, 5, "\ud800", text.encode()]
        for bad in wrong:
            assert refused(lambda bad=bad: Target.from_text(bad)).code in ("malformed", "key-invalid"), bad
    for make in (Target.token, Target.session, Target.task, Target.approval):
        for bad in ("AB" * 16, "ab" * 15, b"x", None, 5, True, "\ud800", ["ab" * 16]):
            assert refused(lambda make=make, bad=bad: make(bad)).code == "claim-invalid"
    for bad in (None, "did:key:z6Mk", 5, b"k" * 32):
        assert refused(lambda bad=bad: Target.key(bad)).code == "key-invalid"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        *[({"sequence": bad}, "claim-invalid") for bad in (0, -1, 2**53, 2**64, True, 1.0, "1", None)],
        *[({"base": bad}, "claim-invalid") for bad in (5, 6, -1, True, "1")],
        *[({"epoch": bad}, "claim-invalid") for bad in (-1, True, "now", 1.5)],
        *[({"revoke": bad}, "malformed") for bad in ("token:", [None], [5], ["token:AB"], [b"x" * 16], 5, {"a": 1})],
        *[({"suspend": bad}, "key-invalid") for bad in ([None], "coder", 5, [b"k" * 32])],
    ],
)
def test_lists_that_mean_nothing_are_refused(story: Story, members: dict[str, Any], code: str) -> None:
    assert refused(lambda: RevocationList(**{"sequence": 5, **members}).sign(story.ana, "1h")).code == code


def test_a_list_is_signed_by_an_agent_for_a_time(story: Story) -> None:
    for ttl in (0, "31d", True, -1, 1.5, None):
        assert refused(lambda ttl=ttl: RevocationList(1).sign(story.ana, ttl)).code == "claim-invalid"
    for wrong in (None, "ana", story.ana.key):
        assert refused(lambda wrong=wrong: RevocationList(1).sign(wrong, "1h")).code == "key-invalid"
    both = RevocationList(2, base=1, suspend=[story.coder], activate=[story.coder])
    assert refused(lambda: both.sign(story.ana, "1h")).code == "claim-invalid"
    assert refused(lambda: RevocationList(2, activate=[story.coder]).sign(story.ana, "1h")).code == "claim-invalid"


# Rotation.


def test_a_key_has_a_successor_and_its_time_ends(story: Story) -> None:
    """ROT-05: tokens of the old key are good during the overlap and retired after it; those of the new one are good."""
    ahead = [0]
    clock = lambda: int((time.time() + ahead[0]) * 1000)  # noqa: E731
    state = TrustState([Authority("ana", story.ana, danger_allow_stale=True)], clock=clock)
    verifier = story.verifier(state=state, clock=clock, store=Unforgetful())
    anew = Agent.generate("ana")
    before = story.chain({"read": {}})
    by_new = anew.issue(to=story.planner, tools={"read": {}})
    assert denied(lambda: attempt(verifier, story.planner, by_new)).code == "signature-invalid"
    rotation = rotate(story.ana, anew, overlap=20)
    # ROT-04: sent again and again, it is one rotation.
    assert [state.apply_rotation(rotation) for _ in range(10)] == ["accepted", *["unchanged"] * 9]
    attempt(verifier, story.coder, before)
    attempt(verifier, story.planner, by_new)
    assert [used["retired"] for used in state.keys_of(story.ana)] == [False, False]
    ahead[0] = 21
    assert denied(lambda: attempt(verifier, story.coder, before)).code == "key-retired"
    attempt(verifier, story.planner, by_new)
    used = state.keys_of(story.ana.key)
    assert [(one["key"], one["retired"]) for one in used] == [(story.ana.key, True), (anew.key, False)]
    assert refused(lambda: state.judge_key("ana", story.ana)).code == "key-retired"


def test_both_keys_sign_a_rotation_and_there_is_one_successor(story: Story, state: TrustState) -> None:
    """ROT-02."""
    one, two = Agent.generate("ana"), Agent.generate("ana")
    rotation, other = rotate(story.ana, one, "1h", "ana"), rotate(story.ana, two, "1h")
    for bit in range(0, len(rotation) * 8, 3):
        changed = bytearray(rotation)
        changed[bit // 8] ^= 1 << bit % 8
        refused(lambda changed=changed: state.apply_rotation(changed))
    (by_old, by_new), (_, by_other) = cbor2.loads(rotation), cbor2.loads(other)
    for halves, code in (
        ([by_old, by_old], "signature-invalid"),
        ([by_new, by_new], "signature-invalid"),
        ([by_new, by_old], "signature-invalid"),
        ([by_old, by_other], "rotation-invalid"),
        ([by_old], "malformed"),
        ([by_old, by_new, by_new], "malformed"),
    ):
        forged = cbor2.dumps(halves)
        assert refused(lambda forged=forged: state.apply_rotation(forged)).code == code
    assert state.apply_rotation(rotation) == "accepted"
    assert refused(lambda: state.apply_rotation(other)).code == "rotation-equivocation"
    (found,) = state.evidence
    assert (found["code"], found["about"]) == ("rotation-equivocation", story.ana.did)
    assert (found["first"], found["second"]) == (rotation, other)
    assert refused(lambda: rotate(story.ana, story.ana, "1h")).code == "rotation-invalid"
    for overlap in ("25h", -1, True, 1.5, ""):
        assert refused(lambda overlap=overlap: rotate(story.ana, one, overlap)).code == "claim-invalid"
    for wrong in (None, one.key, "ana"):
        assert refused(lambda wrong=wrong: rotate(story.ana, wrong, "1h")).code == "key-invalid"


# Observers.


def test_observers_are_told_what_changed_and_when_it_was_first_used(story: Story) -> None:
    told: list[tuple[str, Any]] = []
    state = TrustState(
        [story.ana],
        on_revoked=lambda event: told.append(("revoked", event)),
        on_denied=lambda event: told.append(("denied", event)),
        on_revoked_more=lambda event: told.append(("more", event)),
    )
    verifier, chain = story.verifier(state=state), story.chain({"read": {}})
    target = Target.token(chain.unverified_claims()[0]["id"])
    state.apply_list(RevocationList(1, revoke=[target], suspend=[story.coder]).sign(story.ana, "1h"))
    assert [(kind, event["target"], event["standing"]) for kind, event in told] == [
        ("revoked", str(target), "revoked"),
        ("revoked", str(Target.key(story.coder)), "suspended"),
    ]
    assert {(event["authority"], event["sequence"]) for _, event in told} == {("ana", 1)}
    told.clear()
    for _ in range(3):
        assert denied(lambda: attempt(verifier, story.coder, chain)).code == "token-revoked"
    ((kind, event),) = told
    assert (kind, event["target"], event["authority"]) == ("denied", str(target), "ana")
    assert 0 <= event["after_ms"] < 60_000


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt(), SystemExit()])
def test_an_observer_that_raises_changes_nothing(
    story: Story, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: reported.append(what.exc_value))

    def fail(event: object) -> None:
        raise error

    state = TrustState([story.ana], on_revoked=fail, on_denied=fail)
    verifier, chain = story.verifier(state=state), story.chain({"read": {}})
    assert state.apply_list(RevocationList(1, revoke=[Target.key(story.coder)]).sign(story.ana, "1h")) == "accepted"
    assert denied(lambda: attempt(verifier, story.coder, chain)).code == "key-revoked"
    assert reported == [error, error]


def test_an_observer_may_use_the_state(story: Story) -> None:
    seen: list[Any] = []

    def look(event: Any) -> None:
        seen.append(state.held("ana"))
        if event["sequence"] == 1:
            state.apply_list(RevocationList(2, base=1, suspend=[story.planner]).sign(story.ana, "1h"))

    state = TrustState([story.ana], on_revoked=look)
    state.apply_list(RevocationList(1, revoke=[Target.key(story.coder)]).sign(story.ana, "1h"))
    assert [held["sequence"] for held in seen] == [1, 2]


def test_threads_look_up_while_lists_change(story: Story) -> None:
    told: list[Any] = []
    state = TrustState(
        [story.ana], on_revoked=told.append, on_denied=told.append, clock=lambda: int(time.time() * 1000)
    )
    state.apply_list(RevocationList(1).sign(story.ana, "1h"))
    verifier, chain = story.verifier(state=state), story.chain({"read": {}})
    codes: list[str] = []

    def work() -> None:
        codes.extend(outcome(lambda: attempt(verifier, story.coder, chain)) for _ in range(20))

    def change() -> None:
        for number in range(2, 30):
            revoke = [Target.token(number.to_bytes(16, "big")), *([Target.key(story.coder)] if number > 15 else [])]
            state.apply_list(RevocationList(number, revoke=revoke).sign(story.ana, "1h"))

    threads = [threading.Thread(target=work) for _ in range(8)] + [threading.Thread(target=change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert set(codes) <= {"allowed", "key-revoked"}
    assert denied(lambda: attempt(verifier, story.coder, chain)).code == "key-revoked"


def test_what_is_no_state_is_refused(story: Story) -> None:
    for authorities in ([], [story.ana, story.ana], None, story.ana, [None], ["ana"], 5):
        assert refused(lambda authorities=authorities: TrustState(authorities)).code == "config-invalid"
    for option in ("on_revoked", "on_revoked_more", "on_denied", "clock"):
        assert refused(lambda option=option: TrustState([story.ana], **{option: 5})).code == "config-invalid"
    for options, code in (
        ({"name": ""}, "name-invalid"),
        ({"name": 5}, "name-invalid"),
        ({"key": None}, "key-invalid"),
        ({"for_every_issuer": 1}, "config-invalid"),
        ({"danger_allow_stale": "yes"}, "config-invalid"),
        ({"at_least": True}, "config-invalid"),
        ({"at_least": -1}, "config-invalid"),
    ):
        given: dict[str, Any] = {"name": "ana", "key": story.ana, **options}
        assert refused(lambda given=given: Authority(**given)).code == code
    for option, wrong in (
        ("identities", [story.ana]),
        ("approvals", {"pay": 1}),
        ("state", [story.ana]),
        ("principals", [("bo", story.ana.key)]),
        ("principals", {"bo": None}),
        ("principals", {5: story.ana.key}),
        ("principals", {"ana": story.coder.key}),
    ):
        assert refused(lambda option=option, wrong=wrong: story.verifier(**{option: wrong})).code == "config-invalid"


def test_an_authority_for_every_issuer_speaks_about_each(story: Story) -> None:
    security = Agent.generate("security")
    state = TrustState([Authority("security", security, for_every_issuer=True)])
    verifier, chain = story.verifier(state=state), story.chain({"read": {}})
    state.apply_list(RevocationList(1).sign(security, "1h"))
    attempt(verifier, story.coder, chain)
    state.apply_list(RevocationList(2, revoke=[Target.key(story.coder)]).sign(security, "1h"))
    assert denied(lambda: attempt(verifier, story.coder, chain)).code == "key-revoked"


def test_a_state_in_a_cycle_is_collected_and_one_in_use_is_not(story: Story) -> None:
    class Holder:
        state: TrustState

        def __init__(self) -> None:
            self.told = 0

        def note(self, event: object) -> None:
            self.told += 1

    holder = Holder()
    holder.state = TrustState([story.ana], on_revoked=holder.note)
    gone = weakref.ref(holder)
    loader = holder.state.loader()
    del holder
    gc.collect()
    kept = gone()
    assert kept is not None
    loader.push(RevocationList(1, revoke=[Target.key(story.coder)]).sign(story.ana, "1h"))
    loader.finish()
    assert kept.told == 1
    del kept, loader
    gc.collect()
    assert gone() is None


def child(verifier: Verifier, state: TrustState, presentation: Any, answers: Any) -> None:
    answers.send([outcome(lambda: verifier.authorize(presentation, "read", {})), outcome(lambda: state.held("ana"))])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_use_a_copy_of_the_state(story: Story, state: TrustState) -> None:
    context = multiprocessing.get_context("fork")
    verifier = story.verifier(state=state, store=Unforgetful())
    presentation = story.coder.prove(story.chain({"read": {}}), "read", {}, SERVER)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(verifier, state, presentation, there))
    process.start()
    try:
        assert here.poll(30)
        assert here.recv() == ["revocation-stale", "revocation-stale"]
    finally:
        process.join(30)
    verifier.authorize(presentation, "read", {})
