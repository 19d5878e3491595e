//! The authority's side of an enrolment.

use std::collections::HashMap;

use rand_core::TryCryptoRng;

use super::claims::{Challenge, Lifetime, Request};
use super::enrol::{Enrolment, unverified_challenge};
use super::failed;
use crate::claims::unverified_holder;
use crate::cose::{Envelope, ObjectKind, seal};
use crate::id::{is_name, sha256};
use crate::identity::{IdentityAuthority, IdentityGrant};
use crate::key::{Signer, VerifyingKey};
use crate::store::{Operation, Outcome, Store, StoreKey};
use crate::time::{Latest, Now};
use crate::{Code, Error, Result, limits};

/// Judges evidence of one kind. It decides from what it is given and from its configuration alone.
pub trait Attestor: Send + Sync {
    /// The name by which requests choose it, which is in the identity.
    fn name(&self) -> &str;

    /// Who the agent is, by [`Enrolment::grant`], with the attributes that the evidence shows.
    ///
    /// # Errors
    /// [`Code::AttestationFailed`], which says what does not fit, and the codes of what the evidence is made of.
    fn attest(&self, enrolment: &Enrolment<'_>, now: Now) -> Result<IdentityGrant>;
}

/// Lets agents enrol with one authority: makes challenges, and admits whoever answers one with evidence that an attestor accepts.
///
/// ```
/// # #[cfg(feature = "os")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use deputize::os::{SysRng, generate_key, now};
/// use deputize::*;
///
/// let (ids, runner, coder) = (generate_key()?, generate_key()?, generate_key()?);
/// let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now()?)?;
/// let parent = ParentAttestor::new("parent", [Launcher::new("runner", runner.verifying_key())?])?;
/// let registrar = Registrar::new(IdentityAuthority::new("ids.acme.example", ids.verifying_key())?).with_attestor(parent)?;
///
/// // The authority, the launcher, the agent, and the authority again.
/// let challenge = registrar.challenge(&ids, 60, &mut SysRng, now()?)?;
/// let evidence = vouch(&runner, &Launch::new("runner", "runner/coder", coder.verifying_key()), &challenge, now()?)?;
/// let request = enrol(&coder, "ids.acme.example", &challenge, "parent", &evidence, now()?)?;
/// let admitted = registrar.admit(&request, &store, now()?)?;
/// let identity = issue_identity(&ids, "ids.acme.example", &admitted.environment("production").ttl(3600), &mut SysRng, now()?)?;
///
/// // Whoever decides about calls.
/// let policy = IdentityPolicy::new([IdentityAuthority::new("ids.acme.example", ids.verifying_key())?])?;
/// assert_eq!(policy.verify(&identity, now()?)?.name(), "runner/coder");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "os"))]
/// # fn main() {}
/// ```
pub struct Registrar {
    authority: IdentityAuthority,
    attestors: HashMap<String, Box<dyn Attestor>>,
    latest: Latest,
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registrar")
            .field("authority", &self.authority.name())
            .field("attestors", &self.attestors.len())
            .finish_non_exhaustive()
    }
}

impl Registrar {
    /// A registrar of this authority, that admits nobody yet.
    #[must_use]
    pub fn new(authority: IdentityAuthority) -> Self {
        Registrar { authority, attestors: HashMap::new(), latest: Latest::default() }
    }

    /// The same, with one more attestor. `config-invalid` for a name that is none or is taken.
    pub fn with_attestor(mut self, attestor: impl Attestor + 'static) -> Result<Self> {
        let name = attestor.name().to_owned();
        if !is_name(&name) || self.attestors.contains_key(&name) {
            return Err(Error::named(Code::ConfigInvalid, "not a name, or taken: attestor", &name));
        }
        self.attestors.insert(name, Box::new(attestor));
        Ok(self)
    }

