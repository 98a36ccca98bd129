//! The form that changes one's own password.

use leptos::{ev::SubmitEvent, prelude::*};
use serde_json::json;

use super::state::{AccountLists, Verb};
use crate::pages::alerts::controls::TextField;

/// The form.
#[component]
pub fn PasswordPanel(
    /// Lists and requests.
    lists: AccountLists,
) -> impl IntoView {
    let (old, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        let body = json!({ "old": old.get_untracked(), "new": new.get_untracked() });
        let done = "Password changed. All other sessions have ended";
        lists.change(Verb::Put, "api/v1/password".to_owned(), body, done, move |_: serde_json::Value| {
            old.set(String::new());
            new.set(String::new());
            // The stream of the old session has ended.
            crate::live::browser::reload();
        });
    };
    view! {
        <section class="panel" aria-label="Password">
            <div class="panel__head">
                <h2 class="panel__title">"Password"</h2>
            </div>
            <form class="account-form" on:submit=save>
                <TextField label="Old password" testid="password-old" kind="password" value=old set=move |text| old.set(text)/>
                <TextField label="New password" testid="password-new" kind="password" value=new set=move |text| new.set(text) help="10 characters or more, best four unrelated words"/>
                <button class="button" type="submit" data-testid="password-save">"Change password"</button>
            </form>
        </section>
    }
}
