//! The last price: a dashed line across the plot and a filled label on the axis, with the time left in the bar below.

use plotters_backend::DrawingBackend;

use super::pen::{Font, Ink, Pen, PenResult};
use crate::{
    layout::{Layout, Rect},
    theme::{Rgb, Theme},
};

/// The contents of the line and its label.
#[derive(Clone, Debug)]
pub(crate) struct LastPrice {
    /// Pixel row, possibly outside the plot: then the label sticks to the plot's edge and the line is not drawn.
    pub(crate) y: i32,
    /// Exact, with the instrument's decimals.
    pub(crate) label: String,
    /// Time until the bar closes, if the clock is known.
    pub(crate) countdown: Option<String>,
    /// The colour of the last bar's direction, or muted if it is stale.
    pub(crate) colour: Rgb,
}

/// Draws line and label.
pub(crate) fn draw_last_price<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    last: &LastPrice,
    layout: &Layout,
    font: Font<'_>,
    theme: &Theme,
) -> PenResult<DB> {
    let plot = layout.plot;
    let line = Rect { y0: last.y, y1: last.y + layout.line, ..plot };
    pen.dashes(line, plot, layout.px(DASH_PX), last.colour.into())?;

    let row = layout.px(ROW_PX);
    let height = if last.countdown.is_some() { row * 2 } else { row };
    // The price's row stays at the line; the countdown is below it, or above if there is no room.
    let y0 = (last.y - row / 2).min(plot.y1 - height).max(plot.y0);
    let axis = layout.price_axis;
    let label = Rect { x0: axis.x0, y0, x1: axis.x1, y1: y0 + height };
    pen.fill(label, layout.surface, last.colour.into())?;
    let ink = Ink::from(theme.background);
    pen.axis_text(&last.label, y0 + row / 2, layout, font, ink)?;
    match &last.countdown {
        Some(countdown) => pen.axis_text(countdown, y0 + row + row / 2, layout, font, ink),
        None => Ok(()),
    }
}

const DASH_PX: f64 = 3.0;

/// Height of one row of a label in CSS pixels.
pub(super) const ROW_PX: f64 = 17.0;