    /// A challenge that one request can answer within so many seconds, 1 to 600; the bytes of it. Nothing is remembered of it. `claim-invalid` for
    /// the ttl, `holder-mismatch` for a signer that has not the authority's key, `clock-behind`, `randomness-unavailable`, `signing-failed`.
    pub fn challenge<R: TryCryptoRng>(&self, signer: &dyn Signer, ttl: u64, rng: &mut R, now: Now) -> Result<Vec<u8>> {
        let now = self.latest.advance(now)?;
        if !(1..=limits::MAX_ENROLMENT_LIFETIME).contains(&ttl) {
            return Err(Error::about(Code::ClaimInvalid, "ttl: 1 to 600 seconds"));
        }
        if signer.verifying_key() != self.authority.key() {
            return Err(Error::about(Code::HolderMismatch, "not the authority's key"));
        }
        let mut nonce = [0; 32];
        if rng.try_fill_bytes(&mut nonce).is_err() || nonce == [0; 32] {
            return Err(Code::RandomnessUnavailable.into());
        }
        let (authority, millisecond) = (self.authority.name(), (now.millis() % 1000) as u16);
        let challenge = Challenge { authority, lifetime: Lifetime::starting(now, ttl)?, nonce, millisecond };
        seal(ObjectKind::Attestation, &challenge.encode(), signer)
    }

    /// Judges a request: size, form, that the agent has the key, the challenge, times, the evidence. Last of all the challenge is claimed, so that
    /// nothing else can answer it. The result is what [`issue_identity`](crate::issue_identity) takes; the authority may change what it likes.
    ///
    /// `clock-behind`; `too-large`, codes of encoding, claims and keys, `attestation-failed`; `store-full`, `store-unavailable`, `token-predates-store`.
    pub fn admit(&self, request: &[u8], store: &dyn Store, now: Now) -> Result<IdentityGrant> {
        let now = self.latest.advance(now)?;
        if request.len() > limits::MAX_ENROLMENT {
            return Err(Error::about(Code::TooLarge, "request"));
        }
        let envelope = Envelope::read(request, ObjectKind::Attestation)?;
        let key = VerifyingKey::try_from_slice(unverified_holder(envelope.unverified_payload())?)?;
        let payload = envelope.open(&key).map_err(|_| failed("the request is not signed by the key that it is for"))?;
        let request = Request::decode(payload)?;
        if request.authority != self.authority.name() {
            return Err(failed("the request is to another authority"));
        }
        let challenge = self.own_challenge(request.challenge, now)?;
        request.lifetime.hold(now, "the request is from the future", "the request has expired")?;
        let attestor = self.attestors.get(request.attestor);
        let attestor = attestor.ok_or_else(|| Error::named(Code::AttestationFailed, "no attestor called", request.attestor))?;
        let enrolment = Enrolment { authority: self.authority.name(), nonce: &challenge.nonce, key: &key, evidence: request.evidence };
        let grant = attestor.attest(&enrolment, now)?;
        self.claim(&challenge, store, now)?;
        let evidence = sha256(request.evidence);
        Ok(grant.for_key(&key).attestor(attestor.name()).evidence(evidence))
    }

    fn own_challenge<'a>(&self, bytes: &'a [u8], now: Now) -> Result<Challenge<'a>> {
        let challenge = unverified_challenge(bytes, now)?;
        let signed = Envelope::read(bytes, ObjectKind::Attestation)?.open(self.authority.key());
        if signed.is_err() || challenge.authority != self.authority.name() {
            return Err(failed("the challenge is not by this authority"));
        }
        Ok(challenge)
    }

    fn claim(&self, challenge: &Challenge<'_>, store: &dyn Store, now: Now) -> Result<()> {
        let key = StoreKey::new(b'c', &[self.authority.key().as_bytes(), &challenge.nonce]);
        let claim = Operation::Claim { key, expires: challenge.lifetime.expires, since: challenge.instant()? };
        match store.commit(&[claim], now) {
            Outcome::Committed => Ok(()),
            Outcome::Refused(_) => Err(failed("the challenge was answered already")),
            Outcome::Predates(_) => Err(Error::about(Code::TokenPredatesStore, "challenge")),
            Outcome::Full => Err(Code::StoreFull.into()),
            Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
        }
    }
}
