"""Tests of the reference verifier itself: chains are minted here by hand, with cbor2 and PyNaCl."""

import base64
import hashlib
import json
import math
import random
import subprocess
import sys
from pathlib import Path

import cbor2
import nacl.signing
import pytest

import deputize_audit as audit
import deputize_keys as keys
import deputize_reference as ref
from deputize_reference import decode_value, encode, encode_value

T = 1764000000
AUDIENCE = "https://tools.acme.example"
SESSION = bytes(range(16))
ARGUMENTS = {"tag": "v1.0"}
IDENTITY_POINT = b"\x01" + bytes(31)


def signer(name):
    return nacl.signing.SigningKey(hashlib.sha256(name.encode()).digest())


def public(name):
    return bytes(signer(name).verify_key)


ANCHOR, PLANNER, CODER, TESTER = map(signer, ("anchor", "planner", "coder", "tester"))


def seal(kind, claims, key, protected=None, unprotected=None):
    payload = claims if isinstance(claims, bytes) else encode(claims)
    protected = ref.protected_header(kind) if protected is None else protected
    signature = key.sign(cbor2.dumps(["Signature1", protected, b"", payload])).signature
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]))


def hash_of(envelope):
    protected, _, payload, _ = cbor2.loads(envelope).value
    return hashlib.sha256(cbor2.dumps(["Signature1", bytes(protected), b"", bytes(payload)])).digest()


def cose_key(name):
    return {1: {1: 1, -1: 6, -2: public(name)}}


def root_claims():
    capability = {0: 1, 1: 1, 2: 0, 3: 3, 6: SESSION, 8: "planner"}
    capability[5] = {"deploy": {"tag": [3, ["v1.0", "v1.1"]]}, "read": {}}
    return {
        1: "ana",
        2: "ana",
        4: T + 600,
        6: T,
        7: b"r" * 16,
        8: cose_key("planner"),
        ref.CAPABILITY: capability,
    }


def child_claims(parent, holder="coder", depth=1):
    capability = {0: 1, 1: 1, 2: depth, 3: 3, 4: hash_of(parent), 5: {"deploy": {"tag": [1, "v1.0"]}}, 6: SESSION}
    return {
        2: "ana",
        4: T + 600,
        6: T,
        7: hashlib.sha256(holder.encode()).digest()[:16],
        8: cose_key(holder),
        ref.CAPABILITY: capability,
    }


def proof_claims(leaf, arguments=None):
    digest = hashlib.sha256(encode(ARGUMENTS if arguments is None else arguments)).digest()
    call = {0: hash_of(leaf), 1: "deploy", 2: digest, 3: 500}
    return {3: AUDIENCE, 4: T + 60, 6: T, 7: b"p" * 16, ref.CALL: call}


def change(claims, changes):
    """Set or delete (None) claims; a pair (label, key) reaches into a map."""
    for place, value in (changes or {}).items():
        target = claims
        if isinstance(place, tuple):
            for step in place[:-1]:
                target = target[step]
            place = place[-1]
        if value is None:
            target.pop(place, None)
        else:
            target[place] = value
    return claims


def cap(key, value):
    return {(ref.CAPABILITY, key): value}


def present(root=None, child=None, proof=None, request=None, config=None, now_ms=T * 1000 + 600, store=None):
    """Decide a call with a chain of two tokens, after the given changes to their claims."""
    first = seal("cap", change(root_claims(), root), ANCHOR)
    second = seal("cap", change(child_claims(first), child), PLANNER)
    last = seal("pop", change(proof_claims(second), proof), CODER)
    return decide([first, second], last, request, config, now_ms, store)


def decide(chain, proof, request=None, config=None, now_ms=T * 1000 + 600, store=None):
    data = encode([chain, proof])
    settings = {
        "anchors": [{"name": "ana", "key": bytes(ANCHOR.verify_key), "may_impersonate": False}],
        "audience": AUDIENCE,
    }
    call = {"presentation": data, "tool": "deploy", "arguments": ARGUMENTS, "challenge": None, "context": None}
    settings.update(config or {})
    call.update(request or {})
    return ref.verify(settings, call, now_ms, ref.MemoryStore() if store is None else store)


