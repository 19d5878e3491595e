"""An MCP server for the tests, over stdio: `mcp_server.py <did:key of ana> <file for side effects> [lowlevel]`."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import mcp_types as types
from mcp.server import MCPServer, Server
from mcp.server.stdio import stdio_server

import deputize.mcp
from deputize import TrustAnchor, Verifier, VerifyingKey

AUDIENCE = "https://tools.acme.example"


def make(effects: Path) -> MCPServer:
    server = MCPServer("tools")

    def note(what: str) -> None:
        with effects.open("a") as file:
            file.write(what + "\n")

    @server.tool()
    def deploy(env: str, replicas: int = 1) -> str:
        who = deputize.mcp.caller()
        note(f"deploy {env} {replicas}")
        return f"{who.caller} for {who.on_behalf_of}: {env} × {replicas}; {sorted(who.arguments)}"

    @server.tool()
    async def echo(value: dict[str, object] | None = None) -> str:
        note("echo")
        return f"{deputize.mcp.caller().caller}: {value}"

    @server.tool()
    def structured(n: int) -> dict[str, int]:
        note("structured")
        return {"n": n}

    return server


def make_lowlevel(effects: Path) -> Server:
    async def call_tool(ctx: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        with effects.open("a") as file:
            file.write(f"{params.name} {params.arguments}\n")
        text = f"{deputize.mcp.caller().caller}: {params.arguments}"
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])

    async def list_tools(ctx: object, params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="deploy", input_schema={"type": "object"})])

    return Server("tools", on_call_tool=call_tool, on_list_tools=list_tools)


def main(did: str, effects: str, kind: str = "high") -> None:
    verifier = Verifier(trust=[TrustAnchor("ana", VerifyingKey.from_did_key(did))], audience=AUDIENCE)
    if kind == "high":
        deputize.mcp.guard(make(Path(effects)), verifier).run()
        return
    server = deputize.mcp.guard(make_lowlevel(Path(effects)), verifier)

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


if __name__ == "__main__":
    main(*sys.argv[1:])
