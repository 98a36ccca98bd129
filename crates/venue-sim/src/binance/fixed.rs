//! Decimal text as integers of eight decimals, the venue's own number of digits. Shares nothing with `model::decimal`.

/// Digits behind the point.
const DECIMALS: usize = 8;
/// One, as an integer.
pub(super) const ONE: i128 = 100_000_000;

/// Reads `digits[.digits]`; `None` for anything else and for more decimals than fit.
pub(super) fn parse(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 20 || fraction.len() > DECIMALS || !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

/// Writes all eight decimals.
pub(super) fn show(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    format!("{sign}{}.{:08}", size / ONE.unsigned_abs(), size % ONE.unsigned_abs())
}

/// The product, rounded towards zero; stays at the largest value where it does not fit.
pub(super) fn product(left: i128, right: i128) -> i128 {
    left.saturating_mul(right) / ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_the_venue_sends() {
        for (text, expected) in [
            ("61837.63000000", Some(6_183_763_000_000)),
            ("0.00000001", Some(1)),
            ("5", Some(500_000_000)),
            ("1.5", Some(150_000_000)),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e5", None),
            ("1.123456789", None),
            ("123456789012345678901", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        assert_eq!(show(6_183_763_000_000), "61837.63000000");
        assert_eq!(show(-150_000_000), "-1.50000000");
        assert_eq!(product(150_000_000, 200_000_000), 300_000_000);
    }
}
