//! After a restart: what was said before meets what history now shows.

use indicators::bar::Bar;
use model::{
    alert::signal::{Signal, SignalState},
    time::Timestamp,
};

use crate::signals::watch::SignalWatch;

impl SignalWatch {
    /// Takes the whole list of bars, as it comes at a start, after a new subscription and after a loss on the way. A rule
    /// that has seen bars without a gap since goes on with them: bars that closed meanwhile fire. Else they are history, and
    /// `said_before` is resumed: the last known state of each signal.
    pub fn snapshot(&mut self, bars: &[Bar], said_before: &[Signal], now: Timestamp) -> Vec<Signal> {
        if self.is_in_step() {
            return self.on_bars(bars, now);
        }
        self.history(bars);
        self.resume(said_before, now)
    }

    /// Continues from the last known state of each signal that was said before, after [`Self::history`]: forming ones of the
    /// forming bar are not said twice, those of bars that closed meanwhile are confirmed or withdrawn, and confirmed ones
    /// that history contradicts are revised.
    pub fn resume(&mut self, said_before: &[Signal], now: Timestamp) -> Vec<Signal> {
        said_before.iter().filter_map(|signal| self.resume_one(signal, now)).collect()
    }

    fn resume_one(&mut self, signal: &Signal, now: Timestamp) -> Option<Signal> {
        let rule = self.rule();
        let is_own = signal.rule_id == rule.rule_id
            && signal.version == rule.version
            && signal.instrument == rule.instrument
            && signal.interval == rule.interval;
        if !is_own || !signal.holds {
            return None;
        }
        let (open_ms, side) = (signal.bar_time.as_millis(), signal.side);
        let is_forming = signal.state == SignalState::Forming;
        if let Some(said) = self.forming_mut(open_ms) {
            said.put(side, is_forming);
            return None;
        }
        let holds = match self.closed_mut(open_ms) {
            Some((fires, said)) => {
                said.put(side, fires.has(side));
                fires.has(side)
            }
            // Nobody can say any more how the bar ended; a confirmed one stays as it is.
            None => !is_forming,
        };
        let state = match (is_forming, holds) {
            (true, true) => SignalState::Confirmed,
            (true, false) => SignalState::Withdrawn,
            (false, true) => return None,
            (false, false) => SignalState::Revised,
        };
        let strength = if holds { signal.strength } else { 0.0 };
        Some(Signal { state, holds, strength, fired_time: now, receive_time: now, ..signal.clone() })
    }
}
