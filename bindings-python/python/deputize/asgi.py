"""A guard for Starlette and FastAPI: each route is a tool, and a request is decided about before anything reads it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from deputize.versions import require

require("starlette", "1.10", "2", "starlette")

from starlette.applications import Starlette  # noqa: E402
from starlette.convertors import PathConvertor, StringConvertor  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.routing import Host, Match, Mount, Route  # noqa: E402

from deputize import _native  # noqa: E402
from deputize._native import Authorized, Verifier  # noqa: E402
from deputize.actor import unsupported  # noqa: E402
from deputize.errors import DeputizeError  # noqa: E402
from deputize.guarding import HEADER, Guard, caller, found  # noqa: E402
from deputize.http import MAX_BODY, arguments_of, refusal  # noqa: E402

__all__ = ["HEADER", "caller", "guard_routes"]

_App = TypeVar("_App", bound=Starlette)
_Scope = dict[str, Any]
_Asgi = Callable[[Any, Any, Any], Awaitable[None]]
#: What a server finds out about one request, at once or awaited.
_Find = Callable[[Request], Any]


def guard_routes(
    app: _App,
    verifier: Verifier,
    tools: Mapping[str, str],
    *,
    unguarded: Iterable[str] = (),
    challenge: _Find | None = None,
    context: _Find | None = None,
    max_body: int = MAX_BODY,
) -> _App:
    """Verifies each request to the routes of a Starlette or FastAPI application before they read it; returns it.

    ``tools`` says which tool, as tokens name it, each route is: ``{"POST /deploy/{env}": "deploy"}``. A route that is
    in neither this nor ``unguarded`` is an error, now or when it is added later. A mounted application without routes
    is named ``"MOUNT /static"``; one with middleware of its own is guarded itself, before it is mounted. ``challenge``
    and ``context`` are functions of the request; if one fails, the request is denied. FastAPI takes ``Depends(caller)``
    for who calls.
    """
    if not isinstance(app, Starlette):
        raise unsupported("neither a Starlette nor a FastAPI application:", app)
    if any(base.__module__.partition(".")[0] == "fastapi" for base in type(app).__mro__):
        require("fastapi", "0.165", "1", "fastapi")
    if not isinstance(tools, Mapping) or isinstance(unguarded, str):
        raise unsupported("tools are routes and names in tokens, unguarded is a list of routes, not", tools)
    for name, find in (("challenge", challenge), ("context", context)):
        if find is not None and not callable(find):
            raise unsupported(f"{name}: a function of the request, not", find)
    if type(max_body) is not int or not 0 <= max_body <= MAX_BODY:
        raise _native.make_error("config-invalid", f"max_body: at most {MAX_BODY} bytes, not", str(max_body))
    if _is_guarded(app):
        raise unsupported("guarded already:", app)
    gate = _Gate(app, Guard(verifier), dict(tools), frozenset(unguarded), (challenge, context), max_body)
    gate.check()
    setattr(app.router, "middleware_stack", gate)  # noqa: B010
    return app


class _Gate:
    """Stands right before the routes, where nothing between changes what they are asked."""

    def __init__(
        self,
        app: Starlette,
        edge: Guard,
        tools: dict[str, str],
        unguarded: frozenset[str],
        finders: tuple[_Find | None, _Find | None],
        max_body: int,
    ) -> None:
        self.router: Any = app.router
        self.inner: _Asgi = app.router.middleware_stack
        self.edge, self.tools, self.unguarded, self.finders, self.max_body = edge, tools, unguarded, finders, max_body

    def check(self) -> None:
        """Every route is declared, and everything that is declared is a route."""
        if self.router.default != self.router.not_found or any(_low_priority(self.router)):
            raise _native.make_error("config-invalid", "served without a guard: what is no route of", "the application")
        routes = {key for route in _leaves(self.router.routes) for key in route}
        declared = {*self.tools, *self.unguarded}
        for about, keys in (
            ("declare the tool of this route, or list it in unguarded:", routes - declared),
            ("no such route:", declared - routes),
            ("a tool, and in unguarded too:", self.unguarded & set(self.tools)),
        ):
            if keys:
                raise _native.make_error("config-invalid", about, ", ".join(sorted(keys)))

    async def __call__(self, scope: _Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self.inner(scope, receive, send)
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return None
        try:
            key, inside = _match(self.router.routes, scope) or (None, scope)
            if key is None and any(_low_priority(self.router)):
                raise _native.make_error(
                    "config-invalid", "served without a guard: what is no route of", "the application"
                )
            if key is None or key in self.unguarded:
                return await self.inner(scope, receive, send)
            if key not in self.tools:
                raise _native.make_error("config-invalid", "served without a guard:", key)
            body = await self.body(scope, receive)
            if body is None:
                return None
            authorized = await self.decide(key, inside, body)
        except DeputizeError as error:
            return await _refuse(send, error)
        async with self.edge.running_async(authorized) as run:

            async def report(message: Any) -> None:
                if message["type"] == "http.response.start" and message["status"] >= 400:
                    run.error = f"status {message['status']}"
                await send(message)

            return await self.inner(scope, _replay(body, receive), report)

    async def body(self, scope: _Scope, receive: Any) -> bytes | None:
        """The whole body, or nothing if the client went away."""
        pieces, size, more = [], 0, True
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if len(length) > 9 or not length.isdigit() or int(length) > self.max_body:
            raise _native.make_error("too-large", f"the body, of at most {self.max_body} bytes:", "Content-Length")
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > self.max_body:
                raise _native.make_error("too-large", f"the body, of at most {self.max_body} bytes,", "")
            more = message.get("more_body", False)
        return b"".join(pieces)

    async def decide(self, key: str, inside: _Scope, body: bytes) -> Authorized:
        types, shown = (_values(inside, name) for name in ("content-type", HEADER))
        arguments = arguments_of(inside["path_params"], inside["query_string"], types, body)
        request = Request(inside)
        answer, partition = [await found(find, request) for find in self.finders]
        return await self.edge.in_thread(self.edge.admit, self.tools[key], arguments, shown, answer, partition)


def _values(scope: _Scope, name: str) -> str | None:
    """A header; several of a name are one text that nothing takes."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name.lower().encode()]
    return ",".join(values) if values else None