def refused(code, link, run):
    with pytest.raises(ref.Denied) as caught:
        run()
    assert (caught.value.code, caught.value.link) == (code, link)


# Values


def test_values_round_trip_and_agree_with_cbor2():
    values = [None, True, 0, 23, 24, -1, -25, 2**63 - 1, -(2**63), 1.5, 0.1, 1e-9, "", "é", b"", b"1", [], {}]
    values += [[1, [2, {"b": 1, "a": [True, 1]}]], {"aa": 1, "b": 2, "": None}]
    for value in values:
        data = encode_value(value)
        assert encode_value(decode_value(data)) == data
        assert cbor2.loads(data) == value


def test_random_input_is_decoded_exactly_when_it_encodes_back():
    source = random.Random(7)
    heads = bytes.fromhex("00010a171819203840414243606162638081829fa0a1a2bff4f5f6f7f8f93e00fbff")
    accepted = 0
    for _ in range(20000):
        data = bytes(source.choice(heads) for _ in range(source.randint(1, 8)))
        try:
            value = decode_value(data)
        except ref.Denied as denied:
            assert denied.code in ("malformed", "not-canonical", "too-deep", "too-many")
        else:
            accepted += 1
            assert encode_value(value) == data
            assert cbor2.loads(data) == value
    assert accepted > 1000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "malformed"),
        ("0000", "malformed"),
        ("18", "malformed"),
        ("1c", "malformed"),
        ("1f", "malformed"),
        ("61ff", "malformed"),
        ("63eda080", "malformed"),
        ("ff", "malformed"),
        ("c001", "malformed"),
        ("f7", "malformed"),
        ("e0", "malformed"),
        ("f8ff", "malformed"),
        ("a10000", "malformed"),
        ("82", "malformed"),
        ("1b8000000000000000", "malformed"),
        ("3b8000000000000000", "malformed"),
        ("1817", "not-canonical"),
        ("190018", "not-canonical"),
        ("1a00000018", "not-canonical"),
        ("1b0000000000000018", "not-canonical"),
        ("5801aa", "not-canonical"),
        ("9f00ff", "not-canonical"),
        ("5f4100ff", "not-canonical"),
        ("bfff", "not-canonical"),
        ("a2616200616100", "not-canonical"),
        ("a2616100616100", "not-canonical"),
        ("f93c00", "not-canonical"),
        ("f98000", "not-canonical"),
        ("f97e00", "not-canonical"),
        ("f97c00", "not-canonical"),
        ("fa3fc00000", "not-canonical"),
        ("fb3ff8000000000000", "not-canonical"),
        ("821817ff", "not-canonical"),
        ("82ff1817", "malformed"),
        ("81" * 16 + "80", "too-deep"),
        ("9a00010001", "malformed"),
        ("9bffffffffffffffff", "malformed"),
    ],
)
def test_strict_decoding(data, code):
    refused(code, None, lambda: decode_value(bytes.fromhex(data)))


def test_limits_of_values():
    decode_value(bytes.fromhex("81" * 15 + "80"))
    assert len(decode_value(encode_value([0] * 65536))) == 65536
    refused("too-many", None, lambda: decode_value(b"\x9a\x00\x01\x00\x01" + bytes(65537)))
    refused("too-many", None, lambda: encode_value([[0] * 65535, 0]))
    refused("too-large", None, lambda: decode_value(bytes(ref.MAX_VALUE_BYTES + 1)))
    refused("too-large", None, lambda: encode_value(b"x" * ref.MAX_VALUE_BYTES))
    for value in (1.0, -0.0, 1e300, math.nan, math.inf, 2**63, "\ud800", {1: 2}, {"a": object()}, (1,)):
        refused("value-unsupported", None, lambda value=value: encode_value(value))


# Signatures


def test_signature_rules():
    message = b"message"
    signature = PLANNER.sign(message).signature
    key = public("planner")
    assert ref.signature_holds(key, message, signature)
    assert not ref.signature_holds(key, b"other", signature)
    grown = int.from_bytes(signature[32:], "little") + keys.L
    assert not ref.signature_holds(key, message, signature[:32] + grown.to_bytes(32, "little"))
    assert not ref.signature_holds(key, message, IDENTITY_POINT + signature[32:])
    assert not ref.signature_holds(IDENTITY_POINT, message, IDENTITY_POINT + bytes(32))
    for key in (bytes(32), IDENTITY_POINT, b"\xff" * 32, (keys.P + 3).to_bytes(32, "little"), b"\x02" + bytes(31), b""):
        assert not ref.is_public_key(key)


