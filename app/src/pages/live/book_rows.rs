//! The rows of the order book panel: the best levels of both sides with their running totals, single or in groups.
//!
//! Groups come from the stream, which sums them over the whole book. A side with fewer groups than it could have ends
//! where the book is no longer known: its last group may contain more, and is marked as partial.

use model::{
    decimal::{Notional, Price, Quantity},
    event::Level,
    proof::BookState,
};
use topics::{channels::book::BookData, limits::LADDER_DEPTH};

use crate::{format, settings::SizeUnit};

/// Rows of each side while the space is unknown.
pub const N_ROWS_AT_FIRST: usize = 10;

/// The form in which the book is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookForm {
    /// Decimals of prices and of sizes.
    pub decimals: (u32, u32),
    /// The unit of sizes. What a group would cost is taken at the group's price.
    pub unit: SizeUnit,
}

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
    /// State of the book. If it is not served, the rows are the last good ones.
    pub state: BookState,
    /// Bids, best first.
    pub bids: Vec<BookRow>,
    /// Asks, best first.
    pub asks: Vec<BookRow>,
    /// Difference of the best prices, and the same in basis points of the price.
    pub spread: Option<(String, String)>,
}

impl BookView {
    /// Builds at most `n_rows` rows of each side. `is_grouped` if the levels of `book` are groups; `best` has the single
    /// levels.
    pub fn new(book: &BookData, best: &BookData, is_grouped: bool, n_rows: usize, form: BookForm) -> Self {
        let totals = |levels: &[Level]| -> Vec<Quantity> {
            let running = levels.iter().take(n_rows).scan(Quantity::ZERO, |total, level| {
                *total = total.checked_add(level.quantity).unwrap_or(*total);
                Some(*total)
            });
            running.collect()
        };
        let (bid_totals, ask_totals) = (totals(&book.bids), totals(&book.asks));
        let largest = bid_totals.last().copied().max(ask_totals.last().copied()).unwrap_or_default();
        let rows = |levels: &[Level], totals: &[Quantity]| {
            let mut paid = Some(Notional::ZERO);
            let row = |(level_idx, (level, total)): (usize, (&Level, &Quantity))| {
                let is_last = level_idx + 1 == levels.len();
                let is_partial = is_grouped && is_last && levels.len() < LADDER_DEPTH;
                let own = level.price.checked_mul(level.quantity);
                paid = paid.zip(own).and_then(|(paid, own)| paid.checked_add(own));
                row(level, (*total, largest), (own, paid), is_partial, form)
            };
            levels.iter().zip(totals).enumerate().map(row).collect()
        };
        let price = |levels: &[Level]| levels.first().map(|level| level.price);
        Self {
            state: book.state,
            bids: rows(&book.bids, &bid_totals),
            asks: rows(&book.asks, &ask_totals),
            spread: price(&best.bids).zip(price(&best.asks)).and_then(|(bid, ask)| spread(bid, ask, form.decimals.0)),
        }
    }
}

