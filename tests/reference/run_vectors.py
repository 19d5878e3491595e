"""Runs every vector of tests/vectors through the reference verifier; exits with 1 if any of them fails."""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

import nacl.signing

import deputize_log as audit_log
import deputize_reference as ref
from deputize_audit import canonical_json, from_json, make_record, sentence, to_base64, to_json
from deputize_constraints import read_entry
from deputize_export import act, cloud_event
from deputize_meet import meet
from deputize_readers import read_object
from deputize_trust import TrustState
from deputize_values import Reader


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


def check_contexts(case):
    joined, denied = outcome(lambda: ref.join_contexts(case["contexts"]))
    expect(code_of(denied), case.get("code"), "code")
    expect(joined, case.get("joined"), "joined")


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


def named_keys(entries):
    return {entry["name"]: bytes.fromhex(entry["key"]) for entry in entries}


def read_bound(name, bound):
    constraint = bytes.fromhex(bound["constraint"])
    return read_entry(Reader(b"\x82\x20" + constraint if bound.get("optional") else constraint), name)


def read_anchor(anchor):
    bounds = anchor.get("bounds", {})
    tools = {
        tool: {name: read_bound(name, bound) for name, bound in arguments.items()}
        for tool, arguments in bounds.get("tools", {}).items()
    }
    return {
        **anchor,
        "key": bytes.fromhex(anchor["key"]),
        "bounds": {**bounds, "tools": tools} if "tools" in bounds else bounds,
    }


def read_requirement(requirement):
    return requirement["count"], [bytes.fromhex(key) for key in requirement["approvers"]]


def read_state(described):
    state = TrustState({one["name"]: {**one, "key": bytes.fromhex(one["key"])} for one in described["authorities"]})
    for update in described.get("updates", []):
        expect(apply_update(state, update), update["outcome"], "outcome of an update")
    return state


def apply_update(state, update):
    apply = {"list": state.apply_list, "rotation": state.apply_rotation}[update["what"]]
    done, denied = outcome(lambda: apply(bytes.fromhex(update["hex"]), update["now_ms"]))
    return denied.code if denied else done


def read_config(settings):
    config = {
        "anchors": [read_anchor(anchor) for anchor in settings["anchors"]],
        "audience": settings["audience"],
        "principals": named_keys(settings.get("principals", [])),
    }
    if "identities" in settings:
        rules = [
            {**rule, "attributes": from_json(rule.get("attributes", {}))}
            for rule in settings["identities"].get("rules", [])
        ]
        config["identities"] = {"authorities": named_keys(settings["identities"]["authorities"]), "rules": rules}
    if "approvals" in settings:
        policy = settings["approvals"]
        listed = {tool: read_requirement(one) for tool, one in policy.get("listed", {}).items()}
        config["approvals"] = {**policy, "unlisted": read_requirement(policy["unlisted"]), "listed": listed}
    if "trust" in settings:
        config["state"] = read_state(settings["trust"])
    return config


def mark_of(mark):
    """The key of a mark in the store, and until when it is there from the first second on."""
    parts = bytes.fromhex(mark["id"])
    if "issuer" in mark:
        parts = hashlib.sha256(mark["issuer"].encode()).digest() + parts
    if "approver" in mark:
        parts = bytes.fromhex(mark["approver"]) + parts
    letter = {"token": b"T", "key": b"K", "session": b"S", "task": b"Y", "approval": b"A"}[mark["what"]]
    return letter + parts


def read_store(settings):
    created_ms = settings["store_created_ms"]
    store = ref.MemoryStore(created_ms=created_ms)
    for mark in settings.get("revoked", []):
        expect(mark_of(mark).hex(), mark["store_key"], "key in the store")
        lives = mark["what"] in ("token", "approval")
        store.commit([("mark", mark_of(mark), created_ms // 1000 + 2592030 if lives else ref.MAX_TIME)], created_ms)
    return store


def read_request(call):
    challenge = call.get("challenge")
    return {
        "presentation": call["presentation"],
        "tool": call["tool"],
        "arguments": from_json(call["arguments"]),
        "challenge": None if challenge is None else bytes.fromhex(challenge),
        "context": call.get("context"),
        "hint": call.get("hint"),
    }


def operation_members(operation):
    name, key, *numbers = operation
    names = {
        "absent": ("since_ms",),
        "claim": ("expires", "since_ms"),
        "spend": ("amount", "limit", "expires", "since_ms"),
    }
    return {"name": name, "key": key.hex(), **dict(zip(names[name], numbers, strict=True))}


def check_decision(case):
    settings, expected = case["verifier"], case["expected"]
    config, request, store = read_config(settings), read_request(case["request"]), read_store(settings)
    for before in case.get("before", []):
        _, denied = outcome(
            lambda before=before: ref.verify(config, read_request(before["request"]), before["now_ms"], store)
        )
        expect(code_of(denied), before.get("code"), "code before")

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
    expect(sentence(record, "identities" in settings), expected["sentence"], "sentence")
    if "operations" in expected:
        expect([operation_members(one) for one in facts["operations"]], expected["operations"], "operations")


def check_object(case, setting):
    claims, denied = outcome(lambda: read_object(case["object"], bytes.fromhex(case["hex"]), setting))
    expect(code_of(denied), case.get("code"), "code")
    expect(claims, case.get("claims"), "claims")


def check_updates(case):
    read_state(case["trust"])


def check_code(case):
    expect(all(case[member] for member in ("code", "family", "summary", "help")), True, "a code with all its texts")


def check_log(case):
    try:
        found = audit_log.judge(case)
    except audit_log.Fault as fault:
        expect((fault.code, fault.entry), (case.get("code"), case.get("entry")), "the fault")
    else:
        expect(case.get("code"), None, "whole")
        expect({name: case[name] for name in found}, found, "what was found")


def check_export(case):
    record = json.loads(case["record"])
    expect(act(record), case["act"], "act")
    expect(cloud_event(record, case["origin"], case["sequence"]), case["cloud_event"], "CloudEvent")


CHECKS = {
    "values": check_values,
    "arguments": check_arguments,
    "constraints": check_constraints,
    "accepts": check_accepts,
    "narrower": check_narrower,
    "narrow": check_narrow,
    "contexts": check_contexts,
    "keys": check_keys,
    "decision": check_decision,
    "codes": check_code,
    "updates": check_updates,
    "log": check_log,
    "export": check_export,
}


def run_file(path):
    """The number of cases in a file and the faults found."""
    vector = json.loads(path.read_text(encoding="utf-8"))
    kind = vector.get("kind")
    check = (lambda case: check_object(case, vector)) if kind == "objects" else CHECKS.get(kind)
    if check is None:
        return 1, [f"unknown kind {kind!r}"]
    cases = [vector] if kind == "decision" else []
    for member in ("cases", "invalid", "codes", "notes", "receipts"):
        cases += vector.get(member, [])
    faults = [] if cases else ["no cases"]
    for place, case in enumerate(cases):
        try:
            check(case)
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
