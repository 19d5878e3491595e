"""A plain verifier of Deputize presentations, written from docs/spec alone.

It favours the order and the words of the specification over speed: one function for each page or table, no state
but the replay store. It is the oracle of the differential tests, not a library to deploy.
"""

import base64
import bisect
import hashlib
import math
import struct
from contextlib import contextmanager

import cbor2
import nacl.exceptions
import nacl.signing

MAX_TIME = 253402300799
MAX_LIFETIME = 2592000
MAX_PRESENTATION, MAX_CHAIN, MAX_TOKENS, MAX_PROOF = 69632, 65536, 16, 2048
MAX_VALUE_BYTES, MAX_DEPTH, MAX_ITEMS = 1 << 20, 16, 65536
MAX_CONSTRAINT_DEPTH, MAX_STEPS = 8, 20000
INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
CAPABILITY, CALL = -65537, -65538
(ANY, EXACT, RANGE, ONE_OF, NOT_ONE_OF, CONTAINS, SUBSET, ALL, ANY_OF, PATH) = range(10)


class Denied(Exception):
    """A refusal: the code of the specification, and the position of the token at fault where there is one."""

    def __init__(self, code, link=None):
        super().__init__(code)
        self.code = code
        self.link = link

    def __str__(self):
        return self.code if self.link is None else f"{self.code} (link {self.link})"


def require(condition, code):
    if not condition:
        raise Denied(code)


@contextmanager
def at_link(link):
    try:
        yield
    except Denied as denied:
        denied.link = link
        raise


# Names, free text, context ------------------------------------------------------------------------------------------


def is_control(char):
    return char <= "\u001f" or "\u007f" <= char <= "\u009f"


def is_plain(text):
    unwanted = "\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return not any(is_control(char) or char in unwanted for char in text)


def is_name(text):
    try:
        return isinstance(text, str) and 1 <= len(text.encode()) <= 256 and is_plain(text)
    except UnicodeEncodeError:
        return False


def is_free_text(text):
    return len(text.encode()) <= 1024 and is_plain(text)


def is_context(text):
    if not is_name(text):
        return False
    segments = text.split("/")
    return len(segments) <= 16 and all(is_name(part) and part not in (".", "..", "*") for part in segments)


def is_at_or_below(path, root):
    return path == root or path.startswith(root + "/")


# Deterministic CBOR -------------------------------------------------------------------------------------------------


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError(number)


def encode(value):
    """The deterministic encoding of something that is already known to be a value, or a label."""
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        entries = sorted((encode(key), encode(item)) for key, item in value.items())
        return head(5, len(entries)) + b"".join(key + item for key, item in entries)
    return cbor2.dumps(value, canonical=True)


def check_value(value, depth=1, items=0):
    """Refuse what is not a value when it is taken from a program; returns the number of items so far."""
    if value is None or type(value) in (bool, bytes):
        return items
    if type(value) is int:
        require(INT_MIN <= value <= INT_MAX, "value-unsupported")
        return items
    if type(value) is float:
        require(math.isfinite(value) and not value.is_integer(), "value-unsupported")
        return items
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Denied("value-unsupported") from None
        return items
    require(type(value) in (list, dict), "value-unsupported")
    require(depth <= MAX_DEPTH, "too-deep")
    items += len(value)
    require(items <= MAX_ITEMS, "too-many")
    for item in value:
        if type(value) is dict:
            require(type(item) is str, "value-unsupported")
            check_value(item)
            item = value[item]
        items = check_value(item, depth + 1, items)
    return items


def encode_value(value):
    check_value(value)
    encoded = encode(value)
    require(len(encoded) <= MAX_VALUE_BYTES, "too-large")
    return encoded


