//! Sessions: equal spans of time in which a sum starts at zero.

use crate::{definition::Parameter, words::Words};

/// The length of a session in hours; 0 for one that never ends.
pub(crate) const SESSION: Parameter = Parameter {
    name: "session",
    title: "Session in hours (0: never ends)",
    default: 24.0,
    min: 0.0,
    max: 168.0,
    step: 1.0,
};

const HOUR_MS: i64 = 3_600_000;
/// 1970-01-05, a Monday: a session of a week begins on Mondays, one of a day at midnight UTC.
const MONDAY_MS: i64 = 4 * 24 * HOUR_MS;

#[derive(Clone, Debug)]
pub(crate) struct Session {
    length_ms: i64,
    /// The session of the last bar.
    pub(crate) current: i64,
}

impl Session {
    pub(crate) fn new(hours: f64) -> Self {
        // Whole and within the parameter's range.
        Self { length_ms: hours as i64 * HOUR_MS, current: i64::MIN }
    }

    /// Returns the number of the session of a bar.
    #[inline(always)]
    pub(crate) fn of(&self, open_ms: i64) -> i64 {
        if self.length_ms == 0 { 0 } else { open_ms.saturating_sub(MONDAY_MS).div_euclid(self.length_ms) }
    }

    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.time(&mut self.current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_and_days_at_midnight() {
        #[track_caller]
        fn check(hours: f64, last_ms: i64) {
            let session = Session::new(hours);
            assert_ne!(session.of(last_ms), session.of(last_ms + 1));
            assert_eq!(session.of(last_ms + 1), session.of(last_ms + 2));
        }
        // 2024-08-12 is a Monday.
        check(168.0, 1_723_420_799_999);
        check(24.0, 1_723_161_599_999);
        check(1.0, 1_723_165_199_999);
        assert_eq!(Session::new(0.0).of(i64::MIN), Session::new(0.0).of(i64::MAX));
    }
}
