"""Globs and I-Regexps (RFC 9485): what is a pattern, how large it is, and the term of the texts that it matches.

Categories are those of Python's unicodedata, which may be of an older Unicode than the specification asks for.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from deputize_languages import (
    ANY_CHARACTER,
    Class,
    Term,
    characters,
    class_of,
    complement_of,
    concat,
    either,
    repeat,
    sequence,
    star,
    without_surrogates,
)
from deputize_values import SEPARATORS_AND_DIRECTIONS, Reader, is_plain, require

MAX_PATTERN_BYTES, MAX_PATTERN_SIZE, MAX_PATTERN_SIZES = 1024, 500, 4096
MAX_GROUPS, MAX_QUANTIFIER = 32, 1000
LOOK_ALIKES = frozenset("\u2024\u2025\u2026\u2044\u2215\u29f8\ufe52\ufe55\ufe68\ufe6a\uff05\uff0e\uff0f\uff1a\uff3c")

CONTROLS: Class = ((0, 0x1F), (0x7F, 0x9F))


def other_than(excluded: str, *more: Class) -> Class:
    return complement_of(without_surrogates([*class_of(excluded), *(pair for part in more for pair in part)]))


# Paths and plain texts ----------------------------------------------------------------------------------------------


def is_path(value: Any) -> bool:
    if type(value) is not str or not value.startswith("/"):
        return False
    if not is_plain(value) or any(char in LOOK_ALIKES or char in "\\%:" for char in value):
        return False
    return value == "/" or all(part and part[-1] not in ". " for part in value[1:].split("/"))


def is_dotted(segment: str) -> bool:
    """Whether it is made of dots and spaces, with at least one dot."""
    return "." in segment and not segment.strip(". ")


def is_plain_text(text: str) -> bool:
    if not is_plain(text) or any(char in LOOK_ALIKES or char in "\\%" for char in text):
        return False
    return not any(is_dotted(segment) for segment in text.split("/"))


def in_reach(pattern: str, text: str) -> bool:
    """Whether a text is of the kind that a glob is about: paths if it begins with a slash, otherwise plain texts."""
    return is_path(text) if pattern.startswith("/") else is_plain_text(text)


PATH_SEGMENT = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%(?![01]|2[5EF]|5C|7F)[0-9A-F]{2})*")


def is_url_path(path: str) -> bool:
    start, *segments = path.split("/")
    if start or not segments or any(not segment for segment in segments[:-1]):
        return False
    return all(
        PATH_SEGMENT.fullmatch(segment) is not None and (not segment or segment.strip(".") != "")
        for segment in segments
    )


UNWANTED = "\\%" + SEPARATORS_AND_DIRECTIONS + "".join(sorted(LOOK_ALIKES))
SLASH = characters(class_of("/"))
PLAIN = characters(other_than(UNWANTED + "/", CONTROLS))
PLAIN_WORD = characters(other_than(UNWANTED + "/. ", CONTROLS))
PLAIN_SEGMENT = either([star(characters(class_of(" "))), sequence(star(PLAIN), PLAIN_WORD, star(PLAIN))])
PLAIN_TEXTS = concat(PLAIN_SEGMENT, star(concat(SLASH, PLAIN_SEGMENT)))

IN_PATH = characters(other_than(UNWANTED + ":/", CONTROLS))
END_OF_SEGMENT = characters(other_than(UNWANTED + ":/. ", CONTROLS))
BELOW = sequence(SLASH, star(IN_PATH), END_OF_SEGMENT)
PATHS = either([SLASH, repeat(BELOW, 1, None)])


def reach_term(pattern: str) -> Term:
    return PATHS if pattern.startswith("/") else PLAIN_TEXTS


# Globs --------------------------------------------------------------------------------------------------------------


def check_size(size: int, reader: Reader) -> None:
    require(size <= MAX_PATTERN_SIZE, "too-large")
    if reader.pattern_sizes is not None:
        reader.pattern_sizes += size
        require(reader.pattern_sizes <= MAX_PATTERN_SIZES, "too-many")


def check_length(pattern: str) -> None:
    require(pattern, "constraint-invalid")
    require(len(pattern.encode()) <= MAX_PATTERN_BYTES, "too-large")


def glob_parts(pattern: str) -> list[str]:
    """The wildcards and characters of a pattern, one element each."""
    parts: list[str] = []
    for char in pattern:
        if char == "*" and parts and parts[-1] == "*":
            parts[-1] = "**"
        else:
            parts.append(char)
    return parts


def check_glob(pattern: str, reader: Reader) -> None:
    check_length(pattern)
    require(in_reach(pattern, pattern), "constraint-invalid")
    check_wildcards(pattern, reader)


def check_url_glob(pattern: str, reader: Reader) -> None:
    check_length(pattern)
    require(is_url_path(pattern.replace("?", "x")), "constraint-invalid")
    check_wildcards(pattern, reader)


def check_wildcards(pattern: str, reader: Reader) -> None:
    require(not any(char in "[]{}" for char in pattern) and "***" not in pattern, "constraint-invalid")
    check_size(len(glob_parts(pattern)), reader)


def glob_matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches all of the text: the places of the pattern that may be reached, by characters."""
    parts = glob_parts(pattern)

    def skip(places: set[int]) -> set[int]:
        reached = set()
        for place in places:
            reached.add(place)
            while place < len(parts) and parts[place] in ("*", "**"):
                place += 1
                reached.add(place)
        return reached

    places = skip({0})
    for char in text:
        following = set()
        for place in places:
            part = parts[place] if place < len(parts) else None
            if part == "**" or (part == "*" and char != "/"):
                following.add(place)
            elif part is not None and (part == char or (part == "?" and char != "/")):
                following.add(place + 1)
        places = skip(following)
    return len(parts) in places


