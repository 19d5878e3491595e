"""A plain verifier of Deputize presentations, written from docs/spec alone.

It favours the order and the words of the specification over speed: one function for each page or table, no state
but the store. It is the oracle of the differential tests, not a library to deploy.
"""

import base64
import hashlib

import cbor2

from deputize_budget import spending
from deputize_claims import CALL, CAPABILITY, Token, read_proof_claims
from deputize_constraints import accepts, arguments_fault, check_constraint, decode_constraint
from deputize_keys import did_key, is_public_key, signature_holds
from deputize_narrower import narrower, narrower_arguments
from deputize_store import MemoryStore
from deputize_values import (
    MAX_TIME,
    MAX_VALUE_BYTES,
    Denied,
    Reader,
    at_link,
    decode_value,
    encode,
    encode_value,
    is_at_or_below,
    is_context,
    is_name,
    is_plain,
    require,
)

__all__ = [
    "CALL",
    "CAPABILITY",
    "MAX_TIME",
    "MAX_VALUE_BYTES",
    "Denied",
    "MemoryStore",
    "accepts",
    "check_constraint",
    "decode_constraint",
    "decode_value",
    "did_key",
    "encode",
    "encode_value",
    "is_name",
    "is_plain",
    "is_public_key",
    "narrower",
    "narrower_arguments",
    "signature_holds",
]

MAX_PRESENTATION, MAX_CHAIN, MAX_TOKENS, MAX_PROOF, MAX_EVIDENCE = 131072, 65536, 16, 2048, 64


# Envelopes ----------------------------------------------------------------------------------------------------------


class Envelope:
    def __init__(self, payload, signed, signature):
        self.payload = payload
        self.signed = signed
        self.signature = signature
        self.hash = hashlib.sha256(signed).digest()


def protected_header(kind):
    return encode({1: -19, 16: f"application/deputize-{kind}+cwt"})


def check_protected(data, kind):
    if data == protected_header(kind):
        return
    reader = Reader(data or b"\xa0")

    def item(majors):
        major, number = reader.head()
        require(major in majors, "malformed")
        if major == 2:
            return reader.take(number)
        if major == 3:
            return reader.decode_text(number)
        if major == 4:
            return [item((0, 1, 2, 3)) for _ in range(number)]
        return number if major == 0 else -1 - number

    labels = reader.ascending(reader.expect(5), reader.integer)
    found = {label: item((0, 1, 2, 3, 4)) for label in labels}
    reader.end()
    require(found.get(1) == -19, "algorithm-unsupported")
    require(found.get(16) == f"application/deputize-{kind}+cwt", "kind-mismatch")
    raise Denied("header-invalid")


def open_envelope(data, kind):
    reader = Reader(data)
    require(reader.expect(6) == 18, "malformed")
    require(reader.expect(4) == 4, "malformed")
    protected = reader.bytes()
    check_protected(protected, kind)
    require(reader.expect(5) == 0, "header-invalid")
    payload = reader.bytes()
    require(payload, "malformed")
    signature = reader.bytes()
    require(len(signature) == 64, "malformed")
    reader.end()
    return Envelope(payload, cbor2.dumps(["Signature1", protected, b"", payload]), signature)


def open_evidence(data):
    """The kind of a piece of evidence, and its envelope."""
    for kind in ("identity", "approval", "consent"):
        try:
            return kind, open_envelope(data, kind)
        except Denied as denied:
            if denied.code != "kind-mismatch":
                raise
    raise Denied("kind-mismatch")


def decode_text_form(text):
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise Denied("text-malformed") from None
    require(base64.urlsafe_b64encode(data).rstrip(b"=") == text.encode("ascii"), "text-malformed")
    return data


