"""Renewal: a short-lived token follows another, by a policy, and gives what the one before gave."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import Agent, Authorized, Budget, Chain, RenewalPolicy, RevocationList, Target, TrustState


class Clock:
    """Seconds after the test began."""

    def __init__(self) -> None:
        self.start, self.ahead = int(time.time()), 0

    def __call__(self) -> int:
        return (self.start + self.ahead) * 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


def renewal(clock: Clock, until: int = 3600, before: Any = "1m", **options: Any) -> RenewalPolicy:
    return RenewalPolicy(before, clock.start + until, clock=clock, **options)


def read(verifier: Any, agent: Agent, chain: Chain) -> Authorized:
    return verifier.authorize(agent.prove(chain, "read", {}, SERVER), "read", {})


def ends(chain: Chain | None) -> int:
    assert chain is not None
    expires: int = chain.unverified_claims()[-1]["expires"]
    return expires


def test_a_token_is_renewed_in_its_last_minute_and_gives_what_the_old_one_gave(story: Story, clock: Clock) -> None:
    verifier = story.verifier()
    old = story.ana.issue(to=story.planner, tools={"read": {}}, ttl="10m", reason="work")
    policy, end = renewal(clock), ends(old) - clock.start
    clock.ahead = end - 61
    assert policy.renew_root(story.ana, old) is None
    clock.ahead = end - 60
    new = policy.renew_root(story.ana, old)
    assert new is not None
    ((before,), (after,)) = (old.unverified_claims(), new.unverified_claims())
    assert after == before | {"id": after["id"], "issued": clock.start + end - 60, "expires": clock.start + end + 540}
    assert after["id"] != before["id"]

    # A leaf by whoever delegated it; what is given again is at the system's time, so that it can be used here.
    parent = story.ana.issue(to=story.planner, tools={"read": {}})
    child = story.planner.delegate(parent, to=story.coder, ttl=60)
    renewed = RenewalPolicy(60, clock.start + 3600).renew(story.planner, parent, child)
    assert renewed is not None
    read(verifier, story.coder, renewed)
    assert len(renewed.tokens) == 2
    assert renewed.tokens[0] == child.tokens[0]
    assert renewed.tokens[1] != child.tokens[1]


def test_nothing_is_renewed_beyond_the_policy_or_after_the_end_or_for_another(story: Story, clock: Clock) -> None:
    old = story.ana.issue(to=story.planner, tools={"read": {}}, ttl="10m")
    end = ends(old) - clock.start
    clock.ahead = end - 10
    assert ends(renewal(clock, end + 100).renew_root(story.ana, old)) == clock.start + end + 100
    assert ends(renewal(clock, end + 100, 2**63).renew_root(story.ana, old)) == clock.start + end + 100
    assert refused(lambda: renewal(clock, end - 10).renew_root(story.ana, old)).code == "token-expired"
    assert refused(lambda: renewal(clock).renew_root(Agent.generate("bo"), old)).code == "claim-invalid"
    assert refused(lambda: renewal(clock).renew(story.planner, old, old)).code == "claim-invalid"
    leaf = story.planner.delegate(old, to=story.coder)
    assert refused(lambda: renewal(clock).renew_root(story.ana, leaf)).code == "claim-invalid"
    assert refused(lambda: renewal(clock).renew(story.ana, old, leaf)).code == "signature-invalid"
    counted = story.ana.issue(
        to=story.planner, tools={"read": {}}, ttl="10m", audience=SERVER, budgets=[Budget.calls(1)]
    )
    assert refused(lambda: renewal(clock).renew_root(story.ana, counted)).code == "claim-invalid"
    clock.ahead = end
    assert refused(lambda: renewal(clock).renew_root(story.ana, old)).code == "token-expired"


def test_an_agent_that_was_revoked_or_suspended_is_not_renewed(story: Story, clock: Clock) -> None:
    state = TrustState([story.ana])
    old = story.ana.issue(to=story.planner, tools={"read": {}}, ttl="10m")
    parent = story.ana.issue(to=story.planner, tools={"read": {}})
    leaf = story.planner.delegate(parent, to=story.coder, ttl="10m")
    clock.ahead = 590
    policy = renewal(clock, state=state)
    for change, code in (
        (None, "revocation-stale"),
        (RevocationList(1), None),
        (RevocationList(2, suspend=[story.planner, story.coder]), "agent-suspended"),
        (RevocationList(3, pending=[story.planner, story.coder]), "agent-pending"),
        (RevocationList(4, revoke=[Target.key(story.planner), Target.key(story.coder)]), "key-revoked"),
    ):
        if change is not None:
            state.apply_list(change.sign(story.ana, "1h"))
        if code is None:
            assert policy.renew_root(story.ana, old) is not None
            assert policy.renew(story.planner, parent, leaf) is not None
        else:
            assert refused(lambda: policy.renew_root(story.ana, old)).code == code
            assert refused(lambda: policy.renew(story.planner, parent, leaf)).code == code


def test_an_agent_that_is_renewed_goes_on_until_the_policy_ends(story: Story, clock: Clock) -> None:
    verifier = story.verifier(clock=clock, store=Forgetful())
    chain: Chain = story.ana.issue(to=story.planner, tools={"read": {}}, ttl="2m")
    policy, renewals = renewal(clock, until=400), 0
    while True:
        fresh = policy.renew_root(story.ana, chain)
        if fresh is not None:
            chain, renewals = fresh, renewals + 1
        verifier.verify_chain(chain)
        if ends(chain) == clock.start + 400:
            break
        clock.ahead += 30
    assert renewals in (4, 5)
    clock.ahead = 400
    assert refused(lambda: verifier.verify_chain(chain)).code == "token-expired"
    assert denied(lambda: read(verifier, story.planner, chain)).code == "token-expired"


class Forgetful:
    def commit(self, operations: list[Any], now_ms: int) -> Any:
        return True


def test_what_is_no_policy_is_refused(story: Story, clock: Clock) -> None:
    chain = story.ana.issue(to=story.planner, tools={"read": {}})
    for before in (None, -1, True, 1.5, "", "1", "1w", 2**64):
        assert refused(lambda before=before: RenewalPolicy(before, clock.start)).code == "claim-invalid"
    for until in (None, -1, True, 1.5, "1h", 2**64, 253402300800):
        assert refused(lambda until=until: RenewalPolicy(60, until)).code == "claim-invalid"
    for option in ("state", "clock"):
        assert refused(lambda option=option: RenewalPolicy(60, clock.start, **{option: 5})).code == "config-invalid"
    policy = renewal(clock)
    for wrong in (None, "ana", story.ana.key):
        assert refused(lambda wrong=wrong: policy.renew_root(wrong, chain)).code == "key-invalid"
        assert refused(lambda wrong=wrong: policy.renew(wrong, chain, chain)).code == "key-invalid"
    for wrong in (None, chain.bytes, chain.text):
        assert refused(lambda wrong=wrong: policy.renew_root(story.ana, wrong)).code == "malformed"
        assert refused(lambda wrong=wrong: policy.renew(story.ana, wrong, chain)).code == "malformed"
        assert refused(lambda wrong=wrong: policy.renew(story.ana, chain, wrong)).code == "malformed"
    for answer in (None, 0, -1, True, 1.5, "now"):
        broken = RenewalPolicy(60, clock.start + 10, clock=lambda answer=answer: answer)  # type: ignore[misc]
        assert refused(lambda broken=broken: broken.renew_root(story.ana, chain)).code == "clock-invalid"


def test_a_policy_in_a_cycle_is_collected(story: Story) -> None:
    class Holder:
        policy: RenewalPolicy

        def now(self) -> int:
            return int(time.time() * 1000)

    holder = Holder()
    holder.policy = RenewalPolicy(60, 2**31, clock=holder.now)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
