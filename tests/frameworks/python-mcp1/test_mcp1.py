"""The first line of the MCP SDK: the same guard and signer under the same names."""

# row: {"framework": "MCP 1", "language": "Python", "package": "mcp", "extra": "mcp", "guards": "tools/call of FastMCP and the low-level Server; ClientSession signs", "carries": "_meta, header (server only), argument", "approvals": "denial and retry, elicitation"}

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    DeputizeError,
    UnsupportedOperation,
    acting,
    current_actor,
)
from deputize.mcp import DENIAL_KEY, HEADER, META_KEY, approval_form, guard, meta_for, sign_calls
from mcp import ClientSession, types
from mcp1_world import AUDIENCE, TOOLS, World, code, make, make_low, reached, serving, text

STAGING = {"env": "staging"}
MAKERS = [make, make_low]


@pytest.fixture
def world() -> World:
    return World()


# A low-level server has no app of its own.
@pytest.mark.parametrize(("kind", "make"), [("memory", make_low), ("memory", make), ("http", make), ("stdio", make)])
def test_the_guard(kind: str, make: Any, world: World) -> None:
    async def main() -> None:
        async with reached(kind, guard(make(world.effects), world.verifier()), world) as session:
            assert code(await session.call_tool("deploy", STAGING)) == "proof-missing"
            assert world.effects == []
            sign_calls(session, world.actor(), AUDIENCE)
            assert text(await session.call_tool("deploy", STAGING)) == "coder: staging × 1"
            assert text(await session.call_tool("deploy", {**STAGING, "replicas": 2})) == "coder: staging × 2"
            before = list(world.effects)
            for wrong, expected in (
                ({"env": "production"}, "argument-refused"),
                ({**STAGING, "replicas": "2"}, "argument-refused"),
                ({}, "argument-missing"),
                (None, "argument-missing"),
                ({**STAGING, "force": None}, "argument-unexpected"),
            ):
                assert code(await session.call_tool("deploy", wrong)) == expected
            assert code(await session.call_tool("missing", {})) == "tool-not-allowed"
            # Each attempt is signed afresh, and good for one.
            meta = meta_for(world.actor(), "deploy", STAGING, AUDIENCE)
            session.send_request = session.send_request._deputize  # type: ignore[attr-defined,method-assign]
            assert code(await session.call_tool("deploy", STAGING, meta=meta)) == "allowed"
            assert code(await session.call_tool("deploy", STAGING, meta=meta)) == "proof-replayed"
            other = meta_for(world.actor(), "deploy", STAGING, AUDIENCE)
            assert code(await session.call_tool("deploy", {**STAGING, "replicas": 1}, meta=other)) == "proof-mismatch"
        if kind != "stdio":
            assert len(world.effects) == len(before) + 1 == 3

    anyio.run(main)


def test_wrong_tokens_run_nothing(world: World) -> None:
    eve = Agent.generate("eve")

    async def main() -> None:
        async with reached("memory", guard(make(world.effects), world.verifier()), world) as session:
            for actor, audience, expected in (
                (Actor(world.coder, eve.issue(to=world.coder, tools=TOOLS)), AUDIENCE, "issuer-untrusted"),
                (world.actor(), "https://other.example", "audience-mismatch"),
                (Actor(world.coder, world.chain(audience="https://other.example")), AUDIENCE, "audience-mismatch"),
            ):
                sign_calls(session, actor, audience)
                assert code(await session.call_tool("deploy", STAGING)) == expected
            sign_calls(session, Actor(eve, world.chain()), AUDIENCE)
            with pytest.raises(DeputizeError) as caught:
                await session.call_tool("deploy", STAGING)
            assert caught.value.code == "holder-mismatch"
        assert world.effects == []

    anyio.run(main)


