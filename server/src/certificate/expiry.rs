//! The nearness of a certificate's end, in words. Pure: the time is an argument.

use std::time::Duration;

use model::time::Timestamp;

/// The nearness of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// More than [`WARN_BEFORE`] away.
    Far,
    /// Nearer, in whole days.
    InDays(u64),
    /// Passed.
    Passed,
}

impl Expiry {
    /// Compares the end with the time.
    pub fn of(expires: Timestamp, now: Timestamp) -> Self {
        if now >= expires {
            return Self::Passed;
        }
        match expires.saturating_since(now) {
            left if left > WARN_BEFORE => Self::Far,
            left => Self::InDays(left.as_secs() / DAY_S),
        }
    }

    /// Returns what to say of the certificate; `None` if there is nothing to do yet.
    pub fn words(self) -> Option<String> {
        match self {
            Self::Far => None,
            Self::InDays(0) => Some("expires within a day".to_owned()),
            Self::InDays(1) => Some("expires in 1 day".to_owned()),
            Self::InDays(days) => Some(format!("expires in {days} days")),
            Self::Passed => Some("has expired: browsers refuse it".to_owned()),
        }
    }
}

const DAY_S: u64 = 86_400;
/// Time to act, and for two attempts of programs that renew by themselves. Prometheus' rule has the same.
pub const WARN_BEFORE: Duration = Duration::from_secs(14 * DAY_S);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_announced_two_weeks_before() {
        let expires = Timestamp::EPOCH + Duration::from_secs(100 * DAY_S);
        for (before_s, expected) in [
            (15 * DAY_S, ""),
            (14 * DAY_S + 1, ""),
            (14 * DAY_S, "expires in 14 days"),
            (2 * DAY_S - 1, "expires in 1 day"),
            (DAY_S - 1, "expires within a day"),
            (1, "expires within a day"),
            (0, "has expired: browsers refuse it"),
        ] {
            let now = Timestamp::EPOCH + Duration::from_secs(100 * DAY_S - before_s);
            assert_eq!(Expiry::of(expires, now).words().unwrap_or_default(), expected, "{before_s} s before");
        }
        assert_eq!(Expiry::of(expires, expires + Duration::from_secs(1)), Expiry::Passed);
    }
}
