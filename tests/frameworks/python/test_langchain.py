"""Guarded tools of agents of LangChain."""

# row: {"framework": "LangChain", "language": "Python", "package": "langchain", "extra": "langchain", "guards": "tools of create_agent (middleware)", "carries": "in process", "approvals": "interrupt"}

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deputize.langchain
import pytest
from agent_world import APP, World, example, guide, no_credentials, run
from chain_models import SEEN, calls, script
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    Budget,
    RevocationList,
    SubAgent,
    Target,
    TrustState,
    UnsupportedOperation,
    Verifier,
    acting,
    current_actor,
    optional,
)
from deputize.guarding import DENIAL_KEY
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, ToolRetryMiddleware
from langchain.tools import ToolRuntime, tool
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

DEPLOY = {"deploy": {"env": "staging", "replicas": optional(range(1, 4))}}


@dataclass
class Context:
    actor: Actor | None


@pytest.fixture
def world() -> World:
    return World()


def deploy_of(world: World, fails: int = 0) -> Any:
    left = [fails]

    @tool
    def deploy(env: str, replicas: int = 1) -> str:
        """Deploys."""
        world.ran["deploy"] += 1
        if left[0]:
            left[0] -= 1
            raise ValueError("try again")
        who = deputize.langchain.caller()
        return f"{who.caller} for {who.on_behalf_of}: {env} {replicas}"

    return deploy


def agent_of(
    world: World, *wanted: Any, tools: Any = None, middleware: Any = (), verifier: Any = None, **options: Any
) -> Any:
    guard = deputize.langchain.guard(verifier or world.verifier, **options.pop("guard", {}))
    messages = [item if isinstance(item, AIMessage) else calls(item) for item in wanted]
    return create_agent(
        script(*messages), [deploy_of(world)] if tools is None else tools, middleware=[*middleware, guard], **options
    )


def said(result: Any) -> list[ToolMessage]:
    return [message for message in result["messages"] if isinstance(message, ToolMessage)]


STAGING = ("deploy", {"env": "staging"})
ASKED = {"messages": [("user", "deploy")]}


def code(message: ToolMessage) -> str:
    assert message.status == "error"
    denial = message.artifact[DENIAL_KEY]
    assert f"{denial['code']}: " in message.content
    assert denial["help"] in message.content
    return str(denial["code"])


def ask(agent: Any, mode: str, config: Any = None) -> Any:
    if mode == "async":
        return LOOP.run_until_complete(agent.ainvoke(ASKED, config))
    if mode == "stream":
        values: dict[str, Any] = {}
        for chunk in agent.stream(ASKED, config, stream_mode="values"):
            values.update(chunk)
        return values
    return agent.invoke(ASKED, config)


LOOP = asyncio.new_event_loop()
MODES = pytest.mark.parametrize("mode", ["sync", "async", "stream"])


@MODES
def test_a_call_runs_as_the_actor_of_the_run_and_one_outside_its_token_does_not(world: World, mode: str) -> None:
    agent = agent_of(world, STAGING, ("deploy", {"env": "production"}))
    with acting(world.actor(DEPLOY)):
        first, second = said(ask(agent, mode))
    assert first.content == "planner for ana: staging 1"
    assert code(second) == "argument-refused"
    assert world.ran["deploy"] == 1
    assert world.outcomes == ["succeeded"]


@MODES
def test_without_an_actor_nothing_runs(world: World, mode: str) -> None:
    (only,) = said(ask(agent_of(world, STAGING), mode))
    assert code(only) == "proof-missing"
    assert world.ran == {}


def test_a_token_of_another_agent_or_for_another_server_does_not_run_it(world: World) -> None:
    stolen = Actor(world.coder, world.ana.issue(to=world.planner, tools=DEPLOY))
    stranger = Agent.generate("stranger")
    wrong = {
        "holder-mismatch": stolen,
        "audience-mismatch": world.actor(DEPLOY, audience="https://other.example"),
        "issuer-untrusted": Actor(world.planner, stranger.issue(to=world.planner, tools=DEPLOY)),
    }
    for expected, actor in wrong.items():
        with acting(actor):
            (only,) = said(agent_of(world, STAGING).invoke(ASKED))
        assert code(only) == expected
    assert world.ran == {}


