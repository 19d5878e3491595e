//! The audit log: records in a hash chain and a Merkle tree, checkpoints that are signed, and checks that need nothing but those (specification,
//! log.md).

mod canonical;
mod check;
mod checkpoint;
mod head;
mod line;
mod note;
mod proof;
mod receipt;
#[cfg(test)]
mod tests;
mod tree;
mod witness;

pub use check::{LogCheck, LogReport};
pub use checkpoint::{Checkpoint, CheckpointPolicy};
pub use head::LogHead;
pub use note::NoteKey;
pub use proof::LogProof;
pub use receipt::verify_receipt;
pub use witness::Witness;
