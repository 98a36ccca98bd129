//! A venue's followed symbols: a few beside each other, many as a count that opens a list with a filter.

use leptos::{ev, prelude::*};
use wire::command::{Command, FeedSymbols};

use crate::{
    components::{
        icon::{Icon, IconMark},
        long_table::{LongTable, row_index, rows_of, use_row_window},
        status_mark::StatusMark,
    },
    live::{commands::CommandState, use_live},
    pages::{
        live::symbol_picker::use_choose,
        venues::figures::{MAX_CHIPS, SymbolState, VenueState, matching, summary},
    },
};

/// The followed symbols: a click shows one, the cross stops following it.
#[component]
pub fn Followed(
    /// The venue's name.
    venue: String,
    /// Its state.
    state: Memo<VenueState>,
    /// Receives the state of a command.
    answer: RwSignal<CommandState>,
) -> impl IntoView {
    let symbols = Memo::new(move |_| state.with(|state| state.symbols.clone()));
    let is_long = Memo::new(move |_| symbols.with(|symbols| symbols.len() > MAX_CHIPS));
    let venue = StoredValue::new(venue);
    let chip = move |symbol: SymbolState| {
        let value = Memo::new(move |_| Some(symbol.clone()));
        view! {
            <li class="venue__symbol" data-testid="followed" data-symbol=id_of(value) data-state=state_of(value)>
                <SymbolControls venue symbol=value answer/>
            </li>
        }
    };
    let content = move || match is_long.get() {
        true => view! { <SymbolList venue symbols answer/> }.into_any(),
        false => view! {
            <ul class="venue__symbols">
                {move || symbols.get().into_iter().take(MAX_CHIPS).map(chip).collect_view()}
            </ul>
        }
        .into_any(),
    };
    view! {
        <div class="venue__followed" hidden=move || symbols.with(Vec::is_empty)>
            {content}
            <span class="venue__updates">{move || state.with(|state| state.updates.clone())}</span>
        </div>
    }
}

/// Many symbols: their count, which opens the list.
#[component]
fn SymbolList(
    /// The venue's name.
    venue: StoredValue<String>,
    /// The followed symbols.
    symbols: Memo<Vec<SymbolState>>,
    /// Receives the state of a command.
    answer: RwSignal<CommandState>,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let filter = RwSignal::new(String::new());
    let found = Memo::new(move |_| match is_open.get() {
        true => symbols.with(|symbols| filter.with(|filter| matching(symbols, filter))),
        false => Vec::new(),
    });
    let window = use_row_window(move |_| found.with(Vec::len));
    let row = move |place: usize| {
        let symbol = Memo::new(move |_| found.with(|found| found.get(place).cloned()));
        view! {
            <div
                class="long-table__row"
                role="row"
                aria-rowindex=row_index(place)
                data-testid="followed"
                data-symbol=id_of(symbol)
                data-state=state_of(symbol)
            >
                <span class="venue__listed" role="cell"><SymbolControls venue symbol answer/></span>
            </div>
        }
        .into_any()
    };
    view! {
        <details class="venue__all" on:toggle=move |_| is_open.update(|is_open| *is_open = !*is_open)>
            <summary class="venue__count" data-testid="symbol-count">{move || symbols.with(|symbols| summary(symbols))}</summary>
            <input
                class="field venue__filter"
                data-testid="symbol-filter"
                type="search"
                placeholder="Filter: a name, or a state"
                aria-label="Filter the followed symbols"
                prop:value=move || filter.get()
                on:input=move |event: ev::Event| filter.set(event_target_value(&event))
            />
            <LongTable
                label="Followed symbols"
                class="venue__list"
                testid="symbol-list"
                window
                headings=view! { <span role="columnheader">{move || format!("{} shown", found.with(Vec::len))}</span> }.into_any()
                rows=rows_of(window, row)
            />
        </details>
    }
}

/// The light of one symbol, its name, and the button that stops it.
#[component]
fn SymbolControls(
    /// The venue's name.
    venue: StoredValue<String>,
    /// The symbol; `None` while it is being removed.
    symbol: Memo<Option<SymbolState>>,
    /// Receives the state of a command.
    answer: RwSignal<CommandState>,
) -> impl IntoView {
    let live = use_live();
    let choose = use_choose();
    let light = Signal::derive(move || symbol.with(|symbol| symbol.as_ref().map(|one| one.state).unwrap_or_default()));
    let name = move || symbol.with(|symbol| symbol.as_ref().map_or_else(String::new, |one| one.id.symbol().to_owned()));
    let cause = move || symbol.with(|symbol| symbol.as_ref().map_or_else(String::new, |one| one.cause.clone()));
    let stop_words = move || format!("Stop {}", name());
    let stop = move |_| {
        let one = FeedSymbols { venue: venue.get_value(), symbols: vec![untrack(name)] };
        live.command(Command::StopFeed(one), answer);
    };
    let show = move |_| {
        if let Some(symbol) = symbol.get_untracked() {
            choose(&symbol.id);
        }
    };
    view! {
        <StatusMark state=light/>
        <button class="venue__show" title=move || format!("Show {} on the Live page", id_of(symbol)()) on:click=show>
            {name}
        </button>
        <span class="venue__cause" title=cause>{cause}</span>
        <button class="venue__drop" data-testid="symbol-stop" aria-label=stop_words title=stop_words on:click=stop>
            <IconMark icon=Icon::Close/>
        </button>
    }
}

fn id_of(symbol: Memo<Option<SymbolState>>) -> impl Fn() -> String + Copy + Send + 'static {
    move || symbol.with(|symbol| symbol.as_ref().map_or_else(String::new, |one| one.id.to_string()))
}

fn state_of(symbol: Memo<Option<SymbolState>>) -> impl Fn() -> &'static str + Copy + Send + 'static {
    move || symbol.with(|symbol| symbol.as_ref().map_or("", |one| one.state.as_str()))
}
