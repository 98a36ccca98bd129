//! The true state of a recorded market: its books, its trades, its clock, after every frame played so far.
//!
//! Tests compare the product's books with this one, so it shares neither parser nor book with the product: a [`Ladder`] a
//! symbol, and the rules of the venue's documentation. Faults never reach it.

use std::collections::BTreeMap;

use super::{market::Depth, note::Note};
use crate::{
    bars::Print,
    ladder::{Ladder, Row},
};

/// A book by the venue's own rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TrueBook {
    ladder: Ladder,
    last_update_id: Option<u64>,
    n_gaps: u64,
}

impl TrueBook {
    /// The book of a REST answer.
    pub(super) fn from_snapshot(last_update_id: u64, bids: &[Row], asks: &[Row]) -> Self {
        Self { ladder: Ladder::of(bids, asks), last_update_id: Some(last_update_id), n_gaps: 0 }
    }

    /// Applies an event; one that is wholly older than the book changes nothing.
    pub(super) fn apply(&mut self, first: u64, last: u64, bids: &[Row], asks: &[Row]) {
        if let Some(own) = self.last_update_id {
            if last <= own {
                return;
            }
            self.n_gaps += u64::from(first > own + 1);
        }
        self.ladder.set(bids, asks);
        self.last_update_id = Some(last);
    }

    /// At most `depth` rows a side, best first.
    pub(super) fn depth(&self, depth: usize) -> Depth {
        let (bids, asks) = self.ladder.top(depth);
        Depth {
            last_update_id: self.last_update_id.unwrap_or(0),
            bids,
            asks,
            n_bids: self.ladder.bids().len(),
            n_asks: self.ladder.asks().len(),
            n_gaps: self.n_gaps,
        }
    }
}

/// One symbol's true state.
#[derive(Clone, Debug, Default)]
pub(super) struct SymbolState {
    /// Its book.
    pub(super) book: TrueBook,
    /// Its trades so far, oldest first.
    pub(super) prints: Vec<Print>,
    /// Its last bookTicker: update id, bid, ask.
    pub(super) ticker: Option<(u64, Row, Row)>,
}

/// All symbols' true state.
#[derive(Clone, Debug, Default)]
pub(super) struct Oracle {
    by_symbol: BTreeMap<String, SymbolState>,
    /// Venue time of the last frame that had one.
    pub(super) now_ms: i64,
}

impl Oracle {
    /// Books as the recording's REST answers have them; nothing else known.
    pub(super) fn new(books: impl IntoIterator<Item = (String, TrueBook)>) -> Self {
        let state = |(symbol, book)| (symbol, SymbolState { book, ..SymbolState::default() });
        Self { by_symbol: books.into_iter().map(state).collect(), now_ms: 0 }
    }

    /// One symbol's state.
    pub(super) fn find(&self, symbol: &str) -> Option<&SymbolState> {
        self.by_symbol.get(symbol)
    }

    /// A frame is played. `wants_aggregates` where the recording has no single trades of the symbol.
    pub(super) fn learn(&mut self, note: &Note, event_ms: Option<i64>, wants_aggregates: bool) {
        self.now_ms = self.now_ms.max(event_ms.unwrap_or(0));
        let Some(state) = note.symbol().map(|symbol| self.by_symbol.entry(symbol.to_owned()).or_default()) else {
            return;
        };
        match note {
            Note::Depth { first, last, bids, asks, .. } => state.book.apply(*first, *last, bids, asks),
            Note::Print { is_aggregate, print, .. } if *is_aggregate == wants_aggregates => {
                state.prints.push(print.clone());
            }
            Note::Ticker { update_id, bid, ask, .. } => {
                state.ticker = Some((*update_id, bid.clone(), ask.clone()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::rows;

    #[test]
    fn follows_the_venues_rules() {
        let mut book = TrueBook::from_snapshot(10, &rows(&[("9.0", "1"), ("8.0", "1")]), &rows(&[("10.0", "1")]));
        book.apply(5, 10, &rows(&[("9.5", "7")]), &[]);
        assert_eq!(book.depth(5).bids, rows(&[("9.0", "1"), ("8.0", "1")]));
        book.apply(9, 12, &rows(&[("9.5", "7"), ("8.00", "0"), ("1", "0")]), &rows(&[("10.00", "2.50")]));
        let seen = book.depth(1);
        assert_eq!((seen.bids, seen.asks), (rows(&[("9.5", "7")]), rows(&[("10.00", "2.50")])));
        assert_eq!((seen.last_update_id, seen.n_bids, seen.n_gaps), (12, 2, 0));
        book.apply(14, 14, &[], &[]);
        assert_eq!((book.depth(1).last_update_id, book.depth(1).n_gaps), (14, 1));
    }
}
