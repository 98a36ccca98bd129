//! Two clocks a view keeps by itself: when things came (monotonic), and what time it is at the venue.
//!
//! Events carry wall stamps only, and turns carry both clocks. A receive time is placed on the monotonic clock at the
//! next turn, never before the turn preceding it, so that a step of the wall clock moves no age by more than a turn. The
//! venue's time is its last stamp plus the time passed since: old tapes play at their own time.

use std::time::Duration;

use model::time::{Monotonic, Now, Timestamp};

/// Places receive times on the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TurnClock {
    last_turn: Option<Monotonic>,
}

impl TurnClock {
    /// When something that came since the last turn came.
    pub(crate) fn place(self, receive_time: Timestamp, now: Now) -> Monotonic {
        let since_turn = self.last_turn.map_or(Duration::ZERO, |at| now.monotonic.saturating_since(at));
        let age = now.wall.saturating_since(receive_time).min(since_turn);
        Monotonic::from_zero(now.monotonic.since_zero().saturating_sub(age))
    }

    /// A turn has been made.
    pub(crate) fn turned(&mut self, now: Now) {
        self.last_turn = Some(now.monotonic);
    }

    pub(crate) fn last_turn(self) -> Option<Monotonic> {
        self.last_turn
    }
}

/// The venue's time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VenueClock {
    stamp: Option<Timestamp>,
    /// When the stamp came; `None` until the turn after it.
    at: Option<Monotonic>,
    receive_time: Timestamp,
}

impl VenueClock {
    /// Something with the venue's stamp came.
    pub(crate) fn note(&mut self, event_time: Timestamp, receive_time: Timestamp) {
        *self = Self { stamp: Some(event_time), at: None, receive_time };
    }

    pub(crate) fn observe(&mut self, turns: TurnClock, now: Now) {
        if self.at.is_none() {
            self.at = Some(turns.place(self.receive_time, now));
        }
    }

    /// The venue's time at `now`; `None` before its first stamp.
    pub(crate) fn time(&self, now: Monotonic) -> Option<Timestamp> {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_since(at));
        self.stamp.map(|stamp| stamp + since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now_at;

    #[test]
    fn a_step_of_the_wall_clock_moves_an_age_by_a_turn_at_most() {
        let mut turns = TurnClock::default();
        turns.turned(now_at(1_000));
        let turn = now_at(1_100);
        let placed = |wall_ms: i64| turns.place(Timestamp::from_millis(wall_ms), turn).since_zero().as_millis();
        let base = turn.wall.as_millis();
        assert_eq!(placed(base - 30), 1_070);
        assert_eq!(placed(base - 3_600_000), 1_000);
        assert_eq!(placed(base + 3_600_000), 1_100);
    }

    #[test]
    fn venue_time_goes_on_between_stamps() {
        let mut clock = VenueClock::default();
        let turns = TurnClock::default();
        assert_eq!(clock.time(now_at(0).monotonic), None);
        let old = Timestamp::from_millis(1_500_000_000_000);
        clock.note(old, now_at(100).wall);
        assert_eq!(clock.time(now_at(5_000).monotonic), Some(old));
        clock.observe(turns, now_at(100));
        assert_eq!(clock.time(now_at(2_100).monotonic), Some(old + Duration::from_secs(2)));
    }
}
