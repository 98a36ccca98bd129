//! Cadence lanes: how often a topic's updates are collected, encoded once and sent to all its followers.

use std::{fmt, time::Duration};

use model::time::Monotonic;

/// A publishing cadence. A topic's lane is that of the fastest region that shows it; slower ones sample in the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Every 33 ms, two frames of a screen: for the instrument in view.
    Screen,
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
    pub const ALL: [Self; 4] = [Self::Screen, Self::Fast, Self::Medium, Self::Slow];

    /// Returns the slowest lane that is fast enough; the fastest one if none is.
    pub fn from_ms(asked_ms: u32) -> Self {
        Self::ALL.into_iter().rev().find(|lane| lane.ms() <= asked_ms).unwrap_or(Self::Screen)
    }

    /// Returns the lane at a position of [`Self::ALL`].
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Returns the milliseconds between two turns.
    pub const fn ms(self) -> u32 {
        match self {
            Self::Screen => 33,
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
            Self::Screen => 0,
            Self::Fast => 1,
            Self::Medium => 2,
            Self::Slow => 3,
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

/// The schedule of all lanes. A lane has a turn every period; after a turn without changes the next change is published
/// [almost at once](BURST), and the period begins again. Turns that are due one after the other [meet](MEETING): a page
/// that follows two lanes needs one frame for both.
#[derive(Clone, Copy, Debug)]
pub struct LaneClock {
    lanes: [LaneTurns; Lane::ALL.len()],
}

#[derive(Clone, Copy, Debug)]
struct LaneTurns {
    timer: TurnTimer,
    /// True if the last turn published nothing, so that a change need not wait.
    is_quiet: bool,
    /// True if a change has brought the next turn forward.
    is_early: bool,
}

impl LaneClock {
    /// Creates a clock with the first turn of all lanes at `now`.
    pub fn new(now: Monotonic) -> Self {
        Self { lanes: [LaneTurns { timer: TurnTimer::new(now), is_quiet: false, is_early: false }; Lane::ALL.len()] }
    }

    /// Returns when the next turn is due.
    pub fn next(&self) -> Monotonic {
        self.lanes.iter().map(|own| own.timer.next()).min().unwrap_or_default()
    }

    /// Makes the next turn of all lanes due at `now`, whatever was scheduled before.
    pub fn hurry(&mut self, now: Monotonic) {
        *self = Self::new(now);
    }

    /// Notes that something may have changed: lanes that were quiet have their turn once its burst is over.
    pub fn changed(&mut self, now: Monotonic) {
        self.bring_forward(now + BURST);
    }

    /// Notes a change that is no part of a burst: lanes that were quiet have their turn at `now`.
    pub fn changed_alone(&mut self, now: Monotonic) {
        self.bring_forward(now);
    }

    fn bring_forward(&mut self, end: Monotonic) {
        let mut is_early = false;
        for own in self.lanes.iter_mut().filter(|own| own.is_quiet) {
            *own = LaneTurns { timer: TurnTimer::new(end), is_quiet: false, is_early: true };
            is_early = true;
        }
        if is_early {
            // A turn that falls into the burst is postponed to its end.
            self.lanes.iter_mut().for_each(|own| own.timer.next = own.timer.next.max(end));
        }
    }

    /// Returns the lanes whose turn it is, fastest first, and schedules their next one. Report each with [`Self::turned`].
    pub fn take_due(&mut self, now: Monotonic) -> impl Iterator<Item = Lane> + use<> {
        let mut margin = Duration::ZERO;
        let is_due = Lane::ALL.map(|lane| {
            let own = &mut self.lanes[usize::from(lane.index())];
            if own.timer.next <= now + margin {
                own.timer.next = own.timer.next.min(now);
            }
            let is_due = own.timer.take_due(lane.period(), now);
            if is_due {
                margin = MEETING;
            }
            is_due
        });
        Lane::ALL.into_iter().filter(move |lane| is_due[usize::from(lane.index())])
    }

    /// Notes how many changes a lane's turn has published. Changes that nobody follows bring a turn forward once only: the
    /// next one must come by itself before another can.
    pub fn turned(&mut self, lane: Lane, n_published: usize) {
        let own = &mut self.lanes[usize::from(lane.index())];
        let was_early = std::mem::take(&mut own.is_early);
        own.is_quiet = n_published == 0 && !was_early;
    }
}

/// A venue sends a trade, the best prices and the book's change one after the other: published together, they cost a page
/// one frame and not two.
const BURST: Duration = Duration::from_millis(4);

/// A lane that is due less than this after the turn of a faster one has its turn together with that. Its period begins
/// again, so that lanes that have met once stay together.
const MEETING: Duration = Lane::Screen.period();

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked_ms: u32, expected: Lane) {
        assert_eq!(Lane::from_ms(asked_ms), expected, "{asked_ms}");
    }

    #[test]
    fn never_slower_than_asked() {
        check(0, Lane::Screen);
        check(99, Lane::Screen);
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
        assert_eq!(Lane::from_index(4), None);
    }

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    #[test]
    fn a_change_alone_waits_for_no_burst_and_for_no_busy_lane() {
        let mut clock = LaneClock::new(at(0));
        let turn = |clock: &mut LaneClock, now_ms: u64, n_published: usize| {
            clock.take_due(at(now_ms)).map(|lane| clock.turned(lane, n_published)).count()
        };
        assert_eq!(turn(&mut clock, 0, 0), Lane::ALL.len());
        clock.changed_alone(at(10));
        assert_eq!(clock.next(), at(10));
        assert_eq!(turn(&mut clock, 10, 1), Lane::ALL.len());
        // The period of a lane that has just published is kept.
        clock.changed_alone(at(12));
        assert_eq!(clock.next(), at(10) + Lane::Screen.period());
    }

    /// Runs a clock until `end_ms`; each turn publishes a change if one came since the lane's last turn. Returns the times of
    /// the turns of each lane that published.
    fn published(changes_ms: &[u64], end_ms: u64) -> [Vec<u64>; Lane::ALL.len()] {
        let mut clock = LaneClock::new(at(0));
        let mut is_changed = [false; Lane::ALL.len()];
        let mut times: [Vec<u64>; Lane::ALL.len()] = Default::default();
        for now_ms in 0..end_ms {
            if changes_ms.contains(&now_ms) {
                is_changed = [true; Lane::ALL.len()];
                clock.changed(at(now_ms));
            }
            for lane in clock.take_due(at(now_ms)) {
                let idx = usize::from(lane.index());
                let n_published = usize::from(std::mem::take(&mut is_changed[idx]));
                times[idx].extend((n_published > 0).then_some(now_ms));
                clock.turned(lane, n_published);
            }
        }
        times
    }

    #[test]
    fn each_lane_has_its_turns() {
        let mut clock = LaneClock::new(at(0));
        let mut n_turns = [0; Lane::ALL.len()];
        for millis in 0..10_000 {
            for lane in clock.take_due(at(millis)) {
                n_turns[usize::from(lane.index())] += 1;
                clock.turned(lane, 1);
            }
        }
        // Each together with the last turn of a faster lane before its own time.
        assert_eq!(n_turns, [304, 102, 21, 11]);
    }

    #[test]
    fn turns_of_several_lanes_meet() {
        // Ten bursts a second, as a venue sends them: each begins up to 9 ms late and takes 2 ms.
        let changes: Vec<u64> =
            (0..100).flat_map(|burst| [0, 1, 2].map(|part| 1_000 + burst * 100 + burst * 7 % 10 + part)).collect();
        let [screen, fast, ..] = published(&changes, 11_100);
        assert!((100..=102).contains(&screen.len()), "{}", screen.len());
        let n_apart = fast.iter().filter(|time| !screen.contains(time)).count();
        assert!(fast.len() >= 95 && n_apart <= 2, "{n_apart} of {} alone", fast.len());
    }

    #[test]
    fn a_change_after_a_quiet_spell_is_published_at_once() {
        let n = |times: &[u64]| times.iter().map(|time| time + 4).collect::<Vec<_>>();
        // The turn of the medium lane at 5,500 ms has not come yet, that of the others has passed without a change.
        let [screen, fast, medium, slow] = published(&[5_317], 7_000);
        assert_eq!([screen, fast, medium, slow], [(); 4].map(|()| n(&[5_317])));
        // The rest of the burst comes with it; what follows waits for the lane's period, or
        // for the last turn of a faster lane before that.
        let [screen, fast, _, slow] = published(&[5_317, 5_320, 5_325], 7_000);
        assert_eq!([screen, fast, slow], [n(&[5_317, 5_350]), n(&[5_317, 5_416]), n(&[5_317, 6_307])]);
    }

    #[test]
    fn a_flood_of_changes_keeps_to_the_periods() {
        let every_ms: Vec<u64> = (0..10_000).collect();
        assert_eq!(published(&every_ms, 10_000).map(|times| times.len()), [304, 102, 21, 11]);
    }

    #[test]
    fn changes_that_nobody_follows_cost_few_turns() {
        let mut clock = LaneClock::new(at(0));
        let mut n_turns = 0;
        for millis in 0..1_000 {
            clock.changed(at(millis));
            for lane in clock.take_due(at(millis)).filter(|lane| *lane == Lane::Fast).collect::<Vec<_>>() {
                n_turns += 1;
                clock.turned(lane, 0);
            }
        }
        assert!((10..=25).contains(&n_turns), "{n_turns}");
    }

    #[test]
    fn a_late_turn_is_not_made_up_for() {
        let mut clock = LaneClock::new(at(0));
        let mut is_due = |millis: u64| clock.take_due(at(millis)).any(|lane| lane == Lane::Fast);
        assert!(is_due(0));
        assert!(!is_due(32));
        assert!(is_due(1_030));
        assert!(!is_due(1_045), "not ten turns at once");
        assert!(is_due(1_080));
        clock.hurry(at(1_090));
        assert!(clock.take_due(at(1_090)).any(|lane| lane == Lane::Fast));
    }
}
