//! An entry as a line.

use super::canonical::Transcoder;
use super::checkpoint::decimal;
use super::tree::leaf_hash;
use crate::id::Digest;
use crate::{Code, Error, Result};

/// The longest line, with its newline.
pub(crate) const MAX_LINE: usize = 256 * 1024;

const PREVIOUS: &str = "{\"previous\":\"";
const RECORD: &str = "\",\"record\":";
const SEQUENCE: &str = ",\"sequence\":";

/// What a line says, and the hash of its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) sequence: u64,
    /// In hex.
    pub(crate) previous: &'a str,
    /// Canonical JSON.
    pub(crate) record: &'a str,
    /// Nothing where the record has no time.
    pub(crate) time: &'a str,
    pub(crate) leaf: Digest,
}

/// Reads lines, one after another.
#[derive(Debug, Default)]
pub(crate) struct Reader(Transcoder);

impl Reader {
    /// A line without its newline. `log-malformed` unless it is the canonical form of an entry.
    pub(crate) fn read<'a>(&mut self, line: &'a str) -> Result<Entry<'a>> {
        self.entry(line).ok_or(Error::new(Code::LogMalformed))
    }

    fn entry<'a>(&mut self, line: &'a str) -> Option<Entry<'a>> {
        if line.len() >= MAX_LINE {
            return None;
        }
        let (previous, rest) = line.strip_prefix(PREVIOUS)?.split_at_checked(64)?;
        if !previous.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let rest = rest.strip_prefix(RECORD)?;
        let to = &mut self.0;
        to.clear();
        to.out().map(3).text("record");
        let (length, time) = to.object(rest).ok()?;
        let (record, rest) = rest.split_at(length);
        let sequence = decimal(rest.strip_prefix(SEQUENCE)?.strip_suffix('}')?)?;
        to.out().text("previous").text(previous).text("sequence").unsigned(sequence);
        let time = time.map_or("", |range| &record[range]);
        Some(Entry { sequence, previous, record, time, leaf: leaf_hash(to.bytes()) })
    }
}

/// Whether bytes can be the beginning of a line.
#[cfg(feature = "os")]
pub(crate) fn is_beginning(bytes: &[u8]) -> bool {
    bytes.starts_with(PREVIOUS.as_bytes()) || PREVIOUS.as_bytes().starts_with(bytes)
}

/// The line of an entry, with its newline.
pub(crate) fn write(previous: &Digest, record: &str, sequence: u64) -> String {
    format!("{PREVIOUS}{previous}{RECORD}{record}{SEQUENCE}{sequence}}}\n")
}
