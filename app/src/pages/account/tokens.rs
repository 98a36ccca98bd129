//! One's own tokens for programs, and the form that makes one; its secret is shown once.

use leptos::{ev::SubmitEvent, prelude::*};
use model::access::Role;
use serde_json::json;

use super::{
    state::{AccountLists, MadeToken, Token, Verb},
    when,
};
use crate::pages::{
    alerts::controls::{ChoiceField, TextField},
    desk::table::{cell, headings},
};

/// The list and the form.
#[component]
pub fn TokensPanel(
    /// Lists and requests.
    lists: AccountLists,
    /// The reader's role: no token has more.
    role: Role,
) -> impl IntoView {
    let is_empty = move || lists.tokens.with(|tokens| tokens.as_ref().is_some_and(Vec::is_empty));
    view! {
        <section class="panel" aria-label="Tokens">
            <div class="panel__head">
                <h2 class="panel__title">"Tokens for programs"</h2>
            </div>
            <TokenForm lists role/>
            <div class="made-token" data-testid="made-token" hidden=move || lists.made.with(Option::is_none)>
                <p>"Copy it now: it is not shown again."</p>
                <code>{move || lists.made.get().map(|made| made.token)}</code>
            </div>
            <p class="desk-note" hidden=move || !is_empty()>"No tokens. Programs send one as "<code>"Authorization: Bearer …"</code>"."</p>
            <div class="desk-table token-table" role="table" aria-label="Tokens, newest first" hidden=is_empty>
                {headings(["Label", "May", "Ends, UTC", "Last used, UTC", ""])}
                <For
                    each=move || lists.tokens.get().unwrap_or_default()
                    key=|token| (token.token_id.clone(), token.seen_time)
                    children=move |token| view! { <TokenRow lists token/> }
                />
            </div>
        </section>
    }
}

#[component]
fn TokenForm(
    /// Lists and requests.
    lists: AccountLists,
    /// The reader's role.
    role: Role,
) -> impl IntoView {
    let (label, scope, days) =
        (RwSignal::new(String::new()), RwSignal::new("viewer".to_owned()), RwSignal::new("90".to_owned()));
    let scopes: Vec<(String, String)> = Role::ALL
        .into_iter()
        .filter(|scope| *scope <= role)
        .map(|scope| (scope.as_str().to_owned(), scope.as_str().to_owned()))
        .collect();
    let ends = [("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")];
    let ends: Vec<(String, String)> =
        ends.into_iter().map(|(days, words)| (days.to_owned(), words.to_owned())).collect();
    let make = move |event: SubmitEvent| {
        event.prevent_default();
        let days = days.get_untracked().parse::<u32>().ok();
        let body = json!({ "label": label.get_untracked(), "scope": scope.get_untracked(), "days": days });
        lists.change(Verb::Post, "api/v1/tokens".to_owned(), body, "Token made", move |made: MadeToken| {
            lists.made.set(Some(made));
            label.set(String::new());
        });
    };
    view! {
        <form class="account-form account-form--row" on:submit=make>
            <TextField label="Label" testid="token-label" value=label set=move |text| label.set(text) placeholder="what it is for"/>
            <ChoiceField label="May do as a" testid="token-scope" choices=Signal::stored(scopes) value=scope set=move |text| scope.set(text)/>
            <ChoiceField label="Ends" testid="token-days" choices=Signal::stored(ends) value=days set=move |text| days.set(text)/>
            <button class="button" type="submit" data-testid="token-make">"Make a token"</button>
        </form>
    }
}

#[component]
fn TokenRow(
    /// Lists and requests.
    lists: AccountLists,
    /// The token.
    token: Token,
) -> impl IntoView {
    let Token { token_id, label, scope, expires_time, seen_time, .. } = token;
    let revoke = move |_| {
        let path = format!("api/v1/tokens/{token_id}");
        lists.change(Verb::Delete, path, (), "Token revoked", |_: serde_json::Value| {});
    };
    view! {
        <div class="desk-row" role="row" data-testid="token">
            <span class="desk-row__name" role="rowheader">{label.to_string()}</span>
            {cell("May", scope.as_str())}
            {cell("Ends, UTC", expires_time.map_or_else(|| "never".to_owned(), when))}
            {cell("Last used, UTC", seen_time.map_or_else(|| "not yet".to_owned(), when))}
            <span class="desk-row__actions" role="cell">
                <button class="button" data-testid="token-revoke" on:click=revoke>"Revoke"</button>
            </span>
        </div>
    }
}
