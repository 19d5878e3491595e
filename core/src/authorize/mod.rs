//! The decision about one call.

mod evidence;
mod outcome;

use evidence::Evidence;
pub use outcome::{Admissible, Authorized, Denied};

use crate::approval::Verdict;
use crate::audit::AuditRecord;
use crate::chain::VerifiedChain;
use crate::cose::{Envelope, ObjectKind};
use crate::id::{is_at_or_below, is_name};
use crate::plan::{Plan, Revocable};
use crate::proof::{Call, Parts, ProofClaims, Received};
use crate::store::{Operation, Outcome};
use crate::time::Now;
use crate::value::Arguments;
use crate::verify::Verifier;
use crate::{Code, Error, Result, limits};

impl Verifier {
    /// Decides about a call: the presentation as received (bytes or text), the call as received, the time now. Everything is checked, in the order of
    /// the specification's decision.md, and what has to be counted or claimed is committed to the store.
    pub fn authorize<'p>(&self, presentation: impl Into<Received<'p>>, call: &Call<'_>, now: Now) -> Result<Authorized, Denied> {
        let admissible = match self.evaluate(presentation, call, now) {
            Ok(admissible) => admissible,
            Err(denied) => {
                // Refused either way. A store that does not take the mark leaves the approver's word with who presents it.
                if !denied.transaction().is_empty() {
                    self.store().commit(denied.transaction(), denied.record().time());
                }
                return Err(denied);
            }
        };
        let outcome = self.store().commit(admissible.transaction(), admissible.now());
        admissible.admit(outcome)
    }

    /// Everything but the commit to the store.
    pub fn evaluate<'p>(&self, presentation: impl Into<Received<'p>>, call: &Call<'_>, now: Now) -> Result<Admissible, Denied> {
        let mut record = self.record(call.tool, Some(call.arguments), now);
        record.context = call.context.map(ToOwned::to_owned);
        match self.decide(presentation.into(), call, now, &mut record) {
            Ok((chain, plan, now)) => Ok(Admissible { chain, record, plan, now }),
            Err(error) => Err(record.refuse(error)),
        }
    }

    /// Gives back what a call took from budgets, for a tool that failed. Once: a second time gives nothing. The proof and the approvals stay used.
    /// `store-unavailable`, `store-full`.
    pub fn refund(&self, authorized: &Authorized, now: Now) -> Result<()> {
        let now = self.advance(now)?;
        let back = authorized.refund(now);
        if back.is_empty() {
            return Ok(());
        }
        match self.store().commit(&back, now) {
            Outcome::Committed | Outcome::Refused(_) => Ok(()),
            Outcome::Full => Err(Code::StoreFull.into()),
            Outcome::Predates(_) | Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
        }
    }

    /// Revokes or closes something at once, for every verifier that shares the store, for as long as anything that is there now may live.
    /// `issuer-untrusted` for a session or task of nobody that this verifier trusts, `clock-behind`, `store-unavailable`, `store-full`.
    pub fn revoke(&self, target: &Revocable<'_>, now: Now) -> Result<()> {
        let mark = self.mark(target, now)?;
        match self.store().commit(&[mark], self.advance(now)?) {
            Outcome::Committed => Ok(()),
            Outcome::Full => Err(Code::StoreFull.into()),
            Outcome::Refused(_) | Outcome::Predates(_) | Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
        }
    }

    /// What to commit to a store that is asked elsewhere, to revoke or close something: [`Verifier::revoke`] does it. `issuer-untrusted`,
    /// `clock-behind`.
    pub fn mark(&self, target: &Revocable<'_>, now: Now) -> Result<Operation> {
        match target.issuer() {
            Some(issuer) if self.anchor(issuer).is_none() => Err(Error::named(Code::IssuerUntrusted, "no trust anchor is called", issuer)),
            _ => target.mark(self.advance(now)?),
        }
    }

    /// A denial for a call whose arguments could not even be read, so that it has an audit record too.
    #[must_use]
    pub fn refuse(&self, tool: &str, error: Error, now: Now) -> Denied {
        self.record(tool, None, now).refuse(error)
    }

    fn record(&self, tool: &str, arguments: Option<&Arguments>, now: Now) -> AuditRecord {
        let record = AuditRecord::new(tool, arguments.cloned(), self.shared_audience(), now);
        AuditRecord { by_identity: self.identities.is_some(), ..record }
    }

    fn decide(
        &self,
        presentation: Received<'_>,
        call: &Call<'_>,
        now: Now,
        record: &mut AuditRecord,
    ) -> Result<(VerifiedChain, Plan, Now)> {
        if !is_name(call.tool) {
            return Err(Error::named(Code::NameInvalid, "tool", call.tool));
        }
        let now = self.advance(now)?;
        let bytes = presentation.bytes()?;
        let parts = Parts::read(&bytes)?;
        let shaped = self.shape(parts.tokens)?;
        let proof = Envelope::read(parts.proof, ObjectKind::Proof)?;
        let evidence = Evidence::read(&parts.evidence)?;
        let chain = self.links(shaped, now)?;
        record.chain = Some(chain.clone());
        self.still_good(&chain, now)?;
        self.in_audience(&chain)?;
        in_context(call.context, chain.leaf().context.as_deref())?;
        let payload = proof.open(&chain.leaf().holder).map_err(|_| Error::new(Code::ProofSignatureInvalid))?;
        let claims = ProofClaims::decode(payload)?;
        record.proof = Some(claims.id);
        self.check_proof(&claims, &chain, call, now)?;
        record.identities = self.identified(&evidence, &chain, now)?;
        let consent = self.consented(&evidence, &chain, call.tool, now)?;
        record.consent = consent.as_ref().map(|consent| consent.id);
        if let Err(error) = chain.leaf().tools.check(call.tool, call.arguments) {
            return Err(chain.first_refusal(call).unwrap_or_else(|| error.at_link(chain.leaf_link().position)));
        }
        let approvals = match self.approved(&evidence, &chain, call, now)? {
            Verdict::Approved(approvals) => approvals,
            Verdict::Denied(denial) => {
                record.denial = Plan::denial(&chain.asked(call, self.audience()).id(), &denial).to_vec();
                return Err(Code::ApprovalDenied.into());
            }
        };
        let evidence = (&record.identities[..], consent.as_ref(), &approvals[..]);
        let plan = Plan::of(&chain, call, self.audience(), &claims, evidence, now)?;
        record.approvals = approvals;
        Ok((chain, plan, now))
    }

    fn check_proof(&self, claims: &ProofClaims<'_>, chain: &VerifiedChain, call: &Call<'_>, now: Now) -> Result<()> {
        if claims.audience != self.audience() {
            return Err(Code::AudienceMismatch.into());
        }
        if claims.issued.secs() > now.secs() + limits::LEEWAY {
            return Err(Code::ProofNotYetValid.into());
        }
        if now.secs() >= claims.expires.secs() {
            return Err(Code::ProofExpired.into());
        }
        let mismatch = |what| Err(Error::about(Code::ProofMismatch, what));
        if claims.token != chain.leaf_link().hash {
            return mismatch("token");
        }
        if claims.tool != call.tool {
            return mismatch("tool");
        }
        if claims.arguments != call.arguments.digest() {
            return mismatch("arguments");
        }
        if claims.challenge != call.challenge {
            return Err(Code::ChallengeMismatch.into());
        }
        Ok(())
    }
}

impl VerifiedChain {
    /// What the first token from the root that refuses a call says: it is no narrower than the leaf.
    fn first_refusal(&self, call: &Call<'_>) -> Option<Error> {
        self.claims()
            .enumerate()
            .find_map(|(link, claims)| claims.tools.check(call.tool, call.arguments).err().map(|error| error.at_link(link)))
    }
}

/// The call has a context exactly when the leaf has one, and it is equal to or below the leaf's.
fn in_context(call: Option<&str>, leaf: Option<&str>) -> Result<()> {
    let within = match (call, leaf) {
        (None, None) => true,
        (Some(call), Some(leaf)) => crate::id::is_context(call) && is_at_or_below(call, leaf),
        _ => false,
    };
    if within { Ok(()) } else { Err(Code::ContextMismatch.into()) }
}
