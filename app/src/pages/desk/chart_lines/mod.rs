//! Lines over a chart: open orders, the position and price alerts, which are dragged or moved by keys.
//!
//! Elements over the canvases, so that each line has a name, a focus and buttons; they lie where the chart last drew
//! their prices. Loaded lazily, with the rows that they show. Not here: what lines there are (`line`).

pub mod alert_lines;
pub mod line;

use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use model::decimal::Price;
use topics::{channels::Channel, lane::Lane};

use self::line::{ChartLine, LineCommand, LineTarget, lines_of, price_near, stepped};
use crate::{
    chart::ChartSeries,
    format,
    live::{Live, commands::CommandState, use_live},
    pages::{
        alerts,
        desk::{
            account::account,
            actions::{self, CommandNote},
            orders_off::{OrdersOff, use_orders_off},
            positions::open_orders,
            rows::{read_row, topic},
        },
    },
    selection::Selection,
};

/// The steps of an instrument, for moving and showing prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// The smallest step of a price.
    pub tick: Price,
    /// Decimals of prices and of sizes.
    pub decimals: (u32, u32),
}

/// The lines of the account's open orders and of its position in the shown instrument.
#[component]
pub fn OrderLines(
    /// The shown instrument.
    selection: Selection,
    /// Its chart.
    series: ChartSeries,
) -> impl IntoView {
    let live = use_live();
    let topics = vec![topic(Channel::Orders), topic(Channel::Positions)];
    live.use_topics(Signal::stored(topics.clone()), Signal::stored(Lane::Medium));
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(&topics))
    });
    let steps = Memo::new(move |_| {
        selection.instrument.with(|instrument| {
            let instrument = instrument.as_ref()?;
            let decimals = (instrument.price_decimals(), instrument.size_decimals());
            Some(Steps { tick: instrument.tick_size, decimals })
        })
    });
    let lines = Memo::new(move |_| {
        // Read, not only tracked: a memo that was never read notices nothing.
        let _revision = revision.get();
        let (Some(id), Some(steps)) = (selection.id.get(), steps.get()) else { return Vec::new() };
        let lines = live.with_model(|model| {
            let orders = open_orders(model).ok().flatten().unwrap_or_default();
            let position = read_row(model, Channel::Positions, &id.to_string()).ok().flatten().flatten();
            lines_of(&id, &orders, position.as_ref(), steps.decimals)
        });
        lines.unwrap_or_default()
    });
    view! { <ChartLines series lines steps/> }
}

/// Lines over a chart.
#[component]
pub fn ChartLines(
    /// The chart.
    series: ChartSeries,
    /// The lines.
    #[prop(into)]
    lines: Signal<Vec<ChartLine>>,
    /// The steps of the instrument; `None` while they are not known: nothing is shown.
    #[prop(into)]
    steps: Signal<Option<Steps>>,
) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let keys = Memo::new(move |_| lines.with(|lines| lines.iter().map(|line| line.key.clone()).collect::<Vec<_>>()));
    view! {
        <div
            class="chart-lines"
            node_ref=frame
            style=("--axis", move || series.price_rows().get().map(|rows| format!("{:.0}px", rows.axis_width())))
        >
            <For each=move || keys.get() key=Clone::clone let:key>
                {
                    let line = Memo::new(move |_| {
                        lines.with(|lines| lines.iter().find(|line| line.key == key).cloned())
                    });
                    view! { <Line line series steps frame/> }
                }
            </For>
        </div>
    }
}

#[component]
fn Line(
    /// The line; `None` while it is being removed.
    line: Memo<Option<ChartLine>>,
    /// The chart below it.
    series: ChartSeries,
    /// The steps of the instrument.
    steps: Signal<Option<Steps>>,
    /// The element around all lines.
    frame: NodeRef<html::Div>,
) -> impl IntoView {
    // Where the reader has moved it to, until that is sent or given up.
    let moved = RwSignal::new(None::<Price>);
    let state = RwSignal::new(CommandState::default());
    let price = Memo::new(move |_| moved.get().or_else(|| line.with(|line| line.as_ref().map(|line| line.price))));
    let y = Memo::new(move |_| series.price_rows().get()?.y_of(price.get()?.to_f64_lossy()));
    let text = move || {
        let decimals = steps.with(|steps| steps.map_or(0, |steps| steps.decimals.0));
        price.get().map_or_else(String::new, |price| format::price(price, decimals))
    };
    let words = Memo::new(move |_| line.with(|line| line.as_ref().map_or_else(String::new, |line| line.words.clone())));
    let tone = move || line.with(|line| line.as_ref().map(|line| line.tone.as_str()));
    let moves = Memo::new(move |_| line.with(|line| line.as_ref()?.moves.clone()));
    view! {
        <div
            class="chart-line"
            data-testid="chart-line"
            data-tone=tone
            data-waiting=move || line.with(|line| line.as_ref().is_some_and(|line| line.is_waiting)).to_string()
            data-moved=move || moved.with(Option::is_some).to_string()
            hidden=move || y.with(Option::is_none)
            style=("--y", move || y.get().map(|y| format!("{y:.1}px")))
        >
            <span class="chart-line__rule"></span>
            {move || match moves.get() {
                Some(target) => {
                    view! { <Handle target moved state price words text=Signal::derive(text) series steps frame/> }.into_any()
                }
                None => view! { <span class="chart-line__words">{words}</span> }.into_any(),
            }}
            <span class="chart-line__price" data-testid="chart-line-price">{text}</span>
        </div>
    }
}

