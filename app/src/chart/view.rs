//! The browser side of a chart: size, colours, frames, and the attributes that describe the displayed data.
//!
//! Every change to the chart requests a frame; a frame draws what the chart's level requires. A hidden page requests
//! none and draws when it is visible again. Everything started at mounting is undone at unmounting.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use chart::{
    Chart,
    chart::Part,
    indicator::IndicatorReading,
    invalidate::Level,
    layout::{LABEL_FONT_PX, Surface},
    price_rows::PriceRows,
};
use leptos::prelude::{GetUntracked, RwSignal, Set, WithUntracked, document, window};
use model::{candle::Interval, time::Monotonic};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Element, Event, HtmlCanvasElement, HtmlDivElement, MediaQueryList, MutationObserver, MutationObserverInit,
    ResizeObserver, Text,
};

use super::{gesture::Action, layer::Layer, palette::palette};

/// A chart that may be on the page. Cheap to clone.
#[derive(Clone)]
pub(super) struct ChartView(Rc<RefCell<Inner>>);

struct Inner {
    chart: Chart,
    /// For what is laid over the chart.
    rows: RwSignal<Option<PriceRows>>,
    /// For the legends of the indicators.
    readings: RwSignal<Vec<IndicatorReading>>,
    scene: Option<Scene>,
}

/// The parts that exist while the chart is on the page.
struct Scene {
    root: Element,
    /// Grid, axes and settled bars; the forming bar with the last price; crosshair.
    layers: [Layer; N_LAYERS],
    legend: Element,
    /// The texts inside the legend's elements: time, prices, change, volume.
    legend_parts: [Text; N_PARTS],
    shown: Shown,
    is_size_due: bool,
    is_palette_due: bool,
    frame: Option<i32>,
    on_frame: Closure<dyn FnMut(f64)>,
    label_timer: Option<i32>,
    label_at_ms: Option<f64>,
    on_label_due: Closure<dyn FnMut()>,
    _watch: Watch,
}

/// The current texts and attributes, so that only changes touch the page.
#[derive(Default)]
struct Shown {
    interval: Option<Interval>,
    n_bars: Option<usize>,
    last_open_time_ms: Option<i64>,
    last_close: Option<String>,
    hash: Option<u64>,
    is_stale: Option<bool>,
    direction: Option<&'static str>,
    has_chosen_prices: Option<bool>,
    axis_px: Option<i32>,
    legend: [String; N_PARTS],
}

impl std::fmt::Debug for ChartView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChartView")
    }
}

impl ChartView {
    pub(super) fn new(rows: RwSignal<Option<PriceRows>>, readings: RwSignal<Vec<IndicatorReading>>) -> Self {
        Self(Rc::new(RefCell::new(Inner { chart: Chart::new(Interval::M1), rows, readings, scene: None })))
    }

    /// Changes the chart; requests a frame if the change is visible.
    pub(super) fn change(&self, change: impl FnOnce(&mut Chart)) {
        if let Ok(mut inner) = self.0.try_borrow_mut() {
            change(&mut inner.chart);
            inner.ask_for_frame();
        }
    }

    /// Changes the chart and draws it now. If the page must be measured first, it is drawn in the next frame.
    pub(super) fn change_in_frame(&self, now: Monotonic, change: impl FnOnce(&mut Chart)) {
        let Ok(mut inner) = self.0.try_borrow_mut() else { return };
        change(&mut inner.chart);
        if inner.scene.as_ref().is_some_and(|scene| scene.is_size_due || scene.is_palette_due) {
            inner.ask_for_frame();
        } else {
            inner.draw(now.saturating_since(Monotonic::ZERO).as_secs_f64() * 1e3);
        }
    }

    /// Returns the part at a place in CSS pixels.
    pub(super) fn part_at(&self, x: f64, y: f64) -> Part {
        let ratio = window().device_pixel_ratio();
        self.0.try_borrow().map_or(Part::Plot, |inner| inner.chart.part_at(x * ratio, y * ratio))
    }

