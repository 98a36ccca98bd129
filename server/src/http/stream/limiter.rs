//! Limits a client's messages by a token bucket.
//!
//! If the bucket is empty, a message is refused; a client that continues anyway is disconnected. Pure: time is an
//! argument.

use model::time::Monotonic;

use crate::limits::bucket::{Bucket, Rate};

/// The bucket of one client.
#[derive(Clone, Debug)]
pub struct Limiter {
    rate: Rate,
    bucket: Bucket,
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
        let rate = Rate { per_second, burst };
        Self { rate, bucket: Bucket::full(rate, now), n_refused: 0 }
    }

    /// Counts a message received at `now` and returns its treatment.
    pub fn judge(&mut self, now: Monotonic) -> Verdict {
        if self.bucket.fill(self.rate, now) {
            self.n_refused = 0;
        }
        if self.bucket.take(self.rate, now).is_ok() {
            return Verdict::Pass;
        }
        self.n_refused += 1;
        if self.n_refused > self.rate.burst { Verdict::Disconnect } else { Verdict::Refuse }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
