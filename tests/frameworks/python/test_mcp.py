"""MCP 2: where a presentation travels, approvals, and what could lead around the guard."""

# row: {"framework": "MCP", "language": "Python", "package": "mcp", "extra": "mcp", "guards": "tools/call of MCPServer and Server; Client and ClientSession sign", "carries": "_meta, header, argument", "approvals": "denial and retry, elicitation, input_required"}

from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import anyio
import deputize.mcp
import guide
import mcp_types as types
import pytest
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    SubAgent,
    UnsupportedOperation,
    acting,
    at_most,
    current_actor,
    optional,
    versions,
)
from deputize.mcp import META_KEY, approval_form, guard, meta_for, sign_calls
from mcp.client import Client
from mcp.server import Server
from mcp_world import AUDIENCE, TOOLS, World, code, program, reached, serving, text

STAGING = {"env": "staging"}
HTTP = ["http", "http-legacy"]
ALL = ["memory", "memory-legacy", *HTTP]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("carry", ["metadata", "header", "argument"])
@pytest.mark.parametrize("kind", HTTP)
def test_a_presentation_travels_where_it_is_told(kind: str, carry: Any, world: World) -> None:
    async def main() -> None:
        server = guard(world.server(), world.verifier(), accept_argument=carry == "argument")
        async with reached(kind, server) as client:
            assert code(await client.call_tool("deploy", STAGING)) == "proof-missing"
            sign_calls(client, world.actor(), AUDIENCE, carry=carry)
            for count in range(1, 4):
                # The tool never sees it, and its defaults come after the decision.
                assert text(await client.call_tool("deploy", STAGING)) == "coder: staging × 1"
                assert world.effects == [("staging", 1)] * count
            assert text(await client.call_tool("who")) == "coder"
            assert code(await client.call_tool("deploy", {"env": "production"})) == "argument-refused"
        assert len(world.effects) == 4

    anyio.run(main)


@pytest.mark.parametrize("carry", ["metadata", "argument"])
def test_over_stdio(carry: Any, world: World, tmp_path: Path) -> None:
    async def main() -> None:
        async with Client(program(world.ana.did, tmp_path / "effects", carry)) as client:
            sign_calls(client, world.actor(), AUDIENCE, carry=carry)
            assert text(await client.call_tool("deploy", STAGING)) == "coder: staging × 1"
            # There are no headers: what would travel there does not arrive, and nothing runs.
            sign_calls(client, world.actor(), AUDIENCE, carry="header")
            assert code(await client.call_tool("deploy", {**STAGING, "replicas": 2})) == "proof-missing"
        assert (tmp_path / "effects").read_text() == "[('staging', 1)]"

    anyio.run(main)


def test_an_argument_carries_only_where_both_sides_say_so(world: World) -> None:
    async def main() -> None:
        async with reached("memory", guard(world.server(), world.verifier())) as client:
            sign_calls(client, world.actor(), AUDIENCE, carry="argument")
            assert code(await client.call_tool("deploy", STAGING)) == "proof-missing"
        async with reached("memory", guard(world.server(), world.verifier(), accept_argument=True)) as client:
            signed = world.actor()

            async def call(meta: Any, argument: Any) -> str:
                return code(await client.call_tool("deploy", {**STAGING, META_KEY: argument}, meta=meta))

            def fresh() -> Any:
                return meta_for(signed, "deploy", STAGING, AUDIENCE)

            assert await call(None, fresh()[META_KEY]) == "allowed"
            # What comes first is the one that is read, also if it is wrong.
            assert await call({META_KEY: "x"}, fresh()[META_KEY]) == "text-malformed"
            assert await call({META_KEY: ""}, fresh()[META_KEY]) == "proof-missing"
            assert await call(fresh(), "x") == "allowed"
            for wrong, expected in (
                (5, "malformed"),
                ([], "malformed"),
                (None, "proof-missing"),
                ("", "proof-missing"),
            ):
                assert await call(None, wrong) == expected
        assert world.effects == [("staging", 1)] * 2

    anyio.run(main)


