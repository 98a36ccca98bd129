//! The price levels of one instrument, sorted, so that a price touches only the levels that it meets.
//!
//! Each level waits on one side of the price. A price that meets none costs two comparisons, however many there are.
//! Not here: what a met level means ([`crate::tracker`]).

use std::{cmp::Ordering, collections::BTreeSet};

use model::decimal::Price;

/// The waiting condition: a rule's place and one of its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    pub(crate) rule: u32,
    pub(crate) condition: u8,
}

/// Price that a level waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A price at or above it.
    AtLeast(Price),
    /// A price above it.
    Above(Price),
    /// A price at or below it.
    AtMost(Price),
    /// A price below it.
    Below(Price),
}

/// Levels of one instrument.
#[derive(Clone, Debug, Default)]
pub(crate) struct LevelIndex {
    /// Met by rising prices, lowest first.
    rising: BTreeSet<Rising>,
    /// Met by falling prices, highest first.
    falling: BTreeSet<Falling>,
    next_rising: Option<(Price, bool)>,
    next_falling: Option<(Price, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rising {
    price: Price,
    is_strict: bool,
    slot: Slot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Falling(Rising);

impl PartialOrd for Falling {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Falling {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = (self.0, other.0);
        others.price.cmp(&own.price).then(own.is_strict.cmp(&others.is_strict)).then(own.slot.cmp(&others.slot))
    }
}

impl LevelIndex {
    pub(crate) fn insert(&mut self, wait: Wait, slot: Slot) {
        match place(wait, slot) {
            Place::Rising(entry) => {
                self.rising.insert(entry);
            }
            Place::Falling(entry) => {
                self.falling.insert(entry);
            }
        }
        self.refresh();
    }

    pub(crate) fn remove(&mut self, wait: Wait, slot: Slot) {
        match place(wait, slot) {
            Place::Rising(entry) => {
                self.rising.remove(&entry);
            }
            Place::Falling(entry) => {
                self.falling.remove(&entry);
            }
        }
        self.refresh();
    }

    /// True where a price meets a level.
    #[inline]
    pub(crate) fn is_met(&self, price: Price) -> bool {
        self.next_rising.is_some_and(|(level, is_strict)| price > level || price == level && !is_strict)
            || self.next_falling.is_some_and(|(level, is_strict)| price < level || price == level && !is_strict)
    }

    /// Takes out all levels that a price meets and adds who waited for them.
    pub(crate) fn take_met(&mut self, price: Price, met: &mut Vec<Slot>) {
        while let Some(first) = self.rising.first().copied() {
            if price < first.price || price == first.price && first.is_strict {
                break;
            }
            self.rising.pop_first();
            met.push(first.slot);
        }
        while let Some(Falling(first)) = self.falling.first().copied() {
            if price > first.price || price == first.price && first.is_strict {
                break;
            }
            self.falling.pop_first();
            met.push(first.slot);
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        self.next_rising = self.rising.first().map(|entry| (entry.price, entry.is_strict));
        self.next_falling = self.falling.first().map(|Falling(entry)| (entry.price, entry.is_strict));
    }
}

enum Place {
    Rising(Rising),
    Falling(Falling),
}

fn place(wait: Wait, slot: Slot) -> Place {
    match wait {
        Wait::AtLeast(price) => Place::Rising(Rising { price, is_strict: false, slot }),
        Wait::Above(price) => Place::Rising(Rising { price, is_strict: true, slot }),
        Wait::AtMost(price) => Place::Falling(Falling(Rising { price, is_strict: false, slot })),
        Wait::Below(price) => Place::Falling(Falling(Rising { price, is_strict: true, slot })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(value: i64) -> Price {
        Price::from_mantissa(value.into(), 0).unwrap()
    }

    fn wait(kind: u8, level: i64) -> Wait {
        match kind {
            0 => Wait::AtLeast(price(level)),
            1 => Wait::Above(price(level)),
            2 => Wait::AtMost(price(level)),
            _ => Wait::Below(price(level)),
        }
    }

    fn is_met(wait: Wait, value: Price) -> bool {
        match wait {
            Wait::AtLeast(level) => value >= level,
            Wait::Above(level) => value > level,
            Wait::AtMost(level) => value <= level,
            Wait::Below(level) => value < level,
        }
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_scan_finds(
            levels in prop::collection::vec((0_u8..4, -20_i64..20), 0..60),
            values in prop::collection::vec(-22_i64..22, 1..20),
            gone in any::<prop::sample::Index>(),
        ) {
            let mut index = LevelIndex::default();
            let mut all: Vec<(Wait, Slot)> = levels
                .iter()
                .enumerate()
                .map(|(at, &(kind, level))| (wait(kind, level), Slot { rule: u32::try_from(at).unwrap(), condition: 0 }))
                .collect();
            all.iter().for_each(|&(wait, slot)| index.insert(wait, slot));
            if !all.is_empty() {
                let (wait, slot) = all.remove(gone.index(all.len()));
                index.remove(wait, slot);
            }
            for value in values {
                let expected: Vec<Slot> = all.iter().filter(|(wait, _)| is_met(*wait, price(value))).map(|(_, slot)| *slot).collect();
                prop_assert_eq!(index.is_met(price(value)), !expected.is_empty());
                let mut met = Vec::new();
                index.take_met(price(value), &mut met);
                met.sort_unstable();
                prop_assert_eq!(met, expected);
                all.retain(|(wait, _)| !is_met(*wait, price(value)));
            }
        }
    }
}
