"""The reference's store, by store.md."""

import pytest

from deputize_store import MemoryStore

A, B = b"a", b"b"


def spend(key, amount, limit=10, expires=60, since=1000):
    return "spend", key, amount, limit, expires, since


def test_a_transaction_is_all_or_nothing_and_judged_in_order():
    store = MemoryStore()
    assert store.commit([("claim", A, 60, 1000), spend(B, 11)], 1000) == ("refused", 1)
    assert store.commit([("claim", A, 60, 1000), spend(B, 10)], 1000) is True
    assert store.commit([spend(B, 1), ("claim", A, 60, 1000)], 1000) == ("refused", 0)
    assert store.commit([("claim", A, 60, 1000), spend(B, 1)], 1000) == ("refused", 0)


def test_a_claim_is_forgotten_when_it_expires():
    store = MemoryStore(capacity=1)
    assert store.commit([("claim", A, 60, 1000)], 1000) is True
    assert store.commit([("claim", A, 60, 1000)], 59_999) == ("refused", 0)
    assert store.commit([("claim", B, 60, 1000)], 59_999) == "full"
    assert store.commit([("claim", B, 90, 1000)], 60_000) is True


def test_a_mark_lives_as_long_as_the_longest():
    store = MemoryStore()
    assert store.commit([("absent", A, 1)], 1000) is True
    for expires in (90, 30):
        assert store.commit([("mark", A, expires)], 1000) is True
    assert store.commit([("absent", A, 1)], 89_999) == ("refused", 0)
    assert store.commit([("absent", A, 1)], 90_000) is True


def test_a_refund_gives_back_and_never_more():
    store = MemoryStore()
    assert store.commit([("refund", A, 5)], 1000) is True
    assert store.commit([spend(A, 10)], 1000) is True
    assert store.commit([("refund", A, 11)], 1000) is True
    assert store.commit([spend(A, 11)], 1000) == ("refused", 0)
    assert store.commit([spend(A, 10)], 1000) is True


@pytest.mark.parametrize("since", [1, 4999])
def test_what_is_older_than_the_store_is_not_claimed_or_counted(since):
    store = MemoryStore(created_ms=5000)
    assert store.commit([("absent", A, since), ("claim", A, 60, since)], 5000) == ("predates", 1)
    assert store.commit([spend(A, 1, since=since)], 5000) == ("predates", 0)
    assert store.commit([("claim", A, 60, 5000), spend(B, 1, since=5000)], 5000) is True


def test_nothing_that_was_forgotten_is_taken_for_new_when_the_clock_is_behind():
    store = MemoryStore()
    assert store.commit([("claim", A, 60, 1)], 1000) is True
    assert store.commit([], 60_000) is True
    assert store.commit([("claim", A, 60, 1)], 59_000) == ("predates", 0)
    assert store.commit([("claim", A, 61, 1)], 59_000) is True
