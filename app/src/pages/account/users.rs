//! All users, for admins: add, change the role, remove.

use leptos::{ev, ev::SubmitEvent, prelude::*};
use model::access::Role;
use serde_json::json;

use super::{
    may,
    state::{AccountLists, User, Verb},
    when,
};
use crate::pages::{
    alerts::controls::{ChoiceField, TextField},
    desk::table::{cell, headings},
};

/// The list and the form.
#[component]
pub fn UsersPanel(
    /// Lists and requests.
    lists: AccountLists,
    /// True while there is no user: the first one is an admin, and everybody has to log in from then on.
    is_first: bool,
) -> impl IntoView {
    let is_empty = move || lists.users.with(|users| users.as_ref().is_none_or(Vec::is_empty));
    view! {
        <section class="panel" aria-label="Users">
            <div class="panel__head">
                <h2 class="panel__title">"Users"</h2>
            </div>
            <p class="desk-note" hidden=!is_first>
                "Add the first user, an admin, to make everybody log in, also on this machine. You are then asked to log in yourself."
            </p>
            <UserForm lists is_first/>
            <div class="desk-table user-table" role="table" aria-label="Users" hidden=is_empty>
                {headings(["Name", "Role", "Sessions", "Tokens", "Added, UTC", ""])}
                <For
                    each=move || lists.users.get().unwrap_or_default()
                    key=|user| (user.name.clone(), user.role, user.n_sessions, user.n_tokens, user.has_codes)
                    children=move |user| view! { <UserRow lists user/> }
                />
            </div>
        </section>
    }
}

fn roles() -> Signal<Vec<(String, String)>> {
    let words = |role: Role| (role.as_str().to_owned(), format!("{role}: {}", may(role)));
    Signal::stored(Role::ALL.into_iter().map(words).collect())
}

#[component]
fn UserForm(
    /// Lists and requests.
    lists: AccountLists,
    /// True while there is no user.
    is_first: bool,
) -> impl IntoView {
    let (name, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let role = RwSignal::new(if is_first { Role::Admin } else { Role::Viewer }.as_str().to_owned());
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let (user, role) = (name.get_untracked(), role.get_untracked());
        let done = format!("Added {user}, {role}");
        let body = json!({ "name": user, "role": role, "password": password.get_untracked() });
        lists.change(Verb::Post, "api/v1/users".to_owned(), body, done, move |_: serde_json::Value| {
            name.set(String::new());
            password.set(String::new());
            if is_first {
                crate::live::browser::reload();
            }
        });
    };
    view! {
        <form class="account-form account-form--row" on:submit=add>
            <TextField label="Name" testid="user-name" value=name set=move |text| name.set(text) placeholder="lower-case letters, digits, . - _"/>
            <ChoiceField label="Role" testid="user-role" choices=roles() value=role set=move |text| role.set(text)/>
            <TextField label="Password" testid="user-password" kind="password" value=password set=move |text| password.set(text)/>
            <button class="button" type="submit" data-testid="user-add">"Add user"</button>
        </form>
    }
}

#[component]
fn UserRow(
    /// Lists and requests.
    lists: AccountLists,
    /// The user.
    user: User,
) -> impl IntoView {
    let User { name, role, created_time, n_sessions, n_tokens, has_codes } = user;
    let path = format!("api/v1/users/{name}");
    // Removing takes two clicks.
    let is_sure = RwSignal::new(false);
    let change = {
        let (name, path) = (name.clone(), path.clone());
        move |event: ev::Event| {
            let role = event_target_value(&event);
            let done = format!("{name} is {role} now; its sessions have ended");
            let body = json!({ "role": role });
            lists.change(Verb::Patch, path.clone(), body, done, |_: serde_json::Value| {});
        }
    };
    let remove = {
        let name = name.clone();
        move |_| match is_sure.get_untracked() {
            true => {
                let done = format!("Removed {name}");
                lists.change(Verb::Delete, path.clone(), (), done, |_: serde_json::Value| {});
            }
            false => is_sure.set(true),
        }
    };
    let remove_codes = {
        let (name, path) = (name.clone(), format!("api/v1/users/{name}/totp"));
        move |_| {
            let done = format!("The one-time codes of {name} are off; its sessions have ended");
            lists.change(Verb::Delete, path.clone(), (), done, |_: serde_json::Value| {});
        }
    };
    let options =
        Role::ALL.map(|one| view! { <option value=one.as_str() selected=one == role>{one.as_str()}</option> });
    view! {
        <div class="desk-row" role="row" data-testid="user">
            <span class="desk-row__name" role="rowheader">{name.to_string()}</span>
            {cell("Role", view! {
                <select class="field field--tool" aria-label=format!("Role of {name}") on:change=change>{options}</select>
            })}
            {cell("Sessions", n_sessions.to_string())}
            {cell("Tokens", n_tokens.to_string())}
            {cell("Added, UTC", when(created_time))}
            <span class="desk-row__actions" role="cell">
                {has_codes.then(|| view! {
                    <button class="button" data-testid="user-codes-remove" title="For a user who has lost the app and the recovery codes" on:click=remove_codes>"Codes off"</button>
                })}
                <button class="button" data-testid="user-remove" on:click=remove>
                    {move || if is_sure.get() { "Really remove" } else { "Remove" }}
                </button>
            </span>
        </div>
    }
}
