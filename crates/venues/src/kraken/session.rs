//! The venue's session: what it follows, what it wants, and when.
//!
//! Not here: what frames ([`super::route`]) and answers ([`super::answers`]) mean, connections ([`crate::kit::pool`]), pacing of
//! requests ([`crate::kit::requests`]), the book procedure ([`super::book`]).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{BookUpdate, HistoryRequest, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::{BookState, Books, TrackedBook},
    status::{FeedCause, FeedHealth},
    time::{Monotonic, Now},
};

use crate::{
    kit::{
        liveness::Liveness,
        outputs::Outputs,
        poll_schedule::PollSchedule,
        pool::Pool,
        requests::{Requests, Task},
    },
    kraken::{
        DEFAULT_WS_URL, NAME, image,
        limits::{
            POLL_SPACING, REFUSED_RETRY, REQUEST_RULES, SNAPSHOT_PATIENCE, SYMBOL_BYTES, SYMBOLS_FROM_FRAMES,
            pool_rules,
        },
        purpose::Purpose,
        rest,
        stream::{Resubscription, Stream},
        subscribe::{self, Channel, Method},
    },
    session::{ConnectionId, Input, Output, Session, SessionConfig, SnapshotFrame, Symbols},
};

/// Follows symbols on Kraken spot.
#[derive(Debug)]
pub struct KrakenSession {
    venue: Venue,
    /// Symbols come from frames: a recording.
    pub(super) is_open_ended: bool,
    is_started: bool,
    pub(super) streams: Vec<Stream>,
    by_symbol: BTreeMap<Arc<str>, usize>,
    pub(super) books: Books,
    pub(super) pool: Pool,
    pub(super) requests: Requests<Purpose>,
    pub(super) polling: PollSchedule,
    pub(super) liveness: Liveness,
    /// Numbers of the messages sent.
    n_messages: u64,
    pub(super) out: Outputs,
    instruments: Vec<Arc<Instrument>>,
    /// Instruments that a recording describes before it names them.
    pub(super) directory: BTreeMap<InstrumentId, Arc<Instrument>>,
    /// REST was asked for the list of symbols because no connection brings it.
    pub(super) has_asked_symbols: bool,
    /// When symbols are to be looked after although nothing comes.
    watched: BTreeMap<usize, Monotonic>,
}

impl KrakenSession {
    /// A session that has not begun; repeated symbols count once.
    pub fn new(config: &SessionConfig) -> Self {
        let mut config = config.clone();
        let unusable = config.symbols.take_unusable(|symbol| !symbol.is_empty() && symbol.len() <= SYMBOL_BYTES);
        let mut session = Self {
            venue: config.venue(NAME),
            is_open_ended: config.symbols == Symbols::FromFrames,
            is_started: false,
            streams: Vec::new(),
            by_symbol: BTreeMap::new(),
            books: Books::new(),
            pool: Pool::new(&config, pool_rules(config.ws_url.as_deref().unwrap_or(DEFAULT_WS_URL))),
            requests: Requests::new(REQUEST_RULES, config.symbols != Symbols::FromFrames),
            polling: PollSchedule::new(&config, POLL_SPACING),
            liveness: Liveness::default(),
            n_messages: 0,
            out: Outputs::default(),
            instruments: Vec::new(),
            directory: BTreeMap::new(),
            has_asked_symbols: false,
            watched: BTreeMap::new(),
        };
        if let Symbols::Listed(symbols) = &config.symbols {
            symbols.iter().for_each(|symbol| session.follow(symbol));
        }
        for symbol in unusable {
            session.out.symbol_unknown(&InstrumentId::new(&session.venue, &symbol), false);
        }
        session
    }

    fn follow(&mut self, symbol: &str) {
        let id = InstrumentId::new(&self.venue, symbol);
        self.by_symbol.insert(symbol.into(), self.streams.len());
        self.books.insert(id.clone(), TrackedBook::default());
        self.streams.push(Stream::new(id));
        self.liveness.resize(self.streams.len());
    }

    /// Position of a symbol, where it is followed.
    pub(super) fn followed(&self, symbol: &str) -> Option<usize> {
        self.by_symbol.get(symbol).copied()
    }

