"""Guarded tools of Pydantic AI."""

# row: {"framework": "Pydantic AI", "language": "Python", "package": "pydantic-ai-slim", "extra": "pydantic-ai", "guards": "tools of an agent (capability)", "carries": "in process; _meta to MCP servers", "approvals": "deferred tools"}

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deputize
import deputize.pydantic_ai
import pytest
from agent_world import APP, World, example, guide, mcp_server, no_credentials, run
from deputize import Actor, ApprovalPolicy, ApprovalRequest, Budget, SubAgent, UnsupportedOperation, acting, optional
from pydantic import BaseModel
from pydantic_ai import Agent, ExternalToolset, ModelRetry, RunContext, Tool
from pydantic_ai.capabilities import AbstractCapability, WebSearch
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults, ToolApproved, ToolDefinition
from pydantic_ai.toolsets import FunctionToolset

DEPLOY = {"deploy": {"env": "staging", "replicas": optional(range(1, 4))}}
STAGING = ("deploy", {"env": "staging"})


@pytest.fixture
def world() -> World:
    return World()


def deploy_of(world: World) -> Any:
    def deploy(env: str, replicas: int = 1) -> str:
        """Deploys."""
        world.ran["deploy"] += 1
        who = deputize.pydantic_ai.caller()
        return f"{who.caller} for {who.on_behalf_of}: {env} {replicas}"

    return deploy


SEEN: list[str] = []


def model(*turns: Any, name: str = "") -> FunctionModel:
    """Each turn is a list of calls; then it is done."""
    left = [[turn] if isinstance(turn, tuple) else turn for turn in turns]
    done = [0]

    def parts(messages: list[ModelMessage]) -> list[ToolCallPart]:
        SEEN.append(repr(messages))
        if not left:
            return []
        done[0] += 1
        return [
            ToolCallPart(tool, args, tool_call_id=f"{name}{done[0]}.{number}")
            for number, (tool, args) in enumerate(left.pop(0))
        ]

    def say(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts(messages) or [TextPart("done")])

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> Any:
        found = parts(messages)
        for number, part in enumerate(found):
            args = part.args if isinstance(part.args, str) else json.dumps(part.args)
            yield {number: DeltaToolCall(name=part.tool_name, json_args=args, tool_call_id=part.tool_call_id)}
        if not found:
            yield "done"

    return FunctionModel(say, stream_function=stream)


def agent_of(
    world: World,
    *turns: Any,
    name: str = "planner",
    tools: Any = None,
    guard: Any = None,
    also: Any = (),
    **options: Any,
) -> Any:
    capability = deputize.pydantic_ai.guard(world.verifier, **(guard or {}))
    return Agent(
        model(*turns, name=name),
        tools=[deploy_of(world)] if tools is None else tools,
        capabilities=[capability, *also],
        output_type=[str, DeferredToolRequests],
        **options,
    )


def ask(agent: Any, mode: str = "async", **options: Any) -> Any:
    if mode == "sync":
        return agent.run_sync("deploy", **options)

    async def main() -> Any:
        if mode == "stream":
            async with agent.run_stream("deploy", **options) as result:
                await result.get_output()
                return result
        return await agent.run("deploy", **options)

    return asyncio.run(main())


def said(result: Any) -> list[str]:
    return [
        str(part.content)
        for message in result.all_messages()
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    ]


MODES = pytest.mark.parametrize("mode", ["sync", "async", "stream"])


@MODES
def test_a_call_runs_as_the_actor_of_the_run_and_one_outside_its_token_does_not(world: World, mode: str) -> None:
    agent = agent_of(world, [STAGING, ("deploy", {"env": "production"})])
    with acting(world.actor(DEPLOY)):
        first, second = said(ask(agent, mode))
    assert first == "planner for ana: staging 1"
    assert second.startswith("denied: argument-refused: ")
    assert world.ran["deploy"] == 1
    assert world.outcomes == ["succeeded"]


@MODES
def test_without_an_actor_nothing_runs(world: World, mode: str) -> None:
    (only,) = said(ask(agent_of(world, STAGING), mode))
    assert only.startswith("denied: proof-missing: ")
    assert world.ran == {}


