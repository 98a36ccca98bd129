//! What a venue's protocol needs to know of a market, whether recorded, made up, or a test's own.
//!
//! Symbols are the venue's own. Not here: any venue's shapes, and how a recording is read.

use std::{borrow::Cow, sync::Arc};

use model::time::Timestamp;

use crate::{
    bars::{Bar, BarQuery, Print},
    ladder::{Ladder, Row},
    made_up::MadeUp,
    venue::Frame,
};

/// Something that is traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// As the venue spells it.
    pub symbol: String,
    /// What is bought and sold.
    pub base: String,
    /// What it is paid with.
    pub quote: String,
    /// Decimals of its prices.
    pub price_decimals: usize,
    /// Decimals of its quantities.
    pub quantity_decimals: usize,
}

/// A market with its true state. Only books must be had; a market without trades answers the rest with nothing.
pub trait Market: Send {
    /// Returns everything listed.
    fn pairs(&self) -> &[Pair];

    /// Returns the true book now, as far as it is known.
    fn ladder(&self, symbol: &str) -> Option<Cow<'_, Ladder>>;

    /// Returns the best rows of the true book, at most `depth` a side; none of a book that is not known.
    fn top(&self, symbol: &str, depth: usize) -> (Vec<Row>, Vec<Row>) {
        self.ladder(symbol).map(|ladder| ladder.top(depth)).unwrap_or_default()
    }

    /// Returns the number of the last change in the book, on venues that number them.
    fn update_id(&self, _symbol: &str) -> u64 {
        0
    }

    /// Returns the venue's clock.
    fn now(&self) -> Timestamp;

    /// Goes on to a frame of the recording, or to a slot. Returns what was recorded there; `None` where the venue has to
    /// encode what changed.
    fn advance(&mut self, step: u64) -> Option<Played>;

    /// Returns the pair of a symbol.
    fn pair(&self, symbol: &str) -> Option<&Pair> {
        self.pairs().iter().find(|pair| pair.symbol == symbol)
    }

    /// Returns the true book at an update id and that id, where the past is known.
    fn ladder_at(&self, _symbol: &str, _update_id: u64) -> Option<(Ladder, u64)> {
        None
    }

    /// Returns the newest trades, at most `limit`, oldest first.
    fn prints(&self, _symbol: &str, _limit: usize) -> Vec<Print> {
        Vec::new()
    }

    /// Returns bars, oldest first; the last one may still form.
    fn bars(&self, _symbol: &str, _query: &BarQuery) -> Vec<Bar> {
        Vec::new()
    }

    /// Returns all bars in which something was traded, or as many as the control endpoint shows.
    fn shown_bars(&self, symbol: &str, length_ms: i64) -> Vec<Bar> {
        self.bars(symbol, &BarQuery::newest(length_ms, SHOWN_BARS))
    }

    /// Returns the bar that the last trade belongs to and, when that is its first, the bar that has just ended.
    fn running(&self, _symbol: &str, _length_ms: i64) -> Vec<Bar> {
        Vec::new()
    }

    /// Returns the bar of the last 24 hours.
    fn day(&self, _symbol: &str) -> Option<Bar> {
        None
    }

    /// Returns the body of a recorded REST answer whose path ends so, with these parameters.
    fn recorded_answer(&self, _path_end: &str, _parameters: &[(&str, &str)]) -> Option<&str> {
        None
    }

    /// Returns the recorded entries for a snapshot on a stream, in order; `None` where the stream was not recorded.
    fn recorded_entries(&self, _stream: &str) -> Option<Vec<&str>> {
        None
    }

    /// Returns what a recording showed about a symbol's book.
    fn recorded_book(&self, _symbol: &str) -> RecordedBook {
        RecordedBook::default()
    }

    /// Goes back to the start of a recording.
    fn reset(&mut self) {}

    /// Returns when each frame of a recording is due, in order; `None` for a market that makes its own way.
    fn due(&self) -> Option<Arc<[std::time::Duration]>> {
        None
    }

    /// Returns the made-up market, where it is one.
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

/// What a recorded frame was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlayedKind {
    BookSnapshot,
    BookUpdate,
    /// About a book whose snapshot has not come yet.
    UnknownBook,
    Trades,
    Other,
}

/// What a recording showed about a symbol's book.
#[derive(Clone, Debug, Default)]
pub struct RecordedBook {
    /// Gaps in the numbers of changes.
    pub(crate) n_gaps: u64,
    /// Recorded checksums that were not those of the true book.
    pub(crate) n_bad_checksums: u64,
    /// The last best prices that were recorded beside the book: update id, bid, ask.
    pub(crate) ticker: Option<(u64, Row, Row)>,
}
