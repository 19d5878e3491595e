//! Replay state: which proofs were used. One atomic operation; a bounded default in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use crate::id::TokenId;
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result};

/// A holder's key followed by the id of its proof: one holder cannot use up another's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplayKey([u8; 48]);

impl ReplayKey {
    pub(crate) fn new(holder: &VerifyingKey, proof: &TokenId) -> Self {
        let mut bytes = [0; 48];
        bytes[..32].copy_from_slice(holder.as_bytes());
        bytes[32..].copy_from_slice(proof.as_bytes());
        ReplayKey(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }
}

impl std::fmt::Debug for ReplayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReplayKey({})", crate::id::hex(&self.0))
    }
}

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It was not there, and is now.
    Fresh,
    /// It was there.
    Seen,
    /// There is no room for it. Nothing that is fresh was dropped.
    Full,
    /// The store does not answer.
    Unavailable,
}

impl Claimed {
    pub(crate) fn accepted(self) -> Result<()> {
        match self {
            Claimed::Fresh => Ok(()),
            Claimed::Seen => Err(Code::ProofReplayed.into()),
            Claimed::Full => Err(Code::ReplayStoreFull.into()),
            Claimed::Unavailable => Err(Code::ReplayStoreUnavailable.into()),
        }
    }
}

/// Remembers used proofs until they expire. For several processes, or to survive a restart, put it on a store that they share.
pub trait ReplayStore: Send + Sync {
    /// Claims a key until `expires`, in one atomic step: of several claims of one key, exactly one is fresh.
    fn claim(&self, key: &ReplayKey, expires: Timestamp, now: Now) -> Claimed;

    /// When this store came to be, if it does not remember what was before. Proofs made before are refused.
    fn created(&self) -> Option<Now> {
        None
    }
}

/// A bounded store in memory, for one process. Full, it refuses new proofs.
#[derive(Debug)]
pub struct MemoryReplayStore {
    capacity: usize,
    created: Now,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: HashSet<[u8; 48]>,
    by_expiry: BTreeMap<u64, Vec<[u8; 48]>>,
}

impl MemoryReplayStore {
    /// How many proofs it holds unless told otherwise: more than a thousand calls a second, each remembered for a minute.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// A store that begins now. `config-invalid` for a capacity of 0.
    pub fn new(capacity: usize, created: Now) -> Result<Self> {
        if capacity == 0 {
            return Err(Error::about(Code::ConfigInvalid, "a replay store without room"));
        }
        Ok(MemoryReplayStore { capacity, created, state: Mutex::default() })
    }

    /// How many proofs it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().map_or(self.capacity, |state| state.seen.len())
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReplayStore for MemoryReplayStore {
    fn claim(&self, key: &ReplayKey, expires: Timestamp, now: Now) -> Claimed {
        // A lock that a panic poisoned is a store that does not answer.
        let Ok(mut state) = self.state.lock() else { return Claimed::Unavailable };
        state.forget_until(now.secs());
        if state.seen.contains(&key.0) {
            return Claimed::Seen;
        }
        if state.seen.len() >= self.capacity {
            return Claimed::Full;
        }
        state.seen.insert(key.0);
        state.by_expiry.entry(expires.secs()).or_default().push(key.0);
        Claimed::Fresh
    }

    fn created(&self) -> Option<Now> {
        Some(self.created)
    }
}

impl State {
    fn forget_until(&mut self, now: u64) {
        while let Some(entry) = self.by_expiry.first_entry()
            && *entry.key() <= now
        {
            for key in entry.remove() {
                self.seen.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> ReplayKey {
        ReplayKey([n; 48])
    }

    fn at(secs: u64) -> Now {
        Now::from_millis(secs * 1000).unwrap()
    }

    fn until(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs).unwrap()
    }

    #[test]
    fn a_full_store_refuses_new_keys_and_forgets_none_before_it_expires() {
        let store = MemoryReplayStore::new(2, at(1)).unwrap();
        assert_eq!(store.claim(&key(1), until(60), at(1)), Claimed::Fresh);
        assert_eq!(store.claim(&key(2), until(61), at(1)), Claimed::Fresh);
        assert_eq!(store.claim(&key(3), until(61), at(59)), Claimed::Full);
        assert_eq!(store.claim(&key(1), until(60), at(59)), Claimed::Seen);
        assert_eq!(store.claim(&key(3), until(90), at(60)), Claimed::Fresh);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn of_many_threads_exactly_one_claims_a_key() {
        let store = MemoryReplayStore::new(10, at(1)).unwrap();
        let fresh = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    if store.claim(&key(7), until(60), at(1)) == Claimed::Fresh {
                        fresh.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(fresh.into_inner(), 1);
    }
}
