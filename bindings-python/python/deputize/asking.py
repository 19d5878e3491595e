"""Asking for an approval by a form of MCP. The answer counts only as an approver's signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deputize._native import Approval, ApprovalRequest, Presentation
from deputize.approver import Approver
from deputize.errors import Denied, DeputizeError
from deputize.guarding import Guard
from deputize.signing import decide_all

__all__ = ["ASK_KEY", "answer", "form", "request_of", "with_answer"]

#: The name of the only field of the form: signed approvals as text, one after the other.
ASK_KEY = "dev.deputize/approval"
_MOST = 16


def request_of(
    edge: Guard, denied: Denied, presentation: object, tool: str, arguments: dict[str, Any], context: str | None
) -> ApprovalRequest | None:
    """What was denied for want of an approval, as an approver has to see it; nothing for any other denial."""
    if denied.request_id is None or not isinstance(presentation, str):
        return None
    chain = Presentation.from_text(presentation).unverified_chain()
    named = edge.names.get(tool, tool)
    request = ApprovalRequest(chain, named, arguments, edge.verifier.audience, context)
    return request if request.id == denied.request_id else None


def form(request: ApprovalRequest) -> dict[str, Any]:
    """The schema of the form. It carries the request, which the program of an approver reads, shows and signs."""
    field = {"type": "string", "title": "Signed approval", "description": request.text_form}
    return {"type": "object", "properties": {ASK_KEY: field}, "required": [ASK_KEY]}


def with_answer(presentation: object, content: Mapping[str, Any] | None) -> str | None:
    """The presentation with the approvals of an answer; nothing where the answer has none that can be read."""
    text = (content or {}).get(ASK_KEY)
    if not isinstance(text, str) or not isinstance(presentation, str):
        return None
    words = text.split()
    if not 0 < len(words) <= _MOST:
        return None
    try:
        approvals = [Approval.from_text(word) for word in words]
        return Presentation.from_text(presentation).attach(*approvals).text
    except DeputizeError:
        return None


def answer(approvers: Sequence[Approver], audience: str, schema: object) -> dict[str, Any] | None:
    """The content of an answer to a form: what the approvers sign. Nothing where this is no such form, is about a call
    to another server, or nobody decides."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    field = properties.get(ASK_KEY) if isinstance(properties, Mapping) else None
    text = field.get("description") if isinstance(field, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        request = ApprovalRequest.from_text(text)
        if request.audience != audience:
            return None
        return {ASK_KEY: " ".join(approval.text for approval in decide_all(approvers, request))}
    except DeputizeError:
        return None
