//! Outcomes of decisions: a handle, and tapes of what is read of it.

use deputize::{Admissible, AuditRecord, Authorized, Code, Denied, Value, VerifiedChain};
use napi::bindgen_prelude::{Buffer, BufferSlice, Either3, External};
use napi_derive::napi;

use crate::chain::{claims_to_value, seconds};
use crate::errors::{Result, thrown, to_json};
use crate::fields::map;
use crate::store::question;
use crate::tape;

/// A decision, with its record.
#[allow(clippy::large_enum_variant, reason = "it is behind an external, and most are allowed")]
pub enum Decision {
    Allowed(Box<Authorized>),
    Denied(Denied),
}

impl Decision {
    pub(crate) fn record(&self) -> &AuditRecord {
        match self {
            Decision::Allowed(authorized) => authorized.record(),
            Decision::Denied(denied) => denied.record(),
        }
    }

    /// The allowed call.
    pub(crate) fn authorized(&self) -> Result<&Authorized> {
        match self {
            Decision::Allowed(authorized) => Ok(authorized),
            Decision::Denied(_) => Err(thrown(tape::broken())),
        }
    }
}

/// What came of a call. If it is allowed, the handle alone: whatever else is read, is read when somebody looks.
pub(crate) type Outcome = Either3<External<Decision>, Refused, Waiting>;

/// A refused call, with the fields of its error.
#[napi(object, object_from_js = false)]
pub struct Refused {
    pub error: String,
    pub decision: External<Decision>,
    /// What the request for approval is called, if approvals are missing.
    pub request_id: Option<String>,
    /// For a store in JavaScript, a tape of what it is told: that an approver said no.
    pub question: Option<Buffer>,
}

/// A call that waits for a store in JavaScript, with a tape of what the store is asked.
#[napi(object, object_from_js = false)]
pub struct Waiting {
    pub question: Buffer,
    pub waiting: External<Option<Admissible>>,
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// An allowed call.
pub(crate) fn allowed(authorized: Authorized) -> Outcome {
    Either3::A(External::new(Decision::Allowed(Box::new(authorized))))
}

/// A refused call.
pub(crate) fn denied(denied: Denied) -> Outcome {
    let request_id = denied.request_id().map(|id| id.to_string());
    let marks = denied.transaction();
    let question = (!marks.is_empty()).then(|| tape::write(&question(marks, denied.record().time())).into());
    Either3::B(Refused { error: to_json(denied.error()), request_id, question, decision: External::new(Decision::Denied(denied)) })
}

/// A call that waits for a store in JavaScript.
pub(crate) fn admissible(admissible: Admissible) -> Outcome {
    let question = tape::write(&question(admissible.transaction(), admissible.now()));
    Either3::C(Waiting { question: question.into(), waiting: External::new(Some(admissible)) })
}

/// An allowed call whose record could not be written.
#[napi(catch_unwind)]
pub fn unrecorded(decision: &External<Decision>) -> Outcome {
    denied(decision.record().clone().refuse(Code::AuditUnavailable.into()))
}

#[napi(catch_unwind)]
pub fn record_json(decision: &External<Decision>, arguments: bool) -> String {
    if arguments { decision.record().to_json_with_arguments() } else { decision.record().to_json() }
}

#[napi(catch_unwind)]
pub fn record_info(decision: &External<Decision>) -> Buffer {
    let record = decision.record();
    let info = map(vec![
        ("allowed", Some(Value::Bool(record.is_allowed()))),
        ("code", Some(text(record.code().map_or("allowed", |code| code.as_str())))),
        ("proof", record.proof().map(|id| text(id.to_string()))),
        ("sentence", Some(text(record.to_sentence()))),
        ("timeMs", Some(Value::Integer(record.time().millis() as i64))),
    ]);
    tape::write(&info).into()
}

#[napi(catch_unwind)]
pub fn authorized_info(decision: &External<Decision>) -> Result<Buffer> {
    let authorized = decision.authorized()?;
    let info = map(vec![
        ("caller", Some(text(authorized.caller()))),
        ("onBehalfOf", Some(text(authorized.on_behalf_of()))),
        ("tool", Some(text(authorized.tool()))),
        ("expires", Some(seconds(authorized.expires()))),
        ("ignored", Some(Value::List(authorized.ignored().into_iter().map(Value::Integer).collect()))),
    ]);
    Ok(tape::write(&info).into())
}

#[napi(catch_unwind)]
pub fn authorized_arguments(decision: &External<Decision>) -> Result<Buffer> {
    let arguments = decision.authorized()?.arguments().ok_or_else(|| thrown(tape::broken()))?;
    let entries = arguments.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Ok(tape::write(&Value::Map(entries)).into())
}

/// A verified chain as a tape.
pub(crate) fn chain_to_value(chain: &VerifiedChain) -> Value {
    map(vec![
        ("caller", Some(text(chain.caller()))),
        ("principal", Some(text(chain.principal()))),
        ("issuer", Some(text(chain.issuer().name()))),
        ("claims", Some(Value::List(chain.claims().map(claims_to_value).collect()))),
        ("expires", Some(seconds(chain.leaf().expires))),
    ])
}

#[napi(catch_unwind)]
pub fn authorized_chain(decision: &External<Decision>) -> Result<Buffer> {
    Ok(tape::write(&chain_to_value(decision.authorized()?.chain())).into())
}

/// Refuses another value of an argument as that of the call would have been.
#[napi(catch_unwind)]
pub fn authorized_check_value(decision: &External<Decision>, argument: String, value: BufferSlice) -> Result<()> {
    let authorized = decision.authorized()?;
    tape::read(&value).and_then(|value| authorized.check_value(&argument, &value)).map_err(thrown)
}

/// Refuses an address that the host of an argument must not lead to.
#[napi(catch_unwind)]
pub fn authorized_check_address(decision: &External<Decision>, argument: String, address: String) -> Result<()> {
    decision.authorized()?.check_address(&argument, &address).map_err(thrown)
}

/// Refuses a partition that is not the leaf's, nor below it.
#[napi(catch_unwind)]
pub fn authorized_check_context(decision: &External<Decision>, context: String) -> Result<()> {
    decision.authorized()?.check_context(&context).map_err(thrown)
}
