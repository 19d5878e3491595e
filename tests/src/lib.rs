//! What the tests across languages share: a forge that signs any bytes, scenarios built with it, and the vectors made of them.
//!
//! The forge writes CBOR with `ciborium` and signs with `ed25519-dalek` directly, so that it can make what the library refuses to make.

pub mod errors_page;
pub mod evidence;
pub mod exports;
pub mod forge;
pub mod items;
pub mod life;
pub mod log;
pub mod objects;
pub mod pattern_tables;
pub mod random;
pub mod readers;
pub mod scenarios;
pub mod tables;
pub mod vector;
pub mod verifier;
