//! Files below a root. What comes back is a descriptor, which JavaScript owns from then on.

use std::fs::File;

use deputize::os::{self, FileAccess};
use napi_derive::napi;

use crate::errors::{Result, thrown};

#[napi(catch_unwind)]
pub fn file_open(root: String, path: String, write: bool, truncate: bool, refuse_hard_links: bool) -> Result<i32> {
    let access = match (write, truncate) {
        (false, _) => FileAccess::read(),
        (true, false) => FileAccess::write(),
        (true, true) => FileAccess::overwrite(),
    };
    let access = if refuse_hard_links { access.refuse_hard_links() } else { access };
    os::open_beneath(root, &path, access).and_then(descriptor).map_err(thrown)
}

#[cfg(unix)]
fn descriptor(file: File) -> deputize::Result<i32> {
    Ok(std::os::fd::IntoRawFd::into_raw_fd(file))
}

#[cfg(not(unix))]
fn descriptor(_file: File) -> deputize::Result<i32> {
    Err(deputize::Code::Internal.into())
}