    /// Executes a gesture's action.
    pub(super) fn act(&self, action: Action) {
        // The chart counts device pixels.
        let ratio = window().device_pixel_ratio();
        self.change(|chart| match action {
            Action::Point(x, y) => chart.set_cursor(Some((x * ratio, y * ratio))),
            Action::Leave => chart.set_cursor(None),
            Action::Drag { pixels, rows, at } => {
                chart.drag(pixels * ratio);
                chart.drag_prices(rows * ratio);
                chart.set_cursor(at.map(|(x, y)| (x * ratio, y * ratio)));
            }
            Action::Slide(pixels) => chart.drag(pixels * ratio),
            Action::ZoomAt { factor, x, pixels } => {
                chart.drag(pixels * ratio);
                chart.zoom_at(factor, x * ratio);
            }
            Action::Zoom(factor) => chart.zoom(factor),
            Action::Pan(share) => chart.pan(share),
            Action::ScalePrices(factor) => chart.scale_prices(factor),
            Action::PanPrices(share) => chart.pan_prices(share),
            Action::FitPrices => chart.fit_prices(),
            Action::ResetTimes => chart.reset_times(),
            Action::Start => chart.to_start(),
            Action::End => chart.to_end(),
            Action::Reset => chart.reset_view(),
            // For the owner of the chart.
            Action::Pick(_) => {}
        });
    }

    /// Mounts the chart on the markup below `root`. Without a canvas context the chart stays empty, and so do its
    /// attributes.
    pub(super) fn mount(&self, root: &HtmlDivElement) {
        let Some(scene) = Scene::new(root.clone().into(), Rc::downgrade(&self.0)) else { return };
        let mut inner = self.0.borrow_mut();
        inner.scene = Some(scene);
        inner.ask_for_frame();
    }

    /// Detaches from the page; the candles stay.
    pub(super) fn unmount(&self) {
        let scene = self.0.borrow_mut().scene.take();
        drop(scene);
    }
}

impl Inner {
    fn ask_for_frame(&mut self) {
        let Some(scene) = &mut self.scene else { return };
        let is_due = scene.is_size_due || scene.is_palette_due || self.chart.pending() > Level::None;
        if is_due && scene.frame.is_none() && !document().hidden() {
            scene.frame = window().request_animation_frame(scene.on_frame.as_ref().unchecked_ref()).ok();
        }
    }

    fn draw(&mut self, now_ms: f64) {
        let Self { chart, rows, readings, scene: Some(scene) } = self else { return };
        if let Some(frame) = scene.frame.take() {
            let _may_be_this_one = window().cancel_animation_frame(frame);
        }
        // If the page was hidden meanwhile, it requests a frame when it is visible again.
        if document().hidden() {
            return;
        }
        if std::mem::take(&mut scene.is_palette_due) {
            let (theme, family) = palette(&scene.root);
            chart.set_theme(theme);
            chart.set_font_family(&family);
            scene.is_size_due = true;
        }
        if std::mem::take(&mut scene.is_size_due) {
            chart.set_surface(scene.measure(chart.font_family()));
        }
        let level = chart.prepare();
        let drawn = chart.price_rows();
        if rows.try_get_untracked().is_some_and(|known| known != drawn) {
            rows.set(drawn);
        }
        let [settled, last, cursor] = &mut scene.layers;
        if level >= Level::Light {
            settled.draw(|area| {
                chart.draw_base(area)?;
                chart.draw_series(area)
            });
        }
        if level >= Level::Last {
            last.draw(|area| chart.draw_last(area));
        }
        if level >= Level::Cursor {
            if chart.has_top_layer() {
                cursor.draw(|area| chart.draw_cursor(area));
            } else {
                cursor.blank();
            }
            let said = chart.indicator_readings();
            if readings.try_with_untracked(|known| *known != said) == Some(true) {
                readings.set(said);
            }
            scene.tell(chart);
            scene.label(chart, now_ms);
        }
    }
}

