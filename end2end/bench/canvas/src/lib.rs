//! The chart of 500 candles on stacked canvases, for `canvas.bench.ts`: through the page's backend, through
//! plotters-canvas, and with almost nothing drawn, which is the cost of measuring itself.
//!
//! Layer and backend of the page are the product's own files. Not here: clocks, repetitions and figures, which are in
//! the script.

#[path = "../../../../app/src/chart/backend.rs"]
mod backend;
mod bars;
#[path = "../../../../app/src/chart/layer.rs"]
mod layer;
mod theirs;

use backend::CanvasBackend;
use chart::{
    Chart,
    chart::Studies,
    draw::{Area, DrawResult},
    invalidate::Level,
    layout::{LABEL_FONT_PX, Surface},
};
use model::{
    candle::{Candle, Interval},
    time::Timestamp,
};
use plotters_backend::DrawingBackend;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::{
    layer::Layer,
    theirs::{TheirBackend, TheirLayer},
};

/// One chart on one stack of canvases.
#[wasm_bindgen]
pub struct Bench {
    chart: Chart,
    layers: Layers,
    size: (u32, u32),
    /// The forming bar before its first tick.
    first: Candle,
    n_ticks: u32,
}

enum Layers {
    Ours([Layer; N_LAYERS]),
    Theirs([TheirLayer; N_LAYERS]),
    /// One pixel per layer, without plotters.
    Blank([CanvasRenderingContext2d; N_LAYERS]),
}

#[wasm_bindgen]
impl Bench {
    /// Creates a chart of 500 candles on `canvases`, lowest first. `way` is "ours", "theirs" or "blank".
    #[wasm_bindgen(constructor)]
    pub fn new(way: &str, canvases: Vec<HtmlCanvasElement>, has_studies: bool) -> Self {
        console_error_panic_hook::set_once();
        let size = (canvases[0].width(), canvases[0].height());
        let probe = Layer::new(canvases[0].clone()).expect("invariant: canvases are new");
        let surface = Surface {
            width: size.0,
            height: size.1,
            ratio: 1.0,
            digit_width: probe.digit_width(LABEL_FONT_PX, FONT_FAMILY),
        };
        let layers = match way {
            "ours" => Layers::Ours(stack(canvases, |canvas| {
                let mut layer = Layer::new(canvas)?;
                layer.resize(size);
                Some(layer)
            })),
            "theirs" => Layers::Theirs(stack(canvases, TheirLayer::new)),
            _ => Layers::Blank(stack(canvases, |canvas| context_of(&canvas))),
        };
        let bars = bars::bars(N_BARS);
        let first = *bars.last().expect("invariant: there are bars");
        let mut chart = Chart::new(Interval::M1);
        chart.set_surface(surface);
        chart.set_font_family(FONT_FAMILY);
        chart.set_instrument("BTC/USDT", 2, 3);
        chart.set_studies(Studies { delta: has_studies, profile: has_studies, ..Studies::default() });
        chart.set_bars(&bars);
        chart.set_clock(Some(Timestamp::from_millis(first.open_time.as_millis() + 17_000)));
        chart.prepare();
        // All candles, not only those of the first view.
        chart.zoom(3.6);
        chart.prepare();
        Self { chart, layers, size, first, n_ticks: 0 }
    }

    /// Draws a frame of all four layers, with the crosshair in the middle of the plot.
    pub fn full(&mut self) {
        let (width, height) = self.size;
        self.chart.set_cursor(Some((f64::from(width) / 2.0, f64::from(height) / 2.0)));
        self.chart.prepare();
        match &mut self.layers {
            Layers::Ours(layers) => draw_all(&self.chart, layers),
            Layers::Theirs(layers) => draw_all(&self.chart, layers),
            Layers::Blank(contexts) => contexts.iter().for_each(|context| draw_pixel(context, self.size)),
        }
    }

    /// Adds a trade to the forming candle, and draws the frame it requires: the layer with that candle and the last
    /// price. False if more than that would be due.
    pub fn tick(&mut self) -> bool {
        self.n_ticks += 1;
        let bar = bars::after_ticks(&self.first, self.n_ticks);
        self.chart.set_cursor(None);
        self.chart.upsert(&[bar]);
        let level = self.chart.prepare();
        match &mut self.layers {
            Layers::Ours(layers) => draw_tick(&self.chart, layers),
            Layers::Theirs(layers) => draw_tick(&self.chart, layers),
            Layers::Blank(contexts) => draw_pixel(&contexts[LAST], self.size),
        }
        level == Level::Last
    }

    /// Returns a sentence that describes the chart.
    pub fn summary(&self) -> String {
        self.chart.summary()
    }
}

/// A canvas that plotters can draw on.
trait Canvas {
    type Backend: DrawingBackend;

    fn clear_and_draw(&mut self, draw: impl FnOnce(&Area<Self::Backend>) -> DrawResult<Self::Backend>);

    fn clear(&mut self);
}

impl Canvas for Layer {
    type Backend = CanvasBackend;

    fn clear_and_draw(&mut self, draw: impl FnOnce(&Area<CanvasBackend>) -> DrawResult<CanvasBackend>) {
        self.draw(draw);
    }

    fn clear(&mut self) {
        self.blank();
    }
}

impl Canvas for TheirLayer {
    type Backend = TheirBackend;

    fn clear_and_draw(&mut self, draw: impl FnOnce(&Area<TheirBackend>) -> DrawResult<TheirBackend>) {
        self.draw(draw);
    }

    fn clear(&mut self) {
        self.blank();
    }
}

/// Draws a frame of level `Full` like the page (`app/src/chart/view.rs`).
fn draw_all<C: Canvas>(chart: &Chart, [base, series, last, cursor]: &mut [C; N_LAYERS]) {
    base.clear_and_draw(|area| chart.draw_base(area));
    series.clear_and_draw(|area| chart.draw_series(area));
    last.clear_and_draw(|area| chart.draw_last(area));
    cursor.clear_and_draw(|area| chart.draw_cursor(area));
}

/// Draws a frame of level `Last` like the page while no cursor is over the chart.
fn draw_tick<C: Canvas>(chart: &Chart, [_, _, last, cursor]: &mut [C; N_LAYERS]) {
    last.clear_and_draw(|area| chart.draw_last(area));
    cursor.clear();
}

/// Gives the browser a frame to finish, with almost nothing to paint.
fn draw_pixel(context: &CanvasRenderingContext2d, (width, height): (u32, u32)) {
    context.clear_rect(0.0, 0.0, f64::from(width), f64::from(height));
    context.fill_rect(0.0, 0.0, 1.0, 1.0);
}

fn context_of(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

fn stack<T>(canvases: Vec<HtmlCanvasElement>, layer: impl FnMut(HtmlCanvasElement) -> Option<T>) -> [T; N_LAYERS] {
    let layers: Vec<T> = canvases.into_iter().filter_map(layer).collect();
    layers.try_into().ok().expect("invariant: four new canvases")
}

/// As many as the page shows at first.
const N_BARS: u32 = 500;
const N_LAYERS: usize = 4;
/// The layer with the forming bar.
const LAST: usize = 2;
const FONT_FAMILY: &str = "sans-serif";
