//! A venue whose frames are dropped, doubled, swapped, cut and broken: a served book always equals the venue's own.
//!
//! The comparison keeps the venue's books in plain maps of its own: it shares neither parser nor book with the session.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod coinbase_support;
mod support;

use std::collections::BTreeMap;

use coinbase_support::{book, id, numbered};
use support::{Rig, listed};
use venues::{
    backoff::Jitter,
    session::{ConnectionId, Input, Output},
};

const SYMBOLS: [&str; 2] = ["AAA-USD", "BBB-USD"];

/// Rows by price in cents; quantities in thousandths.
type Rows = BTreeMap<u32, u32>;
type Book = (Rows, Rows);

/// The venue: a random walk of two books, the frames of one connection, and its own truth at every number.
struct Venue {
    random: Jitter,
    books: [Book; 2],
    /// Products whose changes are sent.
    is_sending: [bool; 2],
    /// Snapshots to send after so many frames.
    snapshots: Vec<(u32, usize)>,
    sequence: u64,
    past: BTreeMap<u64, [Book; 2]>,
}

impl Venue {
    fn new(seed: u64) -> Self {
        let bids: Rows = (0..40).map(|step| (10_000 - step, 1_000 + step)).collect();
        let asks: Rows = (0..40).map(|step| (10_001 + step, 2_000 + step)).collect();
        let books = [(bids.clone(), asks.clone()), (bids, asks)];
        Self {
            random: Jitter::new(seed),
            books,
            is_sending: [false; 2],
            snapshots: Vec::new(),
            sequence: 0,
            past: BTreeMap::new(),
        }
    }

    fn below(&mut self, limit: u64) -> u32 {
        u32::try_from(self.random.next_u64() % limit).unwrap()
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.random.next_u64().is_multiple_of(one_in)
    }

    /// A new connection: numbers begin anew, nothing is sent unasked.
    fn connect(&mut self) {
        (self.sequence, self.is_sending) = (0, [false; 2]);
        self.snapshots.clear();
        self.past.clear();
    }

    /// Takes in a message of the session.
    fn take(&mut self, text: &str) {
        let message: serde_json::Value = serde_json::from_str(text).unwrap();
        if message["channel"] != "level2" {
            return;
        }
        for (idx, symbol) in SYMBOLS.into_iter().enumerate() {
            if !message["product_ids"].as_array().unwrap().iter().any(|product| product == symbol) {
                continue;
            }
            self.is_sending[idx] = false;
            self.snapshots.retain(|(_, waiting)| *waiting != idx);
            if message["type"] == "subscribe" {
                let wait = 1 + self.below(12);
                self.snapshots.push((wait, idx));
            }
        }
    }

    /// The next frame.
    fn next(&mut self) -> String {
        self.snapshots.iter_mut().for_each(|(wait, _)| *wait -= 1);
        let due = self.snapshots.iter().position(|(wait, _)| *wait == 0).map(|at| self.snapshots.remove(at));
        let (channel, events) = match due {
            Some((_, idx)) => {
                // Others that were due come with one of the next frames.
                self.snapshots.iter_mut().for_each(|(wait, _)| *wait = (*wait).max(1));
                self.is_sending[idx] = true;
                ("l2_data", frame_of("snapshot", idx, &self.books[idx]))
            }
            None => {
                let idx = self.below(2) as usize;
                let changed = self.change(idx);
                if self.is_sending[idx] {
                    ("l2_data", frame_of("update", idx, &changed))
                } else {
                    ("heartbeats", r#"{"heartbeat_counter":1}"#.to_owned())
                }
            }
        };
        let frame = numbered(channel, self.sequence, &events);
        self.past.insert(self.sequence, self.books.clone());
        self.sequence += 1;
        frame
    }

    /// Changes some rows, never so that the book is crossed.
    fn change(&mut self, idx: usize) -> Book {
        let (mut bids, mut asks) = (Rows::new(), Rows::new());
        for _ in 0..=self.below(4) {
            let (distance, quantity) = (self.below(45), if self.chance(3) { 0 } else { 1 + self.below(5_000) });
            let is_bid = self.chance(2);
            let own = &mut self.books[idx];
            if is_bid {
                let price = own.1.first_key_value().map_or(10_000, |(best, _)| best - 1) - distance;
                set(&mut own.0, price, quantity);
                bids.insert(price, quantity);
            } else {
                let price = own.0.last_key_value().map_or(10_001, |(best, _)| best + 1) + distance;
                set(&mut own.1, price, quantity);
                asks.insert(price, quantity);
            }
        }
        (bids, asks)
    }
}

fn set(side: &mut Rows, price: u32, quantity: u32) {
    if quantity == 0 {
        side.remove(&price);
    } else {
        side.insert(price, quantity);
    }
}

fn price_text(price: u32) -> String {
    format!("{}.{:02}", price / 100, price % 100)
}

fn quantity_text(quantity: u32) -> String {
    if quantity == 0 { "0".to_owned() } else { format!("{}.{:03}", quantity / 1_000, quantity % 1_000) }
}

fn frame_of(kind: &str, idx: usize, (bids, asks): &Book) -> String {
    let rows = |word: &'static str, side: &Rows| -> Vec<(&'static str, String, String)> {
        side.iter().map(|(price, quantity)| (word, price_text(*price), quantity_text(*quantity))).collect()
    };
    let rows = [rows("bid", bids), rows("offer", asks)].concat();
    let borrowed: Vec<(&str, &str, &str)> =
        rows.iter().map(|(side, price, quantity)| (*side, price.as_str(), quantity.as_str())).collect();
    book(kind, SYMBOLS[idx], &borrowed)
}

