//! The order book: absolute quantities by price, best first, for books of 10 to 50,000 levels a side.
//!
//! Not here: sequence rules, checksums and trust ([`crate::proof`] and the venue sessions).
//!
//! A side is one sorted vector with the best price at its end, where nearly all changes happen, so that an insertion
//! moves few rows. Rows are keyed by an `i64` of the price at a scale common to the side; the wire's own digits are kept
//! beside it. Prices that do not fit such a key move the side to an ordered map of decimals, slower and unbounded.

use std::collections::BTreeMap;

use crate::{
    decimal::{Price, Quantity},
    event::{Level, Quote},
};

/// Bids and offers of one instrument.
#[derive(Clone, Debug)]
pub struct OrderBook {
    bids: BookSide,
    asks: BookSide,
}

impl Default for OrderBook {
    fn default() -> Self {
        Self { bids: BookSide::new(Direction::Falling), asks: BookSide::new(Direction::Rising) }
    }
}

impl OrderBook {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the whole book. Rows may come in any order; of rows with the same price the last one counts, quantity 0 leaves a row out.
    pub fn apply_snapshot(&mut self, bids: &[Level], asks: &[Level]) {
        self.bids.replace(bids);
        self.asks.replace(asks);
    }

    /// Applies changed rows in the order given: quantity 0 removes, anything else sets. Removing an absent row does nothing.
    pub fn apply_delta(&mut self, bids: &[Level], asks: &[Level]) {
        bids.iter().for_each(|level| self.bids.apply(level));
        asks.iter().for_each(|level| self.asks.apply(level));
    }

    /// Drops all rows past the best `depth` on each side.
    pub fn truncate(&mut self, depth: usize) {
        self.bids.truncate(depth);
        self.asks.truncate(depth);
    }

    /// Drops all rows.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bids, best (highest) first.
    pub fn bids(&self) -> impl Iterator<Item = Level> + '_ {
        self.bids.best_first()
    }

    /// Offers, best (lowest) first.
    pub fn asks(&self) -> impl Iterator<Item = Level> + '_ {
        self.asks.best_first()
    }

    /// Number of bid rows.
    pub fn n_bids(&self) -> usize {
        self.bids.len()
    }

    /// Number of offer rows.
    pub fn n_asks(&self) -> usize {
        self.asks.len()
    }

    /// The highest bid.
    pub fn best_bid(&self) -> Option<Level> {
        self.bids().next()
    }

    /// The lowest offer.
    pub fn best_ask(&self) -> Option<Level> {
        self.asks().next()
    }

    /// Best bid and offer, where both sides have one.
    pub fn quote(&self) -> Option<Quote> {
        let (bid, ask) = (self.best_bid()?, self.best_ask()?);
        Some(Quote { bid: bid.price, bid_size: bid.quantity, ask: ask.price, ask_size: ask.quantity })
    }

    /// True where the highest bid is at or above the lowest offer.
    pub fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }
}

/// Which way prices go from the best row to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Falling,
    Rising,
}

#[derive(Clone, Debug)]
struct BookSide {
    direction: Direction,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    /// `keys` rise towards the best row, which is last; `levels` runs beside them.
    Keyed { scale: u32, keys: Vec<i64>, levels: Vec<Level> },
    /// For prices that fit no common key.
    Exact(BTreeMap<Price, Quantity>),
}

impl BookSide {
    fn new(direction: Direction) -> Self {
        Self { direction, rows: Rows::Keyed { scale: 0, keys: Vec::new(), levels: Vec::new() } }
    }

    fn len(&self) -> usize {
        match &self.rows {
            Rows::Keyed { keys, .. } => keys.len(),
            Rows::Exact(map) => map.len(),
        }
    }

    /// Keyed so that the best row has the greatest key.
    fn key(&self, price: Price, scale: u32) -> Option<i64> {
        let factor = 10_i128.checked_pow(scale.checked_sub(price.scale())?)?;
        let key = i64::try_from(price.mantissa().checked_mul(factor)?).ok()?;
        match self.direction {
            Direction::Falling => Some(key),
            Direction::Rising => key.checked_neg(),
        }
    }

    fn replace(&mut self, levels: &[Level]) {
        let scale = levels.iter().map(|level| level.price.scale()).max().unwrap_or(0);
        let keyed: Option<Vec<(i64, Level)>> =
            levels.iter().map(|level| self.key(level.price, scale).map(|key| (key, *level))).collect();
        let Some(mut rows) = keyed else {
            self.rows = Rows::Exact(BTreeMap::new());
            levels.iter().for_each(|level| self.apply(level));
            return;
        };
        // Venues send each side sorted already, rising or falling: the stable sort is linear then.
        rows.sort_by_key(|row| row.0);
        rows.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        rows.retain(|row| !row.1.quantity.is_zero());
        let (keys, levels) = rows.into_iter().unzip();
        self.rows = Rows::Keyed { scale, keys, levels };
    }

