//! What frames mean for the session: books, prints, best bids and asks, bars, instruments, acknowledgements, the venue's
//! state.
//!
//! Not here: how a frame is read ([`super::frame`]), connections and requests ([`super::session`]).

use std::collections::BTreeMap;

use model::{
    candle::Interval,
    event::{BookUpdate, CandleUpdate, MarketEventKind, Trade, TradeId},
    instrument::InstrumentId,
    status::FeedCause,
    time::{Now, Timestamp},
};

use crate::{
    kit::{dedup::Novelty, strict_json::Object, utc_time::UtcTime},
    kraken::{
        book::{Change, Outcome},
        frame::{self, KrakenAcceptance, KrakenFrame, KrakenRejection},
        limits::{FRAME_BYTES, SYMBOL_BYTES, SYMBOLS_FROM_FRAMES},
        message::{KrakenBar, KrakenBookEntry, KrakenStatus, KrakenTicker, KrakenTrade},
        session::KrakenSession,
        stream::Resubscription,
        subscribe::Channel,
    },
    session::{ConnectionId, Session},
};

impl KrakenSession {
    /// A text frame came.
    pub(super) fn frame(&mut self, connection: ConnectionId, text: &str, now: Now) {
        if !self.pool.has(connection) {
            return;
        }
        self.out.frame(now);
        self.pool.alive(connection, now.monotonic);
        let frame = if text.len() <= FRAME_BYTES { frame::parse(text).ok() } else { None };
        match frame {
            Some(frame) => self.route(connection, frame, now),
            None => self.out.health.counters.malformed += 1,
        }
    }

