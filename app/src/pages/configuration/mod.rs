//! The Configuration page: every setting of the server with its default and source; searched, changed together, reset,
//! exported and imported. For admins. Loaded lazily.
//!
//! Everything comes by REST and on request. Not here: which values can be used (the server says), the reader's own settings
//! (`shell::settings_panel`).
//!
//! # Layout
//! - [`state`]: settings, drafts and sections, pure · [`requests`]: the page's state and its requests
//! - [`row`]: one setting · [`import`]: a file of settings · [`feeds`]: what is followed after a restart

pub mod feeds;
pub mod import;
pub mod requests;
pub mod row;
pub mod state;

use leptos::{ev, prelude::*};
use leptos_meta::Title;
use model::access::Role;

use self::{
    feeds::FeedsPanel,
    import::{ImportPanel, OpenFile},
    requests::Settings,
    row::SettingRow,
    state::{Section, Value, count, sections},
};
use crate::{
    components::page_head::PageHead,
    live::browser,
    pages::FragmentSpec,
    route::{link, use_route},
};

/// The regions of this page: none samples the stream.
pub const FRAGMENTS: &[FragmentSpec] = &[];

/// The page.
#[component]
pub fn ConfigurationPage() -> impl IntoView {
    // The document tells; the server's rendering comes before it.
    let role = RwSignal::new(None::<Role>);
    Effect::new(move |_| role.set(Role::from_name(&browser::root_data("role").unwrap_or_default())));
    let content = move || {
        match role.get() {
        None => view! { <p class="desk-note" role="status">"Loading…"</p> }.into_any(),
        Some(Role::Admin) => view! { <Content/> }.into_any(),
        Some(role) => view! {
            <PageHead title="Configuration"/>
            <p class="desk-note" data-testid="not-allowed">
                {format!("The settings of the server are for admins, and you are {role}. Ask an admin to change them, or your role.")}
            </p>
        }
        .into_any(),
    }
    };
    view! {
        <Title text="Configuration · Truetape"/>
        <div class="desk-page configuration-page" data-testid="configuration">{content}</div>
    }
}

/// The page of an admin.
#[component]
fn Content() -> impl IntoView {
    let settings = Settings::new();
    let (search, only_changed) = (RwSignal::new(String::new()), RwSignal::new(false));
    Effect::new(move |_| settings.load());
    ask_before_leaving(settings);
    let shown = Memo::new(move |_| {
        let of = |search: &str| {
            settings.report.with(|report| {
                report.as_ref().map(|report| sections(&report.settings, search, only_changed.get())).unwrap_or_default()
            })
        };
        search.with(|search| of(search))
    });
    let is_loaded = Memo::new(move |_| settings.report.with(Option::is_some));
    let is_fixed =
        Memo::new(move |_| settings.report.with(|report| report.as_ref().is_some_and(|report| !report.is_kept)));
    let nothing = move || {
        let (is_empty, search) = (shown.with(Vec::is_empty), search.get());
        (is_loaded.get() && is_empty).then(|| match search.trim() {
            "" => "No setting has been changed".to_owned(),
            search => format!("No setting matches “{search}”"),
        })
    };
    view! {
        <PageHead title="Configuration" help="Settings of this server, for everybody who uses it".into_any()>
            <a class="button" data-testid="export" href=link("/api/v1/configuration/export") download="truetape-settings.toml">"Export"</a>
            <OpenFile settings/>
        </PageHead>
        <p class="account-page__note" data-tone="bad" role="status" data-testid="configuration-failure" hidden=move || settings.failure.with(String::is_empty)>
            {move || settings.failure.get()}" "
            <button class="button" on:click=move |_| settings.load()>"Try again"</button>
        </p>
        <p
            class="account-page__note"
            role="status"
            data-testid="configuration-note"
            data-tone=move || settings.note.with(|note| if note.is_bad { "bad" } else { "good" })
            hidden=move || settings.note.with(|note| note.words.is_empty())
        >
            {move || settings.note.with(|note| note.words.clone())}
        </p>
        <p class="desk-note" data-testid="not-kept" hidden=move || !is_fixed.get()>
            "This server was started by a command that keeps no settings, so they cannot be changed here. Start it with "
            <code>"truetape serve"</code>"."
        </p>
        <p class="desk-note" role="status" hidden=move || is_loaded.get() || !settings.failure.with(String::is_empty)>"Loading…"</p>
        <Pending settings/>
        <ImportPanel settings/>
        <div class="configuration-tools">
            <input
                class="field configuration-tools__search"
                type="search"
                data-testid="setting-search"
                placeholder="Search: a word of the title, the key or the help"
                aria-label="Search settings"
                prop:value=search
                on:input=move |event: ev::Event| search.set(event_target_value(&event))
            />
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid="only-changed"
                    prop:checked=only_changed
                    on:change=move |event: ev::Event| only_changed.set(event_target_checked(&event))
                />
                <span>"Only changed"</span>
            </label>
        </div>
        <nav class="configuration-sections" aria-label="Sections">
            <For
                each=move || shown.get()
                key=|section| section.id.clone()
                children=|section| view! { <a href=format!("#{}", anchor(&section.id))>{section.title}</a> }
            />
        </nav>
        <p class="desk-note" role="status" data-testid="nothing-found" hidden=move || nothing().is_none()>{nothing}</p>
        <For each=move || shown.get() key=Clone::clone children=move |section| view! { <SectionPanel settings section/> }/>
        <FeedsPanel settings/>
        <SaveBar settings/>
    }
}

