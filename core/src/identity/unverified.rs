//! Identity documents as they were received.

use super::claims::{IdentityClaims, IdentityKind, IdentityState};
use crate::cose::{Envelope, ObjectKind};
use crate::id::TokenId;
use crate::key::VerifyingKey;
use crate::text::{bytes_from_text, text_from_bytes};
use crate::time::Timestamp;
use crate::value::Value;
use crate::{Code, Error, Result, limits};

/// An identity document whose form is right. Nobody has checked its signature: an [`IdentityPolicy`](crate::IdentityPolicy) does.
#[derive(Clone, Debug)]
pub struct UnverifiedIdentity {
    bytes: Vec<u8>,
    claims: IdentityClaims,
}

impl UnverifiedIdentity {
    /// Reads size, envelope and claims. `too-large`, codes of the envelope and of claims.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > limits::MAX_IDENTITY {
            return Err(Error::about(Code::TooLarge, "identity"));
        }
        let envelope = Envelope::read(bytes, ObjectKind::Identity)?;
        Ok(UnverifiedIdentity { bytes: bytes.to_vec(), claims: IdentityClaims::decode(envelope.unverified_payload())? })
    }

    /// Reads the text form. `text-malformed`, and as [`UnverifiedIdentity::decode`].
    pub fn from_text(text: &str) -> Result<Self> {
        UnverifiedIdentity::decode(&bytes_from_text(text, limits::MAX_IDENTITY)?)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// The text form: base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        text_from_bytes(&self.bytes)
    }

    /// The authority's name.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.claims.authority
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.claims.name
    }

    /// The key that it is about.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.claims.key
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> IdentityKind {
        self.claims.kind
    }

    /// Whether it may act.
    #[must_use]
    pub const fn state(&self) -> IdentityState {
        self.claims.state
    }

    /// Where it runs.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.claims.environment.as_deref()
    }

    /// The attributes: text, booleans and integers.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.claims.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The attestor that judged the evidence.
    #[must_use]
    pub fn attestor(&self) -> Option<&str> {
        self.claims.attestor.as_deref()
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> TokenId {
        self.claims.id
    }

    /// When it was issued.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.claims.issued
    }

    /// Valid while now is before this.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.claims.expires
    }
}
