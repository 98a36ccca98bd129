//! What frames mean for the session: books, prints, best bids and asks, bars, figures of 24 hours, acknowledgements.
//!
//! Best bid and ask come from the book while it is live: it changes with each order, the ticker only some times a second,
//! and the two would contradict each other for moments. The ticker's are told while the book is not, and compared with it
//! otherwise. Not here: how a frame is read ([`super::frame`]), connections and requests ([`super::session`]).

use std::collections::{BTreeMap, BTreeSet};

use model::{
    candle::{Candle, Interval},
    event::{BookUpdate, CandleHistory, CandleUpdate, MarketEventKind, Quote, Trade},
    proof::{BookState, TrackedBook},
    status::FeedCause,
    time::{Now, Timestamp},
};

use crate::{
    coinbase::{
        book::{CoinbaseBook, Outcome},
        frame::{self, CoinbaseBody, CoinbaseFrame, CoinbaseSubscriptions},
        limits::FRAME_BYTES,
        message::{CoinbaseBookEvent, CoinbaseCandlesEvent, CoinbaseEventKind, CoinbaseTicker, CoinbaseTradesEvent},
        sequence::Place,
        session::CoinbaseSession,
        stream::{SnapshotWish, Supply},
        subscribe,
    },
    kit::dedup::Novelty,
    session::ConnectionId,
};

