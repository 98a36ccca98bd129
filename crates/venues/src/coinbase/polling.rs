//! REST instead of a connection that cannot be had: best bid and ask, prints, figures of 24 hours.
//!
//! Begins and ends as the pool says ([`crate::kit::pool::Pool::polling_from`]); attempts to connect go on meanwhile. Prints keep
//! their ids, so none comes twice, neither from two polls nor from the snapshot that a new connection begins with. Books are
//! not polled: seconds-old levels are no book.

use model::{
    event::{MarketEventKind, Trade},
    time::Now,
};

use crate::{
    coinbase::{
        instrument::CoinbaseProduct,
        purpose::Purpose,
        rest::{CoinbaseProductBook, CoinbaseTrades},
        session::CoinbaseSession,
    },
    kit::{dedup::Novelty, poll_schedule::PollTurn, requests::Task},
};

impl CoinbaseSession {
    /// Begins, goes on or ends.
    pub(super) fn poll(&mut self, now: Now) {
        match self.polling.turn(self.pool.polling_from(), now.monotonic) {
            PollTurn::NotDue => return,
            PollTurn::Ended => return self.out.set_polling(false),
            PollTurn::Due => {}
        }
        for symbol in 0..self.streams.len() {
            if self.streams[symbol].is_unknown {
                continue;
            }
            for purpose in [Purpose::BestPrices { symbol }, Purpose::Trades { symbol }, Purpose::Day { symbol }] {
                // A round that the budget holds back is not doubled.
                if !self.requests.has(|known| *known == purpose) {
                    self.requests.push(Task::new(purpose), now.monotonic);
                }
            }
        }
    }

    /// Best bid and ask came.
    pub(super) fn polled_best_prices(&mut self, position: usize, book: &CoinbaseProductBook, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        self.out.set_polling(true);
        if let Some((quote, time)) = book.quote() {
            self.tell_quote(position, quote, time, now);
        }
    }

    /// Figures of 24 hours came.
    pub(super) fn polled_day(&mut self, position: usize, product: &CoinbaseProduct<'_>, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        if let Some(day) = product.day() {
            self.out.event(&self.streams[position].id, None, now, MarketEventKind::Day(day));
        }
    }

    /// Prints came, newest first.
    pub(super) fn polled_trades(&mut self, position: usize, answer: &CoinbaseTrades<'_>, now: Now) {
        let stream = &mut self.streams[position];
        let is_first = !stream.prints.has_any();
        let n_trades = answer.trades.len();
        for (idx, trade) in answer.trades.iter().rev().enumerate() {
            // Of what was printed before anything was followed only the last price is news.
            if is_first && idx + 1 < n_trades {
                stream.prints.pass_over(&trade.trade_id);
                continue;
            }
            let (id, novelty) = stream.prints.see(&trade.trade_id);
            match novelty {
                Novelty::Seen => continue,
                // It was missed while nothing was connected: it closes a gap.
                Novelty::Late => {}
                Novelty::New { is_gap } => self.out.health.counters.gaps += u64::from(is_gap),
            }
            let aggressor_side = trade.side.aggressor_side();
            let print = Trade { id, price: trade.price, size: trade.size, aggressor_side };
            self.out.event(&stream.id, Some(trade.time.0), now, MarketEventKind::Trade(print));
        }
    }
}
