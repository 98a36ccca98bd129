//! The venue's session: what it follows, what it wants, and when.
//!
//! Not here: what frames ([`super::route`]) and answers ([`super::answers`]) mean, connections ([`crate::kit::pool`]), pacing of
//! requests ([`crate::kit::requests`]), the book procedure ([`super::book`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    candle::{Candle, Interval},
    event::{BookUpdate, HistoryRequest, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::{BookState, Books, TrackedBook},
    status::{FeedCause, FeedHealth},
    time::{Monotonic, Now},
};

use crate::{
    binance::{
        DEFAULT_WS_URL, NAME, image,
        limits::{
            CROSSED_TOLERANCE, POLL_SPACING, REQUEST_RULES, SYMBOL_BYTES, SYMBOLS_FROM_FRAMES, SYMBOLS_PER_REQUEST,
            pool_rules,
        },
        purpose::Purpose,
        rest,
        stream::Stream,
        subscribe,
    },
    kit::{
        liveness::Liveness,
        outputs::Outputs,
        poll_schedule::PollSchedule,
        pool::Pool,
        requests::{Requests, Task},
    },
    session::{ConnectionId, Input, Output, Session, SessionConfig, SnapshotFrame, Symbols},
};

/// Follows symbols on Binance spot.
#[derive(Debug)]
pub struct BinanceSession {
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
    /// Symbols whose book stands crossed.
    crossed: BTreeSet<usize>,
}

