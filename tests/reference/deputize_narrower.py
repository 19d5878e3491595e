"""When one constraint is narrower than another, and their meet, by docs/spec/constraints.md.

Null, booleans, numbers, bytes and texts are decided exactly, each kind apart; lists and maps by the rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from deputize_constraints import (
    ALL,
    ANY,
    ANY_OF,
    CIDR,
    CONTAINS,
    EACH,
    EXACT,
    FIELDS,
    LENGTH,
    NOT_ONE_OF,
    ONE_OF,
    RANGE,
    SUBSET,
    TIME_WINDOW,
    URL,
    Constraint,
    Entries,
    accepts,
    constraint_of,
    encodings_of,
    is_number,
    within,
)
from deputize_languages import (
    ALL_TEXTS,
    EMPTY,
    Term,
    both,
    complement,
    either,
    find_text,
    literal,
)
from deputize_regions import Place, is_inside, places
from deputize_terms import TIMESTAMP_SHAPE, cidr_shape, term_of, url_shape
from deputize_values import INT_MAX, INT_MIN, decode_value, encode

NOTHING: Constraint = [ONE_OF, []]


def parts_of(constraint: Constraint, kind: int) -> list[Constraint]:
    """The parts of an all or any_of, those of its parts of the same type too; another constraint alone."""
    if constraint[0] != kind:
        return [constraint]
    return [inner for part in constraint[1] for inner in parts_of(part, kind)]


def leaves(constraint: Constraint) -> Iterator[Constraint]:
    if constraint[0] in (ALL, ANY_OF):
        for part in constraint[1]:
            yield from leaves(part)
    else:
        yield constraint


def values_of(constraint: Constraint) -> list[Any] | None:
    """The values of an exact or a one_of."""
    if constraint[0] == EXACT:
        return [constraint[1]]
    return constraint[1] if constraint[0] == ONE_OF else None


def finite(constraint: Constraint) -> list[Any] | None:
    """The values of a constraint that is known to accept a finite number: exact, one_of, or all with one of them."""
    for part in parts_of(constraint, ALL):
        values = values_of(part)
        if values is not None:
            return [value for value in values if accepts(constraint, value)]
    return None


def narrower(parent: Constraint, child: Constraint) -> bool:
    settled = by_form(parent, child)
    if settled is not None:
        return settled
    if any(refutes(parent, child, value) for value in scalars(parent, child)):
        return False
    if find_counterexample(parent, child) is not None:
        return False
    return all(narrower_by_rules(parent, child, kind) for kind in (list, dict))


def by_form(parent: Constraint, child: Constraint) -> bool | None:
    """The two rules that hold whatever the kinds."""
    values = finite(child)
    if values is not None:
        return all(accepts(parent, value) for value in values)
    same = encode(parent)
    if same == encode(child) or any(encode(part) == same for part in all_parts(child)):
        return True
    return None


def all_parts(constraint: Constraint) -> Iterator[Constraint]:
    if constraint[0] == ALL:
        for part in constraint[1]:
            yield part
            yield from all_parts(part)


def refutes(parent: Constraint, child: Constraint, value: Any) -> bool:
    return accepts(child, value) and not accepts(parent, value)


# Null, booleans, numbers, bytes -------------------------------------------------------------------------------------


def operands(*constraints: Constraint) -> list[Any]:
    """All values that exact, one_of, not_one_of and range name, at any depth of all and any_of."""
    found: list[Any] = []
    for leaf in (leaf for constraint in constraints for leaf in leaves(constraint)):
        if leaf[0] == RANGE:
            found += [bound for bound in leaf[1:3] if bound is not None]
        elif leaf[0] == NOT_ONE_OF:
            found += leaf[1]
        else:
            found += values_of(leaf) or []
    return found


def scalars(parent: Constraint, child: Constraint) -> list[Any]:
    """Values of which one is a counterexample if there is one that is no text, list or map."""
    named = operands(parent, child)
    numbers = {INT_MIN} | {value for value in named if is_number(value)}
    numbers |= {following for value in numbers if (following := next_number(value)) is not None}
    data = {value for value in named if type(value) is bytes}
    fresh = next(one for one in (bytes(size) for size in range(len(data) + 1)) if one not in data)
    return [None, False, True, *numbers, *data, fresh]


def next_number(value: float) -> float | None:
    """The least integer or float above this one that exists as a value."""
    whole = math.floor(value) + 1
    if abs(value) <= 2**53:
        above = math.nextafter(float(value), math.inf)
        if not above.is_integer() and above < whole:
            return above
    return whole if whole <= INT_MAX else None


# Texts --------------------------------------------------------------------------------------------------------------


def lengths(cuts: Iterable[Constraint]) -> list[tuple[int, int | None]]:
    """Intervals of lengths that no constraint on the length tells apart."""
    starts = {0}
    for _, low, high in cuts:
        starts |= {low} if high is None else {low, high + 1}
    ordered = sorted(starts)
    return [(low, high - 1) for low, high in pairwise(ordered)] + [(ordered[-1], None)]


SHAPES = {
    CIDR: lambda constraint: cidr_shape(constraint[1]),
    TIME_WINDOW: lambda constraint: TIMESTAMP_SHAPE,
    URL: url_shape,
}


def find_counterexample(parent: Constraint, child: Constraint) -> str | bool | None:
    """A text that the child accepts and the parent does not (True: one too long to show); None if there is none.

    A text that the pair names is tried by itself. All other texts are looked for apart by length, and by the networks,
    windows and urls that they are in; there, a text of the child is any text of the larger set that these stand for.
    """
    named = {value for value in operands(parent, child) if type(value) is str}
    for text in named:
        if refutes(parent, child, text):
            return text
    unnamed = complement(either(map(literal, named)))
    outer, inner = list(leaves(parent)), list(leaves(child))
    limits = lengths(part for part in [*outer, *inner] if part[0] == LENGTH)
    tried: set[tuple] = set()
    for place in places(outer, inner):
        for low, high in limits:
            refused = complement(texts_of(parent, low, place, exact=True))
            wanted = both([unnamed, texts_of(child, low, place, exact=False), refused])
            if (wanted, low) in tried:
                continue
            tried.add((wanted, low))
            found = find_text(wanted, low, high)
            if found is not False:
                return found
    return None


def texts_of(constraint: Constraint, length: int, place: Place, exact: bool) -> Term:
    """The texts that it accepts, of those that are not named, have this length and are in this place."""
    kind = constraint[0]
    if kind in (ALL, ANY_OF):
        return (both if kind == ALL else either)(texts_of(part, length, place, exact) for part in constraint[1])
    if kind in (ANY, NOT_ONE_OF):
        return ALL_TEXTS
    if kind in (EXACT, ONE_OF, RANGE, CONTAINS, SUBSET, EACH, FIELDS):
        return EMPTY
    if kind == LENGTH:
        return ALL_TEXTS if within(constraint[1], length, constraint[2]) else EMPTY
    if kind not in SHAPES:
        return term_of(constraint)
    if not is_inside(constraint, place):
        return EMPTY
    return ALL_TEXTS if exact else SHAPES[kind](constraint)


# Lists and maps -----------------------------------------------------------------------------------------------------

ACCEPTING = {list: (CONTAINS, SUBSET, EACH, LENGTH), dict: (FIELDS,)}


def narrower_by_rules(parent: Constraint, child: Constraint, kind: type) -> bool:
    """The rules of constraints.md for lists or for maps, by their numbers; the rules of form hold here too."""
    values = finite(child)
    if values is not None:
        return all(accepts(parent, value) for value in values if type(value) is kind)
    if by_form(parent, child):
        return True
    if child[0] == ANY_OF:  # 1
        return all(narrower_by_rules(parent, part, kind) for part in child[1])
    if parent[0] == ALL:
        return all(narrower_by_rules(part, child, kind) for part in parent[1])
    parts = parts_of(child, ALL)  # 2
    if any(part[0] not in (ANY, NOT_ONE_OF, ALL, ANY_OF, *ACCEPTING[kind]) for part in parts):
        return True
    merged = Merged(parts) if kind is list else None
    if merged is not None and merged.contradictory():
        return True
    if parent[0] == ANY:  # 3
        return True
    if parent[0] == NOT_ONE_OF:
        return not any(accepts(child, value) for value in parent[1] if type(value) is kind)
    if parent[0] == ANY_OF:  # 4
        if any(narrower_by_rules(part, child, kind) for part in parent[1]):
            return True
    elif merged is not None:  # 5
        if merged.within(parent):
            return True
    elif parent[0] == FIELDS and any(part[0] == FIELDS and narrower_arguments(parent[1], part[1]) for part in parts):
        return True
    return any(part[0] == ANY_OF and narrower_by_rules(parent, part, kind) for part in parts)


class Merged:
    """What the parts of a child say about lists, together."""

    def __init__(self, parts: list[Constraint]) -> None:
        elements = [part[1] if part[0] == EACH else [ONE_OF, part[1]] for part in parts if part[0] in (EACH, SUBSET)]
        self.each = [ANY] if not elements else elements[0] if len(elements) == 1 else [ALL, elements]
        self.contained = set().union(*(encodings_of(part[1]) for part in parts if part[0] == CONTAINS))
        limits = [part[1:] for part in parts if part[0] == LENGTH]
        self.least = max([len(self.contained), *(low for low, _ in limits)])
        self.most = min((high for _, high in limits if high is not None), default=None)

    def contradictory(self) -> bool:
        if self.most is not None and self.least > self.most:
            return True
        return not all(accepts(self.each, decode_value(data)) for data in self.contained)

    def within(self, parent: Constraint) -> bool:
        if parent[0] == CONTAINS:
            return encodings_of(parent[1]) <= self.contained
        if parent[0] == LENGTH:
            low, high = parent[1:]
            return low <= self.least and (high is None or (self.most is not None and self.most <= high))
        if parent[0] in (EACH, SUBSET):
            element = parent[1] if parent[0] == EACH else [ONE_OF, parent[1]]
            return self.most == 0 or narrower(element, self.each)
        return False


# Arguments ----------------------------------------------------------------------------------------------------------


def open_entries(entries: Entries) -> Entries:
    """Without entries, everything; a "*" that accepts nothing is none."""
    named = {name: entry for name, entry in entries.items() if name != "*" or entry != NOTHING}
    return named if entries else {"*": [ANY]}


def narrower_arguments(parent: Entries, child: Entries) -> bool:
    parent, child = open_entries(parent), open_entries(child)

    def holds(entry: Any, other: Any) -> bool:
        return narrower(constraint_of(entry), constraint_of(other))

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
