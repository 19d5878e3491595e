//! Files that keep what trust states accept.

use deputize::os::StateFile;
use napi::bindgen_prelude::{BufferSlice, External};
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::trust_state::{State, outcome};
use crate::verifier::time;

/// A new file, for a state that holds nothing yet.
#[napi(catch_unwind)]
pub fn state_file_create(path: String, state: &External<State>) -> Result<External<StateFile>> {
    StateFile::create(path, state.shared()).map(External::new).map_err(thrown)
}

/// Reads a file into the state.
#[napi(catch_unwind)]
pub fn state_file_open(path: String, state: &External<State>, now_ms: Option<f64>) -> Result<External<StateFile>> {
    time(now_ms).and_then(|now| StateFile::open(path, state.shared(), now)).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn state_file_apply_list(file: &External<StateFile>, bytes: BufferSlice, now_ms: Option<f64>) -> Result<String> {
    outcome(time(now_ms).and_then(|now| file.apply_list(&*bytes, now)))
}

#[napi(catch_unwind)]
pub fn state_file_apply_rotation(file: &External<StateFile>, bytes: BufferSlice, now_ms: Option<f64>) -> Result<String> {
    outcome(time(now_ms).and_then(|now| file.apply_rotation(&bytes, now)))
}

/// Takes over what other processes put into the file since.
#[napi(catch_unwind)]
pub fn state_file_refresh(file: &External<StateFile>, now_ms: Option<f64>) -> Result<()> {
    time(now_ms).and_then(|now| file.refresh(now)).map_err(thrown)
}
