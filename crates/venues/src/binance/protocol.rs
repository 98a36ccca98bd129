//! The requests to the venue: four streams per symbol on a connection, snapshots and the rest by REST; and the state of
//! each symbol.
//!
//! Not here: the meaning of frames ([`super::route`]) and answers ([`super::answers`]), the book procedure
//! ([`super::book`]), when messages and requests are sent ([`crate::kit`]).

use std::{collections::BTreeMap, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::HistoryRequest,
    proof::TrackedBook,
    time::{Monotonic, Now},
};
use serde::Serialize;

use crate::{
    binance::{
        FRAME_BYTES, HISTORY_ATTEMPTS, INFO, POLL_SPACING, POLLED_LEVELS, REQUEST_RULES, STREAMS_PER_MESSAGE,
        STREAMS_PER_SYMBOL, SYMBOLS_PER_REQUEST, SYMBOLS_POLLED_IN_FULL, answers,
        book::{Attention, BinanceBook},
        catalogue, frame, pool_rules, rest,
    },
    catalogue::CatalogueSource,
    kit::{
        connection::Subscription,
        dedup::{RisingIds, TradeIds},
        feed_session::FeedSession,
        pool::{LostSymbols, PoolRules},
        protocol::{Protocol, Symbol, SymbolState, Unreadable},
        requests::{self, RequestRules, RestRequest, Task},
        resync_pacing::SnapshotPace,
    },
    registry::VenueInfo,
    session::{ConnectionId, HttpAnswer, SessionConfig, SnapshotFrame},
};

/// Follows symbols on Binance spot.
#[derive(Debug)]
pub(crate) struct Binance;

pub(super) type BinanceSession = FeedSession<Binance>;

/// The purpose of a request. Symbols are positions in the session's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A book's snapshot, for the connection of that epoch; a live book is renewed without haste.
    Snapshot { symbol: usize, epoch: u32, is_renewal: bool },
    /// Descriptions of these symbols; of all if the list is empty.
    Symbols(Vec<usize>),
    /// The newest trades: a check that the connection delivers them.
    Probe { symbol: usize },
    /// Candles.
    History { symbol: usize, interval: Interval, n_bars: usize },
    /// Statistics of 24 hours with best bid and ask, instead of the stream.
    DayTicker { symbol: usize },
    /// The best levels of the book, instead of the stream.
    BestLevels { symbol: usize },
    /// Single trades, instead of the stream.
    Trades { symbol: usize },
    /// Aggregated trades, instead of the stream.
    AggTrades { symbol: usize },
}

impl requests::Purpose for Purpose {
    /// Books first, then symbols, then history, then polling.
    fn rank(&self) -> u8 {
        match self {
            Self::Snapshot { is_renewal: false, .. } => 0,
            Self::Symbols(_) => 1,
            Self::Probe { .. } | Self::Snapshot { is_renewal: true, .. } => 2,
            Self::History { .. } => 3,
            Self::DayTicker { .. } => 4,
            Self::Trades { .. } | Self::AggTrades { .. } => 5,
            Self::BestLevels { .. } => 6,
        }
    }

    fn symbol(&self) -> Option<usize> {
        match self {
            Self::Symbols(_) => None,
            Self::Snapshot { symbol, .. }
            | Self::Probe { symbol }
            | Self::History { symbol, .. }
            | Self::DayTicker { symbol }
            | Self::BestLevels { symbol }
            | Self::Trades { symbol }
            | Self::AggTrades { symbol } => Some(*symbol),
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Snapshot { .. } | Self::BestLevels { .. } => "order books",
            Self::Symbols(_) => "symbols",
            Self::History { .. } => "bars",
            Self::DayTicker { .. } => "quotes",
            Self::Probe { .. } | Self::Trades { .. } | Self::AggTrades { .. } => "trades",
        }
    }

    fn attempts(&self) -> u32 {
        match self {
            Self::Symbols(_) => u32::MAX,
            Self::History { .. } => HISTORY_ATTEMPTS,
            // A snapshot is requested again, at its own pace.
            Self::Snapshot { .. }
            | Self::Probe { .. }
            | Self::DayTicker { .. }
            | Self::BestLevels { .. }
            | Self::Trades { .. }
            | Self::AggTrades { .. } => 1,
        }
    }
}

