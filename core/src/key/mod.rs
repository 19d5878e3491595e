//! Ed25519 keys and signatures (RFC 8032), and their text forms. Nothing here reads a clock, a file or the system's randomness.

mod encoding;
mod signing;
mod verifying;

pub use signing::{Signer, SigningKey};
pub use verifying::VerifyingKey;

/// An Ed25519 signature: `R`, then `S` (RFC 8032 section 5.1.6).
pub type Signature = [u8; 64];

/// Why a key was refused: a fixed text, so that it never holds any part of the key.
type Reason = &'static str;

fn invalid(reason: Reason) -> crate::Error {
    crate::Error::about(crate::Code::KeyInvalid, reason)
}
