//! What comes out of a decision.

use super::in_context;
use crate::audit::AuditRecord;
use crate::chain::VerifiedChain;
use crate::constraint::Constraint;
use crate::id::RequestId;
use crate::plan::Plan;
use crate::store::{Operation, Outcome};
use crate::time::{Now, Timestamp};
use crate::value::{Arguments, Value};
use crate::{Code, Error, Result};

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
        self.record.caller()
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

    /// What to commit to a store that is asked elsewhere, to give back what the call took from budgets: [`Verifier::refund`](crate::Verifier::refund)
    /// does it. Nothing if it took nothing, or nothing that is still counted.
    #[must_use]
    pub fn refund(&self, now: Now) -> Vec<Operation> {
        self.record.proof.map_or_else(Vec::new, |proof| self.plan.refund(&self.chain.leaf().holder, &proof, now))
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

    /// What the request for approval is called, of a call that was refused with `approval-required`: as
    /// [`ApprovalRequest::id`](crate::ApprovalRequest::id) says it.
    #[must_use]
    pub fn request_id(&self) -> Option<RequestId> {
        self.record.request_id()
    }

    /// What to commit to a store that is asked elsewhere: that an approver said no to this request, until when it stands. Nothing where nobody did.
    /// [`Verifier::authorize`](crate::Verifier::authorize) does it.
    #[must_use]
    pub fn transaction(&self) -> &[Operation] {
        &self.record.denial
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
    pub(super) chain: VerifiedChain,
    pub(super) record: AuditRecord,
    pub(super) plan: Plan,
    pub(super) now: Now,
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
