//! Price to y, linear or logarithmic, and its ticks at 1-2-5 steps of whole smallest units.

use crate::format::{format_fixed, format_units, pow10};

/// Spacing of prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceMode {
    /// Equal differences are equally high.
    #[default]
    Linear,
    /// Equal ratios are equally high.
    Log,
}

/// A price axis. Never empty and always finite, even for bars that all have one price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceScale {
    mode: PriceMode,
    /// The ends: prices, or their natural logarithms.
    low: f64,
    high: f64,
    top: i32,
    bottom: i32,
}

/// A labelled price.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceTick {
    /// Pixel row.
    pub y: i32,
    /// The price with the instrument's decimals.
    pub label: String,
}

/// The fewest smallest units an axis spans: a flat market is a line in the middle, not noise over the whole height.
const LEAST_UNITS: f64 = 4.0;

/// `f64` cannot draw ranges below this share of the price.
const LEAST_SHARE: f64 = 1e-9;

impl PriceScale {
    /// Creates the axis that shows `low..=high` between the pixel rows `top` and `bottom`; a range that is flat or not
    /// finite is widened to a few units of the last decimal. A range that is not above zero has no logarithms and stays
    /// linear.
    pub fn new(mode: PriceMode, low: f64, high: f64, decimals: u32, top: i32, bottom: i32) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low.min(high), low.max(high)) } else { (0.0, 0.0) };
        let least = (LEAST_UNITS / pow10(decimals)).max(low.abs().max(high.abs()) * LEAST_SHARE);
        let missing = (least - (high - low)).max(0.0) / 2.0;
        let (low, high) = (low - missing, high + missing);
        let linear = Self { mode: PriceMode::Linear, low, high, top, bottom: bottom.max(top + 1) };
        if mode == PriceMode::Linear || low <= 0.0 {
            return linear;
        }
        Self { mode, low: low.ln(), high: high.ln(), ..linear }
    }

    /// Returns the same range between other pixel rows.
    #[must_use]
    pub fn between(self, top: i32, bottom: i32) -> Self {
        Self { top, bottom: bottom.max(top + 1), ..self }
    }

    /// Returns the range `factor` times as wide around its middle; unchanged if it would be too narrow or too wide for
    /// `f64`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let (middle, half) = ((self.low + self.high) / 2.0, (self.high - self.low) / 2.0 * factor);
        let most = if self.mode == PriceMode::Log { MOST_LOG } else { MOST_PRICE };
        if half > middle.abs() * LEAST_SHARE && half > LEAST_HALF && half < most {
            Self { low: middle - half, high: middle + half, ..self }
        } else {
            self
        }
    }

    /// Returns the range moved by `pixels`, so that prices move down if positive.
    #[must_use]
    pub fn moved(self, pixels: f64) -> Self {
        let by = pixels / f64::from(self.bottom - self.top) * (self.high - self.low);
        let (low, high) = (self.low + by, self.high + by);
        let most = if self.mode == PriceMode::Log { MOST_LOG } else { MOST_PRICE };
        if low > -most && high < most { Self { low, high, ..self } } else { self }
    }

    /// Returns the exact pixel row of `price`; outside the axis for prices outside it.
    pub fn y_of(&self, price: f64) -> f64 {
        let place = if self.mode == PriceMode::Log { price.max(f64::MIN_POSITIVE).ln() } else { price };
        f64::from(self.bottom) - (place - self.low) / (self.high - self.low) * f64::from(self.bottom - self.top)
    }

    /// Returns the nearest pixel row of `price`, clamped for prices far outside the screen.
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    pub fn row_of(&self, price: f64) -> i32 {
        self.y_of(price).round().clamp(-FAR, FAR) as i32
    }

    /// Returns the price at pixel row `y`.
    pub fn price_of(&self, y: f64) -> f64 {
        let place =
            self.low + (f64::from(self.bottom) - y) / f64::from(self.bottom - self.top) * (self.high - self.low);
        if self.mode == PriceMode::Log { place.exp() } else { place }
    }

    /// Returns the price at pixel row `y` as text with `decimals` decimal places.
    pub fn label_of(&self, y: f64, decimals: u32) -> String {
        format_fixed(self.price_of(y), decimals)
    }

    /// Returns the ticks within the pixel rows `rows` (first and last), at least `gap` pixels apart, lowest price
    /// first. Steps are 1, 2 or 5 times a power of ten and never below one unit of the last decimal.
    pub fn ticks(&self, rows: (i32, i32), gap: f64, decimals: u32) -> Vec<PriceTick> {
        let (scale, gap) = (pow10(decimals), gap.max(1.0));
        let (lowest, highest) = (self.price_of(f64::from(rows.1)), self.price_of(f64::from(rows.0)));
        // The price one gap above another, and the step from there; both in units of the last decimal.
        let above = |units: f64| self.price_of(self.y_of(units / scale) - gap) * scale;
        let step_at = |units: f64| match self.mode {
            PriceMode::Linear => nice_step((self.high - self.low) * scale * gap / f64::from(self.bottom - self.top)),
            PriceMode::Log => nice_step(above(units) - units),
        };
        let mut step = step_at(lowest * scale);
        let mut units = (lowest * scale / step).ceil() * step;
        let mut ticks = Vec::new();
        // The gap guarantees the limit; the limit also ends the loop where `f64` is too coarse to advance.
        for _ in 0..MAX_TICKS {
            let price = units / scale;
            if price > highest || !price.is_finite() {
                break;
            }
            #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
            let label =
                if units.abs() < 1e15 { format_units(units as i128, decimals) } else { format_fixed(price, decimals) };
            ticks.push(PriceTick { y: self.row_of(price), label });
            units = match self.mode {
                PriceMode::Linear => units + step,
                PriceMode::Log => {
                    step = step_at(units);
                    (above(units) / step).ceil() * step
                }
            };
        }
        ticks
    }
}

