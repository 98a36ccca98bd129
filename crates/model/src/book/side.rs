//! One side of a book: keys prices by integers where they fit, and falls back to an ordered map of decimals.
//!
//! Not here: how keyed rows are laid out ([`super::rows`]). A key is the price as an `i64` at a scale common to the
//! side (an ordered map of decimals costs four times as much per level); the row keeps the venue's own digits. The
//! scale grows with the finest price seen. A price that fits no common key moves the side to the map until the next
//! snapshot.

use std::{
    collections::{BTreeMap, btree_map},
    iter::Rev,
};

use super::rows::{self, KeyedRows};
use crate::{
    decimal::{Price, Quantity},
    event::Level,
};

/// The direction of prices from the best row to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Bids.
    Falling,
    /// Asks.
    Rising,
}

/// Bids or asks.
#[derive(Clone, Debug)]
pub(super) struct BookSide {
    direction: Direction,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    /// Keys rise towards the best row.
    Keyed { scale: u32, rows: KeyedRows },
    /// For prices that fit no common key; slower.
    Exact(BTreeMap<Price, Quantity>),
}

impl BookSide {
    pub(super) fn new(direction: Direction) -> Self {
        Self { direction, rows: Rows::Keyed { scale: 0, rows: KeyedRows::default() } }
    }

    pub(super) fn len(&self) -> usize {
        match &self.rows {
            Rows::Keyed { rows, .. } => rows.len(),
            Rows::Exact(map) => map.len(),
        }
    }

    pub(super) fn best(&self) -> Option<Level> {
        match (&self.rows, self.direction) {
            (Rows::Keyed { rows, .. }, _) => rows.best(),
            (Rows::Exact(map), Direction::Falling) => map.last_key_value().map(exact_row),
            (Rows::Exact(map), Direction::Rising) => map.first_key_value().map(exact_row),
        }
    }

    pub(super) fn best_first(&self) -> BestFirst<'_> {
        match (&self.rows, self.direction) {
            (Rows::Keyed { rows, .. }, _) => BestFirst::Keyed(rows.best_first()),
            (Rows::Exact(map), Direction::Falling) => BestFirst::Falling(map.iter().rev()),
            (Rows::Exact(map), Direction::Rising) => BestFirst::Rising(map.iter()),
        }
    }

    pub(super) fn truncate(&mut self, depth: usize) {
        match (&mut self.rows, self.direction) {
            (Rows::Keyed { rows, .. }, _) => rows.truncate(depth),
            (Rows::Exact(map), direction) => {
                while map.len() > depth {
                    let _worst = if direction == Direction::Falling { map.pop_first() } else { map.pop_last() };
                }
            }
        }
    }

    pub(super) fn replace(&mut self, levels: &[Level]) {
        let (direction, wire_scale) = (self.direction, max_of(levels, Price::scale));
        // The second attempt is for prices padded with more zeros than a key has room for.
        let keyed = keyed_levels(levels, wire_scale, direction).map(|rows| (wire_scale, rows)).or_else(|| {
            let scale = max_of(levels, Price::significant_scale);
            keyed_levels(levels, scale, direction).map(|rows| (scale, rows))
        });
        let Some((scale, mut rows)) = keyed else {
            self.rows = Rows::Exact(BTreeMap::new());
            levels.iter().for_each(|level| self.apply(level));
            return;
        };
        // Venues send each side already sorted, rising or falling: the stable sort is then linear.
        rows.sort_by_key(|row| row.0);
        rows.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        rows.retain(|row| !row.1.quantity.is_zero());
        self.rows = Rows::Keyed { scale, rows: KeyedRows::from_sorted(&rows) };
    }

    pub(super) fn apply(&mut self, level: &Level) {
        let direction = self.direction;
        match &mut self.rows {
            Rows::Keyed { scale, rows } => match key(level.price, *scale, direction) {
                Some(key) if level.quantity.is_zero() => rows.remove(key),
                Some(key) => rows.set(key, level),
                // A price without a key is in no row here.
                None if level.quantity.is_zero() => {}
                None => self.rekey_and_apply(level),
            },
            Rows::Exact(map) => {
                // Remove first: an equal price with other digits would keep the old key's digits.
                map.remove(&level.price);
                if !level.quantity.is_zero() {
                    map.insert(level.price, level.quantity);
                }
            }
        }
    }

    /// Gives all rows new keys when a price is finer than any before; if they do not fit, the ordered map takes over.
    fn rekey_and_apply(&mut self, level: &Level) {
        let Rows::Keyed { scale, rows } = &self.rows else { return };
        let finer = level.price.significant_scale().max(*scale);
        let levels: Vec<Level> = rows.best_first().chain([*level]).collect();
        let keyed = keyed_levels(&levels, finer, self.direction).map(|mut keyed| {
            keyed.sort_by_key(|row| row.0);
            Rows::Keyed { scale: finer, rows: KeyedRows::from_sorted(&keyed) }
        });
        let exact = || Rows::Exact(levels.iter().map(|row| (row.price, row.quantity)).collect());
        self.rows = keyed.unwrap_or_else(exact);
    }
}

