"""The texts that a constraint accepts, or a larger set of texts, as terms of deputize_languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deputize_constraints as con
from deputize_languages import (
    EPSILON,
    Term,
    both,
    characters,
    class_of,
    complement,
    concat,
    either,
    literal,
    sequence,
    star,
)
from deputize_patterns import BELOW, PATHS, glob_term, reach_term, regex_term
from deputize_texts import DEFAULT_PORTS
from deputize_values import encode

# Paths and hosts -----------------------------------------------------------------------------------------------------


def path_term(root: str) -> Term:
    return PATHS if root == "/" else concat(literal(root), star(BELOW))


def domain_pattern(letters: str) -> Term:
    inner = f"([{letters}0-9_\\-]*[{letters}0-9_])?"
    return regex_term(f"([{letters}0-9_]{inner}\\.)*[{letters}]{inner}")


DOMAINS = domain_pattern("a-z")
ANY_CASE_DOMAINS = domain_pattern("a-zA-Z")
LABELS_BEFORE = regex_term(r"([a-z0-9_]([a-z0-9_\-]*[a-z0-9_])?\.)+")
ANY_CASE_BEFORE = regex_term(r"([a-zA-Z0-9_]([a-zA-Z0-9_\-]*[a-zA-Z0-9_])?\.)+")


def host_terms(patterns: list[str]) -> list[Term]:
    found = []
    for pattern in patterns:
        if pattern == "*":
            found.append(DOMAINS)
        elif pattern.startswith("*."):
            found.append(concat(LABELS_BEFORE, literal(pattern[2:])))
        else:
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

ENCODED = "%([346A-F89][0-9A-F]|2[0-46-9A-D]|5[0-9ABDEF]|7[0-9A-E])"
UNDOTTED = rf"[a-zA-Z0-9\-_~!$&'()*+,=:@]|{ENCODED}"
SEGMENT = rf"(\.*({UNDOTTED})(\.|{UNDOTTED})*)"
URL_PATHS = regex_term(f"(/{SEGMENT})*/{SEGMENT}?")
AFTER_HOSTS = regex_term(r"([/?#][A-Za-z0-9._~!$&'()*+,;=:@/?#%\-]*)?")


def url_shape(constraint: list[Any]) -> Term:
    """The larger set that a url stands for where it meets a constraint of another type."""
    _, schemes, patterns, ports = constraint[:4]
    hosts = either(host_terms(patterns))
    found = []
    for scheme in schemes:
        if ports is None:
            port = regex_term("(:[0-9]+)?")
        else:
            port = either(EPSILON if one == DEFAULT_PORTS[scheme] else literal(f":{one}") for one in ports)
        found.append(sequence(literal(f"{scheme}://"), hosts, port, AFTER_HOSTS))
    return either(found)


# Addresses and timestamps -------------------------------------------------------------------------------------------

IPV6_SHAPE = regex_term("[0-9a-f:]+")
TIMESTAMP_SHAPE = regex_term(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+\-][0-9]{2}:[0-9]{2})"
)


def cidr_shape(network: str) -> Term:
    address, _, length = network.partition("/")
    if ":" in address:
        return IPV6_SHAPE
    octets = address.split(".")
    parts = [literal(octet) for octet in octets[: int(length) // 8]]
    parts += [regex_term("[0-9]{1,3}")] * (4 - len(parts))
    return sequence(parts[0], *(part for octet in parts[1:] for part in (literal("."), octet)))


# Any constraint with a language of its own -------------------------------------------------------------------


def term_of(constraint: list[Any]) -> Term:
    return term_of_encoded(encode(constraint))


@lru_cache(maxsize=4096)
def term_of_encoded(data: bytes) -> Term:
    constraint = con.decode_constraint(data)
    kind, operand = constraint[:2]
    if kind == con.PATH:
        return path_term(operand)
    if kind == con.GLOB:
        return both([reach_term(operand), glob_term(operand)])
    if kind == con.NOT_GLOB:
        return both([reach_term(operand), complement(glob_term(operand))])
    if kind == con.REGEX:
        return regex_term(operand)
    assert kind == con.EMAIL
    return email_term(operand)