/// The widest ranges that a reader may choose: prices, and natural logarithms of prices.
const MOST_PRICE: f64 = 1e30;
const MOST_LOG: f64 = 83.0;

/// The narrowest, where the prices are about zero.
const LEAST_HALF: f64 = 1e-28;

/// Returns the smallest of 1, 2 and 5 times a power of ten that is at least `least` and at least 1.
pub(crate) fn nice_step(least: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 < least {
        power *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|&step| step >= least).unwrap_or(power * 10.0)
}

/// A distance in pixels beyond any screen; keeps casts and backends in range.
pub(crate) const FAR: f64 = 100_000.0;

const MAX_TICKS: u32 = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(low: f64, high: f64, decimals: u32, expected: &[&str]) {
        let scale = PriceScale::new(PriceMode::Linear, low, high, decimals, 0, 400);
        let labels: Vec<_> = scale.ticks((0, 400), 40.0, decimals).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ticks_stand_at_round_prices() {
        check(580.3, 624.9, 2, &["585.00", "590.00", "595.00", "600.00", "605.00", "610.00", "615.00", "620.00"]);
        check(
            0.000_000_16,
            0.000_000_33,
            8,
            &[
                "0.00000016",
                "0.00000018",
                "0.00000020",
                "0.00000022",
                "0.00000024",
                "0.00000026",
                "0.00000028",
                "0.00000030",
                "0.00000032",
            ],
        );
        check(-3.0, 4.0, 0, &["−3", "−2", "−1", "0", "1", "2", "3", "4"]);
        check(
            9_400.0,
            11_700.0,
            0,
            &["9\u{202f}500", "10\u{202f}000", "10\u{202f}500", "11\u{202f}000", "11\u{202f}500"],
        );
    }

    #[test]
    fn a_flat_market_has_an_axis() {
        check(100.0, 100.0, 2, &["99.98", "99.99", "100.00", "100.01", "100.02"]);
        check(0.0, 0.0, 0, &["−2", "−1", "0", "1", "2"]);
        check(f64::NAN, f64::INFINITY, 0, &["−2", "−1", "0", "1", "2"]);
        let scale = PriceScale::new(PriceMode::Linear, 100.0, 100.0, 2, 0, 400);
        assert_eq!(scale.row_of(100.0), 200);
    }

    #[test]
    fn log_ticks_stand_at_round_prices_and_far_enough_apart() {
        #[track_caller]
        fn check(low: f64, high: f64, decimals: u32, expected: &[(&str, i32)]) {
            let scale = PriceScale::new(PriceMode::Log, low, high, decimals, 0, 400);
            let ticks = scale.ticks((0, 400), 40.0, decimals);
            let found: Vec<_> = ticks.iter().map(|tick| (tick.label.as_str(), tick.y)).collect();
            assert_eq!(found, expected);
        }
        // Rows by hand: 400 − 400 · ln(price / low) / ln(high / low).
        check(
            0.9,
            1_100.0,
            0,
            &[("1", 394), ("4", 316), ("10", 265), ("40", 186), ("100", 135), ("400", 57), ("1\u{202f}000", 5)],
        );
        check(
            99.0,
            205.0,
            2,
            &[
                ("100.00", 394),
                ("110.00", 342),
                ("120.00", 294),
                ("130.00", 250),
                ("140.00", 210),
                ("160.00", 136),
                ("180.00", 71),
                ("200.00", 14),
            ],
        );
    }

    #[test]
    fn prices_that_are_not_above_zero_have_no_logarithms() {
        let linear = PriceScale::new(PriceMode::Linear, -3.0, 4.0, 0, 0, 400);
        assert_eq!(PriceScale::new(PriceMode::Log, -3.0, 4.0, 0, 0, 400), linear);
        // A price of zero on an axis of others is far below.
        assert!(PriceScale::new(PriceMode::Log, 1.0, 4.0, 0, 0, 400).y_of(0.0) > 1_000.0);
    }

    #[test]
    fn a_range_is_scaled_around_its_middle_and_moved_by_pixels() {
        let linear = PriceScale::new(PriceMode::Linear, 100.0, 200.0, 2, 0, 400);
        let ends = |scale: PriceScale| [400.0, 0.0].map(|y| (scale.price_of(y) * 100.0).round() / 100.0);
        assert_eq!(ends(linear.scaled(2.0)), [50.0, 250.0]);
        assert_eq!(ends(linear.moved(100.0)), [125.0, 225.0]);
        let log = PriceScale::new(PriceMode::Log, 100.0, 400.0, 2, 0, 400);
        assert_eq!(ends(log.scaled(2.0)), [50.0, 800.0]);
        assert_eq!(ends(log.moved(200.0)), [200.0, 800.0]);
        for nonsense in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert_eq!(log.scaled(nonsense), log, "{nonsense}");
        }
        for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(log.moved(nonsense), log, "{nonsense}");
        }
    }

    #[test]
    fn steps_are_one_two_five() {
        for (least, expected) in [
            (0.0, 1.0),
            (0.3, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (3.0, 5.0),
            (5.5, 10.0),
            (11.0, 20.0),
            (99.0, 100.0),
            (101.0, 200.0),
        ] {
            assert_eq!(nice_step(least), expected, "{least}");
        }
    }

    proptest! {
        #[test]
        fn price_and_row_are_inverse(low in -1e9..1e9_f64, span in 0.0..1e9_f64, share in 0.0..1.0_f64, height in 1..4_000) {
            let scale = PriceScale::new(PriceMode::Linear, low, low + span, 2, 10, 10 + height);
            let price = scale.price_of(10.0 + share * f64::from(height));
            prop_assert!((scale.y_of(price) - (10.0 + share * f64::from(height))).abs() < 1e-3);
        }

        #[test]
        fn ticks_are_in_range_and_apart(
            mantissa in -1e9..1e9_f64, exponent in -28..28_i32, span in 0.0..1.0_f64, decimals in 0_u32..=28, height in 1..3_000,
            is_log in any::<bool>(),
        ) {
            let mode = if is_log { PriceMode::Log } else { PriceMode::Linear };
            let low = mantissa * 10_f64.powi(exponent);
            let scale = PriceScale::new(mode, low, low + low.abs() * span, decimals, 0, height);
            let ticks = scale.ticks((0, height), 40.0, decimals);
            prop_assert!(ticks.len() <= 2 + height as usize / 40);
            for tick in &ticks {
                prop_assert!((-1..=height + 1).contains(&tick.y), "{:?}", tick);
            }
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].y - pair[1].y >= 39, "{:?}", pair);
            }
            prop_assert!(scale.y_of(low).is_finite() && scale.price_of(0.0).is_finite());
        }
    }
}
