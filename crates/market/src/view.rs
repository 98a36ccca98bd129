//! The view of one feed: events in, topic snapshots and deltas for each cadence lane out.
//!
//! Not here: sockets, timers, offsets and encoding. The feed's owner applies each event, makes a lane's turn at its
//! period, and hands the history requests to the session. At a turn it lends the session's books and health.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{HistoryRequest, MarketEvent, MarketEventKind},
    instrument::{Instrument, InstrumentId},
    proof::Books,
    status::{FeedHealth, FeedMode},
    time::{Monotonic, Now, Timestamp},
};
use topics::{
    channels::{
        Channel, TopicData,
        book::BookData,
        quality::{MalformedSample, QualityData},
        quote::QuoteData,
        status::{StatusData, StreamEntry},
        tape::TapeTrade,
    },
    lane::Lane,
    topic::Topic,
};

use crate::{
    book_lane,
    clock::{TurnClock, VenueClock},
    consolidated::{Evidence, VenueTop},
    instrument_view::{InstrumentView, Turn},
    lane_state::Lanes,
    latency::FeedLatency,
    quality::MalformedSamples,
    status::{StatusLane, Stream, connection_entry},
    tape::venue_time,
};

/// How a view judges and what it asks for by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewConfig {
    /// A stream whose last update is older is stale.
    pub stale_after: Duration,
    /// The interval whose history is asked for as soon as an instrument is known; others when somebody follows them.
    pub history_at_start: Option<Interval>,
}

impl Default for ViewConfig {
    fn default() -> Self {
        Self { stale_after: Duration::from_secs(5), history_at_start: Some(Interval::M1) }
    }
}

/// Everything shown of one feed, with bounded memory.
#[derive(Clone, Debug)]
pub struct View {
    config: ViewConfig,
    instruments: BTreeMap<InstrumentId, InstrumentView>,
    status_lanes: Lanes<StatusLane>,
    turns: TurnClock,
    venue_clock: VenueClock,
    latency: FeedLatency,
    samples: MalformedSamples,
    /// What polling brings was stamped before it was asked for.
    is_polling: bool,
    n_reconnects: Option<u64>,
    /// True where something happened that may lead to a request.
    may_request: bool,
}

impl View {
    /// A view that has seen nothing.
    pub fn new(config: ViewConfig) -> Self {
        Self {
            config,
            instruments: BTreeMap::new(),
            status_lanes: Lanes::default(),
            turns: TurnClock::default(),
            venue_clock: VenueClock::default(),
            latency: FeedLatency::default(),
            samples: MalformedSamples::default(),
            is_polling: false,
            n_reconnects: None,
            may_request: false,
        }
    }

    /// Names an instrument that the feed follows, so that its status is shown before anything came.
    pub fn expect(&mut self, instrument: &InstrumentId) {
        self.instrument_mut(instrument).is_known = true;
        self.may_request = true;
    }

    /// Takes in what the venue said.
    pub fn apply(&mut self, event: &MarketEvent) {
        let is_stamped = match event.kind {
            MarketEventKind::Trade(_) => true,
            MarketEventKind::History(_) | MarketEventKind::Instrument(_) => false,
            _ => event.event_time.is_some(),
        };
        if is_stamped {
            self.venue_clock.note(venue_time(event), event.receive_time);
        }
        let above_fastest = if self.is_polling { None } else { self.latency.arrived(event, self.turns) };
        let own = self.instrument_mut(&event.instrument);
        if let Some(above_us) = above_fastest {
            own.ways.arrived(above_us);
        }
        own.apply(event);
    }

    /// The session has judged a frame, and by its health so many have been malformed so far. Returns the frame's sample
    /// where it is one of them and worth a line in the log.
    pub fn note_frame(&mut self, frame: &str, health: &FeedHealth, now: Now) -> Option<&MalformedSample> {
        self.samples.judged(frame, health.counters.malformed, now)
    }

    /// A ping to the venue was answered after `round_trip`.
    pub fn note_round_trip(&mut self, round_trip: Duration) {
        self.latency.offset.note_round_trip(round_trip);
    }

    /// Begins to gather a topic's changes for a lane. Starting twice changes nothing; `system` is not a feed's topic.
    pub fn start_topic(&mut self, topic: &Topic, lane: Lane) {
        self.may_request = true;
        match topic.instrument() {
            Some(instrument) => self.instrument_mut(instrument).start(topic, lane),
            None if topic.channel() == Channel::Status => self.status_lanes.start(lane, StatusLane::default),
            None => {}
        }
    }

