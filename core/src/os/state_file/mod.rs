//! A trust state that survives the end of its process.

mod file;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use self::file::{Draft, Entry, Index, Kind, PIECE, lock};
use super::place::{Place, failed, refused};
use crate::time::Now;
use crate::trust::{Loading, TrustState, Update};
use crate::{Code, Error, Result, limits};

const CODE: Code = Code::StateUnavailable;

/// The longest rotation or evidence in a state file.
const MAX_ENTRY: u64 = 2 * limits::MAX_LIST_HEAD as u64 + 64;

/// A file that keeps the lists and rotations that a [`TrustState`] accepted. Every change is on disk before it is in memory, and a process
/// that ends at any instant leaves the state before or after it. Several processes can share one file.
///
/// The file belongs to the effective user and nobody else can read it (mode 0600), in a folder that nobody else can change; links are not
/// followed. Lists and rotations come through here; the state itself refuses them from now on, so that the file never falls behind.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    state: Arc<TrustState>,
    index: Mutex<Index>,
}

impl StateFile {
    /// A new file for a state that holds nothing yet.
    ///
    /// # Errors
    /// [`Code::StateUnavailable`] if there is anything at the path, or it cannot be written; [`Code::ConfigInvalid`] if the state holds
    /// something, or is kept in a file already.
    pub fn create(path: impl AsRef<Path>, state: Arc<TrustState>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        if !state.holds_nothing() {
            return Err(Error::about(Code::ConfigInvalid, "a new state file is for a state that holds nothing"));
        }
        let place = found(&path)?;
        let locked = lock(&place)?;
        if place.open(CODE)?.is_some() {
            return Err(refused(CODE, "there is a file already", &path));
        }
        let index = state.kept_in(|| Draft::new(&place)?.replace(1))?;
        drop(locked);
        Ok(StateFile { state, index: Mutex::new(index), path })
    }

    /// Reads the file into the state. Every signature is checked again.
    ///
    /// # Errors
    /// [`Code::StateUnavailable`] if the file is not there, not whole, was changed, is of other authorities, or is open to others;
    /// [`Code::RevocationRollback`] if it is older than what the state holds, or than an authority's least sequence; [`Code::ClockBehind`]
    /// if something in it was accepted later than now; [`Code::ConfigInvalid`] if the state is kept in a file already.
    pub fn open(path: impl AsRef<Path>, state: Arc<TrustState>, now: Now) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let place = found(&path)?;
        let (file, index) = read(&place)?;
        let index = state.kept_in(|| restore(&file, index, &place, &state, now))?;
        Ok(StateFile { state, index: Mutex::new(index), path })
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &Arc<TrustState> {
        &self.state
    }

    /// Takes a list, as [`TrustState::apply_list`] does, and keeps it. It is read to its end while the file is locked, so it should be at
    /// hand.
    ///
    /// # Errors
    /// Those of [`TrustState::apply_list`] and [`StateFile::refresh`]; [`Code::StateUnavailable`] if the list cannot be read or kept, and
    /// then the state is what it was.
    pub fn apply_list(&self, mut list: impl Read, now: Now) -> Result<Update> {
        let mut accepted = None;
        let update = self.change(now, |file, index, place| {
            let mut draft = Draft::new(place)?;
            let mut loading = Loading::default();
            let mut piece = vec![0; PIECE];
            loop {
                let length = match list.read(&mut piece) {
                    Ok(0) => break,
                    Ok(length) => length,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(failed(CODE, "the list cannot be read", error, place.path)),
                };
                loading.push(&self.state, &piece[..length], now)?;
                draft.write(&piece[..length])?;
            }
            let Some(prepared) = loading.complete()? else { return Ok(None) };
            if self.state.admits(&prepared, now)? == Update::Unchanged {
                return Ok(None);
            }
            let list = prepared.list_of();
            let new = draft.end(Kind::List, now, Some(list));
            // A full list stands instead of all of its authority that came before.
            let is_replaced = |entry: &Entry| list.is_full && entry.list.is_some_and(|before| before.authority == list.authority);
            for entry in index.entries.iter().filter(|entry| !is_replaced(entry)) {
                draft.copy(file, entry)?;
            }
            draft.put(new);
            let index = draft.replace(index.generation + 1)?;
            accepted = self.state.accept(prepared, now)?;
            Ok(Some(index))
        });
        // Now that the file is free: whoever is told may use it.
        if let Some(accepted) = accepted {
            self.state.tell(&accepted);
        }
        update
    }

    /// Takes a rotation, as [`TrustState::apply_rotation`] does, and keeps it.
    ///
    /// # Errors
    /// Those of [`TrustState::apply_rotation`] and [`StateFile::refresh`]; [`Code::StateUnavailable`] if it cannot be kept, and then the
    /// state is what it was.
    pub fn apply_rotation(&self, rotation: &[u8], now: Now) -> Result<Update> {
        self.change(now, |file, index, place| {
            if self.state.admits_rotation(rotation, now)? == Update::Unchanged {
                return Ok(None);
            }
            let index = added(file, index, place, Kind::Rotation, rotation, now)?;
            self.state.take_rotation(rotation, now)?;
            Ok(Some(index))
        })
    }

