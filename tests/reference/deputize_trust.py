"""The trust state: docs/spec/revocation.md. What lists revoke, who is suspended, which keys have successors."""

import hashlib

from deputize_claims import checked
from deputize_envelopes import open_envelope, protected_header
from deputize_objects import REVOCATION, ROTATION, read_front_name, read_head_claims, read_rotation_claims
from deputize_values import Denied, Reader, encode, require

DAY = 86400
MAX_HEAD, MAX_PART, MAX_PART_IDS = 160 * 1024, 1 << 20, 65536
# Of each section of a part: what its ids are of, their size, and what it says of them.
SECTIONS = (
    ("token", 16, "revoked"),
    ("key", 32, "revoked"),
    ("session", 16, "revoked"),
    ("task", 32, "revoked"),
    ("approval", 16, "revoked"),
    ("key", 32, "suspended"),
    ("key", 32, "pending"),
    ("key", 32, "active"),
)


class Listed:
    """A list with its changes: what is said of each (kind, id)."""

    def __init__(self, claims, head_hash, said):
        self.claims, self.hash, self.said = claims, head_hash, said
        self.sequence, self.epoch, self.changes = claims[REVOCATION][1], claims[REVOCATION].get(4), 0


def measure_byte_string(data, most):
    """The size of the head of the byte string at the front, and its length; None if its head is not all there."""
    if not data:
        return None
    info = data[0] & 31
    require(data[0] >> 5 == 2 and not 28 <= info <= 30, "malformed")
    require(info != 31, "not-canonical")
    size = 0 if info < 24 else 1 << info - 24
    if len(data) < 1 + size:
        return None
    length = int.from_bytes(data[1 : 1 + size], "big") if size else info
    require(not size or length >= (24 if size == 1 else 1 << 4 * size), "not-canonical")
    require(length <= most, "too-large")
    return 1 + size, length


def cut_byte_string(data, most):
    """The byte string at the front, and what follows it."""
    measured = measure_byte_string(data, most)
    require(measured is not None and sum(measured) <= len(data), "revocation-incomplete")
    size, length = measured
    return data[size : size + length], data[size + length :]


def cut_head(data):
    """The head of a list, and what follows."""
    start = b"\xd2\x84" + encode(protected_header("revocation")) + b"\xa0"
    if not data.startswith(start):
        require(not start.startswith(data), "revocation-incomplete")
        open_envelope(data[:MAX_HEAD], "revocation")
        raise Denied("malformed")
    measured = measure_byte_string(data[len(start) :], MAX_HEAD)
    require(measured is not None, "revocation-incomplete")
    length = len(start) + sum(measured) + 66
    require(length <= MAX_HEAD, "too-large")
    require(len(data) >= length, "revocation-incomplete")
    return data[:length], data[length:]


def read_part(part, is_change, last):
    """The ids of a part by section; `last` has the last id of each section so far."""
    reader = Reader(part)
    found, count = [], 0
    for section in reader.labels():
        require(0 <= section < (8 if is_change else 7), "claim-unknown")
        size = SECTIONS[section][1]
        ids = reader.bytes()
        checked(ids, ids and len(ids) % size == 0)
        count += len(ids) // size
        require(count <= MAX_PART_IDS, "too-many")
        for place in range(0, len(ids), size):
            one = ids[place : place + size]
            require(section not in last or last[section] < one, "not-canonical")
            last[section] = one
            found.append((section, one))
    checked(found, found)
    reader.end()
    return found


