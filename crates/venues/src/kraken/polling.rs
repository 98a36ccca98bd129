//! REST instead of a connection that cannot be had: best bid and ask, and prints.
//!
//! Begins and ends as the pool says ([`crate::kit::pool::Pool::polling_from`]); attempts to connect go on meanwhile. Prints keep
//! their ids, so none comes twice, and each question goes on where the last answer ended. Books are not polled: seconds-old
//! levels are no book. Figures of 24 hours neither: REST has no first price of theirs.

use model::{
    event::{MarketEventKind, Trade, TradeId},
    time::Now,
};

use crate::{
    kit::{dedup::Novelty, poll_schedule::PollTurn, requests::Task},
    kraken::{
        purpose::Purpose,
        rest::{KrakenRestTicker, KrakenRestTrade, KrakenRows},
        session::KrakenSession,
    },
};

impl KrakenSession {
    /// Begins, goes on or ends.
    pub(super) fn poll(&mut self, now: Now) {
        match self.polling.turn(self.pool.polling_from(), now.monotonic) {
            PollTurn::NotDue => return,
            PollTurn::Ended => {
                // The next time begins with the newest prints.
                self.streams.iter_mut().for_each(|stream| stream.polled_to = None);
                return self.out.set_polling(false);
            }
            PollTurn::Due => {}
        }
        let mut has_nameless = false;
        for symbol in 0..self.streams.len() {
            if self.streams[symbol].is_unknown {
                continue;
            }
            has_nameless |= self.streams[symbol].instrument.is_none();
            for purpose in [Purpose::Ticker { symbol }, Purpose::Trades { symbol }] {
                // A round that the budget holds back is not doubled.
                if !self.requests.has(|known| *known == purpose) {
                    self.requests.push(Task::new(purpose), now.monotonic);
                }
            }
        }
        if has_nameless && !std::mem::replace(&mut self.has_asked_symbols, true) {
            self.want_symbols(now);
        }
    }

    /// Best bid and ask came. It is news even where it is the old one: it was seen just now.
    pub(super) fn polled_ticker(&mut self, position: usize, ticker: &KrakenRestTicker, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        self.out.set_polling(true);
        if let Some(quote) = ticker.quote() {
            self.out.event(&self.streams[position].id, None, now, MarketEventKind::Quote(quote));
        }
    }

    /// Prints came, oldest first.
    pub(super) fn polled_trades(&mut self, position: usize, answer: &KrakenRows<'_, Vec<KrakenRestTrade>>, now: Now) {
        let stream = &mut self.streams[position];
        stream.polled_to = answer.last.as_deref().map(str::to_owned);
        let is_first = !stream.trade_ids.has_any();
        for (idx, row) in answer.rows.iter().enumerate() {
            let novelty = stream.trade_ids.see(row.trade_id, row.trade_id);
            if let Novelty::New { is_gap } = novelty {
                self.out.health.counters.gaps += u64::from(is_gap);
            }
            // A late one here is one that was missed while nothing was connected: it closes a gap. Of what was printed
            // before anything was followed only the last price is news.
            if novelty == Novelty::Seen || (is_first && idx + 1 < answer.rows.len()) {
                continue;
            }
            let print = Trade {
                id: TradeId::Sequence(row.trade_id),
                price: row.price,
                size: row.quantity,
                aggressor_side: row.aggressor_side,
            };
            self.out.event(&stream.id, Some(row.time), now, MarketEventKind::Trade(print));
        }
    }
}
