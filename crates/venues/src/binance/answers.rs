//! Processes REST answers: snapshots, symbols, history, and polled data instead of an unavailable connection; also
//! writes a verified book, or candles, as such an answer, for recordings that begin midway.
//!
//! Polled trades keep their ids, so none counts twice. Not here: when requests are sent ([`crate::kit::requests`]).

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{BookInterest, BookUpdate, CandleHistory, Level, MarketEventKind, Trade, TradeId},
    proof::{BookState, TrackedBook},
    status::FeedCause,
    time::{Now, Timestamp},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    binance::{
        LEAST_WEIGHT_PER_MINUTE,
        book::{Attention, Snapshot, SnapshotOutcome},
        message::{BinanceDepth, aggressor_side},
        protocol::{Binance, BinanceSession, Purpose},
        rest::{
            self, BinanceDayTicker, BinanceExchangeInfo, BinanceKlineRow, BinanceRefusal, BinanceRestAggTrade,
            BinanceRestTrade,
        },
    },
    kit::{
        dedup::Novelty,
        protocol::{Protocol, Unreadable},
        requests::Task,
    },
    session::{ConnectionId, SnapshotFrame},
};

impl BinanceSession {
    /// Processes an answer.
    ///
    /// # Errors
    /// The answer cannot be parsed.
    pub(super) fn take_answer(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        match &task.purpose {
            Purpose::Snapshot { symbol, epoch, is_renewal } => {
                let state = &mut self.symbols[*symbol].state;
                if state.epoch == *epoch {
                    let depth: BinanceDepth = serde_json::from_str(body)?;
                    state.is_snapshot_coming &= *is_renewal;
                    self.snapshot(*symbol, &depth, now);
                }
            }
            Purpose::Symbols(asked) => {
                let info: BinanceExchangeInfo<'_> = serde_json::from_str(body)?;
                self.described(asked, &info, now);
                self.await_descriptions(now);
            }
            Purpose::History { symbol, interval, .. } => {
                let rows: Vec<BinanceKlineRow> = serde_json::from_str(body)?;
                let candles = rows.into_iter().map(|BinanceKlineRow(candle)| candle).collect();
                let history = CandleHistory { interval: *interval, candles };
                self.out.event(&self.symbols[*symbol].id, None, now, MarketEventKind::History(history));
            }
            Purpose::Probe { symbol } => {
                let rows: Vec<BinanceRestAggTrade> = serde_json::from_str(body)?;
                self.probed(*symbol, rows.iter().map(|row| row.trade_time.0).max(), now);
            }
            Purpose::DayTicker { symbol } => self.polled_day(*symbol, &serde_json::from_str(body)?, now),
            Purpose::BestLevels { symbol } => {
                let depth: BinanceDepth = serde_json::from_str(body)?;
                self.show_polled(*symbol, (&depth.bids, &depth.asks), None, now);
            }
            Purpose::Trades { symbol } => self.polled_trades(*symbol, &serde_json::from_str::<Vec<_>>(body)?, now),
            Purpose::AggTrades { symbol } => {
                self.polled_agg_trades(*symbol, &serde_json::from_str::<Vec<_>>(body)?, now);
            }
        }
        Ok(())
    }