    /// Takes over what other processes put into the file since.
    ///
    /// # Errors
    /// [`Code::StateUnavailable`], [`Code::RevocationRollback`] and [`Code::ClockBehind`], as [`StateFile::open`].
    pub fn refresh(&self, now: Now) -> Result<()> {
        let mut index = self.index();
        self.catch_up(&mut index, &found(&self.path)?, now).map(drop)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the file, by itself and at its newest. The change gives the new index, or nothing where there is nothing to change.
    fn change(&self, now: Now, change: impl FnOnce(&std::fs::File, &Index, &Place<'_>) -> Result<Option<Index>>) -> Result<Update> {
        let mut index = self.index();
        let place = found(&self.path)?;
        let locked = lock(&place)?;
        let file = self.catch_up(&mut index, &place, now)?;
        let changed = match change(&file, &index, &place) {
            Ok(None) => Ok(Update::Unchanged),
            Ok(Some(next)) => {
                *index = next;
                Ok(Update::Accepted)
            }
            Err(error) if matches!(error.code(), Code::RevocationEquivocation | Code::RotationEquivocation) => {
                self.keep_evidence(&file, &mut index, &place, now)?;
                Err(error)
            }
            Err(error) => Err(error),
        };
        drop(locked);
        changed
    }

    /// The file as it is, once the state knows what is in it.
    fn catch_up(&self, index: &mut Index, place: &Place<'_>, now: Now) -> Result<std::fs::File> {
        let (file, newest) = read(place)?;
        if newest.digest != index.digest {
            if newest.generation <= index.generation {
                return Err(refused(Code::RevocationRollback, "the state file is older than the state", place.path));
            }
            *index = restore(&file, newest, place, &self.state, now)?;
        }
        Ok(file)
    }

    fn keep_evidence(&self, file: &std::fs::File, index: &mut Index, place: &Place<'_>, now: Now) -> Result<()> {
        let found = self.state.evidence().into_iter().map(|found| found.encode());
        let is_kept = |bytes: &Vec<u8>| {
            let digest = Sha256::digest(bytes);
            index.entries.iter().any(|entry| entry.kind == Kind::Evidence && entry.digest.as_bytes() == digest.as_slice())
        };
        if let Some(new) = found.into_iter().find(|bytes| !is_kept(bytes)) {
            *index = added(file, index, place, Kind::Evidence, &new, now)?;
        }
        Ok(())
    }
}

/// The place of a state file, whose folder has to be there.
fn found(path: &Path) -> Result<Place<'_>> {
    Place::found(path, CODE, CODE)?.ok_or_else(|| refused(CODE, "there is no such folder", path))
}

fn read(place: &Place<'_>) -> Result<(std::fs::File, Index)> {
    let (file, length) = place.open(CODE)?.ok_or_else(|| refused(CODE, "there is no such file", place.path))?;
    let index = Index::read(&file, length, place)?;
    Ok((file, index))
}

/// Replaces the file by one with an entry more.
fn added(file: &std::fs::File, index: &Index, place: &Place<'_>, kind: Kind, bytes: &[u8], now: Now) -> Result<Index> {
    let mut draft = Draft::new(place)?;
    for entry in &index.entries {
        draft.copy(file, entry)?;
    }
    draft.write(bytes)?;
    let new = draft.end(kind, now, None);
    draft.put(new);
    draft.replace(index.generation + 1)
}

/// Puts what the file holds together, and then into the state, all or nothing.
fn restore(file: &std::fs::File, mut index: Index, place: &Place<'_>, state: &TrustState, now: Now) -> Result<Index> {
    let restored = state.empty();
    for (number, entry) in index.entries.iter_mut().enumerate() {
        if entry.accepted.millis() > now.millis() + limits::LEEWAY * 1000 {
            return Err(refused(Code::ClockBehind, "the state file was written later than now", place.path));
        }
        restore_entry(file, entry, place, &restored).map_err(|error| match error.code() {
            Code::StateUnavailable | Code::RevocationRollback => error,
            code => refused(CODE, format_args!("entry {number}, {}", code.as_str()), place.path),
        })?;
    }
    state.advance_to(&restored)?;
    Ok(index)
}

fn restore_entry(file: &std::fs::File, entry: &mut Entry, place: &Place<'_>, restored: &TrustState) -> Result<()> {
    let accepted = entry.accepted;
    if entry.kind == Kind::List {
        let mut loading = Loading::default();
        entry.each_piece(file, place, |piece| loading.push(restored, piece, accepted))?;
        entry.list = Some(loading.restore(restored, accepted)?);
        return Ok(());
    }
    if entry.length > MAX_ENTRY {
        return Err(Code::TooLarge.into());
    }
    let mut bytes = Vec::with_capacity(entry.length as usize);
    entry.each_piece(file, place, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    match entry.kind {
        Kind::Rotation => restored.restore_rotation(&bytes, accepted),
        _ => restored.restore_evidence(&bytes),
    }
}
