"""Tests of constraints in the reference verifier: decoding, checking, narrowing, meet."""

import random

import pytest

import deputize_reference as ref
from deputize_reference import accepts, encode, narrower, narrower_arguments


def refused(code, raw):
    with pytest.raises(ref.Denied) as caught:
        ref.check_constraint(raw)
    assert caught.value.code == code


def test_accepts():
    assert accepts([1, 1], 1)
    assert not accepts([1, 1], True)
    assert not accepts([3, [1]], True)
    assert accepts([2, 1, None], 1.5)
    assert not accepts([2, 0, 1], True)
    assert not accepts([2, 1, 2, 1], 1)
    assert not accepts([2, None, 9007199254740992.5 - 1], 9007199254740992)
    assert not accepts([3, []], None)
    assert accepts([4, [1]], True)
    assert accepts([5, [1]], [2, 1, 1])
    assert not accepts([5, [1]], [True])
    assert accepts([6, [1]], [])
    assert accepts([7, [[2, 0, None], [2, None, 5]]], 3)
    assert accepts([8, [[1, 1], [1, "x"]]], "x")
    assert accepts([9, "/data"], "/data/x")
    assert accepts([9, "/"], "/")
    for path in ("/database", "/data/", "/data//x", "/data/../x", "/data/%2e", "/data/x.", "data", "/data/a:b", 7):
        assert not accepts([9, "/data"], path)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ([], "constraint-unknown"),
        ([20, 1], "constraint-unknown"),
        ([-1, [0]], "constraint-unknown"),
        ([True], "malformed"),
        (["any"], "malformed"),
        ([0, 1], "constraint-unknown"),
        ([1], "constraint-unknown"),
        ([2, 1, 2, 0], "constraint-unknown"),
        ([2, 1, 2, 4], "constraint-unknown"),
        ([2, None, None], "constraint-invalid"),
        ([2, 2, 1], "constraint-invalid"),
        ([2, 1, 1, 1], "constraint-invalid"),
        ([2, None, 1, 1], "constraint-invalid"),
        ([2, False, 1], "malformed"),
        ([2, "a", "b"], "malformed"),
        ([3, 1], "malformed"),
        ([7, [1]], "malformed"),
        ([2, 1, 2**63], "malformed"),
        ([4, []], "constraint-invalid"),
        ([5, []], "constraint-invalid"),
        ([3, [2, 1]], "not-canonical"),
        ([3, [1, 1]], "not-canonical"),
        ([7, []], "constraint-invalid"),
        ([8, [[20]]], "constraint-unknown"),
        ([9, "data"], "constraint-invalid"),
        (5, "malformed"),
    ],
)
def test_constraint_rules(raw, code):
    refused(code, raw)


