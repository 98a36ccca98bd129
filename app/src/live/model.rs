//! The page's data: one slot per topic, filled by the stream's updates, and the freshness of each.
//!
//! Plain structs: updates and the time in, values out. Not here: the connection (`live::link`), signals and frames
//! (`live`). Updates arrive checked: a delta always follows its snapshot.
//!
//! Over 500 lines: all readings of the same slots, and the rules of freshness that they share.

use std::time::Duration;

use model::{
    instrument::{InstrumentId, Venue},
    sorted::{SortedMap, SortedSet},
    status::{FeedMode, Silence, StreamState},
    time::{Monotonic, Now, Timestamp},
};
use topics::{
    channels::{
        TopicData,
        book::BookData,
        candles::CandlesData,
        consolidated::ConsolidatedData,
        desk::{DeskLog, DeskRows},
        indicators::IndicatorsData,
        ladder::LadderData,
        operations::OperationsData,
        quality::QualityData,
        quote::QuoteData,
        replay::ReplayData,
        status::{StatusData, StreamEntry},
        system::SystemData,
        tape::{TapeData, TapeTrade},
    },
    payload::Merge,
    topic::Topic,
};
use wire::message::{Update, UpdateKind};

use crate::live::{
    candle_log::CandleLog,
    clock::ClockComparison,
    cross_check::CrossCheck,
    kept::Kept,
    latency::{LatencyMeter, Paint},
    link::LinkState,
    source::{Ruling, Source},
    tape_log::TapeLog,
};

/// The freshness of the data of some topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing has arrived yet.
    #[default]
    Waiting,
    /// As live as the venue is.
    Fresh,
    /// The last known values are this old.
    Stale {
        /// Age of the newest value.
        age_ms: u64,
        /// The market is quiet, as far as known: the values are old but correct.
        is_quiet: bool,
    },
    /// The values are those of an earlier visit, which this browser kept.
    Earlier {
        /// The time at which the newest of them was current.
        as_of: Timestamp,
        /// Its age.
        age_ms: u64,
    },
    /// Nobody follows the instrument, or not any more: the last known values stay, and are not current.
    NotFollowed,
    /// The server refused the topics.
    Refused {
        /// The server's message.
        message: String,
    },
}

/// The state of one instrument's stream, as shown to the reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamView {
    /// The colour, word and shape.
    pub state: StreamState,
    /// Way of delivery: WebSocket, REST polling, or simulated.
    pub mode: FeedMode,
    /// Age of the newest value.
    pub age_ms: Option<u64>,
    /// Updates since the feed started.
    pub updates: u64,
    /// Updates a second.
    pub rate: f64,
    /// Why it is not live.
    pub cause: Option<String>,
    /// Why nothing arrives although the connection is open.
    pub silence: Option<Silence>,
    /// The holder of the venue's connection: the server or this browser.
    pub source: Source,
    /// True if no feed follows the instrument: it was stopped, its replay has ended, or it was never followed.
    pub is_absent: bool,
}

/// All market data of the page.
#[derive(Debug, Default)]
pub struct LiveModel {
    slots: SortedMap<Topic, Slot>,
    revision: u64,
    link: LinkState,
    heard_at: Option<Monotonic>,
    lost_at: Option<Monotonic>,
    /// The status reports of the venues' workers and their times, whether or not they are used.
    workers: SortedMap<Venue, (StatusData, Monotonic)>,
    /// The venues whose data comes directly: the workers' reports are used for these.
    direct: SortedSet<Venue>,
    /// The server's status report merged with those of the workers in use; `None` if no worker is in use.
    merged_status: Option<StatusData>,
    /// The topics with values of an earlier visit, and when these were current.
    restored: SortedMap<Topic, Timestamp>,
    /// The comparison of both sources, if the reader has requested it.
    pub cross_check: Option<CrossCheck>,
    /// The offset between the server's clock and ours.
    pub clock: ClockComparison,
    /// The latencies of the updates.
    pub latency: LatencyMeter,
}

