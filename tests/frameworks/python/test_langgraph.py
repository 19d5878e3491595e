"""Guarded tool nodes of LangGraph."""

# row: {"framework": "LangGraph", "language": "Python", "package": "langgraph", "extra": "langgraph", "guards": "tools of a ToolNode", "carries": "in process", "approvals": "interrupt"}

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deputize.langchain
import deputize.langgraph
import pytest
from agent_world import APP, World, example, no_credentials
from chain_models import SEEN, calls, script
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    Budget,
    SubAgent,
    UnsupportedOperation,
    acting,
    current_actor,
    optional,
)
from deputize.guarding import DENIAL_KEY
from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, ToolRuntime, tools_condition
from langgraph.types import Command, RetryPolicy

ASKED = {"messages": [("user", "go")]}
CONFIG: Any = {"configurable": {"thread_id": "1"}}
LOOP = asyncio.new_event_loop()  # one for a graph and its resumption: what a loop leaves running goes on in it
MODES = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture
def world() -> World:
    return World()


def graph_of(node: ToolNode, *messages: AIMessage, saver: bool = True, **options: Any) -> Any:
    """A model and its tools in a loop."""
    model = script(*messages)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", node, **options)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=InMemorySaver() if saver else None)


def ask(graph: Any, mode: str, given: Any = ASKED, config: Any = CONFIG) -> Any:
    return LOOP.run_until_complete(graph.ainvoke(given, config)) if mode == "async" else graph.invoke(given, config)


def said(result: Any) -> list[ToolMessage]:
    return [message for message in result["messages"] if isinstance(message, ToolMessage)]


def code(message: ToolMessage) -> str:
    assert message.status == "error"
    return str(message.artifact[DENIAL_KEY]["code"])


def counted(world: World, *names: str, fails: int = 0) -> list[Any]:
    """Tools that count how often they ran."""
    left = [fails]

    def made(name: str) -> Any:
        def run_it(to: str = "staging") -> str:
            world.ran[name] += 1
            if name == "flaky" and left[0]:
                left[0] -= 1
                raise ValueError("try again")
            return f"{deputize.langgraph.caller().caller} {name} {to}"

        return tool(name, description=name)(run_it)

    return [made(name) for name in names]


@MODES
def test_a_node_runs_what_the_token_allows_and_nothing_else(world: World, mode: str) -> None:
    node = deputize.langgraph.guard(counted(world, "look", "drop"), world.verifier)
    graph = graph_of(node, calls(("look", {"to": "staging"}), ("look", {"to": "production"}), ("drop", {})))
    with acting(world.actor({"look": {"to": "staging"}})):
        first, second, third = said(ask(graph, mode))
    assert first.content == "planner look staging"
    assert [code(second), code(third)] == ["argument-refused", "tool-not-allowed"]
    assert world.ran == {"look": 1}


@MODES
def test_without_an_actor_nothing_runs(world: World, mode: str) -> None:
    node = deputize.langgraph.guard(counted(world, "look"), world.verifier)
    (only,) = said(ask(graph_of(node, calls(("look", {}))), mode))
    assert code(only) == "proof-missing"
    assert world.ran == {}


def test_a_bare_function_is_a_tool_and_two_of_a_name_are_refused(world: World) -> None:
    def look(to: str) -> str:
        """Looks."""
        return deputize.langgraph.caller().caller

    node = deputize.langgraph.guard([look], world.verifier)
    with acting(world.actor({"look": {}})):
        assert said(ask(graph_of(node, calls(("look", {"to": "x"}))), "sync"))[0].content == "planner"
    with pytest.raises(UnsupportedOperation, match="several tools are called look"):
        deputize.langgraph.guard([look, *counted(world, "look")], world.verifier)
    with pytest.raises(UnsupportedOperation, match="wraps the calls itself"):
        deputize.langgraph.guard([look], world.verifier, wrap_tool_call=lambda request, handler: handler(request))


