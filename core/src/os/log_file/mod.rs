//! The audit log in a file that survives crashes, and that several processes may share.

mod files;
mod options;
mod pieces;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::files::Place;
use self::watch::Watch;
use crate::audit::AuditRecord;
use crate::log::{AuditEvent, Checkpoint, CheckpointPolicy, Flood, LogCheck, LogHead, LogProof, LogReport, NoteKey, opening};
use crate::signals::Signal;
use crate::time::Now;
use crate::{Code, Digest, Error, Result};

pub use self::files::log_files;
pub use self::options::LogOptions;
pub use self::pieces::{LogPieces, log_pieces};

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
    /// Why nothing is written any more.
    ended: Option<&'static str>,
}

const CLOSED: &str = "the log was closed";
const DAMAGED: &str = "what was written is not on the disk, or could not be taken back: open the log again";

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
        let watch = options.signals.take().map(Watch::new);
        let inner = Inner { open: None, known: LogHead::default(), flood, watch, checkpoint: (0, None), ended: None };
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
        let (counted, is_suppressed) = {
            let mut inner = self.inner();
            if let Some(why) = inner.ended {
                return Err(ended(why));
            }
            (inner.flood.counted(record.time(), false), inner.flood.suppresses(record))
        };
        let mut records: Vec<_> = counted.iter().map(|counted| counted.to_json(record.time())).collect();
        if !is_suppressed {
            records.push(record.to_json_disclosing(&self.options.disclosure));
        } else if records.is_empty() {
            return Ok(None);
        }
        match self.append(&records, record.time()) {
            Ok(first) => Ok((!is_suppressed).then_some(first + records.len() as u64 - 1)),
            Err(error) => {
                self.inner().flood.give_back(counted);
                Err(error)
            }
        }
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
    /// [`Code::AuditUnavailable`] if they cannot be written, or the log was closed: then none of them is in the log, unless they could not be
    /// taken back either, which ends it; [`Code::LogTruncated`] if the file lost entries since; [`Code::LogMalformed`] for a record that is none;
    /// those of [`LogFile::open`] about what other processes wrote; those of signing, if a checkpoint that was due could not be signed: then
    /// nothing was written.
    pub fn append(&self, records: &[impl AsRef<str>], now: Now) -> Result<u64> {
        let records: Vec<_> = records.iter().map(AsRef::as_ref).collect();
        self.write(&records, now)
    }

    /// Signs a checkpoint of the log as it is, and puts it beside the log.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] without a key; [`Code::SigningFailed`]; [`Code::AuditUnavailable`].
    pub fn sign_checkpoint(&self, now: Now) -> Result<String> {
        let signed = self.locked(now, |inner, open, place| self.sign(inner, open, place))?;
        signed.ok_or(Error::about(Code::ConfigInvalid, "a log that has a key for checkpoints"))
    }

    /// Writes what is left, signs a checkpoint if there is a key for it, and ends: whatever is appended after that is refused.
    ///
    /// # Errors
    /// As [`LogFile::append`]; it is closed all the same.
    pub fn close(&self, now: Now) -> Result<()> {
        let counted = {
            let mut inner = self.inner();
            if inner.ended == Some(CLOSED) {
                return Ok(());
            }
            inner.flood.counted(now, true)
        };
        let records: Vec<_> = counted.iter().map(|counted| counted.to_json(now)).collect();
        let done = self.locked(now, |inner, open, place| {
            self.put(inner, open, place, &records, now)?;
            self.sign(inner, open, place).map(drop)
        });
        let mut inner = self.inner();
        inner.ended = Some(CLOSED);
        inner.open = None;
        done
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the file as it is while nobody else does.
    fn locked<T>(&self, now: Now, work: impl FnOnce(&mut Inner, &mut Open, &Place<'_>) -> Result<T>) -> Result<T> {
        let mut inner = self.inner();
        if let Some(why) = inner.ended {
            return Err(ended(why));
        }
        let place = Place::new(&self.path);
        let _lock = place.lock(true)?;
        let mut open = self.current(&mut inner, &place, now)?;
        let done = work(&mut inner, &mut open, &place);
        // What was taken back left the file as it was. Otherwise there may be more in it than is on the disk: nothing is put after that.
        match done.is_ok() || place.length(&open.file).is_ok_and(|length| length == open.length) {
            true => inner.open = Some(open),
            false => inner.ended = Some(DAMAGED),
        }
        done
    }

    fn write(&self, records: &[&str], now: Now) -> Result<u64> {
        self.locked(now, |inner, open, place| {
            self.sign_if_due(inner, open, place)?;
            self.put(inner, open, place, records, now)?;
            let first = inner.known.size() - records.len() as u64;
            self.watch(inner, open, place, (first, records), now);
            // What is written is acknowledged. A checkpoint that fails now is due before the next append.
            let _ = self.sign_if_due(inner, open, place);
            Ok(first)
        })
    }

    fn put(&self, inner: &mut Inner, open: &mut Open, place: &Place<'_>, records: &[impl AsRef<str>], now: Now) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let lines = |mut head: LogHead| -> Result<(LogHead, String)> {
            let lines = records.iter().map(|record| head.append(record.as_ref())).collect::<Result<String>>()?;
            Ok((head, lines))
        };
        let (mut head, mut text) = lines(inner.known.clone())?;
        if open.length > 0 && open.length + text.len() as u64 > self.options.rotate_at {
            Self::sync(inner, open, place)?;
            place.put_away(inner.known.size())?;
            *open = self.begin(inner, place, now)?;
            (head, text) = lines(inner.known.clone())?;
        }
        open.length = place.append(&mut open.file, open.length, text.as_bytes(), self.options.is_synced)?;
        inner.known = head;
        Ok(())
    }

    /// The file as it is, once what others wrote is known.
    fn current(&self, inner: &mut Inner, place: &Place<'_>, now: Now) -> Result<Open> {
        let kept = inner.open.take().filter(|open| open.process == std::process::id() && place.is_same(&open.file));
        if let Some(mut open) = kept {
            let (head, torn) = self.read_on(&mut open, inner.known.clone(), place, &[], inner.watch.as_mut())?;
            inner.known = head;
            self.mend(&mut open, torn, place)?;
            return Ok(open);
        }
        if let Some(watch) = &mut inner.watch {
            watch.catch_up(&self.path, &self.origin);
        }
        let anchors = self.anchors(inner, place, now)?;
        let mut open = place.open()?.map(|file| Open { file, length: 0, process: std::process::id() });
        let (mut head, torn) = match &mut open {
            Some(open) => self.read_on(open, LogHead::default(), place, &anchors, inner.watch.as_mut())?,
            None => (LogHead::default(), 0),
        };
        // Before its first entry a file is the one that comes after those that were put away.
        let is_begun = head.size() > 0;
        if !is_begun {
            head = self.put_away_before(&anchors)?;
        }
        let least = anchors.iter().map(Checkpoint::size).max().unwrap_or(0);
        if head.size() < least {
            return Err(truncated(&head, least));
        }
        inner.known = head;
        // Nothing is changed before all that.
        match open {
            Some(mut open) => {
                self.mend(&mut open, torn, place)?;
                if is_begun { Ok(open) } else { self.begin(inner, place, now) }
            }
            None => self.begin(inner, place, now),
        }
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

    /// Reads whole entries to the end of the file: the head after them, and how many bytes of a torn line there are.
    fn read_on(
        &self,
        open: &mut Open,
        head: LogHead,
        place: &Place<'_>,
        anchors: &[Checkpoint],
        mut watch: Option<&mut Watch>,
    ) -> Result<(LogHead, u64)> {
        let (from, length) = (open.length, place.length(&open.file)?);
        if length < from {
            return Err(Error::about(Code::LogTruncated, "the file is shorter than it was").at_entry(head.size()));
        }
        if length == from {
            return Ok((head, 0));
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
        Ok((head, torn))
    }

    /// Sets a torn line aside.
    fn mend(&self, open: &mut Open, torn: u64, place: &Place<'_>) -> Result<()> {
        if torn == 0 { Ok(()) } else { place.set_aside(&mut open.file, open.length, open.length + torn) }
    }

    /// The head at the end of the last file that was put away: it is whole, and of the size that its name says.
    fn put_away_before(&self, anchors: &[Checkpoint]) -> Result<LogHead> {
        let Some(path) = log_files(&self.path)?.into_iter().rfind(|file| *file != self.path) else { return Ok(LogHead::default()) };
        let place = Place::new(&path);
        let Some(file) = place.open()? else { return Err(Error::about(Code::LogTruncated, "a file is gone")) };
        let mut open = Open { file, length: 0, process: 0 };
        let (head, torn) = self.read_on(&mut open, LogHead::default(), &place, anchors, None)?;
        let size = files::size_at_end(&path).unwrap_or(u64::MAX);
        if torn > 0 || head.size() != size { Err(truncated(&head, size)) } else { Ok(head) }
    }

    /// Begins a file: the first of a log, or the next.
    fn begin(&self, inner: &mut Inner, place: &Place<'_>, now: Now) -> Result<Open> {
        let mut head = inner.known.clone();
        let record = if head.size() == 0 { opening(&self.origin, now) } else { head.continued(&self.origin, now) };
        let line = head.append(&record)?;
        let mut open = Open { file: place.create(self.options.is_synced)?, length: 0, process: std::process::id() };
        open.length = place.append(&mut open.file, 0, line.as_bytes(), self.options.is_synced)?;
        inner.known = head;
        Ok(open)
    }

    /// After a sync that failed, one that does not says nothing about what was written before.
    fn sync(inner: &mut Inner, open: &Open, place: &Place<'_>) -> Result<()> {
        place.sync(&open.file).inspect_err(|_| inner.ended = Some(DAMAGED))
    }

    fn sign_if_due(&self, inner: &mut Inner, open: &Open, place: &Place<'_>) -> Result<()> {
        let is_due = self.options.checkpoints.as_ref().is_some_and(|(_, every)| inner.known.size() >= inner.checkpoint.0 + every);
        if is_due { self.sign(inner, open, place).map(drop) } else { Ok(()) }
    }

    /// Only of what is on the disk: a log that the machine lost the end of would be behind its checkpoint for ever.
    fn sign(&self, inner: &mut Inner, open: &Open, place: &Place<'_>) -> Result<Option<String>> {
        let Some((signer, _)) = &self.options.checkpoints else { return Ok(None) };
        Self::sync(inner, open, place)?;
        let note = inner.known.checkpoint(&self.origin).sign(&**signer)?;
        place.write_checkpoint(&note)?;
        inner.checkpoint = (inner.known.size(), Some(note.clone()));
        Ok(Some(note))
    }
}

fn ended(why: &'static str) -> Error {
    Error::about(Code::AuditUnavailable, why)
}

fn truncated(head: &LogHead, least: u64) -> Error {
    Error::of(Code::LogTruncated, &format!("{} entries of {least}", head.size())).at_entry(head.size())
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
