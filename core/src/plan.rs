//! What a decision asks the store at its end, in one transaction: that nothing of the call was revoked or closed, that proof and approvals are fresh,
//! and that budgets last (specification, store.md).

use crate::approval::CountedApproval;
use crate::budget::{Budget, Scope};
use crate::chain::{Link, TrustAnchor, VerifiedChain};
use crate::consent::GivenConsent;
use crate::id::{Digest, RequestId, SessionId, TokenId, sha256};
use crate::identity::VerifiedIdentity;
use crate::key::VerifyingKey;
use crate::proof::{Call, ProofClaims};
use crate::store::{Operation, Outcome, StoreKey};
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// What can be revoked in a store, at once, for all verifiers that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocable<'a> {
    /// A token, and everything below it.
    Token(TokenId),
    /// A key: every chain in which it issued, or holds a token, and every approval, consent and identity by it.
    Key(&'a VerifyingKey),
    /// A session of an issuer: everything in it.
    Session(&'a str, SessionId),
    /// A task of an issuer: everything for it.
    Task(&'a str, Digest),
    /// One approval, which its approver takes back.
    Approval(&'a VerifyingKey, TokenId),
}

impl Revocable<'_> {
    fn key(&self) -> StoreKey {
        match self {
            Revocable::Token(id) => token_key(id),
            Revocable::Key(key) => holder_key(key),
            Revocable::Session(issuer, session) => session_key(&sha256(issuer.as_bytes()), session),
            Revocable::Task(issuer, task) => task_key(&sha256(issuer.as_bytes()), task),
            Revocable::Approval(approver, id) => approval_key(b'A', approver, id),
        }
    }

    /// Whose session or task it is.
    pub(crate) const fn issuer(&self) -> Option<&str> {
        match self {
            Revocable::Session(issuer, _) | Revocable::Task(issuer, _) => Some(issuer),
            Revocable::Token(_) | Revocable::Key(_) | Revocable::Approval(..) => None,
        }
    }

    /// Keys, sessions and tasks are marked for good; a token or approval until it is expired for certain.
    pub(crate) fn mark(&self, now: Now) -> Result<Operation> {
        let expires = match self {
            Revocable::Token(_) | Revocable::Approval(..) => Timestamp::from_secs(now.secs() + limits::MAX_LIFETIME + limits::LEEWAY)?,
            Revocable::Key(_) | Revocable::Session(..) | Revocable::Task(..) => Timestamp::MAX,
        };
        Ok(Operation::Mark { key: self.key(), expires })
    }
}

fn token_key(id: &TokenId) -> StoreKey {
    StoreKey::new(b'T', &[id.as_bytes()])
}

fn holder_key(key: &VerifyingKey) -> StoreKey {
    StoreKey::new(b'K', &[key.as_bytes()])
}

fn session_key(issuer: &Digest, session: &SessionId) -> StoreKey {
    StoreKey::new(b'S', &[issuer.as_bytes(), session.as_bytes()])
}

fn task_key(issuer: &Digest, task: &Digest) -> StoreKey {
    StoreKey::new(b'Y', &[issuer.as_bytes(), task.as_bytes()])
}

fn request_key(request: &RequestId) -> StoreKey {
    StoreKey::new(b'd', &[request.as_bytes()])
}

fn approval_key(letter: u8, approver: &VerifyingKey, id: &TokenId) -> StoreKey {
    StoreKey::new(letter, &[approver.as_bytes(), id.as_bytes()])
}

/// That the key of an approval or denial was not revoked, and it itself not withdrawn.
fn still_given(approval: &CountedApproval) -> [Operation; 2] {
    let CountedApproval { approver, id, issued: since, .. } = approval;
    [holder_key(approver), approval_key(b'A', approver, id)].map(|key| Operation::Absent { key, since: *since })
}

/// The operations, and what each means where it refuses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    operations: Vec<Operation>,
    meanings: Vec<Meaning>,
}

#[derive(Clone, Copy, Debug)]
struct Meaning {
    refused: Code,
    predates: Code,
    link: Option<usize>,
}

impl Plan {
    /// The plan of a call that everything else allows.
    pub(crate) fn of(
        chain: &VerifiedChain,
        call: &Call<'_>,
        audience: &str,
        proof: &ProofClaims<'_>,
        (identities, consent, approvals): (&[Option<VerifiedIdentity>], Option<&GivenConsent>, &[CountedApproval]),
        now: Now,
    ) -> Result<Self> {
        let room = 7 + 2 * chain.leaf_link().position + identities.len() + 4 * approvals.len();
        let mut plan = Plan { operations: Vec::with_capacity(room), meanings: Vec::with_capacity(room) };
        plan.nothing_revoked(chain)?;
        plan.nobody_revoked(identities)?;
        if let Some(consent) = consent {
            let absent = Operation::Absent { key: holder_key(&consent.principal), since: consent.issued };
            plan.push(absent, Code::KeyRevoked, Code::TokenPredatesStore, None);
        }
        if !approvals.is_empty() {
            plan.nothing_withdrawn(approvals, &chain.asked(call, audience).id());
        }
        let key = approval_key(b'p', &chain.leaf().holder, &proof.id);
        let claim = Operation::Claim { key, expires: proof.expires, since: proof.instant()? };
        plan.push(claim, Code::ProofReplayed, Code::ProofPredatesStore, None);
        for approval in approvals {
            let key = approval_key(b'a', &approval.approver, &approval.id);
            let claim = Operation::Claim { key, expires: approval.expires, since: approval.issued };
            plan.push(claim, Code::ApprovalSpent, Code::TokenPredatesStore, None);
        }
        for link in chain.leaf_link().downwards() {
            plan.spend(link, chain.issuer(), call, now).map_err(|error| error.at_link(link.position))?;
        }
        Ok(plan)
    }

    fn nothing_revoked(&mut self, chain: &VerifiedChain) -> Result<()> {
        let (leaf, issuer) = (chain.leaf(), chain.issuer());
        let root = chain.leaf_link().upwards().last().map_or(leaf, |root| &root.claims);
        // The last instant at which it can have been issued.
        let since = Now::from_millis(root.issued.secs() * 1000 + 999)?;
        let mut absent = |key, code, link| self.push(Operation::Absent { key, since }, code, Code::TokenPredatesStore, link);
        absent(session_key(issuer.name_digest(), &leaf.session), Code::SessionClosed, None);
        if let Some(task) = &leaf.task {
            absent(task_key(issuer.name_digest(), task), Code::TaskClosed, None);
        }
        absent(holder_key(issuer.key()), Code::KeyRevoked, Some(0));
        for link in chain.leaf_link().downwards() {
            absent(token_key(&link.claims.id), Code::TokenRevoked, Some(link.position));
            absent(holder_key(&link.claims.holder), Code::KeyRevoked, Some(link.position));
        }
        Ok(())
    }

    /// The authorities of identities.
    fn nobody_revoked(&mut self, identities: &[Option<VerifiedIdentity>]) -> Result<()> {
        for identity in identities.iter().flatten() {
            let since = Now::from_millis(identity.issued().secs() * 1000 + 999)?;
            let absent = Operation::Absent { key: holder_key(identity.authority().key()), since };
            self.push(absent, Code::KeyRevoked, Code::TokenPredatesStore, None);
        }
        Ok(())
    }

    fn nothing_withdrawn(&mut self, approvals: &[CountedApproval], request: &RequestId) {
        for approval in approvals {
            let [key, withdrawn] = still_given(approval);
            let denied = Operation::Absent { key: request_key(request), since: approval.issued };
            for (absent, code) in [(key, Code::KeyRevoked), (withdrawn, Code::ApprovalWithdrawn), (denied, Code::ApprovalDenied)] {
                self.push(absent, code, Code::TokenPredatesStore, None);
            }
        }
    }

    /// That an approver said no: marked only if neither the key nor the denial was taken back.
    pub(crate) fn denial(request: &RequestId, denial: &CountedApproval) -> [Operation; 3] {
        let [key, withdrawn] = still_given(denial);
        [key, withdrawn, Operation::Mark { key: request_key(request), expires: denial.expires }]
    }

    fn spend(&mut self, link: &Link, issuer: &TrustAnchor, call: &Call<'_>, now: Now) -> Result<()> {
        let claims = &link.claims;
        for (index, budget) in claims.budgets.iter().enumerate() {
            let Some(amount) = budget.amount(call.tool, call.arguments)? else { continue };
            let since = Now::from_millis(claims.issued.secs() * 1000 + u64::from(claims.budgets.millisecond))?;
            let window = budget.window().map(|seconds| now.secs() / seconds);
            let key = budget_key(budget, index, link, issuer, window.unwrap_or_default());
            let expires = match (window, budget.window()) {
                (Some(window), Some(seconds)) => Timestamp::from_secs(now.secs().max((window + 1) * seconds))?,
                _ => claims.expires,
            };
            if !self.spends_already(&key, budget.limit(), expires, since, link.position) {
                let spend = Operation::Spend { key, amount, limit: budget.limit(), expires, since };
                self.push(spend, Code::BudgetExhausted, Code::TokenPredatesStore, Some(link.position));
            }
        }
        Ok(())
    }

    /// A call takes once from a counter that several tokens of its chain share: within the smallest limit, and as long as any of them counts.
    fn spends_already(&mut self, key: &StoreKey, limit: u64, expires: Timestamp, since: Now, link: usize) -> bool {
        for (operation, meaning) in self.operations.iter_mut().zip(&mut self.meanings) {
            match operation {
                Operation::Spend { key: other, limit: least, expires: latest, since: earliest, .. } if other == key => {
                    if limit < *least {
                        (*least, meaning.link) = (limit, Some(link));
                    }
                    *latest = expires.max(*latest);
                    *earliest = since.min(*earliest);
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    fn push(&mut self, operation: Operation, refused: Code, predates: Code, link: Option<usize>) {
        self.operations.push(operation);
        self.meanings.push(Meaning { refused, predates, link });
    }

    /// What to commit.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What the store's answer means.
    pub(crate) fn accept(&self, outcome: Outcome) -> Result<()> {
        let meant = |at: usize, code: fn(&Meaning) -> Code| match self.meanings.get(at) {
            None => Error::new(Code::StoreUnavailable),
            Some(meaning) => match meaning.link {
                None => Error::new(code(meaning)),
                Some(link) => Error::new(code(meaning)).at_link(link),
            },
        };
        match outcome {
            Outcome::Committed => Ok(()),
            Outcome::Refused(at) => Err(meant(at, |meaning| meaning.refused)),
            Outcome::Predates(at) => Err(meant(at, |meaning| meaning.predates)),
            Outcome::Full => Err(Code::StoreFull.into()),
            Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
        }
    }

    /// What gives back the budgets that were spent, once: the first operation claims that, for as long as any of them is counted. Nothing after that.
    pub(crate) fn refund(&self, holder: &VerifyingKey, proof: &TokenId, now: Now) -> Vec<Operation> {
        let mut last = None;
        let mut operations = Vec::new();
        for operation in &self.operations {
            if let Operation::Spend { key, amount, expires, .. } = operation {
                last = last.max(Some(*expires));
                operations.push(Operation::Refund { key: *key, amount: *amount });
            }
        }
        match last {
            Some(expires) if now.secs() < expires.secs() => {
                operations.insert(0, Operation::Claim { key: approval_key(b'r', holder, proof), expires, since: now });
                operations
            }
            _ => Vec::new(),
        }
    }
}

/// A family counts by the token's hash and the budget's place in it; a session by its issuer, its id, and what the budget is about.
fn budget_key(budget: &Budget, index: usize, link: &Link, issuer: &TrustAnchor, window: u64) -> StoreKey {
    let window = window.to_be_bytes();
    match budget.scope() {
        Scope::Family => StoreKey::new(b'b', &[link.hash.as_bytes(), &[index as u8], &window]),
        Scope::Session => {
            let (name, subject) = (issuer.name_digest(), budget.subject());
            StoreKey::new(b'B', &[name.as_bytes(), link.claims.session.as_bytes(), subject.as_bytes(), &window])
        }
    }
}
