"""`import deputize` is quick, and imports no framework."""

from __future__ import annotations

import statistics
import subprocess
import sys

PROGRAM = """
import sys, time
before = set(sys.modules)
start = time.process_time()
import deputize
print((time.process_time() - start) * 1000)
print(*(name for name in set(sys.modules) - before if "." not in name))
"""
HEAVY = {"anyio", "asyncio", "fastmcp", "httpx", "httpx2", "mcp", "mcp_types", "opentelemetry", "pydantic", "redis"}


def started() -> tuple[float, set[str]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    took, modules = done.stdout.splitlines()
    return float(took), set(modules.split())


def test_importing_imports_no_framework_and_takes_at_most_50_ms() -> None:
    runs = [started() for _ in range(7)]
    assert not HEAVY & runs[0][1]
    assert min(took for took, _ in runs) <= 50, statistics.median(took for took, _ in runs)