def test_a_refusal_is_a_failed_result_of_the_tool(world: World) -> None:
    parts = [part for message in ask(agent_of(world, STAGING)).all_messages() for part in message.parts]
    assert [part.outcome for part in parts if isinstance(part, ToolReturnPart)] == ["failed"]


def test_a_token_of_another_agent_or_for_another_server_does_not_run_it(world: World) -> None:
    wrong = {
        "holder-mismatch": Actor(world.coder, world.ana.issue(to=world.planner, tools=DEPLOY)),
        "audience-mismatch": world.actor(DEPLOY, audience="https://other.example"),
    }
    for code, actor in wrong.items():
        with acting(actor):
            assert f"{code}: " in said(ask(agent_of(world, STAGING)))[0]
    assert world.ran == {}


def test_arguments_are_decided_about_as_the_model_gave_them_before_any_schema_changes_them(world: World) -> None:
    given: list[tuple[str, Any]] = [
        ("argument-refused", {"env": "staging", "replicas": "2"}),
        ("argument-refused", '{"env": "staging", "replicas": "2"}'),
        ("value-unsupported", {"env": "staging", "replicas": 2.0}),
        ("argument-missing", {"env": "staging"}),
        ("argument-missing", '{"env": "staging"}'),
    ]
    for code, arguments in given:
        with acting(world.actor({"deploy": {"env": "staging", "replicas": range(1, 4)}})):
            (only,) = said(ask(agent_of(world, ("deploy", arguments))))
        assert f"{code}: " in only
    assert world.ran == {}


def test_arguments_are_read_once(world: World) -> None:
    twice = '{"env": "production", "env": "staging"}', '{"env": "staging", "env": "production"}'
    with acting(world.actor(DEPLOY)):
        first, second = said(ask(agent_of(world, [("deploy", given) for given in twice])))
    assert first == "planner for ana: staging 1"
    assert "argument-refused: " in second
    for bad in ("[1]", '{"env": ', "[" * 100_000):
        with acting(world.actor(DEPLOY)):
            said(ask(agent_of(world, ("deploy", bad))))
    assert world.ran["deploy"] == 1


def test_no_credential_reaches_the_model_or_the_messages(world: World) -> None:
    SEEN.clear()
    actor = world.actor(DEPLOY)
    with acting(actor):
        result = ask(agent_of(world, STAGING, ("deploy", {"env": "production"})))
    assert len(SEEN) == 3
    no_credentials(" ".join(SEEN) + repr(result.all_messages()) + result.all_messages_json().decode(), actor)