#[derive(Debug, Default)]
struct Slot {
    content: Option<Content>,
    revision: u64,
    refused: Option<String>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one a topic, a few dozen in all: a box would cost more than it saves")]
enum Content {
    Tape(TapeLog),
    Candles(CandleLog),
    Other(TopicData),
}

impl Content {
    /// Returns true if there is no market data to show.
    fn is_empty(&self) -> bool {
        match self {
            Self::Tape(log) => log.newest_first().next().is_none(),
            Self::Candles(log) => log.bars().is_empty(),
            Self::Other(TopicData::Book(book) | TopicData::Ladder(LadderData { book })) => {
                book.bids.is_empty() && book.asks.is_empty()
            }
            Self::Other(TopicData::Quote(quote)) => quote.last.is_none() && quote.bid.is_none() && quote.ask.is_none(),
            Self::Other(_) => false,
        }
    }

    /// Returns the whole state, as a snapshot has it.
    fn snapshot(&self) -> TopicData {
        match self {
            Self::Tape(log) => {
                let mut trades: Vec<TapeTrade> = log.newest_first().map(|row| row.trade.clone()).collect();
                trades.reverse();
                TopicData::Tape(TapeData { trades })
            }
            Self::Candles(log) => TopicData::Candles(CandlesData { bars: log.bars().to_vec() }),
            Self::Other(data) => data.clone(),
        }
    }
}

impl LiveModel {
    /// Applies one update of the stream.
    pub fn apply(&mut self, update: Update, now: Now) {
        self.apply_from(Source::Server, Ruling::Apply, update, now);
    }

    /// Applies one update from `source`.
    pub fn apply_from(&mut self, source: Source, ruling: Ruling, update: Update, now: Now) {
        // A snapshot may be old: only new data measures the latency.
        if update.kind == UpdateKind::Delta
            && let Some(stamps) = stamps(&update.data)
        {
            self.latency.received(&update.topic, Paint { is_direct: source == Source::Direct, ..stamps }, now);
        }
        let is_status = update.topic == Topic::STATUS;
        let is_first = self.restored.remove(&update.topic).is_some();
        self.revision += 1;
        let slot = self.slots.get_or_default(update.topic);
        slot.revision = self.revision;
        if is_first {
            // Nothing of an earlier visit goes on among live data: no levels, no trades.
            slot.content = None;
        }
        slot.refused = None;
        // The same quote from the other source: values not delivered yet, such as the day's statistics, are kept.
        let is_kept = ruling == Ruling::TakeOver && matches!(update.data, TopicData::Quote(_));
        slot.apply(if is_kept { UpdateKind::Delta } else { update.kind }, update.data);
        if is_status {
            self.merge_status();
        }
    }

    /// Applies a status report of a venue's worker.
    pub fn apply_worker_status(&mut self, venue: &Venue, kind: UpdateKind, data: StatusData, now: Now) {
        let (known, heard_at) = self.workers.get_or_default(venue.clone());
        *heard_at = now.monotonic;
        match kind {
            UpdateKind::Snapshot => *known = data,
            UpdateKind::Delta => known.merge(&data),
        }
        self.merge_status();
    }

    /// Returns a worker's report on its venue's connections and streams; `None` if it has sent none, or there is no
    /// worker.
    pub fn worker_status(&self, venue: &Venue) -> Option<&StatusData> {
        self.workers.get(venue).map(|(status, _)| status)
    }

    /// Sets which venues have a worker, and for which of them the displayed data comes directly.
    pub fn set_direct(&mut self, workers: &SortedSet<Venue>, direct: SortedSet<Venue>) {
        self.workers.retain(|venue, _| workers.contains(venue));
        if self.direct != direct {
            self.direct = direct;
            self.merge_status();
        }
    }

    /// Returns true if a venue's displayed data comes directly.
    pub fn is_direct(&self, venue: &Venue) -> bool {
        self.direct.contains(venue)
    }

