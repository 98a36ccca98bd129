//! The session of a venue: subscriptions and requests, and their timing. Written once; a [`Protocol`] adds the venue.
//!
//! [`changes`]: symbols that come and go; [`interest`]: books that are looked at; [`polled`]: REST instead of connections; [`revival`]: dead subscriptions. Not here: frames and answers (the venues), connections, pacing of requests.

mod changes;
mod interest;
pub(crate) mod polled;
mod quiet;
mod revival;

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
    status::{FeedCause, FeedHealth, FeedMode},
    time::{Monotonic, Now, Timestamp},
};

use self::polled::PolledBooks;
use crate::{
    kit::{
        liveness::Liveness,
        outputs::Outputs,
        poll_schedule::{PollSchedule, PollTurn},
        pool::{LostSymbols, Pool},
        protocol::{CROSSED_TOLERANCE, Protocol, RefusalEnd, SignOfLife, Symbol, SymbolState, is_usable_symbol},
        requests::{Purpose, RequestOutcome, Requests, Task},
    },
    session::{
        CloseReason, ConnectionId, HttpAnswer, HttpFailure, Input, Output, RequestId, Session, SessionConfig,
        SnapshotFrame, Symbols,
    },
};

/// Follows symbols on a venue. Symbols are named by their position in [`FeedSession::symbols`].
#[derive(Debug)]
pub(crate) struct FeedSession<P: Protocol> {
    pub(crate) venue: Venue,
    /// True if symbols come from frames: a recording.
    pub(crate) is_open_ended: bool,
    pub(crate) is_started: bool,
    pub(crate) symbols: Vec<Symbol<P::SymbolState>>,
    by_name: BTreeMap<Arc<str>, usize>,
    /// Positions of symbols that are no longer followed, for the case that they are again.
    dropped: BTreeMap<Arc<str>, usize>,
    /// Empty for a venue without books.
    pub(crate) books: Books,
    /// Symbols whose book is crossed.
    crossed: BTreeSet<usize>,
    pub(crate) pool: Pool,
    /// Number of the last message sent to the venue.
    pub(crate) n_messages: u64,
    pub(crate) requests: Requests<P::Purpose>,
    pub(crate) polling: PollSchedule,
    polled_books: PolledBooks,
    pub(crate) liveness: Liveness,
    /// Time at which descriptions are requested again.
    descriptions_at: Monotonic,
    pub(crate) out: Outputs,
    instruments: Vec<Arc<Instrument>>,
    /// Instruments that a recording describes before naming them.
    directory: BTreeMap<InstrumentId, Arc<Instrument>>,
    /// The venue's own state.
    pub(crate) protocol: P,
}

/// A book's event and the venue's time of it.
pub(crate) type BookEvent = (Option<Timestamp>, BookUpdate);

impl<P: Protocol> FeedSession<P> {
    /// Creates a session that has not started; repeated symbols count once.
    pub(crate) fn new(config: &SessionConfig) -> Self {
        let mut config = config.clone();
        let unusable = P::take_unusable(&mut config.symbols);
        let is_open_ended = config.symbols == Symbols::FromFrames;
        let ws_url = config.ws_url.as_deref().unwrap_or(P::INFO.default_ws_url);
        let mut session = Self {
            venue: config.venue(P::INFO.name),
            is_open_ended,
            is_started: false,
            symbols: Vec::new(),
            by_name: BTreeMap::new(),
            dropped: BTreeMap::new(),
            books: Books::new(),
            crossed: BTreeSet::new(),
            pool: P::pool_rules(ws_url).map_or_else(Pool::none, |rules| Pool::new(&config, rules)),
            n_messages: 0,
            requests: Requests::new(P::REQUEST_RULES, !is_open_ended),
            polling: PollSchedule::new(&config, P::POLL_SPACING),
            polled_books: PolledBooks::default(),
            liveness: Liveness::default(),
            descriptions_at: Monotonic::ZERO,
            out: Outputs::default(),
            instruments: Vec::new(),
            directory: BTreeMap::new(),
            protocol: P::new(&config),
        };
        if Self::is_rest_alone() {
            session.out.health.mode = FeedMode::RestPolling;
        }
        if let Symbols::Listed(symbols) = &config.symbols {
            for symbol in symbols {
                session.follow(symbol);
            }
        }
        for (symbol, cause) in unusable {
            session.out.health.instrument_causes.insert(InstrumentId::new(&session.venue, &symbol), cause);
        }
        session
    }

    /// Returns the position of a followed symbol.
    pub(crate) fn followed(&self, symbol: &str) -> Option<usize> {
        self.by_name.get(symbol).copied()
    }

