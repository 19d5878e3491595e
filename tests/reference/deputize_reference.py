"""A plain verifier of Deputize presentations, written from docs/spec alone.

It favours the order and the words of the specification over speed: one function for each page or table, no state
but the store. It is the oracle of the differential tests, not a library to deploy.
"""

import base64
import hashlib
import os

from deputize_budget import spend_once, spending
from deputize_claims import CALL, CAPABILITY, Token, read_proof_claims
from deputize_constraints import accepts, arguments_fault, check_constraint, decode_constraint
from deputize_envelopes import open_envelope, open_evidence, protected_header
from deputize_evidence import (
    ApprovalDenied,
    check_approvals,
    check_consent,
    check_identities,
    request_key,
    requirements_of,
)
from deputize_keys import did_key, is_public_key, signature_holds
from deputize_narrower import narrower, narrower_arguments
from deputize_objects import read_front_name
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
    "join_contexts",
    "narrower",
    "narrower_arguments",
    "protected_header",
    "signature_holds",
]

MAX_PRESENTATION, MAX_CHAIN, MAX_TOKENS, MAX_PROOF, MAX_EVIDENCE = 131072, 65536, 16, 2048, 64


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


def find_anchor(root, anchors, state):
    """The anchor that the front of the root's payload names, with the key that signed the root."""
    anchor = anchors.get(read_front_name(root.payload))
    require(anchor is not None, "issuer-untrusted")
    keys = [] if state is None else state.keys_from(anchor["key"])
    return {**anchor, "key": next((key for key in reversed(keys) if root.is_by(key)), anchor["key"])}


def check_links(envelopes, anchor):
    tokens, signer = [], anchor["key"]
    for link, envelope in enumerate(envelopes):
        with at_link(link):
            require(envelope.is_by(signer), "signature-invalid")
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


def join_contexts(contexts):
    """What data of several contexts belongs to; None is no context."""
    joined = None
    for context in contexts:
        if context is None:
            continue
        require(is_context(context), "context-mismatch")
        segments = context.split("/")
        if joined is not None:
            segments = os.path.commonprefix([joined, segments])
        require(segments, "context-mismatch")
        joined = segments
    return joined and "/".join(joined)


def check_proof(envelope, leaf, leaf_hash, config, request, digest, now_ms, facts):
    require(envelope.is_by(leaf.key), "proof-signature-invalid")
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


def authorities_not_revoked(identities):
    """The marks of keys that signed identities."""
    for identity in identities:
        if identity is not None:
            yield ("absent", b"K" + identity.signer, identity.iat * 1000 + 999), "key-revoked", None


def check_bounds(anchor, root):
    bounds = anchor.get("bounds", {})
    require(root.exp - root.iat <= bounds.get("max_lifetime", root.exp), "anchor-exceeded")
    require(root.max_depth <= bounds.get("max_depth", 15), "anchor-exceeded")
    if "tools" in bounds:
        for tool, arguments in root.tools.items():
            granted = bounds["tools"].get(tool)
            require(granted is not None and narrower_arguments(granted, arguments), "anchor-exceeded")


def still_given(approval):
    """The marks of an approval or denial that must not be there, with the codes of a refusal."""
    yield ("absent", b"K" + approval.key, approval.instant), "key-revoked"
    yield ("absent", b"A" + approval.key + approval.cti, approval.instant), "approval-withdrawn"


def not_withdrawn(approvals, request):
    for approval in approvals:
        yield from still_given(approval)
        yield ("absent", request, approval.instant), "approval-denied"


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
    anchors, state = check_config(config), config.get("state")
    digest = hashlib.sha256(check_call(request)).digest()
    now_ms = check_clock(now_ms, store)
    token_bytes, proof_bytes, evidence_bytes = split_presentation(request["presentation"])
    envelopes = []
    for link, data in enumerate(token_bytes):
        with at_link(link):
            envelopes.append(open_envelope(data, "cap"))
    proof_envelope = open_envelope(proof_bytes, "pop")
    evidence = [(open_evidence(data)[0], data) for data in evidence_bytes]
    with at_link(0):
        anchor = find_anchor(envelopes[0], anchors, state)
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
    if state is not None:
        state.judge_chain(tokens, anchor, now_ms)
    for link, token in enumerate(tokens):
        with at_link(link):
            require(token.aud is None or config["audience"] in token.aud, "audience-mismatch")
    check_context(leaf, request.get("context"))
    proof = check_proof(proof_envelope, leaf, envelopes[-1].hash, config, request, digest, now_ms, facts)
    objects = {
        kind: [data for found, data in evidence if found == kind] for kind in ("identity", "approval", "consent")
    }
    facts["identities"] = check_identities(
        objects["identity"], config.get("identities"), tokens, state, anchor["name"], now_ms
    )
    consent = check_consent(objects["consent"], config, anchors, tokens, anchor, request["tool"], state, now_ms)
    facts["consent"] = consent and consent[0]
    for link, token in enumerate(tokens):
        with at_link(link):
            check_arguments(token, request["tool"], request["arguments"])
    leaf_hash, own = envelopes[-1].hash, leaf.approvals.get(request["tool"], [])
    requirements = own + requirements_of(config.get("approvals"), request["tool"], request.get("hint"))
    asked = (leaf_hash, request["tool"], digest, config["audience"], leaf.session, request.get("context"))
    request_mark = request_key(asked)
    try:
        approvals = check_approvals(
            objects["approval"], requirements, len(own), asked, tokens, state, anchor["name"], now_ms
        )
    except ApprovalDenied as denied:
        given = [operation for operation, _ in still_given(denied.denial)]
        store.commit([*given, ("mark", request_mark, denied.denial.exp)], now_ms)
        raise
    marks = [*not_revoked(tokens, anchor), *authorities_not_revoked(facts["identities"])]
    plan = [(operation, code, "token-predates-store", link) for operation, code, link in marks]
    if consent is not None:
        plan.append((("absent", b"K" + consent[1], consent[2]), "key-revoked", "token-predates-store", None))
    plan += [
        (operation, code, "token-predates-store", None) for operation, code in not_withdrawn(approvals, request_mark)
    ]
    claim = ("claim", b"p" + leaf.key + proof[7], proof[4], proof[6] * 1000 + proof[CALL][3])
    plan.append((claim, "proof-replayed", "proof-predates-store", None))
    for approval in approvals:
        claim = ("claim", b"a" + approval.key + approval.cti, approval.exp, approval.instant)
        plan.append((claim, "approval-spent", "token-predates-store", None))
    for link, token in enumerate(tokens):
        with at_link(link):
            taken = spending(token, envelopes[link].hash, anchor["name"], request["tool"], request["arguments"], now_ms)
            for operation in taken:
                spend_once(plan, operation, link)
    facts["approvals"] = approvals
    facts["operations"] = [operation for operation, _, _, _ in plan]
    commit(store, plan, now_ms)
    holders = describe(tokens)
    return {
        "caller": holders[-1]["name"] or holders[-1]["key"],
        "principal": leaf.sub,
        "chain": holders,
        "ignored": sorted({label for token in tokens for label in token.ignored}, reverse=True),
    }
