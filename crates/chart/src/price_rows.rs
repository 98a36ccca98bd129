//! Rows of prices on a drawn chart, for what is laid over it: lines of orders, levels of a grid.
//!
//! In CSS pixels from the chart's top edge, while everything else in this crate counts device pixels.

use crate::{layout::Layout, scale::PriceScale};

/// The prices of a drawn chart and their rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceRows {
    scale: PriceScale,
    /// First and last row of the plot, device pixels.
    plot: (i32, i32),
    /// Width of the price axis, device pixels.
    axis: i32,
    ratio: f64,
}

impl PriceRows {
    pub(crate) fn new(layout: &Layout, scale: PriceScale) -> Self {
        Self { scale, plot: (layout.plot.y0, layout.plot.y1 - 1), axis: layout.price_axis.width(), ratio: layout.ratio }
    }

    /// Returns the width of the price axis, at the right.
    pub fn axis_width(&self) -> f64 {
        f64::from(self.axis) / self.ratio
    }

    /// Returns the row of a price; `None` if it is outside the plot.
    pub fn y_of(&self, price: f64) -> Option<f64> {
        let y = self.scale.y_of(price);
        (y >= f64::from(self.plot.0) && y <= f64::from(self.plot.1)).then_some(y / self.ratio)
    }

    /// Returns the price at a row, which is first moved into the plot.
    pub fn price_at(&self, y: f64) -> f64 {
        self.scale.price_of((y * self.ratio).clamp(f64::from(self.plot.0), f64::from(self.plot.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        layout::{Panes, Surface},
        scale::PriceMode,
    };

    /// 300 CSS pixels high, of which 22 are the time axis; prices from 100 to 200.
    fn rows(ratio: f64) -> PriceRows {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let side = |css: f64| (css * ratio) as u32;
        let surface = Surface { width: side(400.0), height: side(300.0), ratio, digit_width: 6.0 };
        let layout = Layout::new(&surface, 8, Panes::NONE);
        let (top, bottom) = (layout.plot.y0, layout.plot.y1 - 1);
        PriceRows::new(&layout, PriceScale::new(PriceMode::Linear, 100.0, 200.0, 2, top, bottom))
    }

    #[test]
    fn rows_are_css_pixels_at_any_density() {
        for ratio in [1.0, 2.0] {
            let rows = rows(ratio);
            let middle = rows.y_of(150.0).unwrap();
            assert!((middle - 138.5).abs() < 1.0, "{middle}");
            assert!((rows.price_at(middle) - 150.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_outside_has_no_row_and_a_row_outside_is_the_edge() {
        let rows = rows(1.0);
        assert_eq!((rows.y_of(99.0), rows.y_of(201.0), rows.y_of(f64::NAN)), (None, None, None));
        assert!(rows.axis_width() > 40.0 && rows.axis_width() < 100.0, "{}", rows.axis_width());
        assert_eq!((rows.price_at(-50.0), rows.price_at(5_000.0)), (200.0, 100.0));
    }
}
