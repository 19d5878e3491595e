//! A verified chain: links that hold together, from a trust anchor to the leaf.

use std::sync::Arc;

use crate::approval::Asked;
use crate::capability::Tools;
use crate::claims::Claims;
use crate::id::{Digest, sha256};
use crate::key::VerifyingKey;
use crate::proof::Call;
use crate::{Code, Error, Result, limits};

/// Someone whose roots a verifier accepts: a name and a key, from configuration and never from a message.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustAnchor {
    name: String,
    key: VerifyingKey,
    may_impersonate: bool,
    bounds: Bounds,
    /// What keys in the store begin with that are this issuer's.
    name_digest: Digest,
}

/// What roots of a trust anchor may give at most. Without a bound, the anchor's own word counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The tools, and the arguments of each.
    pub tools: Option<Tools>,
    /// Seconds from `iat` to `exp`.
    pub max_lifetime: Option<u64>,
    /// How often it may be delegated on.
    pub max_depth: Option<u8>,
}

impl TrustAnchor {
    /// A trust anchor. `name-invalid`.
    pub fn new(name: &str, key: &VerifyingKey) -> Result<Self> {
        if !crate::id::is_name(name) {
            return Err(Error::named(Code::NameInvalid, "trust anchor", name));
        }
        let name_digest = sha256(name.as_bytes());
        Ok(TrustAnchor { name: name.to_owned(), key: key.clone(), may_impersonate: false, bounds: Bounds::default(), name_digest })
    }

    /// Accepts only roots within these bounds: for another organisation, whose issuers may give less here than at home.
    #[must_use]
    pub fn bounded(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Allows it to issue impersonation.
    #[must_use]
    pub fn allow_impersonation(mut self) -> Self {
        self.may_impersonate = true;
        self
    }

    /// The same anchor, by a successor of its key.
    pub(crate) fn with_key(&self, key: &VerifyingKey) -> Self {
        TrustAnchor { key: key.clone(), ..self.clone() }
    }

    /// The name that roots carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    pub(crate) const fn may_impersonate(&self) -> bool {
        self.may_impersonate
    }

    pub(crate) const fn name_digest(&self) -> &Digest {
        &self.name_digest
    }

    /// Whether a root is within the bounds: `anchor-exceeded`.
    pub(crate) fn admits(&self, root: &Claims) -> Result<()> {
        let exceeded = |what| Err(Error::about(Code::AnchorExceeded, what));
        let Bounds { tools, max_lifetime, max_depth } = &self.bounds;
        if max_lifetime.is_some_and(|most| root.expires.secs() - root.issued.secs() > most) {
            return exceeded("lifetime");
        }
        if max_depth.is_some_and(|most| root.max_depth > most) {
            return exceeded("max_depth");
        }
        match tools.as_ref().map(|tools| tools.subsumes(&root.tools)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(wider)) => Err(Error::of(Code::AnchorExceeded, wider.context().unwrap_or("tools"))),
        }
    }
}

/// One verified token, and the ones above it. Siblings share their parents.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) claims: Claims,
    pub(crate) hash: Digest,
    pub(crate) position: usize,
    pub(crate) parent: Option<Arc<Link>>,
    pub(crate) anchor: Arc<TrustAnchor>,
    /// The latest `nbf` up to here.
    valid_from: u64,
}

impl Link {
    /// Adds a token whose signature verified, if it holds on to its parent (specification, token.md, "A chain holds together").
    pub(crate) fn new(
        bytes: &[u8],
        claims: Claims,
        hash: Digest,
        parent: Option<Arc<Link>>,
        anchor: Arc<TrustAnchor>,
    ) -> Result<Arc<Self>> {
        let position = parent.as_ref().map_or(0, |parent| parent.position + 1);
        if let Some(parent) = &parent {
            if usize::from(claims.depth) != position || claims.parent != Some(parent.hash) {
                return Err(Code::ParentMismatch.into());
            }
            if parent.upwards().any(|link| link.claims.id == claims.id) {
                return Err(Error::about(Code::ParentMismatch, "an id that is in the chain already"));
            }
        }
        let above = parent.as_ref().map(|parent| parent.upwards()).into_iter().flatten();
        if claims.holder == anchor.key || above.into_iter().any(|link| link.claims.holder == claims.holder) {
            return Err(Code::HolderRepeated.into());
        }
        let own = claims.not_before.map_or(0, |time| time.secs());
        let valid_from = parent.as_ref().map_or(own, |parent| parent.valid_from.max(own));
        Ok(Arc::new(Link { bytes: bytes.into(), claims, hash, position, parent, anchor, valid_from }))
    }

    /// From this link up to the root.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = &Link> {
        std::iter::successors(Some(self), |link| link.parent.as_deref())
    }

    /// From the root down to this link.
    pub(crate) fn downwards(&self) -> impl DoubleEndedIterator<Item = &Link> {
        let mut links = [None; limits::MAX_TOKENS];
        for link in self.upwards() {
            links[link.position] = Some(link);
        }
        links.into_iter().flatten()
    }

    /// Whether every token up to here is valid now; the first that is not, from the root, gives the error.
    pub(crate) fn valid_at(&self, now: u64) -> Result<()> {
        let valid = |link: &Link| now < link.claims.expires.secs() && link.claims.issued.secs() <= now + limits::LEEWAY;
        if self.valid_from <= now && self.upwards().all(valid) {
            return Ok(());
        }
        for link in self.downwards() {
            let claims = &link.claims;
            let code = if claims.issued.secs() > now + limits::LEEWAY || claims.not_before.is_some_and(|time| time.secs() > now) {
                Code::TokenNotYetValid
            } else if now >= claims.expires.secs() {
                Code::TokenExpired
            } else {
                continue;
            };
            return Err(Error::new(code).at_link(link.position));
        }
        Ok(())
    }

    /// The audiences of the nearest token, from here up, that has any.
    pub(crate) fn audience(&self) -> Option<&[String]> {
        self.upwards().find_map(|link| link.claims.audience.as_deref())
    }
}

/// A chain whose links, times and narrowing a [`Verifier`](crate::Verifier) has checked. It says who could call, not that anybody did: that takes
/// a proof, and is an [`Authorized`](crate::Authorized).
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    leaf: Arc<Link>,
}

impl VerifiedChain {
    pub(crate) const fn new(leaf: Arc<Link>) -> Self {
        VerifiedChain { leaf }
    }

    pub(crate) fn leaf_link(&self) -> &Link {
        &self.leaf
    }

    /// The leaf's claims.
    #[must_use]
    pub fn leaf(&self) -> &Claims {
        &self.leaf.claims
    }

    /// The claims of every token, root first.
    pub fn claims(&self) -> impl DoubleEndedIterator<Item = &Claims> {
        self.leaf.downwards().map(|link| &link.claims)
    }

    /// What an approval of a call with this chain is for.
    pub(crate) fn asked<'a>(&self, call: &Call<'a>, audience: &'a str) -> Asked<'a> {
        let (token, session, arguments) = (self.leaf.hash, self.leaf.claims.session, call.arguments.digest());
        Asked { token, tool: call.tool, arguments, audience, session, context: call.context }
    }

    /// The trust anchor that issued the root.
    #[must_use]
    pub fn issuer(&self) -> &TrustAnchor {
        &self.leaf.anchor
    }

    /// The accountable principal.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.leaf.claims.subject
    }

    /// What to call the leaf's holder: the name it was given, or its did:key.
    #[must_use]
    pub fn caller(&self) -> String {
        let claims = &self.leaf.claims;
        claims.holder_name.clone().unwrap_or_else(|| claims.holder.did_key())
    }
}