@pytest.mark.parametrize("kind", ALL)
def test_tokens_and_calls_that_are_wrong_run_nothing(kind: str, world: World) -> None:
    eve = Agent.generate("eve")

    async def main() -> None:
        async with reached(kind, guard(world.server(), world.verifier())) as client:

            async def call(actor: Actor, arguments: dict[str, Any] = STAGING, audience: str = AUDIENCE) -> str:
                sign_calls(client, actor, audience)
                return code(await client.call_tool("deploy", arguments))

            assert await call(Actor(world.coder, eve.issue(to=world.coder, tools=TOOLS))) == "issuer-untrusted"
            assert await call(world.actor(), audience="https://other.example") == "audience-mismatch"
            elsewhere = world.chain(audience="https://other.example")
            assert await call(Actor(world.coder, elsewhere)) == "audience-mismatch"
            assert await call(world.actor(), {**STAGING, "replicas": "2"}) == "argument-refused"
            assert await call(world.actor(), {**STAGING, "replicas": 4}) == "argument-refused"
            assert await call(world.actor(), {}) == "argument-missing"
            # Another agent's token: its holder alone can sign with it.
            sign_calls(client, Actor(eve, world.chain()), AUDIENCE)
            with pytest.raises(deputize.DeputizeError) as caught:
                await client.call_tool("deploy", STAGING)
            assert caught.value.code == "holder-mismatch"
            # What a default added after signing is another call.
            meta: Any = meta_for(world.actor(), "deploy", STAGING, AUDIENCE)
            unsigned: Any = client.session._dispatcher
            unsigned.send_raw_request = unsigned.send_raw_request._deputize
            result = await client.call_tool("deploy", {**STAGING, "replicas": 1}, meta=meta)
            assert code(result) == "proof-mismatch"
        assert world.effects == []

    anyio.run(main)


@pytest.mark.parametrize("kind", ALL)
def test_an_approver_is_asked_and_the_call_is_signed_again(kind: str, world: World) -> None:
    async def main() -> None:
        actor = world.actor()
        async with reached(kind, guard(world.server(), world.approved())) as client:
            sign_calls(client, actor, AUDIENCE, approver=world.approver())
            assert text(await client.call_tool("deploy", STAGING)) == "coder: staging × 1"
            assert world.shown == [ApprovalRequest(actor.chain, "deploy", STAGING, AUDIENCE).text]
            # Each call is asked about.
            assert code(await client.call_tool("deploy", STAGING)) == "allowed"
            assert (len(world.shown), len(world.effects)) == (2, 2)
            # A person who says no, or nothing, or whose key does not count.
            for answer, expected in ((False, "approval-denied"), ("yes", "approval-required")):
                sign_calls(client, actor, AUDIENCE, approver=world.approver(answer))
                assert code(await client.call_tool("deploy", {**STAGING, "replicas": 2})) == expected
            eve = world.approver(agent=Agent.generate("eve"))
            sign_calls(client, actor, AUDIENCE, approver=eve)
            assert code(await client.call_tool("deploy", {**STAGING, "replicas": 3})) == "approver-refused"
            # What is denied for another reason is asked of nobody.
            asked = len(world.shown)
            assert code(await client.call_tool("deploy", {"env": "production"})) == "argument-refused"
            assert len(world.shown) == asked
        assert len(world.effects) == 2

    anyio.run(main)


def test_several_approvers_and_a_partition(world: World) -> None:
    async def main() -> None:
        cy = Agent.generate("cy")
        verifier = world.verifier(approvals=ApprovalPolicy(2, [world.bo, cy]))
        chain = world.chain(context="tenant:1")
        server = guard(world.server(), verifier, context=lambda ctx, params: "tenant:1")
        async with reached("memory", server) as client:
            both = [world.approver(), world.approver(agent=cy)]
            sign_calls(client, Actor(world.coder, chain), AUDIENCE, approver=both, context="tenant:1")
            assert code(await client.call_tool("deploy", STAGING)) == "allowed"
            assert len(world.shown) == 2
            # Asked about another partition than the server's, nobody is asked.
            sign_calls(client, Actor(world.coder, chain), AUDIENCE, approver=both)
            assert code(await client.call_tool("deploy", STAGING)) == "approval-required"
            assert len(world.shown) == 2

    anyio.run(main)


@pytest.mark.parametrize("kind", ALL)
def test_a_form_asks_for_an_approval(kind: str, world: World) -> None:
    async def main() -> None:
        actor = world.actor()
        form = approval_form(world.approver(), AUDIENCE)
        server = guard(world.server(), world.approved(), elicit=True)
        async with reached(kind, server, elicitation_callback=form) as client:
            sign_calls(client, actor, AUDIENCE)
            assert text(await client.call_tool("deploy", STAGING)) == "coder: staging × 1"
            assert world.shown == [ApprovalRequest(actor.chain, "deploy", STAGING, AUDIENCE).text]
            assert code(await client.call_tool("deploy", {"env": "production"})) == "argument-refused"
            assert code(await client.call_tool("deploy", STAGING)) == "allowed"
            assert len(world.shown) == 2
        assert len(world.effects) == 2

    anyio.run(main)


