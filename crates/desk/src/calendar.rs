//! The day of an account: from midnight to midnight in its time zone.
//!
//! Time zones need tables that a pure crate should not carry; who runs the desk brings them.

use std::time::Duration;

use model::time::Timestamp;

/// Tells when days begin.
pub trait Calendar: std::fmt::Debug + Send + Sync {
    /// Returns the begin of the day at `time` in an IANA time zone, and of the next one; UTC for a zone that is not
    /// known.
    fn day(&self, zone: &str, time: Timestamp) -> (Timestamp, Timestamp);
}

/// Days of UTC, whatever the zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct UtcDays;

impl Calendar for UtcDays {
    fn day(&self, _zone: &str, time: Timestamp) -> (Timestamp, Timestamp) {
        let begin = time.as_nanos() - time.as_nanos().rem_euclid(DAY.as_nanos() as i64);
        (Timestamp::from_nanos(begin), Timestamp::from_nanos(begin) + DAY)
    }
}

const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight() {
        let noon = Timestamp::from_millis(1_723_204_800_000);
        let (begin, end) = UtcDays.day("UTC", noon);
        assert_eq!(
            (begin.to_string().as_str(), end.to_string().as_str()),
            ("2024-08-09T00:00:00.000Z", "2024-08-10T00:00:00.000Z")
        );
        assert_eq!(UtcDays.day("UTC", begin), (begin, end));
    }
}
