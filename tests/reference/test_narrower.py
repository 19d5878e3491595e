"""Tests of narrowing and meet, beyond those that the vectors hold: pairs of constraints, and random ones."""

import itertools
import random

import pytest

import deputize_reference as ref
from deputize_constraints import CIDR, TIME_WINDOW, URL
from deputize_meet import meet, meet_arguments, meet_tools
from deputize_narrower import find_counterexample, leaves, narrower_by_rules, refutes, scalars
from deputize_reference import accepts, encode, narrower


def url(*hosts, schemes=("https",), ports=None, path=None, public=False):
    made = [12, sorted(schemes, key=encode), sorted(hosts, key=encode), ports, path]
    return [*made, 1] if public else made


# (parent, child, narrower, and the other way round)
TEXTS = [
    ([10, "/data/**"], [10, "/data/*"], True, False),  # CHN-12
    ([10, "*"], [10, "*.pdf"], True, False),
    ([10, "a*c"], [10, "a?c"], True, False),
    ([10, "a*"], [10, "a*b*"], True, False),
    ([10, "**"], [10, "*"], True, False),
    ([10, "/**"], [9, "/data"], True, False),
    ([9, "/"], [10, "/**"], True, True),
    ([9, "/data"], [8, [[10, "/data"], [10, "/data/**"]]], True, True),
    ([10, "**"], [9, "/data"], True, False),
    ([11, "[a-c]x"], [11, "[ab]x"], True, False),
    ([11, "a|b|c"], [11, "[a-c]"], True, True),
    ([11, "(a|b)*"], [11, "(a*b*)*"], True, True),
    ([11, "(aa)*|a(aa)*"], [11, "a*"], True, True),
    ([11, "\\p{L}*"], [11, "\\p{Lu}+"], True, False),
    ([11, "(.|\n|\r)*"], [19, "a"], True, False),
    ([19, "b*"], [11, "[ac]+"], True, False),
    ([8, [[19, "/a/**"], [10, "/a/**"]]], [9, "/"], True, True),
    ([8, [[19, "a*"], [11, ".*"]]], [11, "ab*"], True, False),
    ([7, [[11, ".*"], [19, "b*"]]], [11, "a[b-z]*"], True, False),
    ([4, ["b"]], [3, ["a"]], True, False),
    ([3, ["a", "b"]], [4, ["b"]], False, False),  # CHN-11
    ([4, ["a"]], [4, ["b"]], False, False),
    ([1, "a"], [10, "a"], True, True),
    ([1, "a"], [11, "a.*"], False, True),
    ([2, 0, 5], [0], False, True),
    ([3, ["b", "ab"]], [11, "a?b"], True, True),
    ([16, 1, 3], [11, "a{1,3}"], True, False),
    ([16, 0, 2**20], [16, 5, 2**19], True, False),
    ([16, 2**20, None], [11, "a*b"], False, False),
    ([11, "(.|\n|\r){3}"], [7, [[11, ".*"], [16, 3, 3]]], True, False),
    ([13, "10.0.0.0/8"], [13, "10.2.0.0/16"], True, False),
    ([13, "::/0"], [13, "10.0.0.0/8"], False, False),
    ([13, "10.0.0.0/8"], [7, [[13, "10.0.0.0/8"], [13, "11.0.0.0/8"]]], True, False),
    ([11, "10\\.[0-9.]*"], [13, "10.0.0.0/8"], True, False),
    ([13, "0.0.0.0/0"], [11, "10\\.0\\.0\\.1"], False, False),
    ([13, "0.0.0.0/0"], [1, "10.0.0.1"], True, False),
    ([18, 0, 100], [18, 5, 10], True, False),
    ([18, 0, 100], [18, None, 10], False, False),
    ([18, 0, None], [18, 0, 253402300799], True, False),
    ([11, "[0-9TZ:.+-]*"], [18, 0, 1], True, False),
    ([14, ["*.example.com"]], [14, ["a.example.com"]], True, False),
    ([14, ["*"]], [14, ["*.com", "a.org"]], True, False),
    ([14, ["a.com"]], [11, "[a-z]+@a\\.com"], True, False),
    ([14, ["a.com"]], [11, "[a-z]+@A\\.COM"], True, False),
    (url("x.example.com"), url("*.example.com"), False, True),  # URL-04
    (url("*"), url("*.example.com"), True, False),
    (url("*"), url("8.8.8.8"), False, False),
    (url("*", public=True), url("*.local"), False, False),
    (url("*", public=True), url("*.example.com"), True, False),
    (url("*"), url("*", public=True), True, False),
    (url("*", schemes=["http", "https"]), url("*"), True, False),
    (url("*"), url("*", ports=[443]), True, False),
    (url("*", path="/v1/**"), url("*", path="/v1/*"), True, False),
    (url("*", path="/**"), url("*"), True, True),
    ([11, "https://.*"], url("*"), True, False),
    (url("*"), [11, "https://a\\.com/"], False, False),
    (url("*"), [1, "https://a.com/"], True, False),
    ([9, "/data"], [9, "/data/x"], True, False),
    ([9, "/data"], [9, "/database"], False, False),
]


