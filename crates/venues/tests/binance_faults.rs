//! A venue whose frames are dropped, doubled, swapped and broken: a served book always equals the venue's own.
//!
//! The comparison keeps the venue's book in a plain map of its own: it shares neither parser nor book with the session.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod support;

use std::collections::{BTreeMap, VecDeque};

use model::proof::BookState;
use support::{Rig, id, listed};
use venues::{
    backoff::Jitter,
    session::{ConnectionId, Output},
};

/// Rows by price in cents; quantities in thousandths.
type Rows = BTreeMap<u32, u32>;

/// The venue: a random walk of a book, its stream, its snapshots, and its own truth at every id.
struct Venue {
    random: Jitter,
    bids: Rows,
    asks: Rows,
    last_id: u64,
    /// The book at the ids where changes ended.
    past: BTreeMap<u64, (Rows, Rows)>,
}

impl Venue {
    fn new(seed: u64) -> Self {
        let bids = (0..40).map(|step| (10_000 - step, 1_000 + step)).collect();
        let asks = (0..40).map(|step| (10_001 + step, 2_000 + step)).collect();
        let mut venue = Self { random: Jitter::new(seed), bids, asks, last_id: 1_000, past: BTreeMap::new() };
        venue.note();
        venue
    }

    fn note(&mut self) {
        self.past.insert(self.last_id, (self.bids.clone(), self.asks.clone()));
        while self.past.len() > 3_000 {
            self.past.pop_first();
        }
    }

    fn below(&mut self, limit: u64) -> u32 {
        u32::try_from(self.random.next_u64() % limit).unwrap()
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.random.next_u64().is_multiple_of(one_in)
    }

    /// Changes some rows, never so that the book is crossed; returns the frame.
    fn change(&mut self) -> String {
        let first_id = self.last_id + 1;
        let (mut bids, mut asks) = (Rows::new(), Rows::new());
        for _ in 0..=self.below(4) {
            self.last_id += 1;
            let (distance, quantity) = (self.below(45), if self.chance(3) { 0 } else { 1 + self.below(5_000) });
            if self.chance(2) {
                let price = self.asks.first_key_value().map_or(10_000, |(best, _)| best - 1) - distance;
                set(&mut self.bids, price, quantity);
                bids.insert(price, quantity);
            } else {
                let price = self.bids.last_key_value().map_or(10_001, |(best, _)| best + 1) + distance;
                set(&mut self.asks, price, quantity);
                asks.insert(price, quantity);
            }
        }
        self.note();
        support::depth_of("AAABBB", first_id, self.last_id, &rows(&bids), &rows(&asks))
    }

