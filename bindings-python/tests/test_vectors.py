"""Every vector of tests/vectors through the Python package: an unknown file or a wrong answer fails."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cbor2
import cwt
import pytest

import deputize
from deputize import (
    Approval,
    ApprovalPolicy,
    ApprovalRequest,
    Authority,
    Checkpoint,
    CheckpointPolicy,
    Consent,
    Constraint,
    Denied,
    DeputizeError,
    IdentityPolicy,
    IdentityRule,
    Inbox,
    LogCheck,
    NoteKey,
    SigningKey,
    TrustAnchor,
    TrustState,
    Verifier,
    VerifyingKey,
    optional,
    verify_receipt,
)

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
TABLES = {
    "values",
    "arguments",
    "constraints",
    "contexts",
    "accepts",
    "narrow",
    "narrower",
    "keys",
    "codes",
    "objects",
    "updates",
    "log",
    "export",
}
DECISIONS = sorted((VECTORS / "decisions").glob("*"))


def table(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    assert content["kind"] == name
    return content


def cases(name: str, least: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table(name)["cases"]
    assert len(found) >= least
    return found


def code_of(run: Any) -> str | None:
    try:
        run()
    except DeputizeError as error:
        return error.code
    return None


def test_every_file_of_the_folder_is_known() -> None:
    assert {file.name for file in VECTORS.iterdir()} == {f"{name}.json" for name in TABLES} | {"decisions", "README.md"}
    assert len(DECISIONS) >= 400


def key_of(text: str) -> VerifyingKey:
    return VerifyingKey.from_bytes(bytes.fromhex(text))


def named_keys(entries: list[dict[str, Any]]) -> list[Any]:
    return [(one["name"], key_of(one["key"])) for one in entries]


def bound_of(bound: dict[str, Any]) -> Any:
    constraint = Constraint.decode(bytes.fromhex(bound["constraint"]))
    return optional(constraint) if bound.get("optional") else constraint


def anchor_of(one: dict[str, Any]) -> TrustAnchor:
    bounds = one.get("bounds", {})
    tools = {
        tool: {name: bound_of(bound) for name, bound in arguments.items()}
        for tool, arguments in bounds.get("tools", {}).items()
    }
    return TrustAnchor(
        one["name"],
        key_of(one["key"]),
        one["may_impersonate"],
        tools=tools if "tools" in bounds else None,
        max_lifetime=bounds.get("max_lifetime"),
        max_depth=bounds.get("max_depth"),
    )


def required(one: dict[str, Any]) -> tuple[int, Any]:
    return one["count"], [key_of(text) for text in one["approvers"]]


def approvals_of(policy: dict[str, Any]) -> ApprovalPolicy:
    listed: dict[str, Any] = {tool: required(one) for tool, one in policy.get("listed", {}).items()}
    count, approvers = required(policy["unlisted"])
    return ApprovalPolicy(count, approvers, policy.get("harmless", []), listed, policy.get("by_annotation", False))


def identities_of(described: dict[str, Any]) -> IdentityPolicy:
    rules = [
        IdentityRule(
            rule["on"], rule.get("kind"), rule.get("environment"), rule.get("attributes"), rule.get("attestors") or None
        )
        for rule in described.get("rules", [])
    ]
    return IdentityPolicy(named_keys(described["authorities"]), rules)


def state_of(described: dict[str, Any], times: list[int]) -> TrustState:
    """A state that took every update, each with the outcome that is described."""
    authorities: list[Any] = [
        Authority(
            one["name"],
            key_of(one["key"]),
            for_every_issuer=one.get("for_every_issuer", False),
            danger_allow_stale=one.get("allow_stale", False),
        )
        for one in described["authorities"]
    ]
    state = TrustState(authorities, clock=lambda: times[0])
    for update in described.get("updates", []):
        times[0] = update["now_ms"]
        apply = {"list": state.apply_list, "rotation": state.apply_rotation}[update["what"]]
        outcomes: list[str] = []
        data = bytes.fromhex(update["hex"])
        code = code_of(lambda apply=apply, data=data, outcomes=outcomes: outcomes.append(apply(data)))
        assert (code or outcomes[0]) == update["outcome"]
    return state


def verifier_of(config: dict[str, Any], times: list[int], store: Any = None) -> Verifier:
    """The verifier of a configuration, and what was revoked in its store when the store came to be."""
    state = state_of(config["trust"], times) if "trust" in config else None
    times[0] = config["store_created_ms"]
    return Verifier(
        trust=[anchor_of(one) for one in config["anchors"]],
        audience=config["audience"],
        store=store,
        clock=lambda: times[0],
        identities=identities_of(config["identities"]) if "identities" in config else None,
        approvals=approvals_of(config["approvals"]) if "approvals" in config else None,
        principals=dict(named_keys(config.get("principals", []))),
        state=state,
    )


def revoke(verifier: Verifier, mark: dict[str, Any]) -> None:
    what, data = mark["what"], bytes.fromhex(mark["id"])
    if what == "token":
        verifier.revoke_token(data)
    elif what == "key":
        verifier.revoke_key(key_of(mark["id"]))
    elif what == "session":
        verifier.close_session(mark["issuer"], data)
    elif what == "task":
        verifier.close_task(mark["issuer"], data)
    else:
        assert what == "approval"
        verifier.withdraw_approval(key_of(mark["approver"]), data)


class Recorder:
    """A store that does everything, and says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def commit(self, operations: list[Any], now_ms: int) -> bool:
        self.asked.append(operations)
        return True


