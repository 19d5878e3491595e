"""The guard and the signer with the real A2A SDK, over JSON-RPC and REST on loopback."""

# row: {"framework": "A2A", "language": "Python", "package": "a2a-sdk", "extra": "a2a", "guards": "methods of a request handler; signs the calls of a client", "carries": "message metadata; header for other methods", "approvals": "denial with a request"}

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from a2a.client import ClientConfig, create_client
from a2a.helpers import (
    get_message_text,
    get_stream_response_text,
    new_data_message,
    new_task_from_user_message,
    new_text_message,
)
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    GetTaskRequest,
    Message,
    Role,
    SendMessageRequest,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import InvalidRequestError
from deputize import (
    Actor,
    Agent,
    ApprovalPolicy,
    ApprovalRequest,
    DeputizeError,
    UnsupportedOperation,
    Verifier,
    acting,
    anything,
    current_actor,
    each,
    fields,
    optional,
)
from deputize.a2a import EXTENSION, HEADER, META_KEY, _arguments, _taken, caller, guard, sign_calls
from google.protobuf.json_format import ParseDict
from running import ROOT, run, snippets
from starlette.applications import Starlette

AUDIENCE = "https://translator.example"
METHODS = {"SendMessage": "translate", "SendStreamingMessage": "translate", "GetTask": "look"}
MESSAGE = {"messageId": anything(), "role": "ROLE_USER", "*": anything()}
TOOLS: dict[str, Any] = {
    "translate": {"message": anything(), "configuration": optional(anything())},
    "look": {"id": anything()},
}


class Executor(AgentExecutor):
    def __init__(self) -> None:
        self.ran: list[Any] = []

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message is not None
        text = get_message_text(context.message)
        await asyncio.sleep(0)
        self.ran.append((caller().caller, text))
        assert META_KEY not in str(context.message)
        assert META_KEY not in str(caller().arguments)
        if text == "task":
            task = context.current_task or new_task_from_user_message(context.message)
            task.status.state = TaskState.TASK_STATE_INPUT_REQUIRED
            await event_queue.enqueue_event(task)
            return
        if context.current_task is not None:
            done = TaskStatus(state=TaskState.TASK_STATE_COMPLETED, message=reply(context, caller().caller))
            await event_queue.enqueue_event(
                TaskStatusUpdateEvent(task_id=context.task_id, context_id=context.context_id, status=done)
            )
            return
        if text == "break":
            raise RuntimeError("no")
        await event_queue.enqueue_event(reply(context, f"{caller().caller}: {text}"))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        self.ran.append(("cancel", caller().caller))


def reply(context: RequestContext, text: str) -> Message:
    return new_text_message(text, context_id=context.context_id, task_id=None, role=Role.ROLE_AGENT)


class World:
    def __init__(self, **options: Any) -> None:
        self.ana, self.coder = Agent.generate("ana"), Agent.generate("coder")
        self.records: list[Any] = []
        self.verifier = Verifier(trust=[self.ana], audience=AUDIENCE, audit=self.records.append, **options)
        self.executor = Executor()
        self.actor = Actor(self.coder, self.ana.issue(to=self.coder, tools=TOOLS))

    def handler(self, card: AgentCard) -> Any:
        return DefaultRequestHandler(self.executor, InMemoryTaskStore(), card)


def make_card(url: str, binding: str) -> AgentCard:
    return AgentCard(
        name="translator",
        description="translates",
        version="1",
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="t", name="t", description="t", tags=["t"])],
        supported_interfaces=[AgentInterface(url=url, protocol_binding=binding, protocol_version="1.0")],
    )


