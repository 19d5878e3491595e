//! Constraints and tools from Python.

use deputize::{ArgumentRules, Code, Constraint as Core, Error, Number, Range, Tools, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::convert::{self, sequence, type_name};
use crate::errors::{Failure, Result, entry};

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

    fn subsumes(&self, py: Python<'_>, child: &Bound<'_, PyAny>) -> PyResult<bool> {
        entry(|| {
            let child = constraint_of(child)?;
            Ok(py.detach(|| self.0.subsumes(&child)))
        })
    }

    fn encode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| Ok(PyBytes::new(py, &self.0.encode())))
    }

    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Constraint(Core::decode(&encoded(data)?)?)))
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
fn constraint_of(object: &Bound<'_, PyAny>) -> Result<Core> {
    match object.cast::<Constraint>() {
        Ok(constraint) => Ok(constraint.get().0.clone()),
        Err(_) => Err(Error::named(Code::ConstraintInvalid, "not a constraint but", &type_name(object)).into()),
    }
}

/// A constraint, or the plain value that stands for one.
fn entry_of(object: &Bound<'_, PyAny>) -> Result<Core> {
    if let Ok(constraint) = object.cast::<Constraint>() {
        return Ok(constraint.get().0.clone());
    }
    if let Some(values) = sequence(object) {
        return Ok(Core::one_of(each(&values)?)?);
    }
    match convert::value(object)? {
        Value::Map(_) => Err(Error::about(Code::ConstraintInvalid, "a dict is no constraint; write exact({...})").into()),
        value => Ok(Core::exact(value)?),
    }
}

fn each(values: &Bound<'_, PyTuple>) -> Result<Vec<Value>> {
    values.iter_borrowed().map(|value| convert::value(&value).map_err(Failure::from)).collect()
}

fn parts(values: &Bound<'_, PyTuple>) -> Result<Vec<Core>> {
    values.iter_borrowed().map(|part| constraint_of(&part)).collect()
}

fn number(object: &Bound<'_, PyAny>) -> Result<Number> {
    match convert::value(object)? {
        Value::Integer(value) => Ok(Number::Integer(value)),
        Value::Float(value) => Ok(Number::Float(value)),
        _ => Err(Error::named(Code::ConstraintInvalid, "a bound of type", &type_name(object)).into()),
    }
}

fn bound(object: Option<&Bound<'_, PyAny>>) -> Result<Option<Number>> {
    object.map(number).transpose()
}

/// Every value.
#[pyfunction]
pub fn anything() -> Constraint {
    Constraint(Core::any())
}

/// This value, of this type.
#[pyfunction]
pub fn exact(value: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::exact(convert::value(value)?)?)))
}

/// This number and above.
#[pyfunction]
pub fn at_least(minimum: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::range(Range::at_least(number(minimum)?))?)))
}

/// This number and below.
#[pyfunction]
pub fn at_most(maximum: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::range(Range::at_most(number(maximum)?))?)))
}

/// Numbers between two bounds, both included.
#[pyfunction]
pub fn between(minimum: &Bound<'_, PyAny>, maximum: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::range(Range::between(number(minimum)?, number(maximum)?))?)))
}

/// Numbers between two bounds, each of which may be missing or excluded.
#[pyfunction]
#[pyo3(signature = (min=None, max=None, min_open=None, max_open=None))]
pub fn in_range(
    min: Option<&Bound<'_, PyAny>>,
    max: Option<&Bound<'_, PyAny>>,
    min_open: Option<&Bound<'_, PyAny>>,
    max_open: Option<&Bound<'_, PyAny>>,
) -> PyResult<Constraint> {
    let flag = |given: Option<&Bound<'_, PyAny>>| {
        given.map_or(Ok(false), |flag| convert::boolean(flag, Code::ConstraintInvalid, "min_open, max_open: a bool"))
    };
    entry(|| {
        Ok(Constraint(Core::range(Range { min: bound(min)?, max: bound(max)?, min_open: flag(min_open)?, max_open: flag(max_open)? })?))
    })
}

/// One of these values.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn one_of(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::one_of(each(values)?)?)))
}

/// Every value but these.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn not_one_of(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::not_one_of(each(values)?)?)))
}

/// Lists in which each of these occurs.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn contains(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::contains(each(values)?)?)))
}

/// Lists whose elements are all among these.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn subset(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::subset(each(values)?)?)))
}

/// What all of these accept.
#[pyfunction]
#[pyo3(signature = (*constraints))]
pub fn all_of(constraints: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::all(parts(constraints)?)?)))
}

/// What at least one of these accepts.
#[pyfunction]
#[pyo3(signature = (*constraints))]
pub fn any_of(constraints: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::any_of(parts(constraints)?)?)))
}

