"""What signs the attempts of calls, on whatever wire they are sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar, final

from deputize._native import Approval, ApprovalRequest
from deputize.actor import Actor, actor_for, unsupported
from deputize.approver import Approver
from deputize.errors import DeputizeError
from deputize.guarding import HEADER, META_KEY, in_thread, tool_names

__all__ = ["Carry", "Signer", "approvers_of", "decide_all"]

#: Where a presentation travels: in the call's metadata, in an HTTP header, or as an argument of the call.
Carry: TypeAlias = Literal["metadata", "header", "argument"]
_Approvers: TypeAlias = Approver | Sequence[Approver]
_T = TypeVar("_T")
_PLACES = ("metadata", "header", "argument")


@final
class Signer:
    """Who signs the calls to one server. ``approver`` is asked where a call needs approvals: one, or several whose
    answers go together. ``context`` is the partition that the server's calls are about, which an approval names."""

    __slots__ = ("__approvers", "__audience", "__context", "__find", "__names", "carry")

    def __init__(
        self,
        actor: Actor | Callable[[], Actor],
        audience: str,
        *,
        tools: Mapping[str, str] | None = None,
        carry: Carry = "metadata",
        approver: _Approvers | None = None,
        context: str | None = None,
    ) -> None:
        if carry not in _PLACES:
            raise unsupported('carry: "metadata", "header" or "argument", not', carry)
        if type(audience) is not str:
            raise unsupported("audience: a text, not", audience)
        self.__find = actor_for(actor)
        self.__audience = audience
        self.__names = tool_names(tools)
        self.__approvers = approvers_of(approver)
        self.__context = context
        self.carry = carry

    def sign(self, tool: str, arguments: dict[str, Any]) -> str:
        """What travels with one attempt."""
        return self.__find().prove(self.__names.get(tool, tool), arguments, self.__audience).text

    async def attempt(
        self,
        tool: str,
        arguments: dict[str, Any],
        send: Callable[[str], Awaitable[_T]],
        denied: Callable[[_T], Mapping[str, Any] | None],
    ) -> _T:
        """Sends a call; if it needs an approval, asks for it and sends the call once more, signed afresh."""
        if not self.__approvers:
            return await send(self.sign(tool, arguments))
        actor, named = self.__find().pinned(), self.__names.get(tool, tool)
        result = await send(actor.prove(named, arguments, self.__audience).text)
        denial = denied(result)
        if not denial or denial.get("code") != "approval-required":
            return result
        try:
            request = ApprovalRequest(actor.chain, named, arguments, self.__audience, self.__context)
            if request.id != denial.get("request_id"):
                return result  # the server asks about another call than the one that was made
            approvals = await in_thread(decide_all, self.__approvers, request)
        except DeputizeError:
            return result  # nobody decided
        return await send(actor.prove(named, arguments, self.__audience).attach(*approvals).text)

    def place(self, text: str, params: dict[str, Any]) -> dict[str, str]:
        """Puts a presentation into the parameters of a call of MCP; gives the HTTP headers that it needs."""
        if self.carry == "header":
            return {HEADER: text}
        inside = "_meta" if self.carry == "metadata" else "arguments"
        params[inside] = {**(params.get(inside) or {}), META_KEY: text}
        return {}


def approvers_of(given: _Approvers | None) -> tuple[Approver, ...]:
    """The approvers that a program names."""
    approvers = () if given is None else (given,) if type(given) is Approver else given
    if not isinstance(approvers, (list, tuple)) or not all(type(one) is Approver for one in approvers):
        raise unsupported("approver: an Approver or a list of those, not", given)
    return tuple(approvers)


def decide_all(approvers: Sequence[Approver], request: ApprovalRequest) -> list[Approval]:
    """What each of them answers, signed. The first no ends the asking."""
    answers: list[Approval] = []
    for approver in approvers:
        answers.append(approver.decide(request))
        if not answers[-1].approves:
            break
    return answers
