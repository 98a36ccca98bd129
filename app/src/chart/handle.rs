//! The handle that the data's owner keeps and [`super::CandleChart`] shows.
//!
//! In the browser it refers to the surface that draws; on the server it is empty and ignores all calls, so that callers
//! need no `cfg`. Not here: drawing.

use chart::{
    Chart,
    chart::{BarStyle, Part, Studies},
    indicator::{IndicatorPlot, IndicatorReading},
    price_rows::PriceRows,
    scale::PriceMode,
    zone::Zone,
};
use leptos::prelude::*;
use model::{
    candle::Interval,
    time::{Monotonic, Timestamp},
};

use super::gesture::Action;
#[cfg(feature = "browser")]
use super::view::ChartView;

/// The candles of one chart. Cheap to copy; lives as long as the component or effect that created it. After that its
/// methods do nothing.
#[derive(Clone, Copy, Debug)]
pub struct ChartSeries {
    rows: RwSignal<Option<PriceRows>>,
    readings: RwSignal<Vec<IndicatorReading>>,
    cursor: RwSignal<Option<f64>>,
    #[cfg(feature = "browser")]
    surface: StoredValue<ChartView, LocalStorage>,
}

impl Default for ChartSeries {
    fn default() -> Self {
        Self::new()
    }
}

impl ChartSeries {
    /// Creates an empty series, owned by the current component.
    pub fn new() -> Self {
        let (rows, readings) = (RwSignal::new(None), RwSignal::new(Vec::new()));
        Self {
            rows,
            readings,
            cursor: RwSignal::new(None),
            #[cfg(feature = "browser")]
            surface: StoredValue::new_local(ChartView::new(rows, readings)),
        }
    }

    /// Returns the rows of prices on the chart as last drawn; `None` while it has no candles.
    pub fn price_rows(self) -> Signal<Option<PriceRows>> {
        self.rows.into()
    }

    /// The row of the cursor in CSS pixels from the chart's top, while there is one.
    pub fn cursor_row(self) -> Signal<Option<f64>> {
        self.cursor.into()
    }

    /// The readings of the indicators at the bar under the cursor, or the newest, as the chart was drawn last.
    pub fn indicator_readings(self) -> Signal<Vec<IndicatorReading>> {
        self.readings.into()
    }

    /// Sets the indicators, in display order.
    pub fn set_indicators(self, plots: Vec<IndicatorPlot>) {
        self.change(|chart| chart.set_indicators(plots));
    }

    /// Sets values of an indicator by the open times of their bars, one value an output. `rows` is told whether the chart
    /// has none of it yet.
    pub fn upsert_indicator(self, key: &str, rows: impl FnOnce(bool) -> Vec<(i64, Vec<Option<f64>>)>) {
        self.change(|chart| {
            let rows = rows(!chart.has_indicator_rows(key));
            if !rows.is_empty() {
                chart.upsert_indicator(key, rows.iter().map(|(open_ms, values)| (*open_ms, values.as_slice())));
            }
        });
    }

    /// Changes the candles and draws them at once: call it while a frame is being made, with its time.
    #[cfg_attr(not(feature = "browser"), expect(unused_variables, reason = "there is no chart on the server"))]
    pub fn change_in_frame(self, now: Monotonic, change: impl FnOnce(&mut Chart)) {
        #[cfg(feature = "browser")]
        self.with_view(|surface| surface.change_in_frame(now, change));
    }

    /// Forgets all candles and the reader's view: call it when instrument or interval change, before the new candles
    /// arrive.
    pub fn clear(self) {
        self.change(Chart::clear);
    }

    /// Mutes the candles while they may be out of date.
    pub fn mark_stale(self, is_stale: bool) {
        self.change(|chart| chart.set_stale(is_stale));
    }

    /// Sets the venue's or server's time, once a second or more often, for the countdown to the candle's close; `None`
    /// hides it. Optional.
    pub fn set_clock(self, now: Option<Timestamp>) {
        self.change(|chart| chart.set_clock(now));
    }

    /// Sets the studies shown beside candles and volume.
    pub fn set_studies(self, studies: Studies) {
        self.change(|chart| chart.set_studies(studies));
    }

    /// Sets how the prices of candles are drawn.
    pub fn set_bar_style(self, bar_style: BarStyle) {
        self.change(|chart| chart.set_bar_style(bar_style));
    }

    /// Sets how prices are spaced.
    pub fn set_price_mode(self, price_mode: PriceMode) {
        self.change(|chart| chart.set_price_mode(price_mode));
    }

    /// Sets the time zone of all texts.
    pub fn set_zone(self, zone: Zone) {
        self.change(|chart| chart.set_zone(zone));
    }

    /// Shows a range of prices, as if the reader had chosen it.
    pub fn show_prices(self, low: f64, high: f64) {
        self.change(|chart| chart.show_prices(low, high));
    }

    pub(super) fn set_instrument(self, label: &str, price_decimals: u32, size_decimals: u32) {
        self.change(|chart| chart.set_instrument(label, price_decimals, size_decimals));
    }

    pub(super) fn set_interval(self, interval: Interval) {
        self.change(|chart| chart.set_interval(interval));
    }

    /// Returns the part at a place in CSS pixels.
    #[cfg_attr(not(feature = "browser"), expect(unused_variables, reason = "there is no chart on the server"))]
    pub(super) fn part_at(self, x: f64, y: f64) -> Part {
        #[cfg(feature = "browser")]
        return self.with_view(|surface| surface.part_at(x, y)).unwrap_or_default();
        #[cfg(not(feature = "browser"))]
        Part::Plot
    }

    /// Executes a gesture's action; its pixels are CSS pixels.
    pub(super) fn act(self, action: Action) {
        match action {
            Action::Point(_, y) => self.move_cursor(Some(y)),
            Action::Leave => self.move_cursor(None),
            Action::Drag { at, .. } => self.move_cursor(at.map(|(_, y)| y)),
            _ => {}
        }
        #[cfg(feature = "browser")]
        self.with_view(|surface| surface.act(action));
    }

    fn move_cursor(self, row: Option<f64>) {
        if self.cursor.try_get_untracked().is_some_and(|known| known != row) {
            self.cursor.set(row);
        }
    }

    /// Changes the chart and draws it in the next frame, if the change is visible.
    #[cfg_attr(not(feature = "browser"), expect(unused_variables, reason = "there is no chart on the server"))]
    fn change(self, change: impl FnOnce(&mut Chart)) {
        #[cfg(feature = "browser")]
        self.with_view(|surface| surface.change(change));
    }

    #[cfg(feature = "browser")]
    pub(super) fn with_view<T>(self, with: impl FnOnce(&ChartView) -> T) -> Option<T> {
        self.surface.try_with_value(with)
    }
}
