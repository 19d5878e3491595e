//! Signals: what is out of the ordinary in a log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use deputize::{Code, Error, LogRecord, Thresholds};
use pyo3::prelude::*;

use crate::convert::{is_exactly, sequence as listed, unsigned};
use crate::errors::{Result, entry};
use crate::export::record_text;

/// Watches a log, record by record.
#[pyclass(frozen, module = "deputize")]
pub struct SignalWatch(Mutex<deputize::Signals>);

#[pymethods]
impl SignalWatch {
    #[new]
    fn new(
        learning: Option<&Bound<'_, PyAny>>,
        capacity: Option<&Bound<'_, PyAny>>,
        denials: Option<&Bound<'_, PyAny>>,
        approvals: Option<&Bound<'_, PyAny>>,
        most_per_minute: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let mut thresholds = Thresholds::new();
            if let Some(calls) = learning {
                thresholds = thresholds.learning(unsigned(calls, Code::ConfigInvalid, "learning: a number of calls")?);
            }
            if let Some(names) = capacity {
                thresholds = thresholds.capacity(unsigned(names, Code::ConfigInvalid, "capacity: a number of names")?);
            }
            if let Some((count, seconds)) = denials.map(|pair| burst(pair, "denials: a number, and within how many seconds")).transpose()? {
                thresholds = thresholds.denials(count, seconds);
            }
            if let Some((count, seconds)) =
                approvals.map(|pair| burst(pair, "approvals: a number, and within how many seconds")).transpose()?
            {
                thresholds = thresholds.approvals(count, seconds);
            }
            if let Some(signals) = most_per_minute {
                thresholds = thresholds.most_per_minute(unsigned(signals, Code::ConfigInvalid, "most_per_minute: a number of signals")?);
            }
            Ok(SignalWatch(Mutex::new(deputize::Signals::new(thresholds)?)))
        })
    }

    /// The signals of the next record, as their records.
    fn observe(&self, record: &Bound<'_, PyAny>, sequence: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        entry(|| {
            let record = LogRecord::from_json(&record_text(record)?)?;
            let sequence = unsigned(sequence, Code::ConfigInvalid, "sequence: that of the entry")?;
            Ok(self.watch().observe(&record, sequence).iter().map(deputize::Signal::to_json).collect())
        })
    }
}

impl SignalWatch {
    fn watch(&self) -> MutexGuard<'_, deputize::Signals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a `Signals` knows, for a log that goes on from there.
pub fn watch_of(signals: &Bound<'_, PyAny>) -> Result<deputize::Signals> {
    const WHAT: &str = "signals: a Signals";
    if !is_exactly(signals, "deputize.signals", "Signals")? {
        return Err(Error::about(Code::ConfigInvalid, WHAT).into());
    }
    let watch = signals.getattr("_Signals__watch")?.cast_into_exact::<SignalWatch>();
    let watch = watch.map_err(|_| Error::about(Code::ConfigInvalid, WHAT))?.get().watch().clone();
    Ok(watch)
}

/// As a `Signal`.
pub fn to_python<'py>(py: Python<'py>, signal: &deputize::Signal) -> PyResult<Bound<'py, PyAny>> {
    let parts = (signal.kind(), signal.entry(), signal.text(), signal.to_json());
    py.import("deputize.signals")?.getattr("Signal")?.call1(parts)
}

fn burst(pair: &Bound<'_, PyAny>, what: &'static str) -> Result<(u64, u64)> {
    let pair = listed(pair).filter(|pair| pair.len() == 2).ok_or(Error::about(Code::ConfigInvalid, what))?;
    Ok((unsigned(&pair.get_item(0)?, Code::ConfigInvalid, what)?, unsigned(&pair.get_item(1)?, Code::ConfigInvalid, what)?))
}
