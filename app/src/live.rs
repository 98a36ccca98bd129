//! The live data of the page: one connection to the server, a worker for each venue in direct mode, one model, one
//! notification per frame.
//!
//! Components request topics ([`Live::use_topics`]), read the model after each frame ([`Live::tick`]) and never contact
//! the server themselves. The connection runs in the browser only; on the server the model stays empty, so that server
//! and first browser render agree. All I/O and clocks of the page are in this module.
//!
//! # Layout
//! - [`link`]: the connection as a state machine · [`model`]: the data received · [`clock`], [`latency`], [`stages`]:
//!   delivery times
//! - [`source`]: the server's stream or the venue's own socket, and how topics switch · `direct`: a venue's worker
//! - [`cross_check`]: both sources side by side
//! - [`demand`]: the topics that regions request · [`commands`]: the reader's commands
//! - [`traffic`]: bytes of the last minute
//! - [`kept`]: values for a page that starts without its server
//! - [`instruments`], [`venue_list`]: the lists of instruments and of venues · `socket`: the shell around all of it
//! - [`recorder`]: recordings and the replay: the server's, by REST, and this page's own · `rest`: answers of the API
//! - [`catalogue`]: the search over all instruments that the venues offer
//! - [`browser`]: storage, clocks, dialogs · [`platform`]: notifications, Web Push, locks between tabs

pub mod browser;
pub mod candle_log;
pub mod catalogue;
pub mod clock;
pub mod commands;
pub mod cross_check;
pub mod demand;
#[cfg(feature = "browser")]
mod direct;
pub mod instruments;
pub mod kept;
pub mod latency;
pub mod link;
pub mod model;
pub mod paint_report;
pub mod platform;
pub mod recorder;
#[cfg(feature = "browser")]
pub mod rest;
#[cfg(feature = "browser")]
mod socket;
pub mod source;
pub mod stages;
pub mod tape_log;
pub mod traffic;
pub mod venue_list;

use std::sync::Arc;

use ::model::{
    instrument::{InstrumentId, Venue},
    sorted::SortedMap,
    time::{Monotonic, Now},
};
use leptos::prelude::*;
use topics::{lane::Lane, topic::Topic};
use wire::direct::DirectEntry;

use crate::live::{
    commands::PendingCommand,
    demand::Demand,
    instruments::InstrumentList,
    kept::Kept,
    latency::LatencySummary,
    link::{LinkState, Recovery},
    model::LiveModel,
    source::{Source, SourceChoices},
    venue_list::VenueList,
};

/// A handle to the live data; the same for the whole page and cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    model: StoredValue<LiveModel>,
    demand: RwSignal<Demand>,
    tick: RwSignal<Now>,
    slow_tick: RwSignal<Now>,
    link: RwSignal<LinkState>,
    recovery: RwSignal<Option<(Recovery, Monotonic)>>,
    instruments: RwSignal<InstrumentList>,
    venues: RwSignal<VenueList>,
    pending: RwSignal<Vec<PendingCommand>>,
    latency: RwSignal<Option<LatencySummary>>,
    traffic: RwSignal<u64>,
    retry: RwSignal<u32>,
    sources: RwSignal<SourceChoices>,
    direct_venues: RwSignal<Arc<Vec<DirectEntry>>>,
    failures: RwSignal<SortedMap<Venue, String>>,
    compared: RwSignal<Option<InstrumentId>>,
}

impl Live {
    fn new() -> Self {
        Self {
            model: StoredValue::new(LiveModel::default()),
            demand: RwSignal::default(),
            tick: RwSignal::default(),
            slow_tick: RwSignal::default(),
            link: RwSignal::default(),
            recovery: RwSignal::default(),
            instruments: RwSignal::default(),
            venues: RwSignal::default(),
            pending: RwSignal::default(),
            latency: RwSignal::default(),
            traffic: RwSignal::default(),
            retry: RwSignal::default(),
            sources: RwSignal::default(),
            direct_venues: RwSignal::default(),
            failures: RwSignal::default(),
            compared: RwSignal::default(),
        }
    }

    /// Returns the live data of a page that knows these venues and nothing else.
    #[cfg(test)]
    pub(crate) fn knowing(venues: VenueList) -> Self {
        Self { venues: RwSignal::new(venues), ..Self::new() }
    }

    /// Connects in the browser; does nothing on the server.
    pub fn start(self) {
        #[cfg(feature = "browser")]
        Effect::new(move |_| {
            let owner = Owner::current();
            // Delayed, because the regions name their topics and paces first, so that the first greeting requests the
            // right lane.
            set_timeout(
                move || match owner {
                    Some(owner) => owner.with(|| socket::start(self)),
                    None => socket::start(self),
                },
                std::time::Duration::ZERO,
            );
        });
    }

    /// Changes at most once a frame, when something may have changed, and a few times a second so that displayed ages
    /// advance. Pauses while the page is hidden.
    pub fn tick(self) -> Signal<Now> {
        self.tick.into()
    }

    /// Changes at most once a second, even while the page is hidden: for the title.
    pub fn slow_tick(self) -> Signal<Now> {
        self.slow_tick.into()
    }

