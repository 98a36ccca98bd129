//! The requests to the venue: one channel per message, heartbeats first; and the state of each product.
//!
//! The venue's answers contain no number of ours, so no answer is awaited. Not here: the name under which data comes
//! and when a book is requested again ([`super::supply`]), the meaning of frames ([`super::route`]) and answers
//! ([`super::answers`]), the book's rules ([`super::book`]), when messages and requests are sent ([`crate::kit`]).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{HistoryRequest, Quote},
    proof::TrackedBook,
    status::FeedCause,
    time::{Monotonic, Now, Timestamp},
};
use serde::Serialize;

use crate::{
    catalogue::CatalogueSource,
    coinbase::{
        FRAME_BYTES, HISTORY_ATTEMPTS, INFO, POLL_SPACING, POLLED_TRADES, REQUEST_RULES, answers,
        book::CoinbaseBook,
        catalogue, frame, pool_rules, rest,
        route::{self, CoinbaseConnection},
        supply::{self, SnapshotRequest, Supply},
    },
    kit::{
        connection::Subscription,
        dedup::TextTradeIds,
        feed_session::FeedSession,
        pool::{LostSymbols, PoolRules},
        protocol::{Protocol, SYMBOL_CHARS, SignOfLife, Symbol, SymbolState, Unreadable, unknown_symbols},
        requests::{self, RequestRules, RestRequest, Task},
        resync_pacing::SnapshotPace,
    },
    registry::VenueInfo,
    session::{ConnectionId, HttpAnswer, SessionConfig, SnapshotFrame, Symbols},
};

/// Follows products on Coinbase Advanced Trade.
#[derive(Debug, Default)]
pub(crate) struct Coinbase {
    /// Further products that frames with a product's name are about: aliases.
    pub(super) aliases: BTreeMap<Arc<str>, Vec<usize>>,
    pub(super) connections: BTreeMap<ConnectionId, CoinbaseConnection>,
}

pub(super) type CoinbaseSession = FeedSession<Coinbase>;

/// The purpose of a request. Symbols are positions in the session's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The description of a product: its steps, and whether its data comes under another name.
    Product { symbol: usize },
    /// All products: for recordings that contain the list.
    Products,
    /// The newest trades: a check that the connection delivers them.
    Probe { symbol: usize },
    /// A page of candles that open at `until` or before, back to `from`; further pages follow.
    History { symbol: usize, interval: Interval, from: Timestamp, until: Timestamp },
    /// A product's status, and its statistics of 24 hours instead of the stream.
    Day { symbol: usize },
    /// The best levels of the book, instead of the stream.
    BestLevels { symbol: usize },
    /// Trades, instead of the stream.
    Trades { symbol: usize },
}

impl requests::Purpose for Purpose {
    /// Products first, then doubts, then history, then polling.
    fn rank(&self) -> u8 {
        match self {
            Self::Product { .. } | Self::Products => 0,
            Self::Probe { .. } => 1,
            Self::History { .. } => 2,
            Self::BestLevels { .. } => 3,
            Self::Trades { .. } => 4,
            Self::Day { .. } => 5,
        }
    }

    fn symbol(&self) -> Option<usize> {
        match self {
            Self::Products => None,
            Self::Product { symbol }
            | Self::Probe { symbol }
            | Self::History { symbol, .. }
            | Self::Day { symbol }
            | Self::BestLevels { symbol }
            | Self::Trades { symbol } => Some(*symbol),
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Product { .. } | Self::Products => "products",
            Self::History { .. } => "bars",
            Self::BestLevels { .. } => "order books",
            Self::Day { .. } => "quotes",
            Self::Probe { .. } | Self::Trades { .. } => "trades",
        }
    }

    fn attempts(&self) -> u32 {
        match self {
            Self::Product { .. } | Self::Products => u32::MAX,
            Self::History { .. } => HISTORY_ATTEMPTS,
            Self::Probe { .. } | Self::Day { .. } | Self::BestLevels { .. } | Self::Trades { .. } => 1,
        }
    }
}

