//! The field and the list that choose an instrument: followed ones first, then all others that the venues offer.
//!
//! Arrows and Enter choose. Choosing one that nobody follows yet follows it first.

use std::{sync::Arc, time::Duration};

use leptos::{ev, html, prelude::*};
use model::instrument::{Instrument, InstrumentId};
use wire::command::{Command, FollowSymbols};

use crate::{
    components::{
        icon::{Icon, IconMark},
        status_mark::StatusMark,
    },
    lazy::Search,
    live::{
        Live, browser,
        catalogue::{self, Found, Listing},
        commands::CommandState,
        use_live,
    },
    pages::live::{
        symbol_picker::{close, use_choose_on},
        symbol_search::search,
    },
    selection::{Selection, pair},
};

/// The field and the list inside the dialog.
#[component]
pub fn SymbolSearch(
    /// The dialog it works on.
    of: Search,
) -> impl IntoView {
    let Search { dialog, field, text, is_open, selection, path } = of;
    let live = use_live();
    let active_idx = RwSignal::new(0_usize);
    let (listed, keep) = (use_listed(text, is_open), RwSignal::new(false));
    let answer = RwSignal::new(CommandState::default());
    let found = Memo::new(move |_| match is_open.get() {
        true => {
            let followed = live.instruments().with(|list| text.with(|text| search(&list.known, text)));
            let others =
                listed.with(|listed| listed.matches.iter().filter(|one| !one.is_followed).cloned().collect::<Vec<_>>());
            followed.into_iter().map(Choice::Followed).chain(others.into_iter().map(Choice::Listing)).collect()
        }
        false => Vec::new(),
    });
    // The dialog may be open before this component exists.
    Effect::new(move |_| {
        if is_open.get()
            && let Some(field) = field.get()
        {
            let _refused = field.focus();
        }
    });
    let choose = use_choose_on(path);
    let pick = Callback::new(move |choice: Choice| match choice {
        Choice::Followed(instrument) => {
            choose(&instrument.id);
            close(dialog);
        }
        Choice::Listing(listed) => {
            let choose = choose.clone();
            follow(live, &listed, keep.get_untracked(), answer, move |id| {
                choose(&id);
                close(dialog);
            });
        }
    });
    let on_keydown = move |event: ev::KeyboardEvent| {
        let n_found = found.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => active_idx.update(|idx| *idx = (*idx + 1).min(n_found.saturating_sub(1))),
            "ArrowUp" => active_idx.update(|idx| *idx = idx.saturating_sub(1)),
            "Home" => active_idx.set(0),
            "End" => active_idx.set(n_found.saturating_sub(1)),
            "Enter" => {
                if let Some(choice) = found.with(|found| found.get(active_idx.get()).cloned()) {
                    pick.run(choice);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let empty_note = move || match (found.with(Vec::is_empty), live.instruments().with(|list| list.is_known)) {
        (false, _) => "",
        (true, true) => "No instrument matches.",
        (true, false) => "Waiting for the list of instruments…",
    };
    let words = move || match answer.get() {
        CommandState::Refused(words) => words,
        CommandState::Pending => "Following it…".to_owned(),
        CommandState::Idle | CommandState::Done => empty_note().to_owned(),
    };
    let missing = move || listed.with(|listed| listed.missing.iter().map(|one| one.reason.clone()).collect::<Vec<_>>());
    let n_missing = move || listed.with(|listed| listed.missing.len());
    let missing_head = move || match n_missing() {
        1 => "One venue could not be searched".to_owned(),
        n_missing => format!("{n_missing} venues could not be searched"),
    };
    let active =
        move || found.with(|found| found.get(active_idx.get()).map(|_| format!("symbol-option-{}", active_idx.get())));
    view! {
        <div class="symbol-dialog__search">
            <IconMark icon=Icon::Search/>
            <input
                class="symbol-dialog__field"
                data-testid="symbol-search"
                type="text"
                role="combobox"
                aria-label="Search instruments"
                aria-expanded="true"
                aria-controls="symbol-options"
                aria-autocomplete="list"
                aria-activedescendant=active
                autocomplete="off"
                spellcheck="false"
                placeholder="Symbol or venue"
                node_ref=field
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    active_idx.set(0);
                }
                on:keydown=on_keydown
            />
            <button class="button button--bare" aria-label="Close" on:click=move |_| close(dialog)>
                <IconMark icon=Icon::Close/>
            </button>
        </div>
        <ul class="symbol-dialog__list" id="symbol-options" role="listbox" aria-label="Instruments">
            {move || found.get().into_iter().enumerate().map(|(option_idx, choice)| match choice {
                Choice::Followed(instrument) => {
                    view! { <SymbolOption option_idx instrument active_idx selection pick/> }.into_any()
                }
                Choice::Listing(listed) => view! { <ListedOption option_idx listed active_idx pick/> }.into_any(),
            }).collect_view()}
        </ul>
        <p class="symbol-dialog__note" role="status" data-testid="symbol-note">{words}</p>
        <div class="symbol-dialog__foot">
            <label title="The server follows it again after a restart">
                <input
                    type="checkbox"
                    data-testid="symbol-keep"
                    prop:checked=move || keep.get()
                    on:change=move |event| keep.set(event_target_checked(&event))
                />
                " Keep newly followed ones after a restart"
            </label>
            // Who has typed nothing misses nothing.
            <details hidden=move || n_missing() == 0 || text.with(|text| text.trim().is_empty())>
                <summary>{missing_head}</summary>
                <ul>{move || missing().into_iter().map(|reason| view! { <li>{reason}"."</li> }).collect_view()}</ul>
            </details>
        </div>
    }
}

#[component]
fn SymbolOption(
    /// Position in the list.
    option_idx: usize,
    /// The instrument it offers.
    instrument: Arc<Instrument>,
    /// The position reached with the arrow keys.
    active_idx: RwSignal<usize>,
    /// The shown instrument.
    selection: Selection,
    /// Called with the choice.
    pick: Callback<Choice>,
) -> impl IntoView {
    let live = use_live();
    let id = instrument.id.clone();
    let of_state = id.clone();
    let state = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.stream(&of_state, browser::now()).state).unwrap_or_default()
    });
    let (row, is_active) = use_active_row(option_idx, active_idx);
    let picked = instrument.clone();
    let is_shown = {
        let id = id.clone();
        move || selection.id.with(|shown| shown.as_ref() == Some(&id))
    };
    view! {
        <li
            class="symbol-option"
            id=format!("symbol-option-{option_idx}")
            data-testid="symbol-option"
            data-symbol=id.to_string()
            role="option"
            aria-selected=move || is_active().to_string()
            aria-current=move || is_shown().then_some("true")
            node_ref=row
            on:pointermove=move |_| if !is_active() { active_idx.set(option_idx) }
            on:click=move |_| pick.run(Choice::Followed(picked.clone()))
        >
            <StatusMark state/>
            <span class="symbol-option__name">{pair(&instrument)}</span>
            <span class="symbol-option__symbol">{instrument.id.symbol().to_owned()}</span>
            {instrument.is_simulated.then(|| view! { <span class="tag tag--simulated">"simulated"</span> })}
            <span class="symbol-option__venue">{instrument.id.venue().to_string()}</span>
        </li>
    }
}

