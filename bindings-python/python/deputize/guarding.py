"""What stands before a tool, wherever it is served: a call is decided about, runs, and its outcome is recorded."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar, cast, final

from deputize import _native
from deputize._native import Authorized, Presentation, Verifier
from deputize.actor import acting, current_actor, unsupported
from deputize.errors import Denied, DeputizeError

__all__ = [
    "DENIAL_KEY",
    "HEADER",
    "META_KEY",
    "Guard",
    "Running",
    "caller",
    "denial_of",
    "found",
    "in_thread",
    "refusal_of",
    "tool_names",
]

#: The key of the presentation in the metadata of a call, in every protocol that has such.
META_KEY = "dev.deputize/presentation"
#: The header of the presentation in HTTP.
HEADER = "Deputize-Presentation"
#: The key of what a refused caller is told, beside the text: code, link, help; of a request for approval the
#: request_id; and the id of the proof, if that was verified, by which the call's record is found.
DENIAL_KEY = "dev.deputize/denial"

_T = TypeVar("_T")
_current: ContextVar[Authorized | None] = ContextVar("deputize_caller", default=None)


def caller() -> Authorized:
    """Who calls: the decision about the tool call that is running."""
    authorized = _current.get()
    if authorized is None:
        raise _native.make_error("config-invalid", "there is no guarded tool call here:", "caller")
    return authorized


class Running:
    """A call that runs. ``error`` is what the tool says went wrong, if it says so without raising."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: str | None = None


@final
class Guard:
    """A verifier before tools. ``tools`` says what tools are called in tokens, where that differs from their name.
    ``accept_argument`` takes a presentation from the arguments too, where a transport keeps nothing else."""

    __slots__ = ("accept_argument", "names", "verifier")

    def __init__(
        self, verifier: Verifier, tools: Mapping[str, str] | None = None, *, accept_argument: bool = False
    ) -> None:
        if not isinstance(verifier, Verifier):
            raise unsupported("not a Verifier:", verifier)
        if type(accept_argument) is not bool:
            raise unsupported("accept_argument: a bool, not", accept_argument)
        self.verifier = verifier
        self.names = tool_names(tools)
        self.accept_argument = accept_argument

    def received(
        self, arguments: dict[str, Any], metadata: Mapping[str, Any] | None, headers: Sequence[str] = ()
    ) -> tuple[dict[str, Any], Any]:
        """The arguments to decide about, and the presentation from the first place that has one."""
        carried = None
        if self.accept_argument and META_KEY in arguments:
            carried = arguments[META_KEY]
            arguments = {name: value for name, value in arguments.items() if name != META_KEY}
        if metadata is not None and META_KEY in metadata:
            return arguments, metadata[META_KEY]
        # A comma is in no presentation, so two headers are refused as one text that is malformed.
        return arguments, ",".join(headers) if headers else carried

    def admit(
        self,
        tool: str,
        arguments: dict[str, Any],
        presentation: Presentation | str | None,
        challenge: bytes | None = None,
        context: str | None = None,
        hint: Any = None,
    ) -> Authorized:
        """Decides about a call with what it was presented with."""
        return self.verifier.authorize(presentation, self.names.get(tool, tool), arguments, challenge, context, hint)

    async def admit_async(
        self,
        tool: str,
        arguments: dict[str, Any],
        presentation: Presentation | str | None,
        challenge: bytes | None = None,
        context: str | None = None,
        hint: Any = None,
    ) -> Authorized:
        """The same, without waiting for a store or the disk in the event loop."""
        if not self.verifier.waits:
            return self.admit(tool, arguments, presentation, challenge, context, hint)
        return await self.in_thread(self.admit, tool, arguments, presentation, challenge, context, hint)

    async def in_thread(self, admit: Callable[..., Authorized], *args: Any) -> Authorized:
        """Decides in a thread. A call that is cancelled meanwhile is abandoned, whichever of the two is first."""
        import anyio

        lock, admitted, gone = threading.Lock(), list[Authorized](), list[bool]()

        def decide() -> None:
            authorized = admit(*args)
            with lock:
                if not gone:
                    admitted.append(authorized)
                    return
            self.abandon(authorized)

        try:
            await in_thread(decide)
        except BaseException:
            with lock:
                gone.append(True)
            with anyio.CancelScope(shield=True):
                for authorized in admitted:
                    await in_thread(self.abandon, authorized)
            raise
        return admitted[0]

    def abandon(self, authorized: Authorized) -> None:
        """A call that was admitted and does not run: what it took is given back, and it ends in the log."""
        with suppress(DeputizeError):
            self.verifier.refund(authorized)
        with suppress(DeputizeError):
            self.verifier.outcome(authorized, "cancelled")

    def admit_here(
        self, tool: str, arguments: dict[str, Any], context: str | None = None, hint: Any = None
    ) -> Authorized:
        """Decides about a call of the actor in this process, which signs it now. If nobody acts, it is denied."""
        try:
            actor = current_actor()
        except DeputizeError:
            return self.admit(tool, arguments, None, None, context, hint)
        named = self.names.get(tool, tool)
        return self.admit(tool, arguments, actor.prove(named, arguments, self.verifier.audience), None, context, hint)

    @contextmanager
    def running(self, authorized: Authorized) -> Iterator[Running]:
        """The tool runs within: ``caller()`` is this decision, and the outcome is recorded at the end."""
        run = Running()
        try:
            with _calling(authorized), _named(run):
                yield run
        finally:
            # Without its outcome the call stays open in the log: what the tool did is done.
            with suppress(DeputizeError):
                self.verifier.outcome(authorized, run.error)

    @asynccontextmanager
    async def running_async(self, authorized: Authorized) -> AsyncIterator[Running]:
        """The same, without waiting for the disk in the event loop."""
        if not self.verifier.waits:
            with self.running(authorized) as run:
                yield run
            return
        import anyio

        run = Running()
        try:
            with _calling(authorized), _named(run):
                yield run
        finally:
            with anyio.CancelScope(shield=True), suppress(DeputizeError):
                await in_thread(self.verifier.outcome, authorized, run.error)

    async def streaming(self, authorized: Authorized, stream: AsyncIterator[_T]) -> AsyncGenerator[_T, None]:
        """The same for a tool that gives one thing after another; between them whoever reads is not the caller."""
        import anyio

        run = Running()
        try:
            with _named(run):
                while True:
                    try:
                        with _calling(authorized):
                            item = await anext(stream)
                    except StopAsyncIteration:
                        return
                    yield item
        finally:
            with anyio.CancelScope(shield=True), suppress(DeputizeError):
                await in_thread(self.verifier.outcome, authorized, run.error)