    fn apply(&mut self, level: &Level) {
        let Rows::Keyed { scale, .. } = &self.rows else {
            return self.apply_exact(level);
        };
        let scale = *scale;
        if level.price.scale() > scale {
            return self.rescale_and_apply(level);
        }
        let Some(key) = self.key(level.price, scale) else {
            self.make_exact();
            return self.apply_exact(level);
        };
        let Rows::Keyed { keys, levels, .. } = &mut self.rows else { return };
        match (find(keys, key), level.quantity.is_zero()) {
            (Ok(row_idx), true) => {
                keys.remove(row_idx);
                levels.remove(row_idx);
            }
            (Ok(row_idx), false) => levels[row_idx] = *level,
            (Err(_), true) => {}
            (Err(row_idx), false) => {
                keys.insert(row_idx, key);
                levels.insert(row_idx, *level);
            }
        }
    }

    fn apply_exact(&mut self, level: &Level) {
        if let Rows::Exact(map) = &mut self.rows {
            // Remove first: an equal price with other digits would keep the old key's digits.
            map.remove(&level.price);
            if !level.quantity.is_zero() {
                map.insert(level.price, level.quantity);
            }
        }
    }

    /// A price with more decimals than any before: new keys for all rows, or the ordered map where they do not fit.
    fn rescale_and_apply(&mut self, level: &Level) {
        let Rows::Keyed { levels, .. } = &mut self.rows else { return };
        let levels = std::mem::take(levels);
        let scale = level.price.scale();
        let keys: Option<Vec<i64>> = levels.iter().map(|row| self.key(row.price, scale)).collect();
        match keys {
            Some(keys) if self.key(level.price, scale).is_some() => {
                self.rows = Rows::Keyed { scale, keys, levels };
                self.apply(level);
            }
            _ => {
                self.rows = Rows::Exact(levels.iter().map(|row| (row.price, row.quantity)).collect());
                self.apply_exact(level);
            }
        }
    }

    fn make_exact(&mut self) {
        if let Rows::Keyed { levels, .. } = &self.rows {
            self.rows = Rows::Exact(levels.iter().map(|row| (row.price, row.quantity)).collect());
        }
    }

    fn truncate(&mut self, depth: usize) {
        let direction = self.direction;
        match &mut self.rows {
            Rows::Keyed { keys, levels, .. } => {
                let n_surplus = keys.len().saturating_sub(depth);
                keys.drain(..n_surplus);
                levels.drain(..n_surplus);
            }
            Rows::Exact(map) => {
                while map.len() > depth {
                    let _worst = if direction == Direction::Falling { map.pop_first() } else { map.pop_last() };
                }
            }
        }
    }

    fn best_first(&self) -> impl Iterator<Item = Level> + '_ {
        let (keyed, exact) = match &self.rows {
            Rows::Keyed { levels, .. } => (Some(levels.iter().rev().copied()), None),
            Rows::Exact(map) => (None, Some(map)),
        };
        let row = |(price, quantity): (&Price, &Quantity)| Level { price: *price, quantity: *quantity };
        let (falling, rising) = match self.direction {
            Direction::Falling => (exact.map(|map| map.iter().rev().map(row)), None),
            Direction::Rising => (None, exact.map(|map| map.iter().map(row))),
        };
        keyed.into_iter().flatten().chain(falling.into_iter().flatten()).chain(rising.into_iter().flatten())
    }
}

/// Finds a key, looking at the best rows first: most changes are there, and a miss falls back to halving.
fn find(keys: &[i64], key: i64) -> Result<usize, usize> {
    const NEAR: usize = 8;
    let start = keys.len().saturating_sub(NEAR);
    if keys.get(start).is_some_and(|first| *first <= key) {
        for (row_idx, known) in keys.iter().enumerate().skip(start).rev() {
            match known.cmp(&key) {
                std::cmp::Ordering::Equal => return Ok(row_idx),
                std::cmp::Ordering::Less => return Err(row_idx + 1),
                std::cmp::Ordering::Greater => {}
            }
        }
        return Err(start);
    }
    keys[..start].binary_search(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    fn text(levels: impl Iterator<Item = Level>) -> Vec<(String, String)> {
        levels.map(|level| (level.price.to_string(), level.quantity.to_string())).collect()
    }

    #[test]
    fn best_first_with_the_wires_digits() {
        let mut book = OrderBook::new();
        book.apply_snapshot(&[level("1.50", "1.0"), level("1.40", "2")], &[level("1.60", "3"), level("1.7", "4")]);
        assert_eq!(text(book.bids()), [("1.50".into(), "1.0".into()), ("1.40".into(), "2".into())]);
        book.apply_delta(&[level("1.455", "5"), level("1.50", "0.0")], &[level("9.99", "0")]);
        assert_eq!(text(book.bids()), [("1.455".into(), "5".into()), ("1.40".into(), "2".into())]);
        assert_eq!((book.n_bids(), book.n_asks(), book.is_crossed()), (2, 2, false));
        book.apply_delta(&[level("1.6", "1")], &[]);
        assert!(book.is_crossed());
        book.truncate(1);
        assert_eq!((book.n_bids(), book.n_asks()), (1, 1));
    }
}
