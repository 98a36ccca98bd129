//! The requests to the venue, and the state of each symbol: a book is subscribed again if only that can help, and a
//! refused channel after a while.
//!
//! Not here: subscription messages and the meaning of frames ([`super::route`]), REST answers ([`super::answers`]), the
//! book procedure ([`super::book`]), when messages and requests are sent ([`crate::kit`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{
    candle::{Candle, Interval},
    event::{BookUpdate, DayStatistics, HistoryRequest},
    proof::{BookState, TrackedBook},
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::{
    catalogue::CatalogueSource,
    kit::{
        connection::Subscription,
        dedup::TradeIds,
        feed_session::FeedSession,
        pool::{LostSymbols, PoolRules},
        protocol::{Protocol, RefusalEnd, SignOfLife, Symbol, SymbolState, Unreadable, nearest},
        requests::{self, RequestRules, RestRequest, Task},
        resync_pacing::SnapshotPace,
    },
    kraken::{
        FRAME_BYTES, HISTORY_ATTEMPTS, INFO, POLL_SPACING, REFUSED_RETRY, REQUEST_RULES, SNAPSHOT_PATIENCE, answers,
        book::KrakenBook,
        catalogue, frame, pool_rules,
        rest::{self, AssetClass},
        route::{self, Channel, Method},
    },
    registry::VenueInfo,
    session::{ConnectionId, HttpAnswer, SessionConfig, SnapshotFrame},
};

/// Follows symbols on Kraken spot.
#[derive(Debug, Default)]
pub(crate) struct Kraken {
    /// True if the list of symbols was requested by REST because no connection delivers it.
    has_requested_symbols: bool,
    /// The venue's symbols, as far as it has sent them: for suggestions.
    pub(super) names: BTreeSet<Box<str>>,
    /// Times at which symbols must be checked even if no data arrives.
    watched: BTreeMap<usize, Monotonic>,
}

pub(super) type KrakenSession = FeedSession<Kraken>;

/// The purpose of a request. Symbols are positions in the session's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Descriptions of all symbols of a class.
    Symbols(AssetClass),
    /// The newest trades: a check that the connection delivers them.
    Probe { symbol: usize },
    /// Candles.
    History { symbol: usize, interval: Interval, n_bars: usize },
    /// The best levels of the book, instead of the stream.
    BestLevels { symbol: usize },
    /// Trades, instead of the stream.
    Trades { symbol: usize },
}

impl requests::Purpose for Purpose {
    /// Symbols first, then doubts, then history, then polling.
    fn rank(&self) -> u8 {
        match self {
            Self::Symbols(_) => 0,
            Self::Probe { .. } => 1,
            Self::History { .. } => 2,
            Self::BestLevels { .. } => 3,
            Self::Trades { .. } => 4,
        }
    }

    fn symbol(&self) -> Option<usize> {
        match self {
            Self::Symbols(_) => None,
            Self::Probe { symbol }
            | Self::History { symbol, .. }
            | Self::BestLevels { symbol }
            | Self::Trades { symbol } => Some(*symbol),
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Symbols(_) => "symbols",
            Self::History { .. } => "bars",
            Self::BestLevels { .. } => "order books",
            Self::Probe { .. } | Self::Trades { .. } => "trades",
        }
    }

    fn attempts(&self) -> u32 {
        match self {
            Self::Symbols(_) => u32::MAX,
            Self::History { .. } => HISTORY_ATTEMPTS,
            Self::Probe { .. } | Self::BestLevels { .. } | Self::Trades { .. } => 1,
        }
    }
}

/// The state of one symbol.
#[derive(Debug, Default)]
pub(crate) struct KrakenSymbolState {
    pub(super) book: KrakenBook,
    /// The class in which REST knows it, as far as known.
    pub(super) class: AssetClass,
    pub(super) pace: SnapshotPace,
    pub(super) resubscription: Resubscription,
    /// Channels that the venue refused on this connection, and when they were last requested.
    pub(super) refused: BTreeMap<Channel, Monotonic>,
    pub(super) trade_ids: TradeIds,
    /// The position at which polling for trades continues.
    pub(super) polled_to: Option<String>,
    pub(super) day: Option<DayStatistics>,
    /// The newest candle of each length, and whether it was reported as closed.
    pub(super) bars: BTreeMap<Interval, (Candle, bool)>,
}

/// The state of the book's subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Resubscription {
    /// Nothing is pending.
    #[default]
    None,
    /// It will be repeated at that time.
    Due(Monotonic),
    /// It was requested at that time, and no snapshot has arrived yet.
    Asked(Monotonic),
}

