//! Time: seconds in claims, milliseconds on the verifier's clock. Core has no clock; the time is an argument.

use crate::{Code, Error, Result};

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

    /// Seconds since 1970.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0
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
        let (days, rest) = (self.secs() / 86_400, self.secs() % 86_400);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (rest / 3600, rest % 3600 / 60, rest % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", self.0 % 1000)
    }
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
}
