//! One run of a plan over a recording.

use std::sync::Arc;

use broker::QueueModel;
use desk::{config::DeskConfig, desk::Desk};
use model::{
    decimal::Notional,
    event::{MarketEvent, MarketEventKind},
    instrument::Instrument,
    recording_entry::RecordingEntry,
    time::Timestamp,
    trading::{command::DeskCommand, fill::Fill, record::Record, refusal::Refusal, strategy::StrategyId},
};
use venues::{error::VenueError, replay::Replay, session::Session};

use crate::{
    plan::{NAME, Plan},
    recorded_market::RecordedMarket,
    report::{RunReport, Totals},
};

/// Why a plan cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The recording's venue is not known.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// The desk refuses the strategy.
    #[error("the desk refuses the strategy: {}: {}", .0.code.as_str(), .0.message)]
    Refused(Refusal),
    /// The recording never told the instrument's steps, and the plan has none.
    #[error(
        "the recording does not tell the steps of {0}; give the plan [terms] with base, quote, tick_size and lot_size"
    )]
    NoTerms(String),
    /// The desk contradicted itself.
    #[error("the desk contradicted itself: {0}")]
    Fault(String),
}

/// A run that takes a recording entry by entry.
pub struct Run {
    plan: Plan,
    queue: QueueModel,
    replay: Replay,
    market: RecordedMarket,
    instrument: Option<Arc<Instrument>>,
    desk: Option<Desk>,
    now: Timestamp,
    fills: Vec<Fill>,
    equity: Vec<(Timestamp, Notional)>,
    n_records: u64,
    n_market_events: u64,
    next_point: Timestamp,
}

impl Run {
    /// Prepares a run by one model of the queue.
    ///
    /// # Errors
    /// The plan's venue is not known.
    pub fn new(plan: &Plan, queue: QueueModel) -> Result<Self, BacktestError> {
        let replay = Replay::new(plan.instrument.venue().as_str())?;
        let mut market = RecordedMarket::new(Timestamp::EPOCH);
        market.follow(&plan.instrument, Session::books(&replay));
        Ok(Self {
            instrument: plan.listed(),
            plan: plan.clone(),
            queue,
            replay,
            market,
            desk: None,
            now: Timestamp::EPOCH,
            fills: Vec::new(),
            equity: Vec::new(),
            n_records: 0,
            n_market_events: 0,
            next_point: Timestamp::EPOCH,
        })
    }

    /// Takes the next entry of the recording.
    ///
    /// # Errors
    /// The desk refuses the strategy, or contradicts itself.
    pub fn entry(&mut self, entry: &RecordingEntry<'_>) -> Result<(), BacktestError> {
        self.now = entry.receive_time().unwrap_or(self.now).max(self.now);
        let Self { replay, market, plan, instrument, .. } = self;
        replay.feed(entry, |event: &MarketEvent| {
            if let MarketEventKind::Instrument(listed) = &event.kind
                && event.instrument == plan.instrument
                && plan.terms.is_none()
            {
                *instrument = Some(listed.clone());
            }
            market.event(event);
        });
        self.replay.settle();
        self.market.entry_end(Session::books(&self.replay));
        self.begin()?;
        let Some(desk) = &mut self.desk else { return Ok(()) };
        self.n_market_events += self.market.bring(desk, self.now) as u64;
        self.collect()
    }

    /// Begins once the instrument and the time are known: a header may have no time.
    fn begin(&mut self) -> Result<(), BacktestError> {
        let may_begin = self.desk.is_none() && self.now > Timestamp::EPOCH;
        let Some(instrument) = self.instrument.clone().filter(|_| may_begin) else { return Ok(()) };
        let mut config: DeskConfig = self.plan.desk(&instrument);
        config.broker.queue = self.queue;
        let mut desk = Desk::new(config);
        desk.list(instrument);
        desk.start(self.now);
        desk.command(DeskCommand::StartStrategy(Box::new(self.plan.start())), self.now)
            .map_err(BacktestError::Refused)?;
        self.desk = Some(desk);
        Ok(())
    }

    fn collect(&mut self) -> Result<(), BacktestError> {
        let Some(desk) = &mut self.desk else { return Ok(()) };
        let effects = desk.take_effects();
        if let Some(fault) = effects.fault {
            return Err(BacktestError::Fault(fault));
        }
        self.n_records += effects.records.len() as u64;
        let has_filled = !effects.round_trips.is_empty();
        for record in effects.records {
            if let Record::Filled(fill) = record {
                self.fills.push(*fill);
            }
        }
        if has_filled || self.now >= self.next_point {
            self.next_point = self.now + POINT_EVERY;
            let desk = &*desk;
            if let Some(account) = desk.state().accounts.values().next() {
                let row = desk.account_row(account);
                if row.unvalued.is_empty() {
                    self.equity.push((self.now, row.equity));
                }
            }
        }
        Ok(())
    }

    /// Returns the recording's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the number of fills so far.
    pub fn n_fills(&self) -> usize {
        self.fills.len()
    }

    /// Returns the report.
    ///
    /// # Errors
    /// The recording never told the instrument's steps.
    pub fn finish(self) -> Result<RunReport, BacktestError> {
        let no_terms = || BacktestError::NoTerms(self.plan.instrument.to_string());
        let desk = self.desk.as_ref().ok_or_else(no_terms)?;
        let account = desk.state().accounts.values().next().ok_or_else(no_terms)?;
        let row = desk.account_row(account);
        let name = StrategyId::parse(NAME).expect("invariant: the name is valid");
        let strategy = desk.strategy_report(&name).unwrap_or_default();
        let statistics = desk.performance(account, self.now);
        let reason = desk.state().strategies.get(&name).and_then(|entry| entry.reason.clone());
        Ok(RunReport {
            queue: match self.queue {
                QueueModel::Conservative => "conservative",
                QueueModel::Optimistic => "optimistic",
            },
            totals: Totals {
                currency: row.currency,
                equity: row.equity,
                total_pnl: row.total_pnl,
                realised_pnl: row.realised_pnl,
                unrealised_pnl: row.unrealised_pnl,
                fees: row.fees,
                n_fills: self.fills.len() as u64,
                n_round_trips: account.ledger.round_trips().len() as u64,
                n_market_events: self.n_market_events,
                n_records: self.n_records,
                end_ms: self.now.as_millis(),
            },
            reason,
            strategy,
            statistics,
            round_trips: account.ledger.round_trips().to_vec(),
            fills: self.fills,
            equity: self.equity.into_iter().map(|(time, equity)| (time.as_millis(), equity)).collect(),
        })
    }
}

/// Points of the equity curve, beside one for each round trip.
const POINT_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
