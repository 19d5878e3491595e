"""A request as a call, with the table that Node reads too, and the statuses of refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import SERVER, Story, refused
from deputize import Actor, Agent, DeputizeError, UnsupportedOperation, codes
from deputize.http import HEADER, MAX_BODY, Routes, arguments_of, headers_for, sign_calls, status_of

TABLE = json.loads((Path(__file__).parents[2] / "tests" / "http" / "requests.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_a_request_is_one_call_or_none(case: dict[str, Any]) -> None:
    def read() -> dict[str, Any]:
        return arguments_of(case["path"], case["query"].encode(), case["content_type"], case["body"].encode())

    if "code" in case:
        assert refused(read).code == case["code"]
    else:
        assert read() == case["arguments"]


def test_a_body_has_a_bound_and_is_utf_8() -> None:
    def read(body: bytes) -> dict[str, Any]:
        return arguments_of({}, b"", "application/json", body)

    assert read(b'{"a":"' + b"x" * (MAX_BODY - 8) + b'"}')
    assert refused(lambda: read(b'{"a":"' + b"x" * (MAX_BODY - 7) + b'"}')).code == "too-large"
    assert refused(lambda: read(b'{"a":"\xff"}')).code == "malformed"
    assert refused(lambda: read('{"a":1}'.encode("utf-16"))).code == "malformed"
    assert refused(lambda: arguments_of({"n": 7}, b"", None, b"")).code == "malformed"  # type: ignore[dict-item]


def test_the_status_says_whether_to_sign_again(story: Story) -> None:
    verifier, chain = story.verifier(), story.chain({"deploy": {"env": "staging"}})
    shown = story.coder.prove(chain, "deploy", {"env": "staging"}, SERVER)
    for presentation, arguments, status in (
        (None, {"env": "staging"}, 401),
        ("a b", {"env": "staging"}, 401),
        (shown, {"env": "other"}, 401),
        (story.coder.prove(chain, "deploy", {"env": "staging"}, "https://other.example"), {"env": "staging"}, 401),
        (story.coder.prove(chain, "deploy", {"env": "production"}, SERVER), {"env": "production"}, 403),
    ):
        with pytest.raises(DeputizeError) as caught:
            verifier.authorize(presentation, "deploy", arguments)
        assert status_of(caught.value) == status, caught.value
    assert status_of(refused(lambda: arguments_of({}, b"a=1&a=2", None, b""))) == 400
    assert status_of(refused(lambda: Routes({"deploy": "deploy"}))) == 500
    assert {code["code"] for code in codes if code["code"].startswith("proof-")} >= {"proof-missing", "proof-replayed"}


def test_routes_are_methods_with_paths() -> None:
    routes = Routes(
        {"GET /a/b": "fixed", "GET /a/{b}": "one", "POST /f/{rest:path}": "all", "GET /v1.0/{x}-{y}": "two"}
    )
    assert routes.find("GET", "/a/b") == ("fixed", {})
    assert routes.find("HEAD", "/a/c%2Fd") == ("one", {"b": "c/d"})
    assert routes.find("POST", "/f/x/y") == ("all", {"rest": "x/y"})
    assert routes.find("GET", "/v1.0/p-q") == ("two", {"x": "p", "y": "q"})
    for method, path in (("POST", "/a/b"), ("GET", "/a/"), ("GET", "/a/b/c"), ("GET", "/v1x0/p-q"), ("get", "/a/b")):
        assert routes.find(method, path) is None
    for wrong in ("/a", "get /a", "GET a", "GET /a?b", ""):
        assert refused(lambda route=wrong: Routes({route: "tool"})).code == "config-invalid"  # type: ignore[misc]
    with pytest.raises(UnsupportedOperation):
        Routes({"GET /a": 5})  # type: ignore[dict-item]


def test_what_cannot_sign_is_refused_at_the_start(story: Story) -> None:
    actor = Actor(story.coder, story.chain({"deploy": {}}))
    for client, server in ((object(), "http://127.0.0.1"), (None, "http://127.0.0.1")):
        with pytest.raises(UnsupportedOperation):
            sign_calls(client, actor, SERVER, server, {})
    for server in ("127.0.0.1", "ftp://127.0.0.1", "http://127.0.0.1/?a=1", ""):
        assert refused(lambda at=server: sign_calls(object(), actor, SERVER, at, {})).code == "config-invalid"  # type: ignore[misc]
    (header,) = headers_for(actor, "deploy", {}, SERVER)
    assert header == HEADER
    assert Agent.generate("x").name == "x"
