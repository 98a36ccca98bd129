//! One-time codes as a second factor: turned on with an app's first code, and off with password and code.
//!
//! The picture is drawn by the server as a path; secrets are shown once and go with the page.

use leptos::{ev::SubmitEvent, prelude::*};
use serde_json::json;

use super::state::{AccountLists, CodesSetUp, Verb};
use crate::pages::alerts::controls::TextField;

/// The state of the codes, and the form that changes it.
#[component]
pub fn CodesPanel(
    /// Lists and requests.
    lists: AccountLists,
) -> impl IntoView {
    // The lists are requested again after each change; what is typed here stays.
    let is_on = Memo::new(move |_| lists.codes.with(|codes| codes.as_ref().is_some_and(|codes| codes.is_on)));
    let words = move || match lists.codes.get() {
        Some(codes) if codes.is_on => {
            let n = codes.n_recovery_codes;
            format!("On: logins need a code. {n} recovery code{} left.", if n == 1 { "" } else { "s" })
        }
        Some(_) => {
            "Off. With them, a stolen password alone opens nothing: logins need a code of your phone too.".to_owned()
        }
        None => String::new(),
    };
    let form = move || match (is_on.get(), lists.set_up.get()) {
        (true, _) => view! { <RemoveForm lists/> }.into_any(),
        (false, None) => view! { <BeginForm lists/> }.into_any(),
        (false, Some(set_up)) => view! { <ConfirmForm lists set_up/> }.into_any(),
    };
    view! {
        <section class="panel" aria-label="One-time codes">
            <div class="panel__head">
                <h2 class="panel__title">"One-time codes"</h2>
            </div>
            <p class="desk-note" data-testid="codes-state">{words}</p>
            {form}
        </section>
    }
}

/// The first step: the password, for a secret.
#[component]
fn BeginForm(
    /// Lists and requests.
    lists: AccountLists,
) -> impl IntoView {
    let password = RwSignal::new(String::new());
    let begin = move |event: SubmitEvent| {
        event.prevent_default();
        let body = json!({ "password": password.get_untracked() });
        lists.change(Verb::Post, "api/v1/totp".to_owned(), body, "", move |set_up: CodesSetUp| {
            lists.set_up.set(Some(set_up));
        });
    };
    view! {
        <form class="account-form" on:submit=begin>
            <TextField label="Password" testid="codes-password" kind="password" value=password set=move |text| password.set(text)/>
            <button class="button" type="submit" data-testid="codes-begin">"Set up"</button>
        </form>
    }
}

/// The second step: the secret for the app, and its first code.
#[component]
fn ConfirmForm(
    /// Lists and requests.
    lists: AccountLists,
    /// The secrets.
    set_up: CodesSetUp,
) -> impl IntoView {
    let CodesSetUp { secret, address, qr, recovery_codes } = set_up;
    let code = RwSignal::new(String::new());
    let confirm = move |event: SubmitEvent| {
        event.prevent_default();
        let body = json!({ "code": code.get_untracked() });
        let done = "One-time codes are on. All other sessions have ended";
        lists.change(Verb::Put, "api/v1/totp".to_owned(), body, done, move |_: serde_json::Value| {
            // The stream of the old session has ended.
            crate::live::browser::reload();
        });
    };
    // Dark on light whatever the theme, with four light squares around it: as readers need it.
    let side = qr.size + 8;
    let view_box = format!("-4 -4 {side} {side}");
    view! {
        <form class="account-form codes-form" on:submit=confirm>
            <p class="desk-note">"1. Scan this with an authenticator app, or type its secret there."</p>
            <svg class="codes-form__qr" viewBox=view_box width="200" height="200" role="img" aria-label="QR code of the secret" shape-rendering="crispEdges">
                <rect x="-4" y="-4" width=side height=side fill="white"></rect>
                <path d=qr.path fill="black"></path>
            </svg>
            <p class="codes-form__secret"><a href=address data-testid="codes-secret">{secret}</a></p>
            <p class="desk-note">"2. Keep these recovery codes, for a login without your phone. Each works once, and they are not shown again."</p>
            <ul class="codes-form__recovery" data-testid="codes-recovery">
                {recovery_codes.into_iter().map(|code| view! { <li>{code}</li> }).collect_view()}
            </ul>
            <TextField label="3. The six digits of the app" testid="codes-code" value=code set=move |text| code.set(text)/>
            <button class="button" type="submit" data-testid="codes-confirm">"Turn on"</button>
        </form>
    }
}

/// The way back.
#[component]
fn RemoveForm(
    /// Lists and requests.
    lists: AccountLists,
) -> impl IntoView {
    let (password, code) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let remove = move |event: SubmitEvent| {
        event.prevent_default();
        let body = json!({ "password": password.get_untracked(), "code": code.get_untracked() });
        let done = "One-time codes are off. All other sessions have ended";
        lists.change(Verb::Post, "api/v1/totp/remove".to_owned(), body, done, move |_: serde_json::Value| {
            crate::live::browser::reload();
        });
    };
    view! {
        <form class="account-form" on:submit=remove>
            <TextField label="Password" testid="codes-password" kind="password" value=password set=move |text| password.set(text)/>
            <TextField label="One-time code or recovery code" testid="codes-code" value=code set=move |text| code.set(text)/>
            <button class="button" type="submit" data-testid="codes-remove">"Turn off"</button>
        </form>
    }
}
