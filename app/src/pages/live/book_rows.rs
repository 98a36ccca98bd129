//! The rows of the order book panel: the best levels of both sides with their running totals.

use model::{
    decimal::{Price, Quantity},
    event::Level,
    proof::BookState,
};
use wire::data::BookData;

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
    /// The total as a share of the larger side's, in per cent.
    pub fill_percent: u8,
}

/// What the panel shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookView {
    /// How far the book can be trusted. Where it is not served the rows are the last good ones.
    pub state: BookState,
    /// Bids, best first.
    pub bids: Vec<BookRow>,
    /// Offers, best first.
    pub asks: Vec<BookRow>,
    /// Difference of the best prices, and the same in per cent of the price.
    pub spread: Option<(String, String)>,
}

impl BookView {
    /// The best [`N_LEVELS`] of each side, with decimals of prices and of sizes.
    pub fn new(book: &BookData, decimals: (u32, u32)) -> Self {
        let totals = |levels: &[Level]| -> Vec<Quantity> {
            let running = levels.iter().take(N_LEVELS).scan(Quantity::ZERO, |total, level| {
                *total = total.checked_add(level.quantity).unwrap_or(*total);
                Some(*total)
            });
            running.collect()
        };
        let (bid_totals, ask_totals) = (totals(&book.bids), totals(&book.asks));
        let largest = bid_totals.last().copied().max(ask_totals.last().copied()).unwrap_or_default();
        let rows = |levels: &[Level], totals: &[Quantity]| {
            levels.iter().zip(totals).map(|(level, total)| row(level, *total, largest, decimals)).collect()
        };
        let best = |levels: &[Level]| levels.first().map(|level| level.price);
        Self {
            state: book.state,
            bids: rows(&book.bids, &bid_totals),
            asks: rows(&book.asks, &ask_totals),
            spread: best(&book.bids).zip(best(&book.asks)).and_then(|(bid, ask)| spread(bid, ask, decimals.0)),
        }
    }

    /// The proof as a word: what a reader may conclude from the book.
    pub fn proof(&self) -> &'static str {
        match self.state {
            BookState::Live => "proof ok",
            BookState::Unverified => "unverified",
            BookState::Suspect | BookState::Resyncing => "resyncing",
            BookState::Buffering => "buffering",
            BookState::Empty => "waiting",
        }
    }
}

/// Difference of two prices, and the same in per cent of their mean; `None` where it does not fit a decimal.
pub fn spread(bid: Price, ask: Price, price_decimals: u32) -> Option<(String, String)> {
    let difference = ask.checked_sub(bid)?;
    let share = difference.to_f64_lossy() / bid.mid(ask)?.to_f64_lossy() * 100.0;
    let share = if share.is_finite() { format!("{share:.3}\u{202f}%") } else { format::UNKNOWN.to_owned() };
    Some((format::price(difference, price_decimals), share))
}

fn row(level: &Level, total: Quantity, largest: Quantity, (price_decimals, size_decimals): (u32, u32)) -> BookRow {
    let share = total.to_f64_lossy() / largest.to_f64_lossy() * 100.0;
    BookRow {
        price: format::price(level.price, price_decimals),
        price_value: level.price.to_string(),
        size: format::quantity(level.quantity, size_decimals),
        size_value: level.quantity.to_string(),
        total: format::quantity(total, size_decimals),
        fill_percent: share.clamp(0.0, 100.0).round() as u8,
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
        let view = BookView::new(&book, (2, 1));
        let column = |rows: &[BookRow]| -> Vec<String> {
            rows.iter().map(|row| format!("{} {} {} {}", row.price, row.size, row.total, row.fill_percent)).collect()
        };
        assert_eq!(column(&view.bids), ["99.50 1.0 1.0 14", "99.00 2.5 3.5 50"]);
        assert_eq!(column(&view.asks), ["100.50 3.0 3.0 43", "101.00 4.0 7.0 100"]);
        assert_eq!(view.spread, Some(("1.00".into(), "1.000\u{202f}%".into())));
        assert_eq!(view.proof(), "proof ok");
    }

    #[test]
    fn deep_books_are_cut_and_empty_ones_are_no_trouble() {
        let deep: Vec<(String, &str)> = (0..20).map(|row_idx| (format!("{}", 100 - row_idx), "1")).collect();
        let deep: Vec<(&str, &str)> = deep.iter().map(|(price, size)| (price.as_str(), *size)).collect();
        let view = BookView::new(&BookData { bids: levels(&deep), ..BookData::default() }, (0, 0));
        assert_eq!((view.bids.len(), view.asks.len(), view.spread), (N_LEVELS, 0, None));
        assert_eq!(view.bids.last().map(|row| row.fill_percent), Some(100));
        assert_eq!(BookView::new(&BookData::default(), (0, 0)), BookView::default());
    }
}
