"""The comparison with generated pairs finds what differs, and fails without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from deputize import Constraint, between, encode_value, glob, path

FOLDER = Path(__file__).parent


def pair(parent: Constraint, child: Constraint, value: object, **changed: Any) -> str:
    said = {
        "parent": parent.encode().hex(),
        "child": child.encode().hex(),
        "narrower": parent.subsumes(child),
        "value": encode_value(value).hex(),
        "parent_accepts": parent.accepts(value),
        "child_accepts": child.accepts(value),
    }
    return json.dumps(said | changed)


GOOD = [pair(glob("/**"), path("/a"), "/a/b"), pair(between(1, 5), between(1, 6), 6)]


def run(pairs: Path | None) -> tuple[bool, str]:
    environment = {name: value for name, value in os.environ.items() if name != "DEPUTIZE_PAIRS"}
    if pairs is not None:
        environment["DEPUTIZE_PAIRS"] = str(pairs)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FOLDER / "agree_pairs.py")]
    done = subprocess.run(command, env=environment, cwd=FOLDER.parent, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout


def test_pairs_that_agree_pass(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(GOOD) + "\n", encoding="utf-8")
    passed, output = run(pairs)
    assert passed, output


def test_each_difference_is_found(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    for changed in (
        {"narrower": False},
        {"parent_accepts": False},
        {"child_accepts": False},
        {"more": 1},
        {"narrower": 1},
    ):
        wrong = pair(glob("/**"), path("/a"), "/a/b", **changed)
        pairs.write_text("\n".join([GOOD[0], wrong, GOOD[1]]), encoding="utf-8")
        passed, output = run(pairs)
        assert not passed
        assert "line 2: " in output


def test_without_pairs_it_fails_and_is_not_skipped(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    for pairs in (None, empty, tmp_path / "missing.jsonl"):
        passed, output = run(pairs)
        assert not passed
        assert "skipped" not in output
