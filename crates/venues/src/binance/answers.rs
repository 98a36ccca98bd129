//! What REST answers mean for the session: snapshots, symbols, history; and what is tried again.
//!
//! Not here: which request goes out when ([`crate::kit::requests`]), what polling makes of answers ([`super::polling`]).

use std::sync::Arc;

use model::{
    event::{BookUpdate, CandleHistory, MarketEventKind},
    status::FeedCause,
    time::Now,
};

use crate::{
    binance::{
        book::SnapshotOutcome,
        instrument::BinanceExchangeInfo,
        limits::{HISTORY_ATTEMPTS, LEAST_WEIGHT_PER_MINUTE},
        message::BinanceDepth,
        purpose::Purpose,
        rest::{BinanceKlineRow, BinanceRefusal, BinanceRestAggTrade},
        session::BinanceSession,
    },
    kit::requests::{RequestOutcome, Task},
    session::{HttpAnswer, HttpFailure, RequestId},
};

impl BinanceSession {
    /// A request ended.
    pub(super) fn answered(&mut self, id: RequestId, result: Result<HttpAnswer<'_>, HttpFailure>, now: Now) {
        match self.requests.settle(id, result, now, &mut self.out) {
            RequestOutcome::Late => {}
            RequestOutcome::Answered(task, body) => {
                if self.digest(&task, body, now).is_err() {
                    self.out.health.counters.malformed += 1;
                    self.retry(task, now);
                }
            }
            RequestOutcome::Refused(task, body) => self.refused(task, body, now),
            RequestOutcome::Failed(task) => self.retry(task, now),
        }
    }

    /// Requests without an answer count as failed.
    pub(super) fn expire_requests(&mut self, now: Now) {
        for task in self.requests.take_overdue(now, &mut self.out) {
            self.retry(task, now);
        }
    }

    fn digest(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), serde_json::Error> {
        match &task.purpose {
            Purpose::Snapshot { symbol, epoch } => {
                if self.streams[*symbol].epoch == *epoch {
                    let depth: BinanceDepth = serde_json::from_str(body)?;
                    self.snapshot(*symbol, &depth, now);
                }
            }
            Purpose::Symbols(asked) => {
                let info: BinanceExchangeInfo<'_> = serde_json::from_str(body)?;
                self.symbols(asked, &info, now);
            }
            Purpose::History { symbol, interval, .. } => {
                let rows: Vec<BinanceKlineRow> = serde_json::from_str(body)?;
                let candles = rows.into_iter().map(|BinanceKlineRow(candle)| candle).collect();
                let history = CandleHistory { interval: *interval, candles };
                self.out.event(&self.streams[*symbol].id, None, now, MarketEventKind::History(history));
            }
            Purpose::Probe { symbol } => {
                let rows: Vec<BinanceRestAggTrade> = serde_json::from_str(body)?;
                let newest = rows.iter().map(|row| row.trade_time.0).max();
                if let Some(silent_for) = self.liveness.probed(*symbol, newest, now.monotonic) {
                    self.distrust(*symbol, silent_for, now);
                }
            }
            Purpose::DayTicker { symbol } => self.polled_day(*symbol, &serde_json::from_str(body)?, now),
            Purpose::Trades { symbol } => self.polled_trades(*symbol, &serde_json::from_str::<Vec<_>>(body)?, now),
            Purpose::AggTrades { symbol } => {
                self.polled_agg_trades(*symbol, &serde_json::from_str::<Vec<_>>(body)?, now);
            }
        }
        Ok(())
    }

    fn snapshot(&mut self, position: usize, depth: &BinanceDepth, now: Now) {
        let stream = &mut self.streams[position];
        stream.is_snapshot_coming = false;
        let Some(tracked) = self.books.get_mut(&stream.id) else { return };
        let state_before = tracked.state;
        let outcome = stream.book.on_snapshot(tracked, depth.last_update_id, (&depth.bids, &depth.asks), now);
        if outcome == SnapshotOutcome::Joined {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&stream.id, tracked.event_time, now, MarketEventKind::Book(update));
        }
        self.after_book_change(position, state_before, now);
    }

    /// `asked` is empty where all symbols were asked for.
    fn symbols(&mut self, asked: &[usize], info: &BinanceExchangeInfo<'_>, now: Now) {
        if let Some(limit) = info.weight_per_minute() {
            self.requests.budget.set_limit(limit.max(LEAST_WEIGHT_PER_MINUTE));
        }
        let venue = crate::session::Session::venue(self).clone();
        let mut missing: Vec<usize> = asked.to_vec();
        for symbol in &info.symbols {
            let position = self.followed(&symbol.symbol);
            missing.retain(|missing| Some(*missing) != position);
            if position.is_none() && !self.is_open_ended {
                continue;
            }
            let Some(instrument) = symbol.instrument(&venue).map(Arc::new) else { continue };
            if self.is_open_ended {
                self.directory.insert(instrument.id.clone(), instrument.clone());
            }
            if let Some(position) = position {
                self.learn(position, instrument, now);
            }
        }
        missing.into_iter().for_each(|position| self.mark_unknown(position));
    }

    /// The venue does not answer this as it was asked.
    fn refused(&mut self, task: Task<Purpose>, body: &str, now: Now) {
        let refusal: BinanceRefusal<'_> = serde_json::from_str(body).unwrap_or_default();
        match &task.purpose {
            Purpose::Symbols(asked) if refusal.is_unknown_symbol() => match asked.as_slice() {
                [] => {}
                [one] => self.mark_unknown(*one),
                several => {
                    // One unknown symbol spoils the whole answer: halves find it in a few steps.
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
            // The same question would be refused again; polling asks again by itself.
            Purpose::History { .. }
            | Purpose::Probe { .. }
            | Purpose::DayTicker { .. }
            | Purpose::Trades { .. }
            | Purpose::AggTrades { .. } => {}
        }
    }

    fn retry(&mut self, mut task: Task<Purpose>, now: Now) {
        let wait = task.fail();
        match &task.purpose {
            Purpose::Snapshot { symbol, epoch } => {
                let stream = &mut self.streams[*symbol];
                if stream.epoch == *epoch {
                    stream.is_snapshot_coming = false;
                    self.want_snapshot(*symbol, now);
                }
            }
            Purpose::Symbols(_) => self.requests.push(task, now.monotonic + wait),
            Purpose::History { .. } if task.n_failed < HISTORY_ATTEMPTS => {
                self.requests.push(task, now.monotonic + wait);
            }
            Purpose::History { .. }
            | Purpose::Probe { .. }
            | Purpose::DayTicker { .. }
            | Purpose::Trades { .. }
            | Purpose::AggTrades { .. } => {}
        }
    }
}
