//! The facade: holds bars, viewport and surface, keeps the scales consistent with them, and draws the four layers.
//!
//! The caller uses the setters and gestures whenever something happens and, once a frame, [`Chart::prepare`] followed
//! by the layers of the returned level: `Full` draws all four, `Light` all but the base, `Last` the forming bar and the
//! cursor, `Cursor` the cursor. Not here: when a frame is drawn, and the time (see [`Chart::set_clock`]).
//!
//! Over 500 lines: one facade, whose setters, gestures and layers all share the same state.

use std::ops::Range;

use model::{
    candle::{Candle, Interval},
    decimal::Price,
    time::Timestamp,
};
use plotters_backend::DrawingBackend;

use crate::{
    draw::{
        Area, Crosshair, DeltaScale, DrawResult, LastPrice, Pen, PenResult, draw_candles, draw_crosshair, draw_delta,
        draw_delta_axis, draw_delta_caption, draw_grid_axes, draw_last_price, draw_profile, draw_volume, paint,
        row_step, volume_top,
    },
    format::{format_bar_time, format_change, format_countdown, format_fixed, format_signed, grouped, pow10},
    invalidate::{Level, Mask},
    layout::{Layout, Panes, Surface},
    legend::Legend,
    profile::Profile,
    scale::{PriceScale, TimeScale},
    series::{Change, Series},
    theme::Theme,
    viewport::{Extent, LEAST_DEFAULT_BARS, MOST_DEFAULT_BARS, Viewport},
};

/// A candle chart of one instrument and interval.
#[derive(Clone, Debug)]
pub struct Chart {
    series: Series,
    label: String,
    interval: Interval,
    price_decimals: u32,
    size_decimals: u32,
    theme: Theme,
    font_family: String,
    surface: Surface,
    viewport: Option<Viewport>,
    cursor: Option<(f64, f64)>,
    clock: Option<Timestamp>,
    is_stale: bool,
    studies: Studies,
    /// True if the profile drawn last lacks trades of the forming bar.
    is_profile_behind: bool,
    mask: Mask,
    scene: Option<Scene>,
    /// The volume that fills the volume strip.
    volume_top: f64,
}

/// The studies shown beside bars and volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Studies {
    /// Cumulative volume delta, in its own pane.
    pub delta: bool,
    /// Volume by price of the bars in view.
    pub profile: bool,
}

/// The inputs of the layers; two equal scenes have the same axes.
#[derive(Clone, Debug, PartialEq)]
struct Scene {
    layout: Layout,
    scales: Option<(TimeScale, PriceScale)>,
    /// Present if the delta pane is shown and a delta is known.
    delta: Option<DeltaScale>,
}

impl Chart {
    /// Creates an empty chart.
    pub fn new(interval: Interval) -> Self {
        Self {
            series: Series::default(),
            label: String::new(),
            interval,
            price_decimals: 2,
            size_decimals: 2,
            theme: Theme::default(),
            font_family: "sans-serif".to_owned(),
            surface: Surface::plain(0, 0),
            viewport: None,
            cursor: None,
            clock: None,
            is_stale: false,
            studies: Studies::default(),
            is_profile_behind: false,
            mask: Mask::default(),
            scene: None,
            volume_top: 0.0,
        }
    }

    /// Sets the instrument's label and the decimals of its prices and sizes.
    pub fn set_instrument(&mut self, label: &str, price_decimals: u32, size_decimals: u32) {
        if (self.label.as_str(), self.price_decimals, self.size_decimals) != (label, price_decimals, size_decimals) {
            label.clone_into(&mut self.label);
            (self.price_decimals, self.size_decimals) = (price_decimals, size_decimals);
            self.mask.add(Level::Full);
        }
    }

    /// Sets the bars' interval; a different interval resets the view to the last bars.
    pub fn set_interval(&mut self, interval: Interval) {
        if self.interval != interval {
            self.interval = interval;
            self.reset_view();
        }
    }

    /// Replaces all bars. A viewport that the user has moved stays where it is.
    pub fn set_bars(&mut self, bars: &[Candle]) {
        self.series.set(bars);
        self.mask.add(Level::Light);
    }

