//! What is counted and claimed: proofs, approvals, budgets, revocations, closed sessions. One atomic operation; a bounded default in memory.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Mutex;

use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result};

/// The script by which a server of Redis commits; its first lines say what it is given and what it answers. `RedisStore`, here and in Python and
/// Node, runs these bytes.
pub const COMMIT_SCRIPT: &str = include_str!("store/commit.lua");

/// The longest key, in bytes.
const MAX_KEY: usize = 96;

/// A name in a store: a letter that says what it is about, then parts of fixed size, so that no two things share one.
#[derive(Clone, Copy)]
pub struct StoreKey {
    length: u8,
    bytes: [u8; MAX_KEY],
}

impl StoreKey {
    pub(crate) fn new(letter: u8, parts: &[&[u8]]) -> Self {
        let mut key = StoreKey { length: 1, bytes: [0; MAX_KEY] };
        key.bytes[0] = letter;
        for part in parts {
            let start = usize::from(key.length);
            key.bytes[start..start + part.len()].copy_from_slice(part);
            key.length += part.len() as u8;
        }
        key
    }

    /// A key of these bytes, for the tests of a store: those of a verifier are in the specification's store.md. `config-invalid` unless they are 1
    /// to 96.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        match bytes {
            [letter, rest @ ..] if bytes.len() <= MAX_KEY => Ok(StoreKey::new(*letter, &[rest])),
            _ => Err(Error::about(Code::ConfigInvalid, "a key of a store has 1 to 96 bytes")),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl PartialEq for StoreKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for StoreKey {}

impl Hash for StoreKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoreKey({})", crate::id::hex(self.as_bytes()))
    }
}

/// One step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The key must not be there, and is there afterwards until `expires`. `since` is when the thing that is claimed was made.
    Claim {
        /// What is claimed.
        key: StoreKey,
        /// Until when.
        expires: Timestamp,
        /// When it was made.
        since: Now,
    },
    /// The key must not have been marked. `since` is when the thing that the mark would be about was made.
    Absent {
        /// What must not be marked.
        key: StoreKey,
        /// When it was made.
        since: Now,
    },
    /// The key is marked afterwards, until `expires` at least. Never refuses.
    Mark {
        /// What is marked.
        key: StoreKey,
        /// Until when.
        expires: Timestamp,
    },
    /// The counter and `amount` together must not be above `limit`; the counter is higher by `amount` afterwards, until `expires` at least.
    Spend {
        /// The counter.
        key: StoreKey,
        /// How much.
        amount: u64,
        /// The most that the counter may reach.
        limit: u64,
        /// Until when it is counted.
        expires: Timestamp,
        /// When the budget was made.
        since: Now,
    },
    /// The counter is lower by `amount` afterwards, and not below 0. Never refuses.
    Refund {
        /// The counter.
        key: StoreKey,
        /// How much.
        amount: u64,
    },
}

impl Operation {
    /// The key that it is about.
    #[must_use]
    pub const fn key(&self) -> &StoreKey {
        match self {
            Operation::Claim { key, .. }
            | Operation::Absent { key, .. }
            | Operation::Mark { key, .. }
            | Operation::Spend { key, .. }
            | Operation::Refund { key, .. } => key,
        }
    }
}

/// The answer to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it happened.
    Committed,
    /// Nothing happened: the operation at this index, the first that does, refuses.
    Refused(usize),
    /// Nothing happened: what the operation at this index is about is older than the store's memory.
    Predates(usize),
    /// Nothing happened: there is no room. Nothing that is still valid was dropped.
    Full,
    /// The store does not answer.
    Unavailable,
}

/// Remembers what was claimed, marked and spent until it expires. For several processes, or to survive a restart, put it on a store that
/// they share.
pub trait Store: Send + Sync {
    /// All of the operations or none, in one atomic step: of several transactions that claim one key, exactly one is committed. The operations are
    /// judged in their order.
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome;
}

/// A bounded store in memory, for one process. Full, it refuses. It does not remember what was before it: claims and budgets from before are
/// refused, marks are gone.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: usize,
    created: Now,
    state: Mutex<State>,
}