    fn snapshot(&mut self, position: usize, depth: &BinanceDepth, now: Now) {
        self.change_book(position, now, |state, tracked| {
            let levels = (depth.bids.as_slice(), depth.asks.as_slice());
            let snapshot = Snapshot { last_id: depth.last_update_id, levels, n_asked: state.snapshot_levels };
            if state.book.on_snapshot(tracked, snapshot, now) != SnapshotOutcome::Joined {
                return None;
            }
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            Some((tracked.event_time, BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks }))
        });
        // More of it may be looked at by now than when it was requested.
        Binance::interest_changed(self, position, now);
    }

    /// Processes the list of symbols; `asked` is empty if all were requested.
    fn described(&mut self, asked: &[usize], info: &BinanceExchangeInfo<'_>, now: Now) {
        if let Some(limit) = info.weight_per_minute() {
            self.requests.budget.set_limit(limit.max(LEAST_WEIGHT_PER_MINUTE));
        }
        let mut missing: Vec<usize> = asked.to_vec();
        for symbol in &info.symbols {
            let position = self.followed(&symbol.symbol);
            missing.retain(|missing| Some(*missing) != position);
            if (position.is_some() || self.is_open_ended)
                && let Some(instrument) = symbol.instrument(&self.venue)
            {
                self.describe(instrument, now);
            }
            self.restrict(&symbol.symbol, symbol.restriction());
        }
        missing.into_iter().for_each(|position| self.mark_unknown(position));
    }

    /// In a recording: awaits further descriptions. It has one answer for each list of symbols that was requested.
    fn await_descriptions(&mut self, now: Now) {
        if self.is_open_ended {
            self.requests.push(Task::new(Purpose::Symbols(Vec::new())), now.monotonic);
        }
    }

    /// Processes the refusal of a request.
    pub(super) fn take_refusal(&mut self, task: Task<Purpose>, body: &str, now: Now) {
        let refusal: BinanceRefusal<'_> = serde_json::from_str(body).unwrap_or_default();
        match &task.purpose {
            Purpose::Symbols(asked) if refusal.is_unknown_symbol() => match asked.as_slice() {
                [] => {}
                [one] => self.mark_unknown(*one),
                several => {
                    // One unknown symbol invalidates the whole answer: halving finds it in a few steps.
                    let (left, right) = several.split_at(several.len() / 2);
                    for half in [left, right] {
                        self.requests.push(Task::new(Purpose::Symbols(half.to_vec())), now.monotonic);
                    }
                }
            },
            Purpose::Snapshot { symbol, .. } | Purpose::History { symbol, .. } if refusal.is_unknown_symbol() => {
                self.mark_unknown(*symbol);
            }
            Purpose::Snapshot { .. } | Purpose::Symbols(_) => {
                self.out.set_rest_cause(Some(FeedCause::Refused { detail: refusal.detail() }));
                self.retry(task, now);
            }
            // The same request would be refused again; polling repeats by itself.
            Purpose::History { .. }
            | Purpose::Probe { .. }
            | Purpose::DayTicker { .. }
            | Purpose::BestLevels { .. }
            | Purpose::Trades { .. }
            | Purpose::AggTrades { .. } => {}
        }
    }

    /// Processes statistics of 24 hours.
    fn polled_day(&mut self, position: usize, ticker: &BinanceDayTicker, now: Now) {
        if !self.polling.is_on() {
            return;
        }
        self.out.set_polling(true);
        let symbol = &mut self.symbols[position];
        let time = ticker.close_time.0;
        if matches!(symbol.state.day_times.see_time(time, POLLED), Novelty::New { .. }) {
            self.out.event(&symbol.id, Some(time), now, MarketEventKind::Day(ticker.day()));
            self.out.event(&symbol.id, Some(time), now, MarketEventKind::Quote(ticker.quote()));
        }
    }

    /// Processes single trades, oldest first.
    fn polled_trades(&mut self, position: usize, rows: &[BinanceRestTrade], now: Now) {
        let is_first = !self.symbols[position].state.trade_ids.has_any();
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

    /// Processes aggregated trades, oldest first; each represents its last single one.
    fn polled_agg_trades(&mut self, position: usize, rows: &[BinanceRestAggTrade], now: Now) {
        let is_first = !self.symbols[position].state.trade_ids.has_any();
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
        let symbol = &mut self.symbols[position];
        let novelty = symbol.state.trade_ids.see(ids.0, ids.1);
        if let Novelty::New { is_gap } = novelty {
            self.out.health.counters.gaps += u64::from(is_gap);
        }
        // A late trade here was missed while nothing was connected: it closes a gap. Of the trades from before anything
        // was followed, only the last price matters.
        if novelty != Novelty::Seen && is_news {
            self.out.event(&symbol.id, Some(trade_time), now, MarketEventKind::Trade(print));
        }
    }
}

/// The venue's answer to a request for its book.
#[derive(Serialize)]
struct DepthAnswer {
    #[serde(rename = "lastUpdateId")]
    last_update_id: u64,
    bids: Vec<(Price, Quantity)>,
    asks: Vec<(Price, Quantity)>,
}

