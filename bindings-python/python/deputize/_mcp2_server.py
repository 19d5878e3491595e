"""The guard of servers of the official SDK's second line, ``mcp`` 2."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import mcp_types as types
from mcp.server import MCPServer, Server, ServerRequestContext
from mcp.server.context import HandlerResult
from mcp.server.extension import RequestHandler

from deputize import _native
from deputize._native import Authorized, Verifier
from deputize.actor import unsupported
from deputize.asking import ASK_KEY, form, request_of, with_answer
from deputize.errors import Denied, DeputizeError
from deputize.guarding import DENIAL_KEY, HEADER, META_KEY, Guard, denial_of, found, refusal_of

__all__ = ["Asking", "Edge", "Find", "decided", "guard", "hint_of", "refused"]

_CALL = "tools/call"
_LIST = "tools/list"
_MAX_PAGES = 64
_MODERN = "2026"
_AnyServer = TypeVar("_AnyServer")
_Found = TypeVar("_Found")
_Context = ServerRequestContext[Any, Any]
#: What a server finds out about one call, of the request's context and parameters; at once or awaited.
Find = Callable[[_Context, types.CallToolRequestParams], _Found | Awaitable[_Found]]
#: What a tool does, as this server annotates it.
_Hint = Callable[[_Context, str], Awaitable[Any]]


def guard(
    server: _AnyServer,
    verifier: Verifier,
    *,
    tools: Mapping[str, str] | None = None,
    challenge: Find[bytes | None] | None = None,
    context: Find[str | None] | None = None,
    accept_argument: bool = False,
    elicit: bool = False,
) -> _AnyServer:
    """Verifies every ``tools/call`` of a server before the tool runs; returns the server.

    ``server`` is an ``MCPServer`` or a low-level ``Server``. Tools and handlers that come later are guarded too.
    ``tools`` says what tools are called in tokens, where that differs from their name on this server. ``challenge`` and
    ``context`` are functions of the request's context and parameters, and say what the proof has to answer and which
    partition the call is about; if one fails, the call is denied. ``accept_argument`` takes presentations from the
    arguments too. With ``elicit``, a call that needs an approval is asked about by a form, where the client has forms.
    Where the verifier's policy of approvals goes by annotations, those of the tool are read from this server, and
    nothing that a caller says counts.
    """
    edge = Edge(Guard(verifier, tools, accept_argument=accept_argument), challenge, context, elicit)
    lowlevel = _lowlevel(server)
    if getattr(lowlevel.get_request_handler, "_deputize", False):
        raise unsupported("guarded already:", server)
    edge.hint = _hints(server, lowlevel, verifier)
    plain = lowlevel.get_request_handler

    # Every dispatch looks its handler up here, in whatever way the handler came to the server.
    @functools.wraps(plain)
    def get_request_handler(method: str) -> Any:
        entry = plain(method)
        if method != _CALL or entry is None:
            return entry
        return type(entry)(entry.params_type, edge.before(entry.handler))

    setattr(get_request_handler, "_deputize", True)  # noqa: B010
    setattr(lowlevel, "get_request_handler", get_request_handler)  # noqa: B010
    lowlevel.extensions[META_KEY] = {}
    return server


class Asking(Exception):
    """A call is not decided about before a form was filled in."""

    def __init__(self, result: types.InputRequiredResult) -> None:
        self.result = result


class Edge:
    """What stands before the tools of one server of this SDK."""

    def __init__(
        self, guard: Guard, challenge: Find[bytes | None] | None, context: Find[str | None] | None, elicit: bool
    ) -> None:
        for name, find in (("challenge", challenge), ("context", context)):
            if find is not None and not callable(find):
                raise unsupported(f"{name}: a function of the request, not", find)
        if type(elicit) is not bool:
            raise unsupported("elicit: a bool, not", elicit)
        self.guard = guard
        self.challenge = challenge
        self.context = context
        self.elicit = elicit
        self.hint: _Hint | None = None

    def before(self, handler: RequestHandler) -> RequestHandler:
        async def call_tool(ctx: _Context, params: types.CallToolRequestParams) -> HandlerResult:
            try:
                authorized = await self.decide(ctx, params)
            except Asking as asking:
                return asking.result
            except DeputizeError as error:
                return refused(error)
            async with self.guard.running_async(authorized) as run:
                result = await handler(ctx, decided(params, authorized))
                run.error = "the tool reported an error" if getattr(result, "is_error", False) else None
            return result

        return call_tool

    async def decide(self, ctx: _Context, params: types.CallToolRequestParams) -> Authorized:
        request: Any = ctx.request
        headers = getattr(request, "headers", None)
        arguments, presentation = self.guard.received(
            {} if params.arguments is None else params.arguments,
            cast("Mapping[str, Any] | None", params.meta),
            () if headers is None else headers.getlist(HEADER),
        )
        challenge, context = await found(self.challenge, ctx, params), await found(self.context, ctx, params)
        hint = None if self.hint is None else await self.hint(ctx, params.name)

        async def admit(presented: Any) -> Authorized:
            return await self.guard.admit_async(params.name, arguments, presented, challenge, context, hint)

        if not self.elicit:
            return await admit(presentation)
        responses = params.input_responses or {}
        if ASK_KEY in responses:  # it is asked once
            return await admit(with_answer(presentation, _content(responses[ASK_KEY])) or presentation)
        try:
            return await admit(presentation)
        except Denied as denied:
            if responses or params.request_state is not None or not _has_forms(ctx):
                raise  # the form would take the place of what is answered
            asked = request_of(self.guard, denied, presentation, params.name, arguments, context)
            if asked is None:
                raise
            answered = with_answer(presentation, await _ask(ctx, asked))
            if answered is None:
                raise
        return await admit(answered)


async def _ask(ctx: _Context, request: _native.ApprovalRequest) -> Mapping[str, Any] | None:
    """Shows the request by a form; the answer's content. Later protocols ask by the result of the call."""
    message, schema = request.text, form(request)
    if ctx.protocol_version >= _MODERN:
        params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
        raise Asking(types.InputRequiredResult(input_requests={ASK_KEY: types.ElicitRequest(params=params)}))
    try:
        return _content(await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id))
    except Exception:
        return None  # a client that fails to ask has no answer


