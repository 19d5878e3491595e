"""A LangChain agent with an identity: a call within its token, one beyond it, and one that a person approves."""

import deputize.langchain
from deputize import Actor, Agent, Approver, Verifier, acting, caller
from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

APP = "https://app.example"


class Model(GenericFakeChatModel):
    """Stands for a model: it says what it was told to."""

    def bind_tools(self, tools, **options):
        return self


def calls(name, *arguments):
    made = [{"name": name, "args": args, "id": f"{name}-{number}"} for number, args in enumerate(arguments)]
    return AIMessage(content="", tool_calls=made)


@tool
def read(path: str) -> str:
    """Reads a file."""
    return f"{caller().caller} for {caller().on_behalf_of} reads {path}"


@tool
def deploy(env: str) -> str:
    """Deploys the release."""
    return f"{caller().caller} for {caller().on_behalf_of} deploys to {env}"


def main() -> None:
    ana, coder, bo = Agent.generate("ana"), Agent.generate("coder"), Agent.generate("bo")
    verifier = Verifier(trust=[ana], audience=APP)

    script = [calls("read", {"path": "/src/app.py"}, {"path": "/etc/passwd"}), calls("deploy", {"env": "staging"})]
    agent = create_agent(
        Model(messages=iter([*script, AIMessage(content="done")])),
        [read, deploy],
        middleware=[deputize.langchain.guard(verifier)],
        checkpointer=InMemorySaver(),
    )

    chain = ana.issue(
        to=coder,
        tools={"read": {"path": deputize.path("/src")}, "deploy": {"env": "staging"}},
        approvals={"deploy": {"count": 1, "approvers": [bo.key]}},
        reason="release 1.0",
    )
    thread = {"configurable": {"thread_id": "1"}}

    def ask(request):
        print("bo is asked:", request.text.splitlines()[1])
        return True

    with acting(Actor(coder, chain)):
        waiting = agent.invoke({"messages": [("user", "read, and release")]}, thread)
        result = agent.invoke(deputize.langchain.answer(waiting, Approver(bo, ask)), thread)
    for message in result["messages"]:
        if message.type == "tool":
            print(f"{message.status}: {message.content}")


if __name__ == "__main__":
    main()