/// The label of a movable line: dragged or moved by keys, then sent or given back.
#[component]
fn Handle(
    /// Target of the line.
    target: LineTarget,
    /// The price to which the reader has moved it.
    moved: RwSignal<Option<Price>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
    /// The price at which it is shown.
    price: Memo<Option<Price>>,
    /// Its label.
    words: Memo<String>,
    /// Its price as text.
    text: Signal<String>,
    /// The chart below it.
    series: ChartSeries,
    /// The steps of the instrument.
    steps: Signal<Option<Steps>>,
    /// The element around all lines.
    frame: NodeRef<html::Div>,
) -> impl IntoView {
    let live = use_live();
    let is_held = RwSignal::new(false);
    let (move_words, remove_words) = target.words();
    // Alerts are no orders.
    let orders = matches!(target, LineTarget::Order(_)).then(use_orders_off);
    let is_off = move || orders.is_some_and(OrdersOff::get_untracked);
    let disabled = move || orders.map(|orders| orders.get().to_string());
    let reason = move || orders.and_then(OrdersOff::reason);
    let target = StoredValue::new(target);
    let back = move || {
        moved.set(None);
        state.set(CommandState::Idle);
    };
    let amend = move || {
        if let Some(price) = moved.get_untracked() {
            send(live, target.with_value(|target| target.moved_to(price, account())), state);
        }
    };
    let remove = move || send(live, target.with_value(|target| target.removed(account())), state);
    // The line stays where it was put until its row says where it is.
    Effect::new(move |_| {
        if state.get() == CommandState::Done {
            back();
        }
    });
    let to_row = move |event: &ev::PointerEvent| {
        let top = frame.get_untracked().map_or(0.0, |frame| frame.get_bounding_client_rect().top());
        let rows = series.price_rows().get_untracked();
        if let (Some(rows), Some(steps)) = (rows, steps.get_untracked()) {
            let value = rows.price_at(f64::from(event.client_y()) - top);
            moved.set(price_near(value, steps.tick, steps.decimals.0));
        }
    };
    let down = move |event: ev::PointerEvent| {
        if event.button() != 0 || is_off() {
            return;
        }
        let target = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if let Some(target) = target {
            let _gone = target.set_pointer_capture(event.pointer_id());
        }
        is_held.set(true);
        state.set(CommandState::Idle);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if is_off() && event.key() != "Escape" {
            return;
        }
        let n_ticks = match event.key().as_str() {
            "ArrowUp" => 1,
            "ArrowDown" => -1,
            "PageUp" => 10,
            "PageDown" => -10,
            "Enter" if moved.with_untracked(Option::is_some) => {
                event.prevent_default();
                return amend();
            }
            "Escape" if moved.with_untracked(Option::is_some) => {
                event.stop_propagation();
                return back();
            }
            "Delete" => return remove(),
            _ => return,
        };
        event.prevent_default();
        if let (Some(price), Some(steps)) = (price.get_untracked(), steps.get_untracked())
            && let Some(next) = stepped(price, steps.tick, n_ticks)
        {
            moved.set(Some(next));
        }
    };
    view! {
        <span class="chart-line__label">
            <span
                class="chart-line__grip"
                data-testid="chart-line-grip"
                role="slider"
                tabindex="0"
                aria-orientation="vertical"
                aria-label=move || format!("{}, price", words.get())
                aria-valuenow=move || price.get().map(|price| price.to_string())
                aria-valuetext=text
                aria-disabled=disabled
                title=move || reason().unwrap_or(move_words)
                on:pointerdown=down
                on:pointermove=move |event: ev::PointerEvent| {
                    if is_held.get_untracked() {
                        to_row(&event);
                    }
                }
                on:pointerup=move |_| is_held.set(false)
                on:pointercancel=move |_| {
                    is_held.set(false);
                    back();
                }
                on:keydown=on_key
            >
                {words}
            </span>
            <span class="chart-line__ask" hidden=move || moved.with(Option::is_none) || is_held.get()>
                <button class="button button--main" data-testid="chart-line-amend" aria-disabled=disabled title=reason on:click=move |_| amend()>
                    {move || format!("Move to {}", text.get())}
                </button>
                <button class="button" on:click=move |_| back()>"Back"</button>
            </span>
            <button
                class="chart-line__cancel"
                data-testid="chart-line-cancel"
                aria-disabled=disabled
                title=move || reason().unwrap_or(remove_words)
                aria-label=move || format!("{remove_words}: {}", words.get())
                hidden=move || moved.with(Option::is_some)
                on:click=move |_| remove()
            >
                "×"
            </button>
            <CommandNote state/>
        </span>
    }
}

/// Sends the command of a line.
fn send(live: Live, command: LineCommand, state: RwSignal<CommandState>) {
    match command {
        LineCommand::Desk(command) => actions::send(live, &command, state),
        LineCommand::Alert(command) => alerts::actions::send(live, command, state),
    }
}
