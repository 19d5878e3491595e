//! Ed25519 keys and signatures (RFC 8032), and their text forms. Nothing here reads a clock, a file or the system's randomness.

mod encoding;
mod signing;
mod verifying;

pub use signing::{Signer, SigningKey};
pub use verifying::VerifyingKey;

/// An Ed25519 signature: `R`, then `S` (RFC 8032 section 5.1.6).
pub type Signature = [u8; 64];

/// The seed of a private key, on the heap, so that a move leaves no copy behind.
type Seed = Box<zeroize::Zeroizing<[u8; 32]>>;

/// Runs work that has a secret on its stack, and overwrites that stack: what a frame spilled stays there when it is left.
fn leaving_nothing<T>(work: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn run<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    let result = run(work);
    zeroize::zeroize_stack::<STACK>();
    result
}

/// In bytes: four times what is enough for `tests/memory.rs` to find nothing.
const STACK: usize = 4096;

/// Why a key was refused: a fixed text, so that it never holds any part of the key.
type Reason = &'static str;

fn invalid(reason: Reason) -> crate::Error {
    crate::Error::about(crate::Code::KeyInvalid, reason)
}