def test_the_equation_has_no_cofactor():
    """A signature whose R is off by a point of order two satisfies the cofactored equation only."""
    secret, nonce = 12345678901234567890, 98765432109876543210
    order_two = (0, keys.P - 1, 1, 0)
    key = encode_point(keys.multiply(secret, keys.BASE))
    for shift, expected in ((keys.IDENTITY, True), (order_two, False)):
        r = encode_point(keys.add(keys.multiply(nonce, keys.BASE), shift))
        k = int.from_bytes(hashlib.sha512(r + key + b"m").digest(), "little")
        s = (nonce + k * secret) % keys.L
        assert ref.signature_holds(key, b"m", r + s.to_bytes(32, "little")) is expected


def encode_point(point):
    inverse = pow(point[2], -1, keys.P)
    x, y = point[0] * inverse % keys.P, point[1] * inverse % keys.P
    return (y | (x & 1) << 255).to_bytes(32, "little")


# Decisions


def test_allowed():
    result = present(root={-100001: {"note": 1}})
    assert result["principal"] == "ana"
    assert result["ignored"] == [-100001]
    assert [holder["name"] for holder in result["chain"]] == ["planner", None]
    assert result["caller"] == ref.did_key(public("coder"))


def test_text_form():
    first = seal("cap", root_claims(), ANCHOR)
    data = encode([[first], seal("pop", proof_claims(first), PLANNER)])
    text = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert decide([], b"", {"presentation": text})["caller"] == "planner"
    for bad in (text + "=", " " + text, text[:-1] + "+", text + "\n", "AB", "é"):
        refused("text-malformed", None, lambda bad=bad: decide([], b"", {"presentation": bad}))
    refused("too-large", None, lambda: decide([], b"", {"presentation": "!" * 174764}))


def test_shape():
    first = seal("cap", root_claims(), ANCHOR)
    last = seal("pop", proof_claims(first), PLANNER)
    refused("proof-missing", None, lambda: decide([], b"", {"presentation": b""}))
    refused("proof-missing", None, lambda: decide([], b"", {"presentation": ""}))
    refused("proof-missing", None, lambda: decide([], b"", {"presentation": encode([[first]])}))
    refused("malformed", None, lambda: decide([], last))
    refused("too-many", None, lambda: decide([first] * 17, last))
    refused("too-large", None, lambda: decide([first], bytes(2049)))
    refused("too-large", None, lambda: decide([bytes(65536)], last))
    refused("too-large", None, lambda: decide([bytes(140000)], last))
    refused("malformed", 0, lambda: decide([last[1:]], last))
    refused("malformed", 0, lambda: decide([first + b"\0"], last))
    refused("kind-mismatch", 0, lambda: decide([last], last))
    refused("kind-mismatch", None, lambda: decide([first], first))
    headers = [
        (encode({1: -8, 16: "application/deputize-cap+cwt"}), "algorithm-unsupported"),
        (encode({16: "application/deputize-cap+cwt"}), "algorithm-unsupported"),
        (encode({1: -19}), "kind-mismatch"),
        (encode({1: -19, 4: b"k", 16: "application/deputize-cap+cwt"}), "header-invalid"),
        (encode({1: -19, 16: True}), "malformed"),
        (b"", "algorithm-unsupported"),
        (b"\xa2\x10\x60\x01\x32", "not-canonical"),
    ]
    for header, code in headers:
        bad = seal("cap", root_claims(), ANCHOR, protected=header)
        refused(code, 0, lambda bad=bad: decide([bad], last))
    bad = seal("cap", root_claims(), ANCHOR, unprotected={4: b"k"})
    refused("header-invalid", 0, lambda: decide([bad], last))


