//! The audit log: records in a hash chain and a Merkle tree, checkpoints that are signed, and checks that need nothing but those (specification,
//! log.md).

mod canonical;
mod check;
mod checkpoint;
mod event;
#[cfg(feature = "os")]
mod flood;
mod head;
mod line;
mod note;
mod proof;
mod receipt;
#[cfg(test)]
mod tests;
mod tree;
mod witness;

#[cfg(feature = "os")]
pub(crate) use {flood::Flood, head::opening, note::is_origin};

pub use check::{LogCheck, LogReport};
pub use checkpoint::{Checkpoint, CheckpointPolicy};
pub use event::AuditEvent;
pub use head::LogHead;
pub use note::NoteKey;
pub use proof::LogProof;
pub use receipt::verify_receipt;
pub use witness::Witness;
