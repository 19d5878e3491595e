"""Tests of the constraints on texts: what they accept, and which are refused."""

import random
import re

import pytest

import deputize_reference as ref
from deputize_languages import matches
from deputize_reference import accepts, encode
from deputize_terms import term_of
from deputize_texts import is_public, read_address, read_timestamp


def code_of(raw):
    """The code that a constraint is refused with, or None."""
    try:
        ref.check_constraint(raw)
    except ref.Denied as denied:
        return denied.code
    return None


def url(*hosts, schemes=("https",), ports=None, path=None, public=False):
    made = [12, sorted(schemes, key=encode), sorted(hosts, key=encode), ports, path]
    return [*made, 1] if public else made


V1 = url("api.example.com", ports=[443], path="/v1/**")
LOCAL_SPELLINGS = [
    *("2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]"),
    *("[2002:7f00:1::]", "127。0。0。1", "①②⑦.0.0.1", "127.0.0.1", "[::1]", "169.254.169.254", "2852039166"),
    *("0xa9fea9fe", "[::ffff:a9fe:a9fe]", "localhost", "a.localhost", "a.local", "x.internal", "[fe80::1%25eth0]"),
]

ACCEPTED = [
    ([10, "/data/*"], "/data/a", True),
    ([10, "/data/*"], "/data/a/b", False),  # GLB-01
    ([10, "/data/**"], "/data/../etc/passwd", False),  # GLB-01
    ([10, "/data/**"], "/data/a/b", True),
    ([10, "/data/*"], "/data/", False),
    ([10, "/data/?"], "/data/é", True),
    ([10, "/data/?"], "/data//", False),
    ([10, "*"], "", True),
    ([10, "*"], "a/b", False),
    ([10, "**"], "a/b", True),
    ([10, "**"], "a/../b", False),
    ([10, "**"], "a/. ./b", False),
    ([10, "**"], "a/ /b", True),
    ([10, "**"], "a%2fb", False),
    ([10, "**"], "a\\b", False),
    ([10, "**"], "a\nb", False),
    ([10, "**"], "a\u2024b", False),
    ([10, "**"], "a\u202eb", False),
    ([9, "/"], "/a\u2028b", False),
    ([10, "a*b"], "a*b", True),
    ([10, "a:b"], "a:b", True),
    ([10, "*"], 5, False),
    ([19, "*.key"], "a.txt", True),
    ([19, "*.key"], "a.key", False),
    ([19, "*.key"], "..", False),
    ([19, "/etc/**"], "/data/x", True),
    ([19, "/etc/**"], "/etc/passwd", False),
    ([19, "/etc/**"], "data", False),
    ([19, "*"], None, False),
    ([11, "ok"], "ok", True),
    ([11, "ok"], "ok\n", False),  # GLB-03
    ([11, "ok"], "ok\nevil", False),
    ([11, "ok"], "look", False),
    ([11, "."], "\n", False),
    ([11, "."], "\u2028", True),
    ([11, "\\p{Lu}\\P{Lu}"], "Éé", True),
    ([11, "[^a-c]"], "b", False),
    ([11, "[^a-c\\n]"], "\r", True),
    ([11, "[a-]{2}"], "a-", True),
    ([11, "a{2,}|"], "", True),
    ([11, "a{2,}|"], "a", False),
    ([11, "a{0}b"], "b", True),
    ([11, "(a+)+"], "a" * 1000, True),
    ([11, "(a+)+"], "a" * 1000 + "b", False),
    ([13, "10.0.0.0/8"], "10.1.2.3", True),
    ([13, "10.0.0.0/8"], "11.0.0.0", False),
    ([13, "10.0.0.0/8"], "010.1.2.3", False),
    ([13, "10.0.0.0/8"], "10.1.515", False),
    ([13, "10.0.0.0/8"], "::ffff:10.0.0.1", False),
    ([13, "10.0.0.0/8"], 167837955, False),
    ([13, "::/0"], "10.0.0.1", False),
    ([13, "::/0"], "2001:db8::1", True),
    ([13, "::/0"], "2001:DB8::1", False),
    ([13, "::/0"], "2001:0db8::1", False),
    ([13, "::/0"], "2001:db8:0:0:0:0:0:1", False),
    ([13, "::/0"], "::ffff:a00:1", False),
    ([13, "::/0"], "2001:db8:0:1:1:1:1:1", True),
    ([13, "::/0"], "2001:db8::1:1:1:1:1", False),
    ([13, "fe80::/10"], "fe80::1%eth0", False),
    ([14, ["example.com"]], "a.b+c@example.com", True),
    ([14, ["example.com"]], "a@EXAMPLE.com", True),
    ([14, ["example.com"]], "a@b.example.com", False),
    ([14, ["*.example.com"]], "a@b.example.com", True),
    ([14, ["*.example.com"]], "a@example.com", False),
    ([14, ["*"]], "a@example.com", True),
    *(
        ([14, ["*"]], text, False)
        for text in (
            "a@@b.com",
            ".a@b.com",
            "a..b@b.com",
            '"a"@b.com',
            "a@[1.2.3.4]",
            "a@1.2.3.4",
            "a@b.com\n",
            "a b@c.d",
        )
    ),
    *(
        ([14, ["*"]], text, False)
        for text in ("a@b.com,c@d.com", "a@b.com.", "a@-b.com", "é@b.com", "a@é.com", "a", "@b")
    ),
    ([16, 1, 2], "é", True),
    ([16, 1, 2], "𐍈𐍈", True),
    ([16, 1, 2], "abc", False),
    ([16, 1, 2], [], False),
    ([16, 1, None], [1, 2, 3], True),
    ([16, 0, None], b"a", False),
    ([16, 0, None], {}, False),
    ([18, 5, 10], "1970-01-01T00:00:05Z", True),
    ([18, 5, 10], "1970-01-01T00:00:04.999999999Z", False),
    ([18, 5, 10], "1970-01-01T00:00:10.000000000+00:00", True),
    ([18, 5, 10], "1970-01-01T00:00:10.000000001Z", False),
    ([18, 5, 10], "1970-01-01T01:00:06+01:00", True),
    ([18, 5, 10], "1969-12-31T23:00:06-01:00", True),
    ([18, None, 10], "0000-02-29T00:00:00Z", True),
    ([18, 5, None], "9999-12-31T23:59:59-23:59", True),
    *(
        ([18, 0, None], text, False)
        for text in (
            *(
                "2025-01-01",
                "2025-01-01t00:00:00Z",
                "2025-01-01T00:00:00z",
                "2025-01-01T00:00:00",
                "2025-01-01T24:00:00Z",
            ),
            *(
                "2025-02-29T00:00:00Z",
                "2025-01-01T00:00:60Z",
                "2025-01-01T00:00:00.Z",
                "2025-01-01T00:00:00.0000000000Z",
            ),
            *(
                "2025-01-01T00:00:00-00:00",
                "2025-01-01T00:00:00+24:00",
                "2025-00-01T00:00:00Z",
                "2025-01-01T00:00:00Z ",
            ),
            *("1900-02-29T00:00:00Z", "２025-01-01T00:00:00Z", "2025-01-01T00:00:00+0000", "25-01-01T00:00:00Z"),
        )
    ),
    (V1, "https://api.example.com/v1/x?q=/../#f", True),
    (V1, "https://api.example.com/v1/", True),
    (V1, "https://api.example.com/v1", False),
    (V1, "https://api.example.com:8443/v1/x", False),
    (url("*"), "https://example.com", True),
    (url("*"), "https://example.com?q", False),
    (url("*", ports=[8443]), "https://example.com:8443", True),
    (url("*", path="/*"), "https://example.com", True),
    (url("*", path="/a*"), "https://example.com", False),
    (url("8.8.8.8"), "https://8.8.8.8/", True),
    (url("[2001:4860::8]"), "https://[2001:4860::8]/", True),
    *((url("*"), f"https://{host}/", False) for host in LOCAL_SPELLINGS if host[0] in "0123456789[①"),  # URL-01
    *((url("*", public=True), f"https://{host}/", False) for host in LOCAL_SPELLINGS),
    (url("*", public=True), "https://example.com/", True),
    (url("*", public=True), "https://printer/", False),
    *(
        (url("api.example.com", schemes=["http", "https"]), text, False)  # URL-02, URL-03
        for text in (
            *("http://api.example.com@evil.com/", "http:\\\\evil.com", "http:evil.com", "ht\ntp://evil.com"),
            *("http://api.example.com%2eevil.com", "http://evil.com#@api.example.com/", "http://api.example.com\t/"),
            *(
                "http://api.example.com/\r",
                "http://api.example.com/\n",
                " http://api.example.com/",
                "//api.example.com/",
            ),
            *(
                "http://api.example.com./",
                "http://API.example.com/",
                "http://api.example.com:80/",
                "http://api.example.com:/",
            ),
            *(
                "http://api.example.com:080/",
                "http://api.example.com:0/",
                "http://api.example.com:65536/",
                "api.example.com",
            ),
            *(
                "http://api\u00ad.example.com/",
                "http://api.ⅇxample.com/",
                "http://api.example。com/",
                "HTTP://api.example.com/",
            ),
            *(
                "http://api.example.com/ ",
                "http://api.example.com/é",
                "http://api.example.com/?'",
                "http://u@api.example.com/",
            ),
            *(
                "http://u:p@api.example.com/",
                "http:///api.example.com/",
                "http:/api.example.com/",
                "xn--api.example.com",
            ),
        )
    ),
    (url("xn--bcher-kva.example"), "https://xn--bcher-kva.example/", True),
    (url("*.example.com"), "https://example.com/", False),  # URL-04
    (url("*.example.com"), "https://evilexample.com/", False),
    (url("*.example.com"), "https://a.b.example.com/", True),
    *(
        (url("*", schemes=["http", "https"]), text, False)  # URL-05
        for text in (
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,x",
            "gopher://a.com/",
            "blob:https://a.com/",
            "ws://a.com/",
        )
    ),
    (url("*", schemes=["ws"]), "ws://a.com/", True),
    *(
        (url("*", path="/v1/**"), f"https://a.com{path}", False)  # URL-06
        for path in (
            *("/v1/%2e%2e/admin", "/v1/%2E%2E/admin", "/v1\\..\\admin", "/v1/..;/admin", "/v1/%2F..%2Fadmin", "//v1//"),
            *(
                "/v1/.%2e/",
                "/v1/../admin",
                "/v1/./a",
                "/v1//a",
                "/v1/%5Ca",
                "/v1/%00",
                "/v1/%25",
                "/v1/%c3%a9",
                "/v1/%4",
            ),
        )
    ),
    (url("*", path="/v1/**"), "https://a.com/v1/%C3%A9", True),
    *(
        ([9, "/data"], text, False)  # PTH-01, PTH-02
        for text in (
            *(
                "/database/x",
                "/data/../etc/passwd",
                "data/x",
                "",
                "/",
                "/data//../..",
                "/data/.",
                "~/x",
                "$HOME",
                "/data/\0",
            ),
            *("/data/%2e%2e", "/data/%252e", "/data/..\\", "/data／x", "/data/․․/", "/data/x ", "/data/", "C:/data"),
        )
    ),
    ([9, "/data"], "/data/e\u0301", True),
    ([9, "/data/é"], "/data/e\u0301", False),
    ([9, "/data"], "/data/" + "x" * 5000, True),
]


