//! The status bar: feeds, connection, latency, clocks, version.

use leptos::prelude::*;
use model::{instrument::Venue, status::StreamState, time::Now};
use topics::{
    channels::status::{ConnectionEntry, StatusData},
    topic::Topic,
};

use crate::{
    cadence::Cadence,
    components::{
        status_light::{StatusLight, Subject},
        status_mark::StatusMark,
    },
    format,
    fragment::Fragment,
    live::{Live, browser, link::LinkState, model::LiveModel, recorder::use_recorder, use_live},
    pages::{
        recordings::state::{replay_words, size},
        venues::figures::is_all_simulated,
    },
    route::link,
    settings::{Bandwidth, use_settings},
    shell::health::HealthLight,
};

/// The state of the feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Feeds {
    n_active: usize,
    n_all: usize,
    updates: u64,
    /// True if all running feeds are simulated: real venues are offered.
    is_all_simulated: bool,
    venues: Vec<VenueMark>,
}

/// The state of one venue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct VenueMark {
    venue: Venue,
    /// True if its data comes through the page's own connection.
    is_direct: bool,
    state: StreamState,
    cause: String,
}

impl Feeds {
    fn new(status: &StatusData, is_cut_off: impl Fn(&Venue) -> bool) -> Self {
        let venues = status.connections.iter().map(|connection| {
            let streams = status.streams.iter().filter(|entry| *entry.instrument.venue() == connection.venue);
            let best = streams.map(|entry| entry.state).min_by_key(|state| rank(*state));
            let state = match best.unwrap_or_default() {
                _ if !connection.is_connected && connection.cause.is_some() => StreamState::Failed,
                _ if !connection.is_connected => StreamState::Initialising,
                StreamState::Live if is_cut_off(&connection.venue) => StreamState::Stale,
                state => state,
            };
            VenueMark {
                venue: connection.venue.clone(),
                is_direct: false,
                state,
                cause: connection.cause.clone().unwrap_or_default(),
            }
        });
        let is_active = |connection: &ConnectionEntry| connection.is_connected && !is_cut_off(&connection.venue);
        Self {
            n_active: status.connections.iter().filter(|connection| is_active(connection)).count(),
            n_all: status.connections.len(),
            updates: status.streams.iter().map(|entry| entry.updates).sum(),
            is_all_simulated: is_all_simulated(status),
            venues: venues.collect(),
        }
    }

    fn connections(&self) -> String {
        format!("{}/{} connections", self.n_active, self.n_all)
    }

    fn updates(&self) -> String {
        format!(" • {} updates", format::grouped(&self.updates.to_string()))
    }
}

/// Ranks states: a venue's state is the best of its streams'.
fn rank(state: StreamState) -> u8 {
    match state {
        StreamState::Live => 0,
        StreamState::Stale => 1,
        StreamState::Initialising => 2,
        StreamState::Failed => 3,
    }
}

/// The bar at the bottom of every page.
#[component]
pub fn StatusBar() -> impl IntoView {
    let live = use_live();
    let topics = Signal::derive(|| vec![Topic::STATUS]);
    let source = |model: &LiveModel| {
        let now = browser::now();
        let mut feeds = model.status().map(|status| Feeds::new(status, |venue| model.is_cut_off_from(venue, now)));
        for venue in feeds.iter_mut().flat_map(|feeds| &mut feeds.venues) {
            venue.is_direct = model.is_direct(&venue.venue) && !venue.venue.is_replay();
        }
        Ok(feeds)
    };
    // A venue that comes or goes is shown at once, whatever the pace.
    let n_connections = Memo::new(move |_| {
        live.slow_tick().track();
        live.with_model(|model| model.status().map_or(0, |status| status.connections.len())).unwrap_or(0)
    });
    let choice = Signal::derive(move || n_connections.get().to_string());
    view! {
        <footer class="status-bar" data-testid="status-bar">
            <Connection live/>
            <Fragment name="status-bar" cadence=Cadence::Status topics source choice let:feeds>
                <FeedMarks feeds/>
            </Fragment>
            <span class="status-bar__space"></span>
            <Measures live/>
            <ReplayCell/>
            <HealthLight/>
            <span class="status-bar__version">{concat!("v", env!("CARGO_PKG_VERSION"))}</span>
        </footer>
    }
}

#[component]
fn FeedMarks(
    /// The state of the feeds.
    feeds: Signal<Option<Feeds>>,
) -> impl IntoView {
    let feeds = Memo::new(move |_| feeds.get().unwrap_or_default());
    let venues = Memo::new(move |_| feeds.with(|feeds| feeds.venues.clone()));
    view! {
        <span class="status-bar__feeds" data-testid="feeds">
            {move || feeds.with(Feeds::connections)}
            <span class="status-bar__active">" active"</span>
            <span class="status-bar__updates">{move || feeds.with(Feeds::updates)}</span>
        </span>
        <ul class="status-bar__venues">
            {move || venues.get().into_iter().map(|venue| view! {
                <li class="status-bar__venue" data-testid="venue" data-state=venue.state.as_str() title=venue.cause>
                    <StatusLight
                        subject=Signal::stored(Some(Subject::Venue(venue.venue.clone())))
                        state=venue.state
                        word=venue.state.as_str()
                    >
                        {if venue.is_direct { format!("{} direct", venue.venue) } else { venue.venue.to_string() }}
                    </StatusLight>
                </li>
            }).collect_view()}
        </ul>
        <a class="status-bar__offer" href=link("/venues") hidden=move || !feeds.with(|feeds| feeds.is_all_simulated)>
            "Start a real venue"
        </a>
    }
}

