//! Timestamps of RFC 3339, as instants.

use crate::time::{Timestamp, days_from_civil};
use crate::{Code, Error, Result};

const NANOS: i128 = 1_000_000_000;

/// The nanoseconds since 1970 of a timestamp in the profile of the specification (constraints.md, "Time window").
pub(super) fn parse(text: &str) -> Option<i128> {
    let (date_time, rest) = (text.get(..19)?, text.get(19..)?);
    let bytes = date_time.as_bytes();
    let shape = |at: usize, c: u8| bytes[at] == c;
    if !(shape(4, b'-') && shape(7, b'-') && shape(10, b'T') && shape(13, b':') && shape(16, b':')) {
        return None;
    }
    let field = |range: std::ops::Range<usize>| digits(&date_time[range]);
    let (year, month, day) = (field(0..4)?, field(5..7)?, field(8..10)?);
    let (hour, minute, second) = (field(11..13)?, field(14..16)?, field(17..19)?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let number = rest.get(..end).filter(|number| (1..=9).contains(&number.len())).and_then(digits)?;
            (number * 10_i64.pow(9 - end as u32), &rest[end..])
        }
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    Some(i128::from(seconds) * NANOS + i128::from(fraction))
}

/// The seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if zone.len() != 6 || zone.get(3..4) != Some(":") {
        return None;
    }
    let (hour, minute) = (digits(zone.get(1..3)?)?, digits(zone.get(4..6)?)?);
    let known = hour <= 23 && minute <= 59 && (sign > 0 || hour + minute > 0);
    known.then_some(sign * (hour * 3600 + minute * 60))
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a timestamp is in a window.
pub(super) fn is_within(text: &str, from: Option<u64>, until: Option<u64>) -> bool {
    let nanos = |seconds: u64| i128::from(seconds) * NANOS;
    parse(text).is_some_and(|at| from.is_none_or(|from| at >= nanos(from)) && until.is_none_or(|until| at <= nanos(until)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_instants_with_a_zone() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:59:59.5Z", -NANOS / 2),
            ("2000-02-29T00:00:00.000000001Z", 951_782_400 * NANOS + 1),
            ("2025-11-24T11:00:00-05:00", 1_764_000_000 * NANOS),
            ("9999-12-31T23:59:59Z", 253_402_300_799 * NANOS),
            ("0000-01-01T00:00:00Z", -62_167_219_200 * NANOS),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_timestamp() {
        for text in [
            "", "2025-11-24", "2025-11-24T16:00:00", "2025-11-24t16:00:00Z", "2025-11-24T16:00:00z", "2025-11-24 16:00:00Z",
            "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z", "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z", "2016-12-31T23:59:60Z", "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00.1234567890Z",
            "2025-01-01T00:00:00-00:00", "2025-01-01T00:00:00+24:00", "2025-01-01T00:00:00+0100", "2025-01-01T00:00:00+01:00 ",
            "+025-01-01T00:00:00Z", "2025-1-01T00:00:00Z", "２025-01-01T00:00:00Z", "2025-01-01T00:00:00.5", "2025-01-01T00:00:00Z\n",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
