//! What a verifier knows of revocations and rotations. It moves only forward, and every step happens whole or not at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use super::authority::Authority;
use super::head::Head;
use super::load::{ListLoader, Prepared, Said};
use super::observe::{News, Revocation, RevocationObserver, Watch, tell};
use super::part::Section;
use super::rotation::Rotation;
use super::successors::Successors;
use super::table::{ACTIVE, Contents, Fingerprints, Status};
use crate::id::Digest;
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// What became of a list or rotation that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is what the state holds now.
    Accepted,
    /// The state held it already.
    Unchanged,
}

/// Two signed objects that cannot both be true: the proof that somebody's key says different things to different people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Equivocation {
    /// `revocation-equivocation` or `rotation-equivocation`.
    pub code: Code,
    /// The authority's name, or the old key as did:key.
    pub about: String,
    /// What was accepted first, and stays: the head of a list, or a rotation.
    pub first: Arc<[u8]>,
    /// What was refused.
    pub second: Arc<[u8]>,
}

/// What is known of the list that is held for an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldList {
    /// The sequence number of the list, or of its last change.
    pub sequence: u64,
    /// From when on it is stale.
    pub next_update: Timestamp,
    /// When it was accepted here.
    pub accepted: Now,
    /// How many ids it names.
    pub ids: usize,
}

/// A list with its changes.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) contents: Contents,
    pub(super) sequence: u64,
    hash: Digest,
    head: Arc<[u8]>,
    pub(super) next_update: Timestamp,
    pub(super) epoch: Option<Timestamp>,
    pub(super) accepted: Now,
    changes: u32,
}

/// Everything that is known at one instant.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) lists: Vec<Option<Arc<Held>>>,
    pub(super) successors: Arc<Successors>,
}

/// What a verifier knows of revocations, suspended agents and rotated keys: the lists of its authorities, and the rotations that it
/// accepted. Share it between verifiers and threads. Who reads never waits for a list that is being loaded.
pub struct TrustState {
    /// In order of their names.
    pub(super) authorities: Arc<[Authority]>,
    /// The authorities for every issuer.
    everyone: Box<[usize]>,
    fingerprints: Fingerprints,
    /// Held by who changes the state, from the check to the end.
    writing: Mutex<()>,
    snapshot: RwLock<Arc<Snapshot>>,
    evidence: Mutex<Vec<Equivocation>>,
    /// Whether a file keeps this state: then everything comes through it.
    pub(super) is_kept: AtomicBool,
    pub(super) observer: Option<Arc<dyn RevocationObserver>>,
    pub(super) watch: Watch,
}

impl std::fmt::Debug for TrustState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustState").field("authorities", &self.authorities.len()).finish_non_exhaustive()
    }
}

/// A list that is what is held now, and what is new in it.
pub(crate) struct Accepted {
    head: Head,
    news: News,
    at: Now,
}

#[cfg(all(unix, feature = "os"))]
impl Held {
    pub(super) fn is_same(&self, other: &Held) -> bool {
        (self.sequence, self.hash) == (other.sequence, other.hash)
    }
}

