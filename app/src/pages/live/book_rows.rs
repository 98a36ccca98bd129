//! The rows of the order book panel: the best levels of both sides with their running totals, single or in groups.
//!
//! A group of bids has the price at or below them, a group of asks the price at or above. Only the best levels are
//! known, so the outermost group may contain more: it is marked as partial.

use model::{
    decimal::{Price, Quantity, Rounding},
    event::Level,
    proof::BookState,
};
use topics::{channels::book::BookData, limits::BOOK_DEPTH};

use crate::format;

/// Rows shown on each side.
pub const N_LEVELS: usize = 10;

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookRow {
    /// Price with separators.
    pub price: String,
    /// Price in plain digits.
    pub price_value: String,
    /// Quantity at the price.
    pub size: String,
    /// Quantity in plain digits.
    pub size_value: String,
    /// Quantity from the best row up to this one.
    pub total: String,
    /// The total as a share of the larger side's total, in per cent.
    pub fill_percent: u8,
    /// True if the group may contain more than is known.
    pub is_partial: bool,
}

/// The contents of the panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookView {
    /// How far the book can be trusted. If it is not served, the rows are the last good ones.
    pub state: BookState,
    /// Bids, best first.
    pub bids: Vec<BookRow>,
    /// Asks, best first.
    pub asks: Vec<BookRow>,
    /// Difference of the best prices, and the same in basis points of the price.
    pub spread: Option<(String, String)>,
}

impl BookView {
    /// Builds the best [`N_LEVELS`] of each side, with decimals of prices and of sizes; in groups of `step` if given.
    pub fn new(book: &BookData, decimals: (u32, u32), step: Option<Price>) -> Self {
        let totals = |groups: &[Group]| -> Vec<Quantity> {
            let running = groups.iter().scan(Quantity::ZERO, |total, group| {
                *total = total.checked_add(group.level.quantity).unwrap_or(*total);
                Some(*total)
            });
            running.collect()
        };
        let bids = groups(&book.bids, step, Rounding::Down);
        let asks = groups(&book.asks, step, Rounding::Up);
        let (bid_totals, ask_totals) = (totals(&bids), totals(&asks));
        let largest = bid_totals.last().copied().max(ask_totals.last().copied()).unwrap_or_default();
        let rows = |groups: &[Group], totals: &[Quantity]| {
            groups.iter().zip(totals).map(|(group, total)| row(group, *total, largest, decimals)).collect()
        };
        let best = |levels: &[Level]| levels.first().map(|level| level.price);
        Self {
            state: book.state,
            bids: rows(&bids, &bid_totals),
            asks: rows(&asks, &ask_totals),
            spread: best(&book.bids).zip(best(&book.asks)).and_then(|(bid, ask)| spread(bid, ask, decimals.0)),
        }
    }
}

/// Returns the book's state as a word for the reader.
pub fn proof(state: BookState) -> &'static str {
    match state {
        BookState::Live => "proof ok",
        BookState::Unverified => "unverified",
        BookState::Suspect | BookState::Resyncing => "resyncing",
        BookState::Buffering => "buffering",
        BookState::Empty => "waiting",
    }
}

/// Returns the difference of two prices, and the same in basis points of their mean; `None` if it does not fit a
/// decimal.
fn spread(bid: Price, ask: Price, price_decimals: u32) -> Option<(String, String)> {
    let difference = ask.checked_sub(bid)?;
    let share = difference.to_f64_lossy() / bid.mid(ask)?.to_f64_lossy() * 10_000.0;
    Some((format::price(difference, price_decimals), format::basis_points(share)))
}

/// Levels shown as one row.
struct Group {
    level: Level,
    is_partial: bool,
}

/// Returns the best [`N_LEVELS`] groups of `levels`, which are sorted best first. Without a step, or if a price does
/// not fit it, each level is its own group.
fn groups(levels: &[Level], step: Option<Price>, rounding: Rounding) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::with_capacity(N_LEVELS);
    for level in levels {
        let price = step.and_then(|step| level.price.round_to(step, rounding)).unwrap_or(level.price);
        let is_full = groups.len() == N_LEVELS;
        match groups.last_mut() {
            Some(last) if last.level.price == price => {
                let sum = last.level.quantity.checked_add(level.quantity);
                last.level.quantity = sum.unwrap_or(last.level.quantity);
            }
            _ if is_full => return groups,
            _ => groups.push(Group { level: Level { price, quantity: level.quantity }, is_partial: false }),
        }
    }
    if step.is_some()
        && levels.len() >= BOOK_DEPTH
        && let Some(last) = groups.last_mut()
    {
        last.is_partial = true;
    }
    groups
}