impl BinanceSession {
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
            crossed: BTreeSet::new(),
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
        let positions: Vec<usize> = (0..self.streams.len()).collect();
        for symbols in positions.chunks(SYMBOLS_PER_REQUEST) {
            self.requests.push(Task::new(Purpose::Symbols(symbols.to_vec())), now.monotonic);
        }
        if self.is_open_ended {
            self.requests.push(Task::new(Purpose::Symbols(Vec::new())), now.monotonic);
        }
        self.pool.start(now, &mut self.out);
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
            None if !self.requests.has(|purpose| matches!(purpose, Purpose::Symbols(_))) => {
                self.requests.push(Task::new(Purpose::Symbols(Vec::new())), now.monotonic);
            }
            None => {}
        }
        Some(position)
    }

    /// Takes in what the venue says about an instrument.
    pub(super) fn learn(&mut self, position: usize, instrument: Arc<Instrument>, now: Now) {
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
        self.liveness.release(position);
        self.pool.drop_symbol(position, &mut self.out);
        let is_last = self.streams.iter().all(|stream| stream.is_unknown);
        self.out.symbol_unknown(&self.streams[position].id, is_last);
    }

    /// Says a new state, keeps the watch over crossed books, asks for a snapshot where one is needed.
    pub(super) fn after_book_change(&mut self, position: usize, state_before: BookState, now: Now) {
        let stream = &self.streams[position];
        let Some(tracked) = self.books.get(&stream.id) else { return };
        let state = tracked.state;
        // A snapshot's event has said it already.
        if state != state_before && state != BookState::Live {
            self.out.event(&stream.id, None, now, MarketEventKind::Book(BookUpdate::State { state }));
        }
        if stream.book.crossed_since().is_some() {
            self.crossed.insert(position);
        } else if !self.crossed.is_empty() {
            self.crossed.remove(&position);
        }
        if stream.book.needs_snapshot() {
            self.want_snapshot(position, now);
        }
    }

    /// Queues a snapshot, unless one is coming or the book is whole.
    pub(super) fn want_snapshot(&mut self, position: usize, now: Now) {
        let stream = &mut self.streams[position];
        if stream.is_snapshot_coming || stream.is_unknown || !stream.book.needs_snapshot() {
            return;
        }
        stream.is_snapshot_coming = true;
        let purpose = Purpose::Snapshot { symbol: position, epoch: stream.epoch };
        self.requests.push(Task::new(purpose), stream.pace.earliest(now.monotonic));
    }

    fn wish(&mut self, wish: &HistoryRequest, now: Now) {
        let is_ours = wish.instrument.venue() == &self.venue;
        let Some(position) = self.followed(wish.instrument.symbol()).filter(|_| is_ours) else { return };
        if !self.streams[position].is_unknown {
            let purpose = Purpose::History { symbol: position, interval: wish.interval, n_bars: wish.n_bars };
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    /// Books whose connection is gone are worth nothing, and so are snapshots asked for on its behalf.
    fn lose(&mut self, lost: Vec<usize>, now: Now) {
        for position in lost {
            let stream = &mut self.streams[position];
            stream.epoch = stream.epoch.wrapping_add(1);
            stream.is_snapshot_coming = false;
            self.crossed.remove(&position);
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
        for position in self.crossed.clone() {
            let stream = &mut self.streams[position];
            let Some(tracked) = self.books.get_mut(&stream.id) else { continue };
            let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
            if stream.book.on_timeout(tracked, now.monotonic) {
                self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
                self.after_book_change(position, state_before, now);
            }
        }
        self.expire_requests(now);
        self.poll(now);
        let streams = &self.streams;
        let id = |position: usize| streams.get(position).map(|stream| &stream.id);
        if let Some(symbol) = self.liveness.look(id, now.monotonic, &mut self.out.health.silences) {
            self.requests.push(Task::new(Purpose::Probe { symbol }), now.monotonic);
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
        let (streams, n_messages) = (&self.streams, &mut self.n_messages);
        let symbol = |position: usize| streams.get(position).map(|stream| stream.id.symbol());
        let messages = |members: &[usize]| subscribe::messages(members, symbol, n_messages);
        self.pool.connected(connection, messages, now, &mut self.out);
    }

    fn send_requests(&mut self, now: Now) {
        let streams = &self.streams;
        let symbol = |position: &usize| streams.get(*position).map(|stream| stream.id.symbol());
        let sent = self.requests.send_due(now, &mut self.out, |purpose| {
            Some(match purpose {
                Purpose::Snapshot { symbol: position, epoch } => {
                    streams.get(*position).filter(|stream| stream.epoch == *epoch && !stream.is_unknown)?;
                    rest::depth(symbol(position)?)
                }
                Purpose::Symbols(positions) => {
                    rest::exchange_info(&positions.iter().filter_map(symbol).collect::<Vec<_>>())
                }
                Purpose::History { symbol: position, interval, n_bars } => {
                    rest::klines(symbol(position)?, *interval, *n_bars)
                }
                Purpose::DayTicker { symbol: position } => rest::day_ticker(symbol(position)?),
                Purpose::Trades { symbol: position } => rest::trades(symbol(position)?),
                Purpose::AggTrades { symbol: position } => rest::agg_trades(symbol(position)?),
                Purpose::Probe { symbol: position } => rest::newest_agg_trade(symbol(position)?),
            })
        });
        for purpose in sent {
            let Purpose::Snapshot { symbol: position, .. } = purpose else { continue };
            let stream = &mut self.streams[position];
            stream.pace.asked(now.monotonic);
            let Some(tracked) = self.books.get_mut(&stream.id) else { continue };
            let state_before = tracked.state;
            stream.book.asked(tracked);
            self.after_book_change(position, state_before, now);
        }
    }
}

impl Session for BinanceSession {
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
                self.out.health.counters.unknown += 1;
            }
            // Pings prove that the transport lives, not that data would come.
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
        let crossed = self.crossed.iter().filter_map(|position| self.streams[*position].book.crossed_since());
        let crossed_at = crossed.min().map(|since| since + CROSSED_TOLERANCE + Duration::from_millis(1));
        let polling_at = self.polling.deadline(self.pool.polling_from());
        let parts = [self.pool.deadline(), self.requests.deadline(), crossed_at, polling_at, self.liveness.deadline()];
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
        self.books.iter().filter_map(|(id, tracked)| image::image(id.symbol(), tracked, depth)).collect()
    }

    fn history_answer(&self, instrument: &InstrumentId, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
        image::bars(instrument.symbol(), interval, bars)
    }
}
