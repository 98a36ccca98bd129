//! The requests to the venue, and the state of each symbol.
//!
//! Not here: the meaning of frames ([`super::route`]) and answers ([`super::answers`]), when messages and requests are
//! sent ([`crate::kit`]).

use std::time::Duration;

use model::{
    candle::Interval,
    event::{DayStatistics, HistoryRequest},
    status::FeedCause,
    time::{Now, Timestamp},
};
use serde::Serialize;

use crate::{
    catalogue::CatalogueSource,
    finnhub::{
        ATTEMPTS, FRAME_BYTES, INFO, POLL_SPACING, REQUEST_RULES, catalogue, frame, pool_rules, rest, ticks::Ticks,
    },
    kit::{
        connection::Subscription,
        feed_session::FeedSession,
        pool::PoolRules,
        protocol::{Protocol, Symbol, SymbolState, Unreadable},
        requests::{self, RequestRules, RestRequest, Task},
    },
    registry::VenueInfo,
    session::{ConnectionId, HttpAnswer, SessionConfig},
};

/// Follows symbols on Finnhub.
#[derive(Debug)]
pub(crate) struct Finnhub;

pub(super) type FinnhubSession = FeedSession<Finnhub>;

/// The purpose of a request. Symbols are positions in the session's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Day statistics at the start, or instead of the stream.
    Quote { symbol: usize },
    /// The newest trades: a check that the connection delivers them.
    Probe { symbol: usize },
    /// Candles.
    History { symbol: usize, interval: Interval, n_bars: usize },
}

impl requests::Purpose for Purpose {
    fn rank(&self) -> u8 {
        match self {
            Self::Quote { .. } => 0,
            Self::Probe { .. } => 1,
            Self::History { .. } => 2,
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Quote { .. } | Self::Probe { .. } => "quotes",
            Self::History { .. } => "bars",
        }
    }

    fn attempts(&self) -> u32 {
        ATTEMPTS
    }
}

/// The state of one symbol.
#[derive(Debug)]
pub(crate) struct FinnhubSymbolState {
    pub(super) ticks: Ticks,
    /// Millisecond of the last trade, and the number of trades in it: ids combine both, as the venue has none.
    pub(super) last_print: (i64, u32),
    /// The time of the newest trade or price without a trade.
    pub(super) newest: Timestamp,
    pub(super) day: Option<DayStatistics>,
}

impl Default for FinnhubSymbolState {
    fn default() -> Self {
        Self { ticks: Ticks::default(), last_print: (i64::MIN, 0), newest: Timestamp::EPOCH, day: None }
    }
}

impl SymbolState for FinnhubSymbolState {}

impl Protocol for Finnhub {
    type Purpose = Purpose;
    type SymbolState = FinnhubSymbolState;

    const INFO: &'static VenueInfo = &INFO;
    const CATALOGUE: CatalogueSource = catalogue::SOURCE;
    const REQUEST_RULES: RequestRules = REQUEST_RULES;
    const POLL_SPACING: Duration = POLL_SPACING;
    const FRAME_BYTES: usize = FRAME_BYTES;
    const SYMBOLS_FROM_FRAMES: usize = 1_024;

    fn new(_config: &SessionConfig) -> Self {
        Self
    }

    fn pool_rules(ws_url: &str) -> Option<PoolRules> {
        Some(pool_rules(ws_url))
    }

    fn start(session: &mut FinnhubSession, now: Now) {
        if !session.is_open_ended {
            Self::poll(session, now);
        }
    }

    fn added(session: &mut FinnhubSession, positions: &[usize], now: Now) {
        for symbol in positions.iter().copied() {
            session.requests.push(Task::new(Purpose::Quote { symbol }), now.monotonic);
        }
    }

    fn subscribe(session: &mut FinnhubSession, members: &[usize], now: Now) -> Vec<Subscription> {
        members.iter().for_each(|position| session.liveness.expect(*position, now));
        members.iter().filter_map(|position| session.message("subscribe", *position)).collect()
    }

    fn unsubscribe(session: &mut FinnhubSession, position: usize) -> Vec<Subscription> {
        session.message("unsubscribe", position).into_iter().collect()
    }

    fn frame(session: &mut FinnhubSession, connection: ConnectionId, text: &str, now: Now) -> Result<(), Unreadable> {
        session.route(connection, frame::parse(text)?, now);
        Ok(())
    }

    fn poll(session: &mut FinnhubSession, now: Now) {
        let positions = session.cut_off_symbols();
        Self::added(session, &positions, now);
    }

    fn probe(symbol: usize) -> Option<Purpose> {
        Some(Purpose::Probe { symbol })
    }

    fn history(_session: &mut FinnhubSession, symbol: usize, request: &HistoryRequest, _now: Now) -> Option<Purpose> {
        Some(Purpose::History { symbol, interval: request.interval, n_bars: request.n_bars })
    }

    fn request(symbols: &[Symbol<FinnhubSymbolState>], purpose: &Purpose, now: Now) -> Option<RestRequest> {
        let name = |position: &usize| symbols.get(*position).map(Symbol::name);
        match purpose {
            Purpose::Quote { symbol } | Purpose::Probe { symbol } => Some(rest::quote(name(symbol)?)),
            Purpose::History { symbol, interval, n_bars } => rest::candles(name(symbol)?, *interval, *n_bars, now.wall),
        }
    }

    fn answer(session: &mut FinnhubSession, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        session.take_answer(task, body, now)
    }

    /// Quotes of some symbols are in no plan, bars of whole markets are not in every plan: they are built from trades.
    fn forbidden(session: &mut FinnhubSession, purpose: Purpose, cause: FeedCause) {
        match purpose {
            Purpose::Quote { symbol } | Purpose::Probe { symbol } => {
                session.out.health.restrictions.insert(session.symbols[symbol].id.clone(), cause);
            }
            Purpose::History { .. } => session.out.not_offered(requests::Purpose::subject(&purpose), cause),
        }
    }

    fn refused(session: &mut FinnhubSession, task: Task<Purpose>, answer: HttpAnswer<'_>, now: Now) {
        session.take_refusal(task, answer.status, now);
    }
}

impl FinnhubSession {
    /// Returns a message about one symbol, of which there is one each; no answer comes.
    fn message(&self, r#type: &'static str, position: usize) -> Option<Subscription> {
        #[derive(Serialize)]
        struct Message<'a> {
            r#type: &'static str,
            symbol: &'a str,
        }
        let text = serde_json::to_string(&Message { r#type, symbol: self.symbols.get(position)?.name() }).ok()?;
        Some(Subscription { symbols: vec![position], request: None, text })
    }

    /// Emits the current description of an instrument.
    pub(super) fn describe_ticks(&mut self, position: usize, now: Now) {
        let Symbol { id, state, .. } = &self.symbols[position];
        if let Some(instrument) = state.ticks.instrument(id) {
            self.learn(position, instrument, now);
        }
    }
}
