//! By which way each venue's data comes: the choice, and in words how it goes.

use leptos::prelude::*;
use model::{instrument::Venue, time::Now};
use wire::direct::DirectVenue;

use crate::live::{Live, model::LiveModel, source::Source, use_live};

/// The choice for every venue that the server follows. Stands in the settings.
#[component]
pub fn DataPaths() -> impl IntoView {
    let live = use_live();
    let offers = live.offers();
    view! {
        <fieldset class="choices data-paths" data-testid="data-paths" hidden=move || offers.with(|offers| offers.is_empty())>
            <legend class="choices__legend">"Data path"</legend>
            <For
                each=move || offers.with(|offers| offers.iter().cloned().collect::<Vec<DirectVenue>>())
                key=|offer| (offer.venue.clone(), offer.refusal.clone())
                let:offer
            >
                <DataPath live offer/>
            </For>
        </fieldset>
    }
}

/// One venue: by the server or directly.
#[component]
fn DataPath(
    /// The live data.
    live: Live,
    /// The venue, and whether it can be had directly.
    offer: DirectVenue,
) -> impl IntoView {
    let DirectVenue { venue, title, refusal, .. } = offer;
    let name = format!("data-path-{venue}");
    let is_refused = refusal.is_some();
    let chosen = {
        let venue = venue.clone();
        Memo::new(move |_| if is_refused { Source::Server } else { live.sources().with(|sources| sources.get(&venue)) })
    };
    let note = {
        let venue = venue.clone();
        Memo::new(move |_| {
            let failure = live.failures().with(|failures| failures.get(&venue).cloned());
            let now = live.tick().get();
            refusal.clone().or(failure).unwrap_or_else(|| match chosen.get() {
                Source::Direct if now != Now::default() => {
                    live.with_model(|model| progress(model, &venue)).unwrap_or_default()
                }
                _ => String::new(),
            })
        })
    };
    let choice = |mode: Source, label: &'static str| {
        let venue = venue.clone();
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name=name.clone()
                    value=mode.as_str()
                    data-testid=format!("data-path-{venue}-{}", mode.as_str())
                    disabled=is_refused && mode == Source::Direct
                    prop:checked=move || chosen.get() == mode
                    on:change=move |_| live.set_source(&venue, mode)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <div class="data-path" role="radiogroup" aria-label=title.clone()>
            <span class="data-path__venue">{title.clone()}</span>
            {choice(Source::Server, "Server")}
            {choice(Source::Direct, "Direct")}
            <p class="data-path__note" role="status" data-testid=format!("data-path-{venue}-note") hidden=move || note.with(String::is_empty)>
                {move || note.get()}
            </p>
        </div>
    }
}

/// How a direct feed goes, in words.
fn progress(model: &LiveModel, venue: &Venue) -> String {
    let connection = model.worker_status(venue).and_then(|status| status.connections.first());
    let cause = connection.and_then(|connection| connection.cause.as_deref());
    match (model.is_direct(venue), cause) {
        (true, None) => "This browser holds the venue's own connection.".to_owned(),
        (true, Some(cause)) => format!("Direct: {cause}."),
        (false, None) => "Connecting; the server's stream is shown until it works.".to_owned(),
        (false, Some(cause)) => format!("Direct: {cause}. The server's stream is shown."),
    }
}

#[cfg(test)]
mod tests {
    use model::sorted::SortedSet;

    use model::status::FeedMode;
    use wire::{
        data::{ConnectionEntry, StatusData},
        message::ItemKind,
    };

    use super::*;

    #[test]
    fn says_how_it_goes() {
        let venue = Venue::new("v");
        let mut model = LiveModel::default();
        assert!(progress(&model, &venue).starts_with("Connecting"));
        let mut says = |cause: Option<&str>, is_direct: bool| {
            let connection = ConnectionEntry {
                is_connected: cause.is_none(),
                cause: cause.map(str::to_owned),
                ..ConnectionEntry::new(&venue, FeedMode::WebSocket)
            };
            let status = StatusData { connections: vec![connection], ..StatusData::default() };
            model.apply_worker_status(&venue, ItemKind::Snapshot, status, Now::default());
            let venues = SortedSet::from([venue.clone()]);
            model.set_direct(&venues, if is_direct { venues.clone() } else { SortedSet::new() });
            progress(&model, &venue)
        };
        assert_eq!(says(Some("cannot connect: x"), false), "Direct: cannot connect: x. The server's stream is shown.");
        assert_eq!(says(None, true), "This browser holds the venue's own connection.");
        assert_eq!(says(Some("no data for 5.0 s"), true), "Direct: no data for 5.0 s.");
    }
}
