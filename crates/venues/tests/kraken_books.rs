//! No silent error in a book: a made-up venue whose frames get lost, repeated, out of order and damaged on the way.
//!
//! The venue's book, its checksums and the comparison use neither our book nor our parsers. Whenever our book says that it is
//! live, its best ten levels a side are those the venue had when it sent the frame. Levels past the tenth are proved by
//! nothing, so they are not compared.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod support;
#[path = "support/kraken.rs"]
mod venue;

use model::proof::BookState;
use proptest::prelude::*;
use serde_json::Value;
use support::Rig;
use venue::{HEARTBEAT, Row, Side, VenueBook, acknowledgements, book, connect, connected, sent, top};
use venues::{
    backoff::Jitter,
    session::{ConnectionId, Output},
};

const SYMBOL: &str = "AAA/BBB";

/// The venue on the other end of a bad line.
struct Line {
    rig: Rig,
    connection: ConnectionId,
    venue: VenueBook,
    random: Jitter,
    /// Of ten thousand frames so many are lost, doubled, held back, broken; a digit is changed in so many.
    faults: [u64; 5],
    /// Messages of ours that were answered.
    n_answered: usize,
    is_subscribed: bool,
    held: Vec<Sent>,
    seen: Seen,
}

#[derive(Clone)]
struct Sent {
    text: String,
    /// What the venue had when it sent it; `None` where the text was damaged so that this shows.
    top: Option<Vec<Row>>,
    n_held: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    n_live: u64,
    n_unverified: u64,
    n_doubted: u64,
    n_silent_errors: u64,
}

