"""Guarded tools of the OpenAI Agents SDK."""

# row: {"framework": "OpenAI Agents SDK", "language": "Python", "package": "openai-agents", "extra": "openai-agents", "guards": "function tools, agents as tools", "carries": "in process; _meta to MCP servers", "approvals": "needs_approval"}

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deputize
import deputize.openai_agents
import pytest
from agent_world import APP, World, example, guide, mcp_server, no_credentials, run
from agents import (
    Agent,
    FunctionTool,
    RunConfig,
    Runner,
    RunState,
    ToolGuardrailFunctionOutput,
    WebSearchTool,
    function_tool,
    handoff,
    tool_input_guardrail,
    tool_namespace,
)
from agents.mcp import MCPServerStdio
from agents.testing import ScriptedModel, assistant_message, function_call
from deputize import (
    Actor,
    ApprovalPolicy,
    ApprovalRequest,
    Budget,
    SubAgent,
    UnsupportedOperation,
    acting,
    current_actor,
    optional,
)

QUIET = RunConfig(tracing_disabled=True)
DEPLOY = {"deploy": {"env": "staging", "replicas": optional(range(1, 4))}}
STAGING = ("deploy", {"env": "staging", "replicas": 1})


@pytest.fixture
def world() -> World:
    return World()


def deploy_of(world: World) -> FunctionTool:
    @function_tool
    def deploy(env: str, replicas: int = 1) -> str:
        """Deploys."""
        world.ran["deploy"] += 1
        who = deputize.openai_agents.caller()
        return f"{who.caller} for {who.on_behalf_of}: {env} {replicas}"

    return deploy


def model(*turns: Any, name: str = "") -> ScriptedModel:
    """Each turn is a list of calls; then it is done."""
    steps: list[Any] = []
    for number, turn in enumerate(turns):
        calls = [turn] if isinstance(turn, tuple) else turn
        steps.append(
            [
                function_call(
                    name,
                    args if isinstance(args, str) else json.dumps(args),
                    call_id=f"call_{name}{number}_{index}",
                    item_id=f"item_{number}_{index}",
                )
                for index, (name, args) in enumerate(calls)
            ]
        )
    return ScriptedModel([*steps, *[[assistant_message("done")]] * 4])


def agent_of(
    world: World,
    *turns: Any,
    name: str = "planner",
    tools: Any = None,
    verifier: Any = None,
    guard: Any = None,
    **options: Any,
) -> Agent[Any]:
    agent = Agent(
        name=name, model=model(*turns, name=name), tools=[deploy_of(world)] if tools is None else tools, **options
    )
    return deputize.openai_agents.guard(agent, verifier or world.verifier, **(guard or {}))


def ask(agent: Any, mode: str = "async", given: Any = "deploy", **options: Any) -> Any:
    if mode == "sync":
        return Runner.run_sync(agent, given, run_config=QUIET, **options)

    async def main() -> Any:
        if mode == "stream":
            result = Runner.run_streamed(agent, given, run_config=QUIET, **options)
            async for _ in result.stream_events():
                pass
            return result
        return await Runner.run(agent, given, run_config=QUIET, **options)

    return asyncio.run(main())


def said(result: Any) -> list[str]:
    return [item.output for item in result.new_items if item.type == "tool_call_output_item"]


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
    given = {
        "argument-refused": {"env": "staging", "replicas": "2"},
        "value-unsupported": {"env": "staging", "replicas": 2.0},
        "argument-missing": {"env": "staging"},
        "malformed": "[1]",
    }
    for code, arguments in given.items():
        with acting(world.actor({"deploy": {"env": "staging", "replicas": range(1, 4)}})):
            result = ask(agent_of(world, ("deploy", arguments)))
        if code == "malformed":
            assert result.interruptions  # the SDK has a person look at what is no object
        else:
            assert f"{code}: " in said(result)[0]
    assert world.ran == {}


def test_arguments_are_read_once(world: World) -> None:
    twice = '{"env": "production", "env": "staging"}', '{"env": "staging", "env": "production"}'
    with acting(world.actor(DEPLOY)):
        first, second = said(ask(agent_of(world, [("deploy", given) for given in twice])))
    assert first == "planner for ana: staging 1"
    assert "argument-refused: " in second


def test_no_credential_reaches_the_model_or_the_state(world: World) -> None:
    agent = agent_of(world, STAGING, ("deploy", {"env": "production"}))
    actor = world.actor(DEPLOY)
    with acting(actor):
        result = ask(agent)
    shown = repr(agent.model.calls)  # type: ignore[union-attr]
    no_credentials(shown + repr(result) + repr(result.new_items) + result.to_state().to_string(), actor)


