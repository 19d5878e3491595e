"""``deputize.mcp`` for the official SDK's first line, ``mcp`` 1."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from mcp import ClientSession, types
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server

from deputize import _native
from deputize._native import Authorized, Verifier
from deputize.actor import Actor, unsupported
from deputize.approver import Approver
from deputize.asking import ASK_KEY, answer, form, request_of, with_answer
from deputize.errors import Denied, DeputizeError
from deputize.guarding import DENIAL_KEY, HEADER, Guard, denial_of, found, in_thread, refusal_of
from deputize.signing import Carry, Signer, approvers_of

__all__ = ["approval_form", "guard", "sign_calls", "sign_session"]

_AnyServer = TypeVar("_AnyServer")
_Handler = Callable[[Any], Awaitable[Any]]
_Find = Callable[[Any, Any], Any]
_MAX_PAGES = 64


def guard(
    server: _AnyServer,
    verifier: Verifier,
    *,
    tools: Mapping[str, str] | None = None,
    challenge: _Find | None = None,
    context: _Find | None = None,
    accept_argument: bool = False,
    elicit: bool = False,
) -> _AnyServer:
    """Verifies every ``tools/call`` of a ``FastMCP`` or a low-level ``Server``; as with ``mcp`` 2."""
    edge = _Edge(Guard(verifier, tools, accept_argument=accept_argument), challenge, context, elicit)
    lowlevel = getattr(server, "_mcp_server", None) if isinstance(server, FastMCP) else server
    if not isinstance(lowlevel, Server):
        raise unsupported("not an MCP server that can be guarded:", server)
    if isinstance(lowlevel.request_handlers, _Handlers):
        raise unsupported("guarded already:", server)
    if lowlevel._experimental_handlers is not None:
        raise unsupported("guard the server before its experimental tasks are set up:", server)
    edge.lowlevel = lowlevel
    lowlevel.request_handlers = _Handlers(edge, lowlevel.request_handlers)
    return server


def sign_calls(
    client: ClientSession,
    actor: Actor | Callable[[], Actor],
    audience: str,
    *,
    tools: Mapping[str, str] | None = None,
    carry: Carry = "metadata",
    approver: Approver | Sequence[Approver] | None = None,
    context: str | None = None,
) -> ClientSession:
    """Signs every attempt of ``tools/call`` that a ``ClientSession`` sends; as with ``mcp`` 2, but that a session of
    this line has no headers of its own for a call."""
    if not isinstance(client, ClientSession):
        raise unsupported("not an MCP client whose calls can be signed:", client)
    sign_session(client, Signer(actor, audience, tools=tools, carry=carry, approver=approver, context=context))
    return client


def sign_session(client: ClientSession, signer: Signer) -> None:
    """Signs what a session sends, as it goes to the wire."""
    if signer.carry == "header":
        raise unsupported(
            "a session of mcp 1 has no headers for a call; carry metadata or an argument, not", signer.carry
        )
    plain = getattr(client.send_request, "_deputize", client.send_request)

    @functools.wraps(plain)
    async def send_request(request: Any, *args: Any, **kwargs: Any) -> Any:
        call = getattr(request, "root", None)
        if not isinstance(call, types.CallToolRequest):
            return await plain(request, *args, **kwargs)
        wire = call.model_dump(by_alias=True, mode="json", exclude_none=True)["params"]

        async def attempt(text: str) -> Any:
            params = dict(wire)
            signer.place(text, params)
            signed = types.CallToolRequest(params=types.CallToolRequestParams.model_validate(params))
            return await plain(types.ClientRequest(signed), *args, **kwargs)

        arguments = wire.get("arguments")
        return await signer.attempt(call.params.name, {} if arguments is None else arguments, attempt, _denial)

    setattr(send_request, "_deputize", plain)  # noqa: B010
    setattr(client, "send_request", send_request)  # noqa: B010


def approval_form(
    approver: Approver | Sequence[Approver],
    audience: str,
    otherwise: Callable[[Any, Any], Awaitable[Any]] | None = None,
) -> Callable[[Any, Any], Awaitable[Any]]:
    """An ``elicitation_callback``; as with ``mcp`` 2."""
    approvers = approvers_of(approver)

    async def elicited(ctx: Any, params: Any) -> Any:
        schema = getattr(params, "requestedSchema", None)
        if ASK_KEY not in ((schema or {}).get("properties") or {}):
            return types.ElicitResult(action="decline") if otherwise is None else await otherwise(ctx, params)
        content = await in_thread(answer, approvers, audience, schema)
        return types.ElicitResult(action="decline" if content is None else "accept", content=content)

    return elicited


class _Handlers(dict[type, _Handler]):
    """The handlers of a server. Every dispatch looks its handler up here, in whatever way it came to the server."""

    def __init__(self, edge: _Edge, handlers: Mapping[type, _Handler]) -> None:
        super().__init__(handlers)
        self.__edge = edge

    def __getitem__(self, kind: type) -> _Handler:
        handler = super().__getitem__(kind)
        return self.__edge.before(handler) if kind is types.CallToolRequest else handler

    def get(self, kind: type, default: Any = None) -> Any:
        try:
            return self[kind]
        except KeyError:
            return default


class _Edge:
    """What stands before the tools of one server."""

    def __init__(self, guard: Guard, challenge: _Find | None, context: _Find | None, elicit: bool) -> None:
        for name, find in (("challenge", challenge), ("context", context)):
            if find is not None and not callable(find):
                raise unsupported(f"{name}: a function of the request, not", find)
        if type(elicit) is not bool:
            raise unsupported("elicit: a bool, not", elicit)
        self.guard, self.challenge, self.context, self.elicit = guard, challenge, context, elicit
        self.lowlevel: Any = None

    def before(self, handler: _Handler) -> _Handler:
        async def call_tool(request: Any) -> Any:
            try:
                authorized = await self.decide(request.params)
            except DeputizeError as error:
                return _refused(error)
            if request.params.arguments is not None:
                params = request.params.model_copy(update={"arguments": authorized.arguments})
                request = request.model_copy(update={"params": params})
            async with self.guard.running_async(authorized) as run:
                result = await handler(request)
                failed = getattr(getattr(result, "root", None), "isError", False)
                run.error = "the tool reported an error" if failed else None
            return result

        return call_tool

    async def decide(self, params: Any) -> Authorized:
        ctx = self.lowlevel.request_context
        headers = getattr(ctx.request, "headers", None)
        arguments, presentation = self.guard.received(
            {} if params.arguments is None else params.arguments,
            None if params.meta is None else params.meta.model_extra,
            () if headers is None else headers.getlist(HEADER),
        )
        challenge, context = await found(self.challenge, ctx, params), await found(self.context, ctx, params)
        policy = self.guard.verifier.approvals
        hint = await self.hint(params.name) if policy is not None and policy.by_annotation else None

        async def admit(presented: Any) -> Authorized:
            return await self.guard.admit_async(params.name, arguments, presented, challenge, context, hint)

        try:
            return await admit(presentation)
        except Denied as denied:
            asked = None
            if self.elicit and _has_forms(ctx):
                asked = request_of(self.guard, denied, presentation, params.name, arguments, context)
            answered = None if asked is None else with_answer(presentation, await _ask(ctx, asked))
            if answered is None:
                raise
        return await admit(answered)

    async def hint(self, name: str) -> Any:
        """What the tool does, as this server annotates it."""
        try:
            tool = await self.listed(name)
        except Exception:
            return None  # counts as destructive
        annotations = None if tool is None else tool.annotations
        if annotations is None:
            return None
        return _native.hint_from_annotations(annotations.readOnlyHint, annotations.destructiveHint)

    async def listed(self, name: str) -> Any:
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            request = types.ListToolsRequest(params=types.PaginatedRequestParams(cursor=cursor))
            page = (await self.lowlevel.request_handlers[types.ListToolsRequest](request)).root
            tool = next((tool for tool in page.tools if tool.name == name), None)
            if tool is not None or page.nextCursor is None:
                return tool
            cursor = page.nextCursor
        return None


async def _ask(ctx: Any, request: _native.ApprovalRequest) -> Mapping[str, Any] | None:
    """Shows the request by a form; the answer's content."""
    try:
        result = await ctx.session.elicit_form(request.text, form(request), related_request_id=ctx.request_id)
    except Exception:
        return None  # a client that fails to ask has no answer
    return result.content if result.action == "accept" else None


def _has_forms(ctx: Any) -> bool:
    params = ctx.session.client_params
    return params is not None and params.capabilities.elicitation is not None


def _refused(error: DeputizeError) -> Any:
    content: list[Any] = [types.TextContent(type="text", text=refusal_of(error))]
    result = types.CallToolResult(content=content, isError=True, _meta={DENIAL_KEY: denial_of(error)})
    return types.ServerResult(result)


def _denial(result: Any) -> Mapping[str, Any] | None:
    """What the server says of a refused call."""
    meta = result.meta if isinstance(result, types.CallToolResult) and result.isError else None
    denial = meta.get(DENIAL_KEY) if isinstance(meta, dict) else None
    return denial if isinstance(denial, dict) else None
