//! The outputs of indicators: lines, bars from zero and dots, over the prices or in panes of their own.

use std::ops::Range;

use plotters_backend::DrawingBackend;

use super::{
    line::draw_line,
    pen::{Ink, Pen, PenResult},
};
use crate::{
    indicator::{Indicator, IndicatorPane, LineStyle},
    layout::{Layout, Rect},
    scale::{PriceScale, TimeScale},
    series::Series,
    theme::Theme,
};

/// Draws all outputs at the bars in `range`, inside `pane`.
pub(crate) fn draw_indicator<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    indicator: &Indicator,
    (series, range): (&Series, Range<usize>),
    (layout, pane): (&Layout, Rect),
    (time, axis): (&TimeScale, &PriceScale),
    (theme, alpha): (&Theme, f64),
) -> PenResult<DB> {
    let times = series.open_time_ms();
    for (line, output) in indicator.plot.lines.iter().enumerate() {
        let value_of = |idx: usize| indicator.value(line, times[idx]);
        let ink = Ink::mix(theme.indicator(output.colour), alpha);
        match output.style {
            LineStyle::Line => {
                draw_line(pen, (series, range.clone()), (layout, pane), (time, axis), value_of, (ink, None))?;
            }
            LineStyle::Hidden => {}
            LineStyle::Dots => {
                let half = layout.px(DOT_PX / 2.0);
                for idx in range.clone() {
                    let Some(value) = value_of(idx) else { continue };
                    let (x, y) = (time.column_of_time(times[idx]), axis.row_of(value));
                    pen.fill(Rect { x0: x - half, x1: x + half, y0: y - half, y1: y + half }, pane, ink)?;
                }
            }
            LineStyle::Histogram => {
                let zero = axis.row_of(0.0);
                for idx in range.clone() {
                    let Some(value) = value_of(idx) else { continue };
                    let (x, y) = (time.column_of_time(times[idx]), axis.row_of(value));
                    let half = (time.slot_width() * BAR_SHARE / 2.0).max(0.5);
                    #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
                    let half = half.round() as i32;
                    let colour = if value < 0.0 { theme.down } else { theme.up };
                    let bar = Rect {
                        x0: x - half,
                        x1: (x + half).max(x - half + 1),
                        y0: y.min(zero),
                        y1: y.max(zero).max(y.min(zero) + layout.line),
                    };
                    pen.fill(bar, pane, Ink::mix(colour, alpha * BAR_OPACITY))?;
                }
            }
        }
    }
    Ok(())
}

/// Draws the levels of a pane (`30` and `70`), dashed.
pub(crate) fn draw_levels<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    indicator: &Indicator,
    (layout, pane): (&Layout, Rect),
    axis: &PriceScale,
    theme: &Theme,
) -> PenResult<DB> {
    let IndicatorPane::Own { levels, .. } = &indicator.plot.pane else { return Ok(()) };
    for level in levels {
        let y = axis.row_of(*level);
        let line = Rect { y0: y, y1: y + layout.line, ..pane };
        pen.dashes(line, pane, layout.px(DASH_PX), theme.border.into())?;
    }
    Ok(())
}

const DOT_PX: f64 = 3.0;
const DASH_PX: f64 = 3.0;
/// Share of a bar's slot that a histogram's bar takes.
const BAR_SHARE: f64 = 0.6;
const BAR_OPACITY: f64 = 0.7;
