//! What frames mean for the session: prints, best bids and asks, changes of books, bars, figures of 24 hours.
//!
//! Not here: how a frame is read ([`super::frame`]), connections and requests ([`super::session`]).

use model::{
    event::{BookUpdate, CandleUpdate, MarketEventKind, Quote, Trade, TradeId},
    status::FeedCause,
    time::{Now, Timestamp},
};

use crate::{
    binance::{
        book::{Diff, DiffOutcome},
        frame::{self, BinanceFrame},
        limits::FRAME_BYTES,
        message::{BinanceDepth, BinanceDepthUpdate, BinanceKline, BinanceTicker, aggressor_side},
        session::BinanceSession,
    },
    kit::dedup::Novelty,
    session::ConnectionId,
};

impl BinanceSession {
    /// A text frame came.
    pub(super) fn frame(&mut self, connection: ConnectionId, text: &str, now: Now) {
        if !self.pool.has(connection) {
            return;
        }
        self.out.frame(now);
        let frame = if text.len() <= FRAME_BYTES { frame::parse(text).ok() } else { None };
        match frame {
            Some(frame) => self.route(connection, frame, now),
            None => self.out.health.counters.malformed += 1,
        }
    }

    fn route(&mut self, connection: ConnectionId, frame: BinanceFrame<'_>, now: Now) {
        match frame {
            BinanceFrame::Trade(trade) => {
                let Some(position) = self.data(connection, &trade.symbol, now) else { return };
                let stream = &mut self.streams[position];
                stream.has_single_prints = true;
                let novelty = stream.trade_ids.see(trade.trade_id, trade.trade_id);
                let print = Trade {
                    id: TradeId::Sequence(trade.trade_id),
                    price: trade.price,
                    size: trade.quantity,
                    aggressor_side: aggressor_side(trade.is_buyer_maker),
                };
                self.print(position, novelty, print, trade.trade_time.0, now);
            }
            BinanceFrame::AggTrade(trade) => {
                let Some(position) = self.data(connection, &trade.symbol, now) else { return };
                let stream = &mut self.streams[position];
                // Where single prints are followed these would count twice.
                if !self.is_open_ended || stream.has_single_prints {
                    return;
                }
                let novelty = stream.aggregate_ids.see(trade.aggregate_id, trade.aggregate_id);
                let print = Trade {
                    id: TradeId::Sequence(trade.aggregate_id),
                    price: trade.price,
                    size: trade.quantity,
                    aggressor_side: aggressor_side(trade.is_buyer_maker),
                };
                self.print(position, novelty, print, trade.trade_time.0, now);
            }
            BinanceFrame::BookTicker(ticker) => {
                let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
                self.quote(position, connection, ticker.update_id, ticker.quote(), now);
            }
            BinanceFrame::DepthUpdate(update) if update.first_update_id > update.final_update_id => {
                self.out.health.counters.malformed += 1;
            }
            BinanceFrame::DepthUpdate(update) => {
                let Some(position) = self.data(connection, &update.symbol, now) else { return };
                self.depth(position, update, now);
            }
            BinanceFrame::PartialDepth { stream, depth } => {
                let symbol = stream.split('@').next().unwrap_or_default().to_uppercase();
                let Some(position) = self.data(connection, &symbol, now) else { return };
                self.best_levels(position, &depth, now);
            }
            BinanceFrame::Kline(kline) => {
                let Some(position) = self.data(connection, &kline.symbol, now) else { return };
                self.candle(position, connection, &kline, now);
            }
            BinanceFrame::MiniTicker(ticker) => self.day(connection, &ticker, DaySource::MiniTicker, now),
            BinanceFrame::Ticker(ticker) => self.day(connection, &ticker, DaySource::Ticker, now),
            BinanceFrame::MiniTickers(tickers) => {
                tickers.iter().for_each(|ticker| self.day(connection, ticker, DaySource::MiniTicker, now));
            }
            BinanceFrame::Tickers(tickers) => {
                tickers.iter().for_each(|ticker| self.day(connection, ticker, DaySource::Ticker, now));
            }
            BinanceFrame::Accepted { id: Some(request) } => {
                for position in self.pool.accepted(connection, request, now, &mut self.out) {
                    self.liveness.expect(position, now);
                    // From here on changes come, so a snapshot asked for now joins them.
                    self.want_snapshot(position, now);
                }
            }
            BinanceFrame::Accepted { id: None } => {}
            BinanceFrame::Refused { id, detail } => {
                let cause = FeedCause::Refused { detail };
                for position in self.pool.refused(connection, id, now.monotonic) {
                    let id = self.streams[position].id.clone();
                    self.out.health.instrument_causes.insert(id, cause.clone());
                }
            }
            BinanceFrame::ServerShutdown => self.pool.leaving(connection, now, &mut self.out),
            BinanceFrame::Unknown => self.out.health.counters.unknown += 1,
        }
    }

