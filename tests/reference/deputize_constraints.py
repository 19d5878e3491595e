"""Constraints: how they are decoded, and which values they accept, by docs/spec/constraints.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deputize_languages import matches
from deputize_patterns import check_glob, check_regex, check_url_glob, glob_matches, in_reach, is_path, regex_term
from deputize_texts import (
    DEFAULT_PORTS,
    email_accepts,
    is_host_pattern,
    is_public_pattern,
    is_root,
    path_below,
    read_address,
    read_network,
    read_timestamp,
    read_url,
    url_accepts,
)
from deputize_values import MAX_TIME, Denied, Reader, encode, is_name, require

(ANY, EXACT, RANGE, ONE_OF, NOT_ONE_OF, CONTAINS, SUBSET, ALL, ANY_OF, PATH) = range(10)
(GLOB, REGEX, URL, CIDR, EMAIL, EACH, LENGTH, FIELDS, TIME_WINDOW, NOT_GLOB) = range(10, 20)
SIZES = {ANY: (1,), RANGE: (3, 4), URL: (5, 6), LENGTH: (3,), TIME_WINDOW: (3,)}
MAX_CONSTRAINT_DEPTH, MAX_ENTRIES, MAX_LENGTH = 8, 256, 1 << 20

Constraint = list[Any]
Entries = dict[str, Any]

# Decoding -----------------------------------------------------------------------------------------------------------


def check_constraint(raw: Any) -> None:
    """Refuse a decoded value that is not a constraint."""
    decode_constraint(encode(raw))


def decode_constraint(data: bytes) -> Constraint:
    reader = Reader(data)
    constraint = read_constraint(reader)
    reader.end()
    return constraint


def read_constraint(reader: Reader) -> Constraint:
    reader.items = 0
    return read_nested(reader, 1)


def read_nested(reader: Reader, depth: int) -> Constraint:
    """A constraint, of at most 8 levels; the depth and the items of a value in it count from the value."""
    size = reader.expect(4)
    require(depth <= MAX_CONSTRAINT_DEPTH, "too-deep")
    require(size > 0, "constraint-unknown")
    items = reader.counted(size)
    next(items)
    kind = reader.integer()
    require(ANY <= kind <= NOT_GLOB, "constraint-unknown")
    require(size in SIZES.get(kind, (2,)), "constraint-unknown")
    if kind == ANY:
        return [ANY]
    if kind == RANGE:
        constraint = [RANGE] + [read_range_part(reader, place) for place in items]
        check_range(constraint)
        return constraint
    if kind == URL:
        return read_url_operands(reader, items)
    if kind in (LENGTH, TIME_WINDOW):
        next(items)
        low = read_bound(reader, kind, kind == LENGTH)
        next(items)
        high = read_bound(reader, kind, False)
        require(low is not None or high is not None, "constraint-invalid")
        require(None in (low, high) or low <= high, "constraint-invalid")
        return [kind, low, high]
    next(items)
    if kind == EXACT:
        return [EXACT, read_value(reader)]
    if kind in (PATH, GLOB, REGEX, CIDR, NOT_GLOB):
        return [kind, read_text(reader, kind)]
    if kind == EACH:
        return [EACH, read_nested(reader, depth + 1)]
    if kind == FIELDS:
        return [FIELDS, read_fields(reader, depth)]
    if kind == EMAIL:
        return [EMAIL, read_set(reader, reader.text, lambda host: is_host_pattern(host, addresses=False))]
    places = reader.counted(reader.expect(4))
    if kind in (ALL, ANY_OF):
        operands = [read_nested(reader, depth + 1) for _ in places]
    else:
        operands = list(reader.ascending(places, lambda: read_value(reader)))
    require(operands or kind in (ONE_OF, SUBSET), "constraint-invalid")
    return [kind, operands]


def read_value(reader: Reader) -> Any:
    items, reader.items = reader.items, 0
    value = reader.nested_value(1)
    reader.items = items
    return value


def read_range_part(reader: Reader, place: int) -> Any:
    if place == 3:
        option = reader.unsigned()
        require(1 <= option <= 3, "constraint-unknown")
        return option
    bound = reader.scalar()
    require(bound is None or is_number(bound), "malformed")
    return bound


def check_range(raw: Constraint) -> None:
    low, high, low_open, high_open = bounds(raw)
    require(low is not None or high is not None, "constraint-invalid")
    require(not (low_open and low is None) and not (high_open and high is None), "constraint-invalid")
    if low is not None and high is not None:
        require(low < high or (low == high and not low_open and not high_open), "constraint-invalid")


def read_bound(reader: Reader, kind: int, required: bool) -> int | None:
    """A bound of a length or a time window; the least length is never null. No integer below 0 has a place here."""
    if not required and read_null(reader):
        return None
    bound = reader.unsigned()
    require(bound <= (MAX_TIME if kind == TIME_WINDOW else MAX_LENGTH), "constraint-invalid")
    return bound


def read_text(reader: Reader, kind: int) -> str:
    text = reader.text()
    if kind == PATH:
        require(is_root(text), "constraint-invalid")
    elif kind == CIDR:
        require(read_network(text) is not None, "constraint-invalid")
    elif kind == REGEX:
        check_regex(text, reader)
    else:
        check_glob(text, reader)
    return text


def read_set(reader: Reader, read: Callable[[], Any], is_right: Callable[[Any], bool]) -> list[Any]:
    """A set that is not empty, of elements with a rule."""
    found = []
    for element in reader.ascending(reader.counted(reader.expect(4)), read):
        require(is_right(element), "constraint-invalid")
        found.append(element)
    require(found, "constraint-invalid")
    return found


def read_url_operands(reader: Reader, items: Any) -> Constraint:
    next(items)
    schemes = read_set(reader, reader.text, lambda scheme: scheme in DEFAULT_PORTS)
    next(items)
    hosts = read_set(reader, reader.text, lambda host: is_host_pattern(host, addresses=True))
    next(items)
    ports = path = None
    if not read_null(reader):
        ports = read_set(reader, reader.unsigned, lambda port: 1 <= port <= 65535)
    next(items)
    if not read_null(reader):
        path = reader.text()
        check_url_glob(path, reader)
    constraint = [URL, schemes, hosts, ports, path]
    for _ in items:
        require(reader.unsigned() == 1, "constraint-unknown")
        require(all(is_public_pattern(host) for host in hosts), "constraint-invalid")
        constraint.append(1)
    return constraint


def read_null(reader: Reader) -> bool:
    found = reader.data[reader.pos : reader.pos + 1] == b"\xf6"
    reader.pos += found
    return found


def read_fields(reader: Reader, depth: int) -> Entries:
    fields: Entries = {}
    size = reader.expect(5)
    require(size <= MAX_ENTRIES, "too-many")
    for name in reader.ascending(reader.counted(size), reader.text):
        require(is_name(name), "claim-invalid")
        fields[name] = read_nested_entry(reader, name, depth + 1)
    return fields


def read_entry(reader: Reader, name: str) -> Any:
    """An entry of a tool's arguments: a constraint, or [-1, constraint]. Depth and items count from the constraint."""
    reader.items = 0
    return read_nested_entry(reader, name, 1)


