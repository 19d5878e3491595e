//! Making tokens: a root by an issuer, and narrower ones by each holder.

use std::sync::Arc;

use rand_core::TryCryptoRng;

use crate::budget::{Budget, Budgets};
use crate::capability::Tools;
use crate::claims::{Claims, Mode};
use crate::cose::{ObjectKind, seal};
use crate::id::{Digest, SessionId, TokenId, is_context, is_free_text, is_name};
use crate::key::{Signer, VerifyingKey};
use crate::narrowing::narrows;
use crate::requirement::ApprovalRules;
use crate::time::{Now, Timestamp};
use crate::token::UnverifiedChain;
use crate::{Code, Error, Result, limits};

/// Seconds that a root lives unless told otherwise: one hour.
pub const DEFAULT_TTL: u64 = 3600;
/// How often a root may be delegated on unless told otherwise.
pub const DEFAULT_MAX_DEPTH: u8 = 3;

/// What to give, and to whom.
#[derive(Clone, Debug)]
pub struct Grant {
    holder: VerifyingKey,
    holder_name: Option<String>,
    tools: Option<Tools>,
    ttl: Option<u64>,
    not_before: Option<Timestamp>,
    audience: Option<Vec<String>>,
    max_depth: Option<u8>,
    approvals: ApprovalRules,
    evidence: Option<Digest>,
    reason: Option<String>,
    context: Option<String>,
    budgets: Vec<Budget>,
    root: RootOnly,
}

/// What is decided in the root and stays the same below it.
#[derive(Clone, Debug, Default, PartialEq)]
struct RootOnly {
    subject: Option<String>,
    mode: Option<Mode>,
    session: Option<SessionId>,
    task: Option<Digest>,
}