impl CoinbaseSession {
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
            None => {
                self.out.health.counters.malformed += 1;
                self.links.entry(connection).or_default().n_to_trust = FRAMES_TO_TRUST;
                self.suspend_all(connection, now);
            }
        }
    }

    fn route(&mut self, connection: ConnectionId, frame: CoinbaseFrame<'_>, now: Now) {
        let link = self.links.entry(connection).or_default();
        let place = frame.sequence.map_or(Place::Next, |number| link.sequence.see(number));
        let counters = &mut self.out.health.counters;
        match place {
            Place::Next if frame.sequence.is_some() && link.n_to_trust > 0 => {
                link.n_to_trust -= 1;
                if link.n_to_trust == 0 {
                    self.resume_all(connection, now);
                }
            }
            Place::Next => {}
            Place::AfterGap => {
                link.n_to_trust = 0;
                counters.gaps += 1;
                self.doubt_all(connection, now);
            }
            // Prints are judged, and counted, by their own ids; anything else is out of date.
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
            // Neither this nor an acknowledgement is a sign of data.
            CoinbaseBody::Heartbeat => {}
            CoinbaseBody::Subscriptions(channels) => self.acknowledged(&channels),
            CoinbaseBody::Refused { detail } => self.refused(connection, &detail, now),
            CoinbaseBody::Unknown => self.out.health.counters.unknown += 1,
        }
        // A whole book that came meanwhile may lack the change of the frame that could not be read.
        if self.links.get(&connection).is_some_and(|link| link.n_to_trust > 0) {
            self.suspend_all(connection, now);
        }
    }

    /// Notes that a connection delivers; returns the positions that the label stands for.
    fn data(&mut self, connection: ConnectionId, label: &str, now: Now) -> Vec<usize> {
        let positions = self.named(label, now);
        if positions.is_empty() {
            self.pool.data(connection, None, now, &mut self.out);
        }
        for position in &positions {
            self.pool.data(connection, Some(*position), now, &mut self.out);
            self.liveness.data(*position, None, now.monotonic);
            let stream = &mut self.streams[*position];
            stream.has_data = true;
            if !self.out.health.instrument_causes.is_empty() {
                self.out.health.instrument_causes.remove(&stream.id);
            }
            if !self.out.health.silences.is_empty() {
                self.out.health.silences.remove(&stream.id);
            }
        }
        positions
    }

    /// Does something to a book, and what follows from it.
    pub(super) fn change_book(
        &mut self,
        position: usize,
        now: Now,
        change: impl FnOnce(&mut CoinbaseBook, &mut TrackedBook),
    ) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
        change(&mut stream.book, tracked);
        self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
        self.after_book_change(position, state_before, now);
    }

    fn levels(&mut self, connection: ConnectionId, event: CoinbaseBookEvent<'_>, number: u64, now: Now) {
        let mut levels = event.updates;
        let positions = self.data(connection, &event.product_id, now);
        for (idx, position) in positions.iter().copied().enumerate() {
            let stream = &mut self.streams[position];
            let Some(tracked) = self.books.get_mut(&stream.id) else { continue };
            let (state_before, n_resyncs) = (tracked.state, tracked.counters.resyncs);
            let update = match event.kind {
                CoinbaseEventKind::Snapshot => {
                    (stream.snapshot, stream.n_in_vain) = (SnapshotWish::None, 0);
                    stream.book.on_snapshot(tracked, &levels, number, now);
                    let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
                    Some(BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks })
                }
                CoinbaseEventKind::Update => {
                    let outcome = stream.book.on_update(tracked, &levels, number, now);
                    let is_last = idx + 1 == positions.len();
                    let rows = |rows: &mut Vec<_>| if is_last { std::mem::take(rows) } else { rows.clone() };
                    // What changes while the book is in doubt comes with it, where it is trusted again.
                    let is_told = outcome == Outcome::Fine && tracked.state == BookState::Live;
                    is_told.then(|| BookUpdate::Delta {
                        state: tracked.state,
                        bids: rows(&mut levels.bids),
                        asks: rows(&mut levels.asks),
                    })
                }
                CoinbaseEventKind::Unknown => None,
            };
            self.out.health.counters.resyncs += tracked.counters.resyncs - n_resyncs;
            if let Some(update) = update {
                self.out.event(&stream.id, levels.event_time, now, MarketEventKind::Book(update));
                self.tell_top(position, now);
            }
            self.after_book_change(position, state_before, now);
        }
    }

    /// Tells best bid and ask of a live book where they have changed.
    pub(super) fn tell_top(&mut self, position: usize, now: Now) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get(&stream.id).filter(|tracked| tracked.state == BookState::Live) else {
            return;
        };
        // A crossed top is no quote: it is waited for half a second to resolve.
        let quote = tracked.book.quote().filter(|quote| quote.bid < quote.ask && stream.quote != Some(*quote));
        if let Some(quote) = quote {
            stream.quote = Some(quote);
            self.out.event(&stream.id, tracked.event_time, now, MarketEventKind::Quote(quote));
        }
    }

    fn prints(&mut self, connection: ConnectionId, event: &CoinbaseTradesEvent<'_>, now: Now) {
        let is_snapshot = event.kind == CoinbaseEventKind::Snapshot;
        // What was printed before anything was followed is no news, and no volume of now.
        let known: BTreeSet<usize> =
            (0..self.streams.len()).filter(|position| self.streams[*position].prints.has_any()).collect();
        // The venue has the newest first.
        for trade in event.trades.iter().rev() {
            for position in self.data(connection, &trade.product_id, now) {
                let (stream, trade_time) = (&mut self.streams[position], trade.time.0);
                self.liveness.data(position, Some(trade_time), now.monotonic);
                if is_snapshot && !known.contains(&position) {
                    stream.prints.pass_over(&trade.trade_id);
                    continue;
                }
                let (id, novelty) = stream.prints.see(&trade.trade_id);
                let counters = &mut self.out.health.counters;
                match novelty {
                    // A snapshot repeats what came before it, and brings what a broken connection did not.
                    Novelty::Seen => {
                        counters.duplicates += u64::from(!is_snapshot);
                        continue;
                    }
                    Novelty::Late => counters.out_of_order += u64::from(!is_snapshot),
                    Novelty::New { is_gap } => counters.gaps += u64::from(is_gap),
                }
                let aggressor_side = trade.side.aggressor_side();
                let print = Trade { id, price: trade.price, size: trade.size, aggressor_side };
                self.out.event(&stream.id, Some(trade_time), now, MarketEventKind::Trade(print));
            }
        }
    }

    fn ticker(&mut self, connection: ConnectionId, ticker: &CoinbaseTicker<'_>, time: Option<Timestamp>, now: Now) {
        for position in self.data(connection, &ticker.product_id, now) {
            let id = self.streams[position].id.clone();
            if let Some(day) = ticker.day() {
                self.out.event(&id, time, now, MarketEventKind::Day(day));
            }
            let Some(quote) = ticker.quote() else { continue };
            if self.books.get(&id).is_some_and(|tracked| tracked.state == BookState::Live) {
                self.change_book(position, now, |book, tracked| {
                    book.on_ticker(tracked, &quote, now.monotonic);
                });
            } else {
                self.tell_quote(position, quote, time, now);
            }
        }
    }

    /// Tells best bid and ask that do not come from the book.
    pub(super) fn tell_quote(&mut self, position: usize, quote: Quote, time: Option<Timestamp>, now: Now) {
        let stream = &mut self.streams[position];
        stream.quote = Some(quote);
        self.out.event(&stream.id, time, now, MarketEventKind::Quote(quote));
    }

    /// The channel has bars of five minutes and never says that one is closed. Recordings hold it; feeds do not follow it.
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
            for position in self.data(connection, &row.product_id, now) {
                if event.kind == CoinbaseEventKind::Snapshot {
                    histories.entry(position).or_default().push(candle);
                    continue;
                }
                let update = CandleUpdate { interval: Interval::M5, candle, is_closed: false };
                self.out.event(&self.streams[position].id, time, now, MarketEventKind::Candle(update));
            }
        }
        for (position, mut candles) in histories {
            candles.sort_by_key(|candle| candle.open_time);
            let history = CandleHistory { interval: Interval::M5, candles };
            self.out.event(&self.streams[position].id, time, now, MarketEventKind::History(history));
        }
    }

    /// What is subscribed now came: a product that stands in all channels was not refused.
    fn acknowledged(&mut self, channels: &CoinbaseSubscriptions<'_>) {
        if self.out.health.instrument_causes.is_empty() {
            return;
        }
        let is_in = |channel: &str, label: &str| {
            channels.get(channel).is_some_and(|products| products.iter().any(|product| product == label))
        };
        for stream in &self.streams {
            let is_followed = subscribe::CHANNELS.iter().all(|channel| is_in(channel, stream.id.symbol()));
            if is_followed && !stream.is_unknown {
                self.out.health.instrument_causes.remove(&stream.id);
            }
        }
    }

    /// A message was refused, and the venue does not say which. One product may have spoilt it for all that stood beside
    /// it, so those that have no data are asked for one by one, once.
    fn refused(&mut self, connection: ConnectionId, detail: &str, now: Now) {
        let members = self.pool.refused(connection, None, now.monotonic);
        let is_hit = |position: &usize| {
            let stream = &self.streams[*position];
            stream.supply == Supply::Own && !stream.has_data && !stream.is_unknown
        };
        let hit: Vec<usize> = members.iter().copied().filter(is_hit).collect();
        for position in if hit.is_empty() { &members } else { &hit } {
            let cause = FeedCause::Refused { detail: detail.to_owned() };
            self.out.health.instrument_causes.insert(self.streams[*position].id.clone(), cause);
        }
        let is_split = std::mem::replace(&mut self.links.entry(connection).or_default().is_split, true);
        if is_split || members.len() < 2 {
            return;
        }
        for position in hit {
            let products = [(position, self.streams[position].id.symbol())];
            for message in subscribe::everything(&products) {
                self.pool.enqueue(connection, message, now, &mut self.out);
            }
        }
    }
}

/// A frame that could not be read stands before the next one, or, where frames come out of order, right behind it: then the
/// second one shows the hole.
const FRAMES_TO_TRUST: u8 = 2;
