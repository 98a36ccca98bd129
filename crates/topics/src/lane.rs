//! Cadence lanes: how often the updates of a topic are gathered, encoded once and sent to all who follow it.

use std::{fmt, time::Duration};

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

    /// The slowest lane that is not slower than asked; the fastest where none is fast enough.
    pub fn from_ms(asked_ms: u32) -> Self {
        Self::ALL.into_iter().rev().find(|lane| lane.ms() <= asked_ms).unwrap_or(Self::Fast)
    }

    /// The lane at a position of [`Self::ALL`].
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Milliseconds between two turns.
    pub const fn ms(self) -> u32 {
        match self {
            Self::Fast => 100,
            Self::Medium => 500,
            Self::Slow => 1_000,
        }
    }

    /// Time between two turns.
    pub const fn period(self) -> Duration {
        Duration::from_millis(self.ms() as u64)
    }

    /// Position in [`Self::ALL`]; the number the hub knows it by.
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
}
