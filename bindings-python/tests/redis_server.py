"""A `redis-server` on a port of its own, for the tests of the store: started, crashed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest


def required() -> str:
    """The server's program. Where there is none the test is skipped, or fails if `DEPUTIZE_REQUIRE_REDIS` is set."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("DEPUTIZE_REQUIRE_REDIS"):
            pytest.fail("redis-server is required and is not on the PATH")
        pytest.skip("no redis-server on the PATH")
    return program


class Server:
    def __init__(self, *options: str) -> None:
        self.program = required()
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="deputize-redis-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([self.program, *where, *self.options], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while "PONG" not in self.try_run("PING"):
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.02)

    def crash(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def try_run(self, *words: str) -> str:
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(f"*{len(words)}\r\n{parts}".encode())
                return connection.recv(65536).decode()
        except OSError:
            return ""

    def run(self, *words: str) -> str:
        answer = self.try_run(*words)
        assert answer, words
        assert not answer.startswith("-"), answer
        return answer
