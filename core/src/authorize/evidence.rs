//! What comes beside the proof: identities, approvals, consents. Nothing that is there is passed over.

use crate::approval::{Judge, Verdict};
use crate::chain::VerifiedChain;
use crate::claims::Mode;
use crate::consent::{GivenConsent, Impersonation};
use crate::cose::{Envelope, ObjectKind};
use crate::identity::VerifiedIdentity;
use crate::key::VerifyingKey;
use crate::proof::Call;
use crate::requirement::Requirement;
use crate::time::Now;
use crate::verify::Verifier;
use crate::{Code, Error, Result};

/// Evidence by its kind. The shapes were read, and nothing is verified.
#[derive(Debug, Default)]
pub(super) struct Evidence<'a> {
    identities: Vec<&'a [u8]>,
    approvals: Vec<&'a [u8]>,
    consents: Vec<&'a [u8]>,
}

impl<'a> Evidence<'a> {
    pub(super) fn read(objects: &[&'a [u8]]) -> Result<Self> {
        const KINDS: &[ObjectKind] = &[ObjectKind::Identity, ObjectKind::Approval, ObjectKind::Consent];
        let mut evidence = Evidence::default();
        for object in objects {
            match Envelope::read_one_of(object, KINDS)?.kind() {
                ObjectKind::Identity => evidence.identities.push(object),
                ObjectKind::Approval => evidence.approvals.push(object),
                _ => evidence.consents.push(object),
            }
        }
        Ok(evidence)
    }
}

impl Verifier {
    /// For each holder, root first, its identity if it has one. None of them if this verifier knows no identities.
    pub(super) fn identified(&self, evidence: &Evidence<'_>, chain: &VerifiedChain, now: Now) -> Result<Vec<Option<VerifiedIdentity>>> {
        let Some(policy) = &self.identities else {
            return if evidence.identities.is_empty() { Ok(Vec::new()) } else { Err(Code::IdentityUntrusted.into()) };
        };
        let keys = |key: &VerifyingKey| self.keys_of(key, now);
        let verified = evidence.identities.iter().map(|bytes| policy.verify_by(bytes, now, keys)).collect::<Result<Vec<_>>>()?;
        if let Some(state) = &self.state {
            verified.iter().try_for_each(|identity| state.judge_key(chain.issuer().name(), identity.authority().key(), now))?;
        }
        let holders: Vec<&VerifyingKey> = chain.claims().map(|claims| &claims.holder).collect();
        let places = policy.judge(&holders, &verified)?;
        Ok(places.into_iter().map(|place| place.and_then(|place| verified.get(place).cloned())).collect())
    }

    /// The consent to an impersonation. A consent to anything else is one too many.
    pub(super) fn consented(&self, evidence: &Evidence<'_>, chain: &VerifiedChain, tool: &str, now: Now) -> Result<Option<GivenConsent>> {
        let leaf = chain.leaf();
        match (leaf.mode, evidence.consents.as_slice()) {
            (Mode::Impersonation, []) => Err(Code::ConsentMissing.into()),
            (Mode::Impersonation, [consent]) => {
                let known = self.principals.get(&leaf.subject).or_else(|| self.anchor(&leaf.subject).map(|anchor| anchor.key()));
                let principal =
                    known.ok_or_else(|| Error::named(Code::ConsentInvalid, "the key is not known of principal", &leaf.subject))?;
                let impersonation = Impersonation {
                    subject: &leaf.subject,
                    issuer: chain.issuer().name(),
                    holder: &leaf.holder,
                    tool,
                    audience: self.audience(),
                };
                let given = impersonation.consented(consent, &self.keys_of(principal, now), now)?;
                if let Some(state) = &self.state {
                    state.judge_key(chain.issuer().name(), &given.principal, now)?;
                }
                Ok(Some(given))
            }
            (_, []) => Ok(None),
            _ => Err(Error::about(Code::ConsentInvalid, "more consents than impersonations")),
        }
    }

    /// What the approvals of a call come to.
    pub(super) fn approved(&self, evidence: &Evidence<'_>, chain: &VerifiedChain, call: &Call<'_>, now: Now) -> Result<Verdict> {
        let (leaf, link) = (chain.leaf(), chain.leaf_link());
        let own = leaf.approvals.of(call.tool);
        let policy = self.approvals.iter().flat_map(|policy| policy.requirements_for(call.tool, call.hint));
        let requirements: Vec<(usize, &[VerifyingKey])> = own.iter().map(Requirement::parts).chain(policy).collect();
        if requirements.is_empty() && evidence.approvals.is_empty() {
            return Ok(Verdict::Approved(Vec::new()));
        }
        let asked = chain.asked(call, self.audience());
        let holders: Vec<&VerifyingKey> = chain.claims().map(|claims| &claims.holder).collect();
        let known = self.state.as_deref().map(|state| (state, chain.issuer().name()));
        let judge = Judge { asked, requirements: &requirements, holders: &holders, known, now };
        judge.judge(&evidence.approvals).map_err(|error| match error.code() {
            Code::ApprovalRequired if !own.is_empty() => error.at_link(link.position),
            _ => error,
        })
    }
}
