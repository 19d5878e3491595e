//! Checkpoints (C2SP `tlog-checkpoint`): how long a log was, and what was in it, signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::note::{Note, NoteKey, is_origin, signed};
use super::tree;
use crate::id::Digest;
use crate::key::Signer;
use crate::limits::MAX_SEQUENCE;
use crate::time::Now;
use crate::{Code, Error, Result};

/// The size of a log and the root of its tree at that size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
}

impl Checkpoint {
    /// What somebody kept of a log, who vouches for it. `checkpoint-invalid`.
    pub fn new(origin: &str, size: u64, root: Digest) -> Result<Self> {
        Self::of_text(&Self::of(origin, size, root).text())
    }

    pub(crate) fn of(origin: &str, size: u64, root: Digest) -> Self {
        Checkpoint { origin: origin.to_owned(), size, root }
    }

    /// A checkpoint whose signatures nobody has checked. `checkpoint-invalid`, `too-large`.
    pub fn unverified(note: &str) -> Result<Self> {
        Self::of_text(Note::read(note)?.text)
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log had.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of those entries.
    #[must_use]
    pub const fn root(&self) -> &Digest {
        &self.root
    }

    /// The note, signed by the log's key. `signing-failed`, `name-invalid`.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String> {
        signed(&self.origin, &self.text(), signer)
    }

    pub(crate) fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    pub(crate) fn of_text(text: &str) -> Result<Self> {
        let invalid = |what| Error::about(Code::CheckpointInvalid, what);
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(invalid("a checkpoint has three lines"));
        };
        if !is_origin(origin) {
            return Err(invalid("the origin"));
        }
        if lines.any(str::is_empty) {
            return Err(invalid("an empty extension line"));
        }
        let size = decimal(size).ok_or(invalid("the size"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| Digest::try_from_slice(&root).ok()).ok_or(invalid("the root hash"))?;
        if size == 0 && root != tree::empty_root() {
            return Err(invalid("an empty log with entries in its tree"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root })
    }
}

/// Digits without leading zeros, up to 2^53 − 1.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || (!text.starts_with('0') && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|size| is_canonical && *size <= MAX_SEQUENCE)
}

/// Whose signatures make a checkpoint good: one of the keys of a log, and those of some witnesses.
#[derive(Clone, Debug)]
pub struct CheckpointPolicy {
    log: Vec<NoteKey>,
    witnesses: Vec<NoteKey>,
    count: usize,
}

impl CheckpointPolicy {
    /// One of the keys of a log has to have signed. `config-invalid` without keys, for those of another log, and for a witness's.
    pub fn new(log: impl IntoIterator<Item = NoteKey>) -> Result<Self> {
        let log: Vec<_> = log.into_iter().collect();
        let is_usable = log.first().is_some_and(|first| log.iter().all(|key| key.name() == first.name() && !key.is_witness()));
        if !is_usable {
            return Err(Error::about(Code::ConfigInvalid, "the keys of one log"));
        }
        Ok(CheckpointPolicy { log, witnesses: Vec::new(), count: 0 })
    }

    /// And so many of these witnesses. `config-invalid` for more than there are, none, two of one key or name, and for the key of a log.
    pub fn with_witnesses(mut self, count: usize, witnesses: impl IntoIterator<Item = NoteKey>) -> Result<Self> {
        let witnesses: Vec<_> = witnesses.into_iter().collect();
        let is_used = |at: usize, key: &NoteKey| {
            let before = self.log.iter().chain(&witnesses[..at]);
            before.clone().any(|other| other.key() == key.key()) || witnesses[..at].iter().any(|other| other.name() == key.name())
        };
        if witnesses.iter().enumerate().any(|(at, key)| !key.is_witness() || is_used(at, key)) {
            return Err(Error::about(Code::ConfigInvalid, "a witness has a name and a key of its own"));
        }
        if count == 0 || count > witnesses.len() {
            return Err(Error::about(Code::ConfigInvalid, "more witnesses than there are, or none"));
        }
        (self.witnesses, self.count) = (witnesses, count);
        Ok(self)
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.log[0].name()
    }

    /// The checkpoint, if its signatures are those that are asked for. `checkpoint-invalid`, `too-large`.
    pub fn verify(&self, note: &str, now: Now) -> Result<Checkpoint> {
        let note = Note::read(note)?;
        let checkpoint = Checkpoint::of_text(note.text)?;
        if checkpoint.origin != self.origin() {
            return Err(Error::named(Code::CheckpointInvalid, "of another log:", &checkpoint.origin));
        }
        let mut is_signed = false;
        for key in &self.log {
            is_signed |= note.is_signed_by(key, now)?;
        }
        if !is_signed {
            return Err(Error::about(Code::CheckpointInvalid, "not signed by the log"));
        }
        let mut count = 0;
        for key in &self.witnesses {
            count += usize::from(note.is_signed_by(key, now)?);
        }
        if count < self.count {
            return Err(Error::of(Code::CheckpointInvalid, &format!("cosigned by {count} of {} witnesses", self.count)));
        }
        Ok(checkpoint)
    }
}