    /// Adds bars and replaces those with the same open time.
    pub fn upsert(&mut self, bars: &[Candle]) {
        match self.series.upsert(bars) {
            Change::Nothing => {}
            Change::LastBar => {
                self.is_profile_behind = true;
                self.mask.add(Level::Last);
            }
            Change::Bars => self.mask.add(Level::Light),
        }
    }

    /// Forgets the bars, the view and the cursor's bar; instrument, colours and size stay.
    pub fn clear(&mut self) {
        self.series.clear();
        self.is_stale = false;
        self.reset_view();
    }

    /// Mutes bars and last price while they may be out of date.
    pub fn set_stale(&mut self, is_stale: bool) {
        if self.is_stale != is_stale {
            self.is_stale = is_stale;
            self.mask.add(Level::Light);
        }
    }

    /// Sets the studies shown beside bars and volume.
    pub fn set_studies(&mut self, studies: Studies) {
        if self.studies != studies {
            self.studies = studies;
            self.mask.add(Level::Full);
        }
    }

    /// Sets the venue's time for the countdown to the bar's close; `None` hides it. Causes a draw only when the
    /// displayed second changes; the profile adds the forming bar's trades equally often.
    pub fn set_clock(&mut self, now: Option<Timestamp>) {
        let before = self.countdown();
        self.clock = now;
        if self.countdown() != before {
            let is_behind = self.studies.profile && self.is_profile_behind;
            self.mask.add(if is_behind { Level::Light } else { Level::Last });
        }
    }

    /// Sets size, pixel ratio and digit width.
    pub fn set_surface(&mut self, surface: Surface) {
        if self.surface != surface {
            self.surface = surface;
            self.mask.add(Level::Full);
        }
    }

    /// Sets colours.
    pub fn set_theme(&mut self, theme: Theme) {
        if self.theme != theme {
            self.theme = theme;
            self.mask.add(Level::Full);
        }
    }

    /// Sets the labels' CSS font stack.
    pub fn set_font_family(&mut self, family: &str) {
        if self.font_family != family {
            family.clone_into(&mut self.font_family);
            self.mask.add(Level::Full);
        }
    }

    /// Moves the cursor to a pixel, or removes it.
    pub fn set_cursor(&mut self, cursor: Option<(f64, f64)>) {
        if self.cursor != cursor {
            self.cursor = cursor;
            self.mask.add(Level::Cursor);
        }
    }

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

    /// Returns to the first view: the last bars, following.
    pub fn reset_view(&mut self) {
        self.viewport = None;
        self.mask.add(Level::Full);
    }

    /// Returns the number of bars.
    pub fn n_bars(&self) -> usize {
        self.series.len()
    }

    /// Returns the length of the bars.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the newest bar.
    pub fn last(&self) -> Option<&Candle> {
        self.series.last()
    }

    /// Returns the newest bar's close with the instrument's decimals, digits not grouped.
    pub fn last_close(&self) -> Option<String> {
        self.last().map(|bar| bar.close.at_scale(self.price_decimals).to_string())
    }

    /// Returns [`Series::hash`] at the instrument's decimals.
    pub fn bars_hash(&mut self) -> u64 {
        self.series.hash(self.price_decimals, self.size_decimals)
    }

    /// Returns the labels' CSS font stack.
    pub fn font_family(&self) -> &str {
        &self.font_family
    }

    /// Returns true while the top layer shows anything: a cursor, over the plot or not, or the delta's sum.
    pub fn has_top_layer(&self) -> bool {
        self.cursor.is_some() || self.studies.delta
    }

    /// Returns true while bars are muted as stale.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Returns the viewport; `None` until there are bars.
    pub fn viewport(&self) -> Option<&Viewport> {
        self.viewport.as_ref()
    }

    /// Returns the strongest request since the last [`Self::prepare`]; above `None` a frame is needed.
    pub fn pending(&self) -> Level {
        self.mask.level()
    }