    fn route(&mut self, connection: ConnectionId, frame: KrakenFrame<'_>, now: Now) {
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
                // The venue does not promise an order, and the last one told is the last price.
                entries.sort_by_key(|Object(trade)| trade.trade_id);
                entries.iter().for_each(|Object(trade)| self.print(connection, trade, Freshness::Repeated, now));
            }
            KrakenFrame::Bars { bars, sent_at } => self.bars(connection, &bars, sent_at, now),
            KrakenFrame::Instruments(instruments) => {
                let venue = self.venue().clone();
                for Object(pair) in &instruments.pairs {
                    if let Some(instrument) = pair.instrument(&venue) {
                        self.describe(instrument, now);
                    }
                }
            }
            KrakenFrame::Status(entries) => entries.iter().for_each(|Object(status)| self.status(status)),
            KrakenFrame::Heartbeat | KrakenFrame::Pong => {}
            KrakenFrame::Accepted(acceptance) => self.accepted(connection, &acceptance, now),
            KrakenFrame::Refused(rejection) => self.refused(connection, &rejection, now),
            KrakenFrame::Unknown => self.out.health.counters.unknown += 1,
        }
    }

    /// Notes that a connection delivers; returns the position of the symbol.
    fn data(&mut self, connection: ConnectionId, symbol: &str, now: Now) -> Option<usize> {
        let position = self.named(symbol, now).filter(|position| !self.streams[*position].is_unknown);
        self.pool.data(connection, position, now, &mut self.out);
        if let Some(position) = position {
            self.liveness.data(position, None, now.monotonic);
            if !self.out.health.silences.is_empty() {
                self.out.health.silences.remove(&self.streams[position].id);
            }
        }
        position
    }

    fn book_snapshot(&mut self, connection: ConnectionId, entry: &KrakenBookEntry<'_>, now: Now) {
        let Some(position) = self.data(connection, &entry.symbol, now) else { return };
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
        let event_time = entry.timestamp.map(|UtcTime(time)| time);
        let change = Change { bids: &entry.bids, asks: &entry.asks, checksum: entry.checksum, event_time };
        stream.resubscription = Resubscription::None;
        if stream.book.on_snapshot(tracked, change, now) == Outcome::Applied {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&stream.id, event_time, now, MarketEventKind::Book(update));
        }
        self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
        self.after_book_change(position, state_before, now);
    }

    fn book_update(&mut self, connection: ConnectionId, entry: KrakenBookEntry<'_>, now: Now) {
        let Some(position) = self.data(connection, &entry.symbol, now) else { return };
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
        let event_time = entry.timestamp.map(|UtcTime(time)| time);
        let change = Change { bids: &entry.bids, asks: &entry.asks, checksum: entry.checksum, event_time };
        match stream.book.on_update(tracked, change, now) {
            Outcome::Applied => {
                let update = BookUpdate::Delta { state: tracked.state, bids: entry.bids, asks: entry.asks };
                self.out.event(&stream.id, event_time, now, MarketEventKind::Book(update));
            }
            Outcome::Ignored => return,
            Outcome::Doubted => {}
        }
        self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
        self.after_book_change(position, state_before, now);
    }

    fn ticker(&mut self, connection: ConnectionId, ticker: &KrakenTicker<'_>, now: Now) {
        let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
        let stream = &mut self.streams[position];
        let event_time = ticker.timestamp.map(|UtcTime(time)| time);
        if let Some(quote) = ticker.quote() {
            if let Some(tracked) = self.books.get(&stream.id) {
                stream.book.on_quote(tracked, &quote, now.monotonic);
            }
            self.out.event(&stream.id, event_time, now, MarketEventKind::Quote(quote));
        }
        // Most tickers come because of a new best bid or ask and repeat the figures.
        if let Some(day) = ticker.day().filter(|day| stream.day.as_ref() != Some(day)) {
            stream.day = Some(day);
            self.out.event(&stream.id, event_time, now, MarketEventKind::Day(day));
        }
        self.watch(position);
    }

    fn print(&mut self, connection: ConnectionId, trade: &KrakenTrade<'_>, freshness: Freshness, now: Now) {
        let Some(position) = self.data(connection, &trade.symbol, now) else { return };
        let stream = &mut self.streams[position];
        let counters = &mut self.out.health.counters;
        match (stream.trade_ids.see(trade.trade_id, trade.trade_id), freshness) {
            (Novelty::Seen, Freshness::Live) => {
                counters.duplicates += 1;
                return;
            }
            // The newest prints come again with each subscription.
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
        self.out.event(&stream.id, Some(trade_time), now, MarketEventKind::Trade(print));
    }

    /// Nothing says that a bar is closed: a later one does, or the time at which the frame was sent.
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
            let stream = &mut self.streams[position];
            let mut say = |candle, is_closed| {
                let update = CandleUpdate { interval, candle, is_closed };
                self.out.event(&stream.id, sent_at, now, MarketEventKind::Candle(update));
            };
            match stream.bars.get(&interval) {
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
            stream.bars.insert(interval, (candle, is_closed));
        }
    }

    fn status(&mut self, status: &KrakenStatus<'_>) {
        // In other states than this one data flows, or it will be seen that none does.
        let cause = (status.system == "maintenance")
            .then(|| FeedCause::Maintenance { detail: "announced by the venue".to_owned() });
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
                self.streams[position].book.set_depth(depth);
            }
            self.mark_accepted(position, channel, now);
        }
    }

    fn refused(&mut self, connection: ConnectionId, rejection: &KrakenRejection<'_>, now: Now) {
        let position = rejection.symbol.as_deref().and_then(|symbol| self.followed(symbol));
        if let (Some(position), Some(request)) = (position, rejection.request) {
            self.pool.answered_symbol(connection, request, position, now, &mut self.out);
        }
        if !rejection.is_subscription {
            // Nothing was subscribed, so nothing has to end.
            return;
        }
        let channel = rejection.request.map(Channel::of_request);
        match (position, &rejection.symbol) {
            (Some(position), _) if rejection.is_unknown_symbol() => self.mark_unknown(position),
            (Some(position), _) => self.mark_refused(position, channel, &rejection.detail, now),
            (None, Some(symbol)) if self.is_open_ended => self.note_refusal(symbol, rejection),
            (None, Some(_)) => {}
            // REST has the list as well.
            (None, None) if channel == Some(Channel::Instrument) => self.want_symbols(now),
            (None, None) => {
                for position in self.pool.refused(connection, rejection.request, now.monotonic) {
                    self.mark_refused(position, channel, &rejection.detail, now);
                }
            }
        }
    }

    /// A recording holds a refusal of a symbol that it does not follow.
    fn note_refusal(&mut self, symbol: &str, rejection: &KrakenRejection<'_>) {
        let causes = &self.out.health.instrument_causes;
        if symbol.is_empty() || symbol.len() > SYMBOL_BYTES || causes.len() >= SYMBOLS_FROM_FRAMES {
            return;
        }
        let id = InstrumentId::new(self.venue(), symbol);
        let cause = if rejection.is_unknown_symbol() {
            FeedCause::UnknownSymbol { symbol: symbol.to_owned() }
        } else {
            FeedCause::Refused { detail: rejection.detail.clone() }
        };
        self.out.health.instrument_causes.insert(id, cause);
    }
}

/// Whether a print has just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Live,
    /// One of the newest at the time of subscribing.
    Repeated,
}
