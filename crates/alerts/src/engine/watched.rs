//! A rule that is watched, with its conditions and what is remembered of it.

use std::time::Duration;

use model::{
    alert::rule::{AlertRule, Frequency, Join, RuleState},
    time::Timestamp,
};

use crate::{
    engine::firing::{Draft, Storm},
    memory::{Kept, RuleMemory},
    tracker::Tracker,
};

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) rule: AlertRule,
    pub(super) state: RuleState,
    pub(super) memory: RuleMemory,
    pub(super) trackers: Vec<Tracker>,
    pub(super) storm: Storm,
    /// Its entry among the timers.
    pub(super) due: Option<Timestamp>,
}

impl Watched {
    pub(super) fn new(rule: AlertRule, kept: Kept) -> Self {
        let Kept { state, memory } = kept;
        let memory = if memory.version == rule.version {
            memory
        } else {
            RuleMemory { version: rule.version, ..RuleMemory::default() }
        };
        let states = memory.trackers.iter().cloned().map(Some).chain(std::iter::repeat(None));
        let trackers = rule
            .conditions
            .iter()
            .zip(states)
            .map(|(condition, state)| Tracker::new(condition.clone(), state.unwrap_or_default()))
            .collect();
        let storm = Storm { begin: state.last_fired_time.unwrap_or_default(), n: 0, last: None };
        Self { rule, state, memory, trackers, storm, due: None }
    }

    /// Begins without a past: the next value only arms.
    pub(super) fn restart(&mut self) {
        self.trackers =
            self.rule.conditions.iter().map(|condition| Tracker::new(condition.clone(), Default::default())).collect();
        let n_folded = self.memory.n_folded;
        self.memory = RuleMemory { version: self.rule.version, n_folded, ..RuleMemory::default() };
    }

    pub(super) fn kept_memory(&self) -> RuleMemory {
        let trackers = self.trackers.iter().map(|tracker| tracker.state.clone()).collect();
        RuleMemory { trackers, ..self.memory.clone() }
    }

    /// True while values reach it.
    pub(super) fn is_live(&self) -> bool {
        !(self.memory.is_paused || self.memory.is_done || self.memory.is_expired)
    }

    /// True where it looks at closed bars only.
    pub(super) fn is_of_closes(&self) -> bool {
        matches!(self.rule.frequency, Frequency::OncePerBarClose { .. })
    }

    /// True while it holds as a whole.
    pub(super) fn holds(&self) -> bool {
        match self.rule.join {
            Join::All => self.trackers.iter().all(Tracker::holds),
            Join::Any => self.trackers.iter().any(Tracker::holds),
        }
    }

    /// True where it says again that it holds, as often as it may.
    pub(super) fn is_lasting(&self) -> bool {
        self.trackers.iter().all(Tracker::is_lasting)
    }

    /// True where it may fire at this moment.
    pub(super) fn may_fire(&self, now: Timestamp, event_time: Timestamp) -> bool {
        match self.rule.frequency {
            Frequency::Once | Frequency::OncePerBarClose { .. } => true,
            Frequency::OncePerBar { interval } => {
                self.memory.fired_bar.is_none_or(|fired| interval.open_time(event_time) > fired)
            }
            Frequency::OncePerMinute => self.has_cooled(now, MINUTE),
            Frequency::Every { cool_down_s } => self.has_cooled(now, Duration::from_secs(cool_down_s.into())),
        }
    }

    /// A clock that went back does not silence a rule.
    fn has_cooled(&self, now: Timestamp, cool_down: Duration) -> bool {
        self.state.last_fired_time.is_none_or(|last| now < last || now.saturating_since(last) >= cool_down)
    }

    /// Returns when it has lasted for long enough; `None` where it waits for nothing.
    pub(super) fn pending_due(&self) -> Option<Timestamp> {
        self.memory.pending_since.map(|since| since + Duration::from_secs(self.rule.pending_for_s.into()))
    }

    /// Returns when it may say again that it still holds; `None` where it does not or says so once.
    pub(super) fn repeat_due(&self) -> Option<Timestamp> {
        let last = self.state.last_fired_time?;
        if self.memory.pending_since.is_some() || !self.is_lasting() || !self.holds() {
            return None;
        }
        match self.rule.frequency {
            Frequency::OncePerMinute => Some(last + MINUTE),
            Frequency::Every { cool_down_s } if cool_down_s > 0 => Some(last + Duration::from_secs(cool_down_s.into())),
            Frequency::OncePerBar { interval } => self.memory.fired_bar.map(|bar| bar + interval.duration()),
            Frequency::Once | Frequency::OncePerBarClose { .. } | Frequency::Every { .. } => None,
        }
    }

    /// Returns what is said where nothing newer is known.
    pub(super) fn last_draft(&self) -> Draft {
        Draft { met: self.memory.last_met.clone().unwrap_or_default(), ..Draft::default() }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