fn row(group: &Group, total: Quantity, largest: Quantity, (price_decimals, size_decimals): (u32, u32)) -> BookRow {
    let Group { level, is_partial } = group;
    let at_least = if *is_partial { "≥\u{202f}" } else { "" };
    let share = total.to_f64_lossy() / largest.to_f64_lossy() * 100.0;
    BookRow {
        price: format::price(level.price, price_decimals),
        price_value: level.price.to_string(),
        size: format!("{at_least}{}", format::quantity(level.quantity, size_decimals)),
        size_value: level.quantity.to_string(),
        total: format!("{at_least}{}", format::quantity(total, size_decimals)),
        fill_percent: share.clamp(0.0, 100.0).round() as u8,
        is_partial: *is_partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rows: &[(&str, &str)]) -> Vec<Level> {
        rows.iter()
            .map(|(price, quantity)| Level {
                price: Price::parse(price).unwrap(),
                quantity: Quantity::parse(quantity).unwrap(),
            })
            .collect()
    }

    #[test]
    fn totals_run_from_the_best_row() {
        let book = BookData {
            state: BookState::Live,
            bids: levels(&[("99.5", "1"), ("99.0", "2.5")]),
            asks: levels(&[("100.5", "3"), ("101.0", "4")]),
            ..BookData::default()
        };
        let view = BookView::new(&book, (2, 1), None);
        let column = |rows: &[BookRow]| -> Vec<String> {
            rows.iter().map(|row| format!("{} {} {} {}", row.price, row.size, row.total, row.fill_percent)).collect()
        };
        assert_eq!(column(&view.bids), ["99.50 1.0 1.0 14", "99.00 2.5 3.5 50"]);
        assert_eq!(column(&view.asks), ["100.50 3.0 3.0 43", "101.00 4.0 7.0 100"]);
        assert_eq!(view.spread, Some(("1.00".into(), "100\u{202f}bps".into())));
        assert_eq!(proof(view.state), "proof ok");
    }

    #[test]
    fn deep_books_are_cut_and_empty_ones_are_no_trouble() {
        let deep: Vec<(String, &str)> = (0..20).map(|row_idx| (format!("{}", 100 - row_idx), "1")).collect();
        let deep: Vec<(&str, &str)> = deep.iter().map(|(price, size)| (price.as_str(), *size)).collect();
        let view = BookView::new(&BookData { bids: levels(&deep), ..BookData::default() }, (0, 0), None);
        assert_eq!((view.bids.len(), view.asks.len(), view.spread), (N_LEVELS, 0, None));
        assert_eq!(view.bids.last().map(|row| row.fill_percent), Some(100));
        assert_eq!(BookView::new(&BookData::default(), (0, 0), None), BookView::default());
    }

    #[test]
    fn groups_round_away_from_the_spread() {
        #[track_caller]
        fn check(step: &str, bids: &[&str], asks: &[&str]) {
            let book = BookData {
                state: BookState::Live,
                bids: levels(&[("99.98", "1"), ("99.95", "2"), ("99.90", "3"), ("99.89", "4")]),
                asks: levels(&[("100.01", "1"), ("100.05", "2"), ("100.06", "3"), ("100.15", "4")]),
                ..BookData::default()
            };
            let view = BookView::new(&book, (2, 0), Price::parse(step).ok());
            let shown = |rows: &[BookRow]| -> Vec<String> {
                rows.iter().map(|row| format!("{} {} {}", row.price, row.size, row.total)).collect()
            };
            assert_eq!(
                (shown(&view.bids), shown(&view.asks)),
                (bids.iter().map(ToString::to_string).collect(), asks.iter().map(ToString::to_string).collect())
            );
            // The spread is still that of the best prices.
            assert_eq!(view.spread.map(|(text, _)| text).as_deref(), Some("0.03"));
        }
        check("0.05", &["99.95 3 3", "99.90 3 6", "99.85 4 10"], &["100.05 3 3", "100.10 3 6", "100.15 4 10"]);
        check("1.00", &["99.00 10 10"], &["101.00 10 10"]);
        check(
            "0.01",
            &["99.98 1 1", "99.95 2 3", "99.90 3 6", "99.89 4 10"],
            &["100.01 1 1", "100.05 2 3", "100.06 3 6", "100.15 4 10"],
        );
    }

    #[test]
    fn a_group_that_may_hold_more_says_so() {
        let prices: Vec<String> =
            (0..BOOK_DEPTH).map(|row_idx| format!("{}.{:02}", 99 - row_idx / 7, 99 - row_idx % 7)).collect();
        let rows: Vec<(&str, &str)> = prices.iter().map(|price| (price.as_str(), "1")).collect();
        let of = |n_rows: usize, step: &str| {
            let book = BookData { bids: levels(&rows[..n_rows]), ..BookData::default() };
            let view = BookView::new(&book, (0, 0), Price::parse(step).ok());
            view.bids.iter().map(|row| row.size.replace('\u{202f}', " ")).collect::<Vec<_>>()
        };
        assert_eq!(of(BOOK_DEPTH, "1"), ["7", "7", "≥ 6"]);
        // A book known to its end is also known in groups, and groups cut off only by our own row limit are whole.
        assert_eq!(of(BOOK_DEPTH - 1, "1"), ["7", "7", "5"]);
        assert!(of(BOOK_DEPTH, "0.01").iter().all(|size| size == "1"));
    }
}
