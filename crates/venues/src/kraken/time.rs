//! The venue's ways to write a moment: RFC 3339 text on the WebSocket, seconds with a fraction in REST.
//!
//! Not here: which of them a payload has ([`super::message`], [`super::rest`]). Both are exact to the nanosecond.

use std::fmt;

use model::time::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// A moment as RFC 3339 text in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KrakenTime(pub(super) Timestamp);

impl<'de> Deserialize<'de> for KrakenTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = KrakenTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2026-08-02T03:35:51.660084Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<KrakenTime, E> {
                parse_time(text).map(KrakenTime).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the fraction of one to nine digits.
fn parse_time(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let is_sign = |at: usize, sign: u8| text.as_bytes().get(at) == Some(&sign);
    if ![(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].into_iter().all(|(at, sign)| is_sign(at, sign)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = match text.get(19..)?.strip_suffix('Z')? {
        "" => 0,
        some => fraction_nanos(some.strip_prefix('.')?)?,
    };
    let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction).map(Timestamp::from_nanos)
}

/// Seconds since the epoch with a fraction, as plain decimal text; digits past the ninth are cut off.
pub(super) fn parse_seconds(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(seconds) || !is_plain(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let fraction = fraction_nanos(&fraction[..fraction.len().min(9)])?;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction).map(Timestamp::from_nanos)
}

/// One to nine digits behind the point, in nanoseconds.
fn fraction_nanos(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    Some(number * 10_i64.pow(9 - u32::try_from(digits.len()).ok()?))
}

/// Days since 1970-01-01, proleptic Gregorian.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        #[track_caller]
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(parse_time(text).map(Timestamp::as_nanos), expected, "{text}");
        }
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-08-02T03:35:51.660084Z", Some(1_785_641_751_660_084_000));
        check("2026-09-25T17:48:26.844359566Z", Some(1_790_358_506_844_359_566));
        check("2000-02-29T23:59:59.5Z", Some(951_868_799_500_000_000));
        check("1969-12-31T23:59:59.999999999Z", Some(-1));
        for bad in [
            "",
            "Z",
            "2026-08-02",
            "2026-08-02 03:35:51Z",
            "2026-08-02T03:35:51",
            "2026-08-02T03:35:51.Z",
            "2026-08-02T03:35:51.1234567890Z",
            "2026-08-02T03:35:51+02:00",
            "2026-13-02T03:35:51Z",
            "2026-08-00T03:35:51Z",
            "2026-08-02T24:35:51Z",
            "-026-08-02T03:35:51Z",
            "+026-08-02T03:35:51Z",
            "9999-08-02T03:35:51Z",
            "２026-08-02T03:35:51Z",
            "2026-08-02T03:35:51.６Z",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn seconds_with_a_fraction() {
        for (text, expected) in [
            ("1790359841.1382287", Some(1_790_359_841_138_228_700)),
            ("1790359841", Some(1_790_359_841_000_000_000)),
            ("1790359841.12345678901", Some(1_790_359_841_123_456_789)),
            ("-1", None),
            ("1e9", None),
            (".5", None),
            ("1.", None),
            ("99999999999999999999", None),
            ("9999999999999", None),
        ] {
            assert_eq!(parse_seconds(text).map(Timestamp::as_nanos), expected, "{text}");
        }
    }
}