def test_arguments_are_decided_about_as_the_model_gave_them_before_any_schema_changes_them(world: World) -> None:
    agent = agent_of(
        world, ("deploy", {"env": "staging", "replicas": "2"}), ("deploy", {"env": "staging", "replicas": 2.0})
    )
    with acting(world.actor(DEPLOY)):
        text, number = said(agent.invoke(ASKED))
    assert code(text) == "argument-refused"
    assert code(number) == "value-unsupported"
    strict = {"deploy": {"env": "staging", "replicas": range(1, 4)}}
    with acting(world.actor(strict)):
        (default,) = said(agent_of(world, STAGING).invoke(ASKED))
    assert code(default) == "argument-missing"
    assert world.ran == {}


def test_no_credential_reaches_the_model_the_state_or_the_checkpoint(world: World) -> None:
    SEEN.clear()
    saver = InMemorySaver()
    agent = agent_of(world, STAGING, ("deploy", {"env": "production"}), checkpointer=saver)
    actor = world.actor(DEPLOY)
    config = {"configurable": {"thread_id": "1"}}
    with acting(actor):
        result = agent.invoke(ASKED, config)
    assert len(SEEN) == 3
    kept = repr([list(saver.list(config)), dict(saver.blobs), dict(saver.writes)])
    no_credentials(" ".join([*SEEN, repr(result), kept]), actor)


def test_fifty_runs_at_once_in_threads_and_tasks_are_each_their_own(world: World) -> None:
    @tool
    def whoami(number: int) -> str:
        """Says who calls."""
        return f"{deputize.langchain.caller().caller} {number}"

    agents = [Agent.generate(f"agent-{number}") for number in range(50)]
    actors = [world.actor({"whoami": {}}, agent) for agent in agents]

    def made(number: int) -> Any:
        return agent_of(world, calls(*[("whoami", {"number": number})] * 4), tools=[whoami])

    def one(number: int) -> list[str]:
        with acting(actors[number]):
            return [message.content for message in said(made(number).invoke(ASKED))]

    async def every() -> list[list[str]]:
        async def each(number: int) -> list[str]:
            with acting(actors[number]):
                return [message.content for message in said(await made(number).ainvoke(ASKED))]

        return await asyncio.gather(*(each(number) for number in range(50)))

    expected = [[f"agent-{number} {number}"] * 4 for number in range(50)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(50))) == expected
    assert asyncio.run(every()) == expected
    with pytest.raises(Exception, match="proof-missing"):
        current_actor()


@MODES
def test_each_attempt_of_a_retry_is_signed_afresh(world: World, mode: str) -> None:
    agent = agent_of(
        world,
        STAGING,
        tools=[deploy_of(world, fails=2)],
        middleware=[ToolRetryMiddleware(initial_delay=0, jitter=False)],
    )
    with acting(world.actor(DEPLOY)):
        (only,) = said(ask(agent, mode))
    assert only.content == "planner for ana: staging 1"
    assert world.codes == ["allowed"] * 3
    assert len({json.loads(record.json())["proof"] for record in world.records}) == 3
    assert world.outcomes == ["ValueError", "ValueError", "succeeded"]


