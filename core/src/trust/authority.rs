//! Authorities of revocation lists, as a verifier is configured.

use crate::id::is_name;
use crate::key::VerifyingKey;
use crate::{Code, Error, Result};

/// Who says what is revoked: a name and a key, from configuration and never from a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Authority {
    pub(super) name: String,
    pub(super) key: VerifyingKey,
    pub(super) for_every_issuer: bool,
    pub(super) allows_stale: bool,
    pub(super) at_least: u64,
}

impl Authority {
    /// The authority for the chains of the trust anchor of the same name. `name-invalid`.
    pub fn new(name: &str, key: &VerifyingKey) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, "authority", name));
        }
        Ok(Authority { name: name.to_owned(), key: key.clone(), for_every_issuer: false, allows_stale: false, at_least: 0 })
    }

    /// Its lists are about the chains of every trust anchor.
    #[must_use]
    pub fn for_every_issuer(mut self) -> Self {
        self.for_every_issuer = true;
        self
    }

    /// Lists with a lower sequence number are refused: what a program knows from elsewhere, when its state is new or could be an old copy.
    #[must_use]
    pub fn at_least(mut self, sequence: u64) -> Self {
        self.at_least = sequence;
        self
    }

    /// Chains are judged by the last list, or by none, where there is no fresh one. Whoever keeps lists from arriving then keeps revoked
    /// agents going.
    #[must_use]
    pub fn danger_allow_stale(mut self) -> Self {
        self.allows_stale = true;
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