def test_depth_of_constraints():
    def nested(levels, inner):
        return inner if levels == 1 else [7, [nested(levels - 1, inner)]]

    ref.check_constraint(nested(8, [3, [1]]))
    ref.check_constraint(nested(8, [1, [1]]))
    deep = 1
    for _ in range(16):
        deep = [deep]
    ref.check_constraint(nested(8, [1, deep]))
    refused("too-deep", nested(1, [1, [deep]]))
    refused("too-deep", nested(9, [0]))


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ([0], [4, [1]], True),
        ([1, 1], [0], False),
        ([3, [1, 2]], [1, 1], True),
        ([3, [1, 2]], [1, True], False),
        ([2, 0, 9], [3, [1, 2]], True),
        ([2, 0, 9], [2, 0, 9, 1], True),
        ([2, 0, 9, 1], [2, 0, 9], False),
        ([2, 0, 9, 1], [2, 0.5, 9], True),
        ([2, 0, None], [2, None, 9], False),
        ([1, 5], [2, 5, 5], True),
        ([4, [1]], [2, 2, 9], True),
        ([4, [1]], [2, 0, 9], False),
        ([4, [1, 2]], [4, [1, 2, 3]], True),
        ([4, [1, 2, 3]], [4, [1]], False),
        ([5, [1]], [5, [1, 2]], True),
        ([5, [1, 2]], [5, [1]], False),
        ([6, [1, 2]], [6, [1]], True),
        ([6, [1]], [6, [1, 2]], False),
        ([9, "/a"], [9, "/a/b"], True),
        ([9, "/a"], [9, "/ab"], False),
        ([9, "/a"], [7, [[9, "/"], [9, "/a/b"]]], True),
        ([2, 0, 9], [7, [[2, -5, 9], [2, 0, 50]]], True),
        ([1, "x"], [7, [[2, 0, 1], [2, 2, 3]]], True),
        ([1, "x"], [7, [[3, [1, "x"]], [4, [1]]]], True),
        ([3, ["x"]], [7, [[0], [7, [[1, "x"]]]]], True),
        ([5, [1, 2]], [7, [[5, [1]], [5, [2]]]], True),
        ([6, [1]], [7, [[6, [1, 2]], [6, [1, 3]]]], True),
        ([8, [[2, 0, 9], [9, "/a"]]], [9, "/a/b"], True),
        ([8, [[2, 0, 5], [2, 5, 9]]], [2, 0, 9], True),
        ([8, [[2, 0, 9], [9, "/a"]]], [8, [[2, 1, 2], [9, "/a/b"]]], True),
        ([7, [[2, 0, 9], [4, [3]]]], [2, 4, 9], True),
        ([7, [[2, 0, 9], [4, [3]]]], [2, 1, 9], False),
    ],
)
def test_narrower(parent, child, expected):
    assert narrower(parent, child) is expected


def test_narrower_is_sound_on_random_constraints():
    source = random.Random(11)
    values = [None, True, False, 0, 1, 2, 3, 0.5, "x", "/a", "/a/b", [], [1], [1, 2], [True]]

    def some():
        return sorted(source.sample(values[:9], source.randint(1, 3)), key=encode)

    def make(depth=0):
        kind = source.randrange(10 if depth < 2 else 7)
        if kind == 0:
            return [0]
        if kind == 1:
            return [1, source.choice(values)]
        if kind == 2:
            low, high = sorted(source.sample([0, 0.5, 1, 2, 3], 2))
            return source.choice([[2, low, high], [2, low, high, source.randint(1, 3)], [2, low, None]])
        if kind in (7, 8):
            return [kind, [make(depth + 1) for _ in range(source.randint(1, 3))]]
        return [9, source.choice(["/", "/a", "/a/b"])] if kind == 9 else [kind, some()]

    positive = 0
    for _ in range(20000):
        parent, child = make(), make()
        assert narrower(child, child)
        if narrower(parent, child):
            positive += 1
            assert all(accepts(parent, value) for value in values if accepts(child, value)), (parent, child)
        if parent[0] not in (7, 8):
            assert narrower(parent, [7, [parent, child]]), (parent, child)
    assert positive > 2000


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ({}, {"a": [1, 1]}, True),
        ({"a": [1, 1]}, {}, False),
        ({"a": [0]}, {"a": [1, 1]}, True),
        ({"a": [0]}, {"a": [-1, [1, 1]]}, False),
        ({"a": [-1, [0]]}, {}, False),
        ({"a": [-1, [0]]}, {"b": [0]}, False),
        ({"a": [-1, [0]], "*": [0]}, {"b": [0]}, True),
        ({"a": [-1, [1, 1]], "*": [0]}, {"b": [0], "*": [0]}, False),
        ({"a": [-1, [1, 1]], "*": [0]}, {"b": [0], "*": [1, 1]}, True),
        ({"a": [1, 1], "*": [0]}, {"*": [1, 1]}, False),
        ({"a": [0]}, {"a": [0], "*": [0]}, False),
        ({"a": [0]}, {"a": [0], "b": [-1, [0]]}, False),
        ({"*": [2, 0, 9]}, {"b": [-1, [1, 1]]}, True),
    ],
)
def test_narrower_arguments(parent, child, expected):
    assert narrower_arguments(parent, child) is expected
