//! Processes frames: books, trades, best bids and asks, candles, statistics of 24 hours, acknowledgements.
//!
//! Best bid and ask come from the book while it is live: it changes with each order, the ticker only several times a
//! second, and the two would briefly contradict each other. The ticker's are emitted while the book is not live, and
//! compared with it otherwise.
//!
//! Frames of one connection follow one another without a gap: one number across all channels, rising by one.
//! Acknowledgements and heartbeats are counted too, so a single missing frame is detected at the latest when the next
//! heartbeat arrives. The channel of a missing frame is unknown: every book of the connection is in doubt. Not here:
//! parsing a frame ([`super::frame`]), handling of books in doubt ([`super::supply`]), connections and requests
//! ([`super::protocol`]).

use std::collections::{BTreeMap, BTreeSet};

use model::{
    candle::{Candle, Interval},
    event::{BookUpdate, CandleHistory, CandleUpdate, MarketEventKind, Quote, Trade},
    proof::BookState,
    status::FeedCause,
    time::{Now, Timestamp},
};

use crate::{
    coinbase::{
        book::Outcome,
        frame::{CoinbaseBody, CoinbaseFrame, CoinbaseSubscriptions},
        message::{CoinbaseBookEvent, CoinbaseCandlesEvent, CoinbaseEventKind, CoinbaseTicker, CoinbaseTradesEvent},
        protocol::{self, CHANNELS, CoinbaseSession},
        supply::SnapshotRequest,
    },
    kit::dedup::Novelty,
    session::ConnectionId,
};

impl CoinbaseSession {
    /// Processes a parsed frame.
    pub(super) fn route(&mut self, connection: ConnectionId, frame: CoinbaseFrame<'_>, now: Now) {
        let state = self.protocol.connections.entry(connection).or_default();
        let place = frame.sequence.map_or(Place::Next, |number| state.sequence.see(number));
        let counters = &mut self.out.health.counters;
        match place {
            Place::Next if frame.sequence.is_some() && state.n_to_trust > 0 => {
                state.n_to_trust -= 1;
                if state.n_to_trust == 0 {
                    self.resume_all(connection, now);
                }
            }
            Place::Next => {}
            Place::AfterGap => {
                state.n_to_trust = 0;
                counters.gaps += 1;
                self.doubt_all(connection, now);
            }
            // Trades are checked, and counted, by their own ids; all other data is out of date.
            Place::Late if matches!(frame.body, CoinbaseBody::Trades(_)) => {}
            Place::Late => {
                counters.out_of_order += 1;
                return;
            }
            Place::Seen => {
                counters.duplicates += 1;
                return;
            }
        }
        match frame.body {
            CoinbaseBody::Books(events) => {
                let number = frame.sequence.unwrap_or_default();
                let has_unknown =
                    events.iter().any(|event| event.kind == CoinbaseEventKind::Unknown || event.updates.n_unknown > 0);
                self.out.health.counters.unknown += u64::from(has_unknown);
                events.into_iter().for_each(|event| self.levels(connection, event, number, now));
            }
            CoinbaseBody::Trades(events) => events.iter().for_each(|event| self.prints(connection, event, now)),
            CoinbaseBody::Tickers(events) => {
                let tickers = events.iter().flat_map(|event| &event.tickers);
                tickers.for_each(|ticker| self.ticker(connection, ticker, frame.time, now));
            }
            CoinbaseBody::Candles(events) => {
                events.iter().for_each(|event| self.candles(connection, event, frame.time, now));
            }
            // Neither this nor an acknowledgement proves that data flows.
            CoinbaseBody::Heartbeat => {}
            CoinbaseBody::Subscriptions(channels) => self.acknowledged(&channels),
            CoinbaseBody::Refused { detail } => self.refused(connection, &detail, now),
            CoinbaseBody::Unknown => self.out.health.counters.unknown += 1,
        }
        // A whole book that arrived meanwhile may lack the change in the unreadable frame.
        if self.protocol.connections.get(&connection).is_some_and(|state| state.n_to_trust > 0) {
            self.suspend_all(connection, now);
        }
    }

