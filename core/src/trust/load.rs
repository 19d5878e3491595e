//! Loading a revocation list from chunks of any size. The head is checked before any part is looked at, and each part before it is read;
//! beside the table there is at most one part in memory.

use std::ops::Deref;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::head::Head;
use super::observe::News;
use super::part::{Last, read_part};
use super::state::{TrustState, Update};
use super::table::{ACTIVE, Table, fingerprint_of, status_of};
use crate::claims::unverified_issuer;
use crate::cose::{Envelope, ObjectKind};
use crate::time::Now;
use crate::{Code, Error, Result, limits};

/// A list that is being loaded. Until [`ListLoader::finish`] nothing changes, and nothing does if it is dropped.
#[must_use]
pub struct ListLoader<'a> {
    state: Lent<'a>,
    loading: Loading,
    now: Now,
}

/// The state of a loader, which may be on its own.
enum Lent<'a> {
    Borrowed(&'a TrustState),
    Shared(Arc<TrustState>),
}

impl Deref for Lent<'_> {
    type Target = TrustState;

    fn deref(&self) -> &TrustState {
        match self {
            Lent::Borrowed(state) => state,
            Lent::Shared(state) => state,
        }
    }
}

impl TrustState {
    /// A loader for a list that comes in chunks, which holds on to the state: for programs that keep it between events.
    pub fn shared_loader(self: Arc<Self>, now: Now) -> ListLoader<'static> {
        ListLoader { state: Lent::Shared(self), loading: Loading::default(), now }
    }
}

impl std::fmt::Debug for ListLoader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListLoader").finish_non_exhaustive()
    }
}

impl<'a> ListLoader<'a> {
    pub(super) fn new(state: &'a TrustState, now: Now) -> Self {
        ListLoader { state: Lent::Borrowed(state), loading: Loading::default(), now }
    }

    /// Takes the next bytes of the list.
    ///
    /// # Errors
    /// Those of [`TrustState::apply_list`]. After one, every further call gives it again.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.state.refuse_if_kept()?;
        self.loading.push(&self.state, chunk, self.now)
    }

    /// The end of the list: from now on it is what the state holds. Of two that are loaded at once, the one with the higher sequence number
    /// stays.
    ///
    /// # Errors
    /// [`Code::RevocationIncomplete`] if bytes are missing, and those of [`TrustState::apply_list`].
    pub fn finish(self, now: Now) -> Result<Update> {
        self.state.refuse_if_kept()?;
        match self.loading.complete()? {
            Some(prepared) => self.state.commit(prepared, now),
            None => Ok(Update::Unchanged),
        }
    }
}

/// A list that was read to its end.
pub(crate) struct Prepared {
    pub(super) head: Head,
    pub(super) said: Said,
    pub(super) news: News,
}

pub(super) enum Said {
    Everything(Table),
    /// In order of fingerprints, one entry for each.
    Changes(Vec<u128>),
}

#[derive(Default)]
enum Stage {
    #[default]
    Head,
    /// The head, and how many of its parts were read.
    Parts(Box<Head>, usize),
    /// The list that is held already.
    Known,
    Failed(Error),
}

#[derive(Default)]
pub(crate) struct Loading {
    stage: Stage,
    buffer: Vec<u8>,
    entries: Vec<u128>,
    last: Last,
    news: News,
}

impl Loading {
    pub(crate) fn push(&mut self, state: &TrustState, chunk: &[u8], now: Now) -> Result<()> {
        let pushed = self.take(state, chunk, now);
        if let Err(error) = &pushed {
            *self = Loading { stage: Stage::Failed(error.clone()), ..Loading::default() };
        }
        pushed
    }

    fn take(&mut self, state: &TrustState, mut chunk: &[u8], now: Now) -> Result<()> {
        loop {
            let next = match &self.stage {
                Stage::Failed(error) => return Err(error.clone()),
                Stage::Known => return Ok(()),
                Stage::Head => head_length(&self.buffer)?,
                Stage::Parts(head, read) if *read == head.claims.parts.len() && chunk.is_empty() => return Ok(()),
                Stage::Parts(head, read) if *read == head.claims.parts.len() => {
                    return Err(Error::about(Code::Malformed, "bytes after the end"));
                }
                Stage::Parts(..) => byte_string_length(&self.buffer, limits::MAX_PART)?,
            };
            let (Next::More(length) | Next::Whole(length)) = next;
            if self.buffer.len() < length {
                let (now, later) = chunk.split_at(chunk.len().min(length - self.buffer.len()));
                self.buffer.extend_from_slice(now);
                chunk = later;
                if self.buffer.len() < length {
                    return Ok(());
                }
            }
            if let Next::Whole(_) = next {
                self.read_whole(state, now)?;
                self.buffer.clear();
            }
        }
    }

    /// Reads the buffer, which holds all of the head or of a part.
    fn read_whole(&mut self, state: &TrustState, now: Now) -> Result<()> {
        match std::mem::take(&mut self.stage) {
            Stage::Head => {
                let name = unverified_issuer(Envelope::read(&self.buffer, ObjectKind::Revocation)?.unverified_payload());
                let head = state.open_head(&self.buffer, name, now)?;
                self.stage = match state.admit(&head, now)? {
                    Update::Unchanged => Stage::Known,
                    Update::Accepted => Stage::Parts(Box::new(head), 0),
                };
            }
            Stage::Parts(head, read) => {
                self.read_part(state, &head, read)?;
                self.stage = Stage::Parts(head, read + 1);
            }
            other => self.stage = other,
        }
        Ok(())
    }