impl MemoryStore {
    /// How many keys it holds unless told otherwise: more than a thousand calls a second, each remembered for a minute.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// A store that begins now. `config-invalid` for a capacity of 0.
    pub fn new(capacity: usize, created: Now) -> Result<Self> {
        if capacity == 0 {
            return Err(Error::about(Code::ConfigInvalid, "a store without room"));
        }
        Ok(MemoryStore { capacity, created, state: Mutex::default() })
    }

    /// How many keys it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().map_or(self.capacity, |state| state.len())
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Store for MemoryStore {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        // A lock that a panic poisoned is a store that does not answer.
        let Ok(mut state) = self.state.lock() else { return Outcome::Unavailable };
        state.forget_until(now.secs());
        let created = self.created;
        for (at, operation) in transaction.iter().enumerate() {
            match operation {
                // The entry that would refuse it may be lost: with what was before the store, or because another verifier's clock is ahead.
                Operation::Claim { since, expires, .. } | Operation::Spend { since, expires, .. }
                    if *since < created || expires.secs() <= state.forgotten =>
                {
                    return Outcome::Predates(at);
                }
                operation if !state.allows(operation) => return Outcome::Refused(at),
                _ => {}
            }
        }
        let new = transaction.iter().filter(|operation| state.grows_by(operation)).count();
        if state.len() + new > self.capacity {
            return Outcome::Full;
        }
        transaction.iter().for_each(|operation| state.apply(operation));
        Outcome::Committed
    }
}

#[derive(Debug, Default)]
struct State {
    /// The latest time at which it was asked: what expired by then is not there any more.
    forgotten: u64,
    claims: Expiring<()>,
    marks: Expiring<()>,
    counters: Expiring<u64>,
}

impl State {
    fn len(&self) -> usize {
        self.claims.entries.len() + self.marks.entries.len() + self.counters.entries.len()
    }

    fn forget_until(&mut self, now: u64) {
        self.forgotten = now.max(self.forgotten);
        self.claims.forget_until(now);
        self.marks.forget_until(now);
        self.counters.forget_until(now);
    }

    fn allows(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Claim { key, .. } => self.claims.get(key).is_none(),
            Operation::Absent { key, .. } => self.marks.get(key).is_none(),
            Operation::Spend { key, amount, limit, .. } => {
                self.counters.get(key).unwrap_or_default().checked_add(*amount).is_some_and(|total| total <= *limit)
            }
            Operation::Mark { .. } | Operation::Refund { .. } => true,
        }
    }

    fn grows_by(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Claim { .. } => true,
            Operation::Mark { key, .. } => self.marks.get(key).is_none(),
            Operation::Spend { key, .. } => self.counters.get(key).is_none(),
            Operation::Absent { .. } | Operation::Refund { .. } => false,
        }
    }

    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Claim { key, expires, .. } => self.claims.put(key, (), expires.secs()),
            Operation::Mark { key, expires } => self.marks.put(key, (), expires.secs()),
            Operation::Spend { key, amount, expires, .. } => {
                let total = self.counters.get(&key).unwrap_or_default().saturating_add(amount);
                self.counters.put(key, total, expires.secs());
            }
            Operation::Refund { key, amount } => {
                if let Some((count, _)) = self.counters.entries.get_mut(&key) {
                    *count = count.saturating_sub(amount);
                }
            }
            Operation::Absent { .. } => {}
        }
    }
}

/// Entries that are forgotten when they expire. An entry that is put again lives as long as the longest that it was given.
#[derive(Debug)]
struct Expiring<V> {
    entries: HashMap<StoreKey, (V, u64)>,
    by_expiry: BTreeMap<u64, Vec<StoreKey>>,
}

impl<V> Default for Expiring<V> {
    fn default() -> Self {
        Expiring { entries: HashMap::new(), by_expiry: BTreeMap::new() }
    }
}

impl<V: Copy> Expiring<V> {
    fn get(&self, key: &StoreKey) -> Option<V> {
        if self.entries.is_empty() { None } else { self.entries.get(key).map(|(value, _)| *value) }
    }

    fn put(&mut self, key: StoreKey, value: V, expires: u64) {
        let entry = self.entries.entry(key).or_insert((value, 0));
        entry.0 = value;
        if expires > entry.1 {
            entry.1 = expires;
            self.by_expiry.entry(expires).or_default().push(key);
        }
    }

