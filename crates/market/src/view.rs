//! The view of one feed: events in, topic snapshots and deltas for each cadence lane out.
//!
//! Not here: sockets, timers, offsets and encoding. The feed's owner applies each event, runs a lane's turn at its
//! period, and passes the history requests to the session. At a turn it lends the session's books and health.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{BookInterest, HistoryRequest, MarketEvent, MarketEventKind},
    histogram::DelayCounts,
    instrument::{Instrument, InstrumentId},
    proof::Books,
    status::{FeedHealth, FeedMode},
    time::{Monotonic, Now},
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

/// The settings of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewConfig {
    /// A stream whose last update is older is stale.
    pub stale_after: Duration,
    /// The interval whose history is requested as soon as an instrument is known; others when they are followed.
    pub history_at_start: Option<Interval>,
}

impl Default for ViewConfig {
    fn default() -> Self {
        Self { stale_after: Duration::from_secs(5), history_at_start: Some(Interval::M1) }
    }
}

/// All displayed data of one feed, in bounded memory.
#[derive(Clone, Debug)]
pub struct View {
    config: ViewConfig,
    instruments: BTreeMap<InstrumentId, InstrumentView>,
    status_lanes: Lanes<StatusLane>,
    turns: TurnClock,
    venue_clock: VenueClock,
    latency: FeedLatency,
    samples: MalformedSamples,
    /// True while polling: data then has a timestamp from before its request.
    is_polling: bool,
    n_reconnects: Option<u64>,
    /// True if an event may lead to a request.
    may_request: bool,
    /// Instruments that the trading desk reads, by name.
    traded: Vec<InstrumentId>,
    /// True if other books may be looked at than when that was last taken.
    is_interest_changed: bool,
}

