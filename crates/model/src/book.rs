//! The order book: absolute quantities by price, best first, for books of 10 to 50,000 levels a side.
//!
//! Not here: sequence rules, checksums and trust ([`crate::proof`] and the venue sessions).

use crate::event::{Level, Quote};

mod rows;
mod side;

use side::{BookSide, Direction};

/// The bids and asks of one instrument.
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
    /// Creates an empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the whole book. Rows may come in any order; the last of several rows with one price counts; quantity 0
    /// omits a row.
    pub fn apply_snapshot(&mut self, bids: &[Level], asks: &[Level]) {
        self.bids.replace(bids);
        self.asks.replace(asks);
    }

    /// Applies changed rows in the given order: quantity 0 removes a row, anything else sets it. Removing an absent row
    /// does nothing.
    pub fn apply_delta(&mut self, bids: &[Level], asks: &[Level]) {
        bids.iter().for_each(|level| self.bids.apply(level));
        asks.iter().for_each(|level| self.asks.apply(level));
    }

    /// Drops all rows beyond the best `depth` on each side.
    pub fn truncate(&mut self, depth: usize) {
        self.bids.truncate(depth);
        self.asks.truncate(depth);
    }

    /// Drops all rows.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the bids, best (highest) first, with their original digits.
    pub fn bids(&self) -> impl Iterator<Item = Level> + '_ {
        self.bids.best_first()
    }

    /// Returns the asks, best (lowest) first, with their original digits.
    pub fn asks(&self) -> impl Iterator<Item = Level> + '_ {
        self.asks.best_first()
    }

    /// Returns the number of bid rows.
    pub fn n_bids(&self) -> usize {
        self.bids.len()
    }

    /// Returns the number of ask rows.
    pub fn n_asks(&self) -> usize {
        self.asks.len()
    }

    /// Returns the highest bid.
    pub fn best_bid(&self) -> Option<Level> {
        self.bids.best()
    }

    /// Returns the lowest ask.
    pub fn best_ask(&self) -> Option<Level> {
        self.asks.best()
    }

    /// Returns the best bid and ask.
    pub fn quote(&self) -> Quote {
        Quote { bid: self.best_bid(), ask: self.best_ask() }
    }

    /// Returns true if the highest bid is at or above the lowest ask.
    pub fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::decimal::{Price, Quantity};

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

    #[test]
    fn the_last_of_equal_prices_counts() {
        let mut book = OrderBook::new();
        book.apply_snapshot(
            &[level("1.5", "1"), level("1.50", "2"), level("1.4", "1"), level("1.4", "0")],
            &[level("2", "0"), level("2.0", "7")],
        );
        assert_eq!(text(book.bids()), [("1.50".into(), "2".into())]);
        assert_eq!(text(book.asks()), [("2.0".into(), "7".into())]);
    }

    /// A book in its simplest form, as the reference.
    #[derive(Default)]
    struct NaiveSide(BTreeMap<Price, Level>);

    impl NaiveSide {
        fn apply(&mut self, level: &Level) {
            self.0.remove(&level.price);
            if !level.quantity.is_zero() {
                self.0.insert(level.price, *level);
            }
        }

        fn keep(&mut self, kept: Vec<Level>) {
            self.0 = kept.into_iter().map(|level| (level.price, level)).collect();
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Snapshot(Vec<Level>, Vec<Level>),
        Delta(Vec<Level>, Vec<Level>),
        Truncate(usize),
        Clear,
    }

    const MAX_MANTISSA: i128 = (1 << 96) - 1;

    fn price_of(mantissa: i128, scale: u32) -> Price {
        Price::from_mantissa(mantissa, scale).unwrap()
    }

    /// A few prices in many spellings, so that the same rows are hit again.
    fn any_usual_price() -> impl Strategy<Value = Price> {
        (9_900_i64..10_100, 0_u32..4, 0_u32..12)
            .prop_map(|(mantissa, scale, zeros)| price_of(i128::from(mantissa), scale).at_scale(scale + zeros))
    }

    /// Prices that fit no `i64` key, or only at some scales.
    fn any_odd_price() -> impl Strategy<Value = Price> {
        prop_oneof![
            (-MAX_MANTISSA..=MAX_MANTISSA, 0_u32..=28).prop_map(|(mantissa, scale)| price_of(mantissa, scale)),
            (-3_i128..=3, 0_u32..=28).prop_map(|(mantissa, scale)| price_of(mantissa, scale)),
            (-3_i128..=3, 0_u32..=3).prop_map(|(offset, scale)| price_of(i128::from(i64::MAX) + offset, scale)),
            (-3_i128..=3, 0_u32..=3).prop_map(|(offset, scale)| price_of(i128::from(i64::MIN) + offset, scale)),
            (-3_i128..=0).prop_map(|offset| price_of(MAX_MANTISSA + offset, 0)),
        ]
    }

    fn any_levels(odd: u32, n_max: usize) -> impl Strategy<Value = Vec<Level>> {
        let price = prop_oneof![100 => any_usual_price(), odd => any_odd_price()];
        let quantity = prop_oneof![2 => Just((0_i128, 0_u32)), 1 => Just((0, 8)), 6 => (1_i128..100, 0_u32..9), 1 => (0..=MAX_MANTISSA, 0_u32..=28)];
        let level = (price, quantity).prop_map(|(price, (mantissa, scale))| Level {
            price,
            quantity: Quantity::from_mantissa(mantissa, scale).unwrap(),
        });
        prop::collection::vec(level, 0..n_max)
    }

    fn any_steps(odd: u32, n_levels: usize) -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            1 => (any_levels(odd, 8 * n_levels), any_levels(odd, 8 * n_levels)).prop_map(|(bids, asks)| Step::Snapshot(bids, asks)),
            12 => (any_levels(odd, n_levels), any_levels(odd, n_levels)).prop_map(|(bids, asks)| Step::Delta(bids, asks)),
            1 => (0_usize..300).prop_map(Step::Truncate),
            1 => Just(Step::Clear),
        ];
        prop::collection::vec(step, 1..25)
    }

    fn check_against_naive(steps: Vec<Step>) {
        let (mut book, mut bids, mut asks) = (OrderBook::new(), NaiveSide::default(), NaiveSide::default());
        for step in steps {
            match step {
                Step::Snapshot(new_bids, new_asks) => {
                    book.apply_snapshot(&new_bids, &new_asks);
                    (bids, asks) = (NaiveSide::default(), NaiveSide::default());
                    new_bids.iter().for_each(|level| bids.apply(level));
                    new_asks.iter().for_each(|level| asks.apply(level));
                }
                Step::Delta(new_bids, new_asks) => {
                    book.apply_delta(&new_bids, &new_asks);
                    new_bids.iter().for_each(|level| bids.apply(level));
                    new_asks.iter().for_each(|level| asks.apply(level));
                }
                Step::Truncate(depth) => {
                    book.truncate(depth);
                    bids.keep(bids.0.values().rev().take(depth).copied().collect());
                    asks.keep(asks.0.values().take(depth).copied().collect());
                }
                Step::Clear => {
                    book.clear();
                    (bids, asks) = (NaiveSide::default(), NaiveSide::default());
                }
            }
            assert_eq!((book.n_bids(), book.n_asks()), (bids.0.len(), asks.0.len()));
            assert_eq!(text(book.bids()), text(bids.0.values().rev().copied()));
            assert_eq!(text(book.asks()), text(asks.0.values().copied()));
            let (best_bid, best_ask) = (bids.0.values().next_back().copied(), asks.0.values().next().copied());
            assert_eq!((book.best_bid(), book.best_ask()), (best_bid, best_ask));
            assert_eq!(book.is_crossed(), best_bid.zip(best_ask).is_some_and(|(bid, ask)| bid.price >= ask.price));
            assert_eq!(book.quote(), Quote { bid: best_bid, ask: best_ask });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn equals_an_ordered_map(steps in any_steps(0, 40)) {
            check_against_naive(steps);
        }

        #[test]
        fn equals_an_ordered_map_for_prices_past_any_key(steps in any_steps(4, 12)) {
            check_against_naive(steps);
        }
    }
}
