//! Budget of a channel's messages: a few at once, then one after another at its pace.
//!
//! Nothing is dropped for it: what has to wait is folded into counts ([`super::plan`]).

use std::time::Duration;

use model::{alert::channel::ChannelKind, time::Monotonic};

/// The pace of a kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Messages at once after a quiet time.
    pub burst: u32,
    /// The time after which another one is allowed.
    pub every: Duration,
}

impl Pace {
    /// Returns the pace of a channel's kind.
    pub fn of(kind: &ChannelKind) -> Self {
        let (burst, every_ms) = match kind {
            // A program takes more than a person.
            ChannelKind::Webhook(_) => (20, 500),
            // Telegram allows 20 a minute in a group.
            ChannelKind::Telegram(_) => (5, 3_000),
            ChannelKind::Email(_) => (5, 30_000),
            ChannelKind::Push(_) => (5, 5_000),
        };
        Self { burst, every: Duration::from_millis(every_ms) }
    }
}

/// The budget of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Time at which all of it is there again.
    full_at: Monotonic,
}

impl Budget {
    /// Creates a full budget.
    pub fn full() -> Self {
        Self { full_at: Monotonic::ZERO }
    }

    /// Returns how many messages may go now.
    pub fn available(&self, pace: Pace, now: Monotonic) -> u32 {
        let missing = self.full_at.saturating_since(now).as_nanos().div_ceil(pace.every.as_nanos().max(1));
        pace.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// Takes one message off.
    pub fn take(&mut self, pace: Pace, now: Monotonic) {
        self.full_at = self.full_at.max(now) + pace.every;
    }

    /// Returns the time until one more is available.
    pub fn wait(&self, pace: Pace, now: Monotonic) -> Duration {
        self.full_at.saturating_since(now).saturating_sub(pace.every * pace.burst.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let pace = Pace { burst: 2, every: Duration::from_secs(3) };
        let at = |millis| Monotonic::from_zero(Duration::from_millis(millis));
        let mut budget = Budget::full();
        assert_eq!((budget.available(pace, at(0)), budget.wait(pace, at(0))), (2, Duration::ZERO));
        budget.take(pace, at(0));
        budget.take(pace, at(0));
        assert_eq!((budget.available(pace, at(0)), budget.wait(pace, at(0))), (0, Duration::from_secs(3)));
        assert_eq!((budget.available(pace, at(2_999)), budget.available(pace, at(3_000))), (0, 1));
        assert_eq!(budget.available(pace, at(60_000)), 2);
    }
}
