//! Time: seconds in claims, milliseconds on the verifier's clock. Core has no clock; the time is an argument.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Code, Error, Result, limits};

/// Seconds since 1970-01-01T00:00:00Z (RFC 8392 NumericDate, integers only), up to the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 9999-12-31T23:59:59Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_799);

    /// A time in claims. `claim-invalid` after the year 9999.
    pub fn from_secs(seconds: u64) -> Result<Self> {
        if seconds > Self::MAX.0 {
            return Err(Error::about(Code::ClaimInvalid, "a time after the year 9999; seconds are expected"));
        }
        Ok(Timestamp(seconds))
    }

    /// A time in claims, from a timestamp of RFC 3339 on a whole second. `claim-invalid` for anything else, and before 1970.
    pub fn from_rfc3339(text: &str) -> Result<Self> {
        match instant(text).map(|nanos| (u64::try_from(nanos / NANOS), nanos % NANOS)) {
            Some((Ok(seconds), 0)) => Timestamp::from_secs(seconds),
            _ => Err(Error::named(Code::ClaimInvalid, "not a timestamp on a whole second:", text)),
        }
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0
    }

    /// RFC 3339 in UTC.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        format!("{}Z", date_and_time(self.0))
    }
}

/// A reading of a clock: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Now(u64);

impl Now {
    /// A reading of a clock. `clock-invalid` for 0 and after the year 9999.
    pub fn from_millis(millis: u64) -> Result<Self> {
        if millis == 0 || millis / 1000 > Timestamp::MAX.0 {
            return Err(Error::about(Code::ClockInvalid, "milliseconds since 1970 are expected"));
        }
        Ok(Now(millis))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The second that it falls in.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// RFC 3339 in UTC with milliseconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        format!("{}.{:03}Z", date_and_time(self.secs()), self.0 % 1000)
    }
}

/// The latest time that was seen: time never runs backwards.
#[derive(Debug, Default)]
pub(crate) struct Latest(AtomicU64);

impl Latest {
    /// The time that counts now: a small step back counts as the latest time seen, a larger one is refused. `clock-behind`.
    pub(crate) fn advance(&self, now: Now) -> Result<Now> {
        let latest = self.0.fetch_max(now.0, Ordering::Relaxed).max(now.0);
        if now.0 + limits::MAX_STEP_BACK * 1000 < latest { Err(Code::ClockBehind.into()) } else { Ok(Now(latest)) }
    }
}

/// `YYYY-MM-DDTHH:MM:SS` of seconds since 1970.
fn date_and_time(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest % 3600 / 60, rest % 60)
}

/// Year, month and day of a count of days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March, so
/// that the leap day is a year's last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, of the years 0 to 9999.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Nanoseconds in a second.
pub(crate) const NANOS: i128 = 1_000_000_000;

/// The nanoseconds since 1970 of a timestamp of RFC 3339, in the profile of the specification (constraints.md, "Time window").
pub(crate) fn instant(text: &str) -> Option<i128> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_3339() {
        for (millis, text) in [
            (1, "1970-01-01T00:00:00.001Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_764_000_000_123, "2025-11-24T16:00:00.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Now::from_millis(millis).unwrap().to_rfc3339(), text);
        }
    }

    #[test]
    fn a_clock_at_zero_or_after_the_year_9999_is_refused() {
        for millis in [0, 253_402_300_800_000, u64::MAX] {
            assert_eq!(Now::from_millis(millis).unwrap_err().code(), Code::ClockInvalid);
        }
        assert_eq!(Timestamp::from_secs(1_764_000_000_000).unwrap_err().code(), Code::ClaimInvalid);
    }

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
            assert_eq!(instant(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_timestamp() {
        for text in [
            "",
            "2025-11-24",
            "2025-11-24T16:00:00",
            "2025-11-24t16:00:00Z",
            "2025-11-24T16:00:00z",
            "2025-11-24 16:00:00Z",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00.1234567890Z",
            "2025-01-01T00:00:00-00:00",
            "2025-01-01T00:00:00+24:00",
            "2025-01-01T00:00:00+0100",
            "2025-01-01T00:00:00+01:00 ",
            "+025-01-01T00:00:00Z",
            "2025-1-01T00:00:00Z",
            "２025-01-01T00:00:00Z",
            "2025-01-01T00:00:00.5",
            "2025-01-01T00:00:00Z\n",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
