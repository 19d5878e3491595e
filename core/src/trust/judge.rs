//! Looking up: whether a chain, a key or an approval is still good.

use super::observe::{FirstDenial, target, tell};
use super::part::{APPROVAL, KEY, SESSION, TASK, TOKEN};
use super::state::{Judges, Snapshot, TrustState};
use super::successors::{KeyInUse, Place};
use super::table::{REVOKED, SUSPENDED, Status};
use crate::id::{Digest, SessionId, TokenId};
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result};

/// What a verified chain has once: who issued it, when, and what for.
#[derive(Clone, Copy, Debug)]
pub struct ChainFacts<'a> {
    /// The trust anchor's name.
    pub issuer: &'a str,
    /// The key that signed the root: the trust anchor's, or a successor of it.
    pub issuer_key: &'a VerifyingKey,
    /// When the root was issued.
    pub issued: Timestamp,
    /// The session.
    pub session: &'a SessionId,
    /// The task, if it has one.
    pub task: Option<&'a Digest>,
}

/// What each token of a chain has.
#[derive(Clone, Copy, Debug)]
pub struct LinkFacts<'a> {
    /// Its position; the root is 0.
    pub position: usize,
    /// Its id.
    pub token: &'a TokenId,
    /// Its holder's key.
    pub holder: &'a VerifyingKey,
}

/// Why something is refused; and by which authority's list, if by a list.
pub(super) struct Found<'a> {
    pub(super) code: Code,
    about: Option<&'static str>,
    named: Option<Named<'a>>,
}

struct Named<'a> {
    authority: usize,
    kind: u8,
    id: &'a [u8],
    fingerprint: u128,
}

