"""An MCP server that verifies each call, and a client that signs each: one allowed, one refused, one approved."""

import anyio
import deputize.mcp
from deputize import Actor, Agent, ApprovalPolicy, Approver, Verifier, at_most, optional
from mcp.client import Client
from mcp.server import MCPServer

AUDIENCE = "https://deploy.example"
server = MCPServer("deploy")


@server.tool()
def deploy(env: str, replicas: int = 1) -> str:
    who = deputize.mcp.caller()
    return f"{env} × {replicas}, by {who.caller} for {who.on_behalf_of}"


@server.tool()
def drop(table: str) -> str:
    return f"dropped {table}"


def ask(request) -> bool:
    print(request.text, end="")
    return True  # a person says yes, after reading


async def main() -> None:
    ana, coder, bo = (Agent.generate(name) for name in ("ana", "coder", "bo"))
    policy = ApprovalPolicy(1, [bo], harmless=["deploy"])
    deputize.mcp.guard(server, Verifier(trust=[ana], audience=AUDIENCE, approvals=policy))

    tools = {"deploy": {"env": "staging", "replicas": optional(at_most(2))}, "drop": {}}
    actor = Actor(coder, ana.issue(to=coder, tools=tools, ttl="10m"))
    async with Client(server) as client:
        deputize.mcp.sign_calls(client, actor, AUDIENCE, approver=Approver(bo, ask))
        for name, arguments in (
            ("deploy", {"env": "staging"}),
            ("deploy", {"env": "production"}),
            ("drop", {"table": "logs"}),
        ):
            result = await client.call_tool(name, arguments)
            print("error:" if result.is_error else "success:", result.content[0].text)


anyio.run(main)
