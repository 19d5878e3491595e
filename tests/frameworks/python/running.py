"""Snippets of the guides and examples, run as their readers would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def snippets(page: str, heading: str, language: str = "python") -> list[str]:
    """The code below a heading of a guide."""
    text = (
        (ROOT / "docs" / "guide" / page).read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    )
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(folder: Path, source: str, **beside: str) -> str:
    """Runs a file in a folder, with others beside it, and gives what it prints."""
    for name, text in {**beside, "snippet": source}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "snippet.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
