//! Checking a log, entry by entry, in memory that does not grow with it.

use super::checkpoint::Checkpoint;
use super::head::{LogHead, digest};
use super::line::{self, Entry, MAX_LINE, Reader};
use super::tree::Roots;
use crate::audit::LogRecord;
use crate::id::Digest;
use crate::{Code, Error, Result};

/// Checks a log that comes in pieces, in order. The first error ends it: what is fed after that is not looked at.
#[derive(Debug)]
pub struct LogCheck {
    reader: Reader,
    head: LogHead,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    /// The smallest first.
    checkpoints: Vec<Checkpoint>,
    anchored: Option<u64>,
    /// Does not follow the entry before it: what comes next says which of the two was changed.
    doubtful: Option<u64>,
    clock: Clock,
    proof: Option<Roots>,
    failed: Option<Error>,
    /// The log that it has to be.
    origin: Option<String>,
    /// Whether the first entry may continue a log that is not there.
    is_file: bool,
}

#[derive(Debug, Default)]
struct Clock {
    latest: String,
    steps_back: u64,
    first_step_back: Option<u64>,
}

/// What a whole log is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogReport {
    /// The end of the log.
    pub head: LogHead,
    /// Up to which size it is what a checkpoint says; none without a checkpoint: then it may have been cut, or written anew.
    pub anchored: Option<u64>,
    /// How often the time of a record was before that of one before it.
    pub steps_back: u64,
    /// The first entry of which that is so.
    pub first_step_back: Option<u64>,
}

impl LogCheck {
    /// A check against checkpoints that were kept elsewhere, and were verified.
    #[must_use]
    pub fn new(checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut checkpoints: Vec<_> = checkpoints.into_iter().collect();
        checkpoints.sort_by_key(Checkpoint::size);
        // Every log begins with nothing.
        let empty = checkpoints.iter().take_while(|checkpoint| checkpoint.size() == 0).count();
        checkpoints.drain(..empty);
        let (reader, head, clock, anchored) = (Reader::default(), LogHead::default(), Clock::default(), (empty > 0).then_some(0));
        LogCheck {
            reader,
            head,
            rest: Vec::new(),
            checkpoints,
            anchored,
            doubtful: None,
            clock,
            proof: None,
            failed: None,
            origin: None,
            is_file: false,
        }
    }

    /// A check of what comes after this head; of a whole file, if the head is of no entry: it begins where the file does.
    #[cfg(feature = "os")]
    pub(crate) fn tail(head: LogHead, origin: &str, checkpoints: &[Checkpoint]) -> Self {
        LogCheck { is_file: head.size() == 0, head, origin: Some(origin.to_owned()), ..LogCheck::new(checkpoints.to_vec()) }
    }

    /// The head at the end of what is whole, and how many bytes are after that.
    #[cfg(feature = "os")]
    pub(crate) fn finish_tail(mut self) -> Result<(LogHead, u64)> {
        let torn = std::mem::take(&mut self.rest);
        // The beginning of a file that never was a log is nothing to set aside.
        if self.is_file && !line::is_beginning(&torn) {
            return Err(Error::about(Code::LogForeign, "it does not begin as a log"));
        }
        self.checkpoints.clear();
        self.end()?;
        Ok((self.head, torn.len() as u64))
    }

    /// The same, which also collects the roots of some ranges of entries.
    pub(crate) fn collecting(mut self, roots: Roots) -> Self {
        self.proof = Some(roots);
        self
    }