def test_trust_and_links():
    other = [{"name": "bob", "key": bytes(ANCHOR.verify_key), "may_impersonate": False}]
    refused("issuer-untrusted", 0, lambda: present(config={"anchors": other}))
    refused("issuer-untrusted", 0, lambda: present(root={1: None}))
    wrong = [{"name": "ana", "key": public("other"), "may_impersonate": False}]
    refused("signature-invalid", 0, lambda: present(config={"anchors": wrong}))
    first = seal("cap", root_claims(), ANCHOR)
    second = seal("cap", child_claims(first), TESTER)
    refused("signature-invalid", 1, lambda: decide([first, second], seal("pop", proof_claims(second), CODER)))
    refused("parent-mismatch", 1, lambda: present(child=cap(4, bytes(32))))
    refused("parent-mismatch", 1, lambda: present(child=cap(2, 2)))
    refused("parent-mismatch", 1, lambda: present(child={7: b"r" * 16}))
    refused("holder-repeated", 1, lambda: present(child={8: cose_key("planner")}))
    refused("holder-repeated", 1, lambda: present(child={8: cose_key("anchor")}))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({2: None}, "claim-missing"),
        ({4: None}, "claim-missing"),
        ({8: {}}, "claim-invalid"),
        (cap(6, None), "claim-missing"),
        ({2: 7}, "malformed"),
        ({2: ""}, "claim-invalid"),
        ({2: "a\u202eb"}, "claim-invalid"),
        ({2: "a" * 257}, "claim-invalid"),
        ({3: ["b", "a"]}, "not-canonical"),
        ({3: [f"a{number:02}" for number in range(17)]}, "too-many"),
        ({4: T}, "claim-invalid"),
        ({4: T + 2592001}, "claim-invalid"),
        ({4: ref.MAX_TIME + 1}, "claim-invalid"),
        ({5: -1}, "claim-invalid"),
        ({7: b"short"}, "claim-invalid"),
        ({8: {1: {1: 1, -1: 6, -2: IDENTITY_POINT}}}, "key-invalid"),
        ({8: {1: {1: 2, -1: 6, -2: bytes(32)}}}, "claim-invalid"),
        ({9: 1}, "claim-unknown"),
        ({-100000: 1}, "claim-unknown"),
        ({-100001: cbor2.undefined}, "malformed"),
        (cap(0, 2), "version-unsupported"),
        (cap(14, 1), "claim-unknown"),
        (cap(1, 3), "claim-invalid"),
        (cap(1, 0), "claim-invalid"),
        (cap(1, 2), "claim-invalid"),
        (cap(2, 1), "claim-invalid"),
        (cap(4, bytes(32)), "claim-invalid"),
        (cap(12, "a/../b"), "claim-invalid"),
        (cap(11, "a\nb"), "claim-invalid"),
        (cap(9, {}), "claim-invalid"),
        (cap(9, {"deploy": [[2, [public("other")]]]}), "claim-invalid"),
        (cap(9, {"deploy": [[1, [IDENTITY_POINT]]]}), "key-invalid"),
        (cap(9, {"deploy": [[1, [public("planner")]]]}), "holder-is-approver"),
        (cap(5, {"deploy": {"*": [-1, [0]]}}), "claim-invalid"),
        (cap(5, {"deploy": {"a": [12]}}), "constraint-unknown"),
        (cap(5, {"deploy": {"a": [9, "x"]}}), "constraint-invalid"),
        (cap(5, {"deploy": {"a": [3, [2, 1]]}}), "not-canonical"),
        (cap(5, {"deploy": {"a": 1}}), "malformed"),
        (cap(5, {"deploy": {"a": [7, [[11, "a{500}"]] * 17]}}), "too-many"),
        (cap(5, {f"{number:02}": {"a": [10, "a" * 500]} for number in range(17)}), "too-many"),
        (cap(5, {f"t{number}": {} for number in range(257)}), "too-many"),
    ],
)
def test_claims_of_the_root(changes, code):
    refused(code, 0, lambda: present(root=changes))


def test_claims_of_a_child():
    refused("claim-invalid", 1, lambda: present(child={1: "ana"}))
    refused("claim-missing", 1, lambda: present(child=cap(4, None)))
    refused("depth-exceeded", 1, lambda: present(child=cap(3, 0)))


