//! What a made-up venue has to be able to do; each has a room of its own.
//!
//! Not here: what becomes of what it says ([`crate::line`]).

use std::collections::VecDeque;

use model::proof::TrackedBook;
use venues::{
    backoff::Jitter,
    session::{HttpRequest, Output},
};

use crate::ladder::Sides;

/// What a venue says on a connection.
#[derive(Clone, Debug)]
pub(crate) enum VenueOutput {
    /// Comes as it is, at once.
    Surely(String),
    /// Passes the bad line.
    Frame(Frame),
}

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

/// A made-up venue: it has the books, makes the frames, and answers.
pub(crate) trait Venue {
    const NAME: &'static str;
    const SYMBOLS: [&'static str; 2];
    /// Decimals of prices and quantities.
    const DECIMALS: (u32, u32);
    /// Rows a side that the venue's protocol proves.
    const DEPTH: usize;
    /// Between two frames, in milliseconds.
    const SPACING_MS: u64;
    /// A connection without a sign of life for so many milliseconds is given up.
    const DEADLINE_MS: u64;
    /// Where the books stand before the first frame, where that has a number.
    const FIRST_NUMBERS: &'static [u64] = &[];
    /// A message may wait so long for those before it, in milliseconds.
    const MESSAGE_WAIT_MS: u64;
    /// True where subscribing brings a snapshot without being asked for one.
    const HAS_FIRST_SNAPSHOT: bool;
    /// Members that a frame about a book cannot do without.
    const REQUIRED: &'static [&'static str];

    fn new(random: Jitter) -> Self;
    /// The books as they are.
    fn books(&self) -> [&Sides; 2];
    /// A connection is open.
    fn connected(&mut self) {}
    /// Something changes.
    fn go_on(&mut self) -> Vec<VenueOutput>;
    /// The session sent a message.
    fn take(&mut self, text: &str) -> Vec<VenueOutput>;
    /// Symbols whose snapshots a message or a request asks for.
    fn asked(output: &Output) -> Vec<usize>;
    /// Status and body of an answer; `past` holds the books by number, the newest last.
    fn answer(&mut self, request: &HttpRequest, past: &VecDeque<(u64, [Sides; 2])>) -> (u16, String);
    /// The number at which a live book stands.
    fn standing(symbol: usize, tracked: &TrackedBook, heard: &Heard) -> u64;
}