@pytest.mark.parametrize(("constraint", "value", "expected"), ACCEPTED)
def test_accepted(constraint, value, expected):
    assert code_of(constraint) is None
    assert accepts(constraint, value) is expected


REFUSED = [
    *(
        ([kind, text], "constraint-invalid")
        for kind in (10, 19)
        for text in ("", "[!a]", "[z-a]", "{", "{a,b}", "\\*", "***")
    ),
    *(
        ([10, text], "constraint-invalid")
        for text in ("a%", "a\n", "..", "a/../b", "./*", ". .", "\uff0f", "/a/", "//", "/a:")
    ),
    *(([10, text], None) for text in ("**", "a:b", ".*", "/**", "/", "a//b", "*" + "a*" * 40)),
    ([10, "a" * 500], None),
    ([10, "a" * 501], "too-large"),
    ([10, "é" * 513], "too-large"),
    ([10, 1], "malformed"),
    ([10], "constraint-unknown"),
    *(
        ([11, text], "constraint-invalid")
        for text in (
            *(
                "",
                "^ok$",
                "ok$",
                "a^",
                "(",
                ")",
                "a)",
                "[",
                "]",
                "a]",
                "[]",
                "[^]",
                "[z-a]",
                "[a-c-e]",
                "[--a]",
                "[a--b]",
                "*",
                "a**",
            ),
            *(
                "a*?",
                "a{",
                "a{}",
                "a{,2}",
                "a{2,1}",
                "a{1001}",
                "a{1",
                "}",
                "\\d",
                "\\",
                "\\p{",
                "\\p{Xx}",
                "\\p{Cs}",
                "\\p{Lx}",
            ),
            *("(?:a)", "(?=a)", "\\1", "[\\p{L}-z]", "[a-\\p{L}]", "[[a]]", "\\/", "(" * 33 + ")" * 33),
        )
    ),
    *(
        ([11, text], None)
        for text in ("|", "()", "a|", "[-a]", "[a-]", "[--]", "[-]", "[^-]", "[a^$]", "\\^", "[\\--a]", "a{03}")
    ),
    ([11, "(" * 32 + ")" * 32], None),
    ([11, "a{500}"], None),
    ([11, "a{501}"], "too-large"),
    ([11, "(a{10}){51}"], "too-large"),
    ([11, "a{0,501}"], "too-large"),
    ([11, "a{500,}"], None),
    ([11, "|".join("a" * 512)], "too-large"),
    ([7, [[11, "a{500}"]] * 17], None),
    (url("a.com", schemes=[]), "constraint-invalid"),
    (url("a.com", schemes=["gopher"]), "constraint-invalid"),
    (url("a.com", schemes=["HTTP"]), "constraint-invalid"),
    (url(), "constraint-invalid"),
    *(
        (url(host), "constraint-invalid")
        for host in ("", "A.com", "a.com.", "a..b", "-a.com", "a.1", "*.*", "*a.com", "1.2.3", "::1")
    ),
    *(
        (url(host), "constraint-invalid")
        for host in ("[::ffff:1.2.3.4]", "[::ffff:102:304]", "01.2.3.4", "é.com", "*.1.2.3.4", "*.")
    ),
    *((url(host), None) for host in ("*", "*.com", "localhost", "a_b.c", "1.2.3.4", "[::1]", "1.a", "a" * 253)),
    (url("a" * 254), "constraint-invalid"),
    (url("a.com", ports=[]), "constraint-invalid"),
    (url("a.com", ports=[0]), "constraint-invalid"),
    (url("a.com", ports=[65536]), "constraint-invalid"),
    (url("a.com", ports=["80"]), "malformed"),
    (url("a.com", ports=[443, 80]), "not-canonical"),
    (url("a.com", path=1), "malformed"),
    *(
        (url("a.com", path=path), "constraint-invalid")
        for path in ("", "v1", "/%", "/%2e", "/%2F", "/%c3", "/a/../b", "/***", "//", "/a;", "/é")
    ),
    *((url("a.com", path=path), None) for path in ("/", "/v1/", "/%C3%A9", "/a:b", "/**")),
    ([*url("a.com"), 0], "constraint-unknown"),
    ([*url("a.com"), True], "malformed"),
    ([*url("a.com"), 1, 1], "constraint-unknown"),
    ([12, ["https"], ["a.com"], None], "constraint-unknown"),
    (url("10.0.0.1", public=True), "constraint-invalid"),
    (url("[::1]", public=True), "constraint-invalid"),
    (url("8.8.8.8", public=True), None),
    *(
        ([13, text], "constraint-invalid")
        for text in (
            *(
                "",
                "10.0.0.0",
                "10.0.0.0/",
                "10.0.0.0/33",
                "10.0.0.0/08",
                "10.0.0.1/8",
                "10.0.0/8",
                "010.0.0.0/8",
                "10.0.0.0/8 ",
            ),
            *(
                "::1/64",
                "::/129",
                "2001:DB8::/32",
                "::ffff:0:0/96",
                "::ffff:10.0.0.0/104",
                "10.0.0.0/255.0.0.0",
                "::%1/0",
            ),
        )
    ),
    ([13, 1], "malformed"),
    ([14, []], "constraint-invalid"),
    ([14, ["1.2.3.4"]], "constraint-invalid"),
    ([14, ["b.com", "a.com"]], "not-canonical"),
    ([14, "a.com"], "malformed"),
    ([15, 1], "malformed"),
    ([15, [20]], "constraint-unknown"),
    ([16, 1], "constraint-unknown"),
    ([16, -1, 2], "malformed"),
    ([16, 2, 1], "constraint-invalid"),
    ([16, None, 1], "malformed"),
    ([16, 0.5, 1], "malformed"),
    ([16, 0, None], None),
    ([16, 0, 2**20], None),
    ([16, 0, 2**20 + 1], "constraint-invalid"),
    ([16, 3, 3], None),
    ([17, []], "malformed"),
    ([17, {"a": 1}], "malformed"),
    ([17, {"": [0]}], "claim-invalid"),
    ([17, {"a\n": [0]}], "claim-invalid"),
    ([17, {"*": [-1, [0]]}], "claim-invalid"),
    ([17, {"a": [-1, [0]], "*": [0]}], None),
    ([17, {f"{number:03}": [0] for number in range(257)}], "too-many"),
    ([18, None, None], "constraint-invalid"),
    ([18, 2, 1], "constraint-invalid"),
    ([18, -1, 1], "malformed"),
    ([18, 0, 253402300800], "constraint-invalid"),
    ([18, 0, 0.5], "malformed"),
    ([18, 0, 253402300799], None),
    ([20, 1], "constraint-unknown"),
    ([200], "constraint-unknown"),
]


