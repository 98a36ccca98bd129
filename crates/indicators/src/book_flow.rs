//! The figures of the order book over a bar, from its successive best levels.
//!
//! Not here: the book itself, and when a bar begins (`market`).

use crate::bar::BookFigures;

/// Best prices and sizes, and the base units on the best levels of each side.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Top {
    bid: f64,
    bid_size: f64,
    ask: f64,
    ask_size: f64,
    bids_size: f64,
    asks_size: f64,
}

/// Follows the best levels of a book.
#[derive(Clone, Debug, Default)]
pub struct BookFlow {
    top: Option<Top>,
    flow: f64,
    /// True if a verified book was seen from the start of the bar.
    is_whole: bool,
}

impl BookFlow {
    /// Starts without a book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the best bid and ask with their sizes, and the base units on the best levels of each side; after every
    /// change of the book. Figures that are not numbers are ignored.
    pub fn on_top(&mut self, bid: f64, bid_size: f64, ask: f64, ask_size: f64, bids_size_sum: f64, asks_size_sum: f64) {
        let top = Top { bid, bid_size, ask, ask_size, bids_size: bids_size_sum, asks_size: asks_size_sum };
        let all = [bid, bid_size, ask, ask_size, bids_size_sum, asks_size_sum];
        if !all.iter().all(|value| value.is_finite()) {
            return;
        }
        if let Some(before) = self.top.replace(top) {
            self.flow += bid_flow(&before, &top) - ask_flow(&before, &top);
        }
    }

    /// Forgets the book: it is gone or not verified. The bar has no figures, nor has the next one that begins without a
    /// book.
    pub fn on_no_book(&mut self) {
        self.top = None;
        self.is_whole = false;
    }

    /// Begins a bar with the book as it is.
    pub fn begin_bar(&mut self) {
        self.flow = 0.0;
        self.is_whole = self.top.is_some();
    }

    /// Returns the figures of the bar so far; `None` unless a book was there from its start on.
    pub fn figures(&self) -> Option<BookFigures> {
        let top = self.top.filter(|_| self.is_whole)?;
        // A side without size gives nothing to weigh with.
        let share = |a: f64, b: f64| if a + b > 0.0 { (a - b) / (a + b) } else { 0.0 };
        let best = top.bid_size + top.ask_size;
        let microprice = if best > 0.0 {
            (top.bid * top.ask_size + top.ask * top.bid_size) / best
        } else {
            (top.bid + top.ask) / 2.0
        };
        Some(BookFigures { imbalance: share(top.bids_size, top.asks_size), microprice, flow: self.flow })
    }
}

/// Base units added to the best bid: a better price adds all of its size, a worse one removes all that was there.
fn bid_flow(before: &Top, now: &Top) -> f64 {
    let added = if now.bid >= before.bid { now.bid_size } else { 0.0 };
    let removed = if now.bid <= before.bid { before.bid_size } else { 0.0 };
    added - removed
}

/// Base units added to the best ask.
fn ask_flow(before: &Top, now: &Top) -> f64 {
    let added = if now.ask <= before.ask { now.ask_size } else { 0.0 };
    let removed = if now.ask >= before.ask { before.ask_size } else { 0.0 };
    added - removed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Best bid, its size, best ask, its size.
    type Row = (f64, f64, f64, f64);

    #[track_caller]
    fn check(rows: &[Row], flow: f64) {
        let mut book = BookFlow::new();
        for (idx, (bid, bid_size, ask, ask_size)) in rows.iter().copied().enumerate() {
            book.on_top(bid, bid_size, ask, ask_size, bid_size, ask_size);
            if idx == 0 {
                book.begin_bar();
            }
        }
        assert_eq!(book.figures().map(|figures| figures.flow), Some(flow));
    }

    #[test]
    fn flow_counts_what_is_added_to_the_best_levels() {
        check(&[(10.0, 2.0, 11.0, 3.0)], 0.0);
        check(&[(10.0, 2.0, 11.0, 3.0), (10.0, 5.0, 11.0, 3.0)], 3.0);
        check(&[(10.0, 2.0, 11.0, 3.0), (10.5, 1.0, 11.0, 3.0)], 1.0);
        check(&[(10.0, 2.0, 11.0, 3.0), (9.0, 7.0, 11.0, 3.0)], -2.0);
        check(&[(10.0, 2.0, 11.0, 3.0), (10.0, 2.0, 11.0, 8.0)], -5.0);
        check(&[(10.0, 2.0, 11.0, 3.0), (10.0, 2.0, 10.5, 1.0)], -1.0);
        check(&[(10.0, 2.0, 11.0, 3.0), (10.0, 2.0, 12.0, 9.0)], 3.0);
    }

    #[test]
    fn figures_are_those_of_the_last_book() {
        let mut book = BookFlow::new();
        book.on_top(10.0, 1.0, 11.0, 3.0, 6.0, 2.0);
        assert_eq!(book.figures(), None, "the bar began without a book");
        book.begin_bar();
        assert_eq!(book.figures(), Some(BookFigures { imbalance: 0.5, microprice: 10.25, flow: 0.0 }));
        book.on_top(10.0, 0.0, 11.0, 0.0, 0.0, 0.0);
        let figures = book.figures().unwrap();
        assert_eq!((figures.imbalance, figures.microprice), (0.0, 10.5));
        book.on_no_book();
        assert_eq!(book.figures(), None);
        book.on_top(10.0, 1.0, 11.0, 3.0, 6.0, 2.0);
        assert_eq!(book.figures(), None, "a part of the bar had no book");
    }
}
