"""Checkpoints and trees, by the implementation of Go's checksum database. Without Go, or its packages, skipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "reference"))
import deputize_reference as ref  # noqa: E402
from deputize import Agent, AuditLog, NoteKey  # noqa: E402
from deputize_audit import from_json  # noqa: E402

ORIGIN = "example.com/log"


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("there is no Go")
    program = tmp_path_factory.mktemp("go") / "interop"
    fetched = subprocess.run(["go", "mod", "download"], cwd=HERE, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        pytest.skip(f"the packages of Go cannot be fetched: {fetched.stderr.strip()}")
    subprocess.run(["go", "build", "-o", program, "."], cwd=HERE, check=True)
    return program


@pytest.mark.parametrize("count", [0, 1, 6, 36])
def test_go_verifies_a_checkpoint_and_comes_to_its_root(checker: Path, tmp_path: Path, count: int) -> None:
    key = Agent.generate("log")
    log = AuditLog(tmp_path / "calls.log", origin=ORIGIN, key=key)
    log.append_json([json.dumps({"kind": "test", "number": number}, separators=(",", ":")) for number in range(count)])
    note, leaves = tmp_path / "note", tmp_path / "leaves"
    note.write_text(log.checkpoint())
    # Leaves as the reference encodes them.
    lines = (tmp_path / "calls.log").read_text().splitlines()
    leaves.write_text("".join(ref.encode_value(from_json(json.loads(line))).hex() + "\n" for line in lines))

    def checked(note_key: NoteKey) -> subprocess.CompletedProcess[str]:
        return subprocess.run([checker, note, str(note_key), leaves], capture_output=True, text=True, check=False)

    done = checked(NoteKey.of_log(ORIGIN, key))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == [ORIGIN, str(count + 1)]
    assert checked(NoteKey.of_log(ORIGIN, Agent.generate("other"))).returncode == 1
    leaves.write_text(leaves.read_text().replace("a3", "a4", 1))
    assert checked(NoteKey.of_log(ORIGIN, key)).returncode == 1
