//! The crosshair: dashed lines through the cursor and the bar under it, with inverse labels on both axes.

use plotters_backend::{DrawingBackend, text_anchor::HPos};

use super::{
    grid_axes::half_width,
    last_price::ROW_PX,
    pen::{Font, Ink, Pen, PenResult},
};
use crate::{
    layout::{LABEL_PADDING_PX, Layout, Rect},
    theme::Theme,
};

/// The position of the lines and the texts of the labels.
#[derive(Clone, Debug)]
pub(crate) struct Crosshair {
    /// The middle of the slot under the cursor.
    pub(crate) x: i32,
    /// The cursor's row.
    pub(crate) y: i32,
    /// Start of the slot.
    pub(crate) time: String,
    /// Price or delta at the cursor's row; empty over the time axis.
    pub(crate) value: String,
}

/// Draws lines and labels.
pub(crate) fn draw_crosshair<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    crosshair: &Crosshair,
    layout: &Layout,
    font: Font<'_>,
    theme: &Theme,
) -> PenResult<DB> {
    let (plot, line, dash) = (layout.columns(), layout.line, layout.px(DASH_PX));
    let (x, y) = (crosshair.x, crosshair.y);
    pen.dashes(Rect { x0: x, x1: x + line, ..plot }, plot, dash, theme.muted.into())?;
    pen.dashes(Rect { y0: y, y1: y + line, ..plot }, plot, dash, theme.muted.into())?;

    let (fill, ink) = (Ink::from(theme.text), Ink::from(theme.background));
    let (row, padding) = (layout.px(ROW_PX), layout.px(LABEL_PADDING_PX));
    let axis = layout.price_axis;
    let y0 = (y - row / 2).min(plot.y1 - row).max(plot.y0);
    if !crosshair.value.is_empty() {
        pen.fill(Rect { x0: axis.x0, y0, x1: axis.x1, y1: y0 + row }, layout.surface, fill)?;
        pen.axis_text(&crosshair.value, y0 + row / 2, layout, font, ink)?;
    }

    let half = half_width(&crosshair.time, layout) + padding;
    let middle = x.min(plot.x1 - half).max(plot.x0 + half);
    let foot = layout.time_axis;
    let label =
        Rect { x0: middle - half, y0: foot.y0, x1: middle + half, y1: foot.y1.min(foot.y0 + layout.px(FOOT_PX)) };
    pen.fill(label, layout.surface, fill)?;
    pen.text(&crosshair.time, (middle, (foot.y0 + foot.y1) / 2), HPos::Center, font, ink)
}

const DASH_PX: f64 = 2.0;

/// Height of the time label in CSS pixels: the whole time axis.
const FOOT_PX: f64 = 22.0;
