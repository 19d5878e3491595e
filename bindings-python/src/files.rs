//! Files below a root. What comes back is a descriptor, which Python owns from then on.

use std::fs::File;
use std::path::PathBuf;

use deputize::os::{self, FileAccess};
use deputize::{Code, Error};
use pyo3::prelude::*;

use crate::convert;
use crate::errors::entry;

/// Opens a file; `write` also empties it.
#[pyfunction]
pub fn open_beneath(
    py: Python<'_>,
    root: PathBuf,
    path: &Bound<'_, PyAny>,
    write: bool,
    refuse_hard_links: &Bound<'_, PyAny>,
) -> PyResult<i32> {
    entry(|| {
        let path = convert::text(path, Code::ArgumentRefused, "the path is no text")?;
        let is_strict = convert::boolean(refuse_hard_links, Code::ConfigInvalid, "refuse_hard_links: True or False")?;
        let access = if write { FileAccess::overwrite() } else { FileAccess::read() };
        let access = if is_strict { access.refuse_hard_links() } else { access };
        Ok(py.detach(|| os::open_beneath(root, &path, access).and_then(descriptor))?)
    })
}

#[cfg(unix)]
fn descriptor(file: File) -> Result<i32, Error> {
    Ok(std::os::fd::IntoRawFd::into_raw_fd(file))
}

#[cfg(not(unix))]
fn descriptor(_file: File) -> Result<i32, Error> {
    Err(Error::new(Code::Internal))
}
