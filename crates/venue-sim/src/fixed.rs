//! Decimal text as integers with twelve decimals, more than any venue uses. Shares nothing with `model::decimal`.

use model::decimal::{Price, Quantity};

/// Decimal places.
const DECIMALS: usize = 12;
/// One, as an integer.
pub(crate) const ONE: i128 = 1_000_000_000_000;

/// Parses `digits[.digits]`; `None` for anything else and for more decimals than fit.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 20 || fraction.len() > DECIMALS || !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

/// Writes exactly this many decimals, twelve at most; further ones are cut off.
pub(crate) fn show(value: i128, decimals: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    let (whole, fraction) = (size / ONE.unsigned_abs(), format!("{:012}", size % ONE.unsigned_abs()));
    match fraction.get(..decimals.min(DECIMALS)) {
        Some(kept) if !kept.is_empty() => format!("{sign}{whole}.{kept}"),
        _ => format!("{sign}{whole}"),
    }
}

/// Writes as many decimals as the value needs.
pub(crate) fn shortest(value: i128) -> String {
    show(value, decimals(value))
}

/// Returns the number of decimals that the value needs.
pub(crate) fn decimals(value: i128) -> usize {
    let mut step = ONE;
    (0..DECIMALS)
        .find(|_| {
            let is_enough = value % step == 0;
            step /= 10;
            is_enough
        })
        .unwrap_or(DECIMALS)
}

/// Returns the number of decimals in the text.
pub(crate) fn decimals_shown(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// Returns the step with this many decimals.
pub(crate) fn step(decimals: usize) -> i128 {
    (0..decimals.min(DECIMALS)).fold(ONE, |step, _| step / 10)
}

/// Returns the product, rounded towards zero; saturates at the largest value.
pub(crate) fn product(left: i128, right: i128) -> i128 {
    left.saturating_mul(right) / ONE
}

/// Returns the quotient, rounded towards zero; zero if `divisor` is zero.
pub(crate) fn quotient(value: i128, divisor: i128) -> i128 {
    value.saturating_mul(ONE).checked_div(divisor).unwrap_or(0)
}

/// Converts a price of the simulated market.
pub(crate) fn of_price(value: Price) -> i128 {
    value.at_scale(12).mantissa()
}

/// Converts a quantity of the simulated market.
pub(crate) fn of_quantity(value: Quantity) -> i128 {
    value.at_scale(12).mantissa()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_venues_send() {
        for (text, expected) in [
            ("61837.63000000", Some(61_837_630_000_000_000)),
            ("0.000000000001", Some(1)),
            ("5", Some(5 * ONE)),
            ("1.5", Some(ONE + ONE / 2)),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e5", None),
            ("1.1234567890123", None),
            ("123456789012345678901", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        for (text, n_decimals, shown) in [
            ("61837.63", 8, "61837.63000000"),
            ("61837.63", 1, "61837.6"),
            ("7", 0, "7"),
            ("0.00005100", 8, "0.00005100"),
        ] {
            assert_eq!(show(parse(text).unwrap(), n_decimals), shown);
        }
        assert_eq!(show(-ONE * 3 / 2, 2), "-1.50");
        assert_eq!(product(ONE * 3 / 2, ONE * 2), ONE * 3);
        assert_eq!((quotient(ONE * 3, ONE * 2), quotient(ONE, 0)), (ONE * 3 / 2, 0));
    }

    #[test]
    fn decimals_needed_and_shown() {
        for (text, needed, shown) in [("0.00032000", 5, 8), ("7", 0, 0), ("0.000000000001", 12, 12), ("10.50", 1, 2)] {
            let value = parse(text).unwrap();
            assert_eq!((decimals(value), decimals_shown(text)), (needed, shown), "{text}");
            assert_eq!(value % step(needed), 0);
        }
        assert_eq!(shortest(parse("0.25000").unwrap()), "0.25");
    }
}
