"""Processes in one or several languages that share a server of Redis: one wins each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from deputize import Agent
from deputize.redis import RedisStore

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bindings-python" / "tests"))
from redis_server import Server  # noqa: E402

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
RACERS = {
    "python": [sys.executable, str(ROOT / "tests" / "redis" / "racer.py")],
    "node": ["node", str(ROOT / "tests" / "redis" / "racer.mjs")],
    "rust": [str(TARGET / "debug" / "redis-racer")],
}
AUDIENCE, COUNT = "https://tools.acme.example", 1000


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    now_ms = int(time.time()) * 1000
    ana, coder = Agent.generate("ana"), Agent.generate("coder")
    chain = ana.issue(to=coder, tools={"t": {}})
    presentations = [coder.prove(chain, "t", {}, AUDIENCE) for _ in range(COUNT)]
    # The clock stands still, so that on a slow machine no proof expires, and the memory begins before the first proof.
    made = {
        "now_ms": now_ms,
        "issuer": ana.did,
        "audience": AUDIENCE,
        "presentations": [one.text for one in presentations],
    }
    path = tmp_path_factory.mktemp("scene") / "scene.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "languages",
    [["python", "python"], ["node", "node"], ["rust", "rust"], ["python", "node", "rust"]],
    ids="-".join,
)
def test_exactly_one_of_several_processes_wins_each_time(languages: list[str], scene: Path) -> None:
    server = Server()
    now_ms = json.loads(scene.read_text(encoding="utf-8"))["now_ms"]
    store = RedisStore(server.address)
    store.begin(now_ms)
    for at in range(COUNT):
        # Two of three units are gone.
        counter = b"b" + bytes(29) + at.to_bytes(4, "big")
        assert store.commit([("spend", counter, 2, 3, now_ms // 1000 + 60, now_ms)], now_ms) is True
    try:
        racers = [
            subprocess.Popen(
                [*RACERS[language], server.address, str(scene)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for language in languages
        ]
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        answers = [json.loads(racer.communicate(timeout=300)[0]) for racer in racers]
        assert [racer.returncode for racer in racers] == [0] * len(racers)
    finally:
        server.close()

    for name in ("proofs", "approvals", "units"):
        assert Counter(at for answer in answers for at in answer[name]) == Counter(range(COUNT)), name
