//! A level that a value meets from one side.

use serde::{Deserialize, Serialize};

/// Direction from which a level is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approach {
    /// From below.
    Up,
    /// From above.
    Down,
}

impl Approach {
    /// Returns true for a value at or past the level.
    pub fn is_met<T: PartialOrd>(self, value: T, level: T) -> bool {
        match self {
            Self::Up => value >= level,
            Self::Down => value <= level,
        }
    }

    /// Returns true for a value strictly on the near side of the re-arming level.
    pub fn is_left<T: PartialOrd>(self, value: T, rearm: T) -> bool {
        match self {
            Self::Up => value < rearm,
            Self::Down => value > rearm,
        }
    }
}

/// Remembers whether a value has been on the far side of a level since it last met it.
///
/// Armed once a value is beyond the re-arming level (for [`Approach::Up`]: below it); fires at the first value at or past
/// the level, and is disarmed by that. The first value only arms or does not. A value that is no number changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelLatch {
    is_armed: bool,
}

impl LevelLatch {
    /// Takes the next value in; true where it fires. `rearm` is the level less its hysteresis (for [`Approach::Down`]:
    /// plus it); the level itself where there is none.
    pub fn step<T: PartialOrd + Copy>(&mut self, approach: Approach, value: T, level: T, rearm: T) -> bool {
        if approach.is_met(value, level) {
            return std::mem::take(&mut self.is_armed);
        }
        self.is_armed |= approach.is_left(value, rearm);
        false
    }

    /// Takes the first value in, which never fires: one short of the level arms, however near it is.
    pub fn begin<T: PartialOrd + Copy>(&mut self, approach: Approach, value: T, level: T) {
        self.is_armed = match approach {
            Approach::Up => value < level,
            Approach::Down => value > level,
        };
    }

    /// True while the next value at the level fires.
    pub fn is_armed(&self) -> bool {
        self.is_armed
    }

    /// Forgets what came before, as after a gap: the next value only arms.
    pub fn reset(&mut self) {
        self.is_armed = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(approach: Approach, hysteresis: f64, values: &[f64], fires_at: &[usize]) {
        let rearm = if approach == Approach::Up { 10.0 - hysteresis } else { 10.0 + hysteresis };
        let mut latch = LevelLatch::default();
        let fired: Vec<usize> = (0..values.len()).filter(|&at| latch.step(approach, values[at], 10.0, rearm)).collect();
        assert_eq!(fired, fires_at, "{approach:?} {hysteresis} {values:?}");
    }

    #[test]
    fn a_level_fires_once_and_again_only_after_it_was_left() {
        use Approach::{Down, Up};
        check(Up, 0.0, &[11.0, 12.0], &[]);
        check(Up, 0.0, &[10.0, 10.0], &[]);
        check(Up, 0.0, &[9.0, 10.0, 10.0, 11.0, 10.0], &[1]);
        check(Up, 0.0, &[9.0, 10.0, 9.9, 10.0], &[1, 3]);
        check(Up, 0.5, &[9.0, 10.0, 9.9, 10.0, 9.5, 10.0, 9.4, 10.1], &[1, 7]);
        check(Up, 0.0, &[9.0, f64::NAN, 10.0], &[2]);
        check(Down, 0.0, &[11.0, 10.0, 10.0, 10.1, 9.0], &[1, 4]);
        check(Down, 0.5, &[11.0, 10.0, 10.5, 10.0, 10.6, 9.9], &[1, 5]);
    }

    #[test]
    fn the_first_value_arms_within_the_hysteresis() {
        for (first, fires) in [(9.9, true), (10.0, false), (11.0, false)] {
            let mut latch = LevelLatch::default();
            latch.begin(Approach::Up, first, 10.0);
            assert_eq!(latch.step(Approach::Up, 10.0, 10.0, 9.5), fires, "{first}");
            latch.begin(Approach::Down, 20.0 - first, 10.0);
            assert_eq!(latch.step(Approach::Down, 10.0, 10.0, 10.5), fires, "{first}");
        }
    }

    proptest! {
        #[test]
        fn a_random_walk_never_fires_twice_without_leaving(steps in prop::collection::vec(-3_i32..=3, 1..400), hysteresis in 0_i32..4) {
            let (mut value, mut latch, mut has_left) = (0, LevelLatch::default(), false);
            for step in steps {
                value += step;
                has_left |= value < -hysteresis;
                if latch.step(Approach::Up, value, 0, -hysteresis) {
                    prop_assert!(has_left && value >= 0);
                    has_left = false;
                }
            }
        }
    }
}
