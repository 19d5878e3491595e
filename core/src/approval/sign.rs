//! An approver's word: signed with its own key, for one request.

use rand_core::TryCryptoRng;

use super::claims::ApprovalClaims;
use super::request::ApprovalRequest;
use crate::cose::{ObjectKind, seal};
use crate::id::{RequestId, TokenId, is_free_text, is_name};
use crate::issue::random;
use crate::key::{Signer, VerifyingKey};
use crate::text::{bytes_from_text, text_from_bytes};
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// Seconds that an approval lives unless told otherwise: five minutes.
pub const DEFAULT_APPROVAL_TTL: u64 = 300;

/// What goes with an approver's word.
#[derive(Clone, Debug)]
pub struct ApprovalGrant {
    ttl: u64,
    name: Option<String>,
    reason: Option<String>,
}

impl Default for ApprovalGrant {
    fn default() -> Self {
        ApprovalGrant { ttl: DEFAULT_APPROVAL_TTL, name: None, reason: None }
    }
}

impl ApprovalGrant {
    /// Five minutes, without name and reason.
    #[must_use]
    pub fn new() -> Self {
        ApprovalGrant::default()
    }

    /// Seconds to live, from now: 1 to 3,600.
    #[must_use]
    pub fn ttl(mut self, ttl: u64) -> Self {
        self.ttl = ttl;
        self
    }

    /// What the approver calls itself, for the audit record. No authority.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Why, for the audit record. No authority.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }
}

/// An approver's signed word on one request. Nobody has checked the signature: a verifier does.
#[derive(Clone, Debug)]
pub struct Approval {
    bytes: Vec<u8>,
    claims: ApprovalClaims,
}

impl PartialEq for Approval {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Approval {}

impl Approval {
    /// Reads size, envelope and claims. `too-large`, codes of the envelope and of claims.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (_, claims) = ApprovalClaims::read(bytes)?;
        Ok(Approval { bytes: bytes.to_vec(), claims })
    }

    /// Reads the text form. `text-malformed`, and as [`Approval::decode`].
    pub fn from_text(text: &str) -> Result<Self> {
        Approval::decode(&bytes_from_text(text, limits::MAX_APPROVAL)?)
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

    pub(crate) const fn unverified_claims(&self) -> &ApprovalClaims {
        &self.claims
    }

    /// Whether it says yes, unverified.
    #[must_use]
    pub const fn approves(&self) -> bool {
        self.claims.approves
    }

    /// Its id, unverified; with the approver's key it is what is withdrawn.
    #[must_use]
    pub const fn id(&self) -> TokenId {
        self.claims.id
    }

    /// The approver's key, unverified.
    #[must_use]
    pub const fn approver(&self) -> &VerifyingKey {
        &self.claims.approver
    }

    /// The id of the request that it answers, unverified.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.claims.asked().id()
    }

    /// Until when, unverified.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.claims.expires
    }
}

/// Approves one call, whose text ([`ApprovalRequest::to_text`]) the approver has read. `approver-refused` if the signer is a holder of the chain,
/// `token-expired` if the call could not run any more, `claim-invalid` for a ttl of 0 or more than an hour and for a reason that is none,
/// `name-invalid`, `randomness-unavailable`, `signing-failed`.
pub fn approve<R: TryCryptoRng>(
    signer: &dyn Signer,
    request: &ApprovalRequest,
    grant: &ApprovalGrant,
    rng: &mut R,
    now: Now,
) -> Result<Approval> {
    sign(signer, request, grant, true, rng, now)
}

/// Says no to one call: it blocks the call until it expires, whatever other approvers sign. Errors as for [`approve`].
pub fn deny<R: TryCryptoRng>(
    signer: &dyn Signer,
    request: &ApprovalRequest,
    grant: &ApprovalGrant,
    rng: &mut R,
    now: Now,
) -> Result<Approval> {
    sign(signer, request, grant, false, rng, now)
}

fn sign<R: TryCryptoRng>(
    signer: &dyn Signer,
    request: &ApprovalRequest,
    grant: &ApprovalGrant,
    approves: bool,
    rng: &mut R,
    now: Now,
) -> Result<Approval> {
    if grant.ttl == 0 || grant.ttl > limits::MAX_APPROVAL_LIFETIME {
        return Err(Error::about(Code::ClaimInvalid, "ttl: 1 second to 1 hour"));
    }
    if let Some(name) = grant.name.as_ref().filter(|name| !is_name(name)) {
        return Err(Error::named(Code::NameInvalid, "approver", name));
    }
    if grant.reason.as_ref().is_some_and(|reason| !is_free_text(reason)) {
        return Err(Error::about(Code::ClaimInvalid, "reason: at most 1,024 bytes, without control characters"));
    }
    if request.holders().any(|holder| holder == signer.verifying_key()) {
        return Err(Error::about(Code::ApproverRefused, "a holder of the chain"));
    }
    if now.secs() >= request.expires().secs() {
        return Err(Code::TokenExpired.into());
    }
    let asked = request.asked();
    let claims = ApprovalClaims {
        audience: asked.audience.to_owned(),
        expires: Timestamp::from_secs(now.secs() + grant.ttl)?,
        issued: Timestamp::from_secs(now.secs())?,
        millisecond: (now.millis() % 1000) as u16,
        id: TokenId::from_bytes(random(rng)?),
        approver: signer.verifying_key().clone(),
        token: asked.token,
        tool: asked.tool.to_owned(),
        arguments: asked.arguments,
        approves,
        session: asked.session,
        name: grant.name.clone(),
        reason: grant.reason.clone(),
        context: asked.context.map(ToOwned::to_owned),
    };
    let bytes = seal(ObjectKind::Approval, &claims.encode(), signer)?;
    Ok(Approval { bytes, claims })
}
