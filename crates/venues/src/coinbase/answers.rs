//! Processes REST answers: products, newer trades, history, and polled data instead of an unavailable connection; also
//! writes candles as such an answer, for recordings.
//!
//! Polled trades keep their ids, so none counts twice, neither from two polls nor from the snapshot at the start of a
//! new connection. Not here: when requests are sent ([`crate::kit::requests`]).

use std::sync::Arc;

use model::{
    candle::{Candle, Interval},
    event::{CandleHistory, MarketEventKind, Trade},
    status::FeedCause,
    time::{Now, Timestamp},
};
use serde_json::json;

use crate::{
    coinbase::{
        BARS_PER_PAGE,
        protocol::{CoinbaseSession, Purpose},
        rest::{
            self, CoinbaseCandles, CoinbaseProduct, CoinbaseProductBook, CoinbaseProducts, CoinbaseRefusal,
            CoinbaseTrades,
        },
    },
    kit::{bars, dedup::Novelty, protocol::Unreadable, requests::Task},
    session::SnapshotFrame,
};

impl CoinbaseSession {
    /// Processes an answer.
    ///
    /// # Errors
    /// The answer cannot be parsed.
    pub(super) fn take_answer(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        match &task.purpose {
            Purpose::Product { symbol } => {
                let product: CoinbaseProduct<'_> = serde_json::from_str(body)?;
                self.learn(*symbol, Arc::new(product.instrument(&self.venue)), now);
                self.restrict(&product.product_id, product.restriction());
                self.take_product(*symbol, &product, now);
            }
            Purpose::Products => {
                let list: CoinbaseProducts<'_> = serde_json::from_str(body)?;
                for product in &list.products {
                    self.describe(product.instrument(&self.venue), now);
                    self.restrict(&product.product_id, product.restriction());
                }
            }
            Purpose::Probe { symbol } => {
                let answer: CoinbaseTrades<'_> = serde_json::from_str(body)?;
                self.probed(*symbol, answer.trades.iter().map(|trade| trade.time.0).max(), now);
            }
            Purpose::History { symbol, interval, from, until } => {
                let answer: CoinbaseCandles = serde_json::from_str(body)?;
                let pages = self.symbols[*symbol].state.history.entry(*interval).or_default();
                pages.extend(answer.candles.iter().map(|row| row.candle()).map(|candle| (candle.open_time, candle)));
                // An empty page is from before the product was listed. A recording has one answer with everything.
                let is_last = answer.candles.is_empty() || self.is_open_ended;
                match rest::page_before(*interval, *from, *until) {
                    Some(until) if !is_last => {
                        let purpose = Purpose::History { symbol: *symbol, interval: *interval, from: *from, until };
                        self.requests.push(Task::new(purpose), now.monotonic);
                    }
                    Some(_) | None => self.emit_history(*symbol, *interval, *from, now),
                }
            }
            Purpose::Day { symbol } => self.polled_day(*symbol, &serde_json::from_str(body)?, now),
            Purpose::BestLevels { symbol } => {
                let book: CoinbaseProductBook = serde_json::from_str(body)?;
                self.polled_best_levels(*symbol, &book, now);
            }
            Purpose::Trades { symbol } => self.polled_trades(*symbol, &serde_json::from_str(body)?, now),
        }
        Ok(())
    }

    /// Emits the candles of the pages received.
    pub(super) fn emit_history(&mut self, position: usize, interval: Interval, from: Timestamp, now: Now) {
        let symbol = &mut self.symbols[position];
        let Some(parts) = symbol.state.history.remove(&interval) else { return };
        let candles = bars::joined(interval, parts.into_values().filter(|part| part.open_time >= from));
        let history = CandleHistory { interval, candles };
        self.out.event(&symbol.id, None, now, MarketEventKind::History(history));
    }

    /// Processes the refusal of a request.
    pub(super) fn take_refusal(&mut self, task: Task<Purpose>, body: &str, now: Now) {
        let refusal: CoinbaseRefusal<'_> = serde_json::from_str(body).unwrap_or_default();
        match &task.purpose {
            Purpose::Product { symbol } if refusal.is_unknown_product() => self.mark_unknown(*symbol),
            Purpose::Product { .. } | Purpose::Products => {
                self.out.set_rest_cause(Some(FeedCause::Refused { detail: refusal.detail() }));
                self.retry(task, now);
            }
            // The same request would be refused again: the pages received must suffice.
            Purpose::History { symbol, interval, from, .. } => self.emit_history(*symbol, *interval, *from, now),
            // Polling repeats by itself, and so does doubt.
            Purpose::Probe { .. } | Purpose::Day { .. } | Purpose::BestLevels { .. } | Purpose::Trades { .. } => {}
        }
    }

