//! Signed messages between agents: each is taken once, in order, by the one it is for (specification, message.md).

mod claims;
mod inbox;
mod outbox;
mod state;

pub use inbox::{Inbox, ReceivedMessage};
pub use outbox::{DEFAULT_MESSAGE_TTL, Outbox, Outgoing};

use crate::id::{Digest, sha256};
use crate::{Code, Error, Result, limits};

/// The digest of a payload. `too-large` before anything is hashed.
fn payload_digest(payload: &[u8]) -> Result<Digest> {
    refuse_large_payload(payload)?;
    Ok(sha256(payload))
}

fn refuse_large_payload(payload: &[u8]) -> Result<()> {
    if payload.len() > limits::MAX_PAYLOAD { Err(Error::about(Code::TooLarge, "payload")) } else { Ok(()) }
}
