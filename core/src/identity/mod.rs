//! Identity documents: an authority's word on who holds a key, and what a verifier asks of it (specification, identity.md).

mod claims;
mod issue;
mod policy;
mod recent;
mod rule;
mod unverified;

pub use claims::{IdentityKind, IdentityState};
pub use issue::{DEFAULT_IDENTITY_TTL, IdentityGrant, issue_identity};
pub use policy::{IdentityAuthority, IdentityPolicy, VerifiedIdentity};
pub use rule::{Hops, IdentityRule};
pub use unverified::UnverifiedIdentity;