    /// Ends what [`Self::start_topic`] began. Stopping twice changes nothing.
    pub fn stop_topic(&mut self, topic: &Topic, lane: Lane) {
        match topic.instrument() {
            Some(instrument) => {
                if let Some(own) = self.instruments.get_mut(instrument) {
                    own.stop(topic, lane);
                }
            }
            None if topic.channel() == Channel::Status => self.status_lanes.stop(lane),
            None => {}
        }
    }

    /// Asks for history of an interval from now on although no topic of it is started (REST).
    pub fn follow(&mut self, instrument: &InstrumentId, interval: Interval) {
        self.instrument_mut(instrument).candles.series_mut(interval).follow();
        self.may_request = true;
    }

    /// History the session should ask the venue for. Call after each turn and after starting topics; in between there is
    /// none.
    pub fn take_history_requests(&mut self) -> Vec<HistoryRequest> {
        if !std::mem::take(&mut self.may_request) {
            return Vec::new();
        }
        let now = self.turns.last_turn().unwrap_or(Monotonic::ZERO);
        let venue_time = self.venue_clock.time(now);
        let mut requests = Vec::new();
        for own in self.instruments.values_mut() {
            if let Some(interval) = self.config.history_at_start.filter(|_| own.is_known) {
                own.candles.series_mut(interval).follow();
            }
            let id = &own.id;
            let request = |(interval, n_bars)| HistoryRequest { instrument: id.clone(), interval, n_bars };
            requests.extend(own.candles.requests(venue_time, now).map(request));
        }
        requests
    }

    /// Bars as they are held now, oldest first, the last one as far as it goes: of each instrument and interval whose history
    /// has come. For recordings that begin here.
    pub fn histories(&self) -> impl Iterator<Item = (&InstrumentId, Interval, Vec<Candle>)> {
        self.instruments.values().flat_map(|own| {
            let of = |interval| Some((&own.id, interval, own.candles.series(interval).history()?));
            Interval::ALL.into_iter().filter_map(of)
        })
    }

    /// Takes note of the time and of the state of the transport: ages, rates and history requests depend on it. Each turn does it; call
    /// it once a second at least where no turn is made because nobody follows.
    pub fn observe(&mut self, now: Now, health: &FeedHealth) {
        let reconnects = self.n_reconnects.replace(health.counters.reconnects);
        let is_reconnected = reconnects.is_some_and(|known| known != health.counters.reconnects);
        self.venue_clock.observe(self.turns, now);
        for own in self.instruments.values_mut() {
            own.tracker.observe(self.turns, now);
            own.ways.turn(now.monotonic);
            if is_reconnected {
                own.candles.on_reconnect();
            }
            own.candles.turned();
        }
        self.turns.turned(now);
        self.is_polling = health.mode == FeedMode::RestPolling;
        self.latency.turn(self.turns, now.monotonic);
        if self.turns.is_set_again() {
            self.instruments.values_mut().for_each(|own| own.ways.clear());
        }
        self.may_request = true;
    }

    /// The changes of every started topic since this lane's last turn; topics without a change are absent.
    pub fn turn(&mut self, lane: Lane, now: Now, health: &FeedHealth, books: &Books) -> Vec<(Topic, TopicData)> {
        self.observe(now, health);
        let mut changes = Vec::new();
        let turn = Turn { lane, now, turns: self.turns, health, books, samples: &self.samples };
        for own in self.instruments.values_mut() {
            own.turn(&turn, &mut self.latency, &mut changes);
        }
        if self.status_lanes.get(lane).is_some() {
            let current = self.status(now, health);
            let delta = self.status_lanes.get_mut(lane).and_then(|own| own.turn(&current, now));
            changes.extend(delta.map(|delta| (Topic::STATUS, TopicData::Status(delta))));
        }
        changes
    }