impl View {
    /// Creates a view without data.
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
            traded: Vec::new(),
            is_interest_changed: false,
        }
    }

    /// Calls a stream stale from this age of its last update on.
    pub fn set_stale_after(&mut self, stale_after: Duration) {
        self.config.stale_after = stale_after;
    }

    /// Names an instrument that the feed follows, so that its status is shown before any data arrives.
    pub fn expect(&mut self, instrument: &InstrumentId) {
        self.instrument_mut(instrument).is_known = true;
        self.may_request = true;
    }

    /// Discards everything about an instrument that the feed no longer follows.
    pub fn forget(&mut self, instrument: &InstrumentId) {
        self.instruments.remove(instrument);
    }

    /// Processes an event of the venue.
    pub fn apply(&mut self, event: &MarketEvent) {
        let Some(sighting) = self.instrument_mut(&event.instrument).vet(event) else { return };
        let is_stamped = match event.kind {
            MarketEventKind::Trade(_) | MarketEventKind::OffMarketTrade(_) => true,
            MarketEventKind::History(_) | MarketEventKind::Instrument(_) => false,
            _ => event.event_time.is_some(),
        };
        if is_stamped {
            self.venue_clock.note(venue_time(event), event.receive_time);
        }
        let above_fastest = if self.is_polling { None } else { self.latency.arrived(event, self.turns) };
        let own = self.instrument_mut(&event.instrument);
        if let Some(above_us) = above_fastest {
            own.latencies.arrived(above_us);
        }
        own.apply(event, sighting);
    }

    /// Returns true if indicators read each state of a book: then [`Self::note_books`] is due after each input.
    pub fn reads_books(&self) -> bool {
        self.instruments.values().any(InstrumentView::reads_book)
    }

    /// Notes the books as they are after an input to the session, for indicators of order flow.
    pub fn note_books(&mut self, books: &Books) {
        for own in self.instruments.values_mut().filter(|own| own.reads_book()) {
            if let Some(book) = books.get(&own.id) {
                own.note_book(book);
            }
        }
    }

    /// Notes that the session has processed a frame, with the number of malformed frames in its health. Returns the
    /// frame's sample if it is one of them and worth a line in the log.
    pub fn note_frame(&mut self, frame: &str, health: &FeedHealth, now: Now) -> Option<&MalformedSample> {
        self.samples.judged(frame, health.counters.malformed, now)
    }

    /// Notes that a ping to the venue was answered after `round_trip`.
    pub fn note_round_trip(&mut self, round_trip: Duration) {
        self.latency.offset.note_round_trip(round_trip);
    }

    /// Starts collecting a topic's changes for a lane. Starting twice has no effect; `system` is not a feed's topic.
    pub fn start_topic(&mut self, topic: &Topic, lane: Lane) {
        self.may_request = true;
        self.is_interest_changed |= is_of_book(topic);
        match topic.instrument() {
            Some(instrument) => self.instrument_mut(instrument).start(topic, lane),
            None if topic.channel() == Channel::Status => self.status_lanes.start(lane, StatusLane::default),
            None => {}
        }
    }

    /// Ends what [`Self::start_topic`] began. Stopping twice has no effect.
    pub fn stop_topic(&mut self, topic: &Topic, lane: Lane) {
        self.is_interest_changed |= is_of_book(topic);
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

    /// Sets the instruments whose books the trading desk reads, all levels of them, whether or not anybody looks at them.
    pub fn set_traded<'a>(&mut self, instruments: impl Iterator<Item = &'a InstrumentId> + Clone) {
        if !self.traded.iter().eq(instruments.clone()) {
            self.traded = instruments.cloned().collect();
            self.is_interest_changed = true;
        }
    }

    /// Returns the instruments whose books are traded on or whose book topics are started, sorted, if that may have changed since the last call: the
    /// session fetches their books first. Call it wherever history requests are taken.
    pub fn take_interest(&mut self) -> Option<Vec<(InstrumentId, BookInterest)>> {
        let interest = |own: &InstrumentView| {
            let traded = self.traded.contains(&own.id).then_some(BookInterest::Deep);
            Some((own.id.clone(), traded.or_else(|| own.book_interest())?))
        };
        std::mem::take(&mut self.is_interest_changed).then(|| self.instruments.values().filter_map(interest).collect())
    }

    /// Requests history of an interval from now on although none of its topics is started (REST).
    pub fn follow(&mut self, instrument: &InstrumentId, interval: Interval) {
        self.instrument_mut(instrument).candles.series_mut(interval).follow();
        self.may_request = true;
    }

    /// Returns the history that the session should request from the venue. Call it after each turn and after starting
    /// topics; at other times there is none.
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

    /// Iterates over the current candles, oldest first, the last one still forming: for each instrument and interval
    /// whose history has come. For recordings that begin here.
    pub fn histories(&self) -> impl Iterator<Item = (&InstrumentId, Interval, Vec<Candle>)> {
        self.instruments.values().flat_map(|own| {
            let of = |interval| Some((&own.id, interval, own.candles.series(interval).history()?));
            Interval::ALL.into_iter().filter_map(of)
        })
    }

    /// Returns the series of these intervals that somebody has begun to follow since the last call: candles kept by an
    /// earlier run are wanted.
    pub fn take_restorable(&mut self, intervals: &[Interval]) -> Vec<(InstrumentId, Interval)> {
        let mut wanted = Vec::new();
        for own in self.instruments.values_mut() {
            let of_own = intervals.iter().filter(|interval| own.candles.series_mut(**interval).take_restorable());
            wanted.extend(of_own.map(|interval| (own.id.clone(), *interval)));
        }
        wanted
    }

    /// Adds closed candles that an earlier run has kept, where none is known.
    pub fn restore(&mut self, instrument: &InstrumentId, interval: Interval, candles: &[Candle]) {
        if let Some(own) = self.instruments.get_mut(instrument) {
            own.candles.series_mut(interval).restore(candles);
        }
    }

    /// Returns the candles of these intervals that have closed or changed since the last call, oldest first; those that
    /// may not be whole are left out.
    pub fn take_closed(&mut self, intervals: &[Interval]) -> Vec<(InstrumentId, Interval, Vec<Candle>)> {
        let now = self.turns.last_turn().unwrap_or(Monotonic::ZERO);
        let Some(venue_time) = self.venue_clock.time(now) else { return Vec::new() };
        let mut closed = Vec::new();
        for own in self.instruments.values_mut() {
            for interval in intervals {
                let candles = own.candles.series_mut(*interval).take_closed(venue_time);
                if !candles.is_empty() {
                    closed.push((own.id.clone(), *interval, candles));
                }
            }
        }
        closed
    }

    /// Notes the time and the state of the transport: ages, rates and history requests depend on it. Each turn does it;
    /// call it at least once a second if no turn runs because nothing is followed.
    pub fn observe(&mut self, now: Now, health: &FeedHealth) {
        let reconnects = self.n_reconnects.replace(health.counters.reconnects);
        let is_reconnected = reconnects.is_some_and(|known| known != health.counters.reconnects);
        self.venue_clock.observe(self.turns, now);
        for own in self.instruments.values_mut() {
            own.tracker.observe(self.turns, now);
            own.latencies.turn(now.monotonic);
            if is_reconnected {
                own.candles.on_reconnect();
            }
            own.candles.turned();
        }
        self.turns.turned(now);
        self.is_polling = health.mode == FeedMode::RestPolling;
        self.latency.turn(self.turns, now.monotonic);
        if self.turns.is_set_again() {
            self.instruments.values_mut().for_each(|own| own.latencies.clear());
        }
        self.may_request = true;
    }

    /// Returns the changes of every started topic since this lane's last turn; topics without a change are absent.
    pub fn turn(&mut self, lane: Lane, now: Now, health: &FeedHealth, books: &Books) -> Vec<(Topic, TopicData)> {
        // Its turns come between those of the other lanes, which are enough for ages and rates.
        if lane != Lane::Screen {
            self.observe(now, health);
        }
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

    /// Returns the state published on a lane for a topic, to be followed by the deltas of its later turns; valid right
    /// after a turn of the lane. `None` if the topic is not started.
    pub fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        match topic.instrument() {
            Some(instrument) => self.instruments.get(instrument)?.snapshot(topic, lane),
            None if topic.channel() == Channel::Status => {
                self.status_lanes.get(lane).map(|own| TopicData::Status(own.snapshot()))
            }
            None => None,
        }
    }

    /// Returns the state of each stream, sorted by instrument: all that are followed, have sent data, or have failed.
    pub fn statuses(&self, now: Now, health: &FeedHealth) -> Vec<StreamEntry> {
        let known = self.instruments.values().filter(|own| own.is_known).map(|own| &own.id);
        let mut ids: Vec<&InstrumentId> = known.chain(health.instrument_causes.keys()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| self.status_of(id, now, health)).collect()
    }

    /// Returns the best bid and ask of each described instrument, sorted, with its entry from [`Self::statuses`] at the
    /// same time: for consolidating several feeds.
    pub fn tops(&self, streams: &[StreamEntry], books: &Books) -> Vec<VenueTop> {
        let top = |own: &InstrumentView| {
            let instrument = own.instrument.as_ref().filter(|_| own.is_known)?;
            let entry = streams.binary_search_by(|entry| entry.instrument.cmp(&own.id)).ok().map(|at| &streams[at])?;
            let book = books.get(&own.id);
            let quote = own.quote.current(book, own.digits);
            let evidence = Evidence { state: entry.state, book: book.map(|book| book.state) };
            Some(VenueTop::new(instrument, &quote, evidence))
        };
        self.instruments.values().filter_map(top).collect()
    }

    /// Iterates over the known instruments, sorted.
    pub fn instruments(&self) -> impl Iterator<Item = &Arc<Instrument>> {
        self.instruments.values().filter_map(|own| own.instrument.as_ref())
    }

    /// Returns the newest candles, at most 500, oldest first; `None` for an unknown instrument. Only candles built from
    /// trades since the start, unless a topic or [`Self::follow`] has requested the interval's history.
    pub fn candles(&self, instrument: &InstrumentId, interval: Interval, limit: usize) -> Option<Vec<Candle>> {
        self.known(instrument).map(|own| own.candles.series(interval).newest(limit, own.digits))
    }

    /// Returns the newest trades, at most 100, oldest first; `None` for an unknown instrument.
    pub fn trades(&self, instrument: &InstrumentId, limit: usize) -> Option<Vec<TapeTrade>> {
        self.known(instrument).map(|own| own.tape.newest(limit))
    }

    /// Returns best bid and ask, last price and day statistics; `None` for an unknown instrument.
    pub fn quote(&self, instrument: &InstrumentId, books: &Books) -> Option<QuoteData> {
        self.known(instrument).map(|own| own.quote.current(books.get(instrument), own.digits))
    }

    /// Returns the best `depth` levels a side, or only the state if the book is not served; `None` for an unknown
    /// instrument.
    pub fn book(&self, instrument: &InstrumentId, depth: usize, books: &Books) -> Option<BookData> {
        let own = self.known(instrument)?;
        Some(books.get(instrument).map(|book| book_lane::current(book, depth, own.digits)).unwrap_or_default())
    }

    /// Returns the counters of an instrument's book and of the feed; `None` for an unknown instrument.
    pub fn quality(&self, instrument: &InstrumentId, health: &FeedHealth, books: &Books) -> Option<QualityData> {
        self.known(instrument).map(|own| own.quality(health, books, (&self.samples, &self.latency)))
    }

    /// Returns how long messages took from the venue, relative to the fastest, since the feed started.
    pub fn delays(&self) -> DelayCounts {
        self.latency.delays
    }

    /// Returns the number of trades that no lane could publish, over all instruments; 0 unless a lane missed its turns.
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

/// Returns true for topics that may read a book's levels.
fn is_of_book(topic: &Topic) -> bool {
    matches!(topic.channel(), Channel::Book | Channel::Ladder | Channel::Indicators)
}
