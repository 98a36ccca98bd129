//! Volume bars at the foot of the plot, as wide as the candles above and coloured like them.

use std::ops::Range;

use plotters_backend::DrawingBackend;

use super::{
    candles::Widths,
    pen::{Ink, Pen, PenResult},
};
use crate::{decimate::columns, layout::Layout, scale::TimeScale, series::Series, theme::Theme};

/// Draws the volume of the bars in `range`, the largest over the whole height of the foot. No volume draws nothing; any
/// other draws at least one line.
pub(crate) fn draw_volume<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (series, range): (&Series, Range<usize>),
    layout: &Layout,
    time: &TimeScale,
    theme: &Theme,
    alpha: f64,
) -> PenResult<DB> {
    let largest = columns(series, range.clone(), time).map(|column| column.bar.volume).fold(0.0, f64::max);
    if largest <= 0.0 || !largest.is_finite() {
        return Ok(());
    }
    let widths = Widths::new(time.slot_width(), layout.line);
    for column in columns(series, range, time).filter(|column| column.bar.volume > 0.0) {
        let ink = Ink::mix(if column.bar.is_up() { theme.up } else { theme.down }, alpha * OPACITY);
        #[expect(clippy::cast_possible_truncation, reason = "a share of the height")]
        let height = (column.bar.volume / largest * f64::from(layout.volume.height())).round() as i32;
        let bottom = layout.volume.y1;
        pen.fill(widths.body_at(column.x, bottom - height.max(layout.line), bottom), layout.volume, ink)?;
    }
    Ok(())
}

const OPACITY: f64 = 0.3;
