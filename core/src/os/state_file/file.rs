//! The form of a state file, and how it is replaced (specification, revocation.md, "State file").

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fsync, openat, renameat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::cbor::{Decoder, Encoder};
use crate::id::Digest;
use crate::os::place::{Place, failed, refused};
use crate::time::Now;
use crate::trust::ListOf;
use crate::{Code, Error, Result};

const CODE: Code = Code::StateUnavailable;
const START: &[u8; 16] = b"deputize state 1";
/// Length of the index, generation, SHA-256.
const TAIL: usize = 8 + 8 + 32;
const MAX_INDEX: u64 = 16 * 1024 * 1024;
/// Bytes that are read or written at once.
pub(super) const PIECE: usize = 64 * 1024;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    List = 1,
    Rotation = 2,
    Evidence = 3,
}

/// One thing that is kept, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) accepted: Now,
    offset: u64,
    pub(super) length: u64,
    pub(super) digest: Digest,
    /// Of a list, once it was read.
    pub(super) list: Option<ListOf>,
}

/// What a file holds, in the order in which it was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) generation: u64,
    pub(super) entries: Vec<Entry>,
    /// The SHA-256 at the end of the file.
    pub(super) digest: Digest,
}

impl Index {
    /// Reads the end of the file. Its entries are read when they are needed.
    pub(super) fn read(file: &File, length: u64, place: &Place<'_>) -> Result<Self> {
        let broken = |what| refused(CODE, what, place.path);
        let unreadable = |error| failed(CODE, "the file cannot be read", error, place.path);
        let least = (START.len() + TAIL) as u64;
        if length < least {
            return Err(broken("not a whole state file"));
        }
        let (mut start, mut tail) = ([0; START.len()], [0; TAIL]);
        file.read_exact_at(&mut start, 0).map_err(unreadable)?;
        file.read_exact_at(&mut tail, length - TAIL as u64).map_err(unreadable)?;
        let index_length = u64::from_be_bytes(*tail[..8].first_chunk().ok_or(Code::Internal)?);
        let generation = u64::from_be_bytes(*tail[8..16].first_chunk().ok_or(Code::Internal)?);
        if start != *START || index_length > MAX_INDEX.min(length - least) {
            return Err(broken("not a whole state file"));
        }
        let mut index = vec![0; index_length as usize];
        let end = length - TAIL as u64 - index_length;
        file.read_exact_at(&mut index, end).map_err(unreadable)?;
        let digest = digest_of(&index, generation);
        if tail[16..] != *digest.as_bytes() {
            return Err(broken("not a whole state file"));
        }
        let entries = read_entries(&index, end).map_err(|error| broken(error.code().as_str()))?;
        Ok(Index { generation, entries, digest })
    }
}

fn digest_of(index: &[u8], generation: u64) -> Digest {
    let length = index.len() as u64;
    let hash = Sha256::new().chain_update(START).chain_update(index).chain_update(length.to_be_bytes());
    Digest::from_bytes(hash.chain_update(generation.to_be_bytes()).finalize().into())
}

fn read_entries(index: &[u8], end: u64) -> Result<Vec<Entry>> {
    let mut decoder = Decoder::new(index);
    let mut held = START.len() as u64;
    let mut entries = Vec::new();
    for _ in 0..decoder.array()? {
        if decoder.array()? != 5 {
            return Err(Code::Malformed.into());
        }
        let kind = match decoder.unsigned()? {
            1 => Kind::List,
            2 => Kind::Rotation,
            3 => Kind::Evidence,
            _ => return Err(Code::ClaimUnknown.into()),
        };
        let accepted = Now::from_millis(decoder.unsigned()?)?;
        let (offset, length) = (decoder.unsigned()?, decoder.unsigned()?);
        if offset < START.len() as u64 || offset.checked_add(length).is_none_or(|to| to > end) {
            return Err(Code::ClaimInvalid.into());
        }
        held += length;
        entries.push(Entry { kind, accepted, offset, length, digest: Digest::from_bytes(decoder.fixed()?), list: None });
    }
    decoder.finish()?;
    if held == end { Ok(entries) } else { Err(Code::ClaimInvalid.into()) }
}

impl Entry {
    /// Gives the bytes of the entry in pieces, and checks their digest at the end.
    pub(super) fn each_piece(&self, file: &File, place: &Place<'_>, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut done = 0;
        while done < self.length {
            let piece = &mut piece[..(PIECE as u64).min(self.length - done) as usize];
            let read = file.read_exact_at(piece, self.offset + done);
            read.map_err(|error| failed(CODE, "the file cannot be read", error, place.path))?;
            hash.update(&*piece);
            each(piece)?;
            done += piece.len() as u64;
        }
        if hash.finalize().as_slice() == self.digest.as_bytes() { Ok(()) } else { Err(refused(CODE, "the file was changed", place.path)) }
    }
}