def glob_term(pattern: str) -> Term:
    segment = characters(other_than("/"))
    wildcards = {"**": star(characters(ANY_CHARACTER)), "*": star(segment), "?": segment}
    return sequence(*(wildcards.get(part) or characters(class_of(part)) for part in glob_parts(pattern)))


# I-Regexps ----------------------------------------------------------------------------------------------------------

CATEGORIES = {"L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "Z": "lps", "S": "ckmo", "C": "cfno"}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", **{char: char for char in "()*+-.?[\\]^{|}"}}
NEWLINES = "\n\r"


@cache
def all_categories() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for point in range(0x110000):
        ranges = found.setdefault(unicodedata.category(chr(point)), [])
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1] = (ranges[-1][0], point)
        else:
            ranges.append((point, point))
    return found


@cache
def category(name: str) -> Class:
    found = all_categories()
    return without_surrogates([pair for key, pairs in found.items() if key.startswith(name) for pair in pairs])


class NoPattern(Exception):
    """The text is not an I-Regexp, or not one that is allowed."""


class RegexParser:
    """Reads a pattern by the grammar of RFC 9485; each method gives a term and its size."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.pos = 0
        self.groups = 0

    def peek(self) -> str:
        return self.pattern[self.pos : self.pos + 1]

    def take(self) -> str:
        char = self.peek()
        self.need(char)
        self.pos += 1
        return char

    def taken(self, char: str) -> bool:
        """Whether this character comes next, which is then read."""
        found = self.peek() == char
        self.pos += found
        return found

    @staticmethod
    def need(condition: object) -> None:
        if not condition:
            raise NoPattern

    def whole(self) -> tuple[Term, int]:
        result = self.branches()
        self.need(self.pos == len(self.pattern))
        return result

    def branches(self) -> tuple[Term, int]:
        branches = [self.branch()]
        while self.taken("|"):
            branches.append(self.branch())
        return either(one for one, _ in branches), sum(size for _, size in branches)

    def branch(self) -> tuple[Term, int]:
        terms, total = [], 0
        while self.peek() not in ("", "|", ")"):
            one, size = self.piece()
            terms.append(one)
            total += size
        return sequence(*terms), total

    def piece(self) -> tuple[Term, int]:
        one, size = self.atom()
        for char, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self.taken(char):
                return repeat(one, least, most), size
        if not self.taken("{"):
            return one, size
        least = most = self.number()
        if self.taken(","):
            most = None if self.peek() == "}" else self.number()
        self.need(self.taken("}") and (most is None or least <= most))
        return repeat(one, least, most), size * (max(least, 1) if most is None else most)

    def number(self) -> int:
        digits = ""
        while self.peek() and self.peek() in "0123456789":
            digits += self.take()
        self.need(digits and int(digits) <= MAX_QUANTIFIER)
        return int(digits)

    def atom(self) -> tuple[Term, int]:
        char = self.take()
        if char == "(":
            self.groups += 1
            self.need(self.groups <= MAX_GROUPS)
            result = self.branches()
            self.need(self.taken(")"))
            self.groups -= 1
            return result
        if char == ".":
            return characters(other_than(NEWLINES)), 1
        if char == "\\":
            return characters(self.escape()), 1
        if char == "[":
            return characters(self.bracket()), 1
        self.need(char not in "*+?{}]^$")
        return characters(class_of(char)), 1

    def escape(self) -> Class:
        """What follows a backslash."""
        char = self.take()
        if char not in ("p", "P"):
            self.need(char in ESCAPES)
            return class_of(ESCAPES[char])
        self.need(self.taken("{"))
        major = self.take()
        self.need(major in CATEGORIES)
        minor = "" if self.peek() == "}" else self.take()
        self.need(minor in CATEGORIES[major] and self.taken("}"))
        found = category(major + minor)
        return found if char == "p" else complement_of(found)

    def bracket(self) -> Class:
        """The rest of a class. A `^` at its front always negates, and `-` stands for itself at either end only."""
        negated = self.taken("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self.peek() != "]":
            if self.taken("-"):
                self.need(first or self.peek() == "]")
                ranges.append((45, 45))
            else:
                ranges.extend(self.bracket_item())
            first = False
        self.pos += 1
        found = without_surrogates(ranges)
        return complement_of(found) if negated else found

    def bracket_item(self) -> Class:
        single = self.pattern[self.pos : self.pos + 2] not in ("\\p", "\\P")
        low = self.bracket_character()
        following = self.pattern[self.pos + 1 : self.pos + 2]
        if not single or self.peek() != "-" or following == "]":
            return low
        self.pos += 1
        self.need(self.pattern[self.pos : self.pos + 2] not in ("\\p", "\\P"))
        high = self.bracket_character()
        self.need(low[0][0] <= high[0][0])
        return ((low[0][0], high[0][0]),)

    def bracket_character(self) -> Class:
        char = self.take()
        if char == "\\":
            return self.escape()
        self.need(char not in "[]-")
        return class_of(char)


def parse_regex(pattern: str) -> tuple[Term, int]:
    return RegexParser(pattern).whole()


def check_regex(pattern: str, reader: Reader) -> None:
    check_length(pattern)
    try:
        _, size = parse_regex(pattern)
    except NoPattern:
        size = None
    require(size is not None, "constraint-invalid")
    check_size(size, reader)


def regex_term(pattern: str) -> Term:
    return parse_regex(pattern)[0]
