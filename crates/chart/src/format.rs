//! Numbers and times as a chart writes them: prices with a fixed number of decimals, digits grouped as on the rest of
//! the page (narrow no-break space between thousands, true minus sign), times in a zone.
//!
//! Not here: exact money (it formats itself) and locale separators. No float formatting is used: it is large in WASM,
//! and an axis value is a whole number of ticks anyway.

use model::time::civil_from_days;

use crate::zone::Zone;

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Formats `value` with exactly `decimals` decimal places, rounded half away from zero. Above about 10^18 smallest
/// units the digits are those of the nearest `f64`; above 10^37 of them the decimals are omitted. A value that is not
/// finite is `–`.
pub fn format_fixed(value: f64, decimals: u32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let scaled = (value * pow10(decimals)).round();
    if scaled.abs() < 1e37 {
        #[expect(clippy::cast_possible_truncation, reason = "checked to fit just above")]
        format_units(scaled as i128, decimals)
    } else if value.abs() < 1e37 {
        #[expect(clippy::cast_possible_truncation, reason = "checked to fit just above")]
        format_units(value.round() as i128, 0)
    } else {
        "–".to_owned()
    }
}

/// Formats a number of smallest units with `decimals` decimal places (`-5`, 2 is `−0.05`).
pub(crate) fn format_units(units: i128, decimals: u32) -> String {
    let mut digits = units.unsigned_abs().to_string();
    let decimals = decimals as usize;
    if decimals > 0 {
        if digits.len() <= decimals {
            digits.insert_str(0, &"0".repeat(decimals + 1 - digits.len()));
        }
        digits.insert(digits.len() - decimals, '.');
    }
    if units < 0 {
        digits.insert(0, '-');
    }
    grouped(&digits)
}

/// Groups the digits before the point of plain decimal text by threes and uses a true minus sign.
pub(crate) fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("−", digits));
    let n_whole = digits.find('.').unwrap_or(digits.len());
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str(sign);
    for (idx, character) in digits.char_indices() {
        if idx > 0 && idx < n_whole && (n_whole - idx).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(character);
    }
    out
}

/// Returns 10 to the power of `decimals`, for pixel arithmetic.
pub(crate) fn pow10(decimals: u32) -> f64 {
    10_f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX))
}

/// Formats like [`format_fixed`], with a plus sign for values above zero.
pub(crate) fn format_signed(value: f64, decimals: u32) -> String {
    let text = format_fixed(value, decimals);
    let is_above = value > 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if is_above { format!("+{text}") } else { text }
}

/// Formats the change from `from` to `to` as `+1.24 %`; `–` if there is no such percentage.
pub fn format_change(from: f64, to: f64) -> String {
    let percent = (to - from) / from.abs() * 100.0;
    let text = format_fixed(percent, 2);
    match text.as_str() {
        "–" => text,
        _ if percent > 0.0 && text != "0.00" => format!("+{text} %"),
        _ => format!("{text} %"),
    }
}

/// An instant's date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    /// Milliseconds since midnight.
    pub(crate) day_ms: i64,
}

impl Civil {
    /// Of civil milliseconds since 1970-01-01 00:00.
    pub(crate) fn of(local_ms: i64) -> Self {
        let (year, month, day) = civil_from_days(local_ms.div_euclid(DAY_MS));
        Self { year, month, day, day_ms: local_ms.rem_euclid(DAY_MS) }
    }

    /// Formats the date as `9 Aug`.
    pub(crate) fn date(self) -> String {
        format!("{} {}", self.day, self.month_name())
    }

    /// Returns the month as `Aug`.
    pub(crate) fn month_name(self) -> &'static str {
        MONTHS.get(self.month as usize - 1).copied().unwrap_or("–")
    }

    /// Formats the time as `14:05`, or `14:05:30` with seconds.
    pub(crate) fn time_of_day(self, seconds: Seconds) -> String {
        let total = self.day_ms / 1_000;
        let (hours, minutes) = (total / 3_600, total / 60 % 60);
        match seconds {
            Seconds::Shown => format!("{hours:02}:{minutes:02}:{:02}", total % 60),
            Seconds::Hidden => format!("{hours:02}:{minutes:02}"),
        }
    }
}

/// Precision of a time of day: with seconds or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seconds {
    Shown,
    Hidden,
}