    fn read_part(&mut self, state: &TrustState, head: &Head, read: usize) -> Result<()> {
        let part = &self.buffer[head_of_byte_string(&self.buffer)..];
        if Sha256::digest(part).as_slice() != head.claims.parts[read].as_bytes() {
            return Err(Error::about(Code::RevocationIncomplete, "a part is not the one that the head names"));
        }
        let (entries, news) = (&mut self.entries, &mut self.news);
        read_part(part, head.claims.base.is_some(), &mut self.last, |section, id| {
            if entries.len() == limits::MAX_LIST_IDS {
                return Err(Error::about(Code::TooMany, "ids in a list"));
            }
            if entries.len() == entries.capacity() {
                // In small steps: a vector that doubles would take twice the memory of the table.
                entries.reserve_exact((entries.len() / 8).max(limits::MAX_PART_IDS));
            }
            let entry = state.fingerprints().entry(section.kind, id, section.status);
            entries.push(entry);
            state.note_news(news, head.authority, section, id, entry);
            Ok(())
        })
    }

    /// All that was read; nothing where the list is the one that is held.
    pub(crate) fn complete(mut self) -> Result<Option<Prepared>> {
        match std::mem::take(&mut self.stage) {
            Stage::Failed(error) => Err(error),
            Stage::Known => Ok(None),
            Stage::Head if !starts_as_head(&self.buffer) => Envelope::read(&self.buffer, ObjectKind::Revocation).map(|_| None),
            Stage::Parts(head, read) if read == head.claims.parts.len() && self.buffer.is_empty() => self.prepared(*head).map(Some),
            Stage::Head | Stage::Parts(..) => Err(Error::about(Code::RevocationIncomplete, "it ends early")),
        }
    }

    fn prepared(mut self, head: Head) -> Result<Prepared> {
        let said = match head.claims.base {
            None => Said::Everything(Table::new(self.entries)),
            Some(_) => {
                self.entries.sort_unstable();
                let contradict = |pair: &[u128]| fingerprint_of(pair[0]) == fingerprint_of(pair[1]) && status_of(pair[0]) == ACTIVE;
                if self.entries.windows(2).any(contradict) {
                    return Err(Error::about(Code::ClaimInvalid, "a key that is activated and something else at once"));
                }
                Said::Changes(self.entries)
            }
        };
        Ok(Prepared { head, said, news: self.news })
    }
}

/// How much of the list is needed to go on.
enum Next {
    /// So many bytes, to know how long it is.
    More(usize),
    /// So many bytes: all of it.
    Whole(usize),
}

/// The signature as a byte string.
const SIGNATURE: usize = 2 + 64;

/// What every head begins with: tag, array, protected header, no unprotected one.
fn head_start() -> impl Iterator<Item = u8> + Clone {
    let protected = ObjectKind::Revocation.protected();
    [0xd2, 0x84, 0x58, protected.len() as u8].into_iter().chain(protected.iter().copied()).chain([0xa0])
}

fn starts_as_head(buffer: &[u8]) -> bool {
    head_start().zip(buffer).all(|(expected, found)| expected == *found)
}

fn head_length(buffer: &[u8]) -> Result<Next> {
    if !starts_as_head(buffer) {
        // The envelope says what is wrong, once all that could be a head is there: so it does not depend on the chunks.
        return match buffer.len() {
            limits::MAX_LIST_HEAD.. => Err(Envelope::read(buffer, ObjectKind::Revocation).err().unwrap_or(Code::Malformed.into())),
            _ => Ok(Next::More(limits::MAX_LIST_HEAD)),
        };
    }
    let start = head_start().count();
    if buffer.len() <= start {
        return Ok(Next::More(start + 1));
    }
    match byte_string_length(&buffer[start..], limits::MAX_LIST_HEAD)? {
        Next::More(length) => Ok(Next::More(start + length)),
        Next::Whole(length) if start + length + SIGNATURE > limits::MAX_LIST_HEAD => {
            Err(Error::about(Code::TooLarge, "the head of a revocation list"))
        }
        Next::Whole(length) => Ok(Next::Whole(start + length + SIGNATURE)),
    }
}

/// The length of the head of a byte string, by its first byte.
fn head_of_byte_string(bytes: &[u8]) -> usize {
    match bytes.first().map_or(0, |first| first & 31) {
        24 => 2,
        25 => 3,
        26 => 5,
        27 => 9,
        _ => 1,
    }
}

/// The length of a byte string with its head, of at most so many bytes, in the one form that is allowed.
fn byte_string_length(bytes: &[u8], most: usize) -> Result<Next> {
    let Some(first) = bytes.first() else { return Ok(Next::More(1)) };
    if first >> 5 != 2 || matches!(first & 31, 28..=30) {
        return Err(Error::about(Code::Malformed, "not a byte string"));
    }
    if first & 31 == 31 {
        return Err(Error::about(Code::NotCanonical, "indefinite length"));
    }
    let head = head_of_byte_string(bytes);
    if bytes.len() < head {
        return Ok(Next::More(head));
    }
    let argument = bytes[1..head].iter().fold(0u64, |argument, byte| argument << 8 | u64::from(*byte));
    let (length, least) = match head {
        1 => (u64::from(first & 31), 0),
        2 => (argument, 24),
        3 => (argument, 1 << 8),
        5 => (argument, 1 << 16),
        _ => (argument, 1 << 32),
    };
    if length < least {
        return Err(Error::about(Code::NotCanonical, "a number in a longer form than it needs"));
    }
    match usize::try_from(length) {
        Ok(length) if length <= most => Ok(Next::Whole(head + length)),
        _ => Err(Error::about(Code::TooLarge, "a part of a revocation list")),
    }
}
