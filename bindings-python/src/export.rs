//! Records in the forms of other systems, as JSON.

use deputize::{Code, LogRecord};
use pyo3::prelude::*;

use crate::convert::{text, unsigned};
use crate::errors::{Result, entry};

/// A record, as its JSON.
pub fn record_text(record: &Bound<'_, PyAny>) -> Result<String> {
    Ok(text(record, Code::Malformed, "a record: its JSON")?)
}

fn place(origin: &Bound<'_, PyAny>, sequence: &Bound<'_, PyAny>) -> Result<(String, u64)> {
    let origin = text(origin, Code::NameInvalid, "origin: a text")?;
    Ok((origin, unsigned(sequence, Code::ConfigInvalid, "sequence: that of an entry")?))
}

#[pyfunction]
pub fn export_act(record: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    entry(|| Ok(LogRecord::from_json(&record_text(record)?)?.to_act()))
}

#[pyfunction]
pub fn export_cloud_event(record: &Bound<'_, PyAny>, origin: &Bound<'_, PyAny>, sequence: &Bound<'_, PyAny>) -> PyResult<String> {
    entry(|| {
        let (origin, sequence) = place(origin, sequence)?;
        Ok(LogRecord::cloud_event(&record_text(record)?, &origin, sequence)?)
    })
}

#[pyfunction]
pub fn export_ocsf(record: &Bound<'_, PyAny>, origin: &Bound<'_, PyAny>, sequence: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    entry(|| {
        let (origin, sequence) = place(origin, sequence)?;
        Ok(LogRecord::from_json(&record_text(record)?)?.to_ocsf(&origin, sequence))
    })
}

#[pyfunction]
pub fn export_telemetry(record: &Bound<'_, PyAny>) -> PyResult<String> {
    entry(|| Ok(LogRecord::from_json(&record_text(record)?)?.to_telemetry()))
}
