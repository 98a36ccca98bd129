//! The state each lane has published of an instrument's book: the best levels or groups a side, and the state.
//!
//! Not here: the book, which the venue session owns and lends at each turn; groups ([`crate::ladder`]). A book whose
//! state is not served publishes only its state; the first served delta after that carries all levels (see
//! [`BookData::merge_to`]).

use model::{
    proof::TrackedBook,
    time::{Now, Timestamp},
};
use topics::channels::book::BookData;

use crate::digits::Digits;

/// The state published on one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct BookLane {
    published: BookData,
    /// Revision of the book at the last turn.
    seen: Option<u64>,
}

impl BookLane {
    /// Returns what has changed of `current`, a book of at most `depth` levels a side. New times and sequence numbers
    /// alone do not count.
    pub(crate) fn turn(
        &mut self,
        (book, revision): (Option<&TrackedBook>, u64),
        depth: usize,
        current: impl FnOnce(&TrackedBook) -> BookData,
        now: Now,
    ) -> Option<BookData> {
        if self.seen == Some(revision) {
            return None;
        }
        self.seen = Some(revision);
        let current = book.map(current).unwrap_or_default();
        let delta = self.published.diff_to(&current, depth)?;
        if delta.state == self.published.state && delta.bids.is_empty() && delta.asks.is_empty() {
            return None;
        }
        let delta = BookData { publish_time_us: Some(now.wall.as_micros()), ..delta };
        self.published.merge_to(&delta, depth);
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
        bids: book.book.bids().take(depth).map(|row| digits.level(row)).collect(),
        asks: book.book.asks().take(depth).map(|row| digits.level(row)).collect(),
        ..heading(book)
    }
}

/// Returns the book's state and times, without levels.
pub(crate) fn heading(book: &TrackedBook) -> BookData {
    BookData {
        state: book.state,
        venue_time_ms: book.event_time.map(Timestamp::as_millis),
        receive_time_us: book.receive_time.map(Timestamp::as_micros),
        last_update_id: book.last_update_id,
        ..BookData::default()
    }
}

#[cfg(test)]
mod tests {
    use model::proof::BookState;
    use topics::{limits::BOOK_DEPTH, payload::Merge};

    use super::*;
    use crate::testing::{level, now_at};

    fn turn(lane: &mut BookLane, book: &TrackedBook, revision: u64, seconds: u64) -> Option<BookData> {
        let current = |book: &TrackedBook| current(book, BOOK_DEPTH, Digits::default());
        lane.turn((Some(book), revision), BOOK_DEPTH, current, now_at(seconds))
    }

    #[test]
    fn publishes_changed_levels_and_looks_only_after_a_change() {
        let (mut lane, mut book) =
            (BookLane::default(), TrackedBook { state: BookState::Live, ..TrackedBook::default() });
        book.book.apply_snapshot(&[level("10", "1"), level("9", "1")], &[level("11", "1")]);
        let first = turn(&mut lane, &book, 1, 0).unwrap();
        assert_eq!((first.bids.len(), first.asks.len()), (2, 1));
        book.book.apply_delta(&[level("10", "0")], &[]);
        assert_eq!(turn(&mut lane, &book, 1, 1), None, "not told that it changed");
        let second = turn(&mut lane, &book, 2, 2).unwrap();
        assert_eq!((second.bids, second.asks), (vec![level("10", "0")], vec![]));
        book.last_update_id = Some(7);
        assert_eq!(turn(&mut lane, &book, 3, 3), None, "a number alone is no change");
    }

    #[test]
    fn a_book_that_is_not_served_shows_no_levels_and_comes_back_whole() {
        let (mut lane, mut book) =
            (BookLane::default(), TrackedBook { state: BookState::Live, ..TrackedBook::default() });
        book.book.apply_snapshot(&[level("10", "1"), level("9", "1")], &[level("11", "1")]);
        turn(&mut lane, &book, 1, 0);
        book.state = BookState::Suspect;
        book.book.apply_delta(&[level("10", "5")], &[]);
        let delta = turn(&mut lane, &book, 2, 1).unwrap();
        assert_eq!((delta.state, delta.bids.len(), delta.asks.len()), (BookState::Suspect, 0, 0));
        let mut joined = lane.snapshot();
        assert_eq!((joined.bids.len(), joined.asks.len()), (0, 0));
        book.state = BookState::Live;
        let delta = turn(&mut lane, &book, 3, 2).unwrap();
        joined.merge(&delta);
        assert_eq!(joined, lane.snapshot());
        assert_eq!(joined.bids, [level("10", "5"), level("9", "1")]);
    }
}
