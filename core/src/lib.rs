//! Identity, delegation and proof for AI agents: who acts, for whom, and what it may do.
#![forbid(unsafe_code)]

mod audit;
mod authorize;
mod cache;
mod capability;
mod cbor;
mod chain;
mod claims;
mod constraint;
mod cose;
mod error;
mod id;
mod issue;
mod key;
pub mod limits;
mod narrowing;
#[cfg(feature = "os")]
pub mod os;
mod proof;
mod requirement;
mod store;
mod time;
mod token;
mod value;
mod verify;

pub use audit::{AuditRecord, value_from_json, value_to_json};
pub use authorize::{Admissible, Authorized, Denied};
pub use capability::{ArgumentRules, Tools};
pub use chain::{TrustAnchor, VerifiedChain};
pub use claims::{Claims, Mode};
pub use constraint::{Constraint, Number, Range};
pub use error::{Code, Error, Family, Result};
pub use id::{Digest, SessionId, TokenId};
pub use issue::{DEFAULT_MAX_DEPTH, DEFAULT_TTL, Grant, delegate, issue};
pub use key::{Signature, Signer, SigningKey, VerifyingKey};
pub use proof::{Call, Presentation, Received, prove};
pub use requirement::ApprovalRules;
pub use store::{Claimed, MemoryReplayStore, ReplayKey, ReplayStore};
pub use time::{Now, Timestamp};
pub use token::{UnverifiedChain, bytes_from_text, text_from_bytes};
pub use value::{Arguments, Value};
pub use verify::Verifier;
