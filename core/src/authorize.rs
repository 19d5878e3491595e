//! The decision about one call.

use crate::audit::AuditRecord;
use crate::chain::VerifiedChain;
use crate::constraint::Constraint;
use crate::cose::{Envelope, ObjectKind};
use crate::id::{is_at_or_below, is_name};
use crate::plan::{Plan, Revocable};
use crate::proof::{Call, Parts, ProofClaims, Received};
use crate::store::{Operation, Outcome};
use crate::time::{Now, Timestamp};
use crate::value::{Arguments, Value};
use crate::verify::Verifier;
use crate::{Code, Error, Result, limits};

/// An allowed call. Only [`Verifier::authorize`] makes one; the audit record and the frozen arguments are in it.
#[derive(Clone, Debug)]
pub struct Authorized {
    chain: VerifiedChain,
    record: AuditRecord,
    plan: Plan,
}

impl Authorized {
    /// The chain of the call.
    #[must_use]
    pub const fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// Who calls: the name the leaf's holder was given, or its did:key.
    #[must_use]
    pub fn caller(&self) -> String {
        self.chain.caller()
    }

    /// For whom: the accountable principal.
    #[must_use]
    pub fn on_behalf_of(&self) -> &str {
        self.chain.principal()
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.record.tool
    }

    /// The arguments that were decided about. Use these, not the ones received.
    #[must_use]
    pub fn arguments(&self) -> Option<&Arguments> {
        self.record.arguments.as_ref()
    }

    /// One argument.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments().and_then(|arguments| arguments.value(name))
    }

    /// Checks another value of an argument as the one in the call was checked: where a redirect leads, what a variable was expanded to.
    /// `argument-refused`, `argument-unexpected`.
    pub fn check_value(&self, argument: &str, value: &Value) -> Result<()> {
        let Some(constraint) = self.constraint_on(argument)? else { return Ok(()) };
        if constraint.accepts(value) {
            return Ok(());
        }
        Err(Error::of(Code::ArgumentRefused, &format!("argument `{argument}` must be {constraint}")))
    }

    /// Checks the network address that the host of an argument resolved to, before the connection is opened. `argument-refused` if a token of the chain
    /// asks for public addresses there and this is none, whatever the tokens below it say; `argument-unexpected`.
    pub fn check_address(&self, argument: &str, address: &str) -> Result<()> {
        self.constraint_on(argument)?;
        for (link, claims) in self.chain.claims().enumerate() {
            let constraint = claims.tools.rules(self.tool()).and_then(|rules| rules.constraint_on(argument));
            if constraint.is_some_and(|constraint| !constraint.allows_address(address)) {
                return Err(Error::named(Code::ArgumentRefused, "not a public address:", address).at_link(link));
            }
        }
        Ok(())
    }

    /// Checks the partition of what a tool is about to read or write: it is the leaf's context, or below it. `context-mismatch`, also if the leaf
    /// has none.
    pub fn check_context(&self, context: &str) -> Result<()> {
        in_context(Some(context), self.chain.leaf().context.as_deref())
    }

    /// None where the token says nothing about arguments.
    fn constraint_on(&self, argument: &str) -> Result<Option<&Constraint>> {
        match self.chain.leaf().tools.rules(self.tool()) {
            Some(rules) => {
                rules.constraint_on(argument).map(Some).ok_or_else(|| Error::named(Code::ArgumentUnexpected, "argument", argument))
            }
            None => Ok(None),
        }
    }

    /// The leaf's end of life.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.chain.leaf().expires
    }

    /// Labels in the chain that carry no authority.
    #[must_use]
    pub fn ignored(&self) -> Vec<i64> {
        self.record.ignored()
    }

    /// What to commit to a store that is asked elsewhere, to give back what the call took from budgets: [`Verifier::refund`] does it.
    #[must_use]
    pub fn refund(&self, now: Now) -> Vec<Operation> {
        self.record.proof.map_or_else(Vec::new, |proof| self.plan.refund(&self.chain.leaf().holder, &proof, self.expires(), now))
    }

    /// The audit record.
    #[must_use]
    pub const fn record(&self) -> &AuditRecord {
        &self.record
    }
}

/// A refused call: why, and the audit record.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
pub struct Denied {
    error: Error,
    record: Box<AuditRecord>,
}

impl Denied {
    /// Why.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.error.code()
    }

    /// The token at fault, the root being 0.
    #[must_use]
    pub const fn link(&self) -> Option<usize> {
        self.error.link()
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> std::borrow::Cow<'static, str> {
        self.error.help()
    }

    /// The audit record.
    #[must_use]
    pub const fn record(&self) -> &AuditRecord {
        &self.record
    }
}

