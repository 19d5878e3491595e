//! Functions for tests and tools: encodings of tools and values, JSON, addresses.

use deputize::{Code, Tools, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::{encoded, tools_of, tools_to_python};
use crate::convert;
use crate::errors::entry;

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

/// Whether this is the text of a network address that the public internet routes to one host.
#[pyfunction]
pub fn is_public_address(text: &Bound<'_, PyAny>) -> PyResult<bool> {
    entry(|| Ok(convert::text(text, Code::ValueUnsupported, "an address: a text").is_ok_and(|text| deputize::is_public_address(&text))))
}

/// The context of what is made of data of these: texts, or None for data of no context.
#[pyfunction]
#[pyo3(signature = (*contexts))]
pub fn join_contexts(contexts: &Bound<'_, PyTuple>) -> PyResult<Option<String>> {
    entry(|| {
        let given = |one: Bound<'_, PyAny>| match one.is_none() {
            true => Ok(None),
            false => convert::text(&one, Code::ContextMismatch, "a context is a text").map(Some),
        };
        let contexts = contexts.iter().map(given).collect::<deputize::Result<Vec<_>>>()?;
        Ok(deputize::join_contexts(contexts.iter().map(Option::as_deref))?.map(str::to_owned))
    })
}
