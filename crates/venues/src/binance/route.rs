//! Processes frames: trades, best bids and asks, changes of books, candles, statistics of 24 hours.
//!
//! Not here: parsing a frame ([`super::frame`]), connections and requests ([`super::protocol`]).

use model::{
    event::{BookUpdate, CandleUpdate, MarketEventKind, Quote, Trade, TradeId},
    status::FeedCause,
    time::{Now, Timestamp},
};

use crate::{
    binance::{
        book::{Diff, DiffOutcome},
        frame::BinanceFrame,
        message::{BinanceDepth, BinanceDepthUpdate, BinanceKline, BinanceTicker, aggressor_side},
        protocol::BinanceSession,
    },
    kit::dedup::Novelty,
    session::ConnectionId,
};

impl BinanceSession {
    /// Processes a parsed frame.
    pub(super) fn route(&mut self, connection: ConnectionId, frame: BinanceFrame<'_>, now: Now) {
        match frame {
            BinanceFrame::Trade(trade) => {
                let Some(position) = self.data(connection, &trade.symbol, now) else { return };
                let symbol = &mut self.symbols[position];
                symbol.state.has_single_prints = true;
                let novelty = symbol.state.trade_ids.see(trade.trade_id, trade.trade_id);
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
                let symbol = &mut self.symbols[position];
                // If single trades are followed, these would count twice.
                if !self.is_open_ended || symbol.state.has_single_prints {
                    return;
                }
                let novelty = symbol.state.aggregate_ids.see(trade.aggregate_id, trade.aggregate_id);
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
                    // Changes arrive from here on, so a snapshot requested now joins them.
                    self.want_snapshot(position, now);
                }
            }
            BinanceFrame::Accepted { id: None } => {}
            BinanceFrame::Refused { id, detail } => {
                self.keep_stated_wait(&detail, now);
                let cause = FeedCause::Refused { detail };
                for position in self.pool.refused(connection, id, now.monotonic) {
                    let id = self.symbols[position].id.clone();
                    self.out.health.instrument_causes.insert(id, cause.clone());
                }
            }
            BinanceFrame::ServerShutdown => self.pool.leaving(connection, now, &mut self.out),
            BinanceFrame::Unknown => self.out.health.counters.unknown += 1,
        }
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
        self.out.event(&self.symbols[position].id, Some(trade_time), now, MarketEventKind::Trade(print));
    }

    fn quote(&mut self, position: usize, connection: ConnectionId, update_id: u64, quote: Quote, now: Now) {
        let symbol = &mut self.symbols[position];
        match symbol.state.quote_ids.see(update_id, connection) {
            Novelty::New { .. } => {
                symbol.state.book.on_quote(update_id, quote);
                self.out.event(&symbol.id, None, now, MarketEventKind::Quote(quote));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn depth(&mut self, position: usize, update: BinanceDepthUpdate<'_>, now: Now) {
        let event_time = update.event_time.0;
        let diff = Diff {
            first_id: update.first_update_id,
            final_id: update.final_update_id,
            event_time,
            bids: update.bids,
            asks: update.asks,
        };
        let (mut n_gaps, mut n_duplicates) = (0, 0);
        self.change_book(position, now, |state, tracked| {
            let n_gaps_before = tracked.counters.gaps;
            let outcome = state.book.on_diff(tracked, diff, now);
            n_gaps = tracked.counters.gaps - n_gaps_before;
            match outcome {
                DiffOutcome::Applied { bids, asks } => {
                    Some((Some(event_time), BookUpdate::Delta { state: tracked.state, bids, asks }))
                }
                DiffOutcome::Duplicate => {
                    n_duplicates = 1;
                    None
                }
                DiffOutcome::Buffered | DiffOutcome::Stale | DiffOutcome::Gap | DiffOutcome::Contradiction => None,
            }
        });
        let counters = &mut self.out.health.counters;
        counters.gaps += n_gaps;
        counters.duplicates += n_duplicates;
    }

    fn best_levels(&mut self, position: usize, depth: &BinanceDepth, now: Now) {
        let symbol = &mut self.symbols[position];
        let Some(tracked) = self.books.get_mut(&symbol.id) else { return };
        if symbol.state.book.on_best_levels(tracked, depth.last_update_id, (&depth.bids, &depth.asks), now) {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&symbol.id, None, now, MarketEventKind::Book(update));
        }
    }

    fn candle(&mut self, position: usize, connection: ConnectionId, kline: &BinanceKline<'_>, now: Now) {
        let Some((interval, candle, is_closed)) = kline.candle() else { return };
        let symbol = &mut self.symbols[position];
        let time = kline.event_time.0;
        match symbol.state.bar_times.entry(interval).or_default().see_time(time, connection) {
            Novelty::New { .. } => {
                let update = CandleUpdate { interval, candle, is_closed };
                self.out.event(&symbol.id, Some(time), now, MarketEventKind::Candle(update));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }

    fn day(&mut self, connection: ConnectionId, ticker: &BinanceTicker<'_>, source: DaySource, now: Now) {
        let Some(position) = self.data(connection, &ticker.symbol, now) else { return };
        let symbol = &mut self.symbols[position];
        let times = match source {
            DaySource::MiniTicker => &mut symbol.state.day_times,
            DaySource::Ticker => &mut symbol.state.ticker_times,
        };
        let time = ticker.event_time.0;
        match times.see_time(time, connection) {
            Novelty::New { .. } => {
                self.out.event(&symbol.id, Some(time), now, MarketEventKind::Day(ticker.day()));
            }
            Novelty::Late => self.out.health.counters.out_of_order += 1,
            Novelty::Seen => self.out.health.counters.duplicates += 1,
        }
    }
}

/// The stream that statistics of 24 hours come from; each has its own times.
#[derive(Clone, Copy)]
enum DaySource {
    MiniTicker,
    Ticker,
}
