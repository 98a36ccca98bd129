//! Deadlines: the end of a rule, of a snooze, of a wait, of a span, and of quiet hours.

use std::time::Duration;

use model::time::Timestamp;

use crate::{
    engine::{Engine, Moment, index},
    level_index::Slot,
};

impl Engine {
    /// Does what is due. A spurious call does nothing.
    pub fn advance(&mut self, now: Timestamp) {
        let due: Vec<(Timestamp, u32)> = self.timers.range(..=(now, u32::MAX)).copied().collect();
        for (_, place) in due {
            self.on_time(place, now);
            self.reschedule(place, now);
        }
        if self.memory.settings.muted.is_some_and(|muted| muted.until.is_some_and(|until| until <= now)) {
            self.memory.settings.muted = None;
            self.effects.has_memory_changed = true;
        }
        self.summarise(now);
    }

    /// Returns when [`Self::advance`] wants to be called; `None` means never.
    pub fn deadline(&self) -> Option<Timestamp> {
        let rules = self.timers.first().map(|(due, _)| *due);
        let summaries = self.memory.held.values().map(|held| held.until).min();
        let muted = self.memory.settings.muted.and_then(|muted| muted.until);
        [rules, summaries, muted].into_iter().flatten().min()
    }

    fn on_time(&mut self, place: u32, now: Timestamp) {
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        let is_due = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
        if is_due(watched.memory.snoozed_until) {
            watched.memory.snoozed_until = None;
            self.effects.changed.insert(watched.rule.rule_id.clone());
        }
        if watched.is_live() && is_due(watched.rule.expires) {
            watched.memory.is_expired = true;
            watched.memory.pending_since = None;
            self.touch(place);
            self.detach(place);
        }
        if self.at(place).is_some_and(|watched| is_due(Self::storm_due(watched))) {
            self.say_folded(place, now);
        }
        let Some(watched) = self.at(place).filter(|watched| watched.is_live()) else { return };
        let stale: Vec<Slot> = (0_u8..)
            .zip(&watched.trackers)
            .filter(|(_, tracker)| is_due(tracker.stale_due()))
            .map(|(condition, _)| Slot { rule: place, condition })
            .collect();
        let moment = Moment { now, event_time: None, is_late: false };
        self.step(&stale, moment, |engine, slot| {
            engine.at_mut(slot.rule)?.trackers.get_mut(usize::from(slot.condition))?.on_stale_time(now)
        });
        let Some(watched) = self.at(place).filter(|watched| watched.is_live()) else { return };
        if self.blindness(watched).is_none() && (is_due(watched.pending_due()) || is_due(watched.repeat_due())) {
            self.fire(place, moment);
        }
    }

    /// Puts a rule's next time among the timers. A time that has passed already is tried again shortly.
    pub(super) fn reschedule(&mut self, place: u32, now: Timestamp) {
        let Some(watched) = self.at(place) else { return };
        let is_blind = self.blindness(watched).is_some();
        let live = if watched.is_live() {
            let stale = watched.trackers.iter().filter_map(|tracker| tracker.stale_due()).min();
            let [pending, repeat] = if is_blind { [None, None] } else { [watched.pending_due(), watched.repeat_due()] };
            [watched.rule.expires, stale, pending, repeat]
        } else {
            [None; 4]
        };
        let due = live.into_iter().chain([watched.memory.snoozed_until, Self::storm_due(watched)]).flatten().min();
        let due = due.map(|due| if due <= now { now + Duration::from_millis(1) } else { due });
        let Some(watched) = self.rules.get_mut(index(place)).and_then(Option::as_deref_mut) else { return };
        if watched.due != due {
            let before = std::mem::replace(&mut watched.due, due);
            before.map(|before| self.timers.remove(&(before, place)));
            due.map(|due| self.timers.insert((due, place)));
        }
    }
}
