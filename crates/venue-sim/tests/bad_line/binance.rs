//! Binance's side of the line: changes numbered by symbol, snapshots by REST from a mirror that may lag.
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
    ladder::{Change, Sides, below, first_book, text, walk},
    rest, support,
    venue::{Frame, Heard, Venue, VenueOutput},
};

pub(crate) struct Binance {
    random: Jitter,
    books: [Sides; 2],
    last_ids: [u64; 2],
}

fn rows(changes: impl Iterator<Item = Change>) -> String {
    let rows: Vec<String> = changes
        .map(|(_, price, quantity)| format!(r#"["{}","{}"]"#, text(price.unsigned_abs(), 2), text(quantity, 3)))
        .collect();
    rows.join(",")
}

fn side_rows(sides: &Sides, side: usize) -> String {
    rows(sides[side].iter().map(|(key, quantity)| (side, key.abs(), *quantity)))
}

impl Venue for Binance {
    const NAME: &'static str = "binance";
    const SYMBOLS: [&'static str; 2] = ["AAABBB", "CCCDDD"];
    const DECIMALS: (u32, u32) = (2, 3);
    const DEPTH: usize = usize::MAX;
    const SPACING_MS: u64 = 100;
    const DEADLINE_MS: u64 = 30_000;
    const FIRST_NUMBERS: &'static [u64] = &[FIRST_SYMBOL, SECOND_SYMBOL];
    const MESSAGE_WAIT_MS: u64 = 0;
    const HAS_FIRST_SNAPSHOT: bool = false;
    const REQUIRED: &'static [&'static str] = &["U", "u", "b", "a", "s", "data"];

    fn new(random: Jitter) -> Self {
        // Far apart, so that a number tells the symbol.
        Self { random, books: [first_book(), first_book()], last_ids: [FIRST_SYMBOL, SECOND_SYMBOL] }
    }

    fn books(&self) -> [&Sides; 2] {
        [&self.books[0], &self.books[1]]
    }

    fn go_on(&mut self) -> Vec<VenueOutput> {
        let symbol = usize::from(below(&mut self.random, 2) == 1);
        let changes = walk(&mut self.random, &mut self.books[symbol]);
        let first_id = self.last_ids[symbol] + 1;
        self.last_ids[symbol] += changes.len() as u64;
        let number = self.last_ids[symbol];
        let side = |side: usize| rows(changes.iter().copied().filter(|change| change.0 == side));
        let text = support::depth_of(Self::SYMBOLS[symbol], first_id, number, &side(0), &side(1));
        vec![VenueOutput::Frame(Frame { text, number, symbol: Some(symbol) })]
    }

    fn take(&mut self, text: &str) -> Vec<VenueOutput> {
        let message: Value = serde_json::from_str(text).unwrap();
        vec![VenueOutput::Surely(format!(r#"{{"result":null,"id":{}}}"#, message["id"]))]
    }

    fn asked(output: &Output) -> Vec<usize> {
        let Output::Http(request) = output else { return Vec::new() };
        if !request.path.ends_with("/depth") {
            return Vec::new();
        }
        Self::SYMBOLS.iter().position(|symbol| *symbol == request.query[0].1).into_iter().collect()
    }

    fn answer(&mut self, request: &HttpRequest, past: &VecDeque<(u64, [Sides; 2])>) -> (u16, String) {
        if request.path.ends_with("/exchangeInfo") {
            return (200, support::exchange_info(&Self::SYMBOLS));
        }
        if !request.path.ends_with("/depth") {
            return (200, rest::answer(Self::NAME, request));
        }
        if below(&mut self.random, 20) == 0 {
            return (503, String::new());
        }
        let symbol = usize::from(request.query[0].1 == Self::SYMBOLS[1]);
        let age = if below(&mut self.random, 4) == 0 { below(&mut self.random, 4) } else { 0 };
        let is_ours = |number: u64| (number >= SECOND_SYMBOL) == (symbol == 1);
        let mut own = past.iter().rev().filter(|(number, _)| is_ours(*number));
        let old = own.nth(usize::try_from(age).unwrap()).map(|(number, books)| (*number, &books[symbol]));
        let (number, book) = old.unwrap_or((self.last_ids[symbol], &self.books[symbol]));
        let (bids, asks) = (side_rows(book, 0), side_rows(book, 1));
        (200, format!(r#"{{"lastUpdateId":{number},"bids":[{bids}],"asks":[{asks}]}}"#))
    }

    fn standing(_: usize, tracked: &TrackedBook, _: &Heard) -> u64 {
        tracked.last_update_id.unwrap_or(0)
    }
}

/// Numbers of the symbols' changes begin behind these.
const FIRST_SYMBOL: u64 = 1_000;
const SECOND_SYMBOL: u64 = 1_000_000_000;
