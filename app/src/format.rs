//! Numbers and times as the page displays them: grouped digits, decimals of the instrument, ages in words.
//!
//! Pure text functions: no clock, no locale, so server and browser write the same. Separators are a narrow no-break
//! space between thousands and a point before decimals; negative figures have a true minus sign.

use model::{
    decimal::{Notional, Price, Quantity, Rounding},
    time::Timestamp,
};

/// The separator between groups of three digits; it never breaks a line.
pub const GROUP: char = '\u{202f}';
/// Placeholder for unknown values.
pub const UNKNOWN: &str = "–";

/// Groups the digits before the point of a plain decimal number by threes (`61602.01` becomes `61 602.01`).
pub fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("−", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str(sign);
    for (digit_idx, digit) in whole.chars().enumerate() {
        if digit_idx > 0 && (whole.len() - digit_idx).is_multiple_of(3) {
            out.push(GROUP);
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Formats a price with `decimals` decimal places; with its own digits if some would be lost.
pub fn price(value: Price, decimals: u32) -> String {
    grouped(&value.at_scale(decimals).to_string())
}

/// Formats a mean of prices with at most two decimals more than those of its instrument.
pub fn mean_price(value: Price, decimals: u32) -> String {
    let step = Price::from_mantissa(1, decimals.saturating_add(2).min(12));
    let rounded = step.and_then(|step| value.round_to(step, Rounding::NearestEven)).unwrap_or(value);
    price(rounded.at_scale(rounded.significant_scale()), decimals)
}

/// Formats a quantity with `decimals` decimal places; with its own digits if some would be lost.
pub fn quantity(value: Quantity, decimals: u32) -> String {
    grouped(&value.at_scale(decimals).to_string())
}

/// Formats an amount in the quote currency, whose scale matters more than its digits; unknown if it does not fit a
/// decimal.
pub fn paid(value: Option<Notional>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| compact(value.to_f64_lossy()))
}

/// Formats a figure whose scale matters more than its digits: from five digits up with a letter (`21.4K`, `3.02M`,
/// `9 400`).
pub fn compact(value: f64) -> String {
    let (scaled, letter) = match value.abs() {
        // Rounding never gives 1000 of a unit.
        size if size >= 0.9995e12 => (value / 1e12, "T"),
        size if size >= 0.9995e9 => (value / 1e9, "B"),
        size if size >= 0.9995e6 => (value / 1e6, "M"),
        size if size >= 9_999.5 => (value / 1e3, "K"),
        size if size.is_finite() => (value, ""),
        _ => return UNKNOWN.to_owned(),
    };
    let decimals = match scaled.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    grouped(&format!("{scaled:.decimals$}")) + letter
}

/// Returns the change from `open` to `last` in per cent; `None` without a positive `open`.
pub fn change_percent(open: Option<Price>, last: Option<Price>) -> Option<f64> {
    let (open, last) = (open?.to_f64_lossy(), last?.to_f64_lossy());
    (open > 0.0 && last.is_finite()).then(|| (last - open) / open * 100.0)
}

/// Formats a signed percentage with two decimals (`+1.24 %`); a value that rounds to zero has no sign.
pub fn percent(value: f64) -> String {
    let text = format!("{:.2}", value.abs());
    let sign = match () {
        () if text == "0.00" => "",
        () if value < 0.0 => "−",
        () => "+",
    };
    format!("{sign}{text}\u{202f}%")
}

/// Formats basis points with two significant digits and no exponent (`0.0016 bps`, `1.6 bps`, `160 bps`).
pub fn basis_points(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    // Two digits after rounding: 0.0996 is 0.10.
    let (mut shifted, mut decimals) = (value.abs(), 0);
    while shifted > 0.0 && shifted < 9.95 && decimals < MAX_DECIMALS {
        (shifted, decimals) = (shifted * 10.0, decimals + 1);
    }
    let sign = if value < 0.0 { "−" } else { "" };
    format!("{sign}{}\u{202f}bps", grouped(&format!("{:.decimals$}", value.abs())))
}

/// Decimals of the smallest spread that is told from none.
const MAX_DECIMALS: usize = 12;

/// Formats an age: tenths below ten seconds, then whole seconds, minutes, hours.
pub fn age(age_ms: u64) -> String {
    match age_ms {
        0..10_000 => format!("{}.{} s", age_ms / 1_000, age_ms % 1_000 / 100),
        10_000..120_000 => format!("{} s", age_ms / 1_000),
        120_000..7_200_000 => format!("{} min", age_ms / 60_000),
        _ => format!("{} h", age_ms / 3_600_000),
    }
}

/// Formats an age without tenths, for ages that count in whole seconds.
pub fn whole_age(age_ms: u64) -> String {
    match age_ms {
        0..10_000 => format!("{} s", age_ms / 1_000),
        _ => age(age_ms),
    }
}

/// Formats a duration: tenths of a millisecond below ten, whole milliseconds below a second, then seconds.
pub fn span_us(span_us: u64) -> String {
    match span_us {
        0..10_000 => format!("{}.{} ms", span_us / 1_000, span_us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", span_us / 1_000),
        1_000_000..100_000_000 => format!("{}.{} s", span_us / 1_000_000, span_us % 1_000_000 / 100_000),
        _ => age(span_us / 1_000),
    }
}

/// Formats the time of day, UTC, to the second (`14:03:11`).
pub fn time_of_day(time: Timestamp) -> String {
    let seconds = time.as_millis().div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Returns a text with a capital first letter. Not for a text that may begin with the name of a user or an account.
pub fn capitalised(text: &str) -> String {
    let mut capitalised = text.to_owned();
    if let Some(first) = capitalised.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    capitalised
}

/// Reads a size as a reader types it, with a point or a comma before the decimals. Returns its plain digits, empty for
/// none or zero; `None` if it is not a size.
pub fn typed_size(text: &str) -> Option<String> {
    let text = text.trim().replace(',', ".");
    let text = text.strip_suffix('.').unwrap_or(&text);
    let text = if text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
    if text.is_empty() {
        return Some(text);
    }
    let size = Quantity::parse(&text).ok().filter(|size| !size.is_negative())?;
    Some(if size.is_zero() { String::new() } else { text })
}

/// Splits `next` where it begins to differ from `previous`: the unchanged part, the changed part. Texts of different
/// length differ from the start: their digits do not align.
pub fn split_changed<'a>(previous: &str, next: &'a str) -> (&'a str, &'a str) {
    if previous.chars().count() != next.chars().count() {
        return ("", next);
    }
    let at = previous
        .chars()
        .zip(next.char_indices())
        .find_map(|(old, (byte_idx, new))| (old != new).then_some(byte_idx))
        .unwrap_or(next.len());
    next.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spaced(text: &str) -> String {
        text.replace(GROUP, " ")
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(spaced(&grouped(text)), expected);
        }
        check("0", "0");
        check("999", "999");
        check("1000", "1 000");
        check("61602.01000", "61 602.01000");
        check("-1234567.5", "−1 234 567.5");
        check("0.00001234", "0.00001234");
    }

    #[test]
    fn texts_of_any_kind_begin_with_a_capital() {
        for (text, expected) in [("status bar", "Status bar"), ("", ""), ("é", "é"), ("X", "X"), ("3 left", "3 left")]
        {
            assert_eq!(capitalised(text), expected);
        }
    }

    #[test]
    fn decimals_come_from_the_instrument_and_no_digit_is_lost() {
        #[track_caller]
        fn check(text: &str, decimals: u32, expected: &str) {
            assert_eq!(spaced(&price(Price::parse(text).unwrap(), decimals)), expected);
        }
        check("61602.01000000", 2, "61 602.01");
        check("61602.1", 2, "61 602.10");
        check("7", 0, "7");
        check("1.005", 2, "1.005");
    }

    #[test]
    fn a_mean_has_at_most_two_decimals_more() {
        for (value, decimals, expected) in
            [("60578.1515664", 2, "60\u{202f}578.1516"), ("60568.8000", 2, "60\u{202f}568.80"), ("0.5", 0, "0.5")]
        {
            assert_eq!(mean_price(Price::parse(value).unwrap(), decimals), expected);
        }
    }

    #[test]
    fn large_figures_are_short() {
        #[track_caller]
        fn check(value: f64, expected: &str) {
            assert_eq!(compact(value), expected);
        }
        check(21_437.2, "21.4K");
        check(3_020_000.0, "3.02M");
        check(940.0, "940");
        check(0.5, "0.50");
        check(7.2e9, "7.20B");
        check(4e13, "40.0T");
        check(9_400.4, "9\u{202f}400");
        check(9_999.6, "10.00K");
        check(999_960.0, "1.00M");
        check(-40_000_000_000.0, "−40.0B");
        check(f64::NAN, UNKNOWN);
    }

    #[test]
    fn percentages_are_signed() {
        #[track_caller]
        fn check(open: &str, last: &str, expected: Option<&str>) {
            let shown = change_percent(Price::parse(open).ok(), Price::parse(last).ok()).map(percent);
            assert_eq!(shown.map(|text| spaced(&text)), expected.map(str::to_owned));
        }
        check("100", "101.24", Some("+1.24 %"));
        check("100", "99", Some("−1.00 %"));
        check("100", "100.001", Some("0.00 %"));
        check("100", "99.999", Some("0.00 %"));
        check("0", "5", None);
    }

    #[test]
    fn basis_points_have_two_digits_and_no_spread_is_zero() {
        for (value, expected) in [
            (0.0, "0 bps"),
            (0.001_623, "0.0016 bps"),
            (0.0996, "0.10 bps"),
            (0.999, "1.0 bps"),
            (1.58, "1.6 bps"),
            (49.88, "50 bps"),
            (1_234.5, "1 234 bps"),
            (-192.3, "−192 bps"),
            (-0.004, "−0.0040 bps"),
            (f64::NAN, UNKNOWN),
        ] {
            assert_eq!(spaced(&basis_points(value)), expected);
        }
    }

    #[test]
    fn ages_get_coarser() {
        #[track_caller]
        fn check(age_ms: u64, expected: &str) {
            assert_eq!(age(age_ms), expected);
        }
        check(0, "0.0 s");
        check(249, "0.2 s");
        check(9_999, "9.9 s");
        check(10_000, "10 s");
        check(119_999, "119 s");
        check(120_000, "2 min");
        check(7_200_000, "2 h");
        check(u64::MAX, &format!("{} h", u64::MAX / 3_600_000));
    }

    #[test]
    fn spans_get_coarser() {
        let shown = [0, 1_250, 9_999, 10_000, 999_999, 1_250_000, 99_999_999, 100_000_000].map(span_us);
        assert_eq!(shown, ["0.0 ms", "1.2 ms", "9.9 ms", "10 ms", "999 ms", "1.2 s", "99.9 s", "100 s"]);
    }

    #[test]
    fn times_of_day_are_utc() {
        assert_eq!(time_of_day(Timestamp::from_millis(1_723_161_601_273)), "00:00:01");
        assert_eq!(time_of_day(Timestamp::from_millis(-1)), "23:59:59");
    }

    #[test]
    fn a_typed_size_has_a_point_or_a_comma() {
        for (text, expected) in [
            ("1.5", Some("1.5")),
            (" 1,5 ", Some("1.5")),
            ("1,", Some("1")),
            (",5", Some("0.5")),
            ("10", Some("10")),
            ("", Some("")),
            ("0", Some("")),
            ("0,0", Some("")),
            (",", Some("")),
            ("-1", None),
            ("1,000.5", None),
            ("1e3", None),
            ("big", None),
        ] {
            assert_eq!(typed_size(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn only_the_changed_part_is_split_off() {
        #[track_caller]
        fn check(previous: &str, next: &str, expected: (&str, &str)) {
            assert_eq!(split_changed(previous, next), expected);
        }
        check("61 602.01", "61 602.07", ("61 602.0", "7"));
        check("61 602.01", "61 602.01", ("61 602.01", ""));
        check("9.99", "10.00", ("", "10.00"));
        check("1\u{202f}000", "1\u{202f}100", ("1\u{202f}", "100"));
    }
}
