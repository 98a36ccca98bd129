//! Settings of all alerts: quiet hours, and muting.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Settings of all alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// Hours in which deliveries wait.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
    /// The muting of all deliveries, while it lasts.
    #[serde(default)]
    pub muted: Option<Muted>,
}

/// A span of each day in which deliveries wait for its end; the page shows alerts all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// Begin, in minutes since midnight.
    pub from_minute: u32,
    /// End, likewise; before the begin where the span goes past midnight.
    pub until_minute: u32,
    /// The IANA time zone of both.
    #[serde(default = "utc")]
    pub time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Minutes of a day.
pub const DAY_MINUTES: u32 = 1_440;

impl QuietHours {
    /// Returns the end of the span that `now` is in; `None` outside of it. `offset_minutes` is that of the zone at `now`.
    pub fn end(&self, now: Timestamp, offset_minutes: i32) -> Option<Timestamp> {
        let day = i64::from(DAY_MINUTES);
        let local = now.as_millis().div_euclid(60_000) + i64::from(offset_minutes);
        let minute = local.rem_euclid(day);
        let (from, until) = (i64::from(self.from_minute), i64::from(self.until_minute));
        let length = (until - from).rem_euclid(day);
        let passed = (minute - from).rem_euclid(day);
        (passed < length)
            .then(|| Timestamp::from_millis((local + length - passed - i64::from(offset_minutes)) * 60_000))
    }
}

/// All alerts are muted: nothing is delivered, and the page plays no sound; it shows them all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Muted {
    /// End of the muting; absent: until somebody unmutes them.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(span: (u32, u32), offset: i32, now_minute: i64, end_minute: Option<i64>) {
        let hours = QuietHours { from_minute: span.0, until_minute: span.1, time_zone: utc() };
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        assert_eq!(hours.end(at(now_minute), offset), end_minute.map(at), "{span:?} {offset} {now_minute}");
    }

    #[test]
    fn quiet_hours_go_past_midnight_and_follow_the_zone() {
        let night = (22 * 60, 7 * 60);
        check(night, 0, 21 * 60 + 59, None);
        check(night, 0, 22 * 60, Some(31 * 60));
        check(night, 0, 24 * 60, Some(31 * 60));
        check(night, 0, 31 * 60 - 1, Some(31 * 60));
        check(night, 0, 31 * 60, None);
        // Two hours east: local 22:00 is 20:00 UTC.
        check(night, 120, 20 * 60, Some(29 * 60));
        check(night, -300, 4 * 60, Some(12 * 60));
        check((9 * 60, 17 * 60), 0, 12 * 60, Some(17 * 60));
        check((0, 0), 0, 0, None);
    }
}
