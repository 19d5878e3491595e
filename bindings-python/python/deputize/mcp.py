"""Deputize in the official MCP SDK (``mcp`` 2): a guard for servers, a signer for clients.

The presentation of a call travels in ``params._meta["dev.deputize/presentation"]`` of ``tools/call``, or in the HTTP
header ``Deputize-Presentation``; where both are there, the first is read.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar, cast

try:
    import anyio.to_thread
    import mcp_types as types
    from mcp.client import Client, ClientSession
    from mcp.server import MCPServer, Server, ServerRequestContext
    from mcp.server.context import HandlerResult
    from mcp.server.extension import RequestHandler
except ImportError as _missing:
    raise ImportError("deputize.mcp needs the MCP SDK, version 2: pip install 'deputize[mcp]'") from _missing

from deputize import _native
from deputize._native import Approval, Authorized, Chain, Consent, Identity, Verifier
from deputize.agent import Agent
from deputize.errors import Denied, DeputizeError, UnsupportedOperation

__all__ = ["DENIAL_KEY", "HEADER", "META_KEY", "caller", "guard", "meta_for", "sign_calls"]

#: The key of the presentation in ``_meta``, and of the guard in the server's capabilities.
META_KEY = "dev.deputize/presentation"
#: The HTTP header that is read if ``_meta`` has no presentation.
HEADER = "Deputize-Presentation"
#: The key in the ``_meta`` of a refused call's result: code, link, help; of a request for approval the request_id; and
#: the id of the proof, if that was verified, by which the call's record is found.
DENIAL_KEY = "dev.deputize/denial"

_CALL = "tools/call"
_LIST = "tools/list"
_MAX_PAGES = 64
_AnyServer = TypeVar("_AnyServer")
_AnyClient = TypeVar("_AnyClient", Client, ClientSession)
_Found = TypeVar("_Found")
#: What a server finds out about one call, of the request's context and parameters; at once or awaited.
_Find = Callable[[ServerRequestContext[Any, Any], types.CallToolRequestParams], _Found | Awaitable[_Found]]
_Evidence = Approval | Consent | Identity | bytes | bytearray | memoryview
#: Evidence for the calls of a client: the same for all, or a function of the tool's name in tokens and the arguments.
_Attach = Sequence[_Evidence] | Callable[[str, dict[str, Any]], Sequence[_Evidence]]
_current: ContextVar[Authorized | None] = ContextVar("deputize_caller", default=None)


def caller() -> Authorized:
    """Who calls: the decision about the tool call that is running."""
    authorized = _current.get()
    if authorized is None:
        raise _native.make_error("config-invalid", "there is no guarded tool call here:", "caller")
    return authorized


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
    if not isinstance(verifier, Verifier):
        raise _unsupported("not a Verifier:", verifier)
    for name, find in (("challenge", challenge), ("context", context)):
        if find is not None and not callable(find):
            raise _unsupported(f"{name}: a function of the request, not", find)
    lowlevel = _lowlevel(server)
    decide = _decider(verifier, _names(tools), challenge, context, _hints(server, lowlevel, verifier))
    if getattr(lowlevel.add_request_handler, "_deputize", False):
        raise _unsupported("guarded already:", server)
    register = lowlevel.add_request_handler

    @functools.wraps(register)
    def add_request_handler(method: str, params_type: type[Any], handler: RequestHandler) -> None:
        register(method, params_type, _guarded(handler, decide, verifier) if method == _CALL else handler)

    setattr(add_request_handler, "_deputize", True)  # noqa: B010
    setattr(lowlevel, "add_request_handler", add_request_handler)  # noqa: B010
    entry = lowlevel.get_request_handler(_CALL)
    if entry is not None:
        lowlevel.add_request_handler(_CALL, entry.params_type, entry.handler)
    lowlevel.extensions[META_KEY] = {}
    return server


def sign_calls(
    client: _AnyClient,
    agent: Agent,
    chain: Chain | Callable[[], Chain],
    audience: str,
    *,
    tools: Mapping[str, str] | None = None,
    evidence: _Attach = (),
) -> _AnyClient:
    """Signs every attempt of ``tools/call`` that a connected client sends; returns the client.

    ``client`` is a ``Client`` within its ``async with``, or a ``ClientSession``. ``chain`` is a ``Chain``, or a
    function that gives one for each call, for chains that are renewed. ``tools`` is as in :func:`guard`. ``evidence``
    is what goes with each call (identities, approvals, consents), or a function of the tool and the arguments that says
    what goes with a call.
    Signing again, with another agent or chain, takes the place of the first. A client that connects anew signs nothing
    until it is told to.
    """
    if not isinstance(agent, Agent):
        raise _unsupported("not an Agent:", agent)
    if not isinstance(chain, Chain) and not callable(chain):
        raise _unsupported("neither a Chain nor a function that gives one:", chain)
    if not callable(evidence) and type(evidence) not in (list, tuple):
        raise _unsupported("evidence: a list, or a function that gives one, not", evidence)
    names = _names(tools)
    session = _session(client)
    plain = getattr(session.send_request, "_deputize", session.send_request)

    @functools.wraps(plain)
    async def send_request(request: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(request, "method", None) == _CALL:
            request = _signed(request, agent, chain, audience, names, evidence)
        return await plain(request, *args, **kwargs)

    setattr(send_request, "_deputize", plain)  # noqa: B010
    setattr(session, "send_request", send_request)  # noqa: B010
    return client


def meta_for(
    agent: Agent,
    chain: Chain,
    tool: str,
    arguments: dict[str, Any],
    audience: str,
    challenge: bytes | None = None,
    evidence: Sequence[_Evidence] = (),
) -> dict[str, Any]:
    """The ``_meta`` of one attempt of one call, for clients that send it themselves."""
    return {META_KEY: agent.prove(chain, tool, arguments, audience, challenge, _listed(evidence)).text}


def _listed(evidence: Sequence[_Evidence]) -> list[_Evidence] | tuple[_Evidence, ...]:
    if type(evidence) not in (list, tuple):
        raise _unsupported("evidence: a list, not", evidence)
    return cast("list[_Evidence] | tuple[_Evidence, ...]", evidence)


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
    verifier: Verifier,
    names: dict[str, str],
    challenge: _Find[bytes | None] | None,
    context: _Find[str | None] | None,
    hint: _Hint | None,
) -> _Decide:
    async def decide(ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> Authorized:
        arguments = {} if params.arguments is None else params.arguments
        tool = names.get(params.name, params.name)
        answer, partition = [await _found(find, ctx, params) for find in (challenge, context)]
        annotated = None if hint is None else await hint(ctx, params.name)
        call = functools.partial(verifier.authorize, _presentation(ctx, params), tool, arguments)
        return await anyio.to_thread.run_sync(functools.partial(call, answer, partition, annotated))

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


def _guarded(handler: RequestHandler, decide: _Decide, verifier: Verifier) -> RequestHandler:
    async def call_tool(ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> HandlerResult:
        try:
            authorized = await decide(ctx, params)
        except DeputizeError as error:
            return _refused(error)
        if params.arguments is not None:
            # What was decided about, and not what somebody else may still hold and change.
            params = params.model_copy(update={"arguments": authorized.arguments})
        failure: str | None = "cancelled"
        try:
            with _calling(authorized):
                result = await handler(ctx, params)
            failure = "the tool reported an error" if getattr(result, "is_error", False) else None
            return result
        except Exception as raised:
            failure = type(raised).__name__
            raise
        finally:
            # Without its outcome the call stays open in the log: what the tool did is done.
            with anyio.CancelScope(shield=True), suppress(DeputizeError):
                await anyio.to_thread.run_sync(verifier.outcome, authorized, failure)

    return call_tool


@contextmanager
def _calling(authorized: Authorized) -> Iterator[None]:
    token = _current.set(authorized)
    try:
        yield
    finally:
        _current.reset(token)


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
    verdict = "denied" if isinstance(error, Denied) else "refused"
    denial = {"code": error.code, "link": error.link, "help": error.help}
    if isinstance(error, Denied):
        denial |= {"request_id": error.request_id, "proof": error.record.proof}
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=f"{verdict}: {error}. {error.help}")],
        is_error=True,
        _meta={DENIAL_KEY: {name: value for name, value in denial.items() if value is not None}},
    )


def _signed(
    request: Any,
    agent: Agent,
    chain: Chain | Callable[[], Chain],
    audience: str,
    names: dict[str, str],
    evidence: _Attach,
) -> Any:
    """The request with a fresh presentation of exactly what goes over the wire."""
    wire = request.model_dump(by_alias=True, mode="json", exclude_none=True)["params"]
    arguments = wire.get("arguments")
    called: dict[str, Any] = {} if arguments is None else arguments
    tool = names.get(request.params.name, request.params.name)
    current = chain if isinstance(chain, Chain) else chain()
    attached = evidence(tool, copy.deepcopy(called)) if callable(evidence) else evidence
    made = meta_for(agent, current, tool, called, audience, None, attached)
    meta = {**(request.params.meta or {}), **made}
    params = request.params.model_copy(update={"arguments": arguments, "meta": meta})
    return request.model_copy(update={"params": params})


def _lowlevel(server: object) -> Server[Any]:
    lowlevel = getattr(server, "_lowlevel_server", None) if isinstance(server, MCPServer) else server
    if not isinstance(lowlevel, Server):
        raise _unsupported("not an MCP server that can be guarded:", server)
    return lowlevel


def _session(client: object) -> ClientSession:
    if isinstance(client, Client):
        try:
            return client.session
        except RuntimeError:
            raise _unsupported("not connected:", client) from None
    if not isinstance(client, ClientSession):
        raise _unsupported("not an MCP client whose calls can be signed:", client)
    return client


def _names(tools: Mapping[str, str] | None) -> dict[str, str]:
    if tools is None:
        return {}
    if not isinstance(tools, Mapping) or not all(type(text) is str for pair in tools.items() for text in pair):
        raise _unsupported("tools are names here and names in tokens, not", tools)
    return dict(tools)


def _unsupported(what: str, found: object) -> UnsupportedOperation:
    error = _native.make_error("config-invalid", what, type(found).__name__)
    return UnsupportedOperation(error.code, str(error), error.link, error.context, error.help)
