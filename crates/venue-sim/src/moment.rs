//! Times as venues write them: RFC 3339, UTC, with a given number of decimals of a second.

use model::time::{Timestamp, civil_from_days};

const DAY_S: i64 = 86_400;

/// Writes `2026-08-02T03:35:50.983359Z` with this many decimals, nine at most; zero omits the point.
pub(crate) fn show(time: Timestamp, decimals: usize) -> String {
    let (seconds, nanos) = (time.as_nanos().div_euclid(1_000_000_000), time.as_nanos().rem_euclid(1_000_000_000));
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY_S));
    let (hour, minute, second) = hms(seconds);
    let fraction = format!(".{nanos:09}");
    let fraction = fraction.get(..=decimals.min(9)).filter(|_| decimals > 0).unwrap_or_default();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Returns hour, minute and second of the day.
pub(crate) fn hms(seconds: i64) -> (i64, i64, i64) {
    let of_day = seconds.rem_euclid(DAY_S);
    (of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// Parses the output of [`show`]; `None` for anything else. Whole seconds may lack the decimals.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| is_plain)
    };
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.splitn(3, ':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let is_time = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    let is_fraction = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_time || !is_fraction {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse::<i64>().ok()?;
    let seconds = days_from_civil(year, month, day) * DAY_S + hour * 3_600 + minute * 60 + second;
    Some(Timestamp::from_nanos(seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?))
}

/// Returns the days since the epoch for a date in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
/// date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads() {
        let time = Timestamp::from_nanos(1_785_641_750_983_359_123);
        for (decimals, text) in
            [(9, "2026-08-02T03:35:50.983359123Z"), (6, "2026-08-02T03:35:50.983359Z"), (0, "2026-08-02T03:35:50Z")]
        {
            assert_eq!(show(time, decimals), text);
            assert_eq!(show(parse(text).unwrap(), decimals), text);
        }
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(Timestamp::EPOCH));
        assert_eq!(parse("2024-02-29T00:00:00.5Z").map(Timestamp::as_millis), Some(1_709_164_800_500));
        for bad in ["", "2026-08-02", "2026-13-02T00:00:00Z", "2026-08-02T24:00:00Z", "x-08-02T00:00:00Z"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
