"""The planner: an agent in a process of its own. It hands the coder a part of what it was given, and deploys itself."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from deputize import Actor, Agent, Chain, VerifyingKey, anything, path
from deputize.mcp import DENIAL_KEY, sign_calls
from mcp import Client


def tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def hear() -> dict[str, Any]:
    return json.loads(sys.stdin.readline())


async def deploy(planner: Agent, chain: Chain, url: str, audience: str) -> None:
    async with Client(url) as client:
        sign_calls(client, Actor(planner, chain), audience)
        result = await client.call_tool("deploy", {"repository": "website", "version": "v1.1.0"})
    text = "".join(part.text for part in result.content if part.type == "text")
    denial = (result.meta or {}).get(DENIAL_KEY, {})
    tell(step="deploy", code=denial.get("code", "tool-failed") if result.is_error else "allowed", text=text)


def main() -> None:
    planner = Agent.generate("planner")
    tell(did=planner.did)

    given = hear()
    chain = Chain.from_text(given["chain"])
    coder = VerifyingKey.from_did_key(given["coder"])
    below_src = {"repository": "website", "path": path("/src")}
    tools = {
        "read_file": below_src,
        "open_pull_request": {**below_src, "*": anything()},
    }
    task = {"to": coder, "holder_name": "coder", "tools": tools, "max_depth": 2}
    tell(
        chain=planner.delegate(chain, ttl="10m", reason="fix the login of the website", **task).text,
        short=planner.delegate(chain, ttl=1, reason="look at the login of the website", **task).text,
    )

    given = hear()
    asyncio.run(deploy(planner, chain, given["url"], given["audience"]))


if __name__ == "__main__":
    main()
