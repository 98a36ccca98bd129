//! Instants on two clocks: the wall clock for timestamps, the monotonic clock for deadlines.
//!
//! Nothing here reads a clock; the callers do and pass [`Now`] in.

use std::{fmt, ops::Add, time::Duration};

use serde::{Deserialize, Serialize};

/// A point on a wall clock, in nanoseconds since 1970-01-01 UTC (years 1677 to 2262). May be before 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01 00:00 UTC.
    pub const EPOCH: Self = Self(0);

    /// Creates a timestamp from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Creates a timestamp from microseconds since the epoch; values out of range are clamped.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// Creates a timestamp from milliseconds since the epoch; values out of range are clamped.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Returns nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Returns whole microseconds since the epoch, rounded down.
    pub const fn as_micros(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Returns whole milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the time from `earlier` to `self`; zero if `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        u64::try_from(self.0.saturating_sub(earlier.0)).map_or(Duration::ZERO, Duration::from_nanos)
    }

    /// Returns the signed nanoseconds from `other` to `self`.
    pub const fn signed_nanos_since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// `2024-08-09T00:00:01.273Z`: milliseconds, always UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let (days, day_millis) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let (seconds, milli) = (day_millis / 1_000, day_millis % 1_000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milli:03}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// A point on a clock that never goes back; its zero is arbitrary and the same for all values of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// The clock's arbitrary zero.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Creates an instant from the time passed since the clock's zero.
    pub const fn from_zero(span: Duration) -> Self {
        Self(span)
    }

    /// Returns the time passed since the clock's zero.
    pub const fn since_zero(self) -> Duration {
        self.0
    }

    /// Returns the time from `earlier` to `self`; zero if `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// The moment of a call, on both clocks: deadlines use `monotonic`, stamps use `wall`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines and ages.
    pub monotonic: Monotonic,
    /// For timestamps that others read.
    pub wall: Timestamp,
}

/// Returns year, month (1 to 12) and day (1 to 31) of a number of days since 1970-01-01, proleptic Gregorian.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(millis: i64, expected: &str) {
        assert_eq!(Timestamp::from_millis(millis).to_string(), expected);
    }

    #[test]
    fn shows_utc() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(1_723_161_601_273, "2024-08-09T00:00:01.273Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(-1, "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn out_of_range_stops_at_the_end() {
        assert_eq!(Timestamp::from_millis(i64::MAX).as_nanos(), i64::MAX);
        assert_eq!(Timestamp::from_nanos(i64::MAX) + Duration::from_secs(1), Timestamp::from_nanos(i64::MAX));
        assert_eq!(Timestamp::EPOCH.saturating_since(Timestamp::from_millis(5)), Duration::ZERO);
    }
}
