//! The venue's session: what it follows, what it wants, and when.
//!
//! Not here: what frames ([`super::route`]) and answers ([`super::answers`]) mean, fresh snapshots ([`super::resync`]),
//! products under another name ([`super::alias`]), connections ([`crate::kit::pool`]), pacing of requests ([`crate::kit::requests`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{
    candle::{Candle, Interval},
    event::{BookUpdate, HistoryRequest, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::{Books, TrackedBook},
    status::{FeedCause, FeedHealth},
    time::{Monotonic, Now},
};

use crate::{
    coinbase::{
        DEFAULT_WS_URL, NAME, alias, image,
        limits::{POLL_SPACING, POLLED_TRADES, REQUEST_RULES, SYMBOL_BYTES, SYMBOLS_FROM_FRAMES, pool_rules},
        purpose::Purpose,
        rest,
        sequence::Sequence,
        stream::{SnapshotWish, Stream, Supply},
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

/// Follows products on Coinbase Advanced Trade.
#[derive(Debug)]
pub struct CoinbaseSession {
    venue: Venue,
    /// Symbols come from frames: a recording.
    pub(super) is_open_ended: bool,
    is_started: bool,
    pub(super) streams: Vec<Stream>,
    /// What frames with a product's name are about: the product, and those that share its data.
    pub(super) by_label: BTreeMap<Arc<str>, Vec<usize>>,
    pub(super) books: Books,
    pub(super) pool: Pool,
    pub(super) links: BTreeMap<ConnectionId, LinkState>,
    pub(super) requests: Requests<Purpose>,
    pub(super) polling: PollSchedule,
    pub(super) liveness: Liveness,
    pub(super) out: Outputs,
    instruments: Vec<Arc<Instrument>>,
    /// Instruments that a recording describes before it names them.
    pub(super) directory: BTreeMap<InstrumentId, Arc<Instrument>>,
    /// Products whose book stands crossed.
    pub(super) crossed: BTreeSet<usize>,
}

/// What is known of a connection's frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkState {
    pub(super) sequence: Sequence,
    /// A frame could not be read; so many frames in a row, numbered without a hole, tell that nothing was missed.
    pub(super) n_to_trust: u8,
    /// After a refusal the products were asked for one by one.
    pub(super) is_split: bool,
}

impl CoinbaseSession {
    /// A session that has not begun; repeated symbols count once.
    pub fn new(config: &SessionConfig) -> Self {
        let mut config = config.clone();
        let unusable = config.symbols.take_unusable(is_product_name);
        let mut session = Self {
            venue: config.venue(NAME),
            is_open_ended: config.symbols == Symbols::FromFrames,
            is_started: false,
            streams: Vec::new(),
            by_label: BTreeMap::new(),
            books: Books::new(),
            pool: Pool::new(&config, pool_rules(config.ws_url.as_deref().unwrap_or(DEFAULT_WS_URL))),
            links: BTreeMap::new(),
            requests: Requests::new(REQUEST_RULES, config.symbols != Symbols::FromFrames),
            polling: PollSchedule::new(&config, POLL_SPACING),
            liveness: Liveness::default(),
            out: Outputs::default(),
            instruments: Vec::new(),
            directory: BTreeMap::new(),
            crossed: BTreeSet::new(),
        };
        if let Symbols::Listed(symbols) = &config.symbols {
            for symbol in symbols {
                let may_share =
                    alias::presumed_label(symbol).is_some_and(|label| symbols.iter().any(|own| own == label));
                session.follow(symbol, if may_share { Supply::Undecided } else { Supply::Own });
            }
        }
        for symbol in unusable {
            session.out.symbol_unknown(&InstrumentId::new(&session.venue, &symbol), false);
        }
        session
    }

    fn follow(&mut self, symbol: &str, supply: Supply) {
        let (id, position) = (InstrumentId::new(&self.venue, symbol), self.streams.len());
        self.by_label.entry(symbol.into()).or_default().push(position);
        self.books.insert(id.clone(), TrackedBook::default());
        self.streams.push(Stream::new(id, supply));
        self.liveness.resize(self.streams.len());
    }

    /// Position of a product that is followed under this name.
    pub(super) fn followed(&self, symbol: &str) -> Option<usize> {
        let positions = self.by_label.get(symbol)?;
        positions.iter().copied().find(|position| self.streams[*position].id.symbol() == symbol)
    }

    fn start(&mut self, now: Now) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        for symbol in 0..self.streams.len() {
            self.requests.push(Task::new(Purpose::Product { symbol }), now.monotonic);
        }
        if self.is_open_ended {
            self.requests.push(Task::new(Purpose::Products), now.monotonic);
        }
        self.pool.start(now, &mut self.out);
    }

    /// Positions of the products that a frame's label stands for; in a recording a new one is followed from now on.
    pub(super) fn named(&mut self, label: &str, now: Now) -> Vec<usize> {
        if let Some(positions) = self.by_label.get(label) {
            return positions.iter().copied().filter(|position| !self.streams[*position].is_unknown).collect();
        }
        if !self.is_open_ended {
            let Some(position) = self.presumed_alias(label) else { return Vec::new() };
            self.label(position, label);
            return vec![position];
        }
        if label.is_empty() || label.len() > SYMBOL_BYTES || self.streams.len() >= SYMBOLS_FROM_FRAMES {
            return Vec::new();
        }
        let position = self.streams.len();
        self.follow(label, Supply::Own);
        match self.directory.get(&self.streams[position].id).cloned() {
            Some(instrument) => self.learn(position, instrument, now),
            // A later description in the recording may know it.
            None => self.requests.push(Task::new(Purpose::Product { symbol: position }), now.monotonic),
        }
        vec![position]
    }

    /// Takes in what the venue says about an instrument.
    pub(super) fn learn(&mut self, position: usize, instrument: Arc<Instrument>, now: Now) {
        let stream = &mut self.streams[position];
        if instrument.id != stream.id || stream.instrument.as_ref() == Some(&instrument) {
            return;
        }
        stream.instrument = Some(instrument.clone());
        self.out.event(&stream.id, None, now, MarketEventKind::Instrument(instrument));
        self.instruments = self.streams.iter().filter_map(|stream| stream.instrument.clone()).collect();
    }

    fn wish(&mut self, wish: &HistoryRequest, now: Now) {
        let is_ours = wish.instrument.venue() == &self.venue;
        let Some(symbol) = self.followed(wish.instrument.symbol()).filter(|_| is_ours) else { return };
        // Bars of seconds are not to be had: the view builds them from prints.
        let Some((from, until)) = rest::span(wish.interval, wish.n_bars, now.wall) else { return };
        if !self.streams[symbol].is_unknown {
            let purpose = Purpose::History { symbol, interval: wish.interval, from, until };
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    fn connected(&mut self, connection: ConnectionId, now: Now) {
        if !self.pool.has(connection) {
            return;
        }
        let mut subscribed = Vec::new();
        let streams = &self.streams;
        let messages = |members: &[usize]| {
            subscribed = members.iter().copied().filter(|position| streams[*position].is_subscribed()).collect();
            let products: Vec<(usize, &str)> =
                subscribed.iter().map(|position| (*position, streams[*position].id.symbol())).collect();
            subscribe::heartbeats().into_iter().chain(subscribe::everything(&products)).collect()
        };
        self.pool.connected(connection, messages, now, &mut self.out);
        subscribed.into_iter().for_each(|position| self.await_data(position, now));
    }

    /// The connection of a product looks alive but is not: another one is opened.
    pub(super) fn abandon(&mut self, position: usize, cause: FeedCause, now: Now) {
        let carrier = match self.streams[position].supply {
            Supply::SharedWith(lead) => lead,
            Supply::Own | Supply::Undecided => position,
        };
        let lost = self.pool.abandon(carrier, cause, now, &mut self.out);
        self.lose(lost, now);
    }

    /// Books whose connection is gone are worth nothing, and what shares their data neither.
    fn lose(&mut self, lost: Vec<usize>, now: Now) {
        if lost.is_empty() {
            return;
        }
        self.links.retain(|connection, _| self.pool.has(*connection));
        for position in 0..self.streams.len() {
            let stream = &mut self.streams[position];
            let is_lost = match stream.supply {
                Supply::SharedWith(lead) => lost.contains(&lead),
                Supply::Own | Supply::Undecided => lost.contains(&position),
            };
            if !is_lost {
                continue;
            }
            stream.snapshot = SnapshotWish::None;
            stream.has_data = false;
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
        self.excuse_snapshots(now);
        let lost = self.pool.timeout(now, &mut self.out);
        self.lose(lost, now);
        self.look_after_books(now);
        self.expire_requests(now);
        self.poll(now);
        let streams = &self.streams;
        let id = |position: usize| streams.get(position).map(|stream| &stream.id);
        if let Some(symbol) = self.liveness.look(id, now.monotonic, &mut self.out.health.silences) {
            self.requests.push(Task::new(Purpose::Probe { symbol }), now.monotonic);
        }
    }

    /// The name that frames about a product carry: its own, or the one it is an alias of.
    fn label_of(&self, position: usize) -> &str {
        let own = self.streams[position].id.symbol();
        let labels = self.by_label.iter().filter(|(_, positions)| positions.contains(&position));
        labels.map(|(label, _)| label.as_ref()).find(|label| *label != own).unwrap_or(own)
    }

    fn send_requests(&mut self, now: Now) {
        let streams = &self.streams;
        let symbol = |position: &usize| streams.get(*position).map(|stream| stream.id.symbol());
        self.requests.send_due(now, &mut self.out, |purpose| {
            Some(match purpose {
                Purpose::Products => rest::products(),
                Purpose::Product { symbol: position } | Purpose::Day { symbol: position } => {
                    rest::product(symbol(position)?)
                }
                Purpose::Probe { symbol: position } => rest::trades(symbol(position)?, 1),
                Purpose::Trades { symbol: position } => rest::trades(symbol(position)?, POLLED_TRADES),
                Purpose::BestPrices { symbol: position } => rest::best_prices(symbol(position)?),
                Purpose::History { symbol: position, interval, from, until } => {
                    rest::candles(symbol(position)?, *interval, *from, *until)?
                }
            })
        });
    }
}

impl Session for CoinbaseSession {
    fn venue(&self) -> &Venue {
        &self.venue
    }

    fn handle(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::Start => self.start(now),
            Input::Connected(connection) => self.connected(connection, now),
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
        self.ask_snapshots(now);
        self.pool.send_due(now, &mut self.out);
        self.send_requests(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.queue.pop_front()
    }

    fn deadline(&self) -> Option<Monotonic> {
        let polling_at = self.polling.deadline(self.pool.polling_from());
        let parts = [
            self.pool.deadline(),
            self.requests.deadline(),
            self.books_deadline(),
            polling_at,
            self.liveness.deadline(),
        ];
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
        let subscribed = || (0..self.streams.len()).filter(|position| self.streams[*position].is_subscribed());
        let of_connection = |(connection, link): (&ConnectionId, &LinkState)| {
            let carried = subscribed().filter(|position| self.pool.carrier(*position) == Some(*connection));
            let books: Vec<image::Event<'_>> = carried
                .filter_map(|position| {
                    let tracked = self.books.get(&self.streams[position].id)?;
                    image::event(self.label_of(position), tracked, depth)
                })
                .collect();
            image::frame(&books, link.sequence.last()?).map(|frame| SnapshotFrame::Frame(*connection, frame))
        };
        self.links.iter().filter_map(of_connection).collect()
    }

    fn history_answer(&self, instrument: &InstrumentId, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
        image::bars(instrument.symbol(), interval, bars)
    }
}

/// Names stand in paths of REST: nothing but letters, digits and plain signs.
fn is_product_name(symbol: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !symbol.is_empty() && symbol.len() <= SYMBOL_BYTES && symbol.bytes().all(is_plain) && !symbol.starts_with('.')
}