NUMBERS = [
    ([8, [[2, 0, 5], [2, 5, 9]]], [2, 0, 9], True, True),
    ([8, [[2, 0, 5, 2], [2, 5, 9, 1]]], [2, 0, 9], False, True),
    ([8, [[2, 0, 5, 2], [2, 5, 9, 1], [1, 5]]], [2, 0, 9], True, True),
    ([8, [[2, 0, 1], [2, 2, 3]]], [2, 0, 3], False, True),
    ([8, [[2, 0, 2**53], [2, 2**53 + 1, None]]], [2, 0, None], True, True),
    ([8, [[2, 0, 2**52 - 1], [2, 2**52, None]]], [2, 0, None], False, True),
    ([2, 0, 5], [2, 0, 5e-324, 3], True, False),
    ([3, []], [2, 2**53, 2**53 + 1, 3], True, True),
    ([3, []], [2, 0, 5e-324, 3], True, True),
    ([2, -(2**63), 2**63 - 1], [2, None, 0], True, False),
    ([2, -(2**63), 2**63 - 1], [2, None, 2**63 - 1], True, True),
    ([2, 0, 100], [2, 0, 100.5], False, True),  # CHN-14
    ([2, 0, 100, 3], [2, 0, 100], False, True),
    ([2, 0, 2**53], [2, 0, 2**53 + 1], False, True),
    ([7, [[2, 0, 9], [4, [0]]]], [2, 0, 9, 1], True, True),
    ([3, [0, 1]], [7, [[2, 0, 1], [8, [[2, None, 0], [2, 1, None]]]]], True, True),
    ([4, [True]], [2, 0, 1], True, False),
    ([8, [[4, [b"a"]], [4, [b"b"]]]], [0], True, True),
    ([8, [[4, [[1]]], [4, [{"a": 1}]]]], [0], True, True),
    ([4, [None]], [7, [[4, [None]], [4, [True]]]], True, False),
]

STRUCTURES = [
    ([15, [2, 0, 9]], [6, [1, 2]], True, False),
    ([6, [1, 2]], [15, [3, [1]]], True, False),
    ([15, [2, 0, 9]], [15, [2, 1, 2]], True, False),
    ([15, [0]], [5, [1]], True, False),
    ([15, [7, [[2, 0, 9], [4, [3]]]]], [7, [[15, [2, 0, 9]], [15, [4, [3]]]]], True, True),
    ([15, [1, 1]], [7, [[16, 0, 0], [15, [0]]]], True, False),
    ([5, [1]], [7, [[5, [1]], [6, [1, 2]]]], True, False),
    ([5, [1, 2]], [7, [[5, [1]], [5, [2]]]], True, True),
    ([7, [[16, 2, None], [15, [0]]]], [5, [1, 2]], True, False),
    ([3, []], [7, [[5, [1, 2]], [16, 0, 1]]], True, True),
    ([3, []], [7, [[5, [1]], [6, [2]]]], True, True),
    ([16, 1, 3], [7, [[16, 0, 3], [16, 1, 9]]], True, True),
    ([8, [[5, [1]], [5, [2]]]], [7, [[8, [[5, [1]], [5, [2]]]], [16, 0, 5]]], True, False),
    ([17, {"a": [2, 0, 9]}], [17, {"a": [1, 1]}], True, False),
    ([17, {"a": [0]}], [17, {"a": [-1, [0]]}], False, True),
    ([17, {}], [17, {"a": [1, 1]}], True, False),
    ([17, {"*": [2, 0, 9]}], [17, {"a": [1, 1], "*": [2, 1, 2]}], True, False),
    ([17, {"a": [1, 1]}], [7, [[17, {"a": [0]}], [17, {"a": [1, 1]}]]], True, True),
    ([17, {"a": [17, {"b": [10, "*"]}]}], [17, {"a": [17, {"b": [10, "x"]}]}], True, False),
    ([17, {"a": [0]}], [3, [{"a": 1}]], True, False),
    ([17, {"a": [1, 1]}], [3, [{"a": 1, "b": 2}]], False, False),
    ([8, [[17, {"a": [1, 1]}], [17, {"a": [1, 2]}]]], [8, [[17, {"a": [1, 2]}], [1, {"a": 1}]]], True, False),
    ([0], [7, [[15, [0]], [17, {}]]], True, False),
    ([3, []], [7, [[15, [0]], [17, {}]]], True, True),
]


@pytest.mark.parametrize(("parent", "child", "down", "up"), TEXTS + NUMBERS + STRUCTURES)
def test_pairs(parent, child, down, up):
    ref.check_constraint(parent)
    ref.check_constraint(child)
    assert (narrower(parent, child), narrower(child, parent)) == (down, up)
    for one in (parent, child):
        assert narrower(one, one)
        assert narrower(one, [7, [[4, ["x"]], one]])
        assert narrower([8, [one, [1, 7]]], one)


# Random constraints


