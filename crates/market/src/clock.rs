//! Three clocks that a view keeps: when data arrived (monotonic), the venue's time, and the offset between the venue's
//! clock and the server's.
//!
//! Events carry only wall-clock times, and turns carry both clocks. A receive time is placed on the monotonic clock at
//! the next turn, never before the previous turn, so that a step of the wall clock changes no age by more than a turn.
//! The venue's time is its last timestamp plus the time passed since: old recordings play at their own time.

use std::{collections::VecDeque, time::Duration};

use model::{
    histogram::RECENT,
    time::{Monotonic, Now, Timestamp},
};
use topics::channels::quality::latency::VenueClock as VenueClockData;

/// Places receive times on the monotonic clock, and detects that the wall clock was set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TurnClock {
    last_turn: Option<Now>,
    is_set_again: bool,
}

impl TurnClock {
    /// Returns when data received since the last turn arrived.
    pub(crate) fn place(self, receive_time: Timestamp, now: Now) -> Monotonic {
        let since_turn = self.last_turn.map_or(Duration::ZERO, |last| now.monotonic.saturating_since(last.monotonic));
        let age = now.wall.saturating_since(receive_time).min(since_turn);
        Monotonic::from_zero(now.monotonic.since_zero().saturating_sub(age))
    }

    /// Notes a turn.
    pub(crate) fn turned(&mut self, now: Now) {
        self.is_set_again = self.last_turn.is_some_and(|last| {
            let by_wall = now.wall.signed_nanos_since(last.wall);
            let by_monotonic = i64::try_from(now.monotonic.saturating_since(last.monotonic).as_nanos());
            by_wall.saturating_sub(by_monotonic.unwrap_or(i64::MAX)).unsigned_abs() > STEP.as_nanos() as u64
        });
        self.last_turn = Some(now);
    }

    pub(crate) fn last_turn(self) -> Option<Monotonic> {
        self.last_turn.map(|last| last.monotonic)
    }

    /// Returns true if the wall clock was set between the last two turns: wall times before and after cannot be
    /// compared.
    pub(crate) fn is_set_again(self) -> bool {
        self.is_set_again
    }

    /// Returns true if a receive time is close to now, by the wall clock's current setting.
    pub(crate) fn is_near(self, receive_time: Timestamp) -> bool {
        self.last_turn
            .is_some_and(|last| receive_time.signed_nanos_since(last.wall).unsigned_abs() < NEAR.as_nanos() as u64)
    }
}

/// The offset between the venue's clock and the server's, as far as messages and pings reveal it.
///
/// The lower envelope of receive time minus timestamp over the last one to two minutes is the offset plus the shortest
/// latency; it follows a clock that drifts, and at once one that was set back. Shortest round trips come from the
/// shell's pings.
#[derive(Clone, Debug, Default)]
pub(crate) struct VenueOffset {
    fastest: Option<i64>,
    fastest_before: Option<i64>,
    began: Option<Monotonic>,
    round_trips: VecDeque<u64>,
}

impl VenueOffset {
    /// Notes that a message took `difference_us` from timestamp to arrival, offset included. Returns how much that
    /// exceeds the fastest one.
    pub(crate) fn note(&mut self, difference_us: i64) -> u64 {
        self.fastest = Some(self.fastest.map_or(difference_us, |known| known.min(difference_us)));
        let fastest = self.fastest.min(self.fastest_before.or(self.fastest)).unwrap_or(difference_us);
        difference_us.abs_diff(fastest)
    }

    /// Notes that a ping was answered after `round_trip`. A delayed one gives no useful bound.
    pub(crate) fn note_round_trip(&mut self, round_trip: Duration) {
        if round_trip > HELD_UP {
            return;
        }
        self.round_trips.push_back(u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX));
        if self.round_trips.len() > ROUND_TRIPS {
            self.round_trips.pop_front();
        }
    }

    /// Forgets old values.
    pub(crate) fn turn(&mut self, now: Monotonic) {
        let age = now.saturating_since(*self.began.get_or_insert(now));
        if age >= RECENT {
            self.fastest_before = self.fastest.take().filter(|_| age < RECENT * 2);
            self.began = Some(now);
        }
    }

    /// Notes that the server's clock was set: earlier differences are meaningless now. A round trip is not a difference
    /// of clocks.
    pub(crate) fn clear(&mut self) {
        (self.fastest, self.fastest_before) = (None, None);
    }

    /// Returns the offset; `None` if no recent data had a timestamp.
    pub(crate) fn data(&self) -> Option<VenueClockData> {
        let fastest_us = [self.fastest, self.fastest_before].into_iter().flatten().min()?;
        Some(VenueClockData { fastest_us, round_trip_us: self.round_trips.iter().min().copied() })
    }
}

