//! Gestures on the view: the bars shown and the range of prices. Not here: the meaning of pointer events (`app/src/chart`).

use super::{Chart, Part};
use crate::{
    invalidate::Level,
    scale::PriceScale,
    viewport::{Extent, LEAST_DEFAULT_BARS, MOST_DEFAULT_BARS, Viewport},
};

impl Chart {
    /// Shows `factor` times as many slots; the bar at pixel column `x` stays there.
    pub fn zoom_at(&mut self, factor: f64, x: f64) {
        let plot_width = f64::from(self.layout().plot.width().max(1));
        self.move_view(|viewport, extent| viewport.zoom(factor, (x / plot_width).clamp(0.0, 1.0), extent));
    }

    /// Shows `factor` times as many slots; the newest bar stays in place if it is in view, otherwise the middle does.
    pub fn zoom(&mut self, factor: f64) {
        self.move_view(|viewport, extent| {
            #[expect(clippy::cast_precision_loss, reason = "slot numbers are below 2^53")]
            let end = (extent.last as f64 + 1.0 - viewport.left()) / viewport.slots();
            viewport.zoom(factor, if (0.0..=1.0).contains(&end) { end } else { 0.5 }, extent);
        });
    }

    /// Drags the bars by `pixels`, to the right if positive (older bars come into view).
    pub fn drag(&mut self, pixels: f64) {
        let plot_width = f64::from(self.layout().plot.width().max(1));
        self.move_view(|viewport, extent| viewport.pan(-pixels / plot_width * viewport.slots(), extent));
    }

    /// Moves the view by a share of its width, towards newer bars if positive.
    pub fn pan(&mut self, share: f64) {
        self.move_view(|viewport, extent| viewport.pan(share * viewport.slots(), extent));
    }

    /// Shows the oldest bars at the same zoom.
    pub fn to_start(&mut self) {
        self.move_view(Viewport::to_start);
    }

    /// Shows the newest bars at the same zoom and follows them.
    pub fn to_end(&mut self) {
        self.move_view(Viewport::to_end);
    }

    /// Returns to the first view: the last bars, following, and prices that fit them.
    pub fn reset_view(&mut self) {
        self.reset_times();
        self.fit_prices();
    }

    /// Shows the last bars and follows them; the prices stay as they are.
    pub fn reset_times(&mut self) {
        self.viewport = None;
        self.mask.add(Level::Full);
    }

    /// Fits the prices to the bars in view, now and from now on.
    pub fn fit_prices(&mut self) {
        self.chosen_prices = None;
        self.mask.add(Level::Full);
    }

    /// Shows the prices from `low` to `high`, as if the reader had chosen them.
    pub fn show_prices(&mut self, low: f64, high: f64) {
        // The rows are those of the plot whenever it is drawn.
        self.chosen_prices = Some(PriceScale::new(self.price_mode, low, high, self.price_decimals, 0, 1));
        self.mask.add(Level::Full);
    }

    /// Shows a range of prices `factor` times as wide, which no longer fits itself to the bars in view.
    pub fn scale_prices(&mut self, factor: f64) {
        self.choose_prices(|prices| prices.scaled(factor));
    }

    /// Moves the prices by `pixels`, down if positive (higher prices come into view), unless they fit themselves to the
    /// bars in view.
    pub fn drag_prices(&mut self, pixels: f64) {
        if self.has_chosen_prices() {
            self.choose_prices(|prices| prices.moved(pixels));
        }
    }

    /// Moves the prices by a share of the plot's height, down if positive, unless they fit themselves to the bars in
    /// view.
    pub fn pan_prices(&mut self, share: f64) {
        self.drag_prices(share * f64::from(self.layout().plot.height()));
    }

    /// Returns true if the reader chose the range of prices.
    pub fn has_chosen_prices(&self) -> bool {
        self.chosen_prices.is_some()
    }

    /// Returns the part at a pixel.
    pub fn part_at(&self, x: f64, y: f64) -> Part {
        let layout = self.layout();
        if layout.price_axis.contains(x, y) {
            Part::PriceAxis
        } else if layout.time_axis.contains(x, y) {
            Part::TimeAxis
        } else {
            Part::Plot
        }
    }

    /// Returns the width of the price axis in pixels.
    pub fn price_axis_width(&self) -> i32 {
        self.layout().price_axis.width()
    }

    fn choose_prices(&mut self, change: impl FnOnce(PriceScale) -> PriceScale) {
        let rows = self.layout().prices;
        let shown = self.scales().map(|(_, prices)| *prices);
        let Some(before) = self.chosen_prices.map(|prices| prices.between(rows.y0, rows.y1)).or(shown) else { return };
        let prices = change(before);
        if self.chosen_prices != Some(prices) {
            self.chosen_prices = Some(prices);
            self.mask.add(Level::Full);
        }
    }

    fn move_view(&mut self, change: impl FnOnce(&mut Viewport, Extent)) {
        let Some(extent) = self.extent() else { return };
        let viewport = self.viewport.get_or_insert_with(|| Viewport::new(extent));
        let before = *viewport;
        change(viewport, extent);
        if *viewport != before {
            self.mask.add(Level::Full);
        }
    }

    pub(super) fn extent(&self) -> Option<Extent> {
        let times = self.series.open_time_ms();
        let slot = |time_ms: i64| time_ms.div_euclid(self.interval_ms());
        let (first, last) = (slot(*times.first()?), slot(*times.last()?));
        let default_first = slot(times[times.len().saturating_sub(self.default_bars())]);
        Some(Extent { first, last, default_first })
    }

    /// Returns the number of last bars in the first view.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    fn default_bars(&self) -> usize {
        let width = f64::from(self.surface.width) / self.surface.ratio;
        ((width / DEFAULT_BAR_PX) as usize).clamp(LEAST_DEFAULT_BARS, MOST_DEFAULT_BARS)
    }
}

/// Width of a bar in the first view in CSS pixels, within the limits of their number.
const DEFAULT_BAR_PX: f64 = 6.0;