impl KrakenSymbolState {
    /// Returns when it must be checked even if no data arrives.
    fn deadline(&self) -> Option<Monotonic> {
        let subscription_at = match self.resubscription {
            Resubscription::None => self.book.deadline(),
            Resubscription::Due(at) => Some(at),
            Resubscription::Asked(at) => Some(at + SNAPSHOT_PATIENCE),
        };
        let retry_at = self.refused.values().map(|asked_at| *asked_at + REFUSED_RETRY);
        retry_at.chain(subscription_at).min()
    }
}

impl SymbolState for KrakenSymbolState {
    fn discard_book(&mut self, tracked: &mut TrackedBook) {
        self.book.discard(tracked);
    }
}

impl Protocol for Kraken {
    type Purpose = Purpose;
    type SymbolState = KrakenSymbolState;

    const INFO: &'static VenueInfo = &INFO;
    const CATALOGUE: CatalogueSource = catalogue::SOURCE;
    const REQUEST_RULES: RequestRules = REQUEST_RULES;
    const POLL_SPACING: Duration = POLL_SPACING;
    const FRAME_BYTES: usize = FRAME_BYTES;
    const SIGN_OF_LIFE: SignOfLife = SignOfLife::Frame;
    const REFUSAL_ENDS: RefusalEnd = RefusalEnd::WithAcceptance;

    fn new(_config: &SessionConfig) -> Self {
        Self::default()
    }

    fn pool_rules(ws_url: &str) -> Option<PoolRules> {
        Some(pool_rules(ws_url))
    }

    fn spelled(symbol: &str) -> Option<String> {
        let spelled = answers::modern_symbol(&symbol.to_uppercase().replace(['-', '_', ' '], "/"));
        (spelled != symbol).then_some(spelled)
    }

    fn suggestion(session: &KrakenSession, symbol: &str) -> Option<String> {
        let (names, spelled) = (&session.protocol.names, Self::spelled(symbol));
        if names.is_empty() {
            return spelled;
        }
        let is_known = |symbol: &String| names.contains(symbol.as_str());
        spelled.filter(is_known).or_else(|| nearest(symbol, names.iter().map(AsRef::as_ref)).map(str::to_owned))
    }

    fn start(session: &mut KrakenSession, now: Now) {
        if session.is_open_ended {
            session.request_symbols(now);
        }
    }

    fn added(session: &mut KrakenSession, _positions: &[usize], now: Now) {
        // Only a connection that opens describes everything by itself.
        session.request_symbols(now);
    }

    fn subscribe(session: &mut KrakenSession, members: &[usize], now: Now) -> Vec<Subscription> {
        let descriptions = route::message(Method::Subscribe, Channel::Instrument, &[], &mut session.n_messages);
        descriptions.into_iter().chain(Self::subscribe_more(session, members, now)).collect()
    }

    fn subscribe_more(session: &mut KrakenSession, members: &[usize], now: Now) -> Vec<Subscription> {
        for position in members {
            if let Some(symbol) = session.symbols.get_mut(*position) {
                // An acknowledgement that never arrives must not be awaited forever.
                symbol.state.resubscription = Resubscription::Asked(now.monotonic);
                // A snapshot comes with the subscription: the next one keeps its distance from it.
                symbol.state.pace.asked(now.monotonic);
                session.liveness.expect(*position, now);
                session.watch(*position);
            }
        }
        let symbols = &session.symbols;
        route::subscriptions(members, |position| symbols.get(position).map(Symbol::name), &mut session.n_messages)
    }

    fn unsubscribe(session: &mut KrakenSession, position: usize) -> Vec<Subscription> {
        let symbols = [(position, session.symbols[position].name())];
        let end = |channel| route::message(Method::Unsubscribe, channel, &symbols, &mut session.n_messages);
        let messages = Channel::OF_SYMBOL.into_iter().filter_map(end);
        messages.map(|message| Subscription { request: None, ..message }).collect()
    }

    fn frame(session: &mut KrakenSession, connection: ConnectionId, text: &str, now: Now) -> Result<(), Unreadable> {
        session.route(connection, frame::parse(text)?, now);
        Ok(())
    }

    fn undescribed(session: &mut KrakenSession, _position: usize, now: Now) {
        // A later description in the recording may contain it.
        session.request_symbols(now);
    }

    fn symbol_unknown(session: &mut KrakenSession, position: usize) {
        session.forget_subscriptions(position);
    }

    fn connection_lost(session: &mut KrakenSession, lost: LostSymbols) -> LostSymbols {
        for position in &lost {
            session.forget_subscriptions(*position);
            let symbol = &session.symbols[*position];
            if !symbol.is_unknown {
                session.out.health.instrument_causes.remove(&symbol.id);
            }
        }
        lost
    }

