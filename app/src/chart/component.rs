//! The chart's markup and events. Server and browser render the same; canvases are filled in the browser only.

use chart::chart::Part;
use leptos::{html, prelude::*};
use model::candle::Interval;

use super::{
    ChartSeries,
    gesture::{self, Action, Gesture, Pointer, WheelUnit},
};

/// The instrument properties that a chart needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartInstrument {
    /// Its displayed name (`BTC/USDT`).
    pub label: String,
    /// Decimal places of displayed prices.
    pub price_decimals: u32,
    /// Decimal places of displayed quantities.
    pub size_decimals: u32,
}

/// A candle chart that fills its container, with crosshair, wheel zoom, drag pan and keys (see `gesture`).
///
/// Redraws itself when `series` changes; nothing reactive runs per update.
#[component]
pub fn CandleChart(
    /// The shown instrument; `None` keeps the previous decimals.
    #[prop(into)]
    instrument: Signal<Option<ChartInstrument>>,
    /// Length of the candles. The owner of `series` clears it when this changes.
    #[prop(into)]
    interval: Signal<Interval>,
    /// The candles.
    series: ChartSeries,
    /// Receives the price at which the reader clicked, not rounded.
    #[prop(optional, into)]
    pick: Option<Callback<f64>>,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    let pointers = Pointers { series, gesture: StoredValue::new(Gesture::default()), pick };

    Effect::new(move |_| {
        if let Some(shown) = instrument.get() {
            series.set_instrument(&shown.label, shown.price_decimals, shown.size_decimals);
        }
    });
    Effect::new(move |_| series.set_interval(interval.get()));
    mount(root, series);

    view! {
        <div
            node_ref=root
            class="candle-chart"
            data-testid="chart"
            data-bars="0"
            role="img"
            aria-label="Candle chart"
            aria-keyshortcuts="ArrowLeft ArrowRight ArrowUp ArrowDown Shift+ArrowUp Shift+ArrowDown + - Home End Alt+R"
            tabindex="0"
            on:pointerdown=move |event| pointers.down(&event)
            on:pointermove=move |event| pointers.moved(&event)
            on:pointerup=move |event| pointers.up(&event)
            on:pointercancel=move |event| pointers.cancel(&event)
            on:pointerleave=move |event| pointers.left(&event)
            on:wheel=move |event| turn(series, &event)
            on:dblclick=move |event| series.act(gesture::double_click(part(series, &event)))
            on:keydown=move |event| press(series, &event)
        >
            <canvas class="candle-chart__layer"></canvas>
            <canvas class="candle-chart__layer"></canvas>
            <canvas class="candle-chart__layer"></canvas>
            <div class="candle-chart__legend" data-testid="chart-legend">
                <span class="candle-chart__time"></span>
                " "
                <span class="candle-chart__prices"></span>
                " "
                <span class="candle-chart__change"></span>
                " "
                <span class="candle-chart__volume"></span>
            </div>
            <div class="candle-chart__price-axis"></div>
            <div class="candle-chart__time-axis"></div>
        </div>
        <button
            class="button button--tool candle-chart__fit"
            data-testid="fit-prices"
            title="Fit the prices to the bars in view (double-click on the price axis)"
            on:click=move |_| series.act(Action::FitPrices)
        >
            "Auto"
        </button>
    }
}

#[cfg(feature = "browser")]
fn mount(root: NodeRef<html::Div>, series: ChartSeries) {
    Effect::new(move |_| {
        if let Some(root) = root.get() {
            series.with_view(|surface| surface.mount(&root));
        }
    });
    on_cleanup(move || {
        series.with_view(super::view::ChartView::unmount);
    });
}

#[cfg(not(feature = "browser"))]
fn mount(_: NodeRef<html::Div>, _: ChartSeries) {}

/// Pointer events before they become actions.
#[derive(Clone, Copy)]
struct Pointers {
    series: ChartSeries,
    gesture: StoredValue<Gesture>,
    pick: Option<Callback<f64>>,
}

impl Pointers {
    fn down(self, event: &web_sys::PointerEvent) {
        if event.button() != 0 {
            return;
        }
        // Moves outside the chart still belong to the drag. A pointer that is already gone cannot be captured.
        if let Some(root) =
            event.current_target().and_then(|target| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(target).ok())
        {
            let _gone = root.set_pointer_capture(event.pointer_id());
        }
        let (x, y) = place(event);
        let part = self.series.part_at(x, y);
        self.gesture.try_update_value(|gesture| gesture.down(event.pointer_id(), part, x, y));
    }

    fn moved(self, event: &web_sys::PointerEvent) {
        let (x, y) = place(event);
        self.give(|gesture| gesture.moved(event.pointer_id(), pointer(event), x, y));
    }

    fn up(self, event: &web_sys::PointerEvent) {
        let (x, y) = place(event);
        self.give(|gesture| gesture.up(event.pointer_id(), pointer(event), x, y));
    }

    fn cancel(self, event: &web_sys::PointerEvent) {
        self.gesture.try_update_value(|gesture| gesture.cancel(event.pointer_id()));
    }

    fn left(self, event: &web_sys::PointerEvent) {
        self.give(|gesture| gesture.left(pointer(event)));
    }

    fn give(self, mean: impl FnOnce(&mut Gesture) -> Option<Action>) {
        match self.gesture.try_update_value(mean).flatten() {
            Some(Action::Pick(y)) => {
                if let (Some(pick), Some(rows)) = (self.pick, self.series.price_rows().get_untracked()) {
                    pick.run(rows.price_at(y));
                }
            }
            Some(action) => self.series.act(action),
            None => {}
        }
    }
}

fn turn(series: ChartSeries, event: &web_sys::WheelEvent) {
    // Otherwise the page scrolls, or the browser zooms.
    event.prevent_default();
    let unit = WheelUnit::from_mode(event.delta_mode());
    let moved = (event.delta_x(), event.delta_y());
    if let Some(action) = gesture::wheel(moved, unit, part(series, event), place(event).0) {
        series.act(action);
    }
}

fn press(series: ChartSeries, event: &web_sys::KeyboardEvent) {
    if event.ctrl_key() || event.meta_key() {
        return;
    }
    if let Some(action) = gesture::key(&event.key(), event.shift_key(), event.alt_key()) {
        event.prevent_default();
        series.act(action);
    }
}

/// Returns an event's place from the chart's corner.
fn place(event: &web_sys::MouseEvent) -> (f64, f64) {
    let root = event.current_target().and_then(|root| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(root).ok());
    let (left, top) = root.map_or((0.0, 0.0), |root| {
        let corner = root.get_bounding_client_rect();
        (corner.left(), corner.top())
    });
    (f64::from(event.client_x()) - left, f64::from(event.client_y()) - top)
}

fn part(series: ChartSeries, event: &web_sys::MouseEvent) -> Part {
    let (x, y) = place(event);
    series.part_at(x, y)
}

fn pointer(event: &web_sys::PointerEvent) -> Pointer {
    if event.pointer_type() == "mouse" { Pointer::Mouse } else { Pointer::Finger }
}
