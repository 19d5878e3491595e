"""A call as an HTTP request: what its arguments are, and how clients sign it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, final
from urllib.parse import unquote_to_bytes, urlsplit

from deputize import _native
from deputize.actor import Actor, actor_for, unsupported
from deputize.errors import Denied, DeputizeError
from deputize.guarding import HEADER, denial_of

__all__ = ["CHALLENGE", "HEADER", "MAX_BODY", "Routes", "arguments_of", "headers_for", "sign_calls", "status_of"]

#: Bytes of a body: as many as values may have.
MAX_BODY = 1024 * 1024
#: What ``WWW-Authenticate`` says with a 401.
CHALLENGE = "Deputize"

_JSON = re.compile(r'application/json[ \t]*(;[ \t]*charset=("utf-8"|utf-8)[ \t]*)?', re.IGNORECASE | re.ASCII)
_PRINTABLE = re.compile(rb"[!-~]*")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ROUTE = re.compile(r"([A-Z]+) (/[^?#]*)")
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}")
#: Denials that another signature, or another audience, would mend.
_PROOF = {"audience-mismatch", "challenge-mismatch", *(c["code"] for c in _native.codes if c["family"] == "encoding")}
_Client = TypeVar("_Client")


def arguments_of(path: Mapping[str, str], query: bytes, content_type: str | None, body: bytes) -> dict[str, Any]:
    """The arguments of a request: parameters of its path and query, which are texts, and the members of its body."""
    if not all(type(text) is str for pair in path.items() for text in pair):
        _malformed("no text: a parameter of the", "path")
    arguments: dict[str, Any] = {}
    for part in (path, _query(query), _body(content_type, body)):
        for name, value in part.items():
            if name in arguments:
                _malformed("given in two places: the argument", name)
            arguments[name] = value
    return arguments


def headers_for(
    actor: Actor, tool: str, arguments: dict[str, Any], audience: str, challenge: bytes | None = None
) -> dict[str, str]:
    """The headers of one attempt of one call, for clients that send it themselves."""
    return {HEADER: actor.prove(tool, arguments, audience, challenge).text}


def status_of(error: DeputizeError) -> int:
    """The status of a refusal: 413 too large, 400 no call, 401 to sign again, 403 everything else."""
    if error.code == "too-large":
        return 413
    if not isinstance(error, Denied):
        return 500 if error.code in ("config-invalid", "internal") else 400
    return 401 if error.code in _PROOF or error.code.startswith("proof-") else 403


def refusal(error: DeputizeError) -> tuple[int, dict[str, str], dict[str, Any]]:
    """What a refused request is answered with: status, headers and JSON."""
    status = status_of(error)
    return status, {"WWW-Authenticate": CHALLENGE} if status == 401 else {}, {"error": denial_of(error)}


def sign_calls(
    client: _Client, actor: Actor | Callable[[], Actor], audience: str, server: str, routes: Mapping[str, str]
) -> _Client:
    """Signs each attempt of a call that an ``httpx`` client sends, redirected ones too; returns the client.

    ``server`` is the URL below which the routes are; nothing is signed for another origin. ``routes`` are methods with
    paths, and what the tools are called in tokens: ``{"POST /deploy/{env}": "deploy"}``. What is no such route is sent
    without a presentation. ``actor`` is who calls, or a function that says so for each call: ``current_actor``.
    """
    find, table, base = actor_for(actor), Routes(routes), urlsplit(server)
    if type(audience) is not str:
        raise unsupported("an audience is a text, not", audience)
    origin, prefix = _origin(base), base.path.rstrip("/")
    if origin is None or base.query or base.fragment:
        raise _native.make_error("config-invalid", "not the URL of a server:", server)
    hooks, send = getattr(client, "event_hooks", None), getattr(client, "send", None)
    if not isinstance(hooks, dict) or not callable(send):
        raise unsupported("not a client of httpx:", client)

    def found(request: Any) -> tuple[str, dict[str, str], str] | None:
        request.headers.pop(HEADER, None)
        url = urlsplit(str(request.url))
        here = _origin(url) == origin and url.path.startswith(f"{prefix}/")
        route = table.find(request.method, url.path[len(prefix) :]) if here else None
        return None if route is None else (*route, url.query)

    def sign(request: Any, tool: str, path: dict[str, str], query: str, body: bytes) -> None:
        arguments = arguments_of(path, query.encode(), request.headers.get("Content-Type"), body)
        request.headers.update(headers_for(find(), tool, arguments, audience))

    # The body of what is not signed stays unread: it may be an upload of any size.
    def hook(request: Any) -> None:
        if (route := found(request)) is not None:
            sign(request, *route, request.read())

    async def async_hook(request: Any) -> None:
        if (route := found(request)) is not None:
            sign(request, *route, await request.aread())

    added = async_hook if inspect.iscoroutinefunction(send) else hook
    others = [other for other in hooks.get("request", ()) if not getattr(other, "_deputize", False)]
    setattr(added, "_deputize", True)  # noqa: B010
    setattr(client, "event_hooks", {**hooks, "request": [*others, added]})  # noqa: B010
    return client


@final
class Routes:
    """Methods with paths, and the tools that they are: the first that fits is the one."""

    __slots__ = ("__routes",)

    def __init__(self, routes: Mapping[str, str]) -> None:
        if not isinstance(routes, Mapping):
            raise unsupported("routes: methods with paths, and tools, not", routes)
        self.__routes = [(*_compiled(route), tool) for route, tool in routes.items()]
        if not all(type(tool) is str for tool in routes.values()):
            raise unsupported("what a tool is called in tokens is a text, not", next(iter(routes.values())))

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The tool of a request, and the parameters of its path."""
        wanted = "GET" if method == "HEAD" else method
        for declared, pattern, tool in self.__routes:
            match = pattern.fullmatch(path) if declared == wanted else None
            if match:
                return tool, {name: _decoded(text.encode(), "the path") for name, text in match.groupdict().items()}
        return None


