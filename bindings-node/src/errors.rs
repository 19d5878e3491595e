//! Refusals on their way to JavaScript: one JSON object; where nothing else is returned, as the message of a native error.

use deputize::{Code, Error};
use napi::{Error as NativeError, Status};
use napi_derive::napi;
use serde_json::json;

/// The result of every function that can refuse.
pub(crate) type Result<T> = napi::Result<T>;

/// A refusal as a native error.
pub(crate) fn thrown(error: Error) -> NativeError {
    NativeError::new(Status::GenericFailure, to_json(&error))
}

/// The fields of an error as JSON.
pub(crate) fn to_json(error: &Error) -> String {
    json!({
        "code": error.code().as_str(),
        "link": error.link(),
        "entry": error.entry(),
        "context": error.context(),
        "help": error.help(),
        "message": error.to_string(),
    })
    .to_string()
}

/// The error for a code, about something that was named.
pub(crate) fn about(code: &str, what: &str, name: &str) -> Error {
    let code = Code::ALL.iter().copied().find(|known| known.as_str() == code).unwrap_or(Code::Internal);
    Error::named(code, what, name)
}

/// The fields of an error that JavaScript found.
#[napi(catch_unwind)]
pub fn describe(code: String, what: String, name: String) -> String {
    to_json(&about(&code, &what, &name))
}

/// Panics.
#[cfg(feature = "test-panic")]
#[napi(catch_unwind)]
pub fn test_panic() {
    panic!("a panic, for a test");
}

/// The table of codes as JSON.
#[napi(catch_unwind)]
pub fn codes() -> String {
    let row =
        |code: &Code| json!({ "code": code.as_str(), "family": code.family().as_str(), "summary": code.summary(), "help": code.help() });
    serde_json::Value::Array(Code::ALL.iter().map(row).collect()).to_string()
}