def split_presentation(presentation):
    """The envelopes' bytes of a presentation: the tokens, root first, the proof, and the evidence."""
    require(len(presentation) > 0, "proof-missing")
    if isinstance(presentation, str):
        require(len(presentation) <= (MAX_PRESENTATION * 4 + 2) // 3, "too-large")
        presentation = decode_text_form(presentation)
    require(len(presentation) <= MAX_PRESENTATION, "too-large")
    reader = Reader(presentation)
    parts = reader.expect(4)
    require(parts != 1, "proof-missing")
    require(parts in (2, 3), "malformed")
    start = reader.pos
    count = reader.count(4, MAX_TOKENS)
    require(count > 0, "malformed")
    tokens = [reader.bytes() for _ in range(count)]
    require(reader.pos - start <= MAX_CHAIN, "too-large")
    proof = reader.bytes()
    require(len(proof) <= MAX_PROOF, "too-large")
    evidence = []
    if parts == 3:
        count = reader.count(4, MAX_EVIDENCE)
        require(count > 0, "malformed")
        evidence = [reader.bytes() for _ in range(count)]
    reader.end()
    return tokens, proof, evidence


# The decision -------------------------------------------------------------------------------------------------------


def check_config(config):
    anchors = {}
    require(config["anchors"], "config-invalid")
    for anchor in config["anchors"]:
        require(is_name(anchor["name"]) and anchor["name"] not in anchors, "config-invalid")
        require(is_public_key(anchor["key"]), "key-invalid")
        anchors[anchor["name"]] = anchor
    require(is_name(config["audience"]), "config-invalid")
    return anchors


def check_call(request):
    """The deterministic encoding of the arguments."""
    require(type(request["arguments"]) is dict, "value-unsupported")
    encoded = encode_value(request["arguments"])
    require(all(is_name(name) and name != "*" for name in request["arguments"]), "name-invalid")
    require(is_name(request["tool"]), "name-invalid")
    return encoded


def check_clock(now_ms, store):
    require(0 < now_ms <= MAX_TIME * 1000 + 999, "clock-invalid")
    require(now_ms >= store.latest_ms - 60000, "clock-behind")
    store.latest_ms = max(store.latest_ms, now_ms)
    return store.latest_ms


def find_anchor(payload, anchors):
    """The anchor that the front of the root's payload names."""
    reader = Reader(payload)
    try:
        require(reader.expect(5) > 0 and reader.integer() == 1, "issuer-untrusted")
        anchor = anchors.get(reader.text())
    except Denied:
        raise Denied("issuer-untrusted") from None
    require(anchor is not None, "issuer-untrusted")
    return anchor


def check_links(envelopes, anchor):
    tokens, signer = [], anchor["key"]
    for link, envelope in enumerate(envelopes):
        with at_link(link):
            require(signature_holds(signer, envelope.signed, envelope.signature), "signature-invalid")
            token = Token(envelope.payload, link)
            if link == 0:
                require(token.mode != 2 or anchor["may_impersonate"], "impersonation-refused")
            else:
                require(token.depth == tokens[-1].depth + 1, "parent-mismatch")
                require(token.parent == envelopes[link - 1].hash, "parent-mismatch")
                require(all(token.cti != earlier.cti for earlier in tokens), "parent-mismatch")
                require(all(token.key != earlier.key for earlier in tokens), "holder-repeated")
            require(token.key != anchor["key"], "holder-repeated")
        tokens.append(token)
        signer = token.key
    return tokens


def check_times(token, now_ms):
    require(token.iat * 1000 <= now_ms + 30000, "token-not-yet-valid")
    require(token.nbf is None or token.nbf * 1000 <= now_ms, "token-not-yet-valid")
    require(now_ms < token.exp * 1000, "token-expired")


def check_narrowing(parent, child, inherited_aud):
    def facts(token):
        return token.sub, token.session, token.task, token.mode

    require(facts(child) == facts(parent), "invariant-changed")
    require(child.depth <= child.max_depth <= parent.max_depth, "depth-exceeded")
    require(child.exp <= parent.exp, "lifetime-widened")
    require(child.iat >= parent.iat, "lifetime-widened")
    require(None in (parent.nbf, child.nbf) or child.nbf >= parent.nbf, "lifetime-widened")
    if child.aud is not None and inherited_aud is not None:
        require(set(child.aud) <= set(inherited_aud), "audience-widened")
    child.check_counted_in(inherited_aud if child.aud is None else child.aud)
    if parent.context is None:
        require(child.context is None, "context-widened")
    else:
        require(child.context is not None and is_at_or_below(child.context, parent.context), "context-widened")
    for tool, requirements in parent.approvals.items():
        kept = child.approvals.get(tool, [])
        require(all(requirement in kept for requirement in requirements), "approvals-dropped")
    require(all(tool in parent.tools for tool in child.tools), "tool-not-granted")
    for tool, arguments in child.tools.items():
        require(narrower_arguments(parent.tools[tool], arguments), "not-provably-narrower")


def check_context(leaf, context):
    require((context is None) == (leaf.context is None), "context-mismatch")
    if context is not None:
        require(is_context(context) and is_at_or_below(context, leaf.context), "context-mismatch")


def check_proof(envelope, leaf, leaf_hash, config, request, digest, now_ms, facts):
    require(signature_holds(leaf.key, envelope.signed, envelope.signature), "proof-signature-invalid")
    proof = read_proof_claims(envelope.payload)
    facts["proof"] = proof[7].hex()
    call = proof[CALL]
    require(proof[3] == config["audience"], "audience-mismatch")
    require(proof[6] * 1000 <= now_ms + 30000, "proof-not-yet-valid")
    require(now_ms < proof[4] * 1000, "proof-expired")
    require((call[0], call[1], call[2]) == (leaf_hash, request["tool"], digest), "proof-mismatch")
    require(proof.get(10) == request.get("challenge"), "challenge-mismatch")
    return proof


def check_arguments(token, tool, arguments):
    require(tool in token.tools, "tool-not-allowed")
    fault = arguments_fault(token.tools[tool], arguments)
    require(fault is None, fault)


def not_revoked(tokens, anchor):
    """The marks that must not be there, with the codes and links of a refusal."""
    root, issuer = tokens[0], hashlib.sha256(anchor["name"].encode()).digest()
    since = root.iat * 1000 + 999
    yield ("absent", b"S" + issuer + root.session, since), "session-closed", None
    if root.task is not None:
        yield ("absent", b"Y" + issuer + root.task, since), "task-closed", None
    yield ("absent", b"K" + anchor["key"], since), "key-revoked", 0
    for link, token in enumerate(tokens):
        yield ("absent", b"T" + token.cti, since), "token-revoked", link
        yield ("absent", b"K" + token.key, since), "key-revoked", link


def check_bounds(anchor, root):
    bounds = anchor.get("bounds", {})
    require(root.exp - root.iat <= bounds.get("max_lifetime", root.exp), "anchor-exceeded")
    require(root.max_depth <= bounds.get("max_depth", 15), "anchor-exceeded")
    if "tools" in bounds:
        for tool, arguments in root.tools.items():
            granted = bounds["tools"].get(tool)
            require(granted is not None and narrower_arguments(granted, arguments), "anchor-exceeded")


def commit(store, plan, now_ms):
    """The last step: `plan` has for each operation the codes if it is refused and if the store is younger, and the link."""
    answer = store.commit([operation for operation, _, _, _ in plan], now_ms)
    require(answer != "full", "store-full")
    if answer is not True:
        reason, index = answer
        _, refused, predates, link = plan[index]
        raise Denied(refused if reason == "refused" else predates, link)


def describe(tokens):
    """Each holder of a chain, and why it was given authority."""
    return [
        {"key": did_key(token.key), "name": token.holder_name, "token": token.cti.hex(), "reason": token.reason}
        for token in tokens
    ]


def verify(config, request, now_ms, store, facts=None):
    """The decision of decision.md: returns what is known of an allowed call, raises Denied otherwise.

    What has been verified by then, of a denied call too, is put into `facts` for the audit record.
    """
    facts = {} if facts is None else facts
    anchors = check_config(config)
    digest = hashlib.sha256(check_call(request)).digest()
    now_ms = check_clock(now_ms, store)
    token_bytes, proof_bytes, evidence_bytes = split_presentation(request["presentation"])
    envelopes = []
    for link, data in enumerate(token_bytes):
        with at_link(link):
            envelopes.append(open_envelope(data, "cap"))
    proof_envelope = open_envelope(proof_bytes, "pop")
    evidence = [open_evidence(data) for data in evidence_bytes]
    with at_link(0):
        anchor = find_anchor(envelopes[0].payload, anchors)
    tokens = check_links(envelopes, anchor)
    leaf = tokens[-1]
    for link, token in enumerate(tokens):
        with at_link(link):
            check_times(token, now_ms)
    with at_link(0):
        check_bounds(anchor, tokens[0])
    aud = tokens[0].aud
    for link in range(1, len(tokens)):
        with at_link(link):
            check_narrowing(tokens[link - 1], tokens[link], aud)
        aud = aud if tokens[link].aud is None else tokens[link].aud
    facts.update(tokens=tokens, anchor=anchor)
    for link, token in enumerate(tokens):
        with at_link(link):
            require(token.aud is None or config["audience"] in token.aud, "audience-mismatch")
    check_context(leaf, request.get("context"))
    proof = check_proof(proof_envelope, leaf, envelopes[-1].hash, config, request, digest, now_ms, facts)
    for link, token in enumerate(tokens):
        with at_link(link):
            check_arguments(token, request["tool"], request["arguments"])
    with at_link(len(tokens) - 1):
        require(not leaf.approvals.get(request["tool"]), "approval-required")
    plan = [
        (operation, code, "token-predates-store", link) for operation, code, link in not_revoked(tokens, anchor)
    ]
    claim = ("claim", b"p" + leaf.key + proof[7], proof[4], proof[6] * 1000 + proof[CALL][3])
    plan.append((claim, "proof-replayed", "proof-predates-store", None))
    for link, token in enumerate(tokens):
        with at_link(link):
            plan += [
                (operation, "budget-exhausted", "token-predates-store", link)
                for operation in spending(
                    token, envelopes[link].hash, anchor["name"], request["tool"], request["arguments"], now_ms
                )
            ]
    commit(store, plan, now_ms)
    holders = describe(tokens)
    return {
        "caller": holders[-1]["name"] or holders[-1]["key"],
        "principal": leaf.sub,
        "chain": holders,
        "ignored": sorted({label for token in tokens for label in token.ignored}, reverse=True),
    }
