//! The line's interface to a venue; each venue has its own file.
//!
//! Not here: the venue's frames and answers, which the simulator encodes ([`super::simulated`]), and the faults applied
//! to them ([`super::line`]).

use model::proof::TrackedBook;
use venues::session::Output;

/// A frame on its way to the session.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) text: String,
    /// Its position in the venue's own history of the books.
    pub(crate) number: u64,
    /// The book it is about, if any.
    pub(crate) symbol: Option<usize>,
}

/// The numbers of the frames delivered so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// The highest number, damaged frames included.
    pub(crate) newest: u64,
    /// For each symbol the number of the last undamaged frame.
    pub(crate) last_whole: Vec<u64>,
}

/// Numbering of the books' history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// The update id under this key of a frame: it numbers changes of a book, with or without readers.
    UpdateId(&'static str),
    /// The number under this key, which counts all frames of a connection.
    Sequence(&'static str),
    /// The frames have no number: the line counts them.
    Counted,
}

/// A venue of the simulator, with two symbols.
pub(crate) trait Venue: 'static {
    const NAME: &'static str;
    const SYMBOLS: [&'static str; 2];
    /// The path of a connection.
    const PATH: &'static str;
    /// Decimals of prices and quantities.
    const DECIMALS: (u32, u32);
    /// Rows a side that the venue's protocol proves, and that it grants.
    const DEPTH: usize;
    const NUMBERING: Numbering;
    /// Time between two changes, in milliseconds.
    const SPACING_MS: u64;
    /// A connection without a sign of life for this many milliseconds is closed.
    const DEADLINE_MS: u64;
    /// The update ids before the first change.
    const FIRST_IDS: [u64; 2] = [0; 2];
    /// The maximum wait of a message for those before it, in milliseconds.
    const MESSAGE_WAIT_MS: u64;
    /// The venue receives a message after up to this many changes.
    const LATENCY_STEPS: u64 = 0;
    /// True if subscribing delivers a snapshot without a separate request.
    const HAS_FIRST_SNAPSHOT: bool;
    /// The required fields of a frame about a book.
    const REQUIRED: &'static [&'static str];

    /// Returns the symbols whose snapshots a message or a request asks for.
    fn asked(output: &Output) -> Vec<usize>;
    /// Returns the number of the latest change in a live book.
    fn standing(symbol: usize, tracked: &TrackedBook, heard: &Heard) -> u64;
}

/// Returns the number under a key of a frame.
pub(crate) fn number_under(key: &str, text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
    rest.split_once([',', '}'])?.0.parse().ok()
}

/// Returns which of the venue's symbols a list in a message names.
pub(crate) fn named<V: Venue>(list: &serde_json::Value) -> Vec<usize> {
    let named = list.as_array().into_iter().flatten().collect::<Vec<_>>();
    (0..2).filter(|symbol| named.iter().any(|name| **name == V::SYMBOLS[*symbol])).collect()
}