def test_no_credential_reaches_the_model_the_state_or_the_checkpoint(world: World) -> None:
    SEEN.clear()
    node = deputize.langgraph.guard(counted(world, "look"), world.verifier)
    graph = graph_of(node, calls(("look", {}), ("drop", {})))
    actor = world.actor({"look": {}})
    with acting(actor):
        result = ask(graph, "sync")
    saver = graph.checkpointer
    no_credentials(
        " ".join([*SEEN, repr(result), repr([list(saver.list(CONFIG)), dict(saver.blobs), dict(saver.writes)])]), actor
    )


def approving(*harmless: str) -> World:
    bo = Agent.generate("bo")
    world = World(approvals=ApprovalPolicy(1, [bo], harmless=list(harmless)))
    world.bo = bo
    return world


@MODES
def test_a_finished_sibling_of_an_interrupted_call_neither_runs_nor_spends_twice(mode: str) -> None:
    world = approving("look")
    node = deputize.langgraph.guard(counted(world, "look", "deploy"), world.verifier)
    graph = graph_of(node, calls(("look", {}), ("deploy", {})), calls(("look", {})))
    actor = world.actor({"look": {}, "deploy": {}}, audience=APP, budgets=[Budget.calls(2, tool="look")])
    with acting(actor):
        waiting = ask(graph, mode)
        result = ask(graph, mode, deputize.langgraph.answer(waiting, world.approver()))
    # The same call in a later turn has the same id, and is another call.
    assert [message.content for message in said(result)] == [
        "planner look staging",
        "planner deploy staging",
        "planner look staging",
    ]
    assert world.ran == {"look": 2, "deploy": 1}


@MODES
def test_a_finished_sibling_runs_again_for_another_actor_only_as_its_own_decision(mode: str) -> None:
    world = approving("look")
    node = deputize.langgraph.guard(counted(world, "look", "deploy"), world.verifier)
    graph = graph_of(node, calls(("look", {}), ("deploy", {})))
    with acting(world.actor({"look": {}, "deploy": {}})):
        waiting = ask(graph, mode)
    resume = deputize.langgraph.answer(waiting, world.approver())
    with acting(None):
        first, second = said(ask(graph, mode, resume))
    assert [code(first), code(second)] == ["proof-missing", "proof-missing"]
    assert world.ran == {"look": 1}


@MODES
def test_several_calls_of_a_node_are_asked_about_one_after_the_other_and_each_gets_its_own_answer(mode: str) -> None:
    world = approving()
    targets = [f"env-{number}" for number in range(4)]
    node = deputize.langgraph.guard(counted(world, "deploy"), world.verifier)
    graph = graph_of(node, calls(*(("deploy", {"to": to}) for to in targets)))
    with acting(world.actor({"deploy": {}})):
        result = ask(graph, mode)
        rounds = 0
        while result.get("__interrupt__"):
            result = ask(graph, mode, deputize.langgraph.answer(result, world.approver()))
            rounds += 1
    assert [message.content for message in said(result)] == [f"planner deploy {to}" for to in targets]
    assert world.ran["deploy"] == 4
    assert 4 <= rounds <= 8


def test_what_failed_is_run_again_and_what_finished_beside_it_is_not(world: World) -> None:
    node = deputize.langgraph.guard(counted(world, "look", "flaky", fails=2), world.verifier)
    retry = RetryPolicy(max_attempts=3, initial_interval=0.01, jitter=False, retry_on=ValueError)
    graph = graph_of(node, calls(("look", {}), ("flaky", {})), retry_policy=retry)
    budgets = [Budget.calls(1, tool="look")]
    with acting(world.actor({"look": {}, "flaky": {}}, audience=APP, budgets=budgets)):
        first, second = said(ask(graph, "sync"))
    assert [first.content, second.content] == ["planner look staging", "planner flaky staging"]
    assert world.ran == {"look": 1, "flaky": 3}