    /// Processes the best levels.
    fn polled_best_levels(&mut self, position: usize, book: &CoinbaseProductBook, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        self.out.set_polling(true);
        self.emit_quote(position, book.quote(), book.time(), now);
        let (bids, asks) = book.levels();
        self.show_polled(position, (&bids, &asks), book.time(), now);
    }

    /// Processes a product's status, and its statistics of 24 hours if nothing else brings them.
    fn polled_day(&mut self, position: usize, product: &CoinbaseProduct<'_>, now: Now) {
        self.restrict(&product.product_id, product.restriction());
        self.learn(position, Arc::new(product.instrument(&self.venue)), now);
        if self.polling.is_on()
            && let Some(day) = product.day()
        {
            self.out.event(&self.symbols[position].id, None, now, MarketEventKind::Day(day));
        }
    }

    /// Processes trades, newest first.
    fn polled_trades(&mut self, position: usize, answer: &CoinbaseTrades<'_>, now: Now) {
        let symbol = &mut self.symbols[position];
        let is_first = !symbol.state.trade_ids.has_any();
        let n_trades = answer.trades.len();
        for (idx, trade) in answer.trades.iter().rev().enumerate() {
            // Of the trades from before anything was followed, only the last price matters.
            if is_first && idx + 1 < n_trades {
                symbol.state.trade_ids.pass_over(&trade.trade_id);
                continue;
            }
            let (id, novelty) = symbol.state.trade_ids.see(&trade.trade_id);
            match novelty {
                Novelty::Seen => continue,
                // It was missed while nothing was connected: it closes a gap.
                Novelty::Late => {}
                Novelty::New { is_gap } => self.out.health.counters.gaps += u64::from(is_gap),
            }
            let aggressor_side = trade.side.aggressor_side();
            let print = Trade { id, price: trade.price, size: trade.size, aggressor_side };
            self.out.event(&symbol.id, Some(trade.time.0), now, MarketEventKind::Trade(print));
        }
    }
}

/// Returns candles as one answer, newest first, however many: it represents all pages. `None` for a length that the
/// venue does not have.
pub(super) fn of_candles(symbol: &str, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
    let (first, last) = (bars.first()?, bars.last()?);
    let row = |Candle { open_time, open, high, low, close, volume, .. }: &Candle| {
        let start = open_time.as_millis().div_euclid(1_000).to_string();
        json!({ "start": start, "low": low, "high": high, "open": open, "close": close, "volume": volume })
    };
    let rows: Vec<_> = bars.iter().rev().map(row).collect();
    let mut request = rest::candles(symbol, interval, first.open_time, last.open_time)?;
    // More than any request: of several answers the longest one is used.
    let limit = request.query.iter_mut().find(|(key, _)| *key == "limit")?;
    limit.1 = bars.len().max(BARS_PER_PAGE + 1).to_string();
    Some(SnapshotFrame::Answer {
        path: request.path,
        query: request.query,
        body: json!({ "candles": rows }).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        time::Timestamp,
    };

    use super::*;

    #[test]
    fn bars_read_like_the_venues_answer() {
        let price = |text| Price::parse(text).unwrap();
        let bar = |minute: i64| Candle {
            open_time: Timestamp::from_millis(minute * 60_000),
            open: price("1.50"),
            high: price("2"),
            low: price("1"),
            close: price("1.75000"),
            volume: Quantity::parse("0.10").unwrap(),
            buy_volume: None,
        };
        let both = [bar(1), bar(2)];
        let Some(SnapshotFrame::Answer { path, query, body }) = of_candles("A-B", Interval::M1, &both) else {
            panic!("no answer")
        };
        assert!(path.ends_with("/products/A-B/candles"), "{path}");
        assert_eq!(query[2..], [("granularity", "ONE_MINUTE".to_owned()), ("limit", "351".to_owned())]);
        let read: CoinbaseCandles = serde_json::from_str(&body).unwrap();
        assert_eq!(read.candles.iter().rev().map(|row| row.candle()).collect::<Vec<_>>(), both);
        assert_eq!(of_candles("A-B", Interval::S1, &both), None);
    }
}