/// The state of one symbol.
#[derive(Debug, Default)]
pub(crate) struct BinanceSymbolState {
    pub(super) book: BinanceBook,
    /// Rises with each lost connection: snapshots requested earlier are worthless.
    pub(super) epoch: u32,
    /// A snapshot of this epoch is queued or in flight.
    pub(super) is_snapshot_coming: bool,
    /// Levels a side that were requested in it.
    pub(super) snapshot_levels: u32,
    pub(super) pace: SnapshotPace,
    /// Single trades arrive, so aggregated ones would count twice.
    pub(super) has_single_prints: bool,
    pub(super) trade_ids: TradeIds,
    pub(super) aggregate_ids: TradeIds,
    pub(super) quote_ids: RisingIds,
    pub(super) day_times: RisingIds,
    pub(super) ticker_times: RisingIds,
    pub(super) bar_times: BTreeMap<Interval, RisingIds>,
}

impl SymbolState for BinanceSymbolState {
    fn discard_book(&mut self, tracked: &mut TrackedBook) {
        self.book.discard(tracked);
    }

    fn crossed_since(&self) -> Option<Monotonic> {
        self.book.crossed_since()
    }

    fn check_crossed(&mut self, tracked: &mut TrackedBook, now: Monotonic) {
        self.book.on_timeout(tracked, now);
    }
}

impl Protocol for Binance {
    type Purpose = Purpose;
    type SymbolState = BinanceSymbolState;

    const INFO: &'static VenueInfo = &INFO;
    const CATALOGUE: CatalogueSource = catalogue::SOURCE;
    const REQUEST_RULES: RequestRules = REQUEST_RULES;
    const POLL_SPACING: Duration = POLL_SPACING;
    const FRAME_BYTES: usize = FRAME_BYTES;

    fn new(_config: &SessionConfig) -> Self {
        Self
    }

    fn pool_rules(ws_url: &str) -> Option<PoolRules> {
        Some(pool_rules(ws_url))
    }

    fn spelled(symbol: &str) -> Option<String> {
        let spelled = symbol.to_uppercase().replace(['/', '-', '_', ' '], "");
        (spelled != symbol && !spelled.is_empty()).then_some(spelled)
    }

    fn start(session: &mut BinanceSession, now: Now) {
        let positions = session.known_symbols();
        Self::added(session, &positions, now);
        if session.is_open_ended {
            session.requests.push(Task::new(Purpose::Symbols(Vec::new())), now.monotonic);
        }
    }