macro_rules! setters {
    ($( $(#[$doc:meta])* $name:ident: $type:ty => $($field:ident).+ = $value:expr; )+) => {
        $( $(#[$doc])* #[must_use] pub fn $name(mut self, $name: $type) -> Self { self.$($field).+ = $value; self } )+
    };
}

impl Grant {
    /// To the holder of this key.
    #[must_use]
    pub fn to(holder: &VerifyingKey) -> Self {
        Grant {
            holder: holder.clone(),
            holder_name: None,
            tools: None,
            ttl: None,
            not_before: None,
            audience: None,
            max_depth: None,
            approvals: ApprovalRules::new(),
            evidence: None,
            reason: None,
            context: None,
            budgets: Vec::new(),
            root: RootOnly::default(),
        }
    }

    /// What a token gives, to the same holder: for renewing it.
    pub(crate) fn like(claims: &Claims) -> Self {
        Grant {
            holder_name: claims.holder_name.clone(),
            tools: Some(claims.tools.clone()),
            audience: claims.audience.clone(),
            max_depth: Some(claims.max_depth),
            approvals: claims.approvals.clone(),
            evidence: claims.evidence,
            reason: claims.reason.clone(),
            context: claims.context.clone(),
            budgets: claims.budgets.iter().cloned().collect(),
            ..Grant::to(&claims.holder)
        }
    }

    /// On the holder's own behalf: it is its own principal, under this name. Root only.
    #[must_use]
    pub fn own_behalf(holder: &VerifyingKey, name: &str) -> Self {
        Grant::to(holder).holder_name(name).subject(name).mode(Mode::OwnBehalf)
    }

    /// On behalf of a principal, who stays accountable. Root only.
    #[must_use]
    pub fn on_behalf_of(holder: &VerifyingKey, principal: &str) -> Self {
        Grant::to(holder).subject(principal).mode(Mode::OnBehalfOf)
    }

    /// As a principal: at these audiences, by this holder and nobody below it. Root only; verifiers ask for the principal's consent.
    #[must_use]
    pub fn impersonating(holder: &VerifyingKey, holder_name: &str, principal: &str, audience: Vec<String>) -> Self {
        Grant::to(holder).holder_name(holder_name).subject(principal).mode(Mode::Impersonation).audience(audience)
    }

    setters! {
        /// What to call the holder in audit records.
        holder_name: &str => holder_name = Some(holder_name.to_owned());
        /// What it allows. A root without tools allows nothing; a delegated token without this allows what its parent does.
        tools: Tools => tools = Some(tools);
        /// Seconds to live, from now. A root lives an hour unless told otherwise, a delegated token as long as its parent.
        ttl: u64 => ttl = Some(ttl);
        /// Not valid before this time.
        not_before: Timestamp => not_before = Some(not_before);
        /// The audiences it is for. None at all matches nobody.
        audience: Vec<String> => audience = Some(audience);
        /// The deepest position that a token below may have: 0 cannot be delegated. A root has 3 unless told otherwise.
        max_depth: u8 => max_depth = Some(max_depth);
        /// Approvals required, in addition to the parent's.
        approvals: ApprovalRules => approvals = approvals;
        /// The digest of attestation evidence.
        evidence: Digest => evidence = Some(evidence);
        /// Why. No authority; it is in every audit record.
        reason: &str => reason = Some(reason.to_owned());
        /// The partition: of a root, any; of a delegated token, the parent's or one below it.
        context: &str => context = Some(context.to_owned());
        /// What is counted, in addition to what the parents count. One audience has to be named in the chain: the one that counts.
        budgets: Vec<Budget> => budgets = budgets;
        /// Root only: the accountable principal, unless it is the issuer.
        subject: &str => root.subject = Some(subject.to_owned());
        /// Root only: whose authority the holder uses; on behalf of the subject unless told otherwise.
        mode: Mode => root.mode = Some(mode);
        /// Root only: the session, unless it is a new one.
        session: SessionId => root.session = Some(session);
        /// Root only: the digest of the task.
        task: Digest => root.task = Some(task);
    }

    fn counted(&self, now: Now) -> Result<Budgets> {
        if self.budgets.len() > limits::MAX_BUDGETS {
            return Err(Error::about(Code::TooMany, "budgets"));
        }
        let millisecond = if self.budgets.is_empty() { 0 } else { (now.millis() % 1000) as u16 };
        Ok(Budgets { millisecond, list: self.budgets.clone() })
    }

    fn expires(&self, issued: Timestamp, unless: Timestamp) -> Result<Timestamp> {
        match self.ttl {
            None => Ok(unless),
            Some(ttl) if ttl == 0 || ttl > limits::MAX_LIFETIME => Err(Error::about(Code::ClaimInvalid, "ttl: 1 second to 30 days")),
            Some(ttl) => Timestamp::from_secs(issued.secs() + ttl),
        }
    }

    fn sorted_audience(&self) -> Result<Option<Vec<String>>> {
        let Some(mut audience) = self.audience.clone() else { return Ok(None) };
        audience.sort_by(|a, b| crate::value::key_order(a, b));
        audience.dedup();
        if audience.len() > limits::MAX_AUDIENCES {
            return Err(Error::about(Code::TooMany, "audiences"));
        }
        audience.iter().try_for_each(|name| name_or_refuse("audience", name))?;
        Ok(Some(audience))
    }

    fn refuse_bad_text(&self) -> Result<()> {
        if let Some(name) = &self.holder_name {
            name_or_refuse("holder", name)?;
        }
        if self.reason.as_ref().is_some_and(|reason| !is_free_text(reason)) {
            return Err(Error::about(Code::ClaimInvalid, "reason: at most 1,024 bytes, without control characters"));
        }
        if let Some(context) = self.context.as_ref().filter(|context| !is_context(context)) {
            return Err(Error::named(Code::ClaimInvalid, "context", context));
        }
        if self.max_depth.is_some_and(|depth| depth > limits::MAX_DELEGATION_DEPTH) {
            return Err(Error::about(Code::ClaimInvalid, "max_depth: at most 15"));
        }
        Ok(())
    }
}

/// Issues a root in the issuer's name, as verifiers know it. `name-invalid`, `claim-invalid`, `randomness-unavailable`, `signing-failed`, and what
/// the limits refuse.
pub fn issue<R: TryCryptoRng>(signer: &dyn Signer, issuer: &str, grant: &Grant, rng: &mut R, now: Now) -> Result<UnverifiedChain> {
    name_or_refuse("issuer", issuer)?;
    grant.refuse_bad_text()?;
    let subject = grant.root.subject.clone().unwrap_or_else(|| issuer.to_owned());
    name_or_refuse("subject", &subject)?;
    let issued = Timestamp::from_secs(now.secs())?;
    let claims = Arc::new(Claims {
        issuer: Some(issuer.to_owned()),
        subject,
        audience: grant.sorted_audience()?,
        expires: grant.expires(issued, Timestamp::from_secs(issued.secs() + DEFAULT_TTL)?)?,
        not_before: grant.not_before,
        issued,
        id: TokenId::from_bytes(random(rng)?),
        holder: grant.holder.clone(),
        mode: grant.root.mode.unwrap_or(Mode::OnBehalfOf),
        depth: 0,
        max_depth: grant.max_depth.unwrap_or(if grant.root.mode == Some(Mode::Impersonation) { 0 } else { DEFAULT_MAX_DEPTH }),
        parent: None,
        tools: grant.tools.clone().unwrap_or_default(),
        session: match grant.root.session {
            Some(session) => session,
            None => SessionId::from_bytes(random(rng)?),
        },
        task: grant.root.task,
        holder_name: grant.holder_name.clone(),
        approvals: grant.approvals.clone(),
        evidence: grant.evidence,
        reason: grant.reason.clone(),
        context: grant.context.clone(),
        budgets: grant.counted(now)?,
        ignored: Vec::new(),
    });
    claims.validate(true)?;
    if claims.holder == *signer.verifying_key() {
        return Err(Code::HolderRepeated.into());
    }
    let token = seal(ObjectKind::Token, &claims.encode(), signer)?;
    UnverifiedChain::root(&token, claims)
}

/// Delegates from the leaf of a chain, whose holder the signer must be. Every rule of narrowing is checked before signing, by the code that verifies:
/// `holder-mismatch`, `token-expired`, `depth-exceeded`, `tool-not-granted`, `not-provably-narrower` and the others of that table.
pub fn delegate<R: TryCryptoRng>(
    signer: &dyn Signer,
    chain: &UnverifiedChain,
    grant: &Grant,
    rng: &mut R,
    now: Now,
) -> Result<UnverifiedChain> {
    if grant.root != RootOnly::default() {
        return Err(Error::about(Code::InvariantChanged, "subject, mode, session and task are the root's"));
    }
    grant.refuse_bad_text()?;
    let parent = chain.unverified_leaf_claims(signer.verifying_key())?;
    let link = chain.tokens()?.as_slice().len() - 1;
    if parent.holder != *signer.verifying_key() {
        return Err(Code::HolderMismatch.into());
    }
    if now.secs() >= parent.expires.secs() {
        return Err(Error::new(Code::TokenExpired).at_link(link));
    }
    let issued = Timestamp::from_secs(now.secs())?.max(parent.issued);
    let depth = parent.depth + 1;
    let child = Arc::new(Claims {
        issuer: None,
        subject: parent.subject.clone(),
        audience: grant.sorted_audience()?,
        expires: grant.expires(issued, parent.expires)?,
        not_before: grant.not_before,
        issued,
        id: TokenId::from_bytes(random(rng)?),
        holder: grant.holder.clone(),
        mode: parent.mode,
        depth,
        max_depth: grant.max_depth.unwrap_or(parent.max_depth),
        parent: Some(chain.unverified_leaf_hash()?),
        tools: grant.tools.clone().unwrap_or_else(|| parent.tools.clone()),
        session: parent.session,
        task: parent.task,
        holder_name: grant.holder_name.clone(),
        approvals: grant.approvals.clone().including(&parent.approvals),
        evidence: grant.evidence,
        reason: grant.reason.clone(),
        context: grant.context.clone().or_else(|| parent.context.clone()),
        budgets: grant.counted(now)?,
        ignored: Vec::new(),
    });
    child.validate(false)?;
    refuse_repeated_holder(chain, &child)?;
    let inherited = inherited_audience(chain, parent, &child)?;
    narrows(parent, &child, inherited.as_deref()).map_err(|error| error.at_link(link + 1))?;
    let token = seal(ObjectKind::Token, &child.encode(), signer)?;
    chain.with(&token, child)
}

/// Looks into the claims of a chain only if the new holder's key is somewhere in its bytes.
fn refuse_repeated_holder(chain: &UnverifiedChain, child: &Claims) -> Result<()> {
    let key = child.holder.as_bytes();
    if memchr::memmem::find(chain.encode(), key).is_some() && chain.unverified_claims()?.iter().any(|claims| claims.holder == child.holder)
    {
        return Err(Code::HolderRepeated.into());
    }
    Ok(())
}

/// The audience that a new token must stay within; looked up only if it names one.
fn inherited_audience(chain: &UnverifiedChain, parent: &Claims, child: &Claims) -> Result<Option<Vec<String>>> {
    if child.audience.is_none() || parent.audience.is_some() {
        return Ok(parent.audience.clone());
    }
    Ok(chain.unverified_claims()?.into_iter().rev().find_map(|claims| claims.audience))
}

fn name_or_refuse(what: &str, name: &str) -> Result<()> {
    if is_name(name) { Ok(()) } else { Err(Error::named(Code::NameInvalid, what, name)) }
}

/// Random bytes; all zeros are a failed source.
pub(crate) fn random<R: TryCryptoRng>(rng: &mut R) -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    match rng.try_fill_bytes(&mut bytes) {
        Ok(()) if bytes != [0; 16] => Ok(bytes),
        _ => Err(Code::RandomnessUnavailable.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraint::Constraint;
    use crate::{ArgumentRules, SigningKey};

    struct Ones;

    impl rand_core::TryRng for Ones {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(1)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(1)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(1);
            Ok(())
        }
    }

    impl TryCryptoRng for Ones {}

    /// What a chain remembers of its leaf since it was made is what its bytes say.
    #[test]
    fn the_claims_that_a_chain_keeps_are_those_of_its_bytes() {
        let keys = [1, 2, 3].map(|seed| SigningKey::from_seed(&[seed; 32]).unwrap());
        let now = Now::from_millis(1_764_000_000_000).unwrap();
        let rules = ArgumentRules::new().optional("z", Constraint::exact(1).unwrap()).required("a", Constraint::one_of([2, 1, 2]).unwrap());
        let tools = Tools::new().allow("write", rules).unwrap().allow("read", ArgumentRules::new()).unwrap();
        let approvals =
            ApprovalRules::new().require("write", 1, &[SigningKey::from_seed(&[9; 32]).unwrap().verifying_key().clone()]).unwrap();
        let root = Grant::to(keys[1].verifying_key())
            .tools(tools)
            .audience(vec!["second".into(), "first".into(), "first".into()])
            .task(Digest::from_bytes([4; 32]))
            .context("tenant:1")
            .not_before(Timestamp::from_secs(1_764_000_000).unwrap());
        let root = issue(&keys[0], "ana", &root, &mut Ones, now).unwrap();
        let child = Grant::to(keys[2].verifying_key()).holder_name("coder").reason("tests").approvals(approvals).ttl(60);
        let child = delegate(&keys[1], &root, &child, &mut Ones, now).unwrap();
        for chain in [root, child] {
            let from_bytes = UnverifiedChain::decode(chain.encode()).unwrap();
            let likely = keys[0].verifying_key();
            assert_eq!(chain.unverified_leaf_claims(likely).unwrap(), from_bytes.unverified_leaf_claims(likely).unwrap());
            assert_eq!(from_bytes.unverified_leaf_claims(likely).unwrap(), chain.unverified_claims().unwrap().last().unwrap());
            assert_eq!((&chain, chain.unverified_leaf_hash()), (&from_bytes, from_bytes.unverified_leaf_hash()));
        }
    }
}
