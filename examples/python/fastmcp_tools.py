"""A FastMCP server with another one mounted: the guard of the first verifies the calls to both."""

import asyncio

import deputize.fastmcp
from deputize import Actor, Agent, Verifier
from fastmcp import Client, FastMCP

AUDIENCE = "https://deploy.example"
server, reports = FastMCP("deploy"), FastMCP("reports")


@server.tool
def deploy(env: str, replicas: int = 1) -> str:
    who = deputize.fastmcp.caller()
    return f"{env} × {replicas}, by {who.caller} for {who.on_behalf_of}"


@reports.tool
def week(number: int) -> str:
    return f"week {number}, for {deputize.fastmcp.caller().on_behalf_of}"


async def main() -> None:
    ana, coder = Agent.generate("ana"), Agent.generate("coder")
    deputize.fastmcp.guard(server, Verifier(trust=[ana], audience=AUDIENCE))
    server.mount(reports, namespace="reports")

    chain = ana.issue(to=coder, tools={"deploy": {"env": "staging"}, "reports_week": {}}, ttl="10m")
    client = deputize.fastmcp.sign_calls(Client(server), Actor(coder, chain), AUDIENCE)
    async with client:
        for name, arguments in (
            ("deploy", {"env": "staging"}),
            ("reports_week", {"number": 47}),
            ("deploy", {"env": "production"}),
        ):
            result = await client.call_tool(name, arguments, raise_on_error=False)
            print("error:" if result.is_error else "success:", result.content[0].text)


asyncio.run(main())
