//! The page without its server: keeps the newest values, shows them to a page that starts without its server, has the
//! browser keep the page's files, and offers to reload when the server has another version.
//!
//! Loaded lazily: nobody needs it before the first data. Not here: what is kept (`live::kept`), the service worker that
//! keeps the files (`public/service-worker.js`).

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    live::{
        Live, browser,
        kept::{Kept, STORAGE_KEY},
        link::LinkState,
        platform, use_live,
    },
    pages::is_page,
    route::use_route,
};

/// Keeps and restores values, and shows the offer of a new version.
#[component]
pub fn Offline() -> impl IntoView {
    let live = use_live();
    let is_newer = RwSignal::new(false);
    let is_put_off = RwSignal::new(false);
    // Only a browser has anything to keep: effects do not run on the server.
    Effect::new(move |_| keep_values(live));
    keep_files();
    look_for_versions(live, is_newer);
    view! {
        <div class="server-notice server-notice--offer" data-testid="new-version" role="status" hidden=move || !is_newer.get() || is_put_off.get()>
            <span>"The server has a new version of this page."</span>
            <span class="server-notice__choices">
                <button class="button" data-testid="new-version-reload" on:click=move |_| browser::reload()>"Reload"</button>
                <button class="button" on:click=move |_| is_put_off.set(true)>"Later"</button>
            </span>
        </div>
    }
}

/// Stores values while there is a server, and shows the stored ones if there was none from the start.
fn keep_values(live: Live) {
    let build = StoredValue::new(browser::root_data("build").unwrap_or_default());
    let stored = browser::stored(STORAGE_KEY).unwrap_or_default();
    let kept = StoredValue::new(build.with_value(|build| Kept::parse(&stored, build)));
    let store = move || {
        let now = browser::now().wall;
        kept.try_update_value(|kept| {
            live.with_model(|model| kept.take(model, now));
            browser::store(STORAGE_KEY, &build.with_value(|build| kept.to_text(build)));
        });
    };
    let link = live.link();
    let is_connected = Memo::new(move |_| link.with(|link| *link == LinkState::Connected));
    let store_if_connected = move || {
        if is_connected.try_get_untracked() == Some(true) {
            store();
        }
    };
    let is_away = Memo::new(move |_| link.with(LinkState::is_away));
    let drop_old = move || {
        if is_connected.try_get_untracked() == Some(true) {
            live.drop_restored();
        }
    };
    Effect::new(move |was_connected: Option<bool>| {
        match (was_connected, is_connected.get()) {
            // Values kept by an earlier visit are shown until everything has arrived.
            (_, true) => set_timeout(drop_old, REPLACED_WITHIN),
            // Keeps the values that the page showed last.
            (Some(true), false) => store(),
            (_, false) if is_away.get() => kept.with_value(|kept| live.restore(kept)),
            (_, false) => {}
        }
        was_connected.unwrap_or(false) || is_connected.get_untracked()
    });
    // A hidden page may never be shown again.
    browser::follow_hidden(store_if_connected);
    let stored_now_and_then = set_interval_with_handle(store_if_connected, EVERY);
    on_cleanup(move || {
        if let Ok(handle) = stored_now_and_then {
            handle.clear();
        }
    });
}

/// Has the browser keep the page's files. Not for an address without a page: it may be outside the page's folder.
fn keep_files() {
    let path = use_route().path();
    Effect::new(move |_| {
        if path.with_untracked(|path| is_page(path)) {
            platform::keep_files();
        }
    });
}

/// Asks each server that the page meets which build it has.
fn look_for_versions(live: Live, is_newer: RwSignal<bool>) {
    #[cfg(feature = "browser")]
    Effect::new(move |_| {
        if live.link().with(|link| *link != LinkState::Connected) {
            return;
        }
        leptos::task::spawn_local(async move {
            #[derive(serde::Deserialize)]
            struct Site {
                id: String,
            }
            if let Ok(site) = crate::live::rest::get::<Site>("site.json").await {
                let own = browser::root_data("build").unwrap_or_default();
                let _page_is_gone = is_newer.try_set(site.id != own);
            }
        });
    });
    #[cfg(not(feature = "browser"))]
    let _ = (live, is_newer);
}

/// At most this much is lost if the browser ends without a word.
const EVERY: Duration = Duration::from_secs(15);
/// Snapshots of everything shown come with the first answers.
const REPLACED_WITHIN: Duration = Duration::from_secs(5);