def test_fifty_runs_at_once_are_each_their_own(world: World) -> None:
    @function_tool
    async def whoami(number: int) -> str:
        """Says who calls."""
        await asyncio.sleep(0)
        return f"{deputize.openai_agents.caller().caller} {number}"

    agents = [deputize.Agent.generate(f"agent-{number}") for number in range(50)]
    actors = [world.actor({"whoami": {}}, agent) for agent in agents]

    async def each(number: int) -> list[str]:
        agent = agent_of(world, [("whoami", {"number": number})] * 4, tools=[whoami])
        with acting(actors[number]):
            return said(await Runner.run(agent, "who", run_config=QUIET))

    async def main() -> Any:
        return await asyncio.gather(*(each(number) for number in range(50)))

    assert asyncio.run(main()) == [[f"agent-{number} {number}"] * 4 for number in range(50)]


def test_one_agent_may_serve_many_actors_at_once(world: World) -> None:
    @function_tool
    async def whoami() -> str:
        """Says who calls."""
        await asyncio.sleep(0)
        return deputize.openai_agents.caller().caller

    actors = [world.actor({"whoami": {}}, deputize.Agent.generate(f"agent-{number}")) for number in range(20)]
    shared = Agent(
        name="shared",
        model=ScriptedModel(
            [[function_call("whoami", "{}", call_id="call_1")]] * 20 + [[assistant_message("done")]] * 20
        ),
        tools=[whoami],
    )
    deputize.openai_agents.guard(shared, world.verifier)

    async def each(actor: Actor) -> list[str]:
        with acting(actor):
            return said(await Runner.run(shared, "who", run_config=QUIET))

    async def main() -> Any:
        return await asyncio.gather(*(each(actor) for actor in actors))

    assert asyncio.run(main()) == [[f"agent-{number}"] for number in range(20)]


def test_tools_that_are_added_later_are_guarded_and_a_clone_is_guarded_too(world: World) -> None:
    @function_tool
    def drop() -> str:
        """Drops all."""
        world.ran["drop"] += 1
        return "dropped"

    agent = agent_of(world, ("drop", {}))
    agent.tools.append(drop)
    clone = agent_of(world, ("drop", {})).clone(tools=[drop])
    for one in (agent, clone):
        with acting(world.actor(DEPLOY)):
            assert "tool-not-allowed: " in said(ask(one))[0]
    replaced = agent_of(world, STAGING)
    replaced.tools[0].on_invoke_tool = drop.on_invoke_tool  # type: ignore[union-attr]
    assert "proof-missing: " in said(ask(replaced))[0]
    assert world.ran == {}


def test_what_cannot_be_guarded_is_refused_at_the_start(world: World) -> None:
    with pytest.raises(UnsupportedOperation, match="`web_search` is not run here"):
        agent_of(world, tools=[WebSearchTool()])
    agent_of(world, tools=[WebSearchTool()], guard={"elsewhere": ["web_search"]})
    with pytest.raises(UnsupportedOperation, match="no guard yet"):
        deputize.openai_agents.guard(agent_of(world), world.verifier)
    late = agent_of(world)
    late.tools.append(WebSearchTool())
    other = Agent(name="other", model=model(STAGING))
    unguarded = [
        agent_of(world, handoffs=[other]),
        agent_of(world, handoffs=[handoff(other)]),
        agent_of(world, tools=[other.as_tool("ask", "asks")]),
        agent_of(world, mcp_servers=[MCPServerStdio(params={"command": "false"})]),
        late,
    ]
    for agent in unguarded:
        with acting(world.actor(DEPLOY)), pytest.raises(UnsupportedOperation):
            ask(agent)
        assert not agent.model.calls  # type: ignore[union-attr]


def test_who_acts_may_be_in_the_context_of_the_run(world: World) -> None:
    @dataclass
    class Context:
        actor: Actor | None

    options: Any = {"actor": lambda ctx: ctx.context.actor}
    agent = agent_of(world, STAGING, guard=options)
    assert said(ask(agent, context=Context(world.actor(DEPLOY)))) == ["planner for ana: staging 1"]
    assert "proof-missing: " in said(ask(agent_of(world, STAGING, guard=options), context=Context(None)))[0]


def team(world: World, coder: Any, planner: Any = None) -> Agent[Any]:
    sub = agent_of(world, [STAGING, ("deploy", {"env": "production"})], name="coder", guard={"who": coder})
    return agent_of(world, ("transfer_to_coder", {}), handoffs=[sub], guard={"who": planner})