impl Scene {
    fn new(root: Element, surface: Weak<RefCell<Inner>>) -> Option<Self> {
        let child = |parent: &Element, child_idx: usize| parent.children().item(u32::try_from(child_idx).ok()?);
        let layers: Vec<Layer> = (0..N_LAYERS)
            .filter_map(|layer_idx| child(&root, layer_idx)?.dyn_into::<HtmlCanvasElement>().ok())
            .filter_map(Layer::new)
            .collect();
        let legend = child(&root, N_LAYERS)?;
        // Own text nodes, updated in place: setting an element's text would create a new node at each change.
        let part = |part_idx| {
            let text = Text::new().ok()?;
            child(&legend, part_idx)?.append_child(&text).ok()?;
            Some(text)
        };
        let legend_parts = [part(0)?, part(1)?, part(2)?, part(3)?];

        let drawn = surface.clone();
        let on_frame = Closure::new(move |now_ms: f64| {
            if let Some(inner) = drawn.upgrade()
                && let Ok(mut inner) = inner.try_borrow_mut()
            {
                inner.draw(now_ms);
            }
        });
        let labelled = surface.clone();
        let on_label_due = Closure::new(move || {
            if let Some(inner) = labelled.upgrade()
                && let Ok(mut inner) = inner.try_borrow_mut()
                && let Inner { chart, scene: Some(scene), .. } = &mut *inner
            {
                scene.label_timer = None;
                scene.write_label(chart);
            }
        });
        let watch = Watch::new(&root, surface)?;
        Some(Self {
            root,
            layers: layers.try_into().ok()?,
            legend,
            legend_parts,
            shown: Shown::default(),
            is_size_due: true,
            is_palette_due: true,
            frame: None,
            on_frame,
            label_timer: None,
            label_at_ms: None,
            on_label_due,
            _watch: watch,
        })
    }

    /// Gives the canvases as many device pixels as the root covers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    fn measure(&mut self, family: &str) -> Surface {
        let ratio = window().device_pixel_ratio();
        let place = self.root.get_bounding_client_rect();
        let [width, height] = [place.width(), place.height()].map(|side| (side * ratio).round() as u32);
        for layer in &mut self.layers {
            layer.resize((width, height));
        }
        let digit_width = self.layers[0].digit_width(LABEL_FONT_PX * ratio, family);
        Surface { width, height, ratio, digit_width }
    }

    /// Updates attributes and legend.
    fn tell(&mut self, chart: &mut Chart) {
        let shown = &mut self.shown;
        let root = &self.root;
        if changed(&mut shown.interval, chart.interval()) {
            set(root, "data-interval", chart.interval().as_str());
        }
        if changed(&mut shown.n_bars, chart.n_bars()) {
            set(root, "data-bars", &chart.n_bars().to_string());
        }
        if changed(&mut shown.is_stale, chart.is_stale()) {
            set(root, "data-stale", if chart.is_stale() { "true" } else { "false" });
        }
        if changed(&mut shown.has_chosen_prices, chart.has_chosen_prices()) {
            set(root, "data-prices", if chart.has_chosen_prices() { "chosen" } else { "fitted" });
        }
        #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
        let axis_px = (f64::from(chart.price_axis_width()) / window().device_pixel_ratio()).ceil() as i32;
        if changed(&mut shown.axis_px, axis_px) {
            set(root, "style", &format!("--chart-axis:{axis_px}px"));
        }
        let hash = chart.bars_hash();
        if changed(&mut shown.hash, hash) {
            set(root, "data-bars-hash", &format!("{hash:016x}"));
        }
        match (chart.last().map(|bar| bar.open_time.as_millis()), chart.last_close()) {
            (Some(time_ms), Some(close)) => {
                if changed(&mut shown.last_open_time_ms, time_ms) {
                    set(root, "data-last-open-time-ms", &time_ms.to_string());
                }
                if shown.last_close.as_ref() != Some(&close) {
                    set(root, "data-last-close", &close);
                    shown.last_close = Some(close);
                }
            }
            _ => {
                for name in ["data-last-open-time-ms", "data-last-close"] {
                    let _valid_name = root.remove_attribute(name);
                }
                (shown.last_open_time_ms, shown.last_close) = (None, None);
            }
        }
        let legend = chart.legend();
        if let Some(legend) = &legend
            && changed(&mut shown.direction, legend.direction.as_str())
        {
            set(&self.legend, "data-direction", legend.direction.as_str());
        }
        let texts = legend.map_or_else(Default::default, |legend| {
            let (prices, volumes) = (legend.prices(), legend.volumes());
            [legend.time, prices, legend.change, volumes]
        });
        for ((part, known), text) in self.legend_parts.iter().zip(&mut shown.legend).zip(texts) {
            if *known != text {
                part.set_data(&text);
                *known = text;
            }
        }
    }

    /// Updates the spoken summary, but not more often than a person can listen.
    fn label(&mut self, chart: &Chart, now_ms: f64) {
        let due_ms = self.label_at_ms.map_or(now_ms, |at_ms| at_ms + LABEL_EVERY_MS);
        if now_ms >= due_ms {
            // The first bars are news at once.
            self.label_at_ms = (chart.n_bars() > 0).then_some(now_ms);
            self.write_label(chart);
        } else if self.label_timer.is_none() {
            #[expect(clippy::cast_possible_truncation, reason = "below five seconds")]
            let wait_ms = (due_ms - now_ms) as i32;
            let handler = self.on_label_due.as_ref().unchecked_ref();
            self.label_timer = window().set_timeout_with_callback_and_timeout_and_arguments_0(handler, wait_ms).ok();
        }
    }

    fn write_label(&self, chart: &Chart) {
        set(&self.root, "aria-label", &chart.summary());
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(frame) = self.frame {
            let _none_pending = window().cancel_animation_frame(frame);
        }
        if let Some(timer) = self.label_timer {
            window().clear_timeout_with_handle(timer);
        }
    }
}