@pytest.mark.parametrize("threads", [False, True])
def test_fifty_runs_of_one_agent_at_once_are_each_their_own(world: World, threads: bool) -> None:
    async def in_task(number: int) -> str:
        await asyncio.sleep(0)
        return f"{deputize.pydantic_ai.caller().caller} {number}"

    def in_thread(number: int) -> str:
        return f"{deputize.pydantic_ai.caller().caller} {number}"

    tool = Tool(in_thread if threads else in_task, name="whoami")

    def say(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if len(messages) > 1:
            return ModelResponse([TextPart("done")])
        number = int(messages[0].parts[0].content)  # type: ignore[union-attr, arg-type]
        return ModelResponse(
            [ToolCallPart("whoami", {"number": number}, tool_call_id=f"call_{index}") for index in range(4)]
        )

    shared = Agent(FunctionModel(say), tools=[tool], capabilities=[deputize.pydantic_ai.guard(world.verifier)])
    actors = [world.actor({"whoami": {}}, deputize.Agent.generate(f"agent-{number}")) for number in range(50)]

    async def each(number: int) -> list[str]:
        with acting(actors[number]):
            return said(await shared.run(str(number)))

    async def main() -> Any:
        return await asyncio.gather(*(each(number) for number in range(50)))

    assert asyncio.run(main()) == [[f"agent-{number} {number}"] * 4 for number in range(50)]


def test_each_attempt_of_a_retry_is_signed_afresh(world: World) -> None:
    def flaky() -> str:
        """Fails at first."""
        world.ran["flaky"] += 1
        if world.ran["flaky"] < 3:
            raise ModelRetry("again")
        return "at last"

    class Repeats(AbstractCapability[Any]):
        async def wrap_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
            try:
                return await handler(args)
            except ModelRetry:
                return await handler(args)

    agent = agent_of(world, ("flaky", {}), ("flaky", {}), tools=[Tool(flaky, max_retries=3)], also=[Repeats()])
    with acting(world.actor({"flaky": {}})):
        ask(agent)
    assert world.codes == ["allowed"] * world.ran["flaky"]
    assert len({json.loads(record.json())["proof"] for record in world.records}) == world.ran["flaky"]


@pytest.mark.parametrize("hook", ["after_tool_validate", "before_tool_execute", "wrap_tool_execute", "toolset"])
@pytest.mark.parametrize("first", [True, False])
def test_a_capability_that_changes_a_call_after_its_validation_is_refused(world: World, hook: str, first: bool) -> None:
    changed = {"env": "production", "replicas": 1}

    class Changes(AbstractCapability[Any]):
        pass

    async def change(self: Any, ctx: Any, *, handler: Any = None, args: Any, **about: Any) -> Any:
        return await handler(changed) if handler else changed

    if hook != "toolset":
        setattr(Changes, hook, change)
    else:
        from pydantic_ai.toolsets import WrapperToolset

        class Wrapped(WrapperToolset[Any]):
            async def call_tool(self, name: str, tool_args: Any, ctx: Any, tool: Any) -> Any:
                return await super().call_tool(name, changed, ctx, tool)

        Changes.get_wrapper_toolset = lambda self, toolset: Wrapped(toolset)  # type: ignore[method-assign]
    guard = deputize.pydantic_ai.guard(world.verifier)
    capabilities = [Changes(), guard] if first else [guard, Changes()]
    agent = Agent(model(STAGING), tools=[deploy_of(world)], capabilities=capabilities)
    with acting(world.actor(DEPLOY)), pytest.raises(UnsupportedOperation, match="changed after they were validated"):
        ask(agent)
    assert world.ran == {}


class Target(BaseModel):
    envs: list[str]


@pytest.mark.parametrize("hook", ["after_tool_validate", "before_tool_execute"])
def test_a_change_within_an_argument_is_a_change_of_the_call(world: World, hook: str) -> None:
    def deploy(targets: list[Target]) -> str:
        """Deploys."""
        world.ran["deploy"] += 1
        return "done"

    class Changes(AbstractCapability[Any]):
        pass

    async def change(self: Any, ctx: Any, *, args: Any, **about: Any) -> Any:
        args["targets"][0].envs.append("production")
        return args

    setattr(Changes, hook, change)
    call = ("deploy", {"targets": [{"envs": ["staging"]}]})
    agent = agent_of(world, call, tools=[deploy], also=[Changes()])
    with acting(world.actor({"deploy": {}})), pytest.raises(UnsupportedOperation, match="changed after they were"):
        ask(agent)
    assert world.ran == {}
    with acting(world.actor({"deploy": {}})):
        assert said(ask(agent_of(world, call, tools=[deploy]))) == ["done"]


def test_what_a_capability_changes_before_the_validation_is_what_is_decided_about(world: World) -> None:
    class Changes(AbstractCapability[Any]):
        async def before_tool_validate(self, ctx: Any, *, call: Any, tool_def: Any, args: Any) -> Any:
            return {"env": "production"}

    with acting(world.actor(DEPLOY)):
        (only,) = said(ask(agent_of(world, STAGING, also=[Changes()])))
    assert "argument-refused: " in only
    assert world.ran == {}


def test_tools_that_are_added_later_or_for_a_run_are_guarded(world: World) -> None:
    def drop() -> str:
        """Drops all."""
        world.ran["drop"] += 1
        return "dropped"

    agent = agent_of(world, ("drop", {}), ("drop", {}))
    with acting(world.actor(DEPLOY)):
        first, second = said(ask(agent, toolsets=[FunctionToolset([drop])]))
        agent = agent_of(world, ("drop", {}))
        agent.tool_plain(drop)
        (third,) = said(ask(agent))
        agent = agent_of(world, ("drop", {}))
        with agent.override(tools=[drop]):
            (fourth,) = said(ask(agent))
    for text in (first, second, third, fourth):
        assert "tool-not-allowed: " in text
    assert world.ran == {}


def test_what_cannot_be_guarded_is_refused_before_the_model_is_asked(world: World) -> None:
    SEEN.clear()
    outside = ExternalToolset([ToolDefinition(name="elsewhere")])
    for options in ({"also": [WebSearch()]}, {"toolsets": [outside]}):
        with acting(world.actor(DEPLOY)), pytest.raises(UnsupportedOperation, match="not run here"):
            ask(agent_of(world, STAGING, **options))
    assert SEEN == []
    result = ask(agent_of(world, ("elsewhere", {}), toolsets=[outside], guard={"elsewhere": ["elsewhere"]}))
    assert result.output.calls[0].tool_name == "elsewhere"
    for wrong in ({"elsewhere": "deploy"}, {"who": world.coder}, {"actor": 1}):
        with pytest.raises(UnsupportedOperation):
            deputize.pydantic_ai.guard(world.verifier, **wrong)  # type: ignore[arg-type]


@dataclass
class Deps:
    actor: Actor | None


def test_who_acts_may_be_in_the_dependencies(world: World) -> None:
    options: Any = {"guard": {"actor": lambda ctx: ctx.deps.actor}, "deps_type": Deps}
    assert said(ask(agent_of(world, STAGING, **options), deps=Deps(world.actor(DEPLOY)))) == [
        "planner for ana: staging 1"
    ]
    assert "proof-missing: " in said(ask(agent_of(world, STAGING, **options), deps=Deps(None)))[0]


CODER = {"deploy": {"env": "staging", "replicas": 1}}


@pytest.mark.parametrize("by_deps", [False, True])
@pytest.mark.parametrize("declared", [False, True])
def test_an_agent_that_a_tool_runs_acts_as_declared_or_as_nobody(world: World, declared: bool, by_deps: bool) -> None:
    find: Any = {"actor": lambda ctx: ctx.deps.actor} if by_deps else {}
    calls = [("deploy", {"env": "staging", "replicas": 1}), ("deploy", {"env": "staging", "replicas": 2})]
    who = SubAgent(world.coder, CODER, ttl="1m") if declared else None
    coder = agent_of(world, calls, name="coder", guard={"who": who, **find}, deps_type=Deps)

    async def ask_coder(ctx: RunContext[Deps]) -> str:
        """Asks the coder."""
        return "; ".join(said(await coder.run("deploy", deps=ctx.deps, usage=ctx.usage)))

    agent = agent_of(world, ("ask_coder", {}), tools=[Tool(ask_coder)], guard=find, deps_type=Deps)
    actor = world.actor({"ask_coder": {}, "deploy": {}})
    with acting(None if by_deps else actor):
        (only,) = said(ask(agent, deps=Deps(actor)))
    if declared:
        assert only.startswith("coder for ana: staging 1; denied: argument-refused: ")
    else:
        assert only.count("proof-missing: ") == 2
    assert world.ran["deploy"] == int(declared)


@pytest.mark.parametrize("depth", [1, 2])
def test_an_agent_below_a_tool_is_not_who_the_dependencies_name(world: World, depth: int) -> None:
    actor = world.actor({"ask": {}, "deploy": {}})
    # An actor that is made for each call is the same one.
    find: Any = {"actor": lambda ctx: Actor(actor.agent, actor.chain)}
    agent = agent_of(world, STAGING, name="last", guard=find)
    for level in range(depth):
        agent = asks(world, agent, level, {**find, "who": SubAgent(world.coder, {"ask": {}})} if level else find)
    (only,) = said(ask(agent))
    assert "proof-missing: " in only
    assert world.codes == ["allowed", "proof-missing"]
    assert world.ran == {}


@pytest.mark.parametrize("declared", [False, True])
def test_an_agent_two_tools_below_has_at_most_what_is_declared_for_the_one_between(
    world: World, declared: bool
) -> None:
    actor = world.actor({"ask": {}, "deploy": {}})
    find: Any = {"actor": lambda ctx: Actor(actor.agent, actor.chain)}
    last = agent_of(
        world, STAGING, name="last", guard={**find, "who": SubAgent(world.bo, DEPLOY) if declared else None}
    )
    middle = asks(world, last, 0, {**find, "who": SubAgent(world.coder, {"ask": {}})})
    (only,) = said(ask(asks(world, middle, 1, find)))
    assert ("tool-not-allowed: " if declared else "proof-missing: ") in only
    assert world.ran == {}


def asks(world: World, below: Any, level: int, guard: Any) -> Any:
    async def ask() -> str:
        """Asks the agent below."""
        return "; ".join(said(await below.run("deploy")))

    return agent_of(world, ("ask", {}), name=f"asks{level}", tools=[ask], guard=guard)


def test_a_budget_of_a_sub_agent_is_over_all_its_calls(world: World) -> None:
    call = ("deploy", {"env": "staging", "replicas": 1})
    coder = agent_of(
        world,
        *[call] * 3,
        name="coder",
        guard={"who": SubAgent(world.coder, CODER, audience=APP, budgets=[Budget.calls(2)])},
    )

    async def ask_coder() -> str:
        """Asks the coder."""
        return "; ".join(said(await coder.run("deploy")))

    agent = agent_of(world, ("ask_coder", {}), tools=[ask_coder])
    with acting(world.actor({"ask_coder": {}, "deploy": {}}, audience=APP)):
        (only,) = said(ask(agent))
    assert (only.count("for ana"), only.count("budget-exhausted: ")) == (2, 1)


def approving() -> World:
    bo = deputize.Agent.generate("bo")
    world = World(approvals=ApprovalPolicy(1, [bo]))
    world.bo = bo
    return world


@MODES
def test_a_call_that_needs_an_approval_is_deferred_and_runs_once_it_is_signed(mode: str) -> None:
    world = approving()
    agent = agent_of(world, [STAGING, ("deploy", {"env": "production"})])
    actor = world.actor(DEPLOY)
    with acting(actor):
        waiting = ask(agent, "sync" if mode == "stream" else mode)
        requests = waiting.output
        (shown,) = requests.metadata.values()
        assert (
            shown["text"]
            == ApprovalRequest.from_text(shown["request"]).text
            == ApprovalRequest(actor.chain, *STAGING, APP).text
        )
        assert world.ran == {}
        results = deputize.pydantic_ai.answer(requests, world.approver())
        done = agent.run_sync(message_history=waiting.all_messages(), deferred_tool_results=results)
    assert "planner for ana: staging 1" in said(done)
    no_credentials(repr(done.all_messages()), actor)
    assert world.ran["deploy"] == 1


@pytest.mark.parametrize("wrong", ["approved", "denied", "other", "stranger", "changed", "nonsense"])
def test_nothing_but_an_approvers_signature_of_this_call_counts(wrong: str) -> None:
    world = approving()
    agent = agent_of(world, STAGING)
    actor = world.actor(DEPLOY)
    with acting(actor):
        waiting = ask(agent)
        (call,) = waiting.output.approvals
        request = ApprovalRequest.from_text(waiting.output.metadata[call.tool_call_id]["request"])
        other = ApprovalRequest(actor.chain, "deploy", {"env": "production"}, APP)
        signed = {
            "approved": None,
            "denied": [world.bo.deny(request).text],
            "other": [world.bo.approve(other).text],
            "stranger": [world.coder.approve(request).text],
            "changed": [world.bo.approve(request).text],
            "nonsense": [True, {"approved": True}],
        }[wrong]
        verdict: Any = ToolApproved(override_args={"env": "staging", "replicas": 3}) if wrong == "changed" else True
        about = {} if signed is None else {call.tool_call_id: {deputize.pydantic_ai.ANSWERS_KEY: signed}}
        results = DeferredToolResults(approvals={call.tool_call_id: verdict}, metadata=about)
        done = agent.run_sync(message_history=waiting.all_messages(), deferred_tool_results=results)
    codes = {
        "denied": "approval-denied",
        "stranger": "approver-refused",
        "other": "approval-mismatch",
        "changed": "approval-mismatch",
    }
    assert f"{codes.get(wrong, 'approval-required')}: " in said(done)[-1]
    assert world.ran == {}


@pytest.mark.parametrize("guarded", [False, True])
def test_calls_to_a_guarded_mcp_server_are_signed_on_the_wire(world: World, tmp_path: Path, guarded: bool) -> None:
    from fastmcp.client.transports import StdioTransport

    command, args = mcp_server(world, tmp_path)
    audience = "https://deploy.example"
    actor = world.actor({"deploy": {"env": "staging", "replicas": optional(1)}}, audience=audience)

    async def ask_it(sign: bool) -> list[str]:
        options: Any = {"process_tool_call": deputize.pydantic_ai.sign(audience)} if sign else {}
        served = MCPToolset(StdioTransport(command, args), tool_error_behavior="failed", init_timeout=60, **options)
        also = [deputize.pydantic_ai.guard(world.verifier)] if guarded else []
        agent = Agent(model(STAGING, ("deploy", {"env": "production"})), toolsets=[served], capabilities=also)
        return said(await agent.run("deploy"))

    with acting(actor):
        first, second = asyncio.run(ask_it(sign=True))
        assert "planner: staging 1" in first
        assert "argument-refused: " in second
        # Without a signature the guard of the agent or that of the server refuses.
        refused = asyncio.run(ask_it(sign=False))[0]
    assert ("audience-mismatch: " if guarded else "proof-missing: ") in refused


def test_a_sub_agent_signs_its_calls_to_an_mcp_server_itself(world: World, tmp_path: Path) -> None:
    from fastmcp.client.transports import StdioTransport

    command, args = mcp_server(world, tmp_path)
    audience = "https://deploy.example"
    served = MCPToolset(
        StdioTransport(command, args), process_tool_call=deputize.pydantic_ai.sign(audience), init_timeout=60
    )
    subs = [
        agent_of(world, STAGING, name="coder", tools=[], toolsets=[served], guard={"who": who})
        for who in (SubAgent(world.coder, {"deploy": {"env": "staging"}}), None)
    ]

    async def ask_them() -> str:
        """Asks both."""
        return "; ".join([text for sub in subs for text in said(await sub.run("deploy"))])

    agent = agent_of(world, ("ask_them", {}), tools=[ask_them])
    with acting(world.actor({"ask_them": {}, "deploy": {}}, audience=[APP, audience])):
        (only,) = said(ask(agent))
    assert "coder: staging 1" in only
    assert "; refused: proof-missing: " in only


def test_the_guide_runs_a_sub_agent_in_a_tool(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        """
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel


def script(*calls):
    left = list(calls)

    def say(messages, info):
        made = [ToolCallPart(tool, args) for tool, args in left]
        left.clear()
        parts = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
        return ModelResponse(made or [TextPart("\\n".join(part.content for part in parts))])

    return FunctionModel(say)


planner_model = script(("ask_coder", {"task": "deploy"}))
coder_model = script(("deploy", {"env": "staging"}), ("deploy", {"env": "production"}))
""",
        encoding="utf-8",
    )
    deployed, refused = run("\n".join(guide("Pydantic AI")), tmp_path).splitlines()
    assert deployed == "coder for ana: staging"
    assert refused.startswith("denied: argument-refused: ")


def test_the_example_tells_its_story(tmp_path: Path) -> None:
    asked, wrote, refused, deployed = example("pydantic_ai_agent", tmp_path).splitlines()
    assert asked == 'bo is asked: tool: "deploy"'
    assert wrote == "coder for ana writes /src/app.py"
    assert refused.startswith("denied: argument-refused: ")
    assert deployed == "planner deploys to staging"