CODER = {"deploy": {"env": "staging", "replicas": 1}}


@MODES
def test_a_handoff_gives_a_declared_sub_agent_a_narrower_token(world: World, mode: str) -> None:
    with acting(world.actor({"deploy": {}})):
        first, second = [
            text
            for text in said(ask(team(world, SubAgent(world.coder, CODER, ttl="1m")), mode))
            if "assistant" not in text
        ]
    assert first == "coder for ana: staging 1"
    assert "argument-refused: " in second


@MODES
def test_a_handoff_to_an_agent_that_was_not_declared_makes_it_nobody(world: World, mode: str) -> None:
    with acting(world.actor({"deploy": {}})):
        result = ask(team(world, None), mode)
    assert [text for text in said(result) if "proof-missing: " in text]
    assert world.ran == {}


def test_agents_that_hand_over_to_each_other(world: World) -> None:
    coder = Agent(
        name="coder", model=model(STAGING, ("transfer_to_planner", {}), name="coder"), tools=[deploy_of(world)]
    )
    planner = Agent(
        name="planner", model=model(("transfer_to_coder", {}), STAGING), tools=[deploy_of(world)], handoffs=[coder]
    )
    coder.handoffs.append(planner)
    deputize.openai_agents.guard(planner, world.verifier, who=current_actor)
    deputize.openai_agents.guard(coder, world.verifier, who=SubAgent(world.coder, CODER))
    with acting(world.actor({"deploy": {}})):
        texts = [text for text in said(ask(planner)) if "ana" in text]
    assert texts == ["coder for ana: staging 1", "planner for ana: staging 1"]


@pytest.mark.parametrize("declared", [True, False])
def test_an_agent_as_a_tool_acts_as_declared_or_as_nobody(world: World, declared: bool) -> None:
    who = SubAgent(world.coder, CODER) if declared else None
    sub = agent_of(world, STAGING, name="coder", guard={"who": who})
    texts: list[str] = []

    async def output(result: Any) -> str:
        texts.extend(said(result))
        return "; ".join(said(result))

    agent = agent_of(
        world,
        ("ask_coder", {"input": "deploy"}),
        tools=[sub.as_tool("ask_coder", "asks", custom_output_extractor=output)],
    )
    with acting(world.actor({"ask_coder": {}, "deploy": {}})):
        ask(agent)
    assert texts[0] == "coder for ana: staging 1" if declared else "proof-missing: " in texts[0]
    assert world.ran["deploy"] == int(declared)


def test_a_budget_of_a_sub_agent_is_over_all_its_calls(world: World) -> None:
    who = SubAgent(world.coder, CODER, budgets=[Budget.calls(2)], audience=APP)
    sub = agent_of(world, [STAGING] * 3, name="coder", guard={"who": who})
    agent = agent_of(world, ("transfer_to_coder", {}), handoffs=[sub])
    with acting(world.actor({"deploy": {}}, audience=APP)):
        texts = said(ask(agent))
    assert sum("ana" in text for text in texts) == 2
    assert sum("budget-exhausted: " in text for text in texts) == 1


def approving() -> World:
    bo = deputize.Agent.generate("bo")
    world = World(approvals=ApprovalPolicy(1, [bo]))
    world.bo = bo
    return world


@MODES
def test_a_call_that_needs_an_approval_interrupts_and_runs_once_it_is_signed(mode: str) -> None:
    world = approving()
    agent = agent_of(world, [STAGING, ("deploy", {"env": "production"})])
    actor = world.actor(DEPLOY)
    with acting(actor):
        result = ask(agent, mode)
        (request,) = deputize.openai_agents.asked(result)
        assert (
            request == ApprovalRequest(actor.chain, *STAGING, APP)
            or request.text == ApprovalRequest(actor.chain, *STAGING, APP).text
        )
        assert world.ran == {}
        state = deputize.openai_agents.answer(result, world.approver())
        no_credentials(state.to_string(), actor)
        texts = said(ask(agent, mode, state))
    assert "planner for ana: staging 1" in texts
    assert any("argument-refused: " in text for text in texts)
    assert world.ran["deploy"] == 1


