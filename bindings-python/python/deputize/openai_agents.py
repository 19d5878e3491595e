"""Guarded tools of the OpenAI Agents SDK: `pip install deputize[openai-agents]`."""

from __future__ import annotations

import copy
import functools
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, final

from deputize.versions import require

require("openai-agents", "0.24", "0.25", "openai-agents")

from agents import Agent, FunctionTool, Handoff, RunContextWrapper, RunState, Tool  # noqa: E402
from agents.items import ToolApprovalItem  # noqa: E402
from agents.mcp import MCPToolMetaContext  # noqa: E402
from agents.result import RunResultBase  # noqa: E402

from deputize._native import Approval, ApprovalRequest, Authorized, Verifier, arguments_digest, make_error  # noqa: E402
from deputize.actor import Actor, SubAgent, acting, current_actor, unsupported  # noqa: E402
from deputize.approver import Approver  # noqa: E402
from deputize.errors import DeputizeError, UnsupportedOperation  # noqa: E402
from deputize.guarding import META_KEY, Running, caller, in_thread, refusal_of, tool_names  # noqa: E402
from deputize.local import Local, handing  # noqa: E402

__all__ = ["answer", "asked", "caller", "guard", "sign"]

_MOST = 4096


def guard(
    agent: Agent[Any],
    verifier: Verifier,
    *,
    who: SubAgent | Callable[[], Actor] | None = None,
    tools: Mapping[str, str] | None = None,
    elsewhere: Iterable[str] = (),
    actor: Callable[[Any], Actor | None] | None = None,
) -> Agent[Any]:
    """Each tool call of an agent is signed by whoever acts, and verified before the tool runs; returns the agent.

    ``who`` is declared beside a sub-agent: what it may do, of what whoever hands over to it or calls it as a tool may.
    Without it, the agent that hands over acts for the run, and one that is handed over to is nobody; ``current_actor``
    says of an agent that it always acts for the run. ``tools`` says what tools are called in tokens, where that
    differs. ``elsewhere`` names tools that another server guards, or OpenAI runs. ``actor`` finds whose run it is in
    the ``ToolContext``, in place of ``acting``. A call that needs an approval interrupts the run; see :func:`answer`.
    """
    if type(agent) is not Agent:
        raise unsupported("not an Agent that has no guard yet:", agent)
    calls = _Calls(Local(verifier, tools, elsewhere, actor, who))
    agent.tools[:] = calls.all_guarded(agent.tools)
    agent.__class__ = _GuardedAgent
    agent.deputize = calls  # type: ignore[attr-defined]
    return agent


def sign(audience: str, *, tools: Mapping[str, str] | None = None) -> Callable[[MCPToolMetaContext], dict[str, Any]]:
    """The ``tool_meta_resolver`` of an MCP server that verifies: each call to it is signed by whoever acts."""
    names = tool_names(tools)

    def resolve(call: MCPToolMetaContext) -> dict[str, Any]:
        tool = names.get(call.tool_name, call.tool_name)
        return {META_KEY: current_actor().prove(tool, call.arguments or {}, audience).text}

    setattr(resolve, "_deputize", True)  # noqa: B010
    return resolve


def asked(result: RunResultBase | RunState[Any, Any]) -> list[ApprovalRequest]:
    """What people have to approve before an interrupted run goes on."""
    return [request for item in _interruptions(result) if (request := _request(item)) is not None]


def answer(result: RunResultBase | RunState[Any, Any], *given: Approver | Approval) -> RunState[Any, Any]:
    """Asks approvers about every call that interrupted a run, or takes what they signed; the state to run on with.
    What they did not approve stays denied."""
    state: RunState[Any, Any] = result if isinstance(result, RunState) else result.to_state()  # type: ignore[attr-defined]
    found = 0
    for item in _interruptions(state):
        request = _request(item)
        if request is None:
            continue
        found += 1
        signed = [one.decide(request) if isinstance(one, Approver) else one for one in given]
        _calls_of(item).answers.put(request.id, [one for one in signed if one.request == request.id])
        state.approve(item)  # the SDK goes on; what counts is what was signed
    if not found:
        raise unsupported("nothing that waits for an approval:", result)
    return state