    /// Updates viewport and scales and returns what must be drawn. Axes are redrawn only if they changed.
    pub fn prepare(&mut self) -> Level {
        let mut level = self.mask.take();
        if let Some(extent) = self.extent() {
            self.viewport.get_or_insert_with(|| Viewport::new(extent)).follow(extent);
        }
        let scene = self.build_scene();
        if self.scene.as_ref() != Some(&scene) {
            self.scene = Some(scene);
            level = Level::Full;
        }
        let top = self.scales().map_or(0.0, |(time, _)| volume_top(&self.series, self.visible(time), time));
        if self.volume_top != top {
            self.volume_top = top;
            level = level.max(Level::Light);
        }
        if level >= Level::Light {
            self.is_profile_behind = false;
        }
        level
    }

    /// Returns the bar whose slot is under the cursor, or the newest if the cursor is not over the plot. `None` over a
    /// gap.
    pub fn legend(&self) -> Option<Legend> {
        self.legend_idx().and_then(|idx| self.series.candle(idx)).map(|bar| {
            let legend = Legend::new(bar, self.interval_ms(), self.price_decimals, self.size_decimals);
            if self.studies.delta { legend.with_delta(bar, self.size_decimals) } else { legend }
        })
    }

    /// Returns the position of the bar that the legend shows.
    fn legend_idx(&self) -> Option<usize> {
        let Some((time, slot)) = self.cursor_slot() else { return self.series.len().checked_sub(1) };
        let times = self.series.open_time_ms();
        let idx = times.partition_point(|&open| time.slot_of_time(open) < slot);
        (time.slot_of_time(*times.get(idx)?) == time.slot_of_time(time.time_of_slot(slot))).then_some(idx)
    }

    /// Returns the newest sum in the delta pane and its start, as part of a sentence; `None` if the pane is not shown.
    pub fn delta_words(&self) -> Option<String> {
        let words = || self.delta_words_at(self.series.len().checked_sub(1)?);
        let unknown = || "unknown: the newest trades have no aggressor side".to_owned();
        self.studies.delta.then(|| words().unwrap_or_else(unknown))
    }

    fn delta_words_at(&self, idx: usize) -> Option<String> {
        let total = self.series.cumulative_delta(idx)?;
        let since = format_bar_time(self.series.delta_since_ms(idx)?, self.interval_ms());
        Some(format!("{} since {since}", format_signed(total, self.size_decimals.min(SUM_DECIMALS))))
    }

    /// Returns the caption of the delta pane: the sum at the bar that the legend shows.
    fn delta_caption(&self) -> Option<String> {
        if self.cursor_slot().is_none() {
            return self.delta_words().map(|words| format!("CVD {words}"));
        }
        let words = || self.delta_words_at(self.legend_idx()?);
        self.studies.delta.then(|| format!("CVD {}", words().unwrap_or_else(|| "unknown here".to_owned())))
    }

    /// Returns the price with the most volume, if the profile is shown.
    pub fn control_price(&self) -> Option<String> {
        let (time, price) = self.scales()?;
        let profile = self.profile(time, price)?;
        Some(format_fixed(profile.control_price(), self.price_decimals))
    }

    /// Returns a sentence that describes the chart for people who cannot see it.
    pub fn summary(&self) -> String {
        let name = if self.label.is_empty() { String::new() } else { format!("{}, ", self.label) };
        let head = format!("{name}{} candles", self.interval);
        let range = self.scales().map_or(0..self.series.len(), |(time, _)| self.visible(time));
        let (Some(first), Some(last)) = (self.series.candle(range.start), self.series.last()) else {
            return format!("{head}: no bars yet");
        };
        let seen = || range.clone().filter_map(|idx| self.series.candle(idx));
        let low = seen().map(|bar| bar.low).min().unwrap_or(first.low);
        let high = seen().map(|bar| bar.high).max().unwrap_or(first.high);
        let shown = |price: Price| grouped(&price.at_scale(self.price_decimals).to_string());
        format!(
            "{head}: {} bars shown, last {}, {} since {} UTC, low {}, high {}{}{}{}",
            range.len(),
            shown(last.close),
            format_change(first.open.to_f64_lossy(), last.close.to_f64_lossy()),
            format_bar_time(first.open_time.as_millis(), self.interval_ms()),
            shown(low),
            shown(high),
            self.delta_words().map(|words| format!(", cumulative volume delta {words}")).unwrap_or_default(),
            self.control_price().map(|price| format!(", most volume at {price}")).unwrap_or_default(),
            if self.is_stale { ", stale" } else { "" }
        )
    }

