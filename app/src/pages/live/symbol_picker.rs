//! Choosing an instrument: a button with its name, and a dialog with a search field and a list.
//!
//! `/` opens it from anywhere, arrows and Enter choose, Esc closes. The choice is kept in the address, so that a reload
//! or a shared link shows it again.

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use model::instrument::{Instrument, InstrumentId};

use crate::{
    components::{
        icon::{Icon, IconMark},
        status_mark::StatusMark,
    },
    lazy::{LazyPart, LazyView, Search},
    live::{browser, use_live},
    pages::live::symbol_search::search,
    route::use_route,
    selection::{LIVE, Selection, address, pair},
};

/// Returns a function that shows an instrument on the Live page, and in the address.
pub fn use_choose() -> impl Fn(&InstrumentId) + Clone {
    use_choose_on(LIVE)
}

/// Returns the same for the page at `path`.
fn use_choose_on(path: &'static str) -> impl Fn(&InstrumentId) + Clone {
    let route = use_route();
    move |id: &InstrumentId| route.go(&address(path, id))
}

/// The button with the shown instrument, and its dialog.
#[component]
pub fn SymbolPicker(
    /// The shown instrument.
    selection: Selection,
    /// The path of its page.
    path: &'static str,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let field = NodeRef::<html::Input>::new();
    let text = RwSignal::new(String::new());
    let is_open = RwSignal::new(false);
    let open = move || {
        if let Some(dialog) = dialog.get_untracked()
            && !dialog.open()
        {
            text.set(String::new());
            let _refused = dialog.show_modal();
            is_open.set(true);
        }
    };
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            if event.key() == "/" && !event.ctrl_key() && !event.meta_key() && !browser::is_typing() {
                event.prevent_default();
                open();
            }
        });
        on_cleanup(move || listener.remove());
    });
    let venue = move || selection.id.with(|id| id.as_ref().map(|id| id.venue().to_string()).unwrap_or_default());
    let symbol = move || selection.id.with(|id| id.as_ref().map(ToString::to_string).unwrap_or_default());
    view! {
        <button
            class="symbol-picker"
            data-testid="symbol-picker"
            data-symbol=symbol
            aria-haspopup="dialog"
            aria-keyshortcuts="/"
            title="Choose an instrument (/)"
            on:click=move |_| open()
        >
            <span class="symbol-picker__name">{move || Some(selection.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "–".to_owned())}</span>
            <span class="symbol-picker__venue">{venue}</span>
            <IconMark icon=Icon::ChevronDown/>
        </button>
        <dialog
            class="symbol-dialog"
            aria-label="Choose an instrument"
            node_ref=dialog
            on:close=move |_| is_open.set(false)
            on:click=move |event| close_on_backdrop(&event, dialog)
        >
            <LazyView part=LazyPart::Search(Search { dialog, field, text, is_open, selection, path })/>
        </dialog>
    }
}

/// The field and the list inside the dialog.
#[component]
pub fn SymbolSearch(
    /// The dialog it works on.
    of: Search,
) -> impl IntoView {
    let Search { dialog, field, text, is_open, selection, path } = of;
    let live = use_live();
    let active_idx = RwSignal::new(0_usize);
    let found = Memo::new(move |_| match is_open.get() {
        true => live.instruments().with(|list| text.with(|text| search(&list.known, text))),
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
    let pick = Callback::new(move |id: InstrumentId| {
        choose(&id);
        close(dialog);
    });
    let on_keydown = move |event: ev::KeyboardEvent| {
        let n_found = found.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => active_idx.update(|idx| *idx = (*idx + 1).min(n_found.saturating_sub(1))),
            "ArrowUp" => active_idx.update(|idx| *idx = idx.saturating_sub(1)),
            "Home" => active_idx.set(0),
            "End" => active_idx.set(n_found.saturating_sub(1)),
            "Enter" => {
                if let Some(id) =
                    found.with(|found| found.get(active_idx.get()).map(|instrument| instrument.id.clone()))
                {
                    pick.run(id);
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
            {move || found.get().into_iter().enumerate().map(|(option_idx, instrument)| {
                view! { <SymbolOption option_idx instrument active_idx selection pick/> }
            }).collect_view()}
        </ul>
        <p class="symbol-dialog__note" role="status">{empty_note}</p>
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
    pick: Callback<InstrumentId>,
) -> impl IntoView {
    let live = use_live();
    let id = instrument.id.clone();
    let of_state = id.clone();
    let state = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.stream(&of_state, browser::now()).state).unwrap_or_default()
    });
    let row = NodeRef::<html::Li>::new();
    let is_active = move || active_idx.get() == option_idx;
    Effect::new(move |_| {
        if is_active()
            && let Some(row) = row.get()
        {
            browser::scroll_to_nearest(&row);
        }
    });
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
            on:click=move |_| pick.run(id.clone())
        >
            <StatusMark state/>
            <span class="symbol-option__name">{pair(&instrument)}</span>
            <span class="symbol-option__symbol">{instrument.id.symbol().to_owned()}</span>
            {instrument.is_simulated.then(|| view! { <span class="tag tag--simulated">"simulated"</span> })}
            <span class="symbol-option__venue">{instrument.id.venue().to_string()}</span>
        </li>
    }
}

fn close(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
}

/// Closes the dialog on a click beside it: only then is the dialog itself the target.
fn close_on_backdrop(event: &ev::MouseEvent, dialog: NodeRef<html::Dialog>) {
    if event.target() == event.current_target() {
        close(dialog);
    }
}