/// The state of one product.
#[derive(Debug, Default)]
pub(crate) struct CoinbaseSymbolState {
    pub(super) book: CoinbaseBook,
    pub(super) supply: Supply,
    /// Data has arrived since its connection was opened.
    pub(super) has_data: bool,
    pub(super) snapshot: SnapshotRequest,
    pub(super) pace: SnapshotPace,
    /// Consecutive unanswered snapshot requests.
    pub(super) n_in_vain: u32,
    pub(super) trade_ids: TextTradeIds,
    /// The best bid and ask emitted last.
    pub(super) quote: Option<Quote>,
    /// Pages of candles that wait for the rest.
    pub(super) history: BTreeMap<Interval, BTreeMap<Timestamp, Candle>>,
}

impl SymbolState for CoinbaseSymbolState {
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

impl Protocol for Coinbase {
    type Purpose = Purpose;
    type SymbolState = CoinbaseSymbolState;

    const INFO: &'static VenueInfo = &INFO;
    const CATALOGUE: CatalogueSource = catalogue::SOURCE;
    const REQUEST_RULES: RequestRules = REQUEST_RULES;
    const POLL_SPACING: Duration = POLL_SPACING;
    const FRAME_BYTES: usize = FRAME_BYTES;
    const SIGN_OF_LIFE: SignOfLife = SignOfLife::Frame;

    fn new(_config: &SessionConfig) -> Self {
        Self::default()
    }

    fn pool_rules(ws_url: &str) -> Option<PoolRules> {
        Some(pool_rules(ws_url))
    }

    fn take_unusable(symbols: &mut Symbols) -> Vec<(String, FeedCause)> {
        unknown_symbols(symbols.take_unusable(is_product_name), Self::spelled)
    }

    fn spelled(symbol: &str) -> Option<String> {
        let spelled = symbol.to_uppercase().replace(['/', '_', ' '], "-");
        (spelled != symbol && is_product_name(&spelled)).then_some(spelled)
    }

    fn start(session: &mut CoinbaseSession, now: Now) {
        let positions: Vec<usize> = (0..session.symbols.len()).collect();
        Self::added(session, &positions, now);
        if session.is_open_ended {
            session.requests.push(Task::new(Purpose::Products), now.monotonic);
        }
    }

    /// Frames of an alias may have the label of a product that was not followed so far.
    fn can_add(session: &CoinbaseSession, symbol: &str) -> bool {
        !session.symbols.iter().any(|known| supply::presumed_label(known.name()) == Some(symbol))
    }

    fn added(session: &mut CoinbaseSession, positions: &[usize], now: Now) {
        for symbol in positions.iter().copied() {
            if supply::presumed_label(session.symbols[symbol].name())
                .is_some_and(|label| session.followed(label).is_some())
            {
                session.symbols[symbol].state.supply = Supply::Undecided;
            }
            session.requests.push(Task::new(Purpose::Product { symbol }), now.monotonic);
        }
    }

    fn subscribe_more(session: &mut CoinbaseSession, members: &[usize], now: Now) -> Vec<Subscription> {
        let subscribed: Vec<usize> =
            members.iter().copied().filter(|position| session.is_subscribed(*position)).collect();
        subscribed.iter().for_each(|position| session.await_data(*position, now));
        everything(&session.products(&subscribed))
    }

    fn unsubscribe(session: &mut CoinbaseSession, position: usize) -> Vec<Subscription> {
        if !session.is_subscribed(position) {
            return Vec::new();
        }
        let products = session.products(&[position]);
        CHANNELS.iter().filter_map(|channel| message(Verb::Unsubscribe, channel, &products)).collect()
    }

    fn subscribe(session: &mut CoinbaseSession, members: &[usize], now: Now) -> Vec<Subscription> {
        heartbeats().into_iter().chain(Self::subscribe_more(session, members, now)).collect()
    }

    fn frame(session: &mut CoinbaseSession, connection: ConnectionId, text: &str, now: Now) -> Result<(), Unreadable> {
        session.route(connection, frame::parse(text)?, now);
        Ok(())
    }

    fn frame_unreadable(session: &mut CoinbaseSession, connection: ConnectionId, now: Now) {
        session.protocol.connections.entry(connection).or_default().n_to_trust = route::FRAMES_TO_TRUST;
        session.suspend_all(connection, now);
    }

