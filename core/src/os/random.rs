//! The system's randomness.

use crate::{Code, Error, Result, SigningKey};

/// A new key, from the system's randomness.
///
/// # Errors
/// [`Code::RandomnessUnavailable`].
pub fn generate_key() -> Result<SigningKey> {
    SigningKey::generate(&mut getrandom::SysRng)
}

/// Fills the buffer from the system's randomness.
///
/// # Errors
/// [`Code::RandomnessUnavailable`]; what is in the buffer then must not be used.
pub fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::new(Code::RandomnessUnavailable))
}
