//! The days of IANA time zones, from the tables inside the program.

use desk::calendar::Calendar;
use jiff::{ToSpan, tz::TimeZone};
use model::time::Timestamp;

/// Days by jiff's time zones.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZonedDays;

impl Calendar for ZonedDays {
    fn day(&self, zone: &str, time: Timestamp) -> (Timestamp, Timestamp) {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let day = || {
            let instant = jiff::Timestamp::from_nanosecond(time.as_nanos().into()).ok()?;
            let begin = instant.to_zoned(zone).start_of_day().ok()?;
            // The day after, not 24 hours: a day of a change of clocks is longer or shorter.
            let end = begin.checked_add(1.day()).ok()?.start_of_day().ok()?;
            let nanos = |moment: &jiff::Zoned| i64::try_from(moment.timestamp().as_nanosecond()).ok();
            Some((Timestamp::from_nanos(nanos(&begin)?), Timestamp::from_nanos(nanos(&end)?)))
        };
        day().unwrap_or_else(|| desk::calendar::UtcDays.day("UTC", time))
    }
}

/// Returns how far a zone is ahead of UTC at a moment, in minutes; 0 for one that is not known.
pub fn offset_minutes(zone: &str, time: Timestamp) -> i32 {
    let instant = jiff::Timestamp::from_nanosecond(time.as_nanos().into());
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    instant.map_or(0, |instant| zone.to_offset(instant).seconds() / 60)
}

/// Returns true for a zone that is known.
pub fn is_known(zone: &str) -> bool {
    TimeZone::get(zone).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_clocks_of_their_zone() {
        #[track_caller]
        fn check(zone: &str, at: &str, begin: &str, end: &str) {
            let at: jiff::Timestamp = at.parse().unwrap();
            let time = Timestamp::from_nanos(i64::try_from(at.as_nanosecond()).unwrap());
            let (found_begin, found_end) = ZonedDays.day(zone, time);
            assert_eq!((found_begin.to_string(), found_end.to_string()), (begin.to_owned(), end.to_owned()), "{zone}");
        }
        check("UTC", "2024-08-09T12:00:00Z", "2024-08-09T00:00:00.000Z", "2024-08-10T00:00:00.000Z");
        check("Asia/Tokyo", "2024-08-09T16:00:00Z", "2024-08-09T15:00:00.000Z", "2024-08-10T15:00:00.000Z");
        // Clocks go forward in this night: the day has 23 hours.
        check("Europe/Berlin", "2024-03-31T12:00:00Z", "2024-03-30T23:00:00.000Z", "2024-03-31T22:00:00.000Z");
        // And back: 25 hours, and its last one is of the same day.
        check("Europe/Berlin", "2024-10-27T22:30:00Z", "2024-10-26T22:00:00.000Z", "2024-10-27T23:00:00.000Z");
        check("nowhere", "2024-08-09T12:00:00Z", "2024-08-09T00:00:00.000Z", "2024-08-10T00:00:00.000Z");
        assert!(is_known("America/New_York") && !is_known("nowhere"));
        let summer: jiff::Timestamp = "2024-08-09T12:00:00Z".parse().unwrap();
        let summer = Timestamp::from_nanos(i64::try_from(summer.as_nanosecond()).unwrap());
        let offsets =
            ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "nowhere"].map(|zone| offset_minutes(zone, summer));
        assert_eq!(offsets, [120, -240, 330, 0]);
    }
}
