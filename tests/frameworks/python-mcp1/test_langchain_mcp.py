"""langchain-mcp-adapters: every way that it opens a session signs, with an agent of LangChain and a scripted model."""

# row: {"framework": "langchain-mcp-adapters", "language": "Python", "package": "langchain-mcp-adapters", "extra": "langchain-mcp", "guards": "MultiServerMCPClient signs; the server guards", "carries": "_meta, argument", "approvals": "denial and retry"}

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import deputize.langchain_mcp
import pytest
from deputize import Actor, Agent, DeputizeError, UnsupportedOperation, acting, current_actor, versions
from deputize.langchain_mcp import sign_calls
from deputize.mcp import META_KEY, guard
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp1_world import AUDIENCE, TOOLS, World, make, program, serving

ROOT = Path(__file__).parents[3]
STAGING = {"env": "staging"}


class Scripted(GenericFakeChatModel):
    """A model that says what it is told to."""

    def bind_tools(self, tools: Any, **options: Any) -> Scripted:
        return self


def scripted(*calls: tuple[str, dict[str, Any]]) -> Scripted:
    """One message with all these calls, then the end."""
    made: Any = [{"name": name, "args": args, "id": f"call-{at}"} for at, (name, args) in enumerate(calls)]
    return Scripted(messages=iter([AIMessage(content="", tool_calls=made), AIMessage(content="done")]))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving(guard(make(world.effects), world.verifier()).streamable_http_app()) as at:
        yield at


def http(url: str) -> Any:
    return {"deploy": {"transport": "http", "url": url}}


def stdio(world: World) -> Any:
    parameters = program(world.ana.did)
    return {"deploy": {"transport": "stdio", "command": parameters.command, "args": parameters.args}}


async def said(tools: list[Any], *calls: tuple[str, dict[str, Any]]) -> list[str]:
    state = await create_agent(scripted(*calls), tools).ainvoke({"messages": [("user", "deploy")]})
    # Nothing of a presentation is anywhere that the model or a trace reads.
    assert META_KEY not in repr(state)
    assert META_KEY not in repr([tool.args for tool in tools])
    answers = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    return [f"{message.status}: {message.text}" for message in answers]


@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_an_agent_whose_calls_are_signed(transport: str, world: World, url: str) -> None:
    async def main() -> None:
        connections = http(url) if transport == "http" else stdio(world)
        calls = (("deploy", STAGING), ("who", {}), ("deploy", {"env": "production"}))
        unsigned = await MultiServerMCPClient(connections).get_tools()
        assert all(answer.startswith("error: denied: proof-missing") for answer in await said(unsigned, *calls))
        assert world.effects == []
        client = sign_calls(MultiServerMCPClient(connections), world.actor(), {"deploy": AUDIENCE})
        first, second, third = await said(await client.get_tools(), *calls)
        assert (first, second) == ("success: coder: staging × 1", "success: coder")
        assert third.startswith("error: denied: argument-refused")
        # Sessions that stay open.
        async with client.session("deploy") as session:
            answers = await said(await load_mcp_tools(session), *calls[:2])
            assert answers == ["success: coder: staging × 1", "success: coder"]
        if transport == "http":
            assert len(world.effects) == 4

    asyncio.run(main())


def test_what_an_argument_carries(world: World) -> None:
    async def main() -> None:
        server = guard(make(world.effects), world.verifier(), accept_argument=True)
        with serving(server.streamable_http_app()) as url:
            client = MultiServerMCPClient(http(url))
            sign_calls(client, world.actor(), {"deploy": AUDIENCE}, carry="argument")
            assert await said(await client.get_tools(), ("deploy", STAGING)) == ["success: coder: staging × 1"]

    asyncio.run(main())


def test_other_interceptors_come_before_the_signature(world: World, url: str) -> None:
    async def edit(request: Any, handler: Any) -> Any:
        changed = request.override(args={**request.args, "replicas": 2}, headers={"X-Trace": "1"})
        return await handler(changed)

    async def twice(request: Any, handler: Any) -> Any:
        await handler(request)
        return await handler(request)  # a retry is signed afresh

    async def main() -> None:
        client = MultiServerMCPClient(http(url), tool_interceptors=[twice, edit])
        sign_calls(client, world.actor(), {"deploy": AUDIENCE})
        assert await said(await client.get_tools(), ("deploy", STAGING)) == ["success: coder: staging × 2"]
        assert world.effects == [("staging", 2)] * 2

    asyncio.run(main())


def test_an_approver_is_asked(world: World) -> None:
    async def main() -> None:
        with serving(guard(make(world.effects), world.approved()).streamable_http_app()) as url:
            for answer, expected in ((True, "success: coder: staging"), (False, "error: denied: approval-denied")):
                client = MultiServerMCPClient(http(url))
                sign_calls(client, world.actor(), {"deploy": AUDIENCE}, approver=world.approver(answer))
                (told,) = await said(await client.get_tools(), ("deploy", STAGING))
                assert told.startswith(expected)
        assert len(world.effects) == 1

    asyncio.run(main())