    fn start(&mut self, now: Now) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        if self.is_open_ended {
            self.want_symbols(now);
        }
        self.pool.start(now, &mut self.out);
    }

    /// Asks REST for the list of symbols: connections bring it by themselves, recordings may hold it as an answer.
    pub(super) fn want_symbols(&mut self, now: Now) {
        if !self.requests.has(|purpose| *purpose == Purpose::Symbols) {
            self.requests.push(Task::new(Purpose::Symbols), now.monotonic);
        }
    }

    /// Position of a symbol that a frame names; in a recording it is followed from now on. `None` where it is not ours.
    pub(super) fn named(&mut self, symbol: &str, now: Now) -> Option<usize> {
        if let Some(position) = self.by_symbol.get(symbol) {
            return Some(*position);
        }
        let is_usable = !symbol.is_empty() && symbol.len() <= SYMBOL_BYTES;
        if !self.is_open_ended || !is_usable || self.streams.len() >= SYMBOLS_FROM_FRAMES {
            return None;
        }
        let position = self.streams.len();
        self.follow(symbol);
        match self.directory.get(&self.streams[position].id).cloned() {
            Some(instrument) => self.learn(position, instrument, now),
            // A later description in the recording may know it.
            None => self.want_symbols(now),
        }
        Some(position)
    }

    /// Takes in what the venue says about an instrument, where it is followed or may be later.
    pub(super) fn describe(&mut self, instrument: Instrument, now: Now) {
        let position = self.followed(instrument.id.symbol());
        if position.is_none() && !self.is_open_ended {
            return;
        }
        let instrument = Arc::new(instrument);
        if self.is_open_ended {
            self.directory.insert(instrument.id.clone(), instrument.clone());
        }
        if let Some(position) = position {
            self.learn(position, instrument, now);
        }
    }

    fn learn(&mut self, position: usize, instrument: Arc<Instrument>, now: Now) {
        let stream = &mut self.streams[position];
        if stream.instrument.as_ref() == Some(&instrument) {
            return;
        }
        stream.instrument = Some(instrument.clone());
        self.out.event(&stream.id, None, now, MarketEventKind::Instrument(instrument));
        self.instruments = self.streams.iter().filter_map(|stream| stream.instrument.clone()).collect();
    }

    /// The venue does not know a symbol: nothing more is asked for it.
    pub(super) fn mark_unknown(&mut self, position: usize) {
        // A recording proves that it was known.
        if self.is_open_ended {
            return;
        }
        let stream = &mut self.streams[position];
        stream.is_unknown = true;
        stream.resubscription = Resubscription::None;
        stream.refused.clear();
        self.watched.remove(&position);
        self.liveness.release(position);
        self.pool.drop_symbol(position, &mut self.out);
        let is_last = self.streams.iter().all(|stream| stream.is_unknown);
        self.out.symbol_unknown(&self.streams[position].id, is_last);
    }

    /// The venue refused a channel of a symbol, and will be asked again after a while; a refusal that names no channel is
    /// only told.
    pub(super) fn mark_refused(&mut self, position: usize, channel: Option<Channel>, detail: &str, now: Now) {
        let stream = &mut self.streams[position];
        if stream.is_unknown {
            return;
        }
        stream.refused.extend(channel.map(|channel| (channel, now.monotonic)));
        match channel {
            Some(Channel::Book) => stream.resubscription = Resubscription::None,
            // Newer prints than came are no wonder then.
            Some(Channel::Trade) => self.liveness.release(position),
            Some(Channel::Instrument | Channel::Ticker) | None => {}
        }
        let cause = FeedCause::Refused { detail: detail.to_owned() };
        self.out.health.instrument_causes.insert(stream.id.clone(), cause);
        self.watch(position);
    }

    /// The venue took a channel of a symbol.
    pub(super) fn mark_accepted(&mut self, position: usize, channel: Channel, now: Now) {
        let stream = &mut self.streams[position];
        if stream.refused.remove(&channel).is_some() && channel == Channel::Trade {
            self.liveness.expect(position, now);
        }
        if stream.refused.is_empty() && !self.out.health.instrument_causes.is_empty() {
            self.out.health.instrument_causes.remove(&stream.id);
        }
        if channel == Channel::Book && stream.book.needs_snapshot(now.monotonic) {
            stream.resubscription = Resubscription::Asked(now.monotonic);
            if let Some(tracked) = self.books.get_mut(&stream.id) {
                let state_before = tracked.state;
                stream.book.asked(tracked);
                return self.after_book_change(position, state_before, now);
            }
        }
        self.watch(position);
    }

    /// Says a new state; has the subscription made again where only that can help.
    pub(super) fn after_book_change(&mut self, position: usize, state_before: BookState, now: Now) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get(&stream.id) else { return };
        let state = tracked.state;
        // The event of a snapshot or a change has said it already.
        if state != state_before && !state.is_served() {
            self.out.event(&stream.id, None, now, MarketEventKind::Book(BookUpdate::State { state }));
        }
        let needs_snapshot = stream.book.needs_snapshot(now.monotonic);
        if needs_snapshot && stream.resubscription == Resubscription::None && !self.is_open_ended && !stream.is_unknown
        {
            stream.resubscription = Resubscription::Due(stream.pace.earliest(now.monotonic));
        }
        self.watch(position);
    }

    /// Notes when a symbol is to be looked after.
    pub(super) fn watch(&mut self, position: usize) {
        let stream = &self.streams[position];
        match stream.deadline().filter(|_| !self.is_open_ended && !stream.is_unknown) {
            Some(at) => drop(self.watched.insert(position, at)),
            None if self.watched.is_empty() => {}
            None => drop(self.watched.remove(&position)),
        }
    }

    fn wish(&mut self, wish: &HistoryRequest, now: Now) {
        let is_ours = wish.instrument.venue() == &self.venue;
        let Some(position) = self.followed(wish.instrument.symbol()).filter(|_| is_ours) else { return };
        if !self.streams[position].is_unknown {
            let purpose = Purpose::History { symbol: position, interval: wish.interval, n_bars: wish.n_bars };
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    /// Books whose connection is gone are worth nothing, and so is what was asked for on it.
    fn lose(&mut self, lost: Vec<usize>, now: Now) {
        for position in lost {
            let stream = &mut self.streams[position];
            stream.resubscription = Resubscription::None;
            stream.refused.clear();
            if !stream.is_unknown {
                self.out.health.instrument_causes.remove(&stream.id);
            }
            self.watched.remove(&position);
            self.liveness.release(position);
            let Some(tracked) = self.books.get_mut(&stream.id) else { continue };
            let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
            stream.book.discard(tracked);
            self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
            let state = tracked.state;
            if state != state_before {
                self.out.event(&stream.id, None, now, MarketEventKind::Book(BookUpdate::State { state }));
            }
        }
    }

    fn timeout(&mut self, now: Now) {
        let lost = self.pool.timeout(now, &mut self.out);
        self.lose(lost, now);
        let due: Vec<usize> =
            self.watched.iter().filter(|(_, at)| **at <= now.monotonic).map(|(position, _)| *position).collect();
        due.into_iter().for_each(|position| self.look_after(position, now));
        self.expire_requests(now);
        self.poll(now);
        let streams = &self.streams;
        let id = |position: usize| streams.get(position).map(|stream| &stream.id);
        if let Some(symbol) = self.liveness.look(id, now.monotonic, &mut self.out.health.silences) {
            self.requests.push(Task::new(Purpose::Probe { symbol }), now.monotonic);
        }
    }

    /// A symbol's time has come: its book contradicts itself by standing still, or something was asked for long enough ago.
    fn look_after(&mut self, position: usize, now: Now) {
        let stream = &mut self.streams[position];
        let is_refused_long = |refused_at: Monotonic| now.monotonic.saturating_since(refused_at) >= REFUSED_RETRY;
        let again: Vec<Channel> =
            stream.refused.iter().filter(|(_, at)| is_refused_long(**at)).map(|(channel, _)| *channel).collect();
        for channel in again {
            self.streams[position].refused.insert(channel, now.monotonic);
            self.send(position, Method::Subscribe, channel, now);
        }
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
        match stream.resubscription {
            Resubscription::None => {
                stream.book.on_timeout(tracked, now.monotonic);
            }
            Resubscription::Due(at) if at <= now.monotonic => {
                stream.pace.asked(now.monotonic);
                stream.resubscription = Resubscription::Asked(now.monotonic);
                stream.book.asked(tracked);
                self.send(position, Method::Unsubscribe, Channel::Book, now);
                self.send(position, Method::Subscribe, Channel::Book, now);
            }
            Resubscription::Asked(at) if now.monotonic.saturating_since(at) >= SNAPSHOT_PATIENCE => {
                stream.resubscription = Resubscription::None;
            }
            Resubscription::Due(_) | Resubscription::Asked(_) => {}
        }
        let Some(tracked) = self.books.get(&self.streams[position].id) else { return };
        self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
        // A book that was stopped here has no event of its own that says so.
        if tracked.state == BookState::Unverified && state_before != BookState::Unverified {
            let state = BookUpdate::State { state: tracked.state };
            self.out.event(&self.streams[position].id, None, now, MarketEventKind::Book(state));
        }
        self.after_book_change(position, state_before, now);
    }

    fn send(&mut self, position: usize, method: Method, channel: Channel, now: Now) {
        let Some(connection) = self.pool.carrier(position) else { return };
        let symbols = [(position, self.streams[position].id.symbol())];
        if let Some(message) = subscribe::message(method, channel, &symbols, &mut self.n_messages) {
            self.pool.enqueue(connection, message, now, &mut self.out);
        }
    }

    /// The venue has newer prints than the connection brought, although the subscription was acknowledged.
    pub(super) fn distrust(&mut self, position: usize, silent_for: Duration, now: Now) {
        let silent_ms = u64::try_from(silent_for.as_millis()).unwrap_or(u64::MAX);
        let cause = FeedCause::AcknowledgedSilent { silent_ms };
        let lost = self.pool.abandon(position, cause, now, &mut self.out);
        self.lose(lost, now);
    }

    fn subscribe(&mut self, connection: ConnectionId, now: Now) {
        let (streams, n_messages, liveness) = (&mut self.streams, &mut self.n_messages, &mut self.liveness);
        let mut asked = Vec::new();
        let messages = |members: &[usize]| {
            for position in members {
                if let Some(stream) = streams.get_mut(*position) {
                    // An acknowledgement that never comes must not be waited for without end.
                    stream.resubscription = Resubscription::Asked(now.monotonic);
                    // A snapshot comes with the subscription: the next one keeps its distance from it.
                    stream.pace.asked(now.monotonic);
                    liveness.expect(*position, now);
                    asked.push(*position);
                }
            }
            let symbol = |position: usize| streams.get(position).map(|stream| stream.id.symbol());
            subscribe::messages(members, symbol, n_messages)
        };
        self.pool.connected(connection, messages, now, &mut self.out);
        asked.into_iter().for_each(|position| self.watch(position));
    }

    fn send_requests(&mut self, now: Now) {
        let streams = &self.streams;
        let symbol = |position: &usize| streams.get(*position).map(|stream| stream.id.symbol());
        self.requests.send_due(now, &mut self.out, |purpose| {
            Some(match purpose {
                Purpose::Symbols => rest::asset_pairs(),
                Purpose::Probe { symbol: position } => rest::newest_trade(symbol(position)?),
                Purpose::History { symbol: position, interval, .. } => rest::bars(symbol(position)?, *interval),
                Purpose::Ticker { symbol: position } => rest::ticker(symbol(position)?),
                Purpose::Trades { symbol: position } => {
                    rest::trades(symbol(position)?, streams.get(*position)?.polled_to.as_deref())
                }
            })
        });
    }
}

impl Session for KrakenSession {
    fn venue(&self) -> &Venue {
        &self.venue
    }

    fn handle(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::Start => self.start(now),
            Input::Connected(connection) => self.subscribe(connection, now),
            Input::Frame(connection, text) => self.frame(connection, text, now),
            Input::Binary(connection, _) if self.pool.has(connection) => {
                self.out.frame(now);
                self.pool.alive(connection, now.monotonic);
                self.out.health.counters.unknown += 1;
            }
            // The deadline is judged by frames: the venue's heartbeats are frames.
            Input::Binary(..) | Input::Ping(_) => {}
            Input::Http(request, result) => self.answered(request, result, now),
            Input::Closed(connection, reason) => {
                let lost = self.pool.closed(connection, &reason, self.streams.len(), now, &mut self.out);
                self.lose(lost, now);
            }
            Input::HistoryRequest(wish) => self.wish(&wish, now),
            Input::Timeout => self.timeout(now),
        }
        self.pool.send_due(now, &mut self.out);
        self.send_requests(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.queue.pop_front()
    }

    fn deadline(&self) -> Option<Monotonic> {
        let watched_at = self.watched.values().min().copied();
        let polling_at = self.polling.deadline(self.pool.polling_from());
        let parts = [self.pool.deadline(), self.requests.deadline(), watched_at, polling_at, self.liveness.deadline()];
        parts.into_iter().flatten().min()
    }

    fn books(&self) -> &Books {
        &self.books
    }

    fn health(&self) -> &FeedHealth {
        &self.out.health
    }

    fn weight_per_minute(&self) -> u32 {
        REQUEST_RULES.weight_per_minute
    }

    fn instruments(&self) -> &[Arc<Instrument>] {
        &self.instruments
    }

    fn images(&self, depth: usize) -> Vec<SnapshotFrame> {
        let carried = self.streams.iter().enumerate().filter_map(|(position, stream)| {
            let frames = image::frames(stream.id.symbol(), &stream.book, self.books.get(&stream.id)?, depth)?;
            Some((self.pool.carrier(position)?, frames))
        });
        carried.flat_map(|(connection, frames)| frames.map(|frame| SnapshotFrame::Frame(connection, frame))).collect()
    }

    fn history_answer(&self, instrument: &InstrumentId, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
        image::bars(instrument.symbol(), interval, bars)
    }
}
