//! The market interface for venue protocols, whether recorded, simulated, or provided by a test.
//!
//! Symbols are the venue's own. Not here: any venue's message formats, and reading recordings.

use std::{borrow::Cow, sync::Arc};

use model::time::Timestamp;

use crate::{
    bars::{Bar, BarQuery, Print},
    ladder::{Ladder, Row},
    made_up::MadeUp,
    venue::Frame,
};

/// A tradable pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// In the venue's spelling.
    pub symbol: String,
    /// The base asset.
    pub base: String,
    /// The quote asset.
    pub quote: String,
    /// Decimals of its prices.
    pub price_decimals: usize,
    /// Decimals of its quantities.
    pub quantity_decimals: usize,
}

/// A market with its true state. Only books are required; a market without trades returns nothing for the rest.
pub trait Market: Send {
    /// Returns everything listed.
    fn pairs(&self) -> &[Pair];

    /// Returns the true book now, if known.
    fn ladder(&self, symbol: &str) -> Option<Cow<'_, Ladder>>;

    /// Returns the best rows of the true book, at most `depth` a side; none if the book is unknown.
    fn top(&self, symbol: &str, depth: usize) -> (Vec<Row>, Vec<Row>) {
        self.ladder(symbol).map(|ladder| ladder.top(depth)).unwrap_or_default()
    }

    /// Returns the number of the last change in the book, on venues that number them.
    fn update_id(&self, _symbol: &str) -> u64 {
        0
    }

    /// Returns the venue's clock.
    fn now(&self) -> Timestamp;

    /// Advances to a frame of the recording, or to a slot. Returns the recorded frame; `None` if the venue must encode
    /// the changes.
    fn advance(&mut self, step: u64) -> Option<Played>;

    /// Returns the pair of a symbol.
    fn pair(&self, symbol: &str) -> Option<&Pair> {
        self.pairs().iter().find(|pair| pair.symbol == symbol)
    }

    /// Returns the true book at an update id and that id, if the history is kept.
    fn ladder_at(&self, _symbol: &str, _update_id: u64) -> Option<(Ladder, u64)> {
        None
    }

    /// Returns the newest trades, at most `limit`, oldest first.
    fn prints(&self, _symbol: &str, _limit: usize) -> Vec<Print> {
        Vec::new()
    }

    /// Returns bars, oldest first; the last one may still be forming.
    fn bars(&self, _symbol: &str, _query: &BarQuery) -> Vec<Bar> {
        Vec::new()
    }

    /// Returns all bars that have trades, or as many as the control endpoint shows.
    fn shown_bars(&self, symbol: &str, length_ms: i64) -> Vec<Bar> {
        self.bars(symbol, &BarQuery::newest(length_ms, SHOWN_BARS))
    }

    /// Returns the bar of the last trade and, if that trade is its first, also the bar that has just ended.
    fn running(&self, _symbol: &str, _length_ms: i64) -> Vec<Bar> {
        Vec::new()
    }

    /// Returns the bar of the last 24 hours.
    fn day(&self, _symbol: &str) -> Option<Bar> {
        None
    }

    /// Returns the body of a recorded REST answer whose path ends with `path_end`, with these parameters.
    fn recorded_answer(&self, _path_end: &str, _parameters: &[(&str, &str)]) -> Option<&str> {
        None
    }

    /// Returns the recorded entries for a snapshot on a stream, in order; `None` if the stream was not recorded.
    fn recorded_entries(&self, _stream: &str) -> Option<Vec<&str>> {
        None
    }

    /// Returns what a recording revealed about a symbol's book.
    fn recorded_book(&self, _symbol: &str) -> RecordedBook {
        RecordedBook::default()
    }

    /// Returns to the start of a recording.
    fn reset(&mut self) {}

    /// Returns when each frame of a recording is due, in order; `None` for a market that generates its own.
    fn due(&self) -> Option<Arc<[std::time::Duration]>> {
        None
    }

    /// Returns the simulated market, if it is one.
    fn made_up(&self) -> Option<&MadeUp> {
        None
    }
}

/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;

/// A recorded frame that was played.
#[derive(Clone, Debug)]
pub struct Played {
    pub(crate) symbol: String,
    pub(crate) frame: Arc<Frame>,
    pub(crate) kind: PlayedKind,
}

/// The subject of a recorded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlayedKind {
    BookSnapshot,
    BookUpdate,
    /// A book whose snapshot has not arrived yet.
    UnknownBook,
    Trades,
    Other,
}

/// A symbol's book, as far as a recording reveals it.
#[derive(Clone, Debug, Default)]
pub struct RecordedBook {
    /// Gaps in the numbers of changes.
    pub(crate) n_gaps: u64,
    /// Recorded checksums that differed from the true book's.
    pub(crate) n_bad_checksums: u64,
    /// The last best prices recorded separately from the book: update id, bid, ask.
    pub(crate) ticker: Option<(u64, Row, Row)>,
}
