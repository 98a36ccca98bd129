//! The time zone in which a chart writes its times: UTC, or the one whose offsets the caller knows.
//!
//! Only texts and the positions of ticks depend on it; bars keep their venue's times. Not here: which zone the reader
//! lives in (the page asks the browser).

use crate::format::DAY_MS;

/// A time zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zone(Option<fn(i64) -> i64>);

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(None);

    /// Creates a zone from its offset from UTC in milliseconds, positive to the east, at an instant in milliseconds
    /// since the epoch.
    pub const fn of(offset_ms: fn(i64) -> i64) -> Self {
        Self(Some(offset_ms))
    }

    /// Returns the offset at an instant; an offset of more than a day counts as none.
    pub(crate) fn offset_ms(self, time_ms: i64) -> i64 {
        self.0.map_or(0, |offset_ms| offset_ms(time_ms)).checked_rem(DAY_MS).unwrap_or_default()
    }

    /// Returns an instant as it reads on a clock of this zone: civil milliseconds since 1970-01-01 00:00.
    pub(crate) fn local_ms(self, time_ms: i64) -> i64 {
        time_ms.saturating_add(self.offset_ms(time_ms))
    }

    /// Returns its name at an instant: `UTC`, `UTC+2`, `UTC−3:30`.
    pub(crate) fn name(self, time_ms: i64) -> String {
        let minutes = self.offset_ms(time_ms) / 60_000;
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        let sign = if minutes < 0 { '−' } else { '+' };
        match (hours, rest) {
            (0, 0) => "UTC".to_owned(),
            (_, 0) => format!("UTC{sign}{hours}"),
            _ => format!("UTC{sign}{hours}:{rest:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_offsets() {
        const HOUR: i64 = 3_600_000;
        for (zone, expected) in [
            (Zone::UTC, "UTC"),
            (Zone::of(|_| 0), "UTC"),
            (Zone::of(|_| 2 * HOUR), "UTC+2"),
            (Zone::of(|_| -(3 * HOUR + HOUR / 2)), "UTC−3:30"),
            (Zone::of(|_| 5 * HOUR + HOUR * 3 / 4), "UTC+5:45"),
        ] {
            assert_eq!(zone.name(0), expected);
        }
        assert_eq!(Zone::of(|_| 2 * HOUR).local_ms(i64::MAX), i64::MAX);
    }
}
