//! Seconds with a fraction, which the venue writes in REST; exact to the nanosecond.
//!
//! Not here: times of frames ([`crate::kit::utc_time`]).

use model::time::Timestamp;

use crate::kit::utc_time::fraction_nanos;

/// Seconds since the epoch with a fraction, as plain decimal text; digits past the ninth are cut off.
pub(super) fn parse_seconds(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(seconds) || !is_plain(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let fraction = fraction_nanos(&fraction.as_bytes()[..fraction.len().min(9)])?;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction).map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

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