def members(operation: Any) -> dict[str, Any]:
    names = {
        "absent": ["since_ms"],
        "claim": ["expires", "since_ms"],
        "spend": ["amount", "limit", "expires", "since_ms"],
    }
    name, key, *numbers = operation
    return {"name": name, "key": bytes(key).hex(), **dict(zip(names[name], numbers, strict=True))}


def decide(verifier: Verifier, request: dict[str, Any]) -> tuple[str | None, int | None, deputize.AuditRecord]:
    arguments = deputize.value_from_json(json.dumps(request["arguments"]))
    challenge = bytes.fromhex(request["challenge"]) if "challenge" in request else None
    try:
        allowed = verifier.authorize(
            request["presentation"], request["tool"], arguments, challenge, request.get("context"), request.get("hint")
        )
    except Denied as denied:
        return denied.code, denied.link, denied.record
    return None, None, allowed.record


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_decision(file: Path) -> None:
    vector = json.loads(file.read_text(encoding="utf-8"))
    assert vector["kind"] == "decision"
    config, request, expected = vector["verifier"], vector["request"], vector["expected"]
    times = [0]
    verifier = verifier_of(config, times)
    for mark in config.get("revoked", []):
        revoke(verifier, mark)
    for earlier in vector.get("before", []):
        times[0] = earlier["now_ms"]
        assert decide(verifier, earlier["request"])[0] == earlier.get("code")
    times[0] = vector["now_ms"]
    if vector.get("presented_before"):
        decide(verifier, request)
    code, link, record = decide(verifier, request)
    assert (code, link) == (expected.get("code"), expected.get("link")), vector["why"]
    assert ("deny" if code else "allow") == expected["decision"]
    assert record.json(arguments=True) == expected["record"]
    assert record.sentence == expected["sentence"]
    assert decide(verifier, request)[0] == (code or "proof-replayed")


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_what_the_store_is_asked(file: Path) -> None:
    vector = json.loads(file.read_text(encoding="utf-8"))
    times, recorder = [0], Recorder()
    verifier = verifier_of(vector["verifier"], times, recorder)
    for mark in vector["verifier"].get("revoked", []):
        revoke(verifier, mark)
    marks = [bytes(key).hex() for ((name, key, _),) in recorder.asked if name == "mark"]
    assert marks == [mark["store_key"] for mark in vector["verifier"].get("revoked", [])]
    if "operations" in vector["expected"]:
        times[0] = vector["now_ms"]
        decide(verifier, vector["request"])
        assert [members(one) for one in recorder.asked[-1]] == vector["expected"]["operations"]


