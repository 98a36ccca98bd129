//! The audit log, for admins: who did what with access and the server, newest first.

use leptos::prelude::*;

use super::{
    state::{AccountLists, AuditLine},
    when,
};
use crate::pages::desk::table::{cell, headings};

/// The list.
#[component]
pub fn AuditPanel(
    /// Lists and requests.
    lists: AccountLists,
) -> impl IntoView {
    let is_empty = move || lists.audit.with(|audit| audit.as_ref().is_none_or(Vec::is_empty));
    view! {
        <section class="panel" aria-label="Audit log">
            <div class="panel__head">
                <h2 class="panel__title">"Audit log"</h2>
            </div>
            <p class="desk-note" hidden=move || !is_empty()>"Nothing yet. Logins, users, tokens and changes of the server appear here."</p>
            <div class="desk-table audit-table" role="table" aria-label="Audit log, newest first" hidden=is_empty>
                {headings(["Time, UTC", "Who", "From", "What", "Detail"])}
                <For
                    each=move || lists.audit.get().unwrap_or_default()
                    key=|line| line.number
                    children=|line| view! { <AuditRow line/> }
                />
            </div>
        </section>
    }
}

#[component]
fn AuditRow(
    /// The line.
    line: AuditLine,
) -> impl IntoView {
    let AuditLine { time, user, address, action, detail, .. } = line;
    view! {
        <div class="desk-row" role="row" data-testid="audit-line">
            <span class="desk-row__name" role="rowheader">{when(time)}</span>
            {cell("Who", user.map_or_else(|| "–".to_owned(), |user| user.to_string()))}
            {cell("From", address.unwrap_or_else(|| "the command line".to_owned()))}
            {cell("What", action.replace('_', " "))}
            {cell("Detail", detail)}
        </div>
    }
}
