//! The audit log in a file that survives crashes, and that several processes may share.

mod files;
mod pieces;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::files::Place;
use self::watch::Watch;
use crate::audit::{AuditRecord, Disclosed, Disclosure, Salt};
use crate::key::Signer;
use crate::log::{AuditEvent, Checkpoint, CheckpointPolicy, Flood, LogCheck, LogHead, LogProof, LogReport, NoteKey, opening};
use crate::signals::{Signal, Signals};
use crate::time::Now;
use crate::{Code, Digest, Error, Result};

pub use self::files::log_files;
pub use self::pieces::{LogPieces, log_pieces};

/// How a log is kept.
#[derive(Clone)]
#[must_use]
pub struct LogOptions {
    is_synced: bool,
    disclosure: Disclosure,
    rotate_at: u64,
    unproven: u64,
    checkpoints: Option<(Arc<dyn Signer + Send + Sync>, u64)>,
    expected: Vec<Checkpoint>,
    signals: Option<Signals>,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            is_synced: false,
            disclosure: Disclosure::default(),
            rotate_at: 64 << 20,
            unproven: 1000,
            checkpoints: None,
            expected: Vec::new(),
            signals: None,
        }
    }
}

impl LogOptions {
    /// Not synced, without arguments, files of 64 MiB, 1,000 denials of unproven callers a minute, no checkpoints.
    pub fn new() -> Self {
        LogOptions::default()
    }

    /// Waits after each append until the system says that it is on the disk. Without it an entry survives the end of the process, and not always
    /// that of the machine.
    pub const fn synced(mut self, is_synced: bool) -> Self {
        self.is_synced = is_synced;
        self
    }

    /// Records the arguments of calls, not only their digest.
    pub fn with_arguments(mut self, with_arguments: bool) -> Self {
        self.disclosure.arguments = if with_arguments { Disclosed::Everything } else { Disclosed::Nothing };
        self
    }

    /// Records arguments of these names, whatever the tool, and the digest of all of them.
    pub fn disclosing(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.disclosure.arguments = Disclosed::Named(names.into_iter().collect());
        self
    }

    /// Salts the digests of arguments with a secret: whoever has it can still tell whether a digest is of some arguments, and nobody else can
    /// find arguments by trying what they may be.
    pub fn salted(mut self, salt: [u8; 32]) -> Self {
        self.disclosure.salt = Some(Salt(zeroize::Zeroizing::new(salt)));
        self
    }

    /// Begins a new file before one grows beyond so many bytes.
    pub const fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// How many denials a minute are recorded of callers without a verified proof; the rest is counted.
    pub const fn unproven_per_minute(mut self, most: u64) -> Self {
        self.unproven = most;
        self
    }

    /// Signs a checkpoint, with the key of the log, after so many entries and at the end, into the file with `.checkpoint` at its end.
    pub fn checkpoints(mut self, signer: Arc<dyn Signer + Send + Sync>, every: u64) -> Self {
        self.checkpoints = Some((signer, every.max(1)));
        self
    }

    /// Refuses to go on with a log that is not what a checkpoint, kept elsewhere and verified, says.
    pub fn expected(mut self, checkpoint: Checkpoint) -> Self {
        self.expected.push(checkpoint);
        self
    }

    /// Watches the log: it feeds a copy of these with what is in it and with each record that is appended, and keeps their signals (specification,
    /// signals.md). Opening the log then reads all of it.
    pub fn signals(mut self, signals: Signals) -> Self {
        self.signals = Some(signals);
        self
    }
}

impl std::fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogOptions").field("is_synced", &self.is_synced).field("rotate_at", &self.rotate_at).finish_non_exhaustive()
    }
}

/// An audit log in a file (specification, log.md). Whatever an append acknowledged is in the file; a crash at any instant leaves whole entries
/// and at most one torn line, which the next append sets aside. Several processes can append to one file.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    origin: String,
    options: LogOptions,
    inner: Mutex<Inner>,
    /// Signals that nobody took yet.
    told: Mutex<VecDeque<Signal>>,
}

#[derive(Debug)]
struct Inner {
    /// Of the file that is written now; none before the first use and after a failure.
    open: Option<Open>,
    /// The end of the log as this process knows it: it never goes back.
    known: LogHead,
    flood: Flood,
    watch: Option<Watch>,
    /// The size at the latest checkpoint, and its note.
    checkpoint: (u64, Option<String>),
    is_closed: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    process: u32,
}

