"""The processes of a demo, each with keys of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

PATIENCE = 60.0
# Everything is on loopback, also where a proxy is configured.
ENVIRONMENT = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


class CannotRun(Exception):
    """The demo could not be run to its end."""


class Process:
    """A process that the demo started, and its conversation in JSON lines."""

    def __init__(self, name: str, child: asyncio.subprocess.Process, errors: Path) -> None:
        self.name = name
        self.child = child
        self._errors = errors

    @classmethod
    async def start(cls, name: str, command: list[str], at: Path, folder: Path) -> Process:
        errors = folder / f"{name}.err"
        with errors.open("wb") as sink:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                cwd=at,
                env=ENVIRONMENT,
                limit=1 << 20,
            )
        return cls(name, child, errors)

    def tell(self, **line: Any) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(line).encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        try:
            line = await asyncio.wait_for(self.child.stdout.readline(), PATIENCE)
        except asyncio.TimeoutError:
            raise CannotRun(f"{self.name} said nothing for {PATIENCE:.0f} s\n{self._complaint()}") from None
        if not line:
            raise CannotRun(f"{self.name} ended too early\n{self._complaint()}")
        return json.loads(line)

    async def end(self) -> None:
        if self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.terminate()
        try:
            await asyncio.wait_for(self.child.wait(), 3)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.child.kill()
            await self.child.wait()

    def _complaint(self) -> str:
        return self._errors.read_text(errors="replace")[-2000:].strip()
