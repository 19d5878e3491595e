"""An agent of LangChain with the tools of an MCP server, by langchain-mcp-adapters: each call is signed for it."""

import asyncio
import sys

import deputize.langchain_mcp
import deputize.mcp
from deputize import Actor, Agent, TrustAnchor, Verifier, VerifyingKey, acting, current_actor
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp.server.fastmcp import FastMCP

AUDIENCE = "https://deploy.example"
server = FastMCP("deploy")


@server.tool()
def deploy(env: str, replicas: int = 1) -> str:
    who = deputize.mcp.caller()
    return f"{env} × {replicas}, by {who.caller} for {who.on_behalf_of}"


class Scripted(GenericFakeChatModel):
    """In place of a model: it calls the tool twice, and is done."""

    def bind_tools(self, tools, **options):
        return self


async def main() -> None:
    ana, coder = Agent.generate("ana"), Agent.generate("coder")
    program = {"transport": "stdio", "command": sys.executable, "args": [__file__, "serve", ana.did]}
    client = MultiServerMCPClient({"deploy": program})
    deputize.langchain_mcp.sign_calls(client, current_actor, {"deploy": AUDIENCE})

    calls = [{"name": "deploy", "args": {"env": env}, "id": env} for env in ("staging", "production")]
    model = Scripted(messages=iter([AIMessage(content="", tool_calls=calls), AIMessage(content="done")]))
    agent = create_agent(model, await client.get_tools())
    with acting(Actor(coder, ana.issue(to=coder, tools={"deploy": {"env": "staging"}}, ttl="10m"))):
        state = await agent.ainvoke({"messages": [("user", "deploy it")]})
    for message in state["messages"]:
        if message.type == "tool":
            print(f"{message.status}: {message.text}")


def serve(did: str) -> None:
    trust = [TrustAnchor("ana", VerifyingKey.from_did_key(did))]
    deputize.mcp.guard(server, Verifier(trust=trust, audience=AUDIENCE)).run()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
    else:
        asyncio.run(main())