def test_modes():
    own = seal("cap", change(root_claims(), {**cap(1, 0), **cap(8, "ana")}), ANCHOR)
    assert decide([own], seal("pop", proof_claims(own), PLANNER))["caller"] == "ana"
    changes = {**cap(1, 2), **cap(3, 0), 3: [AUDIENCE]}
    acting = seal("cap", change(root_claims(), changes), ANCHOR)
    proof = seal("pop", proof_claims(acting), PLANNER)
    refused("impersonation-refused", 0, lambda: decide([acting], proof))
    anchors = [{"name": "ana", "key": bytes(ANCHOR.verify_key), "may_impersonate": True}]
    refused("consent-missing", None, lambda: decide([acting], proof, config={"anchors": anchors}))
    claims = {2: "ana", 3: AUDIENCE, 4: T + 60, 6: T, 7: b"c" * 16, 8: cose_key("planner"), -65544: {0: 1, 1: "ana"}}
    for by, code in ((ANCHOR, None), (PLANNER, "consent-invalid")):
        request = {"presentation": encode([[acting], proof, [seal("consent", claims, by)]])}

        def consented(request=request):
            return decide([], b"", request, config={"anchors": anchors})

        if code is None:
            assert consented()["principal"] == "ana"
        else:
            refused(code, None, consented)


@pytest.mark.parametrize(
    ("root", "child", "code"),
    [
        ({}, {2: "bob"}, "invariant-changed"),
        ({}, cap(6, bytes(16)), "invariant-changed"),
        ({}, cap(7, bytes(32)), "invariant-changed"),
        ({}, {**cap(1, 0)}, "invariant-changed"),
        ({}, cap(3, 4), "depth-exceeded"),
        ({}, {4: T + 601}, "lifetime-widened"),
        ({}, {6: T - 1}, "lifetime-widened"),
        ({5: T}, {5: T - 1}, "lifetime-widened"),
        ({3: [AUDIENCE]}, {3: ["b", AUDIENCE]}, "audience-widened"),
        ({}, cap(12, "acme"), "context-widened"),
        (cap(12, "acme"), {}, "context-widened"),
        (cap(12, "acme"), cap(12, "acmes"), "context-widened"),
        (cap(9, {"read": [[1, [public("boss")]]]}), {}, "approvals-dropped"),
        ({}, cap(5, {"erase": {}}), "tool-not-granted"),
        ({}, cap(5, {"deploy": {}}), "not-provably-narrower"),
    ],
)
def test_narrowing_from_hop_to_hop(root, child, code):
    refused(code, 1, lambda: present(root=root, child=child))


def test_times_audience_context():
    refused("token-not-yet-valid", 0, lambda: present(now_ms=(T - 31) * 1000))
    refused("token-not-yet-valid", 1, lambda: present(child={5: T + 1}))
    refused("token-expired", 0, lambda: present(now_ms=(T + 600) * 1000))
    refused("token-expired", 1, lambda: present(child={4: T + 5}, now_ms=(T + 5) * 1000))
    refused("audience-mismatch", 0, lambda: present(root={3: ["other"]}))
    refused("audience-mismatch", 1, lambda: present(child={3: []}))
    refused("context-mismatch", None, lambda: present(request={"context": "acme"}))
    both = {"root": cap(12, "acme"), "child": cap(12, "acme/eu")}
    refused("context-mismatch", None, lambda: present(**both))
    refused("context-mismatch", None, lambda: present(**both, request={"context": "acme"}))
    refused("context-mismatch", None, lambda: present(**both, request={"context": "acme/eu/.."}))
    present(**both, request={"context": "acme/eu/x"})