def test_tokens_that_are_wrong_run_nothing(world: World, url: str) -> None:
    eve = Agent.generate("eve")

    async def main() -> None:
        for actor, audience, expected in (
            (Actor(world.coder, eve.issue(to=world.coder, tools=TOOLS)), AUDIENCE, "issuer-untrusted"),
            (world.actor(), "https://other.example", "audience-mismatch"),
        ):
            client = sign_calls(MultiServerMCPClient(http(url)), actor, {"deploy": audience})
            (told,) = await said(await client.get_tools(), ("deploy", STAGING))
            assert told.startswith(f"error: denied: {expected}")
        client = sign_calls(MultiServerMCPClient(http(url)), Actor(eve, world.chain()), {"deploy": AUDIENCE})
        with pytest.raises(DeputizeError) as caught:
            await said(await client.get_tools(), ("deploy", STAGING))
        assert caught.value.code == "holder-mismatch"
        assert world.effects == []

    asyncio.run(main())


def test_many_runs_at_once_have_their_own_caller(world: World, url: str) -> None:
    async def main() -> None:
        client = sign_calls(MultiServerMCPClient(http(url)), current_actor, {"deploy": AUDIENCE})
        tools = await client.get_tools()
        with pytest.raises(DeputizeError) as caught:
            await said(tools, ("who", {}))
        assert caught.value.code == "proof-missing"

        async def run(name: str) -> tuple[str, list[str]]:
            agent = Agent.generate(name)
            with acting(Actor(agent, world.ana.issue(to=agent, tools=TOOLS))):
                return name, await said(tools, ("who", {}), ("who", {}))

        for name, answers in await asyncio.gather(*(run(f"agent-{number}") for number in range(10))):
            assert answers == [f"success: {name}"] * 2

    asyncio.run(main())


def test_a_server_without_an_audience_is_loud(world: World, url: str) -> None:
    for wrong in ({}, {"other": AUDIENCE}):
        with pytest.raises(UnsupportedOperation, match="audiences"):
            sign_calls(MultiServerMCPClient(http(url)), world.actor(), wrong)
    signed = sign_calls(MultiServerMCPClient(http(url)), world.actor(), {"deploy": AUDIENCE})
    for use in (
        lambda: sign_calls(signed, world.actor(), {"deploy": AUDIENCE}),
        lambda: sign_calls(object(), world.actor(), {"deploy": AUDIENCE}),  # type: ignore[arg-type]
        lambda: sign_calls(MultiServerMCPClient(http(url)), world.actor(), {"deploy": AUDIENCE}, carry="header"),
        lambda: sign_calls(MultiServerMCPClient(http(url)), None, {"deploy": AUDIENCE}),  # type: ignore[arg-type]
    ):
        with pytest.raises(UnsupportedOperation):
            use()

    async def main() -> None:
        # A server that nothing is signed for, said so.
        plain = sign_calls(MultiServerMCPClient(http(url)), world.actor(), {"deploy": None})
        (told,) = await said(await plain.get_tools(), ("who", {}))
        assert told.startswith("error: denied: proof-missing")
        async with plain.session("deploy") as session:
            assert (await session.call_tool("who")).isError
        # One that came later.
        signed.connections["later"] = http(url)["deploy"]
        with pytest.raises(UnsupportedOperation, match="audiences"):
            await said(await signed.get_tools(server_name="later"), ("who", {}))
        with pytest.raises(UnsupportedOperation, match="audiences"):
            async with signed.session("later"):
                pass
        assert world.effects == []

    asyncio.run(main())


def test_nothing_of_a_presentation_is_logged(world: World, url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        client = sign_calls(MultiServerMCPClient(http(url)), world.actor(), {"deploy": AUDIENCE})
        with caplog.at_level(logging.INFO):
            await said(await client.get_tools(), ("who", {}))

    asyncio.run(main())
    assert META_KEY not in caplog.text


@pytest.mark.parametrize("found", ["0.2.9", "0.4.0", None])
def test_another_version_is_refused_with_the_command_that_mends_it(
    found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        if found is None:
            raise metadata.PackageNotFoundError
        return found

    monkeypatch.setattr(versions.metadata, "version", version)
    source = Path(deputize.langchain_mcp.__file__).read_text()
    with pytest.raises(ImportError, match=r"pip install 'deputize\[langchain-mcp\]'"):
        exec(compile(source, "langchain_mcp.py", "exec"), {"__name__": "again"})


def test_the_guide(tmp_path: Path) -> None:
    sys.path.append(str(ROOT / "tests" / "frameworks" / "python"))
    import guide

    agent, server = guide.snippets("mcp.md", "## langchain-mcp-adapters")
    (tmp_path / "server.py").write_text(server, encoding="utf-8")
    allowed, denied = guide.run(agent, tmp_path)
    assert allowed == "coder: staging"
    assert denied.startswith("denied: argument-refused: ")


def test_the_example() -> None:
    script = ROOT / "examples" / "python" / "mcp_adapters.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "success: staging × 1, by coder for ana"
    assert done.stdout.splitlines()[1].startswith("error: denied: argument-refused: ")
