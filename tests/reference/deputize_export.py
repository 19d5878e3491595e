"""The forms `act` and CloudEvent of docs/spec/export.md, from records as a log has them."""

import re
from urllib.parse import quote

from deputize_audit import canonical_json

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def name_of(record, holder):
    if "identity" in holder:
        return holder["identity"]["name"]
    return None if record.get("by_identity") else holder.get("name")


def act(record):
    """The claims as RFC 8693 has them; nothing without a caller that proved itself."""
    if record["kind"] != "decision" or "chain" not in record or "proof" not in record:
        return None
    actor = None
    for holder in record["chain"][record["mode"] == "own_behalf" :]:
        said = {"act": actor, "iss": holder.get("identity", {}).get("authority"), "name": name_of(record, holder)}
        actor = {name: value for name, value in said.items() if value is not None} | {"sub": holder["key"]}
    claims = {"act": actor, "aud": record["audience"], "iss": record["issuer"], "sub": record["principal"]}
    return canonical_json({name: value for name, value in claims.items() if value is not None})


def source(origin):
    """Segments as they are, but for what a relative reference would take for something else."""
    escaped = quote(origin, safe="/")
    return re.sub("^/+|(?<=/)/+", lambda slashes: "%2F" * len(slashes[0]), escaped)


def cloud_event(record, origin, sequence):
    event = {
        "data": record,
        "datacontenttype": "application/json",
        "id": f"{origin}#{sequence}",
        "source": source(origin),
        "specversion": "1.0",
        "type": "dev.deputize." + record["kind"],
    }
    subject = record.get("tool") or record.get("principal")
    if subject:
        event["subject"] = subject
    if TIME.fullmatch(record["time"]):
        event["time"] = record["time"]
    return canonical_json(event)
