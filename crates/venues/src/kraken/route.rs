//! Subscription messages of a connection, and the processing of frames: books, trades, best bids and asks, candles,
//! instruments, acknowledgements, the venue's state.
//!
//! Source: <https://docs.kraken.com/api/docs/websocket-v2/book>. The venue answers with our number, once for each
//! symbol; the number encodes the channel, because a refusal does not name it. Not here: parsing a frame
//! ([`super::frame`]), when messages are sent ([`crate::kit::connection`]), refused channels and books subscribed again
//! ([`super::protocol`]).

use std::collections::BTreeMap;

use model::{
    candle::Interval,
    event::{BookUpdate, CandleUpdate, MarketEventKind, Trade, TradeId},
    instrument::InstrumentId,
    status::FeedCause,
    time::{Now, Timestamp},
};
use serde::Serialize;

use crate::{
    kit::{
        connection::Subscription,
        dedup::Novelty,
        protocol::{Protocol, is_usable_symbol},
        strict_json::Object,
        utc_time::UtcTime,
    },
    kraken::{
        BOOK_DEPTH, SYMBOLS_PER_MESSAGE, answers,
        book::{Change, Outcome},
        frame::{KrakenAcceptance, KrakenFrame, KrakenRejection},
        message::{KrakenBar, KrakenBookEntry, KrakenStatus, KrakenTicker, KrakenTrade},
        protocol::{Kraken, KrakenSession, Resubscription},
    },
    session::ConnectionId,
};

impl KrakenSession {
    /// Processes a parsed frame.
    pub(super) fn route(&mut self, connection: ConnectionId, frame: KrakenFrame<'_>, now: Now) {
        match frame {
            KrakenFrame::BookUpdate(entries) => {
                entries.into_iter().for_each(|Object(entry)| self.book_update(connection, entry, now));
            }
            KrakenFrame::BookSnapshot(entries) => {
                entries.iter().for_each(|Object(entry)| self.book_snapshot(connection, entry, now));
            }
            KrakenFrame::Tickers(entries) => {
                entries.iter().for_each(|Object(ticker)| self.ticker(connection, ticker, now));
            }
            KrakenFrame::Trades(entries) => {
                entries.iter().for_each(|Object(trade)| self.print(connection, trade, Freshness::Live, now));
            }
            KrakenFrame::TradeSnapshot(mut entries) => {
                // The venue does not promise an order, and the last one emitted is the last price.
                entries.sort_by_key(|Object(trade)| trade.trade_id);
                entries.iter().for_each(|Object(trade)| self.print(connection, trade, Freshness::Repeated, now));
            }
            KrakenFrame::Bars { bars, sent_at } => self.bars(connection, &bars, sent_at, now),
            KrakenFrame::Instruments(instruments) => {
                let venue = self.venue.clone();
                for Object(pair) in &instruments.pairs {
                    if self.protocol.names.len() < Kraken::SYMBOLS_FROM_FRAMES && is_usable_symbol(&pair.symbol) {
                        self.protocol.names.insert(pair.symbol.as_ref().into());
                    }
                    if let Some(instrument) = pair.instrument(&venue) {
                        self.describe(instrument, now);
                        self.restrict(&pair.symbol, answers::restriction(pair.status.as_deref()));
                    }
                }
                self.suggest_again();
            }
            KrakenFrame::Status(entries) => entries.iter().for_each(|Object(status)| self.status(status)),
            KrakenFrame::Heartbeat | KrakenFrame::Pong => {}
            KrakenFrame::Accepted(acceptance) => self.accepted(connection, &acceptance, now),
            KrakenFrame::Refused(rejection) => self.refused(connection, &rejection, now),
            KrakenFrame::Unknown => self.out.health.counters.unknown += 1,
        }
    }

