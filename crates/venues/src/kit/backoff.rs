//! Waiting times between attempts: exponential with full jitter, from a seed.
//!
//! Not here: when an attempt is made ([`super::pool`]) and limits on their number in a window ([`crate::budget`]). Full
//! jitter spreads clients that lost the same server over the whole period (AWS Architecture Blog, "Exponential Backoff
//! And Jitter").

use std::time::Duration;

/// Pseudo-random numbers from a seed (SplitMix64). For jitter, not for secrets.
#[derive(Clone, Debug)]
pub struct Jitter {
    state: u64,
}

impl Jitter {
    /// Creates the sequence; the same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns the next number, with all 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a duration from zero to `longest`, both included, in whole milliseconds.
    pub fn up_to(&mut self, longest: Duration) -> Duration {
        let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(self.next_u64() % (longest_ms.saturating_add(1)))
    }
}

/// Computes the wait before the next attempt.
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    n_failures: u32,
}

impl Backoff {
    /// Creates a back-off: the first wait is at most `shortest`; each further one may be twice as long, up to
    /// `longest`.
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, n_failures: 0 }
    }

    /// Returns the number of consecutive failures.
    pub fn n_failures(&self) -> u32 {
        self.n_failures
    }

    /// Counts a failure; returns how long to wait now.
    pub fn fail(&mut self, jitter: &mut Jitter) -> Duration {
        let doublings = self.n_failures.min(31);
        self.n_failures = self.n_failures.saturating_add(1);
        jitter.up_to(self.shortest.saturating_mul(1 << doublings).min(self.longest))
    }

    /// Starts again. Call it only after data has arrived: an opened connection proves nothing.
    pub fn reset(&mut self) {
        self.n_failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_again() {
        let mut jitter = Jitter::new(7);
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        for expected_ms in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let mut longest = Duration::ZERO;
            // A copy sees the same step many times.
            for _ in 0..2_000 {
                longest = longest.max(backoff.clone().fail(&mut jitter));
            }
            let limit = Duration::from_millis(expected_ms);
            assert!(longest <= limit && longest >= limit.mul_f64(0.98), "{longest:?} of {limit:?}");
            backoff.fail(&mut jitter);
        }
        assert_eq!(backoff.n_failures(), 8);
        backoff.reset();
        assert!(backoff.fail(&mut jitter) <= Duration::from_millis(500));
    }

    #[test]
    fn two_thousand_clients_come_back_spread_out() {
        let mut bins = [0_u32; 30];
        for seed in 0..2_000 {
            let mut backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(30));
            let wait = backoff.fail(&mut Jitter::new(seed));
            bins[usize::try_from(wait.as_secs()).unwrap().min(29)] += 1;
        }
        assert!(bins.iter().all(|n| *n < 300), "{bins:?}");
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
        for _ in 0..100 {
            backoff.fail(&mut Jitter::new(1));
        }
    }
}
