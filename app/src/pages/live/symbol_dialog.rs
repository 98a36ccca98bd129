//! The field and the list that choose an instrument: followed ones first, then all others that the venues offer.
//!
//! Arrows and Enter choose. Choosing one that nobody follows yet follows it first.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;
use model::instrument::{Instrument, InstrumentId};
use wire::command::{Command, FollowSymbols};

use crate::{
    components::{
        option_list::{OptionField, OptionList, close_dialog},
        status_mark::StatusMark,
    },
    lazy::Search,
    live::{
        Live, browser,
        catalogue::{self, Found, Listing},
        commands::CommandState,
        use_live,
    },
    pages::live::{symbol_picker::use_choose_on, symbol_search::search},
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
            close_dialog(dialog);
        }
        Choice::Listing(listed) => {
            let choose = choose.clone();
            follow(live, &listed, keep.get_untracked(), answer, move |id| {
                choose(&id);
                close_dialog(dialog);
            });
        }
    });
    let list = OptionList::new("symbol-option", text, Signal::derive(move || found.with(Vec::len)));
    let choose = Callback::new(move |option_idx: usize| {
        if let Some(choice) = found.with_untracked(|found| found.get(option_idx).cloned()) {
            pick.run(choice);
        }
    });
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
    view! {
        <OptionField
            of=list
            field
            dialog
            testid="symbol-search"
            label="Search instruments"
            placeholder="Symbol or venue"
            choose
        />
        <ul class="option-dialog__list" id=list.id role="listbox" aria-label="Instruments">
            {move || found.get().into_iter().enumerate().map(|(option_idx, choice)| match choice {
                Choice::Followed(instrument) => {
                    view! { <SymbolOption option_idx instrument list selection pick/> }.into_any()
                }
                Choice::Listing(listed) => view! { <ListedOption option_idx listed list pick/> }.into_any(),
            }).collect_view()}
        </ul>
        <p class="option-dialog__note" role="status" data-testid="symbol-note">{words}</p>
        <div class="option-dialog__foot">
            <label title="The server follows it again after a restart">
                <input
                    type="checkbox"
                    data-testid="symbol-keep"
                    prop:checked=move || keep.get()
                    on:change=move |event| keep.set(event_target_checked(&event))
                />
                " Keep newly followed ones after a restart"
            </label>
            // Without a text, no list is missed.
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
    /// The list.
    list: OptionList,
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
    let (row, is_active) = list.use_row(option_idx);
    let picked = instrument.clone();
    let is_shown = {
        let id = id.clone();
        move || selection.id.with(|shown| shown.as_ref() == Some(&id))
    };
    view! {
        <li
            class="symbol-option"
            id=list.option_id(option_idx)
            data-testid="symbol-option"
            data-symbol=id.to_string()
            role="option"
            aria-selected=move || is_active().to_string()
            aria-current=move || is_shown().then_some("true")
            node_ref=row
            on:pointermove=move |_| list.point_at(option_idx)
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
    /// The list.
    list: OptionList,
    /// Called with the choice.
    pick: Callback<Choice>,
) -> impl IntoView {
    let (row, is_active) = list.use_row(option_idx);
    let (id, pair, symbol) = (listed.id(), listed.pair(), listed.symbol.clone());
    let note = listed.status.clone().or_else(|| listed.name.clone());
    let venue = listed.venue.clone();
    view! {
        <li
            class="symbol-option symbol-option--listed"
            id=list.option_id(option_idx)
            data-testid="symbol-option"
            data-symbol=id.to_string()
            role="option"
            aria-selected=move || is_active().to_string()
            node_ref=row
            on:pointermove=move |_| list.point_at(option_idx)
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
