"""Guarded tools of Pydantic AI: `pip install deputize[pydantic-ai]`."""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, final

from deputize.versions import require

require("pydantic-ai-slim", "2.68", "3", "pydantic-ai")

from pydantic_ai import RunContext  # noqa: E402
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering  # noqa: E402
from pydantic_ai.exceptions import ApprovalRequired, ToolFailed  # noqa: E402
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults  # noqa: E402
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool, WrapperToolset  # noqa: E402
from pydantic_core import to_json  # noqa: E402

from deputize._native import ApprovalRequest, Authorized, Verifier  # noqa: E402
from deputize.actor import Actor, SubAgent, acting, current_actor, unsupported  # noqa: E402
from deputize.approver import Approver  # noqa: E402
from deputize.errors import DeputizeError, UnsupportedOperation  # noqa: E402
from deputize.guarding import DENIAL_KEY, META_KEY, caller, denial_of, refusal_of, tool_names  # noqa: E402
from deputize.local import Local, answers_of, handing  # noqa: E402

__all__ = ["ANSWERS_KEY", "answer", "caller", "guard", "sign"]

#: The key of what approvers signed, in the metadata of a call that was deferred.
ANSWERS_KEY = "dev.deputize/approvals"
_MOST = 4096


def guard(
    verifier: Verifier,
    *,
    who: SubAgent | Callable[[], Actor] | None = None,
    tools: Mapping[str, str] | None = None,
    elsewhere: Iterable[str] = (),
    actor: Callable[[Any], Actor | None] | None = None,
) -> AbstractCapability[Any]:
    """A capability of an agent: each tool call is signed by whoever acts, and verified before the tool runs.

    ``who`` is declared beside a sub-agent: what it may do, of what the agent may whose tool runs it. Without it an
    agent that a tool runs is nobody. ``tools`` says what tools are called in tokens, where that differs. ``elsewhere``
    names tools that another server guards, or that run outside this process. ``actor`` finds whose run it is in the
    ``RunContext``, in place of ``acting``. A call that needs an approval is deferred; see :func:`answer`.
    """
    return _Guard(Local(verifier, tools, elsewhere, actor, who))


def sign(audience: str, *, tools: Mapping[str, str] | None = None) -> Callable[..., Awaitable[Any]]:
    """The ``process_tool_call`` of an ``MCPToolset``: each call to its server is signed by whoever acts."""
    names = tool_names(tools)

    async def process_tool_call(
        ctx: RunContext[Any], call_tool: Callable[..., Awaitable[Any]], name: str, arguments: dict[str, Any]
    ) -> Any:
        with _told():
            presentation = current_actor().prove(names.get(name, name), arguments, audience)
        return await call_tool(name, arguments, metadata={META_KEY: presentation.text})

    setattr(process_tool_call, "_deputize", True)  # noqa: B010
    return process_tool_call


def answer(requests: DeferredToolRequests, *approvers: Approver) -> DeferredToolResults:
    """Asks approvers about every call that waits for them; what the agent runs on with. What they did not approve stays
    denied."""
    results = DeferredToolResults()
    for call in requests.approvals:
        about = requests.metadata.get(call.tool_call_id, {})
        if DENIAL_KEY in about:
            request = ApprovalRequest.from_text(about["request"])
            signed = [approver.decide(request).text for approver in approvers]
            results.approvals[call.tool_call_id] = True  # the agent goes on; what counts is what was signed
            results.metadata[call.tool_call_id] = {ANSWERS_KEY: signed}
    if not results.approvals:
        raise unsupported("nothing that waits for an approval:", requests)
    return results


