//! What REST answers mean for the session: the day's figures, history, and whether a silent symbol is dead.
//!
//! Not here: which request goes out when ([`crate::kit::requests`]).

use model::{
    event::{CandleHistory, MarketEventKind},
    status::FeedCause,
    time::Now,
};

use crate::{
    finnhub::{
        purpose::Purpose,
        rest::{FinnhubCandles, FinnhubQuote},
        session::FinnhubSession,
    },
    kit::requests::{RequestOutcome, Task},
    session::{HttpAnswer, HttpFailure, RequestId},
};

impl FinnhubSession {
    /// A request ended.
    pub(super) fn answered(&mut self, id: RequestId, result: Result<HttpAnswer<'_>, HttpFailure>, now: Now) {
        let is_token_refused = matches!(&result, Ok(HttpAnswer { status: 401, .. }));
        match self.requests.settle(id, result, now, &mut self.out) {
            RequestOutcome::Late => {}
            RequestOutcome::Answered(task, body) => {
                if self.digest(&task, body, now).is_none() {
                    self.out.health.counters.malformed += 1;
                    self.retry(task, now);
                }
            }
            RequestOutcome::Refused(task, _) if is_token_refused => {
                let detail = "the venue does not accept the token: check venues.finnhub.token".to_owned();
                self.out.set_rest_cause(Some(FeedCause::CredentialsRefused { detail }));
                self.retry(task, now);
            }
            // Bars are not in every plan: they are built from prints then.
            RequestOutcome::Refused(..) => {}
            RequestOutcome::Failed(task) => self.retry(task, now),
        }
    }

    /// Requests without an answer count as failed.
    pub(super) fn expire_requests(&mut self, now: Now) {
        for task in self.requests.take_overdue(now, &mut self.out) {
            self.retry(task, now);
        }
    }

    fn digest(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Option<()> {
        match &task.purpose {
            Purpose::Quote { symbol } => {
                let quote: FinnhubQuote = serde_json::from_str(body).ok()?;
                if quote.is_unknown() {
                    self.mark_unknown(*symbol);
                } else {
                    self.quote(*symbol, &quote, now);
                }
            }
            Purpose::Probe { symbol } => {
                let quote: FinnhubQuote = serde_json::from_str(body).ok()?;
                if let Some(silent_for) = self.liveness.probed(*symbol, Some(quote.time()), now.monotonic) {
                    let silent_ms = u64::try_from(silent_for.as_millis()).unwrap_or(u64::MAX);
                    let cause = FeedCause::AcknowledgedSilent { silent_ms };
                    for lost in self.pool.abandon(*symbol, cause, now, &mut self.out) {
                        self.liveness.release(lost);
                    }
                }
            }
            Purpose::History { symbol, interval, .. } => {
                let candles = serde_json::from_str::<FinnhubCandles>(body).ok()?.candles()?;
                let history = CandleHistory { interval: *interval, candles };
                self.out.event(&self.streams[*symbol].id, None, now, MarketEventKind::History(history));
            }
        }
        Some(())
    }

    /// The day's figures, as they were when the last print was made: they never replace newer ones.
    fn quote(&mut self, position: usize, quote: &FinnhubQuote, now: Now) {
        let is_polling = self.rounds.is_on();
        if is_polling {
            self.out.set_polling(true);
        }
        let stream = &mut self.streams[position];
        if stream.instrument.is_none() && stream.ticks.see(true, quote.last(), model::decimal::Quantity::ZERO) {
            self.describe(position, now);
        }
        let stream = &mut self.streams[position];
        if stream.day.is_some() && quote.time() <= stream.newest {
            return;
        }
        stream.newest = stream.newest.max(quote.time());
        stream.day = Some(quote.day());
        self.out.event(&stream.id, Some(quote.time()), now, MarketEventKind::Day(quote.day()));
    }

    fn retry(&mut self, mut task: Task<Purpose>, now: Now) {
        let wait = task.fail();
        if task.n_failed < ATTEMPTS {
            self.requests.push(task, now.monotonic + wait);
        }
    }
}

/// Attempts for one question; rounds and history requests ask again by themselves.
const ATTEMPTS: u32 = 6;
