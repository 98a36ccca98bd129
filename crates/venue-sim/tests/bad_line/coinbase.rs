//! Coinbase's side of the line: one number across all frames of a connection, snapshots as frames among the others.
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
    coinbase_support::{book, numbered, product},
    ladder::{Change, Sides, below, first_book, text, walk},
    rest,
    venue::{Frame, Heard, Venue, VenueOutput},
};

pub(crate) struct Coinbase {
    random: Jitter,
    books: [Sides; 2],
    /// Products whose changes are sent.
    is_sending: [bool; 2],
    /// Snapshots to send after so many frames.
    snapshots: Vec<(u64, usize)>,
    n_connections: u64,
    sequence: u64,
}

fn rows(kind: &str, symbol: usize, changes: impl Iterator<Item = Change>) -> String {
    let rows: Vec<(usize, String, String)> = changes
        .map(|(side, price, quantity)| {
            let quantity = if quantity == 0 { "0".to_owned() } else { text(quantity, 3) };
            (side, text(price.unsigned_abs(), 2), quantity)
        })
        .collect();
    let lent: Vec<(&str, &str, &str)> = rows
        .iter()
        .map(|(side, price, quantity)| (["bid", "offer"][*side], price.as_str(), quantity.as_str()))
        .collect();
    book(kind, Coinbase::SYMBOLS[symbol], &lent)
}

impl Venue for Coinbase {
    const NAME: &'static str = "coinbase";
    const SYMBOLS: [&'static str; 2] = ["AAA-USD", "BBB-USD"];
    const DECIMALS: (u32, u32) = (2, 3);
    const DEPTH: usize = usize::MAX;
    const SPACING_MS: u64 = 100;
    const DEADLINE_MS: u64 = 5_000;
    const MESSAGE_WAIT_MS: u64 = 1_500;
    const HAS_FIRST_SNAPSHOT: bool = true;
    const REQUIRED: &'static [&'static str] =
        &["channel", "sequence_num", "events", "type", "product_id", "updates", "side", "price_level", "new_quantity"];

    fn new(random: Jitter) -> Self {
        Self {
            random,
            books: [first_book(), first_book()],
            is_sending: [false; 2],
            snapshots: Vec::new(),
            n_connections: 0,
            sequence: 0,
        }
    }

    fn books(&self) -> [&Sides; 2] {
        [&self.books[0], &self.books[1]]
    }

    fn connected(&mut self) {
        (self.sequence, self.is_sending) = (0, [false; 2]);
        self.n_connections += 1;
        self.snapshots.clear();
    }

    fn go_on(&mut self) -> Vec<VenueOutput> {
        self.snapshots.iter_mut().for_each(|(wait, _)| *wait -= 1);
        let due = self.snapshots.iter().position(|(wait, _)| *wait == 0).map(|at| self.snapshots.remove(at).1);
        // Others that were due come with one of the next frames.
        self.snapshots.iter_mut().for_each(|(wait, _)| *wait = (*wait).max(1));
        let (channel, events) = if let Some(symbol) = due {
            self.is_sending[symbol] = true;
            let sides = &self.books[symbol];
            let changes =
                (0..2).flat_map(|side| sides[side].iter().map(move |(key, quantity)| (side, key.abs(), *quantity)));
            ("l2_data", rows("snapshot", symbol, changes))
        } else {
            let symbol = usize::from(below(&mut self.random, 2) == 1);
            let changes = walk(&mut self.random, &mut self.books[symbol]);
            if self.is_sending[symbol] {
                ("l2_data", rows("update", symbol, changes.into_iter()))
            } else {
                ("heartbeats", r#"{"heartbeat_counter":1}"#.to_owned())
            }
        };
        let text = numbered(channel, self.sequence, &events);
        let number = self.n_connections * NUMBERS_OF_A_CONNECTION + self.sequence;
        self.sequence += 1;
        vec![VenueOutput::Frame(Frame { text, number, symbol: None })]
    }

    fn take(&mut self, text: &str) -> Vec<VenueOutput> {
        let message: Value = serde_json::from_str(text).unwrap();
        for symbol in products(&message) {
            self.is_sending[symbol] = false;
            self.snapshots.retain(|(_, waiting)| *waiting != symbol);
            if message["type"] == "subscribe" {
                self.snapshots.push((1 + below(&mut self.random, 12), symbol));
            }
        }
        Vec::new()
    }

    fn asked(output: &Output) -> Vec<usize> {
        let Output::Send(_, text) = output else { return Vec::new() };
        let message: Value = serde_json::from_str(text).unwrap();
        if message["type"] == "subscribe" { products(&message) } else { Vec::new() }
    }

    fn answer(&mut self, request: &HttpRequest, _: &VecDeque<(u64, [Sides; 2])>) -> (u16, String) {
        match Self::SYMBOLS.into_iter().find(|symbol| request.path.ends_with(&format!("/{symbol}"))) {
            Some(symbol) => (200, product(symbol, "")),
            None => (200, rest::answer(Self::NAME, request)),
        }
    }

    fn standing(_: usize, _: &TrackedBook, heard: &Heard) -> u64 {
        heard.newest
    }
}

/// Products whose books a message is about.
fn products(message: &Value) -> Vec<usize> {
    if message["channel"] != "level2" {
        return Vec::new();
    }
    let named = message["product_ids"].as_array().unwrap();
    (0..2).filter(|symbol| named.iter().any(|name| name == Coinbase::SYMBOLS[*symbol])).collect()
}

/// Numbers start over with each connection; in the history they do not.
const NUMBERS_OF_A_CONNECTION: u64 = 1_000_000_000;