@pytest.mark.parametrize("file", [one for one in DECISIONS if one.name.startswith("allow-")], ids=lambda one: one.stem)
def test_an_independent_cose_library_verifies_every_hop_and_the_proof(file: Path) -> None:
    vector = json.loads(file.read_text(encoding="utf-8"))
    text = vector["request"]["presentation"]
    tokens, proof, *_ = cbor2.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    key = bytes.fromhex(vector["verifier"]["anchors"][0]["key"])
    if file.stem == "allow-a-root-by-the-anchors-successor":
        by_old, _ = cbor2.loads(bytes.fromhex(vector["verifier"]["trust"]["updates"][1]["hex"]))
        key = cbor2.loads(cbor2.loads(by_old).value[2])[-65542][2]
    for hop in [*tokens, proof]:
        cose_key = cwt.COSEKey.new({1: 1, -1: 6, -2: key, 3: -19})
        claims = cbor2.loads(cwt.COSE.new().decode(hop, cose_key))
        with pytest.raises(cwt.VerifyError):
            cwt.COSE.new().decode(hop[:-1] + bytes([hop[-1] ^ 1]), cose_key)
        key = claims[8][1][-2] if 8 in claims else b""
    assert claims[3] == vector["verifier"]["audience"]


def read_object(kind: str, data: bytes, setting: dict[str, Any]) -> dict[str, Any]:
    times = [setting["now_ms"]]
    if kind == "approval":
        approval = Approval.decode(data)
        assert approval.bytes == data
        return {
            "approves": approval.approves,
            "id": approval.id,
            "approver": bytes(approval.approver.bytes).hex(),
            "expires": approval.expires,
            "request": approval.request,
        }
    if kind == "consent":
        assert Consent.decode(data).bytes == data
        return {}
    if kind == "request":
        request = ApprovalRequest.decode(data)
        return {"id": request.id, "text": request.text}
    if kind == "identity":
        policy = IdentityPolicy(named_keys([setting["identity_authority"]]))
        identity = policy.verify(data, clock=lambda: times[0])
        names = ("authority", "name", "id", "issued", "expires", "kind", "state", "attributes")
        optional_names = ("environment", "attestor", "evidence")
        found = {name: getattr(identity, name) for name in names}
        found |= {name: getattr(identity, name) for name in optional_names if getattr(identity, name) is not None}
        return {**found, "key": bytes(identity.key.bytes).hex()}
    if kind == "message":
        times[0] = setting["began_ms"]
        inbox = Inbox(setting["recipient"], [key_of(setting["sender"])], clock=lambda: times[0])
        times[0] = setting["now_ms"]
        message = inbox.receive(data, bytes.fromhex(setting["payload"]))
        found = {"id": message.id, "session": message.session, "sequence": message.sequence}
        found["sender"] = bytes(message.sender.bytes).hex()
        return found if message.token is None else {**found, "token": message.token}
    state = state_of({"authorities": [setting["revocation_authority"]]}, times)
    if kind == "rotation":
        assert state.apply_rotation(data) == "accepted"
        return {}
    assert kind == "list"
    state.apply_list(data)
    held = state.held("ana")
    assert held is not None
    return {"sequence": held["sequence"], "next_update": held["next_update"], "ids": held["ids"]}


def test_signed_objects() -> None:
    setting = table("objects")
    assert len(setting["cases"]) >= 280
    for case in setting["cases"]:
        claims: list[dict[str, Any]] = []
        data = bytes.fromhex(case["hex"])
        code = code_of(
            lambda case=case, data=data, claims=claims: claims.append(read_object(case["object"], data, setting))
        )
        assert code == case.get("code"), case
        assert claims == ([case["claims"]] if "claims" in case else []), case


def judged(case: dict[str, Any], run: Any) -> Any:
    """What a case gives; nothing where it is refused as it says."""
    found = []
    try:
        found.append(run())
    except DeputizeError as error:
        refused = (error.code, error.entry)
    else:
        refused = (None, None)
    assert refused == (case.get("code"), case.get("entry")), case
    return found[0] if found else None


def test_logs_checkpoints_and_receipts() -> None:
    content = table("log")
    assert [len(content[name]) >= least for name, least in (("cases", 40), ("notes", 25), ("receipts", 14))] == [
        True
    ] * 3

    def checked(case: dict[str, Any]) -> Any:
        check = LogCheck([Checkpoint("acme.example/calls", one["size"], one["root"]) for one in case["checkpoints"]])
        check.push(case["log"])
        return check.finish()

    for case in content["cases"]:
        report = judged(case, lambda case=case: checked(case))
        names = ("size", "root", "anchored", "steps_back", "first_step_back") if report else ()
        assert [getattr(report, name) for name in names] == [case[name] for name in names], case

    def policy_of(case: dict[str, Any]) -> CheckpointPolicy:
        keys, witnesses = ([NoteKey.from_text(text) for text in case.get(name, ())] for name in ("keys", "witnesses"))
        return CheckpointPolicy(keys, witnesses, case["count"]) if case.get("count") else CheckpointPolicy(keys)

    for case in content["notes"]:
        clock = lambda case=case: case["now_ms"]  # noqa: E731
        found = judged(case, lambda case=case, clock=clock: policy_of(case).verify(case["note"], clock))
        if found is not None:
            assert (found.origin, found.size, found.root) == (case["origin"], case["size"], case["root"]), case
    for case in content["receipts"]:
        clock = lambda case=case: case["now_ms"]  # noqa: E731
        verify = lambda case=case, clock=clock: verify_receipt(case["receipt"], case["line"], policy_of(case), clock)  # noqa: E731
        judged(case, verify)


