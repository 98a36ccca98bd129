//! What REST answers mean for the session: symbols, history, newer prints; and what is tried again.
//!
//! Not here: which request goes out when ([`crate::kit::requests`]), what polling makes of answers ([`super::polling`]).

use model::{
    event::{CandleHistory, MarketEventKind},
    status::FeedCause,
    time::Now,
};
use serde_json::value::RawValue;

use crate::{
    kit::{
        bars,
        requests::{RequestOutcome, Task},
    },
    kraken::{
        instrument::KrakenAssetPairs,
        limits::HISTORY_ATTEMPTS,
        message::minutes_of_interval,
        purpose::Purpose,
        rest::{KrakenAnswer, KrakenOhlcRow, KrakenRefusal, KrakenRestTrade, KrakenRows},
        session::KrakenSession,
    },
    session::{HttpAnswer, HttpFailure, RequestId, Session},
};

impl KrakenSession {
    /// A request ended.
    pub(super) fn answered(&mut self, id: RequestId, result: Result<HttpAnswer<'_>, HttpFailure>, now: Now) {
        match self.requests.settle(id, result, now, &mut self.out) {
            RequestOutcome::Late => {}
            RequestOutcome::Answered(task, body) => {
                let is_read = match KrakenAnswer::open(body) {
                    Ok(KrakenAnswer::Result(result)) => self.digest(&task, result, now).is_ok(),
                    Ok(KrakenAnswer::Refused(refusal)) => return self.refused_by_rest(task, &refusal, now),
                    Err(_) => false,
                };
                if !is_read {
                    self.out.health.counters.malformed += 1;
                    self.retry(task, now);
                }
            }
            RequestOutcome::Refused(task, _) | RequestOutcome::Failed(task) => self.retry(task, now),
        }
    }

    /// Requests without an answer count as failed.
    pub(super) fn expire_requests(&mut self, now: Now) {
        for task in self.requests.take_overdue(now, &mut self.out) {
            self.retry(task, now);
        }
    }

    fn digest(&mut self, task: &Task<Purpose>, result: &RawValue, now: Now) -> Result<(), serde_json::Error> {
        let result = result.get();
        match &task.purpose {
            Purpose::Symbols => {
                let KrakenAssetPairs(pairs) = serde_json::from_str(result)?;
                let venue = self.venue().clone();
                for (key, pair) in pairs {
                    if let Some(instrument) = pair.instrument(&key, &venue) {
                        self.describe(instrument, now);
                    }
                }
            }
            Purpose::Probe { symbol } => {
                let KrakenRows { rows, .. } = serde_json::from_str::<KrakenRows<'_, Vec<KrakenRestTrade>>>(result)?;
                let newest = rows.iter().map(|row| row.time).max();
                if let Some(silent_for) = self.liveness.probed(*symbol, newest, now.monotonic) {
                    self.distrust(*symbol, silent_for, now);
                }
            }
            Purpose::History { symbol, interval, n_bars } => {
                let mut candles = match minutes_of_interval(*interval) {
                    Some(_) => {
                        let KrakenRows { rows, .. } =
                            serde_json::from_str::<KrakenRows<'_, Vec<KrakenOhlcRow>>>(result)?;
                        rows.into_iter().map(|KrakenOhlcRow(candle)| candle).collect()
                    }
                    None => {
                        let KrakenRows { rows, .. } =
                            serde_json::from_str::<KrakenRows<'_, Vec<KrakenRestTrade>>>(result)?;
                        let prints = rows.iter().map(|row| (row.time, row.price, row.quantity, row.aggressor_side));
                        // Prints before the answer may belong to the first bar.
                        bars::of_prints(*interval, prints).split_off(usize::from(!rows.is_empty()))
                    }
                };
                candles.drain(..candles.len().saturating_sub(*n_bars));
                let history = CandleHistory { interval: *interval, candles };
                self.out.event(&self.streams[*symbol].id, None, now, MarketEventKind::History(history));
            }
            Purpose::Ticker { symbol } => {
                let KrakenRows { rows, .. } = serde_json::from_str(result)?;
                self.polled_ticker(*symbol, &rows, now);
            }
            Purpose::Trades { symbol } => self.polled_trades(*symbol, &serde_json::from_str(result)?, now),
        }
        Ok(())
    }

    /// The venue refuses with status 200, in words.
    fn refused_by_rest(&mut self, task: Task<Purpose>, refusal: &KrakenRefusal, now: Now) {
        if refusal.is_rate_limit() {
            self.requests.refused_as_too_many(None, now, &mut self.out);
            return self.retry(task, now);
        }
        let symbol = match task.purpose {
            Purpose::Symbols => None,
            Purpose::Probe { symbol }
            | Purpose::History { symbol, .. }
            | Purpose::Ticker { symbol }
            | Purpose::Trades { symbol } => Some(symbol),
        };
        if let Some(stream) = symbol.and_then(|symbol| self.streams.get(symbol)).filter(|_| refusal.is_unknown_symbol())
        {
            // Where connections can be had their word counts: REST had other names for long.
            if self.polling.is_on() {
                self.out.symbol_unknown(&stream.id, false);
            }
            return;
        }
        self.out.set_rest_cause(Some(FeedCause::Refused { detail: refusal.detail.clone() }));
        if refusal.is_outage() || symbol.is_none() {
            self.retry(task, now);
        }
    }

    fn retry(&mut self, mut task: Task<Purpose>, now: Now) {
        let wait = task.fail();
        match &task.purpose {
            Purpose::Symbols => self.requests.push(task, now.monotonic + wait),
            Purpose::History { .. } if task.n_failed < HISTORY_ATTEMPTS => {
                self.requests.push(task, now.monotonic + wait);
            }
            // Polling and the watch over silent symbols ask again by themselves.
            Purpose::History { .. } | Purpose::Probe { .. } | Purpose::Ticker { .. } | Purpose::Trades { .. } => {}
        }
    }
}
