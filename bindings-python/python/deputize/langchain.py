"""Guarded tools of LangChain's agents: `pip install deputize[langchain]`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn, final

from deputize.versions import require

require("langchain", "1.4", "1.5", "langchain")

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse  # noqa: E402
from langgraph.prebuilt.tool_node import ToolCallRequest  # noqa: E402

from deputize._native import Verifier  # noqa: E402
from deputize.actor import Actor, unsupported  # noqa: E402
from deputize.guarding import caller  # noqa: E402
from deputize.langgraph import acting_as, answer  # noqa: E402
from deputize.tool_calls import ToolCalls  # noqa: E402

__all__ = ["acting_as", "answer", "caller", "guard"]


def guard(
    verifier: Verifier,
    *,
    tools: Mapping[str, str] | None = None,
    elsewhere: Iterable[str] = (),
    actor: Callable[[Any], Actor | None] | None = None,
    ask: bool = True,
) -> AgentMiddleware[Any, Any, Any]:
    """The last middleware of an agent: each tool call is signed by whoever acts and verified before the tool runs.

    ``tools`` says what tools are called in tokens, where that differs. ``elsewhere`` names tools that another server
    guards, or the model's provider runs. ``actor`` finds whose run it is in the ``ToolRuntime``, in place of
    ``acting``. A call that needs an approval interrupts the agent, which :func:`answer` resumes; with ``ask=False``, or
    without a checkpointer, it is refused.
    """
    return _Middleware(ToolCalls(verifier, tools, elsewhere, actor, ask))


@final
class _Middleware(AgentMiddleware[AgentState[Any], Any, Any]):
    def __init__(self, calls: ToolCalls) -> None:
        super().__init__()
        self._calls = calls

    def __init_subclass__(cls, **kwargs: Any) -> NoReturn:
        raise TypeError("the guard cannot be subclassed")

    @property
    def name(self) -> str:
        return "deputize"

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]) -> Any:
        result = self._calls.wrap_tool_call(request, handler)
        self._calls.tasks.done(request.runtime.config)  # each call of an agent is a task of its own
        return result

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        result = await self._calls.awrap_tool_call(request, handler)
        self._calls.tasks.done(request.runtime.config)
        return result

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        self._check(request)
        return handler(request)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        self._check(request)
        return await handler(request)

    def _check(self, request: ModelRequest[Any]) -> None:
        """What the provider of a model runs by itself passes no guard."""
        for tool in request.tools:
            if isinstance(tool, dict) and not {tool.get("name"), tool.get("type")} & self._calls.local.elsewhere:
                name = tool.get("name") or tool.get("type")
                raise unsupported(f"`{name}` is not run here; if that is meant, name it in `elsewhere`:", tool)
