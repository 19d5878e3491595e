//! Putting a state together again from what was kept of it: every signature is checked as it was, at the time that it was.

use std::sync::atomic::Ordering;

use super::head::Head;
use super::load::{Loading, Prepared};
use super::rotation::Rotation;
use super::state::{Equivocation, TrustState, Update};
use crate::cbor::{Decoder, Encoder};
use crate::claims::unverified_issuer;
use crate::cose::{Envelope, ObjectKind};
use crate::time::Now;
use crate::{Code, Error, Result};

/// A list that was read: who it is by, and whether it is a full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListOf {
    pub(crate) authority: usize,
    pub(crate) is_full: bool,
}

impl Prepared {
    pub(crate) const fn list_of(&self) -> ListOf {
        ListOf { authority: self.head.authority, is_full: self.head.claims.base.is_none() }
    }
}

impl Loading {
    /// The end of a list that is being restored.
    pub(crate) fn restore(self, state: &TrustState, accepted: Now) -> Result<ListOf> {
        let prepared = self.complete()?.ok_or(Error::about(Code::StateUnavailable, "a list twice"))?;
        let list = prepared.list_of();
        state.commit(prepared, accepted)?;
        Ok(list)
    }
}

impl TrustState {
    /// A state of the same authorities that holds nothing.
    pub(crate) fn empty(&self) -> TrustState {
        TrustState::with(self.authorities.clone(), self.fingerprints().clone())
    }

    /// From now on everything comes through one file, unless making it fails. `config-invalid` if it does already.
    pub(crate) fn kept_in<T>(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.is_kept.swap(true, Ordering::AcqRel) {
            return Err(Error::about(Code::ConfigInvalid, "a file keeps this trust state already"));
        }
        make().inspect_err(|_| self.is_kept.store(false, Ordering::Release))
    }

    pub(crate) fn holds_nothing(&self) -> bool {
        let snapshot = self.snapshot();
        snapshot.lists.iter().all(Option::is_none) && snapshot.successors.len() == 0
    }

    /// Whether a list that was read may follow what is held.
    pub(crate) fn admits(&self, prepared: &Prepared, now: Now) -> Result<Update> {
        self.admit_whole(prepared, now)
    }

    /// Whether a rotation may follow what is held.
    pub(crate) fn admits_rotation(&self, rotation: &[u8], now: Now) -> Result<Update> {
        self.admit_rotation(&Rotation::read(rotation)?, now)
    }

    /// A rotation that was accepted before; the lists of that time may be gone.
    pub(crate) fn restore_rotation(&self, bytes: &[u8], accepted: Now) -> Result<()> {
        let rotation = Rotation::read(bytes)?;
        let update = self.may_follow(&rotation, accepted)?;
        self.add_rotation(update, &rotation, accepted);
        Ok(())
    }

    /// Takes over what was restored. `revocation-rollback` if anything that is held here is not there or older.
    pub(crate) fn advance_to(&self, restored: &TrustState) -> Result<()> {
        let writing = self.write();
        let (held, next) = (self.snapshot(), restored.snapshot());
        for (held, next) in held.lists.iter().zip(&next.lists) {
            match (held, next) {
                (Some(held), Some(next)) if held.is_same(next) || held.sequence < next.sequence => {}
                (None, _) => {}
                _ => return Err(Code::RevocationRollback.into()),
            }
        }
        if !next.successors.covers(&held.successors) {
            return Err(Error::about(Code::RevocationRollback, "a rotation is gone"));
        }
        restored.evidence().into_iter().for_each(|found| self.keep_evidence(found));
        self.replace((*next).clone());
        drop(writing);
        Ok(())
    }

    /// Keeps an equivocation that was kept before, if it is one.
    pub(crate) fn restore_evidence(&self, bytes: &[u8]) -> Result<()> {
        let broken = || Error::about(Code::StateUnavailable, "evidence that is none");
        let (first, second) = Equivocation::decode(bytes)?;
        let (code, about) = match Envelope::read(first, ObjectKind::Revocation) {
            Ok(envelope) => {
                let name = unverified_issuer(envelope.unverified_payload()).ok_or_else(broken)?;
                let authority = self.index_of(name).ok_or_else(broken)?;
                let open = |bytes| {
                    let keys = self.snapshot().successors.all_from(&self.authorities[authority].key);
                    Head::open(bytes, authority, keys)
                };
                let (first, second) = (open(first)?, open(second)?);
                let same_place = (&first.claims.authority, first.claims.sequence) == (&second.claims.authority, second.claims.sequence);
                if !same_place || first.hash == second.hash {
                    return Err(broken());
                }
                (Code::RevocationEquivocation, name.to_owned())
            }
            Err(_) => {
                let (first, second) = (Rotation::read(first)?.claims, Rotation::read(second)?.claims);
                if first.old != second.old || first.new == second.new {
                    return Err(broken());
                }
                (Code::RotationEquivocation, first.old.did_key())
            }
        };
        self.keep_evidence(Equivocation { code, about, first: first.into(), second: second.into() });
        Ok(())
    }
}

impl Equivocation {
    /// Both sides, as they are kept in a state file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(self.first.len() + self.second.len() + 16);
        out.array(2).bytes(&self.first).bytes(&self.second);
        out.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != 2 {
            return Err(Code::Malformed.into());
        }
        let both = (decoder.bytes()?, decoder.bytes()?);
        decoder.finish()?;
        Ok(both)
    }
}