#[component]
fn ListedOption(
    /// Position in the list.
    option_idx: usize,
    /// The instrument it offers, which nobody follows yet.
    listed: Listing,
    /// The position reached with the arrow keys.
    active_idx: RwSignal<usize>,
    /// Called with the choice.
    pick: Callback<Choice>,
) -> impl IntoView {
    let (row, is_active) = use_active_row(option_idx, active_idx);
    let (id, pair, symbol) = (listed.id(), listed.pair(), listed.symbol.clone());
    let note = listed.status.clone().or_else(|| listed.name.clone());
    let venue = listed.venue.clone();
    view! {
        <li
            class="symbol-option symbol-option--listed"
            id=format!("symbol-option-{option_idx}")
            data-testid="symbol-option"
            data-symbol=id.to_string()
            role="option"
            aria-selected=move || is_active().to_string()
            node_ref=row
            on:pointermove=move |_| if !is_active() { active_idx.set(option_idx) }
            on:click=move |_| pick.run(Choice::Listing(listed.clone()))
        >
            <span class="symbol-option__add" aria-hidden="true">"+"</span>
            <span class="symbol-option__name">{pair}</span>
            <span class="symbol-option__symbol">{symbol}</span>
            {note.map(|note| view! { <span class="symbol-option__note">{note}</span> })}
            <span class="symbol-option__venue">{venue}</span>
        </li>
    }
}

/// Returns the element of an option, which is scrolled into view when it is the active one, and whether it is.
fn use_active_row(option_idx: usize, active_idx: RwSignal<usize>) -> (NodeRef<html::Li>, impl Fn() -> bool + Copy) {
    let row = NodeRef::<html::Li>::new();
    let is_active = move || active_idx.get() == option_idx;
    Effect::new(move |_| {
        if is_active()
            && let Some(row) = row.get()
        {
            browser::scroll_to_nearest(&row);
        }
    });
    (row, is_active)
}

/// Searches the venues' lists shortly after each change of the text; without one, they give some of what they have.
fn use_listed(text: RwSignal<String>, is_open: RwSignal<bool>) -> RwSignal<Found> {
    let found = RwSignal::new(Found::default());
    let n_changes = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let text = text.get().trim().to_owned();
        n_changes.update_value(|n_changes| *n_changes += 1);
        if !is_open.get() {
            found.set(Found::default());
            return;
        }
        let number = n_changes.get_value();
        set_timeout(
            move || {
                if n_changes.try_get_value() == Some(number) {
                    catalogue::search(&text, found);
                }
            },
            TYPING_PAUSE,
        );
    });
    found
}

/// Follows an instrument of a venue's list; `then` is called once the server does. Browser only.
fn follow(
    live: Live,
    listed: &Listing,
    keep: bool,
    answer: RwSignal<CommandState>,
    then: impl FnOnce(InstrumentId) + 'static,
) {
    let id = listed.id();
    let command =
        Command::StartFeed(FollowSymbols { venue: listed.venue.clone(), symbols: vec![listed.symbol.clone()], keep });
    answer.set(CommandState::Pending);
    leptos::task::spawn_local(async move {
        match live.send(command).await {
            Ok(_) => {
                let _gone = answer.try_set(CommandState::Idle);
                then(id);
            }
            Err(words) => {
                let _gone = answer.try_set(CommandState::Refused(words));
            }
        }
    });
}

/// An instrument to choose.
#[derive(Clone, Debug, PartialEq)]
enum Choice {
    /// Followed by the server.
    Followed(Arc<Instrument>),
    /// Offered by a venue, not followed yet.
    Listing(Listing),
}

/// The venues' lists are searched this long after the last key.
const TYPING_PAUSE: Duration = Duration::from_millis(120);