impl LogFile {
    /// Opens a log, or begins it.
    ///
    /// # Errors
    /// [`Code::NameInvalid`] for an origin that is none; [`Code::AuditUnavailable`] if the file cannot be used; [`Code::LogForeign`] for another
    /// log; [`Code::LogTruncated`] and [`Code::LogChanged`] if it is behind or beside a checkpoint that is expected, or is beside it;
    /// [`Code::LogMalformed`], [`Code::LogGap`], [`Code::LogChanged`] of its last file.
    pub fn open(path: impl AsRef<Path>, origin: &str, mut options: LogOptions, now: Now) -> Result<Self> {
        if let Some((signer, _)) = &options.checkpoints {
            NoteKey::of_log(origin, signer.verifying_key())?;
        } else if !crate::log::is_origin(origin) {
            return Err(Error::named(Code::NameInvalid, "the origin of a log", origin));
        }
        let flood = Flood::new(options.unproven);
        let mut watch = options.signals.take().map(Watch::new);
        if let Some(watch) = &mut watch {
            watch.catch_up(path.as_ref(), origin);
        }
        let inner = Inner { open: None, known: LogHead::default(), flood, watch, checkpoint: (0, None), is_closed: false };
        let (path, origin, told) = (path.as_ref().to_owned(), origin.to_owned(), Mutex::default());
        let log = LogFile { path, origin, options, inner: Mutex::new(inner), told };
        log.write(&[], now)?;
        Ok(log)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The end of the log as this process wrote or saw it.
    #[must_use]
    pub fn head(&self) -> LogHead {
        self.inner().known.clone()
    }

    /// The latest checkpoint that this process signed.
    #[must_use]
    pub fn checkpoint(&self) -> Option<String> {
        self.inner().checkpoint.1.clone()
    }

    /// Records a decision: its sequence; none for a denial that was only counted ([`LogOptions::unproven_per_minute`]).
    ///
    /// # Errors
    /// As [`LogFile::append`].
    pub fn record(&self, record: &AuditRecord) -> Result<Option<u64>> {
        let mut records = Vec::with_capacity(2);
        {
            let mut inner = self.inner();
            records.extend(inner.flood.counted(record.time(), false));
            if inner.flood.suppresses(record) {
                if records.is_empty() {
                    return if inner.is_closed { Err(closed()) } else { Ok(None) };
                }
                drop(inner);
                return self.append(&records, record.time()).map(|_| None);
            }
        }
        records.push(record.to_json_disclosing(&self.options.disclosure));
        let first = self.append(&records, record.time())?;
        Ok(Some(first + records.len() as u64 - 1))
    }

    /// Records an event: its sequence.
    ///
    /// # Errors
    /// As [`LogFile::append`].
    pub fn event(&self, event: &AuditEvent) -> Result<u64> {
        self.append(&[event.to_json_salted(self.options.disclosure.salt.as_ref())], event.time())
    }

    /// Puts records, which are canonical JSON objects, at the end, all with one write: the sequence of the first.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if they cannot be written, or the log was closed: then none of them is in the log; [`Code::LogTruncated`]
    /// if the file lost entries since; [`Code::LogMalformed`] for a record that is none; those of [`LogFile::open`] about what other
    /// processes wrote.
    pub fn append(&self, records: &[impl AsRef<str>], now: Now) -> Result<u64> {
        let records: Vec<_> = records.iter().map(AsRef::as_ref).collect();
        self.write(&records, now)
    }

    /// Signs a checkpoint of the log as it is, and puts it beside the log.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] without a key; [`Code::SigningFailed`]; [`Code::AuditUnavailable`].
    pub fn sign_checkpoint(&self, now: Now) -> Result<String> {
        self.write(&[], now)?;
        let mut inner = self.inner();
        self.sign(&mut inner)?.ok_or(Error::about(Code::ConfigInvalid, "a log that has a key for checkpoints"))
    }

    /// Writes what is left, signs a checkpoint if there is a key for it, and ends: whatever is appended after that is refused.
    ///
    /// # Errors
    /// As [`LogFile::append`]; it is closed all the same.
    pub fn close(&self, now: Now) -> Result<()> {
        let counted = {
            let mut inner = self.inner();
            if inner.is_closed {
                return Ok(());
            }
            inner.flood.counted(now, true)
        };
        let records: Vec<_> = counted.iter().map(String::as_str).collect();
        let written = self.write(&records, now);
        let mut inner = self.inner();
        let signed = if written.is_ok() { self.sign(&mut inner).map(drop) } else { Ok(()) };
        inner.is_closed = true;
        inner.open = None;
        written.map(drop).and(signed)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, records: &[&str], now: Now) -> Result<u64> {
        let mut inner = self.inner();
        if inner.is_closed {
            return Err(closed());
        }
        let place = Place::new(&self.path);
        let locked = place.lock()?;
        let mut open = self.current(&mut inner, &place, now)?;
        let written = self.put(&mut inner, &mut open, &place, records, now);
        // A file that was begun has an entry more, which is before these.
        let first = inner.known.size() - if written.is_ok() { records.len() as u64 } else { 0 };
        let noted = if written.is_ok() { self.watch(&mut inner, &mut open, &place, (first, records), now) } else { Ok(()) };
        // What was taken back left the file as it was; otherwise it is read again.
        let is_as_known = (written.is_ok() && noted.is_ok()) || place.length(&open.file).is_ok_and(|length| length == open.length);
        drop(locked);
        inner.open = is_as_known.then_some(open);
        written?;
        let is_due = self.options.checkpoints.as_ref().is_some_and(|(_, every)| inner.known.size() >= inner.checkpoint.0 + every);
        if is_due {
            self.sign(&mut inner)?;
        }
        Ok(first)
    }

    fn put(&self, inner: &mut Inner, open: &mut Open, place: &Place<'_>, records: &[&str], now: Now) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut head = inner.known.clone();
        let mut lines = String::new();
        for record in records {
            lines.push_str(&head.append(record)?);
        }
        if open.length > 0 && open.length + lines.len() as u64 > self.options.rotate_at {
            *open = self.rotate(inner, place, now)?;
            head = inner.known.clone();
            lines.clear();
            for record in records {
                lines.push_str(&head.append(record)?);
            }
        }
        open.length = place.append(&mut open.file, open.length, lines.as_bytes(), self.options.is_synced)?;
        inner.known = head;
        Ok(())
    }

    /// The file as it is, once what others wrote is known.
    fn current(&self, inner: &mut Inner, place: &Place<'_>, now: Now) -> Result<Open> {
        let kept = inner.open.take().filter(|open| open.process == std::process::id() && place.is_same(&open.file));
        if let Some(mut open) = kept {
            let from = open.length;
            let head = self.read_on(&mut open, inner.known.clone(), from, place, &[], inner.watch.as_mut())?;
            inner.known = head;
            return Ok(open);
        }
        let Some(file) = place.open()? else { return self.begin(inner, place, now) };
        let mut open = Open { file, length: 0, process: std::process::id() };
        let anchors = self.anchors(inner, place, now)?;
        if let Some(watch) = &mut inner.watch {
            watch.catch_up(&self.path, &self.origin);
        }
        let head = self.read_on(&mut open, LogHead::default(), 0, place, &anchors, inner.watch.as_mut())?;
        if open.length == 0 {
            // A process ended between making the file and its first entry.
            return self.begin(inner, place, now);
        }
        let least = anchors.iter().map(Checkpoint::size).chain([inner.known.size()]).max().unwrap_or(0);
        if head.size() < least {
            let context = format!("{} entries of {least}", head.size());
            return Err(Error::of(Code::LogTruncated, &context).at_entry(head.size()));
        }
        inner.known = head;
        Ok(open)
    }

    /// What has to be in the log: the checkpoint beside it, those that are expected, and what this process knows.
    fn anchors(&self, inner: &Inner, place: &Place<'_>, now: Now) -> Result<Vec<Checkpoint>> {
        let mut anchors = self.options.expected.clone();
        if inner.known.size() > 0 {
            anchors.push(inner.known.checkpoint(&self.origin));
        }
        if let (Some((signer, _)), Some(note)) = (&self.options.checkpoints, place.read_checkpoint()?) {
            let policy = CheckpointPolicy::new([NoteKey::of_log(&self.origin, signer.verifying_key())?])?;
            anchors.push(policy.verify(&note, now)?);
        }
        Ok(anchors)
    }

    /// Reads entries from there to the end of the file, and sets a torn line aside.
    fn read_on(
        &self,
        open: &mut Open,
        head: LogHead,
        from: u64,
        place: &Place<'_>,
        anchors: &[Checkpoint],
        mut watch: Option<&mut Watch>,
    ) -> Result<LogHead> {
        let length = place.length(&open.file)?;
        if length < from {
            return Err(Error::about(Code::LogTruncated, "the file is shorter than it was").at_entry(head.size()));
        }
        if length == from {
            return Ok(head);
        }
        let mut check = LogCheck::tail(head, &self.origin, anchors);
        let mut fed = |sequence, record: &str| {
            // What others appended, or was there before, was told then.
            if let Some(watch) = &mut watch {
                watch.feed(sequence, record);
            }
            Ok(())
        };
        place.read(&mut open.file, from, length, |piece| check.push_each(piece, &mut fed))?;
        let (head, torn) = check.finish_tail()?;
        open.length = length - torn;
        if torn > 0 {
            place.set_aside(&mut open.file, open.length, length)?;
        }
        Ok(head)
    }

    /// The first file of a log, or the one after those that were rotated away.
    fn begin(&self, inner: &mut Inner, place: &Place<'_>, now: Now) -> Result<Open> {
        let mut head = LogHead::default();
        if let Some(before) = log_files(&self.path)?.into_iter().rfind(|file| *file != self.path) {
            let anchors = self.anchors(inner, place, now)?;
            let before_place = Place::new(&before);
            if let Some(file) = before_place.open()? {
                let mut open = Open { file, length: 0, process: 0 };
                head = self.read_on(&mut open, head, 0, &before_place, &anchors, inner.watch.as_mut())?;
            }
        }
        let least = self.anchors(inner, place, now)?.iter().map(Checkpoint::size).max().unwrap_or(0);
        if head.size() < least {
            return Err(Error::about(Code::LogTruncated, "the file is gone").at_entry(head.size()));
        }
        inner.known = head;
        self.begin_after(inner, place, now)
    }

    fn begin_after(&self, inner: &mut Inner, place: &Place<'_>, now: Now) -> Result<Open> {
        let mut head = inner.known.clone();
        let record = if head.size() == 0 { opening(&self.origin, now) } else { head.continued(&self.origin, now) };
        let line = head.append(&record)?;
        let mut open = Open { file: place.create()?, length: 0, process: std::process::id() };
        open.length = place.append(&mut open.file, 0, line.as_bytes(), self.options.is_synced)?;
        inner.known = head;
        Ok(open)
    }

    fn rotate(&self, inner: &mut Inner, place: &Place<'_>, now: Now) -> Result<Open> {
        place.put_away(inner.known.size())?;
        self.begin_after(inner, place, now)
    }

    fn sign(&self, inner: &mut Inner) -> Result<Option<String>> {
        let Some((signer, _)) = &self.options.checkpoints else { return Ok(None) };
        let note = inner.known.checkpoint(&self.origin).sign(&**signer)?;
        Place::new(&self.path).write_checkpoint(&note)?;
        inner.checkpoint = (inner.known.size(), Some(note.clone()));
        Ok(Some(note))
    }
}

fn closed() -> Error {
    Error::about(Code::AuditUnavailable, "the log was closed")
}

/// Checks a whole log, with all of its files, against checkpoints that were verified. After each piece `progress` is given the bytes that are done and
/// those in all. What is appended meanwhile is not looked at.
///
/// # Errors
/// Those of [`LogCheck`]; [`Code::AuditUnavailable`] if a file cannot be read, or there is none.
pub fn check_log(path: impl AsRef<Path>, checkpoints: Vec<Checkpoint>, progress: impl FnMut(u64, u64)) -> Result<LogReport> {
    read_log(path, checkpoints, |_, _| Ok(()), progress)
}

/// The same, and gives each record with its sequence, as canonical JSON.
///
/// # Errors
/// As [`check_log`], and those of `each`.
pub fn read_log(
    path: impl AsRef<Path>,
    checkpoints: Vec<Checkpoint>,
    mut each: impl FnMut(u64, &str) -> Result<()>,
    mut progress: impl FnMut(u64, u64),
) -> Result<LogReport> {
    let mut check = LogCheck::new(checkpoints);
    log_pieces(path, |piece, done, all| {
        check.push_each(piece, &mut each)?;
        progress(done, all);
        Ok(())
    })?;
    check.finish()
}

/// The receipt of an entry by a checkpoint of the log, whose note goes into it.
///
/// # Errors
/// [`Code::ConfigInvalid`] for an entry that the checkpoint does not have; as [`check_log`]; those of a note that is none.
pub fn make_receipt(path: impl AsRef<Path>, sequence: u64, note: &str) -> Result<String> {
    let proof = LogProof::of_entry(sequence, &Checkpoint::unverified(note)?)?;
    fed(path.as_ref(), proof)?.finish_receipt(sequence, note)
}

/// The hashes that show that the log at a checkpoint continues the log of an older size.
///
/// # Errors
/// [`Code::ConfigInvalid`] for a size beyond the checkpoint; as [`check_log`].
pub fn prove_consistency(path: impl AsRef<Path>, size: u64, checkpoint: &Checkpoint) -> Result<Vec<Digest>> {
    fed(path.as_ref(), LogProof::of_consistency(size, checkpoint)?)?.finish()
}

fn fed(path: &Path, mut proof: LogProof) -> Result<LogProof> {
    log_pieces(path, |piece, _, _| proof.push(piece))?;
    Ok(proof)
}
