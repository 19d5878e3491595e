"""Deputize in the official MCP SDK (``mcp`` 2, and 1): a guard for servers, a signer for clients.

The presentation of a call travels in ``params._meta["dev.deputize/presentation"]`` of ``tools/call``, or in the HTTP
header ``Deputize-Presentation``; where nothing else is kept, and both sides say so, as an argument of the call. The
first of these places that has anything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deputize.actor import Actor
from deputize.guarding import DENIAL_KEY, HEADER, META_KEY, caller
from deputize.versions import installed, require

_FIRST = (installed("mcp") or (2,)) < (2,)
require("mcp", *(("1.30", "2") if _FIRST else ("2", "3")), "mcp")

if TYPE_CHECKING:
    from deputize._mcp2_client import approval_form, sign_calls
    from deputize._mcp2_server import guard
elif _FIRST:
    from deputize._mcp1 import approval_form, guard, sign_calls
else:
    from deputize._mcp2_client import approval_form, sign_calls
    from deputize._mcp2_server import guard

__all__ = ["DENIAL_KEY", "HEADER", "META_KEY", "approval_form", "caller", "guard", "meta_for", "sign_calls"]


def meta_for(
    actor: Actor, tool: str, arguments: dict[str, Any], audience: str, challenge: bytes | None = None
) -> dict[str, Any]:
    """The ``_meta`` of one attempt of one call, for clients that send it themselves."""
    return {META_KEY: actor.prove(tool, arguments, audience, challenge).text}
