"""Compares what the library and the reference say about pairs of constraints; exits with 1 unless they agree.

With a number and a seed it runs `generate-pairs` for so many pairs, otherwise it reads standard input; a line is
{"parent", "child", "value": hex of an encoding, "narrower", "parent_accepts", "child_accepts": a boolean}. Work is
bounded in the library, which may not find a child narrower where the reference does: for one pair in a hundred.
"""

from __future__ import annotations

import collections
import json
import multiprocessing
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import deputize_reference as ref
from deputize_languages import TooHard
from deputize_narrower import find_counterexample, refutes, scalars

SHOWN = 10
LEAST_OF_EACH_ANSWER = 0.02


def answers(parent: Any, child: Any, value: Any) -> dict[str, bool]:
    return {
        "parent_accepts": ref.accepts(parent, value),
        "child_accepts": ref.accepts(child, value),
        "narrower": ref.narrower(parent, child),
    }


def witness(parent: Any, child: Any) -> str:
    for value in scalars(parent, child):
        if refutes(parent, child, value):
            return f"; the child accepts {value!r}, the parent does not"
    text = find_counterexample(parent, child)
    return "" if text is None else f"; the child accepts {text!r}, the parent does not"


def compare(line: str) -> tuple[str, dict[str, Any], str]:
    """What kind of agreement it is, the library's answers, and a sentence about a disagreement."""
    pair = json.loads(line)
    try:
        parent, child = (ref.decode_constraint(bytes.fromhex(pair[name])) for name in ("parent", "child"))
        value = ref.decode_value(bytes.fromhex(pair["value"]))
    except ref.Denied as denied:
        return "disagreement", pair, f"the reference refuses {line.strip()[:2000]}: {denied}"
    try:
        ours = answers(parent, child, value)
    except TooHard:
        return "too hard", pair, f"too hard for the reference: parent {parent}, child {child}"
    wrong = [name for name, answer in ours.items() if answer != pair[name]]
    if not wrong:
        return "agreement", pair, ""
    text = f"parent {parent}\n  child  {child}\n  value  {value!r}\n"
    text += "".join(f"  {name}: the library says {pair[name]}, the reference {ours[name]}\n" for name in wrong)
    if wrong != ["narrower"]:
        return "disagreement", pair, text
    if pair["narrower"]:
        return "disagreement", pair, f"{text}  unsound{witness(parent, child)}\n"
    return "undecided", pair, text


def generated(count: str, seed: str) -> Iterable[str]:
    command = ["cargo", "run", "--quiet", "-p", "deputize-tests", "--bin", "generate-pairs", "--", count, seed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent) as process:
        yield from process.stdout or ()
    if process.returncode:
        sys.exit(f"generate-pairs ended with {process.returncode}")


def main() -> int:
    lines = generated(*sys.argv[1:3]) if len(sys.argv) == 3 else sys.stdin
    kinds: collections.Counter[str] = collections.Counter()
    narrower: collections.Counter[bool] = collections.Counter()
    shown: collections.Counter[str] = collections.Counter()
    with multiprocessing.Pool() as pool:
        for kind, pair, text in pool.imap(compare, filter(str.strip, lines), chunksize=20):
            kinds[kind] += 1
            narrower[bool(pair["narrower"])] += 1
            shown[kind] += 1
            if text and shown[kind] <= SHOWN:
                print(f"{kind}: {text}", file=sys.stderr)
    total = kinds.total()
    print(f"{kinds['agreement']} of {total} pairs agree, {narrower[True]} of them narrower", end="")
    print(f"; {kinds['undecided']} undecided within the budget, {kinds['too hard']} too hard for the reference")
    rare = 100 * max(kinds["undecided"], kinds["too hard"]) <= total
    varied = min(narrower[True], narrower[False]) >= total * LEAST_OF_EACH_ANSWER
    if total and not varied:
        print("nearly all pairs have the same answer", file=sys.stderr)
    return 0 if total and varied and rare and not kinds["disagreement"] else 1


if __name__ == "__main__":
    sys.exit(main())
