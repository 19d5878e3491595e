//! What programs tell the store: that something is revoked or closed, and that a call gives back what it took from budgets.

use deputize::{Code, Digest, Now, Outcome, Result, Revocable, SessionId, TokenId, Value, Verifier, VerifyingKey};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::errors::{self, thrown};
use crate::fields::{bytes, key, text};
use crate::record::Decision;
use crate::store::{answered, question};
use crate::tape;
use crate::verifier::time;

pub(crate) enum Target {
    Token(TokenId),
    Key(VerifyingKey),
    Session(String, SessionId),
    Task(String, Digest),
    Approval(VerifyingKey, TokenId),
}

impl Target {
    /// From `[kind, id]`, or `[kind, whose, id]`.
    pub(crate) fn read(form: &[u8]) -> Result<Self> {
        let Value::List(parts) = tape::read(form)? else { return Err(tape::broken()) };
        let mut parts = parts.into_iter();
        let mut next = || parts.next().ok_or_else(tape::broken);
        Ok(match text(next()?)?.as_str() {
            "token" => Target::Token(TokenId::try_from_slice(&bytes(next()?)?)?),
            "key" => Target::Key(key(next()?)?),
            "session" => Target::Session(text(next()?)?, SessionId::try_from_slice(&bytes(next()?)?)?),
            "task" => Target::Task(text(next()?)?, Digest::try_from_slice(&bytes(next()?)?)?),
            "approval" => Target::Approval(key(next()?)?, TokenId::try_from_slice(&bytes(next()?)?)?),
            _ => return Err(tape::broken()),
        })
    }

    pub(crate) fn revocable(&self) -> Revocable<'_> {
        match self {
            Target::Token(id) => Revocable::Token(*id),
            Target::Key(key) => Revocable::Key(key),
            Target::Session(issuer, id) => Revocable::Session(issuer, *id),
            Target::Task(issuer, id) => Revocable::Task(issuer, *id),
            Target::Approval(approver, id) => Revocable::Approval(approver, *id),
        }
    }
}

/// Marks something in the verifier's store in memory.
#[napi(catch_unwind)]
pub fn revoke(verifier: &External<Verifier>, target: BufferSlice, now_ms: Option<f64>) -> errors::Result<()> {
    let revoke = || verifier.revoke(&Target::read(&target)?.revocable(), time(now_ms)?);
    revoke().map_err(thrown)
}

/// What to ask a store in JavaScript instead.
#[napi(catch_unwind)]
pub fn revoke_question(verifier: &External<Verifier>, target: BufferSlice, now_ms: Option<f64>) -> errors::Result<Buffer> {
    let mark = || {
        let now: Now = time(now_ms)?;
        Ok(tape::write(&question(&[verifier.mark(&Target::read(&target)?.revocable(), now)?], now)).into())
    };
    mark().map_err(thrown)
}

/// Gives back what an allowed call took from budgets in the verifier's store in memory.
#[napi(catch_unwind)]
pub fn refund(verifier: &External<Verifier>, decision: &External<Decision>, now_ms: Option<f64>) -> errors::Result<()> {
    let authorized = decision.authorized()?;
    time(now_ms).and_then(|now| verifier.refund(authorized, now)).map_err(thrown)
}

/// What to ask a store in JavaScript instead, if there is anything to give back.
#[napi(catch_unwind)]
pub fn refund_question(decision: &External<Decision>, now_ms: Option<f64>) -> errors::Result<Option<Buffer>> {
    let authorized = decision.authorized()?;
    let now = time(now_ms).map_err(thrown)?;
    let back = authorized.refund(now);
    Ok((!back.is_empty()).then(|| tape::write(&question(&back, now)).into()))
}

/// Refuses an answer of a store in JavaScript that is not what was asked for. A refund may be refused: it was given already.
#[napi(catch_unwind)]
pub fn settle(answer: String, index: f64, may_be_refused: bool) -> errors::Result<()> {
    match answered(&answer, index) {
        Outcome::Committed => Ok(()),
        Outcome::Refused(_) if may_be_refused => Ok(()),
        Outcome::Full => Err(thrown(Code::StoreFull.into())),
        Outcome::Refused(_) | Outcome::Predates(_) | Outcome::Unavailable => Err(thrown(Code::StoreUnavailable.into())),
    }
}
