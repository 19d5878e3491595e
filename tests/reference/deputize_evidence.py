"""Judging what comes beside a proof: docs/spec/identity.md, consent.md, approval.md, in the order of decision.md."""

import hashlib

from deputize_envelopes import open_envelope
from deputize_objects import (
    APPROVAL,
    CONSENT,
    IDENTITY,
    read_approval,
    read_consent,
    read_front_name,
    read_identity_claims,
)
from deputize_values import Denied, encode, require

KINDS = ("human", "agent", "service", "tool")


class Identity:
    def __init__(self, claims):
        own = claims[IDENTITY]
        self.authority, self.name, self.cti, self.key = claims[1], claims[2], claims[7], claims[8]
        self.exp, self.iat = claims[4], claims[6]
        self.kind, self.is_active = KINDS[own[1]], own[2] == 1
        self.environment, self.attributes, self.attestor = own.get(3), own.get(4, {}), own.get(5)
        self.evidence, self.signer = own.get(6), None


def verify_identity(data, authorities, now_ms, state=None):
    require(len(data) <= 4096, "too-large")
    envelope = open_envelope(data, "identity")
    key = authorities.get(read_front_name(envelope.payload))
    require(key is not None, "identity-untrusted")
    keys = [key] if state is None else state.keys_from(key)
    signer = next((key for key in reversed(keys) if envelope.is_by(key)), None)
    require(signer is not None, "identity-invalid")
    identity = Identity(read_identity_claims(envelope.payload))
    identity.signer = signer
    require(identity.iat * 1000 <= now_ms + 30000, "identity-not-yet-valid")
    require(now_ms < identity.exp * 1000, "identity-expired")
    return identity


def same(value, other):
    return type(value) is type(other) and value == other


def meets(identity, rule):
    return (
        rule.get("kind") in (None, identity.kind)
        and rule.get("environment") in (None, identity.environment)
        and all(same(identity.attributes.get(name), value) for name, value in rule.get("attributes", {}).items())
        and (not rule.get("attestors") or identity.attestor in rule["attestors"])
    )


def check_identities(documents, policy, tokens, state, issuer, now_ms):
    """For each holder its identity, or None."""
    if policy is None:
        require(not documents, "identity-untrusted")
        return [None] * len(tokens)
    identities = [verify_identity(data, policy["authorities"], now_ms, state) for data in documents]
    for identity in identities:
        if state is not None:
            state.judge_key(identity.signer, issuer, now_ms)
    holders = [token.key for token in tokens]
    known = [None] * len(tokens)
    for identity in identities:
        require(identity.key in holders, "identity-refused")
        link = holders.index(identity.key)
        require(known[link] is None, "identity-refused", link)
        known[link] = identity
    for link, identity in enumerate(known):
        require(identity is None or identity.is_active, "agent-pending", link)
    last = len(tokens) - 1
    for link, identity in enumerate(known):
        for rule in policy.get("rules", []):
            if rule["on"] == "leaf" and link < last or rule["on"] == "root" and link > 0:
                continue
            require(identity is not None, "identity-required", link)
            require(meets(identity, rule), "identity-refused", link)
    return known


def check_consent(consents, config, anchors, tokens, anchor, tool, state, now_ms):
    """Of the consent to an impersonation its id, the key that signed it, and the last instant at which that can have been."""
    leaf = tokens[-1]
    if leaf.mode != 2:
        require(not consents, "consent-invalid")
        return None
    require(consents, "consent-missing")
    require(len(consents) == 1, "consent-invalid")
    key = config.get("principals", {}).get(leaf.sub)
    if key is None and leaf.sub in anchors:
        key = anchors[leaf.sub]["key"]
    require(key is not None, "consent-invalid")
    envelope, claims = read_consent(consents[0])
    own = claims[CONSENT]
    covers = (
        claims[2] == leaf.sub
        and own[1] == anchor["name"]
        and claims[8] == tokens[0].key
        and claims[3] == config["audience"]
        and tool in own.get(2, [tool])
        and claims[6] * 1000 <= now_ms + 30000
        and now_ms < claims[4] * 1000
    )
    keys = [key] if state is None else state.keys_from(key)
    signer = next((key for key in reversed(keys) if envelope.is_by(key)), None)
    require(covers and signer is not None, "consent-invalid")
    if state is not None:
        state.judge_key(signer, anchor["name"], now_ms)
    return claims[7], signer, claims[6] * 1000 + 999


class Approval:
    def __init__(self, claims):
        own = claims[APPROVAL]
        self.key, self.cti, self.exp, self.instant = claims[8], claims[7], claims[4], claims[6] * 1000 + own[8]
        self.approves, self.name, self.reason = own[3] == 1, own.get(5), own.get(6)


def requirements_of(policy, tool, hint):
    """What the verifier itself asks for."""
    if policy is None:
        return []
    if tool in policy.get("listed", {}):
        return [policy["listed"][tool]]
    harmless = tool in policy.get("harmless", []) or (
        policy.get("by_annotation", False) and hint in ("additive", "read_only")
    )
    return [] if harmless else [policy["unlisted"]]


def place_of(key, state):
    return (key, 0) if state is None else state.place(key)


def is_named(key, keys, state):
    """Whether a key is one of these or a successor of one."""
    first, before = place_of(key, state)
    return any(place_of(named, state)[0] == first and place_of(named, state)[1] <= before for named in keys)


def open_approval(data, asked, requirements, holders, state, issuer, now_ms):
    envelope, claims = read_approval(data)
    own, key = claims[APPROVAL], claims[8]
    said = (own[0], own[1], own[2], claims[3], own[4], own.get(7))
    require(said == asked, "approval-mismatch")
    require(all(place_of(holder, state)[0] != place_of(key, state)[0] for holder in holders), "approver-refused")
    require(any(is_named(key, keys, state) for _, keys in requirements), "approver-refused")
    require(claims[6] * 1000 <= now_ms + 30000, "approval-not-yet-valid")
    require(now_ms < claims[4] * 1000, "approval-expired")
    require(envelope.is_by(key), "approval-invalid")
    if state is not None:
        state.judge_key(key, issuer, now_ms)
        state.judge_approval(claims[7], issuer, now_ms)
    return Approval(claims)


class ApprovalDenied(Denied):
    """A denial that a verifier has to mark."""

    def __init__(self, denial):
        super().__init__("approval-denied")
        self.denial = denial


def check_approvals(approvals, requirements, own_count, asked, tokens, state, issuer, now_ms):
    """The approvals that count, one for each approver. The first `own_count` requirements are the leaf's."""
    require(len(approvals) <= 64, "too-many")
    holders = [token.key for token in tokens]
    counted, denials = {}, []
    for data in approvals:
        approval = open_approval(data, asked, requirements, holders, state, issuer, now_ms)
        if not approval.approves:
            denials.append(approval)
            continue
        approver, before = place_of(approval.key, state)
        rank = before, approval.instant, approval.cti
        if approver not in counted or counted[approver][0] < rank:
            counted[approver] = rank, approval
    if denials:
        raise ApprovalDenied(max(denials, key=lambda denial: (denial.exp, denial.cti)))
    approvals = [approval for _, approval in counted.values()]
    for count, keys in requirements:
        missing = sum(is_named(approval.key, keys, state) for approval in approvals) < count
        require(not missing, "approval-required", len(tokens) - 1 if own_count else None)
    return approvals


def request_key(asked):
    leaf_hash, tool, digest, audience, session, context = asked
    return b"d" + hashlib.sha256(encode([1, leaf_hash, tool, digest, audience, session, context])).digest()[:16]
