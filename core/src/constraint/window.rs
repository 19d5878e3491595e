//! Time windows: timestamps of RFC 3339, compared as instants.

use crate::time::{NANOS, Timestamp, instant};
use crate::{Code, Error, Result};

/// Whether a timestamp is in a window.
pub(super) fn is_within(text: &str, from: Option<u64>, until: Option<u64>) -> bool {
    let nanos = |seconds: u64| i128::from(seconds) * NANOS;
    instant(text).is_some_and(|at| from.is_none_or(|from| at >= nanos(from)) && until.is_none_or(|until| at <= nanos(until)))
}

pub(super) fn check_window(from: Option<u64>, until: Option<u64>) -> Result<()> {
    let refused = |what| Err(Error::about(Code::ConstraintInvalid, what));
    match (from, until) {
        (None, None) => refused("a time window without bounds"),
        (Some(from), Some(until)) if from > until => refused("a time window that ends before it begins"),
        _ if from.into_iter().chain(until).any(|seconds| seconds > Timestamp::MAX.secs()) => refused("a time after the year 9999"),
        _ => Ok(()),
    }
}
