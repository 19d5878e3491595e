//! The system clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Code, Error, Result};

/// 9999-12-31T23:59:59.999Z, the last time that the specification can write.
const LAST: u64 = 253_402_300_799_999;

/// The time of the system clock, in milliseconds since 1970.
///
/// # Errors
/// [`Code::ClockInvalid`] if the clock stands before 1970 or after 9999.
pub fn now_millis() -> Result<u64> {
    millis(SystemTime::now())
}

fn millis(time: SystemTime) -> Result<u64> {
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| Error::about(Code::ClockInvalid, "the clock stands before 1970"))?;
    let millis = u64::try_from(since.as_millis()).ok().filter(|millis| *millis <= LAST);
    millis.ok_or(Error::about(Code::ClockInvalid, "the clock stands after 9999"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_before_1970_or_after_9999_is_refused() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        assert_eq!(millis(at(1)), Ok(1));
        assert_eq!(millis(at(LAST)), Ok(LAST));
        assert_eq!(millis(at(LAST + 1)).unwrap_err().code(), Code::ClockInvalid);
        assert_eq!(millis(UNIX_EPOCH - Duration::from_millis(1)).unwrap_err().code(), Code::ClockInvalid);
    }

    #[test]
    fn the_clock_gives_a_time_after_this_was_written() {
        assert!(now_millis().unwrap() > 1_700_000_000_000);
    }
}