class Reader:
    """Reads deterministic CBOR from the front; the first fault in input order is the one that is raised."""

    def __init__(self, data):
        self.data = data
        self.pos = 0
        self.items = 0

    def take(self, size):
        require(size <= len(self.data) - self.pos, "malformed")
        self.pos += size
        return self.data[self.pos - size : self.pos]

    def head(self):
        """The major type and number of the next head; for major type 7 the value itself."""
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info == 31 and 2 <= major <= 5:
            raise Denied("not-canonical")
        require(info < 28, "malformed")
        size = 0 if info < 24 else 1 << info - 24
        argument = self.take(size)
        if major == 7:
            return major, self.simple(info, argument)
        number = int.from_bytes(argument, "big") if size else info
        require(not size or number >= (24 if size == 1 else 1 << 4 * size), "not-canonical")
        return major, number

    @staticmethod
    def simple(info, argument):
        if info in (20, 21, 22):
            return {20: False, 21: True, 22: None}[info]
        require(info >= 25, "malformed")
        value = struct.unpack({2: ">e", 4: ">f", 8: ">d"}[len(argument)], argument)[0]
        require(math.isfinite(value) and not value.is_integer(), "not-canonical")
        for size, form in ((2, ">e"), (4, ">f")):
            if size < len(argument):
                try:
                    fits = struct.unpack(form, struct.pack(form, value))[0] == value
                except OverflowError:
                    fits = False
                require(not fits, "not-canonical")
        return value

    def expect(self, *majors):
        major, number = self.head()
        require(major in majors, "malformed")
        require(major < 2 or number <= len(self.data) - self.pos, "malformed")
        return -1 - number if major == 1 else number

    def integer(self):
        number = self.expect(0, 1)
        require(INT_MIN <= number <= INT_MAX, "malformed")
        return number

    def bytes(self):
        return self.take(self.expect(2))

    def decode_text(self, size):
        try:
            return self.take(size).decode("utf-8")
        except UnicodeDecodeError:
            raise Denied("malformed") from None

    def text(self):
        return self.decode_text(self.expect(3))

    def count(self, major, most, code="too-many"):
        number = self.expect(major)
        require(number <= most, code)
        return number

    def ascending(self, counts, read):
        """Items in strictly ascending order of their encodings: the keys of a map, the elements of a set."""
        counts = range(counts) if isinstance(counts, int) else counts
        last = None
        for _ in counts:
            start = self.pos
            item = read()
            encoded = self.data[start : self.pos]
            require(last is None or last < encoded, "not-canonical")
            last = encoded
            yield item

    def labels(self):
        return self.ascending(self.expect(5), self.integer)

    def value(self):
        self.items = 0
        return self.nested_value(1)

    def nested_value(self, depth):
        major, number = self.head()
        if major == 7:
            return number
        if major in (0, 1):
            require(number <= INT_MAX, "malformed")
            return number if major == 0 else -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            return self.decode_text(number)
        require(major in (4, 5), "malformed")
        require(number <= len(self.data) - self.pos, "malformed")
        require(depth <= MAX_DEPTH, "too-deep")
        if major == 4:
            return [self.nested_value(depth + 1) for _ in self.counted(number)]
        keys = self.ascending(self.counted(number), self.text)
        return {key: self.nested_value(depth + 1) for key in keys}

    def scalar(self):
        """A number, null or a boolean."""
        major, number = self.head()
        require(major in (0, 1, 7), "malformed")
        require(major == 7 or number <= INT_MAX, "malformed")
        return -1 - number if major == 1 else number

    def counted(self, number):
        """Counts the items of a list or map as they arrive; a declared number is not believed."""
        for place in range(number):
            require(self.pos < len(self.data), "malformed")
            self.items += 1
            require(self.items <= MAX_ITEMS, "too-many")
            yield place

    def end(self):
        require(self.pos == len(self.data), "malformed")


def decode_value(data):
    require(len(data) <= MAX_VALUE_BYTES, "too-large")
    reader = Reader(data)
    value = reader.value()
    reader.end()
    return value


# Ed25519 ------------------------------------------------------------------------------------------------------------
# libsodium refuses small orders and non-canonical encodings but may multiply by the cofactor, so the equation of the
# specification is computed here as well. Points are in extended coordinates (X, Y, Z, T) with T = XY/Z.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
IDENTITY = (0, 1, 1, 0)


