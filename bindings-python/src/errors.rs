//! Refusals as Python exceptions. The classes are written in Python (`deputize.errors`), because native subclasses of exceptions need a newer
//! stable ABI than the one this module is built for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use deputize::{Code, Error};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::decision::AuditRecord;

mod classes {
    pyo3::import_exception!(deputize.errors, DeputizeError);
    pyo3::import_exception!(deputize.errors, Denied);
    pyo3::import_exception!(deputize.errors, UnsupportedOperation);
}

/// What a function of this module returns before it is turned into Python.
pub type Result<T> = std::result::Result<T, Failure>;

/// A refusal, or an exception that Python raised.
pub enum Failure {
    Refused(Error),
    Raised(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Refused(error)
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Failure::Refused(code.into())
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure::Raised(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => refusal(&error),
            Failure::Raised(error) => error,
        }
    }
}

/// `(code, message, link, context, help)`: the arguments of the classes in Python.
type Parts = (&'static str, String, Option<usize>, Option<String>, String);

fn parts(error: &Error) -> Parts {
    (error.code().as_str(), error.to_string(), error.link(), error.context().map(ToOwned::to_owned), error.help().into_owned())
}

/// A refusal as a `DeputizeError`.
pub fn refusal(error: &Error) -> PyErr {
    let (code, message, link, context, help) = parts(error);
    classes::DeputizeError::new_err((code, message, link, context, help, error.entry()))
}

/// A denial, with its record, as a `Denied`.
pub fn denial(error: &Error, record: Py<AuditRecord>) -> PyErr {
    let (code, message, link, context, help) = parts(error);
    let request = record.get().0.request_id().map(|id| id.to_string());
    classes::Denied::new_err((code, message, link, context, help, record, request))
}

/// What copy and pickle get from an object that must not leave the process by accident: a `DeputizeError` that is a `TypeError` too.
pub fn unsupported(what: &'static str) -> PyErr {
    classes::UnsupportedOperation::new_err(parts(&Error::about(Code::ConfigInvalid, what)))
}

/// Runs the body of an entry point. A panic becomes the refusal `internal`; it never reaches Python as a `BaseException`.
pub fn entry<T>(body: impl FnOnce() -> Result<T>) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result.map_err(PyErr::from),
        Err(_) => Err(refusal(&Code::Internal.into())),
    }
}

/// An exception of a callback counts as its failure; one that is meant to end the program or the task (`KeyboardInterrupt`, `CancelledError`)
/// is passed on, and the call is not allowed either way.
pub fn failed_callback(py: Python<'_>, error: PyErr) -> Result<()> {
    if error.is_instance_of::<PyException>(py) { Ok(()) } else { Err(error.into()) }
}

/// A `DeputizeError` for code that is written in Python. `name` is escaped and cut.
#[pyfunction]
#[pyo3(signature = (code, what=None, name=None))]
pub fn make_error(py: Python<'_>, code: &str, what: Option<&str>, name: Option<&str>) -> PyResult<Py<PyAny>> {
    entry(|| {
        let known = Code::ALL.iter().copied().find(|known| known.as_str() == code).unwrap_or(Code::Internal);
        let error = match (what, name) {
            (None, _) => Error::new(known),
            (Some(what), name) => Error::named(known, what, name.unwrap_or_default()),
        };
        Ok(refusal(&error).into_value(py).into_any())
    })
}

/// The table of codes.
pub fn codes<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let table = pyo3::types::PyList::empty(py);
    for code in Code::ALL {
        let line = pyo3::types::PyDict::new(py);
        line.set_item("code", code.as_str())?;
        line.set_item("family", code.family().as_str())?;
        line.set_item("summary", code.summary())?;
        line.set_item("help", code.help())?;
        table.append(line)?;
    }
    Ok(table.into_any())
}
