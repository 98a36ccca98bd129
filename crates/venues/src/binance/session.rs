//! The venue's session: routes what comes in to books, ids and connections, and says what comes out.
//!
//! Not here: connections ([`super::pool`]), pacing of requests ([`super::requests`]), what answers mean
//! ([`super::answers`]), the book procedure ([`super::book`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    event::{BookUpdate, CandleUpdate, HistoryWish, MarketEventKind, Quote, Trade, TradeId},
    instrument::{Instrument, InstrumentId, Venue},
    proof::{BookState, Books, TrackedBook},
    status::{FeedCause, FeedHealth},
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    binance::{
        DEFAULT_WS_URL, NAME,
        book::{Diff, DiffOutcome},
        frame::{self, BinanceFrame},
        limits::{CROSSED_TOLERANCE, FRAME_BYTES, SYMBOL_BYTES, SYMBOLS_FROM_FRAMES, SYMBOLS_PER_REQUEST},
        message::{BinanceDepth, BinanceDepthUpdate, BinanceKline, BinanceTicker, aggressor_side},
        output::Out,
        polling::Polling,
        pool::Pool,
        requests::{Purpose, Requests, Task},
        rest,
        stream::{Novelty, Stream},
    },
    session::{ConnectionId, Input, Output, Session, SessionConfig, Symbols},
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
    pub(super) requests: Requests,
    pub(super) polling: Polling,
    pub(super) out: Out,
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
        if let Symbols::Listed(symbols) = &mut config.symbols {
            let mut seen = BTreeSet::new();
            symbols.retain(|symbol| !symbol.is_empty() && symbol.len() <= SYMBOL_BYTES && seen.insert(symbol.clone()));
        }
        let mut session = Self {
            venue: Venue::new(NAME),
            is_open_ended: config.symbols == Symbols::FromFrames,
            is_started: false,
            streams: Vec::new(),
            by_symbol: BTreeMap::new(),
            books: Books::new(),
            pool: Pool::new(&config, DEFAULT_WS_URL),
            requests: if config.symbols == Symbols::FromFrames { Requests::unlimited() } else { Requests::new() },
            polling: Polling::default(),
            out: Out::default(),
            instruments: Vec::new(),
            directory: BTreeMap::new(),
            crossed: BTreeSet::new(),
        };
        if let Symbols::Listed(symbols) = &config.symbols {
            symbols.iter().for_each(|symbol| session.follow(symbol));
        }
        session
    }

    fn follow(&mut self, symbol: &str) {
        let id = InstrumentId::new(&self.venue, symbol);
        self.by_symbol.insert(symbol.into(), self.streams.len());
        self.books.insert(id.clone(), TrackedBook::default());
        self.streams.push(Stream::new(id));
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
    fn named(&mut self, symbol: &str, now: Now) -> Option<usize> {
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
        let cause = FeedCause::UnknownSymbol { symbol: stream.id.symbol().to_owned() };
        self.out.health.instrument_causes.insert(stream.id.clone(), cause.clone());
        self.pool.drop_symbol(position, &mut self.out);
        if self.streams.iter().all(|stream| stream.is_unknown) {
            self.out.set_symbol_cause(cause);
        }
    }

    fn frame(&mut self, connection: ConnectionId, text: &str, now: Now) {
        if !self.pool.has(connection) {
            return;
        }
        self.out.health.counters.frames += 1;
        let frame = if text.len() <= FRAME_BYTES { frame::parse(text).ok() } else { None };
        match frame {
            Some(frame) => self.route(connection, frame, now),
            None => self.out.health.counters.malformed += 1,
        }
    }

    fn route(&mut self, connection: ConnectionId, frame: BinanceFrame<'_>, now: Now) {
        match frame {
            BinanceFrame::Trade(trade) => {
                let Some(position) = self.data(connection, &trade.symbol, now) else { return };
                let stream = &mut self.streams[position];
                stream.has_single_prints = true;
                let novelty = stream.trade_ids.see(trade.trade_id, trade.trade_id);
                let print = Trade {
                    id: TradeId::Sequence(trade.trade_id),
                    price: trade.price,
                    size: trade.quantity,
                    aggressor_side: aggressor_side(trade.is_buyer_maker),
                };
                self.print(position, novelty, print, trade.trade_time.0, now);
            }
            BinanceFrame::AggTrade(trade) => {
                let Some(position) = self.data(connection, &trade.symbol, now) else { return };
                let stream = &mut self.streams[position];
                // Where single prints are followed these would count twice.
                if !self.is_open_ended || stream.has_single_prints {
                    return;
                }
                let novelty = stream.aggregate_ids.see(trade.aggregate_id, trade.aggregate_id);
                let print = Trade {
                    id: TradeId::Sequence(trade.aggregate_id),
                    price: trade.price,
                    size: trade.quantity,
                    aggressor_side: aggressor_side(trade.is_buyer_maker),
                };
                self.print(position, novelty, print, trade.trade_time.0, now);
            }
            BinanceFrame::BookTicker(ticker) => {
                let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
                self.quote(position, connection, ticker.update_id, ticker.quote(), now);
            }
            BinanceFrame::DepthUpdate(update) if update.first_update_id > update.final_update_id => {
                self.out.health.counters.malformed += 1;
            }
            BinanceFrame::DepthUpdate(update) => {
                let Some(position) = self.data(connection, &update.symbol, now) else { return };
                self.depth(position, update, now);
            }
            BinanceFrame::PartialDepth { stream, depth } => {
                let symbol = stream.split('@').next().unwrap_or_default().to_uppercase();
                let Some(position) = self.data(connection, &symbol, now) else { return };
                self.best_levels(position, &depth, now);
            }
            BinanceFrame::Kline(kline) => {
                let Some(position) = self.data(connection, &kline.symbol, now) else { return };
                self.candle(position, connection, &kline, now);
            }
            BinanceFrame::MiniTicker(ticker) => self.day(connection, &ticker, DaySource::MiniTicker, now),
            BinanceFrame::Ticker(ticker) => self.day(connection, &ticker, DaySource::Ticker, now),
            BinanceFrame::MiniTickers(tickers) => {
                tickers.iter().for_each(|ticker| self.day(connection, ticker, DaySource::MiniTicker, now));
            }
            BinanceFrame::Tickers(tickers) => {
                tickers.iter().for_each(|ticker| self.day(connection, ticker, DaySource::Ticker, now));
            }
            BinanceFrame::Accepted { id: Some(request) } => {
                for position in self.pool.accepted(connection, request, now, &mut self.out) {
                    // From here on changes come, so a snapshot asked for now joins them.
                    self.want_snapshot(position, now);
                }
            }
            BinanceFrame::Accepted { id: None } => {}
            BinanceFrame::Refused { id, detail } => {
                let cause = FeedCause::Refused { detail };
                for position in self.pool.refused(connection, id, now.monotonic) {
                    let id = self.streams[position].id.clone();
                    self.out.health.instrument_causes.insert(id, cause.clone());
                }
            }
            BinanceFrame::ServerShutdown => self.pool.leaving(connection, now, &mut self.out),
            BinanceFrame::Unknown => self.out.health.counters.unknown += 1,
        }
    }

    /// Notes that a connection delivers; returns the position of the symbol.
    fn data(&mut self, connection: ConnectionId, symbol: &str, now: Now) -> Option<usize> {
        let position = self.named(symbol, now).filter(|position| !self.streams[*position].is_unknown);
        self.pool.data(connection, position, now, &mut self.out);
        if let Some(position) = position
            && !self.out.health.instrument_causes.is_empty()
        {
            self.out.health.instrument_causes.remove(&self.streams[position].id);
        }
        position
    }

    fn print(&mut self, position: usize, novelty: Novelty, print: Trade, trade_time: Timestamp, now: Now) {
        let counters = &mut self.out.health.counters;
        match novelty {
            Novelty::Seen => {
                counters.duplicates += 1;
                return;
            }
            Novelty::Late => counters.out_of_order += 1,
            Novelty::New { is_gap } => counters.gaps += u64::from(is_gap),
        }
        self.out.event(&self.streams[position].id, Some(trade_time), now, MarketEventKind::Trade(print));
    }

    fn quote(&mut self, position: usize, connection: ConnectionId, update_id: u64, quote: Quote, now: Now) {
        let stream = &mut self.streams[position];
        match stream.quote_ids.see(update_id, connection) {
            Novelty::New { .. } => {
                stream.book.on_quote(update_id, quote);
                self.out.event(&stream.id, None, now, MarketEventKind::Quote(quote));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn depth(&mut self, position: usize, update: BinanceDepthUpdate<'_>, now: Now) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let (state_before, counters_before) = (tracked.state, tracked.counters);
        let event_time = update.event_time.0;
        let diff = Diff {
            first_id: update.first_update_id,
            final_id: update.final_update_id,
            event_time,
            bids: update.bids,
            asks: update.asks,
        };
        let outcome = stream.book.on_diff(tracked, diff, now);
        let counters = &mut self.out.health.counters;
        counters.gaps += tracked.counters.gaps - counters_before.gaps;
        counters.resyncs += tracked.counters.resyncs - counters_before.resyncs;
        let state = tracked.state;
        match outcome {
            DiffOutcome::Applied { bids, asks } => {
                let update = BookUpdate::Delta { state, bids, asks };
                self.out.event(&stream.id, Some(event_time), now, MarketEventKind::Book(update));
            }
            DiffOutcome::Duplicate => counters.duplicates += 1,
            DiffOutcome::Buffered | DiffOutcome::Stale | DiffOutcome::Gap | DiffOutcome::Contradiction => {}
        }
        self.after_book_change(position, state_before, now);
    }

    fn best_levels(&mut self, position: usize, depth: &BinanceDepth, now: Now) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        if stream.book.on_best_levels(tracked, depth.last_update_id, (&depth.bids, &depth.asks), now) {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&stream.id, None, now, MarketEventKind::Book(update));
        }
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

    fn candle(&mut self, position: usize, connection: ConnectionId, kline: &BinanceKline<'_>, now: Now) {
        let Some((interval, candle, is_closed)) = kline.candle() else { return };
        let stream = &mut self.streams[position];
        let time = kline.event_time.0;
        match stream.bar_times.entry(interval).or_default().see_time(time, connection) {
            Novelty::New { .. } => {
                let update = CandleUpdate { interval, candle, is_closed };
                self.out.event(&stream.id, Some(time), now, MarketEventKind::Candle(update));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn day(&mut self, connection: ConnectionId, ticker: &BinanceTicker<'_>, source: DaySource, now: Now) {
        let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
        let stream = &mut self.streams[position];
        let times = match source {
            DaySource::MiniTicker => &mut stream.day_times,
            DaySource::Ticker => &mut stream.ticker_times,
        };
        let time = ticker.event_time.0;
        match times.see_time(time, connection) {
            Novelty::New { .. } => {
                self.out.event(&stream.id, Some(time), now, MarketEventKind::Day(ticker.day()));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn wish(&mut self, wish: &HistoryWish, now: Now) {
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
            Input::Connected(connection) => self.pool.connected(connection, now, &mut self.out),
            Input::Frame(connection, text) => self.frame(connection, text, now),
            Input::Binary(connection, _) if self.pool.has(connection) => {
                self.out.health.counters.frames += 1;
                self.out.health.counters.unknown += 1;
            }
            // Pings prove that the transport lives, not that data would come.
            Input::Binary(..) | Input::Ping(_) => {}
            Input::Http(request, result) => self.answered(request, result, now),
            Input::Closed(connection, reason) => {
                let is_ours = self.pool.has(connection);
                let lost = self.pool.closed(connection, &reason, now, &mut self.out);
                let all = (0..self.streams.len()).collect();
                self.lose(if self.is_open_ended && is_ours { all } else { lost }, now);
            }
            Input::Wish(wish) => self.wish(&wish, now),
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
        let parts = [self.pool.deadline(), self.requests.deadline(), crossed_at, self.polling_deadline()];
        parts.into_iter().flatten().min()
    }

    fn books(&self) -> &Books {
        &self.books
    }

    fn health(&self) -> &FeedHealth {
        &self.out.health
    }

    fn instruments(&self) -> &[Arc<Instrument>] {
        &self.instruments
    }
}

/// Which stream figures of 24 hours come from; each has times of its own.
#[derive(Clone, Copy)]
enum DaySource {
    MiniTicker,
    Ticker,
}