@pytest.mark.parametrize("kind", ["memory", "memory-legacy"])
def test_only_a_signature_answers_a_form(kind: str, world: World) -> None:
    eve = Agent.generate("eve")
    asked: list[types.ElicitRequestFormParams] = []

    def accept(content: Any) -> Any:
        async def elicited(ctx: Any, params: Any) -> Any:
            asked.append(params)
            return types.ElicitResult(action="accept", content=content)

        return elicited

    async def other(ctx: Any, params: Any) -> Any:
        raise RuntimeError("no window")

    async def main() -> None:
        actor = world.actor()
        request = ApprovalRequest(actor.chain, "deploy", STAGING, AUDIENCE)
        signed_by_eve = eve.approve(request).text
        another = world.bo.approve(ApprovalRequest(actor.chain, "deploy", {}, AUDIENCE)).text
        wrong: list[tuple[Any, str]] = [
            (accept({}), "approval-required"),
            (accept({"approve": True}), "approval-required"),
            *((accept({"dev.deputize/approval": said}), "approval-required") for said in ("yes", "", 1, True)),
            (accept({"dev.deputize/approval": signed_by_eve}), "approver-refused"),
            (accept({"dev.deputize/approval": another}), "approval-mismatch"),
            (accept({"dev.deputize/approval": " ".join([signed_by_eve] * 17)}), "approval-required"),
            (approval_form(world.approver(False), AUDIENCE), "approval-denied"),
            # It signs for calls to one server only.
            (approval_form(world.approver(), "https://other.example"), "approval-required"),
        ]
        for callback, expected in wrong:
            async with reached(
                kind, guard(world.server(), world.approved(), elicit=True), elicitation_callback=callback
            ) as client:
                sign_calls(client, actor, AUDIENCE)
                assert code(await client.call_tool("deploy", STAGING)) == expected
        # What the form shows is the text of the request.
        assert asked[0].message == request.text
        # A client without forms, and a server that does not ask.
        for elicit, options in ((True, {}), (False, {"elicitation_callback": accept({})})):
            before = len(asked)
            async with reached(kind, guard(world.server(), world.approved(), elicit=elicit), **options) as client:
                sign_calls(client, actor, AUDIENCE)
                assert code(await client.call_tool("deploy", STAGING)) == "approval-required"
            assert len(asked) == before
        if kind.endswith("legacy"):
            async with reached(
                kind, guard(world.server(), world.approved(), elicit=True), elicitation_callback=other
            ) as client:
                sign_calls(client, actor, AUDIENCE)
                assert code(await client.call_tool("deploy", STAGING)) == "approval-required"
        assert world.effects == []
        assert set(world.shown) == {request.text}

    anyio.run(main)


def test_a_round_with_answers_for_the_tool_is_not_asked_about(world: World) -> None:
    seen: list[Any] = []

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> Any:
        seen.append(params.input_responses)
        why = types.ElicitRequestFormParams(message="why?", requested_schema={"type": "object", "properties": {}})
        return types.InputRequiredResult(input_requests={"more": types.ElicitRequest(params=why)})

    async def other(ctx: Any, params: Any) -> Any:
        return types.ElicitResult(action="accept", content={"why": "release"})

    async def main() -> None:
        server = guard(Server("deploy", on_call_tool=call_tool), world.approved(), elicit=True)
        form = approval_form(world.approver(), AUDIENCE, other)
        async with reached("memory", server, elicitation_callback=form) as client:
            sign_calls(client, world.actor(), AUDIENCE)
            assert code(await client.call_tool("deploy", STAGING)) == "approval-required"
        assert (seen, len(world.shown)) == ([None], 1)

    anyio.run(main)


def test_forms_of_others_are_for_others(world: World) -> None:
    async def main() -> None:
        params: Any = types.ElicitRequestFormParams(
            message="Sure?", requested_schema={"type": "object", "properties": {}}
        )
        context: Any = None
        assert (await approval_form(world.approver(), AUDIENCE)(context, params)).action == "decline"

        async def other(ctx: Any, params: Any) -> Any:
            return types.ElicitResult(action="accept", content={"sure": True})

        answer = await approval_form(world.approver(), AUDIENCE, other)(context, params)
        assert answer.content == {"sure": True}
        assert world.shown == []

    anyio.run(main)


