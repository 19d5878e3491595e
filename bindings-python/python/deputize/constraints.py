"""Constraints: what values an argument may have.

Values are given one by one: ``one_of("a", "b")`` accepts two texts, ``one_of(["a", "b"])`` accepts one list.

=============================================  ================================================================
any value, these values, all but these         ``anything`` ``exact`` ``one_of`` ``not_one_of``
numbers                                        ``at_least`` ``at_most`` ``between`` ``in_range``
lists                                          ``contains`` ``subset`` ``each`` ``length``
maps                                           ``fields``
texts                                          ``path`` ``glob`` ``not_glob`` ``regex`` ``length``
URLs, addresses, timestamps                    ``url`` ``cidr`` ``email`` ``time_window``
combinations                                   ``all_of`` ``any_of`` ``optional``
=============================================  ================================================================

Where an entry is expected (an argument of a tool, ``fields``, ``each``, ``optional``), a plain value stands for
``exact``; a list, tuple, set, frozenset or short range for ``one_of`` its elements; a dict for ``fields``; a network of
``ipaddress`` for ``cidr``.
"""

from deputize._native import (
    Constraint,
    OptionalArgument,
    all_of,
    any_of,
    anything,
    at_least,
    at_most,
    between,
    cidr,
    contains,
    each,
    email,
    exact,
    fields,
    glob,
    in_range,
    length,
    not_glob,
    not_one_of,
    one_of,
    optional,
    path,
    regex,
    subset,
    time_window,
    url,
)

__all__ = [
    "Constraint",
    "OptionalArgument",
    "all_of",
    "any_of",
    "anything",
    "at_least",
    "at_most",
    "between",
    "cidr",
    "contains",
    "each",
    "email",
    "exact",
    "fields",
    "glob",
    "in_range",
    "length",
    "not_glob",
    "not_one_of",
    "one_of",
    "optional",
    "path",
    "regex",
    "subset",
    "time_window",
    "url",
]
