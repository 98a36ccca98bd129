//! Volume bars at the bottom of the plot, as wide as the candles above and in their colours.

use std::ops::Range;

use plotters_backend::DrawingBackend;

use super::{
    candles::Widths,
    pen::{Ink, Pen, PenResult},
};
use crate::{decimate::columns, layout::Layout, scale::TimeScale, series::Series, theme::Theme};

/// Returns the volume represented by the full height of the strip: the largest volume of a column of `range`, rounded
/// up by an eighth at most. The rounding keeps all other bars unchanged while the largest still grows. 0 without any
/// volume.
pub(crate) fn volume_top(series: &Series, range: Range<usize>, time: &TimeScale) -> f64 {
    let largest = columns(series, range, time).map(|column| column.bar.volume).fold(0.0, f64::max);
    if largest < f64::MIN_POSITIVE || !largest.is_finite() {
        return 0.0;
    }
    // The power of two at or below: the mantissa's bits are zero.
    let step = f64::from_bits(largest.to_bits() & EXPONENT) / 8.0;
    (largest / step).ceil() * step
}

/// Draws the volume of the bars in `range`; `top` fills the whole height of the strip. Zero volume draws nothing; any
/// other volume draws at least one line.
pub(crate) fn draw_volume<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (series, range): (&Series, Range<usize>),
    layout: &Layout,
    (time, top): (&TimeScale, f64),
    theme: &Theme,
    alpha: f64,
) -> PenResult<DB> {
    if top <= 0.0 || !top.is_finite() {
        return Ok(());
    }
    let widths = Widths::new(time.slot_width(), layout.line);
    for column in columns(series, range, time).filter(|column| column.bar.volume > 0.0) {
        let ink = Ink::mix(if column.bar.is_up() { theme.up } else { theme.down }, alpha * OPACITY);
        #[expect(clippy::cast_possible_truncation, reason = "a share of the height")]
        let height = (column.bar.volume / top * f64::from(layout.volume.height())).round() as i32;
        let bottom = layout.volume.y1;
        pen.fill(widths.body_at(column.x, bottom - height.max(layout.line), bottom), layout.volume, ink)?;
    }
    Ok(())
}

const OPACITY: f64 = 0.3;

/// The exponent's bits of a positive number.
const EXPONENT: u64 = 0x7ff0_0000_0000_0000;

#[cfg(test)]
mod tests {
    use model::decimal::Quantity;

    use super::*;
    use crate::series::tests::bar;

    #[test]
    fn a_growing_bar_seldom_moves_the_top() {
        #[track_caller]
        fn check(volume: &str, expected: f64) {
            let mut series = Series::default();
            let volume = Quantity::parse(volume).unwrap();
            series.set(&[model::candle::Candle { volume, ..bar(0, 100) }]);
            let time = TimeScale::new(0.0, 4.0, 0, 40, 60_000);
            assert_eq!(volume_top(&series, 0..1, &time), expected);
        }
        check("0", 0.0);
        check("1", 1.0);
        check("1.01", 1.125);
        check("1.12", 1.125);
        check("7.9", 8.0);
        check("9.5", 10.0);
        check("0.3", 0.3125);
    }
}
