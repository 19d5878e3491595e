"""The audit log of docs/spec/log.md: entries, checkpoints, receipts; simple and slow, the whole log in memory."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass

import deputize_reference as ref
from deputize_audit import canonical_json, from_json
from deputize_keys import signature_holds

MAX_LINE = 262_144
MAX_NOTE = 65_536
MAX_SIZE = (1 << 53) - 1
LEEWAY = 30


@dataclass
class Fault(Exception):
    code: str
    entry: int | None = None


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(entry):
    return sha256(b"\x00" + ref.encode_value(from_json(entry)))


def root_of(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:]))


def subtrees(leaves):
    """The roots of the full subtrees, the largest first."""
    roots, start = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            roots.append(root_of(leaves[start : start + (1 << bit)]))
            start += 1 << bit
    return roots


def read_entry(line):
    """An entry from a line without its newline, if that is its canonical form."""

    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member twice")
        return dict(pairs)

    def kept(digits):
        if abs(int(digits)) > MAX_SIZE:
            raise ValueError("JSON does not keep it")
        return int(digits)

    if len(line.encode()) >= MAX_LINE:
        raise Fault("log-malformed")
    try:
        entry = json.loads(line, object_pairs_hook=once, parse_int=kept)
        ref.encode_value(from_json(entry))
        canonical = canonical_json(entry)
    except (ValueError, KeyError, TypeError, ref.Denied):
        raise Fault("log-malformed") from None
    if canonical != line or type(entry) is not dict or set(entry) != {"previous", "record", "sequence"}:
        raise Fault("log-malformed")
    is_hash = isinstance(entry["previous"], str) and re.fullmatch("[0-9a-f]{64}", entry["previous"])
    is_size = type(entry["sequence"]) is int and 0 <= entry["sequence"] <= MAX_SIZE
    if not is_hash or not is_size or type(from_json(entry["record"])) is not dict:
        raise Fault("log-malformed")
    return entry


def check(text, checkpoints):
    """What a whole log is like."""
    anchors = sorted(checkpoints, key=lambda anchor: anchor["size"])
    leaves, anchored, latest, steps = [], None, "", []
    lines = text.split("\n")
    torn = lines.pop()
    doubtful = None

    def compare():
        nonlocal anchored
        while anchors and anchors[0]["size"] == len(leaves):
            if root_of(leaves).hex() != anchors.pop(0)["root"]:
                raise Fault("log-changed", anchored or 0)
            anchored = len(leaves)

    compare()
    for line in lines:
        place = len(leaves)
        previous = leaves[-1].hex() if leaves else "0" * 64
        try:
            entry = read_entry(line)
        except Fault as fault:
            raise (Fault(fault.code, place) if doubtful is None else Fault("log-changed", doubtful - 1)) from None
        if doubtful is not None:
            follows = entry["previous"] == previous and entry["sequence"] == place
            raise Fault("log-changed", doubtful - 1 if follows else doubtful)
        if entry["sequence"] != place:
            raise Fault("log-gap", place)
        record = entry["record"]
        if entry["previous"] != previous:
            if place == 0:
                raise Fault("log-changed", 0)
            doubtful = place
        else:
            if canonical_json(record).startswith('{"kind":"continued",'):
                roots = record.get("roots")
                is_hashes = isinstance(roots, list) and all(re.fullmatch("[0-9a-f]{64}", str(root)) for root in roots)
                if not is_hashes or len(roots) != place.bit_count():
                    raise Fault("log-malformed", place)
                if record["roots"] != [root.hex() for root in subtrees(leaves)]:
                    raise Fault("log-changed", place)
            time = record.get("time")
            if isinstance(time, str) and time:
                if time < latest:
                    steps.append(place)
                else:
                    latest = time
        leaves.append(leaf_hash(entry))
        if doubtful is None:
            compare()
    if doubtful is not None:
        raise Fault("log-changed", doubtful - 1)
    if torn:
        raise Fault("log-torn", len(leaves))
    if anchors:
        raise Fault("log-truncated", len(leaves))
    return {
        "size": len(leaves),
        "root": root_of(leaves).hex(),
        "anchored": anchored,
        "steps_back": len(steps),
        "first_step_back": steps[0] if steps else None,
    }


def from_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Fault("checkpoint-invalid") from None
    if base64.b64encode(data).decode() != text:
        raise Fault("checkpoint-invalid")
    return data


def read_key(text):
    name, key_id, data = text.split("+", 2)
    data = from_base64(data)
    kind, key = data[0], data[1:]
    assert key_id == sha256(name.encode() + b"\n" + data)[:4].hex()
    return name, bytes.fromhex(key_id), kind, key


def split_note(note):
    if len(note.encode()) > MAX_NOTE:
        raise Fault("too-large")
    end = note.rfind("\n\n")
    if any(char < " " and char != "\n" for char in note) or end < 0 or not note.endswith("\n"):
        raise Fault("checkpoint-invalid")
    signatures = []
    for line in note[end + 2 : -1].split("\n"):
        match = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line)
        if not match:
            raise Fault("checkpoint-invalid")
        data = from_base64(match[2])
        if len(data) < 4:
            raise Fault("checkpoint-invalid")
        signatures.append((match[1], data[:4], data[4:]))
    if len(signatures) > 32:
        raise Fault("checkpoint-invalid")
    return note[: end + 1], signatures


def signed_by(key, text, signatures, now_ms):
    name, key_id, kind, public = key
    count = 0
    for signer, signer_id, signature in signatures:
        if (signer, signer_id) != (name, key_id):
            continue
        message = text.encode()
        if kind == 4:
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            if seconds > now_ms // 1000 + LEEWAY:
                continue
            message = f"cosignature/v1\ntime {seconds}\n".encode() + message
        if len(signature) != 64 or not signature_holds(public, message, signature):
            raise Fault("checkpoint-invalid")
        count += 1
    return count > 0


def is_origin(text):
    plain = ref.is_name(text) and not re.search(r"[\s+]", text)
    return plain and not text.startswith('"') and text != "cosignature/v1"


def verify_note(note, keys, now_ms, witnesses=(), count=0):
    text, signatures = split_note(note)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines or not is_origin(lines[0]) or not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]):
        raise Fault("checkpoint-invalid")
    size, root = int(lines[1]), from_base64(lines[2])
    if size > MAX_SIZE or len(root) != 32 or (size == 0 and root != root_of([])):
        raise Fault("checkpoint-invalid")
    if any(key[0] != lines[0] for key in keys) or not any(signed_by(key, text, signatures, now_ms) for key in keys):
        raise Fault("checkpoint-invalid")
    if count and sum(signed_by(key, text, signatures, now_ms) for key in witnesses) < count:
        raise Fault("checkpoint-invalid")
    return {"origin": lines[0], "size": size, "root": root.hex()}


def climb(leaf, index, size, proof):
    """The root that an inclusion proof leads to, from the top down."""
    if size == 1:
        return leaf if not proof else None
    if not proof:
        return None
    split = 1 << (size - 1).bit_length() - 1
    inner, sibling = proof[:-1], proof[-1]
    if index < split:
        left = climb(leaf, index, split, inner)
        return left and sha256(b"\x01" + left + sibling)
    right = climb(leaf, index - split, size - split, inner)
    return right and sha256(b"\x01" + sibling + right)


def verify_receipt(receipt, line, keys, now_ms):
    match = re.fullmatch(
        r"c2sp\.org/tlog-proof@v1\nindex (0|[1-9][0-9]{0,15})\n((?:[A-Za-z0-9+/=]+\n)*)\n(.*)", receipt, re.DOTALL
    )
    if not match:
        raise Fault("receipt-invalid")
    index, proof = int(match[1]), [from_base64(hash) for hash in match[2].split("\n")[:-1]]
    checkpoint = verify_note(match[3], keys, now_ms)
    entry = read_entry(line)
    is_there = entry["sequence"] == index < checkpoint["size"]
    if not is_there or climb(leaf_hash(entry), index, checkpoint["size"], proof) != bytes.fromhex(checkpoint["root"]):
        raise Fault("receipt-invalid")
    return {}


def judge(case):
    """What a case of the table is, or the fault that it has."""
    if "log" in case:
        return check(case["log"], case["checkpoints"])
    keys = [read_key(key) for key in case["keys"]]
    if "receipt" in case:
        return verify_receipt(case["receipt"], case["line"], keys, case["now_ms"])
    witnesses = [read_key(key) for key in case["witnesses"]]
    return verify_note(case["note"], keys, case["now_ms"], witnesses, case["count"])
