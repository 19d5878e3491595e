"""Approvals and evidence in MCP: what the server says of its tools counts, and nothing that a caller says."""

from __future__ import annotations

from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp.client import Client
from mcp.server import MCPServer, Server

from conftest import SERVER, Story
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    Chain,
    IdentityPolicy,
    IdentityRule,
    UnsupportedOperation,
    Verifier,
)
from deputize.mcp import DENIAL_KEY, caller, guard, meta_for, sign_calls

ANNOTATED: dict[str, types.ToolAnnotations | None] = {
    "look": types.ToolAnnotations(read_only_hint=True),
    "add": types.ToolAnnotations(read_only_hint=False, destructive_hint=False),
    "both": types.ToolAnnotations(read_only_hint=True, destructive_hint=True),
    "drop": types.ToolAnnotations(destructive_hint=True),
    "plain": types.ToolAnnotations(title="Plain"),
    "bare": None,
}
HARMLESS = {"look", "add"}


def high() -> MCPServer:
    server = MCPServer("tools")
    for name, said in ANNOTATED.items():

        def run(amount: int = 0) -> str:
            return caller().caller

        server.add_tool(run, name=name, annotations=said)
    return server


def low(pages: bool = True) -> Server[Any]:
    tools = [
        types.Tool(name=name, input_schema={"type": "object"}, annotations=said) for name, said in ANNOTATED.items()
    ]

    async def call_tool(ctx: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(type="text", text=caller().caller)])

    async def list_tools(ctx: object, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if not pages:
            raise RuntimeError("no list today")
        start = 0 if params is None or params.cursor is None else int(params.cursor)
        following = str(start + 1) if start + 1 < len(tools) else None
        return types.ListToolsResult(tools=tools[start : start + 1], next_cursor=following)

    return Server("tools", on_call_tool=call_tool, on_list_tools=list_tools)


@pytest.fixture
def human() -> Agent:
    return Agent.generate("human")


@pytest.fixture
def chain(story: Story) -> Chain:
    return story.chain({name: {} for name in ANNOTATED})


def denial(result: types.CallToolResult) -> dict[str, Any]:
    assert result.is_error
    assert result.meta is not None
    found: dict[str, Any] = result.meta[DENIAL_KEY]
    return found


@pytest.mark.parametrize("make", [high, low])
def test_what_the_server_says_of_its_tools_decides(make: Any, story: Story, chain: Chain, human: Agent) -> None:
    async def main() -> None:
        verifier = story.verifier(approvals=ApprovalPolicy(1, [human], by_annotation=True))
        async with Client(guard(make(), verifier)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            for name in ANNOTATED:
                # What the caller says of the tool is no annotation of the server's.
                said: Any = {"annotations": {"readOnlyHint": True}, "readOnlyHint": True}
                result = await client.call_tool(name, {}, meta=said)
                if name in HARMLESS:
                    assert not result.is_error, name
                else:
                    assert denial(result)["code"] == "approval-required", name

    anyio.run(main)


def test_without_annotations_in_the_policy_nothing_is_harmless(story: Story, chain: Chain, human: Agent) -> None:
    async def main() -> None:
        verifier = story.verifier(approvals=ApprovalPolicy(1, [human]))
        async with Client(guard(high(), verifier)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            for name in ANNOTATED:
                assert denial(await client.call_tool(name, {}))["code"] == "approval-required"

    anyio.run(main)


def test_a_server_that_does_not_list_its_tools_has_none_that_is_harmless(
    story: Story, chain: Chain, human: Agent
) -> None:
    async def main() -> None:
        verifier = story.verifier(approvals=ApprovalPolicy(1, [human], by_annotation=True))
        async with Client(guard(low(pages=False), verifier)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            assert denial(await client.call_tool("look", {}))["code"] == "approval-required"

    anyio.run(main)


def test_a_denied_call_names_its_request_and_runs_when_it_was_approved(
    story: Story, chain: Chain, human: Agent
) -> None:
    async def main() -> None:
        verifier: Verifier = story.verifier(approvals=ApprovalPolicy(1, [human]))
        granted: dict[str, list[Any]] = {}
        asked: list[tuple[str, dict[str, Any]]] = []

        def evidence(tool: str, arguments: dict[str, Any]) -> list[Any]:
            asked.append((tool, arguments))
            request = ApprovalRequest(chain, tool, arguments, SERVER)
            arguments["amount"] = 5_000_000  # its own copy
            return granted.pop(request.id, [])

        async with Client(guard(high(), verifier)) as client:
            sign_calls(client, Actor(story.coder, chain, evidence=evidence), SERVER)
            refused = denial(await client.call_tool("drop", {"amount": 5}))
            request = ApprovalRequest(chain, "drop", {"amount": 5}, SERVER)
            assert (refused["code"], refused["request_id"]) == ("approval-required", request.id)
            granted[request.id] = [human.approve(request)]
            other = denial(await client.call_tool("drop", {"amount": 6}))
            assert (other["code"], other["request_id"] != request.id) == ("approval-required", True)
            assert not (await client.call_tool("drop", {"amount": 5})).is_error
            assert "request_id" not in denial(await client.call_tool("missing", {}))
            again = human.approve(request)
            meta: Any = meta_for(Actor(story.coder, chain, evidence=[again]), "drop", {"amount": 5}, SERVER)
            dispatcher: Any = client.session._dispatcher
            dispatcher.send_raw_request = dispatcher.send_raw_request._deputize
            assert not (await client.call_tool("drop", {"amount": 5}, meta=meta)).is_error

    anyio.run(main)


def test_identities_go_with_every_call(story: Story, chain: Chain) -> None:
    async def main() -> None:
        ids = Agent.generate("ids")
        verifier = story.verifier(identities=IdentityPolicy([ids], [IdentityRule("leaf")]))
        identity = ids.issue_identity("coder-7", story.coder)
        async with Client(guard(high(), verifier)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            assert denial(await client.call_tool("look", {}))["code"] == "identity-required"
            for evidence in ([identity], (identity.bytes,), lambda tool, arguments: (identity,)):
                sign_calls(client, Actor(story.coder, chain, evidence=evidence), SERVER)
                result = await client.call_tool("look", {})
                assert isinstance(result.content[0], types.TextContent)
                assert result.content[0].text == "coder-7"
            for wrong in (identity, "identity", None, {identity}):
                with pytest.raises(UnsupportedOperation):
                    sign_calls(client, Actor(story.coder, chain, evidence=wrong), SERVER)  # type: ignore[arg-type]
            for answer in (identity, None, "identity", iter([identity])):
                sign_calls(client, Actor(story.coder, chain, evidence=lambda *_, answer=answer: answer), SERVER)  # type: ignore[misc]
                with pytest.raises(UnsupportedOperation):
                    await client.call_tool("look", {})

    anyio.run(main)
