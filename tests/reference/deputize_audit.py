"""The audit record of docs/spec/audit.md, from a decision of the reference verifier."""

import base64
import hashlib
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import deputize_reference as ref

MODES = ("own_behalf", "on_behalf_of", "impersonation")


def to_base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_json(value):
    """The mapping from a value to JSON."""
    if type(value) is int and abs(value) > (1 << 53) - 1:
        return {"$integer": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": to_base64(value)}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {"$" + key if key.startswith("$") else key: to_json(item) for key, item in value.items()}
    return value


def from_json(value):
    """The mapping from JSON to a value."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["$integer"]:
        return int(value["$integer"])
    if list(value) == ["$bytes"]:
        text = value["$bytes"]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return {key.removeprefix("$"): from_json(item) for key, item in value.items()}


def canonical_number(number):
    """A float with a fractional part, as ECMAScript writes it: an exponent below 1e-6 only."""
    if abs(number) >= 1e-6:
        return format(Decimal(repr(number)), "f")
    mantissa, exponent = repr(number).split("e")
    return f"{mantissa}e{int(exponent)}"


def canonical_json(value):
    """RFC 8785."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(canonical_json(key) + ":" + canonical_json(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_json, value)) + "]"
    if isinstance(value, float):
        return canonical_number(value)
    return json.dumps(value, ensure_ascii=False)


def escape(text):
    return "".join(char if ref.is_plain(char) else f"\\u{{{ord(char):x}}}" for char in text)


def present(members):
    return {name: value for name, value in members.items() if value is not None}


def make_record(config, request, now_ms, denied, facts):
    """The record of an allowed call, or of a denied one with its refusal; facts are those that verify() gathered."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=now_ms)
    tool = request["tool"]
    record = {
        "kind": "decision",
        "version": 1,
        "by_identity": "identities" in config or None,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now_ms % 1000:03}Z",
        "decision": "deny" if denied else "allow",
        "code": denied.code if denied else "allowed",
        "link": denied.link if denied else None,
        "tool": tool if ref.is_name(tool) else escape(tool[:128] + ("…" if len(tool) > 128 else "")),
        "arguments_digest": hashlib.sha256(ref.encode_value(request["arguments"])).hexdigest(),
        "arguments": to_json(request["arguments"]),
        "audience": config["audience"],
        "context": request.get("context"),
    }
    if "tokens" in facts:
        record |= chain_members(facts)
    return present(record)


def chain_members(facts):
    tokens, anchor = facts["tokens"], facts["anchor"]
    leaf = tokens[-1]
    ignored = sorted({label for token in tokens for label in token.ignored}, reverse=True)
    return {
        "principal": leaf.sub,
        "issuer": tokens[0].iss,
        "mode": MODES[leaf.mode],
        "session": leaf.session.hex(),
        "task": leaf.task.hex() if leaf.task else None,
        "chain": [
            present({**holder, "identity": identity_members(identity)})
            for holder, identity in zip(
                ref.describe(tokens), facts.get("identities", [None] * len(tokens)), strict=True
            )
        ],
        "consent": facts["consent"].hex() if facts.get("consent") else None,
        "approvals": [approval_members(approval) for approval in facts.get("approvals", [])] or None,
        "issuer_key": ref.did_key(anchor["key"]),
        "proof": facts.get("proof"),
        "ignored": ignored or None,
    }


def identity_members(identity):
    return identity and present(
        {
            "authority": identity.authority,
            "attestor": identity.attestor,
            "environment": identity.environment,
            "id": identity.cti.hex(),
            "kind": identity.kind,
            "name": identity.name,
        }
    )


def approval_members(approval):
    return present(
        {
            "approver": ref.did_key(approval.key),
            "id": approval.cti.hex(),
            "name": approval.name,
            "reason": approval.reason,
        }
    )


def name_of(holder, knows_identities):
    if "identity" in holder:
        return holder["identity"]["name"]
    return holder["key"] if knows_identities else holder.get("name", holder["key"])


def sentence(record, knows_identities=False):
    verdict = "ALLOW" if record["decision"] == "allow" else f"DENY {record['code']}:"
    start = f"{record['time'][:19]}Z {verdict}"
    if "chain" not in record:
        return f"{start} an unverified caller called {record['tool']} at {record['audience']}"
    names = [name_of(holder, knows_identities) for holder in record["chain"]]
    whom = {"own_behalf": "", "on_behalf_of": f" for {record['principal']}"}.get(
        record["mode"], f" as {record['principal']}"
    )
    caller = names[-1] if "proof" in record else f"somebody with a token of {names[-1]}"
    path = " → ".join([record["issuer"], *names])
    reasons = [holder["reason"] for holder in record["chain"] if "reason" in holder]
    end = f": {reasons[-1]}" if reasons else ""
    if "approvals" in record:
        end += "; approved by " + ", ".join(approval["approver"] for approval in record["approvals"])
    return (
        f"{start} {caller} called {record['tool']}{whom} at {record['audience']} "
        f"({path}; session {record['session'][:8]}){end}"
    )
