//! The venue's session: what it follows, what it wants, and when.
//!
//! Not here: what frames ([`super::route`]) and answers ([`super::answers`]) mean, the connection ([`crate::kit::pool`]).

use std::{collections::BTreeMap, sync::Arc};

use model::{
    event::{HistoryRequest, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::Books,
    status::FeedHealth,
    time::{Monotonic, Now, Timestamp},
};
use serde::Serialize;

use crate::{
    finnhub::{
        DEFAULT_WS_URL, NAME,
        limits::{POLL_SPACING, REQUEST_RULES, SYMBOL_BYTES, SYMBOLS_FROM_FRAMES, pool_rules},
        purpose::Purpose,
        rest,
        ticks::Ticks,
    },
    kit::{
        connection::Subscription,
        liveness::Liveness,
        outputs::Outputs,
        poll_schedule::{PollSchedule, PollTurn},
        pool::Pool,
        requests::{Requests, Task},
    },
    session::{ConnectionId, Input, Output, Session, SessionConfig, Symbols},
};

/// Follows symbols on Finnhub.
#[derive(Debug)]
pub struct FinnhubSession {
    venue: Venue,
    /// Symbols come from frames: a recording.
    is_open_ended: bool,
    is_started: bool,
    pub(super) streams: Vec<Stream>,
    by_symbol: BTreeMap<Arc<str>, usize>,
    /// The venue has none.
    books: Books,
    pub(super) pool: Pool,
    pub(super) requests: Requests<Purpose>,
    pub(super) rounds: PollSchedule,
    pub(super) liveness: Liveness,
    pub(super) out: Outputs,
    instruments: Vec<Arc<Instrument>>,
}

/// One symbol.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: InstrumentId,
    pub(super) ticks: Ticks,
    pub(super) instrument: Option<Arc<Instrument>>,
    pub(super) is_unknown: bool,
    /// Millisecond of the last print, and how many prints it had: ids are made of both, as the venue has none.
    pub(super) last_print: (i64, u32),
    /// The newest print's time and, of prices without a print, the newest.
    pub(super) newest: Timestamp,
    pub(super) day: Option<model::event::DayStatistics>,
}

