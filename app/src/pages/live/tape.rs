//! Time and sales: the last trades, newest first, paused while the reader looks closely.

use std::sync::Arc;

use leptos::{ev, html, prelude::*, tachys::view::keyed::keyed};
use model::event::AggressorSide;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::unsupported::{Feature, UnsupportedNote, use_unsupported},
    components::{
        icon::{Icon, IconMark},
        room::use_room,
    },
    format,
    fragment::Fragment,
    live::model::LiveModel,
    pages::live::{
        tape_rows::{MAX_ROWS, TapeChoice, TapeLine, TapeRows, TapeView},
        topics_of,
    },
    selection::Selection,
    settings::use_settings,
};

/// The trades of the shown instrument.
#[component]
pub fn TapePanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let topics = topics_of(selection, Topic::tape);
    let unsupported = use_unsupported(selection, Feature::Trades);
    let is_given = Memo::new(move |_| unsupported.with(Option::is_none));
    let is_paused = RwSignal::new(false);
    let is_hovered = RwSignal::new(false);
    let settings = use_settings();
    let rows = StoredValue::new(TapeRows::default());
    let id_text = move || selection.id.with(|id| id.as_ref().map(ToString::to_string));
    let least = Memo::new(move |_| {
        id_text().and_then(|id| settings.with(|settings| settings.tape_least_text(&id).map(str::to_owned)))
    });
    let source = move |model: &LiveModel| {
        Ok(selection.id.with_untracked(|id| {
            let id = id.as_ref()?;
            let log = model.tape(id)?;
            let least = settings.with_untracked(|settings| settings.tape_least(&id.to_string()));
            let choice = TapeChoice { id: id.clone(), least, decimals: untrack(move || selection.decimals()) };
            rows.try_update_value(|rows| rows.follow(log, choice))
        }))
    };
    // The text as typed, and the instrument that it was typed for.
    let typed = RwSignal::new((String::new(), String::new()));
    let choose = move |text: String| {
        if let Some(id) = untrack(id_text) {
            let least = format::typed_size(&text).unwrap_or_default();
            settings.update(|settings| settings.set_tape_least(&id, &least));
            typed.set((id, text));
        }
    };
    let field = Memo::new(move |_| {
        let id = id_text().unwrap_or_default();
        typed.with(|(of, text)| if *of == id { text.clone() } else { least.get().unwrap_or_default() })
    });
    let is_wrong = Memo::new(move |_| field.with(|text| format::typed_size(text).is_none()));
    let is_held = Signal::derive(move || is_paused.get() || is_hovered.get());
    let choice = Signal::derive(move || least.get().unwrap_or_default());
    // The inputs are outside the region that refreshes.
    view! {
        <section class="panel tape-panel" data-panel="tape" aria-label="Tape">
            <label class="tape-panel__filter" hidden=move || !is_given.get()>
                <span>"size ≥"</span>
                <input
                    class="field field--tool tape-panel__least"
                    data-testid="tape-filter"
                    type="text"
                    inputmode="decimal"
                    autocomplete="off"
                    placeholder="0"
                    aria-label="Smallest trade to show"
                    aria-invalid=move || is_wrong.get().to_string()
                    prop:value=move || field.get()
                    on:input=move |event: ev::Event| choose(event_target_value(&event))
                />
                <span class="tape-panel__wrong" role="status" data-testid="tape-filter-wrong">
                    {move || if is_wrong.get() { "not a number" } else { "" }}
                </span>
            </label>
            <button
                class="button button--bare tape-panel__pause"
                data-testid="tape-pause"
                aria-pressed=move || is_paused.get().to_string()
                title="Pause the tape"
                hidden=move || !is_given.get()
                on:click=move |_| is_paused.update(|is_paused| *is_paused = !*is_paused)
            >
                <IconMark icon=Signal::derive(move || if is_paused.get() { Icon::Play } else { Icon::Pause })/>
                <span class="unseen">"Pause the tape"</span>
            </button>
            <Show when=move || is_given.get() fallback=move || view! { <UnsupportedNote title="Tape" unsupported/> }>
                <Fragment name="tape" cadence=Cadence::Shown topics source choice let:view>
                    <Tape view is_held is_hovered selection/>
                </Fragment>
            </Show>
        </section>
    }
}

#[component]
fn Tape(
    /// The rows, if known.
    view: Signal<Option<TapeView>>,
    /// True while the rows are paused.
    is_held: Signal<bool>,
    /// Set while the pointer is over the rows.
    is_hovered: RwSignal<bool>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let rows_room = NodeRef::<html::Div>::new();
    let room = use_room(rows_room);
    // The rows shown: the current ones, or those at the time of the pause. Another instrument or size ends the pause of
    // old rows.
    let shown = Memo::new(move |known: Option<&TapeView>| {
        let next = view.get().unwrap_or_default();
        match known {
            Some(known) if is_held.get() && known.choice == next.choice && !known.rows.is_empty() => known.clone(),
            _ => next,
        }
    });
    // While the tape runs, only the rows that fit are rendered; a paused tape can be scrolled back.
    let n_rows = Memo::new(move |_| match is_held.get() {
        true => MAX_ROWS,
        false => room.get().n_rows().clamp(MIN_ROWS, MAX_ROWS),
    });
    // Not `<For>`: it keeps some bytes of each row that ever existed, which at ten trades a second add up to megabytes.
    let rows =
        move || shown.with(|shown| shown.rows.iter().take(n_rows.get()).cloned().collect::<Vec<Arc<TapeLine>>>());
    let n_held = move || {
        let n_matched = view.with(|view| view.as_ref().map_or(0, |view| view.n_matched));
        n_matched.saturating_sub(shown.with(|shown| shown.n_matched))
    };
    let held_note = move || match (is_held.get(), n_held()) {
        (false, _) => String::new(),
        (true, 0) => "paused".to_owned(),
        (true, n_held) => format!("paused, {n_held} new"),
    };
    let topic = move || selection.id.with(|id| id.as_ref().map(|id| Topic::tape(id).to_string()));
    let empty_note = Memo::new(move |_| {
        shown.with(|shown| match &shown.choice {
            Some(choice) if shown.rows.is_empty() && choice.least.is_some() => "No trades of this size yet",
            Some(_) if shown.rows.is_empty() => "No trades yet",
            _ => "",
        })
    });
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
            node_ref=rows_room
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
                {move || keyed(rows(), |line| line.serial, |_, line| (|_| {}, view! { <TapeRowView line/> }))}
            </div>
            <p class="tape__note" data-testid="tape-note" hidden=move || empty_note.get().is_empty()>{empty_note}</p>
        </div>
    }
}

/// A trade never changes, so neither does its row.
#[component]
fn TapeRowView(
    /// The trade.
    line: Arc<TapeLine>,
) -> impl IntoView {
    let (side, sign) = match line.side {
        AggressorSide::Buyer => ("buy", "▲"),
        AggressorSide::Seller => ("sell", "▼"),
        AggressorSide::Unknown => ("unknown", "•"),
    };
    view! {
        <div class="tape__row" role="row" data-testid="tape-row" data-side=side>
            <span class="tape__time" role="cell">{line.time.clone()}</span>
            <span class="tape__price" role="cell" data-value=line.price_value.clone()>{line.price.clone()}</span>
            <span class="tape__size" role="cell">{line.size.clone()}</span>
            <span class="tape__side" role="cell"><span aria-hidden="true">{sign}</span><span class="unseen">{side}</span></span>
        </div>
    }
}

/// Rows rendered before the space is known.
const MIN_ROWS: usize = 8;
