"""What the tests of MCP 1 share: agents, a server with a counter, and how to reach it. As a program: that server."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    Approver,
    Chain,
    TrustAnchor,
    Verifier,
    VerifyingKey,
    at_most,
    optional,
)
from deputize import mcp as deputize_mcp
from mcp import ClientSession, types
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session

AUDIENCE = "https://deploy.example"
TOOLS: dict[str, Any] = {"deploy": {"env": "staging", "replicas": optional(at_most(3))}, "who": {}}


class World:
    """Ana lets the coder deploy; bo approves."""

    def __init__(self) -> None:
        self.ana, self.coder, self.bo = (Agent.generate(name) for name in ("ana", "coder", "bo"))
        self.effects: list[Any] = []
        self.shown: list[str] = []

    def chain(self, tools: dict[str, Any] | None = None, **options: Any) -> Chain:
        return self.ana.issue(to=self.coder, tools=TOOLS if tools is None else tools, **options)

    def actor(self, **options: Any) -> Actor:
        return Actor(self.coder, self.chain(), **options)

    def verifier(self, **options: Any) -> Verifier:
        return Verifier(trust=[self.ana], audience=AUDIENCE, **options)

    def approved(self) -> Verifier:
        return self.verifier(approvals=ApprovalPolicy(1, [self.bo]))

    def approver(self, answer: Any = True) -> Approver:
        def ask(request: Any) -> Any:
            self.shown.append(request.text)
            return answer

        return Approver(self.bo, ask, timeout=10)


def make(effects: list[Any], **options: Any) -> FastMCP[Any]:
    server: FastMCP[Any] = FastMCP("deploy", **options)

    @server.tool()
    def deploy(env: str, replicas: int = 1) -> str:
        effects.append((env, replicas))
        return f"{deputize_mcp.caller().caller}: {env} × {replicas}"

    @server.tool()
    async def who() -> str:
        effects.append("who")
        return deputize_mcp.caller().caller

    return server


def make_low(effects: list[Any]) -> Server[Any, Any]:
    server: Server[Any, Any] = Server("deploy")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {"env": {"type": "string"}},
            "additionalProperties": True,
        }
        return [types.Tool(name=name, inputSchema=schema) for name in ("deploy", "who")]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
        effects.append((arguments.get("env"), arguments.get("replicas", 1)))
        who = deputize_mcp.caller().caller
        said = who if name == "who" else f"{who}: {arguments['env']} × {arguments.get('replicas', 1)}"
        return [types.TextContent(type="text", text=said)]

    return server


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serves on a free port of the loopback interface until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join(20)


def program(did: str) -> StdioServerParameters:
    """The same server as a program of its own, over stdio."""
    return StdioServerParameters(command=sys.executable, args=[str(Path(__file__)), did])


@asynccontextmanager
async def reached(kind: str, server: Any, world: World, **options: Any) -> AsyncIterator[ClientSession]:
    """A session with a server in this process, or over stdio with the same server as a program."""
    if kind == "http":
        with serving(server.streamable_http_app()) as url:
            async with (
                streamable_http_client(url) as (read, write, _),
                ClientSession(read, write, **options) as session,
            ):
                await session.initialize()
                yield session
    elif kind == "stdio":
        async with (
            stdio_client(program(world.ana.did)) as (read, write),
            ClientSession(read, write, **options) as session,
        ):
            await session.initialize()
            yield session
    else:
        lowlevel = server._mcp_server if isinstance(server, FastMCP) else server
        async with create_connected_server_and_client_session(lowlevel, **options) as session:
            yield session


def text(result: Any) -> str:
    return str(result.content[0].text)


def code(result: Any) -> str:
    """The code of a refusal, which the text names too; `allowed` if there is none."""
    if not result.isError:
        return "allowed"
    assert result.meta is not None, text(result)
    denial = result.meta[deputize_mcp.DENIAL_KEY]
    assert denial["code"] in text(result)
    assert denial["help"] in text(result)
    return str(denial["code"])


if __name__ == "__main__":
    trust = [TrustAnchor("ana", VerifyingKey.from_did_key(sys.argv[1]))]
    deputize_mcp.guard(make([]), Verifier(trust=trust, audience=AUDIENCE)).run()