    fn undescribed(session: &mut CoinbaseSession, position: usize, now: Now) {
        // A later description in the recording may contain it.
        session.requests.push(Task::new(Purpose::Product { symbol: position }), now.monotonic);
    }

    fn symbol_unknown(session: &mut CoinbaseSession, position: usize) {
        session.symbols[position].state.snapshot = SnapshotRequest::None;
    }

    /// Products that share the data of a lost product are lost too.
    fn connection_lost(session: &mut CoinbaseSession, lost: LostSymbols) -> LostSymbols {
        let pool = &session.pool;
        session.protocol.connections.retain(|connection, _| pool.has(*connection));
        let mut affected = LostSymbols::new();
        for (position, symbol) in session.symbols.iter_mut().enumerate() {
            if lost.contains(&symbol.state.supply.carrier(position)) {
                (symbol.state.snapshot, symbol.state.has_data) = (SnapshotRequest::None, false);
                affected.push(position);
            }
        }
        affected
    }

    fn carrier(session: &CoinbaseSession, position: usize) -> usize {
        session.symbols[position].state.supply.carrier(position)
    }

    fn book_changed(session: &mut CoinbaseSession, position: usize, now: Now) {
        if session.symbols[position].state.book.needs_snapshot() {
            session.want_snapshot(position, now);
        }
    }

    fn before_timeout(session: &mut CoinbaseSession, now: Now) {
        session.excuse_snapshots(now);
    }

    fn timeout(session: &mut CoinbaseSession, now: Now) {
        session.look_after_snapshots(now);
    }

    fn deadline(session: &CoinbaseSession) -> Option<Monotonic> {
        session.symbols.iter().filter_map(|symbol| symbol.state.snapshot.deadline()).min()
    }

    fn before_sending(session: &mut CoinbaseSession, now: Now) {
        session.request_snapshots(now);
    }

    fn poll(session: &mut CoinbaseSession, now: Now) {
        session.poll_each(now, |symbol| {
            [Purpose::BestLevels { symbol }, Purpose::Trades { symbol }, Purpose::Day { symbol }]
        });
    }

    fn probe(symbol: usize) -> Option<Purpose> {
        Some(Purpose::Probe { symbol })
    }

    fn descriptions(symbols: &[usize]) -> Vec<Purpose> {
        symbols.iter().map(|symbol| Purpose::Day { symbol: *symbol }).collect()
    }

    fn history(_session: &mut CoinbaseSession, symbol: usize, request: &HistoryRequest, now: Now) -> Option<Purpose> {
        // Candles of seconds are not available: the view builds them from trades.
        let (from, until) = rest::span(request.interval, request.n_bars, now.wall)?;
        Some(Purpose::History { symbol, interval: request.interval, from, until })
    }

    fn request(symbols: &[Symbol<CoinbaseSymbolState>], purpose: &Purpose, _now: Now) -> Option<RestRequest> {
        let name = |position: &usize| symbols.get(*position).map(Symbol::name);
        Some(match purpose {
            Purpose::Products => rest::products(),
            Purpose::Product { symbol } | Purpose::Day { symbol } => rest::product(name(symbol)?),
            Purpose::Probe { symbol } => rest::trades(name(symbol)?, 1),
            Purpose::Trades { symbol } => rest::trades(name(symbol)?, POLLED_TRADES),
            Purpose::BestLevels { symbol } => rest::best_levels(name(symbol)?),
            Purpose::History { symbol, interval, from, until } => {
                rest::candles(name(symbol)?, *interval, *from, *until)?
            }
        })
    }

    fn answer(session: &mut CoinbaseSession, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        session.take_answer(task, body, now)
    }

    fn refused(session: &mut CoinbaseSession, task: Task<Purpose>, answer: HttpAnswer<'_>, now: Now) {
        session.take_refusal(task, answer.body, now);
    }

    fn given_up(session: &mut CoinbaseSession, purpose: Purpose, now: Now) {
        if let Purpose::History { symbol, interval, from, .. } = purpose {
            session.emit_history(symbol, interval, from, now);
        }
    }

