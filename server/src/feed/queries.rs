//! Answers REST queries from a feed's own state; a query for bars waits until their history has arrived.
//!
//! Not here: the state itself (`market`), access control (`http`).

use std::{collections::BTreeSet, time::Duration};

use market::View;
use model::{candle::Interval, instrument::InstrumentId, time::Monotonic};
use tokio::sync::oneshot;
use topics::channels::{candles::CandlesData, tape::TapeData};
use venues::session::Session;

use super::handle::FeedCommand;

/// The waiting queries, and the histories that need no waiting.
#[derive(Debug, Default)]
pub struct Queries {
    /// Histories that have arrived or have timed out: later queries do not wait for them.
    settled: BTreeSet<(InstrumentId, Interval)>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bars: Bars,
    until: Monotonic,
}

/// A query for bars.
#[derive(Debug)]
struct Bars {
    instrument: InstrumentId,
    interval: Interval,
    limit: usize,
    reply: oneshot::Sender<CandlesData>,
}

impl Queries {
    /// Answers a query, or queues it until history arrives. The caller then forwards the view's history requests.
    pub fn take(&mut self, command: FeedCommand, view: &mut View, session: &dyn Session, now: Monotonic) {
        match command {
            FeedCommand::Candles { instrument, interval, limit, reply } => {
                view.follow(&instrument, interval);
                let is_settled = self.settled.contains(&(instrument.clone(), interval));
                let bars = Bars { instrument, interval, limit, reply };
                if is_settled || self.waiting.len() >= MAX_WAITING {
                    bars.answer(view);
                } else {
                    self.waiting.push(Waiting { bars, until: now + HISTORY_TIME });
                }
            }
            FeedCommand::Book { instrument, depth, reply } => {
                // Sending fails only if the caller is gone.
                let _unheard = reply.send(view.book(&instrument, depth, session.books()).unwrap_or_default());
            }
            FeedCommand::Trades { instrument, limit, reply } => {
                let trades = view.trades(&instrument, limit).unwrap_or_default();
                let _unheard = reply.send(TapeData { trades });
            }
            // The feed's task hands these to its tap. A replay has none: dropping the reply tells the caller.
            FeedCommand::Tap(_) => {}
            // Handled by the task beforehand; dropping the sender would end the subscription.
            FeedCommand::Desk(_) | FeedCommand::Symbols { .. } | FeedCommand::StaleAfter(_) => {}
        }
    }

    /// Answers all queries that wait for this history.
    pub fn history_came(&mut self, instrument: &InstrumentId, interval: Interval, view: &View) {
        self.settled.insert((instrument.clone(), interval));
        self.answer(view, |waiting| waiting.bars.instrument == *instrument && waiting.bars.interval == interval);
    }

    /// Answers queries that have waited too long with the bars available.
    pub fn turn(&mut self, view: &View, now: Monotonic) {
        for waiting in self.waiting.iter().filter(|waiting| waiting.until <= now) {
            self.settled.insert((waiting.bars.instrument.clone(), waiting.bars.interval));
        }
        self.answer(view, |waiting| waiting.until <= now);
    }

    fn answer(&mut self, view: &View, is_due: impl Fn(&Waiting) -> bool) {
        for waiting in self.waiting.extract_if(.., |waiting| is_due(waiting)) {
            waiting.bars.answer(view);
        }
    }
}

impl Bars {
    fn answer(self, view: &View) {
        let bars = view.candles(&self.instrument, self.interval, self.limit).unwrap_or_default();
        // Sending fails only if the caller is gone.
        let _unheard = self.reply.send(CandlesData { bars });
    }
}

/// Longer than most venues take, shorter than a caller's patience.
const HISTORY_TIME: Duration = Duration::from_secs(4);
/// Queries that may wait; further ones are answered with the bars available.
const MAX_WAITING: usize = 256;
