"""The guard for Starlette and FastAPI behind a real server, and the signer for httpx."""

# row: {"framework": "FastAPI", "language": "Python", "package": "fastapi", "extra": "fastapi", "guards": "routes", "carries": "header", "approvals": "denial with a request"}
# row: {"framework": "Starlette", "language": "Python", "package": "starlette", "extra": "starlette", "guards": "routes", "carries": "header", "approvals": "denial with a request"}

from __future__ import annotations

import asyncio
import importlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import deputize.asgi
import httpx
import pytest
import uvicorn
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    Authorized,
    DeputizeError,
    UnsupportedOperation,
    Verifier,
    acting,
    anything,
    at_most,
    current_actor,
    one_of,
    optional,
)
from deputize.asgi import HEADER, caller, guard_routes
from deputize.http import headers_for, sign_calls
from fastapi import APIRouter, Body, Depends, FastAPI, WebSocket
from pydantic import BaseModel
from running import ROOT, run, snippets
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles

AUDIENCE = "https://deploy.example"
ROUTES = {"POST /deploy/{env}": "deploy", "GET /search": "search"}
DEPLOY: dict[str, Any] = {
    "env": one_of("staging", "production"),
    "replicas": optional(at_most(3)),
    "note": optional(anything()),
    "dry": optional("yes"),
}
TOOLS: dict[str, Any] = {"deploy": DEPLOY, "search": {"q": anything()}}


class World:
    def __init__(self, **options: Any) -> None:
        self.ana, self.coder = Agent.generate("ana"), Agent.generate("coder")
        self.records: list[Any] = []
        self.verifier = Verifier(trust=[self.ana], audience=AUDIENCE, audit=self.records.append, **options)
        self.ran: list[Any] = []
        self.actor = Actor(self.coder, self.ana.issue(to=self.coder, tools=TOOLS))


class Deployment(BaseModel):
    replicas: int = 1
    note: str | None = None


def fastapi_app(world: World) -> FastAPI:
    app = FastAPI(openapi_url=None)
    router = APIRouter()

    @router.post("/deploy/{env}")
    async def deploy(
        env: str, who: Annotated[Authorized, Depends(caller)], body: Annotated[Deployment | None, Body()] = None
    ) -> Any:
        await asyncio.sleep(0)
        assert caller() is who
        body = body or Deployment()
        world.ran.append(("deploy", env, body.replicas))
        return {"caller": who.caller, "arguments": who.arguments, "replicas": body.replicas, "note": body.note}

    @router.get("/search")
    def search(q: str) -> Any:
        world.ran.append(("search", q))
        return {"caller": caller().caller, "q": q}

    @app.get("/health")
    def health() -> Any:
        return {"ok": True}

    app.include_router(router)
    return guard_routes(app, world.verifier, ROUTES, unguarded=["GET /health"])


