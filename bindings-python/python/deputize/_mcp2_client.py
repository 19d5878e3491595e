"""The signer of clients of the official SDK's second line, ``mcp`` 2."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import mcp_types as types
from mcp.client import Client, ClientRequestContext, ClientSession

from deputize.actor import Actor, unsupported
from deputize.approver import Approver
from deputize.asking import ASK_KEY, answer
from deputize.guarding import DENIAL_KEY, in_thread
from deputize.signing import Carry, Signer, approvers_of

__all__ = ["approval_form", "sign_calls", "sign_session"]

_CALL = "tools/call"
_AnyClient = TypeVar("_AnyClient", Client, ClientSession)
#: What a client does with a form.
_Elicited = Callable[[ClientRequestContext, types.ElicitRequestParams], Awaitable[Any]]


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
    """Signs every attempt of ``tools/call`` that a connected client sends; returns the client.

    ``client`` is a ``Client`` within its ``async with``, or a ``ClientSession``. ``actor`` is who calls, or a function
    that says so for each call: ``current_actor``, where a client serves several. ``tools`` is as in :func:`guard`.
    ``carry`` says where the presentation travels. A call that needs an approval is shown to the ``approver``, and
    then sent once more with the answer; ``context`` is the partition of the server's calls, if it has such. Signing
    again, for another actor, takes the place of the first. A client that connects anew signs nothing until it is told
    to.
    """
    sign_session(
        _session(client), Signer(actor, audience, tools=tools, carry=carry, approver=approver, context=context)
    )
    return client


def sign_session(session: ClientSession, signer: Signer) -> None:
    """Signs what a session sends, where it goes to the wire and as it goes there."""
    dispatcher = getattr(session, "_dispatcher", None)
    send = getattr(dispatcher, "send_raw_request", None)
    if send is None:
        raise unsupported("not an MCP session whose calls can be signed:", session)
    plain = getattr(send, "_deputize", send)

    @functools.wraps(plain)
    async def send_raw_request(method: str, params: Any, opts: Any = None, **more: Any) -> Any:
        if method != _CALL:
            return await plain(method, params, opts, **more)

        async def attempt(text: str) -> Any:
            wire, options = dict(params), dict(opts or {})
            if headers := signer.place(text, wire):
                options["headers"] = {**options.get("headers", {}), **headers}
            return await plain(method, wire, options, **more)

        arguments = params.get("arguments")
        return await signer.attempt(params["name"], {} if arguments is None else arguments, attempt, _denial)

    setattr(send_raw_request, "_deputize", plain)  # noqa: B010
    setattr(dispatcher, "send_raw_request", send_raw_request)  # noqa: B010


def approval_form(
    approver: Approver | Sequence[Approver],
    audience: str,
    otherwise: _Elicited | None = None,
) -> _Elicited:
    """An ``elicitation_callback``: forms that ask for approvals of calls to a server are shown to an approver, and
    answered with what it signs. Other forms are for ``otherwise``, and declined without."""
    approvers = approvers_of(approver)

    async def elicited(ctx: ClientRequestContext, params: types.ElicitRequestParams) -> Any:
        schema = getattr(params, "requested_schema", None)
        if ASK_KEY not in ((schema or {}).get("properties") or {}):
            return types.ElicitResult(action="decline") if otherwise is None else await otherwise(ctx, params)
        content = await in_thread(answer, approvers, audience, schema)
        return types.ElicitResult(action="decline" if content is None else "accept", content=content)

    return elicited


def _denial(result: Any) -> Mapping[str, Any] | None:
    """What the server says of a refused call, in a result as it came."""
    meta = result.get("_meta") if isinstance(result, dict) and result.get("isError") else None
    denial = meta.get(DENIAL_KEY) if isinstance(meta, dict) else None
    return denial if isinstance(denial, dict) else None


def _session(client: object) -> ClientSession:
    if isinstance(client, Client):
        try:
            return client.session
        except RuntimeError:
            raise unsupported("not connected:", client) from None
    if not isinstance(client, ClientSession):
        raise unsupported("not an MCP client whose calls can be signed:", client)
    return client
