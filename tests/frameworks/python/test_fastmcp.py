"""FastMCP 4: servers that are mounted, proxied, cached and searched; clients that connect again."""

# row: {"framework": "FastMCP", "language": "Python", "package": "fastmcp", "extra": "fastmcp", "guards": "tools of a server (middleware); Client signs", "carries": "_meta, header, argument", "approvals": "denial and retry, elicitation, input_required"}

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import deputize.fastmcp
import guide
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
from deputize.fastmcp import approval_form, guard, sign_calls
from fastmcp import Client, Context, FastMCP
from fastmcp.client.transports import PythonStdioTransport
from fastmcp.server import create_proxy
from fastmcp.server.middleware import Middleware
from fastmcp.server.middleware.caching import ResponseCachingMiddleware
from fastmcp.tools.base import ToolResult
from mcp_world import AUDIENCE, TOOLS, World, code, serving

STAGING = {"env": "staging"}
KINDS = ["memory", "memory-modern", "http", "http-modern"]


@pytest.fixture
def world() -> World:
    return World()


def make(world: World, name: str = "deploy") -> FastMCP[Any]:
    server: FastMCP[Any] = FastMCP(name)

    @server.tool
    def deploy(env: str, replicas: int = 1) -> str:
        world.effects.append((env, replicas))
        return f"{deputize.fastmcp.caller().caller}: {env} × {replicas}"

    @server.tool
    async def who(ctx: Context) -> str:
        world.effects.append("who")
        return deputize.fastmcp.caller().caller

    return server


@asynccontextmanager
async def reached(kind: str, server: Any, world: World | None = None, **options: Any) -> AsyncIterator[Client[Any]]:
    """A client of a server; with a world, one that signs for its actor."""
    actor = None if world is None else world.actor()
    signing = {name: options.pop(name) for name in ("carry", "approver", "tools") if name in options}
    mode = "2026-07-28" if kind.endswith("modern") else "legacy"

    def client(to: Any) -> Client[Any]:
        made: Client[Any] = Client(to, mode=mode, **options)
        return made if actor is None else sign_calls(made, actor, AUDIENCE, **signing)

    if kind.startswith("http"):
        with serving(server.http_app()) as url:
            async with client(url) as connected:
                yield connected
    else:
        async with client(server) as connected:
            yield connected


async def call(client: Client[Any], name: str = "deploy", arguments: Any = STAGING, **options: Any) -> str:
    return code(await client.call_tool_mcp(name, arguments, **options))


@pytest.mark.parametrize("kind", KINDS)
def test_the_guard(kind: str, world: World) -> None:
    async def main() -> None:
        server = guard(make(world), world.verifier())
        async with reached(kind, server) as client:
            assert await call(client) == "proof-missing"
            with pytest.raises(Exception, match="proof-missing"):
                await client.call_tool("deploy", STAGING)
        assert world.effects == []
        async with reached(kind, server, world) as client:
            assert (await client.call_tool("deploy", STAGING)).data == "coder: staging × 1"
            assert (await client.call_tool("deploy", {**STAGING, "replicas": 2})).data == "coder: staging × 2"
            assert (await client.call_tool("who")).data == "coder"
            for wrong, expected in (
                ({"env": "production"}, "argument-refused"),
                ({**STAGING, "replicas": "2"}, "argument-refused"),
                ({}, "argument-missing"),
                ({**STAGING, "force": True}, "argument-unexpected"),
            ):
                assert await call(client, arguments=wrong) == expected
            assert await call(client, "missing") == "tool-not-allowed"
        assert len(world.effects) == 3

    anyio.run(main)


