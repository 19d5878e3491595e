"""Pairs of constraints that the core generated, decided again in Python: one JSON line a pair, in the file that the
environment variable DEPUTIZE_PAIRS names.

    DEPUTIZE_PAIRS=pairs.jsonl python -m pytest tests/agree_pairs.py

Not collected without being named; without the file, it fails.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from deputize import Constraint, decode_value

KEYS = {"parent", "child", "narrower", "value", "parent_accepts", "child_accepts"}


def disagreements(pair: dict[str, Any]) -> list[str]:
    """What Python says otherwise about a pair, and what no reader may say."""
    if set(pair) != KEYS:
        return [f"a pair has {sorted(KEYS)}"]
    parent, child = (Constraint.decode(bytes.fromhex(pair[name])) for name in ("parent", "child"))
    value = decode_value(bytes.fromhex(pair["value"]))
    here = {
        "narrower": parent.subsumes(child),
        "parent_accepts": parent.accepts(value),
        "child_accepts": child.accepts(value),
    }
    found = [f"{name}: {said} here" for name, said in here.items() if said is not pair[name]]
    if here["narrower"] and here["child_accepts"] and not here["parent_accepts"]:
        found.append("narrower, and yet the child alone accepts the value")
    for name, constraint in (("parent", parent), ("child", child)):
        if constraint.encode().hex() != pair[name]:
            found.append(f"{name}: encoded otherwise here")
    return found


def test_python_agrees_about_every_pair() -> None:
    name = os.environ.get("DEPUTIZE_PAIRS")
    assert name, "DEPUTIZE_PAIRS does not name the file of pairs"
    count = 0
    wrong: list[str] = []
    with Path(name).open(encoding="utf-8") as lines:
        for count, line in enumerate(lines, 1):
            found = disagreements(json.loads(line))
            if found and len(wrong) < 10:
                wrong.append(f"line {count}: {'; '.join(found)}: {line.strip()}")
    assert not wrong, "\n".join(wrong)
    assert count, f"{name} has no pairs"
    print(f"{count} pairs")
