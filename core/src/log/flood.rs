//! Denials that anybody can cause fill no disk: past a limit they are counted.

use std::collections::BTreeMap;

use crate::audit::AuditRecord;
use crate::json::object;
use crate::time::Now;

/// A minute, in milliseconds.
const WINDOW: u64 = 60_000;

/// Counts the denials of callers that proved nothing, minute by minute.
#[derive(Debug)]
pub(crate) struct Flood {
    most: u64,
    since: u64,
    seen: u64,
    suppressed: BTreeMap<&'static str, u64>,
}

impl Flood {
    /// So many a minute are recorded one by one.
    pub(crate) const fn new(most: u64) -> Self {
        Flood { most, since: 0, seen: 0, suppressed: BTreeMap::new() }
    }

    /// Whether a record is only counted. What a verified proof caused is always recorded.
    pub(crate) fn suppresses(&mut self, record: &AuditRecord) -> bool {
        let Some(code) = record.code().filter(|_| record.proof.is_none()) else { return false };
        self.seen += 1;
        if self.seen <= self.most {
            return false;
        }
        *self.suppressed.entry(code.as_str()).or_default() += 1;
        true
    }

    /// What was counted in the minute that is over; at the end of all, what was counted since.
    pub(crate) fn counted(&mut self, now: Now, at_the_end: bool) -> Option<Counted> {
        let is_over = now.millis().abs_diff(self.since) >= WINDOW;
        if is_over {
            (self.since, self.seen) = (now.millis(), 0);
        }
        let is_told = (is_over || at_the_end) && !self.suppressed.is_empty();
        is_told.then(|| Counted(std::mem::take(&mut self.suppressed)))
    }

    /// What could not be written is counted still.
    pub(crate) fn give_back(&mut self, counted: Option<Counted>) {
        for (code, count) in counted.into_iter().flat_map(|counted| counted.0) {
            *self.suppressed.entry(code).or_default() += count;
        }
    }
}

/// How many denials were not recorded one by one, by code.
pub(crate) struct Counted(BTreeMap<&'static str, u64>);

impl Counted {
    /// The record of them.
    pub(crate) fn to_json(&self, now: Now) -> String {
        let mut out = String::new();
        object(&mut out, |members| {
            members.name("count").push_str(&self.0.values().sum::<u64>().to_string());
            members.text("kind", "suppressed");
            object(members.name("suppressed"), |members| {
                for (code, count) in &self.0 {
                    members.name(code).push_str(&count.to_string());
                }
            });
            members.text("time", &now.to_rfc3339());
            members.name("version").push('1');
        });
        out
    }
}