def add(a, b):
    aa, bb = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    cc, dd = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = bb - aa, dd - cc, dd + cc, bb + aa
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number, point):
    result = IDENTITY
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def same_point(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decode_point(data):
    """The point of a canonical encoding that is not of small order, otherwise None."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    point = (x, y, 1, x * y % P)
    return None if same_point(multiply(8, point), IDENTITY) else point


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_public_key(key):
    return isinstance(key, bytes) and decode_point(key) is not None


def signature_holds(key, message, signature):
    a, r, s = decode_point(key), decode_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    try:
        nacl.signing.VerifyKey(key).verify(message, signature)
    except nacl.exceptions.BadSignatureError:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return same_point(multiply(s, BASE), add(r, multiply(k, a)))


def did_key(key):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(b"\xed\x01" + key, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return "did:key:z" + text


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


def decode_text_form(text):
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise Denied("text-malformed") from None
    require(base64.urlsafe_b64encode(data).rstrip(b"=") == text.encode("ascii"), "text-malformed")
    return data


def split_presentation(presentation):
    """The envelopes' bytes of a presentation: the tokens, root first, and the proof."""
    require(len(presentation) > 0, "proof-missing")
    if isinstance(presentation, str):
        require(len(presentation) <= (MAX_PRESENTATION * 4 + 2) // 3, "too-large")
        presentation = decode_text_form(presentation)
    require(len(presentation) <= MAX_PRESENTATION, "too-large")
    reader = Reader(presentation)
    parts = reader.expect(4)
    require(parts != 1, "proof-missing")
    require(parts == 2, "malformed")
    start = reader.pos
    count = reader.count(4, MAX_TOKENS)
    require(count > 0, "malformed")
    tokens = [reader.bytes() for _ in range(count)]
    require(reader.pos - start <= MAX_CHAIN, "too-large")
    proof = reader.bytes()
    require(len(proof) <= MAX_PROOF, "too-large")
    reader.end()
    return tokens, proof


# Claims -------------------------------------------------------------------------------------------------------------


def checked(value, condition):
    require(condition, "claim-invalid")
    return value


def read_name(reader):
    text = reader.text()
    return checked(text, is_name(text))


def read_number(reader, least, most):
    number = reader.integer()
    return checked(number, least <= number <= most)


def read_bytes(reader, least, most):
    data = reader.bytes()
    return checked(data, least <= len(data) <= most)


def read_key(data):
    require(is_public_key(data), "key-invalid")
    return data


def need(claims, labels):
    require(all(label in claims for label in labels), "claim-missing")


def read_cnf(reader):
    """The key in {1: {1: 1, -1: 6, -2: key}}."""
    key = None
    for label in reader.labels():
        require(label == 1, "claim-invalid")
        cose = {}
        for inner in reader.labels():
            require(inner in (1, -1, -2), "claim-invalid")
            if inner == -2:
                cose[inner] = read_key(reader.bytes())
            else:
                expected = 1 if inner == 1 else 6
                cose[inner] = read_number(reader, expected, expected)
        require(len(cose) == 3, "claim-invalid")
        key = cose[-2]
    require(key is not None, "claim-invalid")
    return key


def read_entry(reader, name):
    """An entry of a tool's arguments: a constraint, or [-1, constraint]. Depth counts from the constraint."""
    optional = reader.data[reader.pos : reader.pos + 2] == b"\x82\x20"
    if optional:
        require(name != "*", "claim-invalid")
        reader.pos += 2
    constraint = read_constraint(reader)
    return [-1, constraint] if optional else constraint


def read_tools(reader):
    tools = {}
    for tool in reader.ascending(reader.count(5, 256), reader.text):
        checked(tool, is_name(tool))
        tools[tool] = {}
        for name in reader.ascending(reader.count(5, 256), reader.text):
            checked(name, is_name(name))
            tools[tool][name] = read_entry(reader, name)
    return tools


def read_requirement(reader):
    require(reader.expect(4) == 2, "malformed")
    least = reader.integer()
    keys = [read_key(key) for key in reader.ascending(reader.count(4, 16), reader.bytes)]
    checked(least, 1 <= least <= len(keys))
    return [least, keys]


def read_approvals(reader):
    approvals = {}
    for tool in reader.ascending(reader.count(5, 256), reader.text):
        checked(tool, is_name(tool))
        count = reader.count(4, 16)
        checked(count, count > 0)
        approvals[tool] = list(reader.ascending(count, lambda: read_requirement(reader)))
    return checked(approvals, approvals)


def read_capability(reader):
    capability = {}
    for label in reader.labels():
        if label == 0:
            capability[0] = reader.integer()
            require(capability[0] == 1, "version-unsupported")
        elif label == 1:
            capability[1] = read_number(reader, 0, 2)
        elif label in (2, 3):
            capability[label] = read_number(reader, 0, 15)
        elif label in (4, 7, 10):
            capability[label] = read_bytes(reader, 32, 32)
        elif label == 5:
            capability[5] = read_tools(reader)
        elif label == 6:
            capability[6] = read_bytes(reader, 16, 16)
        elif label == 8:
            capability[8] = read_name(reader)
        elif label == 9:
            capability[9] = read_approvals(reader)
        elif label in (11, 12):
            text = reader.text()
            capability[label] = checked(text, is_free_text(text) if label == 11 else is_context(text))
        else:
            raise Denied("claim-unknown")
    need(capability, (0, 1, 2, 3, 5, 6))
    return capability


class Token:
    """The claims of one token, by the names of the specification; None for a claim that is absent."""

    def __init__(self, payload, link):
        claims, self.ignored = read_token_claims(payload)
        self.iss, self.sub, self.aud = claims.get(1), claims[2], claims.get(3)
        self.exp, self.nbf, self.iat, self.cti, self.key = claims[4], claims.get(5), claims[6], claims[7], claims[8]
        capability = claims[CAPABILITY]
        self.mode, self.depth, self.max_depth = capability[1], capability[2], capability[3]
        self.parent, self.tools, self.session = capability.get(4), capability[5], capability[6]
        self.task, self.holder_name, self.approvals = capability.get(7), capability.get(8), capability.get(9, {})
        self.reason, self.context = capability.get(11), capability.get(12)
        self.check(link)

    def check(self, link):
        if link == 0:
            require(self.iss is not None, "claim-missing")
            require(self.parent is None and self.depth == 0, "claim-invalid")
        else:
            require(self.parent is not None, "claim-missing")
            require(self.iss is None, "claim-invalid")
        require(self.iat < self.exp <= self.iat + MAX_LIFETIME, "claim-invalid")
        if self.mode == 0 and link == 0:
            require(self.holder_name == self.sub, "claim-invalid")
        if self.mode == 2:
            require(link == 0 and self.max_depth == 0, "claim-invalid")
            require(self.holder_name is not None and self.aud, "claim-invalid")
        for requirements in self.approvals.values():
            require(all(self.key not in keys for _, keys in requirements), "holder-is-approver")


def read_token_claims(payload):
    reader = Reader(payload)
    claims, ignored = {}, []
    for label in reader.labels():
        if label in (1, 2):
            claims[label] = read_name(reader)
        elif label == 3:
            names = reader.ascending(reader.count(4, 16), reader.text)
            claims[3] = [checked(name, is_name(name)) for name in names]
        elif label in (4, 5, 6):
            claims[label] = read_number(reader, 0, MAX_TIME)
        elif label == 7:
            claims[7] = read_bytes(reader, 16, 16)
        elif label == 8:
            claims[8] = read_cnf(reader)
        elif label == CAPABILITY:
            claims[CAPABILITY] = read_capability(reader)
        elif label < -100000:
            ignored.append(label)
            reader.value()
        else:
            raise Denied("claim-unknown")
    reader.end()
    need(claims, (2, 4, 6, 7, 8, CAPABILITY))
    return claims, ignored


def read_proof_claims(payload):
    reader = Reader(payload)
    claims = {}
    for label in reader.labels():
        if label == 3:
            claims[3] = read_name(reader)
        elif label in (4, 6):
            claims[label] = read_number(reader, 0, MAX_TIME)
        elif label == 7:
            claims[7] = read_bytes(reader, 16, 16)
        elif label == 10:
            claims[10] = read_bytes(reader, 1, 64)
        elif label == CALL:
            call = claims[CALL] = {}
            for key in reader.labels():
                require(0 <= key <= 3, "claim-unknown")
                if key in (0, 2):
                    call[key] = read_bytes(reader, 32, 32)
                else:
                    call[key] = read_name(reader) if key == 1 else read_number(reader, 0, 999)
            need(call, (0, 1, 2, 3))
        else:
            raise Denied("claim-unknown")
    reader.end()
    need(claims, (3, 4, 6, 7, CALL))
    require(claims[6] < claims[4] <= claims[6] + 60, "claim-invalid")
    return claims


# Constraints --------------------------------------------------------------------------------------------------------

FORBIDDEN_IN_PATHS = set(
    "\\%:\u2024\u2025\u2026\u2044\u2215\u29f8\ufe52\ufe55\ufe68\ufe6a\uff05\uff0e\uff0f\uff1a\uff3c"
)


def is_number(value):
    return type(value) in (int, float)


def is_path(value):
    if type(value) is not str or not value.startswith("/") or len(value.encode()) > 4096:
        return False
    if any(is_control(char) or char in FORBIDDEN_IN_PATHS for char in value):
        return False
    return value == "/" or all(part and part[-1] not in ". " for part in value[1:].split("/"))


def path_below(path, root):
    return root == "/" or is_at_or_below(path, root)


def bounds(constraint):
    """min, max, whether min is excluded, whether max is excluded."""
    option = constraint[3] if len(constraint) == 4 else 0
    return constraint[1], constraint[2], bool(option & 1), bool(option & 2)


def check_constraint(raw):
    """Refuse a decoded value that is not a constraint."""
    decode_constraint(encode(raw))


def decode_constraint(data):
    reader = Reader(data)
    constraint = read_constraint(reader)
    reader.end()
    return constraint


def read_constraint(reader):
    reader.items = 0
    return read_nested_constraint(reader, 1)


def read_nested_constraint(reader, depth):
    """A constraint, of at most 8 levels; the depth of a value in it counts from the value."""
    size = reader.expect(4)
    require(depth <= MAX_CONSTRAINT_DEPTH, "too-deep")
    require(size > 0, "constraint-unknown")
    items = reader.counted(size)
    next(items)
    kind = reader.integer()
    require(ANY <= kind <= PATH, "constraint-unknown")
    require(size in {ANY: (1,), RANGE: (3, 4)}.get(kind, (2,)), "constraint-unknown")
    if kind == RANGE:
        constraint = [RANGE] + [read_range_part(reader, place) for place in items]
        check_range(constraint)
        return constraint
    if kind == ANY:
        return [ANY]
    next(items)
    if kind == EXACT:
        return [EXACT, reader.value()]
    if kind == PATH:
        root = reader.text()
        require(is_path(root), "constraint-invalid")
        return [PATH, root]
    places = reader.counted(reader.expect(4))
    if kind in (ALL, ANY_OF):
        operands = [read_nested_constraint(reader, depth + 1) for _ in places]
    else:
        operands = list(reader.ascending(places, reader.value))
    require(operands or kind in (ONE_OF, SUBSET), "constraint-invalid")
    return [kind, operands]


def read_range_part(reader, place):
    if place == 3:
        option = reader.integer()
        require(1 <= option <= 3, "constraint-unknown")
        return option
    bound = reader.scalar()
    require(bound is None or is_number(bound), "malformed")
    return bound


def check_range(raw):
    low, high, low_open, high_open = bounds(raw)
    require(low is not None or high is not None, "constraint-invalid")
    require(not (low_open and low is None) and not (high_open and high is None), "constraint-invalid")
    if low is not None and high is not None:
        require(low < high or (low == high and not low_open and not high_open), "constraint-invalid")


class OutOfSteps(Exception):
    pass


class Budget:
    def __init__(self):
        self.left = MAX_STEPS

    def step(self):
        if self.left == 0:
            raise OutOfSteps
        self.left -= 1


class Unlimited:
    def step(self):
        pass


def member(value, ordered_set):
    wanted = encode(value)
    place = bisect.bisect_left(ordered_set, wanted, key=encode)
    return place < len(ordered_set) and encode(ordered_set[place]) == wanted


def accepts(constraint, value, budget=None):
    budget = budget or Unlimited()
    budget.step()
    kind = constraint[0]
    if kind == ANY:
        return True
    if kind == EXACT:
        return encode(value) == encode(constraint[1])
    if kind == RANGE:
        low, high, low_open, high_open = bounds(constraint)
        if not is_number(value):
            return False
        above = low is None or low < value or (low == value and not low_open)
        return above and (high is None or value < high or (value == high and not high_open))
    if kind == ONE_OF:
        return member(value, constraint[1])
    if kind == NOT_ONE_OF:
        return not member(value, constraint[1])
    if kind == CONTAINS:
        return type(value) is list and encodings_of(constraint[1]) <= encodings_of(value)
    if kind == SUBSET:
        return type(value) is list and all(member(item, constraint[1]) for item in value)
    if kind == ALL:
        return all(accepts(part, value, budget) for part in constraint[1])
    if kind == ANY_OF:
        return any(accepts(part, value, budget) for part in constraint[1])
    return is_path(value) and path_below(value, constraint[1])


def encodings_of(values):
    return {encode(value) for value in values}


def narrower(parent, child, budget=None):
    try:
        return narrower_step(parent, child, budget or Budget())
    except OutOfSteps:
        return False


def narrower_step(parent, child, budget):
    """The rules of constraints.md by their numbers."""
    budget.step()
    if child[0] == RANGE and child[1] is not None and child[1] == child[2]:
        child = [EXACT, child[1]]
    if parent[0] == ANY:  # 1
        return True
    if child[0] in (EXACT, ONE_OF):  # 2
        values = [child[1]] if child[0] == EXACT else child[1]
        return all(accepts(parent, value, budget) for value in values)
    if child[0] == ANY_OF:  # 3
        return all(narrower_step(parent, part, budget) for part in child[1])
    if parent[0] == ALL:  # 4
        return all(narrower_step(part, child, budget) for part in parent[1])
    if parent[0] == NOT_ONE_OF:  # 5
        return not any(accepts(child, value, budget) for value in parent[1])
    if child[0] == ALL:  # 6
        parts = flatten(child)
        for part in parts:
            if part[0] in (EXACT, ONE_OF):
                values = [part[1]] if part[0] == EXACT else part[1]
                kept = [value for value in values if all(accepts(other, value, budget) for other in parts)]
                return all(accepts(parent, value, budget) for value in kept)
        merged = merge(parts)
        if merged is None or any(narrower_step(parent, part, budget) for part in merged):
            return True
    if parent[0] == ANY_OF:  # 7
        return any(narrower_step(part, child, budget) for part in parent[1])
    return same_type_narrower(parent, child)  # 8


def same_type_narrower(parent, child):
    if parent[0] != child[0]:
        return False
    if parent[0] == RANGE:
        return range_within(bounds(child), bounds(parent))
    if parent[0] == CONTAINS:
        return encodings_of(parent[1]) <= encodings_of(child[1])
    if parent[0] == SUBSET:
        return encodings_of(child[1]) <= encodings_of(parent[1])
    return parent[0] == PATH and path_below(child[1], parent[1])


def range_within(inner, outer):
    low, high, low_open, high_open = inner
    outer_low, outer_high, outer_low_open, outer_high_open = outer
    if outer_low is not None and (low is None or low < outer_low):
        return False
    if outer_high is not None and (high is None or high > outer_high):
        return False
    low_hole = low == outer_low and outer_low_open and not low_open
    high_hole = high == outer_high and outer_high_open and not high_open
    return not low_hole and not high_hole


def flatten(constraint):
    if constraint[0] != ALL:
        return [constraint]
    return [inner for part in constraint[1] for inner in flatten(part)]


def merge(parts):
    """The parts of an `all` without exact and one_of; None if the ranges leave nothing."""
    merged = [part for part in parts if part[0] not in (RANGE, CONTAINS, SUBSET)]
    ranges = [part for part in parts if part[0] == RANGE]
    if ranges:
        common = intersection(ranges)
        if common is None:
            return None
        merged.append(common)
    for kind, combine in ((CONTAINS, set.union), (SUBSET, set.intersection)):
        sets = [encodings_of(part[1]) for part in parts if part[0] == kind]
        if sets:
            merged.append([kind, [decode_value(data) for data in sorted(combine(*sets))]])
    return merged


def intersection(ranges):
    low, high, low_open, high_open = None, None, False, False
    for one in map(bounds, ranges):
        if one[0] is not None and (low is None or one[0] >= low):
            low_open = one[2] or (low_open and low == one[0])
            low = one[0]
        if one[1] is not None and (high is None or one[1] <= high):
            high_open = one[3] or (high_open and high == one[1])
            high = one[1]
    if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
        return None
    option = low_open + 2 * high_open
    return [RANGE, low, high, option] if option else [RANGE, low, high]


def constraint_of(entry):
    return entry[1] if entry[0] == -1 else entry


def narrower_arguments(parent, child, budget=None):
    budget = budget or Budget()
    parent, child = parent or {"*": [ANY]}, child or {"*": [ANY]}

    def holds(entry, other):
        return narrower(constraint_of(entry), constraint_of(other), budget)

    for name, entry in parent.items():
        if name == "*":
            continue
        optional = entry[0] == -1
        if name in child:
            if (child[name][0] == -1 and not optional) or not holds(entry, child[name]):
                return False
        elif not optional or ("*" in child and not holds(entry, child["*"])):
            return False
    others = [entry for name, entry in child.items() if name == "*" or name not in parent]
    return all("*" in parent and holds(parent["*"], entry) for entry in others)


# The decision -------------------------------------------------------------------------------------------------------


class ReplayStore:
    """Remembers claimed proofs until they expire, and the latest time its verifier has seen."""

    def __init__(self, capacity=1 << 20):
        self.capacity = capacity
        self.claimed = {}
        self.latest_ms = 0

    def claim(self, key, exp, now_ms):
        self.claimed = {old: until for old, until in self.claimed.items() if now_ms < until * 1000}
        if key in self.claimed:
            return "seen"
        if len(self.claimed) >= self.capacity:
            return "full"
        self.claimed[key] = exp
        return "fresh"


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
    if not isinstance(store, ReplayStore):
        return now_ms
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
    if parent.context is None:
        require(child.context is None, "context-widened")
    else:
        require(child.context is not None and is_at_or_below(child.context, parent.context), "context-widened")
    for tool, requirements in parent.approvals.items():
        kept = child.approvals.get(tool, [])
        require(all(requirement in kept for requirement in requirements), "approvals-dropped")
    require(all(tool in parent.tools for tool in child.tools), "tool-not-granted")
    budget = Budget()
    for tool, arguments in child.tools.items():
        require(narrower_arguments(parent.tools[tool], arguments, budget), "not-provably-narrower")


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
    created = config.get("store_created_ms")
    require(created is None or proof[6] * 1000 + call[3] >= created, "proof-predates-store")
    require((call[0], call[1], call[2]) == (leaf_hash, request["tool"], digest), "proof-mismatch")
    require(proof.get(10) == request.get("challenge"), "challenge-mismatch")
    return proof


def check_arguments(leaf, tool, arguments):
    require(tool in leaf.tools, "tool-not-allowed")
    entries = leaf.tools[tool] or {"*": [ANY]}
    for name, entry in entries.items():
        if name == "*":
            continue
        if name not in arguments:
            require(entry[0] == -1, "argument-missing")
        else:
            require(accepts(constraint_of(entry), arguments[name]), "argument-refused")
    for name, value in arguments.items():
        if name not in entries:
            require("*" in entries, "argument-unexpected")
            require(accepts(entries["*"], value), "argument-refused")


def claim_replay(store, key, exp, now_ms):
    if isinstance(store, ReplayStore):
        answer = store.claim(key, exp, now_ms)
    else:
        answer = "seen" if key in store else "fresh"
        store.add(key)
    codes = {"seen": "proof-replayed", "full": "replay-store-full"}
    require(answer == "fresh", codes.get(answer, "replay-store-unavailable"))


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
    token_bytes, proof_bytes = split_presentation(request["presentation"])
    envelopes = []
    for link, data in enumerate(token_bytes):
        with at_link(link):
            envelopes.append(open_envelope(data, "cap"))
    proof_envelope = open_envelope(proof_bytes, "pop")
    with at_link(0):
        anchor = find_anchor(envelopes[0].payload, anchors)
    tokens = check_links(envelopes, anchor)
    leaf = tokens[-1]
    for link, token in enumerate(tokens):
        with at_link(link):
            check_times(token, now_ms)
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
    with at_link(len(tokens) - 1):
        check_arguments(leaf, request["tool"], request["arguments"])
        require(not leaf.approvals.get(request["tool"]), "approval-required")
    claim_replay(store, leaf.key + proof[7], proof[4], now_ms)
    holders = describe(tokens)
    return {
        "caller": holders[-1]["name"] or holders[-1]["key"],
        "principal": leaf.sub,
        "chain": holders,
        "ignored": sorted({label for token in tokens for label in token.ignored}, reverse=True),
    }