    /// Returns the venues whose data comes directly and continues to come, whatever the state of the server.
    pub fn direct_going_on(&self, now: Now) -> Vec<Venue> {
        let is_connected = |venue: &&Venue| {
            let status = self.worker_status(venue);
            status.is_some_and(|status| status.connections.iter().any(|connection| connection.is_connected))
        };
        let going_on = self.direct.iter().filter(|venue| !self.is_cut_off_from(venue, now)).filter(is_connected);
        going_on.cloned().collect()
    }

    fn merge_status(&mut self) {
        let counting: Vec<&StatusData> =
            self.direct.iter().filter_map(|venue| self.workers.get(venue)).map(|(status, _)| status).collect();
        self.merged_status = (!counting.is_empty()).then(|| {
            let mut merged = self.server_status().cloned().unwrap_or_default();
            counting.into_iter().for_each(|status| merged.merge(status));
            merged
        });
        self.revision += 1;
        if let Some(slot) = self.slots.get_mut(&Topic::STATUS) {
            slot.revision = self.revision;
        }
    }

    /// Drops the data of a topic.
    pub fn forget(&mut self, topic: &Topic) {
        self.slots.remove(topic);
        self.restored.remove(topic);
    }

    /// Returns the wanted topics that have values of this visit, each with a snapshot of its state.
    pub fn snapshots(&self, is_wanted: fn(&Topic) -> bool) -> impl Iterator<Item = (&Topic, TopicData)> {
        let own = self.slots.iter().filter(move |(topic, _)| is_wanted(topic) && !self.restored.contains_key(*topic));
        own.filter_map(|(topic, slot)| {
            let content = slot.content.as_ref().filter(|content| !content.is_empty())?;
            Some((topic, content.snapshot()))
        })
    }

    /// Shows values of an earlier visit where nothing is known. They are old until the server sends newer ones.
    pub fn restore(&mut self, kept: &Kept, now: Now) {
        for (topic, data, at) in kept.values() {
            if self.slots.get(&topic).is_some_and(|slot| slot.content.is_some()) {
                continue;
            }
            let update = Update { kind: UpdateKind::Snapshot, epoch: None, topic: topic.clone(), offset: 0, data };
            self.apply(update, now);
            self.restored.insert(topic, at);
        }
    }

    /// Returns true while values of an earlier visit are all there is.
    pub fn is_offline(&self) -> bool {
        !self.restored.is_empty() && self.link != LinkState::Connected
    }

    /// Drops the values of an earlier visit that the server has not replaced.
    pub fn drop_restored(&mut self) {
        for topic in std::mem::take(&mut self.restored).keys() {
            self.slots.remove(topic);
        }
        self.merge_status();
    }

    /// Notes that the server refused a topic; its data stays.
    pub fn refuse(&mut self, topic: &Topic, message: &str) {
        self.revision += 1;
        let slot = self.slots.get_or_default(topic.clone());
        slot.revision = self.revision;
        slot.refused = Some(message.to_owned());
    }

    /// Sets the connection's state, and when the server was last heard.
    pub fn set_link(&mut self, link: LinkState, heard_at: Monotonic, now: Now) {
        self.lost_at = match link {
            LinkState::Connected => None,
            _ => self.lost_at.or(Some(now.monotonic)),
        };
        self.heard_at = Some(heard_at);
        self.link = link;
    }

    /// Returns the connection's state.
    pub fn link(&self) -> &LinkState {
        &self.link
    }

    /// Returns a number that rises whenever one of the topics changes.
    pub fn revision(&self, topics: &[Topic]) -> u64 {
        topics.iter().filter_map(|topic| self.slots.get(topic)).map(|slot| slot.revision).max().unwrap_or(0)
    }

    /// Returns best bid and ask, last price and day statistics.
    pub fn quote(&self, instrument: &InstrumentId) -> Option<&QuoteData> {
        match self.other(&Topic::quote(instrument))? {
            TopicData::Quote(quote) => Some(quote),
            _ => None,
        }
    }

