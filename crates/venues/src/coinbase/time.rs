//! The venue's two ways to write a moment: RFC 3339 text in UTC, and whole seconds as text.
//!
//! Heartbeats carry a third one, a programming language's own form, which nothing reads. Not here: clocks.

use std::{borrow::Cow, fmt};

use model::time::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// Whole seconds since the epoch, as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct CoinbaseSeconds(pub(super) Timestamp);

impl<'de> Deserialize<'de> for CoinbaseSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let nanos =
            text.parse::<i64>().ok().filter(|_| is_plain).and_then(|seconds| seconds.checked_mul(1_000_000_000));
        nanos.map(|nanos| Self(Timestamp::from_nanos(nanos))).ok_or_else(|| de::Error::custom("not seconds as text"))
    }
}

/// A moment as RFC 3339 text in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CoinbaseTime(pub(super) Timestamp);

impl<'de> Deserialize<'de> for CoinbaseTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Moment;

        impl Visitor<'_> for Moment {
            type Value = CoinbaseTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2026-08-09T21:05:48.228568804Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CoinbaseTime, E> {
                parse_time(text).map(CoinbaseTime).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Moment)
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the fraction of one to nine digits.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        bytes.get(from..to)?.iter().try_fold(0_i64, |number, byte| match byte {
            b'0'..=b'9' => Some(number * 10 + i64::from(byte - b'0')),
            _ => None,
        })
    };
    let is_sign = |at: usize, sign: u8| bytes.get(at) == Some(&sign);
    if ![(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].into_iter().all(|(at, sign)| is_sign(at, sign)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let nanos = match bytes.get(19..)? {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            number(20, 20 + digits.len())? * 10_i64.pow(9 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos).map(Timestamp::from_nanos)
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
        fn check(text: &str, expected_nanos: Option<i64>) {
            assert_eq!(parse_time(text).map(Timestamp::as_nanos), expected_nanos, "{text}");
        }
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-08-09T21:05:48.228568804Z", Some(1_786_309_548_228_568_804));
        check("2026-08-09T21:05:48.85Z", Some(1_786_309_548_850_000_000));
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000_000));
        for bad in [
            "",
            "2026-08-09 21:05:48.85 +0000 UTC m=+41691.26",
            "2026-08-09T21:05:48",
            "2026-08-09T21:05:48.Z",
            "2026-08-09T21:05:48.0123456789Z",
            "2026-13-09T21:05:48Z",
            "2026-08-09T24:05:48Z",
            "2026-08-09T21:05:48.٣Z",
            "９９99-08-09T21:05:48Z",
            "9999-08-09T21:05:48Z",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn seconds_are_plain_text() {
        #[track_caller]
        fn check(text: &str, expected_ms: Option<i64>) {
            let found: Option<CoinbaseSeconds> = serde_json::from_str(text).ok();
            assert_eq!(found.map(|seconds| seconds.0.as_millis()), expected_ms, "{text}");
        }
        check("\"1712192400\"", Some(1_712_192_400_000));
        for bad in
            ["1712192400", "\"\"", "\"+1\"", "\"-1\"", "\"1.5\"", "\"99999999999999999999\"", "\"9999999999999\""]
        {
            check(bad, None);
        }
    }
}
