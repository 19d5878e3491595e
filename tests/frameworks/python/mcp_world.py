"""What the tests of MCP share: agents, a server with a counter, and how to reach it. As a program: that server."""

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
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server import MCPServer

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

    def approver(self, answer: Any = True, agent: Agent | None = None) -> Approver:
        def ask(request: Any) -> Any:
            self.shown.append(request.text)
            return answer

        return Approver(agent or self.bo, ask, timeout=10)

    def server(self) -> MCPServer:
        return make(self.effects)


def make(effects: list[Any], note: Path | None = None) -> MCPServer:
    server = MCPServer("deploy")

    @server.tool()
    def deploy(env: str, replicas: int = 1) -> str:
        effects.append((env, replicas))
        if note is not None:
            note.write_text(repr(effects))
        return f"{deputize_mcp.caller().caller}: {env} × {replicas}"

    @server.tool()
    def who() -> str:
        effects.append("who")
        return deputize_mcp.caller().caller

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


@asynccontextmanager
async def reached(kind: str, server: MCPServer, **options: Any) -> AsyncIterator[Client]:
    """A client of a server in this process."""
    mode: Any = "legacy" if kind.endswith("legacy") else "auto"
    if kind.startswith("http"):
        with serving(server.streamable_http_app()) as url:
            async with Client(url, mode=mode, **options) as client:
                yield client
    else:
        async with Client(server, mode=mode, **options) as client:
            yield client


def program(did: str, note: Path, *flags: str) -> Any:
    """The same server as a program of its own, over stdio."""
    arguments = [__file__, did, str(note), *flags]
    return stdio_client(StdioServerParameters(command=sys.executable, args=arguments))


def text(result: Any) -> str:
    return str(result.content[0].text)


def code(result: Any) -> str:
    """The code of a refusal, which the text names too; `allowed` if there is none."""
    if not result.is_error:
        return "allowed"
    assert result.meta is not None, text(result)
    denial = result.meta[deputize_mcp.DENIAL_KEY]
    assert denial["code"] in text(result)
    assert denial["help"] in text(result)
    return str(denial["code"])


if __name__ == "__main__":
    trust = [TrustAnchor("ana", VerifyingKey.from_did_key(sys.argv[1]))]
    deputize_mcp.guard(
        make([], Path(sys.argv[2])),
        Verifier(trust=trust, audience=AUDIENCE),
        accept_argument="argument" in sys.argv,
    ).run()
