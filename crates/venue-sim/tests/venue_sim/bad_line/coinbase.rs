//! Coinbase on the bad line: one numbering for all frames of a connection, snapshots as frames among the others.

use model::proof::TrackedBook;
use serde_json::Value;
use venues::session::Output;

use super::venue::{Heard, Numbering, Venue, named};

pub(crate) struct Coinbase;

impl Venue for Coinbase {
    const NAME: &'static str = "coinbase";
    const SYMBOLS: [&'static str; 2] = ["AAA-USD", "BBB-USD"];
    const PATH: &'static str = "/";
    const DECIMALS: (u32, u32) = (2, 3);
    const DEPTH: usize = usize::MAX;
    const NUMBERING: Numbering = Numbering::Sequence("sequence_num");
    const SPACING_MS: u64 = 100;
    const DEADLINE_MS: u64 = 5_000;
    const MESSAGE_WAIT_MS: u64 = 1_500;
    const LATENCY_STEPS: u64 = 12;
    const HAS_FIRST_SNAPSHOT: bool = true;
    const REQUIRED: &'static [&'static str] =
        &["channel", "sequence_num", "events", "type", "product_id", "updates", "side", "price_level", "new_quantity"];

    fn asked(output: &Output) -> Vec<usize> {
        let Output::Send(_, text) = output else { return Vec::new() };
        let message: Value = serde_json::from_str(text).unwrap();
        let is_book = message["type"] == "subscribe" && message["channel"] == "level2";
        if is_book { named::<Self>(&message["product_ids"]) } else { Vec::new() }
    }

    fn standing(_: usize, _: &TrackedBook, heard: &Heard) -> u64 {
        heard.newest
    }
}
