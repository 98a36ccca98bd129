//! The state each lane has published of an instrument's book: the best 20 levels a side and the state.
//!
//! Not here: the book, which the venue session owns and lends at each turn. A book whose state is not served publishes
//! only its state; the first served delta after that carries all levels (see [`BookData::merge`]).

use model::{
    proof::TrackedBook,
    time::{Now, Timestamp},
};
use topics::{channels::book::BookData, limits::BOOK_DEPTH, payload::Merge};

use crate::digits::Digits;

/// The state published on one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct BookLane {
    published: BookData,
    /// Revision of the book at the last turn.
    seen: Option<u64>,
}

impl BookLane {
    /// Returns the changed levels among the best 20, and the state. New times and sequence numbers alone do not count.
    pub(crate) fn turn(
        &mut self,
        (book, revision): (Option<&TrackedBook>, u64),
        digits: Digits,
        now: Now,
    ) -> Option<BookData> {
        if self.seen == Some(revision) {
            return None;
        }
        self.seen = Some(revision);
        let current = book.map(|book| current(book, BOOK_DEPTH, digits)).unwrap_or_default();
        let delta = self.published.diff(&current)?;
        if delta.state == self.published.state && delta.bids.is_empty() && delta.asks.is_empty() {
            return None;
        }
        let delta = BookData { publish_time_us: Some(now.wall.as_micros()), ..delta };
        self.published.merge(&delta);
        Some(delta)
    }

    /// Returns the state published on this lane; without levels if the book is not served.
    pub(crate) fn snapshot(&self) -> BookData {
        let mut data = self.published.clone();
        if !data.state.is_served() {
            data.bids.clear();
            data.asks.clear();
        }
        data
    }
}

/// Returns the best `depth` levels a side, or only the state if the book is not served; without a publish time.
pub(crate) fn current(book: &TrackedBook, depth: usize, digits: Digits) -> BookData {
    let depth = if book.state.is_served() { depth } else { 0 };
    BookData {
        state: book.state,
        bids: book.book.bids().take(depth).map(|row| digits.level(row)).collect(),
        asks: book.book.asks().take(depth).map(|row| digits.level(row)).collect(),
        venue_time_ms: book.event_time.map(Timestamp::as_millis),
        receive_time_us: book.receive_time.map(Timestamp::as_micros),
        publish_time_us: None,
        last_update_id: book.last_update_id,
    }
}

#[cfg(test)]
mod tests {
    use model::proof::BookState;

    use super::*;
    use crate::testing::{level, now_at};

    #[test]
    fn publishes_changed_levels_and_looks_only_after_a_change() {
        let (mut lane, mut book) =
            (BookLane::default(), TrackedBook { state: BookState::Live, ..TrackedBook::default() });
        book.book.apply_snapshot(&[level("10", "1"), level("9", "1")], &[level("11", "1")]);
        let first = lane.turn((Some(&book), 1), Digits::default(), now_at(0)).unwrap();
        assert_eq!((first.bids.len(), first.asks.len()), (2, 1));
        book.book.apply_delta(&[level("10", "0")], &[]);
        assert_eq!(lane.turn((Some(&book), 1), Digits::default(), now_at(1)), None, "not told that it changed");
        let second = lane.turn((Some(&book), 2), Digits::default(), now_at(2)).unwrap();
        assert_eq!((second.bids, second.asks), (vec![level("10", "0")], vec![]));
        book.last_update_id = Some(7);
        assert_eq!(lane.turn((Some(&book), 3), Digits::default(), now_at(3)), None, "a number alone is no change");
    }

    #[test]
    fn a_book_that_is_not_served_shows_no_levels_and_comes_back_whole() {
        let (mut lane, mut book) =
            (BookLane::default(), TrackedBook { state: BookState::Live, ..TrackedBook::default() });
        book.book.apply_snapshot(&[level("10", "1"), level("9", "1")], &[level("11", "1")]);
        lane.turn((Some(&book), 1), Digits::default(), now_at(0));
        book.state = BookState::Suspect;
        book.book.apply_delta(&[level("10", "5")], &[]);
        let delta = lane.turn((Some(&book), 2), Digits::default(), now_at(1)).unwrap();
        assert_eq!((delta.state, delta.bids.len(), delta.asks.len()), (BookState::Suspect, 0, 0));
        let mut joined = lane.snapshot();
        assert_eq!((joined.bids.len(), joined.asks.len()), (0, 0));
        book.state = BookState::Live;
        let delta = lane.turn((Some(&book), 3), Digits::default(), now_at(2)).unwrap();
        joined.merge(&delta);
        assert_eq!(joined, lane.snapshot());
        assert_eq!(joined.bids, [level("10", "5"), level("9", "1")]);
    }
}
