//! Displayed quantity taken by own orders and newer prints, shared by all orders of all accounts.
//!
//! It stays taken until the level's displayed size changes or the level disappears; a level that
//! only moves out of the known rows keeps its entry.

use std::collections::BTreeMap;

use model::{
    decimal::{Price, Quantity},
    event::Level,
    trading::order::Side,
};

use crate::rows::{displayed_at, less};

/// Of one side of one book.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The side whose orders rest there.
    side: Side,
    levels: BTreeMap<Price, Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    seen: Quantity,
    taken: Quantity,
}

impl Taken {
    pub(crate) fn new(side: Side) -> Self {
        Self { side, levels: BTreeMap::new() }
    }

    /// Returns what has been taken of a row.
    pub(crate) fn of(&self, row: Level) -> Quantity {
        self.levels.get(&row.price).filter(|part| part.seen == row.quantity).map_or(Quantity::ZERO, |part| part.taken)
    }

    /// Returns what can still be taken of a row.
    pub(crate) fn available(&self, row: Level) -> Quantity {
        less(row.quantity, self.of(row))
    }

    /// Takes `quantity` of a row, at most what is left.
    pub(crate) fn take(&mut self, row: Level, quantity: Quantity) {
        let taken = self.of(row).checked_add(quantity).unwrap_or(row.quantity).min(row.quantity);
        self.levels.insert(row.price, Part { seen: row.quantity, taken });
        if self.levels.len() > MAX_LEVELS {
            // The one farthest from the market is the least likely to come back.
            match self.side {
                Side::Buy => self.levels.pop_first(),
                Side::Sell => self.levels.pop_last(),
            };
        }
    }

    /// Forgets what was taken of levels that changed.
    pub(crate) fn refresh(&mut self, rows: &[Level]) {
        if !self.levels.is_empty() {
            let side = self.side;
            self.levels.retain(|price, part| displayed_at(rows, side, *price).is_none_or(|size| size == part.seen));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.levels.clear();
    }
}

/// Several times the known rows, so that levels out of sight are remembered for a while, in bounded memory.
const MAX_LEVELS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    #[test]
    fn taken_stays_taken_until_the_level_changes_or_goes() {
        #[track_caller]
        fn check(rows: &[Level], expected: &str) {
            let mut taken = Taken::new(Side::Sell);
            taken.take(row("101", "10"), Quantity::parse("4").unwrap());
            taken.refresh(rows);
            assert_eq!(taken.available(row("101", "10")).to_string(), expected, "{rows:?}");
        }
        check(&[row("101", "10")], "6");
        check(&[row("100", "3"), row("101", "10"), row("102", "1")], "6");
        check(&[row("101", "9")], "10");
        check(&[row("100", "3"), row("102", "1")], "10");
        // Out of sight.
        check(&[row("99", "3"), row("100", "1")], "6");
        check(&[], "10");
    }

    #[test]
    fn no_more_is_taken_than_is_displayed() {
        let mut taken = Taken::new(Side::Buy);
        taken.take(row("101", "10"), Quantity::parse("7").unwrap());
        taken.take(row("101", "10"), Quantity::parse("7").unwrap());
        assert!(taken.available(row("101", "10")).is_zero());
        for price in 0..1_000 {
            taken.take(row(&price.to_string(), "1"), Quantity::parse("1").unwrap());
        }
        assert_eq!(taken.levels.len(), MAX_LEVELS);
        assert_eq!(taken.levels.keys().next_back().copied(), Price::parse("999").ok());
    }
}
