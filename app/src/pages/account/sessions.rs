//! One's own sessions, each of which can be ended.

use leptos::prelude::*;

use super::{
    state::{AccountLists, Session, Verb},
    when,
};
use crate::pages::desk::table::{cell, headings};

/// The list.
#[component]
pub fn SessionsPanel(
    /// Lists and requests.
    lists: AccountLists,
) -> impl IntoView {
    view! {
        <section class="panel" aria-label="Sessions">
            <div class="panel__head">
                <h2 class="panel__title">"Sessions"</h2>
            </div>
            <div class="desk-table session-table" role="table" aria-label="Sessions, newest first">
                {headings(["Browser", "Address", "Last used, UTC", ""])}
                <For
                    each=move || lists.sessions.get().unwrap_or_default()
                    key=|session| (session.session_id.clone(), session.seen_time)
                    children=move |session| view! { <SessionRow lists session/> }
                />
            </div>
        </section>
    }
}

#[component]
fn SessionRow(
    /// Lists and requests.
    lists: AccountLists,
    /// The session.
    session: Session,
) -> impl IntoView {
    let Session { session_id, seen_time, address, agent, is_own, .. } = session;
    let end = move |_| {
        let path = format!("api/v1/sessions/{session_id}");
        lists.change(Verb::Delete, path, (), "Session ended", |_: serde_json::Value| {});
    };
    let last = match is_own {
        true => view! { <span class="tag">"This browser"</span> }.into_any(),
        false => view! { <button class="button" data-testid="session-end" on:click=end>"End"</button> }.into_any(),
    };
    view! {
        <div class="desk-row" role="row" data-testid="session">
            <span class="desk-row__name" role="rowheader" title=agent.clone()>{browser_of(&agent)}</span>
            {cell("Address", address)}
            {cell("Last used, UTC", when(seen_time))}
            <span class="desk-row__actions" role="cell">{last}</span>
        </div>
    }
}

/// Returns the browser and the system of an agent's long name, as far as they can be told.
fn browser_of(agent: &str) -> String {
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    // The order matters: most browsers name others too.
    let browser = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.is_empty() => "Unknown browser".to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_shortly() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(browser_of(agent), name, "{agent}");
        }
    }
}
