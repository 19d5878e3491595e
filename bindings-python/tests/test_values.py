"""Values across the boundary: exact or refused, never changed."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import fractions
import json
import pathlib
import sys
import threading
import uuid
from collections import OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import (
    Chain,
    DeputizeError,
    arguments_digest,
    decode_value,
    encode_value,
    exact,
    value_from_json,
    value_to_json,
)


class Number(enum.IntEnum):
    ONE = 1


class Text(str, enum.Enum):
    A = "a"


class Dict(dict[str, Any]):
    pass


class Int(int):
    pass


class Str(str):
    pass


class Float(float):
    pass


class Bytes(bytes):
    pass


class List(list[Any]):
    pass


class Pretends:
    def __int__(self) -> int:
        return 1

    __index__ = __int__

    def __float__(self) -> float:
        return 1.5

    def __bytes__(self) -> bytes:
        return b"a"


@dataclasses.dataclass
class Data:
    a: int = 1


Point = namedtuple("Point", "x y")

SAME = [
    None,
    True,
    False,
    0,
    1,
    -1,
    23,
    24,
    2**63 - 1,
    -(2**63),
    2**53,
    2**53 + 1,
    1.5,
    -0.1,
    5e-324,
    1.1,
    "",
    "a",
    "é",
    "\U0001f600",
    "\0",
    b"",
    b"a",
    [],
    [1, [2, [3]]],
    {},
    {"a": {"b": None}},
    {"z": 1, "aa": 2, "b": 3},
]


@pytest.mark.parametrize("value", SAME, ids=repr)
def test_what_is_supported_comes_back_as_it_was(value: Any) -> None:
    back = decode_value(encode_value(value))
    assert back == value
    assert type(back) is type(value)
    assert encode_value(back) == encode_value(value)


UNSUPPORTED = [
    2**63,
    2**64,
    -(2**63) - 1,
    10**5000,
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    0.0,
    1.0,
    1e300,
    1e308,
    Decimal(1),
    fractions.Fraction(1, 2),
    datetime.datetime(2026, 1, 1),
    datetime.timedelta(1),
    uuid.UUID(int=1),
    Number.ONE,
    Text.A,
    Data(),
    Data,
    pathlib.Path("/"),
    Pretends(),
    Point(1, 2),
    Int(1),
    Str("a"),
    Float(1.5),
    Bytes(b"a"),
    List([1]),
    Dict(a=1),
    OrderedDict(a=1),
    defaultdict(int),
    {1: 2},
    {b"a": 1},
    {None: 1},
    {Str("a"): 1},
    {1, 2},
    frozenset(),
    range(3),
    iter([1]),
    (x for x in [1]),
    object(),
    complex(1),
    "\ud800",
    "a\udfff",
    {"\ud800": 1},
    [["\ud800"]],
    memoryview(b"abcdefgh").cast("I"),
    lambda: 1,
    int,
    json,
]


@pytest.mark.parametrize(
    "value",
    UNSUPPORTED,
    ids=lambda value: f"{type(value).__name__}-{str(value)[:20]!r}" if type(value) is not int else hex(value)[:20],
)
def test_what_is_not_supported_is_refused_everywhere(value: Any, story: Story) -> None:
    for use in (
        lambda: encode_value(value),
        lambda: encode_value([value]),
        lambda: encode_value({"a": [value]}),
        lambda: arguments_digest({"a": value}),
        lambda: value_to_json(value),
        lambda: exact(value),
        lambda: story.coder.prove(story.chain({"t": {}}), "t", {"a": value}, SERVER),
    ):
        assert refused(use).code == "value-unsupported"
    error = denied(lambda: story.verifier().authorize("x", "t", {"a": value}))
    assert error.code == "value-unsupported"


def test_types_are_never_equal_to_each_other() -> None:
    digests = {
        arguments_digest(arguments)
        for arguments in (
            {},
            {"x": None},
            {"x": True},
            {"x": 1},
            {"x": "1"},
            {"x": b"1"},
            {"x": 1.5},
            {"x": [1]},
            {"x": {}},
            {"x": []},
        )
    }
    assert len(digests) == 10
    constraint = exact(1)
    assert constraint.accepts(1)
    assert not any(constraint.accepts(other) for other in (True, 1.0, "1", b"\x01", Number.ONE, Int(1)))


def test_boundaries_of_lists_and_maps_are_in_the_digest() -> None:
    values = [
        {"a": {"b": 1}},
        {"a.b": 1},
        {"a": ["b", 1]},
        {"a": [["b"], 1]},
        {"a": [["b", 1]]},
        {"a": "bc"},
        {"ab": "c"},
    ]
    assert len({arguments_digest(value) for value in values}) == len(values)


def test_bytes_of_every_kind_are_equal_and_never_text() -> None:
    same = {encode_value(value) for value in (b"ab", bytearray(b"ab"), memoryview(b"ab"), memoryview(b"xaybz")[1:4:2])}
    assert same == {encode_value(b"ab")}
    assert encode_value("ab") not in same
    released = memoryview(b"ab")
    released.release()
    assert refused(lambda: encode_value(released)).code == "value-unsupported"


def test_lists_and_tuples_are_lists() -> None:
    assert encode_value((1, (2,))) == encode_value([1, [2]])


def nested(depth: int, kind: type) -> Any:
    value: Any = [] if kind is list else {}
    for _ in range(depth - 1):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_depth_is_bounded_without_recursion(kind: type) -> None:
    encode_value(nested(16, kind))
    for depth in (17, 1000, 100_000):
        value = nested(depth, kind)
        assert refused(lambda value=value: encode_value(value)).code == "too-deep"
        while value:  # taken apart from the outside, so that the interpreter does not recurse either
            value = value[0] if kind is list else value["a"]
    assert refused(lambda: decode_value(b"\x81" * 100_000 + b"\x00")).code == "too-deep"


def test_a_value_that_contains_itself_is_too_deep() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    looped: dict[str, Any] = {}
    looped["a"] = [looped]
    for value in (cyclic, looped, {"a": cyclic}):
        assert refused(lambda value=value: encode_value(value)).code == "too-deep"


def test_items_and_bytes_are_bounded_before_they_are_copied() -> None:
    encode_value([0] * 65_536)
    for value in ([0] * 65_537, {"a": [0] * 65_536}, [[0] * 40_000, [0] * 40_000], [[]] * 70_000):
        assert refused(lambda value=value: encode_value(value)).code == "too-many"
    row = [0] * 60_000
    for value in (
        b"x" * (1 << 20),
        "x" * (1 << 21),
        memoryview(b"x" * (1 << 21)),
        bytearray(1 << 21),
        ["x" * 600_000] * 2,
    ):
        assert refused(lambda value=value: encode_value(value)).code == "too-large"
    assert refused(lambda: encode_value([row] * 60_000)).code == "too-many"


def test_argument_names_follow_the_rules_of_names() -> None:
    for name in ("*", "", "a\n", "\u202e", "x" * 257):
        assert refused(lambda name=name: arguments_digest({name: 1})).code == "name-invalid"
    assert len(arguments_digest({"x" * 256: 1})) == 32
    for arguments in (None, [], "a", [("a", 1)], Dict(a=1)):
        assert refused(lambda arguments=arguments: arguments_digest(arguments)).code == "value-unsupported"


def test_a_map_that_changes_meanwhile_is_read_once_and_whole() -> None:
    shared: dict[str, Any] = {f"k{i}": i for i in range(200)}
    values: list[Any] = list(range(200))
    stop = threading.Event()

    def change() -> None:
        count = 0
        while not stop.is_set():
            count += 1
            shared[f"n{count % 50}"] = count
            shared.pop(f"n{(count + 25) % 50}", None)
            values.append(count)
            if len(values) > 300:
                del values[200:]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(2000):
            back = decode_value(encode_value({"a": shared, "b": values}))
            assert all(back["a"][f"k{i}"] == i for i in range(200))
            assert back["b"][:200] == list(range(200))
    finally:
        stop.set()
        thread.join()


def test_json_has_one_mapping() -> None:
    for value, text in [
        (2**53 - 1, "9007199254740991"),
        (2**53, '{"$integer":"9007199254740992"}'),
        (b"\x01", '{"$bytes":"AQ"}'),
        ({"$a": 1}, '{"$$a":1}'),
        (1.5, "1.5"),
        (None, "null"),
    ]:
        assert value_to_json(value) == text
        assert value_from_json(text) == value
    for text in ("1.0", "1e3", "NaN", "[", '{"a":1,"a":2}', "\ud800"):
        assert refused(lambda text=text: value_from_json(text)).code in {"value-unsupported", "malformed"}
    assert refused(lambda: value_from_json("[" * 100_000)).code in {"malformed", "too-deep"}


def test_messages_are_short_and_escaped() -> None:
    huge = "\x1b[31m\u202e" + "x" * (1 << 20)
    story = Story(*(__import__("deputize").Agent.generate(name) for name in ("ana", "planner", "coder")))
    chain = story.chain({"t": {}})
    for use in (
        lambda: story.coder.prove(chain, huge, {}, SERVER),
        lambda: story.coder.prove(chain, "t", {huge[:2000]: 1}, SERVER),
        lambda: story.coder.prove(chain, "t", {}, huge),
        lambda: story.verifier().authorize(story.coder.prove(chain, "t", {}, SERVER), huge, {}),
        lambda: story.ana.issue(to=story.coder, mode=huge),
        lambda: story.ana.issue(to=story.coder, context=huge),
        lambda: encode_value(type("T" * 5000, (), {})()),
        lambda: story.ana.issue(to=story.coder, tools={huge: {}}),
    ):
        with pytest.raises(DeputizeError) as caught:
            use()
        text = str(caught.value)
        assert len(text) <= 512, len(text)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert caught.value.code in text


def test_the_text_form_is_strict(story: Story) -> None:
    chain = story.chain({"t": {}})
    text = chain.text
    assert Chain.from_text(text) == chain
    assert Chain.decode(chain.bytes) == chain
    last = text[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bad = [
        text + "=",
        text + "==",
        text + "\n",
        " " + text,
        text + " ",
        "\ufeff" + text,
        text[:50] + "\n" + text[50:],
        text.replace("_", "/").replace("-", "+") + "+",
    ]
    if len(text) % 4:  # bits that belong to no byte
        bad.append(text[:-1] + alphabet[alphabet.index(last) + 1])
    for wrong in bad:
        assert refused(lambda wrong=wrong: Chain.from_text(wrong)).code == "text-malformed", wrong[-5:]
        assert denied(lambda wrong=wrong: story.verifier().authorize(wrong, "t", {})).code == "text-malformed"
    for wrong in (None, 1, b"abc", "\ud800", ["a"]):
        assert refused(lambda wrong=wrong: Chain.from_text(wrong)).code == "text-malformed"
    assert refused(lambda: Chain.from_text("")).code == "malformed"
    for wrong in ("", None, "a", 5):
        assert refused(lambda wrong=wrong: Chain.decode(wrong)).code == "malformed"


def test_one_byte_with_trailing_bits_is_refused(story: Story) -> None:
    for text in ("AR", "AS", "AT"):
        assert denied(lambda text=text: story.verifier().authorize(text, "t", {})).code == "text-malformed"
    assert denied(lambda: story.verifier().authorize("AQ", "t", {})).code == "malformed"


def test_the_reference_count_of_what_is_read_stays() -> None:
    value = {"a": ["b" * 50, b"c" * 50]}
    before = sys.getrefcount(value["a"])
    for _ in range(100):
        encode_value(value)
    after = sys.getrefcount(value["a"])
    assert after == before