impl TrustState {
    /// A state that knows these authorities, and holds no list of any. `config-invalid` for no authorities, or two of one name.
    pub fn new(authorities: impl IntoIterator<Item = Authority>) -> Result<Self> {
        let mut authorities: Vec<Authority> = authorities.into_iter().collect();
        authorities.sort_by(|one, other| one.name.cmp(&other.name));
        if let Some(twice) = authorities.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(Error::named(Code::ConfigInvalid, "two authorities called", &twice[0].name));
        }
        if authorities.is_empty() {
            return Err(Error::about(Code::ConfigInvalid, "no authorities"));
        }
        Ok(Self::with(authorities.into(), Fingerprints::new()))
    }

    /// Of authorities in order of their names.
    pub(super) fn with(authorities: Arc<[Authority]>, fingerprints: Fingerprints) -> Self {
        let snapshot = Snapshot { lists: vec![None; authorities.len()], ..Snapshot::default() };
        TrustState {
            everyone: (0..authorities.len()).filter(|index| authorities[*index].for_every_issuer).collect(),
            authorities,
            fingerprints,
            writing: Mutex::new(()),
            snapshot: RwLock::new(Arc::new(snapshot)),
            evidence: Mutex::default(),
            is_kept: AtomicBool::new(false),
            observer: None,
            watch: Watch::default(),
        }
    }

    /// The same state, telling an observer what lists change from now on.
    #[must_use]
    pub fn with_observer(mut self, observer: impl RevocationObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Takes a list, in full or as a change. Refused, it changes nothing.
    ///
    /// # Errors
    /// [`Code::RevocationUntrusted`], [`Code::SignatureInvalid`], [`Code::KeyRevoked`], [`Code::KeyRetired`], [`Code::AgentSuspended`],
    /// [`Code::AgentPending`] for who signed it; [`Code::RevocationRollback`], [`Code::RevocationEquivocation`], [`Code::RevocationGap`]
    /// for its place among the others; [`Code::RevocationIncomplete`], [`Code::TooLarge`], [`Code::TooMany`] and the codes of encoding and
    /// claims for what it is; [`Code::ConfigInvalid`] if a file keeps this state, which then is where lists go.
    pub fn apply_list(&self, list: &[u8], now: Now) -> Result<Update> {
        let mut loader = self.loader(now);
        loader.push(list)?;
        loader.finish(now)
    }

    /// A loader for a list that comes in chunks.
    pub fn loader(&self, now: Now) -> ListLoader<'_> {
        ListLoader::new(self, now)
    }

    /// Takes a rotation. From `now` and its overlap on, the old key is retired. Its successor may act at once. At most 65,536 are kept, and none
    /// is forgotten: a program takes them from those it knows, not from anybody.
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`] unless both keys signed it; [`Code::RotationInvalid`] if it is older than a day, from the future, or its
    /// new key has a place in a succession or an authority already; [`Code::RotationEquivocation`] if another successor was accepted;
    /// [`Code::KeyRevoked`], [`Code::AgentSuspended`], [`Code::AgentPending`] if a list says so of either key; [`Code::RevocationStale`] where
    /// an authority's list is missing or stale, unless the key is an authority's; [`Code::TooMany`]; codes of encoding and claims;
    /// [`Code::ConfigInvalid`] if a file keeps this state.
    pub fn apply_rotation(&self, rotation: &[u8], now: Now) -> Result<Update> {
        self.refuse_if_kept()?;
        self.take_rotation(rotation, now)
    }

    pub(crate) fn take_rotation(&self, rotation: &[u8], now: Now) -> Result<Update> {
        let rotation = Rotation::read(rotation)?;
        let writing = self.write();
        let update = self.admit_rotation(&rotation, now)?;
        self.add_rotation(update, &rotation, now);
        drop(writing);
        Ok(update)
    }

    pub(super) fn add_rotation(&self, update: Update, rotation: &Rotation, now: Now) {
        if update == Update::Accepted {
            let mut next = (*self.snapshot()).clone();
            Arc::make_mut(&mut next.successors).add(rotation, now);
            self.replace(next);
        }
    }

    /// The equivocations that were seen, the first 64.
    #[must_use]
    pub fn evidence(&self) -> Vec<Equivocation> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The list that is held for an authority, if there is one.
    #[must_use]
    pub fn held(&self, authority: &str) -> Option<HeldList> {
        let held = self.snapshot().lists[self.index_of(authority)?].clone()?;
        Some(HeldList { sequence: held.sequence, next_update: held.next_update, accepted: held.accepted, ids: held.contents.len() })
    }

    /// What would come into memory alone is refused where a file is to hold it too.
    pub(super) fn refuse_if_kept(&self) -> Result<()> {
        match self.is_kept.load(Ordering::Acquire) {
            true => Err(Error::about(Code::ConfigInvalid, "a file keeps this trust state: apply it there")),
            false => Ok(()),
        }
    }

    pub(super) fn fingerprints(&self) -> &Fingerprints {
        &self.fingerprints
    }

    pub(super) fn index_of(&self, authority: &str) -> Option<usize> {
        self.authorities.binary_search_by(|of| (*of.name).cmp(authority)).ok()
    }

    /// Everything at this instant. The lock is held for writing only to replace a pointer, so that a panic never leaves it half done.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.reading().clone()
    }

    /// The same, for as long as a look-up takes: without a copy of the pointer.
    pub(super) fn reading(&self) -> RwLockReadGuard<'_, Arc<Snapshot>> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn replace(&self, next: Snapshot) {
        let next = Arc::new(next);
        let before = std::mem::replace(&mut *self.snapshot.write().unwrap_or_else(PoisonError::into_inner), next);
        // What was held may be large: it goes when nobody can be waiting.
        drop(before);
    }

    pub(super) fn write(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The authority that a head names, and the head if one of its keys signed it.
    pub(super) fn open_head(&self, bytes: &[u8], name: Option<&str>, now: Now) -> Result<Head> {
        let authority = name.and_then(|name| self.index_of(name)).ok_or(Error::new(Code::RevocationUntrusted))?;
        let keys = self.snapshot().successors.from(&self.authorities[authority].key, now);
        Head::open(bytes, authority, keys.into_iter().rev().map(|of| of.key))
    }

    /// Whether the list may follow what is held now.
    pub(super) fn admit(&self, head: &Head, now: Now) -> Result<Update> {
        let snapshot = self.snapshot();
        let authority = &self.authorities[head.authority];
        // Again at the end: the key may have been revoked or retired since the signature was checked.
        if let Some(found) = self.standing(&snapshot, self.judges(&authority.name).iter(), &head.signer, now) {
            return Err(found.code.into());
        }
        if head.claims.issued.secs() > now.secs() + limits::LEEWAY {
            return Err(Error::about(Code::ClaimInvalid, "a list from the future"));
        }
        let (sequence, held) = (head.claims.sequence, snapshot.lists[head.authority].as_ref());
        match held {
            Some(held) if sequence < held.sequence => return Err(Code::RevocationRollback.into()),
            Some(held) if sequence == held.sequence && head.hash == held.hash => return Ok(Update::Unchanged),
            Some(held) if sequence == held.sequence => {
                let about = authority.name.clone();
                self.keep(Code::RevocationEquivocation, about, &held.head, &head.bytes);
                return Err(Code::RevocationEquivocation.into());
            }
            _ if sequence < authority.at_least => return Err(Code::RevocationRollback.into()),
            _ => {}
        }
        match head.claims.base {
            Some(base) if held.is_none_or(|held| held.sequence != base) => Err(Code::RevocationGap.into()),
            Some(_) if held.is_some_and(|held| held.changes == limits::MAX_CHANGES) => {
                Err(Error::about(Code::TooMany, "changes to one full list"))
            }
            _ => Ok(Update::Accepted),
        }
    }

    /// Whether the list, with all that it says, may follow what is held now.
    pub(super) fn admit_whole(&self, prepared: &Prepared, now: Now) -> Result<Update> {
        let update = self.admit(&prepared.head, now)?;
        let held = self.snapshot().lists[prepared.head.authority].as_ref().map_or(0, |held| held.contents.len());
        match &prepared.said {
            Said::Changes(entries) if update == Update::Accepted && held + entries.len() > limits::MAX_LIST_IDS => {
                Err(Error::about(Code::TooMany, "ids in a list"))
            }
            _ => Ok(update),
        }
    }

    /// Makes a list that was read what is held, unless a later one was faster.
    pub(crate) fn commit(&self, prepared: Prepared, now: Now) -> Result<Update> {
        let Some(accepted) = self.accept(prepared, now)? else { return Ok(Update::Unchanged) };
        self.tell(&accepted);
        Ok(Update::Accepted)
    }

    /// The same, and nobody is told yet. None if it is what is held already.
    pub(crate) fn accept(&self, prepared: Prepared, now: Now) -> Result<Option<Accepted>> {
        let writing = self.write();
        if self.admit_whole(&prepared, now)? == Update::Unchanged {
            return Ok(None);
        }
        let Prepared { head, said, mut news } = prepared;
        let mut next = (*self.snapshot()).clone();
        let before = next.lists[head.authority].take();
        let is_new = |fingerprint, status| before.as_ref().is_none_or(|held| held.contents.of(fingerprint) & status == 0);
        news.items.retain(|item| is_new(item.fingerprint, item.status));
        let (contents, changes) = match (said, &before) {
            (Said::Everything(table), _) => (Contents::new(table), 0),
            (Said::Changes(entries), Some(held)) => (held.contents.changed_by(&entries), held.changes + 1),
            (Said::Changes(_), None) => return Err(Code::RevocationGap.into()),
        };
        let epoch = match (&before, head.claims.base) {
            (Some(held), Some(_)) => held.epoch.max(head.claims.epoch),
            _ => head.claims.epoch,
        };
        next.lists[head.authority] = Some(Arc::new(Held {
            contents,
            sequence: head.claims.sequence,
            hash: head.hash,
            head: head.bytes.clone(),
            next_update: head.claims.next_update,
            epoch,
            accepted: now,
            changes,
        }));
        self.watch.add(news.items.iter().map(|item| item.fingerprint), now);
        self.replace(next);
        drop(writing);
        Ok(Some(Accepted { head, news, at: now }))
    }

    /// Notes what a list says beyond what is held, if anybody wants to know.
    pub(super) fn note_news(&self, news: &mut News, authority: usize, section: &Section, id: &[u8], entry: u128) {
        if self.observer.is_none() || section.status == ACTIVE {
            return;
        }
        let snapshot = self.snapshot();
        let probe = self.fingerprints.probe(section.kind, id);
        let known: Status = snapshot.lists[authority].as_ref().map_or(0, |held| held.contents.status(&probe));
        if known & section.status == 0 {
            news.add(section, id, entry);
        }
    }

    /// Tells the observer, who may use the state: nothing of it is locked.
    pub(crate) fn tell(&self, accepted: &Accepted) {
        let Some(observer) = &self.observer else { return };
        let Accepted { head, news, at: accepted } = accepted;
        let (authority, sequence) = (&*self.authorities[head.authority].name, head.claims.sequence);
        for item in &news.items {
            if let Some(target) = item.target() {
                tell(|| {
                    observer.revoked(&Revocation { target: &target, standing: item.standing(), authority, sequence, accepted: *accepted })
                });
            }
        }
        if news.more > 0 {
            tell(|| observer.revoked_more(authority, sequence, news.more));
        }
    }

    /// Whether a rotation may follow what is held now. Whoever keeps a list from arriving does not let a key rotate that it revokes: only an authority
    /// rotates without, because its lists may be by the new key.
    pub(super) fn admit_rotation(&self, rotation: &Rotation, now: Now) -> Result<Update> {
        let update = self.may_follow(rotation, now)?;
        if update == Update::Accepted && self.owner_of(&rotation.claims.old, now).is_none() {
            self.fresh(&self.snapshot(), 0..self.authorities.len(), now)?;
        }
        Ok(update)
    }

    /// The authority whose key this is.
    fn owner_of(&self, key: &VerifyingKey, now: Now) -> Option<&Authority> {
        let successors = &self.snapshot().successors;
        self.authorities.iter().find(|authority| successors.from(&authority.key, now).iter().any(|of| of.key == *key))
    }

    /// The same, whether or not enough is known to say so.
    pub(super) fn may_follow(&self, rotation: &Rotation, now: Now) -> Result<Update> {
        let snapshot = self.snapshot();
        let claims = &rotation.claims;
        match snapshot.successors.of(&claims.old) {
            Some(accepted) if accepted.new == claims.new => return Ok(Update::Unchanged),
            Some(accepted) => {
                self.keep(Code::RotationEquivocation, claims.old.did_key(), &accepted.bytes, &rotation.bytes);
                return Err(Code::RotationEquivocation.into());
            }
            None => {}
        }
        let invalid = |what| Err(Error::about(Code::RotationInvalid, what));
        if claims.issued.secs() > now.secs() + limits::LEEWAY {
            return invalid("it is from the future");
        }
        if claims.issued.secs() + limits::MAX_ROTATION_AGE < now.secs() {
            return invalid("it is older than a day");
        }
        let owner = self.owner_of(&claims.old, now);
        if owner.is_some_and(|owner| claims.name.as_ref().is_some_and(|name| *name != owner.name)) {
            return invalid("it is for another authority");
        }
        if snapshot.successors.has(&claims.new) || self.authorities.iter().any(|authority| authority.key == claims.new) {
            return invalid("the new key is in use already");
        }
        // Another authority has no say about the key of one. Of an agent's key nobody knows here whose it is, so each has.
        let judges: Vec<usize> = match owner {
            Some(owner) => self.judges(&owner.name).iter().collect(),
            None => (0..self.authorities.len()).collect(),
        };
        for key in [&claims.old, &claims.new] {
            if let Some(found) = self.standing(&snapshot, judges.iter().copied(), key, now) {
                return Err(found.code.into());
            }
        }
        if snapshot.successors.len() >= limits::MAX_ROTATIONS {
            return Err(Error::about(Code::TooMany, "rotations"));
        }
        Ok(Update::Accepted)
    }

    /// Keeps both sides of an equivocation.
    fn keep(&self, code: Code, about: String, first: &Arc<[u8]>, second: &Arc<[u8]>) {
        self.keep_evidence(Equivocation { code, about, first: first.clone(), second: second.clone() });
    }

    pub(super) fn keep_evidence(&self, found: Equivocation) {
        let mut evidence = self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        if evidence.len() < limits::MAX_EQUIVOCATIONS && !evidence.contains(&found) {
            evidence.push(found);
        }
    }

    /// Which authorities have a say about the chains of an issuer.
    pub(super) fn judges(&self, issuer: &str) -> Judges<'_> {
        Judges { own: self.index_of(issuer), everyone: &self.everyone }
    }
}

/// The authorities that have a say about the chains of an issuer: its own, and those for every issuer.
#[derive(Clone, Copy)]
pub(super) struct Judges<'a> {
    own: Option<usize>,
    everyone: &'a [usize],
}

impl Judges<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let own = self.own;
        own.into_iter().chain(self.everyone.iter().copied().filter(move |index| Some(*index) != own))
    }
}
