"""A supervisor in LangGraph with two sub-agents: a declared one gets a narrower token, the other one is nobody."""

import deputize.langchain
from deputize import Actor, Agent, SubAgent, Verifier, acting, caller, current_actor
from deputize.langgraph import acting_as
from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

APP = "https://app.example"


class Model(GenericFakeChatModel):
    """Stands for a model: it says what it was told to."""

    def bind_tools(self, tools, **options):
        return self


@tool
def deploy(env: str) -> str:
    """Deploys the release."""
    chain = " > ".join(claims["holder_name"] for claims in caller().chain.claims)
    return f"{chain}: deployed to {env}"


def main() -> None:
    ana, planner, coder = Agent.generate("ana"), Agent.generate("planner"), Agent.generate("coder")
    verifier = Verifier(trust=[ana], audience=APP)

    def member(name, *environments):
        made = [{"name": "deploy", "args": {"env": env}, "id": f"{name}-{env}"} for env in environments]
        said = [AIMessage(content="", tool_calls=made), AIMessage(content="done")]
        return create_agent(
            Model(messages=iter(said)), [deploy], middleware=[deputize.langchain.guard(verifier)], name=name
        )

    graph = StateGraph(MessagesState)
    graph.add_node("planner", acting_as(member("planner", "production"), current_actor))
    declared = SubAgent(coder, {"deploy": {"env": "staging"}}, ttl="5m")
    graph.add_node("coder", acting_as(member("coder", "staging", "production"), declared))
    graph.add_node("intern", member("intern", "staging"))
    graph.add_edge(START, "planner")
    graph.add_edge("planner", "coder")
    graph.add_edge("coder", "intern")

    chain = ana.issue(to=planner, tools={"deploy": {}}, reason="release 1.0")
    with acting(Actor(planner, chain)):
        result = graph.compile().invoke({"messages": [("user", "release it")]})
    for message in result["messages"]:
        if message.type == "tool":
            print(f"{message.tool_call_id}: {message.content}")


if __name__ == "__main__":
    main()