    /// Notes that a connection delivers; returns the positions of the products with that label.
    fn label_data(&mut self, connection: ConnectionId, label: &str, now: Now) -> Vec<usize> {
        let mut positions = self.labelled(label, now);
        let carrier = |position: usize| self.symbols[position].state.supply.carrier(position);
        positions.retain(|position| self.pool.may_bring(connection, carrier(*position)));
        if positions.is_empty() {
            self.delivered(connection, None, now);
        }
        for position in &positions {
            self.delivered(connection, Some(*position), now);
            self.symbols[*position].state.has_data = true;
        }
        positions
    }

    fn levels(&mut self, connection: ConnectionId, event: CoinbaseBookEvent<'_>, number: u64, now: Now) {
        let (kind, mut levels) = (event.kind, event.updates);
        let positions = self.label_data(connection, &event.product_id, now);
        for (idx, position) in positions.iter().copied().enumerate() {
            let is_last = idx + 1 == positions.len();
            let mut is_emitted = false;
            self.change_book(position, now, |state, tracked| {
                let update = match kind {
                    CoinbaseEventKind::Snapshot => {
                        (state.snapshot, state.n_in_vain) = (SnapshotRequest::None, 0);
                        state.book.on_snapshot(tracked, &levels, number, now);
                        let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
                        Some(BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks })
                    }
                    CoinbaseEventKind::Update => {
                        let outcome = state.book.on_update(tracked, &levels, number, now);
                        let rows = |rows: &mut Vec<_>| if is_last { std::mem::take(rows) } else { rows.clone() };
                        // Changes made while the book was in doubt are emitted once it is trusted again.
                        let is_trusted = outcome == Outcome::Fine && tracked.state == BookState::Live;
                        is_trusted.then(|| BookUpdate::Delta {
                            state: tracked.state,
                            bids: rows(&mut levels.bids),
                            asks: rows(&mut levels.asks),
                        })
                    }
                    CoinbaseEventKind::Unknown => None,
                };
                is_emitted = update.is_some();
                update.map(|update| (levels.event_time, update))
            });
            if is_emitted {
                self.emit_top(position, now);
            }
        }
    }

    /// Emits best bid and ask of a live book if they have changed.
    pub(super) fn emit_top(&mut self, position: usize, now: Now) {
        let symbol = &mut self.symbols[position];
        let Some(tracked) = self.books.get(&symbol.id).filter(|tracked| tracked.state == BookState::Live) else {
            return;
        };
        // A crossed top is not a quote: it has half a second to resolve.
        let quote = tracked.book.quote();
        if !tracked.book.is_crossed() && symbol.state.quote != Some(quote) {
            symbol.state.quote = Some(quote);
            self.out.event(&symbol.id, tracked.event_time, now, MarketEventKind::Quote(quote));
        }
    }

    fn prints(&mut self, connection: ConnectionId, event: &CoinbaseTradesEvent<'_>, now: Now) {
        let is_snapshot = event.kind == CoinbaseEventKind::Snapshot;
        // Trades from before anything was followed are neither news nor current volume.
        let known: BTreeSet<usize> =
            (0..self.symbols.len()).filter(|position| self.symbols[*position].state.trade_ids.has_any()).collect();
        // The venue sends the newest first.
        for trade in event.trades.iter().rev() {
            for position in self.label_data(connection, &trade.product_id, now) {
                let (symbol, trade_time) = (&mut self.symbols[position], trade.time.0);
                self.liveness.data(position, Some(trade_time), now.monotonic);
                if is_snapshot && !known.contains(&position) {
                    symbol.state.trade_ids.pass_over(&trade.trade_id);
                    continue;
                }
                let (id, novelty) = symbol.state.trade_ids.see(&trade.trade_id);
                let counters = &mut self.out.health.counters;
                match novelty {
                    // A snapshot repeats earlier trades, and includes those missed by a broken connection.
                    Novelty::Seen => {
                        counters.duplicates += u64::from(!is_snapshot);
                        continue;
                    }
                    Novelty::Late => counters.out_of_order += u64::from(!is_snapshot),
                    Novelty::New { is_gap } => counters.gaps += u64::from(is_gap),
                }
                let aggressor_side = trade.side.aggressor_side();
                let print = Trade { id, price: trade.price, size: trade.size, aggressor_side };
                self.out.event(&symbol.id, Some(trade_time), now, MarketEventKind::Trade(print));
            }
        }
    }

    fn ticker(&mut self, connection: ConnectionId, ticker: &CoinbaseTicker<'_>, time: Option<Timestamp>, now: Now) {
        for position in self.label_data(connection, &ticker.product_id, now) {
            let id = self.symbols[position].id.clone();
            if let Some(day) = ticker.day() {
                self.out.event(&id, time, now, MarketEventKind::Day(day));
            }
            let Some(quote) = ticker.quote() else { continue };
            if self.books.get(&id).is_some_and(|tracked| tracked.state == BookState::Live) {
                self.change_book(position, now, |state, tracked| {
                    state.book.on_ticker(tracked, &quote, now.monotonic);
                    None
                });
            } else {
                self.emit_quote(position, quote, time, now);
            }
        }
    }

    /// Emits best bid and ask that do not come from the book.
    pub(super) fn emit_quote(&mut self, position: usize, quote: Quote, time: Option<Timestamp>, now: Now) {
        let symbol = &mut self.symbols[position];
        symbol.state.quote = Some(quote);
        self.out.event(&symbol.id, time, now, MarketEventKind::Quote(quote));
    }

    /// The channel has candles of five minutes and never reports that one is closed. Recordings contain it; feeds do
    /// not follow it.
    fn candles(
        &mut self,
        connection: ConnectionId,
        event: &CoinbaseCandlesEvent<'_>,
        time: Option<Timestamp>,
        now: Now,
    ) {
        let mut histories: BTreeMap<usize, Vec<Candle>> = BTreeMap::new();
        for row in &event.candles {
            let candle = row.candle();
            for position in self.label_data(connection, &row.product_id, now) {
                if event.kind == CoinbaseEventKind::Snapshot {
                    histories.entry(position).or_default().push(candle);
                    continue;
                }
                let update = CandleUpdate { interval: Interval::M5, candle, is_closed: false };
                self.out.event(&self.symbols[position].id, time, now, MarketEventKind::Candle(update));
            }
        }
        for (position, mut candles) in histories {
            candles.sort_by_key(|candle| candle.open_time);
            let history = CandleHistory { interval: Interval::M5, candles };
            self.out.event(&self.symbols[position].id, time, now, MarketEventKind::History(history));
        }
    }

    /// Processes the list of subscriptions: a product listed in all channels was not refused.
    fn acknowledged(&mut self, channels: &CoinbaseSubscriptions<'_>) {
        if self.out.health.instrument_causes.is_empty() {
            return;
        }
        let is_in = |channel: &str, label: &str| {
            channels.get(channel).is_some_and(|products| products.iter().any(|product| product == label))
        };
        for symbol in &self.symbols {
            let is_followed = CHANNELS.iter().all(|channel| is_in(channel, symbol.name()));
            if is_followed && !symbol.is_unknown {
                self.out.health.instrument_causes.remove(&symbol.id);
            }
        }
    }

    /// Handles a refused message; the venue does not name it. One product may have invalidated it for all the others in
    /// it, so those without data are requested individually, once.
    fn refused(&mut self, connection: ConnectionId, detail: &str, now: Now) {
        self.keep_stated_wait(detail, now);
        let members = self.pool.refused(connection, None, now.monotonic);
        let is_hit = |position: &usize| self.is_subscribed(*position) && !self.symbols[*position].state.has_data;
        let hit: Vec<usize> = members.iter().copied().filter(is_hit).collect();
        for position in if hit.is_empty() { &members } else { &hit } {
            let cause = FeedCause::Refused { detail: detail.to_owned() };
            self.out.health.instrument_causes.insert(self.symbols[*position].id.clone(), cause);
        }
        let is_split = std::mem::replace(&mut self.protocol.connections.entry(connection).or_default().is_split, true);
        if is_split || members.len() < 2 {
            return;
        }
        for position in hit {
            for message in protocol::everything(&self.products(&[position])) {
                self.pool.enqueue(connection, message, now, &mut self.out);
            }
        }
    }
}

