"""Says what is read of a signed object that stands alone, as the table of objects has it."""

import hashlib

from deputize_audit import to_json
from deputize_evidence import verify_identity
from deputize_objects import APPROVAL, MESSAGE, REVOCATION, read_approval, read_consent, read_message
from deputize_requests import read_request, render
from deputize_trust import TrustState
from deputize_values import encode, require


def approval(data, setting):
    _, claims = read_approval(data)
    own = claims[APPROVAL]
    asked = [1, own[0], own[1], own[2], claims[3], own[4], own.get(7)]
    return {
        "approves": own[3] == 1,
        "id": claims[7].hex(),
        "approver": claims[8].hex(),
        "expires": claims[4],
        "request": hashlib.sha256(encode(asked)).digest()[:16].hex(),
    }


def consent(data, setting):
    read_consent(data)
    return {}


def identity(data, setting):
    authority = setting["identity_authority"]
    found = verify_identity(data, {authority["name"]: bytes.fromhex(authority["key"])}, setting["now_ms"])
    members = {
        "authority": found.authority,
        "name": found.name,
        "key": found.key.hex(),
        "id": found.cti.hex(),
        "issued": found.iat,
        "expires": found.exp,
        "kind": found.kind,
        "state": "active" if found.is_active else "pending",
        "attributes": to_json(found.attributes),
        "environment": found.environment,
        "attestor": found.attestor,
        "evidence": found.evidence and found.evidence.hex(),
    }
    return {name: value for name, value in members.items() if value is not None}


def message(data, setting):
    """The first message that a recipient receives; it knows one sender."""
    envelope, claims = read_message(data)
    own, now_ms = claims[MESSAGE], setting["now_ms"]
    require(claims[3] == setting["recipient"], "message-mismatch")
    require(claims[8].hex() == setting["sender"], "sender-unknown")
    require(claims[6] * 1000 <= now_ms + 30000, "message-not-yet-valid")
    require(now_ms < claims[4] * 1000, "message-expired")
    require(envelope.is_by(claims[8]), "signature-invalid")
    require(claims[6] >= setting["began_ms"] // 1000, "message-replayed")
    require(own[1] == 0, "message-out-of-order")
    require(own[2] == hashlib.sha256(bytes.fromhex(setting["payload"])).digest(), "message-mismatch")
    members = {"id": claims[7].hex(), "session": own[0].hex(), "sequence": own[1], "sender": claims[8].hex()}
    return {**members, "token": own[3].hex()} if 3 in own else members


def state_of(setting):
    authority = setting["revocation_authority"]
    return TrustState(
        {authority["name"]: {"key": bytes.fromhex(authority["key"]), "allow_stale": authority["allow_stale"]}}
    )


def rotation(data, setting):
    state_of(setting).apply_rotation(data, setting["now_ms"])
    return {}


def revocation_list(data, setting):
    state = state_of(setting)
    state.apply_list(data, setting["now_ms"])
    held = next(iter(state.lists.values()))
    return {"sequence": held.claims[REVOCATION][1], "next_update": held.claims[4], "ids": len(held.said)}


def request(data, setting):
    found = read_request(data)
    return {"id": found.id.hex(), "text": render(found)}


READERS = {
    "request": request,
    "approval": approval,
    "consent": consent,
    "identity": identity,
    "message": message,
    "rotation": rotation,
    "list": revocation_list,
}


def read_object(kind, data, setting):
    return READERS[kind](data, setting)