def _content(result: Any) -> Mapping[str, Any] | None:
    return result.content if isinstance(result, types.ElicitResult) and result.action == "accept" else None


def _has_forms(ctx: _Context) -> bool:
    capabilities = ctx.session.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def decided(params: types.CallToolRequestParams, authorized: Authorized) -> types.CallToolRequestParams:
    """The call with what was decided about, and not what somebody else may still hold and change."""
    update: dict[str, Any] = {}
    if params.arguments is not None:
        update["arguments"] = authorized.arguments
    if params.input_responses and ASK_KEY in params.input_responses:
        update["input_responses"] = {k: v for k, v in params.input_responses.items() if k != ASK_KEY} or None
    return params.model_copy(update=update) if update else params


def _hints(server: object, lowlevel: Server[Any], verifier: Verifier) -> _Hint | None:
    """How to find out what a tool does; nothing where nobody wants to know."""
    if verifier.approvals is None or not verifier.approvals.by_annotation:
        return None

    async def hint(ctx: _Context, name: str) -> Any:
        try:
            return hint_of(
                await (_tool_of(server, name) if isinstance(server, MCPServer) else _listed_tool(lowlevel, ctx, name))
            )
        except Exception:
            return None  # counts as destructive

    return hint


def hint_of(tool: types.Tool | None) -> Any:
    annotations = None if tool is None else tool.annotations
    if annotations is None:
        return None
    return _native.hint_from_annotations(annotations.read_only_hint, annotations.destructive_hint)


async def _tool_of(server: MCPServer, name: str) -> types.Tool | None:
    return next((tool for tool in await server.list_tools() if tool.name == name), None)


async def _listed_tool(lowlevel: Server[Any], ctx: _Context, name: str) -> types.Tool | None:
    """The tool as a low-level server lists it, page by page."""
    entry = lowlevel.get_request_handler(_LIST)
    if entry is None:
        return None
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = cast("types.ListToolsResult", await entry.handler(ctx, types.PaginatedRequestParams(cursor=cursor)))
        tool = next((tool for tool in page.tools if tool.name == name), None)
        if tool is not None or page.next_cursor is None:
            return tool
        cursor = page.next_cursor
    return None


def refused(error: DeputizeError) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=refusal_of(error))],
        is_error=True,
        _meta={DENIAL_KEY: denial_of(error)},
    )


def _lowlevel(server: object) -> Server[Any]:
    lowlevel = getattr(server, "_lowlevel_server", None) if isinstance(server, MCPServer) else server
    if not isinstance(lowlevel, Server):
        raise unsupported("not an MCP server that can be guarded:", server)
    return lowlevel
