//! The navigation rail: pages at the top, theme and settings at the bottom. On small screens a strip at the bottom.

use leptos::prelude::*;

use crate::{
    components::icon::{Icon, IconMark},
    pages::{PAGES, alerts::ALERTS},
    route::PageLink,
    settings::{Theme, use_settings},
    shell::alerts::OpenAlerts,
};

/// The rail.
#[component]
pub fn Rail() -> impl IntoView {
    let settings = use_settings();
    let theme = Memo::new(move |_| settings.with(|settings| settings.theme));
    let theme_icon = Signal::derive(move || match theme.get() {
        Theme::System => Icon::Screen,
        Theme::Dark => Icon::Moon,
        Theme::Light => Icon::Sun,
    });
    let theme_words = move || format!("Theme: {}. Change to {}", theme.get().label(), theme.get().next().label());
    view! {
        <nav class="rail" aria-label="Pages">
            <svg class="rail__mark" viewBox="0 0 24 24" width="24" height="24" role="img" aria-label="Truetape">
                <path d="M4 6h16M12 6v13M8 15l4 4 4-4"></path>
            </svg>
            {PAGES.iter().map(|page| view! {
                <PageLink href=page.path class="rail__item" title=page.title>
                    <IconMark icon=page.icon/>
                    <span class="rail__label">{page.title}</span>
                    {(page.path == ALERTS).then(|| view! { <AlertCount/> })}
                </PageLink>
            }).collect_view()}
            <span class="rail__space"></span>
            <button
                class="rail__item"
                data-testid="theme-toggle"
                data-theme-choice=move || theme.get().as_str()
                title=theme_words
                aria-label=theme_words
                on:click=move |_| settings.update(|settings| settings.theme = settings.theme.next())
            >
                <IconMark icon=theme_icon/>
                <span class="rail__label" aria-hidden="true">"Theme"</span>
            </button>
            <button class="rail__item" data-testid="settings-open" title="Settings" popovertarget="settings">
                <IconMark icon=Icon::Sliders/>
                <span class="rail__label">"Settings"</span>
            </button>
        </nav>
    }
}

/// The number of alerts that nobody has acknowledged; nothing while there is none.
#[component]
fn AlertCount() -> impl IntoView {
    let n_open = use_context::<OpenAlerts>().map_or_else(|| Signal::stored(0), |open| open.0.into());
    let text = move || match n_open.get() {
        n_open @ 0..100 => n_open.to_string(),
        _ => "99+".to_owned(),
    };
    view! {
        <span class="rail__count" data-testid="open-alerts" hidden=move || n_open.get() == 0>
            {text}
            <span class="unseen">" not acknowledged"</span>
        </span>
    }
}
