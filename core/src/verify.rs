//! The verifier: from bytes to a verified chain, in the order of decision.md.

use std::collections::HashMap;
use std::sync::Arc;

use crate::approval::ApprovalPolicy;
use crate::cache::Cache;
use crate::chain::{Link, TrustAnchor, VerifiedChain};
use crate::claims::{Claims, Mode, unverified_issuer};
use crate::cose::{Envelope, ObjectKind};
use crate::id::is_name;
use crate::identity::IdentityPolicy;
use crate::key::VerifyingKey;
use crate::narrowing::narrows;
use crate::store::Store;
use crate::time::{Latest, Now};
use crate::token::{Tokens, UnverifiedChain};
use crate::trust::{ChainFacts, LinkFacts, TrustState};
use crate::{Code, Error, Result};

/// Decides about calls. Immutable but for what it remembers: the latest time, verified chains, what the store holds. Share it between threads.
pub struct Verifier {
    anchors: HashMap<String, Arc<TrustAnchor>>,
    audience: Arc<str>,
    store: Box<dyn Store>,
    cache: Cache,
    latest: Latest,
    pub(crate) identities: Option<IdentityPolicy>,
    pub(crate) approvals: Option<ApprovalPolicy>,
    pub(crate) principals: HashMap<String, VerifyingKey>,
    pub(crate) state: Option<Arc<TrustState>>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("audience", &self.audience).field("trust_anchors", &self.anchors.len()).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier that trusts these anchors, is called by this name, and counts there. `config-invalid` for no anchors, two of one
    /// name, or an audience that is not a name.
    pub fn new(trust: impl IntoIterator<Item = TrustAnchor>, audience: &str, store: impl Store + 'static) -> Result<Self> {
        let mut anchors = HashMap::new();
        for anchor in trust {
            if let Some(twice) = anchors.insert(anchor.name().to_owned(), Arc::new(anchor)) {
                return Err(Error::named(Code::ConfigInvalid, "two trust anchors called", twice.name()));
            }
        }
        if anchors.is_empty() {
            return Err(Error::about(Code::ConfigInvalid, "no trust anchors"));
        }
        if !is_name(audience) {
            return Err(Error::named(Code::ConfigInvalid, "audience", audience));
        }
        let (store, cache, latest) = (Box::new(store), Cache::default(), Latest::default());
        let (identities, approvals, principals, state) = (None, None, HashMap::new(), None);
        Ok(Verifier { anchors, audience: audience.into(), store, cache, latest, identities, approvals, principals, state })
    }

    /// The same verifier, which knows these identities and asks for what the rules say. Audit records then name holders by their identities only.
    #[must_use]
    pub fn with_identities(mut self, policy: IdentityPolicy) -> Self {
        self.identities = Some(policy);
        self
    }

    /// The same verifier, which asks for approvals by this policy, in addition to those that tokens require.
    #[must_use]
    pub fn with_approvals(mut self, policy: ApprovalPolicy) -> Self {
        self.approvals = Some(policy);
        self
    }