@pytest.mark.parametrize(
    ("changes", "request_", "code"),
    [
        ({3: "other"}, {}, "audience-mismatch"),
        ({3: [AUDIENCE]}, {}, "malformed"),
        ({7: None}, {}, "claim-missing"),
        ({5: 1}, {}, "claim-unknown"),
        ({-100001: 1}, {}, "claim-unknown"),
        ({4: T + 61}, {}, "claim-invalid"),
        ({4: T}, {}, "claim-invalid"),
        ({6: T + 31, 4: T + 40}, {}, "proof-not-yet-valid"),
        ({6: T - 10, 4: T}, {}, "proof-expired"),
        ({6: T - 10}, {}, "claim-invalid"),
        ({(ref.CALL, 0): bytes(32)}, {}, "proof-mismatch"),
        ({(ref.CALL, 1): "read"}, {}, "proof-mismatch"),
        ({(ref.CALL, 2): bytes(32)}, {}, "proof-mismatch"),
        ({(ref.CALL, 3): 1000}, {}, "claim-invalid"),
        ({(ref.CALL, 4): 0}, {}, "claim-unknown"),
        ({10: b"n"}, {}, "challenge-mismatch"),
        ({}, {"challenge": b"n"}, "challenge-mismatch"),
        ({10: b"m"}, {"challenge": b"n"}, "challenge-mismatch"),
        ({}, {"arguments": {"tag": "v1.1"}}, "proof-mismatch"),
        ({}, {"tool": "read"}, "proof-mismatch"),
        ({}, {"tool": "a\nb"}, "name-invalid"),
        ({}, {"arguments": {"*": 1}}, "name-invalid"),
        ({}, {"arguments": {"a": 1.0}}, "value-unsupported"),
    ],
)
def test_proof(changes, request_, code):
    refused(code, None, lambda: present(proof=changes, request=request_))


def test_challenge_and_store_creation():
    present(proof={10: b"n"}, request={"challenge": b"n"})
    present(store=ref.MemoryStore(created_ms=T * 1000 + 500))
    refused("proof-predates-store", None, lambda: present(store=ref.MemoryStore(created_ms=T * 1000 + 501)))
    first = seal("cap", root_claims(), ANCHOR)
    wrong = seal("pop", proof_claims(first), CODER)
    refused("proof-signature-invalid", None, lambda: decide([first], wrong))


def call_with(entries, arguments):
    first = seal("cap", change(root_claims(), cap(5, {"deploy": entries})), ANCHOR)
    proof = seal("pop", proof_claims(first, arguments), PLANNER)
    return decide([first], proof, {"arguments": arguments})


def test_arguments():
    call_with({}, {"anything": [1, None]})
    call_with({"a": [-1, [1, 1]]}, {})
    call_with({"a": [1, 1], "*": [1, 2]}, {"a": 1, "b": 2})
    refused("argument-missing", 0, lambda: call_with({"a": [0]}, {}))
    refused("argument-refused", 0, lambda: call_with({"a": [1, 1]}, {"a": True}))
    refused("argument-refused", 0, lambda: call_with({"a": [-1, [1, 1]]}, {"a": None}))
    refused("argument-unexpected", 0, lambda: call_with({"a": [1, 1]}, {"a": 1, "b": 2}))
    refused("argument-refused", 0, lambda: call_with({"*": [1, 1]}, {"a": 2}))
    refused("tool-not-allowed", 1, lambda: present(child=cap(5, {})))
    approvals = cap(9, {"deploy": [[1, [public("boss")]]]})
    refused("approval-required", 1, lambda: present(root=approvals, child=approvals))


def test_replay_and_clock():
    store = ref.MemoryStore(capacity=1)
    refused("tool-not-allowed", 1, lambda: present(child=cap(5, {}), store=store))
    present(store=store)
    refused("proof-replayed", None, lambda: present(store=store))
    refused("store-full", None, lambda: present(proof={7: b"q" * 16}, store=store))
    refused("clock-behind", None, lambda: present(store=store, now_ms=T * 1000 - 59401))
    refused("clock-invalid", None, lambda: present(now_ms=0))


def test_configuration():
    anchor = {"name": "ana", "key": bytes(ANCHOR.verify_key), "may_impersonate": False}
    refused("config-invalid", None, lambda: present(config={"anchors": []}))
    refused("config-invalid", None, lambda: present(config={"anchors": [anchor, anchor]}))
    refused("key-invalid", None, lambda: present(config={"anchors": [{**anchor, "key": IDENTITY_POINT}]}))
    refused("config-invalid", None, lambda: present(config={"audience": ""}))


