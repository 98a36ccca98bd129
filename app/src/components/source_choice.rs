//! The choice of each venue's data source, and the state of a direct connection in words.

use leptos::prelude::*;
use model::{instrument::Venue, time::Now};
use wire::direct::DirectEntry;

use crate::live::{Live, model::LiveModel, source::Source, use_live};

/// The choice for every venue that the server follows; part of the settings.
#[component]
pub fn SourceChooser() -> impl IntoView {
    let live = use_live();
    let venues = live.direct_venues();
    view! {
        <fieldset class="choices" data-testid="data-paths" hidden=move || venues.with(|venues| venues.is_empty())>
            <legend class="choices__legend">"Data source"</legend>
            <For
                each=move || venues.with(|venues| venues.iter().cloned().collect::<Vec<DirectEntry>>())
                key=|direct| (direct.venue.clone(), direct.refusal.clone())
                let:direct
            >
                <VenueSource live direct/>
            </For>
        </fieldset>
    }
}

/// One venue: from the server or directly.
#[component]
fn VenueSource(
    /// The live data.
    live: Live,
    /// The venue, and whether it can be reached directly.
    direct: DirectEntry,
) -> impl IntoView {
    let DirectEntry { venue, title, refusal, .. } = direct;
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
    let choice = |source: Source, label: &'static str| {
        let venue = venue.clone();
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name=name.clone()
                    value=source.as_str()
                    data-testid=format!("data-path-{venue}-{}", source.as_str())
                    disabled=is_refused && source == Source::Direct
                    prop:checked=move || chosen.get() == source
                    on:change=move |_| live.set_source(&venue, source)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <div class="source-choice" role="radiogroup" aria-label=title.clone()>
            <span class="source-choice__venue">{title.clone()}</span>
            {choice(Source::Server, "Server")}
            {choice(Source::Direct, "Direct")}
            <p class="source-choice__note" role="status" data-testid=format!("data-path-{venue}-note") hidden=move || note.with(String::is_empty)>
                {move || note.get()}
            </p>
        </div>
    }
}

/// Describes the state of a direct connection.
fn progress(model: &LiveModel, venue: &Venue) -> String {
    let connection = model.worker_status(venue).and_then(|status| status.connections.first());
    let cause = connection.and_then(|connection| connection.cause.as_deref());
    match (model.is_direct(venue), cause) {
        (true, None) => "This browser is connected to the venue.".to_owned(),
        (true, Some(cause)) => format!("Direct: {cause}."),
        (false, None) => "Connecting; the server's data is shown until then.".to_owned(),
        (false, Some(cause)) => format!("Direct: {cause}. The server's data is shown."),
    }
}

#[cfg(test)]
mod tests {
    use model::sorted::SortedSet;

    use model::status::FeedMode;
    use topics::channels::status::{ConnectionEntry, StatusData};
    use wire::message::UpdateKind;

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
            model.apply_worker_status(&venue, UpdateKind::Snapshot, status, Now::default());
            let venues = SortedSet::from([venue.clone()]);
            model.set_direct(&venues, if is_direct { venues.clone() } else { SortedSet::new() });
            progress(&model, &venue)
        };
        assert_eq!(says(Some("cannot connect: x"), false), "Direct: cannot connect: x. The server's data is shown.");
        assert_eq!(says(None, true), "This browser is connected to the venue.");
        assert_eq!(says(Some("no data for 5.0 s"), true), "Direct: no data for 5.0 s.");
    }
}