class TrustState:
    def __init__(self, authorities):
        """`authorities`: for each name its key, whether it is `for_every_issuer`, whether it may be stale."""
        self.authorities = authorities
        self.lists = {}
        self.successors = {}

    # What is held

    def judges(self, issuer):
        own = [issuer] if issuer in self.authorities else []
        return own + [name for name, one in self.authorities.items() if one.get("for_every_issuer") and name != issuer]

    def said(self, judges, kind, data):
        held = [self.lists[name].said for name in judges if name in self.lists]
        return set().union(*(said.get((kind, data), set()) for said in held))

    def is_retired(self, key, now_ms):
        return key in self.successors and self.successors[key][1] <= now_ms

    def standing(self, key, judges, now_ms):
        """What is wrong with a key."""
        said = self.said(judges, "key", key)
        if "revoked" in said:
            return "key-revoked"
        if self.is_retired(key, now_ms):
            return "key-retired"
        if "suspended" in said:
            return "agent-suspended"
        return "agent-pending" if "pending" in said else None

    def keys_from(self, key):
        """A key and its successors, oldest first, the newest eight."""
        keys = [key]
        while keys[-1] in self.successors:
            keys.append(self.successors[keys[-1]][0])
        return keys[-8:]

    def place(self, key):
        """The first key of the succession that a key is in, and how many came before."""
        before = 0
        predecessors = {new: old for old, (new, _) in self.successors.items()}
        while key in predecessors:
            key, before = predecessors[key], before + 1
        return key, before

    # Updates

    def apply_list(self, data, now_ms):
        """`accepted` or `unchanged`."""
        head, rest = cut_head(data)
        envelope = open_envelope(head, "revocation")
        name = read_front_name(envelope.payload)
        require(name in self.authorities, "revocation-untrusted")
        keys = self.keys_from(self.authorities[name]["key"])
        signer = next((key for key in reversed(keys) if envelope.is_by(key)), None)
        require(signer is not None, "signature-invalid")
        claims = read_head_claims(envelope.payload)
        standing = self.standing(signer, self.judges(name), now_ms)
        require(standing is None, standing)
        checked(None, claims[6] * 1000 <= now_ms + 30000)
        held, listed = self.lists.get(name), claims[REVOCATION]
        if held is not None:
            require(listed[1] >= held.sequence, "revocation-rollback")
            if listed[1] == held.sequence:
                require(envelope.hash == held.hash, "revocation-equivocation")
                return "unchanged"
        is_change = 2 in listed
        if is_change:
            require(held is not None and held.sequence == listed[2], "revocation-gap")
            require(held.changes < 1024, "too-many")
        self.lists[name] = self.take(claims, envelope.hash, self.read_parts(listed[3], rest, is_change), held)
        return "accepted"

    @staticmethod
    def read_parts(digests, rest, is_change):
        ids, last = [], {}
        for digest in digests:
            part, rest = cut_byte_string(rest, MAX_PART)
            require(hashlib.sha256(part).digest() == digest, "revocation-incomplete")
            ids += read_part(part, is_change, last)
        require(not rest, "malformed")
        return ids

    @staticmethod
    def take(claims, head_hash, ids, held):
        is_change = 2 in claims[REVOCATION]
        new = {}
        for section, one in ids:
            kind, _, status = SECTIONS[section]
            new.setdefault((kind, one), set()).add(status)
        checked(None, all(states == {"active"} or "active" not in states for states in new.values()))
        if not is_change:
            return Listed(claims, head_hash, new)
        said = dict(held.said)
        for what, states in new.items():
            before = said.get(what, set())
            said[what] = before & {"revoked"} if "active" in states else before | states
        listed = Listed(claims, head_hash, said)
        listed.changes = held.changes + 1
        listed.epoch = max((epoch for epoch in (held.epoch, listed.epoch) if epoch is not None), default=None)
        return listed

    def apply_rotation(self, data, now_ms):
        """`accepted` or `unchanged`."""
        require(len(data) <= 2048, "too-large")
        reader = Reader(data)
        require(reader.expect(4) == 2, "malformed")
        by_old, by_new = (open_envelope(reader.bytes(), "rotation") for _ in range(2))
        reader.end()
        require(by_old.payload == by_new.payload, "rotation-invalid")
        claims = read_rotation_claims(by_old.payload)
        _, old, new, overlap = (claims[ROTATION][key] for key in range(4))
        require(by_old.is_by(old) and by_new.is_by(new), "signature-invalid")
        if old in self.successors:
            require(self.successors[old][0] == new, "rotation-equivocation")
            return "unchanged"
        require(claims[6] * 1000 <= now_ms + 30000, "rotation-invalid")
        require(now_ms < (claims[6] + DAY + 1) * 1000, "rotation-invalid")
        owner = next((name for name, one in self.authorities.items() if old in self.keys_from(one["key"])), None)
        require(owner is None or claims[ROTATION].get(4, owner) == owner, "rotation-invalid")
        placed = {*self.successors, *(successor for successor, _ in self.successors.values())}
        placed |= {one["key"] for one in self.authorities.values()}
        require(new not in placed, "rotation-invalid")
        judges = self.authorities if owner is None else self.judges(owner)
        for key in (old, new):
            standing = self.standing(key, judges, now_ms)
            require(standing is None, standing)
        require(len(self.successors) < 65536, "too-many")
        if owner is None:
            self.check_fresh(list(self.authorities), now_ms)
        self.successors[old] = (new, now_ms + overlap * 1000)
        return "accepted"

    # Looking up

    def check_fresh(self, judges, now_ms, link=None):
        for name in judges:
            is_fresh = name in self.lists and now_ms < self.lists[name].claims[4] * 1000
            require(is_fresh or self.authorities[name].get("allow_stale"), "revocation-stale", link)
        require(judges, "revocation-stale", link)

    def judge_key(self, key, issuer, now_ms):
        standing = self.standing(key, self.judges(issuer), now_ms)
        require(standing is None, standing)
        self.check_fresh(self.judges(issuer), now_ms)

    def judge_approval(self, cti, issuer, now_ms):
        require(not self.said(self.judges(issuer), "approval", cti), "approval-withdrawn")
        self.check_fresh(self.judges(issuer), now_ms)

    def judge_chain(self, tokens, anchor, now_ms):
        judges, root = self.judges(anchor["name"]), tokens[0]
        standing = self.standing(anchor["key"], judges, now_ms)
        require(standing is None, standing, 0)
        epochs = [self.lists[name].epoch for name in judges if name in self.lists]
        require(all(epoch is None or root.iat >= epoch for epoch in epochs), "issued-before-epoch", 0)
        require(not self.said(judges, "session", root.session), "session-closed", 0)
        require(root.task is None or not self.said(judges, "task", root.task), "task-closed", 0)
        for link, token in enumerate(tokens):
            require(not self.said(judges, "token", token.cti), "token-revoked", link)
            standing = self.standing(token.key, judges, now_ms)
            require(standing is None, standing, link)
        self.check_fresh(judges, now_ms, 0)
