"""Networks, windows and urls are compared with their own type by an example of each region that they tell apart."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise, product
from typing import Any, NamedTuple

from deputize_constraints import CIDR, TIME_WINDOW, URL, Constraint, within
from deputize_languages import both, complement, find_text
from deputize_patterns import glob_term
from deputize_terms import URL_PATHS
from deputize_texts import DEFAULT_PORTS, LOCAL_ENDINGS, Address, UrlParts, bracketed, read_network, url_accepts


class Place(NamedTuple):
    """What a text is read as; None if it is no address, timestamp or url."""

    address: Address | None = None
    instant: Fraction | int | None = None
    url: UrlParts | None = None


def is_inside(constraint: Constraint, place: Place) -> bool:
    """Whether a cidr, a time window or a url accepts the text that is in this place."""
    if constraint[0] == CIDR:
        return place.address is not None and place.address in read_network(constraint[1])
    if constraint[0] == TIME_WINDOW:
        return place.instant is not None and within(constraint[1], place.instant, constraint[2])
    return place.url is not None and url_accepts(constraint, place.url)


def places(parent: list[Constraint], child: list[Constraint]) -> list[Place]:
    """An example of each region that the parts of both tell apart, and that a part of the child accepts."""
    found: list[list[Any]] = []
    makers: tuple[tuple[int, str, Callable], ...] = (
        (CIDR, "address", addresses),
        (TIME_WINDOW, "instant", instants),
        (URL, "url", urls),
    )
    for kind, field, examples in makers:
        inner, outer = ([part for part in parts if part[0] == kind] for parts in (child, parent))
        regions = {}
        for example in examples([*inner, *outer]) if inner else ():
            place = Place(**{field: example})
            if any(is_inside(part, place) for part in inner):
                regions.setdefault(tuple(is_inside(part, place) for part in [*inner, *outer]), example)
        found.append([None, *regions.values()])
    return [Place(*examples) for examples in product(*found)]


def addresses(cidrs: list[Constraint]) -> set[Address]:
    found = set()
    for network in (read_network(part[1]) for part in cidrs):
        found.add(network[0])
        if int(network[-1]) < 2**network.max_prefixlen - 1:
            found.add(network[-1] + 1)
    return found


def instants(windows: list[Constraint]) -> list[Fraction | int]:
    ends = sorted({bound for part in windows for bound in part[1:] if bound is not None})
    between = [Fraction(low + high, 2) for low, high in pairwise(ends)]
    return [ends[0] - 1, *ends, *between, ends[-1] + 1]


def urls(constraints: list[Constraint]) -> list[UrlParts]:
    schemes = {scheme for part in constraints for scheme in part[1]}
    hosts = example_hosts(constraints)
    ports = {port for part in constraints for port in part[3] or ()} | set(DEFAULT_PORTS.values())
    ports.add(next(port for port in range(1, 1000) if port not in ports))
    paths = example_paths({part[4] for part in constraints if part[4] is not None})
    return list(product(schemes, hosts, ports, paths))


def example_hosts(constraints: list[Constraint]) -> set[str]:
    """Every host that is named, and below each domain that is named one that is not."""
    named = {host.removeprefix("*.") for part in constraints for host in part[2] if host != "*"}
    hosts = {host for host in named if bracketed(host) is not None}
    domains = named - hosts | {ending[1:] for ending in LOCAL_ENDINGS}
    label = "x"
    while any(label in domain.split(".") for domain in domains):
        label += "x"
    return hosts | domains | {f"{label}.{domain}" for domain in domains} | {label, f"{label}.{label}"}


def example_paths(patterns: set[str]) -> list[str]:
    """A path for each set of patterns that some path matches alone."""
    regions = [URL_PATHS]
    for pattern in sorted(patterns):
        matching = glob_term(pattern)
        finer = [both([region, side]) for region in regions for side in (matching, complement(matching))]
        regions = [region for region in finer if find_text(region) is not False]
    return [str(find_text(region)) for region in regions]
