//! The document, and what surrounds every page: navigation, banner, status bar, settings.

pub mod alert_line;
pub mod banner;
pub mod document;
pub mod notice;
pub mod rail;
pub mod replay_bar;
pub mod settings_panel;
pub mod status_bar;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;

pub use self::document::shell;
use self::{
    alert_line::{AlertLine, provide_troubles},
    banner::Banner,
    notice::ServerNotice,
    rail::Rail,
    settings_panel::SettingsPanel,
    status_bar::StatusBar,
};
use crate::{
    components::{
        cross_check::provide_comparison, status_light::provide_popover_requests, status_popover::StatusPopover,
    },
    lazy::{Later, LazyPart, provide_later},
    live::{browser, provide_live, recorder::provide_recorder},
    pages::live::LivePage,
    route::{provide_route, use_route},
    selection::provide_selection,
    settings::{STORAGE_KEY, Settings, Theme},
};

/// The whole application; rendered by the server and woken up in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_route();
    provide_context(remembered_settings());
    provide_live();
    provide_later();
    provide_recorder();
    provide_troubles();
    provide_popover_requests();
    view! { <Frame/> }
}

/// What stands around the page.
#[component]
fn Frame() -> impl IntoView {
    let selection = provide_selection();
    provide_comparison(selection.id.into());
    let path = use_route().path();
    let is_simulated = Memo::new(move |_| selection.is_simulated());
    let is_replay = Memo::new(move |_| selection.is_replay());
    view! {
        <div
            class="frame"
            data-simulated=move || is_simulated.get().to_string()
            data-replay=move || is_replay.get().to_string()
        >
            <a class="skip-link" href="#main">"Skip to the page"</a>
            <Rail/>
            <main class="frame__main" id="main" tabindex="-1">
                {move || path.with(|path| page_at(path))}
            </main>
            <Later part=LazyPart::ReplayBar/>
            <ServerNotice/>
            <AlertLine/>
            <Banner/>
            <StatusBar/>
            <SettingsPanel/>
            <StatusPopover/>
        </div>
    }
}

/// The page at a path.
fn page_at(path: &str) -> AnyView {
    match path {
        "/" => view! { <LivePage/> }.into_any(),
        "/markets" => view! { <Later part=LazyPart::Markets/> }.into_any(),
        "/venues" => view! { <Later part=LazyPart::Venues/> }.into_any(),
        "/quality" => view! { <Later part=LazyPart::Quality/> }.into_any(),
        "/recordings" => view! { <Later part=LazyPart::Recordings/> }.into_any(),
        _ => view! { <NotFound/> }.into_any(),
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <div class="not-found">
            <h1>"No such page"</h1>
            <p>"There is nothing at this address. "<a href="/">"Go to the Live page"</a></p>
        </div>
    }
}

/// The reader's choices: defaults while rendering, then what the browser remembers; each change is remembered, applied
/// to the document, and seen by the other tabs.
fn remembered_settings() -> RwSignal<Settings> {
    let settings = RwSignal::new(Settings::default());
    let has_read = StoredValue::new(false);
    let read = move || {
        let text = browser::stored(STORAGE_KEY).unwrap_or_default();
        let stored = Settings::parse(&text);
        if settings.with_untracked(|known| *known != stored) {
            settings.set(stored);
        }
    };
    Effect::new(move |_| {
        let current = settings.get();
        // The first run comes before anything was read: writing now would forget what the browser remembers.
        if has_read.get_value() {
            browser::store(STORAGE_KEY, &current.to_text());
            apply(&current);
        }
    });
    Effect::new(move |_| {
        has_read.set_value(true);
        read();
        browser::follow_preferred_theme(move || apply(&settings.get_untracked()));
        let of_other_tabs = window_event_listener(leptos::ev::storage, move |_| read());
        on_cleanup(move || of_other_tabs.remove());
    });
    settings
}

/// Sets what the style sheet reads. The script in the document's head does the same before the first paint.
fn apply(settings: &Settings) {
    let theme = match settings.theme {
        Theme::Dark => "dark",
        Theme::Light => "light",
        Theme::System if browser::prefers_light() => "light",
        Theme::System => "dark",
    };
    browser::set_root_data("theme", theme);
    browser::set_root_data("updown", settings.up_down.as_str());
    browser::set_root_data("flashing", settings.flash.as_str());
}
