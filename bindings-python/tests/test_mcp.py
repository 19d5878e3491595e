"""The guard and the signer with the real SDK: over stdio, over HTTP on loopback, and in one process."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
import uvicorn
from mcp.client import Client, ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server import MCPServer, Server

import deputize.mcp
import mcp_server
from conftest import SERVER, Story
from deputize import (
    Actor,
    Agent,
    AuditLog,
    Chain,
    DeputizeError,
    Presentation,
    UnsupportedOperation,
    Verifier,
    at_most,
    one_of,
    open_calls,
    optional,
    read_log,
)
from deputize.mcp import DENIAL_KEY, HEADER, META_KEY, caller, guard, meta_for, sign_calls

TOOLS: dict[str, Any] = {
    "deploy": {"env": one_of("staging", "production"), "replicas": optional(at_most(3))},
    "echo": {},
    "structured": {},
}


class Effects:
    """What the tools did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def __call__(self) -> list[str]:
        return self.path.read_text().splitlines()


@pytest.fixture
def effects(tmp_path: Path) -> Effects:
    return Effects(tmp_path / "effects")


@pytest.fixture
def chain(story: Story) -> Chain:
    return story.chain(TOOLS)


@contextmanager
def http_server(server: MCPServer | Server[Any], **options: Any) -> Iterator[str]:
    """Serves on a free port of the loopback interface until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = server.streamable_http_app(**options)
        serving = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=lambda: serving.run(sockets=[listener]), daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not serving.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            serving.should_exit = True
            thread.join(20)


def stdio(story: Story, effects: Effects, kind: str) -> Any:
    script = str(Path(mcp_server.__file__))
    return stdio_client(
        StdioServerParameters(command=sys.executable, args=[script, story.ana.did, str(effects.path), kind])
    )


@asynccontextmanager
async def connected(kind: str, story: Story, effects: Effects) -> AsyncIterator[Client]:
    verifier = story.verifier()
    if kind.startswith("stdio"):
        async with Client(stdio(story, effects, kind.removeprefix("stdio-"))) as client:
            yield client
    elif kind == "memory":
        async with Client(guard(mcp_server.make(effects.path), verifier)) as client:
            yield client
    else:
        server: Any = mcp_server.make(effects.path) if "high" in kind else mcp_server.make_lowlevel(effects.path)
        with http_server(guard(server, verifier), stateless_http="stateless" in kind) as url:
            async with Client(url, mode="legacy" if "legacy" in kind else "auto") as client:
                yield client


def text(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


def assert_denied(result: types.CallToolResult, code: str) -> None:
    assert result.is_error
    assert code in text(result)
    assert result.meta is not None
    denial = result.meta[DENIAL_KEY]
    assert denial["code"] == code
    assert denial["help"] in text(result)
    assert result.structured_content is None


KINDS = ["stdio-high", "stdio-low", "http-high", "http-high-stateless", "http-high-legacy", "http-low", "memory"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_guard(kind: str, story: Story, chain: Chain, effects: Effects) -> None:
    async def main() -> None:
        arguments = {"env": "staging"}
        async with connected(kind, story, effects) as client:
            if client.protocol_version >= "2026":  # earlier versions have no extensions to advertise
                assert META_KEY in (client.server_capabilities.extensions or {})
            assert {tool.name for tool in (await client.list_tools()).tools} >= {"deploy"}
            # Unsigned: nothing runs.
            assert_denied(await client.call_tool("deploy", arguments), "proof-missing")
            assert effects() == []
            # Signed by hand, and the same again.
            meta: Any = meta_for(Actor(story.coder, chain), "deploy", arguments, SERVER)
            assert text(await client.call_tool("deploy", arguments, meta=meta)).startswith("coder")
            assert len(effects()) == 1
            assert_denied(await client.call_tool("deploy", arguments, meta=meta), "proof-replayed")
            # Signed for another call.
            meta = meta_for(Actor(story.coder, chain), "deploy", arguments, SERVER)
            assert_denied(await client.call_tool("deploy", {"env": "production"}, meta=meta), "proof-mismatch")
            meta = meta_for(Actor(story.coder, chain), "deploy", arguments, "https://other.example")
            assert_denied(await client.call_tool("deploy", arguments, meta=meta), "audience-mismatch")
            for wrong, code in (
                ("", "proof-missing"),
                (5, "malformed"),
                (["a"], "malformed"),
                ("a b", "text-malformed"),
            ):
                assert_denied(await client.call_tool("deploy", arguments, meta={META_KEY: wrong}), code)  # type: ignore[typeddict-unknown-key]
            assert len(effects()) == 1
            # Signed by the client itself, each attempt afresh.
            assert sign_calls(client, Actor(story.coder, chain), SERVER) is client
            for count in range(2, 5):
                result = await client.call_tool("deploy", arguments)
                assert not result.is_error, text(result)
                assert len(effects()) == count
            assert not (await client.call_tool("deploy", {"env": "production", "replicas": 3})).is_error
            # Beyond what the chain allows.
            before = effects()
            assert_denied(await client.call_tool("deploy", {"env": "staging", "replicas": 4}), "argument-refused")
            assert_denied(await client.call_tool("deploy", {}), "argument-missing")
            assert_denied(await client.call_tool("deploy"), "argument-missing")
            assert_denied(await client.call_tool("deploy", {"env": "staging", "force": True}), "argument-unexpected")
            assert_denied(await client.call_tool("drop", {}), "tool-not-allowed")
            assert effects() == before

    anyio.run(main)


@pytest.mark.parametrize("kind", ["stdio-high", "http-high"])
def test_what_the_tool_sees(kind: str, story: Story, chain: Chain, effects: Effects) -> None:
    async def main() -> None:
        async with connected(kind, story, effects) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            # The default of `replicas` is filled in after the decision, and is not among its arguments.
            assert text(await client.call_tool("deploy", {"env": "staging"})) == "coder for ana: staging × 1; ['env']"
            # Null, nested and empty arguments go over the wire as they are signed.
            for value in ({"a": None, "b": [None, {"c": 1.5}]}, {}, None, {"é\n": 2**53 + 1}):
                result = await client.call_tool("echo", {"value": value})
                assert not result.is_error, text(result)
                assert text(result) == f"coder: {value}"
            assert not (await client.call_tool("echo")).is_error
            # A tool with an output schema: denied without structured content, which the client does not mind.
            assert (await client.call_tool("structured", {"n": 5})).structured_content == {"n": 5}
            sign_calls(client, Actor(Agent.generate("eve"), Agent.generate("x").issue(to=story.coder)), SERVER)
            with pytest.raises(DeputizeError) as caught:
                await client.call_tool("structured", {"n": 5})
            assert caught.value.code == "holder-mismatch"
            # What cannot be signed is not sent.
            before = effects()
            sign_calls(client, Actor(story.coder, chain), SERVER)
            with pytest.raises(DeputizeError) as caught:
                await client.call_tool("echo", {"value": {"a": 1.0}})
            assert caught.value.code == "value-unsupported"
            assert effects() == before

    anyio.run(main)


def test_many_calls_at_once_have_their_own_caller(story: Story, effects: Effects) -> None:
    async def main() -> None:
        agents = [Agent.generate(f"agent-{i}") for i in range(5)]
        with http_server(guard(mcp_server.make(effects.path), story.verifier())) as url:

            async def work(agent: Agent) -> None:
                async with Client(url) as client:
                    sign_calls(client, Actor(agent, story.ana.issue(to=agent, tools=TOOLS)), SERVER)
                    for _ in range(5):
                        assert text(await client.call_tool("echo")).startswith(f"{agent.name}:")

            async with anyio.create_task_group() as group:
                for agent in agents:
                    group.start_soon(work, agent)
        assert len(effects()) == 25

    anyio.run(main)


def post(url: str, headers: list[tuple[str, str]], params: dict[str, Any]) -> dict[str, Any]:
    base = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = httpx2.post(url, headers=[*base, *headers], json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())["result"]  # type: ignore[no-any-return]


def test_the_header(story: Story, chain: Chain, effects: Effects) -> None:
    arguments = {"env": "staging"}
    params: dict[str, Any] = {"name": "deploy", "arguments": arguments}

    def fresh() -> str:
        return story.coder.prove(chain, "deploy", arguments, SERVER).text

    def code(headers: list[tuple[str, str]], params: dict[str, Any] = params) -> str:
        result = post(url, headers, params)
        return str(result["_meta"][DENIAL_KEY]["code"]) if result.get("isError") else "allowed"

    server = guard(mcp_server.make(effects.path), story.verifier())
    with http_server(server, stateless_http=True, json_response=True) as url:
        used = fresh()
        assert code([(HEADER, used)]) == "allowed"
        assert code([(HEADER, used)]) == "proof-replayed"
        assert code([(HEADER.lower(), fresh())]) == "allowed"
        assert len(effects()) == 2
        assert code([]) == "proof-missing"
        assert code([(HEADER, "")]) == "proof-missing"
        assert code([(HEADER, fresh()), (HEADER, fresh())]) == "text-malformed"
        assert code([(HEADER, ""), (HEADER, "")]) == "text-malformed"
        assert code([("Authorization", f"Bearer {fresh()}")]) == "proof-missing"
        # _meta is the one that is read, whatever the header says.
        assert code([(HEADER, fresh())], {**params, "_meta": {META_KEY: ""}}) == "proof-missing"
        assert code([(HEADER, fresh())], {**params, "_meta": {META_KEY: None}}) == "proof-missing"
        assert code([(HEADER, fresh())], {**params, "_meta": {META_KEY: "x"}}) != "allowed"
        assert len(effects()) == 2
        assert code([(HEADER, "x")], {**params, "_meta": {META_KEY: fresh()}}) == "allowed"
        assert code([(HEADER, fresh())], {**params, "_meta": {"other": 1}}) == "allowed"
        assert len(effects()) == 4


def test_tools_and_handlers_that_come_later_are_guarded(story: Story, chain: Chain) -> None:
    ran: list[str] = []

    async def main() -> None:
        server = guard(MCPServer("later"), story.verifier())

        @server.tool()
        def deploy(env: str) -> str:
            ran.append(env)
            return env

        async with Client(server) as client:
            assert_denied(await client.call_tool("deploy", {"env": "staging"}), "proof-missing")
            assert ran == []
            sign_calls(client, Actor(story.coder, chain), SERVER)
            assert not (await client.call_tool("deploy", {"env": "staging"})).is_error
            assert ran == ["staging"]

        async def handler(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
            ran.append("lowlevel")
            return types.CallToolResult(content=[])

        lowlevel: Server[Any] = guard(Server("later"), story.verifier())
        lowlevel.add_request_handler("tools/call", types.CallToolRequestParams, handler)
        async with Client(lowlevel) as client:
            assert_denied(await client.call_tool("deploy", {"env": "staging"}), "proof-missing")
        assert ran == ["staging"]

    anyio.run(main)


def test_arguments_that_change_after_the_decision_are_not_used(story: Story, chain: Chain) -> None:
    """The tool gets what was decided about, even if somebody still holds the received dict."""
    seen: list[Any] = []
    received: list[dict[str, Any]] = []

    def sink(record: object) -> None:
        for arguments in received:
            arguments["env"] = "production"
            arguments["list"].append("more")

    async def handler(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        seen.append(params.arguments)
        return types.CallToolResult(content=[])

    async def main() -> None:
        arguments = {"env": "staging", "list": [1]}
        wide = story.ana.issue(to=story.coder, tools={"deploy": {}})
        server = Server("frozen", on_call_tool=handler)
        guard(server, story.verifier(audit=sink))
        entry = server.get_request_handler("tools/call")
        assert entry is not None
        params = types.CallToolRequestParams(
            name="deploy",
            arguments=arguments,
            _meta=meta_for(Actor(story.coder, wide), "deploy", arguments, SERVER),  # type: ignore[arg-type]
        )
        assert params.arguments is not None
        received.append(params.arguments)
        context: Any = type("Context", (), {"request": None})()
        await entry.handler(context, params)
        assert params.arguments["env"] == "production"
        assert seen == [{"env": "staging", "list": [1]}]

    anyio.run(main)


def test_names_of_tools_in_tokens(story: Story, effects: Effects) -> None:
    names = {"deploy": "acme.deploy"}

    async def main() -> None:
        chain = story.chain({"acme.deploy": {}})
        async with Client(guard(mcp_server.make(effects.path), story.verifier(), tools=names)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER, tools=names)
            assert not (await client.call_tool("deploy", {"env": "staging"})).is_error
            sign_calls(client, Actor(story.coder, chain), SERVER)
            assert_denied(await client.call_tool("deploy", {"env": "staging"}), "proof-mismatch")
        assert len(effects()) == 1

    anyio.run(main)


def test_challenges_and_contexts_of_the_server_are_asked_for_at_each_call(
    story: Story, chain: Chain, effects: Effects
) -> None:
    asked: list[Any] = []

    def challenge(ctx: Any, params: types.CallToolRequestParams) -> bytes | None:
        asked.append(params.name)
        return answers[0]()

    async def context(ctx: Any, params: types.CallToolRequestParams) -> str | None:
        await anyio.sleep(0)
        return contexts[0]

    answers: list[Any] = [lambda: b"eight by"]
    contexts: list[Any] = [None]
    arguments = {"env": "staging"}

    async def main() -> None:
        server = guard(mcp_server.make(effects.path), story.verifier(), challenge=challenge, context=context)

        async with Client(server) as client:

            async def call(given: bytes | None = None, to: Chain = chain) -> types.CallToolResult:
                meta: Any = meta_for(Actor(story.coder, to), "deploy", arguments, SERVER, challenge=given)
                return await client.call_tool("deploy", arguments, meta=meta)

            assert_denied(await call(), "challenge-mismatch")
            assert not (await call(b"eight by")).is_error
            assert len(asked) == 2
            # Where the server cannot say what is asked, or says nonsense, nobody is allowed.
            for wrong in (lambda: 1 / 0, lambda: "eight by", lambda: 8):
                answers[0] = wrong
                assert_denied(await call(b"eight by"), "config-invalid")
            answers[0] = lambda: None
            assert not (await call()).is_error
            contexts[0] = "tenant:1"
            assert_denied(await call(), "context-mismatch")
            assert not (await call(to=story.ana.issue(to=story.coder, tools=TOOLS, context="tenant:1"))).is_error
            contexts[0] = 5
            assert_denied(await call(), "config-invalid")
        assert len(effects()) == 3

    anyio.run(main)


def test_a_chain_that_is_renewed_is_asked_for_at_each_call(story: Story, chain: Chain, effects: Effects) -> None:
    chains = [chain, story.ana.issue(to=story.coder, tools={"echo": {}})]

    async def main() -> None:
        async with Client(guard(mcp_server.make(effects.path), story.verifier())) as client:
            sign_calls(client, Actor(story.coder, lambda: chains.pop(0)), SERVER)
            assert not (await client.call_tool("deploy", {"env": "staging"})).is_error
            assert_denied(await client.call_tool("deploy", {"env": "staging"}), "tool-not-allowed")

    anyio.run(main)


def test_a_session_is_signed_too(story: Story, chain: Chain, effects: Effects) -> None:
    async def main() -> None:
        async with stdio(story, effects, "high") as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            assert sign_calls(session, Actor(story.coder, chain), SERVER) is session
            assert not (await session.call_tool("deploy", {"env": "staging"})).is_error
        assert len(effects()) == 1

    anyio.run(main)


def test_what_cannot_be_guarded_or_signed_is_refused(story: Story, chain: Chain, effects: Effects) -> None:
    verifier = story.verifier()
    client = Client(mcp_server.make(effects.path))

    class Looks:
        def add_request_handler(self, *_: object) -> None: ...

        _lowlevel_server = None

    guarded = guard(mcp_server.make(effects.path), verifier)
    for use in (
        lambda: guard(None, verifier),
        lambda: guard(object(), verifier),
        lambda: guard(Looks(), verifier),
        lambda: guard(MCPServer, verifier),
        lambda: guard(Client, verifier),
        lambda: guard(guarded, verifier),
        lambda: guard(mcp_server.make(effects.path), None),  # type: ignore[arg-type]
        lambda: guard(mcp_server.make(effects.path), lambda: True),  # type: ignore[arg-type]
        lambda: guard(mcp_server.make(effects.path), verifier, tools={"a": 1}),  # type: ignore[dict-item]
        lambda: guard(mcp_server.make(effects.path), verifier, tools=["deploy"]),  # type: ignore[arg-type]
        lambda: guard(mcp_server.make(effects.path), verifier, challenge=b"eight by"),  # type: ignore[arg-type]
        lambda: guard(mcp_server.make(effects.path), verifier, context="tenant:1"),  # type: ignore[arg-type]
        lambda: sign_calls(object(), Actor(story.coder, chain), SERVER),  # type: ignore[type-var]
        lambda: sign_calls(client, Actor(story.coder, chain), SERVER),
        lambda: sign_calls(client, Actor("coder", chain), SERVER),  # type: ignore[arg-type]
        lambda: sign_calls(client, Actor(story.coder, chain.text), SERVER),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError) as caught:
            use()
        assert isinstance(caught.value, UnsupportedOperation)
        assert caught.value.code == "config-invalid"
    with pytest.raises(DeputizeError) as outside:
        caller()
    assert outside.value.code == "config-invalid"


@pytest.mark.parametrize("mode", ["2026-07-28", "auto"])
def test_each_round_of_a_call_that_asks_back_is_signed_afresh(mode: Any, story: Story, chain: Chain) -> None:
    proofs: list[Any] = []

    async def tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="deploy", input_schema={"type": "object"})])

    async def handler(
        ctx: Any, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        meta: Any = params.meta
        proofs.append(meta[META_KEY])
        if params.input_responses is None:
            schema: Any = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
            ask = types.ElicitRequest(params=types.ElicitRequestFormParams(message="Sure?", requested_schema=schema))
            return types.InputRequiredResult(input_requests={"sure": ask})
        return types.CallToolResult(content=[types.TextContent(type="text", text=deputize.mcp.caller().caller)])

    async def answer(ctx: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"sure": True})

    async def main() -> None:
        server = guard(Server("asks", on_call_tool=handler, on_list_tools=tools), story.verifier())
        with http_server(server) as url:
            async with Client(url, mode=mode, elicitation_callback=answer) as client:
                sign_calls(client, Actor(story.coder, chain), SERVER)
                assert text(await client.call_tool("deploy", {"env": "staging"})) == "coder"
        assert len(set(proofs)) == 2

    anyio.run(main)


def test_a_failing_store_denies(story: Story, chain: Chain, effects: Effects) -> None:
    class Broken:
        def commit(self, operations: list[Any], now_ms: int) -> bool:
            raise ConnectionError

    async def main() -> None:
        verifier = Verifier(trust=[story.ana], audience=SERVER, store=Broken())
        async with Client(guard(mcp_server.make(effects.path), verifier)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            assert_denied(await client.call_tool("deploy", {"env": "staging"}), "store-unavailable")
        assert effects() == []

    anyio.run(main)


def test_the_names_on_the_wire() -> None:
    names = (META_KEY, DENIAL_KEY, HEADER)
    assert names == ("dev.deputize/presentation", "dev.deputize/denial", "Deputize-Presentation")
    assert all(hasattr(deputize.mcp, name) for name in deputize.mcp.__all__)


def test_each_call_of_a_guarded_server_has_one_outcome_however_its_tool_ends(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "calls.log"
    started: list[anyio.Event] = []

    async def on_call(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        how = (params.arguments or {})["how"]
        if how == "raised":
            raise TypeError("secret")
        if how == "hangs":
            started[0].set()
            await anyio.sleep_forever()
        return types.CallToolResult(content=[], is_error=how == "error")

    server = Server("s", on_call_tool=on_call)
    guard(server, story.verifier(audit=AuditLog(path)))
    root = story.ana.issue(to=story.coder, tools={"t": {}})

    async def main() -> None:
        started.append(anyio.Event())
        async with Client(server) as client:
            sign_calls(client, Actor(story.coder, root), SERVER)
            for how in ("well", "error", "raised"):
                with suppress(Exception):
                    await client.call_tool("t", {"how": how})
            refusal = await client.call_tool("u", {})
            assert refusal.meta is not None
            proofs.append(refusal.meta[DENIAL_KEY]["proof"])
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "t", {"how": "hangs"})
                await started[0].wait()
                tasks.cancel_scope.cancel()

    proofs: list[str] = []
    anyio.run(main)
    records = [record for _, record in read_log(path)]
    errors = [record.get("error") for record in records if record["kind"] == "outcome"]
    assert errors == [None, "the tool reported an error", "TypeError", "cancelled"]
    assert open_calls(path) == []
    assert "secret" not in json.dumps(records)
    assert proofs == [record["proof"] for record in records if record.get("decision") == "deny"]


def test_a_decision_waits_only_for_what_may_wait(story: Story, tmp_path: Path) -> None:
    class Store:
        def commit(self, operations: list[Any], now_ms: int) -> bool:
            return True

    assert not story.verifier().waits
    assert not story.verifier(audit=AuditLog(tmp_path / "calls.log")).waits
    for options in (
        {"audit": AuditLog(tmp_path / "synced.log", sync=True)},
        {"audit": lambda record: None},
        {"store": Store()},
    ):
        assert story.verifier(**options).waits


@pytest.mark.parametrize("waits", [True, False])
def test_outcomes_are_recorded_in_either_way(waits: bool, story: Story, chain: Chain, tmp_path: Path) -> None:
    server = MCPServer("outcomes")

    @server.tool()
    def deploy(env: str) -> str:
        if env == "production":
            raise RuntimeError("no")
        return env

    async def main() -> None:
        verifier = story.verifier(audit=AuditLog(tmp_path / "calls.log", sync=waits))
        async with Client(guard(server, verifier)) as client:
            sign_calls(client, Actor(story.coder, chain), SERVER)
            for env in ("staging", "production", "elsewhere"):
                await client.call_tool("deploy", {"env": env})

    anyio.run(main)
    kinds = [record["kind"] for _, record in read_log(tmp_path / "calls.log")]
    assert kinds.count("outcome") == 2
    assert open_calls(tmp_path / "calls.log") == []


def test_a_presentation_is_read_back(story: Story, chain: Chain) -> None:
    presentation = story.coder.prove(chain, "echo", {}, SERVER)
    for again in (Presentation.from_text(presentation.text), Presentation.decode(presentation.bytes)):
        assert again.text == presentation.text
        assert again.unverified_chain() == chain
    for use, code in (
        (lambda: Presentation.from_text(""), "proof-missing"),
        (lambda: Presentation.from_text("a b"), "text-malformed"),
        (lambda: Presentation.from_text(5), "text-malformed"),
        (lambda: Presentation.from_text(chain.text), "malformed"),
        (lambda: Presentation.decode(b"x"), "malformed"),
        (lambda: Presentation.decode("x"), "malformed"),
    ):
        with pytest.raises(DeputizeError) as caught:
            use()
        assert caught.value.code == code, use
