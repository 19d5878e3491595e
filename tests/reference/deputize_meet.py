"""A constraint that accepts a value if two constraints do: "Meet" in docs/spec/constraints.md."""

from __future__ import annotations

from typing import Any

from deputize_constraints import (
    ALL,
    ANY_OF,
    CIDR,
    CONTAINS,
    EACH,
    FIELDS,
    LENGTH,
    NOT_ONE_OF,
    ONE_OF,
    PATH,
    RANGE,
    SUBSET,
    TIME_WINDOW,
    Constraint,
    Entries,
    accepts,
    bounds,
    constraint_of,
    encodings_of,
)
from deputize_narrower import NOTHING, narrower, open_entries, parts_of, values_of
from deputize_texts import path_below, read_network
from deputize_values import decode_value, encode


def meet(first: Constraint, second: Constraint) -> Constraint:
    """Accepts a value only if both do, and every value that both accept."""
    if narrower(first, second):
        return second
    if narrower(second, first):
        return first
    for one, other in ((first, second), (second, first)):
        values = values_of(one)
        if values is not None:
            return [ONE_OF, sorted((value for value in values if accepts(other, value)), key=encode)]
    for one, other in ((first, second), (second, first)):
        if one[0] == ANY_OF:
            parts = [meet(part, other) for part in one[1]]
            parts = [part for part in parts if part != NOTHING]
            return [ANY_OF, parts] if len(parts) > 1 else parts[0] if parts else NOTHING
    both = meet_of_type(first, second) if first[0] == second[0] else None
    return [ALL, [*parts_of(first, ALL), *parts_of(second, ALL)]] if both is None else both


def meet_of_type(first: Constraint, second: Constraint) -> Constraint | None:
    kind = first[0]
    if kind == RANGE:
        return intersection(first, second)
    if kind in (LENGTH, TIME_WINDOW):
        low = max((bound for bound in (first[1], second[1]) if bound is not None), default=None)
        high = min((bound for bound in (first[2], second[2]) if bound is not None), default=None)
        return NOTHING if None not in (low, high) and low > high else [kind, low, high]
    if kind in (CONTAINS, NOT_ONE_OF, SUBSET):
        sets = encodings_of(first[1]), encodings_of(second[1])
        combined = set.intersection(*sets) if kind == SUBSET else set.union(*sets)
        return [kind, [decode_value(data) for data in sorted(combined)]]
    if kind == PATH:
        return None if path_below(first[1], second[1]) or path_below(second[1], first[1]) else NOTHING
    if kind == CIDR:
        one, other = read_network(first[1]), read_network(second[1])
        return None if one.version == other.version and one.overlaps(other) else NOTHING
    if kind == EACH:
        return [EACH, meet(first[1], second[1])]
    if kind == FIELDS:
        fields = meet_arguments(first[1], second[1])
        return NOTHING if fields is None else [FIELDS, fields]
    return None


def intersection(first: Constraint, second: Constraint) -> Constraint:
    low, high, low_open, high_open = bounds(first)
    other_low, other_high, other_low_open, other_high_open = bounds(second)
    if other_low is not None and (low is None or other_low >= low):
        low_open = other_low_open or (low_open and low == other_low)
        low = other_low
    if other_high is not None and (high is None or other_high <= high):
        high_open = other_high_open or (high_open and high == other_high)
        high = other_high
    if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
        return NOTHING
    option = low_open + 2 * high_open
    return [RANGE, low, high, option] if option else [RANGE, low, high]


def meet_arguments(first: Entries, second: Entries) -> Entries | None:
    """None if one of the two requires an argument that the other one excludes."""
    first, second = open_entries(first), open_entries(second)
    found: Entries = {}
    for name in sorted({*first, *second}, key=encode):
        entries = [side.get(name, side.get("*")) for side in (first, second)]
        required = any(name in side and name != "*" and side[name][0] != -1 for side in (first, second))
        if None in entries:
            if required:
                return None
            continue
        both = meet(*map(constraint_of, entries))
        found[name] = both if required or name == "*" else [-1, both]
    return found or {"*": NOTHING}


def meet_tools(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The tools of both; a tool without arguments that both allow is left out."""
    found = {}
    for tool in first.keys() & second.keys():
        arguments = meet_arguments(first[tool], second[tool])
        if arguments is not None:
            found[tool] = arguments
    return found
