"""From a person to a decision: what is allowed, and every way of being refused."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import cwt
import pytest

import deputize
from conftest import SERVER, Story, denied, refused
from deputize import (
    Agent,
    Chain,
    Constraint,
    Denied,
    DeputizeError,
    MemoryStore,
    SigningKey,
    TrustAnchor,
    Verifier,
    all_of,
    any_of,
    anything,
    at_least,
    at_most,
    between,
    contains,
    decode_tools,
    encode_tools,
    exact,
    in_range,
    not_one_of,
    one_of,
    optional,
    path,
    subset,
    tools_subsume,
)

ROOT = Path(__file__).parent.parent


def test_the_story(story: Story) -> None:
    root = story.ana.issue(
        to=story.planner,
        tools={"github.update_pr": {"repo": one_of("web", "api"), "pr": at_least(1), "*": anything()}, "deploy": {}},
        ttl="1h",
        audience=[SERVER, "https://other.example"],
        session=bytes(range(16)),
        reason="fix the login bug",
        context="tenant:1",
    )
    chain = story.planner.delegate(
        root,
        to=story.coder,
        tools={"github.update_pr": {"repo": "web", "pr": between(1, 500), "draft": optional(True)}},
        ttl=600,
        max_depth=1,
        audience=SERVER,
        context="tenant:1/task:7",
    )
    verifier = story.verifier()
    arguments: dict[str, Any] = {"repo": "web", "pr": 17}
    presentation = story.coder.prove(chain, "github.update_pr", arguments, SERVER)
    authorized = verifier.authorize(presentation, "github.update_pr", arguments, context="tenant:1/task:7/step:2")
    assert (authorized.caller, authorized.on_behalf_of, authorized.tool) == ("coder", "ana", "github.update_pr")
    assert authorized.arguments == arguments
    assert authorized.ignored == []
    assert authorized.expires == authorized.chain.expires
    assert (authorized.chain.principal, authorized.chain.issuer, authorized.chain.caller) == ("ana", "ana", "coder")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ALLOW coder called github.update_pr for ana at https://tools.acme.example "
        r"\(ana → planner → coder; session 00010203\): fix the login bug",
        authorized.audit,
    )
    record = json.loads(authorized.record.json())
    assert record["decision"] == "allow"
    assert record["code"] == authorized.record.code == "allowed"
    assert "arguments" not in record
    assert json.loads(authorized.record.json(arguments=True))["arguments"] == arguments
    assert abs(authorized.record.time_ms - time.time() * 1000) < 10_000
    claims = authorized.chain.claims
    assert [claim["holder_name"] for claim in claims] == ["planner", "coder"]
    assert claims[0]["holder"] == story.planner.key
    assert claims[1]["tools"] == {
        "github.update_pr": {"repo": exact("web"), "pr": between(1, 500), "draft": optional(True)}
    }
    assert claims == chain.unverified_claims()
    assert verifier.verify_chain(chain).claims == claims


def test_the_arguments_of_a_decision_are_frozen(story: Story) -> None:
    verifier = story.verifier()
    arguments: dict[str, Any] = {"list": [1, {"a": "b"}], "data": bytearray(b"x")}
    presentation = story.coder.prove(story.chain({"t": {}}), "t", arguments, SERVER)
    authorized = verifier.authorize(presentation, "t", arguments)
    arguments["list"].append("more")
    arguments["data"][0] = 0
    authorized.arguments["list"].append("more")
    assert authorized.arguments == {"list": [1, {"a": "b"}], "data": b"x"}
    with pytest.raises(AttributeError):
        authorized.tool = "other"  # type: ignore[misc]


def test_results_cannot_be_made_or_extended() -> None:
    for kind in (
        deputize.Authorized,
        deputize.AuditRecord,
        deputize.VerifiedChain,
        deputize.Presentation,
        Chain,
        Constraint,
    ):
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            type("Mine", (kind,), {})
    with pytest.raises(TypeError):
        type("Mine", (Verifier,), {"authorize": lambda *_: True})


def test_presentations_as_object_bytes_and_text(story: Story) -> None:
    verifier, chain = story.verifier(), story.chain({"t": {}})
    for form in (
        lambda p: p,
        lambda p: p.bytes,
        lambda p: p.text,
        str,
        lambda p: bytearray(p.bytes),
        lambda p: memoryview(p.bytes),
    ):
        verifier.authorize(form(story.coder.prove(chain, "t", {}, SERVER)), "t", {})


def forged(presentation: deputize.Presentation, change: Callable[[list[Any]], None]) -> bytes:
    parts = cbor2.loads(presentation.bytes)
    change(parts)
    return cbor2.dumps(parts, canonical=True)


def at(offset: float) -> Callable[[], int]:
    return lambda: int((time.time() + offset) * 1000)


def test_every_denial_has_its_code(story: Story) -> None:
    chain = story.chain({"t": {"n": at_most(5), "o": optional("x")}, "u": {}}, audience=[SERVER, "https://b.example"])
    good: dict[str, Any] = {"n": 5}

    def prove(tool: str = "t", arguments: dict[str, Any] = good, audience: str = SERVER, **options: Any) -> Any:
        return story.coder.prove(chain, tool, arguments, audience, **options)

    def swap(index: int, value: Any) -> Callable[[list[Any]], None]:
        return lambda parts: parts.__setitem__(index, value)

    def token(index: int, change: Callable[[bytes], bytes]) -> Callable[[list[Any]], None]:
        return lambda parts: parts[0].__setitem__(index, change(parts[0][index]))

    flip: Callable[[bytes], bytes] = lambda data: data[:-1] + bytes([data[-1] ^ 1])  # noqa: E731
    verifier = story.verifier()
    other = Agent.generate("ana")
    proof = cbor2.loads(prove().bytes)[1]
    foreign = Agent.generate("eve").issue(to=story.coder, tools={"t": {}})
    # code, link, presentation, tool, arguments, options of authorize, verifier
    table: list[tuple[str, int | None, Any, Any, Any, dict[str, Any], Verifier]] = [
        ("proof-missing", None, None, "t", good, {}, verifier),
        ("proof-missing", None, "", "t", good, {}, verifier),
        ("proof-missing", None, b"", "t", good, {}, verifier),
        ("proof-missing", None, cbor2.dumps([cbor2.loads(chain.bytes)]), "t", good, {}, verifier),
        ("malformed", None, 5, "t", good, {}, verifier),
        ("malformed", None, chain, "t", good, {}, verifier),
        ("malformed", None, [prove().bytes], "t", good, {}, verifier),
        ("malformed", None, prove().bytes[:-1], "t", good, {}, verifier),
        ("malformed", None, prove().bytes + b"\0", "t", good, {}, verifier),
        ("text-malformed", None, " ", "t", good, {}, verifier),
        ("text-malformed", None, "\ud800", "t", good, {}, verifier),
        ("text-malformed", None, prove().text + "=", "t", good, {}, verifier),
        ("not-canonical", None, b"\x98\x02" + prove().bytes[1:], "t", good, {}, verifier),
        ("too-large", None, b"\x82" + b"\0" * 140_000, "t", good, {}, verifier),
        ("too-large", None, "A" * 200_000, "t", good, {}, verifier),
        ("too-many", None, forged(prove(), lambda parts: parts[0].extend([b"\xd2"] * 15)), "t", good, {}, verifier),
        ("kind-mismatch", 0, forged(prove(), swap(0, [proof])), "t", good, {}, verifier),
        ("kind-mismatch", None, forged(prove(), swap(1, chain.tokens[1])), "t", good, {}, verifier),
        ("issuer-untrusted", 0, story.coder.prove(foreign, "t", good, SERVER), "t", good, {}, verifier),
        ("signature-invalid", 0, forged(prove(), token(0, flip)), "t", good, {}, verifier),
        ("signature-invalid", 1, forged(prove(), token(1, flip)), "t", good, {}, verifier),
        ("signature-invalid", 0, prove(), "t", good, {}, Verifier(trust=[other], audience=SERVER)),
        (
            "issuer-untrusted",
            0,
            forged(prove(), lambda parts: parts[0].append(parts[0].pop(0))),
            "t",
            good,
            {},
            verifier,
        ),
        ("proof-signature-invalid", None, forged(prove(), swap(1, flip(proof))), "t", good, {}, verifier),
        ("token-expired", 0, prove(), "t", good, {}, story.verifier(clock=at(3601), store=Fresh())),
        ("token-not-yet-valid", 0, prove(), "t", good, {}, story.verifier(clock=at(-40), store=Fresh())),
        ("proof-expired", None, prove(), "t", good, {}, story.verifier(clock=at(61), store=Fresh())),
        ("proof-predates-store", None, prove(), "t", good, {}, story.verifier(clock=at(5))),
        ("audience-mismatch", 0, prove(), "t", good, {}, Verifier(trust=[story.ana], audience="https://c.example")),
        ("audience-mismatch", None, prove(), "t", good, {}, Verifier(trust=[story.ana], audience="https://b.example")),
        ("context-mismatch", None, prove(), "t", good, {"context": "tenant:1"}, verifier),
        ("config-invalid", None, prove(), "t", good, {"context": 5}, verifier),
        ("config-invalid", None, prove(), "t", good, {"challenge": "c"}, verifier),
        ("proof-mismatch", None, prove(), "u", good, {}, verifier),
        ("proof-mismatch", None, prove(), "t", {"n": 4}, {}, verifier),
        ("proof-mismatch", None, prove(), "t", {"n": 5, "o": None}, {}, verifier),
        ("challenge-mismatch", None, prove(), "t", good, {"challenge": b"c"}, verifier),
        ("challenge-mismatch", None, prove(challenge=b"d"), "t", good, {"challenge": b"c"}, verifier),
        ("challenge-mismatch", None, prove(challenge=b"d"), "t", good, {}, verifier),
        ("tool-not-allowed", 0, prove("v"), "v", good, {}, verifier),
        ("argument-missing", 0, prove("t", {}), "t", {}, {}, verifier),
        ("argument-refused", 0, prove("t", {"n": 6}), "t", {"n": 6}, {}, verifier),
        ("argument-refused", 0, prove("t", {"n": True}), "t", {"n": True}, {}, verifier),
        ("argument-unexpected", 0, prove("t", {"n": 1, "p": 1}), "t", {"n": 1, "p": 1}, {}, verifier),
        ("name-invalid", None, prove(), "", good, {}, verifier),
        ("name-invalid", None, prove(), "a\n", good, {}, verifier),
        ("name-invalid", None, prove(), 5, good, {}, verifier),
        ("name-invalid", None, prove(), None, good, {}, verifier),
        ("name-invalid", None, prove(), "t", {"*": 1}, {}, verifier),
        ("value-unsupported", None, prove(), "t", None, {}, verifier),
        ("value-unsupported", None, prove(), "t", {"n": 1.0}, {}, verifier),
        ("too-deep", None, prove(), "t", {"n": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}, {}, verifier),
        ("too-many", None, prove(), "t", {"n": [0] * 70_000}, {}, verifier),
        ("too-large", None, prove(), "t", {"n": "x" * 1_100_000}, {}, verifier),
    ]
    for code, link, presentation, tool, arguments, options, decides in table:
        with pytest.raises(Denied) as caught:
            decides.authorize(presentation, tool, arguments, **options)
        error = caught.value
        assert (error.code, error.link) == (code, link), (code, error)
        record = json.loads(error.record.json(arguments=True))
        assert record["code"] == code
        assert record["decision"] == "deny"
        assert f"DENY {code}:" in error.record.sentence
        # Nothing that was not verified is reported as a fact.
        if code.startswith(("text-", "malformed", "issuer", "signature", "kind", "too-", "name-", "value-")):
            assert not {"principal", "chain", "proof"} & record.keys(), record
    # The positive twin of all of them.
    assert verifier.authorize(prove(), "t", good).arguments == good
    assert story.verifier().authorize(prove(challenge=b"c"), "t", good, challenge=bytearray(b"c")).tool == "t"


class Fresh:
    """A store that has seen nothing."""

    def commit(self, operations: list[Any], now_ms: int) -> bool:
        return True


def test_refusals_of_delegation(story: Story) -> None:
    root = story.ana.issue(
        to=story.planner,
        tools={"t": {"n": at_most(5)}, "u": {}},
        ttl=600,
        max_depth=1,
        audience=SERVER,
        context="a",
        approvals={"u": {"count": 1, "approvers": [story.ana]}},
    )
    hand = story.planner.delegate
    to: dict[str, Any] = {"to": story.coder}
    for code, use in [
        ("holder-mismatch", lambda: story.coder.delegate(root, to=Agent.generate("x"))),
        ("holder-repeated", lambda: hand(root, to=story.planner)),
        ("holder-repeated", lambda: story.ana.issue(to=story.ana)),
        ("tool-not-granted", lambda: hand(root, tools={"v": {}}, **to)),
        ("not-provably-narrower", lambda: hand(root, tools={"t": {"n": at_most(6)}}, **to)),
        ("not-provably-narrower", lambda: hand(root, tools={"t": {}}, **to)),
        ("lifetime-widened", lambda: hand(root, ttl=601, **to)),
        ("audience-widened", lambda: hand(root, audience="https://b.example", **to)),
        ("context-widened", lambda: hand(root, context="b", **to)),
        ("depth-exceeded", lambda: hand(root, max_depth=2, **to)),
        ("depth-exceeded", lambda: story.coder.delegate(hand(root, **to), to=Agent.generate("x"))),
        (
            "holder-is-approver",
            lambda: hand(root, to=story.coder, approvals={"t": {"count": 1, "approvers": [story.coder]}}),
        ),
        ("claim-invalid", lambda: story.ana.issue(mode="own_behalf", holder_name="other", **to)),
        ("claim-invalid", lambda: story.ana.issue(mode="nothing", **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl=0, **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl=2_592_001, **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl=2**64, **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl=-1, **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl=True, **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl=1.5, **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl="", **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl="h", **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl="+1h", **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl="1 h", **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl="99999999999999999999d", **to)),
        ("claim-invalid", lambda: story.ana.issue(ttl="1é", **to)),
        ("claim-invalid", lambda: story.ana.issue(session=b"short", **to)),
        ("claim-invalid", lambda: story.ana.issue(session="a" * 16, **to)),
        ("claim-invalid", lambda: story.ana.issue(task=b"short", **to)),
        ("claim-invalid", lambda: story.ana.issue(evidence=b"short", **to)),
        ("claim-invalid", lambda: story.ana.issue(max_depth=16, **to)),
        ("claim-invalid", lambda: story.ana.issue(max_depth=256, **to)),
        ("claim-invalid", lambda: story.ana.issue(not_before=-1, **to)),
        ("claim-invalid", lambda: story.ana.issue(not_before=1_764_000_000_000, **to)),
        ("claim-invalid", lambda: story.ana.issue(reason="a\n", **to)),
        ("claim-invalid", lambda: story.ana.issue(context="/a", **to)),
        ("claim-invalid", lambda: story.ana.issue(approvals={"t": {"count": 2, "approvers": [story.ana]}}, **to)),
        ("claim-invalid", lambda: story.ana.issue(approvals={"t": {"count": 1}}, **to)),
        ("claim-invalid", lambda: story.ana.issue(approvals=[], **to)),
        ("claim-invalid", lambda: story.ana.issue(tools=["t"], **to)),
        ("claim-invalid", lambda: story.ana.issue(tools={"t": None}, **to)),
        ("claim-invalid", lambda: story.ana.issue(tools={"t": {"*": optional(1)}}, **to)),
        ("name-invalid", lambda: story.ana.issue(subject="", **to)),
        ("name-invalid", lambda: story.ana.issue(subject=5, **to)),
        ("name-invalid", lambda: story.ana.issue(holder_name="\u202e", **to)),
        ("name-invalid", lambda: story.ana.issue(audience=[5], **to)),
        ("name-invalid", lambda: story.ana.issue(tools={"": {}}, **to)),
        ("name-invalid", lambda: story.ana.issue(tools={5: {}}, **to)),
        ("claim-invalid", lambda: story.ana.issue(tools={"t": {"a": {"": 1}}}, **to)),
        ("constraint-invalid", lambda: story.ana.issue(tools={"t": {"a": range(1001)}}, **to)),
        ("value-unsupported", lambda: story.ana.issue(tools={"t": {"a": 1.0}}, **to)),
        ("key-invalid", lambda: story.ana.issue(to="coder")),
        ("key-invalid", lambda: story.ana.issue(to=SigningKey.generate())),
        ("malformed", lambda: hand(root.text, **to)),
        ("name-invalid", lambda: Agent("a\n", SigningKey.generate()).issue(**to)),
    ]:
        assert refused(use).code == code, code
    assert len(hand(root, tools={"t": {"n": 5}}, ttl="10m", **to).tokens) == 2
    assert hand(root, tools={"t": {"n": 5}}, **to).unverified_claims()[1]["approvals"]["u"] == [
        {"count": 1, "approvers": [story.ana.key]}
    ]


def test_approvals_modes_and_configuration(story: Story) -> None:
    rules = {"t": [{"count": 1, "approvers": [story.ana]}, {"count": 2, "approvers": [story.ana, story.planner]}]}
    chain = story.ana.issue(to=story.coder, tools={"t": {}, "u": {}}, approvals=rules)
    assert chain.unverified_claims()[0]["approvals"]["t"][1]["count"] == 2
    verifier = story.verifier()
    assert (
        denied(lambda: verifier.authorize(story.coder.prove(chain, "t", {}, SERVER), "t", {})).code
        == "approval-required"
    )
    verifier.authorize(story.coder.prove(chain, "u", {}, SERVER), "u", {})
    may = Verifier(trust=[TrustAnchor("ana", story.ana.key, may_impersonate=True)], audience=SERVER)
    as_ana = story.ana.issue(to=story.coder, tools={"t": {}}, mode="impersonation", audience=SERVER)
    may = Verifier(trust=[TrustAnchor("ana", story.ana.key, may_impersonate=True)], audience=SERVER)
    proof = story.coder.prove(as_ana, "t", {}, SERVER)
    assert denied(lambda: verifier.authorize(proof, "t", {})).code == "impersonation-refused"
    assert denied(lambda: may.authorize(proof, "t", {})).code == "consent-missing"
    consent = story.ana.consent(holder=story.coder, issuer=story.ana, audience=SERVER)
    assert " as ana " in may.authorize(proof.attach(consent), "t", {}).audit
    own = story.ana.issue(to=story.coder, tools={"t": {}}, mode="own_behalf", subject="coder")
    assert verifier.authorize(story.coder.prove(own, "t", {}, SERVER), "t", {}).on_behalf_of == "coder"
    anchor = TrustAnchor("ana", story.ana.key)
    for use in (
        lambda: Verifier(trust=[], audience=SERVER),
        lambda: Verifier(trust=[story.ana, anchor], audience=SERVER),
        lambda: Verifier(trust=story.ana, audience=SERVER),
        lambda: Verifier(trust=["ana"], audience=SERVER),
        lambda: Verifier(trust=[story.ana.key], audience=SERVER),
        lambda: Verifier(trust=[story.ana], audience=""),
        lambda: Verifier(trust=[story.ana], audience=5),
        lambda: Verifier(trust=[story.ana], audience=SERVER, audit="file"),
        lambda: Verifier(trust=[story.ana], audience=SERVER, clock=5),
        lambda: Verifier(trust=[story.ana], audience=SERVER, store={}),
        lambda: Verifier(trust=[story.ana], audience=SERVER, store=lambda: True),
        lambda: MemoryStore(0),
        lambda: MemoryStore(-1),
        lambda: MemoryStore(True),
        lambda: MemoryStore("1"),
    ):
        assert refused(use).code == "config-invalid"
    for chain_like in (chain.text, None, chain.bytes):
        assert refused(lambda c=chain_like: verifier.verify_chain(c)).code == "malformed"
    stranger = Agent.generate("eve").issue(to=story.coder)
    assert refused(lambda: verifier.verify_chain(stranger)).code == "issuer-untrusted"


def test_constraints(story: Story) -> None:
    for constraint, yes, no in [
        (anything(), [None, 1, "a", {}], []),
        (exact(1), [1], [True, 2, "1"]),
        (exact(["a"]), [["a"]], ["a"]),
        (at_least(1), [1, 1.5, 2**62], [0, 0.5, "1", True, None]),
        (at_most(1), [1, -5], [1.5, 2]),
        (between(1, 2), [1, 1.5, 2], [0, 3]),
        (in_range(1, 2, min_open=True), [2, 1.1], [1]),
        (in_range(min=1), [1, 99], [0]),
        (in_range(max=1, max_open=True), [0, 0.5], [1]),
        (one_of("a", 1, None), ["a", 1, None], ["b", True]),
        (one_of(["a", "b"]), [["a", "b"]], ["a", "b"]),
        (one_of(), [], [None, 1]),
        (not_one_of("a"), ["b", 1], ["a"]),
        (contains("a"), [["a", "b"]], [["b"], "a"]),
        (subset("a", "b"), [["a"], [], ["b", "a"]], [["c"], "a"]),
        (all_of(at_least(1), at_most(2)), [1, 2], [0, 3]),
        (any_of(exact("a"), at_least(5)), ["a", 5], ["b", 4]),
        (path("/data"), ["/data", "/data/x"], ["/database", "/data/../x", "data", b"/data"]),
    ]:
        assert all(constraint.accepts(value) for value in yes), constraint
        assert not any(constraint.accepts(value) for value in [*no, 1.0, object()]) or constraint == anything(), (
            constraint
        )
        assert not constraint.accepts(object())
        same = Constraint.decode(constraint.encode())
        assert same == constraint
        assert hash(same) == hash(constraint)
        assert constraint.subsumes(same)
        assert anything().subsumes(constraint)
        assert pickle.loads(pickle.dumps(constraint)) == constraint == copy.deepcopy(constraint)
        assert "Constraint(" in repr(constraint)
    assert not at_most(1).subsumes(at_most(2))
    for code, use in [
        ("constraint-invalid", lambda: between(2, 1)),
        ("constraint-invalid", lambda: between("a", "b")),
        ("constraint-invalid", lambda: at_least(True)),
        ("value-unsupported", lambda: at_least(1.0)),
        ("constraint-invalid", lambda: in_range()),
        ("constraint-invalid", lambda: in_range(1, min_open=1)),
        ("constraint-invalid", lambda: not_one_of()),
        ("constraint-invalid", lambda: all_of()),
        ("constraint-invalid", lambda: any_of("a")),
        ("constraint-invalid", lambda: exact(1).subsumes(1)),
        ("constraint-invalid", lambda: path("data")),
        ("constraint-invalid", lambda: path(5)),
        ("constraint-unknown", lambda: Constraint.decode(b"\x81\x18\x63")),
        ("not-canonical", lambda: Constraint.decode(b"\x81\x18\x00")),
        ("malformed", lambda: Constraint.decode("a")),
    ]:
        assert refused(use).code == code, code
    assert pickle.loads(pickle.dumps(optional(5))) == optional(exact(5)) != optional(6)
    tools = {"t": {"a": 1, "b": optional(["x", "y"]), "*": anything()}, "u": {}}
    assert decode_tools(encode_tools(tools)) == {
        "t": {"a": exact(1), "b": optional(one_of("x", "y")), "*": anything()},
        "u": {},
    }
    assert encode_tools(decode_tools(encode_tools(tools))) == encode_tools(tools)
    assert tools_subsume(tools, {"t": {"a": 1, "b": "x", "c": 5}}) is True
    assert tools_subsume(tools, {"t": {"a": 1, "*": exact(5)}}) is False
    assert tools_subsume(tools, {"v": {}}) is False
    assert refused(lambda: decode_tools(b"\xa0\x00")).code == "malformed"


def cose_key(key: deputize.VerifyingKey) -> Any:
    """The key for `cwt`, with the algorithm that the tokens name (RFC 9864)."""
    return cwt.COSEKey.new({1: 1, -1: 6, -2: bytes(key.bytes), 3: -19})


def test_each_token_of_a_chain_verifies_with_another_library(story: Story) -> None:
    """Every token is a COSE_Sign1 around a CWT, and an independent library verifies it with its signer's key."""
    chain = story.chain({"t": {"n": 1}})
    signers = [story.ana.key, story.planner.key]
    claims = chain.unverified_claims()
    for token, signer, claim in zip(chain.tokens, signers, claims, strict=True):
        payload = cbor2.loads(cwt.COSE.new().decode(token, cose_key(signer)))
        assert payload[7].hex() == claim["id"]
        assert payload[8][1] == {1: 1, -1: 6, -2: claim["holder"].bytes}
        with pytest.raises(cwt.VerifyError):
            cwt.COSE.new().decode(token[:-1] + bytes([token[-1] ^ 1]), cose_key(signer))
        with pytest.raises(cwt.VerifyError):
            cwt.COSE.new().decode(token, cose_key(story.coder.key))


