"""Deputize in langchain-mcp-adapters: signs the tool calls that an agent of LangChain makes to MCP servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from deputize.actor import Actor, unsupported
from deputize.versions import require

require("langchain-mcp-adapters", "0.3", "0.4", "langchain-mcp")

from langchain_mcp_adapters.callbacks import CallbackContext  # noqa: E402
from langchain_mcp_adapters.client import MultiServerMCPClient  # noqa: E402
from langchain_mcp_adapters.sessions import create_session  # noqa: E402

from deputize._mcp1 import sign_session  # noqa: E402
from deputize.approver import Approver  # noqa: E402
from deputize.signing import Carry, Signer  # noqa: E402

__all__ = ["sign_calls"]


def sign_calls(
    client: MultiServerMCPClient,
    actor: Actor | Callable[[], Actor],
    audiences: Mapping[str, str | None],
    *,
    tools: Mapping[str, str] | None = None,
    carry: Carry = "metadata",
    approver: Approver | Sequence[Approver] | None = None,
    context: str | None = None,
) -> MultiServerMCPClient:
    """Signs every call to the servers of a client, before its tools are loaded; returns the client.

    ``audiences`` names the audience of each of the client's servers, or ``None`` for one that is not guarded. The other
    options are those of :func:`deputize.mcp.sign_calls`. Both ways are signed on every transport: tools of
    ``get_tools``, which open a session for each call, and sessions of ``client.session``.
    """
    if not isinstance(client, MultiServerMCPClient):
        raise unsupported("not a MultiServerMCPClient; deputize.mcp signs for a session:", client)
    if any(isinstance(one, _Signing) for one in client.tool_interceptors):
        raise unsupported("signed for already; a function as the actor says who calls each time:", client)
    signing = _Signing(client, {})
    for server, audience in audiences.items():
        signing.signers[server] = None
        if audience is not None:
            signer = Signer(actor, audience, tools=tools, carry=carry, approver=approver, context=context)
            if signer.carry == "header":
                raise unsupported("sessions have no headers for a call; carry metadata or an argument, not", carry)
            signing.signers[server] = signer
    for server in client.connections:
        signing.of(server)
    plain = client.session

    @asynccontextmanager
    async def session(server_name: str, **options: Any) -> AsyncIterator[Any]:
        signer = signing.of(server_name)
        async with plain(server_name, **options) as made:
            if signer is not None:
                sign_session(made, signer)
            yield made

    client.session = session
    # The last one is the nearest to the wire. Every list that was handed on is this one.
    client.tool_interceptors = [*client.tool_interceptors, signing]
    return client


class _Signing:
    """The innermost interceptor of a client. It makes the call itself: what an interceptor passes on gets headers at
    most, and those only over HTTP."""

    def __init__(self, client: MultiServerMCPClient, signers: dict[str, Signer | None]) -> None:
        self.client = client
        self.signers = signers

    def of(self, server: str) -> Signer | None:
        if server not in self.signers:
            raise unsupported("audiences: the audience of each server, or None for one without a guard, not", server)
        return self.signers[server]

    async def __call__(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        signer = self.of(request.server_name)
        if signer is None:
            return await handler(request)
        connection: Any = dict(self.client.connections[request.server_name])
        if request.headers and connection["transport"] != "stdio":
            connection["headers"] = {**(connection.get("headers") or {}), **request.headers}
        about = CallbackContext(server_name=request.server_name, tool_name=request.name)
        callbacks = self.client.callbacks.to_mcp_format(context=about)
        failed: Exception | None = None
        result = None
        async with create_session(connection, mcp_callbacks=callbacks) as session:
            await session.initialize()
            sign_session(session, signer)
            try:
                result = await session.call_tool(
                    request.name, request.args, progress_callback=callbacks.progress_callback
                )
            except Exception as error:
                failed = error  # a session that ends may swallow what is raised in it
        if failed is not None:
            raise failed
        return result