/// Returns the book's state as a word for the reader.
pub fn proof(state: BookState) -> &'static str {
    match state {
        BookState::Live => "proof ok",
        BookState::Unverified => "unverified",
        BookState::Polled => "by REST",
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

fn row(
    level: &Level,
    (total, largest): (Quantity, Quantity),
    (own_paid, all_paid): (Option<Notional>, Option<Notional>),
    is_partial: bool,
    BookForm { decimals: (price_decimals, size_decimals), unit }: BookForm,
) -> BookRow {
    let at_least = if is_partial { "≥\u{202f}" } else { "" };
    let share = total.to_f64_lossy() / largest.to_f64_lossy() * 100.0;
    let (size, total) = match unit {
        SizeUnit::Base => (format::quantity(level.quantity, size_decimals), format::quantity(total, size_decimals)),
        SizeUnit::Quote => (format::paid(own_paid), format::paid(all_paid)),
    };
    BookRow {
        price: format::price(level.price, price_decimals),
        price_value: level.price.to_string(),
        size: format!("{at_least}{size}"),
        size_value: level.quantity.to_string(),
        total: format!("{at_least}{total}"),
        fill_percent: share.round() as u8,
        is_partial,
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

    fn book(bids: &[(&str, &str)], asks: &[(&str, &str)]) -> BookData {
        BookData { state: BookState::Live, bids: levels(bids), asks: levels(asks), ..BookData::default() }
    }

    fn form(price_decimals: u32, size_decimals: u32) -> BookForm {
        BookForm { decimals: (price_decimals, size_decimals), unit: SizeUnit::Base }
    }

    fn column(rows: &[BookRow]) -> Vec<String> {
        rows.iter().map(|row| format!("{} {} {} {}", row.price, row.size, row.total, row.fill_percent)).collect()
    }

    #[test]
    fn totals_run_from_the_best_row() {
        let book = book(&[("99.5", "1"), ("99.0", "2.5")], &[("100.5", "3"), ("101.0", "4")]);
        let view = BookView::new(&book, &book, false, 10, form(2, 1));
        assert_eq!(column(&view.bids), ["99.50 1.0 1.0 14", "99.00 2.5 3.5 50"]);
        assert_eq!(column(&view.asks), ["100.50 3.0 3.0 43", "101.00 4.0 7.0 100"]);
        assert_eq!(view.spread, Some(("1.00".into(), "100\u{202f}bps".into())));
        assert_eq!(proof(view.state), "proof ok");
        let paid = BookView::new(&book, &book, false, 10, BookForm { unit: SizeUnit::Quote, ..form(2, 1) });
        assert_eq!(column(&paid.bids), ["99.50 99.5 99.5 14", "99.00 248 347 50"]);
    }

    #[test]
    fn rows_are_as_many_as_fit() {
        let deep: Vec<(String, &str)> = (0..20).map(|row_idx| (format!("{}", 100 - row_idx), "1")).collect();
        let deep: Vec<(&str, &str)> = deep.iter().map(|(price, size)| (price.as_str(), *size)).collect();
        let book = book(&deep, &[]);
        for (n_rows, expected) in [(0, 0), (7, 7), (20, 20), (50, 20)] {
            let view = BookView::new(&book, &book, false, n_rows, form(0, 0));
            assert_eq!((view.bids.len(), view.asks.len(), view.spread), (expected, 0, None));
            assert!(view.bids.last().is_none_or(|row| row.fill_percent == 100), "of the rows in view");
        }
        let empty = BookData::default();
        assert_eq!(BookView::new(&empty, &empty, true, 10, form(0, 0)), BookView::default());
    }

    #[test]
    fn the_spread_of_groups_is_that_of_the_best_prices() {
        let groups = book(&[("99.95", "3")], &[("100.05", "3")]);
        let best = book(&[("99.98", "1")], &[("100.01", "1")]);
        let view = BookView::new(&groups, &best, true, 10, form(2, 0));
        assert_eq!(view.spread.map(|(text, _)| text).as_deref(), Some("0.03"));
    }

    #[test]
    fn a_group_that_may_contain_more_says_so() {
        let rows: Vec<String> = (0..LADDER_DEPTH).map(|row_idx| (1_000 - row_idx * 10).to_string()).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|price| (price.as_str(), "1")).collect();
        let of = |n_groups: usize, is_grouped: bool, n_rows: usize| {
            let book = book(&rows[..n_groups], &[]);
            let view = BookView::new(&book, &book, is_grouped, n_rows, form(0, 0));
            view.bids.last().map(|row| (row.size.replace('\u{202f}', " "), row.is_partial))
        };
        assert_eq!(of(3, true, 10), Some(("≥ 1".to_owned(), true)));
        assert_eq!(of(3, false, 10), Some(("1".to_owned(), false)), "levels are whole");
        assert_eq!(of(LADDER_DEPTH, true, 60), Some(("1".to_owned(), false)), "cut off by the limit");
        assert_eq!(of(30, true, 10), Some(("1".to_owned(), false)), "cut off by the space");
    }
}