def test_a_run_from_an_earlier_checkpoint_is_decided_about_again(world: World) -> None:
    node = deputize.langgraph.guard(counted(world, "look"), world.verifier)
    graph = graph_of(node, calls(("look", {})))
    with acting(world.actor({"look": {}})):
        ask(graph, "sync")
    before = next(state for state in graph.get_state_history(CONFIG) if state.next == ("tools",))
    assert code(said(graph.invoke(None, before.config))[0]) == "proof-missing"
    with acting(world.actor({"look": {}})):
        assert said(graph.invoke(None, before.config))[0].status == "success"
    assert world.ran["look"] == 2


def test_a_sibling_that_still_runs_while_the_graph_resumes_is_waited_for() -> None:
    world = approving("slow")
    gate = threading.Event()

    @tool
    async def slow() -> str:
        """Takes its time."""
        world.ran["slow"] += 1
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return "slow"

    node = deputize.langgraph.guard([slow, *counted(world, "deploy")], world.verifier)
    graph = graph_of(node, calls(("slow", {}), ("deploy", {})))

    async def main() -> Any:
        waiting = await graph.ainvoke(ASKED, CONFIG)
        resumed = asyncio.create_task(graph.ainvoke(deputize.langgraph.answer(waiting, world.approver()), CONFIG))
        await asyncio.sleep(0.1)
        gate.set()
        return await resumed

    with acting(world.actor({"slow": {}, "deploy": {}})):
        result = asyncio.run(main())
    assert [message.content for message in said(result)] == ["slow", "planner deploy staging"]
    assert world.ran["slow"] == 1


def test_what_is_kept_of_interrupted_tasks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from deputize import tool_calls

    monkeypatch.setattr(tool_calls, "_MOST_TASKS", 8)
    world = approving("look")
    node = deputize.langgraph.guard(counted(world, "look", "deploy"), world.verifier)
    tasks = node._tasks._tasks  # type: ignore[attr-defined]
    with acting(world.actor({"look": {}, "deploy": {}})):
        for number in range(20):
            ask(
                graph_of(node, calls(("look", {}), ("deploy", {}))),
                "sync",
                config={"configurable": {"thread_id": str(number)}},
            )
        assert len(tasks) == 8
        graph = graph_of(node, calls(("look", {}), ("deploy", {})))
        waiting = ask(graph, "sync", config={"configurable": {"thread_id": "last"}})
        ask(
            graph, "sync", deputize.langgraph.answer(waiting, world.approver()), {"configurable": {"thread_id": "last"}}
        )
    assert len(tasks) == 7  # what is done is not kept


def agent_with(world: World, *wanted: Any, name: str, tools: Any = ("look", "deploy"), **options: Any) -> Any:
    """An agent of LangChain, as a part of a graph."""
    given = counted(world, *tools) if tools and isinstance(tools[0], str) else list(tools)
    return create_agent(
        script(*wanted), given, middleware=[deputize.langchain.guard(world.verifier)], name=name, **options
    )


def team(world: World, declared: dict[str, Any], *, nested: bool = False) -> Any:
    """A supervisor that hands over to a coder and a reviewer, each a node of the graph."""

    def hand_off(to: str) -> Any:
        @tool(f"transfer_to_{to}")
        def transfer(runtime: ToolRuntime) -> Any:
            """Hands over."""
            message = ToolMessage(f"over to {to}", tool_call_id=runtime.tool_call_id)
            state = [*runtime.state["messages"], message]
            return Command(goto=to, graph=Command.PARENT, update={"messages": state})

        return transfer

    supervisor = agent_with(
        world,
        calls(("look", {"to": "plan"}), first=1),
        calls(("transfer_to_coder", {}), first=6),
        calls(("transfer_to_reviewer", {}), first=11),
        name="supervisor",
        tools=[*counted(world, "look"), hand_off("coder"), hand_off("reviewer")],
    )
    members = {
        "supervisor": supervisor,
        "coder": agent_with(
            world, calls(("deploy", {"to": "staging"}), ("look", {"to": "code"}), first=21), name="coder"
        ),
        "reviewer": agent_with(
            world, calls(("look", {"to": "diff"}), ("deploy", {"to": "staging"}), first=31), name="reviewer"
        ),
    }
    graph = StateGraph(MessagesState)
    for name, agent in members.items():
        who = declared.get(name)
        graph.add_node(
            name,
            agent if who is None else deputize.langgraph.acting_as(agent, who),
            destinations=("coder", "reviewer") if name == "supervisor" else None,
        )
    graph.add_edge(START, "supervisor")
    graph.add_edge("coder", "supervisor")
    graph.add_edge("reviewer", END)
    return graph.compile(checkpointer=InMemorySaver())


