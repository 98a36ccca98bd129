//! Binance on the bad line: changes numbered by symbol, snapshots by REST from a mirror that may lag.

use model::proof::TrackedBook;
use venues::session::Output;

use super::venue::{Heard, Numbering, Venue};

pub(crate) struct Binance;

impl Venue for Binance {
    const NAME: &'static str = "binance";
    const SYMBOLS: [&'static str; 2] = ["AAABBB", "CCCDDD"];
    const PATH: &'static str = "/stream";
    const DECIMALS: (u32, u32) = (2, 3);
    const DEPTH: usize = usize::MAX;
    const NUMBERING: Numbering = Numbering::UpdateId("u");
    const SPACING_MS: u64 = 100;
    const DEADLINE_MS: u64 = 30_000;
    // Far apart, so that a number identifies the symbol.
    const FIRST_IDS: [u64; 2] = [1_000, 1_000_000_000];
    const MESSAGE_WAIT_MS: u64 = 0;
    const HAS_FIRST_SNAPSHOT: bool = false;
    const REQUIRED: &'static [&'static str] = &["U", "u", "b", "a", "s", "data"];

    fn asked(output: &Output) -> Vec<usize> {
        let Output::Http(request) = output else { return Vec::new() };
        if !request.path.ends_with("/depth") {
            return Vec::new();
        }
        Self::SYMBOLS.iter().position(|symbol| *symbol == request.query[0].1).into_iter().collect()
    }

    fn standing(_: usize, tracked: &TrackedBook, _: &Heard) -> u64 {
        tracked.last_update_id.unwrap_or(0)
    }
}