    /// Returns the book; its last good levels if it is not served now.
    pub fn book(&self, instrument: &InstrumentId) -> Option<&BookData> {
        match self.other(&Topic::book(instrument))? {
            TopicData::Book(book) => Some(book),
            _ => None,
        }
    }

    /// Returns the deep book in groups of `n_ticks` ticks; its last good groups if it is not served now.
    pub fn ladder(&self, n_ticks: u32, instrument: &InstrumentId) -> Option<&BookData> {
        match self.other(&Topic::ladder(n_ticks, instrument))? {
            TopicData::Ladder(ladder) => Some(&ladder.book),
            _ => None,
        }
    }

    /// Returns the last trades.
    pub fn tape(&self, instrument: &InstrumentId) -> Option<&TapeLog> {
        match self.slots.get(&Topic::tape(instrument))?.content.as_ref()? {
            Content::Tape(log) => Some(log),
            _ => None,
        }
    }

    /// Returns the candles of a candle topic.
    pub fn candles(&self, topic: &Topic) -> Option<&CandleLog> {
        match self.slots.get(topic)?.content.as_ref()? {
            Content::Candles(log) => Some(log),
            _ => None,
        }
    }

    /// Returns the values of an indicator.
    pub fn indicators(&self, topic: &Topic) -> Option<&IndicatorsData> {
        match self.other(topic)? {
            TopicData::Indicators(data) => Some(data),
            _ => None,
        }
    }

    /// Returns best bid and ask of a pair over all venues.
    pub fn consolidated(&self, pair: &str) -> Option<&ConsolidatedData> {
        match self.other(&Topic::consolidated(pair))? {
            TopicData::Consolidated(data) => Some(data),
            _ => None,
        }
    }

    /// The server's replay; `None` until the server has said whether one is loaded.
    pub fn replay(&self) -> Option<&ReplayData> {
        match self.other(&Topic::REPLAY)? {
            TopicData::Replay(data) => Some(data),
            _ => None,
        }
    }

    /// The status of all streams, each as its source reports it.
    pub fn status(&self) -> Option<&StatusData> {
        self.merged_status.as_ref().or_else(|| self.server_status())
    }

