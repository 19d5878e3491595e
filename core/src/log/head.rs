//! Where a log ends: all that is needed to go on with it.

use super::Checkpoint;
use super::line::{self, Entry, Reader};
use super::tree::Frontier;
use crate::id::{Digest, hex};
use crate::json::{list, object};
use crate::time::Now;
use crate::{Code, Error, Result, limits};

/// How a record begins that continues a log in a new file.
const CONTINUED: &str = "{\"kind\":\"continued\",";

/// The end of a log. Records are put after it in memory; who keeps them does so before anybody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    frontier: Frontier,
    last: Digest,
}

impl Default for LogHead {
    fn default() -> Self {
        LogHead { frontier: Frontier::default(), last: Digest::from_bytes([0; 32]) }
    }
}

impl LogHead {
    /// How many entries there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of their tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// What can be signed about the log as it is.
    #[must_use]
    pub fn checkpoint(&self, origin: &str) -> Checkpoint {
        Checkpoint::of(origin, self.size(), self.root())
    }

    /// Puts a record at the end: its line, with the newline. `log-malformed` unless the record is an object in canonical JSON, or if the line is too
    /// long, or if it continues another log; `too-many` for the entry after 2^53 − 1.
    pub fn append(&mut self, record: &str) -> Result<String> {
        if self.size() >= limits::MAX_SEQUENCE {
            return Err(Code::TooMany.into());
        }
        let line = line::write(&self.last, record, self.size());
        let entry = Reader::default().read(&line[..line.len() - 1])?;
        // A record that ends early would make another entry of the rest; one that continues another log no check would take.
        if entry.record != record || Self::before(&entry)?.is_some_and(|before| before != *self) {
            return Err(Code::LogMalformed.into());
        }
        self.push(entry.leaf);
        Ok(line)
    }

    pub(crate) const fn last(&self) -> &Digest {
        &self.last
    }

    pub(crate) fn push(&mut self, leaf: Digest) {
        self.frontier.push(leaf);
        self.last = leaf;
    }

    /// The record that begins a new file: with it the file can be gone on with, without those before.
    #[must_use]
    pub(crate) fn continued(&self, origin: &str, now: Now) -> String {
        let mut out = String::new();
        object(&mut out, |members| {
            members.text("kind", "continued");
            members.text("origin", origin);
            list(members.name("roots"), self.frontier.roots(), |out, root| {
                out.push('"');
                out.push_str(&hex(root.as_bytes()));
                out.push('"');
            });
            members.text("time", &now.to_rfc3339());
            members.name("version").push('1');
        });
        out
    }

    /// The head before an entry that continues a log. Nothing if it is not such an entry.
    pub(crate) fn before(entry: &Entry<'_>) -> Result<Option<Self>> {
        #[derive(serde::Deserialize)]
        struct Continued {
            roots: Vec<String>,
        }
        if !entry.record.starts_with(CONTINUED) {
            return Ok(None);
        }
        let malformed = Error::about(Code::LogMalformed, "the roots of a log that is continued").at_entry(entry.sequence);
        let Ok(Continued { roots }) = serde_json::from_str(entry.record) else { return Err(malformed) };
        let roots: Option<Vec<_>> = roots.iter().map(|root| digest(root)).collect();
        let frontier = roots.and_then(|roots| Frontier::from_roots(entry.sequence, roots)).ok_or(malformed)?;
        Ok(Some(LogHead { frontier, last: digest(entry.previous).expect("the reader checked it") }))
    }
}

/// From 64 hex digits, in lower case.
pub(crate) fn digest(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(Digest::from_bytes(bytes))
}

/// The record that begins a log.
#[cfg(feature = "os")]
pub(crate) fn opening(origin: &str, now: Now) -> String {
    let mut out = String::new();
    object(&mut out, |members| {
        members.text("kind", "opened");
        members.text("origin", origin);
        members.text("time", &now.to_rfc3339());
        members.name("version").push('1');
    });
    out
}