    /// Returns the position of a symbol in a frame; in a recording it is followed from now on. `None` if it is not
    /// ours.
    pub(crate) fn named(&mut self, symbol: &str, now: Now) -> Option<usize> {
        if let Some(position) = self.by_name.get(symbol) {
            return Some(*position);
        }
        if !self.is_open_ended || !is_usable_symbol(symbol) || self.symbols.len() >= P::SYMBOLS_FROM_FRAMES {
            return None;
        }
        let position = self.follow(symbol);
        match self.directory.get(&self.symbols[position].id).cloned() {
            Some(instrument) => self.learn(position, instrument, now),
            None => P::undescribed(self, position, now),
        }
        Some(position)
    }

    fn follow(&mut self, symbol: &str) -> usize {
        let id = InstrumentId::new(&self.venue, symbol);
        let position = self.dropped.remove(symbol).unwrap_or(self.symbols.len());
        self.by_name.insert(symbol.into(), position);
        if P::INFO.capabilities.book {
            self.books.insert(id.clone(), TrackedBook::default());
        }
        match self.symbols.get_mut(position) {
            Some(dropped) => *dropped = Symbol::new(id),
            None => self.symbols.push(Symbol::new(id)),
        }
        self.liveness.resize(self.symbols.len());
        position
    }

    /// Returns the positions of the symbols that the venue knows, as far as reported.
    pub(crate) fn known_symbols(&self) -> Vec<usize> {
        (0..self.symbols.len()).filter(|position| !self.symbols[*position].is_unknown).collect()
    }