def test_a_changed_byte_never_passes():
    first = seal("cap", root_claims(), ANCHOR)
    data = bytearray(encode([[first], seal("pop", proof_claims(first), PLANNER)]))
    for place in range(0, len(data), 3):
        data[place] ^= 1
        with pytest.raises(ref.Denied):
            decide([], b"", {"presentation": bytes(data)})
        data[place] ^= 1


def test_serve():
    first = seal("cap", root_claims(), ANCHOR)
    data = encode([[first], seal("pop", proof_claims(first), PLANNER)])
    authorize = {
        "op": "authorize",
        "anchors": [{"name": "ana", "key_hex": public("anchor").hex(), "may_impersonate": False}],
        "audience": AUDIENCE,
        "now_ms": T * 1000 + 600,
        "presentation_hex": data.hex(),
        "tool": "deploy",
        "arguments_hex": encode(ARGUMENTS).hex(),
    }
    queries = [
        (authorize, {"decision": "allow"}),
        (
            {**authorize, "presentation_hex": data[:-1].hex()},
            {"decision": "deny", "code": "malformed", "link": None},
        ),
        ({"op": "narrower", "parent_hex": "8100", "child_hex": "820105"}, {"narrower": True}),
        ({"op": "accepts", "constraint_hex": "820105", "value_hex": "06"}, {"accepts": False}),
        ({"op": "decode", "hex": "1817"}, {"code": "not-canonical"}),
        ({"op": "decode", "hex": "17"}, {"ok": True}),
        (5, None),
    ]
    lines = "\n".join(json.dumps(query) for query, _ in queries) + "\nnot json\n"
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("serve.py"))],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(replies) == len(queries) + 1
    for (_, expected), reply in zip(queries, replies):
        if expected is None:
            assert "error" in reply
        else:
            assert expected.items() <= reply.items()
    assert "error" in replies[-1]


def test_audit_record():
    facts = {}
    first = seal("cap", change(root_claims(), {**cap(11, "release"), -100001: 1}), ANCHOR)
    call = {"tool": "deploy", "arguments": {"tag": "v1.0", "$n": [2**53, b"1", 1e-7, 0.00001]}, "context": None}
    config = {"anchors": [{"name": "ana", "key": bytes(ANCHOR.verify_key), "may_impersonate": False}]}
    config["audience"] = AUDIENCE
    call["presentation"] = encode([[first], seal("pop", proof_claims(first, call["arguments"]), PLANNER)])
    with pytest.raises(ref.Denied) as caught:
        ref.verify(config, call, T * 1000 + 7, ref.MemoryStore(), facts)
    record = audit.make_record(config, call, T * 1000 + 7, caught.value, facts)
    text = audit.canonical_json(record)
    assert '"arguments":{"$$n":[{"$integer":"9007199254740992"},{"$bytes":"MQ"},1e-7,0.00001],"tag":"v1.0"}' in text
    assert '"time":"2025-11-24T16:00:00.007Z"' in text
    assert record["ignored"] == [-100001]
    assert audit.sentence(record) == (
        "2025-11-24T16:00:00Z DENY argument-unexpected: planner called deploy for ana at https://tools.acme.example "
        "(ana → planner; session 00010203): release"
    )
    record = audit.make_record(config, {**call, "tool": "a\nb"}, T * 1000, caught.value, {})
    assert record["tool"] == "a\\u{a}b"
    assert audit.sentence(record).endswith("an unverified caller called a\\u{a}b at https://tools.acme.example")


def test_signed_mutations_end_in_a_decision():
    """Payloads with changed bytes under a good signature: allowed or denied, never another exception."""
    source = random.Random(3)
    claims = change(root_claims(), {3: [AUDIENCE], **cap(9, {"read": [[1, [public("boss")]]]}), -100001: [1.5, None]})
    payload = encode(claims)
    codes = set()
    for _ in range(400):
        changed = bytearray(payload)
        for _ in range(source.randint(1, 2)):
            changed[source.randrange(len(changed))] = source.choice((0, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xF6, 0xFF, 0x18))
        first = seal("cap", bytes(changed), ANCHOR)
        try:
            decide([first], seal("pop", proof_claims(first), PLANNER))
        except ref.Denied as denied:
            codes.add(denied.code)
    assert {"malformed", "not-canonical", "claim-unknown", "claim-invalid", "key-invalid"} <= codes
