//! The system clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Code, Error, Now, Result};

/// The time of the system clock.
///
/// # Errors
/// [`Code::ClockInvalid`] if the clock stands before 1970 or after 9999.
pub fn now() -> Result<Now> {
    at(SystemTime::now())
}

fn at(time: SystemTime) -> Result<Now> {
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| Error::about(Code::ClockInvalid, "the clock stands before 1970"))?;
    let millis = u64::try_from(since.as_millis()).map_err(|_| Error::about(Code::ClockInvalid, "the clock stands after 9999"))?;
    Now::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_before_1970_or_after_9999_is_refused() {
        const LAST: u64 = 253_402_300_799_999;
        let after = |millis| at(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(after(1).unwrap().millis(), 1);
        assert_eq!(after(LAST).unwrap().millis(), LAST);
        assert_eq!(after(LAST + 1).unwrap_err().code(), Code::ClockInvalid);
        assert_eq!(at(UNIX_EPOCH - Duration::from_millis(1)).unwrap_err().code(), Code::ClockInvalid);
    }

    #[test]
    fn the_clock_gives_a_time_after_this_was_written() {
        assert!(now().unwrap().secs() > 1_700_000_000);
    }
}