def test_a_handler_that_replaces_the_guarded_one_is_guarded(world: World) -> None:
    async def handler(ctx: Any, params: Any) -> types.CallToolResult:
        world.effects.append("replaced")
        said = deputize.mcp.caller().caller
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=said)], structured_content={"result": said}
        )

    async def main() -> None:
        for way in ("method", "table"):
            server = guard(world.server(), world.verifier())
            lowlevel: Any = server._lowlevel_server
            if way == "method":
                lowlevel.add_request_handler("tools/call", types.CallToolRequestParams, handler)
            else:
                entry = lowlevel._request_handlers["tools/call"]
                lowlevel._request_handlers["tools/call"] = type(entry)(entry.params_type, handler)
            async with reached("memory", server) as client:
                assert code(await client.call_tool("deploy", STAGING)) == "proof-missing"
                assert world.effects == []
                sign_calls(client, world.actor(), AUDIENCE)
                assert text(await client.call_tool("deploy", STAGING)) == "coder"
            assert world.effects.pop() == "replaced"

    anyio.run(main)


def test_an_extension_of_the_server_comes_after_the_guard(world: World) -> None:
    from mcp.server import MCPServer
    from mcp.server.extension import Extension

    class Answers(Extension):
        identifier = "example.com/answers"

        async def intercept_tool_call(self, params: Any, ctx: Any, call_next: Any) -> Any:
            world.effects.append("answered")
            return types.CallToolResult(content=[])

    async def main() -> None:
        server = guard(MCPServer("deploy", extensions=[Answers()]), world.verifier())
        async with reached("memory", server) as client:
            assert code(await client.call_tool("deploy", STAGING)) == "proof-missing"
            assert world.effects == []
            sign_calls(client, world.actor(), AUDIENCE)
            assert code(await client.call_tool("deploy", STAGING)) == "allowed"
        assert world.effects == ["answered"]

    anyio.run(main)


def test_fifty_sessions_at_once_each_have_their_own_caller(world: World) -> None:
    async def main() -> None:
        names = [f"agent-{number}" for number in range(50)]
        actors = {}
        for name in names:
            agent = Agent.generate(name)
            actors[name] = Actor(agent, world.ana.issue(to=agent, tools=TOOLS))
        async with reached("memory", guard(world.server(), world.verifier())) as client:
            # One client for all: whoever acts, signs.
            sign_calls(client, current_actor, AUDIENCE)
            with pytest.raises(deputize.DeputizeError) as caught:
                await client.call_tool("who")
            assert caught.value.code == "proof-missing"
            seen: list[tuple[str, str]] = []

            async def run(name: str) -> None:
                with acting(actors[name]):
                    for _ in range(3):
                        seen.append((name, text(await client.call_tool("who"))))
                        await anyio.sleep(0)

            async with anyio.create_task_group() as group:
                for name in names:
                    group.start_soon(run, name)
            assert len(seen) == 150
            assert all(name == caller for name, caller in seen)

    anyio.run(main)


def test_threads_have_their_own_caller(world: World) -> None:
    with serving(guard(world.server(), world.verifier()).streamable_http_app()) as url:

        def run(number: int) -> tuple[str, str]:
            agent = Agent.generate(f"agent-{number}")

            async def main() -> str:
                async with Client(url) as client:
                    sign_calls(client, current_actor, AUDIENCE)
                    with acting(Actor(agent, world.ana.issue(to=agent, tools=TOOLS))):
                        return text(await client.call_tool("who"))

            return agent.name, anyio.run(main)

        with ThreadPoolExecutor(8) as pool:
            assert all(name == caller for name, caller in pool.map(run, range(16)))


def test_options_that_mean_nothing_are_refused(world: World) -> None:
    server, verifier = world.server(), world.verifier()
    for use in (
        lambda: guard(server, verifier, accept_argument="yes"),  # type: ignore[arg-type]
        lambda: guard(server, verifier, elicit=1),  # type: ignore[arg-type]
        lambda: approval_form("bo", AUDIENCE),  # type: ignore[arg-type]
        lambda: approval_form([world.bo], AUDIENCE),  # type: ignore[list-item]
    ):
        with pytest.raises(UnsupportedOperation):
            use()

    async def main() -> None:
        async with reached("memory", guard(server, verifier)) as client:
            for wrong in ({"carry": "body"}, {"carry": None}, {"approver": "bo"}, {"approver": world.bo}):
                with pytest.raises(UnsupportedOperation):
                    sign_calls(client, world.actor(), AUDIENCE, **wrong)
            with pytest.raises(UnsupportedOperation):
                sign_calls(client, world.actor(), None)  # type: ignore[arg-type]

    anyio.run(main)


