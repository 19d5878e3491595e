"""The reference verifier as a line-oriented oracle: one JSON object in, one JSON object out, for each line."""

import json
import sys

import deputize_reference as reference


def constraint(text):
    return reference.decode_constraint(bytes.fromhex(text))


def authorize(query):
    anchors = [
        {"name": one["name"], "key": bytes.fromhex(one["key_hex"]), "may_impersonate": bool(one.get("may_impersonate"))}
        for one in query["anchors"]
    ]
    config = {"anchors": anchors, "audience": query["audience"]}
    presentation = query.get("presentation_text")
    if presentation is None:
        presentation = bytes.fromhex(query["presentation_hex"])
    challenge = query.get("challenge_hex")
    try:
        request = {
            "presentation": presentation,
            "tool": query["tool"],
            "arguments": reference.decode_value(bytes.fromhex(query["arguments_hex"])),
            "challenge": None if challenge is None else bytes.fromhex(challenge),
            "context": query.get("context"),
        }
        store = reference.MemoryStore(created_ms=query.get("store_created_ms"))
        result = reference.verify(config, request, query["now_ms"], store)
    except reference.Denied as denied:
        return {"decision": "deny", "code": denied.code, "link": denied.link}
    return {"decision": "allow", **result}


def answer(query):
    op = query["op"]
    if op == "authorize":
        return authorize(query)
    try:
        if op == "narrower":
            parent, child = constraint(query["parent_hex"]), constraint(query["child_hex"])
            return {"narrower": reference.narrower(parent, child)}
        if op == "accepts":
            value = reference.decode_value(bytes.fromhex(query["value_hex"]))
            return {"accepts": reference.accepts(constraint(query["constraint_hex"]), value)}
        if op == "decode":
            reference.decode_value(bytes.fromhex(query["hex"]))
            return {"ok": True}
    except reference.Denied as denied:
        return {"code": denied.code}
    return {"error": f"unknown op {op!r}"}


def main():
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            reply = answer(json.loads(line))
        except Exception as fault:  # noqa: BLE001 - the oracle outlives any input
            reply = {"error": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
