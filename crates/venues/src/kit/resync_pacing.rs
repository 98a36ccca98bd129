//! Pace of a book's fresh snapshots: one at once, then one after a second, then one every five seconds.
//!
//! Not here: the code that requests them.

use std::time::Duration;

use model::time::Monotonic;

/// Time of a symbol's next permitted snapshot: at once, then after a second, then every five seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SnapshotPace {
    last: Option<Monotonic>,
    is_quick_retry_used: bool,
}

impl SnapshotPace {
    /// Returns the earliest permitted time.
    pub(crate) fn earliest(&self, now: Monotonic) -> Monotonic {
        match self.last {
            None => now,
            Some(last) if self.is_quick_retry_used => now.max(last + SPACING),
            Some(last) => now.max(last + FIRST_RETRY),
        }
    }

    /// Notes that one was requested.
    pub(crate) fn asked(&mut self, now: Monotonic) {
        let since_last = self.last.map(|last| now.saturating_since(last));
        self.is_quick_retry_used = since_last.is_some_and(|span| span < CALM);
        self.last = Some(now);
    }
}

/// Time between a snapshot and the first repeated request.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Time between two snapshots of a symbol after that.
const SPACING: Duration = Duration::from_secs(5);
/// After this long without a snapshot the quick first retry is allowed again.
const CALM: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_keep_their_distance() {
        let at = |millis| Monotonic::from_zero(Duration::from_millis(millis));
        let mut pace = SnapshotPace::default();
        let mut asked = Vec::new();
        let mut now = at(0);
        for _ in 0..4 {
            now = pace.earliest(now);
            pace.asked(now);
            asked.push(now);
        }
        assert_eq!(asked, [at(0), at(1_000), at(6_000), at(11_000)]);
        assert_eq!(pace.earliest(at(60_000)), at(60_000));
        pace.asked(at(60_000));
        assert_eq!(pace.earliest(at(60_100)), at(61_000));
    }
}
