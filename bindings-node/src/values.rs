//! Values: their encoding, digest and JSON.

use deputize::{Arguments, Value};
use napi::bindgen_prelude::{Buffer, BufferSlice};
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::tape;

/// The arguments of a call.
pub(crate) fn arguments(tape: &[u8]) -> deputize::Result<Arguments> {
    Arguments::new(tape::read_map(tape)?)
}

#[napi(catch_unwind)]
pub fn value_encode(value: BufferSlice) -> Result<Buffer> {
    tape::read(&value).and_then(|value| value.encode()).map(Buffer::from).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn value_decode(bytes: BufferSlice) -> Result<Buffer> {
    Value::decode(&bytes).map(|value| tape::write(&value).into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn value_from_json(json: String) -> Result<Buffer> {
    deputize::value_from_json(&json).map(|value| tape::write(&value).into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn value_to_json(value: BufferSlice) -> Result<String> {
    let json = |value: Value| value.encode().map(|_| deputize::value_to_json(&value));
    tape::read(&value).and_then(json).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn arguments_digest(arguments: BufferSlice) -> Result<Buffer> {
    self::arguments(&arguments).map(|arguments| arguments.digest().as_bytes().to_vec().into()).map_err(thrown)
}
