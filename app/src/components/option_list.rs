//! A field over a list of options: typing narrows the list, arrows, Home and End move in it, Enter chooses.
//!
//! The field keeps the focus; the active option is named by `aria-activedescendant` (ARIA's combobox). Not here: the options
//! and their rows.

use leptos::{ev, html, prelude::*};

use crate::{
    components::icon::{Icon, IconMark},
    live::browser,
};

/// A list of options and the field over it; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct OptionList {
    /// The list's id; that of an option is followed by its position.
    pub id: &'static str,
    /// The text in the field.
    pub text: RwSignal<String>,
    /// The option reached with the arrow keys.
    pub active_idx: RwSignal<usize>,
    /// The number of options.
    pub n_options: Signal<usize>,
}

impl OptionList {
    /// Creates a list without a text.
    pub fn new(id: &'static str, text: RwSignal<String>, n_options: Signal<usize>) -> Self {
        Self { id, text, active_idx: RwSignal::new(0), n_options }
    }

    /// Returns the id of an option's element.
    pub fn option_id(self, option_idx: usize) -> String {
        format!("{}-{option_idx}", self.id)
    }

    /// Returns the element of an option, which is scrolled into view when it is the active one, and whether it is.
    pub fn use_row(self, option_idx: usize) -> (NodeRef<html::Li>, impl Fn() -> bool + Copy) {
        let row = NodeRef::<html::Li>::new();
        let is_active = move || self.active_idx.get() == option_idx;
        Effect::new(move |_| {
            if is_active()
                && let Some(row) = row.get()
            {
                browser::scroll_to_nearest(&row);
            }
        });
        (row, is_active)
    }

    /// Makes an option the active one, as the pointer does.
    pub fn point_at(self, option_idx: usize) {
        if self.active_idx.get_untracked() != option_idx {
            self.active_idx.set(option_idx);
        }
    }

    fn move_by(self, key: &str) -> bool {
        let last_idx = self.n_options.get_untracked().saturating_sub(1);
        match key {
            "ArrowDown" => self.active_idx.update(|idx| *idx = (*idx + 1).min(last_idx)),
            "ArrowUp" => self.active_idx.update(|idx| *idx = idx.saturating_sub(1)),
            "Home" => self.active_idx.set(0),
            "End" => self.active_idx.set(last_idx),
            _ => return false,
        }
        true
    }
}

/// The field, with a button that closes the dialog around it.
#[component]
pub fn OptionField(
    /// The list below it.
    of: OptionList,
    /// The field's element.
    field: NodeRef<html::Input>,
    /// The dialog around it.
    dialog: NodeRef<html::Dialog>,
    /// The test id.
    testid: &'static str,
    /// The label for screen readers.
    label: &'static str,
    /// The text while nothing is typed.
    placeholder: &'static str,
    /// Called with the position of the chosen option, on Enter.
    choose: Callback<usize>,
) -> impl IntoView {
    let OptionList { id, text, active_idx, n_options } = of;
    let on_keydown = move |event: ev::KeyboardEvent| {
        let key = event.key();
        if key == "Enter" {
            let option_idx = active_idx.get_untracked();
            if option_idx < n_options.get_untracked() {
                choose.run(option_idx);
            }
        } else if !of.move_by(&key) {
            return;
        }
        event.prevent_default();
    };
    let active_id = move || Some(active_idx.get()).filter(|idx| *idx < n_options.get()).map(|idx| of.option_id(idx));
    view! {
        <div class="option-field">
            <IconMark icon=Icon::Search/>
            <input
                class="option-field__text"
                data-testid=testid
                type="text"
                role="combobox"
                aria-label=label
                aria-expanded="true"
                aria-controls=id
                aria-autocomplete="list"
                aria-activedescendant=active_id
                autocomplete="off"
                spellcheck="false"
                placeholder=placeholder
                node_ref=field
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    active_idx.set(0);
                }
                on:keydown=on_keydown
            />
            <button class="button button--bare" aria-label="Close" on:click=move |_| close_dialog(dialog)>
                <IconMark icon=Icon::Close/>
            </button>
        </div>
    }
}

/// Closes a dialog.
pub fn close_dialog(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
}

/// Returns true while a dialog is open. For its `close` event, which comes late: it may have been opened again by then.
pub fn is_dialog_open(dialog: NodeRef<html::Dialog>) -> bool {
    dialog.get_untracked().is_some_and(|dialog| dialog.open())
}

/// Closes a dialog on a click beside it: only then is the dialog itself the target.
pub fn close_on_backdrop(event: &ev::MouseEvent, dialog: NodeRef<html::Dialog>) {
    if event.target() == event.current_target() {
        close_dialog(dialog);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_within_the_list() {
        let owner = Owner::new();
        owner.with(|| {
            let list = OptionList::new("x", RwSignal::new(String::new()), Signal::stored(3));
            let after = |key: &str| (list.move_by(key), list.active_idx.get_untracked());
            for (key, expected) in [
                ("ArrowUp", (true, 0)),
                ("ArrowDown", (true, 1)),
                ("End", (true, 2)),
                ("ArrowDown", (true, 2)),
                ("ArrowUp", (true, 1)),
                ("Home", (true, 0)),
                ("a", (false, 0)),
            ] {
                assert_eq!(after(key), expected, "{key}");
            }
            let empty = OptionList::new("x", RwSignal::new(String::new()), Signal::stored(0));
            assert!(empty.move_by("ArrowDown"));
            assert_eq!((empty.active_idx.get_untracked(), empty.option_id(4)), (0, "x-4".to_owned()));
        });
    }
}