/// Iterates over the rows from the best down. Small and plain, because a checksum reads ten of them at each change.
#[derive(Debug)]
pub(super) enum BestFirst<'a> {
    Keyed(rows::BestFirst<'a>),
    Falling(Rev<btree_map::Iter<'a, Price, Quantity>>),
    Rising(btree_map::Iter<'a, Price, Quantity>),
}

impl Iterator for BestFirst<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        match self {
            Self::Keyed(rows) => rows.next(),
            Self::Falling(rows) => rows.next().map(exact_row),
            Self::Rising(rows) => rows.next().map(exact_row),
        }
    }
}

fn exact_row((price, quantity): (&Price, &Quantity)) -> Level {
    Level { price: *price, quantity: *quantity }
}

fn max_of(levels: &[Level], of: impl Fn(Price) -> u32) -> u32 {
    levels.iter().map(|level| of(level.price)).max().unwrap_or(0)
}

fn keyed_levels(levels: &[Level], scale: u32, direction: Direction) -> Option<Vec<(i64, Level)>> {
    levels.iter().map(|level| key(level.price, scale, direction).map(|key| (key, *level))).collect()
}

/// Returns the price at `scale`, negated where lower is better, so that the best row has the greatest key.
fn key(price: Price, scale: u32, direction: Direction) -> Option<i64> {
    let mantissa = price.mantissa();
    let key = match scale.checked_sub(price.scale()) {
        Some(0) => i64::try_from(mantissa).ok()?,
        Some(n_zeros) => i64::try_from(mantissa).ok()?.checked_mul(*POWERS_OF_TEN.get(n_zeros as usize)?)?,
        // The price has more digits than the scale: it has a key only if those digits are zeros.
        None => {
            let coarser = price.at_scale(scale);
            (coarser.scale() == scale).then(|| i64::try_from(coarser.mantissa()).ok()).flatten()?
        }
    };
    match direction {
        Direction::Falling => Some(key),
        Direction::Rising => key.checked_neg(),
    }
}

/// 10 to the power of the index, as far as an `i64` reaches.
const POWERS_OF_TEN: [i64; 19] = {
    let mut powers = [1; 19];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    fn scale_of(side: &BookSide) -> Option<u32> {
        match &side.rows {
            Rows::Keyed { scale, .. } => Some(*scale),
            Rows::Exact(_) => None,
        }
    }

    #[test]
    fn finer_prices_grow_the_scale_and_only_what_fits_no_key_leaves_it() {
        #[track_caller]
        fn check(side: &mut BookSide, price: &str, quantity: &str, expected: Option<u32>) {
            side.apply(&level(price, quantity));
            assert_eq!(scale_of(side), expected, "after {price} x {quantity}");
        }
        let mut side = BookSide::new(Direction::Rising);
        check(&mut side, "100", "1", Some(0));
        check(&mut side, "100.25", "1", Some(2));
        check(&mut side, "100.250000000000000000000", "2", Some(2));
        check(&mut side, "100.123", "0", Some(2));
        check(&mut side, "9999999999999999999", "0", Some(2));
        check(&mut side, "100.123", "1", Some(3));
        assert_eq!(side.len(), 3);
        check(&mut side, "0.0000000000000000000000000001", "5", None);
        assert_eq!((side.len(), side.best().map(|best| best.quantity.to_string())), (4, Some("5".into())));
        side.replace(&[level("5.5", "1")]);
        assert_eq!(scale_of(&side), Some(1));
    }

    #[test]
    fn prices_padded_with_zeros_keep_their_keys() {
        let mut side = BookSide::new(Direction::Falling);
        side.replace(&[level("61602.010000000000000000", "1"), level("61602.02", "2")]);
        assert_eq!(scale_of(&side), Some(2));
        let digits: Vec<String> = side.best_first().map(|row| row.price.to_string()).collect();
        assert_eq!(digits, ["61602.02", "61602.010000000000000000"]);
    }
}
