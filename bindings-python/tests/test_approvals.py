"""Approvals: what an approver is asked and sees, what counts, and whoever is asked by a program."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import os
import pickle
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from conftest import SERVER, Story, denied, outcome, refused
from deputize import (
    Agent,
    Approval,
    ApprovalPolicy,
    ApprovalRequest,
    Approver,
    Authorized,
    Chain,
    MemoryStore,
    RevocationList,
    TrustState,
    Verifier,
    rotate,
)

PAY: dict[str, Any] = {"amount": 5, "to": "acme"}


@pytest.fixture
def humans() -> list[Agent]:
    return [Agent.generate(f"human-{number}") for number in range(3)]


def two_of(story: Story, humans: list[Agent], **options: Any) -> Chain:
    approvals = {"pay": {"count": 2, "approvers": humans}}
    return story.ana.issue(to=story.planner, tools={"pay": {}, "read": {}}, approvals=approvals, **options)


def attempt(
    verifier: Verifier, story: Story, chain: Chain, *evidence: Any, tool: str = "pay", **options: Any
) -> Authorized:
    presentation = story.planner.prove(chain, tool, PAY, SERVER).attach(*evidence)
    return verifier.authorize(presentation, tool, PAY, **options)


def ask(chain: Chain, /, **changed: Any) -> ApprovalRequest:
    given: dict[str, Any] = {"chain": chain, "tool": "pay", "arguments": PAY, "audience": SERVER, **changed}
    return ApprovalRequest(**given)


def test_a_call_that_needs_two_approvals_runs_once_with_two(story: Story, humans: list[Agent]) -> None:
    verifier, chain = story.verifier(), two_of(story, humans)
    error = denied(lambda: attempt(verifier, story, chain))
    request = ask(chain)
    assert (error.code, error.link, error.request_id) == ("approval-required", 0, request.id)
    assert len(request.id) == 32
    one, again, two = (human.approve(request) for human in (humans[0], humans[0], humans[1]))
    # APP-01: one approver counts once.
    error = denied(lambda: attempt(verifier, story, chain, one, again))
    assert (error.code, error.request_id) == ("approval-required", request.id)
    allowed = attempt(verifier, story, chain, one, two.bytes)
    assert humans[0].did in allowed.record.json()
    # APP-06: each approval is for one run.
    assert denied(lambda: attempt(verifier, story, chain, one, two)).code == "approval-spent"
    three = humans[2].approve(request)
    assert denied(lambda: attempt(verifier, story, chain, one, three)).code == "approval-spent"
    assert denied(lambda: attempt(verifier, story, chain, tool="deploy")).request_id is None


def test_of_many_runs_at_once_one_is_approved(story: Story, humans: list[Agent]) -> None:
    verifier, chain = story.verifier(), two_of(story, humans)
    approvals = [human.approve(ask(chain)) for human in humans[:2]]
    outcomes: list[str] = []

    def run() -> None:
        outcomes.append(outcome(lambda: attempt(verifier, story, chain, *approvals)))

    threads = [threading.Thread(target=run) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["allowed"] + ["approval-spent"] * 31


def test_only_who_is_named_and_holds_nothing_approves(story: Story, humans: list[Agent]) -> None:
    """APP-03."""
    assert refused(lambda: two_of(story, [*humans, story.planner])).code == "holder-is-approver"
    verifier, chain = story.verifier(), two_of(story, humans)
    request = ask(chain)
    assert refused(lambda: story.planner.approve(request)).code == "approver-refused"
    good = humans[0].approve(request)
    for stranger in (Agent.generate("human-1"), story.ana):
        assert denied(lambda who=stranger: attempt(verifier, story, chain, good, who.approve(request))).code == (
            "approver-refused"
        )
    child = story.planner.delegate(chain, to=story.coder)
    assert refused(lambda: story.coder.approve(ask(child))).code == "approver-refused"


def test_requirements_that_cannot_be_met_are_refused(story: Story, humans: list[Agent]) -> None:
    """APP-04."""
    for count in (0, 4, 256, 2**32, 2**64, -1, True, 1.0, "1", None):
        assert refused(lambda count=count: ApprovalPolicy(count, humans)).code == "config-invalid", count
    for approvers in (
        [],
        [humans[0]] * 2,
        [Agent.generate("x") for _ in range(17)],
        None,
        "ab",
        [None],
        [1],
        humans[0],
    ):
        assert refused(lambda approvers=approvers: ApprovalPolicy(1, approvers)).code == "config-invalid"
    for options in (
        *({"harmless": bad} for bad in ("read", [5], [""], ["\ud800"], [None], {"read"}, 5)),
        *({"by_annotation": bad} for bad in (1, "yes", [0])),
        *({"require": {"pay": bad}} for bad in ((), (1,), (1, humans, 2), [], [()], None, 5, (0, humans), (1, []))),
        *({"require": bad} for bad in ([("pay", 1, humans)], 5, {"": (1, humans)}, {5: (1, humans)})),
        {"harmless": ["pay"], "require": {"pay": (1, humans)}},
        {"require": {"pay": [(1, [Agent.generate("x")]) for _ in range(17)]}},
    ):
        assert refused(lambda options=options: ApprovalPolicy(1, humans, **options)).code == "config-invalid", options
    # An empty list would be a token that requires nothing.
    for required in ([], (), [{}], [[]], {"count": 1, "approvers": []}):
        issue = lambda required=required: story.ana.issue(to=story.planner, approvals={"pay": required})  # noqa: E731
        assert refused(issue).code == "claim-invalid", required


@pytest.mark.parametrize(
    "changed",
    [
        {"arguments": {"amount": 6, "to": "acme"}},
        {"arguments": {"amount": 5, "to": "acmf"}},
        {"arguments": {"amount": 5}},
        {"tool": "Pay"},
        {"audience": "https://tools.acme.example/"},
        {"context": "tenant:1"},
    ],
)
def test_an_approval_is_for_exactly_one_request(story: Story, humans: list[Agent], changed: dict[str, Any]) -> None:
    """APP-05, APP-11, APP-12."""
    verifier, chain = story.verifier(), two_of(story, humans)
    good, other = humans[0].approve(ask(chain)), humans[1].approve(ask(chain, **changed))
    assert ask(chain, **changed).id != ask(chain).id
    assert denied(lambda: attempt(verifier, story, chain, good, other)).code == "approval-mismatch"


def test_an_approval_is_for_one_token(story: Story, humans: list[Agent]) -> None:
    """APP-05, APP-16: another token of the same kind, and a narrower one below."""
    verifier, chain, twin = story.verifier(), two_of(story, humans), two_of(story, humans)
    approvals = [human.approve(ask(chain)) for human in humans[:2]]
    assert denied(lambda: attempt(verifier, story, twin, *approvals)).code == "approval-mismatch"
    child = story.planner.delegate(chain, to=story.coder)
    presentation = story.coder.prove(child, "pay", PAY, SERVER, evidence=approvals)
    assert denied(lambda: verifier.authorize(presentation, "pay", PAY)).code == "approval-mismatch"
    attempt(verifier, story, chain, *approvals)


def test_an_approval_has_its_time(story: Story, humans: list[Agent]) -> None:
    """APP-07."""
    ahead = [0]
    verifier = story.verifier(clock=lambda: int(time.time() * 1000) + ahead[0] * 1000)
    chain = two_of(story, humans)
    short, long = humans[0].approve(ask(chain), ttl=30), humans[1].approve(ask(chain), ttl="5m")
    ahead[0] = 29

    def now() -> Authorized:
        presentation = story.planner.prove(chain, "pay", PAY, SERVER).attach(short, long)
        return verifier.authorize(presentation, "pay", PAY)

    ahead[0] = 31
    assert denied(now).code == "approval-expired"
    for ttl in (0, 3601, "2h", 2**64, -1, True, 1.5, ""):
        assert refused(lambda ttl=ttl: humans[0].approve(ask(chain), ttl=ttl)).code == "claim-invalid", ttl
    behind = story.verifier(clock=lambda: int(time.time() * 1000) - 45_000)
    assert denied(lambda: attempt(behind, story, chain, long)).code in ("token-not-yet-valid", "approval-not-yet-valid")


def test_nothing_that_is_attached_is_passed_over(story: Story, humans: list[Agent]) -> None:
    """APP-09, APP-10."""
    verifier, chain = story.verifier(), two_of(story, humans)
    good = [human.approve(ask(chain)) for human in humans[:2]]
    flipped = bytearray(good[0].bytes)
    flipped[-1] ^= 1
    for garbage, code in (
        (b"", "malformed"),
        (b"garbage", "malformed"),
        (good[0].bytes[:-1], "malformed"),
        (good[0].bytes + b"\0", "malformed"),
        (flipped, "approval-invalid"),
        (chain.tokens[0], "kind-mismatch"),
    ):
        assert denied(lambda garbage=garbage: attempt(verifier, story, chain, *good, garbage)).code == code
        assert denied(lambda garbage=garbage: attempt(verifier, story, chain, garbage, *good)).code == code
    presentation = story.planner.prove(chain, "pay", PAY, SERVER)
    assert refused(lambda: presentation.attach(*[good[0]] * 100_000)).code == "too-many"
    assert refused(lambda: presentation.attach(b"x" * 200_000)).code == "too-large"
    for wrong in (None, 5, "text", [good[0]], {"approval": good[0]}, humans[0], True):
        assert refused(lambda wrong=wrong: presentation.attach(wrong)).code == "malformed"
    assert refused(lambda: story.planner.prove(chain, "pay", PAY, SERVER, evidence=good[0])).code == (  # type: ignore[arg-type]
        "malformed"
    )
    assert presentation.attach().bytes == presentation.bytes
    unasked = story.verifier()
    assert denied(lambda: attempt(unasked, story, chain, good[0], tool="read")).code == "approval-mismatch"
    attempt(verifier, story, chain, *good)


def test_a_no_blocks_until_it_expires(story: Story, humans: list[Agent]) -> None:
    """APP-14."""
    for order in (lambda no, yes: [no, *yes], lambda no, yes: [*yes, no]):
        verifier, chain = story.verifier(), two_of(story, humans)
        request = ask(chain)
        yes = [human.approve(request) for human in humans[:2]]
        no = humans[0].deny(request, ttl="10m", reason="not today")
        assert (no.approves, yes[0].approves) == (False, True)
        assert denied(lambda: attempt(verifier, story, chain, *order(no, yes))).code == "approval-denied"  # noqa: B023
        # Whoever presents the approvals cannot leave the denial out any more.
        assert denied(lambda: attempt(verifier, story, chain, *yes)).code == "approval-denied"  # noqa: B023
        other = two_of(story, humans)
        attempt(verifier, story, other, *(human.approve(ask(other)) for human in humans[:2]))


def test_a_no_is_marked_in_a_store_of_ones_own(story: Story, humans: list[Agent]) -> None:
    asked: list[list[Any]] = []

    class Store:
        def commit(self, operations: list[Any], now_ms: int) -> Any:
            asked.append(operations)
            return True

    verifier, chain = story.verifier(store=Store()), two_of(story, humans)
    no = humans[0].deny(ask(chain))
    assert denied(lambda: attempt(verifier, story, chain, no)).code == "approval-denied"
    ((revoked, withdrawn, (name, key, expires)),) = asked
    assert (revoked[:2], withdrawn[0]) == (("absent", b"K" + humans[0].key.bytes), "absent")
    assert withdrawn[1] == b"A" + humans[0].key.bytes + bytes.fromhex(no.id)
    assert (name, key, expires) == ("mark", b"d" + bytes.fromhex(no.request), no.expires)


def test_a_no_by_a_key_that_was_revoked_blocks_nothing(story: Story, humans: list[Agent]) -> None:
    """APP-08, APP-14."""
    verifier, chain = story.verifier(store=MemoryStore()), two_of(story, humans)
    no = humans[0].deny(ask(chain))
    verifier.revoke_key(humans[0])
    assert denied(lambda: attempt(verifier, story, chain, no)).code == "approval-denied"
    attempt(verifier, story, chain, *(human.approve(ask(chain)) for human in humans[1:]))


def test_approvers_follow_their_rotations_and_stay_one_approver(story: Story, humans: list[Agent]) -> None:
    """APP-01, APP-08."""
    state = TrustState([story.ana])
    state.apply_list(RevocationList(1).sign(story.ana, "1h"))
    verifier, anew = story.verifier(state=state), Agent.generate("human-0")
    chain = two_of(story, humans)
    old, new, other = (agent.approve(ask(chain)) for agent in (humans[0], anew, humans[1]))
    assert denied(lambda: attempt(verifier, story, chain, new, other)).code == "approver-refused"
    state.apply_rotation(rotate(humans[0], anew, "1h"))
    assert denied(lambda: attempt(verifier, story, chain, old, new)).code == "approval-required"
    attempt(verifier, story, chain, new, other)
    chain = two_of(story, humans)
    state.apply_list(RevocationList(2, suspend=[humans[0]]).sign(story.ana, "1h"))
    no = humans[0].deny(ask(chain))
    assert denied(lambda: attempt(verifier, story, chain, no)).code == "agent-suspended"
    attempt(verifier, story, chain, *(agent.approve(ask(chain)) for agent in (anew, humans[1])))


def test_a_store_that_fails_does_not_turn_a_no_into_anything_else(story: Story, humans: list[Agent]) -> None:
    class Store:
        def commit(self, operations: list[Any], now_ms: int) -> Any:
            raise OSError("no disk")

    verifier, chain = story.verifier(store=Store()), two_of(story, humans)
    assert denied(lambda: attempt(verifier, story, chain, humans[0].deny(ask(chain)))).code == "approval-denied"


def test_an_approver_takes_an_approval_back(story: Story, humans: list[Agent]) -> None:
    """APP-15, APP-08."""
    verifier, chain = story.verifier(), two_of(story, humans)
    one, two, three = (human.approve(ask(chain)) for human in humans)
    verifier.withdraw_approval(humans[0], one.id)
    assert denied(lambda: attempt(verifier, story, chain, one, two)).code == "approval-withdrawn"
    verifier.withdraw_approval(humans[0], two)  # another approver's: it has no effect
    attempt(verifier, story, chain, two, three)
    again = two_of(story, humans)
    approvals = [human.approve(ask(again)) for human in humans[:2]]
    verifier.revoke_key(humans[1])
    assert denied(lambda: attempt(verifier, story, again, *approvals)).code == "key-revoked"


def test_a_policy_wants_approvals_whatever_tokens_say(story: Story, humans: list[Agent]) -> None:
    policy = ApprovalPolicy(1, humans, harmless=["read"], require={"pay": [(2, humans[:2]), (1, [humans[2].key])]})
    verifier = story.verifier(approvals=policy)
    assert verifier.approvals is policy
    chain = story.ana.issue(to=story.planner, tools={"pay": {}, "read": {}, "drop": {}})
    attempt(verifier, story, chain, tool="read")
    for tool in ("pay", "drop"):
        assert denied(lambda tool=tool: attempt(verifier, story, chain, tool=tool)).code == "approval-required"
    drop = ask(chain, tool="drop")
    attempt(verifier, story, chain, humans[1].approve(drop), tool="drop")
    pay = ask(chain)
    one, two, three = (human.approve(pay) for human in humans)
    assert denied(lambda: attempt(verifier, story, chain, one, two)).code == "approval-required"
    attempt(verifier, story, chain, one, two, three)
    for hint in ("read_only", "additive", "destructive", None):
        call: Any = lambda hint=hint: attempt(verifier, story, chain, tool="drop", hint=hint)  # noqa: E731
        assert denied(call).code == "approval-required"


def test_annotations_count_where_the_policy_says_so_and_only_known_words(story: Story, humans: list[Agent]) -> None:
    verifier = story.verifier(approvals=ApprovalPolicy(1, humans, by_annotation=True))
    chain = story.ana.issue(to=story.planner, tools={"pay": {}})
    for hint in ("read_only", "additive"):
        attempt(verifier, story, chain, hint=hint)
    for hint in ("destructive", None):
        assert denied(lambda hint=hint: attempt(verifier, story, chain, hint=hint)).code == "approval-required"
    for wrong in ("", "READ_ONLY", "readOnly", "harmless", True, 1, b"read_only", ["read_only"], "\ud800"):
        assert denied(lambda wrong=wrong: attempt(verifier, story, chain, hint=wrong)).code == "config-invalid"


def test_what_a_person_sees_is_what_is_signed(story: Story, humans: list[Agent]) -> None:
    chain = two_of(story, humans, reason="release 1.0")
    arguments = {"amount": 5, "to": 'acme\n\u202efor: "ana"\x1b[2J'}
    request = ask(chain, arguments=arguments, context=None)
    lines = request.text.splitlines()
    assert lines[0] == f'approval request "{request.id}"'
    assert 'tool: "pay"' in lines
    assert not any(char in request.text for char in "\x1b\u202e")
    assert len([line for line in lines if line.startswith("for:")]) == 1
    assert (request.principal, request.mode, request.tool, request.audience) == ("ana", "on_behalf_of", "pay", SERVER)
    assert (request.context, request.reason) == (None, "release 1.0")
    assert request.holders == [story.planner.key]
    assert request.arguments == arguments
    claims = chain.unverified_claims()[0]
    assert (request.expires, request.session) == (claims["expires"], claims["session"])
    assert request.unverified_claims()[0]["id"] == claims["id"]
    assert request.chain == chain


def test_a_request_is_not_changed_after_it_was_made(story: Story, humans: list[Agent]) -> None:
    verifier, chain = story.verifier(), two_of(story, humans)
    arguments = dict(PAY)
    request = ask(chain, arguments=arguments)
    before = request.id
    arguments["amount"] = 5_000_000
    request.arguments["amount"] = 5_000_000
    request.holders.clear()
    assert (request.id, request.arguments) == (before, PAY)
    with pytest.raises(AttributeError):
        request.tool = "drop"  # type: ignore[misc]
    attempt(verifier, story, chain, *(human.approve(request) for human in humans[:2]))


def test_requests_and_approvals_travel(story: Story, humans: list[Agent]) -> None:
    chain = two_of(story, humans)
    request = ask(chain)
    approval = humans[0].approve(request, reason="I looked")
    for same in (
        ApprovalRequest.decode(request.bytes),
        ApprovalRequest.from_text(request.text_form),
        pickle.loads(pickle.dumps(request)),
        copy.deepcopy(request),
    ):
        assert same == request
        assert hash(same) == hash(request)
        assert humans[1].approve(same).request == request.id
    assert approval.request == request.id
    assert approval.approver == humans[0].key
    assert time.time() < approval.expires <= time.time() + 301
    for other in (Approval.decode(approval.bytes), Approval.from_text(approval.text), copy.copy(approval)):
        assert other == approval
    assert Approval.from_text(str(approval)) == pickle.loads(pickle.dumps(approval))
    for read in (ApprovalRequest.decode, Approval.decode):
        for wrong in (b"", b"\x80", b"x" * 100, request.bytes[:-1], approval.bytes[:-1], chain.bytes):
            assert refused(lambda read=read, wrong=wrong: read(wrong)).code in (
                *("malformed", "version-unsupported", "kind-mismatch", "too-large"),
            )
        for wrong in (None, 5, "text", request, [1]):
            assert refused(lambda read=read, wrong=wrong: read(wrong)).code == "malformed"
    for read_text in (ApprovalRequest.from_text, Approval.from_text):
        for bad in (None, 5, b"abc", "a b", "\ud800", "="):
            assert refused(lambda read_text=read_text, bad=bad: read_text(bad)).code == "text-malformed"
    assert refused(lambda: ApprovalRequest.decode(bytes(2_000_000))).code == "too-large"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        *[({"chain": bad}, "malformed") for bad in (None, b"", "chain", 5)],
        *[({"tool": bad}, "name-invalid") for bad in (None, "", "\n", "\ud800", 5, True)],
        *[({"audience": bad}, "name-invalid") for bad in (None, "", "\ud800", b"x")],
        *[({"arguments": bad}, "value-unsupported") for bad in (None, [], "{}", {"a": 1.0}, {1: 2}, {"a": object()})],
        *[({"context": bad}, "claim-invalid") for bad in (5, "\ud800", b"x", "a/../b", "")],
        ({"arguments": {f"a{n}": n for n in range(257)}}, "too-many"),
    ],
)
def test_a_request_for_nothing_is_refused(
    story: Story, humans: list[Agent], changed: dict[str, Any], code: str
) -> None:
    chain = two_of(story, humans)
    assert refused(lambda: ask(chain, **changed)).code == code


def test_only_an_agent_signs_and_only_a_request_is_signed(story: Story, humans: list[Agent]) -> None:
    import deputize._native as native

    request = ask(two_of(story, humans))

    class Impostor:
        name = "human-0"
        key = humans[0].key

    for wrong in (None, Impostor(), humans[0].key, "human-0", type(humans[0])):
        assert refused(lambda wrong=wrong: native.approve(wrong, request)).code == "key-invalid"
    for wrong in (None, request.bytes, request.text, "yes", True):
        assert refused(lambda wrong=wrong: humans[0].approve(wrong)).code == "malformed"
    for reason in (5, "\ud800", "a\nb", "x" * 1025):
        assert refused(lambda reason=reason: humans[0].approve(request, reason=reason)).code == "claim-invalid"


# Asking.


class Yes:
    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


async def promise(request: ApprovalRequest) -> bool:
    return True


def raising(error: BaseException) -> Callable[[ApprovalRequest], bool]:
    def ask(request: ApprovalRequest) -> bool:
        raise error

    return ask


def test_only_a_literal_true_approves_and_a_literal_false_denies(story: Story, humans: list[Agent]) -> None:
    request = ask(two_of(story, humans))
    seen: list[ApprovalRequest] = []
    approval = Approver(humans[0], lambda asked: not seen.append(asked), ttl=60).decide(request)
    assert (approval.approves, approval.request, approval.approver) == (True, request.id, humans[0].key)
    assert seen == [request]
    assert Approver(humans[0], lambda asked: False).decide(request).approves is False


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "answer",
    [
        *(lambda request, value=value: value for value in ("no", "yes", [0], [True], 1, 0, None, (), {}, 1.0, b"\x01")),
        lambda request: Yes(),
        lambda request: bool,
        promise,
        lambda request: iter([True]),
        raising(ValueError("boom")),
        raising(OSError()),
        raising(StopIteration()),
        raising(TimeoutError()),
        raising(MemoryError()),
    ],
)
def test_every_other_answer_signs_nothing(story: Story, humans: list[Agent], answer: Any) -> None:
    """APP-19."""
    request = ask(two_of(story, humans))
    error = refused(lambda: Approver(humans[0], answer).decide(request))
    assert error.code == "approval-required"


def test_an_answer_that_does_not_come_is_not_waited_for(story: Story, humans: list[Agent]) -> None:
    """APP-19: the question ends in bounded time, and an answer that comes later is nobody's."""
    request, release, answered = ask(two_of(story, humans)), threading.Event(), threading.Event()

    def hang(asked: ApprovalRequest) -> bool:
        release.wait(30)
        answered.set()
        return True

    began = time.monotonic()
    error = refused(lambda: Approver(humans[0], hang, timeout=0.2).decide(request))
    assert error.code == "approval-required"
    assert time.monotonic() - began < 5
    release.set()
    assert answered.wait(5)


