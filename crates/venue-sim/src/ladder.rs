//! The two sides of a true book: rows as texts, ordered by price, every digit kept.
//!
//! Shares nothing with `model::OrderBook`: tests compare the product's books with this one. Not here: the venues' rules
//! for sequence, depth and checksum.

use std::collections::BTreeMap;

use crate::fixed;

/// Price and quantity as text, every digit kept.
pub type Row = (String, String);

/// A book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ladder {
    bids: BTreeMap<i128, Row>,
    asks: BTreeMap<i128, Row>,
}

impl Ladder {
    /// Creates the book with these rows.
    pub fn of(bids: &[Row], asks: &[Row]) -> Self {
        let mut ladder = Self::default();
        ladder.set(bids, asks);
        ladder
    }

    /// Sets rows in order; quantities are absolute, zero removes, and removing a missing row is normal.
    pub fn set(&mut self, bids: &[Row], asks: &[Row]) {
        set(&mut self.bids, bids);
        set(&mut self.asks, asks);
    }

    /// Keeps the best `depth` rows of each side.
    pub(crate) fn cut(&mut self, depth: usize) {
        while self.bids.len() > depth {
            self.bids.pop_first();
        }
        while self.asks.len() > depth {
            self.asks.pop_last();
        }
    }

    /// Returns the bids, best first.
    pub fn bids(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.bids.values().rev()
    }

    /// Returns the asks, best first.
    pub fn asks(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.asks.values()
    }

    /// Returns at most `depth` rows a side, bids and asks, best first.
    pub fn top(&self, depth: usize) -> (Vec<Row>, Vec<Row>) {
        (self.bids().take(depth).cloned().collect(), self.asks().take(depth).cloned().collect())
    }

    /// Returns the same book with at most `depth` rows a side.
    pub(crate) fn shallow(&self, depth: usize) -> Self {
        let mut shallow = self.clone();
        shallow.cut(depth);
        shallow
    }

    /// Becomes the best `depth` rows of `truth`; returns the rows that update a reader who cuts at `depth` after each
    /// message: new and changed rows, and removed ones with the quantity that `zero` returns for their last one. A row
    /// that is only pushed out is not sent, and is sent again when it returns.
    pub(crate) fn follow(&mut self, truth: &Self, depth: usize, zero: fn(&str) -> String) -> (Vec<Row>, Vec<Row>) {
        let bids = changes(&self.bids, &truth.bids, truth.bids.iter().rev().take(depth), zero);
        let asks = changes(&self.asks, &truth.asks, truth.asks.iter().take(depth), zero);
        *self = truth.shallow(depth);
        (bids, asks)
    }
}

fn changes<'a>(
    known: &BTreeMap<i128, Row>,
    truth: &BTreeMap<i128, Row>,
    shown: impl Iterator<Item = (&'a i128, &'a Row)>,
    zero: fn(&str) -> String,
) -> Vec<Row> {
    let gone = known.iter().filter(|(price, _)| !truth.contains_key(price));
    let removed = gone.map(|(_, row)| (row.0.clone(), zero(&row.1)));
    let set = shown.filter(|(price, row)| known.get(price) != Some(row)).map(|(_, row)| row.clone());
    removed.chain(set).collect()
}

fn set(side: &mut BTreeMap<i128, Row>, rows: &[Row]) {
    for row in rows {
        let (Some(price), Some(quantity)) = (fixed::parse(&row.0), fixed::parse(&row.1)) else { continue };
        if quantity == 0 {
            side.remove(&price);
        } else {
            side.insert(price, row.clone());
        }
    }
}

/// Rows from pairs, for tests.
#[cfg(test)]
pub(crate) fn rows(pairs: &[(&str, &str)]) -> Vec<Row> {
    pairs.iter().map(|&(price, quantity)| (price.to_owned(), quantity.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_set_removed_and_ordered() {
        let mut ladder = Ladder::of(&rows(&[("9.0", "1"), ("8.0", "1")]), &rows(&[("10.0", "1")]));
        ladder.set(&rows(&[("9.5", "7"), ("8.00", "0"), ("1", "0"), ("x", "1")]), &rows(&[("10.00", "2.50")]));
        assert_eq!(ladder.top(1), (rows(&[("9.5", "7")]), rows(&[("10.00", "2.50")])));
        assert_eq!((ladder.bids().len(), ladder.asks().len()), (2, 1));
        ladder.cut(1);
        assert_eq!(ladder.top(9).0, rows(&[("9.5", "7")]));
    }

    #[test]
    fn a_reader_who_cuts_keeps_up() {
        let zero = |_: &str| "0".to_owned();
        let mut view = Ladder::of(&rows(&[("9", "1"), ("8", "1")]), &[]);
        // A better row pushes the second out; no removal is sent.
        let pushed = Ladder::of(&rows(&[("9.5", "2"), ("9", "1"), ("8", "1")]), &[]);
        assert_eq!(view.follow(&pushed, 2, zero).0, rows(&[("9.5", "2")]));
        // The better row goes, and the old one is sent again.
        let back = Ladder::of(&rows(&[("9", "1"), ("8", "1")]), &[]);
        assert_eq!(view.follow(&back, 2, zero).0, rows(&[("9.5", "0"), ("8", "1")]));
        assert_eq!(view, back);
        assert_eq!(view.follow(&back, 2, zero), (vec![], vec![]));
    }
}