/// The venue's time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VenueClock {
    stamp: Option<Timestamp>,
    /// Time at which the timestamp arrived; `None` until the turn after it.
    at: Option<Monotonic>,
    receive_time: Timestamp,
}

impl VenueClock {
    /// Notes data with the venue's timestamp.
    pub(crate) fn note(&mut self, event_time: Timestamp, receive_time: Timestamp) {
        *self = Self { stamp: Some(event_time), at: None, receive_time };
    }

    pub(crate) fn observe(&mut self, turns: TurnClock, now: Now) {
        if self.at.is_none() {
            self.at = Some(turns.place(self.receive_time, now));
        }
    }

    /// Returns the venue's time at `now`; `None` before its first timestamp.
    pub(crate) fn time(&self, now: Monotonic) -> Option<Timestamp> {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_since(at));
        self.stamp.map(|stamp| stamp + since)
    }
}

/// A wall clock that moved by more than this relative to the monotonic one was set, not slewed.
const STEP: Duration = Duration::from_millis(250);

/// Further from the last turn than this no message can have come by itself.
const NEAR: Duration = Duration::from_secs(10);

/// No way to a venue takes this long; the answer waited somewhere.
const HELD_UP: Duration = Duration::from_secs(2);

/// Round trips remembered: at one each 20 s, those of the last minutes.
const ROUND_TRIPS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{WALL_MS, now_at};

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

    #[test]
    fn a_set_wall_clock_is_noticed_and_a_drifting_one_is_not() {
        #[track_caller]
        fn check(wall_ms: i64, is_set_again: bool) {
            let mut turns = TurnClock::default();
            turns.turned(now_at(0));
            assert!(!turns.is_set_again(), "the first turn has nothing to compare with");
            turns.turned(Now { wall: Timestamp::from_millis(WALL_MS + wall_ms), ..now_at(1_000) });
            assert_eq!(turns.is_set_again(), is_set_again, "{wall_ms}");
        }
        check(1_000, false);
        check(1_020, false);
        check(980, false);
        check(1_251, true);
        check(-600_000, true);
        check(600_000, true);
    }

    #[test]
    fn the_fastest_message_and_the_shortest_round_trip_count() {
        let mut offset = VenueOffset::default();
        offset.turn(now_at(0).monotonic);
        assert_eq!(offset.data(), None);
        assert_eq!([5_000, 3_000, 9_000].map(|difference| offset.note(difference)), [0, 0, 6_000]);
        [40, 30, 50].into_iter().for_each(|millis| offset.note_round_trip(Duration::from_millis(millis)));
        assert_eq!(offset.data(), Some(VenueClockData { fastest_us: 3_000, round_trip_us: Some(30_000) }));
        // A venue's clock that was set forward: messages seem to come before they left.
        assert_eq!([-600_000_000, -599_990_000].map(|difference| offset.note(difference)), [0, 10_000]);
        for second in [60, 120] {
            offset.turn(now_at(second * 1_000).monotonic);
            offset.note(7_000);
        }
        assert_eq!(offset.data().map(|known| known.fastest_us), Some(7_000), "what is old is forgotten");
        offset.note_round_trip(Duration::from_secs(13));
        offset.clear();
        assert_eq!(offset.data(), None);
        assert_eq!(offset.note(2), 0);
        assert_eq!(offset.data().and_then(|known| known.round_trip_us), Some(30_000));
        (0..20).for_each(|_| offset.note_round_trip(Duration::from_millis(80)));
        assert_eq!(offset.data().and_then(|known| known.round_trip_us), Some(80_000), "a route that became longer");
    }
}