def test_an_argument_carries_where_both_sides_say_so(world: World) -> None:
    async def main() -> None:
        for accept, expected in ((True, "allowed"), (False, "proof-missing")):
            server = guard(make(world.effects), world.verifier(), accept_argument=accept)
            async with reached("memory", server, world) as session:
                sign_calls(session, world.actor(), AUDIENCE, carry="argument")
                assert code(await session.call_tool("deploy", STAGING)) == expected
        assert world.effects == [("staging", 1)]

    anyio.run(main)


def test_a_header_carries_to_the_server(world: World) -> None:
    server = guard(make(world.effects, stateless_http=True, json_response=True), world.verifier())
    with serving(server.streamable_http_app()) as url:

        def call(*headers: str, meta: Any = None) -> str:
            params = {"name": "deploy", "arguments": STAGING, **({} if meta is None else {"_meta": meta})}
            base = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]
            answer = httpx.post(
                url,
                headers=[*base, *((HEADER, text) for text in headers)],
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            )
            result = answer.json()["result"]
            return str(result["_meta"][DENIAL_KEY]["code"]) if result.get("isError") else "allowed"

        def fresh() -> str:
            return str(meta_for(world.actor(), "deploy", STAGING, AUDIENCE)[META_KEY])

        assert call(fresh()) == "allowed"
        assert call() == "proof-missing"
        assert call(fresh(), fresh()) == "text-malformed"
        assert call(fresh(), meta={META_KEY: ""}) == "proof-missing"
        assert call("x", meta={META_KEY: fresh()}) == "allowed"
    assert len(world.effects) == 2


def test_tools_and_handlers_that_come_later_are_guarded(world: World) -> None:
    async def main() -> None:
        server = guard(make(world.effects), world.verifier())

        @server.tool()
        def later() -> str:
            world.effects.append("later")
            return "later"

        async def handler(request: Any) -> types.ServerResult:
            world.effects.append("replaced")
            return types.ServerResult(types.CallToolResult(content=[]))

        low = guard(make_low(world.effects), world.verifier())

        @low.call_tool()
        async def again(name: str, arguments: Any) -> list[Any]:
            world.effects.append("again")
            return []

        replaced = guard(make(world.effects), world.verifier())
        replaced._mcp_server.request_handlers[types.CallToolRequest] = handler
        for one, name, ran in ((server, "later", "later"), (low, "who", "again"), (replaced, "who", "replaced")):
            async with reached("memory", one, world) as session:
                assert code(await session.call_tool(name, {})) == "proof-missing"
                assert world.effects == []
                sign_calls(session, Actor(world.coder, world.chain({"later": {}, "who": {}})), AUDIENCE)
                await session.send_request(
                    types.ClientRequest(
                        types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments={}))
                    ),
                    types.CallToolResult,
                )
            assert world.effects.pop() == ran

    anyio.run(main)


@pytest.mark.parametrize("kind", ["memory", "http"])
def test_approvals_by_the_signer_and_by_a_form(kind: str, world: World) -> None:
    async def main() -> None:
        actor = world.actor()
        async with reached(kind, guard(make(world.effects), world.approved()), world) as session:
            sign_calls(session, actor, AUDIENCE, approver=world.approver())
            assert code(await session.call_tool("deploy", STAGING)) == "allowed"
            sign_calls(session, actor, AUDIENCE, approver=world.approver("yes"))
            assert code(await session.call_tool("deploy", STAGING)) == "approval-required"
            sign_calls(session, actor, AUDIENCE, approver=world.approver(False))
            assert code(await session.call_tool("deploy", {**STAGING, "replicas": 2})) == "approval-denied"
        form: Any = approval_form(world.approver(), AUDIENCE)
        server = guard(make(world.effects), world.approved(), elicit=True)
        async with reached(kind, server, world, elicitation_callback=form) as session:
            sign_calls(session, actor, AUDIENCE)
            assert code(await session.call_tool("deploy", STAGING)) == "allowed"
        assert world.shown[-1] == ApprovalRequest(actor.chain, "deploy", STAGING, AUDIENCE).text
        assert len(world.effects) == 2

        async def accept(ctx: Any, params: Any) -> Any:
            return types.ElicitResult(action="accept", content={"dev.deputize/approval": "yes"})

        for callback in (accept, approval_form(world.approver(), "https://other.example")):
            server = guard(make(world.effects), world.approved(), elicit=True)
            async with reached(kind, server, world, elicitation_callback=callback) as session:
                sign_calls(session, actor, AUDIENCE)
                assert code(await session.call_tool("deploy", STAGING)) == "approval-required"
        assert len(world.effects) == 2

    anyio.run(main)


