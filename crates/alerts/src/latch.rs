//! Latch of a condition: whether it is met, and whether it has just become so.
//!
//! Everything that has two sides goes through [`Latch::step`]: prices against levels, and yes-or-no values as `false` and
//! `true`. What fires is what re-arms ([`strategy::detect::level`]). Not here: which values are compared
//! ([`crate::tracker`]).

use std::collections::BTreeMap;

use model::alert::condition::Direction;
use serde::{Deserialize, Serialize};
use strategy::detect::level::{Approach, LevelLatch};

/// One level from one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Latch {
    level: LevelLatch,
    /// True from the value that met the level until it is left.
    is_met: bool,
    /// False until there was a value.
    is_seen: bool,
}

/// A level and where it is left again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<T> {
    pub(crate) level: T,
    pub(crate) rearm: T,
}

/// Effect of the first value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// It arms, or does not.
    Arms,
    /// It arms, or fires where the level is met already.
    Fires,
}

impl Latch {
    /// Takes a value in; true where the level is met now and was not before.
    pub(crate) fn step<T: PartialOrd + Copy>(
        &mut self,
        approach: Approach,
        value: T,
        bounds: Bounds<T>,
        first: First,
    ) -> bool {
        if !self.is_seen {
            self.is_seen = true;
            self.level.begin(approach, value, bounds.level);
            self.is_met = first == First::Fires && !self.level.is_armed();
            return self.is_met;
        }
        if self.level.step(approach, value, bounds.level, bounds.rearm) {
            self.is_met = true;
            return true;
        }
        self.is_met &= !self.level.is_armed();
        false
    }

    /// Takes a yes or no in, where yes fires.
    pub(crate) fn step_flag(&mut self, value: bool, first: First) -> bool {
        self.step(Approach::Up, value, Bounds { level: true, rearm: true }, first)
    }

    pub(crate) fn is_met(&self) -> bool {
        self.is_met
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.level.is_armed()
    }
}

/// A level from both sides; one of the two is idle where the condition has a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pair {
    pub(crate) up: Latch,
    pub(crate) down: Latch,
}

impl Pair {
    /// Takes a value in; from where it met the level, if it did now. Where both sides do, as after a jump through a level
    /// of a wide hysteresis, the one that was armed says so.
    pub(crate) fn step<T: PartialOrd + Copy>(
        &mut self,
        direction: Direction,
        value: T,
        up: Bounds<T>,
        down: Bounds<T>,
    ) -> Option<Approach> {
        let rises = direction != Direction::Down && self.up.step(Approach::Up, value, up, First::Arms);
        let falls = direction != Direction::Up && self.down.step(Approach::Down, value, down, First::Arms);
        match (rises, falls) {
            (true, _) => Some(Approach::Up),
            (_, true) => Some(Approach::Down),
            _ => None,
        }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.up.is_met || self.down.is_met
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.up.is_armed() || self.down.is_armed()
    }
}

/// Memory of a condition. Kept on disk, so that a restart continues where it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TrackerState {
    /// Of the rule's instrument.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) pair: Pair,
    /// By account, venue or instrument, for conditions that are about several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pairs: BTreeMap<String, Pair>,
    /// The newest closed bar that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen_bar_ms: Option<i64>,
    /// The newest signal that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen_signal: Option<String>,
}

fn is_default(pair: &Pair) -> bool {
    *pair == Pair::default()
}

impl TrackerState {
    pub(crate) fn is_met(&self) -> bool {
        self.pair.is_met() || self.pairs.values().any(Pair::is_met)
    }

    /// Returns the pair of a key; `None` where there are too many keys.
    pub(crate) fn keyed(&mut self, key: &str) -> Option<&mut Pair> {
        if !self.pairs.contains_key(key) {
            if self.pairs.len() == MAX_KEYS {
                return None;
            }
            self.pairs.insert(key.to_owned(), Pair::default());
        }
        self.pairs.get_mut(key)
    }
}

/// Most accounts, venues or instruments that one condition tells apart.
pub(crate) const MAX_KEYS: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: First, values: &[i32], begins_at: &[usize], met_at: &[usize]) {
        let mut latch = Latch::default();
        let (mut begins, mut met) = (Vec::new(), Vec::new());
        for (at, &value) in values.iter().enumerate() {
            if latch.step(Approach::Up, value, Bounds { level: 10, rearm: 8 }, first) {
                begins.push(at);
            }
            if latch.is_met() {
                met.push(at);
            }
        }
        assert_eq!((begins.as_slice(), met.as_slice()), (begins_at, met_at), "{first:?} {values:?}");
    }

    #[test]
    fn met_lasts_until_the_level_is_left() {
        check(First::Arms, &[9, 10, 9, 8, 7, 12], &[1, 5], &[1, 2, 3, 5]);
        // A value past the level from the start has crossed nothing.
        check(First::Arms, &[11, 9, 10, 7, 10], &[4], &[4]);
        check(First::Fires, &[11, 9, 10, 7, 10], &[0, 4], &[0, 1, 2, 4]);
        check(First::Fires, &[9, 10], &[1], &[1]);
    }

    #[test]
    fn either_way_has_a_side_each() {
        let mut pair = Pair::default();
        let bounds = Bounds { level: 10, rearm: 10 };
        let met: Vec<_> = [9, 10, 10, 11, 10, 9, 10]
            .into_iter()
            .map(|value| pair.step(Direction::Either, value, bounds, bounds))
            .collect();
        use Approach::{Down, Up};
        assert_eq!(met, [None, Some(Up), None, None, Some(Down), None, Some(Up)]);
    }
}
