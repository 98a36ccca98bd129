//! The end of an order that lives until a moment (`gtd`): a date and a time as the browser's field has them. Pure.

use crate::{
    pages::desk::ticket::form::{Field, Problem},
    settings::TimeZone,
};

/// Returns the moment in milliseconds since the epoch of `2026-12-01T14:00` in a zone.
///
/// # Errors
/// The field is empty, or is no moment.
pub fn end_time_ms(text: &str, zone: TimeZone) -> Result<i64, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::empty(Field::End, "Enter the end of the order."));
    }
    let utc = moment_ms(text.trim());
    utc.map(|utc| utc - zone.offset_ms(utc)).ok_or_else(|| Problem::wrong(Field::End, "End: that is no date and time"))
}

/// Reads date and time as if they were in UTC.
fn moment_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next().unwrap_or(Some(0))?);
    let is_valid = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    is_valid.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000)
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the day of a
/// leap year is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - EPOCH
}

/// The same count for 1970-01-01.
const EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_and_nonsense_is_not() {
        for (text, expected) in [
            ("1970-01-01T00:00", Some(0)),
            ("2026-12-01T14:00", Some(1_796_133_600_000)),
            ("2024-02-29T23:59:59", Some(1_709_251_199_000)),
            ("2024-03-01T00:00", Some(1_709_251_200_000)),
            ("2026-13-01T14:00", None),
            ("2026-12-01", None),
            ("2026-12-01T25:00", None),
            ("tomorrow", None),
        ] {
            assert_eq!(end_time_ms(text, TimeZone::Utc).ok(), expected, "{text}");
        }
        assert!(end_time_ms(" ", TimeZone::Utc).unwrap_err().is_empty);
    }
}
