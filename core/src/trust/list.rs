//! Making revocation lists.

use std::collections::BTreeSet;

use super::head::ListClaims;
use super::part::{SECTIONS, write_parts};
use super::target::Target;
use crate::cbor::Encoder;
use crate::cose::{ObjectKind, seal};
use crate::id::{is_name, sha256};
use crate::key::{Signer, VerifyingKey};
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

const KEYS_SUSPENDED: usize = 5;
const KEYS_PENDING: usize = 6;
const KEYS_ACTIVE: usize = 7;

/// A revocation list that is being made: what an authority says is revoked, suspended or pending, in full or as a change to a list before.
#[derive(Clone, Debug, Default)]
pub struct RevocationList {
    sequence: u64,
    base: Option<u64>,
    epoch: Option<Timestamp>,
    /// Ids of each section, one after another.
    sections: [Vec<u8>; SECTIONS.len()],
}

impl RevocationList {
    /// A full list: it stands instead of every list with a lower sequence number. The numbers of an authority only go up.
    #[must_use]
    pub fn full(sequence: u64) -> Self {
        RevocationList { sequence, ..RevocationList::default() }
    }

    /// A change to the list with the number `base`, which has to be the one that is held.
    #[must_use]
    pub fn change(base: u64, sequence: u64) -> Self {
        RevocationList { sequence, base: Some(base), ..RevocationList::default() }
    }

    /// Roots that were issued before this time are refused. Of a change, the later of its epoch and the one that is held counts.
    #[must_use]
    pub fn epoch(mut self, epoch: Timestamp) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Revokes tokens, keys and approvals; closes sessions and tasks.
    #[must_use]
    pub fn revoke(mut self, targets: impl IntoIterator<Item = Target>) -> Self {
        for target in targets {
            match target {
                Target::Token(id) => self.sections[0].extend(id.as_bytes()),
                Target::Key(key) => self.sections[1].extend(key.as_bytes()),
                Target::Session(id) => self.sections[2].extend(id.as_bytes()),
                Target::Task(id) => self.sections[3].extend(id.as_bytes()),
                Target::Approval(id) => self.sections[4].extend(id.as_bytes()),
            }
        }
        self
    }

    /// Suspends the agents with these keys until a list says otherwise.
    #[must_use]
    pub fn suspend<'a>(self, keys: impl IntoIterator<Item = &'a VerifyingKey>) -> Self {
        self.keys(KEYS_SUSPENDED, keys)
    }

    /// The agents with these keys are not active yet.
    #[must_use]
    pub fn pending<'a>(self, keys: impl IntoIterator<Item = &'a VerifyingKey>) -> Self {
        self.keys(KEYS_PENDING, keys)
    }

    /// In a change: the agents with these keys are active, and neither suspended nor pending.
    #[must_use]
    pub fn activate<'a>(self, keys: impl IntoIterator<Item = &'a VerifyingKey>) -> Self {
        self.keys(KEYS_ACTIVE, keys)
    }

    fn keys<'a>(mut self, section: usize, keys: impl IntoIterator<Item = &'a VerifyingKey>) -> Self {
        keys.into_iter().for_each(|key| self.sections[section].extend(key.as_bytes()));
        self
    }

    /// Signs the list as this authority; it is fresh for `ttl` seconds from now, and the next one has to be there before that. Gives the
    /// bytes of the list.
    ///
    /// # Errors
    /// [`Code::NameInvalid`]; [`Code::ClaimInvalid`] for a sequence that is 0, above 2^53 − 1 or not above its base, a `ttl` of 0 or above
    /// 30 days, and a key that is activated together with something else, or in a full list; [`Code::TooMany`]; [`Code::SigningFailed`].
    pub fn sign(mut self, signer: &dyn Signer, authority: &str, ttl: u64, now: Now) -> Result<Vec<u8>> {
        if !is_name(authority) {
            return Err(Error::named(Code::NameInvalid, "authority", authority));
        }
        for (section, ids) in SECTIONS.iter().zip(&mut self.sections) {
            sort(ids, section.size);
        }
        self.hold()?;
        let parts = write_parts(&self.sections);
        let claims = ListClaims {
            authority: authority.to_owned(),
            next_update: Timestamp::from_secs(now.secs().saturating_add(ttl))?,
            issued: Timestamp::from_secs(now.secs())?,
            sequence: self.sequence,
            base: self.base,
            parts: parts.iter().map(|part| sha256(part)).collect(),
            epoch: self.epoch,
        };
        claims.hold()?;
        let head = seal(ObjectKind::Revocation, &claims.encode(), signer)?;
        let mut out = Encoder::with_capacity(head.len() + parts.iter().map(|part| part.len() + 5).sum::<usize>());
        out.raw(&head);
        for part in &parts {
            out.bytes(part);
        }
        Ok(out.into_bytes())
    }

    pub(crate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What it says, one text each: a target, with what happens to it in front unless it is revoked.
    pub(crate) fn changes(&self) -> impl Iterator<Item = String> {
        SECTIONS.iter().zip(&self.sections).flat_map(|(section, ids)| ids.chunks_exact(section.size).map(|id| section.shown(id)))
    }

    fn hold(&self) -> Result<()> {
        let ids: usize = SECTIONS.iter().zip(&self.sections).map(|(section, ids)| ids.len() / section.size).sum();
        if ids > limits::MAX_LIST_IDS {
            return Err(Error::about(Code::TooMany, "ids in a list"));
        }
        let active: BTreeSet<&[u8]> = self.sections[KEYS_ACTIVE].chunks(32).collect();
        if active.is_empty() {
            return Ok(());
        }
        if self.base.is_none() {
            return Err(Error::about(Code::ClaimInvalid, "a full list names who is suspended or pending; nobody else is"));
        }
        let others = [&self.sections[1], &self.sections[KEYS_SUSPENDED], &self.sections[KEYS_PENDING]];
        if others.into_iter().flat_map(|keys| keys.chunks(32)).any(|key| active.contains(key)) {
            return Err(Error::about(Code::ClaimInvalid, "a key that is activated and something else at once"));
        }
        Ok(())
    }
}

/// Sorts ids of one size and drops what comes twice.
fn sort(ids: &mut Vec<u8>, size: usize) {
    fn sorted<const N: usize>(ids: &[u8]) -> Vec<u8> {
        let (ids, _) = ids.as_chunks::<N>();
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        ids.into_flattened()
    }
    *ids = if size == 16 { sorted::<16>(ids) } else { sorted::<32>(ids) };
}
