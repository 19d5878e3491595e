//! What a verifier accepts as an identity, and the result.

use std::collections::HashMap;
use std::sync::Arc;

use super::claims::{IdentityClaims, IdentityKind, IdentityState};
use super::recent::Recent;
use super::rule::{self, IdentityRule};
use crate::claims::unverified_issuer;
use crate::cose::{Envelope, ObjectKind};
use crate::id::{Digest, TokenId, is_name};
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::value::Value;
use crate::{Code, Error, Result, limits};

/// Someone whose identity documents are accepted: a name and a key, from configuration and never from a message.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityAuthority {
    name: String,
    key: VerifyingKey,
}

impl IdentityAuthority {
    /// An authority. `name-invalid`.
    pub fn new(name: &str, key: &VerifyingKey) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, "authority", name));
        }
        Ok(IdentityAuthority { name: name.to_owned(), key: key.clone() })
    }

    /// The name that its documents carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

/// The authorities whose documents count, and the rules that the holders of a chain have to meet.
#[derive(Debug)]
pub struct IdentityPolicy {
    authorities: HashMap<String, IdentityAuthority>,
    rules: Vec<IdentityRule>,
    recent: Recent,
}

impl IdentityPolicy {
    /// A policy without rules: documents may be there, and what is there has to be right. `config-invalid` for no authorities or two of one name.
    pub fn new(authorities: impl IntoIterator<Item = IdentityAuthority>) -> Result<Self> {
        let mut known = HashMap::new();
        for authority in authorities {
            if let Some(twice) = known.insert(authority.name.clone(), authority) {
                return Err(Error::named(Code::ConfigInvalid, "two identity authorities called", &twice.name));
            }
        }
        if known.is_empty() {
            return Err(Error::about(Code::ConfigInvalid, "no identity authorities"));
        }
        Ok(IdentityPolicy { authorities: known, rules: Vec::new(), recent: Recent::default() })
    }

    /// The same, with one more rule. Every rule has to be met. `config-invalid` for a rule that no document can meet.
    pub fn with_rule(mut self, rule: IdentityRule) -> Result<Self> {
        rule.refuse_impossible()?;
        self.rules.push(rule);
        Ok(self)
    }

    /// Checks one document by itself, with the configured keys: a verifier with a trust state follows their rotations. Size, form, authority,
    /// signature, claims, times. `too-large`, codes of encoding and claims, `identity-untrusted`,
    /// `identity-invalid`, `identity-not-yet-valid`, `identity-expired`. A pending identity is one; [`IdentityPolicy::judge`] refuses it.
    pub fn verify(&self, bytes: &[u8], now: Now) -> Result<VerifiedIdentity> {
        self.verify_by(bytes, now, |key| vec![key.clone()])
    }

    /// The same, where an authority's key stands for these keys, the newest first. Whether the one that signed is still good is not judged here.
    pub(crate) fn verify_by(
        &self,
        bytes: &[u8],
        now: Now,
        keys: impl FnOnce(&VerifyingKey) -> Vec<VerifyingKey>,
    ) -> Result<VerifiedIdentity> {
        if bytes.len() > limits::MAX_IDENTITY {
            return Err(Error::about(Code::TooLarge, "identity"));
        }
        let document = match self.recent.find(bytes) {
            Some(document) => document,
            None => {
                let document = Arc::new(self.open(bytes, keys)?);
                self.recent.insert(&document);
                document
            }
        };
        let claims = &document.claims;
        if claims.issued.secs() > now.secs() + limits::LEEWAY {
            return Err(Error::named(Code::IdentityNotYetValid, "identity", &claims.name));
        }
        if now.secs() >= claims.expires.secs() {
            return Err(Error::named(Code::IdentityExpired, "identity", &claims.name));
        }
        Ok(VerifiedIdentity { document })
    }

    fn open(&self, bytes: &[u8], keys: impl FnOnce(&VerifyingKey) -> Vec<VerifyingKey>) -> Result<Document> {
        let envelope = Envelope::read(bytes, ObjectKind::Identity)?;
        let authority = unverified_issuer(envelope.unverified_payload()).and_then(|name| self.authorities.get(name));
        let authority = authority.ok_or(Error::new(Code::IdentityUntrusted))?;
        let opened = keys(&authority.key).into_iter().find_map(|key| Some((envelope.open(&key).ok()?, key)));
        let (payload, key) = opened.ok_or(Error::new(Code::IdentityInvalid))?;
        let claims = IdentityClaims::decode(payload)?;
        Ok(Document { bytes: bytes.into(), claims, authority: IdentityAuthority { key, name: authority.name.clone() } })
    }

    /// Judges the identities of the holders of a chain, root first. For each holder the place of its identity in `identities`, if it has one.
    /// Each refusal but that of an identity for no holder has a link. `identity-refused` for an identity whose key is no holder's, for a second one
    /// of a key, and for one that breaks a rule; `agent-pending`; `identity-required`.
    pub fn judge(&self, holders: &[&VerifyingKey], identities: &[VerifiedIdentity]) -> Result<Vec<Option<usize>>> {
        let mut found = vec![None; holders.len()];
        for (place, identity) in identities.iter().enumerate() {
            let Some(link) = holders.iter().position(|holder| *holder == identity.key()) else {
                return Err(Error::named(Code::IdentityRefused, "the key is no holder's: identity", identity.name()));
            };
            if found[link].replace(place).is_some() {
                return Err(Error::named(Code::IdentityRefused, "a second identity of one key:", identity.name()).at_link(link));
            }
        }
        let known: Vec<Option<&VerifiedIdentity>> = found.iter().map(|place| place.map(|place| &identities[place])).collect();
        for (link, identity) in known.iter().enumerate() {
            if let Some(identity) = identity.filter(|identity| identity.state() == IdentityState::Pending) {
                return Err(Error::named(Code::AgentPending, "identity", identity.name()).at_link(link));
            }
        }
        rule::judge(&self.rules, &known)?;
        Ok(found)
    }
}

/// A document whose signature verified: nothing of it depends on time.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) bytes: Box<[u8]>,
    pub(super) claims: IdentityClaims,
    authority: IdentityAuthority,
}

/// An identity that an authority vouches for, valid at the time of the check. Only [`IdentityPolicy::verify`] makes one. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct VerifiedIdentity {
    document: Arc<Document>,
}

impl VerifiedIdentity {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.document.claims.name
    }

    /// The key that it is about.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.document.claims.key
    }

    /// The authority that issued it, with the key that signed it: the configured one, or a successor of it.
    #[must_use]
    pub fn authority(&self) -> &IdentityAuthority {
        &self.document.authority
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> IdentityKind {
        self.document.claims.kind
    }

    /// Whether it may act.
    #[must_use]
    pub fn state(&self) -> IdentityState {
        self.document.claims.state
    }

    /// Where it runs.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.document.claims.environment.as_deref()
    }

    /// The attributes, in the order of the encoding: text, booleans and integers.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.document.claims.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of one attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.document.claims.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// The attestor that judged the evidence.
    #[must_use]
    pub fn attestor(&self) -> Option<&str> {
        self.document.claims.attestor.as_deref()
    }

    /// The digest of the evidence.
    #[must_use]
    pub fn evidence(&self) -> Option<Digest> {
        self.document.claims.evidence
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> TokenId {
        self.document.claims.id
    }

    /// When it was issued.
    #[must_use]
    pub fn issued(&self) -> Timestamp {
        self.document.claims.issued
    }

    /// Valid while now is before this.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.document.claims.expires
    }
}