    fn book_changed(session: &mut KrakenSession, position: usize, now: Now) {
        let Symbol { is_unknown, state, .. } = &mut session.symbols[position];
        let needs_snapshot = state.book.needs_snapshot(now.monotonic);
        if needs_snapshot && state.resubscription == Resubscription::None && !session.is_open_ended && !*is_unknown {
            state.resubscription = Resubscription::Due(state.pace.earliest(now.monotonic));
        }
        session.watch(position);
    }

    fn timeout(session: &mut KrakenSession, now: Now) {
        let watched = session.protocol.watched.iter();
        let due: Vec<usize> = watched.filter(|(_, at)| **at <= now.monotonic).map(|(position, _)| *position).collect();
        due.into_iter().for_each(|position| session.look_after(position, now));
    }

    fn deadline(session: &KrakenSession) -> Option<Monotonic> {
        session.protocol.watched.values().min().copied()
    }

    fn poll(session: &mut KrakenSession, now: Now) {
        session.poll_each(now, |symbol| [Purpose::BestLevels { symbol }, Purpose::Trades { symbol }]);
        let has_nameless = session.symbols.iter().any(|symbol| !symbol.is_unknown && symbol.instrument.is_none());
        if has_nameless && !std::mem::replace(&mut session.protocol.has_requested_symbols, true) {
            session.request_symbols(now);
        }
    }

    fn polling_ended(session: &mut KrakenSession) {
        // The next polling begins with the newest trades.
        session.symbols.iter_mut().for_each(|symbol| symbol.state.polled_to = None);
    }

    fn probe(symbol: usize) -> Option<Purpose> {
        Some(Purpose::Probe { symbol })
    }

    fn history(_session: &mut KrakenSession, symbol: usize, request: &HistoryRequest, _now: Now) -> Option<Purpose> {
        Some(Purpose::History { symbol, interval: request.interval, n_bars: request.n_bars })
    }

    fn request(symbols: &[Symbol<KrakenSymbolState>], purpose: &Purpose, _now: Now) -> Option<RestRequest> {
        let symbol = |position: &usize| symbols.get(*position);
        let (symbol, request) = match purpose {
            Purpose::Symbols(class) => return Some(rest::asset_pairs(*class)),
            Purpose::Probe { symbol: position } => (symbol(position)?, rest::newest_trade(symbol(position)?.name())),
            Purpose::History { symbol: position, interval, .. } => {
                (symbol(position)?, rest::bars(symbol(position)?.name(), *interval))
            }
            Purpose::BestLevels { symbol: position } => {
                (symbol(position)?, rest::best_levels(symbol(position)?.name()))
            }
            Purpose::Trades { symbol: position } => {
                let symbol = symbol(position)?;
                (symbol, rest::trades(symbol.name(), symbol.state.polled_to.as_deref()))
            }
        };
        Some(symbol.state.class.of(request))
    }

    fn answer(session: &mut KrakenSession, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        session.take_answer(task, body, now)
    }

    /// Refusals have status 200: this one is a transport fault.
    fn refused(session: &mut KrakenSession, task: Task<Purpose>, _answer: HttpAnswer<'_>, now: Now) {
        session.retry(task, now);
    }

    fn snapshot_frames(session: &KrakenSession, depth: usize) -> Vec<SnapshotFrame> {
        let carried = session.symbols.iter().enumerate().filter_map(|(position, symbol)| {
            let tracked = session.books.get(&symbol.id)?;
            let frames = frame::of_book(symbol.name(), &symbol.state.book, tracked, depth)?;
            Some((session.pool.carrier(position)?, frames))
        });
        carried.flat_map(|(connection, frames)| frames.map(|frame| SnapshotFrame::Frame(connection, frame))).collect()
    }

    fn history_answer(symbol: &str, interval: Interval, candles: &[Candle]) -> Option<SnapshotFrame> {
        answers::of_candles(symbol, interval, candles)
    }
}

impl KrakenSession {
    /// Requests the list of symbols by REST: connections deliver it by themselves, recordings may contain it as an
    /// answer.
    pub(super) fn request_symbols(&mut self, now: Now) {
        if !self.requests.has(|purpose| matches!(purpose, Purpose::Symbols(_))) {
            self.requests.push(Task::new(Purpose::Symbols(AssetClass::Currency)), now.monotonic);
        }
    }

    /// Notes that the venue refused a channel of a symbol, which will be requested again after a while; a refusal that
    /// names no channel is only reported.
    pub(super) fn mark_refused(&mut self, position: usize, channel: Option<Channel>, detail: &str, now: Now) {
        let symbol = &mut self.symbols[position];
        if symbol.is_unknown {
            return;
        }
        symbol.state.refused.extend(channel.map(|channel| (channel, now.monotonic)));
        match channel {
            Some(Channel::Book) => symbol.state.resubscription = Resubscription::None,
            // Newer trades than those received are then no surprise.
            Some(Channel::Trade) => self.liveness.release(position),
            Some(Channel::Instrument | Channel::Ticker) | None => {}
        }
        let cause = FeedCause::Refused { detail: detail.to_owned() };
        self.out.health.instrument_causes.insert(symbol.id.clone(), cause);
        self.watch(position);
    }

