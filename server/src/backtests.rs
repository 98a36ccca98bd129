//! Back-tests of recordings: one at a time, on a thread of its own, within limits of time and size. The newest result stays
//! in memory until the next one begins.
//!
//! Not here: the run itself (`crates/backtest`), the REST API (`http::backtests`).
//!
//! # Layout
//! - [`play`]: plays files through both runs · [`files`]: the results as files · [`error`]: why a request is refused

pub mod error;
pub mod files;
pub mod play;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use backtest::{bounds::Bounds, plan::Plan, report::RunReport};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use wire::backtest::{BacktestReport, BacktestState, BacktestStatus, BacktestTotals};

use self::{
    error::BacktestRefusal,
    play::{PlayError, play},
};
use crate::{
    recorder::library::{Library, RecordingName, Use},
    shutdown::Shutdown,
};

/// The back-tests of a server. Clones share them.
#[derive(Clone)]
pub struct Backtests(Arc<Inner>);

struct Inner {
    library: Library,
    shutdown: Shutdown,
    newest: Mutex<Option<Newest>>,
}

struct Newest {
    status: BacktestStatus,
    /// The recording's clock, which the thread moves.
    position_ms: Arc<AtomicI64>,
    stop: CancellationToken,
    files: BTreeMap<String, Bytes>,
}

impl Backtests {
    /// Creates the state without a back-test.
    pub fn new(library: Library, shutdown: Shutdown) -> Self {
        Self(Arc::new(Inner { library, shutdown, newest: Mutex::default() }))
    }

    /// Returns how the newest back-test stands.
    pub fn report(&self) -> BacktestReport {
        BacktestReport { backtest: self.lock().as_ref().map(Newest::status) }
    }

    /// Returns a file of the newest result.
    ///
    /// # Errors
    /// There is no result, or it has no such file.
    pub fn file(&self, name: &str) -> Result<Bytes, BacktestRefusal> {
        let newest = self.lock();
        let files = newest.as_ref().map(|newest| &newest.files).filter(|files| !files.is_empty());
        let files = files.ok_or(BacktestRefusal::NoResult)?;
        files.get(name).cloned().ok_or_else(|| BacktestRefusal::UnknownFile {
            name: name.chars().take(64).collect(),
            known: files.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// Begins to run a plan over a recording of the library; the earlier result is forgotten.
    ///
    /// # Errors
    /// There is no such recording, the plan cannot be read, or another back-test runs.
    pub fn start(&self, recording: &str, plan: serde_json::Value) -> Result<BacktestReport, BacktestRefusal> {
        let name = RecordingName::parse(recording).ok_or(BacktestRefusal::BadName)?;
        let plan: Plan = serde_json::from_value(plan).map_err(BacktestRefusal::BadPlan)?;
        let unknown = || BacktestRefusal::UnknownRecording { name: name.clone() };
        self.0.library.find(&name).ok_or_else(unknown)?;
        let held = self.0.library.hold(&name, Use::Testing);
        let mut newest = self.lock();
        if newest.as_ref().is_some_and(|newest| newest.status.state == BacktestState::Running) {
            return Err(BacktestRefusal::Busy);
        }
        let number = newest.as_ref().map_or(0, |newest| newest.status.number) + 1;
        let (position_ms, stop) = (Arc::new(AtomicI64::new(i64::MIN)), self.0.shutdown.stopping.child_token());
        *newest = Some(Newest {
            status: BacktestStatus {
                number,
                recording: name.to_string(),
                instrument: plan.instrument.to_string(),
                strategy: plan.strategy.clone(),
                state: BacktestState::Running,
                position_ms: None,
                failure: None,
                bounds: Vec::new(),
            },
            position_ms: position_ms.clone(),
            stop: stop.clone(),
            files: BTreeMap::new(),
        });
        drop(newest);
        let (own, path) = (self.clone(), self.0.library.path(&name));
        self.0.shutdown.tasks.spawn_blocking(move || {
            let _held = held;
            let deadline = Instant::now() + MAX_TIME;
            let outcome = play(&plan, &[path], |runs| {
                position_ms.store(runs.now().as_millis(), Ordering::Relaxed);
                match () {
                    () if stop.is_cancelled() => Err(PlayError::Stopped),
                    () if Instant::now() >= deadline => Err(PlayError::TooLong { limit: MAX_TIME }),
                    () if runs.n_fills() > MAX_FILLS => Err(PlayError::TooManyFills { limit: MAX_FILLS }),
                    () => Ok(()),
                }
            });
            own.finish(number, outcome);
        });
        tracing::info!(%name, "a back-test begins");
        Ok(self.report())
    }

    /// Ends the back-test that runs. Does nothing if none does.
    pub fn stop(&self) -> BacktestReport {
        if let Some(newest) = self.lock().as_mut().filter(|newest| newest.status.state == BacktestState::Running) {
            newest.stop.cancel();
            newest.status.state = BacktestState::Stopped;
        }
        self.report()
    }

    /// Takes the outcome, unless the back-test was stopped meanwhile.
    fn finish(&self, number: u64, outcome: Result<Bounds, PlayError>) {
        let outcome = outcome.and_then(|bounds| Ok((files::of(&bounds)?, bounds)));
        let mut newest = self.lock();
        let newest = newest.as_mut().filter(|newest| newest.status.number == number);
        let Some(newest) = newest.filter(|newest| newest.status.state == BacktestState::Running) else { return };
        match outcome {
            Ok((files, bounds)) => {
                newest.status.state = BacktestState::Done;
                newest.status.bounds = bounds.reports().map(totals).into();
                newest.files = files;
            }
            Err(PlayError::Stopped) => newest.status.state = BacktestState::Stopped,
            Err(error) => {
                newest.status.state = BacktestState::Failed;
                newest.status.failure = Some(format!("{:#}", anyhow::Error::new(error)));
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Newest>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Backtests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backtests").finish_non_exhaustive()
    }
}

impl Newest {
    fn status(&self) -> BacktestStatus {
        let position_ms = Some(self.position_ms.load(Ordering::Relaxed)).filter(|millis| *millis > 0);
        BacktestStatus { position_ms, ..self.status.clone() }
    }
}

fn totals(report: &RunReport) -> BacktestTotals {
    let totals = &report.totals;
    BacktestTotals {
        queue: report.queue.to_owned(),
        currency: totals.currency.clone(),
        equity: totals.equity,
        total_pnl: totals.total_pnl,
        realised_pnl: totals.realised_pnl,
        unrealised_pnl: totals.unrealised_pnl,
        fees: totals.fees,
        n_fills: totals.n_fills,
        n_round_trips: totals.n_round_trips,
        reason: report.reason.clone(),
    }
}

/// The longest that a back-test may take; a longer recording is for the command line.
const MAX_TIME: Duration = Duration::from_secs(600);
/// Fills that a run may have: with their evidence some 20 MB.
const MAX_FILLS: usize = 20_000;