    fn forget_until(&mut self, now: u64) {
        while let Some(due) = self.by_expiry.first_entry()
            && *due.key() <= now
        {
            for key in due.remove() {
                if self.entries.get(&key).is_some_and(|(_, expires)| *expires <= now) {
                    self.entries.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> StoreKey {
        StoreKey::new(b'p', &[&[n; 48]])
    }

    fn at(secs: u64) -> Now {
        Now::from_millis(secs * 1000).unwrap()
    }

    fn until(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs).unwrap()
    }

    fn claim(n: u8, expires: u64) -> Operation {
        Operation::Claim { key: key(n), expires: until(expires), since: at(1) }
    }

    fn spend(n: u8, amount: u64, limit: u64) -> Operation {
        Operation::Spend { key: key(n), amount, limit, expires: until(60), since: at(1) }
    }

    fn store(capacity: usize) -> MemoryStore {
        MemoryStore::new(capacity, at(1)).unwrap()
    }

    #[test]
    fn a_full_store_refuses_new_keys_and_forgets_none_before_it_expires() {
        let store = store(2);
        assert_eq!(store.commit(&[claim(1, 60)], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[claim(2, 61)], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[claim(3, 61)], at(59)), Outcome::Full);
        assert_eq!(store.commit(&[claim(1, 60)], at(59)), Outcome::Refused(0));
        assert_eq!(store.commit(&[claim(3, 90)], at(60)), Outcome::Committed);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn of_many_threads_exactly_one_claims_a_key() {
        let store = store(10);
        let fresh = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    if store.commit(&[claim(7, 60)], at(1)) == Outcome::Committed {
                        fresh.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(fresh.into_inner(), 1);
    }

    #[test]
    fn a_transaction_that_is_refused_leaves_nothing() {
        let store = store(10);
        assert_eq!(store.commit(&[claim(1, 60), spend(2, 3, 2)], at(1)), Outcome::Refused(1));
        assert!(store.is_empty());
        assert_eq!(store.commit(&[claim(1, 60), spend(2, 2, 2)], at(1)), Outcome::Committed);
    }

    #[test]
    fn a_counter_never_passes_its_limit_and_a_refund_gives_back() {
        let store = store(10);
        assert_eq!(store.commit(&[spend(1, 10, 10)], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[spend(1, 1, 10)], at(1)), Outcome::Refused(0));
        assert_eq!(store.commit(&[spend(1, u64::MAX, u64::MAX)], at(1)), Outcome::Refused(0));
        assert_eq!(store.commit(&[Operation::Refund { key: key(1), amount: 4 }], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[spend(1, 5, 10)], at(1)), Outcome::Refused(0));
        assert_eq!(store.commit(&[spend(1, 4, 10)], at(1)), Outcome::Committed);
    }

    #[test]
    fn a_mark_stays_as_long_as_the_longest_that_it_was_given() {
        let store = store(10);
        let (absent, mark) =
            (Operation::Absent { key: key(1), since: at(1) }, |expires| Operation::Mark { key: key(1), expires: until(expires) });
        assert_eq!(store.commit(&[absent], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[mark(90)], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[mark(30)], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[absent], at(89)), Outcome::Refused(0));
        assert_eq!(store.commit(&[absent], at(90)), Outcome::Committed);
    }

    #[test]
    fn a_verifier_whose_clock_is_behind_another_takes_nothing_for_new_that_was_forgotten() {
        let store = store(10);
        assert_eq!(store.commit(&[claim(1, 60), spend(2, 2, 2)], at(1)), Outcome::Committed);
        assert_eq!(store.commit(&[], at(60)), Outcome::Committed);
        assert_eq!(store.commit(&[claim(1, 60)], at(59)), Outcome::Predates(0));
        assert_eq!(store.commit(&[claim(3, 61), spend(2, 1, 2)], at(59)), Outcome::Predates(1));
        assert_eq!(store.commit(&[claim(3, 61)], at(59)), Outcome::Committed);
    }

    #[test]
    fn what_was_made_before_the_store_is_not_claimed_or_counted() {
        let store = MemoryStore::new(10, at(5)).unwrap();
        assert_eq!(store.commit(&[claim(1, 60)], at(5)), Outcome::Predates(0));
        assert_eq!(store.commit(&[spend(1, 1, 2)], at(5)), Outcome::Predates(0));
        assert_eq!(store.commit(&[Operation::Absent { key: key(1), since: at(1) }], at(5)), Outcome::Committed);
    }
}