/// A call that everything but the store allows. For stores that answer asynchronously: commit [`Admissible::transaction`], then
/// [`Admissible::admit`] with the answer.
#[derive(Debug)]
#[must_use = "nothing is allowed before the transaction was committed"]
pub struct Admissible {
    chain: VerifiedChain,
    record: AuditRecord,
    plan: Plan,
    now: Now,
}

impl Admissible {
    /// What to commit, all or nothing.
    #[must_use]
    pub fn transaction(&self) -> &[Operation] {
        self.plan.operations()
    }

    /// The time of the decision.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.now
    }

    /// The last step, with the store's answer. `proof-replayed`, `proof-predates-store` and the others of the step *store*; `store-full`,
    /// `store-unavailable`.
    pub fn admit(self, outcome: Outcome) -> Result<Authorized, Denied> {
        match self.plan.accept(outcome) {
            Ok(()) => Ok(Authorized { chain: self.chain, record: self.record, plan: self.plan }),
            Err(error) => Err(self.record.refuse(error)),
        }
    }
}

impl AuditRecord {
    /// The same decision, refused. For a program that cannot go through with an allowed call: with [`Code::AuditUnavailable`], if its record could not
    /// be written.
    #[must_use]
    pub fn refuse(mut self, error: Error) -> Denied {
        self.refusal = Some(error.clone());
        Denied { error, record: Box::new(self) }
    }
}

/// What may be attached to a proof.
const EVIDENCE: &[ObjectKind] = &[ObjectKind::Identity, ObjectKind::Approval, ObjectKind::Consent];

impl Verifier {
    /// Decides about a call: the presentation as received (bytes or text), the call as received, the time now. Everything is checked, in the order of
    /// the specification's decision.md, and what has to be counted or claimed is committed to the store.
    pub fn authorize<'p>(&self, presentation: impl Into<Received<'p>>, call: &Call<'_>, now: Now) -> Result<Authorized, Denied> {
        let admissible = self.evaluate(presentation, call, now)?;
        let outcome = self.store().commit(admissible.transaction(), admissible.now);
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
        match self.store().commit(&authorized.refund(now), now) {
            Outcome::Committed | Outcome::Refused(_) => Ok(()),
            Outcome::Full => Err(Code::StoreFull.into()),
            Outcome::Predates(_) | Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
        }
    }

    /// Revokes or closes something at once, for every verifier that shares the store, for as long as anything that is there now may live.
    /// `store-unavailable`, `store-full`.
    pub fn revoke(&self, target: &Revocable<'_>, now: Now) -> Result<()> {
        let now = self.advance(now)?;
        match self.store().commit(&[target.mark(now)?], now) {
            Outcome::Committed => Ok(()),
            Outcome::Full => Err(Code::StoreFull.into()),
            Outcome::Refused(_) | Outcome::Predates(_) | Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
        }
    }

    /// A denial for a call whose arguments could not even be read, so that it has an audit record too.
    #[must_use]
    pub fn refuse(&self, tool: &str, error: Error, now: Now) -> Denied {
        self.record(tool, None, now).refuse(error)
    }

    fn record(&self, tool: &str, arguments: Option<&Arguments>, now: Now) -> AuditRecord {
        AuditRecord::new(tool, arguments.cloned(), self.shared_audience(), now)
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
        let evidence = parts.evidence.iter().map(|one| Envelope::read_one_of(one, EVIDENCE)).collect::<Result<Vec<_>>>()?;
        let chain = self.links(shaped, now)?;
        record.chain = Some(chain.clone());
        self.in_audience(&chain)?;
        in_context(call.context, chain.leaf().context.as_deref())?;
        let payload = proof.open(&chain.leaf().holder).map_err(|_| Error::new(Code::ProofSignatureInvalid))?;
        let claims = ProofClaims::decode(payload)?;
        record.proof = Some(claims.id);
        self.check_proof(&claims, &chain, call, now)?;
        let leaf = chain.leaf();
        let last = chain.leaf_link().position;
        if let Err(error) = leaf.tools.check(call.tool, call.arguments) {
            return Err(chain.first_refusal(call).unwrap_or_else(|| error.at_link(last)));
        }
        if leaf.approvals.requires(call.tool) {
            return Err(Error::named(Code::ApprovalRequired, "tool", call.tool).at_link(last));
        }
        let plan = Plan::of(&chain, call, &claims, now)?;
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
