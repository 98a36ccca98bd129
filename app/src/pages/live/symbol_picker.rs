//! Choosing an instrument: a button with its name, and the dialog that it opens.
//!
//! `/` or any letter opens it from anywhere, Esc closes. The choice is kept in the address, so that a reload or a shared
//! link shows it again. Not here: the field and the list ([`super::symbol_dialog`], loaded later).

use leptos::{ev, html, prelude::*};
use model::instrument::InstrumentId;

use crate::{
    components::{
        icon::{Icon, IconMark},
        option_list::{close_on_backdrop, is_dialog_open},
    },
    lazy::{LazyPart, LazyView, Search},
    live::browser,
    route::use_route,
    selection::{LIVE, Selection, address},
};

/// Returns a function that shows an instrument on the Live page, and in the address.
pub fn use_choose() -> impl Fn(&InstrumentId) + Clone {
    use_choose_on(LIVE)
}

/// Returns the same for the page at `path`.
pub(super) fn use_choose_on(path: &'static str) -> impl Fn(&InstrumentId) + Clone {
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
    let open = move |typed: &str| {
        if let Some(dialog) = dialog.get_untracked()
            && !dialog.open()
        {
            text.set(typed.to_owned());
            let _refused = dialog.show_modal();
            is_open.set(true);
        }
    };
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, move |event| {
            let key = event.key();
            let is_letter = key.len() == 1 && key.as_bytes()[0].is_ascii_alphabetic();
            let is_command = event.ctrl_key() || event.meta_key() || event.alt_key();
            // Another key of the page may have used it.
            let is_used = is_command || event.default_prevented();
            if is_used || !(is_letter || key == "/") || browser::is_typing() {
                return;
            }
            if is_open.get_untracked() {
                // The field may not exist yet.
                text.update(|text| text.push_str(&key));
            } else if !browser::is_dialog_open() {
                open(if is_letter { &key } else { "" });
            } else {
                return;
            }
            event.prevent_default();
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
            title="Choose an instrument (/, or type its name)"
            on:click=move |_| open("")
        >
            <span class="symbol-picker__name">{move || Some(selection.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "–".to_owned())}</span>
            <span class="symbol-picker__venue">{venue}</span>
            <IconMark icon=Icon::ChevronDown/>
        </button>
        <dialog
            class="option-dialog"
            aria-label="Choose an instrument"
            node_ref=dialog
            on:close=move |_| is_open.set(is_dialog_open(dialog))
            on:click=move |event| close_on_backdrop(&event, dialog)
        >
            <LazyView part=LazyPart::Search(Search { dialog, field, text, is_open, selection, path })/>
        </dialog>
    }
}
