"""Writes docs/compatibility.md from the tests of the integrations: each has a line that says what it proves."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MEMBERS = {"framework", "language", "package", "extra", "guards", "carries", "approvals"}
PAGE = """# What works with what

Each row is a test file that runs the released package in the version that is named. Other versions in the range are
expected to work; versions outside are refused when the integration is imported, or by the package manager. This page is
made from the tests by `make table`.

"""
HEAD = (
    "framework",
    "language",
    "package",
    "tested",
    "range",
    "install",
    "what is guarded",
    "the presentation travels in",
    "approvals are asked for by",
)


def rows() -> list[dict[str, str]]:
    """What the test files say of themselves, with the versions that they run on."""
    found = []
    for pattern in ("python/test_*.py", "python-mcp1/test_*.py", "node/*.test.mjs"):
        for file in sorted(HERE.glob(pattern)):
            for line in re.findall(r"^(?:#|//) row: (.*)$", file.read_text(), re.MULTILINE):
                row = json.loads(line)
                if row.keys() != MEMBERS:
                    sys.exit(f"{file.name}: a row has {sorted(MEMBERS)}, not {sorted(row)}")
                versions = NODE if row["language"] == "Node" else pins(file)
                found.append({**row, "tested": versions[row["package"]], "range": allowed(row)})
    return sorted(found, key=lambda row: (row["language"], row["framework"].lower()))


def pins(file: Path) -> dict[str, str]:
    name = "requirements-mcp1.txt" if file.parent.name == "python-mcp1" else "requirements.txt"
    lines = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", (HERE / name).read_text(), re.MULTILINE)
    return dict(lines)


def allowed(row: dict[str, str]) -> str:
    """The range that the package declares."""
    if row["language"] == "Node":
        return PEERS[row["package"]].replace("||", "or")
    text = (ROOT / "bindings-python/pyproject.toml").read_text()
    extras = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    listed = re.search(rf"^{re.escape(row['extra'])} = \[(.*?)\]$", extras, re.MULTILINE | re.DOTALL)
    wanted = re.findall(r'"([\w.-]+)(?:\[[^\]]*\])?([^"]*)"', listed[1]) if listed else []
    return next(limits for package, limits in wanted if package == row["package"]).replace(",", ", ")


def install(row: dict[str, str]) -> str:
    return (
        f"`npm install deputize {row['package']}`"
        if row["language"] == "Node"
        else f"`pip install 'deputize[{row['extra']}]'`"
    )


LOCK = json.loads((HERE / "node/package-lock.json").read_text())["packages"]
NODE = {path.removeprefix("node_modules/"): about.get("version", "") for path, about in LOCK.items()}
PEERS = json.loads((ROOT / "bindings-node/package.json").read_text())["peerDependencies"]


def line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def main() -> None:
    page = PAGE + line(HEAD) + line(["---"] * len(HEAD))
    for row in rows():
        cells = [row["framework"], row["language"], f"`{row['package']}`", row["tested"], row["range"], install(row)]
        page += line([*cells, row["guards"], row["carries"], row["approvals"]])
    (ROOT / "docs/compatibility.md").write_text(page)


if __name__ == "__main__":
    main()
