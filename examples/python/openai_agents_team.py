"""Two agents of the OpenAI Agents SDK: a handoff narrows what may be done, and a person approves a call."""

import json

import deputize.openai_agents
from agents import Agent as Worker
from agents import RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from deputize import Actor, Agent, ApprovalPolicy, Approver, SubAgent, Verifier, acting, caller

APP = "https://app.example"


def call(name, number, **arguments):
    return function_call(name, json.dumps(arguments), call_id=f"call-{number}", item_id=f"item-{number}")


@function_tool
def read(path: str) -> str:
    """Reads a file."""
    return f"{caller().caller} reads {path}"


@function_tool
def deploy(env: str) -> str:
    """Deploys the release."""
    return f"{caller().caller} for {caller().on_behalf_of} deploys to {env}"


def main() -> None:
    ana, planner, coder, bo = (Agent.generate(name) for name in ("ana", "planner", "coder", "bo"))
    verifier = Verifier(trust=[ana], audience=APP, approvals=ApprovalPolicy(1, [bo], harmless=["read"]))

    deploying = Worker(
        name="coder",
        tools=[read, deploy],
        model=ScriptedModel(
            [
                [call("deploy", 2, env="staging"), call("deploy", 3, env="production")],
                [assistant_message("done")],
            ]
        ),
    )
    planning = Worker(
        name="planner",
        tools=[read],
        handoffs=[deploying],
        model=ScriptedModel([[call("read", 0, path="/plan.md")], [call("transfer_to_coder", 1)]]),
    )
    deputize.openai_agents.guard(planning, verifier)
    deputize.openai_agents.guard(deploying, verifier, who=SubAgent(coder, {"deploy": {"env": "staging"}}, ttl="5m"))

    def ask(request):
        print("bo is asked:", request.text.splitlines()[1])
        return True

    chain = ana.issue(to=planner, tools={"read": {}, "deploy": {}}, reason="release 1.0")
    quiet = RunConfig(tracing_disabled=True)
    with acting(Actor(planner, chain)):
        waiting = Runner.run_sync(planning, "release it", run_config=quiet)
        state = deputize.openai_agents.answer(waiting, Approver(bo, ask))
        result = Runner.run_sync(planning, state, run_config=quiet)
    for item in result.new_items:
        if item.type == "tool_call_output_item":
            print(item.output)


if __name__ == "__main__":
    main()