def _compiled(route: str) -> tuple[str, re.Pattern[str]]:
    match = _ROUTE.fullmatch(route) if type(route) is str else None
    if match is None:
        raise _native.make_error("config-invalid", "a route is written like `POST /deploy/{env}`, not", str(route))
    pieces, at = [], 0
    for parameter in _PARAMETER.finditer(match[2]):
        pieces += [
            re.escape(match[2][at : parameter.start()]),
            f"(?P<{parameter[1]}>{'.+' if parameter[2] else '[^/]+'})",
        ]
        at = parameter.end()
    return match[1], re.compile("".join(pieces) + re.escape(match[2][at:]))


def _query(query: bytes) -> dict[str, str]:
    if not _PRINTABLE.fullmatch(query):
        _malformed("not percent-encoded:", "the query")
    parameters: dict[str, str] = {}
    for piece in query.split(b"&") if query else ():
        name, _, value = (_decoded(part.replace(b"+", b" "), "the query") for part in piece.partition(b"="))
        if not name:
            _malformed("a parameter without a name:", "the query")
        if name in parameters:
            _malformed("given twice in the query: the argument", name)
        parameters[name] = value
    return parameters


def _body(content_type: str | None, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    if len(body) > MAX_BODY:
        raise _native.make_error("too-large", "the body, of at most 1 MiB", "")
    if content_type is None or not _JSON.fullmatch(content_type.strip(" \t")):
        _malformed("not application/json:", "the body")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        _malformed("not UTF-8:", "the body")
    members = _native.value_from_json(text)
    if type(members) is not dict:
        _malformed("no JSON object:", "the body")
    return members


def _decoded(text: bytes, where: str) -> str:
    try:
        return unquote_to_bytes(b"\xff" if _BAD_ESCAPE.search(text) else text).decode()
    except UnicodeDecodeError:
        return _malformed("not percent-encoded UTF-8:", where)


def _origin(url: Any) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; nothing where there is no such."""
    default = {"http": 80, "https": 443}.get(url.scheme)
    return (url.scheme, url.hostname, url.port or default) if default and url.hostname else None


def _malformed(what: str, name: str) -> NoReturn:
    raise _native.make_error("malformed", what, name)