    /// Draws the lowest layer: background, grid, axes. Call [`Self::prepare`] first.
    ///
    /// # Errors
    /// The backend's error.
    pub fn draw_base<DB: DrawingBackend>(&self, area: &Area<DB>) -> DrawResult<DB> {
        let layout = self.layout();
        let (prices, times) = self.scales().map_or_else(Default::default, |(time, price)| {
            let plot = layout.plot;
            let last_row = plot.y1 - 1;
            (
                price.ticks((plot.y0, last_row), PRICE_GAP_PX * layout.ratio, self.price_decimals),
                time.ticks((TIME_GAP_PX * layout.ratio).max(TIME_GAP_DIGITS * layout.digit_width)),
            )
        });
        let delta = self.delta_scale();
        paint(area, |pen| {
            draw_grid_axes(pen, &layout, &prices, &times, self.font(&layout), &self.theme)?;
            draw_delta_axis(pen, delta, &layout, self.font(&layout), &self.theme)
        })
    }

    /// Draws the second layer on a transparent background: the profile, then all bars in view except the forming one.
    /// Call [`Self::prepare`] first.
    ///
    /// # Errors
    /// The backend's error.
    pub fn draw_series<DB: DrawingBackend>(&self, area: &Area<DB>) -> DrawResult<DB> {
        let layout = self.layout();
        let Some((time, price)) = self.scales() else { return Ok(()) };
        let range = self.visible(time);
        let settled = range.start..self.first_forming(time, &range);
        let profile = self.profile(time, price);
        paint(area, |pen| {
            if let Some(profile) = &profile {
                draw_profile(pen, profile, &layout, price, &self.theme, self.opacity())?;
            }
            self.draw_bars(pen, &settled, &layout, (time, price))
        })
    }

    /// Draws the third layer on a transparent background: the forming bar, and the last price with the countdown. Call
    /// [`Self::prepare`] first.
    ///
    /// # Errors
    /// The backend's error.
    pub fn draw_last<DB: DrawingBackend>(&self, area: &Area<DB>) -> DrawResult<DB> {
        let layout = self.layout();
        let Some((time, price)) = self.scales() else { return Ok(()) };
        let range = self.visible(time);
        let forming = self.first_forming(time, &range)..range.end;
        let last = self.last_price(price);
        paint(area, |pen| {
            self.draw_bars(pen, &forming, &layout, (time, price))?;
            match &last {
                Some(last) => draw_last_price(pen, last, &layout, self.font(&layout), &self.theme),
                None => Ok(()),
            }
        })
    }

    /// Draws the top layer on a transparent background: the crosshair and the delta's sum, which follows it. Call
    /// [`Self::prepare`] first.
    ///
    /// # Errors
    /// The backend's error.
    pub fn draw_cursor<DB: DrawingBackend>(&self, area: &Area<DB>) -> DrawResult<DB> {
        let layout = self.layout();
        let caption = self.scales().and_then(|_| self.delta_caption());
        let crosshair = self.crosshair(&layout);
        paint(area, |pen| {
            if let Some(words) = &caption {
                draw_delta_caption(pen, words, &layout, self.font(&layout), &self.theme)?;
            }
            match &crosshair {
                Some(crosshair) => draw_crosshair(pen, crosshair, &layout, self.font(&layout), &self.theme),
                None => Ok(()),
            }
        })
    }

