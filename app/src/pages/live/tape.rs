//! Time and sales: the last prints, newest first, held still while the reader looks closely.

use leptos::prelude::*;
use model::{event::AggressorSide, time::Timestamp};
use wire::topic::Topic;

use crate::{
    components::icon::{Icon, IconMark},
    format,
    fragment::{Fragment, cadence::Cadence},
    live::{model::LiveModel, tape_log::TapeRow},
    pages::live::topics_of,
    selection::Selection,
};

/// Prints shown.
const N_ROWS: usize = 60;

/// What the panel shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapeView {
    /// Newest first.
    rows: Vec<TapeLine>,
    /// How many prints came so far.
    n_seen: u64,
}

/// One print as text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TapeLine {
    serial: u64,
    time: String,
    price: String,
    price_value: String,
    size: String,
    side: AggressorSide,
}

impl TapeLine {
    fn new(row: &TapeRow, decimals: Option<(u32, u32)>) -> Self {
        let trade = &row.trade;
        let (price_decimals, size_decimals) = decimals.unwrap_or((trade.price.scale(), trade.size.scale()));
        Self {
            serial: row.serial,
            time: format::time_of_day(Timestamp::from_millis(trade.venue_time_ms)),
            price: format::price(trade.price, price_decimals),
            price_value: trade.price.to_string(),
            size: format::quantity(trade.size, size_decimals),
            side: trade.aggressor_side,
        }
    }
}

/// The prints of the shown instrument.
#[component]
pub fn TapePanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let topics = topics_of(selection, Topic::tape);
    let is_paused = RwSignal::new(false);
    let is_hovered = RwSignal::new(false);
    let source = move |model: &LiveModel| {
        Ok(selection.id.with_untracked(|id| {
            let log = model.tape(id.as_ref()?)?;
            let decimals = untrack(move || selection.decimals());
            let rows = log.newest_first().take(N_ROWS).map(|row| TapeLine::new(row, decimals)).collect();
            Some(TapeView { rows, n_seen: log.n_seen() })
        }))
    };
    let is_held = Signal::derive(move || is_paused.get() || is_hovered.get());
    // The button is an input and stands outside the region that refreshes.
    view! {
        <section class="panel tape-panel" data-panel="tape" aria-label="Tape">
            <button
                class="button button--bare tape-panel__pause"
                data-testid="tape-pause"
                aria-pressed=move || is_paused.get().to_string()
                title="Hold the tape"
                on:click=move |_| is_paused.update(|is_paused| *is_paused = !*is_paused)
            >
                <IconMark icon=Signal::derive(move || if is_paused.get() { Icon::Play } else { Icon::Pause })/>
                <span class="unseen">"Hold the tape"</span>
            </button>
            <Fragment name="tape" cadence=Cadence::Price topics source let:view>
                <Tape view is_held is_hovered selection/>
            </Fragment>
        </section>
    }
}

#[component]
fn Tape(
    /// What is known.
    view: Signal<Option<TapeView>>,
    /// True while the rows stand still.
    is_held: Signal<bool>,
    /// Set while the pointer is over the rows.
    is_hovered: RwSignal<bool>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    // What is shown: as it comes, or as it was when it was held. Another instrument ends the holding of old rows.
    let shown = Memo::new(move |known: Option<&(String, TapeView)>| {
        let of = selection.id.with(|id| id.as_ref().map(ToString::to_string).unwrap_or_default());
        match known {
            Some(known) if is_held.get() && known.0 == of && !known.1.rows.is_empty() => known.clone(),
            _ => (of, view.get().unwrap_or_default()),
        }
    });
    let n_held = move || {
        let n_seen = view.with(|view| view.as_ref().map_or(0, |view| view.n_seen));
        n_seen.saturating_sub(shown.with(|(_, shown)| shown.n_seen))
    };
    let held_note = move || match (is_held.get(), n_held()) {
        (false, _) => String::new(),
        (true, 0) => "held".to_owned(),
        (true, n_held) => format!("held, {n_held} new"),
    };
    let topic = move || selection.id.with(|id| id.as_ref().map(|id| Topic::tape(id).to_string()));
    view! {
        <div class="panel__head">
            <h2 class="panel__title">"Tape"</h2>
            <span class="tape__held" data-testid="tape-held">{held_note}</span>
        </div>
        <div
            class="tape"
            role="table"
            aria-label="Last trades"
            data-testid="tape"
            data-topic=topic
            data-held=move || is_held.get().to_string()
            tabindex="0"
            on:pointerenter=move |event| if event.pointer_type() == "mouse" { is_hovered.set(true) }
            on:pointerleave=move |_| is_hovered.set(false)
        >
            <div class="tape__row tape__row--head" role="row">
                <span role="columnheader">"Time, UTC"</span>
                <span role="columnheader">"Price"</span>
                <span role="columnheader">"Size"</span>
                <span role="columnheader"><span class="unseen">"Side"</span></span>
            </div>
            <div class="tape__rows" role="rowgroup">
                <For each=move || shown.with(|(_, shown)| shown.rows.clone()) key=|line| line.serial let:line>
                    <TapeRowView line/>
                </For>
            </div>
        </div>
    }
}

/// A print never changes, so neither does its row.
#[component]
fn TapeRowView(
    /// The print.
    line: TapeLine,
) -> impl IntoView {
    let (side, sign) = match line.side {
        AggressorSide::Buyer => ("buy", "▲"),
        AggressorSide::Seller => ("sell", "▼"),
        AggressorSide::Unknown => ("unknown", "•"),
    };
    view! {
        <div class="tape__row" role="row" data-testid="tape-row" data-side=side>
            <span class="tape__time" role="cell">{line.time}</span>
            <span class="tape__price" role="cell" data-value=line.price_value>{line.price}</span>
            <span class="tape__size" role="cell">{line.size}</span>
            <span class="tape__side" role="cell"><span aria-hidden="true">{sign}</span><span class="unseen">{side}</span></span>
        </div>
    }
}
