"""Guarded tools in LangGraph: `pip install deputize[langgraph]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deputize.versions import require

require("langgraph", "1.2", "1.3", "langgraph")

from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda  # noqa: E402
from langchain_core.tools import BaseTool  # noqa: E402
from langchain_core.tools import tool as make_tool  # noqa: E402
from langgraph.prebuilt import ToolNode  # noqa: E402
from langgraph.types import Command  # noqa: E402

from deputize._native import ApprovalRequest, Verifier  # noqa: E402
from deputize.actor import Actor, SubAgent, unsupported  # noqa: E402
from deputize.approver import Approver  # noqa: E402
from deputize.guarding import DENIAL_KEY, caller  # noqa: E402
from deputize.tool_calls import Declared, ToolCalls  # noqa: E402

__all__ = ["acting_as", "answer", "caller", "guard"]


def guard(
    served: Sequence[BaseTool | Callable[..., Any]],
    verifier: Verifier,
    *,
    tools: Mapping[str, str] | None = None,
    elsewhere: Iterable[str] = (),
    actor: Callable[[Any], Actor | None] | None = None,
    ask: bool = True,
    **options: Any,
) -> ToolNode:
    """A ``ToolNode`` of these tools, each call of which is signed by whoever acts and verified before the tool runs.

    ``tools`` says what tools are called in tokens, where that differs. ``elsewhere`` names tools that another server
    guards. ``actor`` finds whose run it is in the ``ToolRuntime``, in place of ``acting``. A call that needs an
    approval interrupts the graph, which :func:`answer` resumes; with ``ask=False``, or without a checkpointer, it is
    refused. The other options are those of ``ToolNode``.
    """
    if {"wrap_tool_call", "awrap_tool_call"} & set(options):
        raise unsupported("the guard wraps the calls itself:", options)
    made = [tool if isinstance(tool, BaseTool) else make_tool(tool) for tool in served]
    twice = {tool.name for tool in made if [other.name for other in made].count(tool.name) > 1}
    if twice:
        raise unsupported(f"several tools are called {', '.join(sorted(twice))}:", served)
    return _GuardedNode(made, ToolCalls(verifier, tools, elsewhere, actor, ask), **options)


def acting_as(
    agent: Runnable[Any, Any], who: SubAgent | Actor | Callable[[], Actor], *, name: str | None = None
) -> Runnable[Any, Any]:
    """An agent, as a node or called in a tool, with who it acts as: a declared sub-agent of whoever runs the graph or
    calls the tool, which gets a narrower token each time; or ``current_actor``, for the agent whose run it is."""
    if not isinstance(agent, Runnable):
        raise unsupported("not an agent of LangGraph:", agent)
    if type(who) not in (SubAgent, Actor) and not callable(who):
        raise unsupported("neither a SubAgent, an Actor nor a function that gives one:", who)
    declared = Declared(who)

    def run(given: Any, config: RunnableConfig) -> Any:
        with declared.at(config):
            return agent.invoke(given, config)

    async def run_async(given: Any, config: RunnableConfig) -> Any:
        with declared.at(config):
            return await agent.ainvoke(given, config)

    return RunnableLambda(run, run_async, name=name or getattr(agent, "name", None))


def answer(result: Any, *approvers: Approver) -> Command[Any]:
    """Asks approvers about every call that interrupted a graph; what resumes it. ``result`` is what the graph gave."""
    waiting = getattr(result, "interrupts", None) or (result.get("__interrupt__") if isinstance(result, dict) else None)
    answers = {}
    for one in waiting or ():
        if isinstance(one.value, dict) and DENIAL_KEY in one.value:
            request = ApprovalRequest.from_text(one.value["request"])
            answers[one.id] = [approver.decide(request).text for approver in approvers]
    if not answers:
        raise unsupported("nothing that waits for an approval:", result)
    return Command(resume=answers)


class _GuardedNode(ToolNode):
    """A node that knows what finished, for when LangGraph runs it again after an interrupt or a failure."""

    def __init__(self, tools: Sequence[BaseTool], calls: ToolCalls, **options: Any) -> None:
        super().__init__(tools, wrap_tool_call=calls.wrap_tool_call, awrap_tool_call=calls.awrap_tool_call, **options)
        self._tasks = calls.tasks

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        result = super().invoke(input, config, **kwargs)
        self._tasks.done(config)
        return result

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        result = await super().ainvoke(input, config, **kwargs)
        self._tasks.done(config)
        return result
