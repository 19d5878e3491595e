"""The snippets of a section of a guide, as their reader copies them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GUIDES = Path(__file__).parents[3] / "docs" / "guide"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(page: str, heading: str) -> list[str]:
    text = (GUIDES / page).read_text(encoding="utf-8")
    found: list[str] = BLOCK.findall(text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0])
    assert found, f"{page} has no python below {heading}"
    return found


def run(source: str, folder: Path) -> list[str]:
    (folder / "snippet.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "snippet.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
