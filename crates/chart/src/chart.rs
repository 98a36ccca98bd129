//! The facade: holds bars, viewport and surface, keeps the scales consistent with them, and draws the four layers.
//!
//! The caller uses the setters and gestures whenever something happens and, once a frame, [`Chart::prepare`] followed
//! by the layers of the returned level: `Full` draws all four, `Light` all but the base, `Last` the forming bar and the
//! cursor, `Cursor` the cursor. Gestures are in `gestures`, texts in `words`. Not here: when a frame is drawn, and the
//! time (see [`Chart::set_clock`]).
//!
//! Over 500 lines: one facade, whose setters and layers all share the same state.

mod gestures;
mod words;

use std::ops::Range;

use model::{
    candle::{Candle, Interval},
    time::Timestamp,
};
use plotters_backend::DrawingBackend;

use crate::{
    draw::{
        Area, Crosshair, DrawResult, Ink, LastPrice, PaneScale, Pen, PenResult, delta_scale, draw_candles,
        draw_crosshair, draw_delta, draw_grid_axes, draw_indicator, draw_last_price, draw_levels, draw_line,
        draw_pane_axis, draw_pane_caption, draw_profile, draw_volume, paint, row_step, volume_top,
    },
    format::{DAY_MS, format_bar_time, format_countdown, format_fixed, grouped, pow10},
    indicator::{Indicator, IndicatorPane, IndicatorPlot, MAX_INDICATOR_PANES},
    invalidate::{Level, Mask},
    layout::{Layout, Panes, Rect, Surface},
    price_rows::PriceRows,
    profile::Profile,
    scale::{PriceMode, PriceScale, TimeScale},
    series::{Change, Series},
    theme::Theme,
    viewport::Viewport,
    zone::Zone,
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
    bar_style: BarStyle,
    price_mode: PriceMode,
    /// The price range that the reader chose; `None` fits the bars in view.
    chosen_prices: Option<PriceScale>,
    zone: Zone,
    cursor: Option<(f64, f64)>,
    clock: Option<Timestamp>,
    is_stale: bool,
    studies: Studies,
    /// In display order.
    indicators: Vec<Indicator>,
    /// True if the profile drawn last lacks trades of the forming bar.
    is_profile_behind: bool,
    mask: Mask,
    scene: Option<Scene>,
    /// The volume that fills the volume strip.
    volume_top: f64,
}

/// Shape of bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BarStyle {
    /// Open, high, low and close.
    #[default]
    Candles,
    /// The closes, joined.
    Line,
    /// The closes, joined, above a tint.
    Area,
}

impl BarStyle {
    /// All styles, in display order.
    pub const ALL: [Self; 3] = [Self::Candles, Self::Line, Self::Area];

    /// Returns its name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Candles => "candles",
            Self::Line => "line",
            Self::Area => "area",
        }
    }

    /// Parses a style from its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.as_str() == text)
    }
}

/// A part of the chart that a pointer is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Bars, volume and delta.
    #[default]
    Plot,
    /// The labels of the prices.
    PriceAxis,
    /// The labels of the times.
    TimeAxis,
}

/// The studies shown beside bars and volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Studies {
    /// Cumulative volume delta, in its own pane.
    pub delta: bool,
    /// Volume by price of the bars in view.
    pub profile: bool,
}

/// The place of an indicator.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// Nowhere: hidden, or one too many.
    Nowhere,
    /// Over the bars.
    Prices,
    /// In a pane, with its axis once there are values.
    Pane(Rect, Option<&'a PaneScale>),
}

/// The inputs of the layers; two equal scenes have the same axes.
#[derive(Clone, Debug, PartialEq)]
struct Scene {
    layout: Layout,
    scales: Option<(TimeScale, PriceScale)>,
    /// Present if the delta pane is shown and a delta is known.
    delta: Option<PaneScale>,
    /// The axes of the indicators' panes; absent where there is no pane or no value in view.
    panes: [Option<PaneScale>; MAX_INDICATOR_PANES],
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
            bar_style: BarStyle::default(),
            price_mode: PriceMode::default(),
            chosen_prices: None,
            zone: Zone::UTC,
            cursor: None,
            clock: None,
            is_stale: false,
            studies: Studies::default(),
            indicators: Vec::new(),
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
        self.indicators.iter_mut().for_each(Indicator::clear);
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