def _replay(body: bytes, receive: Any) -> Callable[[], Awaitable[Any]]:
    """The body that was decided about, once; then what comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return waiting.pop() if waiting else await receive()

    return replayed


async def _refuse(send: Any, error: DeputizeError) -> None:
    status, headers, answer = refusal(error)
    body = json.dumps(answer).encode()
    listed = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    named = [(name.lower().encode(), value.encode()) for name, value in listed.items()]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


def _each(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes, and those of routers that FastAPI included, in the order in which they are tried."""
    for route in routes:
        if hasattr(route, "effective_route_contexts"):
            yield from (context.starlette_route or context for context in route.effective_route_contexts())
        else:
            yield route


def _leaves(routes: Iterable[Any], prefix: str = "") -> Iterator[list[str]]:
    """What each route is called: a method and a path for each method."""
    for route in _each(routes):
        kind = getattr(route, "original_route", route)
        if not isinstance(kind, (Route, Mount, Host)):
            raise unsupported("a route that cannot be guarded:", kind)
        for convertor in route.param_convertors.values():
            if type(convertor) not in (StringConvertor, PathConvertor):
                raise _native.make_error(
                    "config-invalid", "a parameter of a path is a text; let the endpoint convert:", route.path
                )
        path = prefix + getattr(route, "path", "")
        if isinstance(kind, Route):
            yield [f"{method} {path}" for method in sorted(_methods(route))]
        elif not route.routes:
            yield [f"MOUNT {path}"]
        elif not _is_guarded(_inside(route)):
            yield from _leaves(route.routes, path)


def _match(routes: Iterable[Any], scope: _Scope, prefix: str = "") -> tuple[str, _Scope] | None:
    """Which route the application will take, as its own routes say it, and the scope within."""
    for route in _each(routes):
        match, child = route.matches(dict(scope))
        if match is not Match.FULL:
            continue
        inside, path = {**scope, **child}, prefix + getattr(route, "path", "")
        if not isinstance(route, (Mount, Host)):
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            return f"{method} {path}", inside
        if not route.routes:
            return f"MOUNT {path}", inside
        return None if _is_guarded(_inside(route)) else _match(route.routes, inside, path)
    return None


def _methods(route: Any) -> set[str]:
    """The methods of a route; HEAD is GET without a body."""
    if not route.methods:
        raise _native.make_error("config-invalid", "name the methods of the route", route.path)
    return {"GET" if method == "HEAD" else method for method in route.methods}


def _low_priority(router: Any) -> Iterator[Any]:
    """What FastAPI serves where no route fits."""
    yield from getattr(router, "_low_priority_routes", ())
    for route in router.routes:
        if hasattr(route, "effective_low_priority_routes"):
            yield from route.effective_low_priority_routes()


def _inside(route: Any) -> Any:
    """What a mount serves. Middleware in it could change what is asked after it was decided about."""
    app = getattr(route, "_base_app", route.app)
    router = getattr(app, "router", app)
    between = getattr(app, "user_middleware", None) or getattr(router, "middleware_stack", None) != getattr(
        router, "app", None
    )
    if not _is_guarded(app) and (app is not route.app or between):
        raise _native.make_error(
            "config-invalid", "mounted with middleware; guard the application itself:", getattr(route, "path", "")
        )
    return app


def _is_guarded(app: Any) -> bool:
    return isinstance(app, Starlette) and isinstance(app.router.middleware_stack, _Gate)