impl TrustState {
    /// Whether nothing that this chain stands on was revoked, closed, suspended or retired, and whether that is known by now. The links may
    /// come in any order; of several that are refused the one nearest to the root gives the error.
    ///
    /// # Errors
    /// In this order: of the issuer's key [`Code::KeyRevoked`], [`Code::KeyRetired`], [`Code::AgentSuspended`] or [`Code::AgentPending`];
    /// [`Code::IssuedBeforeEpoch`], [`Code::SessionClosed`], [`Code::TaskClosed`]; of each link [`Code::TokenRevoked`] and the four of keys
    /// for its holder; [`Code::RevocationStale`]. What is about the whole chain is at link 0.
    pub fn judge<'a>(&self, chain: &ChainFacts<'a>, links: impl IntoIterator<Item = LinkFacts<'a>>, now: Now) -> Result<()> {
        let judges = self.judges(chain.issuer);
        let found = self.look_up(&self.reading(), judges, chain, links, now)?;
        match found {
            Some((position, found)) => Err(self.refuse(found, now).at_link(position)),
            None => Ok(()),
        }
    }

    /// The first thing that is wrong with a chain; or that it is not known.
    fn look_up<'a>(
        &self,
        snapshot: &Snapshot,
        judges: Judges<'_>,
        chain: &ChainFacts<'a>,
        links: impl IntoIterator<Item = LinkFacts<'a>>,
        now: Now,
    ) -> Result<Option<(usize, Found<'a>)>> {
        if let Some(found) = self.standing(snapshot, judges.iter(), chain.issuer_key, now) {
            return Ok(Some((0, Found { about: Some("the issuer's key"), ..found })));
        }
        let epochs = judges.iter().filter_map(|index| snapshot.lists[index].as_ref()?.epoch);
        if epochs.max().is_some_and(|epoch| chain.issued < epoch) {
            return Err(Error::new(Code::IssuedBeforeEpoch).at_link(0));
        }
        let session = self.revoked(snapshot, judges, SESSION, chain.session.as_bytes(), Code::SessionClosed);
        let task = || self.revoked(snapshot, judges, TASK, chain.task?.as_bytes(), Code::TaskClosed);
        if let Some(found) = session.or_else(task) {
            return Ok(Some((0, found)));
        }
        let mut first: Option<(usize, Found<'a>)> = None;
        for link in links {
            if first.as_ref().is_some_and(|(position, _)| *position <= link.position) {
                continue;
            }
            let token = self.revoked(snapshot, judges, TOKEN, link.token.as_bytes(), Code::TokenRevoked);
            if let Some(found) = token.or_else(|| self.standing(snapshot, judges.iter(), link.holder, now)) {
                first = Some((link.position, found));
            }
        }
        if first.is_none() {
            self.fresh(snapshot, judges.iter(), now).map_err(|error| error.at_link(0))?;
        }
        Ok(first)
    }

    /// Whether a key is still good for signing about chains of this issuer: an approver's, for one.
    ///
    /// # Errors
    /// [`Code::KeyRevoked`], [`Code::KeyRetired`], [`Code::AgentSuspended`], [`Code::AgentPending`], [`Code::RevocationStale`].
    pub fn judge_key(&self, issuer: &str, key: &VerifyingKey, now: Now) -> Result<()> {
        let (snapshot, judges) = (self.reading(), self.judges(issuer));
        let found = self.standing(&snapshot, judges.iter(), key, now);
        let Some(found) = found else { return self.fresh(&snapshot, judges.iter(), now) };
        drop(snapshot);
        Err(self.refuse(found, now))
    }

    /// Whether an approval of a call of this issuer's chain still stands.
    ///
    /// # Errors
    /// [`Code::ApprovalWithdrawn`], [`Code::RevocationStale`].
    pub fn judge_approval(&self, issuer: &str, approval: &TokenId, now: Now) -> Result<()> {
        let (snapshot, judges) = (self.reading(), self.judges(issuer));
        let found = self.revoked(&snapshot, judges, APPROVAL, approval.as_bytes(), Code::ApprovalWithdrawn);
        let Some(found) = found else { return self.fresh(&snapshot, judges.iter(), now) };
        drop(snapshot);
        Err(self.refuse(found, now))
    }

    /// A configured key and its accepted successors, oldest first, the newest eight: the keys to try for what the trust anchor, authority
    /// or approver signed. What a retired one signed is refused by [`TrustState::judge`] with `key-retired`.
    #[must_use]
    pub fn keys_of(&self, configured: &VerifyingKey, now: Now) -> Vec<KeyInUse> {
        self.snapshot().successors.from(configured, now).into()
    }

    /// Where a key stands in the rotations that were accepted.
    pub(crate) fn place(&self, key: &VerifyingKey) -> Place {
        self.reading().successors.place(key)
    }

    /// What is wrong with a key, if something is.
    pub(super) fn standing<'a>(
        &self,
        snapshot: &Snapshot,
        judges: impl Iterator<Item = usize>,
        key: &'a VerifyingKey,
        now: Now,
    ) -> Option<Found<'a>> {
        let listed = self.listed(snapshot, judges, KEY, key.as_bytes());
        let code = match listed {
            Some((status, _)) if status & REVOKED != 0 => Code::KeyRevoked,
            _ if snapshot.successors.is_retired(key, now) => return Some(Found { code: Code::KeyRetired, about: None, named: None }),
            Some((status, _)) if status & SUSPENDED != 0 => Code::AgentSuspended,
            Some(_) => Code::AgentPending,
            None => return None,
        };
        Some(Found { code, about: None, named: listed.map(|(_, named)| named) })
    }

    fn revoked<'a>(&self, snapshot: &Snapshot, judges: Judges<'_>, kind: u8, id: &'a [u8], code: Code) -> Option<Found<'a>> {
        self.listed(snapshot, judges.iter(), kind, id).map(|(_, named)| Found { code, about: None, named: Some(named) })
    }

    /// What the lists say of an id, together, and the first authority whose list says something.
    fn listed<'a>(&self, snapshot: &Snapshot, judges: impl Iterator<Item = usize>, kind: u8, id: &'a [u8]) -> Option<(Status, Named<'a>)> {
        let probe = self.fingerprints().probe(kind, id);
        let mut all = 0;
        let mut first = None;
        for index in judges {
            let status = snapshot.lists[index].as_ref().map_or(0, |held| held.contents.status(&probe));
            if status != 0 {
                all |= status;
                first = first.or(Some(index));
            }
        }
        first.map(|authority| (all, Named { authority, kind, id, fingerprint: probe.fingerprint() }))
    }

    pub(super) fn fresh(&self, snapshot: &Snapshot, judges: impl Iterator<Item = usize>, now: Now) -> Result<()> {
        let mut known = false;
        for index in judges {
            known = true;
            let authority = &self.authorities[index];
            let is_fresh = snapshot.lists[index].as_ref().is_some_and(|held| now.secs() < held.next_update.secs());
            if !is_fresh && !authority.allows_stale {
                return Err(Error::named(Code::RevocationStale, "of", &authority.name));
            }
        }
        if known { Ok(()) } else { Err(Error::about(Code::RevocationStale, "no authority has a say about this issuer")) }
    }

    /// The error of what was found; an observer is told if it is the first time.
    fn refuse(&self, found: Found<'_>, now: Now) -> Error {
        if let (Some(named), Some(observer)) = (&found.named, &self.observer)
            && let Some(accepted) = self.watch.first_use(named.fingerprint)
            && let Some(target) = target(named.kind, named.id)
        {
            let authority = &*self.authorities[named.authority].name;
            let after = now.millis().saturating_sub(accepted.millis());
            tell(|| observer.denied(&FirstDenial { target: &target, authority, accepted, after }));
        }
        found.about.map_or(Error::new(found.code), |about| Error::about(found.code, about))
    }
}
