//! The rate of an account's orders.

use std::{collections::VecDeque, time::Duration};

use model::time::Timestamp;

/// The times of an account's newest orders and amendments, for the limit on their rate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    times: VecDeque<Timestamp>,
}

impl Pace {
    /// Notes an order or an amendment that was let through.
    pub fn note(&mut self, now: Timestamp) {
        self.times.retain(|time| is_recent(*time, now));
        self.times.push_back(now);
    }

    /// Returns the number of orders and amendments within the second before `now`.
    pub fn n_recent(&self, now: Timestamp) -> u32 {
        let n_recent = self.times.iter().filter(|time| is_recent(**time, now)).count();
        u32::try_from(n_recent).unwrap_or(u32::MAX)
    }
}

/// A time ahead of a clock that was set back counts: an order too many is refused, not let through.
fn is_recent(time: Timestamp, now: Timestamp) -> bool {
    now.saturating_since(time) < Duration::from_secs(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seconds;

    #[test]
    fn a_second_slides() {
        let mut pace = Pace::default();
        for millis in [98_000, 99_000, 99_001, 99_999] {
            pace.note(Timestamp::from_millis(millis));
        }
        assert_eq!(pace.n_recent(seconds(100)), 2);
        assert_eq!(pace.times.len(), 3);
        assert_eq!(pace.n_recent(Timestamp::from_millis(100_001)), 1);
        // The clock was set back: what was noted later counts.
        assert_eq!(pace.n_recent(seconds(1)), 3);
    }
}
