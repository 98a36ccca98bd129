//! The health light: one sign with a word, how the server does; it leads to the System page.

use leptos::prelude::*;
use model::{status::StreamState, time::Now};
use topics::channels::system::Health;

use crate::{
    components::status_mark::StatusMark,
    live::{link::LinkState, model::LiveModel, use_live},
    route::PageLink,
};

/// The light in the status bar. Its topics are followed by the notice of the server.
#[component]
pub fn HealthLight() -> impl IntoView {
    let live = use_live();
    let link = live.link();
    let known = Memo::new(move |_| {
        let is_connected = link.with(|link| *link == LinkState::Connected);
        if live.slow_tick().get() == Now::default() || !is_connected {
            return None;
        }
        live.with_model(known_of).flatten()
    });
    let health = Memo::new(move |_| known.with(|known| known.as_ref().map(|(health, _)| *health)));
    let word = move || health.get().map_or("–", Health::as_str);
    let cause = move || known.with(|known| known.as_ref().map(|(_, cause)| cause.clone())).unwrap_or_default();
    let is_fine = move || known.with(|known| known.as_ref().is_none_or(|(_, cause)| cause.is_empty()));
    view! {
        <PageLink href="/system" class="health-light" title="How the server does: go to the System page">
            <HealthMark health/>
            <span data-testid="health" data-health=word><span class="health-light__name">"system "</span>{word}</span>
            <span class="health-light__cause" data-testid="health-cause" hidden=is_fine>{cause}</span>
        </PageLink>
    }
}

/// Returns the health, and its cause as far as the reader is told.
fn known_of(model: &LiveModel) -> Option<(Health, String)> {
    let system = model.system()?;
    let whole = model.operations().and_then(|operations| operations.health_cause.clone());
    Some((system.health?, whole.or_else(|| system.health_cause.clone()).unwrap_or_default()))
}

/// The sign of a health, in colour and shape; `None` while it is not known. The word is beside it.
#[component]
pub fn HealthMark(
    /// The health.
    health: Memo<Option<Health>>,
) -> impl IntoView {
    let state = Signal::derive(move || match health.get() {
        None => StreamState::Initialising,
        Some(Health::Good) => StreamState::Live,
        Some(Health::Degraded) => StreamState::Stale,
        Some(Health::Bad) => StreamState::Failed,
    });
    view! { <span aria-hidden="true"><StatusMark state/></span> }
}