    fn snapshot(&self, age: usize) -> String {
        let (last_id, (bids, asks)) = self.past.iter().rev().nth(age).or(self.past.first_key_value()).unwrap();
        format!(r#"{{"lastUpdateId":{last_id},"bids":[{}],"asks":[{}]}}"#, rows(bids), rows(asks))
    }
}

fn set(side: &mut Rows, price: u32, quantity: u32) {
    if quantity == 0 {
        side.remove(&price);
    } else {
        side.insert(price, quantity);
    }
}

fn rows(side: &Rows) -> String {
    let rows: Vec<String> = side.iter().map(|(price, quantity)| format!("[{}]", row(*price, *quantity))).collect();
    rows.join(",")
}

fn row(price: u32, quantity: u32) -> String {
    format!(r#""{}.{:02}","{}.{:03}""#, price / 100, price % 100, quantity / 1_000, quantity % 1_000)
}

fn check(rig: &Rig, venue: &Venue) -> bool {
    let tracked = rig.book("AAABBB");
    if !tracked.state.is_served() {
        return false;
    }
    let last_id = tracked.last_update_id.unwrap();
    let (bids, asks) = &venue.past[&last_id];
    let shown = |levels: Vec<model::event::Level>| -> Vec<String> {
        levels.iter().map(|level| format!(r#""{}","{}""#, level.price, level.quantity)).collect()
    };
    let falling: Vec<String> = bids.iter().rev().map(|(price, quantity)| row(*price, *quantity)).collect();
    let rising: Vec<String> = asks.iter().map(|(price, quantity)| row(*price, *quantity)).collect();
    assert_eq!(shown(tracked.book.bids().collect()), falling, "bids at {last_id}");
    assert_eq!(shown(tracked.book.asks().collect()), rising, "asks at {last_id}");
    true
}

/// Runs a faulty connection; returns how many frames found the book served.
fn run(seed: u64, n_frames: usize) -> usize {
    let mut venue = Venue::new(seed);
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let mut connection = rig.connect();
    let mut waiting: VecDeque<(u64, Output)> = VecDeque::new();
    let mut held: Option<String> = None;
    let mut n_served = 0;
    let mut snapshots = Vec::new();
    for _ in 0..n_frames {
        rig.run(100);
        for output in rig.take() {
            match output {
                Output::Http(_) => waiting.push_back((rig.now_ms + 50 + u64::from(venue.below(400)), output)),
                Output::Connect { connection: wanted, .. } => connection = wanted,
                _ => {}
            }
        }
        if !rig.session.health().is_connected {
            rig.input(venues::session::Input::Connected(connection));
            acknowledge(&mut rig, connection);
        }
        while waiting.front().is_some_and(|(at, _)| *at <= rig.now_ms) {
            let Some((_, Output::Http(request))) = waiting.pop_front() else { continue };
            if request.path.ends_with("/depth") {
                snapshots.push(rig.now_ms);
                // A mirror may lag behind the stream.
                let age = if venue.chance(4) { venue.below(8) as usize } else { 0 };
                let (status, body) = if venue.chance(10) { (503, String::new()) } else { (200, venue.snapshot(age)) };
                rig.answer(request.id, status, None, &body);
            } else {
                rig.answer(request.id, 200, None, &support::exchange_info(&["AAABBB"]));
            }
        }
        let frame = venue.change();
        let mut sent = vec![frame];
        match venue.below(400) {
            0..4 => sent.clear(),
            4..8 => sent.push(sent[0].clone()),
            8..12 => held = sent.pop(),
            12 => {
                let half = sent[0].len() / 2;
                sent[0].truncate(half);
            }
            13 => sent[0] = sent[0].replace("\"U\":", "\"U\":\"x\","),
            14 if venue.chance(3) => {
                rig.close(connection);
                held = None;
            }
            _ => sent.extend(held.take()),
        }
        for frame in sent {
            rig.frame(connection, &frame);
            n_served += usize::from(check(&rig, &venue));
        }
    }
    assert!(snapshots.windows(3).all(|three| three[2] - three[0] >= 4_500), "{snapshots:?}");
    n_served
}

fn acknowledge(rig: &mut Rig, connection: ConnectionId) {
    for (_, request, _) in rig.subscriptions(connection) {
        rig.frame(connection, &format!(r#"{{"result":null,"id":{request}}}"#));
    }
}

#[test]
fn a_served_book_always_equals_the_venues() {
    let (n_seeds, n_frames) = (8, 1_500);
    let n_served: usize = (0..n_seeds).map(|seed| run(seed, n_frames)).sum();
    let share = n_served as f64 / (n_seeds as usize * n_frames) as f64;
    // A fault every 2.5 s and a snapshot at most every 5 s: without faults it would be all.
    assert!(share > 0.4, "served {share:.3} of the time");
}

#[test]
fn the_comparison_finds_a_wrong_book() {
    let mut venue = Venue::new(1);
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let connection = rig.connect();
    let frame = venue.change();
    rig.frame(connection, &frame);
    let request = rig.requests("/depth").remove(0);
    rig.answer(request.id, 200, None, &venue.snapshot(0));
    assert!(check(&rig, &venue));
    assert_eq!(rig.session.books()[&id("AAABBB")].state, BookState::Live);
    let last_id = venue.last_id;
    venue.past.get_mut(&last_id).unwrap().0.insert(1, 1);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&rig, &venue))).is_err());
}
