"""The texts that a constraint accepts as a term of deputize_languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deputize_constraints as con
from deputize_languages import (
    EMPTY,
    EPSILON,
    Term,
    both,
    characters,
    class_of,
    complement,
    concat,
    either,
    literal,
    repeat,
    sequence,
    star,
)
from deputize_patterns import (
    CONTROLS,
    PLAIN_TEXTS,
    SLASH,
    UNWANTED,
    glob_term,
    other_than,
    regex_term,
)
from deputize_texts import DEFAULT_PORTS, LOCAL_ENDINGS, bracketed
from deputize_values import encode

# Paths --------------------------------------------------------------------------------------------------------------

IN_PATH = characters(other_than(UNWANTED + ":/", CONTROLS))
END_OF_SEGMENT = characters(other_than(UNWANTED + ":/. ", CONTROLS))
BELOW = sequence(SLASH, star(IN_PATH), END_OF_SEGMENT)


def path_term(root: str) -> Term:
    if root == "/":
        return either([SLASH, repeat(BELOW, 1, None)])
    return concat(literal(root), star(BELOW))


# Hosts --------------------------------------------------------------------------------------------------------------


def domain_pattern(letters: str) -> Term:
    inner = f"([{letters}0-9_\\-]*[{letters}0-9_])?"
    return regex_term(f"([{letters}0-9_]{inner}\\.)*[{letters}]{inner}")


DOMAINS = domain_pattern("a-z")
ANY_CASE_DOMAINS = domain_pattern("a-zA-Z")
LABELS_BEFORE = regex_term(r"([a-z0-9_]([a-z0-9_\-]*[a-z0-9_])?\.)+")
ANY_CASE_BEFORE = regex_term(r"([a-zA-Z0-9_]([a-zA-Z0-9_\-]*[a-zA-Z0-9_])?\.)+")
PUBLIC_NAMES = both(
    [
        regex_term(r".*\..*"),
        complement(concat(regex_term(".*"), either(literal(ending) for ending in LOCAL_ENDINGS))),
    ]
)


def name_terms(patterns: list[str]) -> list[Term]:
    """The names that host patterns stand for, addresses aside."""
    found = []
    for pattern in patterns:
        if pattern == "*":
            found.append(DOMAINS)
        elif pattern.startswith("*."):
            found.append(concat(LABELS_BEFORE, literal(pattern[2:])))
        elif bracketed(pattern) is None:
            found.append(literal(pattern))
    return found


def in_any_case(text: str) -> Term:
    return sequence(*(characters(class_of(char + char.upper())) for char in text))


def email_term(patterns: list[str]) -> Term:
    hosts = []
    for pattern in patterns:
        if pattern == "*":
            hosts.append(ANY_CASE_DOMAINS)
        elif pattern.startswith("*."):
            hosts.append(concat(ANY_CASE_BEFORE, in_any_case(pattern[2:])))
        else:
            hosts.append(in_any_case(pattern))
    atom = r"[a-zA-Z0-9!#$%&'*+/=?\^_`{|}~\-]+"
    return sequence(regex_term(f"{atom}(\\.{atom})*@"), either(hosts))


# URLs ---------------------------------------------------------------------------------------------------------------

PORTS = regex_term("[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]")
ENCODED = "%([346A-F89][0-9A-F]|2[0-46-9A-D]|5[0-9ABDEF]|7[0-9A-E])"
UNDOTTED = rf"[a-zA-Z0-9\-_~!$&'()*+,=:@]|{ENCODED}"
SEGMENT = rf"(\.*({UNDOTTED})(\.|{UNDOTTED})*)"
URL_PATHS = regex_term(f"(/{SEGMENT})*/{SEGMENT}?")
AFTER = r"([a-zA-Z0-9\-._~!$&()*+,;=:@/?]|%[0-9A-Fa-f]{2})*"
AFTER_PATHS = regex_term(rf"(\?{AFTER})?(#{AFTER})?")


def port_term(ports: list[int] | None, default: int) -> Term:
    if ports is None:
        return either([EPSILON, concat(literal(":"), both([PORTS, complement(literal(str(default)))]))])
    return either(EPSILON if port == default else literal(f":{port}") for port in ports)


def url_term(constraint: list[Any]) -> Term:
    _, schemes, patterns, ports, pattern, *public = constraint
    names = either(name_terms(patterns))
    names = both([names, PUBLIC_NAMES]) if public else names
    hosts = either([names, *(literal(host) for host in patterns if bracketed(host) is not None)])
    paths = URL_PATHS if pattern is None else both([URL_PATHS, glob_term(pattern)])
    root = pattern is None or con.glob_matches(pattern, "/")
    rest = either([concat(paths, AFTER_PATHS), EPSILON if root else EMPTY])
    return either(
        sequence(literal(f"{scheme}://"), hosts, port_term(ports, DEFAULT_PORTS[scheme]), rest) for scheme in schemes
    )


# Any constraint on texts with a language of its own -------------------------------------------------------------------


def term_of(constraint: list[Any]) -> Term:
    return term_of_encoded(encode(constraint))


@lru_cache(maxsize=4096)
def term_of_encoded(data: bytes) -> Term:
    constraint = con.decode_constraint(data)
    kind, operand = constraint[:2]
    if kind == con.PATH:
        return path_term(operand)
    if kind == con.GLOB:
        return both([PLAIN_TEXTS, glob_term(operand)])
    if kind == con.NOT_GLOB:
        return both([PLAIN_TEXTS, complement(glob_term(operand))])
    if kind == con.REGEX:
        return regex_term(operand)
    if kind == con.EMAIL:
        return email_term(operand)
    assert kind == con.URL
    return url_term(constraint)
