//! A token bucket: it fills at a steady rate and holds a burst. Pure: time is an argument.

use std::time::Duration;

use model::time::Monotonic;

/// Rate at which something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Times a second, on average.
    pub per_second: u32,
    /// Times at once.
    pub burst: u32,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The level in billionths of one time, so that no fraction is lost between calls.
    level: u128,
    filled: Monotonic,
}

impl Bucket {
    /// Creates a full bucket.
    pub fn full(rate: Rate, now: Monotonic) -> Self {
        Self { level: capacity(rate), filled: now }
    }

    /// Returns the time of the latest call.
    pub fn filled(&self) -> Monotonic {
        self.filled
    }

    /// Fills it up to `now`; returns true if it is full.
    pub fn fill(&mut self, rate: Rate, now: Monotonic) -> bool {
        let since = now.saturating_since(self.filled).min(LONG);
        self.filled = self.filled.max(now);
        self.level = (self.level + since.as_nanos() * u128::from(rate.per_second)).min(capacity(rate));
        self.level == capacity(rate)
    }

    /// Takes one time.
    ///
    /// # Errors
    /// The time to wait for one.
    pub fn take(&mut self, rate: Rate, now: Monotonic) -> Result<(), Duration> {
        self.fill(rate, now);
        if self.level >= ONE {
            self.level -= ONE;
            return Ok(());
        }
        let nanos = (ONE - self.level).div_ceil(u128::from(rate.per_second.max(1)));
        Err(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

fn capacity(rate: Rate) -> u128 {
    u128::from(rate.burst) * ONE
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
    fn whoever_waits_as_told_passes() {
        let rate = Rate { per_second: 4, burst: 2 };
        let mut bucket = Bucket::full(rate, at(0));
        assert_eq!([0, 0].map(|millis| bucket.take(rate, at(millis))), [Ok(()), Ok(())]);
        let wait = bucket.take(rate, at(100)).unwrap_err();
        assert_eq!(wait, Duration::from_millis(150));
        assert!(bucket.take(rate, at(249)).is_err(), "too early");
        assert_eq!(bucket.take(rate, at(250)), Ok(()), "as told");
        assert!(bucket.take(rate, at(250)).is_err());
        // A clock that steps back neither fills nor empties it.
        assert!(bucket.take(rate, at(0)).is_err());
        assert_eq!(bucket.take(rate, at(500)), Ok(()));
    }
}