def test_errors_and_the_table_of_codes(story: Story) -> None:
    codes = {line["code"]: line for line in deputize.codes}
    assert len(codes) == len(deputize.codes) > 40
    error = refused(lambda: story.ana.issue(to=story.coder, ttl=0))
    assert codes[error.code]["help"] == error.help
    assert (error.link, error.context) == (None, "ttl: 1 second to 30 days")
    assert not isinstance(error, Denied)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, str(again), again.help) == (DeputizeError, error.code, str(error), error.help)
    denial = denied(lambda: story.verifier().authorize(None, "t", {}))
    assert isinstance(denial, DeputizeError)
    again = pickle.loads(pickle.dumps(denial))
    assert (type(again), again.code) == (Denied, "proof-missing")
    with pytest.raises(AttributeError):
        _ = again.record
    with pytest.raises(TypeError):
        pickle.dumps(denial.record)


def test_the_readme_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    script = blocks[0] + textwrap.dedent(blocks[1])
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert " ALLOW coder called deploy for ana " in result.stdout
    assert "proof-replayed" in result.stdout
    assert "proof-mismatch" in result.stdout


def test_everything_public_is_there_and_nothing_else() -> None:
    for name in deputize.__all__:
        assert getattr(deputize, name) is not None
    for name in deputize.constraints.__all__:
        assert getattr(deputize.constraints, name) is getattr(deputize, name)
    for name in deputize.__all__:
        found = getattr(deputize, name)
        if isinstance(found, type):
            assert found.__module__.split(".")[0] == "deputize"


def test_the_stubs_match_the_module(tmp_path: Path) -> None:
    """Types as mypy reads them, against the module as it is."""
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    # A build with the feature test-panic has one function more.
    extra = hasattr(deputize._native, "_test_panic")
    names = ["deputize._native.__all__", "deputize._native._test_panic"] if extra else []
    allowed.write_text("\n".join(names) + "\n")
    words = [
        "deputize._native",
        "--allowlist",
        str(allowed),
        "--ignore-unused-allowlist",
        "--mypy-config-file",
        "pyproject.toml",
    ]
    result = subprocess.run([sys.executable, "-m", "mypy.stubtest", *words], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
