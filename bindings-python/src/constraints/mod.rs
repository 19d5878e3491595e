//! Constraints from Python: the objects. Making them is in `make`, reading natural values in `entry`.

mod entry;
pub mod make;
pub mod tools;

use deputize::{Code, Constraint as Core, Error, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

pub use entry::{Entries, dict_of, tools_of, tools_to_python};

use crate::convert::{self, type_name};
use crate::errors::{Result, entry};

/// What values an argument may have.
#[pyclass(frozen, module = "deputize")]
pub struct Constraint(Core);

/// An entry for an argument that may be left out.
#[pyclass(frozen, module = "deputize")]
pub struct OptionalArgument(Core);

#[pymethods]
impl Constraint {
    /// Whether a value is accepted; one that cannot be signed is not.
    fn accepts(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        entry(|| {
            let Ok(value) = convert::value(value) else { return Ok(false) };
            Ok(py.detach(|| self.0.accepts(&value)))
        })
    }

    /// Whether this constraint provably accepts every value that `child` accepts.
    fn subsumes(&self, py: Python<'_>, child: &Bound<'_, PyAny>) -> PyResult<bool> {
        entry(|| {
            let child = constraint_of(child)?;
            Ok(py.detach(|| self.0.subsumes(child)))
        })
    }

    /// `{"value": v}` with a value that `child` accepts and this constraint does not; `None` if `child` is narrower, or none was found.
    fn counterexample<'py>(&self, py: Python<'py>, child: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
        entry(|| {
            let child = constraint_of(child)?;
            let found = py.detach(|| self.0.counterexample(child));
            Ok(found.map(|value| convert::map_to_python(py, [("value", &value)].into_iter())).transpose()?)
        })
    }

    /// The tightest constraint within this one and the wanted one.
    fn narrow(&self, py: Python<'_>, wanted: &Bound<'_, PyAny>) -> PyResult<Constraint> {
        entry(|| {
            let wanted = constraint_of(wanted)?;
            Ok(Constraint(py.detach(|| self.0.narrow(wanted))?))
        })
    }

    /// The encoding, as in a token.
    fn encode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| Ok(PyBytes::new(py, &self.0.encode())))
    }

    /// A constraint from its encoding.
    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Constraint(Core::decode(&encoded(data)?)?)))
    }

    fn __str__(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_string()))
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("Constraint({})", shown(&self.0.encode()))))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Constraint>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self) -> PyResult<u64> {
        entry(|| Ok(hash(&self.0.encode())))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Constraint>().getattr("decode")?, (self.encode(py)?,)))
    }
}

#[pymethods]
impl OptionalArgument {
    /// What the argument must be if it is there.
    #[getter]
    fn constraint(&self) -> Constraint {
        Constraint(self.0.clone())
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("optional({})", shown(&self.0.encode()))))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<OptionalArgument>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self) -> PyResult<u64> {
        entry(|| Ok(hash(&self.0.encode()).rotate_left(1)))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Constraint,))> {
        Ok((py.import("deputize._native")?.getattr("optional")?, (self.constraint(),)))
    }
}

/// An encoding for people: as JSON where it nests no deeper than values do.
fn shown(encoding: &[u8]) -> String {
    let json = Value::decode(encoding).map(|value| deputize::value_to_json(&value));
    let text = json.unwrap_or_else(|_| format!("{} bytes", encoding.len()));
    if text.chars().count() <= 400 { text } else { text.chars().take(400).chain(['…']).collect() }
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn encoded(data: &Bound<'_, PyAny>) -> Result<Vec<u8>> {
    Ok(convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "bytes are expected"))?)
}

/// A constraint, and no plain value in its place.
fn constraint_of<'a>(object: &'a Bound<'_, PyAny>) -> Result<&'a Core> {
    const WHAT: &str = "write exact(...) or another constraint instead of type";
    match object.cast::<Constraint>() {
        Ok(constraint) => Ok(&constraint.get().0),
        Err(_) => Err(Error::named(Code::ConstraintInvalid, WHAT, &type_name(object)).into()),
    }
}