def test_over_stdio(world: World, tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(
        "import deputize.fastmcp\n"
        "from deputize import TrustAnchor, Verifier, VerifyingKey\n"
        "from fastmcp import FastMCP\n\n"
        "server = FastMCP('deploy')\n\n\n"
        "@server.tool\n"
        "def deploy(env: str) -> str:\n"
        "    return deputize.fastmcp.caller().caller\n\n\n"
        f"trust = [TrustAnchor('ana', VerifyingKey.from_did_key({world.ana.did!r}))]\n"
        f"deputize.fastmcp.guard(server, Verifier(trust, {AUDIENCE!r}))\n"
        "server.run(show_banner=False)\n"
    )

    async def main() -> None:
        client = Client(PythonStdioTransport(script, python_cmd=sys.executable))
        async with sign_calls(client, world.actor(), AUDIENCE):
            assert (await client.call_tool("deploy", STAGING)).data == "coder"
            assert await call(client, arguments={"env": "production"}) == "argument-refused"

    anyio.run(main)


@pytest.mark.parametrize("carry", ["header", "argument"])
@pytest.mark.parametrize("kind", ["http", "http-modern"])
def test_what_carries_it_where_metadata_does_not(kind: str, carry: str, world: World) -> None:
    async def main() -> None:
        server = guard(make(world), world.verifier(), accept_argument=carry == "argument")
        async with reached(kind, server, world, carry=carry) as client:
            assert (await client.call_tool("deploy", STAGING)).data == "coder: staging × 1"

    anyio.run(main)


def test_wrong_tokens_run_nothing(world: World) -> None:
    eve = Agent.generate("eve")

    async def main() -> None:
        server = guard(make(world), world.verifier())
        for actor, audience, expected in (
            (Actor(world.coder, eve.issue(to=world.coder, tools=TOOLS)), AUDIENCE, "issuer-untrusted"),
            (world.actor(), "https://other.example", "audience-mismatch"),
            (Actor(world.coder, world.chain(audience="https://other.example")), AUDIENCE, "audience-mismatch"),
        ):
            async with sign_calls(Client(server), actor, audience) as client:
                assert await call(client) == expected
        async with sign_calls(Client(server), Actor(eve, world.chain()), AUDIENCE) as client:
            with pytest.raises(DeputizeError) as caught:
                await client.call_tool("deploy", STAGING)
            assert caught.value.code == "holder-mismatch"
        assert world.effects == []

    anyio.run(main)


def test_a_client_that_connects_again_and_its_copies_sign(world: World) -> None:
    async def main() -> None:
        server = guard(make(world), world.verifier())
        shared = Client(server).transport
        client = sign_calls(Client(shared), world.actor(), AUDIENCE)
        for one in (client, client, client.new()):
            async with one:
                assert await call(one) == "allowed"
        # Another client of the same transport is the same caller, and becomes no other one unnoticed.
        async with Client(shared) as other:
            assert await call(other) == "allowed"
        with pytest.raises(UnsupportedOperation, match="signed for already"):
            sign_calls(Client(shared), world.actor(), AUDIENCE)

    anyio.run(main)


def test_tools_that_come_later_are_guarded(world: World) -> None:
    async def main() -> None:
        server = guard(make(world), world.verifier())
        later, remote = make(world, "later"), make(world, "remote")
        server.mount(later, namespace="later")
        server.mount(create_proxy(remote), namespace="remote")

        @server.tool
        def added() -> str:
            world.effects.append("added")
            return deputize.fastmcp.caller().caller

        @later.tool
        def added_to_mounted() -> str:
            world.effects.append("mounted")
            return deputize.fastmcp.caller().caller

        names = ("added", "later_deploy", "later_added_to_mounted", "remote_deploy")
        async with Client(server) as client:
            assert {tool.name for tool in await client.list_tools()} >= set(names)
            for name in names:
                arguments = STAGING if name.endswith("_deploy") else {}
                assert await call(client, name, arguments) == "proof-missing"
        assert world.effects == []
        actor = Actor(world.coder, world.chain({name: {} for name in names[:3]}))
        async with sign_calls(Client(server), actor, AUDIENCE) as client:
            assert await call(client, "added", {}) == "allowed"
            assert await call(client, "later_deploy") == "allowed"
            assert await call(client, "later_added_to_mounted", {}) == "allowed"
            assert await call(client, "remote_deploy") == "tool-not-allowed"
        assert world.effects == ["added", ("staging", 1), "mounted"]

    anyio.run(main)


def test_a_guarded_server_stays_guarded_wherever_it_is_mounted(world: World) -> None:
    async def main() -> None:
        # Tokens name the tool as the caller calls it.
        child = guard(make(world), world.verifier(), tools={"deploy": "child_deploy"})
        parent: FastMCP[Any] = FastMCP("parent")
        parent.mount(child, namespace="child")
        async with Client(parent) as client:
            assert await call(client, "child_deploy") == "proof-missing"
        # A call of the program itself is nobody's.
        assert (await child.call_tool("deploy", STAGING)).is_error
        assert world.effects == []
        actor = Actor(world.coder, world.chain({"child_deploy": {}}))
        async with sign_calls(Client(parent), actor, AUDIENCE) as client:
            assert await call(client, "child_deploy") == "allowed"
        assert len(world.effects) == 1

    anyio.run(main)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_proxy_passes_on_what_the_caller_signed_or_signs_itself(mode: str, world: World) -> None:
    async def main() -> None:
        backend = guard(make(world), world.verifier())
        async with sign_calls(Client(create_proxy(backend), mode=mode), world.actor(), AUDIENCE) as client:
            assert (await client.call_tool("deploy", STAGING)).data == "coder: staging × 1"
        async with Client(create_proxy(backend), mode=mode) as client:
            assert await call(client) == "proof-missing"
        # The proxy as an agent of its own: the backend sees the proxy, and nothing of who called it.
        signed = sign_calls(Client(backend, mode=mode), world.actor(), AUDIENCE)
        async with Client(create_proxy(signed), mode=mode) as client:
            assert (await client.call_tool("deploy", STAGING)).data == "coder: staging × 1"
        assert len(world.effects) == 2

    anyio.run(main)


@pytest.mark.parametrize("carry", ["metadata", "header"])
@pytest.mark.parametrize("kind", ["http", "http-modern"])
def test_what_a_guarded_server_asks_of_a_backend_has_nothing_of_who_called_it(
    kind: str, carry: Any, world: World
) -> None:
    seen: list[Any] = []
    backend: FastMCP[Any] = FastMCP("backend")

    @backend.tool
    def deploy(env: str, ctx: Context) -> str:
        request = ctx.request_context
        assert request is not None
        seen.append((request.meta, request.request.headers))
        return "done"

    async def main() -> None:
        with serving(backend.http_app()) as url:
            front = guard(create_proxy(url), world.verifier())
            async with reached(kind, front, world, carry=carry) as client:
                assert await call(client) == "allowed"
                assert await call(client) == "allowed"

    anyio.run(main)
    assert len(seen) == 2
    assert "deputize" not in repr(seen).lower()


def test_a_cache_answers_nobody_who_may_not_call(world: World) -> None:
    async def main() -> None:
        server = make(world)
        server.add_middleware(ResponseCachingMiddleware())
        guard(server, world.verifier())
        async with sign_calls(Client(server), world.actor(), AUDIENCE) as client:
            assert await call(client) == "allowed"
        async with Client(server) as client:
            assert await call(client) == "proof-missing"

    anyio.run(main)


def test_middleware_that_answers_or_changes_calls_comes_after_the_guard(world: World) -> None:
    class Answers(Middleware):
        async def on_call_tool(self, context: Any, call_next: Any) -> Any:
            world.effects.append(context.message.arguments)
            return ToolResult(content="answered", structured_content={"result": "answered"})

    async def main() -> None:
        for first in (True, False):
            server = make(world)
            if first:
                server.add_middleware(Answers())
            guard(server, world.verifier())
            if not first:
                server.add_middleware(Answers())
            async with Client(server) as client:
                assert await call(client) == "proof-missing"
            assert world.effects == []
            async with reached("memory", server, world) as client:
                assert await call(client) == "allowed"
            assert world.effects.pop() == STAGING

    anyio.run(main)


def test_a_tool_that_calls_another_needs_a_call_of_its_own(world: World) -> None:
    async def main() -> None:
        server = guard(make(world), world.verifier())

        @server.tool
        async def both(ctx: Context) -> str:
            result = await ctx.fastmcp.call_tool("deploy", STAGING)
            return str(result.content[0].text)  # type: ignore[union-attr]

        actor = Actor(world.coder, world.chain({"both": {}, "deploy": {}}))
        async with sign_calls(Client(server), actor, AUDIENCE) as client:
            assert "proof-missing" in (await client.call_tool("both", {})).data
        assert world.effects == []

    anyio.run(main)


@pytest.mark.parametrize("kind", KINDS)
def test_approvals_by_the_signer_and_by_a_form(kind: str, world: World) -> None:
    async def main() -> None:
        server = guard(make(world), world.approved(), elicit=True)
        async with reached(kind, server, world, approver=world.approver()) as client:
            assert await call(client) == "allowed"
        form: Any = approval_form(world.approver(), AUDIENCE)
        actor = world.actor()
        client = Client(server, mode="2026-07-28" if kind.endswith("modern") else "legacy")
        client._session_kwargs["elicitation_callback"] = form
        async with sign_calls(client, actor, AUDIENCE):
            assert await call(client) == "allowed"
        assert world.shown[1] == ApprovalRequest(actor.chain, "deploy", STAGING, AUDIENCE).text

        # A callback that accepts everything approves nothing.
        async def accept(*given: Any) -> dict[str, Any]:
            return {"dev.deputize/approval": "yes"}

        async with reached(kind, server, world, elicitation_handler=accept) as client:
            assert await call(client) == "approval-required"
        assert len(world.effects) == 2

    anyio.run(main)


def test_what_the_server_says_of_its_tools_decides(world: World) -> None:
    async def main() -> None:
        server = make(world)
        server.tool(lambda: "seen", name="look", annotations={"readOnlyHint": True})
        verifier = world.verifier(approvals=ApprovalPolicy(1, [world.bo], by_annotation=True))
        guard(server, verifier)
        actor = Actor(world.coder, world.chain({"look": {}, "deploy": {}}))
        async with sign_calls(Client(server), actor, AUDIENCE) as client:
            assert await call(client, "look", {}) == "allowed"
            assert await call(client) == "approval-required"
            # Which version that is, nobody looked up.
            assert await call(client, "look", {}, meta={"fastmcp": {"version": "1"}}) == "approval-required"

    anyio.run(main)


def test_fifty_callers_at_once(world: World) -> None:
    async def main() -> None:
        async with sign_calls(Client(guard(make(world), world.verifier())), current_actor, AUDIENCE) as client:
            with pytest.raises(DeputizeError) as caught:
                await client.call_tool("who")
            assert caught.value.code == "proof-missing"
            seen = []

            async def run(name: str) -> None:
                agent = Agent.generate(name)
                with acting(Actor(agent, world.ana.issue(to=agent, tools=TOOLS))):
                    for _ in range(2):
                        seen.append((name, (await client.call_tool("who")).data))

            async with anyio.create_task_group() as group:
                for number in range(50):
                    group.start_soon(run, f"agent-{number}")
            assert len(seen) == 100
            assert all(name == caller for name, caller in seen)

    anyio.run(main)


def test_what_cannot_be_guarded_or_signed_is_refused(world: World) -> None:
    server, verifier = make(world), world.verifier()
    guarded = guard(make(world), verifier)
    several = {"mcpServers": {name: {"url": f"http://127.0.0.1:1/{name}"} for name in ("a", "b")}}
    for use in (
        lambda: guard(world.server(), verifier),
        lambda: guard(None, verifier),
        lambda: guard(guarded, verifier),
        lambda: guard(server, None),  # type: ignore[arg-type]
        lambda: deputize.mcp.guard(server, verifier),
        lambda: sign_calls(object(), world.actor(), AUDIENCE),
        lambda: sign_calls(Client(several), world.actor(), AUDIENCE),
    ):
        with pytest.raises(UnsupportedOperation):
            use()

    async def main() -> None:
        async with Client(server) as client:
            with pytest.raises(UnsupportedOperation, match="connected already"):
                sign_calls(client, world.actor(), AUDIENCE)

    anyio.run(main)


def test_the_guide(tmp_path: Path) -> None:
    (source,) = guide.snippets("mcp.md", "## FastMCP")
    allowed, denied = guide.run(source, tmp_path)
    assert allowed == "False coder: staging × 1"
    assert denied.startswith("True denied: argument-refused: ")
