//! Cumulative volume delta: a stepped line in its own pane, one step a bar; broken where the sum is unknown.

use std::ops::Range;

use plotters_backend::DrawingBackend;

use super::{
    pane::PaneScale,
    pen::{Ink, Pen, PenResult},
};
use crate::{
    layout::{Layout, Rect},
    scale::TimeScale,
    series::Series,
    theme::Theme,
};

/// Creates the pane's axis for the bars in `range`, exact to at most `size_decimals`; `None` if their delta is unknown.
pub(crate) fn delta_scale(
    series: &Series,
    range: Range<usize>,
    size_decimals: u32,
    layout: &Layout,
) -> Option<PaneScale> {
    let totals = || range.clone().filter_map(|idx| series.cumulative_delta(idx));
    let extent = (totals().reduce(f64::min)?, totals().reduce(f64::max)?);
    Some(PaneScale::rounded(extent, size_decimals, layout.delta, layout))
}

/// Draws the steps of the bars in `range`, each from the previous one.
pub(crate) fn draw_delta<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    (series, range): (&Series, Range<usize>),
    layout: &Layout,
    (time, scale): (&TimeScale, &PaneScale),
    theme: &Theme,
    alpha: f64,
) -> PenResult<DB> {
    let (pane, line) = (layout.delta, layout.line);
    let ink = Ink::mix(theme.text, alpha);
    let times = series.open_time_ms();
    let point = |idx: usize| {
        let row = scale.axis.row_of(series.cumulative_delta(idx)?);
        Some((time.column_of_time(*times.get(idx)?), row))
    };
    let mut before = range.start.checked_sub(1).and_then(point);
    for idx in range {
        let Some((x, row)) = point(idx) else {
            before = None;
            continue;
        };
        match before {
            // Bars of one pixel column form one stroke.
            Some((left, from)) => {
                pen.fill(Rect { x0: left, x1: x, y0: from, y1: from + line }, pane, ink)?;
                pen.fill(Rect { x0: x, x1: x + line, y0: from.min(row), y1: from.max(row) + line }, pane, ink)?;
            }
            None => pen.fill(Rect { x0: x, x1: x + line, y0: row, y1: row + line }, pane, ink)?,
        }
        before = Some((x, row));
    }
    Ok(())
}
