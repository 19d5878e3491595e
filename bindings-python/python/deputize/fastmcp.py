"""Deputize in FastMCP 4, as :mod:`deputize.mcp` is for the official SDK: a guard for servers, a signer for clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, TypeVar

from deputize.actor import Actor, unsupported
from deputize.versions import require

require("fastmcp", "4.1", "5", "fastmcp")

from fastmcp import Client, FastMCP  # noqa: E402
from fastmcp.client.transports.config import MCPConfigTransport  # noqa: E402
from fastmcp.server.middleware import Middleware  # noqa: E402
from fastmcp.tools.base import InputRequiredToolResult, ToolResult  # noqa: E402

from deputize._mcp2_client import sign_session  # noqa: E402
from deputize._mcp2_server import Asking, Edge, Find, decided, hint_of, refused  # noqa: E402
from deputize._native import Verifier  # noqa: E402
from deputize.approver import Approver  # noqa: E402
from deputize.errors import DeputizeError  # noqa: E402
from deputize.guarding import DENIAL_KEY, HEADER, META_KEY, Guard, caller  # noqa: E402
from deputize.mcp import approval_form, meta_for  # noqa: E402
from deputize.signing import Carry, Signer  # noqa: E402

__all__ = ["DENIAL_KEY", "HEADER", "META_KEY", "approval_form", "caller", "guard", "meta_for", "sign_calls"]

_AnyServer = TypeVar("_AnyServer")
_AnyClient = TypeVar("_AnyClient")
#: A call of the program itself comes with no request, and so with no presentation.
_NO_REQUEST = SimpleNamespace(
    meta=None, request=None, protocol_version="", session=SimpleNamespace(client_capabilities=None)
)


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
    """Verifies every call of a tool of a ``FastMCP`` before the tool runs; returns the server. The options are those of
    :func:`deputize.mcp.guard`.

    The guard is the first middleware of the server, so that none answers a call before it, from a cache for instance.
    Tools that are added, mounted or proxied later are guarded too. A server that is guarded and then mounted on
    another stays guarded.
    """
    if not isinstance(server, FastMCP):
        raise unsupported("not a FastMCP server; deputize.mcp guards those of the official SDK:", server)
    if any(isinstance(one, _Guarding) for one in server.middleware):
        raise unsupported("guarded already:", server)
    edge = Edge(Guard(verifier, tools, accept_argument=accept_argument), challenge, context, elicit)
    guarding = _Guarding(edge)
    if verifier.approvals is not None and verifier.approvals.by_annotation:
        edge.hint = guarding.hint
        guarding.server = server
    server.middleware.insert(0, guarding)
    return server


def sign_calls(
    client: _AnyClient,
    actor: Actor | Callable[[], Actor],
    audience: str,
    *,
    tools: Mapping[str, str] | None = None,
    carry: Carry = "metadata",
    approver: Approver | Sequence[Approver] | None = None,
    context: str | None = None,
) -> _AnyClient:
    """Signs every attempt of a call that a ``fastmcp.Client`` sends, which must not be connected yet; returns it. The
    options are those of :func:`deputize.mcp.sign_calls`. Its transport signs from now on, as often as it connects:
    for copies of the client, too, and for whatever else uses the same transport."""
    if not isinstance(client, Client):
        raise unsupported("not a FastMCP client; deputize.mcp signs for those of the official SDK:", client)
    if client.is_connected():
        raise unsupported("connected already, but calls are signed from the start:", client)
    transport = client.transport
    if isinstance(transport, MCPConfigTransport) and len(transport.config.mcpServers) > 1:
        raise unsupported("a client of several servers, which have an audience each; make one for each, not", client)
    signer = Signer(actor, audience, tools=tools, carry=carry, approver=approver, context=context)
    plain = transport.connect_session
    if getattr(plain, "_deputize", False):
        raise unsupported("signed for already; a function as the actor says who calls each time:", client)

    @asynccontextmanager
    async def connect_session(**options: Any) -> AsyncIterator[Any]:
        async with plain(**options) as session:
            sign_session(session, signer)
            yield session

    setattr(connect_session, "_deputize", True)  # noqa: B010
    setattr(transport, "connect_session", connect_session)  # noqa: B010
    return client


def _take_out(ctx: Any) -> None:
    """What proved a call is nothing for the tool: one that is a proxy's would pass it on to its backend."""
    if ctx.meta is not None:
        ctx.meta.pop(META_KEY, None)
    if ctx.request is not None:
        headers = ctx.request.scope["headers"]
        headers[:] = [header for header in headers if header[0].lower() != HEADER.lower().encode()]


class _Guarding(Middleware):  # type: ignore[misc]
    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.server: Any = None

    async def on_call_tool(self, context: Any, call_next: Any) -> Any:
        ctx: Any = context.fastmcp_context.request_context or _NO_REQUEST
        message = context.message
        try:
            authorized = await self.edge.decide(ctx, message.model_copy(update={"meta": ctx.meta}))
        except Asking as asking:
            return InputRequiredToolResult(asking.result)
        except DeputizeError as error:
            return ToolResult.from_mcp_result(refused(error))
        _take_out(ctx)
        async with self.edge.guard.running_async(authorized) as run:
            result = await call_next(context.copy(message=decided(message, authorized)))
            run.error = "the tool reported an error" if getattr(result, "is_error", False) else None
        return result

    async def hint(self, ctx: Any, name: str) -> Any:
        """What the tool does, as this server annotates it. Which version a call asks for is not looked into."""
        if "fastmcp" in (ctx.meta or {}):
            return None  # counts as destructive
        try:
            return hint_of(await self.server.get_tool(name))
        except Exception:
            return None
