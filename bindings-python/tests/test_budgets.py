"""Budgets, sessions, the three modes, bounds of trust anchors, and what is revoked or closed at once."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from conftest import SERVER, Story, denied, outcome, refused
from deputize import (
    Agent,
    Authorized,
    Budget,
    Chain,
    MemoryStore,
    Session,
    TrustAnchor,
    Verifier,
    VerifyingKey,
    at_most,
)

TOOLS: dict[str, Any] = {"pay": {"*": at_most(2**60)}, "read": {}}


def call(verifier: Verifier, agent: Agent, chain: Chain, tool: str = "read", **arguments: Any) -> Authorized:
    return verifier.authorize(agent.prove(chain, tool, arguments, SERVER), tool, arguments)


def paid(verifier: Verifier, story: Story, chain: Chain, amount: Any) -> Authorized:
    return call(verifier, story.planner, chain, "pay", amount=amount)


def root(story: Story, *budgets: Budget, **options: Any) -> Chain:
    tools: Any = {"pay": {}, "read": {}}
    return story.ana.issue(
        to=story.planner, tools=tools, **{"audience": SERVER, "budgets": list(budgets), "max_depth": 3, **options}
    )


def counting_store() -> Any:
    """A store in Python that does what the specification says, one transaction after another."""

    class Store:
        def __init__(self) -> None:
            self.lock, self.keys, self.counters = threading.Lock(), set[bytes](), dict[bytes, int]()
            self.asked: list[list[Any]] = []

        def commit(self, operations: list[Any], now_ms: int) -> Any:
            with self.lock:
                self.asked.append(operations)
                spent: dict[bytes, int] = {}
                for index, (name, key, *rest) in enumerate(operations):
                    if name in ("claim", "absent") and key in self.keys:
                        return "refused", index
                    if name == "spend":
                        spent[key] = spent.get(key, self.counters.get(key, 0)) + rest[0]
                        if spent[key] > rest[1]:
                            return "refused", index
                self.counters |= spent
                for name, key, *rest in operations:
                    if name in ("claim", "mark"):
                        self.keys.add(key)
                    if name == "refund":
                        self.counters[key] = max(0, self.counters.get(key, 0) - rest[0])
                return True

    return Store()


STORES: list[Callable[[], Any]] = [MemoryStore, counting_store]


@pytest.mark.parametrize("store", STORES)
def test_a_budget_of_calls_lasts_for_that_many(story: Story, store: Callable[[], Any]) -> None:
    verifier = story.verifier(store=store())
    chain = root(story, Budget.calls(3))
    child = story.planner.delegate(chain, to=story.coder, budgets=[Budget.calls(1000)])
    for _ in range(2):
        call(verifier, story.planner, chain)
    call(verifier, story.coder, child)
    for agent, own in ((story.planner, chain), (story.coder, child)):
        error = denied(lambda agent=agent, own=own: call(verifier, agent, own))
        assert (error.code, error.link) == ("budget-exhausted", 0)


def test_of_a_thousand_calls_at_once_as_many_as_the_budget_are_allowed(story: Story) -> None:
    verifier, chain = story.verifier(), root(story, Budget.calls(10))
    outcomes: list[str] = []

    def work() -> None:
        outcomes.extend(outcome(lambda: call(verifier, story.planner, chain)) for _ in range(125))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(outcomes)) == ["allowed", "budget-exhausted"]
    assert (outcomes.count("allowed"), len(outcomes)) == (10, 1000)


@pytest.mark.parametrize("store", STORES)
def test_a_total_sums_the_argument_of_its_tool(story: Story, store: Callable[[], Any]) -> None:
    verifier, chain = story.verifier(store=store()), root(story, Budget.total(100, "pay", "amount"))
    paid(verifier, story, chain, 60)
    assert denied(lambda: paid(verifier, story, chain, 41)).code == "budget-exhausted"
    paid(verifier, story, chain, 40)
    assert denied(lambda: paid(verifier, story, chain, 1)).code == "budget-exhausted"
    paid(verifier, story, chain, 0)
    call(verifier, story.planner, chain, "read")


def test_what_cannot_be_summed_is_refused(story: Story) -> None:
    verifier, chain = story.verifier(), root(story, Budget.total(100, "pay", "amount"))
    for bad in (-1, 2**53, 0.5, "1", None, [1], True, {"amount": 1}):
        assert denied(lambda bad=bad: paid(verifier, story, chain, bad)).code == "argument-refused", bad
    paid(verifier, story, chain, 100)


def test_a_rate_begins_anew_with_each_window(story: Story) -> None:
    import time

    ahead = [0]
    verifier = story.verifier(clock=lambda: int(time.time() * 1000) + ahead[0])
    chain = root(story, Budget.calls(2, per=1), ttl="1h")
    for _ in range(3):
        while int(time.time() * 1000) % 1000 > 300:
            time.sleep(0.01)
        call(verifier, story.planner, chain)
        call(verifier, story.planner, chain)
        assert denied(lambda: call(verifier, story.planner, chain)).code == "budget-exhausted"
        ahead[0] += 1000


def test_a_budget_over_the_session_counts_every_chain_of_it(story: Story) -> None:
    verifier, session = story.verifier(), Session.open("fix the login bug")
    one, two = (root(story, Budget.calls(2, over="session"), session=session) for _ in range(2))
    call(verifier, story.planner, one)
    call(verifier, story.planner, two)
    for chain in (one, two):
        assert denied(lambda chain=chain: call(verifier, story.planner, chain)).code == "budget-exhausted"
    call(verifier, story.planner, root(story, Budget.calls(2, over="session")))


@pytest.mark.parametrize("store", STORES)
def test_a_refund_gives_back_once(story: Story, store: Callable[[], Any]) -> None:
    verifier, chain = story.verifier(store=store()), root(story, Budget.calls(1))
    first = call(verifier, story.planner, chain)
    for _ in range(10):
        verifier.refund(first)
    call(verifier, story.planner, chain)
    verifier.refund(first)
    assert denied(lambda: call(verifier, story.planner, chain)).code == "budget-exhausted"
    for wrong in (None, chain, first.record, "authorized"):
        assert refused(lambda wrong=wrong: verifier.refund(wrong)).code == "config-invalid"


@pytest.mark.parametrize("store", STORES)
def test_a_refund_is_given_once_also_when_the_leaf_has_expired(story: Story, store: Callable[[], Any]) -> None:
    ahead = 0

    def clock() -> int:
        return int(time.time() * 1000) + ahead * 1000

    made = store()
    verifier = story.verifier(store=made, clock=clock)
    chain = root(story, Budget.calls(1), ttl="1h")
    first = call(verifier, story.coder, story.planner.delegate(chain, to=story.coder, ttl=20))
    verifier.refund(first)
    call(verifier, story.planner, chain)
    ahead = 21
    verifier.refund(first)
    assert denied(lambda: call(verifier, story.planner, chain)).code == "budget-exhausted"
    ahead, before = 3700, len(getattr(made, "asked", ()))
    verifier.refund(first)
    assert len(getattr(made, "asked", ())) == before


def test_a_refused_call_spends_nothing(story: Story) -> None:
    verifier, chain = story.verifier(), root(story, Budget.calls(1))
    for _ in range(3):
        assert denied(lambda: call(verifier, story.planner, chain, "deploy")).code == "tool-not-allowed"
    call(verifier, story.planner, chain)


def test_a_budget_names_the_one_audience_that_counts_it(story: Story) -> None:
    for audience in ([], [SERVER, "https://other.example"], None):
        with pytest.raises(Exception, match="claim-invalid"):
            root(story, Budget.calls(1), audience=audience)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        *[(lambda bad=bad: Budget.calls(bad), "claim-invalid") for bad in (0, -1, 2**53, 2**64, True, 1.0, "1", None)],
        *[
            (lambda bad=bad: Budget.calls(1, per=bad), "claim-invalid")
            for bad in (0, -1, "0s", "31d", 2**64, True, 1.5, "m", "1 m", "١m")
        ],
        *[(lambda bad=bad: Budget.calls(1, bad), "name-invalid") for bad in ("", "\n", "\ud800", 1, b"read", True)],
        *[(lambda bad=bad: Budget.total(1, "pay", bad), "name-invalid") for bad in ("", "a\0", "\ud800", None, 5)],
        *[(lambda bad=bad: Budget.total(1, bad, "amount"), "name-invalid") for bad in ("", None, 5)],
        *[
            (lambda bad=bad: Budget.calls(1, over=bad), "claim-invalid")
            for bad in ("", "Session", "everything", True, 1, "\ud800")
        ],
    ],
)
def test_budgets_that_mean_nothing_are_refused(make: Callable[[], object], code: str) -> None:
    assert refused(make).code == code


def test_what_is_no_list_of_budgets_is_refused(story: Story) -> None:
    for wrong in (Budget.calls(1), {"limit": 1}, [1], ["calls"], [None], [{"limit": 1, "scope": "family"}], 5):
        error = refused(lambda wrong=wrong: story.ana.issue(to=story.planner, audience=SERVER, budgets=wrong))
        assert error.code == "claim-invalid"
    many = [Budget.calls(1)] * 9
    assert refused(lambda: root(story, *many)).code == "too-many"


def test_budgets_are_values_and_show_in_claims(story: Story) -> None:
    rate = Budget.calls(5, tool="read", per="1m", over="session")
    assert (rate.limit, rate.scope, rate.tool, rate.argument, rate.window) == (5, "session", "read", None, 60)
    assert rate == Budget.calls(5, "read", 60, "session")
    assert hash(rate) == hash(Budget.calls(5, "read", 60, "session"))
    assert rate != Budget.calls(5, "read", 60)
    claims = root(story, rate, Budget.total(9, "pay", "amount")).unverified_claims()[0]
    assert claims["budgets"] == [
        {"limit": 5, "scope": "session", "tool": "read", "window": 60},
        {"limit": 9, "scope": "family", "tool": "pay", "argument": "amount"},
    ]
    assert "budgets" not in story.ana.issue(to=story.planner).unverified_claims()[0]
    with pytest.raises(AttributeError):
        rate.limit = 7  # type: ignore[misc]
    with pytest.raises(TypeError):
        type("Mine", (Budget,), {})


# Sessions and tasks.


def test_a_session_and_its_task_are_in_every_token_below(story: Story) -> None:
    session = Session.open("fix the login bug")
    chain = story.chain({"read": {}}, session=session)
    allowed = call(story.verifier(), story.coder, chain)
    for claims in allowed.chain.claims:
        assert claims["session"] == session.id.hex()
        assert session.task is not None
        assert claims["task"] == session.task.hex()
    assert (len(session.id), session.task) == (16, Session.open(b"fix the login bug").task)
    assert len({Session.open().id for _ in range(100)}) == 100
    assert Session.open().task is None


def test_what_is_no_session_or_task_is_refused(story: Story) -> None:
    for wrong in (b"", b"x" * 15, b"x" * 17, "x" * 16, "A" * 32, "0" * 31, 5, True, [0] * 16):
        error = refused(lambda wrong=wrong: story.ana.issue(to=story.planner, session=wrong))
        assert error.code == "claim-invalid", wrong
    for task in (5, True, ["a"], "\ud800"):
        assert refused(lambda task=task: Session.open(task)).code == "claim-invalid"
    session = Session.open("one task")
    assert refused(lambda: story.ana.issue(to=story.planner, session=session, task=b"t" * 32)).code == "claim-invalid"
    story.ana.issue(to=story.planner, session=Session.open(), task=b"t" * 32)


@pytest.mark.parametrize("store", STORES)
def test_a_closed_session_stops_everything_in_it_and_no_other(story: Story, store: Callable[[], Any]) -> None:
    verifier, session = story.verifier(store=store()), Session.open("one task")
    chain, other = story.chain({"read": {}}, session=session), story.chain({"read": {}})
    call(verifier, story.coder, chain)
    for close in (
        lambda: verifier.close_session("somebody else", session),
        lambda: verifier.close_task("Ana", b"t" * 32),
    ):
        assert refused(close).code == "issuer-untrusted"
    call(verifier, story.coder, chain)
    verifier.close_session(story.ana, session)
    assert denied(lambda: call(verifier, story.coder, chain)).code == "session-closed"
    anew = story.chain({"read": {}}, session=session.id)
    assert denied(lambda: call(verifier, story.coder, anew)).code == "session-closed"
    call(verifier, story.coder, other)


@pytest.mark.parametrize("store", STORES)
def test_what_is_revoked_takes_everything_below_it_along(story: Story, store: Callable[[], Any]) -> None:
    shared = store()
    verifier, second = story.verifier(store=shared), story.verifier(store=shared)
    chains = [story.chain({"read": {}}, session=Session.open("t"), ttl="30d") for _ in range(5)]
    ids = [[claims["id"] for claims in chain.unverified_claims()] for chain in chains]
    for chain in chains:
        call(second, story.coder, chain)
    verifier.revoke_token(ids[0][0])
    verifier.revoke_token(bytes.fromhex(ids[1][1]))
    verifier.close_task("ana", b"\0" * 32)
    call(second, story.coder, chains[2])
    expected = [("token-revoked", 0), ("token-revoked", 1)]
    for chain, (code, link) in zip(chains, expected, strict=False):
        error = denied(lambda chain=chain: call(second, story.coder, chain))
        assert (error.code, error.link) == (code, link)
    task = Session.open("t").task
    assert task is not None
    verifier.close_task("ana", task.hex())
    assert denied(lambda: call(second, story.coder, chains[2])).code == "task-closed"
    free = story.chain({"read": {}})
    verifier.revoke_key(story.coder)
    error = denied(lambda: call(second, story.coder, free))
    assert (error.code, error.link) == ("key-revoked", 1)
    root = story.ana.issue(to=story.planner, tools={"read": {}})
    call(second, story.planner, root)
    verifier.revoke_key(story.ana.key)
    assert denied(lambda: call(second, story.planner, root)).code == "key-revoked"


def test_look_alike_ids_are_refused_and_none_is_a_silent_miss(story: Story) -> None:
    verifier, chain = story.verifier(), story.chain({"read": {}})
    (_, leaf) = chain.unverified_claims()
    right = leaf["id"]
    wrong: list[Any] = [
        right.upper(),
        right[:-1],
        right[:16],
        right + "00",
        f" {right}",
        f"0x{right[2:]}",
        f"{right}\n",
        right.replace(right[0], "０", 1),
        "q6urq6urq6urq6urq6urqw",
        "\ud800" * 32,
        bytes.fromhex(right)[:15],
        bytes.fromhex(right) + b"\0",
        right.encode(),
        int(right, 16),
        None,
        True,
        chain,
        [right],
    ]
    if right.upper() == right:
        wrong.remove(right)
    for id in wrong:
        for revoke in (
            verifier.revoke_token,
            lambda id: verifier.close_session("ana", id),
            lambda id: verifier.withdraw_approval(story.ana, id),
        ):
            error = refused(lambda id=id, revoke=revoke: revoke(id))
            assert error.code == "claim-invalid", id
    for task in (*wrong[:8], right, bytes.fromhex(right), b"t" * 31, "T" * 64, None, 5):
        assert refused(lambda task=task: verifier.close_task("ana", task)).code == "claim-invalid", task
    call(verifier, story.coder, chain)
    for key in (None, "did:key:z6Mk", story.ana.key.bytes, 5, story):
        assert refused(lambda key=key: verifier.revoke_key(key)).code == "key-invalid"
    for issuer in (None, 5, b"ana", "\ud800"):
        assert refused(lambda issuer=issuer: verifier.close_session(issuer, b"s" * 16)).code == "name-invalid"
    call(verifier, story.coder, chain)


@pytest.mark.parametrize("answer", [None, False, 1, "True", ("refused", 0), ("predates", 0), [True]])
def test_a_revocation_that_no_store_took_is_an_error(story: Story, answer: Any) -> None:
    class Store:
        def commit(self, operations: list[Any], now_ms: int) -> Any:
            return answer

    verifier = story.verifier(store=Store())
    for revoke in (
        lambda: verifier.revoke_token(b"t" * 16),
        lambda: verifier.revoke_key(story.coder),
        lambda: verifier.close_session("ana", b"s" * 16),
        lambda: verifier.close_task("ana", b"t" * 32),
        lambda: verifier.withdraw_approval(story.ana, b"a" * 16),
    ):
        assert refused(revoke).code == "store-unavailable"


def test_an_interrupt_while_something_is_revoked_passes(story: Story) -> None:
    class Store:
        def commit(self, operations: list[Any], now_ms: int) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        story.verifier(store=Store()).revoke_key(story.coder)


# The three modes.


def test_the_three_modes_say_for_whom_the_holder_acts(story: Story) -> None:
    anchor = TrustAnchor("ana", story.ana.key, may_impersonate=True)
    verifier = Verifier(trust=[anchor], audience=SERVER)
    desk = story.planner
    for chain, mode, principal, caller in (
        (story.ana.issue_own_behalf(to=desk, name="cron"), "own_behalf", "cron", "cron"),
        (story.ana.issue_own_behalf(to=desk), "own_behalf", "planner", "planner"),
        (story.ana.issue_on_behalf_of("bo", to=desk), "on_behalf_of", "bo", "planner"),
        (
            story.ana.issue_impersonation("bo", to=desk, audience=SERVER, reason="ticket 7"),
            "impersonation",
            "bo",
            "planner",
        ),
    ):
        verified = verifier.verify_chain(chain)
        assert (verified.claims[0]["mode"], verified.principal, verified.caller) == (mode, principal, caller)


@pytest.mark.parametrize("nobody", [None, "", "\n", "\ud800", 5, b"bo", True, ["bo"]])
def test_a_principal_that_is_not_named_is_no_reason_to_act_for_oneself(story: Story, nobody: Any) -> None:
    for make in (
        lambda: story.ana.issue_on_behalf_of(nobody, to=story.planner),
        lambda: story.ana.issue_impersonation(nobody, to=story.planner, audience=SERVER),
    ):
        assert refused(make).code == "name-invalid"
    if nobody is not None:
        assert refused(lambda: story.ana.issue_own_behalf(to=story.planner, name=nobody)).code == "name-invalid"
    assert refused(lambda: story.ana.issue_own_behalf(to=story.planner.key)).code == "name-invalid"


def test_impersonation_takes_the_consent_of_the_impersonated(story: Story) -> None:
    bo, desk = Agent.generate("bo"), story.planner
    anchor = TrustAnchor("ana", story.ana.key, may_impersonate=True)
    verifier = Verifier(trust=[anchor], audience=SERVER, principals={"bo": bo.key})
    chain = story.ana.issue_impersonation("bo", to=desk, audience=SERVER, tools={"read": {}}, reason="ticket 7")

    def attempt(*evidence: Any) -> Authorized:
        return verifier.authorize(desk.prove(chain, "read", {}, SERVER, evidence=evidence), "read", {})

    assert denied(attempt).code == "consent-missing"
    given = bo.consent(holder=desk, issuer=story.ana, audience=SERVER, tools=["read"])
    for form in (given, given.bytes, bytearray(given.bytes)):
        allowed = attempt(form)
        assert allowed.on_behalf_of == "bo"
        assert '"consent":' in allowed.record.json()
    for wrong in (
        bo.consent(holder=story.coder, issuer="ana", audience=SERVER),
        bo.consent(holder=desk, issuer="eve", audience=SERVER),
        bo.consent(holder=desk, issuer="ana", audience="https://other.example"),
        bo.consent(holder=desk, issuer="ana", audience=SERVER, tools=["write"]),
        Agent.generate("bo").consent(holder=desk, issuer="ana", audience=SERVER),
        desk.consent(holder=story.coder, issuer="ana", audience=SERVER),
    ):
        assert denied(lambda wrong=wrong: attempt(wrong)).code == "consent-invalid"
    assert denied(lambda: attempt(given, given)).code == "consent-invalid"
    assert copy.deepcopy(given) == pickle.loads(pickle.dumps(given)) == type(given).from_text(given.text) == given
    for ttl in (0, "25h", True, 1.5, -1):
        make = lambda ttl=ttl: bo.consent(holder=desk, issuer="ana", audience=SERVER, ttl=ttl)  # noqa: E731
        assert refused(make).code == "claim-invalid"
    for holder in (None, "bo", desk.key.bytes):
        assert refused(lambda holder=holder: bo.consent(holder=holder, issuer="ana", audience=SERVER)).code == (
            "key-invalid"
        )


# Trust anchors of other organisations.


def test_another_organisations_roots_stay_within_its_bounds(story: Story) -> None:
    anchor = TrustAnchor("ana", story.ana.key, tools={"read": {}}, max_lifetime="10m", max_depth=1)
    assert (anchor.max_lifetime, anchor.max_depth, anchor.may_impersonate) == (600, 1, False)
    verifier = Verifier(trust=[anchor], audience=SERVER)
    within: dict[str, Any] = {"tools": {"read": {}}, "ttl": 600, "max_depth": 1}
    chain = story.planner.delegate(story.ana.issue(to=story.planner, **within), to=story.coder)
    call(verifier, story.coder, chain)
    for wider in ({"tools": {"read": {}, "pay": {}}}, {"ttl": 601}, {"max_depth": 2}):
        error = denied(
            lambda wider=wider: call(verifier, story.planner, story.ana.issue(to=story.planner, **{**within, **wider}))
        )
        assert (error.code, error.link) == ("anchor-exceeded", 0)


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        *[({"max_depth": bad}, "config-invalid") for bad in (-1, 256, True, "1", 1.0)],
        *[({"max_lifetime": bad}, "claim-invalid") for bad in (-1, True, "1", 1.0, "m")],
        *[({"tools": bad}, "claim-invalid") for bad in (["read"], "read", {"read": None}, 5)],
        ({"tools": {5: {}}}, "name-invalid"),
        ({"may_impersonate": 1}, "config-invalid"),
    ],
)
def test_bounds_that_are_none_are_refused(story: Story, bounds: dict[str, Any], code: str) -> None:
    assert refused(lambda: TrustAnchor("ana", story.ana.key, **bounds)).code == code


# Partitions.


def test_a_tool_asks_whether_a_partition_is_the_calls(story: Story) -> None:
    verifier, chain = story.verifier(), story.chain({"read": {}}, context="tenant:1/task:7")
    presentation = story.coder.prove(chain, "read", {}, SERVER)
    allowed = verifier.authorize(presentation, "read", {}, context="tenant:1/task:7")
    allowed.check_context("tenant:1/task:7")
    allowed.check_context("tenant:1/task:7/notes")
    wrong: list[Any] = [
        *("tenant:1", "tenant:1/task:70", "tenant:1/task:7/../8", "TENANT:1/task:7", "tenant:1/task:7/", "", "*", "/"),
        *("tenant:1/task:7\0", "tenant:1/task:\ud800", None, 5, True, b"tenant:1/task:7"),
    ]
    for other in wrong:
        assert refused(lambda other=other: allowed.check_context(other)).code == "context-mismatch"
    without = call(verifier, story.coder, story.chain({"read": {}}))
    assert refused(lambda: without.check_context("tenant:1")).code == "context-mismatch"


def test_a_key_in_the_store_says_nothing_about_another_call(story: Story) -> None:
    store = counting_store()
    verifier, chain = story.verifier(store=store), root(story, Budget.calls(5), Budget.total(9, "pay", "amount"))
    paid(verifier, story, chain, 2)
    names = [operation[0] for operation in store.asked[0]]
    assert names.count("spend") == 2
    assert names.count("claim") == 1
    assert isinstance(story.ana.key, VerifyingKey)