TEAM = {"look": {}, "deploy": {}, "transfer_to_coder": {}, "transfer_to_reviewer": {}}


def contents(result: Any) -> dict[str, str]:
    return {message.tool_call_id: str(message.content) for message in said(result)}


@MODES
def test_a_supervisor_hands_each_declared_sub_agent_what_was_declared_for_it(world: World, mode: str) -> None:
    reviewer = Agent.generate("reviewer")
    declared = {
        "supervisor": current_actor,
        "coder": SubAgent(world.coder, {"deploy": {"to": "staging"}}, ttl="1m"),
        "reviewer": SubAgent(reviewer, {"look": {}}, ttl="1m"),
    }
    with acting(world.actor(TEAM)):
        found = contents(ask(team(world, declared), mode))
    assert found["call_1"] == "planner look plan"
    assert found["call_21"] == "coder deploy staging"
    assert "tool-not-allowed" in found["call_22"]
    assert found["call_31"] == "reviewer look diff"
    assert "tool-not-allowed" in found["call_32"]
    assert world.ran == {"look": 2, "deploy": 1}


@MODES
@pytest.mark.parametrize("within", ["node", "tool"])
def test_a_declared_sub_agent_is_not_who_the_context_of_its_graph_names(world: World, within: str, mode: str) -> None:
    @dataclass
    class Context:
        actor: Actor

    guard = deputize.langchain.guard(world.verifier, actor=lambda runtime: runtime.context.actor)

    def made(tools: Any, *wanted: Any) -> Any:
        return create_agent(script(calls(*wanted)), tools, middleware=[guard], context_schema=Context)

    below = made(counted(world, "deploy"), ("deploy", {"to": "production"}), ("deploy", {}))
    below = deputize.langgraph.acting_as(below, SubAgent(world.coder, {"deploy": {"to": optional("staging")}}))

    @tool
    async def ask_coder() -> str:
        """Asks the coder."""
        return "; ".join(str(message.content) for message in said(await below.ainvoke(ASKED)))

    @tool
    def ask_coder_here() -> str:
        """Asks the coder."""
        return "; ".join(str(message.content) for message in said(below.invoke(ASKED)))

    graph: Any = made(
        [ask_coder if mode == "async" else ask_coder_here], ("ask_coder" if mode == "async" else "ask_coder_here", {})
    )
    actor = world.actor({"ask_coder": {}, "ask_coder_here": {}, "deploy": {}})
    if within == "node":
        graph = StateGraph(MessagesState, context_schema=Context)
        graph.add_node("coder", below)
        graph.add_edge(START, "coder")
        graph = graph.compile()
    with acting(actor if within == "node" else None):
        about = {"context": Context(actor)}
        result = (
            LOOP.run_until_complete(graph.ainvoke(ASKED, **about)) if mode == "async" else graph.invoke(ASKED, **about)
        )
    text = "; ".join(str(message.content) for message in said(result))
    assert "argument-refused" in text
    assert "coder deploy staging" in text
    assert world.ran == {"deploy": 1}


@MODES
def test_a_sub_agent_in_a_graph_that_was_not_declared_acts_as_nobody(world: World, mode: str) -> None:
    declared = {"supervisor": current_actor, "coder": SubAgent(world.coder, {"deploy": {}})}
    with acting(world.actor(TEAM)):
        found = contents(ask(team(world, declared), mode))
    assert found["call_21"] == "coder deploy staging"
    assert "proof-missing" in found["call_31"]
    assert "acting_as" in found["call_31"]
    assert "proof-missing" in found["call_32"]