/// An unreadable frame was sent before the next one or, if frames arrive out of order, right after it: then the second
/// one reveals the gap.
pub(super) const FRAMES_TO_TRUST: u8 = 2;

/// The state of a connection's frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CoinbaseConnection {
    pub(super) sequence: Sequence,
    /// A frame could not be read; so many frames in a row, numbered without a hole, tell that nothing was missed.
    pub(super) n_to_trust: u8,
    /// True if the products were subscribed individually after a refusal.
    is_split: bool,
}

/// The meaning of a frame's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It follows the previous one, or is the first.
    Next,
    /// Frames before it are missing.
    AfterGap,
    /// It is one of the missing ones.
    Late,
    /// It came before.
    Seen,
}

/// The numbers of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence {
    last: Option<u64>,
    /// First and last number of the latest gap.
    hole: Option<(u64, u64)>,
    /// The last number that was not above `last`, and how many such numbers followed one another without a gap.
    old_run: Option<(u64, u32)>,
}

impl Sequence {
    /// Returns the number of the latest frame.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// Checks a frame by its number.
    fn see(&mut self, number: u64) -> Place {
        let Some(last) = self.last else {
            self.last = Some(number);
            return Place::Next;
        };
        if number > last {
            self.last = Some(number);
            self.old_run = None;
            if number == last + 1 {
                return Place::Next;
            }
            self.hole = Some((last + 1, number - 1));
            return Place::AfterGap;
        }
        let n_old = match self.old_run {
            Some((before, n_old)) if before.checked_add(1) == Some(number) => n_old + 1,
            _ => 1,
        };
        if n_old >= OLD_IN_A_ROW {
            // One absurd number must not block the connection forever: restart at the real position.
            *self = Self { last: Some(number), hole: None, old_run: None };
            return Place::AfterGap;
        }
        self.old_run = Some((number, n_old));
        match self.hole {
            Some((first, end)) if (first..=end).contains(&number) => {
                if number == first {
                    self.hole = (first < end).then_some((first + 1, end));
                }
                Place::Late
            }
            _ => Place::Seen,
        }
    }
}

/// This many consecutive old numbers are accepted after all.
const OLD_IN_A_ROW: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_late_ones_and_repeats() {
        let mut sequence = Sequence::default();
        for (number, expected) in [
            (16, Place::Next),
            (17, Place::Next),
            (17, Place::Seen),
            (16, Place::Seen),
            (18, Place::Next),
            (21, Place::AfterGap),
            (19, Place::Late),
            (19, Place::Seen),
            (20, Place::Late),
            (20, Place::Seen),
            (22, Place::Next),
        ] {
            assert_eq!(sequence.see(number), expected, "{number}");
        }
    }

    #[test]
    fn an_absurd_number_does_not_last() {
        let mut sequence = Sequence::default();
        assert_eq!([sequence.see(5), sequence.see(u64::MAX)], [Place::Next, Place::AfterGap]);
        let places: Vec<Place> = (6..40).map(|number| sequence.see(number)).collect();
        assert!(places[..19].iter().all(|place| *place == Place::Late), "{places:?}");
        assert_eq!(places[19], Place::AfterGap);
        assert!(places[20..].iter().all(|place| *place == Place::Next), "{places:?}");
    }
}
