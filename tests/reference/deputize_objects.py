"""The claims of approvals, consents, identities and messages: docs/spec/approval.md, consent.md, identity.md, message.md."""

from deputize_claims import checked, need, read_bytes, read_cnf, read_key, read_name, read_number
from deputize_envelopes import open_envelope
from deputize_values import MAX_TIME, Denied, Reader, is_context, is_free_text, is_name, require

APPROVAL, REVOCATION, IDENTITY, ROTATION, MESSAGE, CONSENT = -65539, -65540, -65541, -65542, -65543, -65544
DAY = 86400


def read_time(reader):
    return read_number(reader, 0, MAX_TIME)


def read_id(reader):
    return read_bytes(reader, 16, 16)


def read_digest(reader):
    return read_bytes(reader, 32, 32)


def read_text(rule):
    def read(reader):
        text = reader.text()
        return checked(text, rule(text))

    return read


def number_in(least, most):
    return lambda reader: read_number(reader, least, most)


def read_version(reader):
    require(reader.integer() == 1, "version-unsupported")
    return 1


def read_map(reader, readers):
    found = {}
    for label in reader.labels():
        require(label in readers, "claim-unknown")
        found[label] = readers[label](reader)
    return found


def read_claims(payload, readers, label, own, own_required):
    """The claims of an object, all of which are required, with the map under its own label."""
    reader = Reader(payload)
    claims = read_map(reader, {**readers, label: lambda inner: read_map(inner, own)})
    reader.end()
    need(claims, (*readers, label))
    need(claims[label], own_required)
    return claims


def check_life(claims, most):
    checked(None, claims[6] < claims[4] <= claims[6] + most)


def opened(data, kind, most):
    require(len(data) <= most, "too-large")
    return open_envelope(data, kind)


def read_approval(data):
    envelope = opened(data, "approval", 4096)
    readers = {3: read_name, 4: read_time, 6: read_time, 7: read_id, 8: read_cnf}
    own = {
        0: read_digest,
        1: read_name,
        2: read_digest,
        3: number_in(0, 1),
        4: read_id,
        5: read_name,
        6: read_text(is_free_text),
        7: read_text(is_context),
        8: number_in(0, 999),
    }
    claims = read_claims(envelope.payload, readers, APPROVAL, own, (0, 1, 2, 3, 4, 8))
    check_life(claims, 3600)
    return envelope, claims


def read_consent(data):
    def read_tools(reader):
        count = reader.count(4, 256)
        checked(count, count > 0)
        return list(reader.ascending(count, lambda: read_name(reader)))

    envelope = opened(data, "consent", 16384)
    readers = {2: read_name, 3: read_name, 4: read_time, 6: read_time, 7: read_id, 8: read_cnf}
    own = {0: read_version, 1: read_name, 2: read_tools}
    claims = read_claims(envelope.payload, readers, CONSENT, own, (0, 1))
    check_life(claims, DAY)
    return envelope, claims


def read_attribute(reader):
    major, value = reader.head()
    if major == 3:
        text = reader.decode_text(value)
        return checked(text, is_free_text(text))
    if major == 7:
        require(isinstance(value, bool), "malformed")
        return value
    require(major in (0, 1) and value <= (1 << 63) - 1, "malformed")
    return value if major == 0 else -1 - value


def read_attributes(reader):
    count = reader.count(5, 32)
    checked(count, count > 0)
    attributes = {}
    for name in reader.ascending(count, reader.text):
        checked(name, is_name(name))
        attributes[name] = read_attribute(reader)
    return attributes


def read_identity_claims(payload):
    readers = {1: read_name, 2: read_name, 4: read_time, 6: read_time, 7: read_id, 8: read_cnf}
    own = {
        0: read_version,
        1: number_in(0, 3),
        2: number_in(0, 1),
        3: read_name,
        4: read_attributes,
        5: read_name,
        6: read_digest,
    }
    claims = read_claims(payload, readers, IDENTITY, own, (0, 1, 2))
    check_life(claims, DAY)
    return claims


def read_message(data):
    envelope = opened(data, "message", 1024)
    readers = {3: read_name, 4: read_time, 6: read_time, 7: read_id, 8: read_cnf}
    own = {0: read_id, 1: number_in(0, 2**53 - 1), 2: read_digest, 3: read_digest}
    claims = read_claims(envelope.payload, readers, MESSAGE, own, (0, 1, 2))
    check_life(claims, 3600)
    return envelope, claims


def read_front_name(payload):
    """The text at label 1, if that is the first of the payload; otherwise None."""
    reader = Reader(payload)
    try:
        return reader.text() if reader.expect(5) > 0 and reader.integer() == 1 else None
    except Denied:
        return None


def read_rotation_claims(payload):
    def read_public(reader):
        return read_key(read_digest(reader))

    readers = {6: read_time, 7: read_id}
    own = {0: read_unsigned, 1: read_public, 2: read_public, 3: read_unsigned, 4: read_name}
    claims = read_claims(payload, readers, ROTATION, own, (0, 1, 2, 3))
    require(claims[ROTATION][0] == 1, "version-unsupported")
    checked(None, claims[ROTATION][3] <= DAY)
    require(claims[ROTATION][1] != claims[ROTATION][2], "rotation-invalid")
    return claims


def read_unsigned(reader):
    return reader.unsigned()


def read_head_claims(payload):
    def read_parts(reader):
        return [read_digest(reader) for _ in range(reader.count(4, 4096))]

    readers = {1: read_name, 4: read_time, 6: read_time}
    own = {0: read_unsigned, 1: read_unsigned, 2: read_unsigned, 3: read_parts, 4: read_time}
    claims = read_claims(payload, readers, REVOCATION, own, (0, 1, 3))
    listed = claims[REVOCATION]
    require(listed[0] == 1, "version-unsupported")
    checked(None, 1 <= listed[1] <= 2**53 - 1)
    checked(None, 1 <= listed.get(2, 1) and (2 not in listed or listed[2] < listed[1]))
    check_life(claims, 30 * DAY)
    require(len(listed[3]) <= (4096 if 2 not in listed else 16), "too-many")
    return claims
