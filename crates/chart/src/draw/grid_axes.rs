//! Background, grid lines, the edges of the axes and their labels.

use plotters_backend::{DrawingBackend, text_anchor::HPos};

use super::pen::{Font, Ink, Pen, PenResult};
use crate::{
    layout::{Layout, Rect},
    scale::{PriceTick, TimeTick},
    theme::Theme,
};

/// Draws everything below the bars; `zone` names the time zone of the labels. Without ticks, draws only the background
/// and the edges.
pub(crate) fn draw_grid_axes<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    layout: &Layout,
    prices: &[PriceTick],
    times: &[TimeTick],
    zone: &str,
    (font, theme): (Font<'_>, &Theme),
) -> PenResult<DB> {
    let (plot, line) = (layout.plot, layout.line);
    pen.fill(layout.surface, layout.surface, theme.background.into())?;
    for tick in prices {
        pen.fill(Rect { y0: tick.y, y1: tick.y + line, ..plot }, plot, theme.grid.into())?;
    }
    let columns = layout.columns();
    for tick in times {
        pen.fill(Rect { x0: tick.x, x1: tick.x + line, ..columns }, columns, theme.grid.into())?;
    }
    pen.fill(Rect { x0: plot.x1, x1: plot.x1 + line, ..columns }, layout.surface, theme.border.into())?;
    let foot = Rect { x0: plot.x0, y0: columns.y1, x1: layout.surface.x1, y1: columns.y1 + line };
    pen.fill(foot, layout.surface, theme.border.into())?;

    let muted = Ink::from(theme.muted);
    let half = layout.px(LABEL_ROWS_PX / 2.0);
    for tick in prices.iter().filter(|tick| tick.y >= plot.y0 + half && tick.y <= plot.y1 - half) {
        pen.axis_text(&tick.label, tick.y, layout, font, muted)?;
    }
    let middle = (layout.time_axis.y0 + layout.time_axis.y1) / 2;
    for tick in times {
        // A label that would be cut off is omitted; its grid line stays.
        let half = half_width(&tick.label, layout);
        if tick.x - half >= plot.x0 && tick.x + half <= plot.x1 {
            let ink = if tick.is_major { Ink::from(theme.text) } else { muted };
            pen.text(&tick.label, (tick.x, middle), HPos::Center, font, ink)?;
        }
    }
    pen.axis_text(zone, middle, layout, font, muted)
}

/// Returns half of a label's width, estimated from the width of its digits: close enough to tell whether it fits.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a label's length")]
pub(super) fn half_width(label: &str, layout: &Layout) -> i32 {
    (label.chars().count() as f64 * layout.digit_width / 2.0).ceil() as i32
}

/// Height of a line of label text in CSS pixels.
const LABEL_ROWS_PX: f64 = 15.0;
