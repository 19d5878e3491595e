//! Sessions.

use deputize::{Session, os};
use napi::bindgen_prelude::{Buffer, BufferSlice};
use napi_derive::napi;

use crate::errors::{Result, thrown};

/// A new session: its id, and the digest of its task.
#[napi(catch_unwind)]
pub fn session_open(task: Option<BufferSlice>) -> Result<Vec<Buffer>> {
    let session = Session::open(&mut os::SysRng).map_err(thrown)?;
    let session = task.map_or(session, |task| session.for_task(&task));
    let id = session.id().as_bytes().to_vec().into();
    Ok(std::iter::once(id).chain(session.task().map(|task| task.as_bytes().to_vec().into())).collect())
}