@contextmanager
def serving(world: World, binding: str, **options: Any) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        card = make_card(url, binding)
        handler = guard(world.handler(card), world.verifier, card, METHODS, **options)
        routes = [
            *create_agent_card_routes(card),
            *(create_jsonrpc_routes(handler, "/") if binding == "JSONRPC" else create_rest_routes(handler)),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(20)


@asynccontextmanager
async def connected(url: str, binding: str, *interceptors: Any, streaming: bool = False) -> AsyncIterator[Any]:
    async with httpx.AsyncClient(timeout=20) as transport:
        config = ClientConfig(streaming=streaming, httpx_client=transport, supported_protocol_bindings=[binding])
        yield await create_client(url, config, list(interceptors))


async def send(client: Any, message: Message | str) -> str:
    if isinstance(message, str):
        message = new_text_message(message, role=Role.ROLE_USER)
    events = [event async for event in client.send_message(SendMessageRequest(message=message))]
    return get_stream_response_text(events[-1])


async def denied(client: Any, message: Message | str = "hi") -> str:
    with pytest.raises(Exception, match=r"denied|refused") as caught:
        await send(client, message)
    return str(caught.value)


@pytest.fixture
def world() -> World:
    return World()


KINDS = [("JSONRPC", False), ("JSONRPC", True), ("HTTP+JSON", False), ("HTTP+JSON", True)]


@pytest.mark.parametrize(("binding", "streaming"), KINDS)
def test_a_signed_message_runs_and_no_other(binding: str, streaming: bool, world: World) -> None:
    async def main(url: str) -> None:
        other = Agent.generate("other")
        foreign = Actor(world.coder, other.issue(to=world.coder, tools=TOOLS))
        narrow = Actor(world.coder, world.ana.issue(to=world.coder, tools={"look": {"id": anything()}}))
        for interceptors, code in (
            ((), "proof-missing"),
            ((sign_calls(world.actor, "https://other.example", METHODS),), "audience-mismatch"),
            ((sign_calls(foreign, AUDIENCE, METHODS),), "issuer-untrusted"),
            ((sign_calls(narrow, AUDIENCE, METHODS),), "tool-not-allowed"),
            (
                (
                    sign_calls(
                        world.actor, AUDIENCE, {**METHODS, "SendMessage": "look", "SendStreamingMessage": "look"}
                    ),
                ),
                "proof-mismatch",
            ),
        ):
            async with connected(url, binding, *interceptors, streaming=streaming) as client:
                assert code in await denied(client)
        assert world.executor.ran == []
        async with connected(url, binding, sign_calls(world.actor, AUDIENCE, METHODS), streaming=streaming) as client:
            assert await send(client, "hi") == "coder: hi"
            data = new_data_message({"n": 1.0, "f": 0.5, "l": [], "m": {}, "t": True, "z": None}, role=Role.ROLE_USER)
            assert await send(client, data) == "coder: "
            # The same request again is another attempt.
            request = SendMessageRequest(message=new_text_message("twice", role=Role.ROLE_USER))
            for _ in range(2):
                events = [event async for event in client.send_message(request)]
                assert get_stream_response_text(events[-1]) == "coder: twice"
            assert META_KEY not in request.message.metadata
        assert len(world.executor.ran) == 4

    with serving(world, binding) as url:
        asyncio.run(main(url))
    kinds = [getattr(record, "kind", "decision") for record in world.records]
    assert kinds.count("outcome") == 4


def test_what_was_signed_is_the_whole_request_and_is_good_once(world: World) -> None:
    """What passes between the interceptor and the server is changed, and sent again."""
    changes: list[Any] = []

    class Change:
        async def before(self, args: Any) -> None:
            change = changes.pop(0)
            change(args.input)

        async def after(self, args: Any) -> None: ...

    kept: list[SendMessageRequest] = []

    def keep(request: SendMessageRequest) -> None:
        kept.append(SendMessageRequest())
        kept[0].CopyFrom(request)

    def text(request: SendMessageRequest) -> None:
        request.message.parts[0].text = "other"

    def metadata(request: SendMessageRequest) -> None:
        request.message.metadata["more"] = 1

    def configuration(request: SendMessageRequest) -> None:
        request.configuration.return_immediately = True

    def number(request: SendMessageRequest) -> None:
        request.message.metadata[META_KEY] = 5

    async def main(url: str) -> None:
        async with connected(url, "JSONRPC", sign_calls(world.actor, AUDIENCE, METHODS), Change()) as client:
            for change, code in (
                (text, "proof-mismatch"),
                (metadata, "proof-mismatch"),
                (configuration, "proof-mismatch"),
                (number, "malformed"),
            ):
                changes.append(change)
                assert code in await denied(client)
            assert world.executor.ran == []
            changes.append(keep)
            assert await send(client, "hi") == "coder: hi"
            changes.append(lambda request: request.CopyFrom(kept[0]))
            assert "proof-replayed" in await denied(client)
        assert len(world.executor.ran) == 1

    with serving(world, "JSONRPC") as url:
        asyncio.run(main(url))


def test_other_methods_are_tools_too_and_those_without_a_name_are_not_served(world: World) -> None:
    async def main(url: str, binding: str) -> None:
        signing = sign_calls(world.actor, AUDIENCE, METHODS)
        async with connected(url, binding, signing) as client, connected(url, binding) as unsigned:
            request = SendMessageRequest(message=new_text_message("task", role=Role.ROLE_USER))
            (event,) = [event async for event in client.send_message(request)]
            assert META_KEY not in str(event)
            look = GetTaskRequest(id=event.task.id)
            assert (await client.get_task(look)).id == event.task.id
            with pytest.raises(Exception, match="proof-missing"):
                await unsigned.get_task(look)
            from a2a.types import CancelTaskRequest, ListTasksRequest

            for client_ in (client, unsigned):
                with pytest.raises(Exception, match="not served here: CancelTask"):
                    await client_.cancel_task(CancelTaskRequest(id=event.task.id))
                with pytest.raises(Exception, match="not served here: ListTasks"):
                    await client_.list_tasks(ListTasksRequest())

    for binding in ("JSONRPC", "HTTP+JSON"):
        with serving(world, binding) as url:
            asyncio.run(main(url, binding))
    assert all(what != "cancel" for what, _ in world.executor.ran)


def test_two_headers_are_malformed_and_neither_reaches_the_handler(world: World) -> None:
    card = make_card("https://translator.example", "JSONRPC")
    handler = guard(world.handler(card), world.verifier, card, METHODS, unguarded=["ListTasks"])

    async def codes() -> None:
        text = world.actor.prove("look", {"id": "1"}, AUDIENCE).text
        context = ServerCallContext(state={"headers": {HEADER: text, HEADER.lower(): text, "accept": "*/*"}})
        with pytest.raises(InvalidRequestError) as caught:
            await handler.on_get_task(GetTaskRequest(id="1"), context)
        assert "text-malformed" in str(caught.value)
        assert context.state["headers"] == {"accept": "*/*"}

    asyncio.run(codes())


def test_two_callers_of_one_task_and_fifty_sessions_are_who_they_are(world: World) -> None:
    agents = [Agent.generate(f"agent-{number}") for number in range(50)]
    actors = [Actor(agent, world.ana.issue(to=agent, tools=TOOLS)) for agent in agents]

    async def session(client: Any, actor: Actor) -> None:
        with acting(actor):
            assert await send(client, "hi") == f"{actor.agent.name}: hi"

    async def main(url: str) -> None:
        signing = sign_calls(current_actor, AUDIENCE, METHODS)
        async with (
            connected(url, "JSONRPC", signing) as plain,
            connected(url, "JSONRPC", signing, streaming=True) as streamed,
        ):
            with pytest.raises(DeputizeError) as caught:
                await send(plain, "hi")
            assert caught.value.code == "proof-missing"
            await asyncio.gather(*(session(client, actor) for actor in actors for client in (plain, streamed)))
            with acting(actors[0]):
                request = SendMessageRequest(message=new_text_message("task", role=Role.ROLE_USER))
                (event,) = [event async for event in plain.send_message(request)]
            with acting(actors[1]):
                more = new_text_message(
                    "more", context_id=event.task.context_id, task_id=event.task.id, role=Role.ROLE_USER
                )
                await send(plain, more)

    with serving(world, "JSONRPC") as url:
        asyncio.run(main(url))
    assert world.executor.ran[-2:] == [("agent-0", "task"), ("agent-1", "more")]
    assert len(world.executor.ran) == 102


def test_an_approval_is_asked_for_and_signed_beside_the_next_attempt() -> None:
    bo, mallory = Agent.generate("bo"), Agent.generate("mallory")
    world = World(approvals=ApprovalPolicy(1, [bo]))
    seen: list[ApprovalRequest] = []
    approver: list[Agent] = []

    def evidence(tool: str, arguments: dict[str, Any]) -> list[Any]:
        seen.append(ApprovalRequest(world.actor.chain, tool, arguments, AUDIENCE))
        return [agent.approve(seen[-1]) for agent in approver]

    async def main(url: str) -> None:
        signing = sign_calls(world.actor.with_evidence(evidence), AUDIENCE, METHODS)
        async with connected(url, "JSONRPC", signing) as client:
            message = new_text_message("hi", role=Role.ROLE_USER)
            assert "approval-required" in await denied(client, message)
            assert "hi" in seen[-1].text
            approver[:] = [mallory]
            assert "approv" in await denied(client, message)
            assert world.executor.ran == []
            approver[:] = [bo]
            assert await send(client, message) == "coder: hi"

    with serving(world, "JSONRPC") as url:
        asyncio.run(main(url))


def test_a_stream_that_is_left_ends_with_an_outcome_and_its_reader_is_not_the_caller(world: World) -> None:
    async def main() -> None:
        card = make_card("http://127.0.0.1", "JSONRPC")
        served = guard(world.handler(card), world.verifier, card, METHODS)
        request = SendMessageRequest(message=new_text_message("task", role=Role.ROLE_USER))
        args = SimpleNamespace(method="send_message_streaming", input=request, context=None)
        await sign_calls(world.actor, AUDIENCE, METHODS).before(args)
        events = served.on_message_send_stream(args.input, ServerCallContext())
        await anext(events)
        with pytest.raises(DeputizeError):
            caller()
        await events.aclose()
        await served.aclose()

    asyncio.run(main())
    assert world.executor.ran == [("coder", "task")]
    outcomes = [record.json() for record in world.records if getattr(record, "kind", "") == "outcome"]
    assert ["cancelled" in line for line in outcomes] == [True]


def test_constraints_reach_into_the_message(world: World) -> None:
    only_hi = fields({"messageId": anything(), "role": "ROLE_USER", "parts": each({"text": "hi"})})
    actor = Actor(world.coder, world.ana.issue(to=world.coder, tools={"translate": {"message": only_hi}}))

    async def main(url: str) -> None:
        async with connected(url, "JSONRPC", sign_calls(actor, AUDIENCE, METHODS)) as client:
            assert await send(client, "hi") == "coder: hi"
            assert "argument-refused" in await denied(client, "ho")

    with serving(world, "JSONRPC") as url:
        asyncio.run(main(url))


def test_what_cannot_be_guarded_is_refused_at_the_start(world: World) -> None:
    card = make_card("http://127.0.0.1", "JSONRPC")
    handler = world.handler(card)
    for make in (
        lambda: guard(object(), world.verifier, card, METHODS),
        lambda: guard(handler, object(), card, METHODS),
        lambda: guard(handler, world.verifier, object(), METHODS),
        lambda: guard(handler, world.verifier, card, {"message/send": "translate"}),
        lambda: guard(handler, world.verifier, card, METHODS, unguarded=["GetTask"]),
        lambda: guard(handler, world.verifier, card, METHODS, unguarded=["Nothing"]),
        lambda: guard(guard(handler, world.verifier, card, METHODS), world.verifier, card, METHODS),
        lambda: sign_calls(object(), AUDIENCE, METHODS),
        lambda: sign_calls(world.actor, None, METHODS),
        lambda: sign_calls(world.actor, AUDIENCE, {"Nothing": "x"}),
    ):
        with pytest.raises((DeputizeError, UnsupportedOperation)) as caught:
            make()
        assert caught.value.code == "config-invalid"
    assert [(extension.uri, extension.required) for extension in card.capabilities.extensions] == [(EXTENSION, True)]


TABLE = json.loads((Path(__file__).parents[2] / "http" / "a2a-requests.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_a_request_is_the_same_arguments_in_both_languages(case: dict[str, Any]) -> None:
    request, shown = _taken(ParseDict(case["request"], SendMessageRequest()))
    assert _arguments(request) == case["arguments"]
    assert shown == case["request"]["message"].get("metadata", {}).get(META_KEY)


def test_the_guide_and_the_example_run_as_they_are_written(tmp_path: Path) -> None:
    (source,) = snippets("http.md", "## A2A")
    assert run(tmp_path, source).splitlines() == ["coder says hi", "True"]
    example = (ROOT / "examples" / "python" / "a2a_agents.py").read_text(encoding="utf-8")
    assert run(tmp_path, example).splitlines() == [
        "without a proof: proof-missing",
        "planner for ana: 2 words",
        "coder, whom the planner asked: 3 words",
        "coder, a longer text: argument-refused",
    ]