    /// How many entries were checked.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.head.size()
    }

    /// The next piece of the log. The error says at which entry, in [`Error::entry`]: `log-malformed`, `log-gap`, `log-changed`.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.push_each(bytes, |_, _| Ok(()))
    }

    /// The same, and gives each record that holds together, as canonical JSON, with its entry's sequence.
    pub fn push_each(&mut self, bytes: &[u8], mut each: impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let done = self.lines(bytes, &mut each);
        self.failed = done.as_ref().err().cloned();
        done
    }

    fn lines(&mut self, mut bytes: &[u8], each: &mut impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, after) = (&bytes[..end], &bytes[end + 1..]);
            if self.rest.is_empty() {
                self.line(line, each)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(&line[..line.len().min(MAX_LINE)]);
                self.line(&whole, each)?;
                whole.clear();
                self.rest = whole;
            }
            bytes = after;
        }
        if self.rest.len() + bytes.len() >= MAX_LINE {
            return Err(self.malformed("a line that is too long"));
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        let text = std::str::from_utf8(line).map_err(|_| self.malformed("not UTF-8"))?;
        let entry = self.reader.read(text).map_err(|_| self.malformed("not an entry in canonical form"))?;
        if self.is_file {
            self.is_file = false;
            self.begin(&entry)?;
        }
        let place = self.size();
        if let Some(at) = self.doubtful {
            let follows = digest(entry.previous).as_ref() == Some(self.head.last());
            return Err(changed(if follows && entry.sequence == place { at - 1 } else { at }));
        }
        if entry.sequence != place {
            let context = format!("entry {} is where entry {place} should be", entry.sequence);
            return Err(Error::of(Code::LogGap, &context).at_entry(place));
        }
        if digest(entry.previous).as_ref() != Some(self.head.last()) {
            if place == 0 {
                return Err(changed(0));
            }
            self.doubtful = Some(place);
        } else {
            self.follow(&entry)?;
            each(place, entry.record)?;
        }
        self.push_leaf(entry.leaf)
    }

    /// The first entry of a file: it opens the log, or continues it.
    fn begin(&mut self, entry: &Entry<'_>) -> Result<()> {
        let record = LogRecord::from_json(entry.record).map_err(|_| Error::new(Code::LogForeign))?;
        let is_first = matches!(&*record.kind, "opened" | "continued");
        if !is_first || record.origin != self.origin {
            return Err(Error::named(Code::LogForeign, "the origin", record.origin.as_deref().unwrap_or("")));
        }
        if let Some(before) = LogHead::before(entry)? {
            self.checkpoints.retain(|checkpoint| checkpoint.size() >= before.size());
            self.head = before;
            self.compare()?;
        }
        Ok(())
    }

    fn follow(&mut self, entry: &Entry<'_>) -> Result<()> {
        if LogHead::before(entry)?.is_some_and(|before| before != self.head) {
            return Err(changed(entry.sequence));
        }
        let clock = &mut self.clock;
        if entry.time.is_empty() {
            return Ok(());
        }
        if entry.time < &*clock.latest {
            clock.steps_back += 1;
            clock.first_step_back.get_or_insert(entry.sequence);
        } else {
            clock.latest.clear();
            clock.latest.push_str(entry.time);
        }
        Ok(())
    }

    fn push_leaf(&mut self, leaf: Digest) -> Result<()> {
        if let Some(roots) = &mut self.proof {
            roots.leaf(self.head.size(), leaf);
        }
        self.head.push(leaf);
        // An entry in doubt is not there yet: what follows says more than a checkpoint could.
        if self.doubtful.is_some() { Ok(()) } else { self.compare() }
    }

    /// Compares with the checkpoints of this size.
    fn compare(&mut self) -> Result<()> {
        while self.checkpoints.first().is_some_and(|checkpoint| checkpoint.size() == self.size()) {
            let checkpoint = self.checkpoints.remove(0);
            if *checkpoint.root() != self.head.root() {
                let from = self.anchored.unwrap_or(0);
                let context = format!("not what the checkpoint of size {} says", checkpoint.size());
                return Err(Error::of(Code::LogChanged, &context).at_entry(from));
            }
            self.anchored = Some(self.size());
        }
        Ok(())
    }

    /// The end of the log. `log-torn`, `log-truncated`, `log-changed`.
    pub fn finish(mut self) -> Result<LogReport> {
        self.end()?;
        let Clock { steps_back, first_step_back, .. } = self.clock;
        Ok(LogReport { head: self.head, anchored: self.anchored, steps_back, first_step_back })
    }

    pub(crate) fn finish_collecting(mut self) -> Result<Option<Vec<Digest>>> {
        self.end()?;
        Ok(self.proof.and_then(Roots::finish))
    }

    fn end(&mut self) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Some(at) = self.doubtful {
            return Err(changed(at - 1));
        }
        if !self.rest.is_empty() {
            let context = format!("{} bytes without an end", self.rest.len());
            return Err(Error::of(Code::LogTorn, &context).at_entry(self.size()));
        }
        match self.checkpoints.first() {
            Some(checkpoint) => {
                let context = format!("{} entries, and a checkpoint of size {}", self.size(), checkpoint.size());
                Err(Error::of(Code::LogTruncated, &context).at_entry(self.size()))
            }
            None => Ok(()),
        }
    }

    fn malformed(&self, what: &'static str) -> Error {
        match self.doubtful {
            Some(at) => changed(at - 1),
            None => Error::about(Code::LogMalformed, what).at_entry(self.size()),
        }
    }
}

fn changed(entry: u64) -> Error {
    Error::about(Code::LogChanged, "the entry after it follows another").at_entry(entry)
}
