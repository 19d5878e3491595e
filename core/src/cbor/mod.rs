//! Deterministic CBOR (RFC 8949 section 4.2.1): a strict, borrowing decoder and an encoder that writes nothing else.

mod decode;
mod encode;

pub(crate) use decode::{Decoder, Type};
pub(crate) use encode::{Encoder, is_fraction};