    /// Returns the status of all streams as reported by the server alone.
    pub fn server_status(&self) -> Option<&StatusData> {
        match self.other(&Topic::STATUS)? {
            TopicData::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Returns the data about the server itself.
    pub fn system(&self) -> Option<&SystemData> {
        match self.other(&Topic::SYSTEM)? {
            TopicData::System(system) => Some(system),
            _ => None,
        }
    }

    /// Returns notice and health as admins are shown them; `None` for everybody else.
    pub fn operations(&self) -> Option<&OperationsData> {
        match self.other(&Topic::OPERATIONS)? {
            TopicData::Operations(operations) => Some(operations),
            _ => None,
        }
    }

    /// Returns counters, checks and measurements of an instrument's stream and its feed.
    pub fn quality(&self, instrument: &InstrumentId) -> Option<&QualityData> {
        match self.other(&Topic::quality(instrument))? {
            TopicData::Quality(quality) => Some(quality),
            _ => None,
        }
    }

    /// Returns the rows of a topic of the trading desk, or of alerts, their rules and channels.
    pub fn desk_rows(&self, topic: &Topic) -> Option<&DeskRows> {
        match self.other(topic)? {
            TopicData::Dashboard(rows)
            | TopicData::Orders(rows)
            | TopicData::Positions(rows)
            | TopicData::Performance(rows)
            | TopicData::Strategies(rows)
            | TopicData::Alerts(rows)
            | TopicData::Rules(rows)
            | TopicData::AlertChannels(rows) => Some(rows),
            _ => None,
        }
    }

    /// Returns the log of a topic of the trading desk, or that of signals.
    pub fn desk_log(&self, topic: &Topic) -> Option<&DeskLog> {
        match self.other(topic)? {
            TopicData::Trades(log) | TopicData::Events(log) | TopicData::Signals(log) => Some(log),
            _ => None,
        }
    }

    /// Returns the state of one instrument's stream.
    pub fn stream(&self, instrument: &InstrumentId, now: Now) -> StreamView {
        let entry = self.entry(instrument);
        let age_ms = self.age_ms(instrument, entry, now);
        let is_absent = self.is_absent(instrument);
        let state = match (entry.map(|entry| entry.state), age_ms) {
            _ if is_absent => StreamState::Stale,
            (Some(StreamState::Live), Some(_)) if self.is_cut_off_from(instrument.venue(), now) => StreamState::Stale,
            (Some(state), _) => state,
            (None, Some(age_ms)) if age_ms > STALE_AFTER_MS || self.is_cut_off_from(instrument.venue(), now) => {
                StreamState::Stale
            }
            (None, Some(_)) => StreamState::Live,
            (None, None) => StreamState::Initialising,
        };
        StreamView {
            state,
            mode: entry.map(|entry| entry.mode).unwrap_or_default(),
            age_ms,
            updates: entry.map_or(0, |entry| entry.updates),
            rate: entry.map_or(0.0, |entry| entry.rate),
            cause: entry.and_then(|entry| entry.cause.clone()),
            silence: entry.and_then(|entry| entry.silence),
            source: if self.is_direct(instrument.venue()) && !instrument.venue().is_replay() {
                Source::Direct
            } else {
                // A replay's data comes from a file, wherever it plays.
                Source::Server
            },
            is_absent,
        }
    }

    /// Returns true if no feed follows the instrument, as far as the status of all feeds tells.
    pub fn is_absent(&self, instrument: &InstrumentId) -> bool {
        self.status().is_some() && self.entry(instrument).is_none()
    }

    /// Returns true if a quote or book of the instrument has arrived.
    pub fn has_values(&self, instrument: &InstrumentId) -> bool {
        self.quote(instrument).is_some() || self.book(instrument).is_some()
    }

    /// Returns the freshness of the topics: that of the freshest one, but of an earlier visit while one of them is.
    pub fn freshness(&self, topics: &[Topic], now: Now) -> Freshness {
        let slots = || topics.iter().filter_map(|topic| self.slots.get(topic).map(|slot| (topic, slot)));
        if let Some(as_of) = self.earlier(topics) {
            return Freshness::Earlier { as_of, age_ms: millis(now.wall.saturating_since(as_of)) };
        }
        if topics.first().and_then(Topic::instrument).is_some_and(|instrument| self.is_absent(instrument)) {
            return Freshness::NotFollowed;
        }
        if let Some(message) = slots().find_map(|(_, slot)| slot.refused.clone()) {
            return Freshness::Refused { message };
        }
        // An empty snapshot of a stream that has not begun means nothing.
        let says = |topic: &Topic, content: &Content| !content.is_empty() || !self.has_not_begun(topic);
        let is_known =
            |(topic, slot): &(&Topic, &Slot)| slot.content.as_ref().is_some_and(|content| says(topic, content));
        let mut known = slots().filter(is_known).peekable();
        if known.peek().is_none() {
            return Freshness::Waiting;
        }
        let mut youngest_ms: Option<u64> = None;
        let mut is_quiet = !self.is_cut_off(now);
        for (topic, _) in known {
            let Some(instrument) = topic.instrument() else {
                // Topics without an instrument belong to the server: as fresh as the connection.
                let silent_ms = self.heard_at.map_or(0, |at| millis(now.monotonic.saturating_since(at)));
                let stale = Freshness::Stale { age_ms: silent_ms, is_quiet: false };
                return if self.is_cut_off(now) { stale } else { Freshness::Fresh };
            };
            let stream = self.stream(instrument, now);
            is_quiet &= stream.silence.is_some_and(Silence::is_quiet);
            match (stream.state, stream.age_ms) {
                (StreamState::Live | StreamState::Initialising, _)
                    if !self.is_cut_off_from(instrument.venue(), now) =>
                {
                    return Freshness::Fresh;
                }
                (_, Some(age_ms)) => youngest_ms = Some(youngest_ms.map_or(age_ms, |known| known.min(age_ms))),
                (_, None) => {}
            }
        }
        Freshness::Stale { age_ms: youngest_ms.unwrap_or(0), is_quiet }
    }

    /// Returns when the newest of an earlier visit's values was current, if any of the topics has some: a region never
    /// calls them live because another of its topics is.
    fn earlier(&self, topics: &[Topic]) -> Option<Timestamp> {
        // Nearly always: no look at each of thousands of topics.
        if self.restored.is_empty() {
            return None;
        }
        let as_of = |topic: &Topic| {
            let at = *self.restored.get(topic)?;
            // A kept value may have been old already when it was stored.
            let newest = topic.instrument().and_then(|instrument| self.newest(instrument, self.entry(instrument)));
            Some(newest.map_or(at, |newest| newest.min(at)))
        };
        topics.iter().filter_map(as_of).max()
    }

    /// Returns why nothing has arrived for the topics; `None` if no fault is known.
    pub fn waiting_cause(&self, topics: &[Topic], now: Now) -> Option<String> {
        let is_direct = topics.iter().filter_map(Topic::venue).any(|venue| self.is_direct(venue));
        match &self.link {
            _ if is_direct => {}
            LinkState::Connecting => return Some("connecting to the server".to_owned()),
            LinkState::Reconnecting { at } | LinkState::Disconnected { at } => {
                let rest = at.saturating_since(now.monotonic);
                return Some(match rest {
                    Duration::ZERO => "connecting to the server".to_owned(),
                    rest => format!("no connection to the server, next attempt in {} s", rest.as_secs() + 1),
                });
            }
            LinkState::Error { message } => return Some(format!("the server refused the connection: {message}")),
            LinkState::Connected => {}
        }
        let entry = topics.iter().find_map(|topic| self.entry(topic.instrument()?))?;
        entry.cause.clone().or_else(|| {
            (entry.state == StreamState::Initialising).then(|| "the venue has not sent any data yet".to_owned())
        })
    }

    /// Returns true if the server has been silent for so long that no data can be called live.
    pub fn is_cut_off(&self, now: Now) -> bool {
        let is_past =
            |at: Option<Monotonic>, limit: Duration| at.is_some_and(|at| now.monotonic.saturating_since(at) > limit);
        self.is_offline() || is_past(self.lost_at, LOST_GRACE) || is_past(self.heard_at, SILENCE_LIMIT)
    }

    /// Returns the same for the source of a venue's data.
    pub fn is_cut_off_from(&self, venue: &Venue, now: Now) -> bool {
        if !self.is_direct(venue) {
            return self.is_cut_off(now);
        }
        // A worker reports ages once a second: a silent worker hangs.
        let heard_at = self.workers.get(venue).map_or(Monotonic::ZERO, |(_, heard_at)| *heard_at);
        now.monotonic.saturating_since(heard_at) > SILENCE_LIMIT
    }

    /// Returns true for a stream that connects, or failed before any data came.
    fn has_not_begun(&self, topic: &Topic) -> bool {
        let entry = topic.instrument().and_then(|instrument| self.entry(instrument));
        entry.is_some_and(|entry| match entry.state {
            StreamState::Initialising => true,
            StreamState::Live => false,
            StreamState::Stale | StreamState::Failed => entry.last_update_ms.is_none(),
        })
    }

    fn entry(&self, instrument: &InstrumentId) -> Option<&StreamEntry> {
        // Sorted: pages of thousands of rows look each of them up.
        let streams = &self.status()?.streams;
        streams.binary_search_by(|entry| entry.instrument.cmp(instrument)).ok().and_then(|at| streams.get(at))
    }

    fn age_ms(&self, instrument: &InstrumentId, entry: Option<&StreamEntry>, now: Now) -> Option<u64> {
        if instrument.venue().replayed().is_some() {
            // A replay has the ages at the time of recording; the clocks here do not apply.
            return entry.and_then(|entry| entry.age_ms);
        }
        let newest = self.newest(instrument, entry)?;
        // A worker's times use this browser's own clock.
        let time = if self.is_direct(instrument.venue()) { now.wall } else { self.clock.server_time(now) };
        Some(millis(time.saturating_since(newest)))
    }

    /// Returns when the instrument's newest value arrived at its source.
    fn newest(&self, instrument: &InstrumentId, entry: Option<&StreamEntry>) -> Option<Timestamp> {
        let of_entry = entry.and_then(|entry| entry.last_update_ms).map(Timestamp::from_millis);
        let of_quote = self.quote(instrument).and_then(|quote| quote.receive_time_us).map(Timestamp::from_micros);
        let of_book = self.book(instrument).and_then(|book| book.receive_time_us).map(Timestamp::from_micros);
        [of_entry, of_quote, of_book].into_iter().flatten().max()
    }

    fn other(&self, topic: &Topic) -> Option<&TopicData> {
        match self.slots.get(topic)?.content.as_ref()? {
            Content::Other(data) => Some(data),
            _ => None,
        }
    }
}

impl Slot {
    /// Applies an update; the slot has its new revision.
    fn apply(&mut self, kind: UpdateKind, data: TopicData) {
        match (&mut self.content, kind, data) {
            (Some(Content::Tape(log)), UpdateKind::Snapshot, TopicData::Tape(tape)) => log.replace(tape.trades),
            (Some(Content::Tape(log)), UpdateKind::Delta, TopicData::Tape(tape)) => log.extend(tape.trades),
            (Some(Content::Candles(log)), UpdateKind::Snapshot, TopicData::Candles(bars)) => log.replace(bars),
            (Some(Content::Candles(log)), UpdateKind::Delta, TopicData::Candles(bars)) => log.merge(bars),
            (
                Some(Content::Other(TopicData::Book(known) | TopicData::Ladder(LadderData { book: known }))),
                UpdateKind::Snapshot,
                TopicData::Book(mut book) | TopicData::Ladder(LadderData { mut book }),
            ) => {
                if !book.state.is_served() && book.bids.is_empty() && book.asks.is_empty() {
                    // The last good levels stay, shown hatched.
                    book.bids = std::mem::take(&mut known.bids);
                    book.asks = std::mem::take(&mut known.asks);
                }
                *known = book;
            }
            (Some(Content::Other(known)), UpdateKind::Delta, delta) => known.merge(&delta),
            (content, _, TopicData::Tape(tape)) => {
                let mut log = TapeLog::new(self.revision);
                log.replace(tape.trades);
                *content = Some(Content::Tape(log));
            }
            (content, _, TopicData::Candles(bars)) => {
                let mut log = CandleLog::new(self.revision);
                log.replace(bars);
                *content = Some(Content::Candles(log));
            }
            (content, _, data) => *content = Some(Content::Other(data)),
        }
    }
}

fn stamps(data: &TopicData) -> Option<Paint> {
    let (venue_time_ms, receive_time_us, publish_time_us) = match data {
        TopicData::Quote(quote) => (quote.venue_time_ms, quote.receive_time_us, quote.publish_time_us?),
        TopicData::Book(book) | TopicData::Ladder(LadderData { book }) => {
            (book.venue_time_ms, book.receive_time_us, book.publish_time_us?)
        }
        TopicData::Quality(quality) => (None, None, quality.publish_time_us?),
        _ => return None,
    };
    Some(Paint { venue_time_ms, receive_time_us, publish_time_us, ..Paint::default() })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A resume bridges a short loss; after a longer one the data is old.
const LOST_GRACE: Duration = Duration::from_secs(1);

/// Pings are sent every five seconds: a longer silence means a dead connection, detected before its deadline.
const SILENCE_LIMIT: Duration = Duration::from_secs(6);

/// The age from which a stream is stale, if the server has not reported its state.
const STALE_AFTER_MS: u64 = 5_000;

#[cfg(test)]
mod tests;