    fn snapshot_frames(session: &CoinbaseSession, depth: usize) -> Vec<SnapshotFrame> {
        let subscribed = || (0..session.symbols.len()).filter(|position| session.is_subscribed(*position));
        let of_connection = |(connection, state): (&ConnectionId, &CoinbaseConnection)| {
            let carried = subscribed().filter(|position| session.pool.carrier(*position) == Some(*connection));
            let books: Vec<frame::SnapshotEvent<'_>> = carried
                .filter_map(|position| {
                    let tracked = session.books.get(&session.symbols[position].id)?;
                    frame::snapshot_event(session.label_of(position), tracked, depth)
                })
                .collect();
            frame::of_books(&books, state.sequence.last()?).map(|frame| SnapshotFrame::Frame(*connection, frame))
        };
        session.protocol.connections.iter().filter_map(of_connection).collect()
    }

    fn history_answer(symbol: &str, interval: Interval, candles: &[Candle]) -> Option<SnapshotFrame> {
        answers::of_candles(symbol, interval, candles)
    }
}

impl CoinbaseSession {
    /// Returns true if a product is subscribed under its own name.
    pub(super) fn is_subscribed(&self, position: usize) -> bool {
        let Symbol { is_unknown, state, .. } = &self.symbols[position];
        state.supply == Supply::Own && !*is_unknown
    }

    /// Returns the names of products beside their positions.
    pub(super) fn products(&self, positions: &[usize]) -> Vec<(usize, &str)> {
        positions.iter().map(|position| (*position, self.symbols[*position].name())).collect()
    }
}

/// Returns true for valid names, which appear in REST paths: only letters, digits and plain signs.
fn is_product_name(symbol: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !symbol.is_empty() && symbol.len() <= SYMBOL_CHARS && symbol.bytes().all(is_plain) && !symbol.starts_with('.')
}

/// Channels with data, by the name used in messages: the book's frames call theirs `l2_data`.
pub(super) const CHANNELS: [&str; 3] = [BOOK_CHANNEL, "market_trades", "ticker"];
const BOOK_CHANNEL: &str = "level2";

/// Heartbeats: without them the venue closes channels that are quiet for a minute.
fn heartbeats() -> Option<Subscription> {
    message(Verb::Subscribe, "heartbeats", &[])
}

/// Returns subscriptions to all data of these products.
pub(super) fn everything(products: &[(usize, &str)]) -> Vec<Subscription> {
    if products.is_empty() {
        return Vec::new();
    }
    CHANNELS.iter().filter_map(|channel| message(Verb::Subscribe, channel, products)).collect()
}

/// Returns subscriptions that fetch fresh snapshots of these products' books.
pub(super) fn books_again(products: &[(usize, &str)]) -> Vec<Subscription> {
    [Verb::Unsubscribe, Verb::Subscribe].into_iter().filter_map(|verb| message(verb, BOOK_CHANNEL, products)).collect()
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Subscribe,
    Unsubscribe,
}

fn message(verb: Verb, channel: &str, products: &[(usize, &str)]) -> Option<Subscription> {
    #[derive(Serialize)]
    struct Message<'a> {
        #[serde(rename = "type")]
        verb: Verb,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        product_ids: Vec<&'a str>,
        channel: &'a str,
    }
    let product_ids = products.iter().map(|(_, product)| *product).collect();
    let text = serde_json::to_string(&Message { verb, product_ids, channel }).ok()?;
    Some(Subscription { symbols: products.iter().map(|(position, _)| *position).collect(), request: None, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_channel_a_message() {
        let products = [(3, "AAA-USD"), (5, "B\"B-USD")];
        let texts: Vec<String> = heartbeats()
            .into_iter()
            .chain(everything(&products))
            .chain(books_again(&products[..1]))
            .map(|message| message.text)
            .collect();
        assert_eq!(
            texts,
            [
                r#"{"type":"subscribe","channel":"heartbeats"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD","B\"B-USD"],"channel":"level2"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD","B\"B-USD"],"channel":"market_trades"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD","B\"B-USD"],"channel":"ticker"}"#,
                r#"{"type":"unsubscribe","product_ids":["AAA-USD"],"channel":"level2"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD"],"channel":"level2"}"#,
            ]
        );
        assert!(everything(&[]).is_empty());
    }
}
