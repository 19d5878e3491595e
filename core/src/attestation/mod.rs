//! Attestation: how an agent that has a new key comes to an identity (specification, identity.md, "Enrolment").

mod claims;
mod enrol;
#[cfg(feature = "jwt")]
mod jwt;
mod launch;
mod launched;
mod registrar;

pub use enrol::{Enrolment, enrol};
#[cfg(feature = "jwt")]
pub use jwt::JwtAttestor;
pub use launch::{Launch, Launcher, vouch};
pub use launched::{CodeAttestor, ParentAttestor};
pub use registrar::{Attestor, Registrar};

use crate::{Code, Error};

/// A refusal of the evidence, for a fixed reason.
const fn failed(reason: &'static str) -> Error {
    Error::about(Code::AttestationFailed, reason)
}