    fn book_snapshot(&mut self, connection: ConnectionId, entry: &KrakenBookEntry<'_>, now: Now) {
        let Some(position) = self.data(connection, &entry.symbol, now) else { return };
        let event_time = entry.timestamp.map(|UtcTime(time)| time);
        let change = Change { bids: &entry.bids, asks: &entry.asks, checksum: entry.checksum, event_time };
        self.change_book(position, now, |state, tracked| {
            state.resubscription = Resubscription::None;
            if state.book.on_snapshot(tracked, change, now) != Outcome::Applied {
                return None;
            }
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            Some((event_time, BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks }))
        });
    }

    fn book_update(&mut self, connection: ConnectionId, entry: KrakenBookEntry<'_>, now: Now) {
        let Some(position) = self.data(connection, &entry.symbol, now) else { return };
        if !self.symbols[position].state.book.is_following() {
            return;
        }
        let event_time = entry.timestamp.map(|UtcTime(time)| time);
        self.change_book(position, now, |state, tracked| {
            let change = Change { bids: &entry.bids, asks: &entry.asks, checksum: entry.checksum, event_time };
            (state.book.on_update(tracked, change, now) == Outcome::Applied).then(|| {
                let update = BookUpdate::Delta { state: tracked.state, bids: entry.bids, asks: entry.asks };
                (event_time, update)
            })
        });
    }

    fn ticker(&mut self, connection: ConnectionId, ticker: &KrakenTicker<'_>, now: Now) {
        let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
        let symbol = &mut self.symbols[position];
        let event_time = ticker.timestamp.map(|UtcTime(time)| time);
        let quote = ticker.quote();
        if let Some(tracked) = self.books.get(&symbol.id) {
            symbol.state.book.on_quote(tracked, &quote, now.monotonic);
        }
        self.out.event(&symbol.id, event_time, now, MarketEventKind::Quote(quote));
        // Most tickers are sent because of a new best bid or ask and repeat the statistics.
        if let Some(day) = ticker.day().filter(|day| symbol.state.day.as_ref() != Some(day)) {
            symbol.state.day = Some(day);
            self.out.event(&symbol.id, event_time, now, MarketEventKind::Day(day));
        }
        self.watch(position);
    }

    fn print(&mut self, connection: ConnectionId, trade: &KrakenTrade<'_>, freshness: Freshness, now: Now) {
        let Some(position) = self.data(connection, &trade.symbol, now) else { return };
        let symbol = &mut self.symbols[position];
        let counters = &mut self.out.health.counters;
        match (symbol.state.trade_ids.see(trade.trade_id, trade.trade_id), freshness) {
            (Novelty::Seen, Freshness::Live) => {
                counters.duplicates += 1;
                return;
            }
            // The newest trades are repeated with each subscription.
            (Novelty::Seen, Freshness::Repeated) => return,
            (Novelty::Late, Freshness::Live) => counters.out_of_order += 1,
            (Novelty::Late, Freshness::Repeated) => {}
            (Novelty::New { is_gap }, _) => counters.gaps += u64::from(is_gap),
        }
        let UtcTime(trade_time) = trade.timestamp;
        self.liveness.data(position, Some(trade_time), now.monotonic);
        let print = Trade {
            id: TradeId::Sequence(trade.trade_id),
            price: trade.price,
            size: trade.quantity,
            aggressor_side: trade.aggressor_side(),
        };
        self.out.event(&symbol.id, Some(trade_time), now, MarketEventKind::Trade(print));
    }

    /// No candle is reported as closed: a later candle shows it, or the time at which the frame was sent.
    fn bars(&mut self, connection: ConnectionId, bars: &[Object<KrakenBar<'_>>], sent_at: Option<UtcTime>, now: Now) {
        let sent_at = sent_at.map(|UtcTime(time)| time);
        let mut ours = Vec::new();
        for Object(bar) in bars {
            let Some(position) = self.data(connection, &bar.symbol, now) else { continue };
            ours.extend(bar.candle().map(|(interval, candle)| (position, interval, candle)));
        }
        let newest: BTreeMap<(usize, Interval), Timestamp> =
            ours.iter().map(|(position, interval, candle)| ((*position, *interval), candle.open_time)).collect();
        for (position, interval, candle) in ours {
            let symbol = &mut self.symbols[position];
            let mut say = |candle, is_closed| {
                let update = CandleUpdate { interval, candle, is_closed };
                self.out.event(&symbol.id, sent_at, now, MarketEventKind::Candle(update));
            };
            match symbol.state.bars.get(&interval) {
                Some((known, _)) if candle.open_time < known.open_time => {
                    self.out.health.counters.out_of_order += 1;
                    continue;
                }
                Some((known, false)) if known.open_time < candle.open_time => say(*known, true),
                Some(_) | None => {}
            }
            let is_ended = sent_at.is_some_and(|time| candle.open_time + interval.duration() <= time);
            let is_closed = is_ended || newest.get(&(position, interval)).is_some_and(|time| candle.open_time < *time);
            say(candle, is_closed);
            symbol.state.bars.insert(interval, (candle, is_closed));
        }
    }

    fn status(&mut self, status: &KrakenStatus<'_>) {
        let restricted = |detail: &str| Some(FeedCause::Restricted { detail: detail.to_owned() });
        // Data flows in all states but maintenance, or its absence will be detected.
        let cause = match status.system.as_ref() {
            "maintenance" => Some(FeedCause::Maintenance { detail: "announced by the venue".to_owned() }),
            "cancel_only" => restricted("the venue takes no new orders: orders can only be cancelled"),
            "post_only" => restricted("the venue takes only orders that rest in the book: nothing trades"),
            "limit_only" => restricted("the venue takes only limit orders"),
            _ => None,
        };
        self.out.set_venue_cause(cause);
    }

    fn accepted(&mut self, connection: ConnectionId, acceptance: &KrakenAcceptance<'_>, now: Now) {
        let Some(symbol) = &acceptance.symbol else {
            if let Some(request) = acceptance.request {
                self.pool.accepted(connection, request, now, &mut self.out);
            }
            return;
        };
        let Some(position) = self.named(symbol, now) else { return };
        if let Some(request) = acceptance.request {
            self.pool.answered_symbol(connection, request, position, now, &mut self.out);
        }
        let channel = match acceptance.channel.as_ref() {
            "book" => Channel::Book,
            "trade" => Channel::Trade,
            "ticker" => Channel::Ticker,
            _ => return,
        };
        if acceptance.is_subscription {
            if let Some(depth) = acceptance.depth.and_then(|depth| usize::try_from(depth).ok()) {
                self.symbols[position].state.book.set_depth(depth);
            }
            self.mark_accepted(position, channel, now);
        }
    }

    fn refused(&mut self, connection: ConnectionId, rejection: &KrakenRejection<'_>, now: Now) {
        self.keep_stated_wait(&rejection.detail, now);
        let position = rejection.symbol.as_deref().and_then(|symbol| self.followed(symbol));
        if let (Some(position), Some(request)) = (position, rejection.request) {
            self.pool.answered_symbol(connection, request, position, now, &mut self.out);
        }
        if !rejection.is_subscription {
            // Nothing was subscribed, so nothing must end.
            return;
        }
        let channel = rejection.request.map(Channel::of_request);
        match (position, &rejection.symbol) {
            (Some(position), _) if rejection.is_unknown_symbol() => self.mark_unknown(position),
            (Some(position), _) => self.mark_refused(position, channel, &rejection.detail, now),
            (None, Some(symbol)) if self.is_open_ended => self.note_refusal(symbol, rejection),
            (None, Some(_)) => {}
            // REST has the list too.
            (None, None) if channel == Some(Channel::Instrument) => self.request_symbols(now),
            (None, None) => {
                for position in self.pool.refused(connection, rejection.request, now.monotonic) {
                    self.mark_refused(position, channel, &rejection.detail, now);
                }
            }
        }
    }

    /// Notes a refusal in a recording for a symbol that it does not follow.
    fn note_refusal(&mut self, symbol: &str, rejection: &KrakenRejection<'_>) {
        let causes = &self.out.health.instrument_causes;
        if !is_usable_symbol(symbol) || causes.len() >= Kraken::SYMBOLS_FROM_FRAMES {
            return;
        }
        let id = InstrumentId::new(&self.venue, symbol);
        let cause = if rejection.is_unknown_symbol() {
            FeedCause::UnknownSymbol { symbol: symbol.to_owned(), suggestion: None }
        } else {
            FeedCause::Refused { detail: rejection.detail.clone() }
        };
        self.out.health.instrument_causes.insert(id, cause);
    }
}

