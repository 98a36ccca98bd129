//! Kraken's side of the line: no numbers, a checksum in every frame, snapshots by subscribing again.
//!
//! Not here: what happens to them on the way ([`crate::line`]).

use std::collections::VecDeque;

use model::proof::TrackedBook;
use serde_json::Value;
use venues::{
    backoff::Jitter,
    session::{HttpRequest, Output},
};

use crate::{
    kraken_support::{DEPTH, HEARTBEAT, STATUS, VenueBook, acknowledgements},
    ladder::{Sides, below, first_book, walk},
    rest,
    venue::{Frame, Heard, Venue, VenueOutput},
};

pub(crate) struct Kraken {
    random: Jitter,
    books: [VenueBook; 2],
    is_subscribed: [bool; 2],
    n_frames: u64,
}

impl Kraken {
    fn frame(&mut self, symbol: usize, text: String) -> VenueOutput {
        self.n_frames += 1;
        VenueOutput::Frame(Frame { text, number: self.n_frames, symbol: Some(symbol) })
    }
}

impl Venue for Kraken {
    const NAME: &'static str = "kraken";
    const SYMBOLS: [&'static str; 2] = ["AAA/BBB", "CCC/DDD"];
    const DECIMALS: (u32, u32) = (1, 8);
    const DEPTH: usize = DEPTH;
    const SPACING_MS: u64 = 500;
    const DEADLINE_MS: u64 = 5_000;
    const MESSAGE_WAIT_MS: u64 = 500;
    const HAS_FIRST_SNAPSHOT: bool = true;
    // A side may be left out: the checksum tells whether something was in it.
    const REQUIRED: &'static [&'static str] = &["channel", "type", "data", "symbol", "checksum", "price", "qty"];

    fn new(random: Jitter) -> Self {
        let mut book = VenueBook::default();
        book.sides = first_book();
        Self { random, books: [book.clone(), book], is_subscribed: [false; 2], n_frames: 0 }
    }

    fn books(&self) -> [&Sides; 2] {
        [&self.books[0].sides, &self.books[1].sides]
    }

    fn connected(&mut self) {
        self.is_subscribed = [false; 2];
    }

    fn go_on(&mut self) -> Vec<VenueOutput> {
        let symbol = usize::from(below(&mut self.random, 2) == 1);
        let mut said = vec![VenueOutput::Surely(HEARTBEAT.to_owned())];
        walk(&mut self.random, &mut self.books[symbol].sides);
        if self.is_subscribed[symbol] {
            let text = self.books[symbol].update(Self::SYMBOLS[symbol]);
            said.push(self.frame(symbol, text));
        }
        said
    }

    fn take(&mut self, text: &str) -> Vec<VenueOutput> {
        let message: Value = serde_json::from_str(text).unwrap();
        let mut said = vec![VenueOutput::Surely(STATUS.to_owned())];
        said.extend(acknowledgements(&message).into_iter().map(VenueOutput::Surely));
        for symbol in books_of(&message) {
            self.is_subscribed[symbol] = message["method"] == "subscribe";
            if self.is_subscribed[symbol] {
                let text = self.books[symbol].snapshot(Self::SYMBOLS[symbol]);
                said.push(self.frame(symbol, text));
            }
        }
        said
    }

    fn asked(output: &Output) -> Vec<usize> {
        let Output::Send(_, text) = output else { return Vec::new() };
        let message: Value = serde_json::from_str(text).unwrap();
        if message["method"] == "subscribe" { books_of(&message) } else { Vec::new() }
    }

    fn answer(&mut self, request: &HttpRequest, _: &VecDeque<(u64, [Sides; 2])>) -> (u16, String) {
        (200, rest::answer(Self::NAME, request))
    }

    fn standing(symbol: usize, _: &TrackedBook, heard: &Heard) -> u64 {
        heard.last_whole[symbol]
    }
}

/// Symbols whose books a message is about.
fn books_of(message: &Value) -> Vec<usize> {
    if message["params"]["channel"] != "book" {
        return Vec::new();
    }
    let named = message["params"]["symbol"].as_array().unwrap();
    (0..2).filter(|symbol| named.iter().any(|name| name == Kraken::SYMBOLS[*symbol])).collect()
}