/// Whoever holds it is the only one who replaces the file, of all processes.
pub(super) struct Locked(pub(super) File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Said, and not left to the end of the descriptor: a process that was forked meanwhile has a copy of it.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Waits until nobody else holds it.
pub(super) fn lock(place: &Place<'_>) -> Result<Locked> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(&place.folder, beside(place, ".lock"), flags, Mode::RUSR | Mode::WUSR);
    let file = File::from(opened.map_err(|error| failed(CODE, "the lock cannot be opened", error, place.path))?);
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            locked => return locked.map(|()| Locked(file)).map_err(|error| failed(CODE, "the lock cannot be taken", error, place.path)),
        }
    }
}

/// A hidden name beside that of the file.
fn beside(place: &Place<'_>, ending: &str) -> OsString {
    let mut name = OsString::from(".");
    name.push(place.name);
    name.push(ending);
    name
}

/// The next state file, until it takes the place of the one before. Dropped before that, it is gone.
pub(super) struct Draft<'a> {
    place: &'a Place<'a>,
    file: File,
    at: u64,
    /// Where the entry that is being written begins, and its hash so far.
    open: (u64, Sha256),
    entries: Vec<Entry>,
    is_done: bool,
}

impl<'a> Draft<'a> {
    /// An empty draft, in place of one that a process left when it ended. The lock is held.
    pub(super) fn new(place: &'a Place<'a>) -> Result<Self> {
        let name = beside(place, ".new");
        let made = step().and_then(|()| match unlinkat(&place.folder, &name, AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => Err(error.into()),
            _ => Ok(()),
        });
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = made.and_then(|()| step()).and_then(|()| Ok(openat(&place.folder, &name, flags, Mode::RUSR | Mode::WUSR)?));
        let file = File::from(made.map_err(|error| failed(CODE, "the file cannot be made", error, place.path))?);
        let mut draft = Draft { place, file, at: 0, open: (0, Sha256::new()), entries: Vec::new(), is_done: false };
        draft.write(START)?;
        draft.begin();
        Ok(draft)
    }

    fn begin(&mut self) {
        self.open = (self.at, Sha256::new());
    }

    /// Adds bytes to the entry that is being written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = step().and_then(|()| self.file.write_all(bytes));
        written.map_err(|error| failed(CODE, "the file cannot be written", error, self.place.path))?;
        self.open.1.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Ends the entry that is being written; it is the last one of the index when it is put there.
    pub(super) fn end(&mut self, kind: Kind, accepted: Now, list: Option<ListOf>) -> Entry {
        let (offset, hash) = std::mem::replace(&mut self.open, (self.at, Sha256::new()));
        Entry { kind, accepted, offset, length: self.at - offset, digest: Digest::from_bytes(hash.finalize().into()), list }
    }

    /// Puts an entry that was written into the index.
    pub(super) fn put(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes over an entry of the file before.
    pub(super) fn copy(&mut self, from: &File, entry: &Entry) -> Result<()> {
        let place = self.place;
        entry.each_piece(from, place, |piece| self.write(piece))?;
        let copied = self.end(entry.kind, entry.accepted, entry.list);
        self.put(copied);
        Ok(())
    }

    /// Writes the index and puts the file in its place. After a failure here the old or the new one is there.
    pub(super) fn replace(mut self, generation: u64) -> Result<Index> {
        let mut out = Encoder::new();
        out.array(self.entries.len());
        for entry in &self.entries {
            out.array(5).unsigned(entry.kind as u64).unsigned(entry.accepted.millis());
            out.unsigned(entry.offset).unsigned(entry.length).bytes(entry.digest.as_bytes());
        }
        let index = out.into_bytes();
        if index.len() as u64 > MAX_INDEX {
            return Err(Error::about(Code::TooMany, "entries of a state file"));
        }
        let digest = digest_of(&index, generation);
        let tail = [&(index.len() as u64).to_be_bytes()[..], &generation.to_be_bytes(), digest.as_bytes()].concat();
        self.write(&index)?;
        self.write(&tail)?;
        let place = self.place;
        let put = step().and_then(|()| self.file.sync_all()).and_then(|()| step()).and_then(|()| {
            renameat(&place.folder, beside(place, ".new"), &place.folder, place.name)?;
            Ok(())
        });
        put.map_err(|error| failed(CODE, "the file cannot be written", error, place.path))?;
        self.is_done = true;
        let synced = step().and_then(|()| match fsync(&place.folder) {
            // Not every file system can sync a folder.
            Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            synced => Ok(synced?),
        });
        synced.map_err(|error| failed(CODE, "the folder cannot be synced", error, place.path))?;
        Ok(Index { generation, entries: std::mem::take(&mut self.entries), digest })
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_done && step().is_ok() {
            let _ = unlinkat(&self.place.folder, beside(self.place, ".new"), AtFlags::empty());
        }
    }
}

/// Stands before every change of the file system, so that a test can end the work there, as a crash would.
#[cfg(not(test))]
const fn step() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use crash::step;

#[cfg(test)]
pub(super) mod crash {
    use std::cell::Cell;

    thread_local! {
        /// Steps that are left before everything stops; none: it goes on for ever.
        pub(in super::super) static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(in super::super) fn step() -> std::io::Result<()> {
        match LEFT.get() {
            Some(0) => Err(std::io::Error::other("it stopped here")),
            left => {
                LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}
