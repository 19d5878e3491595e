"""Runs every vector of tests/vectors through the reference verifier; exits with 1 if any of them fails."""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

import nacl.signing

import deputize_reference as ref
from deputize_audit import canonical_json, from_json, make_record, sentence, to_base64, to_json
from deputize_meet import meet


def expect(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, and not {expected!r}")


def outcome(run):
    """What a function returns, and its refusal."""
    try:
        return run(), None
    except ref.Denied as denied:
        return None, denied


def code_of(denied):
    return denied.code if denied else None


def check_values(case):
    value, denied = outcome(lambda: ref.decode_value(bytes.fromhex(case["hex"])))
    expect(code_of(denied), case.get("code"), "code")
    if denied is None:
        expect(ref.encode_value(from_json(json.loads(case["json"]))).hex(), case["hex"], "encoding of the JSON")
        expect(canonical_json(to_json(value)), case["json"], "JSON of the value")
        expect(ref.encode_value(value).hex(), case["hex"], "encoding of the value")


def check_arguments(case):
    request = {"arguments": from_json(json.loads(case["json"])), "tool": "t"}
    encoding, denied = outcome(lambda: ref.check_call(request))
    expect(code_of(denied), case.get("code"), "code")
    if denied is None:
        expect(encoding.hex(), case["encoding"], "encoding")
        expect(hashlib.sha256(encoding).hexdigest(), case["digest"], "digest")


def check_constraints(case):
    _, denied = outcome(lambda: ref.decode_constraint(bytes.fromhex(case["hex"])))
    expect(code_of(denied), case.get("code"), "code")


def check_accepts(case):
    constraint = ref.decode_constraint(bytes.fromhex(case["constraint"]))
    expect(ref.accepts(constraint, from_json(json.loads(case["value"]))), case["accepts"], "accepts")


def check_narrower(case):
    parent, child = (ref.decode_constraint(bytes.fromhex(case[name])) for name in ("parent", "child"))
    expect(ref.narrower(parent, child), case["narrower"], "narrower")
    expect(ref.narrower(parent, parent) and ref.narrower(child, child), True, "narrower than itself")


def check_narrow(case):
    first, second, expected = (ref.decode_constraint(bytes.fromhex(case[name])) for name in ("a", "b", "meet"))
    expect(meet(first, second), expected, "meet")


def pem(label, prefix, data):
    body = base64.b64encode(bytes.fromhex(prefix) + data).decode()
    return f"-----BEGIN {label} KEY-----\n{body}\n-----END {label} KEY-----\n"


def check_keys(case):
    if "code" in case:
        expect(case["code"], "key-invalid", "code")
        expect(ref.is_public_key(bytes.fromhex(case["hex"])), False, "a valid key")
        return
    seed, public = bytes.fromhex(case["seed"]), bytes.fromhex(case["public"])
    signer = nacl.signing.SigningKey(seed)
    expect(bytes(signer.verify_key).hex(), case["public"], "public key")
    expect(ref.is_public_key(public), True, "a valid key")
    expect(ref.did_key(public), case["did_key"], "did:key")
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": to_base64(public)}
    expect(json.loads(case["jwk"]), jwk, "JWK")
    expect(json.loads(case["private_jwk"]), {**jwk, "d": to_base64(seed)}, "private JWK")
    thumbprint = hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest()
    expect(case["thumbprint"], to_base64(thumbprint), "thumbprint")
    expect(case["pem"], pem("PRIVATE", "302e020100300506032b657004220420", seed), "PEM")
    expect(case["public_pem"], pem("PUBLIC", "302a300506032b6570032100", public), "public PEM")
    message, signature = case["message"].encode(), bytes.fromhex(case["signature"])
    expect(signer.sign(message).signature.hex(), case["signature"], "signature")
    expect(ref.signature_holds(public, message, signature), True, "signature holds")


def check_decision(case):
    settings, call, expected = case["verifier"], case["request"], case["expected"]
    config = {
        "anchors": [{**anchor, "key": bytes.fromhex(anchor["key"])} for anchor in settings["anchors"]],
        "audience": settings["audience"],
    }
    challenge = call.get("challenge")
    request = {
        "presentation": call["presentation"],
        "tool": call["tool"],
        "arguments": from_json(call["arguments"]),
        "challenge": None if challenge is None else bytes.fromhex(challenge),
        "context": call.get("context"),
    }
    store = ref.MemoryStore(created_ms=settings["store_created_ms"])

    facts = {}

    def decide():
        facts.clear()
        return ref.verify(config, request, case["now_ms"], store, facts)

    if case.get("presented_before"):
        outcome(decide)
    _, denied = outcome(decide)
    actual = ("deny", denied.code, denied.link) if denied else ("allow", None, None)
    expect(actual, (expected["decision"], expected.get("code"), expected.get("link")), "decision")
    record = make_record(config, request, case["now_ms"], denied, facts)
    expect(canonical_json(record), expected["record"], "record")
    expect(sentence(record), expected["sentence"], "sentence")


def check_code(case):
    expect(all(case[member] for member in ("code", "family", "summary", "help")), True, "a code with all its texts")


CHECKS = {
    "values": check_values,
    "arguments": check_arguments,
    "constraints": check_constraints,
    "accepts": check_accepts,
    "narrower": check_narrower,
    "narrow": check_narrow,
    "keys": check_keys,
    "decision": check_decision,
    "codes": check_code,
}


def run_file(path):
    """The number of cases in a file and the faults found."""
    vector = json.loads(path.read_text(encoding="utf-8"))
    kind = vector.get("kind")
    if kind not in CHECKS:
        return 1, [f"unknown kind {kind!r}"]
    cases = [vector] if kind == "decision" else []
    for member in ("cases", "invalid", "codes"):
        cases += vector.get(member, [])
    faults = [] if cases else ["no cases"]
    for place, case in enumerate(cases):
        try:
            CHECKS[kind](case)
        except Exception as fault:  # noqa: BLE001 - one broken case must not hide the others
            faults.append(f"case {place} ({case.get('why', '')}): {type(fault).__name__}: {fault}")
    return len(cases), faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent.parent / "vectors")
    folder = parser.parse_args().folder
    files = sorted(folder.rglob("*.json"))
    total = failed = 0
    for path in files:
        count, faults = run_file(path)
        total += count
        failed += len(faults)
        for fault in faults:
            print(f"FAILED {path.relative_to(folder)}: {fault}")
    print(f"{len(files)} files, {total} cases, {failed} faults")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
