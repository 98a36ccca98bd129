//! Price alerts over the chart of the Live page: their lines, and new ones at the cursor (Alt+A, and a + at the axis).

use leptos::{ev, prelude::*};
use model::{
    alert::{
        command::{AlertCommand, RuleReply, SaveAlert},
        rule_id::RuleId,
    },
    decimal::Price,
};

use super::{
    ChartLines, Steps,
    line::{alert_lines_of, price_near},
};
use crate::{
    chart::ChartSeries,
    format,
    live::{browser, use_live},
    pages::alerts::{
        actions::{Answer, ask, fresh_id, said},
        draft::price_alert,
        use_rules,
    },
    selection::Selection,
};

/// The lines, and the button at the price axis.
#[component]
pub fn AlertLines(
    /// The shown instrument.
    selection: Selection,
    /// Its chart.
    series: ChartSeries,
) -> impl IntoView {
    let live = use_live();
    let rules = use_rules();
    let steps = Memo::new(move |_| {
        selection.instrument.with(|instrument| {
            let instrument = instrument.as_ref()?;
            let decimals = (instrument.price_decimals(), instrument.size_decimals());
            Some(Steps { tick: instrument.tick_size, decimals })
        })
    });
    let lines = Memo::new(move |_| {
        let Some(id) = selection.id.get() else { return Vec::new() };
        rules.with(|rules| rules.as_ref().map_or_else(Vec::new, |rules| alert_lines_of(&id, &rules.alerts)))
    });
    // The button goes away with the cursor, unless the pointer is on the button itself.
    let held = RwSignal::new(None::<f64>);
    let row = Memo::new(move |_| held.get().or_else(|| series.cursor_row().get()));
    let price_at = move |row: f64| -> Option<Price> {
        let (rows, steps) = (series.price_rows().get()?, steps.get()?);
        price_near(rows.price_at(row), steps.tick, steps.decimals.0)
    };
    let shown = Memo::new(move |_| price_at(row.get()?));
    let saved = RwSignal::new(Answer::<RuleReply>::None);
    let add = move |price: Price| {
        if let (Some(id), Ok(rule_id)) = (selection.id.get_untracked(), RuleId::parse(&fresh_id())) {
            let rule = price_alert(rule_id, id, price);
            ask(live, AlertCommand::SaveAlert(Box::new(SaveAlert { rule })), saved);
        }
    };
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            // On some keyboards Alt+A is another letter: the place of the key counts.
            if !event.alt_key() || event.ctrl_key() || event.code() != "KeyA" || browser::is_typing() {
                return;
            }
            let last = || {
                let id = selection.id.get_untracked()?;
                live.with_model(|model| model.quote(&id)?.last).flatten()
            };
            if let Some(price) = shown.get_untracked().or_else(last) {
                event.prevent_default();
                add(price);
            }
        });
        on_cleanup(move || listener.remove());
    });
    // The answer is shown for a moment.
    Effect::new(move |_| {
        if matches!(saved.get(), Answer::Reply(_) | Answer::Refused(_)) {
            set_timeout(move || drop(saved.try_set(Answer::None)), SAID_FOR);
        }
    });
    let text = move || {
        let decimals = steps.with(|steps| steps.map_or(0, |steps| steps.decimals.0));
        shown.get().map(|price| format::price(price, decimals)).unwrap_or_default()
    };
    view! {
        <ChartLines series lines steps/>
        <div
            class="chart-lines"
            style=("--axis", move || series.price_rows().get().map(|rows| format!("{:.0}px", rows.axis_width())))
        >
            <button
                class="alert-add"
                data-testid="alert-add"
                title="Add an alert at this price (Alt+A)"
                aria-label=move || format!("Add an alert at {}", text())
                aria-keyshortcuts="Alt+A"
                tabindex="-1"
                hidden=move || shown.with(Option::is_none)
                style=("--y", move || row.get().map(|row| format!("{row:.1}px")))
                on:pointerenter=move |event: ev::PointerEvent| {
                    // At the row where the pointer met it.
                    let target = event_target::<web_sys::Element>(&event).get_bounding_client_rect();
                    let around = event_target::<web_sys::Element>(&event).parent_element();
                    let top = around.map_or(0.0, |around| around.get_bounding_client_rect().top());
                    held.set(Some(target.top() + target.height() / 2.0 - top));
                }
                on:pointerleave=move |_| held.set(None)
                on:click=move |_| {
                    if let Some(price) = shown.get_untracked() {
                        add(price);
                    }
                }
            >
                "+"
            </button>
            <p class="alert-said-chart" role="status" data-testid="alert-said" hidden=move || saved.with(|saved| *saved == Answer::None)>
                {move || saved.with(said)}
            </p>
        </div>
    }
}

/// Time for which the answer to a new alert is shown.
const SAID_FOR: std::time::Duration = std::time::Duration::from_secs(6);