def _interruptions(result: RunResultBase | RunState[Any, Any]) -> list[ToolApprovalItem]:
    found = result.get_interruptions() if isinstance(result, RunState) else result.interruptions  # type: ignore[attr-defined]
    return [item for item in found if isinstance(item.agent, _GuardedAgent)]


def _calls_of(item: ToolApprovalItem) -> _Calls:
    calls: _Calls = item.agent.deputize  # type: ignore[union-attr, attr-defined]
    return calls


def _request(item: ToolApprovalItem) -> ApprovalRequest | None:
    call_id = getattr(item.raw_item, "call_id", None)
    return _calls_of(item).asked.get((call_id, item.tool_name))


@final
class _Kept:
    """A bounded map: what is oldest goes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def put(self, key: Any, value: Any) -> None:
        with self._lock:
            self._kept[key] = value
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def get(self, key: Any) -> Any:
        with self._lock:
            return self._kept.get(key)

    def take(self, key: Any) -> Any:
        with self._lock:
            return self._kept.pop(key, None)


@final
class _Calls:
    """What stands before the tools of one agent."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.below = False
        self.asked, self.answers, self._admitted = _Kept(), _Kept(), _Kept()

    def actor(self, ctx: Any) -> Actor | None:
        return None if self.local.who is None and self.below else self.local.actor(ctx)

    def all_guarded(self, tools: list[Tool]) -> list[Tool]:
        """The tools of an agent. Namespaces are not in tokens, so a name is one tool's."""
        names = [tool.name for tool in tools]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise unsupported(f"several tools are called {', '.join(twice)}:", tools)
        return [self.guarded(tool) for tool in tools]

    def guarded(self, tool: Tool) -> Tool:
        """The tool, with a guard before it; what is not run by a function of this process is refused."""
        by, invoker = getattr(tool, "_deputize", (None, None))
        if isinstance(tool, FunctionTool) and tool.name in self.local.elsewhere:
            return self.signed(copy.copy(tool)) if by is not self else tool
        if tool.name in self.local.elsewhere or (by is self and getattr(tool, "on_invoke_tool", None) is invoker):
            return tool
        if not isinstance(tool, FunctionTool) or getattr(tool, "_is_codex_tool", False):
            raise unsupported(f"`{tool.name}` is not run here; if that is meant, name it in `elsewhere`:", tool)
        mine = copy.copy(tool)
        invoke, needs_approval = _telling(mine.on_invoke_tool), mine.needs_approval

        async def on_invoke_tool(ctx: Any, given: str) -> Any:
            return await self._run(tool.name, ctx, given, invoke)

        async def asks(ctx: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:
            if needs_approval is True or (callable(needs_approval) and await needs_approval(ctx, arguments, call_id)):
                return True
            return await self._asks(tool.name, ctx, arguments, call_id)

        mine.on_invoke_tool, mine.needs_approval = on_invoke_tool, asks
        setattr(mine, "_deputize", (self, on_invoke_tool))  # noqa: B010
        return mine

    def signed(self, tool: Tool) -> Tool:
        """The tool of a server that verifies, called by whoever this agent acts as."""
        if not isinstance(tool, FunctionTool):
            raise unsupported("not a tool whose calls can be signed:", tool)
        invoke = tool.on_invoke_tool

        async def on_invoke_tool(ctx: Any, given: str) -> Any:
            try:
                with acting(self.actor(ctx)):
                    current_actor()
                    return await invoke(ctx, given)
            except UnsupportedOperation:
                raise
            except DeputizeError as error:
                return refusal_of(error)

        tool.on_invoke_tool = on_invoke_tool
        setattr(tool, "_deputize", (self, on_invoke_tool))  # noqa: B010
        return tool

    async def _asks(self, tool: str, ctx: Any, arguments: dict[str, Any], call_id: str) -> bool:
        """Whether all that a call lacks is an approval. If it lacks nothing, that is the decision about it."""
        try:
            actor = self.actor(ctx)
            if actor is None or not self._may_ask(actor):
                return False
            key = _key(call_id, tool, arguments, actor)
            if (before := self._admitted.take(key)) is not None:
                await in_thread(self.local.guard.abandon, before)  # it never came to run
            self._admitted.put(key, await self.local.admit_async(actor, tool, arguments))
        except UnsupportedOperation:
            raise
        except DeputizeError as error:
            request = None if actor is None else self.local.request(actor, tool, arguments, error)
            if request is not None:
                self.asked.put((call_id, tool), request)
            return request is not None
        return False

    def _may_ask(self, actor: Actor) -> bool:
        claims = actor.chain.unverified_claims()
        return self.local.guard.verifier.approvals is not None or any(link.get("approvals") for link in claims)

    async def _run(self, tool: str, ctx: Any, given: str, invoke: Callable[[Any, str], Any]) -> Any:
        try:
            arguments = _arguments(given)
            actor = self.actor(ctx)
            authorized = await self._decision(tool, ctx, arguments, actor)
        except UnsupportedOperation:
            raise
        except DeputizeError as error:
            return refusal_of(error)
        async with self.local.guard.running_async(authorized) as run:
            with handing(actor), _runs(run):
                return await invoke(ctx, json.dumps(authorized.arguments))

    async def _decision(self, tool: str, ctx: Any, arguments: dict[str, Any], actor: Actor | None) -> Authorized:
        if actor is None:
            return await self.local.admit_async(None, tool, arguments)
        before: Authorized | None = self._admitted.take(_key(ctx.tool_call_id, tool, arguments, actor))
        if before is not None:
            return before
        request = self.asked.take((ctx.tool_call_id, tool))
        signed = None if request is None else self.answers.take(request.id)
        return await self.local.admit_async(actor, tool, arguments, signed or ())


#: The call whose tool is running here.
_running: ContextVar[Running | None] = ContextVar("deputize_running", default=None)


@contextmanager
def _runs(run: Running) -> Iterator[None]:
    token = _running.set(run)
    try:
        yield
    finally:
        _running.reset(token)


def _telling(invoke: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """The tool, which tells of an error before the SDK makes it a result for the model."""
    inner = getattr(invoke, "_invoke_tool_impl", None)
    if inner is None:
        return invoke

    @functools.wraps(inner)
    async def invoked(ctx: Any, given: str) -> Any:
        try:
            return await inner(ctx, given)
        except Exception as error:
            if (run := _running.get()) is not None:
                run.error = type(error).__name__
            raise

    told = copy.copy(invoke)
    setattr(told, "_invoke_tool_impl", invoked)  # noqa: B010
    return told


def _key(call_id: str, tool: str, arguments: dict[str, Any], actor: Actor) -> tuple[Any, ...]:
    return (call_id, tool, arguments_digest(arguments), actor.agent.did, actor.chain.bytes)


def _arguments(given: str) -> dict[str, Any]:
    """What the model gave, before the schema of the tool changes it."""
    try:
        arguments = json.loads(given) if given else {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise make_error("malformed", "the arguments are not an object of JSON", "arguments")
    return arguments


@dataclass
class _GuardedAgent(Agent[Any]):
    deputize: Any = field(default=None, kw_only=True, repr=False)

    async def get_all_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        """Every tool of a turn: those that were added, and those of MCP servers, have a guard too."""
        calls: _Calls = self.deputize
        guarded = calls.all_guarded(self.tools)
        if any(tool is not before for tool, before in zip(guarded, self.tools, strict=True)):
            self.tools[:] = guarded
        for handoff in self.handoffs:
            _checked(handoff._agent_ref() if isinstance(handoff, Handoff) and handoff._agent_ref else handoff, True)
        for tool in self.tools:
            if getattr(tool, "_is_agent_tool", False):
                _checked(getattr(tool, "_agent_instance", None), False)
        return await super().get_all_tools(run_context)

    async def get_mcp_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        """A server whose calls are signed guards its tools itself."""
        for server in self.mcp_servers:
            if not _signs(server):
                how = "give it tool_meta_resolver=deputize.openai_agents.sign(…)"
                raise unsupported(f"calls of the MCP server `{server.name}` are not signed; {how}:", server)
        calls: _Calls = self.deputize
        return [calls.signed(tool) for tool in await super().get_mcp_tools(run_context)]


def _signs(server: object) -> bool:
    return getattr(getattr(server, "tool_meta_resolver", None), "_deputize", False) is True


def _checked(agent: object, handed_over_to: bool) -> None:
    if not isinstance(agent, _GuardedAgent):
        raise unsupported("an agent without a guard gets work from one that has one:", agent)
    if handed_over_to:
        agent.deputize.below = True
