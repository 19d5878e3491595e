"""Constraints: every constructor, natural values, what they say, and what narrows what."""

from __future__ import annotations

import copy
import datetime
import enum
import ipaddress
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from conftest import refused
from deputize import (
    Constraint,
    all_of,
    any_of,
    anything,
    at_least,
    between,
    cidr,
    decode_tools,
    each,
    email,
    encode_tools,
    exact,
    fields,
    glob,
    is_public_address,
    length,
    not_glob,
    one_of,
    optional,
    path,
    regex,
    time_window,
    url,
)

UTC = datetime.timezone.utc
NEW_YEAR = 1_767_225_600  # 2026-01-01T00:00:00Z


SENTENCES: list[tuple[Constraint, str]] = [
    (anything(), "anything"),
    (exact("main"), "`main`"),
    (one_of("main", "next"), "one of `main`, `next`"),
    (one_of(), "nothing at all"),
    (between(1, 5), "a number at least 1 and at most 5"),
    (path("/src"), "a path at or below `/src`"),
    (glob("/src/*.py"), "a text like `/src/*.py`"),
    (not_glob("**.pem"), "a text not like `**.pem`"),
    (regex("[a-z]+"), "a text that matches `[a-z]+`"),
    (url("api.example.com"), "a URL (https) at `api.example.com`, port 443"),
    (cidr("10.0.0.0/8"), "an address in 10.0.0.0/8"),
    (email("example.com"), "an e-mail address at `example.com`"),
    (each(between(1, 5)), "a list in which each is a number at least 1 and at most 5"),
    (length(1, 5), "1 to 5 long"),
    (length(1), "at least 1 long"),
    (fields({"a": 1}), "a map of `a`"),
    (all_of(glob("a*"), length(1, 5)), "a text like `a*` and 1 to 5 long"),
    (any_of(exact(1), all_of(exact(2), exact(2))), "1 or (2 and 2)"),
]


@pytest.mark.parametrize(("constraint", "sentence"), SENTENCES, ids=lambda x: x if isinstance(x, str) else "")
def test_a_constraint_says_what_a_value_must_be(constraint: Constraint, sentence: str) -> None:
    assert str(constraint) == f"{constraint}" == sentence
    assert repr(constraint).startswith("Constraint([")


def test_a_time_window_says_from_when_to_when() -> None:
    text = str(time_window("2026-01-01T00:00:00Z", None))
    assert text.startswith("a time from 2026-01-01T00:00:00")
    assert "until" not in text


