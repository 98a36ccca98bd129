//! Answers to REST queries from a feed's own state; a query for bars waits until their history has come.
//!
//! Not here: the state itself (`market`), who may ask (`http`).

use std::{collections::BTreeSet, time::Duration};

use market::View;
use model::{candle::Interval, instrument::InstrumentId, time::Monotonic};
use tokio::sync::oneshot;
use topics::channels::{candles::CandlesData, tape::TapeData};
use venues::session::Session;

use super::handle::FeedCommand;

/// Queries that wait, and which history there is no need to wait for.
#[derive(Debug, Default)]
pub struct Queries {
    /// History that has come, or has not come in time: asking again waits no more.
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
    /// Answers at once, or waits for history. The view's history requests are to be granted after it.
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
                // Nobody waits any more where this fails.
                let _unheard = reply.send(view.book(&instrument, depth, session.books()).unwrap_or_default());
            }
            FeedCommand::Trades { instrument, limit, reply } => {
                let trades = view.trades(&instrument, limit).unwrap_or_default();
                let _unheard = reply.send(TapeData { trades });
            }
            // The feed's task hands these to its tap; a replay has none, and whoever asks hears that nothing answers.
            FeedCommand::Tap(_) => {}
            // Taken by the task before; dropping it would end the subscription.
            FeedCommand::Desk(_) => {}
        }
    }

    /// Answers all who waited for this history.
    pub fn history_came(&mut self, instrument: &InstrumentId, interval: Interval, view: &View) {
        self.settled.insert((instrument.clone(), interval));
        self.answer(view, |waiting| waiting.bars.instrument == *instrument && waiting.bars.interval == interval);
    }

    /// Answers those who have waited long enough with what there is.
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
        // Nobody waits any more where this fails.
        let _unheard = self.reply.send(CandlesData { bars });
    }
}

/// Longer than most venues take, shorter than a caller's patience.
const HISTORY_TIME: Duration = Duration::from_secs(4);
/// Callers whose query waits; past it they get what there is.
const MAX_WAITING: usize = 256;
