"""The supervisor: an agent of LangGraph that calls tools itself, and hands tasks to a coder and to an intern."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

import deputize.fastmcp
import deputize.langgraph
import httpx
from deputize import (
    Actor,
    Agent,
    AuditLog,
    Chain,
    DeputizeError,
    SubAgent,
    TrustAnchor,
    Verifier,
    VerifyingKey,
    acting,
    current_actor,
    path,
)
from fastmcp import Client
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition

ELSEWHERE = ["read_file", "ask_coder"]  # the server and the coder's own process see to these


def tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def hear() -> dict[str, Any]:
    return json.loads(sys.stdin.readline())


def agent(tools: list[Any], verifier: Verifier, *said: tuple[str, dict[str, Any]]) -> Any:
    """A model and its guarded tools in a loop. A script stands for the model: one call at a time, then it is done."""
    calls = [{"name": name, "args": args, "id": f"call-{number}"} for number, (name, args) in enumerate(said)]
    turns = [AIMessage(content="", tool_calls=[call]) for call in calls]
    model = GenericFakeChatModel(messages=iter([*turns, AIMessage(content="done")]))

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", think)
    graph.add_node("tools", deputize.langgraph.guard(tools, verifier, elsewhere=ELSEWHERE))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


async def run(supervisor: Agent, log: AuditLog, given: dict[str, Any]) -> None:
    ana = TrustAnchor("ana", VerifyingKey.from_did_key(given["ana"]))
    verifier = Verifier(trust=[ana], audience=given["here"], audit=log)

    # What the coder may do is declared once. Its key is in its own process.
    coder = SubAgent(
        VerifyingKey.from_did_key(given["coder"]),
        {"read_file": {"path": path("/src")}, "deploy": {"env": "staging"}},
        ttl="5m",
        audience=given["audience"],
        holder_name="coder",
    )

    @tool
    async def read_file(path: str) -> str:
        """Reads a file on the server."""
        try:
            async with deputize.fastmcp.sign_calls(Client(given["url"]), current_actor, given["audience"]) as client:
                result = await client.call_tool("read_file", {"path": path}, raise_on_error=False)
        except DeputizeError as error:  # nobody acts, so nothing was signed
            return f"denied: {error}"
        return result.content[0].text

    @tool
    async def ask_coder(task: str) -> str:
        """Asks the coder."""
        chain = current_actor().delegate(coder, reason=task)
        async with httpx.AsyncClient(timeout=60) as client:
            return (await client.post(given["coder_url"], json={"task": task, "chain": chain.text})).text

    # For the intern nothing is declared.
    intern = agent([read_file], verifier, ("read_file", {"path": "/src/login.py"}))

    @tool
    async def ask_intern(task: str) -> str:
        """Asks the intern."""
        result = await intern.ainvoke({"messages": [("user", task)]})
        return result["messages"][-2].content

    supervising = agent(
        [read_file, ask_coder, ask_intern],
        verifier,
        ("ask_coder", {"task": "make the login safe"}),
        ("read_file", {"path": "/payroll/salaries.csv"}),
        ("ask_intern", {"task": "look at the login"}),
    )
    with acting(Actor(supervisor, Chain.from_text(given["chain"]))):
        async for step in supervising.astream({"messages": [("user", "release 1.0")]}, stream_mode="updates"):
            for message in step.get("tools", {}).get("messages", ()):
                tell(step=message.name, text=message.content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audit", required=True, help="the audit log, which the server writes to as well")
    parser.add_argument("--origin", required=True, help="the name of the log")
    options = parser.parse_args()

    log = AuditLog(options.audit, origin=options.origin)
    supervisor = Agent.generate("supervisor", audit=log)
    tell(did=supervisor.did)
    asyncio.run(run(supervisor, log, hear()))


if __name__ == "__main__":
    main()
