"""Who acts, what a sub-agent gets, and the guard before a tool in the same process."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    Budget,
    Chain,
    Guard,
    SubAgent,
    acting,
    caller,
    current_actor,
    one_of,
    path,
)
from deputize.guarding import denial_of, refusal_of


def tools_of(chain: Chain) -> Any:
    return chain.unverified_claims()[-1]["tools"]


def test_an_actor_signs_with_its_chain_of_now(story: Story) -> None:
    verifier = story.verifier()
    chains = [story.chain({"read": {}}), story.chain({"write": {}})]
    actor = Actor(story.coder, lambda: chains[0])
    assert verifier.authorize(actor.prove("read", {}, SERVER), "read", {}).caller == "coder"
    chains.pop(0)
    assert denied(lambda: verifier.authorize(actor.prove("read", {}, SERVER), "read", {})).code == "tool-not-allowed"
    assert actor.agent is story.coder
    assert actor.chain.text == chains[0].text


def test_an_actor_is_an_agent_with_a_chain_and_nothing_else(story: Story) -> None:
    chain = story.chain({"read": {}})
    wrong: list[Any] = [
        lambda: Actor("coder", chain),  # type: ignore[arg-type]
        lambda: Actor(story.coder.key, chain),  # type: ignore[arg-type]
        lambda: Actor(story.coder, chain.text),  # type: ignore[arg-type]
        lambda: Actor(story.coder, None),  # type: ignore[arg-type]
        lambda: Actor(story.coder, chain, evidence="x"),  # type: ignore[arg-type]
        lambda: Actor(story.coder, lambda: chain.text).chain,  # type: ignore[arg-type, return-value]
        lambda: Actor(story.coder, chain, evidence=lambda *_: None).prove("read", {}, SERVER),  # type: ignore[arg-type, return-value]
        lambda: Actor(story.coder, chain).delegate(story.planner),  # type: ignore[arg-type]
        lambda: SubAgent("coder", {}),  # type: ignore[arg-type]
        lambda: Guard("verifier"),  # type: ignore[arg-type]
        lambda: Guard(story.verifier(), tools=["read"]),  # type: ignore[arg-type]
    ]
    for make in wrong:
        assert refused(make).code == "config-invalid"
    with acting(None), pytest.raises(Exception, match="proof-missing"):
        current_actor()
    with pytest.raises(Exception, match="config-invalid"), acting(story.coder):  # type: ignore[arg-type]
        pass


def test_an_actor_is_not_copied_and_shows_no_key(story: Story) -> None:
    actor = Actor(story.coder, story.chain({"read": {}}))
    assert repr(actor) == "Actor('coder')"
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        assert refused(lambda copied=copied: copied(actor)).code == "config-invalid"  # type: ignore[misc]


def test_evidence_goes_with_the_calls_of_an_actor(story: Story) -> None:
    bo = Agent.generate("bo")
    verifier = story.verifier(approvals=ApprovalPolicy(1, [bo]))
    guard = Guard(verifier)
    actor = Actor(story.coder, story.chain({"deploy": {}}))
    with acting(actor):
        refusal = denied(lambda: guard.admit_here("deploy", {"env": "staging"}))
    request = ApprovalRequest(actor.chain, "deploy", {"env": "staging"}, SERVER)
    assert denial_of(refusal)["request_id"] == request.id
    seen: list[Any] = []

    def evidence(tool: str, arguments: dict[str, Any]) -> list[Any]:
        seen.append((tool, dict(arguments)))
        arguments["env"] = "production"
        return [bo.approve(request)]

    with acting(actor.with_evidence(evidence)):
        assert guard.admit_here("deploy", {"env": "staging"}).arguments == {"env": "staging"}
    assert seen == [("deploy", {"env": "staging"})]


def test_a_sub_agent_gets_what_was_declared_as_far_as_its_supervisor_has_it(story: Story) -> None:
    root = story.ana.issue(to=story.planner, tools={"read": {"path": path("/src")}, "write": {}}, ttl="5m")
    planner = Actor(story.planner, root)
    declared = SubAgent(story.coder, {"read": {"path": path("/")}, "drop": {}}, ttl="1h")
    chain = planner.delegate(declared, reason="fix the login bug")
    claims = chain.unverified_claims()
    assert list(tools_of(chain)) == ["read"]
    assert str(tools_of(chain)["read"]["path"]) == str(path("/src"))
    assert claims[-1]["expires"] == claims[0]["expires"]
    assert claims[-1]["reason"] == "fix the login bug"
    assert claims[-1]["holder_name"] == "coder"
    assert tools_of(planner.delegate(SubAgent(story.coder, {"drop": {}}))) == {}


def test_a_sub_agent_with_a_shorter_life_has_it(story: Story) -> None:
    planner = Actor(story.planner, story.ana.issue(to=story.planner, tools={"read": {}}, ttl="1h"))
    claims = planner.delegate(SubAgent(story.coder, {"read": {}}, ttl="1m", max_depth=1)).unverified_claims()
    assert claims[-1]["expires"] <= claims[-1]["issued"] + 60
    assert claims[-1]["max_depth"] == 1


def test_who_hands_over_signs_for_nobody_whose_key_is_elsewhere(story: Story) -> None:
    planner = Actor(story.planner, story.ana.issue(to=story.planner, tools={"read": {}}))
    verifier = story.verifier()
    with acting(planner.hand_over(SubAgent(story.coder, {"read": {}}), reason="help")):
        assert current_actor().agent is story.coder
        authorized = Guard(verifier).admit_here("read", {})
    assert authorized.caller == "coder"
    assert authorized.on_behalf_of == "ana"
    away = SubAgent(story.coder.key, {"read": {}}, holder_name="coder")
    assert planner.delegate(away).unverified_claims()[-1]["holder_name"] == "coder"
    assert refused(lambda: planner.hand_over(away)).code == "config-invalid"


def test_a_declaration_that_says_nothing_sensible_is_refused_at_once(story: Story) -> None:
    assert refused(lambda: SubAgent(story.coder, {"read": {"path": object()}})).code == "value-unsupported"


def test_nobody_acts_unless_somebody_says_so(story: Story) -> None:
    records: list[Any] = []
    guard = Guard(story.verifier(audit=records.append))
    assert denied(lambda: guard.admit_here("read", {})).code == "proof-missing"
    with acting(Actor(story.coder, story.chain({"read": {}}))):
        guard.admit_here("read", {})
        with acting(None):
            assert denied(lambda: guard.admit_here("read", {})).code == "proof-missing"
        guard.admit_here("read", {})
    assert denied(lambda: guard.admit_here("read", {})).code == "proof-missing"
    assert [record.code for record in records] == [
        "proof-missing",
        "allowed",
        "proof-missing",
        "allowed",
        "proof-missing",
    ]


def test_an_actor_whose_chain_is_somebody_elses_is_refused(story: Story) -> None:
    eve = Actor(Agent.generate("eve"), story.chain({"read": {}}))
    with acting(eve):
        assert refused(lambda: Guard(story.verifier()).admit_here("read", {})).code == "holder-mismatch"


def test_tasks_and_threads_act_for_whoever_started_them(story: Story) -> None:
    guard = Guard(story.verifier())
    agents = [Agent.generate(f"agent{number}") for number in range(20)]
    actors = {agent.name: Actor(agent, story.ana.issue(to=agent, tools={"read": {}})) for agent in agents}

    async def call(name: str) -> str:
        with acting(actors[name]):
            await asyncio.sleep(0)
            authorized = await asyncio.to_thread(guard.admit_here, "read", {"n": name})
            async with guard.running_async(authorized):
                await asyncio.sleep(0.001)
                assert refused(current_actor).code == "proof-missing"
                return caller().caller

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(call(name) for name in actors))

    assert asyncio.run(all_of_them()) == list(actors)

    def here(name: str) -> str:
        with acting(actors[name]), guard.running(guard.admit_here("read", {"t": name})):
            return caller().caller

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(here, actors)) == list(actors)


def test_a_thread_that_nobody_told_acts_for_nobody(story: Story) -> None:
    guard = Guard(story.verifier())
    codes: list[str] = []
    with acting(Actor(story.coder, story.chain({"read": {}}))):
        thread = threading.Thread(target=lambda: codes.append(denied(lambda: guard.admit_here("read", {})).code))
        thread.start()
        thread.join()
    assert codes == ["proof-missing"]


def test_what_becomes_of_a_call_is_recorded(story: Story) -> None:
    records: list[Any] = []
    guard = Guard(story.verifier(audit=records.append), tools={"look": "read"})
    outcomes = lambda: [record.sentence for record in records if not hasattr(record, "code")]  # noqa: E731
    with acting(Actor(story.coder, story.chain({"read": {"n": one_of(1, 2, 3)}}))):
        with guard.running(guard.admit_here("look", {"n": 1})) as run:
            assert caller().tool == "read"
        with guard.running(guard.admit_here("look", {"n": 2})) as run:
            run.error = "the tool reported an error"
        with pytest.raises(KeyError), guard.running(guard.admit_here("look", {"n": 3})):
            raise KeyError("x")
        with pytest.raises(KeyboardInterrupt), guard.running(guard.admit_here("look", {"n": 3})):
            raise KeyboardInterrupt
    assert len(outcomes()) == 4
    for sentence, word in zip(outcomes(), ("succeeded", "reported an error", "KeyError", "cancelled"), strict=True):
        assert word in sentence
    assert refused(caller).code == "config-invalid"


def test_a_cancelled_task_leaves_its_outcome(story: Story) -> None:
    records: list[Any] = []
    guard = Guard(story.verifier(audit=records.append))
    chain = story.chain({"read": {}})

    async def run() -> None:
        with acting(Actor(story.coder, chain)):
            async with guard.running_async(guard.admit_here("read", {})):
                await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(run())
        while not records:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert "cancelled" in records[-1].sentence


def test_a_call_that_is_cancelled_while_it_is_decided_about_is_given_back(story: Story) -> None:
    asked, go, operations, records = threading.Event(), threading.Event(), list[Any](), list[Any]()

    class Store:
        def commit(self, wanted: list[Any], now_ms: int) -> bool:
            operations.extend(operation[0] for operation in wanted)
            asked.set()
            return go.wait(10)

    guard = Guard(story.verifier(audit=records.append, store=Store()))
    budgets = [Budget.calls(1)]
    actor = Actor(story.coder, story.chain({"read": {}}, budgets=budgets, audience=guard.verifier.audience))

    async def run() -> None:
        await guard.admit_async("read", {}, actor.prove("read", {}, guard.verifier.audience))
        raise AssertionError("it runs")

    async def cancelled() -> None:
        task = asyncio.create_task(run())
        await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    asyncio.run(cancelled())
    until = time.monotonic() + 5
    while len(records) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert "cancelled" in records[-1].sentence
    assert operations.count("spend") == operations.count("refund") == 1


def test_a_refused_caller_is_told_the_code_and_the_help(story: Story) -> None:
    error = denied(lambda: Guard(story.verifier()).admit("read", {}, None))
    assert refusal_of(error) == f"denied: {error}. {error.help}"
    assert denial_of(error) == {"code": "proof-missing", "help": error.help}


def test_importing_deputize_imports_no_framework() -> None:
    frameworks = (
        "mcp",
        "fastmcp",
        "langchain",
        "langgraph",
        "agents",
        "pydantic_ai",
        "fastapi",
        "starlette",
        "a2a",
        "anyio",
        "redis",
    )
    code = f"import sys, deputize; print([name for name in {frameworks} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
