//! Limits a client's messages: a token bucket that fills at a steady rate and holds a burst.
//!
//! If the bucket is empty, a message is refused; a client that continues anyway is disconnected. Pure: time is an
//! argument.

use std::time::Duration;

use model::time::Monotonic;

/// The bucket of one client.
#[derive(Clone, Debug)]
pub struct Limiter {
    per_second: u32,
    burst: u32,
    /// The level in billionths of a message, so that no fraction is lost between calls.
    level: u128,
    filled: Monotonic,
    n_refused: u32,
}

/// The treatment of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handle the message.
    Pass,
    /// Refuse the message and tell the client.
    Refuse,
    /// Disconnect the client.
    Disconnect,
}

impl Limiter {
    /// Creates a full bucket.
    pub fn new(per_second: u32, burst: u32, now: Monotonic) -> Self {
        Self { per_second, burst, level: u128::from(burst) * ONE, filled: now, n_refused: 0 }
    }

    /// Counts a message received at `now` and returns its treatment.
    pub fn judge(&mut self, now: Monotonic) -> Verdict {
        let since = now.saturating_since(self.filled).min(LONG);
        self.filled = now;
        let capacity = u128::from(self.burst) * ONE;
        self.level = (self.level + since.as_nanos() * u128::from(self.per_second)).min(capacity);
        if self.level == capacity {
            self.n_refused = 0;
        }
        if self.level >= ONE {
            self.level -= ONE;
            return Verdict::Pass;
        }
        self.n_refused += 1;
        if self.n_refused > self.burst { Verdict::Disconnect } else { Verdict::Refuse }
    }
}

const ONE: u128 = 1_000_000_000;
/// Longer than any bucket takes to fill, but short enough not to overflow.
const LONG: Duration = Duration::from_secs(1 << 20);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_passes_then_the_rate_counts() {
        let mut limiter = Limiter::new(50, 100, at(0));
        let mut verdicts = |millis: u64, n: usize| {
            (0..n).map(|_| limiter.judge(at(millis))).filter(|verdict| *verdict == Verdict::Pass).count()
        };
        assert_eq!(verdicts(0, 120), 100);
        assert_eq!(verdicts(100, 20), 5);
        assert_eq!(verdicts(1_000, 60), 45);
        assert_eq!(verdicts(60_000, 200), 100);
    }

    #[test]
    fn going_on_regardless_ends_it() {
        let mut limiter = Limiter::new(1, 3, at(0));
        let verdicts: Vec<Verdict> = (0..7).map(|_| limiter.judge(at(0))).collect();
        use Verdict::{Disconnect, Pass, Refuse};
        assert_eq!(verdicts, [Pass, Pass, Pass, Refuse, Refuse, Refuse, Disconnect]);
    }

    #[test]
    fn a_pause_forgives() {
        let mut limiter = Limiter::new(1, 3, at(0));
        let mut last_of = |n: usize, millis: u64| (0..n).map(|_| limiter.judge(at(millis))).last();
        assert_eq!(last_of(6, 0), Some(Verdict::Refuse));
        assert_eq!(last_of(3, 10_000), Some(Verdict::Pass));
        assert_eq!(last_of(3, 10_000), Some(Verdict::Refuse));
    }
}