    /// What a lane has published of a topic, to be followed by the deltas of its later turns; valid right after a turn
    /// of the lane. `None` where the topic is not started.
    pub fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        match topic.instrument() {
            Some(instrument) => self.instruments.get(instrument)?.snapshot(topic, lane),
            None if topic.channel() == Channel::Status => {
                self.status_lanes.get(lane).map(|own| TopicData::Status(own.snapshot()))
            }
            None => None,
        }
    }

    /// The state of each stream, sorted by instrument: all that are followed, have sent something, or have failed.
    pub fn statuses(&self, now: Now, health: &FeedHealth) -> Vec<StreamEntry> {
        let known = self.instruments.values().filter(|own| own.is_known).map(|own| &own.id);
        let mut ids: Vec<&InstrumentId> = known.chain(health.instrument_causes.keys()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| self.status_of(id, now, health)).collect()
    }

    /// The best bid and ask of each described instrument, sorted, with what [`Self::statuses`] of the same moment says
    /// about it: for whoever consolidates several feeds.
    pub fn tops(&self, streams: &[StreamEntry], now: Now, books: &Books) -> Vec<VenueTop> {
        let stale_after = self.config.stale_after;
        let top = |own: &InstrumentView| {
            let instrument = own.instrument.as_ref().filter(|_| own.is_known)?;
            let entry = streams.binary_search_by(|entry| entry.instrument.cmp(&own.id)).ok().map(|at| &streams[at])?;
            let book = books.get(&own.id);
            let quote = own.quote.current(book, own.digits);
            let receive_time = quote.receive_time_us.map(Timestamp::from_micros);
            let quote_age = receive_time.map(|time| now.wall.saturating_since(time));
            let evidence = Evidence { state: entry.state, book: book.map(|book| book.state), quote_age, stale_after };
            Some(VenueTop::new(instrument, &quote, evidence))
        };
        self.instruments.values().filter_map(top).collect()
    }

    /// What is known of the instruments, sorted.
    pub fn instruments(&self) -> impl Iterator<Item = &Arc<Instrument>> {
        self.instruments.values().filter_map(|own| own.instrument.as_ref())
    }

    /// The newest bars, at most 500, oldest first; `None` for an instrument that is not known. Only what trades built
    /// since the start, unless a topic or [`Self::follow`] has asked for the interval's history.
    pub fn candles(&self, instrument: &InstrumentId, interval: Interval, limit: usize) -> Option<Vec<Candle>> {
        self.known(instrument).map(|own| own.candles.series(interval).newest(limit, own.digits))
    }

    /// The newest trades, at most 100, oldest first; `None` for an instrument that is not known.
    pub fn trades(&self, instrument: &InstrumentId, limit: usize) -> Option<Vec<TapeTrade>> {
        self.known(instrument).map(|own| own.tape.newest(limit))
    }

    /// Best bid and ask, last price and figures of the day; `None` for an instrument that is not known.
    pub fn quote(&self, instrument: &InstrumentId, books: &Books) -> Option<QuoteData> {
        self.known(instrument).map(|own| own.quote.current(books.get(instrument), own.digits))
    }

    /// The best `depth` levels a side, or the state alone where the book is not served; `None` for an instrument that is
    /// not known.
    pub fn book(&self, instrument: &InstrumentId, depth: usize, books: &Books) -> Option<BookData> {
        let own = self.known(instrument)?;
        Some(books.get(instrument).map(|book| book_lane::current(book, depth, own.digits)).unwrap_or_default())
    }

    /// The counters of an instrument's book and of the feed; `None` for an instrument that is not known.
    pub fn quality(&self, instrument: &InstrumentId, health: &FeedHealth, books: &Books) -> Option<QualityData> {
        self.known(instrument).map(|own| own.quality(health, books, (&self.samples, &self.latency)))
    }

    /// Trades that no lane's item could carry any more, over all instruments; 0 unless a lane missed its turns.
    pub fn n_lost_trades(&self) -> u64 {
        self.instruments.values().map(|own| own.tape.n_lost()).sum()
    }

    fn known(&self, instrument: &InstrumentId) -> Option<&InstrumentView> {
        self.instruments.get(instrument).filter(|own| own.is_known)
    }

    fn instrument_mut(&mut self, id: &InstrumentId) -> &mut InstrumentView {
        if !self.instruments.contains_key(id) {
            self.instruments.insert(id.clone(), InstrumentView::new(id.clone()));
        }
        self.instruments.get_mut(id).expect("invariant: inserted above")
    }

    fn status(&self, now: Now, health: &FeedHealth) -> StatusData {
        let streams = self.statuses(now, health);
        let venue = streams.first().map(|entry| entry.instrument.venue());
        let connections = venue.map(|venue| connection_entry(venue, health)).into_iter().collect();
        StatusData { streams, connections, ..StatusData::default() }
    }

    fn status_of(&self, id: &InstrumentId, now: Now, health: &FeedHealth) -> StreamEntry {
        let unknown;
        let own = match self.instruments.get(id) {
            Some(own) => own,
            None => {
                unknown = InstrumentView::new(id.clone());
                &unknown
            }
        };
        let is_simulated = own.is_simulated(health.mode);
        let stream = Stream { id, digits: own.digits, is_simulated, stale_after: self.config.stale_after };
        own.tracker.entry(stream, health, self.turns, now)
    }
}
