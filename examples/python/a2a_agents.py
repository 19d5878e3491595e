"""Agents of A2A: a planner asks one that counts words, and a coder, who gets less than the planner has, asks it too."""

import anyio
import httpx
from a2a.client import Client, ClientConfig, create_client
from a2a.helpers import get_message_text, get_stream_response_text, new_text_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, Role, SendMessageRequest
from deputize import Actor, Agent, SubAgent, Verifier, acting, anything, current_actor, each, fields, length, optional
from deputize.a2a import caller, guard, sign_calls
from starlette.applications import Starlette

AUDIENCE = "https://words.example"
TOOLS = {"SendMessage": "count", "SendStreamingMessage": "count"}


class Words(AgentExecutor):
    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        who = caller()
        whom = (
            f"{who.caller} for {who.on_behalf_of}"
            if len(who.chain.claims) == 1
            else f"{who.caller}, whom the planner asked"
        )
        text = f"{whom}: {len(get_message_text(context.message).split())} words"
        await event_queue.enqueue_event(new_text_message(text, context_id=context.context_id))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        pass


def texts(most: int) -> dict[str, object]:
    """Messages of the user's, of texts that are not too long."""
    part = fields({"text": length(0, most)})
    message = fields({"messageId": anything(), "role": "ROLE_USER", "parts": each(part)})
    return {"count": {"message": message, "configuration": optional(anything())}}


async def ask(client: Client, text: str) -> str:
    request = SendMessageRequest(message=new_text_message(text, role=Role.ROLE_USER))
    try:
        return [get_stream_response_text(event) async for event in client.send_message(request)][-1]
    except Exception as error:  # an error of the protocol, whose text begins with the code
        return str(error).split("denied: ")[1].split(":")[0]


async def main() -> None:
    ana, planner, coder = Agent.generate("ana"), Agent.generate("planner"), Agent.generate("coder")
    card = AgentCard(
        name="words",
        description="counts words",
        version="1",
        capabilities=AgentCapabilities(streaming=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        supported_interfaces=[AgentInterface(url=AUDIENCE, protocol_binding="JSONRPC", protocol_version="1.0")],
    )
    handler = DefaultRequestHandler(Words(), InMemoryTaskStore(), card)
    app = Starlette(
        routes=create_jsonrpc_routes(guard(handler, Verifier(trust=[ana], audience=AUDIENCE), card, TOOLS), "/")
    )
    may = SubAgent(coder, texts(20), ttl="5m")  # declared once, beside the sub-agent

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as transport:
        config = ClientConfig(httpx_client=transport)
        print("without a proof:", await ask(await create_client(card, config), "one two"))
        signing = sign_calls(current_actor, AUDIENCE, TOOLS)
        client = await create_client(card, config, interceptors=[signing])
        with acting(Actor(planner, ana.issue(to=planner, tools=texts(100), max_depth=1))):
            print(await ask(client, "one two"))
            with acting(current_actor().hand_over(may)):
                print(await ask(client, "one two three"))
                print("coder, a longer text:", await ask(client, "one two three four five"))


anyio.run(main)