/// Freshness of a trade: it has just happened, or repeats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Live,
    /// One of the newest at the time of subscribing.
    Repeated,
}

/// Channels that can be subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Instrument,
    Book,
    Trade,
    Ticker,
}

impl Channel {
    /// The channels of a symbol, in the order of requests.
    pub(super) const OF_SYMBOL: [Self; 3] = [Self::Book, Self::Trade, Self::Ticker];

    /// Returns the channel of the message with that number.
    pub(super) fn of_request(request: u64) -> Self {
        match request % 4 {
            0 => Self::Instrument,
            1 => Self::Book,
            2 => Self::Trade,
            _ => Self::Ticker,
        }
    }

    fn request(self, n_messages: &mut u64) -> u64 {
        *n_messages += 1;
        *n_messages * 4 + self as u64
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Instrument => "instrument",
            Self::Book => "book",
            Self::Trade => "trade",
            Self::Ticker => "ticker",
        }
    }
}

/// The action on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Subscribe,
    Unsubscribe,
}

/// Returns messages that subscribe to all data of `members`; `symbol` gives a position's symbol, `n_messages`
/// numbers the messages.
pub(super) fn subscriptions<'a>(
    members: &[usize],
    symbol: impl Fn(usize) -> Option<&'a str>,
    n_messages: &mut u64,
) -> Vec<Subscription> {
    let mut messages = Vec::new();
    for chunk in members.chunks(SYMBOLS_PER_MESSAGE) {
        let symbols: Vec<(usize, &str)> =
            chunk.iter().filter_map(|position| Some((*position, symbol(*position)?))).collect();
        messages.extend(
            Channel::OF_SYMBOL
                .into_iter()
                .filter_map(|channel| message(Method::Subscribe, channel, &symbols, n_messages)),
        );
    }
    messages
}

