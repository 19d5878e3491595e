//! Receipts (C2SP `tlog-proof`): that an entry is in a log, without the log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, CheckpointPolicy, decimal};
use super::line::Reader;
use super::note::MAX_NOTE;
use super::tree;
use crate::id::Digest;
use crate::time::Now;
use crate::{Code, Error, Result};

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// The longest proof that a tree of 2^53 leaves has.
const MAX_PROOF: usize = 53;

pub(crate) fn write(index: u64, proof: &[Digest], note: &str) -> String {
    let mut text = format!("{HEADER}index {index}\n");
    for hash in proof {
        text.push_str(&STANDARD.encode(hash.as_bytes()));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(note);
    text
}

/// That the entry of this line is in the log, by its receipt: the checkpoint that says so. `receipt-invalid`, `log-malformed`, `too-large`,
/// `checkpoint-invalid`.
pub fn verify_receipt(receipt: &str, line: &str, policy: &CheckpointPolicy, now: Now) -> Result<Checkpoint> {
    let invalid = |what| Error::about(Code::ReceiptInvalid, what);
    if receipt.len() > 2 * MAX_NOTE {
        return Err(Code::TooLarge.into());
    }
    let rest = receipt.strip_prefix(HEADER).ok_or(invalid("not a receipt of version 1"))?;
    let (head, note) = rest.split_once("\n\n").ok_or(invalid("no checkpoint"))?;
    let mut lines = head.split('\n');
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal).ok_or(invalid("the index"))?;
    let hashes: Vec<_> = lines.take(MAX_PROOF + 1).collect();
    let hash = |text: &&str| STANDARD.decode(text).ok().and_then(|hash| Digest::try_from_slice(&hash).ok());
    let proof: Option<Vec<_>> = hashes.iter().map(hash).collect();
    let proof = proof.filter(|proof| proof.len() <= MAX_PROOF).ok_or(invalid("the hashes"))?;
    let checkpoint = policy.verify(note, now)?;
    let mut reader = Reader::default();
    let entry = reader.read(line)?;
    if entry.sequence != index {
        return Err(invalid("of another entry"));
    }
    if tree::included_in(entry.leaf, index, checkpoint.size(), &proof) != Some(*checkpoint.root()) {
        return Err(invalid("the entry is not in the tree of the checkpoint"));
    }
    Ok(checkpoint)
}
