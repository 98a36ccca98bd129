//! Looking prices up in the rows of a book's side, and the arithmetic that saturates at zero.

use std::cmp::Ordering;

use model::{
    decimal::{Price, Quantity},
    desk_feed::DeskLevels,
    event::Level,
    trading::order::Side,
};

/// Returns the rows on which orders of `side` rest, best first.
pub(crate) fn own_rows(levels: &DeskLevels, side: Side) -> &[Level] {
    match side {
        Side::Buy => &levels.bids,
        Side::Sell => &levels.asks,
    }
}

/// Returns the rows that orders of `side` take, best first.
pub(crate) fn opposite_rows(levels: &DeskLevels, side: Side) -> &[Level] {
    own_rows(levels, side.opposite())
}

/// Compares two prices of resting orders of `side`: less is better for whoever trades against them.
pub(crate) fn by_rank(side: Side, one: Price, other: Price) -> Ordering {
    match side {
        Side::Buy => other.cmp(&one),
        Side::Sell => one.cmp(&other),
    }
}

/// True if an order of `side` with this limit may trade at `price`.
pub(crate) fn is_within(side: Side, limit: Price, price: Price) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

/// Returns the size displayed at `price` on `side`: zero between known rows, `None` beyond the last one.
pub(crate) fn displayed_at(rows: &[Level], side: Side, price: Price) -> Option<Quantity> {
    match rows.binary_search_by(|row| by_rank(side, row.price, price)) {
        Ok(idx) => rows.get(idx).map(|row| row.quantity),
        // A side without any row is empty: whoever comes is the first.
        Err(idx) => (idx < rows.len() || rows.is_empty()).then_some(Quantity::ZERO),
    }
}

/// True if the best rows meet: such a book contradicts itself.
pub(crate) fn is_crossed(levels: &DeskLevels) -> bool {
    matches!((levels.bids.first(), levels.asks.first()), (Some(bid), Some(ask)) if bid.price >= ask.price)
}

/// Returns `one − other`, or zero where that is less.
pub(crate) fn less(one: Quantity, other: Quantity) -> Quantity {
    one.checked_sub(other).unwrap_or_default()
}

/// Returns `price × bps / 10 000`; `None` if it does not fit.
pub(crate) fn bps_of(price: Price, bps: u32) -> Option<Price> {
    let price = price.at_scale(price.significant_scale());
    Price::from_mantissa(price.mantissa().checked_mul(i128::from(bps))?, price.scale().checked_add(4)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_displayed_between_known_rows_only() {
        #[track_caller]
        fn check(prices: &[&str], side: Side, price: &str, expected: Option<&str>) {
            let row =
                |price: &&str| Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse("5").unwrap() };
            let rows: Vec<Level> = prices.iter().map(row).collect();
            let displayed = displayed_at(&rows, side, Price::parse(price).unwrap());
            assert_eq!(displayed, expected.map(|text| Quantity::parse(text).unwrap()), "{prices:?} {side} {price}");
        }
        check(&["100", "98"], Side::Buy, "101", Some("0"));
        check(&["100", "98"], Side::Buy, "100", Some("5"));
        check(&["100", "98"], Side::Buy, "99", Some("0"));
        check(&["100", "98"], Side::Buy, "98", Some("5"));
        check(&["100", "98"], Side::Buy, "97", None);
        check(&["101", "103"], Side::Sell, "100", Some("0"));
        check(&["101", "103"], Side::Sell, "102", Some("0"));
        check(&["101", "103"], Side::Sell, "104", None);
        check(&[], Side::Buy, "100", Some("0"));
    }

    #[test]
    fn basis_points_are_exact_or_absent() {
        #[track_caller]
        fn check(price: &str, bps: u32, expected: Option<&str>) {
            let share = bps_of(Price::parse(price).unwrap(), bps);
            assert_eq!(share, expected.map(|text| Price::parse(text).unwrap()), "{price} {bps}");
        }
        check("61602.00", 200, Some("1232.04"));
        check("0.01", 1, Some("0.000001"));
        check("79228162514264337593543950335", 2, None);
        check("0.0000000000000000000000000001", 1, None);
    }
}
