//! What REST answers mean for the session: products, probes, history; and what is tried again.
//!
//! Not here: which request goes out when ([`crate::kit::requests`]), what polling makes of answers ([`super::polling`]).

use std::sync::Arc;

use model::{
    candle::Interval,
    event::{CandleHistory, MarketEventKind},
    status::FeedCause,
    time::{Now, Timestamp},
};

use crate::{
    coinbase::{
        instrument::{CoinbaseProduct, CoinbaseProducts},
        limits::HISTORY_ATTEMPTS,
        purpose::Purpose,
        rest::{self, CoinbaseCandles, CoinbaseProductBook, CoinbaseRefusal, CoinbaseTrades},
        session::CoinbaseSession,
    },
    kit::{
        bars,
        requests::{RequestOutcome, Task},
    },
    session::{HttpAnswer, HttpFailure, RequestId, Session},
};

impl CoinbaseSession {
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
            RequestOutcome::Refused(task, answer) => self.denied(task, answer.body, now),
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
            Purpose::Product { symbol } => {
                let product: CoinbaseProduct<'_> = serde_json::from_str(body)?;
                self.learn(*symbol, Arc::new(product.instrument(self.venue())), now);
                self.product(*symbol, &product, now);
            }
            Purpose::Products => {
                let list: CoinbaseProducts<'_> = serde_json::from_str(body)?;
                self.describe(&list, now);
            }
            Purpose::Probe { symbol } => {
                let answer: CoinbaseTrades<'_> = serde_json::from_str(body)?;
                let newest = answer.trades.iter().map(|trade| trade.time.0).max();
                if let Some(silent_for) = self.liveness.probed(*symbol, newest, now.monotonic) {
                    let silent_ms = u64::try_from(silent_for.as_millis()).unwrap_or(u64::MAX);
                    self.abandon(*symbol, FeedCause::AcknowledgedSilent { silent_ms }, now);
                }
            }
            Purpose::History { symbol, interval, from, until } => {
                let answer: CoinbaseCandles = serde_json::from_str(body)?;
                let pages = self.streams[*symbol].history.entry(*interval).or_default();
                pages.extend(answer.candles.iter().map(|row| row.candle()).map(|candle| (candle.open_time, candle)));
                // An empty page is the time before the product was listed. A recording has one answer, of all there was.
                let is_last = answer.candles.is_empty() || self.is_open_ended;
                match rest::page_before(*interval, *from, *until) {
                    Some(until) if !is_last => {
                        let purpose = Purpose::History { symbol: *symbol, interval: *interval, from: *from, until };
                        self.requests.push(Task::new(purpose), now.monotonic);
                    }
                    Some(_) | None => self.tell_history(*symbol, *interval, *from, now),
                }
            }
            Purpose::Day { symbol } => self.polled_day(*symbol, &serde_json::from_str(body)?, now),
            Purpose::BestPrices { symbol } => {
                let book: CoinbaseProductBook = serde_json::from_str(body)?;
                self.polled_best_prices(*symbol, &book, now);
            }
            Purpose::Trades { symbol } => self.polled_trades(*symbol, &serde_json::from_str(body)?, now),
        }
        Ok(())
    }

    /// Tells what pages of bars have come.
    fn tell_history(&mut self, position: usize, interval: Interval, from: Timestamp, now: Now) {
        let stream = &mut self.streams[position];
        let Some(parts) = stream.history.remove(&interval) else { return };
        let candles = bars::joined(interval, parts.into_values().filter(|part| part.open_time >= from));
        let history = CandleHistory { interval, candles };
        self.out.event(&stream.id, None, now, MarketEventKind::History(history));
    }

    /// A list of all products came: a recording's instruments are among them.
    fn describe(&mut self, list: &CoinbaseProducts<'_>, now: Now) {
        for product in &list.products {
            let instrument = Arc::new(product.instrument(self.venue()));
            if let Some(position) = self.followed(&product.product_id) {
                self.learn(position, instrument.clone(), now);
            }
            self.directory.insert(instrument.id.clone(), instrument);
        }
    }

    /// The venue does not answer this as it was asked.
    fn denied(&mut self, task: Task<Purpose>, body: &str, now: Now) {
        let refusal: CoinbaseRefusal<'_> = serde_json::from_str(body).unwrap_or_default();
        match &task.purpose {
            Purpose::Product { symbol } if refusal.is_unknown_product() => self.mark_unknown(*symbol),
            Purpose::Product { .. } | Purpose::Products => {
                self.out.set_rest_cause(Some(FeedCause::Refused { detail: refusal.detail() }));
                self.retry(task, now);
            }
            // The same question would be refused again: what there is has to do.
            Purpose::History { symbol, interval, from, .. } => self.tell_history(*symbol, *interval, *from, now),
            // Polling asks again by itself, and so does doubt.
            Purpose::Probe { .. } | Purpose::Day { .. } | Purpose::BestPrices { .. } | Purpose::Trades { .. } => {}
        }
    }

    fn retry(&mut self, mut task: Task<Purpose>, now: Now) {
        let wait = task.fail();
        match &task.purpose {
            Purpose::Product { .. } | Purpose::Products => self.requests.push(task, now.monotonic + wait),
            Purpose::History { .. } if task.n_failed < HISTORY_ATTEMPTS => {
                self.requests.push(task, now.monotonic + wait);
            }
            Purpose::History { symbol, interval, from, .. } => self.tell_history(*symbol, *interval, *from, now),
            Purpose::Probe { .. } | Purpose::Day { .. } | Purpose::BestPrices { .. } | Purpose::Trades { .. } => {}
        }
    }
}
