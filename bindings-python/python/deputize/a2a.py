"""Deputize in the A2A SDK (``a2a-sdk`` 1): methods are tools, signed by the client and guarded before the executor.

The presentation of a message travels in ``message.metadata["dev.deputize/presentation"]``, that of every other method
in the HTTP header ``Deputize-Presentation``.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any

from deputize.versions import require

require("a2a-sdk", "1.3", "2", "a2a")

from a2a.client import ClientCallContext, ClientCallInterceptor  # noqa: E402
from a2a.client.service_parameters import ServiceParametersFactory, with_a2a_extensions  # noqa: E402
from a2a.server.request_handlers import RequestHandler  # noqa: E402
from a2a.types.a2a_pb2 import AgentCard, AgentExtension  # noqa: E402
from a2a.utils.errors import InvalidRequestError, UnsupportedOperationError  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402

from deputize import _native  # noqa: E402
from deputize._native import Authorized, Verifier  # noqa: E402
from deputize.actor import Actor, actor_for, unsupported  # noqa: E402
from deputize.errors import DeputizeError  # noqa: E402
from deputize.guarding import HEADER, META_KEY, Guard, caller, denial_of, found, refusal_of, tool_names  # noqa: E402

__all__ = ["EXTENSION", "HEADER", "META_KEY", "caller", "guard", "sign_calls"]

#: The extension that a guarded agent's card requires.
EXTENSION = "https://github.com/deputize/deputize/blob/main/docs/spec/carriage.md"
_MAX_SAFE = 2**53 - 1
#: The methods of the protocol: what the client calls them, and what the server does.
_METHODS = {
    "SendMessage": ("send_message", "on_message_send"),
    "SendStreamingMessage": ("send_message_streaming", "on_message_send_stream"),
    "GetTask": ("get_task", "on_get_task"),
    "ListTasks": ("list_tasks", "on_list_tasks"),
    "CancelTask": ("cancel_task", "on_cancel_task"),
    "SubscribeToTask": ("subscribe", "on_subscribe_to_task"),
    "CreateTaskPushNotificationConfig": ("create_task_push_notification_config",) * 2,
    "GetTaskPushNotificationConfig": ("get_task_push_notification_config",) * 2,
    "ListTaskPushNotificationConfigs": ("list_task_push_notification_configs",) * 2,
    "DeleteTaskPushNotificationConfig": ("delete_task_push_notification_config",) * 2,
    "GetExtendedAgentCard": ("get_extended_agent_card",) * 2,
}
_SENT = {client: method for method, (client, _) in _METHODS.items()}
_SERVED = {server if server.startswith("on_") else f"on_{server}": method for method, (_, server) in _METHODS.items()}
#: What a server finds out about one call, of its parameters and the SDK's context; at once or awaited.
_Find = Callable[[Any, Any], Any]


def guard(
    handler: RequestHandler,
    verifier: Verifier,
    card: AgentCard,
    tools: Mapping[str, str],
    *,
    unguarded: Iterable[str] = (),
    challenge: _Find | None = None,
    context: _Find | None = None,
) -> RequestHandler:
    """A request handler that verifies each call before the handler, and so the executor, sees it.

    ``tools`` says what methods of the protocol are called in tokens: ``{"SendMessage": "translate"}``. A method that
    is in neither this nor ``unguarded`` is not served. The card says from now on that the extension is required.
    """
    if not isinstance(handler, RequestHandler) or isinstance(handler, _Guarded):
        raise unsupported("not a request handler of a2a-sdk that is without a guard:", handler)
    if not isinstance(card, AgentCard):
        raise unsupported("not the agent's card:", card)
    for name, find in (("challenge", challenge), ("context", context)):
        if find is not None and not callable(find):
            raise unsupported(f"{name}: a function of parameters and context, not", find)
    names, free = _methods(tools), frozenset([unguarded] if isinstance(unguarded, str) else unguarded)
    _methods(dict.fromkeys(free, ""))
    if free & names.keys():
        raise _native.make_error(
            "config-invalid", "a tool, and in unguarded too:", ", ".join(sorted(free & names.keys()))
        )
    if all(extension.uri != EXTENSION for extension in card.capabilities.extensions):
        described = "Calls carry a proof of who calls, and for whom"
        card.capabilities.extensions.append(AgentExtension(uri=EXTENSION, description=described, required=True))
    guarded: RequestHandler = _Guarding(handler, Guard(verifier), names, free, (challenge, context))
    return guarded


def sign_calls(actor: Actor | Callable[[], Actor], audience: str, tools: Mapping[str, str]) -> ClientCallInterceptor:
    """An interceptor that signs each call of a client; the last of its ``interceptors``.

    ``actor`` is who calls, or a function that says so for each call: ``current_actor``. ``tools`` is as in
    :func:`guard`; methods that are not in it are sent without a presentation.
    """
    if type(audience) is not str:
        raise unsupported("an audience is a text, not", audience)
    return _Signing(actor_for(actor), audience, _methods(tools))


class _Signing(ClientCallInterceptor):
    def __init__(self, find: Callable[[], Actor], audience: str, tools: dict[str, str]) -> None:
        self._find, self._audience, self._tools = find, audience, tools

    async def before(self, args: Any) -> None:
        tool = self._tools.get(_SENT.get(args.method, ""))
        if tool is None:
            return
        request, _ = _taken(args.input)
        text = self._find().prove(tool, _arguments(request), self._audience).text
        context = (args.context or ClientCallContext()).model_copy()
        parameters = ServiceParametersFactory.create_from(
            context.service_parameters, [with_a2a_extensions([EXTENSION])]
        )
        if hasattr(request, "message"):
            request.message.metadata[META_KEY] = text
        else:
            parameters[HEADER] = text
        context.service_parameters = parameters
        args.input, args.context = request, context

    async def after(self, args: Any) -> None:
        pass


class _Guarded:
    """Marks what is behind a guard."""

    def __init__(
        self,
        handler: RequestHandler,
        edge: Guard,
        tools: dict[str, str],
        unguarded: frozenset[str],
        finders: tuple[_Find | None, _Find | None],
    ) -> None:
        self._handler, self._edge, self._tools, self._free, self._finders = handler, edge, tools, unguarded, finders

    async def aclose(self) -> None:
        close = getattr(self._handler, "aclose", None)
        if close is not None:
            await close()

    async def _admitted(self, method: str, params: Any, context: Any) -> tuple[Any, Authorized | None]:
        """The call as it was decided about, without what proved it."""
        request, shown = _taken(params)
        headers = context.state.get("headers") or {}
        values = [headers.pop(name) for name in list(headers) if name.lower() == HEADER.lower()]
        header = values[0] if len(values) == 1 else ",".join(values) or None
        if method in self._free:
            return request, None
        if method not in self._tools:
            raise UnsupportedOperationError(f"not served here: {method}")
        try:
            answer, partition = [await found(find, request, context) for find in self._finders]
            presentation = header if shown is None else shown
            tool, arguments = self._tools[method], _arguments(request)
            edge, rest = self._edge, (presentation, answer, partition)
            return request, await edge.in_thread(edge.admit, tool, arguments, *rest)
        except DeputizeError as error:
            about = {name: str(value) for name, value in denial_of(error).items()}
            raise InvalidRequestError(message=refusal_of(error), data=about) from None


def _once(attribute: str, method: str) -> Any:
    async def call(self: _Guarded, params: Any, context: Any) -> Any:
        request, authorized = await self._admitted(method, params, context)
        serve = getattr(self._handler, attribute)
        if authorized is None:
            return await serve(request, context)
        async with self._edge.running_async(authorized):
            return await serve(request, context)

    return call


def _streamed(attribute: str, method: str) -> Any:
    async def call(self: _Guarded, params: Any, context: Any) -> AsyncGenerator[Any, None]:
        request, authorized = await self._admitted(method, params, context)
        # Another task may ask for the next event, so that the caller is set where the handler runs, each time.
        stream = getattr(self._handler, attribute)(request, context)
        events = stream if authorized is None else self._edge.streaming(authorized, stream)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()
            await stream.aclose()

    return call


def _made(attribute: str, method: str) -> Any:
    streams = inspect.isasyncgenfunction(getattr(RequestHandler, attribute))
    return (_streamed if streams else _once)(attribute, method)


_Guarding: Any = type(
    "_Guarding", (_Guarded, RequestHandler), {name: _made(name, method) for name, method in _SERVED.items()}
)


def _taken(params: Any) -> tuple[Any, Any]:
    """A copy of a request without its presentation, and that."""
    request = type(params)()
    request.CopyFrom(params)
    shown = None
    if hasattr(request, "message") and META_KEY in request.message.metadata:
        value = request.message.metadata.fields[META_KEY]
        shown = value.string_value if value.WhichOneof("kind") == "string_value" else b"\0"
        del request.message.metadata[META_KEY]
    return request, shown


def _arguments(request: Any) -> dict[str, Any]:
    """The members of a request as JSON of the protocol; what is empty is as if it were not there."""
    wire: dict[str, Any] = _exact(MessageToDict(request))
    if wire.get("configuration") == {}:
        del wire["configuration"]
    return wire


def _exact(value: Any, given: bool = False) -> Any:
    """Numbers of the protocol are floats; whole ones are signed as integers. What is ``given`` is the caller's own."""
    if type(value) is dict:
        kept = {name: member for name, member in value.items() if given or name != "metadata" or member}
        return {name: _exact(member, given or name in ("metadata", "data")) for name, member in kept.items()}
    if type(value) is list:
        return [_exact(member, given) for member in value]
    return int(value) if type(value) is float and value.is_integer() and abs(value) <= _MAX_SAFE else value


def _methods(tools: Mapping[str, str]) -> dict[str, str]:
    names = tool_names(tools)
    unknown = sorted(names.keys() - _METHODS.keys())
    if unknown:
        raise _native.make_error("config-invalid", f"methods are {', '.join(_METHODS)}, not", ", ".join(unknown))
    return names
