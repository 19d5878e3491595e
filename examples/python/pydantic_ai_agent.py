"""Two agents of Pydantic AI: one runs the other in a tool, which gets a narrower token; a person approves a call."""

import deputize.pydantic_ai
from deputize import Actor, Agent, Approver, SubAgent, Verifier, acting, caller
from pydantic_ai import Agent as Worker
from pydantic_ai import DeferredToolRequests, RunContext
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel

APP = "https://app.example"


def script(*turns):
    """Stands for a model: it says what it was told to, and then what the tools answered."""
    left = list(turns)

    def say(messages, info):
        if left:
            return ModelResponse([ToolCallPart(tool, args) for tool, args in left.pop(0)])
        answers = [part.content for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
        return ModelResponse([TextPart("\n".join(answers))])

    return FunctionModel(say)


def main() -> None:
    ana, planner, coder, bo = (Agent.generate(name) for name in ("ana", "planner", "coder", "bo"))
    verifier = Verifier(trust=[ana], audience=APP)

    declared = SubAgent(coder, {"write": {"path": deputize.path("/src")}}, ttl="5m")
    coding = Worker(
        script([("write", {"path": "/src/app.py"}), ("write", {"path": "/etc/passwd"})]),
        capabilities=[deputize.pydantic_ai.guard(verifier, who=declared)],
    )
    planning = Worker(
        script([("ask_coder", {"task": "fix it"})], [("deploy", {"env": "staging"})]),
        capabilities=[deputize.pydantic_ai.guard(verifier)],
        output_type=[str, DeferredToolRequests],
    )

    @coding.tool_plain
    def write(path: str) -> str:
        """Writes a file."""
        return f"{caller().caller} for {caller().on_behalf_of} writes {path}"

    @planning.tool
    async def ask_coder(ctx: RunContext[None], task: str) -> str:
        """Asks the coder."""
        return (await coding.run(task, usage=ctx.usage)).output

    @planning.tool_plain
    def deploy(env: str) -> str:
        """Deploys the release."""
        return f"{caller().caller} deploys to {env}"

    def ask(request):
        print("bo is asked:", request.text.splitlines()[1])
        return True

    chain = ana.issue(
        to=planner,
        tools={"ask_coder": {}, "write": {}, "deploy": {}},
        approvals={"deploy": {"count": 1, "approvers": [bo.key]}},
        reason="release 1.0",
    )
    with acting(Actor(planner, chain)):
        waiting = planning.run_sync("fix it, and release")
        results = deputize.pydantic_ai.answer(waiting.output, Approver(bo, ask))
        done = planning.run_sync(message_history=waiting.all_messages(), deferred_tool_results=results)
    print(done.output)


if __name__ == "__main__":
    main()
