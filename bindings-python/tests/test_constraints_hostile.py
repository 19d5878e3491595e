"""What is given for a constraint and is none: a code, and what to write instead; nothing hangs, grows or escapes."""

from __future__ import annotations

import datetime
import enum
import ipaddress
import re
from collections import OrderedDict, namedtuple
from decimal import Decimal
from typing import Any

import pytest

from conftest import refused
from deputize import (
    all_of,
    anything,
    at_least,
    each,
    encode_tools,
    exact,
    fields,
    glob,
    one_of,
    optional,
)

INVALID = "constraint-invalid"


class Str(str):
    pass


class Int(int):
    pass


class Colour(str, enum.Enum):
    RED = "red"


class Lies(list[Any]):
    """A list that says it is empty, and has no end."""

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Any:
        while True:
            yield "a"


class LyingDict(dict[str, Any]):
    def __iter__(self) -> Any:
        raise KeyboardInterrupt

    items = keys = values = __len__ = __getitem__ = __iter__  # type: ignore[assignment]


class Anything:
    """Answers every question, wrongly."""

    def __getattr__(self, name: str) -> Any:
        raise SystemExit

    def __len__(self) -> int:
        return -1

    __bool__ = __index__ = __int__ = __hash__ = __len__

    def __iter__(self) -> Any:
        raise SystemExit

    __eq__ = __str__ = __repr__ = __call__ = __iter__  # type: ignore[assignment]


class NextTo:
    def __iter__(self) -> Any:
        return self

    def __next__(self) -> int:
        raise SystemExit


UNSUPPORTED: list[tuple[Any, str]] = [
    ((x for x in "ab"), "write one_of(*values) instead of an iterator of type `generator`"),
    (iter(["a"]), "write one_of(*values)"),
    (map(str, [1]), "write one_of(*values)"),
    (NextTo(), "write one_of(*values)"),
    (OrderedDict(a=1), "write a plain dict or list instead of type `OrderedDict`"),
    (LyingDict(a=1), "write a plain dict or list"),
    (Lies("abc"), "write a plain dict or list instead of type `Lies`"),
    (namedtuple("Point", "x y")(1, 2), "write a plain dict or list instead of type `Point`"),
    (anything, "write the constraint that it makes"),
    (Anything(), "`Anything`"),
    (object(), "write a constraint or a plain value instead of type `object`"),
    ({"a": 1}.keys(), "`dict_keys`"),
    (Decimal(1), "`Decimal`"),
    (Colour.RED, "`Colour`"),
    (Str("a"), "`Str`"),
    (Int(1), "`Int`"),
    (re.compile("a"), "`Pattern`"),
    (datetime.datetime(2026, 1, 1), "`datetime`"),
    (ipaddress.ip_address("10.0.0.1"), "`IPv4Address`"),
    (ipaddress.ip_interface("10.0.0.1/8"), "`IPv4Interface`"),
    ([glob("a")], "any_of(...) takes constraints"),
    ([optional("a")], "any_of(...) takes constraints"),
    ([{"a", "b"}], "`set`"),
    ([range(3)], "`range`"),
    ("\ud800", "a lone surrogate"),
    ({"a": "\ud800"}, "a lone surrogate"),
    (2**63, "64 bits"),
    (range(2**63, 2**63 + 2), "64 bits"),
    (10**5000, "64 bits"),
    (1.0, ""),
    (float("nan"), ""),
    ([float("inf")], ""),
    ({"a": [float("nan")]}, ""),
]


@pytest.mark.parametrize(("value", "says"), UNSUPPORTED, ids=lambda x: type(x).__name__)
def test_anything_else_is_refused_and_says_what_to_write(value: Any, says: str) -> None:
    for use in (
        lambda: each(value),
        lambda: optional(value),
        lambda: fields({"a": value}),
        lambda: encode_tools({"t": {"a": value}}),
        lambda: each({"a": {"b": value}}),
    ):
        error = refused(use)
        assert error.code == "value-unsupported"
        assert says in str(error)


@pytest.mark.parametrize("value", [range(1001), range(10**30), range(-(10**30), 0)], ids=str)
def test_a_range_of_many_numbers_is_no_choice(value: range) -> None:
    error = refused(lambda: each(value))
    assert error.code == INVALID
    assert "between(first, last)" in str(error)


def test_a_bound_that_is_no_number_is_refused() -> None:
    for bound, code in [
        (True, INVALID),
        ("5", INVALID),
        (None, INVALID),
        (float("nan"), "value-unsupported"),
        (5.0, "value-unsupported"),
    ]:
        assert refused(lambda bound=bound: at_least(bound)).code == code


def test_what_nests_too_deep_or_in_itself_is_too_deep() -> None:
    looped: dict[str, Any] = {}
    looped["a"] = looped
    ringed: dict[str, Any] = {"a": {"b": optional(1)}}
    ringed["a"]["c"] = ringed
    listed: list[Any] = []
    listed.append(listed)
    for value in (looped, ringed, listed, {"a": listed}, {"a": {"b": [looped]}}):
        for use in (lambda: each(value), lambda: optional(value), lambda: encode_tools({"t": {"a": value}})):  # noqa: B023
            assert refused(use).code == "too-deep"
    assert refused(lambda: fields(looped)).code == "too-deep"
    assert refused(lambda: encode_tools({"t": looped})).code == "too-deep"

    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = {"a": value}
        return value

    optional(nested(7))
    assert refused(lambda: optional(nested(8))).code == "too-deep"
    assert refused(lambda: optional(nested(5000))).code == "too-deep"
    deep: Any = exact(1)
    for _ in range(7):
        deep = each(deep)
    for use in (lambda: each(deep), lambda: fields({"a": deep}), lambda: all_of(deep), lambda: optional({"a": deep})):
        assert refused(use).code == "too-deep"


def test_a_small_program_makes_no_huge_constraint() -> None:
    wide: Any = "a"
    for _ in range(7):
        wide = {f"a{i}": wide for i in range(200)}
    for use in (lambda: each(wide), lambda: fields(wide), lambda: encode_tools({"t": wide})):
        assert refused(use).code == "too-many"

    def doubled() -> None:
        constraint = exact("a" * 100)
        for _ in range(7):
            constraint = all_of(*[constraint] * 200)

    assert refused(doubled).code == "too-large"
    row = ["x" * 1000] * 60_000
    for use in (lambda: each(row), lambda: one_of(*row), lambda: encode_tools({"t": {"a": row}})):
        assert refused(use).code == "too-large"
    for value in ([0] * 70_000, set(range(70_000)), frozenset(range(70_000)), {str(i): 1 for i in range(70_000)}):
        assert refused(lambda value=value: each(value)).code == "too-many"
    assert refused(lambda: fields({str(i): 1 for i in range(257)})).code == "too-many"
    assert refused(lambda: encode_tools({"t": {str(i): glob("a" * 500) for i in range(17)}})).code == "too-many"