    /// Processes the description of an instrument that is followed, or may be named later in a recording.
    pub(crate) fn describe(&mut self, instrument: Instrument, now: Now) {
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

    /// Processes the description of a followed instrument. One of another instrument is ignored.
    pub(crate) fn learn(&mut self, position: usize, instrument: Arc<Instrument>, now: Now) {
        let symbol = &mut self.symbols[position];
        if instrument.id != symbol.id || symbol.instrument.as_ref() == Some(&instrument) {
            return;
        }
        symbol.instrument = Some(instrument.clone());
        self.out.event(&symbol.id, None, now, MarketEventKind::Instrument(instrument));
        self.instruments = self.symbols.iter().filter_map(|symbol| symbol.instrument.clone()).collect();
    }

    /// Notes that the venue does not know a symbol: nothing more is requested for it.
    pub(crate) fn mark_unknown(&mut self, position: usize) {
        // The recording proves that it was known.
        if self.is_open_ended {
            return;
        }
        self.symbols[position].is_unknown = true;
        P::symbol_unknown(self, position);
        self.liveness.release(position);
        self.pool.drop_symbol(position, &mut self.out);
        let is_last = self.symbols.iter().all(|symbol| symbol.is_unknown);
        let suggestion = P::suggestion(self, self.symbols[position].name());
        self.out.symbol_unknown(&self.symbols[position].id, suggestion, is_last);
    }

    /// Notes that a connection delivers; returns the position of the symbol, if it is one of ours.
    pub(crate) fn data(&mut self, connection: ConnectionId, symbol: &str, now: Now) -> Option<usize> {
        let position = self
            .named(symbol, now)
            .filter(|position| !self.symbols[*position].is_unknown && self.pool.may_bring(connection, *position));
        self.delivered(connection, position, now);
        position
    }

    /// Notes that a connection delivers data of a symbol, if it is one of ours.
    pub(crate) fn delivered(&mut self, connection: ConnectionId, position: Option<usize>, now: Now) {
        self.pool.data(connection, position, now, &mut self.out);
        let Some(position) = position else { return };
        self.liveness.data(position, None, now.monotonic);
        let health = &mut self.out.health;
        if P::REFUSAL_ENDS == RefusalEnd::WithData && !health.instrument_causes.is_empty() {
            health.instrument_causes.remove(&self.symbols[position].id);
        }
        if !health.silences.is_empty() {
            health.silences.remove(&self.symbols[position].id);
        }
    }

    /// Changes a book, emits the event returned by `change`, and handles the consequences.
    pub(crate) fn change_book(
        &mut self,
        position: usize,
        now: Now,
        change: impl FnOnce(&mut P::SymbolState, &mut TrackedBook) -> Option<BookEvent>,
    ) {
        let symbol = &mut self.symbols[position];
        let Some(tracked) = self.books.get_mut(&symbol.id) else { return };
        let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
        let event = change(&mut symbol.state, tracked);
        self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
        if let Some((event_time, update)) = event {
            self.out.event(&symbol.id, event_time, now, MarketEventKind::Book(update));
        }
        self.after_book_change(position, state_before, now);
    }

    /// Emits a new state, and tracks crossed books.
    pub(crate) fn after_book_change(&mut self, position: usize, state_before: BookState, now: Now) {
        let symbol = &self.symbols[position];
        let Some(tracked) = self.books.get(&symbol.id) else { return };
        let state = tracked.state;
        // The event of a snapshot or a change already includes a state in which the book is served.
        if state != state_before && !state.is_served() {
            self.out.event(&symbol.id, None, now, MarketEventKind::Book(BookUpdate::State { state }));
        }
        if symbol.state.crossed_since().is_some() {
            self.crossed.insert(position);
        } else if !self.crossed.is_empty() {
            self.crossed.remove(&position);
        }
        P::book_changed(self, position, now);
    }

    /// Queues a request, unless the same one waits or is in flight.
    pub(crate) fn request_once(&mut self, purpose: P::Purpose, now: Now) {
        if !self.requests.has(|known| *known == purpose) {
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    /// Retries a request after a delay, unless it was its last attempt.
    pub(crate) fn retry(&mut self, mut task: Task<P::Purpose>, now: Now) {
        let wait = task.fail();
        if task.n_failed < task.purpose.attempts() {
            self.requests.push(task, now.monotonic + wait);
        } else {
            P::given_up(self, task.purpose, now);
        }
    }

    /// Returns true for a venue whose data comes by REST alone.
    fn is_rest_alone() -> bool {
        !P::INFO.capabilities.websocket
    }

    fn start(&mut self, now: Now) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        P::start(self, now);
        self.pool.start(now, &mut self.out);
    }

    fn connected(&mut self, connection: ConnectionId, now: Now) {
        if let Some(members) = self.pool.members_to_subscribe(connection) {
            let messages = P::subscribe(self, &members, now);
            self.pool.connected(connection, &members, messages, now, &mut self.out);
        }
    }

    fn frame(&mut self, connection: ConnectionId, text: &str, now: Now) {
        if !self.note_frame(connection, now) {
            return;
        }
        if text.len() > P::FRAME_BYTES || P::frame(self, connection, text, now).is_err() {
            self.out.health.counters.malformed += 1;
            P::frame_unreadable(self, connection, now);
        }
    }

    fn binary_frame(&mut self, connection: ConnectionId, now: Now) {
        if self.note_frame(connection, now) {
            self.out.health.counters.unknown += 1;
        }
    }

    /// Counts a frame; returns false for one of an abandoned connection.
    fn note_frame(&mut self, connection: ConnectionId, now: Now) -> bool {
        if !Self::is_rest_alone() && !self.pool.has(connection) {
            return false;
        }
        self.out.frame(now);
        if P::SIGN_OF_LIFE == SignOfLife::Frame {
            self.pool.alive(connection, now.monotonic);
        }
        true
    }

    /// Discards the books of lost connections.
    fn lose(&mut self, lost: LostSymbols, now: Now) {
        if lost.is_empty() {
            return;
        }
        self.tell_connected();
        for position in P::connection_lost(self, lost) {
            self.crossed.remove(&position);
            self.liveness.pause(position);
            let symbol = &mut self.symbols[position];
            let Some(tracked) = self.books.get_mut(&symbol.id) else { continue };
            let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
            symbol.state.discard_book(tracked);
            self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
            let state = tracked.state;
            if state != state_before {
                self.out.event(&symbol.id, None, now, MarketEventKind::Book(BookUpdate::State { state }));
            }
        }
    }

    fn answered(&mut self, id: RequestId, result: Result<HttpAnswer<'_>, HttpFailure>, now: Now) {
        if P::take_foreign_answer(self, id, &result, now) {
            return;
        }
        let failure = result.as_ref().err().cloned();
        match self.requests.settle(id, result, now, &mut self.out) {
            RequestOutcome::Late => {}
            RequestOutcome::Answered(task, body) => {
                if P::answer(self, &task, body, now).is_err() {
                    self.out.health.counters.malformed += 1;
                    self.retry(task, now);
                }
            }
            RequestOutcome::Refused(task, answer) => P::refused(self, task, answer, now),
            RequestOutcome::Forbidden(task, cause) => P::forbidden(self, task.purpose, cause),
            RequestOutcome::Failed(task) => {
                // For other venues the connections explain the missing data.
                if let Some(HttpFailure { detail }) = failure.filter(|_| Self::is_rest_alone()) {
                    self.out.set_rest_cause(Some(FeedCause::CannotConnect { detail }));
                }
                self.retry(task, now);
            }
        }
    }

    fn request_history(&mut self, request: &HistoryRequest, now: Now) {
        let is_ours = request.instrument.venue() == &self.venue;
        let Some(position) = self.followed(request.instrument.symbol()).filter(|_| is_ours) else { return };
        if self.symbols[position].is_unknown {
            return;
        }
        if let Some(purpose) = P::history(self, position, request, now) {
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    fn timeout(&mut self, now: Now) {
        P::before_timeout(self, now);
        self.excuse_silence(now);
        let lost = self.pool.timeout(now, &mut self.out);
        self.lose(lost, now);
        P::timeout(self, now);
        self.withdraw_old_polled(now);
        for position in self.crossed.clone() {
            self.change_book(position, now, |state, tracked| {
                state.check_crossed(tracked, now.monotonic);
                None
            });
        }
        for task in self.requests.take_overdue(now, &mut self.out) {
            self.retry(task, now);
        }
        match self.polling.turn(P::polling_from(self), now.monotonic) {
            PollTurn::NotDue => {}
            PollTurn::Due => {
                self.tell_connected();
                P::poll(self, now);
            }
            PollTurn::Ended => {
                P::polling_ended(self);
                self.withdraw_all_polled(now);
                self.out.set_polling(false);
            }
        }
        if !Self::is_rest_alone() {
            self.look_for_silence(now);
        }
    }

    fn send_requests(&mut self, now: Now) {
        let symbols = &self.symbols;
        let sent = self.requests.send_due(now, &mut self.out, |purpose| P::request(symbols, purpose, now));
        P::requests_sent(self, sent, now);
    }
}

impl<P: Protocol> Session for FeedSession<P> {
    fn venue(&self) -> &Venue {
        &self.venue
    }

    fn handle(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::Start => self.start(now),
            Input::Connected(connection) => self.connected(connection, now),
            Input::Frame(connection, text) => self.frame(connection, text, now),
            Input::Binary(connection, _) => self.binary_frame(connection, now),
            // It proves that the transport is alive, not that data would arrive.
            Input::Ping(connection) => self.pool.pinged(connection, now.monotonic),
            Input::Http(request, result) => self.answered(request, result, now),
            Input::Closed(connection, reason) => {
                // A ban is of the whole address.
                if let (CloseReason::CannotConnect { status: Some(418), .. }, Some(wait)) =
                    (&reason, reason.stated_wait(now.wall))
                {
                    self.requests.refused_as_too_many(Some(wait), now, &mut self.out);
                }
                let lost = self.pool.closed(connection, &reason, self.symbols.len(), now, &mut self.out);
                self.lose(lost, now);
            }
            Input::HistoryRequest(request) => self.request_history(&request, now),
            Input::Interest(books) => self.set_interest(books, now),
            Input::Follow(symbols) => self.add(symbols, now),
            Input::Unfollow(symbols) => self.drop_symbols(symbols),
            Input::Timeout => self.timeout(now),
        }
        P::before_sending(self, now);
        self.pool.send_due(now, &mut self.out);
        self.send_requests(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.queue.pop_front()
    }

    fn deadline(&self) -> Option<Monotonic> {
        let crossed = self.crossed.iter().filter_map(|position| self.symbols[*position].state.crossed_since());
        let crossed_at = crossed.min().map(|since| since + CROSSED_TOLERANCE + Duration::from_millis(1));
        let polling_at = self.polling.deadline(P::polling_from(self));
        let parts = [self.pool.deadline(), self.requests.deadline(), P::deadline(self), self.liveness.deadline()];
        let polled_at = self.polled_books.deadline();
        parts.into_iter().chain([crossed_at, polling_at, polled_at]).flatten().min()
    }

    fn can_change(&self, added: &[String], dropped: &[String]) -> bool {
        self.can_change_symbols(added, dropped)
    }

    fn books(&self) -> &Books {
        &self.books
    }

    fn health(&self) -> &FeedHealth {
        &self.out.health
    }

    fn weight_per_minute(&self) -> u32 {
        P::REQUEST_RULES.weight_per_minute
    }

    fn instruments(&self) -> &[Arc<Instrument>] {
        &self.instruments
    }

    fn snapshot_frames(&self, depth: usize) -> Vec<SnapshotFrame> {
        P::snapshot_frames(self, depth)
    }

    fn history_answer(&self, instrument: &InstrumentId, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
        P::history_answer(instrument.symbol(), interval, bars)
    }
}