# A constraint, values that it accepts, and values close to them that it does not.
TWINS: list[tuple[Constraint, list[Any], list[Any]]] = [
    (
        glob("/src/*.py"),
        ["/src/a.py", "/src/.py"],
        ["/src/a/b.py", "/src/a.pyc", "/src/../a.py", "/src/\0.py", 1, None],
    ),
    (glob("release-?"), ["release-1", "release-é"], ["release-", "release-12", "Release-1"]),
    (not_glob("**.pem"), ["a.txt", ""], ["a.pem", "x/y.pem", "../a.txt", "a%2epem", 1, None, ["a"]]),
    (regex("[a-z]{2,3}"), ["ab", "abc"], ["a", "abcd", "AB", "ab\n", " ab", 12]),
    (
        url("api.example.com"),
        ["https://api.example.com/", "https://api.example.com/a?b#c", "https://api.example.com"],
        ["http://api.example.com/", "https://api.example.com:8443/", "https://API.example.com/", "api.example.com", 1],
    ),
    (
        url("a.example", schemes=("http", "wss")),
        ["http://a.example/", "wss://a.example/"],
        ["https://a.example/", "ws://a.example/", "http://a.example:8080/"],
    ),
    (url("a.example", ports=[8443]), ["https://a.example:8443/"], ["https://a.example/", "https://a.example:443/"]),
    (url("a.example", ports=None), ["https://a.example/", "https://a.example:8443/"], ["http://a.example/"]),
    (url("a.example", path="/v1/**"), ["https://a.example/v1/x/y"], ["https://a.example/v1", "https://a.example/v2/"]),
    (
        url("*", public=True),
        ["https://a.example/"],
        ["https://localhost/", "https://db.internal/", "https://10.0.0.1/"],
    ),
    (url("*", public=False), ["https://localhost/"], ["https://10.0.0.1/"]),
    (cidr("10.0.0.0/8"), ["10.1.2.3"], ["11.0.0.0", "10.1.2.03", "010.1.2.3", "::ffff:10.1.2.3", 167838211]),
    (cidr("2001:db8::/32"), ["2001:db8::1"], ["2001:db9::1", "2001:0db8::1", "2001:DB8::1", "10.0.0.1"]),
    (
        email("example.com"),
        ["ana@example.com", "a.b+c@EXAMPLE.com"],
        ["ana@x.example.com", "ana@example.com.evil", "a@b@example.com", "ana@example.com\n", '"a"@example.com', "ana"],
    ),
    (email("*.example.com"), ["ana@x.example.com"], ["ana@example.com"]),
    (each(between(1, 5)), [[], [1, 5]], [[0], [1, 6], [True], ["1"], 1, "1", {"0": 1}]),
    (each(["a", "b"]), [["a", "b", "a"]], [["c"], [["a"]]]),
    (length(1, 2), ["a", "éé", "\U0001f600", [0], [[], []]], ["", "abc", [], [1, 2, 3], b"a", {"a": 1}, 1]),
    (length(2), ["ab", [1] * 1000], ["a", [1]]),
    (length(0, 0), ["", []], ["a", [1], {}]),
    (
        fields({"repo": "web", "pr": optional(at_least(1))}),
        [{"repo": "web"}, {"repo": "web", "pr": 7}],
        [{}, {"pr": 7}, {"repo": "web", "pr": 0}, {"repo": "web", "x": 1}, ["repo"], "repo"],
    ),
    (fields({}), [{}, {"a": 1}], [[], None]),
    (fields({"a": 1, "*": between(0, 9)}), [{"a": 1}, {"a": 1, "b": 9}], [{"b": 9}, {"a": 1, "b": 10}]),
    (
        time_window(NEW_YEAR, NEW_YEAR + 60),
        ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T01:00:30.5+01:00"],
        ["2025-12-31T23:59:59.999999999Z", "2026-01-01T00:01:00.1Z", "2026-01-01 00:00:30Z", "2026-01-01", NEW_YEAR],
    ),
]