    fn crosshair(&self, layout: &Layout) -> Option<Crosshair> {
        let (_, price) = self.scales()?;
        let (time, slot) = self.cursor_slot()?;
        let (_, y) = self.cursor?;
        let time_ms = time.time_of_slot(slot);
        #[expect(clippy::cast_possible_truncation, reason = "inside the plot")]
        let row = y as i32;
        Some(Crosshair {
            x: time.column_of_time(time_ms),
            y: row,
            time: format_bar_time(time_ms, self.interval_ms()),
            value: if y < f64::from(layout.plot.y1) {
                price.label_of(y, self.price_decimals)
            } else {
                self.delta_scale().map_or_else(String::new, |delta| delta.label_at(y))
            },
        })
    }

    /// Draws all layers on one area, for exports and tests.
    ///
    /// # Errors
    /// The backend's error.
    pub fn draw<DB: DrawingBackend>(&mut self, area: &Area<DB>) -> DrawResult<DB> {
        self.prepare();
        self.draw_base(area)?;
        self.draw_series(area)?;
        self.draw_last(area)?;
        self.draw_cursor(area)
    }

    fn draw_bars<DB: DrawingBackend>(
        &self,
        pen: &mut Pen<'_, DB>,
        range: &Range<usize>,
        layout: &Layout,
        (time, price): (&TimeScale, &PriceScale),
    ) -> PenResult<DB> {
        let alpha = self.opacity();
        let bars = || (&self.series, range.clone());
        if let Some(delta) = self.delta_scale() {
            draw_delta(pen, bars(), layout, (time, delta), &self.theme, alpha)?;
        }
        draw_volume(pen, bars(), layout, (time, self.volume_top), &self.theme, alpha)?;
        draw_candles(pen, bars(), layout, (time, price), &self.theme, alpha)
    }

    fn opacity(&self) -> f64 {
        if self.is_stale { STALE_OPACITY } else { 1.0 }
    }

    fn profile(&self, time: &TimeScale, price: &PriceScale) -> Option<Profile> {
        let step = self.studies.profile.then(|| row_step(price, &self.layout(), self.price_decimals))?;
        Profile::new(&self.series, self.visible(time), step, pow10(self.price_decimals).recip())
    }

    fn panes(&self) -> Panes {
        if self.studies.delta { Panes::PricesAndDelta } else { Panes::Prices }
    }