/// The connection between this page and the server, as a word and a shape.
#[component]
fn Connection(
    /// The live data.
    live: Live,
) -> impl IntoView {
    let link = live.link();
    let words = move || {
        link.with(|link| match link {
            LinkState::Connecting => "connecting",
            LinkState::Connected => "connected",
            LinkState::Reconnecting { .. } => "reconnecting",
            LinkState::Disconnected { .. } => "disconnected",
            LinkState::Error { .. } => "error",
        })
    };
    let mark = Signal::derive(move || {
        link.with(|link| match link {
            LinkState::Connecting => StreamState::Initialising,
            LinkState::Connected => StreamState::Live,
            LinkState::Reconnecting { .. } => StreamState::Stale,
            LinkState::Disconnected { .. } | LinkState::Error { .. } => StreamState::Failed,
        })
    });
    view! {
        <span class="status-bar__connection" data-testid="connection" data-state=words>
            <StatusMark state=mark/>
            <span><span class="status-bar__server">"server "</span>{words}</span>
        </span>
    }
}

/// The position and speed of a replay.
#[component]
fn ReplayCell() -> impl IntoView {
    let replay = use_recorder().replay();
    let words = move || replay.with(|replay| replay_words(replay.as_ref()));
    view! {
        <span class="status-bar__replay" data-testid="status-replay" data-on=move || replay.with(Option::is_some).to_string()>
            {words}
        </span>
    }
}

/// Latency from publishing to paint, and the difference between the clocks; once a second.
#[component]
fn Measures(
    /// The live data.
    live: Live,
) -> impl IntoView {
    let latency = live.latency();
    let figure = move |of: fn(&crate::live::latency::LatencySummary) -> f64| {
        move || latency.with(|latency| latency.as_ref().map(|latency| format!("{:.0}", of(latency))))
    };
    let (p50, p99) = (figure(|latency| latency.p50_ms), figure(|latency| latency.p99_ms));
    let clock = Memo::new(move |_| {
        if live.slow_tick().get() == Now::default() {
            return None;
        }
        live.with_model(|model| model.clock.offset()).flatten()
    });
    let clock_words = move || {
        clock
            .get()
            .map_or_else(|| format!("clock {}", format::UNKNOWN), |known| clock_words(known.offset_ms, known.error_ms))
    };
    let stream_words =
        move || p50().map_or_else(|| format!("stream {}", format::UNKNOWN), |p50| format!("stream {p50} ms"));
    let traffic = live.traffic();
    let is_low = Memo::new({
        let settings = use_settings();
        move |_| settings.with(|settings| settings.bandwidth == Bandwidth::Low)
    });
    let traffic_words = move || is_low.get().then(|| format!("{}/min", size(traffic.get())));
    view! {
        <span class="status-bar__traffic" data-testid="traffic" hidden=move || !is_low.get() title="Received over the live connection in the last minute">
            {traffic_words}
        </span>
        <span
            class="status-bar__latency"
            data-testid="latency"
            data-latency-p50-ms=move || p50().unwrap_or_default()
            data-latency-p99-ms=move || p99().unwrap_or_default()
            title="From the server's publishing to the painted pixel, over the last updates: median and 99th percentile"
        >
            {stream_words}
            <span class="status-bar__p99">{move || p99().map(|p99| format!(" p99 {p99}"))}</span>
        </span>
        <span class="status-bar__clock" data-testid="clock" title="The server's clock against this browser's, with the uncertainty">
            {clock_words}
        </span>
    }
}

/// `clock +12 ms ±4`.
fn clock_words(offset_ms: f64, error_ms: f64) -> String {
    // Rounds to whole milliseconds first: a hundredth below zero gets no minus sign.
    let sign = if offset_ms.round() < 0.0 { '−' } else { '+' };
    format!("clock {sign}{:.0} ms ±{:.0}", offset_ms.round().abs(), error_ms.ceil())
}

#[cfg(test)]
mod tests {
    use model::{instrument::InstrumentId, status::FeedMode};
    use topics::channels::status::StreamEntry;

    use super::*;

    fn connection(venue: &str, is_connected: bool, cause: Option<&str>) -> ConnectionEntry {
        let cause = cause.map(str::to_owned);
        ConnectionEntry { is_connected, cause, ..ConnectionEntry::new(&Venue::new(venue), FeedMode::WebSocket) }
    }

    fn stream(id: &str, state: StreamState) -> StreamEntry {
        let instrument = InstrumentId::parse(id).unwrap();
        StreamEntry { state, updates: 71, ..StreamEntry::new(&instrument, FeedMode::WebSocket) }
    }

    #[test]
    fn counts_connections_and_updates() {
        let status = StatusData {
            connections: vec![connection("one", true, None), connection("two", false, Some("cannot connect: refused"))],
            streams: vec![stream("one:A", StreamState::Stale), stream("one:B", StreamState::Live)],
            ..StatusData::default()
        };
        let feeds = Feeds::new(&status, |_| false);
        assert_eq!(feeds.connections() + &feeds.updates(), "1/2 connections • 142 updates");
        let states: Vec<StreamState> = feeds.venues.iter().map(|venue| venue.state).collect();
        assert_eq!(states, [StreamState::Live, StreamState::Failed]);
        // Without the server no feed is called active or live.
        let feeds = Feeds::new(&status, |_| true);
        assert_eq!((feeds.n_active, feeds.venues[0].state), (0, StreamState::Stale));
    }

    #[test]
    fn the_clock_has_a_sign_and_no_minus_zero() {
        let cases = [(11.6, 3.2, "clock +12 ms ±4"), (-0.3, 1.0, "clock +0 ms ±1"), (-55.5, 86.0, "clock −56 ms ±86")];
        for (offset_ms, error_ms, expected) in cases {
            assert_eq!(clock_words(offset_ms, error_ms), expected);
        }
    }
}