def test_an_interrupt_while_somebody_is_asked_passes(story: Story, humans: list[Agent]) -> None:
    request = ask(two_of(story, humans))
    for error in (KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            Approver(humans[0], raising(error)).decide(request)


def test_who_is_asked_sees_the_context_of_who_asks(story: Story, humans: list[Agent]) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")
    seen: list[str] = []
    Approver(humans[0], lambda request: not seen.append(variable.get())).decide(ask(two_of(story, humans)))
    assert seen == ["here"]


def test_what_is_no_approver_is_refused(story: Story, humans: list[Agent]) -> None:
    for wrong in (None, "ana", humans[0].key, object()):
        assert refused(lambda wrong=wrong: Approver(wrong)).code == "config-invalid"
    for wrong in ("yes", True, 1, [print]):
        assert refused(lambda wrong=wrong: Approver(humans[0], wrong)).code == "config-invalid"
    for timeout in (0, -1, 3601, float("nan"), float("inf"), True, "5", None):
        assert refused(lambda timeout=timeout: Approver(humans[0], bool, timeout=timeout)).code == "config-invalid"
    approver = Approver(humans[0], lambda request: True)
    for wrong in (None, "text", b"", ask(two_of(story, humans)).bytes):
        assert refused(lambda wrong=wrong: approver.decide(wrong)).code == "malformed"
    for copies in (pickle.dumps, copy.copy, copy.deepcopy):
        assert refused(lambda copies=copies: copies(approver)).code == "config-invalid"
    with pytest.raises(TypeError):
        type("Mine", (Approver,), {})
    assert "SigningKey" not in repr(approver)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no pseudo-terminal")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("before", "typed", "expected"),
    [
        ("", "yes\n", "True"),
        ("", "no\n", "False"),
        ("", " yes \n", "True"),
        ("yes\n", "no\n", "False"),
        *[("", typed, "approval-required") for typed in ("y\n", "YES\n", "\n", "yes no\n", "yess\n", "1\n", "\x04")],
        ("yes\n", "", "approval-required"),
        ("", "", "approval-required"),
    ],
)
def test_the_terminal_is_asked(story: Story, humans: list[Agent], before: str, typed: str, expected: str) -> None:
    import pty

    request = ask(two_of(story, humans))
    here, there = os.pipe()
    child, terminal = pty.fork()
    if child == 0:  # in a process whose terminal this is
        try:
            time.sleep(0.3)
            try:
                outcome = str(Approver(humans[0], timeout=1.5).decide(request).approves)
            except Exception as error:
                outcome = getattr(error, "code", repr(error))
            os.write(there, outcome.encode())
        finally:
            os._exit(0)
    os.close(there)
    try:
        os.write(terminal, before.encode())
        shown = ""
        deadline = time.monotonic() + 20
        while "yes or no: " not in shown and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 65536).decode("utf-8", "replace")
        assert request.id in shown
        time.sleep(0.2)
        os.write(terminal, typed.encode())
        assert os.read(here, 100).decode() == expected
    finally:
        os.close(here)
        os.close(terminal)
        os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="there are no sessions of processes")