/// Formats a bar's open time for crosshair and legend: date, and time as precise as the interval needs.
pub(crate) fn format_bar_time(time_ms: i64, interval_ms: i64, zone: Zone) -> String {
    let civil = Civil::of(zone.local_ms(time_ms));
    let date = format!("{} {}", civil.date(), civil.year);
    if interval_ms >= DAY_MS {
        date
    } else if interval_ms < 60_000 {
        format!("{date} {}", civil.time_of_day(Seconds::Shown))
    } else {
        format!("{date} {}", civil.time_of_day(Seconds::Hidden))
    }
}

/// Formats the time left until a bar closes: `0:42`, `59:03`, `1:02:09`, `2d 03h`.
pub(crate) fn format_countdown(left_ms: i64) -> String {
    let total = (left_ms.max(0) + 999) / 1_000;
    let (hours, minutes, seconds) = (total / 3_600, total / 60 % 60, total % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        1..48 => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{}d {:02}h", hours / 24, hours % 24),
    }
}

/// Returns the days since 1970-01-01 of a proleptic Gregorian date.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Grouped.
    const TWO_TO_THE_90: &str =
        "1\u{202f}237\u{202f}940\u{202f}039\u{202f}285\u{202f}380\u{202f}274\u{202f}899\u{202f}124\u{202f}224";

    #[test]
    fn fixed_decimals_keep_zeros_and_signs() {
        #[track_caller]
        fn check(value: f64, decimals: u32, expected: &str) {
            assert_eq!(format_fixed(value, decimals), expected, "{value} at {decimals}");
        }
        check(61_602.01, 2, "61\u{202f}602.01");
        check(61_602.0, 2, "61\u{202f}602.00");
        check(0.05, 2, "0.05");
        check(-0.05, 2, "−0.05");
        check(-0.001, 2, "0.00");
        check(0.000_000_01, 8, "0.00000001");
        check(5.0, 0, "5");
        check(-999.5, 1, "−999.5");
        check(1_000.0, 3, "1\u{202f}000.000");
        check(2_f64.powi(90), 0, TWO_TO_THE_90);
        check(2_f64.powi(90), 28, TWO_TO_THE_90);
        check(1e300, 2, "–");
        check(f64::NAN, 2, "–");
        check(f64::NEG_INFINITY, 2, "–");
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!(format_change(100.0, 101.24), "+1.24 %");
        assert_eq!(format_change(100.0, 98.5), "−1.50 %");
        assert_eq!(format_change(100.0, 100.0), "0.00 %");
        assert_eq!(format_change(100_000.0, 99_999.9), "0.00 %");
        assert_eq!(format_change(100_000.0, 100_000.1), "0.00 %");
        assert_eq!(format_change(-10.0, -9.0), "+10.00 %");
        assert_eq!(format_change(0.0, 1.0), "–");
        assert_eq!(format_change(0.0, 0.0), "–");
    }

    #[test]
    fn times_are_as_fine_as_the_interval() {
        let time = 1_723_161_601_273;
        assert_eq!(format_bar_time(time, 1_000, Zone::UTC), "9 Aug 2024 00:00:01");
        assert_eq!(format_bar_time(time, 60_000, Zone::UTC), "9 Aug 2024 00:00");
        assert_eq!(format_bar_time(time, DAY_MS, Zone::UTC), "9 Aug 2024");
        assert_eq!(format_bar_time(time, 60_000, Zone::of(|_| -3_600_000)), "8 Aug 2024 23:00");
    }

    #[test]
    fn countdowns_round_up_to_the_second() {
        for (left_ms, expected) in [
            (-5, "0:00"),
            (1, "0:01"),
            (42_000, "0:42"),
            (3_600_000, "1:00:00"),
            (3_543_000, "59:03"),
            (180_000_000, "2d 02h"),
        ] {
            assert_eq!(format_countdown(left_ms), expected, "{left_ms}");
        }
    }

    proptest! {
        #[test]
        fn dates_round_trip(days in -1_000_000_i64..1_000_000) {
            let (year, month, day) = civil_from_days(days);
            prop_assert_eq!(days_from_civil(year, month, day), days);
        }

        #[test]
        fn fixed_is_the_integer_with_a_point(units in -9_000_000_000_000_i64..9_000_000_000_000, decimals in 0_u32..9) {
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let value = units as f64 / pow10(decimals);
            prop_assert_eq!(format_fixed(value, decimals), format_units(i128::from(units), decimals));
        }
    }
}