impl Line {
    fn new(seed: u64, faults: [u64; 5]) -> Self {
        let (mut rig, connection) = connected(&[SYMBOL]);
        let (n_answered, mut venue) = (sent(&rig, connection).len(), VenueBook::default());
        for distance in 0..30 {
            venue.set(Side::Bid, 1_000 - distance, 100_000_000);
            venue.set(Side::Ask, 1_010 + distance, 100_000_000);
        }
        rig.frame(connection, &venue.snapshot(SYMBOL));
        Self {
            rig,
            connection,
            venue,
            random: Jitter::new(seed),
            faults,
            n_answered,
            is_subscribed: true,
            held: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.next_u64() % end
    }

    fn happens(&mut self, fault: usize) -> bool {
        self.below(10_000) < self.faults[fault]
    }

    /// The venue's book changes in one to four places near its best prices; nothing is crossed.
    fn trade_on(&mut self) {
        for _ in 0..=self.below(4) {
            let side = if self.below(2) == 0 { Side::Bid } else { Side::Ask };
            let away = i64::try_from(self.below(14)).unwrap();
            let (bid, ask) = (self.venue.best(Side::Bid).unwrap_or(1_000), self.venue.best(Side::Ask).unwrap_or(1_010));
            let price = match side {
                Side::Bid => (bid + 2 - away).min(ask - 1),
                Side::Ask => (ask - 2 + away).max(bid + 1),
            };
            // Taken away about as often as put in: what was pushed past the depth comes up again.
            let quantity = if self.below(2) == 0 { 0 } else { 1 + self.below(900_000_000) };
            self.venue.set(side, price.max(1), quantity);
        }
    }

    /// The venue takes our messages in order.
    fn answer(&mut self) {
        let messages = sent(&self.rig, self.connection);
        for (_, message) in &messages[self.n_answered.min(messages.len())..] {
            for text in acknowledgements(message) {
                self.rig.frame(self.connection, &text);
            }
            let is_book = |value: &Value| value["params"]["channel"] == "book";
            if is_book(message) {
                self.is_subscribed = message["method"] == "subscribe";
                if self.is_subscribed {
                    let text = self.venue.snapshot(SYMBOL);
                    self.transmit(text);
                }
            }
        }
        self.n_answered = messages.len();
    }

    fn transmit(&mut self, text: String) {
        let frame = Sent { text, top: Some(self.venue.top()), n_held: 0 };
        let mut due = Vec::new();
        for held in &mut self.held {
            held.n_held -= 1;
        }
        due.extend(self.held.extract_if(.., |held| held.n_held == 0));
        if self.happens(2) {
            let n_held = 1 + self.below(3);
            self.held.push(Sent { n_held, ..frame });
        } else if !self.happens(0) {
            let n_copies = 1 + usize::from(self.happens(1));
            due.splice(0..0, std::iter::repeat_n(frame, n_copies));
        }
        for frame in due {
            let frame = self.damage(frame);
            self.deliver(frame);
        }
    }

    fn damage(&mut self, frame: Sent) -> Sent {
        if self.happens(3) {
            let text = match self.below(4) {
                0 => frame.text[..frame.text.len() / 2].to_owned(),
                1 => frame.text.replace(r#""checksum""#, r#""chk""#),
                2 => frame.text.replace(r#""qty":"#, r#""qty":-"#),
                _ => frame.text.replace(r#""symbol":"AAA/BBB""#, r#""symbol":7"#),
            };
            let is_changed = text != frame.text;
            return Sent { text, top: frame.top.filter(|_| !is_changed), ..frame };
        }
        if self.happens(4) {
            let places: Vec<usize> = frame.text.match_indices(r#""qty":"#).map(|(at, name)| at + name.len()).collect();
            if !places.is_empty() {
                let place = places[usize::try_from(self.below(places.len() as u64)).unwrap()];
                let mut text = frame.text.clone();
                let digit = if &text[place..=place] == "9" { "8" } else { "9" };
                text.replace_range(place..=place, digit);
                return Sent { text, ..frame };
            }
        }
        frame
    }

    fn deliver(&mut self, frame: Sent) {
        self.rig.frame(self.connection, &frame.text);
        let tracked = book(&self.rig, SYMBOL);
        match (tracked.state, &frame.top) {
            (BookState::Live, Some(expected)) => {
                self.seen.n_live += 1;
                self.seen.n_silent_errors += u64::from(top(tracked) != *expected);
            }
            (BookState::Live, None) => {}
            (BookState::Unverified, _) => self.seen.n_unverified += 1,
            _ => self.seen.n_doubted += 1,
        }
    }

    fn step(&mut self, millis: u64) {
        self.rig.run(millis);
        self.rig.frame(self.connection, HEARTBEAT);
        self.trade_on();
        if self.is_subscribed {
            let text = self.venue.update(SYMBOL);
            self.transmit(text);
        }
        self.answer();
        // The log is not needed, and it would grow.
        if self.rig.log.len() > 4_000 {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let connection = self.connection;
        self.rig.take();
        self.rig.log.retain(|(_, output)| matches!(output, Output::Send(on, _) if *on == connection));
        self.rig.log_was_cut();
    }

    fn cut(&mut self) {
        self.rig.close(self.connection);
        self.held.clear();
        self.rig.run(40_000);
        self.connection = connect(&mut self.rig);
        self.n_answered = sent(&self.rig, self.connection).len();
        self.is_subscribed = true;
        let text = self.venue.snapshot(SYMBOL);
        self.transmit(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_live_book_is_the_venues_book(
        seed in any::<u64>(),
        lost in 0_u64..200,
        doubled in 0_u64..200,
        held in 0_u64..200,
        broken in 0_u64..100,
        changed in 0_u64..100,
        millis in 50_u64..2_000,
    ) {
        let mut line = Line::new(seed, [lost, doubled, held, broken, changed]);
        for round in 0..1_200 {
            line.step(millis);
            if round % 400 == 399 {
                line.cut();
            }
        }
        prop_assert_eq!(line.seen.n_silent_errors, 0, "{:?}", line.seen);
        // The line is good from here on: the book comes back by itself, in five minutes where it was stopped.
        line.faults = [0; 5];
        for _ in 0..400 {
            line.step(1_000);
        }
        let tracked = book(&line.rig, SYMBOL);
        prop_assert_eq!(tracked.state, BookState::Live, "{:?}", line.seen);
        prop_assert_eq!(top(tracked), line.venue.top());
    }
}

#[test]
fn faults_are_found_and_healed_without_a_storm() {
    // Much more often, and the breaker keeps the book unverified most of the time, as it should.
    let mut line = Line::new(11, [8, 8, 8, 4, 4]);
    let (mut n_subscribed, mut last_at) = (Vec::new(), 0);
    for _ in 0..20_000 {
        line.step(1_000);
        for (at, method, _) in venue::book_messages(&line.rig, line.connection) {
            if method == "unsubscribe" && at > last_at {
                last_at = at;
                n_subscribed.push(at);
            }
        }
    }
    let Seen { n_live, n_unverified, n_doubted, n_silent_errors } = line.seen;
    assert_eq!(n_silent_errors, 0);
    assert!(n_live > 18_000 && n_doubted > 20 && n_unverified < 1_000, "{:?}", line.seen);
    assert!(n_subscribed.len() > 20, "{}", n_subscribed.len());
    // One quick retry, then five seconds at least.
    assert!(n_subscribed.windows(3).all(|at| at[2] - at[0] >= 5_000), "{n_subscribed:?}");
}

#[test]
fn a_good_line_never_raises_a_doubt() {
    let mut line = Line::new(5, [0; 5]);
    for _ in 0..5_000 {
        line.step(40);
    }
    let counters = book(&line.rig, SYMBOL).counters;
    assert_eq!((counters.checksums_bad, counters.resyncs, line.seen.n_live), (0, 0, 5_000));
}
