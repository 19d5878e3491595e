"""What stands before the calls of a ``ToolNode``, in LangGraph and in the agents of LangChain."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, final

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import interrupt

from deputize._native import Approval, Authorized, Verifier, arguments_digest
from deputize.actor import Actor, SubAgent, acting, unsupported
from deputize.errors import DeputizeError, UnsupportedOperation
from deputize.guarding import DENIAL_KEY, denial_of, refusal_of
from deputize.local import Handed, Local, answers_of, handed_over, handing, hands_over

__all__ = ["Declared", "Tasks", "ToolCalls"]

_Result: TypeAlias = Any
_Handler: TypeAlias = Callable[[ToolCallRequest], _Result]
_AsyncHandler: TypeAlias = Callable[[ToolCallRequest], Awaitable[_Result]]

_CHECKPOINTER = "__pregel_checkpointer"
_MOST_TASKS = 1024
_UNFINISHED = object()
_NESTED = "In a graph of several agents each acts as deputize.langgraph.acting_as says, and otherwise as nobody."

#: Where in the graph it was declared who acts: nowhere, so at its top.
_place: ContextVar[str] = ContextVar("deputize_place", default="")


@final
class Declared:
    """Who an agent of a graph acts as. What was handed over in a task stays while the task is interrupted, so that an
    approval is for the token that asked for it."""

    def __init__(self, who: SubAgent | Actor | Callable[[], Actor]) -> None:
        self._who = who
        self._handed = Handed(who) if type(who) is SubAgent else None

    @contextmanager
    def at(self, config: RunnableConfig) -> Iterator[None]:
        """The agent runs within."""
        known = type(self._who) is Actor or _above(config) == _place.get()
        token = _place.set(_path(config))
        try:
            with self._acting(config) if known else acting(None):
                yield
        finally:
            _place.reset(token)

    @contextmanager
    def _acting(self, config: RunnableConfig) -> Iterator[None]:
        task, above = _task(config), hands_over()
        if self._handed is None or task is None or above is None:
            with handed_over(self._who):
                yield
            return
        with handed_over(self._handed.actor(above, *task)):
            yield
        self._handed.done(above, *task)


def _path(config: RunnableConfig | None) -> str:
    """The graphs and nodes around a task, each with the id of its run."""
    path = ((config or {}).get("configurable") or {}).get("checkpoint_ns") or ""
    return "|".join(part for part in path.split("|") if not part.isdigit())


def _above(config: RunnableConfig | None) -> str:
    """The graph that the node of a task belongs to."""
    return _path(config).rpartition("|")[0]


@final
class ToolCalls:
    """What stands before the calls of a ``ToolNode``: its ``wrap_tool_call`` and ``awrap_tool_call``."""

    def __init__(
        self,
        verifier: Verifier,
        tools: Mapping[str, str] | None,
        elsewhere: Iterable[str],
        actor: Callable[[Any], Actor | None] | None,
        ask: bool,
    ) -> None:
        self.local = Local(verifier, tools, elsewhere, actor)
        self.ask = ask
        self.tasks = Tasks()

    def wrap_tool_call(self, request: ToolCallRequest, handler: _Handler) -> _Result:
        if self._passes(request, handler):
            with acting(self._actor(request)):
                return handler(request)
        call = _Call(request, self._actor(request), self.local.guard.verifier, self.tasks)
        while (before := call.claim()) is not None:
            if (result := before.result()) is not _UNFINISHED:
                return result
        with call.finishing():
            try:
                authorized = self._admitted(call)
            except UnsupportedOperation:
                raise
            except DeputizeError as error:
                return call.refused(error)
            with call.told(authorized), self.local.guard.running(authorized) as run, handing(call.actor):
                call.result = handler(call.decided(authorized))
                run.error = _error_in(call.result)
        return call.result

    async def awrap_tool_call(self, request: ToolCallRequest, handler: _AsyncHandler) -> _Result:
        if self._passes(request, handler):
            with acting(self._actor(request)):
                return await handler(request)
        call = _Call(request, self._actor(request), self.local.guard.verifier, self.tasks)
        while (before := call.claim()) is not None:
            if (result := await asyncio.wrap_future(before)) is not _UNFINISHED:
                return result
        with call.finishing():
            try:
                authorized = await self._admitted_async(call)
            except UnsupportedOperation:
                raise
            except DeputizeError as error:
                return call.refused(error)
            with call.told(authorized):
                async with self.local.guard.running_async(authorized) as run:
                    with handing(call.actor):
                        call.result = await handler(call.decided(authorized))
                    run.error = _error_in(call.result)
        return call.result

    def _passes(self, request: ToolCallRequest, handler: Callable[..., Any]) -> bool:
        """Whether another server guards this tool. What could still change a call that was decided about is refused."""
        if not getattr(handler, "__qualname__", "").startswith("ToolNode."):
            raise unsupported("the guard comes last in the list of middleware, next to the tools, not before", handler)
        name = request.tool_call["name"]
        if request.tool is not None and request.tool.name != name:
            raise unsupported(f"the tool `{request.tool.name}` called as `{name}`:", request.tool)
        return name in self.local.elsewhere

    def _actor(self, request: ToolCallRequest) -> Actor | None:
        """Whose call it is. An agent in a graph that was not declared there is nobody."""
        return self.local.actor(request.runtime) if _above(request.runtime.config) == _place.get() else None

    def _admitted(self, call: _Call) -> Authorized:
        if (before := call.before()) is not None:
            return before
        try:
            return self.local.admit(call.actor, call.tool, call.arguments)
        except DeputizeError as error:
            if (given := self._asked(call, error)) is None:
                raise
        return self.local.admit(call.actor, call.tool, call.arguments, given)

    async def _admitted_async(self, call: _Call) -> Authorized:
        if (before := call.before()) is not None:
            return before
        try:
            return await self.local.admit_async(call.actor, call.tool, call.arguments)
        except DeputizeError as error:
            if (given := self._asked(call, error)) is None:
                raise
        return await self.local.admit_async(call.actor, call.tool, call.arguments, given)

    def _asked(self, call: _Call, error: DeputizeError) -> Sequence[Approval] | None:
        """What people signed about a call that needs it; interrupts the graph until somebody did."""
        request = self.local.request(call.actor, call.tool, call.arguments, error)
        if request is None or not self.ask or not call.config.get("configurable", {}).get(_CHECKPOINTER):
            return None
        shown = {DENIAL_KEY: denial_of(error), "text": request.text, "request": request.text_form}
        with call.asking() as answers:
            while not (given := answers.take(request.id)):
                found = answers_of(interrupt(shown))
                if found is None:
                    return None
                answers.add(found)
        return given


@final
class _Call:
    """One call of a tool, as the model made it."""

    def __init__(self, request: ToolCallRequest, actor: Actor | None, verifier: Verifier, tasks: Tasks) -> None:
        self._request = request
        self._verifier = verifier
        self.config = request.runtime.config
        self.tool: str = request.tool_call["name"]
        self.arguments: dict[str, Any] = request.tool_call["args"]
        self._nested = _above(self.config) != _place.get()
        self.actor = actor
        self._task = tasks.of(self.config)
        self._mine: Future[Any] | None = None
        self._key: tuple[Any, ...] = ()
        self.result: _Result = _UNFINISHED

    def claim(self) -> Future[Any] | None:
        """The same call of an earlier round of this task, if there was one; otherwise it is this one that runs."""
        if self._task is None or self.actor is None:
            return None
        try:
            digest = arguments_digest(self.arguments)
            self._key = (self._request.tool_call["id"], self.tool, digest, self.actor.agent.did, self.actor.chain.bytes)
        except DeputizeError:
            return None  # it will be refused
        with self._task.lock:
            before = self._task.calls.get(self._key)
            if before is None:
                self._mine = self._task.calls[self._key] = Future()
                self._mine.set_running_or_notify_cancel()
            return before

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Whatever ends within is told to other rounds of this task. What did not finish runs again."""
        try:
            yield
        finally:
            if self._mine is not None and self._task is not None:
                if self.result is _UNFINISHED:
                    with self._task.lock:
                        del self._task.calls[self._key]
                self._mine.set_result(self.result)

    def before(self) -> Authorized | None:
        """The decision about this call if its tool was interrupted: it goes on, and its approvals count for it."""
        before = self._task.suspended.pop(self._key, None) if self._task is not None and self._mine else None
        if before is not None and self.actor is not None:
            self._verifier.verify_chain(self.actor.chain)  # expired or revoked by now
        return before

    @contextmanager
    def told(self, authorized: Authorized) -> Iterator[None]:
        """What a tool raises of this library is told to the model."""
        try:
            yield
        except GraphInterrupt:
            if self._task is not None and self._mine:
                self._task.suspended[self._key] = authorized
            raise
        except UnsupportedOperation:
            raise
        except DeputizeError as error:
            self.result = self.refused(error)

    @contextmanager
    def asking(self) -> Iterator[_Answers]:
        """What was answered to the calls of this task. One of them asks at a time."""
        if self._task is None:
            yield _Answers()
            return
        with self._task.asks:
            yield self._task.answers

    def decided(self, authorized: Authorized) -> ToolCallRequest:
        """With what was decided about, and not what somebody else may still hold and change."""
        return self._request.override(tool_call={**self._request.tool_call, "args": authorized.arguments})

    def refused(self, error: DeputizeError) -> ToolMessage:
        return ToolMessage(
            f"{refusal_of(error)}. {_NESTED}" if self._nested else refusal_of(error),
            name=self.tool,
            tool_call_id=self._request.tool_call["id"],
            status="error",
            artifact={DENIAL_KEY: denial_of(error)},
        )


