//! The task that looks at the server: every two seconds for its health, every ten for the history.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{access::Role, time::Monotonic};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use topics::channels::system::report::SystemReport;

use super::{
    figures::{Look, Span},
    health::{SystemHealth, judge},
    history::{History, STEP},
};
use crate::metrics::{counters::Counters, reading::Sources};

/// The task's results. Clones share them.
#[derive(Clone, Debug)]
pub struct Monitor {
    health: watch::Receiver<SystemHealth>,
    history: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    history: History,
    newest_ms: i64,
}

impl Monitor {
    /// Returns the server's health as a role may know it, and the last hour of its figures.
    pub fn report(&self, role: Role) -> SystemReport {
        let health = self.health.borrow().clone();
        let kept = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        SystemReport {
            health: health.state,
            causes: health.causes_for(role).into_iter().map(str::to_owned).collect(),
            step_ms: u64::try_from(STEP.as_millis()).unwrap_or(u64::MAX),
            newest_ms: kept.newest_ms,
            figures: kept.history.figures(),
        }
    }
}

/// The health at the latest look: known to the topics before the task has what it reads.
#[derive(Debug)]
pub struct HealthCell(watch::Sender<SystemHealth>);

impl Default for HealthCell {
    fn default() -> Self {
        Self(watch::channel(SystemHealth::default()).0)
    }
}

impl HealthCell {
    /// Returns the reading end.
    pub fn newest(&self) -> watch::Receiver<SystemHealth> {
        self.0.subscribe()
    }
}

/// Prepares the task; it looks until `stop`.
pub fn monitor(
    sources: Sources,
    counters: Counters,
    health: HealthCell,
    stop: CancellationToken,
) -> (Monitor, impl Future<Output = ()> + Send + 'static) {
    let history = Arc::new(Mutex::new(Kept::default()));
    let monitor = Monitor { health: health.newest(), history: Arc::clone(&history) };
    let task = async move {
        let mut task = Task::new(sources, counters);
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let now = task.look();
            health.0.send_replace(task.judge(&now));
            if task.is_step(&now) {
                let mut kept = history.lock().unwrap_or_else(PoisonError::into_inner);
                kept.history.add(&Span::new(&task.step, &now));
                kept.newest_ms = now.reading.now.wall.as_millis();
                drop(kept);
                task.step = now;
            }
        }
    };
    (monitor, task)
}

struct Task {
    sources: Sources,
    counters: Counters,
    /// The look at the end of the history.
    step: Look,
    /// Time since which deliveries wait, and the successes then; `None` while none waits.
    waiting: Option<(Monotonic, u64)>,
}

impl Task {
    fn new(sources: Sources, counters: Counters) -> Self {
        let step = Self::look_at(&sources, &counters);
        Self { sources, counters, step, waiting: None }
    }

    fn look(&self) -> Look {
        Self::look_at(&self.sources, &self.counters)
    }

    fn look_at(sources: &Sources, counters: &Counters) -> Look {
        Look::new(sources.read(), counters, sources.publishing.lane_times().total())
    }

    fn judge(&mut self, now: &Look) -> SystemHealth {
        let at = now.reading.now.monotonic;
        let n_delivered = self.counters.alerts.n_delivered();
        // A delivery that succeeds shows that the others wait for their own reasons.
        self.waiting = match self.waiting {
            _ if now.n_waiting == 0 => None,
            Some((since, n_before)) if n_before == n_delivered => Some((since, n_before)),
            _ => Some((at, n_delivered)),
        };
        let stuck = self.waiting.map_or(Duration::ZERO, |(since, _)| at.saturating_since(since));
        judge(now, Span::new(&self.step, now).commit_time(), stuck)
    }

    fn is_step(&self, now: &Look) -> bool {
        let passed = now.reading.now.monotonic.saturating_since(self.step.reading.now.monotonic);
        passed + LOOK_EVERY / 2 >= STEP
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(2);
