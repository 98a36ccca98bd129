//! Kraken on the bad line: no numbers, a checksum in every frame, snapshots by subscribing again.

use model::proof::TrackedBook;
use serde_json::Value;
use venues::session::Output;

use super::venue::{Heard, Numbering, Venue, named};

pub(crate) struct Kraken;

impl Venue for Kraken {
    const NAME: &'static str = "kraken";
    const SYMBOLS: [&'static str; 2] = ["AAA/BBB", "CCC/DDD"];
    const PATH: &'static str = "/v2";
    const DECIMALS: (u32, u32) = (1, 8);
    // Fewer rows than the book has: errors beyond them show soon.
    const DEPTH: usize = 10;
    const NUMBERING: Numbering = Numbering::Counted;
    const SPACING_MS: u64 = 500;
    const DEADLINE_MS: u64 = 5_000;
    const MESSAGE_WAIT_MS: u64 = 500;
    const HAS_FIRST_SNAPSHOT: bool = true;
    // A side may be missing: the checksum reveals whether it had changes.
    const REQUIRED: &'static [&'static str] = &["channel", "type", "data", "symbol", "checksum", "price", "qty"];

    fn asked(output: &Output) -> Vec<usize> {
        let Output::Send(_, text) = output else { return Vec::new() };
        let message: Value = serde_json::from_str(text).unwrap();
        let is_book = message["method"] == "subscribe" && message["params"]["channel"] == "book";
        if is_book { named::<Self>(&message["params"]["symbol"]) } else { Vec::new() }
    }

    fn standing(symbol: usize, _: &TrackedBook, heard: &Heard) -> u64 {
        heard.last_whole[symbol]
    }
}
