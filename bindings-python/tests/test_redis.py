"""The store in Redis, against a server of the tests' own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from conftest import SERVER, Story, refused
from deputize import Denied, Verifier
from deputize.redis import RedisStore
from redis_server import Server

T = 1_764_000_000


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def lasting() -> Iterator[Server]:
    server = Server("--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.close()


def claim(n: int, since: int = T) -> tuple[Any, ...]:
    return "claim", b"p" + bytes([n]) * 48, T + 60, since * 1000


def spend(n: int, amount: int, limit: int) -> tuple[Any, ...]:
    return "spend", b"b" + bytes([n]) * 33, amount, limit, T + 60, T * 1000


def mark(n: int, expires: int) -> tuple[Any, ...]:
    return "mark", b"d" + bytes([n]) * 64, expires


def absent(n: int, since: int = T) -> tuple[Any, ...]:
    return "absent", b"d" + bytes([n]) * 64, since * 1000


def commit(store: RedisStore, *operations: tuple[Any, ...], at: int = T) -> Any:
    return store.commit(list(operations), at * 1000)


def outcome(verifier: Verifier, presentation: Any) -> str:
    try:
        verifier.authorize(presentation, "t", {})
    except Denied as error:
        return error.code
    return "allowed"


def test_a_commit_is_all_or_nothing_and_judged_in_order(server: Server) -> None:
    store = RedisStore(server.address)
    assert commit(store) is True
    assert commit(store, absent(1), claim(1), spend(1, 11, 10)) == ("refused", 2)
    assert commit(store, absent(1), claim(1), spend(1, 10, 10), mark(2, T + 60)) is True
    assert commit(store, spend(1, 1, 10), claim(1)) == ("refused", 0)
    assert commit(store, claim(2), absent(2), claim(1)) == ("refused", 1)
    assert commit(store, claim(2), ("refund", spend(1, 0, 0)[1], 4)) is True
    assert commit(store, spend(1, 4, 10)) is True
    assert commit(store, claim(3, since=T - 1)) == ("predates", 0)
    assert commit(store, absent(3, since=T - 1)) == ("predates", 0)
    assert commit(store, spend(2, 2**53 + 1, 2**53)) == ("refused", 0)
    assert commit(store, spend(2, 2**53, 2**53)) is True
    assert commit(store, spend(2, 1, 2**53)) == ("refused", 0)


def test_verifiers_share_it_also_behind_clients_of_the_programs_own(server: Server, story: Story) -> None:
    client = redis.Redis(port=server.port, socket_timeout=1, decode_responses=True)
    stores = [RedisStore(server.address), RedisStore(server.address), RedisStore(client), RedisStore(client)]
    verifiers = [story.verifier(store=store) for store in stores]
    for first in range(4):
        presentation = story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)
        outcomes = [outcome(verifiers[(first + at) % 4], presentation) for at in range(4)]
        assert outcomes == ["allowed"] + ["proof-replayed"] * 3
    other = story.verifier(store=RedisStore(server.address, prefix="other"))
    assert outcome(other, story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)) == "allowed"


def test_of_many_threads_and_tasks_one_is_allowed(server: Server, story: Story) -> None:
    verifier = story.verifier(store=RedisStore(server.address))
    presentation = story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)

    async def main() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(outcome, verifier, presentation) for _ in range(64)))

    assert sorted(asyncio.run(main())) == ["allowed"] + ["proof-replayed"] * 63


def test_after_a_crash_without_persistence_old_proofs_predate_the_store(server: Server, story: Story) -> None:
    verifier, chain = story.verifier(store=RedisStore(server.address)), story.chain({"t": {}})
    used = story.coder.prove(chain, "t", {}, SERVER)
    assert outcome(verifier, used) == "allowed"
    server.crash()
    assert outcome(verifier, used) == "store-unavailable"
    server.start()
    assert outcome(verifier, used) == "proof-predates-store"
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"


def test_a_server_that_loses_nothing_refuses_old_proofs_as_replayed(lasting: Server, story: Story) -> None:
    store = RedisStore(lasting.address, durable=True)
    verifier, chain = story.verifier(store=store), story.chain({"t": {}})
    used = story.coder.prove(chain, "t", {}, SERVER)
    assert outcome(verifier, used) == "allowed"
    lasting.crash()
    lasting.start()
    assert outcome(verifier, used) == "proof-replayed"
    assert outcome(verifier, story.coder.prove(chain, "t", {}, SERVER)) == "allowed"


CRASH = """
import os, sys
from deputize import Agent, TrustAnchor, Verifier
from deputize.redis import RedisStore
from deputize import VerifyingKey
key = VerifyingKey.from_did_key(sys.argv[2])
verifier = Verifier(trust=[TrustAnchor("ana", key)], audience=sys.argv[3], store=RedisStore(sys.argv[1]))
verifier.authorize(sys.argv[4], "t", {})
os._exit(7)
"""


def test_a_process_that_dies_between_decision_and_action_leaves_the_proof_used(server: Server, story: Story) -> None:
    verifier, chain = story.verifier(store=RedisStore(server.address)), story.chain({"t": {}})
    presentation = story.coder.prove(chain, "t", {}, SERVER)
    words = [server.address, story.ana.did, SERVER, presentation.text]
    assert subprocess.run([sys.executable, "-c", CRASH, *words], check=False).returncode == 7
    assert outcome(verifier, presentation) == "proof-replayed"


def test_without_memory_for_it_nothing_is_committed(server: Server) -> None:
    store = RedisStore(server.address)
    assert commit(store, claim(1)) is True
    server.run("CONFIG", "SET", "maxmemory", "1")
    assert commit(store, spend(1, 1, 1), claim(2)) == "full"
    assert commit(store, claim(1)) == ("refused", 0)
    server.run("CONFIG", "SET", "maxmemory", "0")
    assert commit(store, spend(1, 1, 1), claim(2)) is True


def test_a_server_that_evicts_keys_takes_no_writes_or_has_something_else_at_a_key_denies(
    server: Server, story: Story
) -> None:
    server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    verifier, chain = story.verifier(store=RedisStore(server.address)), story.chain({"t": {}})

    def prove() -> Any:
        return story.coder.prove(chain, "t", {}, SERVER)

    assert outcome(verifier, prove()) == "store-unavailable"
    server.run("CONFIG", "SET", "maxmemory-policy", "noeviction")
    # It begins when it is first asked, which may be a millisecond after the proof was made.
    assert outcome(verifier, prove()) in ("allowed", "proof-predates-store")
    assert outcome(verifier, prove()) == "allowed"
    store = RedisStore(server.address)
    server.run("RPUSH", f"{{deputize}}:b:{'01' * 33}", "x")
    with pytest.raises(redis.ResponseError):
        commit(store, claim(1), spend(1, 1, 1), at=int(time.time()))
    server.run("REPLICAOF", "127.0.0.1", "1")
    assert outcome(verifier, prove()) == "store-unavailable"
    server.run("REPLICAOF", "NO", "ONE")
    server.run("DEL", "{deputize}:began")
    server.run("RPUSH", "{deputize}:began", "x")
    assert outcome(verifier, prove()) == "store-unavailable"


@pytest.fixture
def answering() -> Iterator[Callable[[bytes, float], str]]:
    """Servers that answer each connection with these bytes, and close it after some seconds."""
    open_sockets: list[socket.socket] = []

    def serve(answer: bytes, patience: float) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        open_sockets.append(listener)

        def one(connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                time.sleep(patience)

        def accept() -> None:
            try:
                while True:
                    threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        return f"redis://127.0.0.1:{listener.getsockname()[1]}/0"

    yield serve
    for one in open_sockets:
        one.close()


@pytest.mark.parametrize(
    ("answer", "patience"),
    [
        (b"", 5),
        (b"", 0),
        (b"+OK\r\n+OK\r\n$9\r\ncommi", 5),
        (b"+OK\r\n+OK\r\n$9\r\ncommi", 0),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 0),
        (b"+OK\r\n" * 9, 5),
        (b"+OK\r\n+OK\r\n:1\r\n:1\r\n", 5),
        (b"+OK\r\n+OK\r\n$-1\r\n$-1\r\n", 5),
        (b"+OK\r\n+OK\r\n*1\r\n$9\r\ncommitted\r\n", 5),
        (b"+OK\r\n+OK\r\n$10\r\nrefused -1\r\n", 5),
        (b"+OK\r\n+OK\r\n-ERR no\r\n", 5),
        (b"\xff\xfe\x00garbage\r\n", 5),
    ],
)
def test_a_server_that_is_silent_or_answers_nonsense_denies_in_time(
    answer: bytes, patience: float, answering: Callable[[bytes, float], str], story: Story
) -> None:
    verifier = story.verifier(store=RedisStore(answering(answer, patience), timeout=0.4))
    begin = time.monotonic()
    assert outcome(verifier, story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)) == "store-unavailable"
    assert time.monotonic() - begin < 1.5


def test_a_server_that_is_not_there_denies(story: Story) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    verifier = story.verifier(store=RedisStore(f"redis://127.0.0.1:{port}"))
    begin = time.monotonic()
    assert outcome(verifier, story.coder.prove(story.chain({"t": {}}), "t", {}, SERVER)) == "store-unavailable"
    assert time.monotonic() - begin < 2


def test_what_cannot_be_a_store_is_refused() -> None:
    address = "redis://127.0.0.1"
    for make in (
        lambda: RedisStore("http://user:secret@host"),
        lambda: RedisStore(5),  # type: ignore[arg-type]
        lambda: RedisStore(redis.asyncio.Redis()),  # type: ignore[arg-type]
        lambda: RedisStore(redis.Redis(socket_timeout=None)),
        *[lambda prefix=prefix: RedisStore(address, prefix=prefix) for prefix in ("", "a b", "{a}", "ä", "x" * 65, 5)],
        *[lambda timeout=timeout: RedisStore(address, timeout=timeout) for timeout in (0, -1, 61, True, None, "2")],
        lambda: RedisStore(address, timeout=float("nan")),
        lambda: RedisStore(address, durable=1),  # type: ignore[arg-type]
    ):
        error = refused(make)
        assert error.code == "config-invalid"
        assert "secret" not in str(error)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_uses_connections_of_its_own(server: Server, story: Story, tmp_path: Path) -> None:
    verifier, chain = story.verifier(store=RedisStore(server.address)), story.chain({"t": {}})
    presentations = [story.coder.prove(chain, "t", {}, SERVER) for _ in range(200)]
    child = os.fork()
    codes = [outcome(verifier, presentation) for presentation in presentations]
    if child == 0:
        (tmp_path / "codes").write_text(" ".join(codes))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    theirs = (tmp_path / "codes").read_text().split()
    assert {tuple(sorted(pair)) for pair in zip(codes, theirs, strict=True)} == {("allowed", "proof-replayed")}