/// Absolute paths equal to or below a root.
#[pyfunction]
pub fn path(root: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    entry(|| Ok(Constraint(Core::path(&convert::text(root, Code::ConstraintInvalid, "path: a text")?)?)))
}

/// The argument may be left out.
#[pyfunction]
pub fn optional(constraint: &Bound<'_, PyAny>) -> PyResult<OptionalArgument> {
    entry(|| Ok(OptionalArgument(entry_of(constraint)?)))
}

/// Tools: `{tool: {argument: entry}}`.
pub fn tools_of(object: &Bound<'_, PyAny>) -> Result<Tools> {
    let mut tools = Tools::new();
    for (name, arguments) in dict_of(object, Code::ClaimInvalid, "tools: a dict of dicts")?.iter() {
        let name = convert::text(&name, Code::NameInvalid, "the name of a tool")?;
        tools = tools.allow(&name, rules_of(&dict_of(&arguments, Code::ClaimInvalid, "the arguments of a tool: a dict")?)?)?;
    }
    Ok(tools)
}

/// The same form, with constraints as objects.
pub fn tools_to_python<'py>(py: Python<'py>, tools: &Tools) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, rules) in tools.iter() {
        let arguments = PyDict::new(py);
        for (argument, constraint, optional) in rules.iter() {
            let constraint = constraint.clone();
            if optional {
                arguments.set_item(argument, OptionalArgument(constraint))?;
            } else {
                arguments.set_item(argument, Constraint(constraint))?;
            }
        }
        dict.set_item(name, arguments)?;
    }
    Ok(dict)
}

fn rules_of(arguments: &Bound<'_, PyDict>) -> Result<ArgumentRules> {
    let mut rules = ArgumentRules::new();
    for (name, constraint) in arguments.iter() {
        let name = convert::text(&name, Code::NameInvalid, "the name of an argument")?;
        rules = match constraint.cast::<OptionalArgument>() {
            Ok(optional) => rules.optional(&name, optional.get().0.clone()),
            Err(_) if name == "*" => rules.others(entry_of(&constraint)?),
            Err(_) => rules.required(&name, entry_of(&constraint)?),
        };
    }
    Ok(rules)
}

/// A copy of a dict, so that nobody changes it meanwhile.
pub fn dict_of<'py>(object: &Bound<'py, PyAny>, code: Code, what: &'static str) -> Result<Bound<'py, PyDict>> {
    let dict = object.cast_exact::<PyDict>().map_err(|_| Error::about(code, what))?;
    Ok(dict.copy()?)
}

/// The encoding of tools, as in a token.
#[pyfunction]
pub fn encode_tools<'py>(py: Python<'py>, tools: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| Ok(PyBytes::new(py, &tools_of(tools)?.encode())))
}

/// Tools from their encoding.
#[pyfunction]
pub fn decode_tools<'py>(py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    entry(|| Ok(tools_to_python(py, &Tools::decode(&encoded(data)?)?)?))
}

/// Whether `parent` allows everything that `child` allows.
#[pyfunction]
pub fn tools_subsume(py: Python<'_>, parent: &Bound<'_, PyAny>, child: &Bound<'_, PyAny>) -> PyResult<bool> {
    entry(|| {
        let (parent, child) = (tools_of(parent)?, tools_of(child)?);
        Ok(py.detach(|| parent.subsumes(&child)).is_ok())
    })
}

/// The deterministic encoding of a value.
#[pyfunction]
pub fn encode_value<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| Ok(PyBytes::new(py, &convert::value(value)?.encode()?)))
}

/// A value from its encoding.
#[pyfunction]
pub fn decode_value<'py>(py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    entry(|| Ok(convert::to_python(py, &Value::decode(&encoded(data)?)?)?))
}

/// SHA-256 of the encoding of a call's arguments.
#[pyfunction]
pub fn arguments_digest<'py>(py: Python<'py>, arguments: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| Ok(PyBytes::new(py, convert::arguments(arguments)?.digest().as_bytes())))
}

/// A value from JSON.
#[pyfunction]
pub fn value_from_json<'py>(py: Python<'py>, text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    entry(|| {
        let text = convert::text(text, Code::Malformed, "JSON: a text")?;
        Ok(convert::to_python(py, &deputize::value_from_json(&text)?)?)
    })
}

/// A value as canonical JSON.
#[pyfunction]
pub fn value_to_json(value: &Bound<'_, PyAny>) -> PyResult<String> {
    entry(|| {
        let value = convert::value(value)?;
        value.encode()?;
        Ok(deputize::value_to_json(&value))
    })
}
