//! Signals of a log that its own file feeds (specification, signals.md).

use std::path::Path;
use std::sync::PoisonError;

use super::files::{Place, log_files, size_at_end};
use super::{DAMAGED, Inner, LogFile, Open};
use crate::Result;
use crate::audit::LogRecord;
use crate::log::{LogCheck, LogHead};
use crate::signals::{Signal, Signals};
use crate::time::Now;

/// The most signals that wait to be taken; of more, the first are in the log only.
const MAX_TOLD: usize = 1024;

/// Feeds each entry once, whoever appended it.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Signals,
    /// All entries before this one were fed, or are gone.
    next: u64,
}

impl Watch {
    pub(super) const fn new(signals: Signals) -> Self {
        Watch { signals, next: 0 }
    }

    /// The signals of an entry, unless it was fed before.
    pub(super) fn feed(&mut self, sequence: u64, record: &str) -> Vec<Signal> {
        if sequence < self.next {
            return Vec::new();
        }
        self.next = sequence + 1;
        LogRecord::from_json(record).map(|record| self.signals.observe(&record, sequence)).unwrap_or_default()
    }

    /// Feeds the files that were put away, as far as they can be read: what they lack is found by whoever checks the log.
    pub(super) fn catch_up(&mut self, path: &Path, origin: &str) {
        for file in log_files(path).unwrap_or_default() {
            if file != path && size_at_end(&file).is_some_and(|size| size > self.next) {
                let _ = self.read(&file, origin);
            }
        }
    }

    fn read(&mut self, path: &Path, origin: &str) -> Result<()> {
        let place = Place::new(path);
        let Some(mut file) = place.open()? else { return Ok(()) };
        let mut check = LogCheck::tail(LogHead::default(), origin, &[]);
        let length = place.length(&file)?;
        place.read(&mut file, 0, length, |piece| {
            check.push_each(piece, |sequence, record| {
                self.feed(sequence, record);
                Ok(())
            })
        })
    }
}

impl LogFile {
    /// The next signal of the entries that this log appended, if it is watched ([`LogOptions::signals`](super::LogOptions::signals)): each is taken
    /// once. They are in the log too.
    #[must_use]
    pub fn take_signal(&self) -> Option<Signal> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Feeds the watch with what was appended, and appends its signals. Where that fails they are told all the same, and not in the log.
    pub(super) fn watch(&self, inner: &mut Inner, open: &mut Open, place: &Place<'_>, appended: (u64, &[&str]), now: Now) {
        let Some(watch) = &mut inner.watch else { return };
        let (first, records) = appended;
        let signals: Vec<_> = (first..).zip(records).flat_map(|(sequence, record)| watch.feed(sequence, record)).collect();
        if signals.is_empty() {
            return;
        }
        let lines: Vec<_> = signals.iter().map(Signal::to_json).collect();
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.extend(signals);
            let over = told.len().saturating_sub(MAX_TOLD);
            told.drain(..over);
        }
        let is_known =
            self.put(inner, open, place, &lines, now).is_ok() || place.length(&open.file).is_ok_and(|length| length == open.length);
        if !is_known {
            inner.ended = Some(DAMAGED);
        }
    }
}
