"""A store in Redis, for verifiers in several processes and machines: `pip install deputize[redis]`."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import redis
import redis.cluster
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from deputize._native import COMMIT_SCRIPT, make_error

__all__ = ["RedisStore"]

_SHA1: Final = hashlib.sha1(COMMIT_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_PREFIX: Final = re.compile(r"[A-Za-z0-9.:_-]{1,64}")
_ANSWER: Final = re.compile(r"(refused|predates) (0|[1-9][0-9]{0,5})")

_Client = redis.Redis | redis.cluster.RedisCluster


class RedisStore:
    """What verifiers share on a server of Redis. Whatever goes wrong raises, and denies.

    `server` is an address such as `redis://127.0.0.1:6379/0`, or a client of the package `redis`. A client of the
    program's own waits and tries again as it was told; one without a `socket_timeout` is refused.

    `timeout` is how many seconds a commit may wait: half for a connection, half for an answer.

    `durable` says that the server loses nothing when it starts again: `appendonly yes` with `appendfsync always`, and
    no failover to a replica that may lag. Without it, what is older than the server's run counts as older than the
    store.
    """

    def __init__(
        self, server: str | _Client, prefix: str = "deputize", timeout: float = 2.0, durable: bool = False
    ) -> None:
        if type(prefix) is not str or not _PREFIX.fullmatch(prefix):
            raise make_error("config-invalid", "1 to 64 letters, digits and .:_- are a", "prefix")
        if type(timeout) not in (int, float) or not 0 < timeout <= 60:
            raise make_error("config-invalid", "a timeout is above 0 and at most 60 seconds")
        if type(durable) is not bool:
            raise make_error("config-invalid", "durable: a bool")
        self._prefix = prefix
        self._durable = durable
        self._client: _Client = _connect(server, timeout) if isinstance(server, str) else _bounded(server)

    def begin(self, now_ms: int) -> None:
        """Called by each verifier that takes the store.

        Where the server remembers nothing yet, its memory begins now and not with the first call.
        """
        self.commit([], now_ms)

    def commit(self, operations: list[Any], now_ms: int) -> bool | str | tuple[str, int]:
        """Raises what the client raises, or `RedisError` for an answer that is not the script's."""
        keys, words = [f"{{{self._prefix}}}:began"], [str(now_ms), "1" if self._durable else "0"]
        for name, key, *numbers in operations:
            keys.append(f"{{{self._prefix}}}:{chr(key[0])}:{key[1:].hex()}")
            words += [name, *map(str, numbers)]
        answer: Any
        try:
            answer = self._client.evalsha(_SHA1, len(keys), *keys, *words)
        except NoScriptError:
            answer = self._client.eval(COMMIT_SCRIPT, len(keys), *keys, *words)
        word = answer.decode("latin-1") if type(answer) is bytes else answer
        if word == "committed":
            return True
        if word == "full":
            return "full"
        match = _ANSWER.fullmatch(word) if type(word) is str else None
        if match is None:
            raise RedisError("no answer of the script")
        return match[1], int(match[2])

    def close(self) -> None:
        """Closes the connections; the next commit opens another."""
        self._client.close()

    def __repr__(self) -> str:
        return f"RedisStore({self._prefix!r})"


def _connect(address: str, timeout: float) -> redis.Redis:
    try:
        # Not asked again after a failure: the caller would wait for each.
        return redis.Redis.from_url(
            address,
            socket_timeout=timeout / 2,
            socket_connect_timeout=timeout / 2,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    except ValueError:
        # The address may have a password in it.
        raise make_error("config-invalid", "not the address of a Redis server") from None


def _bounded(client: Any) -> _Client:
    if not isinstance(client, _Client):
        raise make_error("config-invalid", "server: an address, or a client of redis that is not asyncio's")
    if client.get_connection_kwargs().get("socket_timeout") is None:
        raise make_error("config-invalid", "the client has no", "socket_timeout")
    return client
