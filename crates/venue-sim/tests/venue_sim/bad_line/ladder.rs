//! The venue's own book: the truth that a session's book is compared with.
//!
//! Plain maps and whole numbers. Not here: the book and the parsers under test; none of their code is used.

use std::collections::BTreeMap;

use model::{event::Level, proof::TrackedBook};
use venues::kit::backoff::Jitter;

use super::venue::Venue;

/// Quantity in the smallest unit by price in the smallest unit: bids under their negative price, then asks, so that the
/// best row comes first on both sides.
pub(crate) type Sides = [BTreeMap<i64, u64>; 2];

/// Index of the side, price, and the new quantity; zero if removed.
pub(crate) type Change = (usize, i64, u64);

pub(crate) fn below(random: &mut Jitter, end: u64) -> u64 {
    random.next_u64() % end
}

/// Twenty rows a side.
pub(crate) fn first_book() -> Sides {
    let side = |sign: i64| (1..=20).map(|distance| (sign * MIDDLE + distance, 1_000)).collect();
    [side(-1), side(1)]
}

/// Changes one to five rows without ever crossing the book. Returns the changes, in order.
pub(crate) fn walk(random: &mut Jitter, sides: &mut Sides) -> Vec<Change> {
    let mut changes = Vec::new();
    for _ in 0..=below(random, 4) {
        let side = usize::from(below(random, 2) == 1);
        let opposite = sides[1 - side].keys().next().map_or(MIDDLE, |key| key.abs());
        let distance = i64::try_from(1 + below(random, 25)).unwrap();
        let price = if side == 0 { opposite - distance } else { opposite + distance };
        // Rows are removed about as often as added, so that rows pushed beyond a subscriber's depth return.
        let quantity = if below(random, 2) == 0 { 0 } else { 1 + below(random, 900_000_000) };
        changes.push((side, price, quantity));
        set(sides, side, price, quantity);
        if sides[side].len() > MOST_ROWS {
            let (key, _) = sides[side].pop_last().expect("invariant: there are rows");
            changes.push((side, key.abs(), 0));
        }
    }
    changes
}

fn set(sides: &mut Sides, side: usize, price: i64, quantity: u64) {
    let key = if side == 0 { -price } else { price };
    if quantity == 0 {
        sides[side].remove(&key);
    } else {
        sides[side].insert(key, quantity);
    }
}

/// Writes a number of smallest units with this many decimals.
pub(crate) fn text(units: u64, decimals: u32) -> String {
    let one = 10_u64.pow(decimals);
    format!("{}.{:0width$}", units / one, units % one, width = decimals as usize)
}

/// Returns true if a book has the same rows with the same digits, as deep as the venue proves them.
pub(crate) fn equals<V: Venue>(tracked: &TrackedBook, truth: &Sides) -> bool {
    let (price_decimals, quantity_decimals) = V::DECIMALS;
    let shown = |level: Level| {
        let (price, quantity) = (level.price, level.quantity);
        (price.mantissa(), price.scale(), quantity.mantissa(), quantity.scale())
    };
    let own = |(key, quantity): (&i64, &u64)| {
        (i128::from(key.abs()), price_decimals, i128::from(*quantity), quantity_decimals)
    };
    let bids = tracked.book.bids().take(V::DEPTH).map(shown).eq(truth[0].iter().take(V::DEPTH).map(own));
    bids && tracked.book.asks().take(V::DEPTH).map(shown).eq(truth[1].iter().take(V::DEPTH).map(own))
}

/// The initial prices are around this one.
const MIDDLE: i64 = 1_000_000;
/// Maximum rows of a side.
const MOST_ROWS: usize = 30;
