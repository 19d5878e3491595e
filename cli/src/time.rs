//! Times as people give and read them.

use deputize::{Code, Error, Now, Result, Timestamp};

/// A time that was given: RFC 3339 on a whole second, or a day.
pub(crate) fn given(text: &str) -> Result<Timestamp> {
    let day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let whole = if day { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::from_rfc3339(&whole)
        .map_err(|_| Error::named(Code::ConfigInvalid, "not a time such as 2026-11-21T08:00:00Z, or a day:", text))
}

/// The same as a clock would show it. Not the first second of 1970.
pub(crate) fn as_now(time: Timestamp) -> Result<Now> {
    Now::from_millis(time.secs() * 1000)
}

/// Milliseconds since 1970 of a record's time; none if it is not written as records do.
pub(crate) fn of_record(text: &str) -> Option<u64> {
    let (seconds, millis) = text.strip_suffix('Z')?.split_once('.')?;
    let millis: u64 = Some(millis).filter(|millis| millis.len() == 3 && millis.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let seconds = Timestamp::from_rfc3339(&format!("{seconds}Z")).ok()?.secs();
    Some(seconds * 1000 + millis)
}

/// A span in its largest units: `2 d 3 h`, `59 min`, `0.4 s`.
pub(crate) fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match seconds {
        0 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        1..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// What is left of a lifetime.
pub(crate) fn left(from: Timestamp, until: Timestamp, now: Now) -> String {
    let now = now.secs();
    if now >= until.secs() {
        format!("expired {} ago", span((now - until.secs()) * 1000))
    } else if now < from.secs() {
        format!("valid in {}", span((from.secs() - now) * 1000))
    } else {
        format!("{} left", span((until.secs() - now) * 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_in_their_largest_units() {
        for (millis, text) in [
            (0, "0.0 s"),
            (450, "0.4 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (3_600_000, "1 h"),
            (90_061_000, "1 d 1 h"),
        ] {
            assert_eq!(span(millis), text);
        }
    }

    #[test]
    fn only_times_of_records_are_read() {
        assert_eq!(of_record("1970-01-01T00:00:01.023Z"), Some(1023));
        for bad in ["", "Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.0235Z", "1970-01-01T00:00:01.+23Z", "é", "\u{202e}.000Z"] {
            assert_eq!(of_record(bad), None, "{bad}");
        }
    }
}