def test_without_a_terminal_nothing_is_signed() -> None:
    import subprocess

    code = (
        "from deputize import *\n"
        "ana, bo, human = map(Agent.generate, ('ana', 'bo', 'human'))\n"
        "request = ApprovalRequest(ana.issue(to=bo, tools={'pay': {}}), 'pay', {}, 'here')\n"
        "try:\n    Approver(human).decide(request)\n"
        "except DeputizeError as error:\n    print(error.code)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        input="yes\nyes\n",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
        timeout=60,
    )
    assert process.stdout == "approval-required\n", process.stderr


def test_a_denial_keeps_its_request_when_it_is_pickled(story: Story, humans: list[Agent]) -> None:
    error = denied(lambda: attempt(story.verifier(), story, two_of(story, humans)))
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.request_id, str(again)) == (error.code, error.request_id, str(error))
    assert again.request_id


def test_approvals_are_spent_in_every_verifier_that_shares_the_store(story: Story, humans: list[Agent]) -> None:
    store = MemoryStore()
    first, second = story.verifier(store=store), story.verifier(store=store)
    chain = two_of(story, humans)
    approvals = [human.approve(ask(chain)) for human in humans[:2]]
    attempt(first, story, chain, *approvals)
    assert denied(lambda: attempt(second, story, chain, *approvals)).code == "approval-spent"
