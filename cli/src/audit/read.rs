//! Reading a log, and checking it on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use deputize::os::log_pieces;
use deputize::{Checkpoint, Code, Error, LogCheck, LogReport};

use crate::screen::{Failure, Screen};

/// Bytes after which a line without an end is given to the check, which refuses it.
const MAX_LINE: usize = 256 * 1024;

/// An entry that holds together with those before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) sequence: u64,
    /// Canonical JSON.
    pub(crate) record: &'a str,
    /// The line in the log, without its newline.
    pub(crate) line: &'a str,
}

/// A check that also gives the lines.
#[derive(Debug)]
pub(crate) struct Reader {
    check: LogCheck,
    rest: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(checkpoints: Vec<Checkpoint>) -> Self {
        Reader { check: LogCheck::new(checkpoints), rest: Vec::new() }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.check.size()
    }

    /// The next bytes of the log.
    pub(crate) fn push(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&Entry<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, after) = bytes.split_at(end + 1);
            if self.rest.is_empty() {
                Self::line(&mut self.check, line, each)?;
            } else {
                self.rest.extend_from_slice(line);
                Self::line(&mut self.check, &self.rest, each)?;
                self.rest.clear();
            }
            bytes = after;
        }
        self.rest.extend_from_slice(bytes);
        if self.rest.len() > MAX_LINE {
            self.check.push(&self.rest)?;
        }
        Ok(())
    }

    fn line(check: &mut LogCheck, line: &[u8], each: &mut dyn FnMut(&Entry<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut failed = None;
        let text = std::str::from_utf8(line).unwrap_or_default().trim_end_matches('\n');
        check.push_each(line, |sequence, record| {
            failed = each(&Entry { sequence, record, line: text }).err();
            Ok(())
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn finish(mut self) -> Result<LogReport, Error> {
        self.check.push(&self.rest)?;
        self.check.finish()
    }
}

/// Reads a whole log. Progress is shown once it takes longer than a second.
pub(crate) fn entries(
    path: &Path,
    checkpoints: Vec<Checkpoint>,
    screen: &mut Screen<'_>,
    mut each: impl FnMut(&Entry<'_>, &mut Screen<'_>) -> Result<(), Failure>,
) -> Result<LogReport, Failure> {
    let mut reader = Reader::new(checkpoints);
    let mut failed = None;
    let mut progress = Progress::new();
    let read = log_pieces(path, |piece, done, all| {
        let pushed = reader.push(piece, &mut |entry| each(entry, screen));
        progress.at(done, all, screen);
        pushed.map_err(|failure| {
            failed = Some(failure);
            Error::new(Code::Internal)
        })
    });
    screen.end_progress();
    match (failed, read) {
        (Some(failure), _) => Err(failure),
        (None, read) => {
            read?;
            Ok(reader.finish()?)
        }
    }
}

/// When to say how far something is.
pub(crate) struct Progress(Instant);

impl Progress {
    /// The first time after a second.
    pub(crate) fn new() -> Self {
        Progress(Instant::now() + Duration::from_secs(1))
    }

    pub(crate) fn at(&mut self, done: u64, all: u64, screen: &mut Screen<'_>) {
        let now = Instant::now();
        if now >= self.0 {
            self.0 = now + Duration::from_millis(100);
            screen.progress(done, all);
        }
    }
}

/// What the log calls itself: the origin in its first entry.
pub(crate) fn origin(path: &Path, screen: &mut Screen<'_>) -> Result<Option<String>, Failure> {
    let mut found = None;
    let mut is_read = false;
    let read = entries(path, Vec::new(), screen, |entry, _| {
        found = deputize::LogRecord::from_json(entry.record).ok().and_then(|record| record.origin);
        is_read = true;
        Err(Failure::Refused(Error::new(Code::Internal)))
    });
    match read {
        Err(_) if is_read => Ok(found),
        other => other.map(|_| found),
    }
}