def test_what_is_below_an_undeclared_agent_gets_nothing_either(world: World) -> None:
    for who, expected in ((None, "denied: proof-missing"), (current_actor, "coder look staging")):
        inner = agent_with(world, calls(("look", {})), name="inner")
        middle = StateGraph(MessagesState)
        middle.add_node("inner", deputize.langgraph.acting_as(inner, SubAgent(world.coder, {"look": {}})))
        middle.add_edge(START, "inner")
        node = middle.compile()
        outer = StateGraph(MessagesState)
        outer.add_node("middle", node if who is None else deputize.langgraph.acting_as(node, who))
        outer.add_edge(START, "middle")
        with acting(world.actor(TEAM)):
            (only,) = said(outer.compile().invoke(ASKED))
        assert str(only.content).startswith(expected)


def test_a_sub_agent_that_a_node_calls_twice_acts_as_declared_each_time(world: World) -> None:
    agents = [
        deputize.langgraph.acting_as(
            agent_with(world, calls(("look", {})), name="coder"), SubAgent(world.coder, {"look": {}})
        )
        for _ in range(3)
    ]

    def node(state: Any) -> Any:
        return {"messages": [message for agent in agents for message in said(agent.invoke(ASKED))]}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    with acting(world.actor(TEAM)):
        assert [message.content for message in said(graph.compile().invoke(ASKED))] == ["coder look staging"] * 3


@MODES
def test_an_approval_for_a_sub_agent_is_asked_at_the_top_and_shows_the_whole_chain(mode: str) -> None:
    world = approving("transfer_to_coder", "transfer_to_reviewer", "look")
    declared = {
        "supervisor": current_actor,
        "coder": SubAgent(world.coder, {"deploy": {"to": "staging"}}),
        "reviewer": SubAgent(Agent.generate("reviewer"), {"look": {}}),
    }
    graph = team(world, declared)
    actor = world.actor(TEAM)
    with acting(actor):
        waiting = ask(graph, mode)
        request = ApprovalRequest.from_text(waiting["__interrupt__"][0].value["request"])
        assert request.holders == [world.planner.key, world.coder.key]
        result = ask(graph, mode, deputize.langgraph.answer(waiting, world.approver()))
    assert contents(result)["call_21"] == "coder deploy staging"


def test_fifty_threads_of_a_graph_at_once_are_each_their_own(world: World) -> None:
    agents = [Agent.generate(f"agent-{number}") for number in range(50)]
    node = deputize.langgraph.guard(counted(world, "look"), world.verifier)
    graphs = [graph_of(node, calls(*[("look", {"to": str(number)})] * 4)) for number in range(50)]
    actors = [world.actor({"look": {}}, agent) for agent in agents]

    def one(number: int) -> list[str]:
        with acting(actors[number]):
            return [
                message.content
                for message in said(ask(graphs[number], "sync", config={"configurable": {"thread_id": str(number)}}))
            ]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(50))) == [[f"agent-{number} look {number}"] * 4 for number in range(50)]
    assert world.codes == ["allowed"] * 200


def test_the_example_tells_its_story(tmp_path: Path) -> None:
    lines = example("langgraph_team", tmp_path).splitlines()
    assert lines[:2] == [
        "planner-production: planner: deployed to production",
        "coder-staging: planner > coder: deployed to staging",
    ]
    assert lines[2].startswith("coder-production: denied: argument-refused: ")
    assert lines[3].startswith("intern-staging: denied: proof-missing: ")


def test_a_hand_over_ends_with_its_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from deputize import local

    handed = local.Handed(SubAgent(world.coder, {"look": {}}, ttl="1m"))
    above = world.actor({"look": {}})
    first = handed.actor(above)
    assert handed.actor(above) is first
    assert handed.actor(world.actor({"look": {}})) is not first
    ahead = time.time() + 61
    monkeypatch.setattr(local.time, "time", lambda: ahead)
    assert handed.actor(above) is not first
    monkeypatch.setattr(local, "_MOST_HANDED", 8)
    for _ in range(20):
        handed.actor(world.actor({"look": {}}))
    assert len(handed._kept) == 8