    /// Notes that the venue accepted a channel of a symbol.
    pub(super) fn mark_accepted(&mut self, position: usize, channel: Channel, now: Now) {
        let Symbol { id, state, .. } = &mut self.symbols[position];
        if state.refused.remove(&channel).is_some() && channel == Channel::Trade {
            self.liveness.expect(position, now);
        }
        if state.refused.is_empty() && !self.out.health.instrument_causes.is_empty() {
            self.out.health.instrument_causes.remove(id);
        }
        if channel == Channel::Book && state.book.needs_snapshot(now.monotonic) {
            state.resubscription = Resubscription::Asked(now.monotonic);
            if let Some(tracked) = self.books.get_mut(id) {
                let state_before = tracked.state;
                state.book.asked(tracked);
                return self.after_book_change(position, state_before, now);
            }
        }
        self.watch(position);
    }

    /// Notes when a symbol must be checked.
    pub(super) fn watch(&mut self, position: usize) {
        let Symbol { is_unknown, state, .. } = &self.symbols[position];
        let watched = &mut self.protocol.watched;
        match state.deadline().filter(|_| !self.is_open_ended && !*is_unknown) {
            Some(at) => drop(watched.insert(position, at)),
            None if watched.is_empty() => {}
            None => drop(watched.remove(&position)),
        }
    }

    /// Suggests symbols again, with the venue's names.
    pub(super) fn suggest_again(&mut self) {
        let is_last = self.symbols.iter().all(|symbol| symbol.is_unknown);
        for position in 0..self.symbols.len() {
            let symbol = &self.symbols[position];
            if symbol.is_unknown {
                let suggestion = Kraken::suggestion(self, symbol.name());
                self.out.symbol_unknown(&symbol.id, suggestion, is_last);
            }
        }
    }

    /// Clears all subscriptions and pending answers.
    fn forget_subscriptions(&mut self, position: usize) {
        let state = &mut self.symbols[position].state;
        state.resubscription = Resubscription::None;
        state.refused.clear();
        self.protocol.watched.remove(&position);
    }

    /// Checks a symbol at its time: its book contradicts itself by not changing, or a request was made long enough ago.
    fn look_after(&mut self, position: usize, now: Now) {
        let is_long_ago = |asked_at: Monotonic| now.monotonic.saturating_since(asked_at) >= REFUSED_RETRY;
        let refused = self.symbols[position].state.refused.iter();
        let again: Vec<Channel> =
            refused.filter(|(_, asked_at)| is_long_ago(**asked_at)).map(|(channel, _)| *channel).collect();
        for channel in again {
            self.symbols[position].state.refused.insert(channel, now.monotonic);
            self.send(position, Method::Subscribe, channel, now);
        }
        let resubscription = self.symbols[position].state.resubscription;
        if matches!(resubscription, Resubscription::Due(at) if at <= now.monotonic) {
            self.send(position, Method::Unsubscribe, Channel::Book, now);
            self.send(position, Method::Subscribe, Channel::Book, now);
        }
        self.change_book(position, now, |state, tracked| {
            let state_before = tracked.state;
            match resubscription {
                Resubscription::None => {
                    state.book.on_timeout(tracked, now.monotonic);
                }
                Resubscription::Due(at) if at <= now.monotonic => {
                    state.pace.asked(now.monotonic);
                    state.resubscription = Resubscription::Asked(now.monotonic);
                    state.book.asked(tracked);
                }
                Resubscription::Asked(at) if now.monotonic.saturating_since(at) >= SNAPSHOT_PATIENCE => {
                    state.resubscription = Resubscription::None;
                }
                Resubscription::Due(_) | Resubscription::Asked(_) => {}
            }
            // A book that is stopped here has no other event that reports it.
            let is_given_up = tracked.state == BookState::Unverified && state_before != BookState::Unverified;
            is_given_up.then_some((None, BookUpdate::State { state: tracked.state }))
        });
    }

    fn send(&mut self, position: usize, method: Method, channel: Channel, now: Now) {
        let Some(connection) = self.pool.carrier(position) else { return };
        let symbols = [(position, self.symbols[position].name())];
        if let Some(message) = route::message(method, channel, &symbols, &mut self.n_messages) {
            self.pool.enqueue(connection, message, now, &mut self.out);
        }
    }
}
