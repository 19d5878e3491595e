"""Values and deterministic CBOR, names and refusals: docs/spec/encoding.md in plain Python."""

import math
import struct
from contextlib import contextmanager

import cbor2

MAX_VALUE_BYTES, MAX_DEPTH, MAX_ITEMS = 1 << 20, 16, 65536
MAX_TIME = 253402300799
INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1


class Denied(Exception):
    """A refusal: the code of the specification, and the position of the token at fault where there is one."""

    def __init__(self, code, link=None):
        super().__init__(code)
        self.code = code
        self.link = link

    def __str__(self):
        return self.code if self.link is None else f"{self.code} (link {self.link})"


def require(condition, code, link=None):
    if not condition:
        raise Denied(code, link)


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


SEPARATORS_AND_DIRECTIONS = "\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_plain(text):
    return not any(is_control(char) or char in SEPARATORS_AND_DIRECTIONS for char in text)


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
        self.pattern_sizes = None

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

    def unsigned(self):
        number = self.expect(0)
        require(number <= INT_MAX, "malformed")
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