/// Returns the best `depth` levels a side as the venue's answer; `None` if the book is not live. Its id is that of the
/// last change applied, so that the changes recorded after it join it by the usual rule.
pub(super) fn of_book(symbol: &str, tracked: &TrackedBook, depth: usize) -> Option<SnapshotFrame> {
    let last_update_id = tracked.last_update_id.filter(|_| tracked.state == BookState::Live)?;
    let pair = |level: Level| (level.price, level.quantity);
    let answer = DepthAnswer {
        last_update_id,
        bids: tracked.book.bids().take(depth).map(pair).collect(),
        asks: tracked.book.asks().take(depth).map(pair).collect(),
    };
    let request = rest::depth(symbol, Attention::of(Some(BookInterest::Deep)).n_levels);
    Some(SnapshotFrame::Answer { path: request.path, query: request.query, body: serde_json::to_string(&answer).ok()? })
}

/// Returns candles as the venue's answer; zeros in unread fields. A row ends before the buyers' volume if that is
/// unknown.
pub(super) fn of_candles(symbol: &str, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
    let length_ms = i64::try_from(interval.duration().as_millis()).ok()?;
    let row = |Candle { open_time, open, high, low, close, volume, buy_volume }: &Candle| {
        let open_ms = open_time.as_millis();
        let mut row = json!([open_ms, open, high, low, close, volume, open_ms + length_ms - 1, "0", 0]);
        if let (Some(buy_volume), Some(row)) = (buy_volume, row.as_array_mut()) {
            row.extend([json!(buy_volume), json!("0"), json!("0")]);
        }
        row
    };
    let rows: Vec<Value> = bars.iter().map(row).collect();
    // More than any request: of several answers the longest one is used.
    let request = rest::klines(symbol, interval, usize::MAX);
    Some(SnapshotFrame::Answer { path: request.path, query: request.query, body: serde_json::to_string(&rows).ok()? })
}

/// Represents REST where connections are distinguished; the pool counts from one.
const POLLED: ConnectionId = ConnectionId(0);

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    #[test]
    fn a_book_reads_like_the_venues_answer() {
        let mut tracked = TrackedBook { last_update_id: Some(7), ..TrackedBook::default() };
        let bids = [level("1.50000000", "2.00"), level("1.40000000", "1")];
        tracked.book.apply_snapshot(&bids, &[level("1.60", "3")]);
        assert_eq!(of_book("AAABBB", &tracked, 9), None, "only a live book has one");
        tracked.state = BookState::Live;
        let Some(SnapshotFrame::Answer { path, query, body }) = of_book("AAABBB", &tracked, 1) else {
            panic!("no answer")
        };
        assert_eq!((path.as_ref(), &query[0]), ("/api/v3/depth", &("symbol", "AAABBB".to_owned())));
        assert_eq!(body, r#"{"lastUpdateId":7,"bids":[["1.50000000","2.00"]],"asks":[["1.60","3"]]}"#);
        let read: BinanceDepth = serde_json::from_str(&body).unwrap();
        assert_eq!((read.last_update_id, read.bids.as_slice()), (7, &bids[..1]));
    }

    #[test]
    fn bars_read_like_the_venues_answer() {
        let price = |text| Price::parse(text).unwrap();
        let bar = Candle {
            open_time: Timestamp::from_millis(60_000),
            open: price("1.50"),
            high: price("2"),
            low: price("1"),
            close: price("1.75000"),
            volume: Quantity::parse("0.10").unwrap(),
            buy_volume: Quantity::parse("0.025").ok(),
        };
        let unsaid = Candle { buy_volume: None, ..bar };
        let Some(SnapshotFrame::Answer { path, query, body }) = of_candles("AAABBB", Interval::M1, &[bar, unsaid])
        else {
            panic!("no answer")
        };
        assert_eq!(
            (path.as_ref(), &query[1], &query[2].1),
            ("/api/v3/klines", &("interval", "1m".into()), &"1000".into())
        );
        assert_eq!(
            body,
            concat!(
                r#"[[60000,"1.50","2","1","1.75000","0.10",119999,"0",0,"0.025","0","0"],"#,
                r#"[60000,"1.50","2","1","1.75000","0.10",119999,"0",0]]"#
            )
        );
        let rows: Vec<BinanceKlineRow> = serde_json::from_str(&body).unwrap();
        assert_eq!((rows[0].0, rows[1].0), (bar, unsaid));
    }
}
