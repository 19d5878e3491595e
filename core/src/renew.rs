//! Renewing short-lived tokens before they expire, by a policy of whoever issued or delegated them.

use rand_core::TryCryptoRng;

use crate::budget::Scope;
use crate::claims::Claims;
use crate::issue::{Grant, delegate, issue};
use crate::key::Signer;
use crate::time::{Now, Timestamp};
use crate::token::UnverifiedChain;
use crate::trust::TrustState;
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

    /// Renews nothing for a holder that this state knows to be revoked, suspended, pending or retired, or knows nothing fresh about.
    #[must_use]
    pub const fn with_trust_state(mut self, state: &'a TrustState) -> Self {
        self.state = Some(state);
        self
    }

    /// A fresh root instead of one that ends soon; none while it is not due. `token-expired` once it is over, and once it would be later than the
    /// policy goes on; `claim-invalid` for a chain that is no root, is another issuer's, or has a budget that would count anew; what the trust state
    /// says of the holder; and as [`issue`](crate::issue()).
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
        let Some(ttl) = self.due(root, issuer, now)? else { return Ok(None) };
        let mut grant = Grant::like(root).ttl(ttl).subject(&root.subject).mode(root.mode).session(root.session);
        if let Some(task) = root.task {
            grant = grant.task(task);
        }
        issue(signer, issuer, &grant, rng, now).map(Some)
    }

    /// A fresh token below `parent`, whose holder the signer is, instead of the leaf of `chain`, which the signer delegated and which ends soon; none
    /// while it is not due. As [`RenewalPolicy::renew_root`] and [`delegate`](crate::delegate()).
    pub fn renew<R: TryCryptoRng>(
        &self,
        signer: &dyn Signer,
        parent: &UnverifiedChain,
        chain: &UnverifiedChain,
        rng: &mut R,
        now: Now,
    ) -> Result<Option<UnverifiedChain>> {
        let claims = chain.unverified_claims()?;
        let (Some(leaf), Some(root)) = (claims.last().filter(|leaf| leaf.depth > 0), claims.first()) else {
            return Err(Error::about(Code::ClaimInvalid, "a root is renewed by its issuer"));
        };
        let Some(ttl) = self.due(leaf, root.issuer.as_deref().unwrap_or_default(), now)? else { return Ok(None) };
        delegate(signer, parent, &Grant::like(leaf).ttl(ttl), rng, now).map(Some)
    }

    /// For how many seconds to renew, if it is time.
    fn due(&self, claims: &Claims, issuer: &str, now: Now) -> Result<Option<u64>> {
        if now.secs() >= claims.expires.secs() {
            return Err(Code::TokenExpired.into());
        }
        if now.secs().saturating_add(self.before) < claims.expires.secs() {
            return Ok(None);
        }
        if claims.budgets.iter().any(|budget| budget.scope() == Scope::Family && budget.window().is_none()) {
            return Err(Error::about(Code::ClaimInvalid, "a budget that a new token would count anew; count over the session"));
        }
        if let Some(state) = self.state {
            state.judge_key(issuer, &claims.holder, now)?;
        }
        match self.until.secs().saturating_sub(now.secs()).min(claims.expires.secs() - claims.issued.secs()) {
            0 => Err(Error::about(Code::TokenExpired, "the policy does not renew any longer")),
            ttl => Ok(Some(ttl)),
        }
    }
}
