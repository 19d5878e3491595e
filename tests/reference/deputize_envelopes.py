"""The envelope of every signed object: docs/spec/encoding.md."""

import hashlib

import cbor2

from deputize_keys import signature_holds
from deputize_values import Denied, Reader, encode, require


class Envelope:
    def __init__(self, payload, signed, signature):
        self.payload = payload
        self.signed = signed
        self.signature = signature
        self.hash = hashlib.sha256(signed).digest()

    def is_by(self, key):
        return signature_holds(key, self.signed, self.signature)


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
