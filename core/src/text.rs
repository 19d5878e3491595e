//! The text form of bytes: base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Code, Error, Result};

/// Bytes from their text form (RFC 4648 section 5, no padding, zero trailing bits). `text-malformed`; `too-large` before anything is decoded.
pub fn bytes_from_text(text: &str, most: usize) -> Result<Vec<u8>> {
    if text.len() > most.div_ceil(3) * 4 {
        return Err(Code::TooLarge.into());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::new(Code::TextMalformed))?;
    if bytes.len() > most { Err(Code::TooLarge.into()) } else { Ok(bytes) }
}

/// The text form of some bytes.
#[must_use]
pub fn text_from_bytes(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
