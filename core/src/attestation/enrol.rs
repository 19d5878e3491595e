//! The request of an agent that has made a key.

use super::claims::{Challenge, Lifetime, Request};
use super::failed;
use crate::cose::{Envelope, ObjectKind, seal};
use crate::id::is_name;
use crate::identity::IdentityGrant;
use crate::key::{Signer, VerifyingKey};
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// Asks an authority for an identity of the signer's key: answers the authority's challenge, with the evidence that an attestor of this name
/// judges. The bytes of the request. `name-invalid`; `too-large` for evidence of more than 16 KiB; codes of encoding and claims for a challenge
/// that is none; `attestation-failed` if it is of another authority or has expired; `signing-failed`.
pub fn enrol(signer: &dyn Signer, authority: &str, challenge: &[u8], attestor: &str, evidence: &[u8], now: Now) -> Result<Vec<u8>> {
    for (what, name) in [("authority", authority), ("attestor", attestor)] {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, what, name));
        }
    }
    if evidence.len() > limits::MAX_ENROLMENT_EVIDENCE {
        return Err(Error::about(Code::TooLarge, "evidence"));
    }
    let asked = unverified_challenge(challenge, now)?;
    if asked.authority != authority {
        return Err(failed("the challenge is of another authority"));
    }
    let lifetime = answering(&asked, now)?;
    let key = signer.verifying_key();
    let request = Request { authority, lifetime, key: key.as_bytes(), attestor, evidence, challenge };
    seal(ObjectKind::Attestation, &request.encode(key), signer)
}

/// What a challenge says, for whoever answers it. It is verified by the authority that made it.
pub(super) fn unverified_challenge(challenge: &[u8], now: Now) -> Result<Challenge<'_>> {
    if challenge.len() > limits::MAX_CHALLENGE_OBJECT {
        return Err(Error::about(Code::TooLarge, "challenge"));
    }
    let challenge = Challenge::decode(Envelope::read(challenge, ObjectKind::Attestation)?.unverified_payload())?;
    challenge.lifetime.hold(now, "the challenge is from the future", "the challenge has expired")?;
    Ok(challenge)
}

/// From now until the challenge expires.
pub(super) fn answering(challenge: &Challenge<'_>, now: Now) -> Result<Lifetime> {
    let issued = Timestamp::from_secs(now.secs())?.max(challenge.lifetime.issued);
    Ok(Lifetime { issued, expires: challenge.lifetime.expires })
}

/// A request that an attestor judges. The authority has checked that the challenge is its own and that the agent has the key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Enrolment<'a> {
    /// The authority that is asked.
    pub authority: &'a str,
    /// The 32 random bytes of its challenge.
    pub nonce: &'a [u8; 32],
    /// The agent's key.
    pub key: &'a VerifyingKey,
    /// What the agent shows.
    pub evidence: &'a [u8],
}

impl Enrolment<'_> {
    /// An identity of this name for the agent's key.
    #[must_use]
    pub fn grant(&self, name: &str) -> IdentityGrant {
        IdentityGrant::new(name, self.key)
    }
}