/// Compares each served book with the venue's after frame `number`; returns how many are served.
fn check(rig: &Rig, venue: &Venue, number: u64) -> usize {
    let mut n_served = 0;
    for (idx, symbol) in SYMBOLS.into_iter().enumerate() {
        let tracked = &rig.session.books()[&id(symbol)];
        if !tracked.state.is_served() {
            continue;
        }
        n_served += 1;
        let shown = |levels: Vec<model::event::Level>| -> Vec<(String, String)> {
            levels.iter().map(|level| (level.price.to_string(), level.quantity.to_string())).collect()
        };
        let text = |(price, quantity): (&u32, &u32)| (price_text(*price), quantity_text(*quantity));
        let (bids, asks) = &venue.past[&number][idx];
        assert_eq!(
            shown(tracked.book.bids().collect()),
            bids.iter().rev().map(text).collect::<Vec<_>>(),
            "{symbol} bids at {number}"
        );
        assert_eq!(
            shown(tracked.book.asks().collect()),
            asks.iter().map(text).collect::<Vec<_>>(),
            "{symbol} asks at {number}"
        );
    }
    n_served
}

/// Runs a faulty connection; returns the share of comparisons that found a book served.
fn run(seed: u64, n_frames: usize) -> f64 {
    let mut venue = Venue::new(seed);
    let mut rig = Rig::of("coinbase", &listed(&SYMBOLS));
    let mut connection = ConnectionId(0);
    let mut held: Option<(u64, String)> = None;
    let (mut n_served, mut n_checked) = (0, 0);
    let mut newest = 0;
    let mut resubscribed = Vec::new();
    for _ in 0..n_frames {
        rig.run(100);
        for output in rig.take() {
            match output {
                Output::Send(on, text) if on == connection => {
                    if text.contains("unsubscribe") {
                        resubscribed.push(rig.now_ms);
                    }
                    venue.take(&text);
                }
                _ => {}
            }
        }
        if rig.wanted_connection() != connection && !rig.session.health().is_connected {
            connection = rig.wanted_connection();
            venue.connect();
            (held, newest) = (None, 0);
            rig.input(Input::Connected(connection));
        }
        let number = venue.sequence;
        let frame = venue.next();
        let mut sent = vec![(number, frame)];
        match venue.below(400) {
            0..4 => sent.clear(),
            4..8 => sent.push(sent[0].clone()),
            8..12 => held = sent.pop(),
            12 => {
                // Cut in two: neither half is a frame.
                let (number, whole) = sent.remove(0);
                let half = whole.len() / 2;
                sent = vec![(number, whole[..half].to_owned()), (number, whole[half..].to_owned())];
            }
            13 => sent[0].1 = sent[0].1.replace("\"sequence_num\":", "\"sequence_num\":\"x\","),
            14 => sent[0].1 = sent[0].1.replace("\"new_quantity\":\"", "\"new_quantity\":\"-"),
            15 => sent.insert(0, (number.saturating_sub(1), "garbage".to_owned())),
            16 if venue.chance(3) => {
                rig.close(connection);
                held = None;
                sent.clear();
            }
            _ => sent.extend(held.take()),
        }
        for (number, frame) in sent {
            rig.frame(connection, &frame);
            newest = newest.max(number);
            n_checked += SYMBOLS.len();
            n_served += check(&rig, &venue, newest);
        }
    }
    // Two products, each at most twice in five seconds.
    assert!(resubscribed.windows(5).all(|five| five[4] - five[0] >= 4_900), "{resubscribed:?}");
    n_served as f64 / n_checked as f64
}

#[test]
fn a_served_book_always_equals_the_venues() {
    let n_seeds = 8_u32;
    let share = (0..n_seeds).map(|seed| run(u64::from(seed), 1_500)).sum::<f64>() / f64::from(n_seeds);
    // A fault every 2.5 s and a snapshot at most every 5 s: without faults it would be all.
    assert!(share > 0.2, "served {share:.3} of the time");
}

#[test]
fn the_comparison_finds_a_wrong_book() {
    let mut venue = Venue::new(1);
    let mut rig = Rig::of("coinbase", &listed(&SYMBOLS));
    let connection = rig.wanted_connection();
    rig.input(Input::Connected(connection));
    rig.run(2_000);
    for output in rig.take() {
        if let Output::Send(_, text) = output {
            venue.take(&text);
        }
    }
    for _ in 0..40 {
        let frame = venue.next();
        rig.frame(connection, &frame);
    }
    let number = venue.sequence - 1;
    assert_eq!(check(&rig, &venue, number), 2);
    venue.past.get_mut(&number).unwrap()[0].0.insert(1, 1);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&rig, &venue, number))).is_err());
}