    /// The same verifier, which knows the key of a principal: what the principal consents to is signed with it. Trust anchors are known by their names
    /// already. `name-invalid`, `config-invalid` for a name that is known.
    pub fn with_principal(mut self, name: &str, key: &VerifyingKey) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, "principal", name));
        }
        if self.anchors.contains_key(name) || self.principals.insert(name.to_owned(), key.clone()).is_some() {
            return Err(Error::named(Code::ConfigInvalid, "two keys of principal", name));
        }
        Ok(self)
    }

    /// The same verifier, which refuses what this state knows to be revoked, suspended or retired, and whatever it knows nothing fresh about. Trust
    /// anchors, identity authorities, principals and approvers follow the rotations that it accepted.
    #[must_use]
    pub fn with_trust_state(mut self, state: Arc<TrustState>) -> Self {
        self.state = Some(state);
        self
    }

    pub(crate) fn anchor(&self, name: &str) -> Option<&TrustAnchor> {
        self.anchors.get(name).map(|anchor| &**anchor)
    }

    /// The name that calls are proven for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    pub(crate) fn shared_audience(&self) -> Arc<str> {
        self.audience.clone()
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Checks a chain without a call: signatures, claims, times, narrowing, the trust state, audience. The result says that the chain is valid, and not
    /// that its holder is there. The store is not asked: what was revoked there is refused with a call only.
    pub fn verify_chain(&self, chain: &UnverifiedChain, now: Now) -> Result<VerifiedChain> {
        let now = self.advance(now)?;
        let verified = self.links(self.shape(chain.tokens()?)?, now)?;
        self.still_good(&verified, now)?;
        self.in_audience(&verified)?;
        Ok(verified)
    }

    /// Time never runs backwards: a small step back counts as the latest time seen, a larger one is refused.
    pub(crate) fn advance(&self, now: Now) -> Result<Now> {
        self.latest.advance(now)
    }

    /// Looks for the longest part of the chain that was verified before, and reads the envelopes of the rest.
    pub(crate) fn shape<'a>(&self, tokens: Tokens<'a>) -> Result<Shaped<'a>> {
        let all = tokens.as_slice();
        let known = (1..=all.len()).rev().find_map(|count| self.cache.find(&all[..count]));
        let start = known.as_ref().map_or(0, |link| link.position + 1);
        let read = |(link, token): (usize, &&'a [u8])| match Envelope::read(token, ObjectKind::Token) {
            Ok(envelope) => Ok((*token, envelope)),
            Err(error) => Err(error.at_link(link)),
        };
        let rest = all.iter().enumerate().skip(start).map(read).collect::<Result<_>>()?;
        Ok(Shaped { known, rest })
    }

    /// Trust anchor, links, times, narrowing.
    pub(crate) fn links(&self, shaped: Shaped<'_>, now: Now) -> Result<VerifiedChain> {
        let Shaped { known, rest } = shaped;
        let anchor = match (&known, rest.first()) {
            (Some(link), _) => link.anchor.clone(),
            (None, Some((_, root))) => self.by_its_signer(root, self.anchor_of(root)?, now),
            (None, None) => return Err(Code::Malformed.into()),
        };
        let mut leaf = known;
        let mut fresh = Vec::with_capacity(rest.len());
        for (bytes, envelope) in rest {
            let position = leaf.as_ref().map_or(0, |link| link.position + 1);
            let link = open(bytes, &envelope, leaf.as_ref(), &anchor).map_err(|error| error.at_link(position))?;
            fresh.push(link.clone());
            leaf = Some(link);
        }
        let leaf = leaf.ok_or(Error::new(Code::Malformed))?;
        leaf.valid_at(now.secs())?;
        for link in &fresh {
            let narrower = match &link.parent {
                Some(parent) => narrows(&parent.claims, &link.claims, parent.audience()),
                None => anchor.admits(&link.claims),
            };
            narrower.map_err(|error| error.at_link(link.position))?;
        }
        for link in &fresh {
            self.cache.insert(link);
        }
        Ok(VerifiedChain::new(leaf))
    }

    /// The trust anchor with the key that signed the root: its own, or a successor of it.
    fn by_its_signer(&self, root: &Envelope<'_>, anchor: Arc<TrustAnchor>, now: Now) -> Arc<TrustAnchor> {
        if self.state.is_none() {
            return anchor;
        }
        let keys = self.keys_of(anchor.key(), now);
        match keys.iter().find(|key| keys.len() > 1 && root.open(key).is_ok()) {
            Some(key) if key != anchor.key() => Arc::new(anchor.with_key(key)),
            _ => anchor,
        }
    }

    /// A configured key and its accepted successors, the newest first.
    pub(crate) fn keys_of(&self, configured: &VerifyingKey, now: Now) -> Vec<VerifyingKey> {
        match &self.state {
            Some(state) => state.keys_of(configured, now).into_iter().rev().map(|used| used.key).collect(),
            None => vec![configured.clone()],
        }
    }

    /// Whether nothing that the chain stands on was revoked, suspended or retired.
    pub(crate) fn still_good(&self, chain: &VerifiedChain, now: Now) -> Result<()> {
        let Some(state) = &self.state else { return Ok(()) };
        let leaf = chain.leaf_link();
        let (anchor, claims) = (&leaf.anchor, &leaf.claims);
        let root = leaf.upwards().last().map_or(claims, |root| &root.claims);
        let chain = ChainFacts {
            issuer: anchor.name(),
            issuer_key: anchor.key(),
            issued: root.issued,
            session: &claims.session,
            task: claims.task.as_ref(),
        };
        state.judge(&chain, leaf.upwards().map(facts), now)
    }

    pub(crate) fn in_audience(&self, chain: &VerifiedChain) -> Result<()> {
        let missing = |link: &&Link| link.claims.audience.as_ref().is_some_and(|names| !names.iter().any(|name| **name == *self.audience));
        match chain.leaf_link().upwards().filter(missing).last() {
            Some(link) => Err(Error::new(Code::AudienceMismatch).at_link(link.position)),
            None => Ok(()),
        }
    }

    /// The trust anchor of a root, by the issuer's name at the front of its payload.
    fn anchor_of(&self, root: &Envelope<'_>) -> Result<Arc<TrustAnchor>> {
        let anchor = unverified_issuer(root.unverified_payload()).and_then(|name| self.anchors.get(name));
        anchor.cloned().ok_or(Error::new(Code::IssuerUntrusted).at_link(0))
    }
}

/// A chain whose shape is right: the part that is known, and the tokens and envelopes after it.
pub(crate) struct Shaped<'a> {
    known: Option<Arc<Link>>,
    rest: Vec<(&'a [u8], Envelope<'a>)>,
}

fn facts(link: &Link) -> LinkFacts<'_> {
    LinkFacts { position: link.position, token: &link.claims.id, holder: &link.claims.holder }
}

/// Signature, claims, and how the token holds on to its parent.
fn open(bytes: &[u8], envelope: &Envelope<'_>, parent: Option<&Arc<Link>>, anchor: &Arc<TrustAnchor>) -> Result<Arc<Link>> {
    let key = parent.map_or(anchor.key(), |parent| &parent.claims.holder);
    let (payload, hash) = envelope.open_and_hash(key)?;
    let position = parent.map_or(0, |parent| parent.position + 1);
    let claims = Claims::decode(payload, position)?;
    if claims.mode == Mode::Impersonation && !anchor.may_impersonate() {
        return Err(Code::ImpersonationRefused.into());
    }
    Link::new(bytes, claims, hash, parent.cloned(), anchor.clone())
}
