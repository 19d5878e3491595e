"""What the demo prints: outcomes beside what they should be, sentences, and the diagram of the delegation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

BOLD, GREEN, RED, YELLOW, DIM = "1", "32", "31", "33", "2"


@dataclass(frozen=True)
class Step:
    """Something that is tried, the code that it should end with, and whose decision that is."""

    name: str
    what: str
    code: str
    by: str = "server"
    shows: str = ""


class Report:
    """Prints each outcome as it comes, and counts those that are not what they should be."""

    def __init__(self, sink: TextIO, coloured: bool) -> None:
        self._sink = sink
        self._coloured = coloured
        self._checked = 0
        self._wrong: list[str] = []

    def title(self, text: str) -> None:
        self._line(self._paint(text, BOLD))

    def scene(self, text: str) -> None:
        self._line()
        self._line(self._paint(text, BOLD))

    def note(self, text: str) -> None:
        self._line(f"  {text}")

    def text(self, text: str) -> None:
        self._line(text.rstrip("\n"))

    def sentences(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            verdict = sentence[21:26]
            self._line("  " + self._paint(sentence, {"ALLOW": GREEN, "DENY ": YELLOW}.get(verdict, DIM)))

    def outcome(self, step: Step, code: str, text: str) -> None:
        """An outcome of a step, whose text has to show what an allowed call gives back."""
        if code != step.code:
            self._fail(f"{step.what}: {code}, and should be {step.code} ({' '.join(text.split())})")
        elif step.shows not in text:
            self._fail(f"{step.what}: {code}, but it gave {text!r}, and should give {step.shows!r}")
        else:
            verdict = self._paint(code, GREEN if code == "allowed" else YELLOW)
            by = "" if step.by == "server" else self._paint(f"  (by the {step.by}, before anything is sent)", DIM)
            self._pass(f"{step.what:<58} {verdict}{by}")

    def check(self, what: str, found: object, expected: object) -> None:
        """Something that was found, and what it should be."""
        if found == expected:
            self._pass(what)
        else:
            self._fail(f"{what}: {found}, and should be {expected}")

    def conclude(self, seconds: float) -> int:
        self._line()
        if not self._wrong:
            self._line(
                self._paint(f"All {self._checked} outcomes are what they should be ({seconds:.1f} s).", BOLD, GREEN)
            )
            return 0
        self._line(
            self._paint(f"{len(self._wrong)} of {self._checked} outcomes are not what they should be:", BOLD, RED)
        )
        for what in self._wrong:
            self._line(f"  {what}")
        return 1

    def _pass(self, text: str) -> None:
        self._checked += 1
        self._line(f"  {self._paint('✓', GREEN)} {text}")

    def _fail(self, text: str) -> None:
        self._checked += 1
        self._wrong.append(text)
        self._line(f"  {self._paint('✗', RED)} {self._paint(text, RED)}")

    def _line(self, text: str = "") -> None:
        print(text, file=self._sink, flush=True)

    def _paint(self, text: str, *styles: str) -> str:
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if self._coloured else text


def diagram(records: Sequence[dict[str, Any]], links: Sequence[dict[str, Any]]) -> str:
    """Who gave what to whom and which calls came of it, as a Mermaid flowchart. Who proved no key has no name in it."""
    lines = ["flowchart LR"]
    nodes: dict[str, str] = {}
    denied: list[int] = []
    edges = 0

    def node(name: str, left: str, right: str) -> str:
        if name not in nodes:
            nodes[name] = f"n{len(nodes)}"
            label = name.replace("#", "#35;").replace('"', "#quot;")
            lines.append(f'  {nodes[name]}{left}"{label}"{right}')
        return nodes[name]

    giver = node(links[0]["issuer"], "([", "])")
    for link in links:
        holder = node(link["holder_name"], "[", "]")
        minutes = (link["expires"] - link["issued"]) // 60
        lines.append(f'  {giver} ==>|"{", ".join(sorted(link["tools"]))}<br/>{minutes} minutes"| {holder}')
        giver, edges = holder, edges + 1

    calls = Counter((proven_caller(record), record["tool"], record["code"]) for record in records)
    for (caller, tool, code), count in calls.items():
        start = node(caller, "[", "]") if caller else node("someone without proof", "{{", "}}")
        end = node(tool, "[/", "/]")
        times = f" × {count}" if count > 1 else ""
        if code == "allowed":
            lines.append(f'  {start} -->|"allowed{times}"| {end}')
        else:
            lines.append(f'  {start} -. "✗ {code}{times}" .-> {end}')
            denied.append(edges)
        edges += 1
    if denied:
        lines.append(f"  linkStyle {','.join(map(str, denied))} stroke:#c0392b,color:#c0392b")
    return "\n".join(lines) + "\n"


def proven_caller(record: dict[str, Any]) -> str | None:
    """The holder that signed the call, if the server verified that."""
    return record["chain"][-1]["name"] if "proof" in record else None
