//! The System page: how the server does, part by part, with the last hour of each figure.
//!
//! The figures come by REST every ten seconds, as the server takes them; the page needs no list of its own. Not here: each
//! feed and book (`pages::quality`), alerts about the server (`pages::alerts`).

pub mod state;

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use topics::channels::system::{Health, report::SystemReport};

use crate::{
    components::page_head::PageHead,
    live::browser,
    pages::{
        FragmentSpec,
        system::state::{Part, ShownFigure, parts},
    },
    route::PageLink,
    shell::health::HealthMark,
};

/// The regions of this page: none samples the stream by itself.
pub const FRAGMENTS: &[FragmentSpec] = &[];

/// The page.
#[component]
pub fn SystemPage() -> impl IntoView {
    let report = RwSignal::new(SystemReport::default());
    let failure = RwSignal::new(String::new());
    Effect::new(move |_| {
        load(report, failure);
        let look = move || {
            if !browser::is_hidden() {
                load(report, failure);
            }
        };
        let again = set_interval_with_handle(look, LOAD_EVERY).ok();
        on_cleanup(move || {
            if let Some(again) = again {
                again.clear();
            }
        });
    });
    let shown = Memo::new(move |_| report.with(parts));
    let n_parts = Memo::new(move |_| shown.with(Vec::len));
    view! {
        <Title text="System · Truetape"/>
        <div class="system-page" data-testid="system">
            <PageHead title="System" help="How this server does: the newest figure and the last hour of each".into_any()/>
            <p class="system-page__failure" role="status" hidden=move || failure.with(String::is_empty)>
                {failure}" The figures are those of the last answer. Trying again."
            </p>
            <Verdict report/>
            <For each=move || 0..n_parts.get() key=|at| *at let(at)>
                <PartPanel part=Memo::new(move |_| shown.with(|shown| shown.get(at).cloned().unwrap_or_default()))/>
            </For>
            <p class="system-page__note" hidden=move || report.with(|report| report.newest_ms != 0)>
                "The first figures come ten seconds after the start of the server."
            </p>
        </div>
    }
}

/// Loads the report.
fn load(report: RwSignal<SystemReport>, failure: RwSignal<String>) {
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        // The page may have gone while the answer came.
        match crate::live::rest::get::<SystemReport>("api/v1/system").await {
            Ok(found) => drop((report.try_set(found), failure.try_set(String::new()))),
            Err(reason) => drop(failure.try_set(reason)),
        }
    });
    #[cfg(not(feature = "browser"))]
    let _ = (report, failure);
}

/// The health with its causes.
#[component]
fn Verdict(
    /// The server's report.
    report: RwSignal<SystemReport>,
) -> impl IntoView {
    let health = Memo::new(move |_| report.with(|report| (!report.figures.is_empty()).then_some(report.health)));
    let causes = Memo::new(move |_| report.with(|report| report.causes.clone()));
    let words = move || match health.get() {
        None => "Waiting for the server",
        Some(Health::Good) => "Good: everything works",
        Some(Health::Degraded) => "Degraded: a part does not work, the rest goes on",
        Some(Health::Bad) => "Bad: this needs a person",
    };
    view! {
        <section class="system-page__verdict" data-testid="system-health" aria-label="Health">
            <p class="system-page__state"><HealthMark health/><strong>{words}</strong></p>
            <ul class="system-page__causes" hidden=move || causes.with(Vec::is_empty)>
                {move || causes.get().into_iter().map(|cause| view! { <li>{cause}</li> }).collect_view()}
            </ul>
        </section>
    }
}

/// One part of the server.
#[component]
fn PartPanel(
    /// The part with its figures.
    part: Memo<Part>,
) -> impl IntoView {
    let n_figures = Memo::new(move |_| part.with(|part| part.figures.len()));
    let name = move || part.with(|part| part.name.clone());
    view! {
        <section class="panel system-page__part" aria-label=name>
            <div class="panel__head">
                <h2 class="panel__title">{name}</h2>
                {move || more(&name()).map(|(href, words)| view! { <PageLink href=href>{words}</PageLink> })}
            </div>
            <dl class="system-page__figures">
                <For each=move || 0..n_figures.get() key=|at| *at let(at)>
                    <FigureCell
                        figure=Memo::new(move |_| part.with(|part| part.figures.get(at).cloned().unwrap_or_default()))
                    />
                </For>
            </dl>
        </section>
    }
}

/// Returns the page that has more about a part.
fn more(part: &str) -> Option<(&'static str, &'static str)> {
    match part {
        "Feeds" => Some(("/quality", "Each feed and book")),
        "Paper desk" => Some(("/dashboard", "Dashboard")),
        "Alerts" => Some(("/alerts", "Alerts and their delivery")),
        _ => None,
    }
}

/// A figure with its last hour.
#[component]
fn FigureCell(
    /// The figure.
    figure: Memo<ShownFigure>,
) -> impl IntoView {
    let text = move |of: fn(&ShownFigure) -> &String| move || figure.with(|figure| of(figure).clone());
    view! {
        <div
            class="system-figure"
            data-testid="system-figure"
            data-name=text(|figure| &figure.name)
            data-fault=move || figure.with(|figure| figure.is_fault).to_string()
        >
            <dt class="system-figure__label">{text(|figure| &figure.label)}</dt>
            <dd class="system-figure__value">{text(|figure| &figure.newest)}</dd>
            <dd class="system-figure__hour">
                <svg
                    class="system-figure__picture"
                    viewBox=state::VIEW_BOX
                    preserveAspectRatio="none"
                    aria-hidden="true"
                    focusable="false"
                >
                    <path class="system-figure__area" d=text(|figure| &figure.area)></path>
                    <path class="system-figure__line" d=text(|figure| &figure.line)></path>
                </svg>
                <span class="system-figure__most">{text(|figure| &figure.most)}</span>
            </dd>
        </div>
    }
}

/// As often as the server adds a value.
const LOAD_EVERY: Duration = Duration::from_secs(10);
