//! The frame around every page: navigation, banner, status bar, settings.

pub mod alert_line;
pub mod alerts;
pub mod banner;
pub mod health;
pub mod notice;
pub mod offline;
pub mod palette;
pub mod rail;
pub mod replay_bar;
pub mod settings_panel;
pub mod status_bar;

use leptos::prelude::*;
use leptos_meta::Title;

use self::{
    alerts::provide_open_alerts, banner::Banner, notice::ServerNotice, rail::Rail, settings_panel::SettingsPanel,
    status_bar::StatusBar,
};
use crate::{
    components::{cross_check::provide_comparison, status_popover::StatusPopover},
    lazy::{LazyPart, LazyView},
    live::browser,
    pages::{PAGES, desk::account::provide_account, first_page},
    route::{link, use_route},
    selection::{LIVE, provide_selection},
    settings::{Bandwidth, Flash, STORAGE_KEY, Settings, Theme},
};

/// The frame around the page, and the page in it.
#[component]
pub fn Frame() -> impl IntoView {
    let selection = provide_selection();
    provide_comparison(selection.id.into());
    let path = use_route().path();
    let is_simulated = Memo::new(move |_| selection.is_simulated());
    let is_replay = provide_account(selection);
    provide_open_alerts();
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
            <LazyView part=LazyPart::ReplayBar/>
            <div class="notices">
                <ServerNotice/>
                <LazyView part=LazyPart::Offline/>
            </div>
            <LazyView part=LazyPart::AlertLine/>
            <Banner/>
            <StatusBar/>
            <SettingsPanel/>
            <StatusPopover/>
            <LazyView part=LazyPart::Announcer/>
            <LazyView part=LazyPart::Palette/>
        </div>
    }
}

/// Returns the page at a path; the first page's code is here, the others' is loaded lazily.
fn page_at(path: &str) -> AnyView {
    match PAGES.iter().find(|page| page.path == path) {
        Some(page) if page.path == PAGES[0].path => first_page(),
        Some(page) => view! { <LazyView part=LazyPart::Page(page.path)/> }.into_any(),
        None => view! { <NotFound/> }.into_any(),
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <Title text="No such page · Truetape"/>
        <div class="not-found">
            <h1>"No such page"</h1>
            <p>"There is no page at this address. "<a href=link(LIVE)>"Go to the Live page"</a></p>
        </div>
    }
}

/// Provides the reader's settings: defaults while rendering, then the stored ones. Each change is stored, applied to
/// the document, and seen by other tabs.
pub fn provide_settings() {
    let settings = RwSignal::new(Settings::default());
    provide_context(settings);
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
        // The first run happens before anything was read: writing now would overwrite the stored settings.
        if has_read.get_value() {
            browser::store(STORAGE_KEY, &current.to_text());
            apply(&current);
        }
    });
    Effect::new(move |_| {
        has_read.set_value(true);
        browser::set_root_data("started", "on");
        read();
        browser::follow_preferred_theme(move || apply(&settings.get_untracked()));
        let of_other_tabs = window_event_listener(leptos::ev::storage, move |_| read());
        on_cleanup(move || of_other_tabs.remove());
    });
}

/// Sets the attributes read by the style sheet. The script in the document's head does the same before the first paint.
fn apply(settings: &Settings) {
    let theme = match settings.theme {
        Theme::Dark => "dark",
        Theme::Light => "light",
        Theme::System if browser::prefers_light() => "light",
        Theme::System => "dark",
    };
    browser::set_root_data("theme", theme);
    browser::set_root_data("updown", settings.up_down.as_str());
    let flash = if settings.bandwidth == Bandwidth::Low { Flash::Off } else { settings.flash };
    browser::set_root_data("flashing", flash.as_str());
}
