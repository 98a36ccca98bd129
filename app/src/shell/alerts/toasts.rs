//! The toasts: the newest alerts for five seconds, on every page.

use leptos::prelude::*;
use model::alert::command::{AcknowledgeAlerts, AlertCommand};

use super::news::News;
use crate::{
    components::icon::{Icon, IconMark},
    live::{browser, commands::CommandState, use_live},
    pages::alerts::{ALERTS, actions::send, words},
    route::{PageLink, link},
    selection::{LIVE, address},
};

/// The toasts.
#[component]
pub fn Toasts(
    /// New alerts.
    news: RwSignal<News>,
) -> impl IntoView {
    let live = use_live();
    let is_pointed = RwSignal::new(false);
    let is_focused = RwSignal::new(false);
    Effect::new(move |_| {
        live.tick().track();
        let is_held = is_pointed.get_untracked() || is_focused.get_untracked();
        if news.with_untracked(|news| !news.toasts().is_empty()) {
            let now = browser::now().monotonic;
            let before = news.get_untracked();
            let mut after = before.clone();
            after.advance(now, is_held);
            if after != before {
                news.set(after);
            }
        }
    });
    let state = RwSignal::new(CommandState::default());
    let ids = Memo::new(move |_| {
        news.with(|news| news.toasts().iter().map(|toast| toast.row.notice.notice_id).collect::<Vec<_>>())
    });
    // Nobody holds what is gone: a removed element reports no pointer that leaves it.
    Effect::new(move |_| {
        if ids.with(Vec::is_empty) {
            is_pointed.set(false);
            is_focused.set(false);
        }
    });
    let n_more = Memo::new(move |_| news.with(News::n_more));
    let toast = move |id: u64| {
        let notice = news.with_untracked(|news| {
            let found = news.toasts().iter().find(|toast| toast.row.notice.notice_id == id);
            found.map(|toast| toast.row.notice.clone())
        })?;
        let title = match &notice.instrument {
            Some(instrument) => {
                view! { <a href=link(&address(LIVE, instrument))>{notice.title.clone()}</a> }.into_any()
            }
            None => notice.title.clone().into_any(),
        };
        let acknowledge = move |_| {
            let command = AcknowledgeAlerts { notice_ids: vec![id], up_to: None };
            send(live, AlertCommand::AcknowledgeAlerts(command), state);
            news.update(|news| news.close(id));
        };
        Some(view! {
            <li class="toast" data-testid="toast" data-id=id.to_string() data-tone=words::tone(notice.severity)>
                <p class="toast__title">
                    <span class="tag" data-tone=words::tone(notice.severity)>{words::severity(notice.severity)}</span>
                    " "
                    <strong>{title}</strong>
                </p>
                <p class="toast__text" hidden=notice.text.is_empty()>{notice.text.clone()}</p>
                <button class="button" data-testid="toast-acknowledge" on:click=acknowledge>"Acknowledge"</button>
                <button
                    class="button button--bare toast__close"
                    aria-label="Close"
                    title="Close: it stays in the list of alerts"
                    on:click=move |_| news.update(|news| news.close(id))
                >
                    <IconMark icon=Icon::Close/>
                </button>
            </li>
        })
    };
    view! {
        <div
            class="toasts"
            role="status"
            aria-live="polite"
            data-testid="toasts"
            on:pointerenter=move |_| is_pointed.set(true)
            on:pointerleave=move |_| is_pointed.set(false)
            on:focusin=move |_| is_focused.set(true)
            on:focusout=move |_| is_focused.set(false)
        >
            <ul>
                <For each=move || ids.get() key=|id| *id children=toast/>
            </ul>
            <p class="toasts__more" data-testid="toasts-more" hidden=move || n_more.get() == 0>
                {move || format!("+{} more ", n_more.get())}
                <PageLink href=ALERTS>"Alerts"</PageLink>
            </p>
        </div>
    }
}
