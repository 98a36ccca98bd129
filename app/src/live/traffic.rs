//! Bytes that came over the socket in the last minute: the content of its messages, without frames and TLS.
//!
//! Plain: sizes and times in, a sum out.

use std::time::Duration;

use model::time::Monotonic;

/// Counts bytes by the second, for a minute.
#[derive(Clone, Debug)]
pub struct TrafficMeter {
    by_second: [u64; SECONDS],
    /// The second that is being counted, since the page's start.
    second: u64,
}

impl Default for TrafficMeter {
    fn default() -> Self {
        Self { by_second: [0; SECONDS], second: 0 }
    }
}

impl TrafficMeter {
    /// Counts a message.
    pub fn add(&mut self, n_bytes: usize, now: Monotonic) {
        self.advance(now);
        if let Some(bytes) = self.by_second.get_mut(place(self.second)) {
            *bytes += n_bytes as u64;
        }
    }

    /// Returns the bytes of the last minute.
    pub fn per_minute(&mut self, now: Monotonic) -> u64 {
        self.advance(now);
        self.by_second.iter().sum()
    }

    /// Empties the seconds that have passed without a message.
    fn advance(&mut self, now: Monotonic) {
        let second = now.saturating_since(Monotonic::from_zero(Duration::ZERO)).as_secs();
        for passed in (self.second + 1..=second).rev().take(SECONDS) {
            if let Some(bytes) = self.by_second.get_mut(place(passed)) {
                *bytes = 0;
            }
        }
        self.second = self.second.max(second);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below SECONDS")]
fn place(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

const SECONDS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_counted() {
        let at = |ms| Monotonic::from_zero(Duration::from_millis(ms));
        let mut meter = TrafficMeter::default();
        for (ms, n_bytes, expected) in [
            (500, 10, 10),
            (900, 1, 11),
            (30_000, 100, 111),
            (59_999, 1_000, 1_111),
            // The first second leaves.
            (60_000, 0, 1_100),
            (89_999, 0, 1_100),
            (90_000, 0, 1_000),
            (3_600_000, 5, 5),
            // A clock that stands still.
            (3_599_000, 1, 6),
        ] {
            meter.add(n_bytes, at(ms));
            assert_eq!(meter.per_minute(at(ms)), expected, "at {ms} ms");
        }
    }
}
