"""The mixed fleet: LangGraph, Mastra and FastMCP in three processes, with one audit trail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from agent_world import ROOT

NODE = ROOT / "tests" / "frameworks" / "node" / "node_modules"


def test_a_supervisor_a_coder_and_a_server_leave_one_trail_with_the_whole_chain(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", examples, ignore=shutil.ignore_patterns("node_modules", "rust"))
    (examples / "fleet" / "node_modules").symlink_to(NODE)
    command = [sys.executable, "run.py", "--node", str(NODE / ".bin" / "node")]  # Mastra needs Node 22
    done = subprocess.run(
        command,
        cwd=examples / "fleet",
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trail = done.stdout.split("The audit trail")[1]
    for said in [
        "ana issued deploy, read_file, ask_intern to supervisor for ana",
        "supervisor delegated deploy, read_file to coder for ana",
        "ALLOW coder called read_file for ana at https://git.acme.example (ana → supervisor → coder; session ",
        "DENY argument-refused: coder called read_file for ana at https://git.acme.example (ana → supervisor → coder;",
        "bo approved deploy (request ",
        "ALLOW coder called deploy for ana at https://git.acme.example (ana → supervisor → coder;",
        "ALLOW supervisor called read_file for ana at https://git.acme.example (ana → supervisor;",
    ]:
        assert said in trail
    assert "intern called" not in trail