/// Returns a message about one channel of some symbols, given as position and name.
pub(super) fn message(
    method: Method,
    channel: Channel,
    symbols: &[(usize, &str)],
    n_messages: &mut u64,
) -> Option<Subscription> {
    #[derive(Serialize)]
    struct Message<'a> {
        method: &'static str,
        params: Params<'a>,
        req_id: u64,
    }
    #[derive(Serialize)]
    struct Params<'a> {
        channel: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        symbol: Option<Vec<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        depth: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        event_trigger: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        snapshot: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        include_tokenized_assets: Option<bool>,
    }
    let is_subscription = method == Method::Subscribe;
    let request = channel.request(n_messages);
    let message = Message {
        method: if is_subscription { "subscribe" } else { "unsubscribe" },
        params: Params {
            channel: channel.as_str(),
            symbol: (channel != Channel::Instrument).then(|| symbols.iter().map(|(_, name)| *name).collect()),
            depth: (channel == Channel::Book).then_some(BOOK_DEPTH),
            // Every change of the best bid and ask, not only those that come with a trade.
            event_trigger: (channel == Channel::Ticker && is_subscription).then_some("bbo"),
            // The newest trades close the gap left by a lost connection.
            snapshot: is_subscription.then_some(true),
            // Tokenised stocks are left out otherwise.
            include_tokenized_assets: (channel == Channel::Instrument && is_subscription).then_some(true),
        },
        req_id: request,
    };
    let text = serde_json::to_string(&message).ok()?;
    let symbols = symbols.iter().map(|(position, _)| *position).collect();
    Some(Subscription { symbols, request: Some(request), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_channels_a_symbol_in_messages_of_bounded_size() {
        let names: Vec<String> = (0..70).map(|idx| format!("S{idx}/USD")).collect();
        let members: Vec<usize> = (0..70).collect();
        let mut n_messages = 0;
        let messages = subscriptions(&members, |position| names.get(position).map(String::as_str), &mut n_messages);
        let shown: Vec<(Channel, usize, usize)> = messages
            .iter()
            .map(|message| {
                let channel = Channel::of_request(message.request.unwrap());
                (channel, message.symbols.len(), message.text.matches("/USD").count())
            })
            .collect();
        use Channel::{Book, Ticker, Trade};
        let expected =
            [(Book, 50, 50), (Trade, 50, 50), (Ticker, 50, 50), (Book, 20, 20), (Trade, 20, 20), (Ticker, 20, 20)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn wording() {
        #[track_caller]
        fn check(method: Method, channel: Channel, expected: &str) {
            let message = message(method, channel, &[(3, "BTC/USD")], &mut 1).unwrap();
            assert_eq!(message.text, expected);
        }
        check(
            Method::Subscribe,
            Channel::Book,
            r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":100,"snapshot":true},"req_id":9}"#,
        );
        check(
            Method::Unsubscribe,
            Channel::Book,
            r#"{"method":"unsubscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":100},"req_id":9}"#,
        );
        check(
            Method::Subscribe,
            Channel::Ticker,
            r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],"event_trigger":"bbo","snapshot":true},"req_id":11}"#,
        );
        check(
            Method::Subscribe,
            Channel::Instrument,
            r#"{"method":"subscribe","params":{"channel":"instrument","snapshot":true,"include_tokenized_assets":true},"req_id":8}"#,
        );
    }
}
