//! Making identity documents.

use rand_core::TryCryptoRng;

use super::claims::{IdentityClaims, IdentityKind, IdentityState};
use crate::cose::{ObjectKind, seal};
use crate::id::{Digest, TokenId, is_free_text, is_name};
use crate::issue::random;
use crate::key::{Signer, VerifyingKey};
use crate::time::{Now, Timestamp};
use crate::value::{Value, key_order};
use crate::{Code, Error, Result, limits};

/// Seconds that an identity lives unless told otherwise: one hour.
pub const DEFAULT_IDENTITY_TTL: u64 = 3600;

/// What an authority says about the holder of a key.
#[derive(Clone, Debug)]
pub struct IdentityGrant {
    name: String,
    key: VerifyingKey,
    kind: IdentityKind,
    state: IdentityState,
    environment: Option<String>,
    attributes: Vec<(String, Value)>,
    attestor: Option<String>,
    evidence: Option<Digest>,
    ttl: u64,
}

impl IdentityGrant {
    /// The holder of this key is an active agent of this name, for an hour, unless told otherwise.
    #[must_use]
    pub fn new(name: &str, key: &VerifyingKey) -> Self {
        IdentityGrant {
            name: name.to_owned(),
            key: key.clone(),
            kind: IdentityKind::Agent,
            state: IdentityState::Active,
            environment: None,
            attributes: Vec::new(),
            attestor: None,
            evidence: None,
            ttl: DEFAULT_IDENTITY_TTL,
        }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(mut self, kind: IdentityKind) -> Self {
        self.kind = kind;
        self
    }

    /// Whether it may act.
    #[must_use]
    pub const fn state(mut self, state: IdentityState) -> Self {
        self.state = state;
        self
    }

    /// Where it runs, as `production` or `test`.
    #[must_use]
    pub fn environment(mut self, environment: &str) -> Self {
        self.environment = Some(environment.to_owned());
        self
    }

    /// One more attribute: text, a boolean or an integer. At most 32; none twice.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// The name of the attestor that judged the evidence.
    #[must_use]
    pub fn attestor(mut self, attestor: &str) -> Self {
        self.attestor = Some(attestor.to_owned());
        self
    }

    /// The digest of the evidence.
    #[must_use]
    pub const fn evidence(mut self, evidence: Digest) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Seconds to live, from now: 1 to 86,400.
    #[must_use]
    pub const fn ttl(mut self, ttl: u64) -> Self {
        self.ttl = ttl;
        self
    }

    /// The same for another key: an authority speaks of the key that it saw a proof of.
    pub(crate) fn for_key(mut self, key: &VerifyingKey) -> Self {
        self.key = key.clone();
        self
    }

    fn sorted_attributes(&self) -> Result<Vec<(String, Value)>> {
        if self.attributes.len() > limits::MAX_ATTRIBUTES {
            return Err(Error::about(Code::TooMany, "attributes"));
        }
        let mut attributes = self.attributes.clone();
        attributes.sort_by(|a, b| key_order(&a.0, &b.0));
        if let Some(twice) = attributes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::named(Code::ClaimInvalid, "an attribute given twice:", &twice[0].0));
        }
        for (name, value) in &attributes {
            name_or_refuse("attribute", name)?;
            let fits = match value {
                Value::Text(text) => is_free_text(text),
                value => matches!(value, Value::Bool(_) | Value::Integer(_)),
            };
            if !fits {
                return Err(Error::named(
                    Code::ClaimInvalid,
                    "not text without control characters, a boolean or an integer: attribute",
                    name,
                ));
            }
        }
        Ok(attributes)
    }
}

/// Issues an identity document in the authority's name, as verifiers know it; the bytes of it. `name-invalid`; `claim-invalid` for a ttl, or an
/// attribute that is neither text nor a boolean nor an integer or is given twice; `too-many` attributes; `too-large` for more than 4 KiB;
/// `randomness-unavailable`, `signing-failed`.
pub fn issue_identity<R: TryCryptoRng>(
    signer: &dyn Signer,
    authority: &str,
    grant: &IdentityGrant,
    rng: &mut R,
    now: Now,
) -> Result<Vec<u8>> {
    let optional = [("environment", &grant.environment), ("attestor", &grant.attestor)];
    let optional = optional.into_iter().filter_map(|(what, name)| Some((what, name.as_deref()?)));
    for (what, name) in [("authority", authority), ("identity", grant.name.as_str())].into_iter().chain(optional) {
        name_or_refuse(what, name)?;
    }
    if !(1..=limits::MAX_IDENTITY_LIFETIME).contains(&grant.ttl) {
        return Err(Error::about(Code::ClaimInvalid, "ttl: 1 second to 24 hours"));
    }
    let claims = IdentityClaims {
        authority: authority.to_owned(),
        name: grant.name.clone(),
        expires: Timestamp::from_secs(now.secs() + grant.ttl)?,
        issued: Timestamp::from_secs(now.secs())?,
        id: TokenId::from_bytes(random(rng)?),
        key: grant.key.clone(),
        kind: grant.kind,
        state: grant.state,
        environment: grant.environment.clone(),
        attributes: grant.sorted_attributes()?,
        attestor: grant.attestor.clone(),
        evidence: grant.evidence,
    };
    let document = seal(ObjectKind::Identity, &claims.encode()?, signer)?;
    if document.len() > limits::MAX_IDENTITY { Err(Error::about(Code::TooLarge, "identity")) } else { Ok(document) }
}

fn name_or_refuse(what: &str, name: &str) -> Result<()> {
    if is_name(name) { Ok(()) } else { Err(Error::named(Code::NameInvalid, what, name)) }
}
