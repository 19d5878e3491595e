"""Attacks on constraints, by the names of the catalogue of attacks; each with a twin that is allowed."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable
from typing import Any

import pytest

from conftest import SERVER, Story, denied, refused
from deputize import (
    Constraint,
    anything,
    at_least,
    at_most,
    between,
    exact,
    glob,
    in_range,
    not_one_of,
    one_of,
    optional,
    path,
    regex,
    url,
)


class Calls:
    """Calls of one tool with one argument, through a chain of two tokens."""

    def __init__(self, story: Story, constraint: object) -> None:
        self.story = story
        self.chain = story.chain({"t": {"a": constraint}})
        self.verifier = story.verifier()

    def call(self, value: Any) -> Any:
        arguments = {"a": value}
        presentation = self.story.coder.prove(self.chain, "t", arguments, SERVER)
        return self.verifier.authorize(presentation, "t", arguments).arguments["a"]

    def allows(self, values: Iterable[Any]) -> None:
        for value in values:
            assert self.call(value) == value, value

    def refuses(self, values: Iterable[Any]) -> None:
        for value in values:
            error = denied(lambda value=value: self.call(value))
            assert (error.code, error.link) == ("argument-refused", 0), value
            assert "argument `a` must be" in str(error)

    def cannot_make(self, values: Iterable[Any]) -> None:
        """Neither a proof is made for these, nor is a call with one decided."""
        for value in values:
            assert refused(lambda value=value: self.call(value)).code == "value-unsupported"
            error = denied(lambda value=value: self.verifier.authorize("x", "t", {"a": value}))
            assert error.code == "value-unsupported"


def widens(story: Story, parent: dict[str, Any], child: dict[str, Any], shows: str = "") -> None:
    """The holder cannot hand on what it was not given, and is told why."""
    root = story.ana.issue(to=story.planner, tools={"t": parent})
    error = refused(lambda: story.planner.delegate(root, to=story.coder, tools={"t": child}))
    assert (error.code, error.link) == ("not-provably-narrower", 1), (parent, child)
    assert shows in error.help


def narrows(story: Story, parent: dict[str, Any], child: dict[str, Any]) -> None:
    root = story.ana.issue(to=story.planner, tools={"t": parent})
    chain = story.planner.delegate(root, to=story.coder, tools={"t": child})
    assert story.verifier().verify_chain(chain).caller == "coder"


def test_pth_01_a_path_that_is_not_below_the_root(story: Story) -> None:
    calls = Calls(story, path("/data"))
    calls.allows(["/data", "/data/x", "/data/x/y.txt", "/data/.hidden", "/data/...a"])
    calls.refuses(
        [
            "/database/x",
            "/data/../etc/passwd",
            "data/x",
            "",
            "/",
            "/data/",
            "/data//../..",
            "/data//x",
            "/data/.",
            "/data/./x",
            "~/x",
            "$HOME",
            "/data/x\0",
            "/data/x\0/../../etc/passwd",
            "/Data/x",
            None,
            ["/data/x"],
        ]
    )


def test_pth_02_a_path_in_disguise(story: Story) -> None:
    composed, decomposed = unicodedata.normalize("NFC", "/data/é"), unicodedata.normalize("NFD", "/data/é")
    calls = Calls(story, path("/data"))
    calls.allows([composed, decomposed])  # two names, and each is below the root
    calls.refuses(
        [
            "/data/%2e%2e/x",
            "/data/%252e%252e/x",
            "/data/..\\x",
            "/data\\x",
            "/data/\u2024\u2024/x",  # one dot leaders
            "/data/\uff0e\uff0e/x",  # fullwidth full stops
            "/data\uff0fx",  # fullwidth solidus
            "/data/a\u2215b",  # division slash
            "/data/..\u2044x",  # fraction slash
            "/data/x:stream",
            b"/data/x",
        ]
    )
    # An overlong form is no text at all, however it gets into a str.
    calls.cannot_make(["/data/" + b"\xc0\xae\xc0\xae/x".decode("utf-8", "surrogateescape"), "/data/\ud800"])
    named = Calls(story, path(composed))
    named.allows([composed, composed + "/x"])
    named.refuses([decomposed, decomposed + "/x"])  # names are compared as bytes


INNER = url("*", "api.example.com", schemes=["http", "https"], ports=None, public=True)


def test_url_01_an_inner_address_in_every_spelling(story: Story) -> None:
    calls = Calls(story, INNER)
    calls.allows(["http://api.example.com/", "https://api.example.com:8080/x", "http://other.example/"])
    hosts = [
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "127\u30020\u30020\u30021",
        "\u2460\u2461\u2466.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "169.254.43518",
        "localhost",
        "localhost.",
        "a.localhost",
        "metadata.google.internal",
        "printer.local",
    ]
    calls.refuses(f"http://{host}/" for host in hosts)
    for host in ("127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "[fd00::1]"):
        assert refused(lambda host=host: url(host, public=True)).code == "constraint-invalid"
        # Named, and without the word public, an address is what somebody meant.
        assert url(host).accepts(f"https://{host}/")


def test_url_02_another_host_than_a_reader_sees(story: Story) -> None:
    calls = Calls(story, url("api.example.com", schemes=["http"]))
    calls.allows(["http://api.example.com/", "http://api.example.com/a/b?c=d@e#f@g"])
    calls.refuses(
        [
            "http://api.example.com@evil.com/",
            "http://api.example.com:80@evil.com/",
            "http://user@api.example.com/",
            "http:\\\\evil.com",
            "http:\\\\api.example.com/",
            "http://evil.com\\@api.example.com/",
            "http:evil.com",
            "http:/api.example.com/",
            "http:///api.example.com/",
            "ht\ntp://evil.com",
            "ht\ntp://api.example.com/",
            "http://api.example.com%2eevil.com/",
            "http://api%2eexample.com/",
            "http://evil.com#@api.example.com/",
            "http://evil.com/#@api.example.com/",
            "http://evil.com?@api.example.com/",
            "http://api.example.com/\t",
            "http://api.example.com/\r\nHost: evil.com",
            "http://api.example.com/ x",
            " http://api.example.com/",
            "http://api.example.com/ ",
            "http://api.\texample.com/",
            "//api.example.com/",
        ]
    )


def test_url_03_one_canonical_host(story: Story) -> None:
    calls = Calls(story, url("api.example.com", "xn--bcher-kva.example", schemes=["http"]))
    calls.allows(["http://api.example.com/", "http://api.example.com", "http://xn--bcher-kva.example/"])
    calls.refuses(
        [
            "http://api.example.com./",
            "http://API.example.com/",
            "HTTP://api.example.com/",
            "http://api.example.com:80/",
            "http://api.example.com:080/",
            "http://api.example.com:/",
            "http://api\u00ad.example.com/",
            "http://api.\u2147xample.com/",
            "http://api.example\u3002com/",
            "http://b\u00fccher.example/",
            "http://XN--bcher-kva.example/",
        ]
    )


def test_url_04_a_wildcard_is_one_label_or_more_and_never_the_domain(story: Story) -> None:
    calls = Calls(story, url("*.example.com"))
    calls.allows(["https://a.example.com/", "https://a.b.example.com/"])
    calls.refuses(
        [
            "https://example.com/",
            "https://evilexample.com/",
            "https://.example.com/",
            "https://a.example.com.evil.com/",
            "https://*.example.com/",
        ]
    )
    widens(story, {"a": url("x.example.com")}, {"a": url("*.example.com")})
    widens(story, {"a": url("*.x.example.com")}, {"a": url("*.example.com")})
    widens(story, {"a": url("*.example.com")}, {"a": url("*")})
    widens(story, {"a": url("*.example.com")}, {"a": url("example.com")}, "https://example.com/")
    narrows(story, {"a": url("*.example.com")}, {"a": url("x.example.com")})
    narrows(story, {"a": url("*.example.com")}, {"a": url("*.x.example.com", "y.example.com")})


def test_url_05_a_scheme_that_is_not_listed(story: Story) -> None:
    rest = "://api.example.com/"
    calls = Calls(story, url("api.example.com", schemes=["https"]))
    calls.allows(["https" + rest])
    calls.refuses(
        ["http" + rest, "HTTPS" + rest, "ftp" + rest, "ws" + rest, "wss" + rest, "gopher" + rest, rest[1:], rest]
    )
    calls.refuses(
        ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "blob:https" + rest, "api.example.com"]
    )
    Calls(story, url("api.example.com", schemes=["ftp", "ws"])).allows(["ftp" + rest, "ws" + rest])
    for scheme in ("file", "javascript", "data", "gopher", "blob", "HTTPS", ""):
        assert refused(lambda scheme=scheme: url("api.example.com", schemes=[scheme])).code == "constraint-invalid"
    widens(story, {"a": url("api.example.com")}, {"a": url("api.example.com", schemes=["http", "https"])}, "http://")


def test_url_06_a_path_that_leaves_its_prefix(story: Story) -> None:
    base = "https://api.example.com"
    calls = Calls(story, url("api.example.com", path="/v1/**"))
    calls.allows(base + tail for tail in ("/v1/", "/v1/x", "/v1/x/y", "/v1/a%20b", "/v1/x?next=/../admin"))
    calls.refuses(
        base + tail
        for tail in (
            "/v1/%2e%2e/admin",
            "/v1/%2E%2E/admin",
            "/v1/../admin",
            "/v1\\..\\admin",
            "/v1/..\\admin",
            "/v1/..;/admin",
            "/v1/%2F..%2Fadmin",
            "/v1/%2f..%2fadmin",
            "/v1/%252e%252e/admin",
            "/v1/%5c..%5cadmin",
            "//v1//",
            "/v1//x",
            "/v1/.%2e/",
            "/v1/./x",
            "/v1/%00",
            "/v2/x",
            "/v1",
        )
    )


def test_glb_01_a_star_stops_at_a_slash(story: Story) -> None:
    calls = Calls(story, glob("/data/*"))
    calls.allows(["/data/a", "/data/.a"])
    calls.refuses(
        ["/data/a/b", "/data/", "/data/../etc/passwd", "/data/..", "/data/\0", "/data/%2e%2e", "/data/a\\b", "/data\n"]
    )
    across = Calls(story, glob("/data/**"))
    across.allows(["/data/a", "/data/a/b"])
    across.refuses(["/data/../etc/passwd", "/data/a/../../etc/passwd", "/data/.. /x", "/data/..."])


def test_glb_02_patterns_that_are_wrong_or_slow() -> None:
    for pattern in ("", "[!a]", "[z-a]", "{", "{a,b}", "***"):
        assert refused(lambda pattern=pattern: glob(pattern)).code == "constraint-invalid"
    for make in (
        lambda: glob("a" * 1025),
        lambda: regex("|".join(f"a{i}" for i in range(10_000))),
        lambda: regex("((a{100}){100}){100}"),
    ):
        assert refused(make).code == "too-large"
    assert glob("**").accepts("a/b")
    assert not glob("**").accepts("../b")
    stars = glob("*a" * 40)
    assert stars.accepts("xa" * 40)
    began = time.perf_counter()
    assert not stars.accepts("a" * 100_000)  # more steps than a call has, and refused for it
    assert not stars.accepts("a" * 100_000 + "b")
    assert not stars.subsumes(glob("*b" * 40))
    assert time.perf_counter() - began < 5


def test_glb_03_a_regex_is_matched_as_a_whole_in_linear_time(story: Story) -> None:
    calls = Calls(story, regex("ok"))
    calls.allows(["ok"])
    calls.refuses(["ok\n", "ok\nevil", "evil\nok", "xok", "okx", "OK", ""])
    for pattern in ("^ok$", "ok$", "(?m)ok", "(a+)+$", "(a)\\1", "(?=a)a", "a*?"):
        assert refused(lambda pattern=pattern: regex(pattern)).code == "constraint-invalid"
    evil = Calls(story, regex("(a+)+"))
    began = time.perf_counter()
    evil.allows(["a" * 30])
    evil.refuses(["a" * 50_000 + "!"])
    assert time.perf_counter() - began < 5


def test_chn_10_a_child_that_leaves_a_constraint_out(story: Story) -> None:
    widens(story, {"x": one_of("a", "b")}, {})
    widens(story, {"x": one_of("a", "b")}, {"y": "a"})
    widens(story, {"x": one_of("a", "b")}, {"*": anything()}, "may leave `x` out")
    widens(story, {"x": one_of("a", "b")}, {"x": optional("a")}, "may leave `x` out")
    widens(story, {"x": one_of("a", "b")}, {"x": "a", "y": optional("a")}, "the child allows `y`, the parent does not")
    narrows(story, {"x": one_of("a", "b")}, {"x": "a"})
    narrows(story, {}, {"x": "a"})
    narrows(story, {"x": optional("a")}, {"x": "a"})


ESCALATIONS: list[tuple[Constraint, Constraint, Any]] = [
    (one_of("a", "b"), not_one_of("b"), "c"),
    (not_one_of("a"), not_one_of("b"), "a"),
    (exact("a"), glob("a*"), "ab"),
    (exact("a"), regex("a|b"), "b"),
    (between(1, 5), anything(), 6),
    (between(1, 5), anything(), "1"),
    (glob("a*"), regex("a.*"), "a/"),
    (path("/a"), glob("/**"), "/etc"),
]


@pytest.mark.parametrize(("parent", "child", "value"), ESCALATIONS, ids=str)
def test_chn_11_another_type_that_accepts_more(parent: Constraint, child: Constraint, value: Any, story: Story) -> None:
    assert child.accepts(value)
    assert not parent.accepts(value)
    widens(story, {"x": parent}, {"x": child}, "the child allows ")
    Calls(story, parent).refuses([value])


def test_chn_11_another_type_that_accepts_no_more(story: Story) -> None:
    for parent, child in [
        (not_one_of("b"), one_of("a", "c")),
        (not_one_of("a"), not_one_of("a", "b")),
        (glob("a*"), exact("ab")),
        (anything(), between(1, 5)),
        (regex("a.*"), regex("a[b-d]*")),
        (glob("/**"), path("/a")),
    ]:
        narrows(story, {"x": parent}, {"x": child})


GLOBS = [
    ("/data/**", "/data/*", True),
    ("/data/*", "/data/**", False),
    ("*", "*.pdf", True),
    ("*.pdf", "*", False),
    ("a*c", "a?c", True),
    ("a?c", "a*c", False),
    ("a*", "a*b*", True),
    ("a*b*", "a*", False),
    ("*a*", "*a*a*", True),
    ("**", "*", True),
    ("?", "*", False),
    ("a*b", "a*b", True),
]


@pytest.mark.parametrize(("parent", "child", "narrower"), GLOBS)
def test_chn_12_globs_are_narrower_if_their_texts_are(parent: str, child: str, narrower: bool, story: Story) -> None:
    assert glob(parent).subsumes(glob(child)) is narrower
    if narrower:
        narrows(story, {"x": glob(parent)}, {"x": glob(child)})
        return
    widens(story, {"x": glob(parent)}, {"x": glob(child)}, "the child allows `")
    found = glob(parent).counterexample(glob(child))
    assert found is not None
    Calls(story, glob(child)).allows([found["value"]])
    Calls(story, glob(parent)).refuses([found["value"]])


def test_chn_12_brackets_braces_and_escapes_are_no_globs() -> None:
    for pattern in ("[ab]x", "[a-c]x", "{a,b}", "{a,c}", "\\*"):
        assert refused(lambda pattern=pattern: glob(pattern)).code == "constraint-invalid"
    assert regex("[a-c]x").subsumes(regex("[ab]x"))
    assert regex("[ab]x").counterexample(regex("[a-c]x")) == {"value": "cx"}
    assert regex("a|b").counterexample(regex("a|c")) == {"value": "c"}


def test_chn_14_numbers_that_are_outside_or_none(story: Story) -> None:
    parent = between(0, 100)
    for child in (
        between(0, 100.5),
        between(0, 2**53 + 1),
        between(-1, 100),
        at_least(0),
        at_most(100),
        anything(),
        one_of(50, 101),
        one_of(50, "50"),
        one_of(50, True),
    ):
        widens(story, {"x": parent}, {"x": child}, "the child allows ")
    widens(story, {"x": in_range(0, 100, max_open=True)}, {"x": parent}, "the child allows 100,")
    widens(story, {"x": in_range(0, 100, min_open=True)}, {"x": parent}, "the child allows 0,")
    for child in (parent, in_range(0, 100, max_open=True), between(0.5, 99.5), exact(100), one_of(0, 0.25)):
        narrows(story, {"x": parent}, {"x": child})
    narrows(story, {"x": at_most(2**53)}, {"x": at_most(2**53)})
    widens(story, {"x": at_most(2**53)}, {"x": at_most(2**53 + 1)}, str(2**53 + 1))
    nan = float("nan")
    for code, use in [
        ("value-unsupported", lambda: between(nan, 5)),
        ("value-unsupported", lambda: between(-0.0, 100)),
        ("value-unsupported", lambda: between(0, float("inf"))),
        ("constraint-invalid", lambda: between(5, 0)),
        ("constraint-invalid", lambda: between(False, 5)),
        ("constraint-invalid", lambda: between("0", 5)),  # type: ignore[arg-type]
    ]:
        assert refused(use).code == code
    calls = Calls(story, parent)
    calls.allows([0, 50, 100, 99.5])
    calls.refuses([100.25, 101, -1, -0.5, "50", True, False, None, [50], 2**53 + 1])
    calls.cannot_make([nan, float("inf"), -0.0, 50.0, 2**64])
