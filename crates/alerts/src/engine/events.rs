//! Signals, the trading desk and the system.

use std::collections::BTreeSet;

use model::{alert::signal::Signal, instrument::InstrumentId, time::Timestamp};

use crate::{
    engine::{Engine, Moment, index, watched::Watched},
    happening::{HealthEvent, TradingEvent, Trust},
    level_index::Slot,
    tracker::{Met, Tracker},
};

impl Engine {
    /// Takes a signal in, or its new state.
    pub fn signal(&mut self, signal: &Signal, now: Timestamp) {
        let is_late = signal.state == model::alert::signal::SignalState::Revised;
        let moment = Moment { now, event_time: Some(signal.fired_time), is_late };
        self.step_all(&self.of_signals.clone(), moment, |tracker, scope| tracker.on_signal(scope, signal));
    }

    /// Takes in what happened on the trading desk.
    pub fn trading(&mut self, event: &TradingEvent, now: Timestamp) {
        let moment = Moment { now, event_time: None, is_late: false };
        self.step_all(&self.of_trading.clone(), moment, |tracker, scope| tracker.on_trading(scope, event));
    }

    /// Takes in what happened in the system.
    pub fn health(&mut self, event: &HealthEvent, now: Timestamp) {
        let moment = Moment { now, event_time: None, is_late: false };
        self.step_all(&self.of_health.clone(), moment, |tracker, scope| tracker.on_health(scope, event, now));
    }

    /// Tells rules on stale feeds; they fire when the time is up.
    pub(super) fn on_trust(&mut self, instrument: &InstrumentId, trust: &Trust, now: Timestamp) {
        let moment = Moment { now, event_time: None, is_late: false };
        let slots = self.of_trust.clone();
        self.step_all(&slots, moment, |tracker, scope| {
            tracker.on_trust(scope, instrument, trust);
            None
        });
        for slot in slots {
            self.reschedule(slot.rule, now);
        }
    }

    fn step_all(
        &mut self,
        slots: &BTreeSet<Slot>,
        moment: Moment,
        mut look: impl FnMut(&mut Tracker, Option<&InstrumentId>) -> Option<Met>,
    ) {
        let slots: Vec<Slot> = slots.iter().copied().collect();
        for of_rule in slots.chunk_by(|one, other| one.rule == other.rule) {
            self.step(of_rule, moment, |engine, slot| {
                let watched = engine.rules.get_mut(index(slot.rule))?.as_deref_mut()?;
                let Watched { rule, trackers, .. } = watched;
                look(trackers.get_mut(usize::from(slot.condition))?, rule.instrument.as_ref())
            });
        }
        self.say_late(moment.now);
    }
}
