//! Proofs made from a log that goes by.

use super::check::LogCheck;
use super::checkpoint::Checkpoint;
use super::receipt;
use super::tree::{self, Roots};
use crate::id::Digest;
use crate::{Code, Error, Result};

/// Makes one proof from a log that is fed to it, up to the size of a checkpoint or beyond it. The log is checked on the way.
#[derive(Debug)]
pub struct LogProof(LogCheck);

impl LogProof {
    /// That an entry is in the log as it was at the checkpoint: [`LogProof::finish_receipt`]. `config-invalid` for an entry that came later.
    pub fn of_entry(index: u64, checkpoint: &Checkpoint) -> Result<Self> {
        if index >= checkpoint.size() {
            return Err(Error::about(Code::ConfigInvalid, "an entry of the checkpoint"));
        }
        Ok(Self::of(tree::inclusion_ranges(index, checkpoint.size()), checkpoint))
    }

    /// That the log at the checkpoint continues the log of an older size: [`LogProof::finish`]. `config-invalid` for a size beyond it.
    pub fn of_consistency(size: u64, checkpoint: &Checkpoint) -> Result<Self> {
        if size > checkpoint.size() {
            return Err(Error::about(Code::ConfigInvalid, "a size of the checkpoint, or a smaller one"));
        }
        Ok(Self::of(tree::consistency_ranges(size, checkpoint.size()), checkpoint))
    }

    fn of(ranges: Vec<std::ops::Range<u64>>, checkpoint: &Checkpoint) -> Self {
        LogProof(LogCheck::new([checkpoint.clone()]).collecting(Roots::of(ranges)))
    }

    /// The next piece of the log. As [`LogCheck::push`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.push(bytes)
    }

    /// The hashes. As [`LogCheck::finish`].
    pub fn finish(self) -> Result<Vec<Digest>> {
        self.0.finish_collecting()?.ok_or(Error::about(Code::LogTruncated, "the log ends before the checkpoint"))
    }

    /// The receipt of the entry, with the note of the checkpoint in it. As [`LogCheck::finish`].
    pub fn finish_receipt(self, index: u64, note: &str) -> Result<String> {
        Ok(receipt::write(index, &self.finish()?, note))
    }
}
