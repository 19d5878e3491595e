"""Sets of texts as terms, and whether such a set is empty: by Antimirov's linear forms, without positions or automata.

A term is a class of characters, a concatenation, a union, an intersection, a complement or a counted repetition. The
linear form of a term lists pairs of a class and a term: what may come first, and what may follow it. The linear form
of a complement is deterministic, the others need not be. Terms are kept once each, so equal terms are identical.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

sys.setrecursionlimit(20_000)

Class = tuple[tuple[int, int], ...]
ANY_CHARACTER: Class = ((0, 0xD7FF), (0xE000, 0x10FFFF))
MAX_STATES = 60_000
MAX_SHOWN = 1000


class TooHard(Exception):
    """The safety limit: no answer was found in a reasonable number of steps."""


# Classes of characters ----------------------------------------------------------------------------------------------


def union_of(ranges: Iterable[tuple[int, int]]) -> Class:
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def without_surrogates(ranges: Iterable[tuple[int, int]]) -> Class:
    """Classes hold no surrogates, and never join the range below them with the one above."""
    parts = []
    for low, high in union_of(ranges):
        if low <= 0xD7FF:
            parts.append((low, min(high, 0xD7FF)))
        if high >= 0xE000:
            parts.append((max(low, 0xE000), high))
    return tuple(parts)


def complement_of(ranges: Class) -> Class:
    gaps, start = [], 0
    for low, high in ranges:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= 0x10FFFF:
        gaps.append((start, 0x10FFFF))
    return without_surrogates(gaps)


def class_of(characters: str) -> Class:
    return union_of((ord(char), ord(char)) for char in characters)


def in_class(ranges: Class, point: int) -> bool:
    place = bisect_right(ranges, (point, 0x110000)) - 1
    return place >= 0 and point <= ranges[place][1]


# Terms --------------------------------------------------------------------------------------------------------------


class Term:
    """Made by the functions below only, which keep each term once."""

    __slots__ = ("kind", "nullable", "parts")

    def __init__(self, kind: str, parts: tuple, nullable: bool) -> None:
        self.kind = kind
        self.parts = parts
        self.nullable = nullable


KNOWN: dict[tuple, Term] = {}


def term(kind: str, parts: tuple, nullable: bool) -> Term:
    key = (kind, parts)
    found = KNOWN.get(key)
    if found is None:
        found = KNOWN[key] = Term(kind, parts, nullable)
    return found


EMPTY = Term("class", ((),), False)
EPSILON = Term("epsilon", (), True)
ALL_TEXTS = Term("not", (EMPTY,), True)


def characters(ranges: Class) -> Term:
    return term("class", (ranges,), False) if ranges else EMPTY


def concat(first: Term, rest: Term) -> Term:
    if first is EMPTY or rest is EMPTY:
        return EMPTY
    if first is EPSILON:
        return rest
    if rest is EPSILON:
        return first
    if first.kind == "concat":
        return concat(first.parts[0], concat(first.parts[1], rest))
    return term("concat", (first, rest), first.nullable and rest.nullable)


def sequence(*parts: Term) -> Term:
    joined = EPSILON
    for part in reversed(parts):
        joined = concat(part, joined)
    return joined


def literal(text: str) -> Term:
    return sequence(*(characters(class_of(char)) for char in text))


def either(parts: Iterable[Term]) -> Term:
    flat: set[Term] = set()
    for part in parts:
        flat.update(part.parts[0] if part.kind == "or" else (part,))
    flat.discard(EMPTY)
    if ALL_TEXTS in flat:
        return ALL_TEXTS
    if len(flat) < 2:
        return flat.pop() if flat else EMPTY
    return term("or", (frozenset(flat),), any(part.nullable for part in flat))


def both(parts: Iterable[Term]) -> Term:
    """The intersection. All complements among the parts become one, of the union."""
    flat: set[Term] = set()
    for part in parts:
        flat.update(part.parts[0] if part.kind == "and" else (part,))
    excluded = either(part.parts[0] for part in flat if part.kind == "not")
    flat = {part for part in flat if part.kind != "not"}
    if EMPTY in flat or excluded is ALL_TEXTS or not flat.isdisjoint(alternatives(excluded)):
        return EMPTY
    if excluded is not EMPTY or not flat:
        flat.add(complement(excluded))
    if len(flat) == 1:
        return flat.pop()
    return term("and", (frozenset(flat),), all(part.nullable for part in flat))


def alternatives(one: Term) -> frozenset[Term]:
    return one.parts[0] if one.kind == "or" else frozenset((one,))


def complement(one: Term) -> Term:
    if one.kind == "not":
        return one.parts[0]
    return ALL_TEXTS if one is EMPTY else term("not", (one,), not one.nullable)


def repeat(one: Term, least: int, most: int | None) -> Term:
    if most == 0 or one is EPSILON:
        return EPSILON
    if one is EMPTY:
        return EPSILON if least == 0 else EMPTY
    least = 0 if one.nullable else least
    if (least, most) == (1, 1):
        return one
    if least == 0 and most is None and one.parts == (ANY_CHARACTER,):
        return ALL_TEXTS
    return term("repeat", (one, least, most), least == 0)


def star(one: Term) -> Term:
    return repeat(one, 0, None)


# Searching ----------------------------------------------------------------------------------------------------------


def classes_in(root: Term) -> set[Class]:
    found, seen, left = set(), {root}, [root]
    while left:
        one = left.pop()
        if one.kind == "class":
            found.add(one.parts[0])
        inner = one.parts[0] if one.kind in ("or", "and") else [part for part in one.parts if isinstance(part, Term)]
        for part in inner:
            if part not in seen:
                seen.add(part)
                left.append(part)
    return found


class Alphabet:
    """Characters that no class of a term tells apart are one letter; a class is a set of letters, as bits."""

    def __init__(self, classes: set[Class]) -> None:
        ordered = sorted(classes | {ANY_CHARACTER})
        changes: dict[int, int] = {}
        for place, ranges in enumerate(ordered):
            for low, high in ranges:
                changes[low] = changes.get(low, 0) ^ (1 << place)
                changes[high + 1] = changes.get(high + 1, 0) ^ (1 << place)
        letters: dict[int, int] = {}
        self.examples: list[int] = []
        signature, anything = 0, 1 << ordered.index(ANY_CHARACTER)
        starts = sorted(changes)
        for start, end in pairwise(starts):
            signature ^= changes[start]
            if not signature & anything:
                continue
            printable = max(start, 0x21) if start <= 0x7E and end > 0x21 else start
            if signature not in letters:
                letters[signature] = len(letters)
                self.examples.append(printable)
            elif not 0x21 <= self.examples[letters[signature]] <= 0x7E:
                self.examples[letters[signature]] = printable
        self.masks = {
            ranges: sum(1 << letter for signature, letter in letters.items() if signature >> place & 1)
            for place, ranges in enumerate(ordered)
        }
        self.full = self.masks[ANY_CHARACTER]

    def example(self, mask: int) -> str:
        """A character of one of these letters, a printable one if there is."""
        points = [point for letter, point in enumerate(self.examples) if mask >> letter & 1]
        return chr(min(points, key=lambda point: (not 0x21 <= point <= 0x7E, point)))


Form = dict[Term, int]
Node = tuple  # (node before, letters, term)


class Search:
    """Looks for a text of one term."""

    def __init__(self, root: Term) -> None:
        self.root = root
        self.alphabet = Alphabet(classes_in(root))
        self.forms: dict[Term, Form] = {}
        self.steps = 0

    def form(self, one: Term) -> Form:
        """The linear form: what may follow, with the letters that lead there."""
        found = self.forms.get(one)
        if found is None:
            self.steps += 1
            if self.steps > MAX_STATES:
                raise TooHard
            found = {}
            for follower, letters in self.pairs(one):
                if letters and follower is not EMPTY:
                    found[follower] = found.get(follower, 0) | letters
            self.forms[one] = found
        return found

    def pairs(self, one: Term) -> Iterator[tuple[Term, int]]:
        if one.kind == "class":
            yield EPSILON, self.alphabet.masks[one.parts[0]] if one is not EMPTY else 0
        elif one.kind == "concat":
            first, rest = one.parts
            for follower, letters in self.form(first).items():
                yield concat(follower, rest), letters
            if first.nullable:
                yield from self.form(rest).items()
        elif one.kind == "or":
            for part in one.parts[0]:
                yield from self.form(part).items()
        elif one.kind == "repeat":
            inner, least, most = one.parts
            again = repeat(inner, max(least - 1, 0), None if most is None else most - 1)
            for follower, letters in self.form(inner).items():
                yield concat(follower, again), letters
        elif one.kind == "not":
            for followers, letters in self.split(self.form(one.parts[0])).items():
                yield complement(either(followers)), letters
        elif one.kind == "and":
            combined: dict[frozenset[Term], int] = {frozenset(): self.alphabet.full}
            for part in one.parts[0]:
                wider: dict[frozenset[Term], int] = {}
                for follower, letters in self.form(part).items():
                    for others, more in combined.items():
                        if letters & more:
                            key = others | {follower}
                            wider[key] = wider.get(key, 0) | letters & more
                combined = wider
                if len(combined) > MAX_STATES:
                    raise TooHard
            for followers, letters in combined.items():
                yield both(followers), letters

    def split(self, form: Form) -> dict[frozenset[Term], int]:
        """For each letter the set of all terms that may follow it."""
        parts: dict[frozenset[Term], int] = {frozenset(): self.alphabet.full}
        for follower, letters in form.items():
            finer: dict[frozenset[Term], int] = {}
            for followers, more in parts.items():
                for key, mask in ((followers | {follower}, more & letters), (followers, more & ~letters)):
                    if mask:
                        finer[key] = finer.get(key, 0) | mask
            parts = finer
        return parts

    def find(self, least: int = 0, most: int | None = None) -> str | bool:
        """A text of at least and at most so many characters; True if there is one that is too long to show."""
        start: dict[Term, Node | None] = {part: None for part in alternatives(self.root)}
        layer, shown = self.advance(start, least)
        seen = Antichain()
        current = {one: node for one, node in layer.items() if seen.add(one)}
        depth = least
        while current:
            for one, node in current.items():
                if one.nullable:
                    return self.spell(node) if shown else True
            if depth == most:
                return False
            depth += 1
            current = {one: node for one, node in self.step(current).items() if seen.add(one)}
        return False

    def step(self, layer: dict[Term, Node | None]) -> dict[Term, Node | None]:
        following: dict[Term, Node | None] = {}
        for one, node in layer.items():
            for follower, letters in self.form(one).items():
                for part in alternatives(follower):
                    if part not in following:
                        following[part] = (node, letters)
        return following

    def advance(self, layer: dict[Term, Node | None], steps: int) -> tuple[dict[Term, Node | None], bool]:
        """What is left after so many characters, and whether the way there is known; a long one skips cycles."""
        earlier: dict[frozenset[Term], int] = {}
        history = []
        for done in range(steps):
            if done > MAX_STATES:
                raise TooHard
            key = frozenset(layer)
            if steps > MAX_SHOWN and key in earlier:
                start = earlier[key]
                place = start + (steps - start) % (done - start)
                return dict.fromkeys(history[place]), False
            earlier[key] = done
            history.append(key)
            layer = self.step(layer)
        return layer, True

    def spell(self, node: Node | None) -> str:
        text = []
        while node is not None:
            node, letters = node
            text.append(self.alphabet.example(letters))
        return "".join(reversed(text))


class Antichain:
    """Terms that have been seen; one that is a subset of such a term, by its complement, need not be looked at."""

    def __init__(self) -> None:
        self.seen: dict[frozenset[Term], list[frozenset[Term]]] = {}

    def add(self, one: Term) -> bool:
        parts = one.parts[0] if one.kind == "and" else frozenset((one,))
        excluded: frozenset[Term] = frozenset()
        for part in parts:
            if part.kind == "not":
                excluded = alternatives(part.parts[0])
        wanted = frozenset(part for part in parts if part.kind != "not")
        smaller = self.seen.setdefault(wanted, [])
        if any(other <= excluded for other in smaller):
            return False
        smaller[:] = [other for other in smaller if not excluded <= other]
        smaller.append(excluded)
        return True


def find_text(root: Term, least: int = 0, most: int | None = None) -> str | bool:
    """A text of the term, True for one that is too long to show, or False if there is none."""
    if root is EMPTY:
        return False
    if root is ALL_TEXTS:
        return "a" * least if least <= MAX_SHOWN else True
    return Search(root).find(least, most)


def matches(root: Term, text: str) -> bool:
    """Whether a text is in the language of a term: by its derivatives, each a set of terms."""
    search = Search(root)
    current = {root}
    for char in text:
        letter = search.alphabet.full
        for ranges, letters in search.alphabet.masks.items():
            letter &= letters if in_class(ranges, ord(char)) else ~letters
        following: set[Term] = set()
        for one in current:
            for follower, letters in search.form(one).items():
                if letters & letter:
                    following |= alternatives(follower)
        current = following
    return any(one.nullable for one in current)