class Changes(AgentMiddleware):
    """What another middleware may do to a call."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        changes = dict(self.changes)
        if "args" in changes:
            changes["tool_call"] = {**request.tool_call, "args": changes.pop("args")}
        return handler(request.override(**changes))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)


@MODES
def test_a_guard_that_is_not_the_last_middleware_is_refused(world: World, mode: str) -> None:
    guard = deputize.langchain.guard(world.verifier)
    agent = create_agent(
        script(calls(STAGING)), [deploy_of(world)], middleware=[guard, Changes(args={"env": "production"})]
    )
    with acting(world.actor(DEPLOY)), pytest.raises(UnsupportedOperation, match="last in the list"):
        ask(agent, mode)
    assert world.ran == {}


def test_what_a_middleware_before_it_changes_is_what_is_decided_about(world: World) -> None:
    agent = agent_of(world, STAGING, middleware=[Changes(args={"env": "production"})])
    with acting(world.actor(DEPLOY)):
        (only,) = said(agent.invoke(ASKED))
    assert code(only) == "argument-refused"

    @tool
    def drop(env: str) -> str:
        """Drops all."""
        world.ran["drop"] += 1
        return "dropped"

    agent = agent_of(world, STAGING, middleware=[Changes(tool=drop)])
    with acting(world.actor(DEPLOY)), pytest.raises(UnsupportedOperation, match="`drop` called as `deploy`"):
        agent.invoke(ASKED)
    assert world.ran == {}


def test_tools_that_are_added_later_or_by_a_middleware_are_guarded(world: World) -> None:
    @tool
    def drop(env: str) -> str:
        """Drops all."""
        world.ran["drop"] += 1
        return "dropped"

    class Adds(AgentMiddleware):
        tools = (drop,)

    class AddsLate(AgentMiddleware):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tools=[*request.tools, drop]))

        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tool=drop) if request.tool is None else request)

    for middleware in (Adds(), AddsLate()):
        agent = agent_of(world, ("drop", {"env": "staging"}), middleware=[middleware])
        with acting(world.actor(DEPLOY)):
            (only,) = said(agent.invoke(ASKED))
        assert code(only) == "tool-not-allowed"
    assert world.ran == {}


def test_a_tool_that_the_provider_of_the_model_runs_is_refused_unless_named(world: World) -> None:
    search = {"type": "web_search", "name": "web_search"}
    with acting(world.actor(DEPLOY)), pytest.raises(UnsupportedOperation, match="`web_search` is not run here"):
        agent_of(world, STAGING, tools=[deploy_of(world), search]).invoke(ASKED)
    assert world.ran == {}
    agent = agent_of(world, STAGING, tools=[deploy_of(world), search], guard={"elsewhere": ["web_search"]})
    with acting(world.actor(DEPLOY)):
        assert said(agent.invoke(ASKED))[0].status == "success"


def test_a_tool_that_another_server_guards_passes_as_the_same_actor(world: World) -> None:
    @tool
    def remote() -> str:
        """Calls elsewhere."""
        return current_actor().agent.name

    @tool
    def local() -> str:
        """Runs here."""
        return current_actor().agent.name

    agent = agent_of(world, ("remote", {}), ("local", {}), tools=[remote, local], guard={"elsewhere": ["remote"]})
    with acting(world.actor({"local": {}})):
        first, second = said(agent.invoke(ASKED))
    assert first.content == "planner"
    assert code(second) == "proof-missing"  # a guarded tool is not the agent that called it


def test_who_acts_may_be_in_the_context_of_the_agent(world: World) -> None:
    seen: list[str] = []

    @tool
    def whoami(runtime: ToolRuntime[Context]) -> str:
        """Says who calls."""
        assert runtime.context.actor is not None
        seen.append(runtime.context.actor.agent.name)
        return deputize.langchain.caller().caller

    agent = agent_of(
        world,
        ("whoami", {}),
        tools=[whoami],
        context_schema=Context,
        guard={"actor": lambda runtime: runtime.context.actor},
    )
    (only,) = said(agent.invoke(ASKED, context=Context(world.actor({"whoami": {}}))))
    assert (only.content, seen) == ("planner", ["planner"])
    agent = agent_of(
        world,
        ("whoami", {}),
        tools=[whoami],
        context_schema=Context,
        guard={"actor": lambda runtime: runtime.context.actor},
    )
    (only,) = said(agent.invoke(ASKED, context=Context(None)))
    assert code(only) == "proof-missing"


def test_names_in_tokens_may_be_others_than_names_here(world: World) -> None:
    agent = agent_of(world, STAGING, guard={"tools": {"deploy": "ops.deploy"}})
    with acting(world.actor({"ops.deploy": {"env": "staging"}})):
        assert said(agent.invoke(ASKED))[0].content == "planner for ana: staging 1"


def test_what_is_no_verifier_no_names_or_an_untested_release_is_refused_at_the_start(
    world: World, monkeypatch: Any
) -> None:
    for wrong in ({"elsewhere": "deploy"}, {"tools": ["deploy"]}, {"actor": world.actor(DEPLOY)}):
        with pytest.raises(UnsupportedOperation):
            deputize.langchain.guard(world.verifier, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedOperation, match="not a Verifier"):
        deputize.langchain.guard(object())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be subclassed"):
        type("Mine", (type(deputize.langchain.guard(world.verifier)),), {})
    from deputize import versions

    monkeypatch.setattr(versions.metadata, "version", lambda package: "2.0.0")
    with pytest.raises(ImportError, match=r"pip install 'deputize\[langchain\]'"):
        versions.require("langchain", "1.4", "1.5", "langchain")


def needing_approval(count: int = 1) -> tuple[World, list[Agent]]:
    people = [Agent.generate(name) for name in ("bo", "cy")]
    world = World(approvals=ApprovalPolicy(count, people))
    world.bo = people[0]
    return world, people


@MODES
def test_a_call_that_needs_an_approval_interrupts_and_runs_once_it_is_signed(mode: str) -> None:
    world, _ = needing_approval()
    agent = agent_of(world, STAGING, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    actor = world.actor(DEPLOY)
    with acting(actor):
        waiting = ask(agent, mode, config)
        shown = waiting["__interrupt__"][0].value
        request = ApprovalRequest.from_text(shown["request"])
        assert shown["text"] == request.text == ApprovalRequest(actor.chain, *STAGING, APP).text
        assert shown[DENIAL_KEY]["request_id"] == request.id
        assert world.ran == {}
        resumed = deputize.langchain.answer(waiting, world.approver())
        result = (
            LOOP.run_until_complete(agent.ainvoke(resumed, config))
            if mode == "async"
            else agent.invoke(resumed, config)
        )
    assert said(result)[0].content == "planner for ana: staging 1"
    assert world.ran["deploy"] == 1


@pytest.mark.parametrize("wrong", ["yes", True, "signed no", "another call", "another person", {"approved": True}, []])
def test_nothing_but_an_approvers_signature_of_this_call_counts(wrong: Any) -> None:
    world, people = needing_approval()
    agent = agent_of(world, STAGING, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    actor = world.actor(DEPLOY)
    answers = {
        "signed no": lambda request: people[0].deny(request).text,
        "another call": lambda request: (
            people[0].approve(ApprovalRequest(actor.chain, "deploy", {"env": "production"}, APP)).text
        ),
        "another person": lambda request: world.coder.approve(request).text,
    }
    with acting(actor):
        waiting = agent.invoke(ASKED, config)
        request = ApprovalRequest.from_text(waiting["__interrupt__"][0].value["request"])
        value = answers[wrong](request) if isinstance(wrong, str) and wrong in answers else wrong
        result = agent.invoke(Command(resume={waiting["__interrupt__"][0].id: value}), config)
    if wrong == "another call":
        assert result["__interrupt__"][0].value["request"] == request.text_form  # asked again about this one
    else:
        refusals = {"signed no": "approval-denied", "another person": "approver-refused"}
        assert code(said(result)[0]) == refusals.get(str(wrong), "approval-required")
    assert world.ran == {}


def test_two_people_approve_where_two_are_needed() -> None:
    world, people = needing_approval(2)
    config = {"configurable": {"thread_id": "1"}}
    bo, cy = (deputize.Approver(person, lambda request: True) for person in people)
    for approvers, ran in (([bo], 0), ([bo, cy], 1)):
        agent = agent_of(world, STAGING, checkpointer=InMemorySaver())
        with acting(world.actor(DEPLOY)):
            waiting = agent.invoke(ASKED, config)
            agent.invoke(deputize.langchain.answer(waiting, *approvers), config)
        assert world.ran["deploy"] == ran


def test_without_a_checkpointer_or_where_nobody_is_to_be_asked_the_call_is_refused() -> None:
    world, _ = needing_approval()
    for agent in (
        agent_of(world, STAGING),
        agent_of(world, STAGING, guard={"ask": False}, checkpointer=InMemorySaver()),
    ):
        with acting(world.actor(DEPLOY)):
            result = agent.invoke(ASKED, {"configurable": {"thread_id": "1"}})
        denial = said(result)[0].artifact[DENIAL_KEY]
        assert code(said(result)[0]) == "approval-required"
        assert denial["request_id"]
    assert world.ran == {}
    with pytest.raises(UnsupportedOperation, match="nothing that waits"):
        deputize.langchain.answer(result, world.approver())


def test_what_a_person_edits_is_what_is_signed(world: World) -> None:
    middleware = [HumanInTheLoopMiddleware(interrupt_on={"deploy": True})]
    for env, ran in (("staging", 1), ("production", 1)):
        agent = agent_of(world, ("deploy", {"env": "nowhere"}), middleware=middleware, checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": env}}
        edited = {"type": "edit", "edited_action": {"name": "deploy", "args": {"env": env}}}
        with acting(world.actor(DEPLOY)):
            agent.invoke(ASKED, config)
            result = agent.invoke(Command(resume={"decisions": [edited]}), config)
        assert said(result)
        assert world.ran["deploy"] == ran
    assert world.codes == ["allowed", "argument-refused"]


@MODES
def test_siblings_of_an_interrupted_call_neither_run_nor_spend_twice(mode: str) -> None:
    world, people = needing_approval()
    world = World(approvals=ApprovalPolicy(1, people, harmless=["look"]))

    @tool
    def look() -> str:
        """Looks."""
        world.ran["look"] += 1
        return "seen"

    agent = agent_of(world, calls(("look", {}), STAGING), tools=[look, deploy_of(world)], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    with acting(world.actor({"look": {}, **DEPLOY}, audience=APP, budgets=[Budget.calls(1, tool="look")])):
        waiting = ask(agent, mode, config)
        resumed = deputize.langchain.answer(waiting, deputize.Approver(people[0], lambda request: True))
        result = (
            LOOP.run_until_complete(agent.ainvoke(resumed, config))
            if mode == "async"
            else agent.invoke(resumed, config)
        )
    assert {message.content for message in said(result)} == {"seen", "planner for ana: staging 1"}
    assert world.ran == {"look": 1, "deploy": 1}


def test_a_tool_that_interrupts_by_itself_spends_once(world: World) -> None:
    @tool
    def survey() -> str:
        """Asks."""
        answer = interrupt("how many?")
        world.ran["survey"] += 1
        return f"{deputize.langchain.caller().caller} {answer}"

    agent = agent_of(world, ("survey", {}), ("survey", {}), tools=[survey], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    with acting(world.actor({"survey": {}}, audience=APP, budgets=[Budget.calls(1)])):
        agent.invoke(ASKED, config)
        result = agent.invoke(Command(resume=3), config)
    first, second = said(result)
    assert first.content == "planner 3"
    assert code(second) == "budget-exhausted"
    assert world.ran["survey"] == 1


def sub_agents(world: World, declared: bool) -> Any:
    """A supervisor with a tool that asks a sub-agent, which has tools of its own."""
    coder = agent_of(world, STAGING, ("deploy", {"env": "staging", "replicas": 3}), name="coder")
    if declared:
        coder = deputize.langchain.acting_as(
            coder, SubAgent(world.coder, {"deploy": {"env": "staging", "replicas": optional(1)}}, ttl="1m")
        )

    @tool
    def ask_coder(task: str) -> str:
        """Asks the coder."""
        world.ran["ask_coder"] += 1
        result = coder.invoke({"messages": [("user", task)]})
        return "; ".join(message.content for message in said(result))

    @tool
    async def ask_coder_async(task: str) -> str:
        """Asks the coder."""
        result = await coder.ainvoke({"messages": [("user", task)]})
        return "; ".join(message.content for message in said(result))

    return [ask_coder, ask_coder_async]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_supervisor_hands_a_declared_sub_agent_a_narrower_token(world: World, mode: str) -> None:
    asks = "ask_coder" if mode == "sync" else "ask_coder_async"
    agent = agent_of(world, (asks, {"task": "deploy"}), tools=sub_agents(world, declared=True))
    with acting(world.actor({asks: {}, **DEPLOY})):
        (only,) = said(ask(agent, mode))
    assert only.content.startswith("coder for ana: staging 1; denied: argument-refused: ")
    assert [
        [link["name"] for link in json.loads(record.json())["chain"]]
        for record in world.records
        if json.loads(record.json()).get("tool") == "deploy" and "chain" in json.loads(record.json())
    ] == [["planner", "coder"]] * 2


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_sub_agent_that_was_not_declared_acts_as_nobody(world: World, mode: str) -> None:
    asks = "ask_coder" if mode == "sync" else "ask_coder_async"
    agent = agent_of(world, (asks, {"task": "deploy"}), tools=sub_agents(world, declared=False))
    with acting(world.actor({asks: {}, **DEPLOY})):
        (only,) = said(ask(agent, mode))
    assert only.content.count("proof-missing: ") == 2
    assert world.ran["deploy"] == 0


def test_a_sub_agent_of_nobody_is_nobody(world: World) -> None:
    ask_coder = sub_agents(world, declared=True)[0]
    assert "proof-missing" in ask_coder.invoke({"task": "deploy"})
    assert world.ran["deploy"] == 0


def test_a_hand_over_that_is_refused_is_told_to_the_model(world: World) -> None:
    agent = agent_of(world, ("ask_coder", {"task": "deploy"}), tools=sub_agents(world, declared=True))
    with acting(world.actor({"ask_coder": {}}, max_depth=0)):
        (only,) = said(agent.invoke(ASKED))
    assert code(only) == "depth-exceeded"
    assert world.ran["deploy"] == 0


def test_a_sub_agent_that_has_to_ask_interrupts_its_supervisor_and_both_go_on_with_their_approvals() -> None:
    world, _ = needing_approval()
    agent = agent_of(
        world, ("ask_coder", {"task": "deploy"}), tools=sub_agents(world, declared=True), checkpointer=InMemorySaver()
    )
    config = {"configurable": {"thread_id": "1"}}
    asked = []
    with acting(world.actor({"ask_coder": {}, **DEPLOY})):
        result = agent.invoke(ASKED, config)
        while result.get("__interrupt__"):
            (one,) = result["__interrupt__"]
            asked.append([holder for holder in ApprovalRequest.from_text(one.value["request"]).holders])
            result = agent.invoke(deputize.langchain.answer(result, world.approver()), config)
    assert asked == [[world.planner.key], [world.planner.key, world.coder.key]]
    assert said(result)[0].content.startswith("coder for ana: staging 1; denied: argument-refused")
    assert world.ran == {"ask_coder": 2, "deploy": 1}  # LangGraph runs a tool that was interrupted from its start


def test_an_interrupted_call_whose_token_was_revoked_does_not_go_on(world: World) -> None:
    @tool
    def survey() -> str:
        """Asks."""
        interrupt("how many?")
        world.ran["survey"] += 1
        return "told"

    state = TrustState([world.ana])
    state.apply_list(RevocationList(1).sign(world.ana, "1h"))
    verifier = Verifier(trust=[world.ana], audience=APP, state=state)
    agent = agent_of(world, ("survey", {}), tools=[survey], verifier=verifier, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    actor = world.actor({"survey": {}})
    with acting(actor):
        agent.invoke(ASKED, config)
        state.apply_list(RevocationList(2, revoke=[Target.key(world.planner)]).sign(world.ana, "1h"))
        (only,) = said(agent.invoke(Command(resume=3), config))
    assert code(only) == "key-revoked"
    assert world.ran == {}


def test_an_audience_of_another_app_in_the_same_process(world: World) -> None:
    other = Verifier(trust=[world.ana], audience="https://other.example")
    with acting(world.actor(DEPLOY, audience=APP)):
        (only,) = said(agent_of(world, STAGING, verifier=other).invoke(ASKED))
    assert code(only) == "audience-mismatch"


def test_the_guide_gives_agents_identities(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("".join(guide("A model to try it with")), encoding="utf-8")
    first, refused, asked, approved = run("\n".join(guide("LangChain")), tmp_path).splitlines()
    assert first == "success planner for ana: staging × 1"
    assert refused.startswith("error denied: argument-refused: ")
    assert (asked, approved) == ('tool: "deploy"', "planner for ana: staging × 1")
    assert (tmp_path / "calls.jsonl").exists()


def test_the_guide_gives_sub_agents_their_part(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("".join(guide("A model to try it with")), encoding="utf-8")
    lines = run("\n".join(guide("LangGraph")), tmp_path).splitlines()
    assert lines[:2] == ["planner deploys to production", "coder deploys to staging"]
    assert "argument-refused: " in lines[2]
    assert "proof-missing: " in lines[3]


def test_the_example_tells_its_story(tmp_path: Path) -> None:
    asked, read, refused, deployed = example("langchain_agent", tmp_path).splitlines()
    assert asked == 'bo is asked: tool: "deploy"'
    assert read == "success: coder for ana reads /src/app.py"
    assert refused.startswith("error: denied: argument-refused: ")
    assert deployed == "success: coder for ana deploys to staging"
