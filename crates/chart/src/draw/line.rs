//! Closes as a line or an area, and lines of indicators: one point a bar, joined across intervals without trades.

use std::ops::Range;

use plotters_backend::DrawingBackend;

use super::pen::{Ink, Pen, PenResult};
use crate::{
    decimate,
    layout::{Layout, Rect},
    scale::{PriceScale, TimeScale},
    series::Series,
};

/// Draws `value_of` the bars in `range` inside `pane`, and the stroke to the first of them from the bar before; bars without a value
/// have no point.
pub(crate) fn draw_line<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (series, range): (&Series, Range<usize>),
    (layout, pane): (&Layout, Rect),
    (time, price): (&TimeScale, &PriceScale),
    value_of: impl Fn(usize) -> Option<f64>,
    (ink, fill): (Ink, Option<Ink>),
) -> PenResult<DB> {
    let times = series.open_time_ms();
    let points = (range.start.saturating_sub(1)..range.end)
        .filter_map(|idx| Some((time.column_of_time(times[idx]), price.row_of(value_of(idx)?))));
    let points = decimate::line(points);
    if let Some(fill) = fill {
        for pair in points.windows(2) {
            fill_below(pen, pair[0], pair[1], pane, fill)?;
        }
    }
    pen.line(&points, pane, layout.px(LINE_PX), ink)
}

/// Fills the columns below a stroke, the last one excepted: it belongs to the next stroke.
fn fill_below<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    from: (i32, i32),
    to: (i32, i32),
    plot: Rect,
    ink: Ink,
) -> PenResult<DB> {
    let slope = f64::from(to.1 - from.1) / f64::from((to.0 - from.0).max(1));
    for x in from.0.max(plot.x0)..to.0.min(plot.x1) {
        #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
        let y0 = from.1 + (slope * f64::from(x - from.0)).round() as i32;
        pen.fill(Rect { x0: x, x1: x + 1, y0, y1: plot.y1 }, plot, ink)?;
    }
    Ok(())
}

/// Width of the lines in CSS pixels.
const LINE_PX: f64 = 1.5;