def read_nested_entry(reader: Reader, name: str, depth: int) -> Any:
    optional = reader.data[reader.pos : reader.pos + 2] == b"\x82\x20"
    if optional:
        require(name != "*", "claim-invalid")
        reader.pos += 2
    constraint = read_nested(reader, depth)
    return [-1, constraint] if optional else constraint


# Checking -----------------------------------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def bounds(constraint: Constraint) -> tuple[Any, Any, bool, bool]:
    """min, max, whether min is excluded, whether max is excluded."""
    option = constraint[3] if len(constraint) == 4 else 0
    return constraint[1], constraint[2], bool(option & 1), bool(option & 2)


def encodings_of(values: list[Any]) -> set[bytes]:
    return {encode(value) for value in values}


def within(low: Any, value: Any, high: Any) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def accepts(constraint: Constraint, value: Any) -> bool:
    kind, operand = constraint[0], constraint[1] if len(constraint) > 1 else None
    if kind == ANY:
        return True
    if kind == EXACT:
        return encode(value) == encode(operand)
    if kind == ONE_OF:
        return encode(value) in encodings_of(operand)
    if kind == NOT_ONE_OF:
        return encode(value) not in encodings_of(operand)
    if kind == ALL:
        return all(accepts(part, value) for part in operand)
    if kind == ANY_OF:
        return any(accepts(part, value) for part in operand)
    if kind == RANGE:
        return is_number(value) and in_range(bounds(constraint), value)
    if kind == FIELDS:
        return type(value) is dict and arguments_fault(operand, value) is None
    if kind == LENGTH:
        return type(value) in (str, list) and within(operand, len(value), constraint[2])
    if type(value) is list:
        return accepts_list(kind, operand, value)
    return type(value) is str and accepts_text(constraint, value)


def in_range(limits: tuple[Any, Any, bool, bool], value: Any) -> bool:
    low, high, low_open, high_open = limits
    above = low is None or low < value or (low == value and not low_open)
    return above and (high is None or value < high or (value == high and not high_open))


def accepts_list(kind: int, operand: Any, value: list[Any]) -> bool:
    if kind == CONTAINS:
        return encodings_of(operand) <= encodings_of(value)
    if kind == SUBSET:
        return encodings_of(value) <= encodings_of(operand)
    return kind == EACH and all(accepts(operand, element) for element in value)


def accepts_text(constraint: Constraint, value: str) -> bool:
    kind, operand = constraint[:2]
    if kind == PATH:
        return is_path(value) and path_below(value, operand)
    if kind in (GLOB, NOT_GLOB):
        return in_reach(operand, value) and glob_matches(operand, value) == (kind == GLOB)
    if kind == REGEX:
        return matches(regex_term(operand), value)
    if kind == URL:
        parts = read_url(value)
        return parts is not None and url_accepts(constraint, parts)
    if kind == EMAIL:
        return email_accepts(operand, value)
    if kind == CIDR:
        address = read_address(value)
        return address is not None and address in read_network(operand)
    if kind == TIME_WINDOW:
        instant = read_timestamp(value)
        low, high = (None if bound is None else bound * 10**9 for bound in constraint[1:])
        return instant is not None and within(low, instant, high)
    return False


def constraint_of(entry: Any) -> Constraint:
    return entry[1] if entry[0] == -1 else entry


def arguments_fault(entries: Entries, arguments: dict[str, Any]) -> str | None:
    """The code for arguments that the entries of a tool refuse: named ones first, in the order of the map."""
    if not entries:
        return None
    for name, entry in entries.items():
        if name == "*":
            continue
        if name not in arguments:
            if entry[0] != -1:
                return "argument-missing"
        elif not accepts(constraint_of(entry), arguments[name]):
            return "argument-refused"
    for name in sorted(arguments, key=encode):
        if name == "*" or name not in entries:
            if entries.get("*", [3, []]) == [3, []]:
                return "argument-unexpected"
            if not accepts(entries["*"], arguments[name]):
                return "argument-refused"
    return None


__all__ = ["Denied", "accepts", "arguments_fault", "check_constraint", "decode_constraint"]