@pytest.mark.parametrize("wrong", ["approve", "deny", "other", "stranger"])
def test_nothing_but_an_approvers_signature_of_this_call_counts(wrong: str) -> None:
    world = approving()
    agent = agent_of(world, STAGING)
    actor = world.actor(DEPLOY)
    with acting(actor):
        result = ask(agent)
        (request,) = deputize.openai_agents.asked(result)
        if wrong == "approve":  # what the SDK takes for an approval is none
            state = result.to_state()
            state.approve(result.interruptions[0], always_approve=True)
        elif wrong == "deny":
            state = deputize.openai_agents.answer(result, world.approver(False))
        elif wrong == "other":
            other = ApprovalRequest(actor.chain, "deploy", {"env": "production"}, APP)
            state = deputize.openai_agents.answer(result, world.bo.approve(other))
        else:
            state = deputize.openai_agents.answer(result, world.coder.approve(request))
        (only,) = said(ask(agent, given=state))[-1:]
    codes = {
        "approve": "approval-required",
        "deny": "approval-denied",
        "other": "approval-required",
        "stranger": "approver-refused",
    }
    assert f"{codes[wrong]}: " in only
    assert world.ran == {}


def test_a_state_that_was_stored_goes_on_with_what_was_signed() -> None:
    world = approving()
    agent = agent_of(world, STAGING)
    with acting(world.actor(DEPLOY)):
        result = ask(agent)
        (request,) = deputize.openai_agents.asked(result)
        stored = result.to_state().to_string()
        signed = world.bo.approve(request)
        state = asyncio.run(RunState.from_string(agent, stored))
        assert said(ask(agent, given=deputize.openai_agents.answer(state, signed)))[-1] == "planner for ana: staging 1"
    with pytest.raises(UnsupportedOperation, match="nothing that waits"):
        deputize.openai_agents.answer(ask(agent_of(World(), STAGING)))


def test_an_agent_as_a_tool_that_has_to_ask_interrupts_the_whole_run() -> None:
    bo = deputize.Agent.generate("bo")
    world = World(approvals=ApprovalPolicy(1, [bo], harmless=["ask_coder"]))
    world.bo = bo
    sub = agent_of(world, STAGING, name="coder", guard={"who": SubAgent(world.coder, CODER)})
    agent = agent_of(world, ("ask_coder", {"input": "deploy"}), tools=[sub.as_tool("ask_coder", "asks")])
    with acting(world.actor({"ask_coder": {}, "deploy": {}})):
        result = ask(agent)
        (request,) = deputize.openai_agents.asked(result)
        assert request.holders == [world.planner.key, world.coder.key]
        assert world.ran == {}
        ask(agent, given=deputize.openai_agents.answer(result, world.approver()))
    assert world.ran == {"deploy": 1}
    assert world.codes.count("allowed") >= 2


def test_an_approval_that_the_program_wants_does_not_replace_the_guard(world: World) -> None:
    @function_tool(needs_approval=True)
    def deploy(env: str) -> str:
        """Deploys."""
        world.ran["deploy"] += 1
        return "deployed"

    agent = agent_of(world, ("deploy", {"env": "production"}), tools=[deploy])
    with acting(world.actor(DEPLOY)):
        result = ask(agent)
        state = result.to_state()
        state.approve(result.interruptions[0])
        assert "argument-refused: " in said(ask(agent, given=state))[-1]
    assert world.ran == {}


def test_calls_to_a_guarded_mcp_server_are_signed_on_the_wire(world: World, tmp_path: Path) -> None:
    command, args = mcp_server(world, tmp_path)
    audience = "https://deploy.example"
    chain = {"deploy": {"env": "staging", "replicas": optional(1)}}
    sign = deputize.openai_agents.sign(audience)

    async def main() -> list[list[str]]:
        async with MCPServerStdio(
            params={"command": command, "args": args}, tool_meta_resolver=sign, client_session_timeout_seconds=60
        ) as server:
            found = []
            for turns in ([STAGING, ("deploy", {"env": "production"})], [STAGING]):
                agent = agent_of(world, turns, tools=[], mcp_servers=[server])
                with acting(world.actor(chain, audience=audience) if len(turns) == 2 else None):
                    found.append([str(text) for text in said(await Runner.run(agent, "deploy", run_config=QUIET))])
            return found

    (first, second), (third,) = asyncio.run(main())
    assert "planner: staging 1" in first
    assert "argument-refused: " in second
    assert third.startswith("refused: proof-missing: ")


