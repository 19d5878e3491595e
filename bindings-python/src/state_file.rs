//! A file that keeps what a trust state accepts.

use std::path::PathBuf;

use deputize::{Code, Error, os};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::convert;
use crate::errors::{Result, entry};
use crate::trust::{TrustState, word};

/// Keeps the lists and rotations that a state accepted, so that they are there after a restart.
#[pyclass(frozen, module = "deputize")]
pub struct StateFile {
    file: os::StateFile,
    state: Py<TrustState>,
}

#[pymethods]
impl StateFile {
    /// A new file, for a state that holds nothing yet.
    #[staticmethod]
    fn create(py: Python<'_>, path: PathBuf, state: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let state = state_of(state)?;
            let shared = state.get().own()?.clone();
            Ok(StateFile { file: py.detach(|| os::StateFile::create(path, shared))?, state })
        })
    }

    /// Reads a file into the state.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, state: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let state = state_of(state)?;
            let (shared, now) = (state.get().own()?.clone(), state.get().now(py)?);
            Ok(StateFile { file: py.detach(|| os::StateFile::open(path, shared, now))?, state })
        })
    }

    /// What the file keeps.
    #[getter]
    fn state(&self, py: Python<'_>) -> Py<TrustState> {
        self.state.clone_ref(py)
    }

    /// Takes a list, as a state does, and keeps it.
    fn apply_list(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        entry(|| {
            let bytes = convert::lent_bytes(data)?.ok_or(Error::about(Code::Malformed, "a list is bytes"))?;
            let (file, now) = (self.own()?, self.state.get().now(py)?);
            Ok(word(py.detach(|| file.apply_list(&*bytes, now))?))
        })
    }

    /// Takes a rotation, as a state does, and keeps it.
    fn apply_rotation(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        entry(|| {
            let bytes = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "a rotation is bytes"))?;
            let (file, now) = (self.own()?, self.state.get().now(py)?);
            Ok(word(py.detach(|| file.apply_rotation(&bytes, now))?))
        })
    }

    /// Takes over what other processes put into the file since.
    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        entry(|| {
            let (file, now) = (self.own()?, self.state.get().now(py)?);
            Ok(py.detach(|| file.refresh(now))?)
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.state)
    }
}

impl StateFile {
    /// The file, in the process that made the state.
    fn own(&self) -> deputize::Result<&os::StateFile> {
        self.state.get().own().map(|_| &self.file)
    }
}

fn state_of(object: &Bound<'_, PyAny>) -> Result<Py<TrustState>> {
    let state = object.cast::<TrustState>().map_err(|_| Error::about(Code::ConfigInvalid, "state: a TrustState"))?;
    Ok(state.clone().unbind())
}
