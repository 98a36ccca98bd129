//! A time as RFC 3339 text in UTC, as several venues write it; exact to the nanosecond.
//!
//! Not here: clocks, and other forms used by venues (their folders).

use std::fmt;

use model::time::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the fraction of one to nine digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UtcTime(pub(crate) Timestamp);

impl UtcTime {
    /// Parses the text; `None` if it has another form or is after the year 2262.
    pub(crate) fn parse(text: &str) -> Option<Self> {
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
            [b'.', digits @ .., b'Z'] => fraction_nanos(digits)?,
            _ => return None,
        };
        let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        seconds.checked_mul(1_000_000_000)?.checked_add(nanos).map(Timestamp::from_nanos).map(Self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = UtcTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2026-08-09T21:05:48.228568804Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UtcTime, E> {
                UtcTime::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Returns one to nine decimal places, in nanoseconds.
pub(crate) fn fraction_nanos(digits: &[u8]) -> Option<i64> {
    let n_digits = u32::try_from(digits.len()).ok().filter(|n_digits| (1..=9).contains(n_digits))?;
    let number = digits
        .iter()
        .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))?;
    Some(number * 10_i64.pow(9 - n_digits))
}

/// Returns the days since 1970-01-01 of a proleptic Gregorian date.
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
            assert_eq!(UtcTime::parse(text).map(|time| time.0.as_nanos()), expected, "{text}");
        }
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-08-09T21:05:48.228568804Z", Some(1_786_309_548_228_568_804));
        check("2026-08-09T21:05:48.85Z", Some(1_786_309_548_850_000_000));
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000_000));
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
            "2026-08-09 21:05:48.85 +0000 UTC m=+41691.26",
            "2026-08-09T21:05:48.٣Z",
            "2026-08-02T03:35:51.６Z",
        ] {
            check(bad, None);
        }
    }
}
