//! Time and sales: the last trades, newest first, paused while the reader looks closely.

use std::sync::Arc;

use leptos::{ev, prelude::*, tachys::view::keyed::keyed};
use model::event::AggressorSide;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::unsupported::{Feature, UnsupportedNote, use_unsupported},
    components::{
        icon::{Icon, IconMark},
        long_table::{LongTable, use_row_window},
    },
    format,
    fragment::Fragment,
    lazy::{LazyPart, LazyView},
    live::model::LiveModel,
    pages::live::{
        picked_price::use_picked_price,
        size_heading::SizeHeading,
        tape_rows::{MAX_ROWS, TapeChoice, TapeForm, TapeLine, TapeRows, TapeView},
        topics_of,
    },
    selection::Selection,
    settings::{TimeZone, use_settings},
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
    let form = Memo::new(move |_| {
        let (unit, zone) = settings.with(|settings| (settings.size_unit, settings.time_zone));
        TapeForm { decimals: selection.decimals(), unit, zone }
    });
    let source = move |model: &LiveModel| {
        Ok(selection.id.with_untracked(|id| {
            let id = id.as_ref()?;
            let log = model.tape(id)?;
            let least = settings.with_untracked(|settings| settings.tape_least(&id.to_string()));
            let choice = TapeChoice { id: id.clone(), least };
            rows.try_update_value(|rows| rows.follow(log, choice, form.get_untracked()))
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
    let choice = Signal::derive(move || format!("{} {}", least.get().unwrap_or_default(), form.get().key()));
    // The inputs are outside the region that refreshes.
    view! {
        <section class="panel tape-panel" data-panel="tape" aria-label="Tape">
            <label class="tape-panel__filter" hidden=move || !is_given.get()>
                <span>"≥"</span>
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
                <span class="tape-panel__unit">{move || selection.instrument.with(|one| one.as_ref().map(|one| one.base.clone()))}</span>
                <span class="tape-panel__wrong" role="status" data-testid="tape-filter-wrong">
                    {move || if is_wrong.get() { "not a number" } else { "" }}
                </span>
            </label>
            <Show when=move || is_given.get()>
                <LazyView part=LazyPart::PrintSound(selection)/>
            </Show>
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
                    <Tape view rows form is_held is_hovered selection/>
                </Fragment>
            </Show>
        </section>
    }
}

#[component]
fn Tape(
    /// The newest rows, if known.
    view: Signal<Option<TapeView>>,
    /// All rows that are kept.
    rows: StoredValue<TapeRows>,
    /// The form of the rows.
    form: Memo<TapeForm>,
    /// True while the rows are paused.
    is_held: Signal<bool>,
    /// Set while the pointer is over the rows.
    is_hovered: RwSignal<bool>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    // The rows shown: the current ones, or those at the time of the pause. Another instrument or size ends the pause of
    // old rows.
    let shown = Memo::new(move |known: Option<&TapeView>| {
        let (is_held, next) = (is_held.get(), view.get().unwrap_or_default());
        match known.filter(|known| is_held && known.choice == next.choice && !known.rows.is_empty()) {
            Some(known) => rows.with_value(|rows| rows.held(known, form.get())),
            None => next,
        }
    });
    // While the tape runs, only the rows that fit exist; a paused tape can be scrolled back.
    let window = use_row_window(move |room| {
        let n_shown = shown.with(|shown| shown.rows.len());
        if is_held.get() { n_shown } else { room.n_rows().clamp(MIN_ROWS, MAX_ROWS).min(n_shown) }
    });
    let in_view = move || {
        shown.with(|shown| {
            let lines = shown.rows.get(window.in_view().get()).unwrap_or_default();
            lines.iter().map(|line| (Arc::clone(line), shown.form)).collect::<Vec<(Arc<TapeLine>, TapeForm)>>()
        })
    };
    // Not `<For>`: it keeps some bytes of each row that ever existed, which at ten trades a second add up to megabytes.
    let body = move || {
        let key = |(line, form): &(Arc<TapeLine>, TapeForm)| (line.row.serial, form.key());
        keyed(in_view(), key, |_, (line, _)| (|_| {}, view! { <TapeRowView line/> }))
    };
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
    let picked = use_picked_price();
    let empty_note = Memo::new(move |_| {
        shown.with(|shown| match &shown.choice {
            Some(choice) if shown.rows.is_empty() && choice.least.is_some() => "No trades of this size yet",
            Some(_) if shown.rows.is_empty() => "No trades yet",
            _ => "",
        })
    });
    let time_words = move || match form.get().zone {
        TimeZone::Utc => "Time, UTC",
        TimeZone::Local => "Time, local",
    };
    let headings = view! {
        <span role="columnheader">{time_words}</span>
        <span role="columnheader">"Price"</span>
        <SizeHeading selection/>
        <span role="columnheader"><span class="unseen">"Side"</span></span>
    }
    .into_any();
    view! {
        <div class="panel__head">
            <h2 class="panel__title">"Tape"</h2>
            <span class="tape__held" data-testid="tape-held">{held_note}</span>
        </div>
        <div
            class="tape-frame"
            data-testid="tape"
            data-topic=topic
            data-held=move || is_held.get().to_string()
            on:click=move |event| picked.pick_row(selection.id.get_untracked(), &event)
            on:pointerenter=move |event| if event.pointer_type() == "mouse" { is_hovered.set(true) }
            on:pointerleave=move |_| is_hovered.set(false)
        >
            <LongTable
                label="Last trades"
                class="tape"
                testid="tape-table"
                window
                headings
                rows=body.into_any()
                is_slice=true
                is_focusable=true
            >
                <p class="tape__note" data-testid="tape-note" hidden=move || empty_note.get().is_empty()>{empty_note}</p>
            </LongTable>
        </div>
    }
}

/// A trade never changes, so neither does its row.
#[component]
fn TapeRowView(
    /// The trade.
    line: Arc<TapeLine>,
) -> impl IntoView {
    let (side, sign) = match line.row.trade.aggressor_side {
        AggressorSide::Buyer => ("buy", "▲"),
        AggressorSide::Seller => ("sell", "▼"),
        AggressorSide::Unknown => ("unknown", "•"),
    };
    view! {
        <div class="long-table__row tape__row" role="row" data-testid="tape-row" data-side=side>
            <span class="tape__time" role="cell">{line.time.clone()}</span>
            <span class="tape__price" role="cell" data-value=line.price_value.clone()>{line.price.clone()}</span>
            <span class="tape__size" role="cell">{line.size.clone()}</span>
            <span class="tape__side" role="cell"><span aria-hidden="true">{sign}</span><span class="unseen">{side}</span></span>
        </div>
    }
}

/// Rows rendered before the space is known.
const MIN_ROWS: usize = 8;