@pytest.mark.parametrize(
    ("found", "said"),
    [("1.29.9", "mcp is 1.29.9"), ("3.0", "mcp is 3.0"), (None, "mcp is not installed")],
)
def test_another_version_is_refused_with_the_command_that_mends_it(
    found: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        if found is None:
            raise metadata.PackageNotFoundError
        return found

    monkeypatch.setattr(versions.metadata, "version", version)
    source = Path(deputize.mcp.__file__).read_text()
    with pytest.raises(ImportError, match=r"pip install 'deputize\[mcp\]'") as caught:
        exec(compile(source, "mcp.py", "exec"), {"__name__": "again"})
    assert str(caught.value).startswith(said)


def run_example(name: str) -> list[str]:
    script = Path(__file__).parents[3] / "examples" / "python" / name
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_example() -> None:
    first, second, *shown, last = run_example("mcp_tools.py")
    assert first == "success: staging × 1, by coder for ana"
    assert second.startswith("error: denied: argument-refused: ")
    assert shown[0].startswith("approval request ")
    assert 'argument "table": "logs"' in shown
    assert last == "success: dropped logs"


def test_the_example_of_fastmcp() -> None:
    first, second, third = run_example("fastmcp_tools.py")
    assert (first, second) == ("success: staging × 1, by coder for ana", "success: week 47, for ana")
    assert third.startswith("error: denied: argument-refused: ")


def test_the_guide_protects_a_server(tmp_path: Path) -> None:
    server, client = guide.snippets("mcp.md", "## Python")
    (tmp_path / "server.py").write_text(server, encoding="utf-8")
    allowed, denied = guide.run(client, tmp_path)
    assert allowed == "False coder for ana: staging × 1"
    assert denied.startswith("True denied: argument-refused: ")


def test_the_guide_asks_a_person(tmp_path: Path) -> None:
    (source,) = guide.snippets("mcp.md", "## A person approves")
    approved, denied = guide.run(source, tmp_path)
    assert approved == "deployed to staging"
    assert denied.startswith("denied: approval-denied: ")


def test_a_sub_agent_calls_with_what_was_declared_for_it(world: World) -> None:
    helper = Agent.generate("helper")
    declared = SubAgent(helper, {"deploy": {"env": "staging", "replicas": optional(at_most(5))}, "drop": {}}, ttl="1m")

    async def main() -> None:
        async with reached("http", guard(world.server(), world.verifier())) as client:
            sign_calls(client, current_actor, AUDIENCE)
            with acting(world.actor()) as supervisor:
                assert supervisor is not None
                with acting(supervisor.hand_over(declared)):
                    assert text(await client.call_tool("deploy", STAGING)) == "helper: staging × 1"
                    # Of what was declared, only what the supervisor has.
                    assert code(await client.call_tool("deploy", {**STAGING, "replicas": 4})) == "argument-refused"
                    assert code(await client.call_tool("who")) == "tool-not-allowed"
                # A sub-agent that nothing was declared for is nobody.
                with acting(None), pytest.raises(deputize.DeputizeError) as caught:
                    await client.call_tool("deploy", STAGING)
                assert caught.value.code == "proof-missing"
                assert text(await client.call_tool("who")) == "coder"
        assert world.effects == [("staging", 1), "who"]

    anyio.run(main)


def test_nothing_of_a_presentation_reaches_tools_or_logs(world: World, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    async def handler(ctx: Any, params: Any) -> types.CallToolResult:
        seen.append(params.arguments)
        return types.CallToolResult(content=[types.TextContent(type="text", text="done")])

    async def listed(ctx: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="deploy", input_schema={"type": "object"})])

    async def main() -> None:
        for carry in ("metadata", "header", "argument"):
            server: Any = Server("sees", on_call_tool=handler, on_list_tools=listed)
            guard(server, world.verifier(), accept_argument=True)
            with serving(server.streamable_http_app()) as url:
                async with Client(url) as client:
                    sign_calls(client, world.actor(), AUDIENCE, carry=carry)  # type: ignore[arg-type]
                    with caplog.at_level(logging.INFO):
                        result = await client.call_tool("deploy", STAGING)
                    assert META_KEY not in repr(result)
        assert seen == [STAGING] * 3
        assert META_KEY not in caplog.text

    anyio.run(main)
