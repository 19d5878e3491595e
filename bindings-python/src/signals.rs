//! Signals: what is out of the ordinary in a log.

use std::sync::{Mutex, PoisonError};

use deputize::{Code, Error, LogRecord, Thresholds};
use pyo3::prelude::*;

use crate::convert::{sequence as listed, unsigned};
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
            let mut signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(signals.observe(&record, sequence).iter().map(deputize::Signal::to_json).collect())
        })
    }
}

fn burst(pair: &Bound<'_, PyAny>, what: &'static str) -> Result<(u64, u64)> {
    let pair = listed(pair).filter(|pair| pair.len() == 2).ok_or(Error::about(Code::ConfigInvalid, what))?;
    Ok((unsigned(&pair.get_item(0)?, Code::ConfigInvalid, what)?, unsigned(&pair.get_item(1)?, Code::ConfigInvalid, what)?))
}