@pytest.mark.parametrize(("constraint", "code"), REFUSED)
def test_refused(constraint, code):
    assert code_of(constraint) == code


def test_public_addresses():
    for text in ("8.8.8.8", "1.1.1.1", "2606:4700::1", "172.32.0.1"):
        assert is_public(read_address(text))
    for text in (
        "0.0.0.0",
        "100.64.0.1",
        "172.31.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::",
        "::1",
    ):
        assert not is_public(read_address(text))
    for text in (
        "64:ff9b::1",
        "2001::1",
        "2001:db8::1",
        "2002::1",
        "3fff::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "100::1",
    ):
        assert not is_public(read_address(text))


def test_instants():
    assert read_timestamp("1970-01-01T00:00:00Z") == 0
    assert read_timestamp("2000-03-01T00:00:00Z") == 951868800 * 10**9
    assert read_timestamp("9999-12-31T23:59:59.5Z") == 253402300799 * 10**9 + 5 * 10**8


# Two ways to read a text agree.


def some_pattern(source, depth=0):
    kind = source.randint(0, 7)
    if depth > 3 or kind < 3:
        return source.choice(["a", "b", "[^\\n]", "[ab]", "[^a\\n\\r]", "\\.", "/", "[a-c]"])
    first, second = some_pattern(source, depth + 1), some_pattern(source, depth + 1)
    tail = source.choice(["*", "+", "?", "{2}", "{1,3}", "{2,}"])
    return [first + second, f"({first}|{second})", f"({first}){tail}", first][kind % 4]


def test_regexes_match_as_in_python():
    source = random.Random(5)
    for _ in range(400):
        pattern = some_pattern(source)
        for _ in range(6):
            text = "".join(source.choice("abc/.\n") for _ in range(source.randint(0, 6)))
            assert accepts([11, pattern], text) == (re.fullmatch(pattern, text) is not None), (pattern, text)


def test_terms_hold_the_texts_that_are_accepted():
    source = random.Random(6)
    globs = ["*", "**", "a*", "/a/**", "/*/b", "?", "a/**/b", "/**", "*.b"]
    constraints = [[kind, pattern] for kind in (10, 19) for pattern in globs]
    constraints += [[9, root] for root in ("/", "/a", "/a/b")] + [[14, ["*.b"]], [14, ["*"]], [14, ["a", "b.a"]]]
    terms = [term_of(constraint) for constraint in constraints]
    found = 0
    for _ in range(300):
        text = "".join(source.choice("ab/. *%@") for _ in range(source.randint(0, 7)))
        text = source.choice([text, "/" + text, text + "@b.a"])
        for constraint, term in zip(constraints, terms):
            assert matches(term, text) == accepts(constraint, text), (constraint, text)
            found += accepts(constraint, text)
    assert found > 300
