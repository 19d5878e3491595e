//! Telling a program what became revoked, and when something revoked was first used.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use super::part::{APPROVAL, KEY, SESSION, Section, TASK, TOKEN};
use super::table::{SUSPENDED, Status, fingerprint_of};
use super::target::Target;
use crate::id::{Digest, SessionId, TokenId};
use crate::key::VerifyingKey;
use crate::limits;
use crate::time::Now;

/// What a list says of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Revoked; of a session or task: closed; of an approval: withdrawn.
    Revoked,
    /// Suspended until a list says otherwise.
    Suspended,
    /// Not active yet.
    Pending,
}

/// Something became revoked, suspended or pending.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Revocation<'a> {
    /// What.
    pub target: &'a Target,
    /// What it is now.
    pub standing: Standing,
    /// Whose list says so.
    pub authority: &'a str,
    /// The sequence number of the list.
    pub sequence: u64,
    /// When the list was accepted here.
    pub accepted: Now,
}

/// Something that is revoked, suspended or pending was used for the first time since, and refused.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FirstDenial<'a> {
    /// What was used.
    pub target: &'a Target,
    /// Whose list names it.
    pub authority: &'a str,
    /// When the list was accepted here.
    pub accepted: Now,
    /// Milliseconds from there to the use.
    pub after: u64,
}

/// Is told what lists change. Each method is called once for each target, after the state has changed, by the thread that changed or asked
/// it: it should return soon. A panic in it is caught and changes nothing.
///
/// Memory is bounded: of one list at most 65,536 targets are told one by one, and the first denials of the last 65,536 of them. What a
/// state file restores is told to nobody again.
pub trait RevocationObserver: Send + Sync {
    /// A target became revoked, suspended or pending.
    fn revoked(&self, revocation: &Revocation<'_>) {
        let _ = revocation;
    }

    /// So many targets more of this list are not told one by one.
    fn revoked_more(&self, authority: &str, sequence: u64, count: u64) {
        let _ = (authority, sequence, count);
    }

    /// A target that an accepted list names was used for the first time.
    fn denied(&self, denial: &FirstDenial<'_>) {
        let _ = denial;
    }
}

/// Calls an observer; if it panics, that is its own matter.
pub(super) fn tell(call: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(call));
}

/// What a list that is being loaded says that was not known.
#[derive(Default)]
pub(super) struct News {
    pub(super) items: Vec<Item>,
    pub(super) more: u64,
}

pub(super) struct Item {
    pub(super) kind: u8,
    pub(super) id: [u8; 32],
    pub(super) status: Status,
    pub(super) fingerprint: u128,
}

impl News {
    pub(super) fn add(&mut self, section: &Section, id: &[u8], entry: u128) {
        if self.items.len() == limits::MAX_WATCHED {
            self.more += 1;
            return;
        }
        let mut padded = [0; 32];
        padded[..id.len()].copy_from_slice(id);
        self.items.push(Item { kind: section.kind, id: padded, status: section.status, fingerprint: fingerprint_of(entry) });
    }
}

impl Item {
    pub(super) fn target(&self) -> Option<Target> {
        target(self.kind, &self.id)
    }

    pub(super) const fn standing(&self) -> Standing {
        match self.status {
            super::table::REVOKED => Standing::Revoked,
            SUSPENDED => Standing::Suspended,
            _ => Standing::Pending,
        }
    }
}

/// The target of an id; none where a list names as a key what no key can be.
pub(super) fn target(kind: u8, id: &[u8]) -> Option<Target> {
    let short = || id.first_chunk().copied();
    let long = || id.first_chunk().copied();
    match kind {
        TOKEN => short().map(|id| Target::Token(TokenId::from_bytes(id))),
        KEY => VerifyingKey::try_from_slice(id).ok().map(Target::Key),
        SESSION => short().map(|id| Target::Session(SessionId::from_bytes(id))),
        TASK => long().map(|id| Target::Task(Digest::from_bytes(id))),
        APPROVAL => short().map(|id| Target::Approval(TokenId::from_bytes(id))),
        _ => None,
    }
}

/// What was revoked and not used since, the latest.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Watched>);

#[derive(Debug, Default)]
struct Watched {
    accepted: HashMap<u128, Now>,
    order: VecDeque<u128>,
}

impl Watch {
    pub(super) fn add(&self, fingerprints: impl Iterator<Item = u128>, accepted: Now) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for fingerprint in fingerprints {
            watched.accepted.insert(fingerprint, accepted);
            watched.order.push_back(fingerprint);
            if watched.order.len() > limits::MAX_WATCHED
                && let Some(oldest) = watched.order.pop_front()
            {
                watched.accepted.remove(&oldest);
            }
        }
    }

    /// When it was revoked, the first time that it is asked.
    pub(super) fn first_use(&self, fingerprint: u128) -> Option<Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).accepted.remove(&fingerprint)
    }
}
