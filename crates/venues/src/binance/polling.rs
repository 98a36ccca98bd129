//! REST instead of a connection that cannot be had: figures of 24 hours, best bid and ask, and prints.
//!
//! Begins and ends as the pool says ([`crate::kit::pool::Pool::polling_from`]); attempts to connect go on meanwhile. Prints keep
//! their ids, so none comes twice. Books are not polled: seconds-old levels are no book.

use model::{
    event::{MarketEventKind, Trade, TradeId},
    time::{Now, Timestamp},
};

use crate::{
    binance::{
        limits::SYMBOLS_POLLED_IN_FULL,
        message::aggressor_side,
        purpose::Purpose,
        rest::{BinanceDayTicker, BinanceRestAggTrade, BinanceRestTrade},
        session::BinanceSession,
    },
    kit::{dedup::Novelty, poll_schedule::PollTurn, requests::Task},
    session::ConnectionId,
};

impl BinanceSession {
    /// Begins, goes on or ends.
    pub(super) fn poll(&mut self, now: Now) {
        match self.polling.turn(self.pool.polling_from(), now.monotonic) {
            PollTurn::NotDue => return,
            PollTurn::Ended => return self.out.set_polling(false),
            PollTurn::Due => {}
        }
        let n_followed = self.streams.iter().filter(|stream| !stream.is_unknown).count();
        for symbol in 0..self.streams.len() {
            if self.streams[symbol].is_unknown {
                continue;
            }
            let prints = if n_followed <= SYMBOLS_POLLED_IN_FULL {
                Purpose::Trades { symbol }
            } else {
                Purpose::AggTrades { symbol }
            };
            for purpose in [Purpose::DayTicker { symbol }, prints] {
                // A round that the budget holds back is not doubled.
                if !self.requests.has(|known| *known == purpose) {
                    self.requests.push(Task::new(purpose), now.monotonic);
                }
            }
        }
    }

    /// Figures of 24 hours came.
    pub(super) fn polled_day(&mut self, position: usize, ticker: &BinanceDayTicker, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        self.out.set_polling(true);
        let stream = &mut self.streams[position];
        let time = ticker.close_time.0;
        if matches!(stream.day_times.see_time(time, POLLED), Novelty::New { .. }) {
            self.out.event(&stream.id, Some(time), now, MarketEventKind::Day(ticker.day()));
            if let Some(quote) = ticker.quote() {
                self.out.event(&stream.id, Some(time), now, MarketEventKind::Quote(quote));
            }
        }
    }

    /// Single prints came, oldest first.
    pub(super) fn polled_trades(&mut self, position: usize, rows: &[BinanceRestTrade], now: Now) {
        let is_first = !self.streams[position].trade_ids.has_any();
        for (idx, row) in rows.iter().enumerate() {
            let print = Trade {
                id: TradeId::Sequence(row.id),
                price: row.price,
                size: row.quantity,
                aggressor_side: aggressor_side(row.is_buyer_maker),
            };
            let is_news = !is_first || idx + 1 == rows.len();
            self.polled_print(position, (row.id, row.id), is_news, print, row.time.0, now);
        }
    }

    /// Aggregated prints came, oldest first; each stands for its last single one.
    pub(super) fn polled_agg_trades(&mut self, position: usize, rows: &[BinanceRestAggTrade], now: Now) {
        let is_first = !self.streams[position].trade_ids.has_any();
        for (idx, row) in rows.iter().enumerate() {
            let print = Trade {
                id: TradeId::Sequence(row.last_trade_id),
                price: row.price,
                size: row.quantity,
                aggressor_side: aggressor_side(row.is_buyer_maker),
            };
            let ids = (row.first_trade_id, row.last_trade_id);
            let is_news = !is_first || idx + 1 == rows.len();
            self.polled_print(position, ids, is_news, print, row.trade_time.0, now);
        }
    }

    fn polled_print(
        &mut self,
        position: usize,
        ids: (u64, u64),
        is_news: bool,
        print: Trade,
        trade_time: Timestamp,
        now: Now,
    ) {
        let stream = &mut self.streams[position];
        let novelty = stream.trade_ids.see(ids.0, ids.1);
        if let Novelty::New { is_gap } = novelty {
            self.out.health.counters.gaps += u64::from(is_gap);
        }
        // A late one here is one that was missed while nothing was connected: it closes a gap. Of what was printed before
        // anything was followed only the last price is news.
        if novelty != Novelty::Seen && is_news {
            self.out.event(&stream.id, Some(trade_time), now, MarketEventKind::Trade(print));
        }
    }
}

/// Stands for REST where connections are told apart; the pool counts from one.
const POLLED: ConnectionId = ConnectionId(0);