EXAMPLES = ["a", "b", "/a", "/a/b", "ab", 1, None, [1], {"a": 1}, 2.5]
LEAVES = [
    *([10, text] for text in ("*", "a*", "**", "/a/**", "/**", "?", "*b")),
    *([19, text] for text in ("a*", "/a/**", "**b")),
    *([11, text] for text in ("a*", "[ab]+", "/.*", "a|b", ".{2}", "(ab?)*")),
    *([[9, "/"], [9, "/a"], [0], [2, 0, 3], [2, 1, None, 1], [5, [1]], [6, [1, 2]], [15, [2, 0, 2]], [16, 1, 2]]),
    *([[16, 0, None], [13, "10.0.0.0/8"], [13, "10.0.0.0/9"], [13, "::/0"], [18, 0, 20], [18, 10, None], [14, ["*"]]]),
    *([[17, {}], [17, {"a": [2, 0, 2]}], [17, {"a": [-1, [1, 1]], "*": [0]}], url("*"), url("a.b", path="/*")]),
]
VALUES = [
    *(None, True, False, 0, 1, 2, 3, 2.5, 0.5, 5, b"", b"a", [], [1], [1, 2], [1, 1, 3], ["a"], {}, {"a": 1}),
    *({"b": 1}, {"a": 1, "b": 2}, "10.0.0.1", "10.200.0.1", "::1", "1970-01-01T00:00:15Z", "a@b", "https://a.b/x"),
    *("".join(text) for size in range(5) for text in itertools.product("ab/", repeat=size)),
]


def some(source, depth=0):
    kind = source.randrange(10)
    if depth < 3 and kind < 3:
        return [source.choice([7, 8]), [some(source, depth + 1) for _ in range(source.randint(1, 3))]]
    if kind < 5:
        return [source.choice([3, 4]), sorted(source.sample(EXAMPLES, source.randint(1, 4)), key=encode)]
    return source.choice(LEAVES)


def some_pair(source):
    parent, child = some(source), some(source)
    if source.random() < 0.3:
        child = [7, [parent, child]]
    if source.random() < 0.3:
        parent = [8, [parent, some(source)]]
    return parent, child


def test_narrower_is_sound_and_shows_why_not():
    source = random.Random(12)
    answers, shown = [], 0
    for _ in range(1500):
        parent, child = some_pair(source)
        answer = narrower(parent, child)
        answers.append(answer)
        refuted = [value for value in VALUES if refutes(parent, child, value)]
        assert not (answer and refuted), (parent, child, refuted[0])
        if answer or any(refutes(parent, child, value) for value in scalars(parent, child)):
            continue
        text = find_counterexample(parent, child)
        if text is None:
            assert not all(narrower_by_rules(parent, child, kind) for kind in (list, dict))
        elif not {leaf[0] for side in (parent, child) for leaf in leaves(side)} & {CIDR, TIME_WINDOW, URL}:
            assert refutes(parent, child, text), (parent, child, text)
            shown += 1
    assert 300 < sum(answers) < 1200
    assert shown > 100


def test_meet_accepts_what_both_do():
    source = random.Random(13)
    for _ in range(300):
        first, second = some_pair(source)
        both = meet(first, second)
        for value in VALUES:
            expected = accepts(first, value) and accepts(second, value)
            assert accepts(both, value) == expected, (first, second, both, value)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([2, 0, 9], [2, 5, None, 1], [2, 5, 9, 1]),
        ([2, 0, 4], [2, 5, None], [3, []]),
        ([3, [1, 2]], [2, 2, None], [3, [2]]),
        ([16, 0, 4], [16, 2, None], [16, 2, 4]),
        ([18, 0, 4], [18, 5, None], [3, []]),
        ([5, [1]], [5, [2]], [5, [1, 2]]),
        ([4, [1]], [4, [2]], [4, [1, 2]]),
        ([6, [1, 2]], [6, [2, 3]], [6, [2]]),
        ([9, "/a"], [9, "/b"], [3, []]),
        ([9, "/a"], [9, "/a/b"], [9, "/a/b"]),
        ([13, "10.0.0.0/8"], [13, "11.0.0.0/8"], [3, []]),
        ([15, [2, 0, 5]], [15, [2, 1, 9]], [15, [2, 1, 5]]),
        ([17, {"a": [2, 0, 5]}], [17, {"a": [2, 1, 9]}], [17, {"a": [2, 1, 5]}]),
        ([17, {"a": [0]}], [17, {"b": [0]}], [3, []]),
        ([17, {"a": [-1, [0]]}], [17, {"b": [-1, [0]]}], [17, {"*": [3, []]}]),
        ([8, [[2, 0, 4], [2, 20, 30]]], [2, 2, 9], [2, 2, 4]),
        ([10, "a*"], [10, "*b"], [7, [[10, "a*"], [10, "*b"]]]),
    ],
)
def test_meet(first, second, expected):
    assert meet(first, second) == expected


def test_meet_of_tools():
    first = {"read": {"a": [2, 0, 5]}, "write": {}, "send": {"a": [0]}}
    second = {"read": {"*": [2, 1, 9]}, "erase": {}, "send": {"b": [0]}}
    assert meet_tools(first, second) == {"read": {"a": [2, 1, 5]}}
    assert meet_arguments({}, {"a": [-1, [0]]}) == {"a": [-1, [0]]}
