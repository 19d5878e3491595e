//! Records in the forms of other systems, as JSON.

use deputize::LogRecord;
use napi_derive::napi;

use crate::errors::{Result, thrown};

#[napi(catch_unwind)]
pub fn export_act(record: String) -> Result<Option<String>> {
    LogRecord::from_json(&record).map(|record| record.to_act()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn export_cloud_event(record: String, origin: String, sequence: f64) -> Result<String> {
    LogRecord::cloud_event(&record, &origin, sequence as u64).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn export_ocsf(record: String, origin: String, sequence: f64) -> Result<Option<String>> {
    LogRecord::from_json(&record).map(|record| record.to_ocsf(&origin, sequence as u64)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn export_telemetry(record: String) -> Result<String> {
    LogRecord::from_json(&record).map(|record| record.to_telemetry()).map_err(thrown)
}