    fn delta_scale(&self) -> Option<&DeltaScale> {
        self.scene.as_ref()?.delta.as_ref()
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

    fn extent(&self) -> Option<Extent> {
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

    fn build_scene(&self) -> Scene {
        let bare = Layout::new(&self.surface, 0, self.panes());
        let fallback = || Scene { layout: bare, scales: None, delta: None };
        let (Some(viewport), false) = (&self.viewport, self.series.is_empty()) else { return fallback() };
        // The plot's width depends on the labels' length, which depends on the prices in view: all but the width is
        // known.
        let rough = self.time_scale(viewport, &bare);
        let extremes = self.series.price_extent(self.visible(&rough)).or_else(|| {
            // A view into a gap keeps the scale of the bar before the gap.
            let before = self.visible(&rough).start.saturating_sub(1);
            self.series.price_extent(before..before + 1)
        });
        let Some((low, high)) = extremes else { return fallback() };
        // The last price is exact, so it may be longer than the axis's own labels.
        let decimals = self.price_decimals.max(self.series.close_decimals());
        let n_label_chars = [low, high].map(|price| format_fixed(price, decimals).chars().count());
        // An unknown width does not lengthen any label.
        let delta = |range, layout: &Layout| {
            let is_shown = self.studies.delta && !layout.delta.is_empty();
            DeltaScale::new(&self.series, range, self.size_decimals, layout).filter(|_| is_shown)
        };
        let n_delta_chars = delta(self.visible(&rough), &bare).map_or(0, |scale| scale.label_chars(bare.delta));
        let n_chars = n_label_chars[0].max(n_label_chars[1]).max(n_delta_chars);
        let layout = Layout::new(&self.surface, n_chars, self.panes());
        if layout.plot.is_empty() {
            return Scene { layout, scales: None, delta: None };
        }
        let time = self.time_scale(viewport, &layout);
        let price = PriceScale::new(low, high, self.price_decimals, layout.prices.y0, layout.prices.y1);
        let delta = delta(self.visible(&time), &layout);
        Scene { layout, scales: Some((time, price)), delta }
    }

    fn time_scale(&self, viewport: &Viewport, layout: &Layout) -> TimeScale {
        TimeScale::new(viewport.left(), viewport.slots(), layout.plot.x0, layout.plot.width(), self.interval_ms())
    }

    fn layout(&self) -> Layout {
        self.scene.as_ref().map_or_else(|| Layout::new(&self.surface, 0, self.panes()), |scene| scene.layout)
    }

    fn scales(&self) -> Option<(&TimeScale, &PriceScale)> {
        let (time, price) = self.scene.as_ref()?.scales.as_ref()?;
        Some((time, price))
    }

    /// Returns the bars that are at least partly in view.
    fn visible(&self, time: &TimeScale) -> Range<usize> {
        let layout_left = time.slot_of_x(0.0).floor();
        let right = self.viewport.as_ref().map_or(layout_left, Viewport::right).ceil();
        let times = self.series.open_time_ms();
        #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
        let (from, to) = (layout_left as i64, right as i64);
        let start = times.partition_point(|&open| time.slot_of_time(open) < from);
        let end = times.partition_point(|&open| time.slot_of_time(open) < to);
        start..end.max(start)
    }

    /// Returns where the forming bar's pixel column begins in `range`; the end of `range` if that bar is out of view.
    /// Bars that share its column are drawn with it.
    fn first_forming(&self, time: &TimeScale, range: &Range<usize>) -> usize {
        let times = &self.series.open_time_ms()[range.clone()];
        match times.last() {
            Some(&last_ms) if range.end == self.series.len() => {
                let x = time.column_of_time(last_ms);
                range.start + times.partition_point(|&open_ms| time.column_of_time(open_ms) < x)
            }
            _ => range.end,
        }
    }

    fn last_price(&self, price: &PriceScale) -> Option<LastPrice> {
        let last = self.last()?;
        let colour = match (self.is_stale, last.close >= last.open) {
            (true, _) => self.theme.muted,
            (false, true) => self.theme.up,
            (false, false) => self.theme.down,
        };
        Some(LastPrice {
            y: price.row_of(last.close.to_f64_lossy()),
            label: grouped(&self.last_close()?),
            countdown: self.countdown(),
            colour,
        })
    }

    /// Returns the countdown; none for a bar that should have closed or is in the future: then the bars are not live.
    fn countdown(&self) -> Option<String> {
        let (now, last) = (self.clock?, self.last()?);
        let left_ms = last.open_time.as_millis().saturating_add(self.interval_ms()).saturating_sub(now.as_millis());
        (!self.is_stale && (1..=self.interval_ms()).contains(&left_ms)).then(|| format_countdown(left_ms))
    }

    /// Returns the slot under the cursor, if the cursor is over the plot or the delta pane.
    fn cursor_slot(&self) -> Option<(&TimeScale, i64)> {
        let ((x, y), (time, _)) = (self.cursor?, self.scales()?);
        #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
        self.layout().columns().contains(x, y).then(|| (time, time.slot_of_x(x).floor() as i64))
    }

    fn interval_ms(&self) -> i64 {
        i64::try_from(self.interval.duration().as_millis()).unwrap_or(i64::MAX)
    }

    fn font(&self, layout: &Layout) -> crate::draw::Font<'_> {
        crate::draw::Font { family: &self.font_family, px: layout.font_px }
    }
}

/// Minimum distance between price labels in CSS pixels.
const PRICE_GAP_PX: f64 = 40.0;

/// Minimum distance between time labels in CSS pixels, and in digits for wide fonts.
const TIME_GAP_PX: f64 = 72.0;
const TIME_GAP_DIGITS: f64 = 11.0;

/// Width of a bar in the first view in CSS pixels, within the limits of their number.
const DEFAULT_BAR_PX: f64 = 6.0;

/// Most decimals of a sum of sizes: it is a statistic, and a token's 18 decimals would not fit.
const SUM_DECIMALS: u32 = 8;

const STALE_OPACITY: f64 = 0.45;
