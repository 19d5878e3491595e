//! The rotations that were accepted. None is ever forgotten: a key that retired stays retired.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::rotation::Rotation;
use crate::key::VerifyingKey;
use crate::limits;
use crate::time::Now;

/// A rotation, and when it was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) new: VerifyingKey,
    pub(super) bytes: Arc<[u8]>,
    /// Milliseconds since 1970 from which the old key is no longer good.
    retired_from: u64,
}

/// A key of a trust anchor or approver, and whether its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInUse {
    /// The key.
    pub key: VerifyingKey,
    /// Whether a successor was accepted and the overlap is over.
    pub retired: bool,
}

/// Where a key stands: a key that follows no other is the first of a succession of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first key of the succession.
    first: [u8; 32],
    /// How many keys of it came before.
    before: usize,
}

impl Place {
    /// Whose key it is that follows no other.
    pub(crate) fn alone(key: &VerifyingKey) -> Self {
        Place { first: *key.as_bytes(), before: 0 }
    }

    /// Whether both are keys of one holder.
    pub(crate) fn is_of(&self, other: &Place) -> bool {
        self.first == other.first
    }

    /// Whether this is the other key, or came after it.
    pub(crate) fn follows(&self, other: &Place) -> bool {
        self.is_of(other) && self.before >= other.before
    }

    /// How many keys of the succession came before.
    pub(crate) const fn before(&self) -> usize {
        self.before
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Successors {
    by_old: HashMap<[u8; 32], Arc<Accepted>>,
    /// Of each successor.
    places: HashMap<[u8; 32], Place>,
}

impl Successors {
    pub(super) fn len(&self) -> usize {
        self.by_old.len()
    }

    pub(super) fn of(&self, old: &VerifyingKey) -> Option<&Accepted> {
        if self.by_old.is_empty() { None } else { self.by_old.get(old.as_bytes()).map(|accepted| &**accepted) }
    }

    /// Whether the key has a place in a succession already, as the one before or after another.
    pub(super) fn has(&self, key: &VerifyingKey) -> bool {
        self.by_old.contains_key(key.as_bytes()) || self.places.contains_key(key.as_bytes())
    }

    pub(super) fn place(&self, key: &VerifyingKey) -> Place {
        self.places.get(key.as_bytes()).copied().unwrap_or(Place::alone(key))
    }

    pub(super) fn is_retired(&self, key: &VerifyingKey, now: Now) -> bool {
        self.of(key).is_some_and(|accepted| accepted.retired_from <= now.millis())
    }

    pub(super) fn add(&mut self, rotation: &Rotation, now: Now) {
        let (claims, bytes) = (&rotation.claims, rotation.bytes.clone());
        let retired_from = now.millis() + claims.overlap * 1000;
        let old = self.place(&claims.old);
        self.by_old.insert(*claims.old.as_bytes(), Arc::new(Accepted { new: claims.new.clone(), bytes, retired_from }));
        self.places.insert(*claims.new.as_bytes(), Place { before: old.before + 1, ..old });
    }

    /// The newest keys from this one on, oldest first. There are no cycles, because a successor has no place in a succession before.
    pub(super) fn from(&self, key: &VerifyingKey, now: Now) -> VecDeque<KeyInUse> {
        let mut keys = VecDeque::new();
        let mut next = Some(key);
        while let Some(key) = next {
            if keys.len() == limits::MAX_KEYS_TRIED {
                keys.pop_front();
            }
            let accepted = self.of(key);
            keys.push_back(KeyInUse { key: key.clone(), retired: self.is_retired(key, now) });
            next = accepted.map(|accepted| &accepted.new);
        }
        keys
    }

    /// Every key from this one on.
    #[cfg(all(unix, feature = "os"))]
    pub(super) fn all_from(&self, key: &VerifyingKey) -> Vec<VerifyingKey> {
        std::iter::successors(Some(key), |key| self.of(key).map(|accepted| &accepted.new)).cloned().collect()
    }

    /// Whether everything that `other` knows is known here.
    #[cfg(all(unix, feature = "os"))]
    pub(super) fn covers(&self, other: &Successors) -> bool {
        other.by_old.iter().all(|(old, accepted)| self.by_old.get(old).is_some_and(|own| own.new == accepted.new))
    }
}