@pytest.mark.parametrize(
    ("constraint", "good", "bad"), TWINS, ids=lambda x: str(x)[:40] if isinstance(x, Constraint) else ""
)
def test_good_values_and_their_twins(constraint: Constraint, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert constraint.accepts(value), value
    for value in bad:
        assert not constraint.accepts(value), value
    for again in (
        Constraint.decode(constraint.encode()),
        copy.deepcopy(constraint),
        pickle.loads(pickle.dumps(constraint)),
    ):
        assert again == constraint
        assert hash(again) == hash(constraint)
        assert str(again) == str(constraint)
    assert decode_tools(encode_tools({"t": {"a": constraint}})) == {"t": {"a": constraint}}
    assert constraint.subsumes(constraint)
    assert constraint.counterexample(constraint) is None
    assert anything().subsumes(constraint)


class Str(str):
    pass


class Int(int):
    pass


class Colour(str, enum.Enum):
    RED = "red"


class Zone(datetime.tzinfo):
    def utcoffset(self, dt: datetime.datetime | None) -> datetime.timedelta:
        raise RuntimeError("no offset today")


class Moment(datetime.datetime):
    pass


INVALID = "constraint-invalid"
REFUSED: list[tuple[str, Callable[[], object]]] = [
    *[
        (INVALID, lambda make=make, operand=operand: make(operand))
        for make in (glob, not_glob, regex, path, cidr, email, url)
        for operand in (None, 1, 1.5, True, b"a", ["a"], Str("a"), Colour.RED, re.compile("a"), object())
    ],
    *[
        (INVALID, lambda make=make, p=p: make(p))
        for make in (glob, not_glob)
        for p in ("", "[a]", "{a,b}", "a\\*", "***", "../a", "a%", "a\0")
    ],
    ("too-large", lambda: glob("a" * 501)),
    ("too-large", lambda: glob("é" * 1024)),
    ("too-large", lambda: regex("(a{1000}){1000}")),
    *[
        (INVALID, lambda p=p: regex(p))
        for p in ("", "^a", "a$", "(?=a)b", "(a)\\1", "a*?", "\\d", "(", "[b-a]", "a{5,1}", "a{1001}")
    ],
    (INVALID, lambda: url()),
    (INVALID, lambda: url("A.example")),
    (INVALID, lambda: url("a.example", "b.*")),
    (INVALID, lambda: url("https://a.example")),
    (INVALID, lambda: url("a.example", schemes=())),
    (INVALID, lambda: url("a.example", schemes=["file"])),
    (INVALID, lambda: url("a.example", schemes="https")),  # type: ignore[arg-type]
    (INVALID, lambda: url("a.example", schemes=None)),  # type: ignore[arg-type]
    (INVALID, lambda: url("a.example", schemes=[b"https"])),  # type: ignore[list-item]
    (INVALID, lambda: url("a.example", ports=[])),
    *[
        (INVALID, lambda port=port: url("a.example", ports=[port]))
        for port in (0, 65_536, -1, 2**62, True, "443", 443.5, None)
    ],
    (INVALID, lambda: url("a.example", ports=443)),  # type: ignore[arg-type]
    (INVALID, lambda: url("a.example", path="v1/**")),
    (INVALID, lambda: url("a.example", path=7)),  # type: ignore[arg-type]
    (INVALID, lambda: url("a.example", public=1)),  # type: ignore[arg-type]
    (INVALID, lambda: url("10.0.0.1", public=True)),
    *[
        (INVALID, lambda n=n: cidr(n))
        for n in ("10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "010.0.0.0/8", "::ffff:10.0.0.0/104", "x/1")
    ],
    (INVALID, lambda: email()),
    (INVALID, lambda: email("ana@example.com")),
    (INVALID, lambda: email("10.0.0.1")),
    *[(INVALID, lambda n=n: length(n)) for n in (-1, True, 1.5, 1.0, "1", None, 2**60, Int(1))],
    *[(INVALID, lambda n=n: length(0, n)) for n in (-1, False, 1.5, "1", 2**60)],
    (INVALID, lambda: length(5, 4)),
    ("value-unsupported", lambda: length(2**63)),
    ("value-unsupported", lambda: length(0, 10**5000)),
    ("value-unsupported", lambda: url("a.example", ports=[2**80])),
    *[
        ("value-unsupported", lambda make=make: make("a\ud800"))
        for make in (glob, not_glob, regex, path, cidr, email, url)
    ],
    *[(INVALID, lambda m=m: fields(m)) for m in (None, 1, [("a", 1)], OrderedDict(a=1), {"a"})],
    ("name-invalid", lambda: fields({1: 1})),  # type: ignore[dict-item]
    ("name-invalid", lambda: fields({"\ud800": 1})),
    ("claim-invalid", lambda: fields({"": 1})),
    ("claim-invalid", lambda: fields({"*": optional(1)})),
    (INVALID, lambda: time_window(None, None)),
    (INVALID, lambda: time_window(2, 1)),
    *[
        (code, lambda bound=bound: time_window(bound, None))
        for code, bounds in (
            (INVALID, [True, 1.5, b"1", datetime.date(2026, 1, 1), Moment(2026, 1, 1, tzinfo=UTC), Int(5), Str("")]),
            ("value-unsupported", [2**64, "\ud800"]),
            (INVALID, [-1, 253_402_300_800, "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.5Z"]),
            (INVALID, ["1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", datetime.datetime(2026, 1, 1)]),
            (INVALID, [datetime.datetime(1969, 1, 1, tzinfo=UTC), datetime.datetime(2026, 1, 1, tzinfo=Zone())]),
            (INVALID, [datetime.datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]),
        )
        for bound in bounds
    ],
    *[
        (INVALID, lambda make=make, part=part: make(part))
        for make in (all_of, any_of)
        for part in ("a", 1, None, ["a"], optional("a"))
    ],
    *[(INVALID, lambda child=child: anything().subsumes(child)) for child in ("a", None, optional("a"))],
    (INVALID, lambda: anything().counterexample(1)),  # type: ignore[arg-type]
    (INVALID, lambda: anything().narrow({"a": 1})),  # type: ignore[arg-type]
    ("value-unsupported", lambda: each(optional("a"))),  # type: ignore[arg-type]
    ("value-unsupported", lambda: optional(optional("a"))),  # type: ignore[arg-type]
    ("malformed", lambda: Constraint.decode("a")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("code", "use"), REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_what_makes_no_constraint_is_refused_with_its_code(code: str, use: Callable[[], object]) -> None:
    assert refused(use).code == code


def test_the_ports_are_those_of_the_schemes_unless_they_are_given() -> None:
    assert url("a.example") == url("a.example", schemes=["https"], ports=[443])
    assert url("a.example", schemes={"http", "ws"}) == url("a.example", schemes=("ws", "http"), ports={80})
    assert url("a.example", schemes=["http", "wss", "ftp"]) == url(
        "a.example", schemes=["http", "wss", "ftp"], ports=[443, 21, 80]
    )
    assert url("a.example", ports=range(8000, 8003)) == url("a.example", ports=(8002, 8001, 8000, 8000))


def test_a_bound_in_time_is_seconds_a_text_or_a_datetime() -> None:
    east = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    bounds: list[Any] = [
        NEW_YEAR,
        "2026-01-01T00:00:00Z",
        "2026-01-01T05:30:00+05:30",
        "2026-01-01T00:00:00.000Z",
        datetime.datetime(2026, 1, 1, tzinfo=UTC),
        datetime.datetime(2026, 1, 1, 5, 30, tzinfo=east),
    ]
    assert len({time_window(bound, None) for bound in bounds}) == 1
    assert len({time_window(None, bound) for bound in bounds}) == 1
    assert time_window(from_=0, until=253_402_300_799).accepts("9999-12-31T23:59:59Z")


NATURAL: list[tuple[Any, Constraint]] = [
    ("a", exact("a")),
    (1, exact(1)),
    (True, exact(True)),
    (None, exact(None)),
    (1.5, exact(1.5)),
    (b"a", exact(b"a")),
    (bytearray(b"a"), exact(b"a")),
    (memoryview(b"a"), exact(b"a")),
    (["a", 1], one_of("a", 1)),
    (("a", 1), one_of("a", 1)),
    ({"a", "b"}, one_of("a", "b")),
    (frozenset({"a"}), one_of("a")),
    ([], one_of()),
    (set(), one_of()),
    ([["a"], {"b": 1}], one_of(["a"], {"b": 1})),
    (range(3), one_of(0, 1, 2)),
    (range(9, 0, -4), one_of(9, 5, 1)),
    (range(0), one_of()),
    (range(1000), one_of(*range(1000))),
    (range(2**63 - 2, 2**63), one_of(2**63 - 2, 2**63 - 1)),
    ({}, fields({})),
    (
        {"a": ["x", "y"], "b": optional({"c": 1})},
        fields({"a": one_of("x", "y"), "b": optional(fields({"c": exact(1)}))}),
    ),
    (ipaddress.ip_network("10.0.0.0/8"), cidr("10.0.0.0/8")),
    (ipaddress.ip_network("2001:db8:0:1::/64"), cidr("2001:db8:0:1::/64")),
    (ipaddress.ip_network("::/0"), cidr("::/0")),
    (path("/a"), path("/a")),
]


@pytest.mark.parametrize(("value", "constraint"), NATURAL, ids=lambda x: str(x)[:40])
def test_a_natural_value_stands_for_a_constraint(value: Any, constraint: Constraint) -> None:
    assert decode_tools(encode_tools({"t": {"a": value, "b": optional(value), "*": value}})) == {
        "t": {"a": constraint, "b": optional(constraint), "*": constraint}
    }
    assert optional(value).constraint == constraint
    assert each(value) == each(constraint)
    assert fields({"x": value}) == fields({"x": constraint})


def test_cidr_takes_a_network_as_an_object() -> None:
    assert cidr(ipaddress.IPv4Network("10.0.0.0/8")) == cidr("10.0.0.0/8")
    assert refused(lambda: cidr(ipaddress.ip_address("10.0.0.1"))).code == INVALID  # type: ignore[arg-type]


def test_public_addresses() -> None:
    for address in ("93.184.215.14", "1.1.1.1", "2606:4700:4700::1111"):
        assert is_public_address(address)
    for address in (
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "",
        "a.example",
    ):
        assert not is_public_address(address)
    for wrong in (None, 16843009, b"1.1.1.1", ipaddress.ip_address("1.1.1.1"), Str("1.1.1.1"), "\ud800"):
        assert not is_public_address(wrong)