def starlette_app(world: World) -> Starlette:
    async def deploy(request: Request) -> JSONResponse:
        raw = await request.body()
        body = await request.json() if raw else {}
        env, replicas = request.path_params["env"], body.get("replicas", 1)
        world.ran.append(("deploy", env, replicas))
        who = caller()
        note = body.get("note")
        return JSONResponse({"caller": who.caller, "arguments": who.arguments, "replicas": replicas, "note": note})

    def search(request: Request) -> JSONResponse:
        world.ran.append(("search", request.query_params["q"]))
        return JSONResponse({"caller": caller().caller, "q": request.query_params["q"]})

    async def health(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    routes = [
        Route("/deploy/{env}", deploy, methods=["POST"]),
        Route("/search", search),
        Route("/health", health),
    ]
    return guard_routes(Starlette(routes=routes), world.verifier, ROUTES, unguarded=["GET /health"])


APPS = {"fastapi": fastapi_app, "starlette": starlette_app}


@contextmanager
def serving(app: Any) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=sorted(APPS))
def url(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    with serving(APPS[request.param](world)) as at:
        yield at


def denied(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert answer.headers.get("WWW-Authenticate") == ("Deputize" if status == 401 else None)
    assert answer.json()["error"]["help"]
    return answer.json()["error"]


def test_a_signed_request_runs_with_the_arguments_that_were_decided_about(url: str, world: World) -> None:
    with sign_calls(httpx.Client(base_url=url), world.actor, AUDIENCE, url, ROUTES) as client:
        answer = client.post("/deploy/staging?dry=yes", json={"replicas": 2})
        assert answer.status_code == 200, answer.text
        assert answer.json()["arguments"] == {"env": "staging", "dry": "yes", "replicas": 2}
        assert answer.json()["caller"] == "coder"
        # A default that the schema adds was not signed, and is not missed.
        assert client.post("/deploy/staging").json()["replicas"] == 1
        assert client.get("/search", params={"q": "a b&c=é"}).json() == {"caller": "coder", "q": "a b&c=é"}
        assert client.head("/search", params={"q": "x"}).status_code in (200, 405)
        assert HEADER not in client.get("/health").request.headers
    kinds = [getattr(record, "kind", "decision") for record in world.records]
    assert kinds.count("outcome") == kinds.count("decision") == len(world.ran)


def test_what_is_not_signed_for_exactly_this_request_never_runs(url: str, world: World) -> None:
    with httpx.Client(base_url=url) as client:
        assert client.get("/health").status_code == 200
        denied(client.post("/deploy/staging"), 401, "proof-missing")
        arguments = {"env": "staging", "replicas": 2}

        def send(headers: Any, path: str = "/deploy/staging", body: Any = None) -> httpx.Response:
            return client.post(path, json={"replicas": 2} if body is None else body, headers=headers)

        def signed(audience: str = AUDIENCE, actor: Actor = world.actor, **changed: Any) -> dict[str, str]:
            return headers_for(actor, "deploy", {**arguments, **changed}, audience)

        denied(send(signed("https://other.example")), 401, "audience-mismatch")
        denied(send({HEADER: "x y"}), 401, "text-malformed")
        other = Agent.generate("other")
        denied(
            send(signed(actor=Actor(world.coder, other.issue(to=world.coder, tools=TOOLS)))), 403, "issuer-untrusted"
        )
        denied(send(signed(), path="/deploy/production"), 401, "proof-mismatch")
        denied(send(signed(), path="/deploy/staging?dry=yes"), 401, "proof-mismatch")
        denied(send(signed(), body={"replicas": "2"}), 401, "proof-mismatch")
        denied(send(signed(replicas=9), body={"replicas": 9}), 403, "argument-refused")
        denied(send(signed(replicas="2"), body={"replicas": "2"}), 403, "argument-refused")
        denied(send(signed(more=1), body={"replicas": 2, "more": 1}), 403, "argument-unexpected")
        search = headers_for(world.actor, "search", {"q": "x"}, AUDIENCE)
        denied(send(search), 401, "proof-mismatch")
        both = [*signed().items(), *signed().items()]
        denied(client.post("/deploy/staging", json={"replicas": 2}, headers=both), 401, "text-malformed")
        assert world.ran == []
        once = signed()
        assert send(once).status_code == 200
        denied(send(once), 401, "proof-replayed")
    assert world.ran == [("deploy", "staging", 2)]


def test_what_is_no_call_is_refused_before_anything_is_decided(url: str, world: World) -> None:
    json_type = {"Content-Type": "application/json"}
    with httpx.Client(base_url=url) as client:
        for content, headers in (
            (b'{"replicas":1,"replicas":3}', json_type),
            (b'{"env":"production"}', json_type),
            (b"[1]", json_type),
            (b"replicas=1", {"Content-Type": "application/x-www-form-urlencoded"}),
            (b'{"replicas":1}', {}),
        ):
            denied(client.post("/deploy/staging", content=content, headers=headers), 400, "malformed")
        denied(client.post("/deploy/staging?env=production"), 400, "malformed")
        denied(client.get("/search?q=a&q=b"), 400, "malformed")
        large = b'{"note":"' + b"x" * 1024 * 1024 + b'"}'
        denied(client.post("/deploy/staging", content=large, headers=json_type), 413, "too-large")
        chunked = client.post("/deploy/staging", content=(large[at : at + 65536] for at in range(0, len(large), 65536)))
        denied(chunked, 413, "too-large")
        assert client.get("/deploy/staging").status_code == 405
        assert client.get("/nowhere").status_code == 404
    assert world.ran == []
    assert world.records == []


def test_each_attempt_is_signed_afresh_and_nothing_goes_to_another_host(world: World) -> None:
    seen: list[Any] = []

    async def elsewhere(request: Request) -> PlainTextResponse:
        seen.append(request.headers.get(HEADER))
        return PlainTextResponse("ok")

    app = starlette_app(world)
    with serving(Starlette(routes=[Route("/search", elsewhere)])) as other:

        async def moved(request: Request) -> RedirectResponse:
            at = f"{other}/search?q=x" if request.query_params["to"] == "away" else "/search?q=x"
            return RedirectResponse(at)

        outer = Starlette(routes=[Route("/moved", moved), Mount("/", app=app)])
        with serving(outer) as url:
            routes = {**ROUTES, "GET /moved": "search"}
            with sign_calls(
                httpx.Client(base_url=url, follow_redirects=True), world.actor, AUDIENCE, url, routes
            ) as client:
                assert client.get("/moved?to=here").json()["q"] == "x"
                assert client.get("/moved?to=away").text == "ok"
                assert client.get("/search?q=x").status_code == 200
                assert client.get("/search?q=x").status_code == 200  # a retry by hand
    assert seen == [None]
    assert len(world.ran) == 3


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_body_of_a_request_that_is_not_signed_is_not_read_before_it_is_sent(world: World, kind: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"1"
        pytest.fail("read to its end")

    async def async_pieces() -> Any:
        for piece in pieces():
            yield piece

    def first(request: httpx.Request) -> httpx.Response:
        assert HEADER not in request.headers
        assert next(iter(request.stream)) == b"1"  # type: ignore[call-overload]
        return httpx.Response(204)

    async def async_first(request: httpx.Request) -> httpx.Response:
        assert HEADER not in request.headers
        assert await anext(aiter(request.stream)) == b"1"  # type: ignore[arg-type]
        return httpx.Response(204)

    class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return first(request)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await async_first(request)

    server, other = "https://deploy.example", "https://other.example/deploy/staging"
    stale = {HEADER: "of another call"}
    if kind == "sync":
        client = sign_calls(httpx.Client(transport=Transport()), world.actor, AUDIENCE, server, ROUTES)
        assert client.post(other, content=pieces(), headers=stale).status_code == 204
        return

    async def main() -> None:
        client = sign_calls(httpx.AsyncClient(transport=Transport()), world.actor, AUDIENCE, server, ROUTES)
        assert (await client.post(other, content=async_pieces(), headers=stale)).status_code == 204

    asyncio.run(main())


def test_fifty_sessions_at_once_are_fifty_callers(url: str, world: World) -> None:
    agents = [Agent.generate(f"agent-{number}") for number in range(50)]
    actors = [Actor(agent, world.ana.issue(to=agent, tools=TOOLS)) for agent in agents]

    async def session(client: httpx.AsyncClient, actor: Actor) -> None:
        with acting(actor):
            for _ in range(2):
                answers = await asyncio.gather(
                    client.post("/deploy/staging", json={"note": actor.agent.name}),
                    client.get("/search", params={"q": actor.agent.name}),
                )
                assert [answer.json()["caller"] for answer in answers] == [actor.agent.name] * 2
                assert answers[0].json()["note"] == actor.agent.name

    async def main() -> None:
        async with httpx.AsyncClient(base_url=url) as client:
            sign_calls(client, current_actor, AUDIENCE, url, ROUTES)
            with pytest.raises(DeputizeError) as caught:
                await client.get("/search?q=x")
            assert caught.value.code == "proof-missing"
            await asyncio.gather(*(session(client, actor) for actor in actors))

    asyncio.run(main())
    assert len(world.ran) == 200


def test_an_approval_is_asked_for_and_signed_beside_the_next_attempt() -> None:
    bo = Agent.generate("bo")
    world = World(approvals=ApprovalPolicy(1, [bo], harmless=["search"]))
    with serving(fastapi_app(world)) as url, httpx.Client(base_url=url) as client:
        sign_calls(client, world.actor, AUDIENCE, url, ROUTES)
        error = denied(client.post("/deploy/staging"), 403, "approval-required")
        assert world.ran == []
        request = ApprovalRequest(world.actor.chain, "deploy", {"env": "staging"}, AUDIENCE)
        assert request.id == error["request_id"]
        assert "staging" in request.text
        for approver, status in ((Agent.generate("mallory"), 403), (bo, 200)):
            sign_calls(client, world.actor.with_evidence([approver.approve(request)]), AUDIENCE, url, ROUTES)
            assert client.post("/deploy/staging").status_code == status
        assert len(client.event_hooks["request"]) == 1
    assert len(world.ran) == 1


def test_a_challenge_and_a_context_come_from_the_server(world: World) -> None:
    async def endpoint(request: Request) -> PlainTextResponse:
        world.ran.append(1)
        return PlainTextResponse(caller().caller)

    def context(request: Request) -> str:
        return f"tenant:{request.headers['X-Tenant']}"

    async def challenge(request: Request) -> bytes:
        return b"c" * 16

    def app(**options: Any) -> Starlette:
        return guard_routes(
            Starlette(routes=[Route("/search", endpoint)]), world.verifier, {"GET /search": "search"}, **options
        )

    chain = world.ana.issue(to=world.coder, tools=TOOLS, context="tenant:1")
    with serving(app(context=context, challenge=challenge)) as url, httpx.Client(base_url=url) as client:
        for tenant, answer, expected in (
            ("1", b"c" * 16, "coder"),
            ("2", b"c" * 16, "context-mismatch"),
            (None, b"c" * 16, "config-invalid"),
            ("1", b"d" * 16, "challenge-mismatch"),
            ("1", None, "challenge-mismatch"),
        ):
            headers = headers_for(Actor(world.coder, chain), "search", {"q": "x"}, AUDIENCE, answer)
            got = client.get("/search?q=x", headers={**headers, **({"X-Tenant": tenant} if tenant else {})})
            assert expected in got.text
    assert world.ran == [1]


def test_what_a_handler_raises_or_streams_ends_with_an_outcome(world: World) -> None:
    async def broken(request: Request) -> None:
        raise RuntimeError("no")

    async def refuses(request: Request) -> PlainTextResponse:
        return PlainTextResponse("no", status_code=409)

    async def streams(request: Request) -> StreamingResponse:
        async def pieces() -> Any:
            for _ in range(3):
                await asyncio.sleep(0)
                yield f"{caller().caller} "

        return StreamingResponse(pieces())

    routes = [
        Route(f"/{name}", make) for name, make in (("broken", broken), ("refuses", refuses), ("streams", streams))
    ]
    names = {f"GET {route.path}": "search" for route in routes}
    app = guard_routes(Starlette(routes=routes), world.verifier, names)
    with serving(app) as url, sign_calls(httpx.Client(base_url=url), world.actor, AUDIENCE, url, names) as client:
        assert [client.get(f"/{name}?q=x").status_code for name in ("broken", "refuses", "streams")] == [500, 409, 200]
        assert client.get("/streams?q=x").text == "coder coder coder "
    outcomes = [record.json() for record in world.records if getattr(record, "kind", "") == "outcome"]
    assert ["RuntimeError" in line or "status 409" in line for line in outcomes] == [True, True, False, False]


def refused(make: Any) -> str:
    with pytest.raises((DeputizeError, UnsupportedOperation)) as caught:
        make()
    assert caught.value.code == "config-invalid"
    return str(caught.value)


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ran")


def test_a_route_that_is_not_declared_is_an_error_at_the_start(world: World, tmp_path: Any) -> None:
    verifier = world.verifier
    app = FastAPI()
    assert "GET /docs" in refused(lambda: guard_routes(app, verifier, {}))
    assert "POST /x" in refused(
        lambda: guard_routes(Starlette(routes=[Route("/x", plain, methods=["POST"])]), verifier, {})
    )
    assert "GET /y" in refused(lambda: guard_routes(Starlette(), verifier, {"GET /y": "y"}))
    two = Starlette(routes=[Route("/x", plain, methods=["GET", "POST"])])
    assert "POST /x" in refused(lambda: guard_routes(two, verifier, {"GET /x": "x"}))
    refused(lambda: guard_routes(two, verifier, {"GET /x": "x", "POST /x": "x"}, unguarded=["GET /x"]))
    refused(lambda: guard_routes(Starlette(routes=[Route("/x/{n:int}", plain)]), verifier, {"GET /x/{n:int}": "x"}))
    refused(lambda: guard_routes(Starlette(routes=[Mount("/static", StaticFiles(directory=tmp_path))]), verifier, {}))
    nested = Starlette(routes=[Mount("/v1", routes=[Route("/x", plain)])])
    assert "GET /v1/x" in refused(lambda: guard_routes(nested, verifier, {}))
    sockets = FastAPI(openapi_url=None)

    @sockets.websocket("/ws")
    async def ws(socket: WebSocket) -> None: ...

    refused(lambda: guard_routes(sockets, verifier, {}))
    for wrong in (object(), None, APIRouter(), plain):
        refused(lambda thing=wrong: guard_routes(thing, verifier, {}))
    refused(lambda: guard_routes(Starlette(), object(), {}))  # type: ignore[arg-type]
    done = guard_routes(Starlette(routes=[Route("/x", plain)]), verifier, {}, unguarded=["GET /x"])
    refused(lambda: guard_routes(done, verifier, {}, unguarded=["GET /x"]))
    mounted = Starlette(routes=[Mount("/static", StaticFiles(directory=tmp_path))])
    guard_routes(mounted, verifier, {}, unguarded=["MOUNT /static"])


def test_what_is_added_later_is_refused_and_what_is_mounted_is_guarded(world: World) -> None:
    app = fastapi_app(world)

    @app.get("/late")
    def late() -> str:
        world.ran.append("late")
        return "ran"

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        world.ran.append("ws")

    included = APIRouter(prefix="/inner")
    included.add_api_route("/late", late)
    app.include_router(included, prefix="/outer")
    app.mount("/mounted", Starlette(routes=[Route("/late", plain)]))
    with serving(app) as url, httpx.Client(base_url=url) as client:
        for path in ("/late", "/outer/inner/late", "/mounted/late"):
            denied(client.get(path), 500, "config-invalid")
        assert client.get("/health").status_code == 200
    assert world.ran == []

    inner = Starlette(routes=[Route("/search/{q}", search_path(world))])
    nested = Starlette(routes=[Mount("/v1/{tenant}", app=inner)])
    tools = {"GET /v1/{tenant}/search/{q}": "search"}
    guard_routes(nested, world.verifier, tools)
    with serving(nested) as url, httpx.Client(base_url=url) as client:
        denied(client.get("/v1/a/search/b"), 401, "proof-missing")
        sign_calls(client, world.actor, AUDIENCE, url, tools)
        # The path of the mount is an argument too.
        denied(client.get("/v1/a/search/b"), 403, "argument-unexpected")
    assert world.ran == []


@pytest.mark.parametrize("where", ["application", "mount", "later"])
def test_middleware_of_what_is_mounted_changes_no_request_that_was_decided_about(world: World, where: str) -> None:
    class Override:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope, "method": "DELETE"}, receive, send)

    def made(*, itself: bool = False) -> Starlette:
        async def drop(request: Request) -> PlainTextResponse:
            world.ran.append("drop")
            return PlainTextResponse(caller().caller)

        routes = [Route("/search", search_path(world)), Route("/search", drop, methods=["DELETE"])]
        inner = Starlette(routes=routes, middleware=[Middleware(Override)] if where == "application" else [])
        if itself:
            guard_routes(inner, world.verifier, {"GET /search": "search", "DELETE /search": "drop"})
        before = [Middleware(Override)] if where == "mount" else None
        app = Starlette(routes=[Mount("/v1", app=inner, middleware=before)])
        tools = {} if itself else {"GET /v1/search": "search", "DELETE /v1/search": "drop"}
        guard_routes(app, world.verifier, tools)
        if where == "later":
            inner.add_middleware(Override)
        return app

    if where != "later":
        with pytest.raises(DeputizeError, match="guard the application itself"):
            made()
    router = Router([Route("/search", search_path(world))], middleware=[Middleware(Override)])
    with pytest.raises(DeputizeError, match="guard the application itself"):
        guard_routes(Starlette(routes=[Mount("/v1", app=router)]), world.verifier, {"GET /v1/search": "search"})
    for itself in (True,) if where != "later" else (True, False):
        with serving(made(itself=itself)) as url, httpx.Client(base_url=url) as client:
            sign_calls(client, world.actor, AUDIENCE, url, {"GET /v1/search": "search"})
            answer = client.get("/v1/search", params={"q": "x"})
            denied(answer, *((401, "proof-mismatch") if itself else (500, "config-invalid")))
    assert world.ran == []


def test_another_release_or_none_is_refused_at_the_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    for package, found in (("starlette", "0.50.0"), ("starlette", "2.0.0"), ("fastapi", "0.164.9"), ("fastapi", "1.0")):
        monkeypatch.setattr(metadata, "version", lambda name, at=package, to=found: to if name == at else real(name))
        with pytest.raises(ImportError, match=rf"{package} is {found}.*pip install 'deputize\[{package}\]'"):
            importlib.reload(deputize.asgi) if package == "starlette" else guard_routes(FastAPI(), world.verifier, {})

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(ImportError, match=r"starlette is not installed.*pip install 'deputize\[starlette\]'"):
        importlib.reload(deputize.asgi)


def test_classes_and_hosts_are_routes_too(world: World) -> None:
    class Search(HTTPEndpoint):
        async def get(self, request: Request) -> PlainTextResponse:
            world.ran.append(1)
            return PlainTextResponse(caller().caller)

    assert "name the methods" in refused(
        lambda: guard_routes(Starlette(routes=[Route("/search", Search)]), world.verifier, {"GET /search": "search"})
    )
    routes = [Route("/search", Search, methods=["GET"])]
    app = guard_routes(
        Starlette(routes=[Host("{at}", Starlette(routes=routes))]), world.verifier, {"GET /search": "search"}
    )
    with serving(app) as url, httpx.Client(base_url=url) as client:
        sign_calls(client, world.actor, AUDIENCE, url, {"GET /search": "search"})
        # The host is a parameter of the route here, and nobody signed it.
        assert denied(client.get("/search?q=x"), 401, "proof-mismatch")
    assert world.ran == []
    app = guard_routes(
        Starlette(routes=[Host("127.0.0.1", Starlette(routes=routes))]), world.verifier, {"GET /search": "search"}
    )
    with serving(app) as url, httpx.Client(base_url=url) as client:
        sign_calls(client, world.actor, AUDIENCE, url, {"GET /search": "search"})
        assert client.get("/search?q=x").text == "coder"


def search_path(world: World) -> Any:
    async def endpoint(request: Request) -> PlainTextResponse:
        world.ran.append(1)
        return PlainTextResponse("ran")

    return endpoint


def test_the_guide_protects_a_gateway(tmp_path: Path) -> None:
    gateway, client = snippets("http.md", "## FastAPI and Starlette")
    assert run(tmp_path, client, gateway=gateway).splitlines() == [
        "proof-missing",
        "coder for ana: staging × 2",
        "argument-refused",
    ]


@pytest.mark.parametrize("name", ["fastapi_gateway", "starlette_gateway"])
def test_the_example_says_what_happens(tmp_path: Path, name: str) -> None:
    lines = run(tmp_path, (ROOT / "examples" / "python" / f"{name}.py").read_text(encoding="utf-8")).splitlines()
    assert [line.split(": ", 1)[1].split(" ")[0] for line in lines] == EXAMPLE
    assert "2 replicas of staging by coder for ana" in lines[1]


EXAMPLE = ["proof-missing", "200", "argument-refused", "malformed", "approval-required", "200", "approval-required"]