@pytest.mark.parametrize("make", MAKERS)
def test_what_the_server_says_of_its_tools_decides(make: Any, world: World) -> None:
    async def main() -> None:
        verifier = world.verifier(approvals=ApprovalPolicy(1, [world.bo], by_annotation=True))
        server = make([])
        if make is not make_low:
            server.add_tool(lambda: "seen", name="look", annotations=types.ToolAnnotations(readOnlyHint=True))
        async with reached("memory", guard(server, verifier), world) as session:
            sign_calls(session, Actor(world.coder, world.chain({"look": {}, "who": {}})), AUDIENCE)
            assert code(await session.call_tool("who", {})) == "approval-required"
            if make is not make_low:
                assert code(await session.call_tool("look", {})) == "allowed"

    anyio.run(main)


def test_challenges_and_contexts_of_the_server(world: World) -> None:
    async def main() -> None:
        answers: list[Any] = [None]

        def context(ctx: Any, params: Any) -> Any:
            return answers[0]() if callable(answers[0]) else answers[0]

        async with reached("memory", guard(make(world.effects), world.verifier(), context=context), world) as session:
            sign_calls(session, Actor(world.coder, world.chain(context="tenant:1")), AUDIENCE)
            for answer, expected in (
                ("tenant:1", "allowed"),
                ("tenant:2", "context-mismatch"),
                (lambda: 1 / 0, "config-invalid"),
                (5, "config-invalid"),
            ):
                answers[0] = answer
                assert code(await session.call_tool("deploy", STAGING)) == expected
        assert len(world.effects) == 1

    anyio.run(main)


def test_fifty_callers_at_once(world: World) -> None:
    async def main() -> None:
        async with reached("memory", guard(make(world.effects), world.verifier()), world) as session:
            sign_calls(session, current_actor, AUDIENCE)
            with pytest.raises(DeputizeError) as caught:
                await session.call_tool("who")
            assert caught.value.code == "proof-missing"
            seen = []

            async def run(name: str) -> None:
                agent = Agent.generate(name)
                with acting(Actor(agent, world.ana.issue(to=agent, tools=TOOLS))):
                    for _ in range(2):
                        seen.append((name, text(await session.call_tool("who"))))

            async with anyio.create_task_group() as group:
                for number in range(50):
                    group.start_soon(run, f"agent-{number}")
            assert len(seen) == 100
            assert all(name == caller for name, caller in seen)

    anyio.run(main)


def test_what_cannot_be_guarded_or_signed_is_refused(world: World) -> None:
    verifier = world.verifier()
    guarded = guard(make([]), verifier)
    tasks = make_low([])
    tasks.experimental  # noqa: B018
    for use in (
        lambda: guard(None, verifier),
        lambda: guard(ClientSession, verifier),
        lambda: guard(guarded, verifier),
        lambda: guard(tasks, verifier),
        lambda: guard(make([]), None),  # type: ignore[arg-type]
        lambda: guard(make([]), verifier, context="tenant:1"),  # type: ignore[arg-type]
        lambda: guard(make([]), verifier, elicit="yes"),  # type: ignore[arg-type]
        lambda: sign_calls(object(), world.actor(), AUDIENCE),  # type: ignore[type-var]
    ):
        with pytest.raises(UnsupportedOperation):
            use()

    async def main() -> None:
        async with reached("memory", guarded, world) as session:
            with pytest.raises(UnsupportedOperation, match="no headers"):
                sign_calls(session, world.actor(), AUDIENCE, carry="header")

    anyio.run(main)
