"""What the tests of agent frameworks share: who there is, and tools that count how often they ran."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from deputize import Actor, Agent, Approver, MemoryStore, Verifier

ROOT = Path(__file__).parents[3]
APP = "https://app.example"


class World:
    """ana lets the planner act; the app verifies."""

    def __init__(self, **options: Any) -> None:
        self.ana, self.planner, self.coder, self.bo = (
            Agent.generate(name) for name in ("ana", "planner", "coder", "bo")
        )
        self.records: list[Any] = []
        self.verifier = Verifier(
            trust=[self.ana], audience=APP, audit=self.records.append, store=MemoryStore(), **options
        )
        self.ran: Counter[str] = Counter()

    def actor(self, tools: dict[str, Any], agent: Agent | None = None, **options: Any) -> Actor:
        holder = agent or self.planner
        return Actor(holder, self.ana.issue(to=holder, tools=tools, **options))

    def approver(self, answer: Any = True) -> Approver:
        return Approver(self.bo, lambda request: answer)

    @property
    def codes(self) -> list[str]:
        """What was decided, in order."""
        found = [json.loads(record.json()) for record in self.records]
        return [record["code"] for record in found if record["kind"] == "decision"]

    @property
    def outcomes(self) -> list[str]:
        """What became of the calls that ran."""
        found = [json.loads(record.json()) for record in self.records]
        return [record.get("error", record["result"]) for record in found if record["kind"] == "outcome"]


def no_credentials(text: str, *actors: Actor) -> None:
    """Neither chains nor proofs are in what a model, a state or a trace has."""
    for actor in actors:
        chain = actor.chain
        assert chain.text not in text
        assert chain.text[-40:] not in text
        assert chain.bytes.hex() not in text
        assert repr(chain.bytes)[2:60] not in text


def guide(heading: str) -> list[str]:
    """The Python of a section of the guide."""
    text = (ROOT / "docs" / "guide" / "agents.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def run(source: str, folder: Path) -> str:
    """What a program prints, run as its reader would."""
    (folder / "snippet.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "snippet.py"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def example(name: str, folder: Path) -> str:
    return run((ROOT / "examples" / "python" / f"{name}.py").read_text(encoding="utf-8"), folder)


SERVER = """
import sys

from mcp.server import MCPServer

import deputize.mcp
from deputize import TrustAnchor, Verifier, VerifyingKey

server = MCPServer("deploy")


@server.tool()
def deploy(env: str, replicas: int = 1) -> str:
    return f"{deputize.mcp.caller().caller}: {env} {replicas}"


verifier = Verifier(trust=[TrustAnchor("ana", VerifyingKey.from_did_key(sys.argv[1]))], audience="https://deploy.example")
deputize.mcp.guard(server, verifier).run("stdio")
"""


def mcp_server(world: World, folder: Path) -> tuple[str, list[str]]:
    """The command of a guarded server of MCP."""
    (folder / "server.py").write_text(SERVER, encoding="utf-8")
    return sys.executable, [str(folder / "server.py"), world.ana.did]
