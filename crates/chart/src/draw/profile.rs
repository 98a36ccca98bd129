//! Volume profile: bars from the right edge of the plot, as long as the volume traded at their prices.

use plotters_backend::DrawingBackend;

use super::pen::{Ink, Pen, PenResult};
use crate::{
    format::pow10,
    layout::{Layout, Rect},
    profile::Profile,
    scale::{PriceScale, nice_step},
    theme::Theme,
};

/// Returns the height of a row in prices: a round number of units of the last decimal that is at least a few pixels
/// high.
pub(crate) fn row_step(price: &PriceScale, layout: &Layout, decimals: u32) -> f64 {
    let of_pixels = (price.price_of(0.0) - price.price_of(ROW_PX * layout.ratio)).abs();
    nice_step(of_pixels * pow10(decimals)) / pow10(decimals)
}

/// Draws the rows: volume bought, volume sold and volume of unknown side; stronger in the value area. The row with the
/// most volume has a line across the plot.
pub(crate) fn draw_profile<DB: DrawingBackend>(
    pen: &mut Pen<'_, DB>,
    profile: &Profile,
    layout: &Layout,
    price: &PriceScale,
    theme: &Theme,
    alpha: f64,
) -> PenResult<DB> {
    let plot = layout.plot;
    let per_volume = f64::from(plot.width()) * WIDTH / profile.most();
    for ((low, high), row, is_inside) in profile.rows() {
        let (y0, y1) = (price.row_of(high), price.row_of(low));
        // One line between two rows stays free if there is room.
        let y0 = if y1 - y0 > 2 * layout.line { y0 + layout.line } else { y0 };
        let opacity = alpha * if is_inside { VALUE_OPACITY } else { OPACITY };
        let mut right = f64::from(plot.x1);
        for (volume, colour) in [(row.bought, theme.up), (row.sold, theme.down), (row.unsided, theme.muted)] {
            let left = right - volume * per_volume;
            #[expect(clippy::cast_possible_truncation, reason = "within the plot")]
            let rect = Rect { x0: left.round() as i32, x1: right.round() as i32, y0, y1 };
            pen.fill(rect, plot, Ink::mix(colour, opacity))?;
            right = left;
        }
    }
    let y = price.row_of(profile.control_price());
    let line = Rect { y0: y, y1: y + layout.line, ..plot };
    pen.fill(line, plot, Ink::mix(theme.text, alpha * CONTROL_OPACITY))
}

/// Share of the plot's width taken by the longest row.
const WIDTH: f64 = 0.25;
/// Minimum height of a row in CSS pixels.
const ROW_PX: f64 = 5.0;
const OPACITY: f64 = 0.14;
const VALUE_OPACITY: f64 = 0.28;
const CONTROL_OPACITY: f64 = 0.35;