@final
class _Guard(AbstractCapability[Any]):
    """Sees the arguments of a call before and after they were validated, and stands next to the tools."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._calls: dict[str, tuple[Any, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> NoReturn:
        raise TypeError("the guard cannot be subclassed")

    def get_ordering(self) -> CapabilityOrdering:
        return CapabilityOrdering(position="innermost")

    async def for_run(self, ctx: RunContext[Any]) -> AbstractCapability[Any]:
        return _Guard(self._local)

    async def before_model_request(self, ctx: RunContext[Any], request_context: Any) -> Any:
        """What the provider of a model runs by itself passes no guard."""
        for tool in request_context.model_request_parameters.native_tools:
            if tool.kind not in self._local.elsewhere:
                raise unsupported(f"`{tool.kind}` is not run here; if that is meant, name it in `elsewhere`:", tool)
        return request_context

    async def before_tool_validate(self, ctx: RunContext[Any], *, call: Any, tool_def: Any, args: Any) -> Any:
        # What is validated is what was read here, also where another reader of JSON would read it otherwise.
        given = _read(args)
        args = json.dumps(given) if isinstance(args, str) and given is not None else args
        self._calls[call.tool_call_id] = (given, None)
        if len(self._calls) > _MOST:
            del self._calls[next(iter(self._calls))]
        return args

    async def after_tool_validate(self, ctx: RunContext[Any], *, call: Any, tool_def: Any, args: Any) -> Any:
        given, _ = self._calls[call.tool_call_id]
        self._calls[call.tool_call_id] = (given, (dict(args), _text(args)))
        return args

    def get_wrapper_toolset(self, toolset: AbstractToolset[Any]) -> AbstractToolset[Any]:
        return _Toolset(toolset, self)

    def actor(self, ctx: RunContext[Any]) -> Actor | None:
        return self._local.actor(ctx)

    def passes(self, name: str, tool: ToolsetTool[Any]) -> bool:
        """Whether another server guards this tool."""
        return name in self._local.elsewhere or _signs(tool)

    async def run(
        self, name: str, arguments: dict[str, Any], ctx: RunContext[Any], call: Callable[[], Awaitable[Any]]
    ) -> Any:
        given, validated = self._calls.get(ctx.tool_call_id or "", (None, None))
        if given is None or validated is None or (dict(arguments), _text(arguments)) != validated:
            raise unsupported(f"the arguments of `{name}` were changed after they were validated:", arguments)
        with _told():
            actor = self.actor(ctx)
            authorized = await self._decision(name, given, actor, ctx)
            async with self._local.guard.running_async(authorized):
                with handing(actor):
                    return await call()

    async def _decision(
        self, name: str, arguments: dict[str, Any], actor: Actor | None, ctx: RunContext[Any]
    ) -> Authorized:
        about = ctx.tool_call_metadata if ctx.tool_call_approved else None
        signed = answers_of(about.get(ANSWERS_KEY)) if isinstance(about, dict) else None
        try:
            return await self._local.admit_async(actor, name, arguments, signed or ())
        except DeputizeError as error:
            request = None if ctx.tool_call_approved else self._local.request(actor, name, arguments, error)
            if request is None:
                raise
            shown = {DENIAL_KEY: denial_of(error), "text": request.text, "request": request.text_form}
            raise ApprovalRequired(metadata=shown) from None


@contextmanager
def _told() -> Iterator[None]:
    """What is refused within is told to the model, as a result of the tool that failed."""
    try:
        yield
    except UnsupportedOperation:
        raise
    except DeputizeError as error:
        raise ToolFailed(refusal_of(error)) from None


def _read(given: Any) -> dict[str, Any] | None:
    """What the model gave, before the schema of the tool changes it."""
    try:
        arguments = json.loads(given or "{}") if isinstance(given, str) else copy.deepcopy(given)
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def _text(arguments: dict[str, Any]) -> bytes:
    """Arguments as they are now, also within: what has no such form is known by what it is."""
    try:
        return to_json(arguments, fallback=id, bytes_mode="hex")
    except ValueError:
        return repr(arguments).encode("utf-8", "backslashreplace")


def _signs(tool: Any) -> bool:
    """Whether it is the tool of an MCP server whose calls are signed."""
    while (inner := getattr(tool, "source_tool", None)) is not None:
        tool = inner
    return getattr(getattr(tool.toolset, "process_tool_call", None), "_deputize", False) is True


@dataclass
class _Toolset(WrapperToolset[Any]):
    deputize: _Guard

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        tools = await super().get_tools(ctx)
        for name, tool in tools.items():
            if tool.tool_def.kind == "external" and not self.deputize.passes(name, tool):
                raise unsupported(f"`{name}` is not run here; if that is meant, name it in `elsewhere`:", tool)
        return tools

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        def call() -> Awaitable[Any]:
            return self.wrapped.call_tool(name, tool_args, ctx, tool)

        if self.deputize.passes(name, tool):
            with _told(), acting(self.deputize.actor(ctx)):
                return await call()
        return await self.deputize.run(name, tool_args, ctx, call)
