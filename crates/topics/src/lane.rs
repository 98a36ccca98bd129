//! Cadence lanes: how often a topic's updates are collected, encoded once and sent to all its followers.

use std::{fmt, time::Duration};

use model::time::Monotonic;

/// A publishing cadence. A page's lane is that of its fastest fragment; slower fragments sample in the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Every 100 ms.
    #[default]
    Fast,
    /// Every 500 ms.
    Medium,
    /// Every second.
    Slow,
}

impl Lane {
    /// All lanes, fastest first; [`Self::index`] is the position here.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Medium, Self::Slow];

    /// Returns the slowest lane that is fast enough; the fastest one if none is.
    pub fn from_ms(asked_ms: u32) -> Self {
        Self::ALL.into_iter().rev().find(|lane| lane.ms() <= asked_ms).unwrap_or(Self::Fast)
    }

    /// Returns the lane at a position of [`Self::ALL`].
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Returns the milliseconds between two turns.
    pub const fn ms(self) -> u32 {
        match self {
            Self::Fast => 100,
            Self::Medium => 500,
            Self::Slow => 1_000,
        }
    }

    /// Returns the time between two turns.
    pub const fn period(self) -> Duration {
        Duration::from_millis(self.ms() as u64)
    }

    /// Returns the position in [`Self::ALL`], which is the hub's number of the lane.
    pub const fn index(self) -> u8 {
        match self {
            Self::Fast => 0,
            Self::Medium => 1,
            Self::Slow => 2,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.ms())
    }
}

/// A timer of turns. A missed turn is not repeated: the next one carries all changes.
#[derive(Clone, Copy, Debug)]
pub struct TurnTimer {
    next: Monotonic,
}

impl TurnTimer {
    /// Creates a timer whose first turn is due at `now`.
    pub fn new(now: Monotonic) -> Self {
        Self { next: now }
    }

    /// Returns when the next turn is due.
    pub fn next(&self) -> Monotonic {
        self.next
    }

    /// Returns true if a turn is due, and schedules the next one about a `period` later.
    pub fn take_due(&mut self, period: Duration, now: Monotonic) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = (self.next + period).max(now + period / 2);
        }
        is_due
    }
}

/// The schedule of all lanes: the fastest has every turn, the slower ones every nth.
#[derive(Clone, Copy, Debug)]
pub struct LaneClock {
    timer: TurnTimer,
    n_turns: u32,
}

impl LaneClock {
    /// Creates a clock with the first turn of all lanes at `now`.
    pub fn new(now: Monotonic) -> Self {
        Self { timer: TurnTimer::new(now), n_turns: 0 }
    }

    /// Returns when the next turn is due.
    pub fn next(&self) -> Monotonic {
        self.timer.next()
    }

    /// Makes the next turn due at `now`, whatever was scheduled before.
    pub fn hurry(&mut self, now: Monotonic) {
        self.timer = TurnTimer::new(now);
    }

    /// Returns the lanes whose turn it is, fastest first, and schedules the next turn; `None` if none is due.
    pub fn take_due(&mut self, now: Monotonic) -> Option<impl Iterator<Item = Lane> + use<>> {
        let turn = self.n_turns;
        let is_due = self.timer.take_due(Lane::Fast.period(), now);
        is_due.then(|| {
            self.n_turns = turn.wrapping_add(1);
            Lane::ALL.into_iter().filter(move |lane| turn.is_multiple_of(lane.ms() / Lane::Fast.ms()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked_ms: u32, expected: Lane) {
        assert_eq!(Lane::from_ms(asked_ms), expected, "{asked_ms}");
    }

    #[test]
    fn never_slower_than_asked() {
        check(0, Lane::Fast);
        check(100, Lane::Fast);
        check(499, Lane::Fast);
        check(500, Lane::Medium);
        check(999, Lane::Medium);
        check(1_000, Lane::Slow);
        check(u32::MAX, Lane::Slow);
    }

    #[test]
    fn index_is_the_position() {
        for (position, lane) in Lane::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(lane.index()), position);
            assert_eq!(Lane::from_index(lane.index()), Some(lane));
        }
        assert_eq!(Lane::from_index(3), None);
    }

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    #[test]
    fn each_lane_has_its_turns() {
        let mut clock = LaneClock::new(at(0));
        let mut n_turns = [0; Lane::ALL.len()];
        for millis in (0..10_000).step_by(10) {
            for lane in clock.take_due(at(millis)).into_iter().flatten() {
                n_turns[usize::from(lane.index())] += 1;
            }
        }
        assert_eq!(n_turns, [100, 20, 10]);
        assert_eq!(clock.next(), at(10_000));
    }

    #[test]
    fn a_late_turn_is_not_made_up_for() {
        let mut clock = LaneClock::new(at(0));
        assert!(clock.take_due(at(0)).is_some());
        assert!(clock.take_due(at(99)).is_none());
        assert!(clock.take_due(at(1_030)).is_some());
        assert!(clock.take_due(at(1_079)).is_none(), "not ten turns at once");
        assert!(clock.take_due(at(1_080)).is_some());
        clock.hurry(at(1_090));
        assert!(clock.take_due(at(1_090)).is_some());
    }
}