def _error_in(result: _Result) -> str | None:
    failed = isinstance(result, ToolMessage) and result.status == "error"
    return "the tool reported an error" if failed else None


@final
class _Answers:
    """What people signed, by what it is about: of several calls in a node, any may be the first to get an answer."""

    def __init__(self) -> None:
        self._open: dict[str, list[Approval]] = {}
        self._seen: set[str] = set()

    def add(self, found: list[Approval]) -> None:
        """LangGraph gives the answers of earlier rounds again; each is used once."""
        for one in found:
            if one.id not in self._seen:
                self._seen.add(one.id)
                self._open.setdefault(one.request, []).append(one)

    def take(self, request: str) -> list[Approval]:
        return self._open.pop(request, [])


@final
class _Task:
    """One run of a node, in all its rounds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: dict[tuple[Any, ...], Future[Any]] = {}
        self.suspended: dict[tuple[Any, ...], Authorized] = {}
        self.asks = threading.Lock()
        self.answers = _Answers()


@final
class Tasks:
    """What finished in the tasks of a node that were interrupted or failed, at most so many of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: OrderedDict[tuple[str, str], _Task] = OrderedDict()

    def of(self, config: RunnableConfig) -> _Task | None:
        key = _task(config)
        if key is None:
            return None
        with self._lock:
            task = self._tasks.setdefault(key, _Task())
            self._tasks.move_to_end(key)
            if len(self._tasks) > _MOST_TASKS:
                self._tasks.popitem(last=False)
            return task

    def done(self, config: RunnableConfig | None) -> None:
        key = _task(config)
        with self._lock:
            if key is not None:
                self._tasks.pop(key, None)


def _task(config: RunnableConfig | None) -> tuple[str, str] | None:
    """What names a task in all its rounds; nothing where no round can follow."""
    about = (config or {}).get("configurable") or {}
    thread, path = about.get("thread_id"), about.get("checkpoint_ns")
    return (str(thread), path) if about.get(_CHECKPOINTER) and thread is not None and path else None
