//! A notice from the server that requires the reader's action; stays until it is dismissed or withdrawn.
//!
//! Admins follow a topic of their own, with the notices that concern only those who run the server.

use leptos::prelude::*;
use model::time::Now;
use topics::{lane::Lane, topic::Topic};

use crate::live::{browser, model::LiveModel, use_live};

/// The notice; nothing if there is none.
#[component]
pub fn ServerNotice() -> impl IntoView {
    let live = use_live();
    let topics = || {
        [Some(Topic::SYSTEM), browser::is_admin().then_some(Topic::OPERATIONS)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    live.use_topics(Signal::derive(topics), Lane::Slow.into());
    let sentence = Memo::new(move |_| {
        if live.slow_tick().get() == Now::default() {
            return String::new();
        }
        live.with_model(notice).flatten().unwrap_or_default()
    });
    let dismissed = RwSignal::new(String::new());
    let is_hidden =
        move || sentence.with(|sentence| sentence.is_empty() || dismissed.with(|dismissed| dismissed == sentence));
    view! {
        <div class="server-notice" data-testid="server-notice" role="alert" hidden=is_hidden>
            <span>{move || sentence.get()}</span>
            <button class="button" on:click=move |_| dismissed.set(sentence.get_untracked())>"Dismiss"</button>
        </div>
    }
}

/// Returns the newest notice that the reader is shown.
fn notice(model: &LiveModel) -> Option<String> {
    match model.operations() {
        Some(operations) => operations.notice.clone(),
        None => model.system()?.notice.clone(),
    }
}
