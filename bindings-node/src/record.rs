//! Outcomes of decisions: a kind, a tape of what everybody reads, and handles for the rest.

use deputize::{Admissible, AuditRecord, Authorized, Code, Denied, Error, Value, VerifiedChain};
use napi::bindgen_prelude::{Buffer, External};
use napi_derive::napi;

use crate::chain::{claims_to_value, seconds};
use crate::errors::{Result, thrown};
use crate::tape;

/// What came of a decision. `kind` is `allowed`, `denied` or `admissible`.
#[napi(object, object_from_js = false)]
pub struct Outcome {
    pub kind: &'static str,
    pub info: Buffer,
    pub arguments: Option<Buffer>,
    pub record: Option<External<AuditRecord>>,
    pub authorized: Option<External<Authorized>>,
    pub admissible: Option<External<Option<Admissible>>>,
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn optional(members: Vec<(&str, Option<Value>)>) -> Value {
    Value::Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn record_to_value(record: &AuditRecord) -> Value {
    optional(vec![
        ("allowed", Some(Value::Bool(record.is_allowed()))),
        ("code", Some(text(record.code().map_or("allowed", |code| code.as_str())))),
        ("sentence", Some(text(record.to_sentence()))),
        ("timeMs", Some(Value::Integer(record.time().millis() as i64))),
    ])
}

fn error_to_value(error: &Error) -> Value {
    optional(vec![
        ("code", Some(text(error.code().as_str()))),
        ("link", error.link().map(|link| Value::Integer(link as i64))),
        ("context", error.context().map(text)),
        ("help", Some(text(error.help()))),
        ("message", Some(text(error.to_string()))),
    ])
}

/// An allowed call.
pub(crate) fn allowed(authorized: Authorized) -> Outcome {
    let info = optional(vec![
        ("caller", Some(text(authorized.caller()))),
        ("onBehalfOf", Some(text(authorized.on_behalf_of()))),
        ("tool", Some(text(authorized.tool()))),
        ("expires", Some(seconds(authorized.expires()))),
        ("ignored", Some(Value::List(authorized.ignored().into_iter().map(Value::Integer).collect()))),
        ("record", Some(record_to_value(authorized.record()))),
    ]);
    let arguments = authorized.arguments().map(|arguments| {
        let entries = arguments.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        tape::write(&Value::Map(entries)).into()
    });
    Outcome {
        kind: "allowed",
        info: tape::write(&info).into(),
        arguments,
        record: Some(External::new(authorized.record().clone())),
        authorized: Some(External::new(authorized)),
        admissible: None,
    }
}

/// A refused call.
pub(crate) fn denied(denied: &Denied) -> Outcome {
    let info = optional(vec![("error", Some(error_to_value(denied.error()))), ("record", Some(record_to_value(denied.record())))]);
    Outcome {
        kind: "denied",
        info: tape::write(&info).into(),
        arguments: None,
        record: Some(External::new(denied.record().clone())),
        authorized: None,
        admissible: None,
    }
}

/// A call that waits for a store in JavaScript.
pub(crate) fn admissible(admissible: Admissible) -> Outcome {
    let info = optional(vec![
        ("key", Some(Value::Bytes(admissible.replay_key().as_bytes().to_vec()))),
        ("expires", Some(seconds(admissible.expires()))),
        ("nowMs", Some(Value::Integer(admissible.now().millis() as i64))),
    ]);
    Outcome {
        kind: "admissible",
        info: tape::write(&info).into(),
        arguments: None,
        record: None,
        authorized: None,
        admissible: Some(External::new(Some(admissible))),
    }
}

/// An allowed call whose record could not be written.
#[napi(catch_unwind)]
pub fn unrecorded(record: &External<AuditRecord>) -> Outcome {
    let record: &AuditRecord = record;
    denied(&record.clone().refuse(Code::AuditUnavailable.into()))
}

#[napi(catch_unwind)]
pub fn record_json(record: &External<AuditRecord>, arguments: bool) -> String {
    if arguments { record.to_json_with_arguments() } else { record.to_json() }
}

/// A verified chain as a tape.
pub(crate) fn chain_to_value(chain: &VerifiedChain) -> Value {
    optional(vec![
        ("caller", Some(text(chain.caller()))),
        ("principal", Some(text(chain.principal()))),
        ("issuer", Some(text(chain.issuer().name()))),
        ("claims", Some(Value::List(chain.claims().map(claims_to_value).collect()))),
        ("expires", Some(seconds(chain.leaf().expires))),
    ])
}

#[napi(catch_unwind)]
pub fn authorized_chain(authorized: &External<Authorized>) -> Buffer {
    tape::write(&chain_to_value(authorized.chain())).into()
}

/// Refuses another value of an argument as that of the call would have been.
#[napi(catch_unwind)]
pub fn authorized_check_value(authorized: &External<Authorized>, argument: String, value: Buffer) -> Result<()> {
    tape::read(&value).and_then(|value| authorized.check_value(&argument, &value)).map_err(thrown)
}

/// Refuses an address that the host of an argument must not lead to.
#[napi(catch_unwind)]
pub fn authorized_check_address(authorized: &External<Authorized>, argument: String, address: String) -> Result<()> {
    authorized.check_address(&argument, &address).map_err(thrown)
}
