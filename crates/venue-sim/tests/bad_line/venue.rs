//! What the line has to know of a venue; each has a file of its own.
//!
//! Not here: the venue's frames and answers, which the simulator encodes ([`crate::simulated`]), and what becomes of them
//! ([`crate::line`]).

use model::proof::TrackedBook;
use venues::session::Output;

/// A frame on its way to the session.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) text: String,
    /// Its place in the venue's own history of the books.
    pub(crate) number: u64,
    /// The book it is about; `None` where it is about none.
    pub(crate) symbol: Option<usize>,
}

/// What has come through so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// The highest number, damaged frames included.
    pub(crate) newest: u64,
    /// Of each symbol the number of the last frame that was not damaged.
    pub(crate) last_whole: Vec<u64>,
}

/// By what the history of the books is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// The update id under this key of a frame: it numbers changes of a book, whether anybody hears of them or not.
    UpdateId(&'static str),
    /// The number under this key, which counts everything that a connection gets.
    Sequence(&'static str),
    /// Nothing in the frames: the line counts them.
    Counted,
}

/// A venue of the simulator, with two symbols.
pub(crate) trait Venue: 'static {
    const NAME: &'static str;
    const SYMBOLS: [&'static str; 2];
    /// The address of a connection.
    const PATH: &'static str;
    /// Decimals of prices and quantities.
    const DECIMALS: (u32, u32);
    /// Rows a side that the venue's protocol proves, and that it grants.
    const DEPTH: usize;
    const NUMBERING: Numbering;
    /// Between two changes, in milliseconds.
    const SPACING_MS: u64;
    /// A connection without a sign of life for so many milliseconds is given up.
    const DEADLINE_MS: u64;
    /// The update ids before the first change.
    const FIRST_IDS: [u64; 2] = [0; 2];
    /// A message may wait so long for those before it, in milliseconds.
    const MESSAGE_WAIT_MS: u64;
    /// The venue takes a message after up to so many changes.
    const LATENCY_STEPS: u64 = 0;
    /// True where subscribing brings a snapshot without being asked for one.
    const HAS_FIRST_SNAPSHOT: bool;
    /// Members that a frame about a book cannot do without.
    const REQUIRED: &'static [&'static str];

    /// Symbols whose snapshots a message or a request asks for.
    fn asked(output: &Output) -> Vec<usize>;
    /// The number of the latest change in a live book.
    fn standing(symbol: usize, tracked: &TrackedBook, heard: &Heard) -> u64;
}

/// The number under a key of a frame.
pub(crate) fn number_under(key: &str, text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
    rest.split_once([',', '}'])?.0.parse().ok()
}

/// Which of the venue's symbols a list of a message names.
pub(crate) fn named<V: Venue>(list: &serde_json::Value) -> Vec<usize> {
    let named = list.as_array().into_iter().flatten().collect::<Vec<_>>();
    (0..2).filter(|symbol| named.iter().any(|name| **name == V::SYMBOLS[*symbol])).collect()
}