async def in_thread(function: Callable[..., _T], *args: Any) -> _T:
    """Calls something that may wait for a store or a disk, and not in the event loop."""
    import anyio.to_thread

    return await anyio.to_thread.run_sync(functools.partial(function, *args))


_FAILED: Any = object()
"""Neither a challenge nor a context, so a call that it stands for is refused."""


async def found(find: Callable[..., _T | Awaitable[_T | None] | None] | None, *about: Any) -> _T | None:
    """The challenge or context of a call, as the server finds it; if that fails, what no call is allowed with."""
    if find is None:
        return None
    try:
        answer = find(*about)
        return await answer if isinstance(answer, Awaitable) else answer
    except Exception:
        return cast("_T", _FAILED)


@contextmanager
def _calling(authorized: Authorized) -> Iterator[None]:
    """Within, ``caller()`` is the decision, and nobody acts."""
    token = _current.set(authorized)
    try:
        with acting(None):
            yield
    finally:
        _current.reset(token)


@contextmanager
def _named(run: Running) -> Iterator[None]:
    """What is raised is what went wrong."""
    try:
        yield
    except BaseException as raised:
        run.error = type(raised).__name__ if isinstance(raised, Exception) else "cancelled"
        raise


def denial_of(error: DeputizeError) -> dict[str, Any]:
    """What a refused caller is told, as data."""
    denial = {"code": error.code, "link": error.link, "help": error.help}
    if isinstance(error, Denied):
        # A denial that was pickled has left its record behind.
        proof = None if error._record is None else error._record.proof
        denial |= {"request_id": error.request_id, "proof": proof}
    return {name: value for name, value in denial.items() if value is not None}


def refusal_of(error: DeputizeError) -> str:
    """What a refused caller is told, as text for a model."""
    verdict = "denied" if isinstance(error, Denied) else "refused"
    return f"{verdict}: {error}. {error.help}"


def tool_names(tools: Mapping[str, str] | None) -> dict[str, str]:
    """What tools are called in tokens, by their names here."""
    if tools is None:
        return {}
    if not isinstance(tools, Mapping) or not all(type(text) is str for pair in tools.items() for text in pair):
        raise unsupported("tools are names here and names in tokens, not", tools)
    return dict(tools)