@pytest.mark.parametrize("declared", [True, False])
def test_a_sub_agent_signs_its_calls_to_an_mcp_server_itself(world: World, tmp_path: Path, declared: bool) -> None:
    command, args = mcp_server(world, tmp_path)
    audience = "https://deploy.example"
    who = SubAgent(world.coder, {"deploy": {"env": "staging"}}) if declared else None

    async def main() -> list[str]:
        sign = deputize.openai_agents.sign(audience)
        async with MCPServerStdio(
            params={"command": command, "args": args}, tool_meta_resolver=sign, client_session_timeout_seconds=60
        ) as server:
            sub = agent_of(
                world, ("deploy", {"env": "staging"}), name="coder", tools=[], mcp_servers=[server], guard={"who": who}
            )
            agent = agent_of(world, ("transfer_to_coder", {}), handoffs=[sub])
            return [str(text) for text in said(await Runner.run(agent, "deploy", run_config=QUIET))]

    with acting(world.actor({"deploy": {}}, audience=audience)):
        last = asyncio.run(main())[-1]
    assert "coder: staging 1" in last if declared else last.startswith("refused: proof-missing: ")


def test_the_guide_hands_over_a_part(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        """
import json

from agents import set_tracing_disabled
from agents.testing import ScriptedModel, assistant_message, function_call

set_tracing_disabled(True)


def call(name, number, **arguments):
    return function_call(name, json.dumps(arguments), call_id=f"call-{number}", item_id=f"item-{number}")


planner_model = ScriptedModel([[call("deploy", 0, env="production")], [call("transfer_to_coder", 1)]])
coder_model = ScriptedModel(
    [[call("deploy", 2, env="staging"), call("deploy", 3, env="production")], [assistant_message("done")]]
)
""",
        encoding="utf-8",
    )
    first, second, refused = run("\n".join(guide("OpenAI Agents SDK")), tmp_path).splitlines()
    assert (first, second) == ("planner for ana: production", "coder for ana: staging")
    assert refused.startswith("denied: argument-refused: ")


def test_the_example_tells_its_story(tmp_path: Path) -> None:
    lines = example("openai_agents_team", tmp_path).splitlines()
    assert lines[0] == 'bo is asked: tool: "deploy"'
    assert "coder for ana deploys to staging" in lines
    assert any(line.startswith("denied: argument-refused: ") for line in lines)


def test_a_decision_whose_tool_did_not_run_is_none_for_a_later_call_of_the_same_id() -> None:
    world = World(approvals=ApprovalPolicy(1, [deputize.Agent.generate("bo")], harmless=["deploy"]))
    rejects = [True]

    @tool_input_guardrail
    def first_time(data: Any) -> ToolGuardrailFunctionOutput:
        return (
            ToolGuardrailFunctionOutput.reject_content("not now")
            if rejects.pop()
            else ToolGuardrailFunctionOutput.allow()
        )

    deploy = deploy_of(world)
    deploy.tool_input_guardrails = [first_time]
    agent = agent_of(world, STAGING, tools=[deploy])
    with acting(world.actor(DEPLOY)):
        assert said(ask(agent)) == ["not now"]
        world.verifier.revoke_key(world.planner.key)
        rejects.append(False)
        agent.model = model(STAGING, name="planner")
        (only,) = said(ask(agent))
    assert "key-revoked: " in only
    assert world.ran == {}
    assert world.outcomes == ["cancelled"]


@MODES
def test_a_tool_that_failed_has_that_as_its_outcome_also_where_the_model_is_told_another_text(
    world: World, mode: str
) -> None:
    @function_tool
    def breaks() -> str:
        """Breaks."""
        raise ValueError("secret")

    @function_tool(failure_error_function=None)
    async def raises() -> str:
        """Raises."""
        raise KeyError("secret")

    with acting(world.actor({"breaks": {}, "raises": {}})):
        (only,) = said(ask(agent_of(world, ("breaks", {}), tools=[breaks]), mode))
        assert "secret" not in only
        with pytest.raises(Exception, match="raises"):
            ask(agent_of(world, ("raises", {}), tools=[raises]), mode)
    assert world.outcomes == ["ValueError", "KeyError"]


def test_two_tools_of_a_name_in_two_namespaces_are_refused(world: World) -> None:
    @function_tool
    def lookup() -> str:
        """Looks up."""
        return ""

    spaces = [tool_namespace(name=name, description=name, tools=[lookup])[0] for name in ("crm", "billing")]
    with pytest.raises(UnsupportedOperation, match="several tools are called lookup"):
        agent_of(world, tools=spaces)
    agent = agent_of(world, ("lookup", {}), tools=spaces[:1])
    agent.tools.append(spaces[1])
    with acting(world.actor({"lookup": {}})), pytest.raises(UnsupportedOperation, match="several tools"):
        ask(agent)
    assert world.codes == []
