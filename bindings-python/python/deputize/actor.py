"""Who acts: whose run this is, and what its sub-agents may do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeAlias, final

from deputize import _native
from deputize._native import Approval, Chain, Consent, Identity, Presentation, VerifyingKey
from deputize.agent import Agent
from deputize.errors import DeputizeError, UnsupportedOperation

__all__ = ["Actor", "SubAgent", "acting", "current_actor"]

_Bytes: TypeAlias = bytes | bytearray | memoryview
_Evidence: TypeAlias = Approval | Consent | Identity | _Bytes
#: Evidence for the calls of an actor: the same for all, or a function of the tool's name in tokens and the arguments.
_Attach: TypeAlias = Sequence[_Evidence] | Callable[[str, dict[str, Any]], Sequence[_Evidence]]


@final
class Actor:
    """Whose run this is: the agent that signs its calls, and the chain that says for whom, in which session and what.

    ``chain`` is a ``Chain``, or a function that gives one for each call, for chains that are renewed. ``evidence`` is
    what goes with each call, or a function of the tool and the arguments that says what goes with a call.
    """

    __slots__ = ("__agent", "__chain", "__evidence")

    def __init__(self, agent: Agent, chain: Chain | Callable[[], Chain], *, evidence: _Attach = ()) -> None:
        if type(agent) is not Agent:
            raise unsupported("an Actor has an Agent, not", agent)
        if type(chain) is not Chain and not callable(chain):
            raise unsupported("neither a Chain nor a function that gives one:", chain)
        if not callable(evidence) and type(evidence) not in (list, tuple):
            raise unsupported("evidence: a list, or a function that gives one, not", evidence)
        self.__agent = agent
        self.__chain = chain
        self.__evidence = evidence if callable(evidence) else tuple(evidence)

    def __init_subclass__(cls, **kwargs: Any) -> NoReturn:
        raise TypeError("Actor cannot be subclassed")

    @property
    def agent(self) -> Agent:
        """Who signs."""
        return self.__agent

    @property
    def chain(self) -> Chain:
        """The chain for a call that is made now."""
        chain = self.__chain if type(self.__chain) is Chain else self.__chain()
        if type(chain) is not Chain:
            raise unsupported("the function gave no Chain but", chain)
        return chain

    def prove(
        self, tool: str, arguments: dict[str, Any], audience: str, challenge: _Bytes | None = None
    ) -> Presentation:
        """What travels with one attempt of a call. Each attempt, also a retry, needs a new one."""
        given = self.__evidence
        attached = given(tool, copy.deepcopy(arguments)) if callable(given) else given
        if not isinstance(attached, (list, tuple)):
            raise unsupported("evidence: a list, not", attached)
        return self.__agent.prove(self.chain, tool, arguments, audience, challenge, attached)

    def pinned(self) -> Actor:
        """The same with the chain of now, for a call that is signed again when it was approved."""
        return Actor(self.__agent, self.chain, evidence=self.__evidence)

    def with_evidence(self, evidence: _Attach) -> Actor:
        """The same, with other evidence: an approval that has come, say."""
        return Actor(self.__agent, self.__chain, evidence=evidence)

    def delegate(self, sub_agent: SubAgent, reason: str | None = None) -> Chain:
        """A chain for a sub-agent: what was declared for it, as far as this actor may give it."""
        if type(sub_agent) is not SubAgent:
            raise unsupported("a SubAgent, which says what it may do, not", sub_agent)
        chain = self.chain
        options: dict[str, Any] = {"tools": chain.narrow(sub_agent.tools), "reason": reason, **sub_agent._options}
        try:
            return self.__agent.delegate(chain, to=sub_agent.holder, **options)
        except DeputizeError as error:
            if error.code != "lifetime-widened" or "ttl" not in options:
                raise
        # It lives for as long as its parent where that is shorter.
        return self.__agent.delegate(chain, to=sub_agent.holder, **{**options, "ttl": None})

    def hand_over(self, sub_agent: SubAgent, reason: str | None = None) -> Actor:
        """The sub-agent as an actor, where its key is in this process: for :func:`acting`."""
        chain = self.delegate(sub_agent, reason)
        if type(sub_agent.holder) is not Agent:
            raise unsupported(
                "the key of the sub-agent is elsewhere; send it the chain of delegate(), not", sub_agent.holder
            )
        return Actor(sub_agent.holder, chain, evidence=sub_agent.evidence)

    def __repr__(self) -> str:
        return f"Actor({self.__agent.name!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise unsupported("not copied or pickled, because it holds a key:", self)


@final
class SubAgent:
    """What a sub-agent may do, declared once: its agent, or its key where that is in another process, and its tools.

    ``tools`` are as for ``delegate``; of these it gets what its supervisor has. The other options are those of
    ``delegate`` too; ``evidence`` is that of its own calls.
    """

    __slots__ = ("_options", "evidence", "holder", "tools")

    def __init__(
        self,
        holder: Agent | VerifyingKey,
        tools: Mapping[str, Mapping[str, Any]],
        *,
        ttl: int | str | None = None,
        audience: str | list[str] | None = None,
        max_depth: int | None = None,
        context: str | None = None,
        holder_name: str | None = None,
        approvals: dict[str, Any] | None = None,
        budgets: list[Any] | tuple[Any, ...] | None = None,
        evidence: _Attach = (),
    ) -> None:
        if type(holder) not in (Agent, VerifyingKey):
            raise unsupported("neither an Agent nor a VerifyingKey:", holder)
        given: dict[str, Any] = {
            "ttl": ttl,
            "audience": audience,
            "max_depth": max_depth,
            "context": context,
            "holder_name": holder_name,
            "approvals": approvals,
            "budgets": budgets,
        }
        self.holder = holder
        self.tools = {tool: dict(arguments) for tool, arguments in tools.items()}
        _native.encode_tools(self.tools)  # what is wrong with them is said here, and not at the first call
        self.evidence = evidence
        self._options = {name: value for name, value in given.items() if value is not None}

    def __repr__(self) -> str:
        return f"SubAgent({self.holder!r}, {list(self.tools)})"


_current: ContextVar[Actor | None] = ContextVar("deputize_actor", default=None)


@contextmanager
def acting(actor: Actor | None) -> Iterator[Actor | None]:
    """Says whose run this is, for every call that is signed within, in this task and those that it starts. ``None``:
    nobody's, so that every guarded tool refuses."""
    if actor is not None and type(actor) is not Actor:
        raise unsupported("an Actor, or None, not", actor)
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)


def current_actor() -> Actor:
    """Whose run this is. Outside of :func:`acting` it raises ``proof-missing``."""
    actor = _current.get()
    if actor is None:
        raise _native.make_error("proof-missing", "nobody acts here; run it within", "acting()")
    return actor


def actor_for(given: Actor | Callable[[], Actor]) -> Callable[[], Actor]:
    """A function that gives the actor of a call, for whoever signs."""
    if type(given) is not Actor and not callable(given):
        raise unsupported("neither an Actor nor a function that gives one:", given)

    def find() -> Actor:
        actor = given if type(given) is Actor else given()
        if type(actor) is not Actor:
            if isinstance(actor, Coroutine):
                actor.close()
            raise unsupported("the function gave no Actor but", actor)
        return actor

    return find


def unsupported(what: str, found: object) -> UnsupportedOperation:
    error: DeputizeError = _native.make_error("config-invalid", what, type(found).__name__)
    return UnsupportedOperation(error.code, str(error), error.link, error.context, error.help)