    fn added(session: &mut BinanceSession, positions: &[usize], now: Now) {
        for purpose in Self::descriptions(positions) {
            session.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    fn subscribe(session: &mut BinanceSession, members: &[usize], _now: Now) -> Vec<Subscription> {
        let symbols = &session.symbols;
        let symbol = |position: usize| symbols.get(position).map(Symbol::name);
        messages("SUBSCRIBE", members, symbol, &mut session.n_messages)
    }

    fn unsubscribe(session: &mut BinanceSession, position: usize) -> Vec<Subscription> {
        let symbols = &session.symbols;
        let symbol = |position: usize| symbols.get(position).map(Symbol::name);
        let messages = messages("UNSUBSCRIBE", &[position], symbol, &mut session.n_messages).into_iter();
        messages.map(|message| Subscription { request: None, ..message }).collect()
    }

    fn frame(session: &mut BinanceSession, connection: ConnectionId, text: &str, now: Now) -> Result<(), Unreadable> {
        session.route(connection, frame::parse(text)?, now);
        Ok(())
    }

    fn undescribed(session: &mut BinanceSession, _position: usize, now: Now) {
        // A later description in the recording may contain it.
        if !session.requests.has(|purpose| matches!(purpose, Purpose::Symbols(_))) {
            session.requests.push(Task::new(Purpose::Symbols(Vec::new())), now.monotonic);
        }
    }

    /// Snapshots requested for the connection are worthless too.
    fn connection_lost(session: &mut BinanceSession, lost: LostSymbols) -> LostSymbols {
        for position in &lost {
            let state = &mut session.symbols[*position].state;
            state.epoch = state.epoch.wrapping_add(1);
            state.is_snapshot_coming = false;
        }
        lost
    }

    fn book_changed(session: &mut BinanceSession, position: usize, now: Now) {
        if session.symbols[position].state.book.needs_snapshot() {
            session.want_snapshot(position, now);
        }
    }

    fn poll(session: &mut BinanceSession, now: Now) {
        let cut_off = session.cut_off_symbols();
        let is_in_full = cut_off.len() <= SYMBOLS_POLLED_IN_FULL;
        session.poll_each(now, |symbol| {
            let prints = if is_in_full { Purpose::Trades { symbol } } else { Purpose::AggTrades { symbol } };
            [Purpose::DayTicker { symbol }, prints]
        });
        // In a crowd there is room only for the books that are looked at.
        let has_room = |position: &usize| is_in_full || session.symbols[*position].interest.is_some();
        let books: Vec<usize> = cut_off.into_iter().filter(has_room).collect();
        books.into_iter().for_each(|symbol| session.request_once(Purpose::BestLevels { symbol }, now));
    }

    fn interest_changed(session: &mut BinanceSession, position: usize, now: Now) {
        // A recording contains the snapshots that its feed requested.
        if !session.is_open_ended {
            let Symbol { interest, state, .. } = &mut session.symbols[position];
            state.book.keep_for(Attention::of(*interest));
            if state.book.is_renewing() {
                session.want_snapshot(position, now);
            }
        }
    }

    fn probe(symbol: usize) -> Option<Purpose> {
        Some(Purpose::Probe { symbol })
    }

    fn descriptions(symbols: &[usize]) -> Vec<Purpose> {
        symbols.chunks(SYMBOLS_PER_REQUEST).map(|symbols| Purpose::Symbols(symbols.to_vec())).collect()
    }

    fn history(_session: &mut BinanceSession, symbol: usize, request: &HistoryRequest, _now: Now) -> Option<Purpose> {
        Some(Purpose::History { symbol, interval: request.interval, n_bars: request.n_bars })
    }

    fn request(symbols: &[Symbol<BinanceSymbolState>], purpose: &Purpose, _now: Now) -> Option<RestRequest> {
        let name = |position: &usize| symbols.get(*position).map(Symbol::name);
        Some(match purpose {
            Purpose::Snapshot { symbol, epoch, .. } => {
                let symbol =
                    symbols.get(*symbol).filter(|symbol| symbol.state.epoch == *epoch && !symbol.is_unknown)?;
                rest::depth(symbol.name(), Attention::of(symbol.interest).n_levels)
            }
            Purpose::Symbols(positions) => rest::exchange_info(&positions.iter().filter_map(name).collect::<Vec<_>>()),
            Purpose::History { symbol, interval, n_bars } => rest::klines(name(symbol)?, *interval, *n_bars),
            Purpose::DayTicker { symbol } => rest::day_ticker(name(symbol)?),
            Purpose::BestLevels { symbol } => rest::depth(name(symbol)?, POLLED_LEVELS),
            Purpose::Trades { symbol } => rest::trades(name(symbol)?),
            Purpose::AggTrades { symbol } => rest::agg_trades(name(symbol)?),
            Purpose::Probe { symbol } => rest::newest_agg_trade(name(symbol)?),
        })
    }

    fn requests_sent(session: &mut BinanceSession, sent: Vec<Purpose>, now: Now) {
        for purpose in sent {
            let Purpose::Snapshot { symbol, .. } = purpose else { continue };
            let Symbol { interest, state, .. } = &mut session.symbols[symbol];
            state.pace.asked(now.monotonic);
            state.snapshot_levels = Attention::of(*interest).n_levels;
            session.change_book(symbol, now, |state, tracked| {
                state.book.asked(tracked);
                None
            });
        }
    }

    fn answer(session: &mut BinanceSession, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        session.take_answer(task, body, now)
    }

    fn refused(session: &mut BinanceSession, task: Task<Purpose>, answer: HttpAnswer<'_>, now: Now) {
        session.take_refusal(task, answer.body, now);
    }

    fn given_up(session: &mut BinanceSession, purpose: Purpose, now: Now) {
        // A renewal is requested again with the next change.
        let Purpose::Snapshot { symbol, epoch, is_renewal: false } = purpose else { return };
        let state = &mut session.symbols[symbol].state;
        if state.epoch == epoch {
            state.is_snapshot_coming = false;
            session.want_snapshot(symbol, now);
        }
    }

    fn snapshot_frames(session: &BinanceSession, depth: usize) -> Vec<SnapshotFrame> {
        session.books.iter().filter_map(|(id, tracked)| answers::of_book(id.symbol(), tracked, depth)).collect()
    }

    fn history_answer(symbol: &str, interval: Interval, candles: &[Candle]) -> Option<SnapshotFrame> {
        answers::of_candles(symbol, interval, candles)
    }
}

impl BinanceSession {
    /// Queues a snapshot, unless one is on its way or the book is complete.
    pub(super) fn want_snapshot(&mut self, position: usize, now: Now) {
        let Symbol { is_unknown, state, .. } = &mut self.symbols[position];
        if state.is_snapshot_coming || *is_unknown || !state.book.needs_snapshot() {
            return;
        }
        let is_renewal = state.book.is_renewing();
        let purpose = Purpose::Snapshot { symbol: position, epoch: state.epoch, is_renewal };
        if is_renewal && self.requests.has(|known| *known == purpose) {
            return;
        }
        state.is_snapshot_coming = !is_renewal;
        self.requests.push(Task::new(purpose), state.pace.earliest(now.monotonic));
    }
}

/// Streams followed for each symbol: trades, best bid and ask, the book, statistics of 24 hours.
const STREAMS: [&str; STREAMS_PER_SYMBOL] = ["trade", "bookTicker", "depth@100ms", "miniTicker"];

/// Returns messages that subscribe to `members`, or end that, within the venue's limits; `symbol` gives a position's
/// symbol, `n_messages` numbers the messages.
fn messages<'a>(
    method: &'static str,
    members: &[usize],
    symbol: impl Fn(usize) -> Option<&'a str>,
    n_messages: &mut u64,
) -> Vec<Subscription> {
    #[derive(Serialize)]
    struct Subscribe {
        method: &'static str,
        params: Vec<String>,
        id: u64,
    }
    let chunks = members.chunks(STREAMS_PER_MESSAGE / STREAMS_PER_SYMBOL);
    let messages = chunks.filter_map(|symbols| {
        // An upper-case symbol in a stream's name gives neither an error nor data.
        let names = symbols.iter().filter_map(|position| symbol(*position)).map(str::to_lowercase);
        let params = names.flat_map(|name| STREAMS.map(|stream| format!("{name}@{stream}"))).collect();
        *n_messages += 1;
        let text = serde_json::to_string(&Subscribe { method, params, id: *n_messages }).ok()?;
        Some(Subscription { symbols: symbols.to_vec(), request: Some(*n_messages), text })
    });
    messages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_subscribed_in_messages_of_bounded_size() {
        let names: Vec<String> = (0..120).map(|idx| format!("S{idx}")).collect();
        let members: Vec<usize> = (0..120).collect();
        let mut n_messages = 7;
        let messages =
            messages("SUBSCRIBE", &members, |position| names.get(position).map(String::as_str), &mut n_messages);
        let counts: Vec<(Option<u64>, usize, usize)> = messages
            .iter()
            .map(|message| (message.request, message.symbols.len(), message.text.matches("@bookTicker").count()))
            .collect();
        assert_eq!(counts, [(Some(8), 50, 50), (Some(9), 50, 50), (Some(10), 20, 20)]);
        let start =
            r#"{"method":"SUBSCRIBE","params":["s0@trade","s0@bookTicker","s0@depth@100ms","s0@miniTicker","s1@"#;
        assert!(messages[0].text.starts_with(start), "{}", messages[0].text);
        assert!(messages[0].text.ends_with(r#""],"id":8}"#));
    }
}