def test_updates() -> None:
    for case in cases("updates", 10):
        state_of(case["trust"], [0])


def test_values() -> None:
    for case in cases("values", 60):
        data = bytes.fromhex(case["hex"])
        if "json" in case:
            value = deputize.decode_value(data)
            assert deputize.value_to_json(value) == case["json"]
            assert deputize.encode_value(value) == data, case
            assert deputize.encode_value(deputize.value_from_json(case["json"])) == data, case
        else:
            assert code_of(lambda data=data: deputize.decode_value(data)) == case["code"], case


def test_arguments() -> None:
    for case in cases("arguments", 15):
        arguments = deputize.value_from_json(case["json"])
        if "digest" in case:
            assert deputize.encode_value(arguments).hex() == case["encoding"]
            assert deputize.arguments_digest(arguments).hex() == case["digest"]
        else:
            assert code_of(lambda arguments=arguments: deputize.arguments_digest(arguments)) == case["code"], case


def test_constraints() -> None:
    for case in cases("constraints", 30):
        data = bytes.fromhex(case["hex"])
        if case["code"] is None:
            assert Constraint.decode(data).encode() == data, case
        else:
            assert code_of(lambda data=data: Constraint.decode(data)) == case["code"], case
    for case in cases("accepts", 90):
        constraint = Constraint.decode(bytes.fromhex(case["constraint"]))
        assert constraint.accepts(deputize.value_from_json(case["value"])) is case["accepts"], case
    for case in cases("narrower", 70):
        parent, child = (Constraint.decode(bytes.fromhex(case[side])) for side in ("parent", "child"))
        assert parent.subsumes(child) is case["narrower"], case
        assert parent.subsumes(parent), case
        assert child.subsumes(child), case
        if (found := parent.counterexample(child)) is not None:
            assert child.accepts(found["value"]), case
            assert not parent.accepts(found["value"]), case
            assert not case["narrower"], case
    for case in cases("narrow", 15):
        a, b, meet = (Constraint.decode(bytes.fromhex(case[name])) for name in ("a", "b", "meet"))
        assert a.narrow(b) == meet, case


def test_contexts() -> None:
    for case in cases("contexts", 15):
        if "code" in case:
            assert code_of(lambda case=case: deputize.join_contexts(*case["contexts"])) == case["code"], case
        else:
            assert deputize.join_contexts(*case["contexts"]) == case["joined"], case


def test_keys() -> None:
    for case in cases("keys", 5):
        key = SigningKey.from_seed(bytes.fromhex(case["seed"]))
        public = key.verifying_key
        assert bytes(public.bytes).hex() == case["public"]
        assert public.did_key == case["did_key"]
        assert public.thumbprint == case["thumbprint"]
        assert public.to_jwk() == case["jwk"]
        assert public.to_pem() == case["public_pem"]
        assert key.to_pem() == case["pem"]
        assert key.to_jwk() == case["private_jwk"]
        public.verify(case["message"].encode(), bytes.fromhex(case["signature"]))
        for read in (
            VerifyingKey.from_did_key(case["did_key"]),
            VerifyingKey.from_jwk(case["jwk"]),
            VerifyingKey.from_pem(case["public_pem"]),
            SigningKey.from_pem(case["pem"]).verifying_key,
            SigningKey.from_jwk(case["private_jwk"]).verifying_key,
        ):
            assert read == public
    for case in table("keys")["invalid"]:
        assert code_of(lambda case=case: VerifyingKey.from_bytes(bytes.fromhex(case["hex"]))) == case["code"], case


def test_the_table_of_codes_is_this_one() -> None:
    assert [dict(row) for row in deputize.codes] == table("codes")["codes"]
