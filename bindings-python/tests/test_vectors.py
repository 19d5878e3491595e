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
from deputize import Constraint, Denied, DeputizeError, SigningKey, TrustAnchor, Verifier, VerifyingKey

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
TABLES = {"values", "arguments", "constraints", "accepts", "narrow", "narrower", "keys", "codes"}
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
    assert len(DECISIONS) >= 160


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_decision(file: Path) -> None:
    vector = json.loads(file.read_text(encoding="utf-8"))
    assert vector["kind"] == "decision"
    config, request, expected = vector["verifier"], vector["request"], vector["expected"]
    anchors = [
        TrustAnchor(one["name"], VerifyingKey.from_bytes(bytes.fromhex(one["key"])), one["may_impersonate"])
        for one in config["anchors"]
    ]
    times = [config["store_created_ms"]]
    verifier = Verifier(trust=anchors, audience=config["audience"], clock=lambda: times[0])
    times[0] = vector["now_ms"]
    arguments = deputize.value_from_json(json.dumps(request["arguments"]))
    challenge = bytes.fromhex(request["challenge"]) if "challenge" in request else None

    def authorize() -> tuple[str | None, int | None, deputize.AuditRecord]:
        try:
            allowed = verifier.authorize(
                request["presentation"], request["tool"], arguments, challenge, request.get("context")
            )
        except Denied as denied:
            return denied.code, denied.link, denied.record
        return None, None, allowed.record

    if vector.get("presented_before"):
        authorize()
    code, link, record = authorize()
    assert (code, link) == (expected.get("code"), expected.get("link")), vector["why"]
    assert ("deny" if code else "allow") == expected["decision"]
    assert record.json(arguments=True) == expected["record"]
    assert record.sentence == expected["sentence"]
    assert authorize()[0] == (code or "proof-replayed")


@pytest.mark.parametrize("file", [one for one in DECISIONS if one.name.startswith("allow-")], ids=lambda one: one.stem)
def test_an_independent_cose_library_verifies_every_hop_and_the_proof(file: Path) -> None:
    vector = json.loads(file.read_text(encoding="utf-8"))
    text = vector["request"]["presentation"]
    tokens, proof = cbor2.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    key = bytes.fromhex(vector["verifier"]["anchors"][0]["key"])
    for hop in [*tokens, proof]:
        cose_key = cwt.COSEKey.new({1: 1, -1: 6, -2: key, 3: -19})
        claims = cbor2.loads(cwt.COSE.new().decode(hop, cose_key))
        with pytest.raises(cwt.VerifyError):
            cwt.COSE.new().decode(hop[:-1] + bytes([hop[-1] ^ 1]), cose_key)
        key = claims[8][1][-2] if 8 in claims else b""
    assert claims[3] == vector["verifier"]["audience"]


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
