//! A rule's condition as a tree, and what it remembers from bar to bar.

use model::alert::signal::{Meaning, SignalSide};

use crate::{
    detect::level::LevelLatch,
    signals::{
        combine::{Combination, Tally},
        kinds::AnyLeaf,
        leaf::{Reach, share},
        rows::View,
    },
};

/// A flag for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) buy: bool,
    pub(crate) sell: bool,
    pub(crate) neutral: bool,
}

impl Sides {
    /// Returns up and down as a meaning reads them.
    pub(crate) fn of(meaning: Meaning, up: bool, down: bool) -> Self {
        match meaning {
            Meaning::Follow => Self { buy: up, sell: down, neutral: false },
            Meaning::Fade => Self { buy: down, sell: up, neutral: false },
            Meaning::Neutral => Self { buy: false, sell: false, neutral: up || down },
        }
    }

    pub(crate) fn has(self, side: SignalSide) -> bool {
        match side {
            SignalSide::Buy => self.buy,
            SignalSide::Sell => self.sell,
            SignalSide::Neutral => self.neutral,
        }
    }

    pub(crate) fn put(&mut self, side: SignalSide, has: bool) {
        match side {
            SignalSide::Buy => self.buy = has,
            SignalSide::Sell => self.sell = has,
            SignalSide::Neutral => self.neutral = has,
        }
    }

    pub(crate) fn any(self) -> bool {
        self.buy || self.sell || self.neutral
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self { buy: self.buy || other.buy, sell: self.sell || other.sell, neutral: self.neutral || other.neutral }
    }
}

/// The sides, in the sequence in which signals of one bar come.
pub(crate) const SIDES: [SignalSide; 3] = [SignalSide::Buy, SignalSide::Sell, SignalSide::Neutral];

/// Memory of a condition: its latch, and whether it is true now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    latch: LevelLatch,
    pub(crate) holds: bool,
}

impl Held {
    /// Takes the next value in; true where it fires. Between level and re-arming level it holds if it held before.
    pub(crate) fn step(&mut self, reach: Reach) -> bool {
        let Reach { approach, value, level, rearm } = reach;
        let fires = self.latch.step(approach, value, level, rearm);
        self.holds = approach.is_met(value, level) || (self.holds && !approach.is_left(value, rearm));
        fires
    }

    /// There is no value: it holds no longer; whether it fires next stays.
    pub(crate) fn skip(&mut self) {
        self.holds = false;
    }
}

/// Memory of a node: of a leaf, up and down; of a combination, buy, sell and neutral.
pub(crate) type Slot = [Held; 3];

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A kind.
    Leaf {
        leaf: AnyLeaf,
        meaning: Meaning,
        /// Index of its memory.
        slot: usize,
    },
    /// Several conditions.
    Combined {
        combination: Combination,
        parts: Vec<Part>,
        /// Index of its memory.
        slot: usize,
    },
}

/// A part of a combination.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) node: Node,
    /// 1 where the combination has no weights.
    pub(crate) weight: f64,
}

impl Node {
    /// Takes the next bar in and returns what it fires; `None` while the condition is not known.
    pub(crate) fn step(&self, view: &View<'_>, slots: &mut [Slot]) -> Option<Sides> {
        match self {
            Self::Leaf { leaf, meaning, slot } => {
                let [up, down, _] = slots.get_mut(*slot)?;
                let Some(reading) = leaf.reading(view) else {
                    up.skip();
                    down.skip();
                    return None;
                };
                let up = reading.up.is_some_and(|reach| up.step(reach));
                let down = reading.down.is_some_and(|reach| down.step(reach));
                Some(Sides::of(*meaning, up, down))
            }
            Self::Combined { combination, parts, slot } => {
                let mut tally = Tally::EMPTY;
                // Every part takes every bar in, whatever the others say.
                for part in parts {
                    let fires = part.node.step(view, slots);
                    tally = tally.with(part.weight, fires, part.node.holds(slots));
                }
                combination.step(&tally, slots.get_mut(*slot)?)
            }
        }
    }

    /// Returns for which sides it is true after the last bar taken in.
    pub(crate) fn holds(&self, slots: &[Slot]) -> Sides {
        match self {
            Self::Leaf { meaning, slot, .. } => {
                slots.get(*slot).map_or(Sides::default(), |[up, down, _]| Sides::of(*meaning, up.holds, down.holds))
            }
            Self::Combined { combination: Combination::Any, parts, .. } => {
                parts.iter().fold(Sides::default(), |sides, part| sides.or(part.node.holds(slots)))
            }
            Self::Combined { slot, .. } => slots.get(*slot).map_or(Sides::default(), |[buy, sell, neutral]| Sides {
                buy: buy.holds,
                sell: sell.holds,
                neutral: neutral.holds,
            }),
        }
    }

    /// Returns how strong it is after the bar of the view was taken in, 0 to 1.
    pub(crate) fn strength(&self, view: &View<'_>, slots: &[Slot]) -> f64 {
        match self {
            Self::Leaf { leaf, .. } => share(leaf.strength(view), 1.0),
            Self::Combined { combination, parts, .. } => {
                let holding = parts.iter().filter(|part| part.node.holds(slots).any());
                let strengths = holding.map(|part| part.node.strength(view, slots));
                match combination {
                    Combination::All => share(strengths.fold(1.0, f64::min), 1.0),
                    Combination::Any => strengths.fold(0.0, f64::max),
                    Combination::Weighted { .. } => {
                        let count = |tally: Tally, part: &Part| tally.with(part.weight, None, part.node.holds(slots));
                        parts.iter().fold(Tally::EMPTY, count).score().abs()
                    }
                }
            }
        }
    }

    /// Returns true if it never says buy or sell.
    pub(crate) fn is_neutral(&self) -> bool {
        match self {
            Self::Leaf { meaning, .. } => *meaning == Meaning::Neutral,
            Self::Combined { parts, .. } => parts.iter().all(|part| part.node.is_neutral()),
        }
    }
}