    /// Sets the indicators, in display order. One that is there already keeps its values.
    pub fn set_indicators(&mut self, plots: Vec<IndicatorPlot>) {
        if self.indicators.iter().map(|known| &known.plot).eq(&plots) {
            return;
        }
        let mut known = std::mem::take(&mut self.indicators);
        let find = |plot: IndicatorPlot| {
            let same = |own: &Indicator| own.plot.key == plot.key && own.plot.lines.len() == plot.lines.len();
            match known.iter().position(same) {
                Some(at) => known.swap_remove(at).with_plot(plot),
                None => Indicator::new(plot),
            }
        };
        self.indicators = plots.into_iter().map(find).collect();
        self.mask.add(Level::Full);
    }

    /// Returns true if the indicator has values.
    pub fn has_indicator_rows(&self, key: &str) -> bool {
        let own = self.indicators.iter().find(|indicator| indicator.plot.key == key);
        own.is_some_and(|own| own.n_rows(i64::MAX) > 0)
    }

    /// Sets an indicator's values by the open times of their bars, one value an output.
    pub fn upsert_indicator<'a>(&mut self, key: &str, rows: impl IntoIterator<Item = (i64, &'a [Option<f64>])>) {
        if let Some(indicator) = self.indicators.iter_mut().find(|indicator| indicator.plot.key == key) {
            let has_settled = indicator.upsert(rows);
            self.mask.add(if has_settled { Level::Light } else { Level::Last });
        }
    }

    /// Sets how the prices of bars are drawn.
    pub fn set_bar_style(&mut self, bar_style: BarStyle) {
        if self.bar_style != bar_style {
            self.bar_style = bar_style;
            self.mask.add(Level::Light);
        }
    }

    /// Sets how prices are spaced, and fits them to the bars in view.
    pub fn set_price_mode(&mut self, price_mode: PriceMode) {
        if self.price_mode != price_mode {
            self.price_mode = price_mode;
            self.fit_prices();
        }
    }

    /// Sets the time zone of all texts; candles of a day or more keep UTC, because their days begin there.
    pub fn set_zone(&mut self, zone: Zone) {
        self.zone = zone;
        self.mask.add(Level::Full);
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

    /// Returns where prices stand since the last [`Self::prepare`]; `None` until there are bars.
    pub fn price_rows(&self) -> Option<PriceRows> {
        let (_, price) = self.scales()?;
        Some(PriceRows::new(&self.layout(), *price))
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
                time.ticks((TIME_GAP_PX * layout.ratio).max(TIME_GAP_DIGITS * layout.digit_width), self.zone()),
            )
        });
        let (delta, zone) = (self.delta_scale(), self.zone_name());
        paint(area, |pen| {
            draw_grid_axes(pen, &layout, &prices, &times, &zone, (self.font(&layout), &self.theme))?;
            draw_pane_axis(pen, (layout.delta, delta), &layout, self.font(&layout), &self.theme)?;
            for (indicator, place) in self.placed() {
                let Place::Pane(pane, scale) = place else { continue };
                draw_pane_axis(pen, (pane, scale), &layout, self.font(&layout), &self.theme)?;
                if let Some(scale) = scale {
                    draw_levels(pen, indicator, (&layout, pane), &scale.axis, &self.theme)?;
                }
            }
            Ok(())
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
                draw_pane_caption(pen, words, layout.delta, &layout, (self.font(&layout), &self.theme))?;
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
            time: format_bar_time(time_ms, self.interval_ms(), self.zone()),
            value: if y < f64::from(layout.plot.y1) {
                price.label_of(y, self.price_decimals)
            } else {
                self.pane_scale_at(y).map_or_else(String::new, |scale| scale.label_at(y))
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
        let scales = (time, price);
        let tint = (self.bar_style == BarStyle::Area).then(|| Ink::mix(self.theme.text, alpha * AREA_OPACITY));
        let ink = Ink::mix(self.theme.text, alpha);
        match self.bar_style {
            BarStyle::Candles => draw_candles(pen, bars(), layout, scales, &self.theme, alpha)?,
            BarStyle::Line | BarStyle::Area => {
                let close = |idx| Some(self.series.close(idx));
                draw_line(pen, bars(), (layout, layout.plot), scales, close, (ink, tint))?;
            }
        }
        for (indicator, place) in self.placed() {
            let (pane, axis) = match place {
                Place::Prices => (layout.plot, price),
                Place::Pane(pane, Some(scale)) => (pane, &scale.axis),
                _ => continue,
            };
            draw_indicator(pen, indicator, bars(), (layout, pane), (time, axis), (&self.theme, alpha))?;
        }
        Ok(())
    }

    /// Iterates over the indicators, each with its place since the last [`Self::prepare`].
    fn placed(&self) -> impl Iterator<Item = (&Indicator, Place<'_>)> {
        let layout = self.layout();
        let mut n_panes = 0;
        self.indicators.iter().map(move |indicator| {
            let place = match &indicator.plot.pane {
                _ if indicator.plot.is_hidden => Place::Nowhere,
                IndicatorPane::Prices => Place::Prices,
                IndicatorPane::Own { .. } if n_panes < MAX_INDICATOR_PANES => {
                    n_panes += 1;
                    let scale = self.scene.as_ref().and_then(|scene| scene.panes[n_panes - 1].as_ref());
                    Place::Pane(layout.indicators[n_panes - 1], scale)
                }
                IndicatorPane::Own { .. } => Place::Nowhere,
            };
            (indicator, place)
        })
    }

    /// Returns the axis of the pane at pixel row `y`.
    fn pane_scale_at(&self, y: f64) -> Option<&PaneScale> {
        let layout = self.layout();
        let is_at = |pane: Rect| y >= f64::from(pane.y0) && y < f64::from(pane.y1);
        if is_at(layout.delta) {
            return self.delta_scale();
        }
        let at = layout.indicators.iter().position(|pane| is_at(*pane))?;
        self.scene.as_ref()?.panes[at].as_ref()
    }

    fn opacity(&self) -> f64 {
        if self.is_stale { STALE_OPACITY } else { 1.0 }
    }

    fn profile(&self, time: &TimeScale, price: &PriceScale) -> Option<Profile> {
        let step = self.studies.profile.then(|| row_step(price, &self.layout(), self.price_decimals))?;
        Profile::new(&self.series, self.visible(time), step, pow10(self.price_decimals).recip())
    }

    fn panes(&self) -> Panes {
        let is_own = |indicator: &&Indicator| {
            !indicator.plot.is_hidden && matches!(indicator.plot.pane, IndicatorPane::Own { .. })
        };
        let n_indicators = self.indicators.iter().filter(is_own).count().min(MAX_INDICATOR_PANES);
        Panes { delta: self.studies.delta, n_indicators }
    }

    fn delta_scale(&self) -> Option<&PaneScale> {
        self.scene.as_ref()?.delta.as_ref()
    }

    fn build_scene(&self) -> Scene {
        let bare = Layout::new(&self.surface, 0, self.panes());
        let fallback = || Scene { layout: bare, scales: None, delta: None, panes: [None; MAX_INDICATOR_PANES] };
        let (Some(viewport), false) = (&self.viewport, self.series.is_empty()) else { return fallback() };
        // The plot's width depends on the labels' length, which depends on the prices in view: all but the width is
        // known.
        let rough = self.time_scale(viewport, &bare);
        let extremes = self.series.price_extent(self.visible(&rough)).or_else(|| {
            // A view into a gap keeps the scale of the bar before the gap.
            let before = self.visible(&rough).start.saturating_sub(1);
            self.series.price_extent(before..before + 1)
        });
        let Some((low, high)) = extremes.map(|ends| self.with_overlays(ends, &self.visible(&rough))) else {
            return fallback();
        };
        // The last price is exact, so it may be longer than the axis's own labels.
        let decimals = self.price_decimals.max(self.series.close_decimals());
        let chosen = self.chosen_prices.map(|prices| prices.between(bare.prices.y0, bare.prices.y1));
        let ends = chosen.map_or([low, high], |prices| [0, bare.plot.y1].map(|y| prices.price_of(f64::from(y))));
        let n_label_chars = ends.map(|price| format_fixed(price, decimals).chars().count());
        // An unknown width does not lengthen any label.
        let delta = |range, layout: &Layout| {
            let is_shown = self.studies.delta && !layout.delta.is_empty();
            delta_scale(&self.series, range, self.size_decimals, layout).filter(|_| is_shown)
        };
        let n_delta_chars = delta(self.visible(&rough), &bare).map_or(0, |scale| scale.label_chars(bare.delta));
        let panes = self.pane_scales(self.visible(&rough), &bare);
        let chars =
            panes.iter().zip(bare.indicators).map(|(scale, pane)| scale.map_or(0, |scale| scale.label_chars(pane)));
        let n_pane_chars = chars.max().unwrap_or(0).max(n_delta_chars);
        let n_zone_chars = self.zone_name().chars().count();
        let n_chars = n_label_chars[0].max(n_label_chars[1]).max(n_pane_chars).max(n_zone_chars);
        let layout = Layout::new(&self.surface, n_chars, self.panes());
        if layout.plot.is_empty() {
            return Scene { layout, ..fallback() };
        }
        let time = self.time_scale(viewport, &layout);
        let rows = layout.prices;
        let price = match self.chosen_prices {
            Some(chosen) => chosen.between(rows.y0, rows.y1),
            None => PriceScale::new(self.price_mode, low, high, self.price_decimals, rows.y0, rows.y1),
        };
        let range = self.visible(&time);
        let (delta, panes) = (delta(range.clone(), &layout), self.pane_scales(range, &layout));
        Scene { layout, scales: Some((time, price)), delta, panes }
    }

    /// Returns the axes of the indicators' panes for the bars in `range`.
    fn pane_scales(&self, range: Range<usize>, layout: &Layout) -> [Option<PaneScale>; MAX_INDICATOR_PANES] {
        let mut scales = [None; MAX_INDICATOR_PANES];
        let times = &self.series.open_time_ms()[range];
        let Some((first, last)) = times.first().zip(times.last()) else { return scales };
        let own = self.indicators.iter().filter(|own| !own.plot.is_hidden).filter_map(|own| match &own.plot.pane {
            IndicatorPane::Own { range, .. } => Some((own, *range)),
            IndicatorPane::Prices => None,
        });
        for ((scale, pane), (indicator, ends)) in scales.iter_mut().zip(layout.indicators).zip(own) {
            *scale = match ends {
                Some(ends) => Some(PaneScale::exact(ends, PANE_DECIMALS, pane, layout)),
                None => indicator
                    .extent(*first, *last)
                    .map(|extent| PaneScale::rounded(extent, PANE_DECIMALS, pane, layout)),
            };
        }
        scales
    }

    /// Returns the range of prices to show: that of the bars, and of what is drawn over them, up to half as much again.
    fn with_overlays(&self, (low, high): (f64, f64), range: &Range<usize>) -> (f64, f64) {
        let times = &self.series.open_time_ms()[range.clone()];
        let Some((first, last)) = times.first().zip(times.last()) else { return (low, high) };
        let over = |own: &&Indicator| !own.plot.is_hidden && own.plot.pane == IndicatorPane::Prices;
        let extents = self.indicators.iter().filter(over).filter_map(|own| own.extent(*first, *last));
        let room = (high - low) / 2.0;
        extents.fold((low, high), |(lower, higher), (least, most)| {
            (lower.min(least.max(low - room)), higher.max(most.min(high + room)))
        })
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

    fn zone(&self) -> Zone {
        if self.interval_ms() >= DAY_MS { Zone::UTC } else { self.zone }
    }

    /// Returns the name of the time zone at the newest bar.
    fn zone_name(&self) -> String {
        self.zone().name(self.series.open_time_ms().last().copied().unwrap_or_default())
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

/// Most decimals of an indicator in a pane of its own.
const PANE_DECIMALS: u32 = 10;

const AREA_OPACITY: f64 = 0.1;

const STALE_OPACITY: f64 = 0.45;