    /// Notes that a connection delivers; returns the position of the symbol.
    fn data(&mut self, connection: ConnectionId, symbol: &str, now: Now) -> Option<usize> {
        let position = self.named(symbol, now).filter(|position| !self.streams[*position].is_unknown);
        self.pool.data(connection, position, now, &mut self.out);
        if let Some(position) = position {
            self.liveness.data(position, None, now.monotonic);
            if !self.out.health.instrument_causes.is_empty() {
                self.out.health.instrument_causes.remove(&self.streams[position].id);
            }
            if !self.out.health.silences.is_empty() {
                self.out.health.silences.remove(&self.streams[position].id);
            }
        }
        position
    }

    fn print(&mut self, position: usize, novelty: Novelty, print: Trade, trade_time: Timestamp, now: Now) {
        let counters = &mut self.out.health.counters;
        match novelty {
            Novelty::Seen => {
                counters.duplicates += 1;
                return;
            }
            Novelty::Late => counters.out_of_order += 1,
            Novelty::New { is_gap } => counters.gaps += u64::from(is_gap),
        }
        self.liveness.data(position, Some(trade_time), now.monotonic);
        self.out.event(&self.streams[position].id, Some(trade_time), now, MarketEventKind::Trade(print));
    }

    fn quote(&mut self, position: usize, connection: ConnectionId, update_id: u64, quote: Quote, now: Now) {
        let stream = &mut self.streams[position];
        match stream.quote_ids.see(update_id, connection) {
            Novelty::New { .. } => {
                stream.book.on_quote(update_id, quote);
                self.out.event(&stream.id, None, now, MarketEventKind::Quote(quote));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn depth(&mut self, position: usize, update: BinanceDepthUpdate<'_>, now: Now) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let (state_before, counters_before) = (tracked.state, tracked.counters);
        let event_time = update.event_time.0;
        let diff = Diff {
            first_id: update.first_update_id,
            final_id: update.final_update_id,
            event_time,
            bids: update.bids,
            asks: update.asks,
        };
        let outcome = stream.book.on_diff(tracked, diff, now);
        let counters = &mut self.out.health.counters;
        counters.gaps += tracked.counters.gaps - counters_before.gaps;
        counters.resyncs += tracked.counters.resyncs - counters_before.resyncs;
        let state = tracked.state;
        match outcome {
            DiffOutcome::Applied { bids, asks } => {
                let update = BookUpdate::Delta { state, bids, asks };
                self.out.event(&stream.id, Some(event_time), now, MarketEventKind::Book(update));
            }
            DiffOutcome::Duplicate => counters.duplicates += 1,
            DiffOutcome::Buffered | DiffOutcome::Stale | DiffOutcome::Gap | DiffOutcome::Contradiction => {}
        }
        self.after_book_change(position, state_before, now);
    }

    fn best_levels(&mut self, position: usize, depth: &BinanceDepth, now: Now) {
        let stream = &mut self.streams[position];
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        if stream.book.on_best_levels(tracked, depth.last_update_id, (&depth.bids, &depth.asks), now) {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&stream.id, None, now, MarketEventKind::Book(update));
        }
    }

    fn candle(&mut self, position: usize, connection: ConnectionId, kline: &BinanceKline<'_>, now: Now) {
        let Some((interval, candle, is_closed)) = kline.candle() else { return };
        let stream = &mut self.streams[position];
        let time = kline.event_time.0;
        match stream.bar_times.entry(interval).or_default().see_time(time, connection) {
            Novelty::New { .. } => {
                let update = CandleUpdate { interval, candle, is_closed };
                self.out.event(&stream.id, Some(time), now, MarketEventKind::Candle(update));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn day(&mut self, connection: ConnectionId, ticker: &BinanceTicker<'_>, source: DaySource, now: Now) {
        let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
        let stream = &mut self.streams[position];
        let times = match source {
            DaySource::MiniTicker => &mut stream.day_times,
            DaySource::Ticker => &mut stream.ticker_times,
        };
        let time = ticker.event_time.0;
        match times.see_time(time, connection) {
            Novelty::New { .. } => {
                self.out.event(&stream.id, Some(time), now, MarketEventKind::Day(ticker.day()));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }
}

/// Which stream figures of 24 hours come from; each has times of its own.
#[derive(Clone, Copy)]
enum DaySource {
    MiniTicker,
    Ticker,
}