    /// Reads the model; not tracked, as [`Self::tick`] signals when to read again.
    pub fn with_model<T>(self, read: impl FnOnce(&LiveModel) -> T) -> Option<T> {
        self.model.try_with_value(read)
    }

    /// Shows what an earlier visit kept, where nothing is known: values and lists. In the browser only.
    pub fn restore(self, kept: &Kept) {
        let now = browser::now();
        self.model.try_update_value(|model| model.restore(kept, now));
        let stored = |key| browser::stored(key).unwrap_or_default();
        if let Ok(list) = InstrumentList::parse(&stored(kept::INSTRUMENTS_KEY))
            && self.instruments.with_untracked(|known| !known.is_known)
        {
            self.instruments.set(list);
        }
        if let Ok(list) = VenueList::parse(&stored(kept::VENUES_KEY))
            && self.venues.with_untracked(|known| !known.is_known)
        {
            self.venues.set(list);
        }
        self.tick.set(now);
        self.slow_tick.set(now);
    }

    /// Drops what an earlier visit kept and the server has not replaced.
    pub fn drop_restored(self) {
        self.model.try_update_value(LiveModel::drop_restored);
    }

    /// Returns the connection's state.
    pub fn link(self) -> Signal<LinkState> {
        self.link.into()
    }

    /// Returns the result of the last reconnect and its time.
    pub fn recovery(self) -> Signal<Option<(Recovery, Monotonic)>> {
        self.recovery.into()
    }

    /// Returns the available instruments.
    pub fn instruments(self) -> Signal<InstrumentList> {
        self.instruments.into()
    }

    /// Returns the venues and their capabilities.
    pub fn venues(self) -> Signal<VenueList> {
        self.venues.into()
    }

    /// Returns the latency from publishing to paint, over the last updates.
    pub fn latency(self) -> Signal<Option<LatencySummary>> {
        self.latency.into()
    }

    /// Returns the bytes that came over the socket in the last minute.
    pub fn traffic(self) -> Signal<u64> {
        self.traffic.into()
    }

    /// Connects now instead of waiting for the next attempt.
    pub fn retry(self) {
        self.retry.update(|n_asked| *n_asked += 1);
    }

    /// Returns the reader's source for each venue; remembered by the browser.
    pub fn sources(self) -> Signal<SourceChoices> {
        self.sources.into()
    }

    /// Chooses a venue's source, for now and for the next visit. Displayed data stays until the new source has
    /// delivered its own; if a venue cannot be reached directly, the server's data is used ([`Self::direct_venues`]
    /// gives the reason).
    pub fn set_source(self, venue: &Venue, source: Source) {
        // Choosing a failed source again retries it.
        self.failures.update(|failures| {
            failures.remove(venue);
        });
        self.sources.update(|sources| sources.set(venue, source));
    }

    /// Returns the venues that the server follows, and how each can be reached directly. Empty until the server has
    /// answered.
    pub fn direct_venues(self) -> Signal<Arc<Vec<DirectEntry>>> {
        self.direct_venues.into()
    }

    /// Returns the venues whose worker has stopped since their source was last chosen, with the reason.
    pub fn failures(self) -> Signal<SortedMap<Venue, String>> {
        self.failures.into()
    }

    /// Compares both sources of an instrument from now on ([`LiveModel::cross_check`]); `None` stops the comparison.
    pub fn compare(self, instrument: Option<InstrumentId>) {
        if self.compared.with_untracked(|known| *known != instrument) {
            self.compared.set(instrument);
        }
    }

    /// Requests the topics on a lane while the calling component exists; topics that leave the list are dropped.
    pub fn use_topics(self, topics: Signal<Vec<Topic>>, lane: Signal<Lane>) {
        let held = StoredValue::new((Vec::<Topic>::new(), Lane::default()));
        Effect::new(move |_| {
            let wanted = (topics.get(), lane.get());
            let earlier = held.try_update_value(|held| std::mem::replace(held, wanted.clone())).unwrap_or_default();
            if earlier != wanted {
                self.demand.update(|demand| {
                    wanted.0.iter().for_each(|topic| demand.add(topic, wanted.1));
                    earlier.0.iter().for_each(|topic| demand.remove(topic, earlier.1));
                });
            }
        });
        on_cleanup(move || {
            let (given_up, lane) = held.try_get_value().unwrap_or_default();
            if !given_up.is_empty() {
                let _gone =
                    self.demand.try_update(|demand| given_up.iter().for_each(|topic| demand.remove(topic, lane)));
            }
        });
    }

    /// Notes that a region has read these topics and is about to be painted.
    pub fn note_taken(self, topics: &[Topic]) {
        self.model.try_update_value(|model| topics.iter().for_each(|topic| model.latency.taken(topic)));
    }
}

/// Provides the live data to the whole page and connects.
pub fn provide_live() -> Live {
    let live = Live::new();
    provide_context(live);
    live.start();
    live
}

/// Returns the live data of this page.
pub fn use_live() -> Live {
    // Outside the page (a component rendered alone in a test) there is no data.
    use_context().unwrap_or_else(Live::new)
}
