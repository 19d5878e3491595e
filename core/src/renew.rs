//! Renewing short-lived tokens before they expire, by a policy of whoever issued or delegated them.

use rand_core::TryCryptoRng;

use crate::budget::Scope;
use crate::claims::Claims;
use crate::cose::{Envelope, ObjectKind};
use crate::issue::{Grant, delegate, issue};
use crate::key::Signer;
use crate::time::{Now, Timestamp};
use crate::token::UnverifiedChain;
use crate::trust::{ChainFacts, LinkFacts, TrustState};
use crate::{Code, Error, Result};

/// When a token is renewed, and until when that goes on. A renewed token gives what the old one gave, to the same holder, in the same session, for as
/// many seconds; it has an id and times of its own.
#[derive(Clone, Copy, Debug)]
pub struct RenewalPolicy<'a> {
    before: u64,
    until: Timestamp,
    state: Option<&'a TrustState>,
}

impl<'a> RenewalPolicy<'a> {
    /// Renews in the last `before` seconds of a token, and not to live beyond `until`.
    #[must_use]
    pub const fn new(before: u64, until: Timestamp) -> Self {
        RenewalPolicy { before, until, state: None }
    }

    /// Renews nothing that this state refuses, as a [`Verifier`](crate::Verifier) with it would, or knows nothing fresh about. Whoever renews counts as
    /// the issuer.
    #[must_use]
    pub const fn with_trust_state(mut self, state: &'a TrustState) -> Self {
        self.state = Some(state);
        self
    }

    /// A fresh root instead of one that ends soon; none while it is not due. `token-expired` once it is over, and once it would be later than the
    /// policy goes on; `signature-invalid` for a root that this signer did not sign; `claim-invalid` for a chain that is no root, is another issuer's, or
    /// has a budget that would count anew; what the trust state says; and as [`issue`](crate::issue()).
    pub fn renew_root<R: TryCryptoRng>(
        &self,
        signer: &dyn Signer,
        issuer: &str,
        chain: &UnverifiedChain,
        rng: &mut R,
        now: Now,
    ) -> Result<Option<UnverifiedChain>> {
        let claims = chain.unverified_claims()?;
        let [root] = claims.as_slice() else { return Err(Error::about(Code::ClaimInvalid, "not a root")) };
        if root.issuer.as_deref() != Some(issuer) {
            return Err(Error::about(Code::ClaimInvalid, "the root of another issuer"));
        }
        check_signed_by(signer, chain, &claims)?;
        let Some(ttl) = self.due(signer, &claims, now)? else { return Ok(None) };
        let mut grant = Grant::like(root).ttl(ttl).subject(&root.subject).mode(root.mode).session(root.session);
        if let Some(task) = root.task {
            grant = grant.task(task);
        }
        issue(signer, issuer, &grant, rng, now).map(Some)
    }

    /// A fresh token below `parent`, whose holder the signer is, instead of the leaf of `chain`, which the signer delegated and which ends soon; none
    /// while it is not due. As [`RenewalPolicy::renew_root`] and [`delegate`](crate::delegate()); `parent-mismatch` for a leaf with parents that are not
    /// its own.
    pub fn renew<R: TryCryptoRng>(
        &self,
        signer: &dyn Signer,
        parent: &UnverifiedChain,
        chain: &UnverifiedChain,
        rng: &mut R,
        now: Now,
    ) -> Result<Option<UnverifiedChain>> {
        let claims = chain.unverified_claims()?;
        let [_, .., leaf] = claims.as_slice() else { return Err(Error::about(Code::ClaimInvalid, "a root is renewed by its issuer")) };
        check_signed_by(signer, chain, &claims)?;
        let Some(ttl) = self.due(signer, &claims, now)? else { return Ok(None) };
        delegate(signer, parent, &Grant::like(leaf).ttl(ttl), rng, now).map(Some)
    }

    /// For how many seconds to renew the last token, if it is time.
    fn due(&self, signer: &dyn Signer, chain: &[Claims], now: Now) -> Result<Option<u64>> {
        let (Some(root), Some(claims)) = (chain.first(), chain.last()) else { return Err(Code::Malformed.into()) };
        if now.secs() >= claims.expires.secs() {
            return Err(Code::TokenExpired.into());
        }
        if now.secs() < claims.expires.secs().saturating_sub(self.before) {
            return Ok(None);
        }
        if claims.budgets.iter().any(|budget| budget.scope() == Scope::Family && budget.window().is_none()) {
            return Err(Error::about(Code::ClaimInvalid, "a budget that a new token would count anew; count over the session"));
        }
        if let Some(state) = self.state {
            // A new id and time would escape what is said of the old ones.
            let facts = ChainFacts {
                issuer: root.issuer.as_deref().unwrap_or_default(),
                issuer_key: signer.verifying_key(),
                issued: root.issued,
                session: &root.session,
                task: root.task.as_ref(),
            };
            let links = chain.iter().enumerate().map(|(position, of)| LinkFacts { position, token: &of.id, holder: &of.holder });
            state.judge(&facts, links, now)?;
        }
        match self.until.secs().saturating_sub(now.secs()).min(claims.expires.secs() - claims.issued.secs()) {
            0 => Err(Error::about(Code::TokenExpired, "the policy does not renew any longer")),
            ttl => Ok(Some(ttl)),
        }
    }
}

/// Refuses a chain whose last token this signer did not sign. With the hash in it, it signed what is above it too.
fn check_signed_by(signer: &dyn Signer, chain: &UnverifiedChain, claims: &[Claims]) -> Result<()> {
    chain.unverified_leaf()?.open(signer.verifying_key())?;
    for (token, (link, child)) in chain.tokens()?.as_slice().iter().zip(claims.iter().enumerate().skip(1)) {
        if child.parent != Some(Envelope::read(token, ObjectKind::Token)?.unverified_hash()) {
            return Err(Error::new(Code::ParentMismatch).at_link(link));
        }
    }
    Ok(())
}