/// Watches everything the chart depends on: its size, the root element's attributes (theme, colours), the system's
/// theme, and the page's visibility. Stops when dropped.
struct Watch {
    resized: ResizeObserver,
    restyled: MutationObserver,
    system_theme: Option<MediaQueryList>,
    on_resize: Closure<dyn FnMut()>,
    on_restyle: Closure<dyn FnMut()>,
    on_theme: Closure<dyn FnMut(Event)>,
    on_visible: Closure<dyn FnMut(Event)>,
}

impl Watch {
    fn new(root: &Element, surface: Weak<RefCell<Inner>>) -> Option<Self> {
        let ask = move |mark: fn(&mut Scene)| {
            if let Some(inner) = surface.upgrade()
                && let Ok(mut inner) = inner.try_borrow_mut()
            {
                if let Some(scene) = &mut inner.scene {
                    mark(scene);
                }
                inner.ask_for_frame();
            }
        };
        let (resize, restyle, theme, visible) = (ask.clone(), ask.clone(), ask.clone(), ask);
        let on_resize: Closure<dyn FnMut()> = Closure::new(move || resize(|scene| scene.is_size_due = true));
        let on_restyle: Closure<dyn FnMut()> = Closure::new(move || restyle(|scene| scene.is_palette_due = true));
        let on_theme: Closure<dyn FnMut(Event)> = Closure::new(move |_| theme(|scene| scene.is_palette_due = true));
        // The size may have changed while hidden.
        let on_visible: Closure<dyn FnMut(Event)> = Closure::new(move |_| visible(|scene| scene.is_size_due = true));

        let resized = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok()?;
        resized.observe(root);
        let restyled = MutationObserver::new(on_restyle.as_ref().unchecked_ref()).ok()?;
        let attributes = MutationObserverInit::new();
        attributes.set_attributes(true);
        restyled.observe_with_options(&document().document_element()?.into(), &attributes).ok()?;
        let system_theme = window().match_media("(prefers-color-scheme: light)").ok().flatten();
        if let Some(query) = &system_theme {
            query.add_event_listener_with_callback("change", on_theme.as_ref().unchecked_ref()).ok()?;
        }
        document().add_event_listener_with_callback("visibilitychange", on_visible.as_ref().unchecked_ref()).ok()?;
        Some(Self { resized, restyled, system_theme, on_resize, on_restyle, on_theme, on_visible })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.resized.disconnect();
        self.restyled.disconnect();
        if let Some(query) = &self.system_theme {
            let _known = query.remove_event_listener_with_callback("change", self.on_theme.as_ref().unchecked_ref());
        }
        let visible = self.on_visible.as_ref().unchecked_ref();
        let _known = document().remove_event_listener_with_callback("visibilitychange", visible);
        // The closures outlive their observers.
        let _kept = (&self.on_resize, &self.on_restyle);
    }
}

/// Sets an attribute; the names here are all valid.
fn set(element: &Element, name: &str, value: &str) {
    let _valid_name = element.set_attribute(name, value);
}

/// Stores `now` and returns true if it is new.
fn changed<T: PartialEq>(shown: &mut Option<T>, now: T) -> bool {
    let is_news = shown.as_ref() != Some(&now);
    if is_news {
        *shown = Some(now);
    }
    is_news
}

const N_LAYERS: usize = 3;

const N_PARTS: usize = 4;

const LABEL_EVERY_MS: f64 = 5_000.0;
