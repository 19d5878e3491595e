"""What guards of agent frameworks share: tools that run in the process of their agent."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, final

from deputize._native import Approval, ApprovalRequest, Authorized, Verifier
from deputize.actor import Actor, SubAgent, acting, current_actor, unsupported
from deputize.errors import Denied, DeputizeError
from deputize.guarding import Guard

__all__ = ["Handed", "Local", "answers_of", "handed_over", "handing", "hands_over"]

#: Whose guarded tools are running here, and who handed over, from the outermost on. The last hands over to sub-agents,
#: if it is anybody; none of them acts here.
_handing: ContextVar[tuple[Actor | None, ...]] = ContextVar("deputize_handing", default=())
_MOST_ANSWERS = 64
_MOST_HANDED = 1024


class Local:
    """A guard before tools of this process. ``elsewhere`` names those that another server guards; ``actor`` finds whose
    run it is in the framework's own context, which otherwise is ``acting``; ``who`` is declared beside a sub-agent."""

    __slots__ = ("_find", "_handed", "elsewhere", "guard", "who")

    def __init__(
        self,
        verifier: Verifier,
        tools: Mapping[str, str] | None,
        elsewhere: Iterable[str],
        actor: Callable[[Any], Actor | None] | None,
        who: SubAgent | Callable[[], Actor] | None = None,
    ) -> None:
        others = (elsewhere,) if isinstance(elsewhere, Mapping) else tuple(elsewhere)
        if isinstance(elsewhere, str) or not all(type(name) is str for name in others):
            raise unsupported("elsewhere: names of tools, not", elsewhere)
        if actor is not None and not callable(actor):
            raise unsupported("actor: a function of the framework's context, not", actor)
        if who is not None and type(who) is not SubAgent and not callable(who):
            raise unsupported("who: a SubAgent, or a function that gives an Actor, not", who)
        self.guard = Guard(verifier, tools)
        self.elsewhere = frozenset(others)
        self.who = who
        self._find = actor
        self._handed = Handed(who) if type(who) is SubAgent else None

    def actor(self, context: object) -> Actor | None:
        """Whose call this is, if anybody's."""
        found = _current() if self._find is None else self._in(context, self._find)
        if self._handed is not None:
            above = found or hands_over()
            return None if above is None else self._handed.actor(above)
        return _found(self.who) if found is None and callable(self.who) else found

    def _in(self, context: object, find: Callable[[Any], Actor | None]) -> Actor | None:
        found = find(context)
        if found is not None and type(found) is not Actor:
            raise unsupported("the function gave no Actor but", found)
        if found is None:
            return None
        # Who called the tool that runs here, or is above, does not act: an agent that has their context is not declared
        # by that.
        above = [link["holder"] for one in _handing.get() if one is not None for link in one.chain.unverified_claims()]
        return _current() if found.agent.key in above else found

    def admit(
        self, actor: Actor | None, tool: str, arguments: dict[str, Any], evidence: Sequence[Approval] = ()
    ) -> Authorized:
        """Decides about a call, which the actor signs now."""
        if actor is None:
            return self.guard.admit(tool, arguments, None)
        presentation = actor.prove(self.guard.names.get(tool, tool), arguments, self.guard.verifier.audience)
        return self.guard.admit(tool, arguments, presentation.attach(*evidence) if evidence else presentation)

    async def admit_async(
        self, actor: Actor | None, tool: str, arguments: dict[str, Any], evidence: Sequence[Approval] = ()
    ) -> Authorized:
        """The same, without waiting for a store or a disk in the event loop."""
        return await self.guard.in_thread(self.admit, actor, tool, arguments, evidence)

    def request(
        self, actor: Actor | None, tool: str, arguments: dict[str, Any], error: DeputizeError
    ) -> ApprovalRequest | None:
        """What a person has to be asked, if that is all that was missing."""
        if actor is None or not isinstance(error, Denied) or error.code != "approval-required":
            return None
        named = self.guard.names.get(tool, tool)
        request = ApprovalRequest(actor.chain, named, arguments, self.guard.verifier.audience)
        return request if request.id == error.request_id else None


@contextmanager
def handing(actor: Actor | None) -> Iterator[None]:
    """A tool of the actor runs within. Nobody acts there, but who is declared, or says so with ``acting``."""
    token = _handing.set((*_handing.get(), actor))
    try:
        with acting(None):
            yield
    finally:
        _handing.reset(token)


@contextmanager
def handed_over(who: SubAgent | Actor | Callable[[], Actor], reason: str | None = None) -> Iterator[Actor | None]:
    """An agent runs within, as who it was declared to be: a sub-agent of whoever hands over, or an actor."""
    above = hands_over()
    if type(who) is SubAgent:
        found = None if above is None else above.hand_over(who, reason)
    elif type(who) is Actor:
        found = who
    elif callable(who):
        found = _found(who)
    else:
        raise unsupported("neither a SubAgent, an Actor nor a function that gives one:", who)
    token = _handing.set((*_handing.get(), above, None))
    try:
        with acting(found):
            yield found
    finally:
        _handing.reset(token)


@final
class Handed:
    """The actors that a declared sub-agent is: one for each who hands over, as long as its token is valid."""

    def __init__(self, sub_agent: SubAgent) -> None:
        self.sub_agent = sub_agent
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Actor] = OrderedDict()

    def actor(self, above: Actor, *about: Any) -> Actor:
        key = (above.agent.did, above.chain.bytes, *about)
        with self._lock:
            actor = self._kept.get(key)
            if actor is None or actor.chain.unverified_claims()[-1]["expires"] <= time.time():
                actor = self._kept[key] = above.hand_over(self.sub_agent)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_HANDED:
                self._kept.popitem(last=False)
            return actor

    def done(self, above: Actor, *about: Any) -> None:
        with self._lock:
            self._kept.pop((above.agent.did, above.chain.bytes, *about), None)


def hands_over() -> Actor | None:
    """Who hands over to a sub-agent here: whoever acts, or called the tool that is running."""
    return _current() or (_handing.get() or (None,))[-1]


def answers_of(value: object) -> list[Approval] | None:
    """The approvals and denials in an answer; nothing if it is anything but those."""
    texts: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
    if not 0 < len(texts) <= _MOST_ANSWERS or not all(type(text) is str for text in texts):
        return None
    try:
        return [Approval.from_text(text) for text in texts]
    except DeputizeError:
        return None


def _current() -> Actor | None:
    return _found(current_actor)


def _found(who: Callable[[], Actor]) -> Actor | None:
    """Nobody, where nobody acts."""
    try:
        return who()
    except DeputizeError as error:
        if error.code != "proof-missing":
            raise
        return None
