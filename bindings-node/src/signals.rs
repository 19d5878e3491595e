//! Signals: what is out of the ordinary in a log.

use std::sync::{Mutex, PoisonError};

use deputize::{LogRecord, Signal, Signals, Thresholds, Value};
use napi::bindgen_prelude::{BufferSlice, External};
use napi_derive::napi;

use crate::errors::{self, thrown};
use crate::fields::{Fields, list, number};
use crate::tape::broken;

pub(crate) type Watch = External<Mutex<Signals>>;

fn burst(value: Value) -> deputize::Result<(u64, u64)> {
    let parts = list(number)(value)?;
    <[u64; 2]>::try_from(parts).map(Into::into).map_err(|_| broken())
}

/// A watch with the thresholds that are given.
#[napi(catch_unwind)]
pub fn signals_watch(thresholds: BufferSlice) -> errors::Result<Watch> {
    let watch = || {
        let mut given = Fields::read(&thresholds)?;
        let mut thresholds = Thresholds::new();
        if let Some(calls) = given.optional("learning", number)? {
            thresholds = thresholds.learning(calls);
        }
        if let Some(names) = given.optional("capacity", number)? {
            thresholds = thresholds.capacity(names);
        }
        if let Some((count, seconds)) = given.optional("denials", burst)? {
            thresholds = thresholds.denials(count, seconds);
        }
        if let Some((count, seconds)) = given.optional("approvals", burst)? {
            thresholds = thresholds.approvals(count, seconds);
        }
        if let Some(signals) = given.optional("mostPerMinute", number)? {
            thresholds = thresholds.most_per_minute(signals);
        }
        Signals::new(thresholds)
    };
    watch().map(|signals| External::new(Mutex::new(signals))).map_err(thrown)
}

/// The signals of the next record, as their records.
#[napi(catch_unwind)]
pub fn signals_observe(watch: &Watch, record: String, sequence: f64) -> errors::Result<Vec<String>> {
    let record = LogRecord::from_json(&record).map_err(thrown)?;
    let mut signals = watch.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(signals.observe(&record, sequence as u64).iter().map(Signal::to_json).collect())
}
