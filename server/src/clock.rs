//! The only place that reads clocks, for the pure crates below: both at once, as they require.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::time::{Monotonic, Now, Timestamp};

/// Reads both clocks. Copies share one zero, so deadlines of different tasks compare.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Instant,
    started: Timestamp,
}

impl Clock {
    /// Creates a clock whose monotonic zero is now.
    pub fn start() -> Self {
        Self { zero: Instant::now(), started: wall() }
    }

    /// Returns what the wall clock showed then; it does not follow a clock that is set.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns the current time on both clocks.
    pub fn now(&self) -> Now {
        Now { monotonic: Monotonic::from_zero(self.zero.elapsed()), wall: wall() }
    }

    /// Returns the instant of a monotonic deadline, for timers.
    pub fn instant(&self, deadline: Monotonic) -> tokio::time::Instant {
        // A deadline beyond the platform's range would panic; for a timer that is set again, a day is as good as never.
        self.zero.checked_add(deadline.since_zero()).unwrap_or_else(|| Instant::now() + FAR_AWAY).into()
    }

    /// Returns the time since the clock was started.
    pub fn uptime(&self) -> Duration {
        self.zero.elapsed()
    }
}

fn wall() -> Timestamp {
    let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    };
    Timestamp::from_nanos(nanos)
}

const FAR_AWAY: Duration = Duration::from_secs(86_400);