/// Changes that wait for a restart.
#[component]
fn Pending(
    /// The page's state.
    settings: Settings,
) -> impl IntoView {
    let lines = Memo::new(move |_| {
        settings.report.with(|report| {
            let all = report.iter().flat_map(|report| &report.settings);
            let words = |value: &Option<Value>| value.as_ref().map_or_else(|| "none".to_owned(), Value::words);
            let line = |setting: &state::Setting| match setting.kind.as_str() {
                "secret" => format!("{} ({})", setting.title, setting.key),
                _ => format!(
                    "{} ({}): {} to {}",
                    setting.title,
                    setting.key,
                    words(&setting.running),
                    words(&setting.value)
                ),
            };
            all.filter(|setting| setting.is_pending).map(line).collect::<Vec<_>>()
        })
    });
    let words = move || {
        let n_waiting = lines.with(Vec::len);
        format!(
            "{} for a restart of the server",
            if n_waiting == 1 { "1 change waits".to_owned() } else { format!("{n_waiting} changes wait") }
        )
    };
    view! {
        <section class="configuration-pending" role="status" data-testid="pending" hidden=move || lines.with(Vec::is_empty)>
            <strong>{words}</strong>
            <ul class="configuration-list">
                {move || lines.get().into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
            </ul>
        </section>
    }
}

/// A section with its settings.
#[component]
fn SectionPanel(
    /// The page's state.
    settings: Settings,
    /// The section.
    section: Section,
) -> impl IntoView {
    let Section { id, title, keys, is_open } = section;
    let n_settings = keys.len();
    view! {
        <details class="panel configuration-section" id=anchor(&id) open=is_open>
            <summary class="panel__head">
                <h2 class="panel__title">{title}</h2>
                <span class="configuration-section__count">{n_settings}</span>
            </summary>
            {keys.into_iter().map(|key| view! { <SettingRow settings key/> }).collect_view()}
        </details>
    }
}

/// The number of unsaved changes, and the buttons that save or forget them.
#[component]
fn SaveBar(
    /// The page's state.
    settings: Settings,
) -> impl IntoView {
    let n_drafts = Memo::new(move |_| settings.drafts.with(std::collections::BTreeMap::len));
    // Its field may be far away.
    let first_fault = move || {
        settings.faults.with(|faults| faults.first().cloned()).map(|(key, remedy)| {
            let title = untrack(|| settings.setting(&key).title);
            let words = if title.is_empty() { format!("{key}: {remedy}") } else { format!("{title}: {remedy}") };
            view! { <a class="configuration-save__fault" data-testid="first-fault" href=format!("#setting-{key}")>{words}</a> }
        })
    };
    view! {
        <div class="configuration-save" data-testid="save-bar" role="region" aria-label="Unsaved changes" hidden=move || n_drafts.get() == 0>
            <span role="status">{move || count(n_drafts.get())}</span>
            <button class="button" data-testid="save" disabled=move || settings.is_saving.get() on:click=move |_| settings.save()>"Save"</button>
            <button class="button" data-testid="discard" disabled=move || settings.is_saving.get() on:click=move |_| settings.discard()>"Discard"</button>
            {first_fault}
        </div>
    }
}

/// Asks before unsaved changes are lost: by another page, and by the browser's own question when the page is closed.
fn ask_before_leaving(settings: Settings) {
    let route = use_route();
    let is_edited = Memo::new(move |_| settings.drafts.with(|drafts| !drafts.is_empty()));
    Effect::new(move |_| route.ask_before_leaving(is_edited.get().then_some(may_leave as fn() -> bool)));
    Effect::new(move |_| {
        let closing = window_event_listener(ev::beforeunload, move |event| {
            if is_edited.get_untracked() {
                event.prevent_default();
            }
        });
        on_cleanup(move || closing.remove());
    });
    on_cleanup(move || route.ask_before_leaving(None));
}

fn may_leave() -> bool {
    window().confirm_with_message("Leave without saving your changes of the configuration?").unwrap_or(true)
}

/// Returns the id of a section's element.
fn anchor(section: &str) -> String {
    format!("section-{section}")
}