impl FinnhubSession {
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
            rounds: PollSchedule::new(&config, POLL_SPACING),
            liveness: Liveness::default(),
            out: Outputs::default(),
            instruments: Vec::new(),
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
        self.by_symbol.insert(symbol.into(), self.streams.len());
        self.streams.push(Stream {
            id: InstrumentId::new(&self.venue, symbol),
            ticks: Ticks::default(),
            instrument: None,
            is_unknown: false,
            last_print: (i64::MIN, 0),
            newest: Timestamp::EPOCH,
            day: None,
        });
        self.liveness.resize(self.streams.len());
    }

    /// Position of a symbol that a frame names; in a recording it is followed from now on. `None` where it is not ours.
    pub(super) fn named(&mut self, symbol: &str) -> Option<usize> {
        if let Some(position) = self.by_symbol.get(symbol) {
            return Some(*position);
        }
        let is_usable = !symbol.is_empty() && symbol.len() <= SYMBOL_BYTES;
        if !self.is_open_ended || !is_usable || self.streams.len() >= SYMBOLS_FROM_FRAMES {
            return None;
        }
        self.follow(symbol);
        Some(self.streams.len() - 1)
    }

    /// Says what is known of an instrument now.
    pub(super) fn describe(&mut self, position: usize, now: Now) {
        let stream = &mut self.streams[position];
        let Some(instrument) = stream.ticks.instrument(&stream.id) else { return };
        stream.instrument = Some(instrument.clone());
        self.out.event(&stream.id, None, now, MarketEventKind::Instrument(instrument));
        self.instruments = self.streams.iter().filter_map(|stream| stream.instrument.clone()).collect();
    }

    /// The venue does not know a symbol: nothing more is asked for it.
    pub(super) fn mark_unknown(&mut self, position: usize) {
        self.streams[position].is_unknown = true;
        self.liveness.release(position);
        self.pool.drop_symbol(position, &mut self.out);
        let is_last = self.streams.iter().all(|stream| stream.is_unknown);
        self.out.symbol_unknown(&self.streams[position].id, is_last);
    }

    fn start(&mut self, now: Now) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        if !self.is_open_ended {
            self.ask_for_quotes(now);
        }
        self.pool.start(now, &mut self.out);
    }

    fn ask_for_quotes(&mut self, now: Now) {
        for symbol in (0..self.streams.len()).filter(|position| !self.streams[*position].is_unknown) {
            self.requests.push(Task::new(Purpose::Quote { symbol }), now.monotonic);
        }
    }

    /// One symbol a message; no answer comes.
    fn subscribe(&mut self, connection: ConnectionId, now: Now) {
        #[derive(Serialize)]
        struct Subscribe<'a> {
            r#type: &'static str,
            symbol: &'a str,
        }
        let (streams, liveness) = (&self.streams, &mut self.liveness);
        let message = |position: usize| {
            let subscribe = Subscribe { r#type: "subscribe", symbol: streams.get(position)?.id.symbol() };
            let text = serde_json::to_string(&subscribe).ok()?;
            Some(Subscription { symbols: vec![position], request: None, text })
        };
        let messages = |members: &[usize]| {
            members.iter().for_each(|position| liveness.expect(*position, now));
            members.iter().filter_map(|position| message(*position)).collect()
        };
        self.pool.connected(connection, messages, now, &mut self.out);
    }

    fn wish(&mut self, wish: &HistoryRequest, now: Now) {
        let is_ours = wish.instrument.venue() == &self.venue;
        let Some(position) = self.by_symbol.get(wish.instrument.symbol()).copied().filter(|_| is_ours) else { return };
        if !self.streams[position].is_unknown {
            let purpose = Purpose::History { symbol: position, interval: wish.interval, n_bars: wish.n_bars };
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    fn timeout(&mut self, now: Now) {
        for position in self.pool.timeout(now, &mut self.out) {
            self.liveness.release(position);
        }
        self.expire_requests(now);
        match self.rounds.turn(self.pool.polling_from(), now.monotonic) {
            PollTurn::NotDue => {}
            PollTurn::Ended => self.out.set_polling(false),
            PollTurn::Due => self.ask_for_quotes(now),
        }
        let streams = &self.streams;
        let id = |position: usize| streams.get(position).map(|stream| &stream.id);
        if let Some(symbol) = self.liveness.look(id, now.monotonic, &mut self.out.health.silences) {
            self.requests.push(Task::new(Purpose::Probe { symbol }), now.monotonic);
        }
    }

    fn send_requests(&mut self, now: Now) {
        let streams = &self.streams;
        let symbol = |position: &usize| streams.get(*position).map(|stream| stream.id.symbol());
        self.requests.send_due(now, &mut self.out, |purpose| match purpose {
            Purpose::Quote { symbol: position } | Purpose::Probe { symbol: position } => {
                Some(rest::quote(symbol(position)?))
            }
            Purpose::History { symbol: position, interval, n_bars } => {
                rest::candles(symbol(position)?, *interval, *n_bars, now.wall)
            }
        });
    }
}

impl Session for FinnhubSession {
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
            Input::Binary(..) | Input::Ping(_) => {}
            Input::Http(request, result) => self.answered(request, result, now),
            Input::Closed(connection, reason) => {
                for position in self.pool.closed(connection, &reason, self.streams.len(), now, &mut self.out) {
                    self.liveness.release(position);
                }
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
        let polling_at = self.rounds.deadline(self.pool.polling_from());
        let parts = [self.pool.deadline(), self.requests.deadline(), polling_at, self.liveness.deadline()];
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
}
