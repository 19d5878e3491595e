"""Deputize in the official MCP SDK (``mcp`` 2): a guard for servers, a signer for clients.

The presentation of a call travels in ``params._meta["dev.deputize/presentation"]`` of ``tools/call``, or in the HTTP
header ``Deputize-Presentation``; where both are there, the first is read.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

try:
    import mcp_types as types
    from mcp.client import Client, ClientSession
    from mcp.server import MCPServer, Server, ServerRequestContext
    from mcp.server.context import HandlerResult
    from mcp.server.extension import RequestHandler
except ImportError as _missing:
    raise ImportError("deputize.mcp needs the MCP SDK, version 2: pip install 'deputize[mcp]'") from _missing

from deputize import _native
from deputize._native import Authorized, Verifier
from deputize.actor import Actor, actor_for, unsupported
from deputize.errors import DeputizeError
from deputize.guarding import DENIAL_KEY, HEADER, META_KEY, Guard, caller, denial_of, in_thread, refusal_of, tool_names

__all__ = ["DENIAL_KEY", "HEADER", "META_KEY", "caller", "guard", "meta_for", "sign_calls"]

_CALL = "tools/call"
_LIST = "tools/list"
_MAX_PAGES = 64
_AnyServer = TypeVar("_AnyServer")
_AnyClient = TypeVar("_AnyClient", Client, ClientSession)
_Found = TypeVar("_Found")
#: What a server finds out about one call, of the request's context and parameters; at once or awaited.
_Find = Callable[[ServerRequestContext[Any, Any], types.CallToolRequestParams], _Found | Awaitable[_Found]]


def guard(
    server: _AnyServer,
    verifier: Verifier,
    *,
    tools: Mapping[str, str] | None = None,
    challenge: _Find[bytes | None] | None = None,
    context: _Find[str | None] | None = None,
) -> _AnyServer:
    """Verifies every ``tools/call`` of a server before the tool runs; returns the server.

    ``server`` is an ``MCPServer`` or a low-level ``Server``. Tools that are added later are guarded too. ``tools`` says
    what tools are called in tokens, where that differs from their name on this server. ``challenge`` and ``context``
    are functions of the request's context and parameters, and say what the proof has to answer and which partition the
    call is about; if one fails, the call is denied. Where the verifier's policy of approvals goes by annotations, those
    of the tool are read from this server, and nothing that a caller says counts.
    """
    edge = Guard(verifier, tools)
    for name, find in (("challenge", challenge), ("context", context)):
        if find is not None and not callable(find):
            raise unsupported(f"{name}: a function of the request, not", find)
    lowlevel = _lowlevel(server)
    decide = _decider(edge, challenge, context, _hints(server, lowlevel, verifier))
    if getattr(lowlevel.add_request_handler, "_deputize", False):
        raise unsupported("guarded already:", server)
    register = lowlevel.add_request_handler

    @functools.wraps(register)
    def add_request_handler(method: str, params_type: type[Any], handler: RequestHandler) -> None:
        register(method, params_type, _guarded(handler, decide, edge) if method == _CALL else handler)

    setattr(add_request_handler, "_deputize", True)  # noqa: B010
    setattr(lowlevel, "add_request_handler", add_request_handler)  # noqa: B010
    entry = lowlevel.get_request_handler(_CALL)
    if entry is not None:
        lowlevel.add_request_handler(_CALL, entry.params_type, entry.handler)
    lowlevel.extensions[META_KEY] = {}
    return server


def sign_calls(
    client: _AnyClient,
    actor: Actor | Callable[[], Actor],
    audience: str,
    *,
    tools: Mapping[str, str] | None = None,
) -> _AnyClient:
    """Signs every attempt of ``tools/call`` that a connected client sends; returns the client.

    ``client`` is a ``Client`` within its ``async with``, or a ``ClientSession``. ``actor`` is who calls, or a function
    that says so for each call: ``current_actor``, where a client serves several. ``tools`` is as in :func:`guard`.
    Signing again, for another actor, takes the place of the first. A client that connects anew signs nothing until it
    is told to.
    """
    find = actor_for(actor)
    names = tool_names(tools)
    session = _session(client)
    plain = getattr(session.send_request, "_deputize", session.send_request)

    @functools.wraps(plain)
    async def send_request(request: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(request, "method", None) == _CALL:
            request = _signed(request, find(), audience, names)
        return await plain(request, *args, **kwargs)

    setattr(send_request, "_deputize", plain)  # noqa: B010
    setattr(session, "send_request", send_request)  # noqa: B010
    return client


def meta_for(
    actor: Actor, tool: str, arguments: dict[str, Any], audience: str, challenge: bytes | None = None
) -> dict[str, Any]:
    """The ``_meta`` of one attempt of one call, for clients that send it themselves."""
    return {META_KEY: actor.prove(tool, arguments, audience, challenge).text}


#: What a tool does, as this server annotates it.
_Hint = Callable[[ServerRequestContext[Any, Any], str], Awaitable[Any]]


def _hints(server: object, lowlevel: Server[Any], verifier: Verifier) -> _Hint | None:
    """How to find out what a tool does; nothing where nobody wants to know."""
    if verifier.approvals is None or not verifier.approvals.by_annotation:
        return None

    async def hint(ctx: ServerRequestContext[Any, Any], name: str) -> Any:
        try:
            tool = await (
                _tool_of(server, name) if isinstance(server, MCPServer) else _listed_tool(lowlevel, ctx, name)
            )
        except Exception:
            return None  # counts as destructive
        annotations = None if tool is None else tool.annotations
        if annotations is None:
            return None
        return _native.hint_from_annotations(annotations.read_only_hint, annotations.destructive_hint)

    return hint


async def _tool_of(server: MCPServer, name: str) -> types.Tool | None:
    return next((tool for tool in await server.list_tools() if tool.name == name), None)


async def _listed_tool(lowlevel: Server[Any], ctx: ServerRequestContext[Any, Any], name: str) -> types.Tool | None:
    """The tool as a low-level server lists it, page by page."""
    entry = lowlevel.get_request_handler(_LIST)
    if entry is None:
        return None
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = cast("types.ListToolsResult", await entry.handler(ctx, types.PaginatedRequestParams(cursor=cursor)))
        found = next((tool for tool in page.tools if tool.name == name), None)
        if found is not None or page.next_cursor is None:
            return found
        cursor = page.next_cursor
    return None


_Decide = Callable[[ServerRequestContext[Any, Any], types.CallToolRequestParams], Awaitable[Authorized]]


def _decider(
    edge: Guard,
    challenge: _Find[bytes | None] | None,
    context: _Find[str | None] | None,
    hint: _Hint | None,
) -> _Decide:
    async def decide(ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> Authorized:
        arguments = {} if params.arguments is None else params.arguments
        answer, partition = [await _found(find, ctx, params) for find in (challenge, context)]
        annotated = None if hint is None else await hint(ctx, params.name)
        presentation = _presentation(ctx, params)
        return await in_thread(edge.admit, params.name, arguments, presentation, answer, partition, annotated)

    return decide


_FAILED: Any = object()
"""Neither a challenge nor a context, so a call that it stands for is refused."""


async def _found(
    find: _Find[Any] | None, ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
) -> Any:
    """What the server found out, or `_FAILED`."""
    if find is None:
        return None
    try:
        found = find(ctx, params)
        return await found if inspect.isawaitable(found) else found
    except Exception:
        return _FAILED


def _guarded(handler: RequestHandler, decide: _Decide, edge: Guard) -> RequestHandler:
    async def call_tool(ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> HandlerResult:
        try:
            authorized = await decide(ctx, params)
        except DeputizeError as error:
            return _refused(error)
        if params.arguments is not None:
            # What was decided about, and not what somebody else may still hold and change.
            params = params.model_copy(update={"arguments": authorized.arguments})
        async with edge.running_async(authorized) as run:
            result = await handler(ctx, params)
            run.error = "the tool reported an error" if getattr(result, "is_error", False) else None
        return result

    return call_tool


def _presentation(ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> Any:
    meta = cast("Mapping[str, Any] | None", params.meta)
    if meta is not None and META_KEY in meta:
        return meta[META_KEY]
    headers = getattr(ctx.request, "headers", None)
    if headers is None:
        return None
    values = headers.getlist(HEADER)
    # A comma is in no presentation, so two headers are refused as one text that is malformed.
    return ",".join(values) if values else None


def _refused(error: DeputizeError) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=refusal_of(error))],
        is_error=True,
        _meta={DENIAL_KEY: denial_of(error)},
    )


def _signed(request: Any, actor: Actor, audience: str, names: dict[str, str]) -> Any:
    """The request with a fresh presentation of exactly what goes over the wire."""
    wire = request.model_dump(by_alias=True, mode="json", exclude_none=True)["params"]
    arguments = wire.get("arguments")
    tool = names.get(request.params.name, request.params.name)
    made = meta_for(actor, tool, {} if arguments is None else arguments, audience)
    meta = {**(request.params.meta or {}), **made}
    params = request.params.model_copy(update={"arguments": arguments, "meta": meta})
    return request.model_copy(update={"params": params})


def _lowlevel(server: object) -> Server[Any]:
    lowlevel = getattr(server, "_lowlevel_server", None) if isinstance(server, MCPServer) else server
    if not isinstance(lowlevel, Server):
        raise unsupported("not an MCP server that can be guarded:", server)
    return lowlevel


def _session(client: object) -> ClientSession:
    if isinstance(client, Client):
        try:
            return client.session
        except RuntimeError:
            raise unsupported("not connected:", client) from None
    if not isinstance(client, ClientSession):
        raise unsupported("not an MCP client whose calls can be signed:", client)
    return client
