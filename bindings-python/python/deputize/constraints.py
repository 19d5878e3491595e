"""Constraints: what values an argument may have.

Values are given one by one: ``one_of("a", "b")`` accepts two texts, ``one_of(["a", "b"])`` accepts one list.
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
    contains,
    exact,
    in_range,
    not_one_of,
    one_of,
    optional,
    path,
    subset,
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
    "contains",
    "exact",
    "in_range",
    "not_one_of",
    "one_of",
    "optional",
    "path",
    "subset",
]
