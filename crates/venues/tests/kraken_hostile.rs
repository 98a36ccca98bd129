//! Whatever the venue sends, the session counts it and goes on: mutated frames, absurd numbers, depth, length, duplicate keys.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod support;
#[path = "support/kraken.rs"]
mod venue;

use model::proof::BookState;
use proptest::prelude::*;
use support::{Rig, listed};
use venue::{HEARTBEAT, STATUS, VenueBook, book, connect, live, ticker, top, trade};
use venues::session::{ConnectionId, Input, Output, SessionConfig, Symbols};

/// A session with a live book, and the venue's book beside it.
struct Target {
    rig: Rig,
    connection: ConnectionId,
    venue: VenueBook,
    next_id: u64,
}

impl Target {
    fn new() -> Self {
        let (rig, connection, venue) = live("AAA/BBB");
        Self { rig, connection, venue, next_id: 1_001 }
    }

    /// Sends a frame; it is malformed, unknown or valid, and says so exactly once.
    fn hit(&mut self, frame: &str) -> &'static str {
        let before = self.rig.session.health().counters;
        self.rig.frame(self.connection, frame);
        let after = self.rig.session.health().counters;
        assert_eq!(after.frames, before.frames + 1);
        match (after.malformed - before.malformed, after.unknown - before.unknown) {
            (0, 0) => "valid",
            (1, 0) => "malformed",
            (0, 1) => "unknown",
            other => panic!("counted as {other:?}"),
        }
    }

    /// The session still takes good frames, and its book can be live.
    fn check_alive(&mut self) {
        let n_trades = self.rig.session.health().counters.trades;
        // Far from every id that a mutation may have left behind.
        self.next_id += 1_000_000_007;
        assert_eq!(self.hit(&trade("AAA/BBB", self.next_id, "buy")), "valid");
        assert_eq!(self.rig.session.health().counters.trades, n_trades + 1);
        let frame = self.venue.snapshot("AAA/BBB");
        assert_eq!(self.hit(&frame), "valid");
        assert_eq!(
            (book(&self.rig, "AAA/BBB").state, top(book(&self.rig, "AAA/BBB"))),
            (BookState::Live, self.venue.top())
        );
    }

    fn good_frames() -> [String; 8] {
        let mut venue = venue::small_book();
        let snapshot = venue.snapshot("AAA/BBB");
        venue.set(venue::Side::Ask, 1_010, 77);
        [
            snapshot,
            venue.update("AAA/BBB"),
            trade("AAA/BBB", 5, "sell"),
            ticker("AAA/BBB", "100.0", "101.0"),
            STATUS.into(),
            HEARTBEAT.into(),
            r#"{"channel":"ohlc","type":"update","timestamp":"2026-09-25T17:48:26.844359566Z","data":[{"symbol":"AAA/BBB","open":1.0,"high":2.0,"low":1.0,"close":2.0,"trades":3,"volume":5.0,"vwap":1.5,"interval_begin":"2026-09-25T17:48:00.000000000Z","interval":1,"timestamp":"2026-09-25T17:49:00.000000Z"}]}"#.into(),
            r#"{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"AAA/BBB"},"success":true,"time_in":"x","req_id":9}"#.into(),
        ]
    }
}

#[test]
fn every_truncation_is_malformed() {
    let mut target = Target::new();
    for frame in Target::good_frames() {
        for length in 0..frame.len() {
            assert_eq!(target.hit(&frame[..length]), "malformed", "{}", &frame[..length]);
        }
    }
    target.check_alive();
}

#[test]
fn mistyped_and_absurd_values_are_malformed() {
    let values = [
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"1\"",
        "NaN",
        "Infinity",
        "-1.5",
        "1e5",
        "1e400",
        "1e-30",
        "-0.5",
        "+1",
        "1.",
        ".5",
        "01",
        "1_000",
        "１",
        "99999999999999999999999999999999",
        "0.00000000000000000000000000000001",
    ];
    let mut target = Target::new();
    let before = top(book(&target.rig, "AAA/BBB"));
    let update = |price: &str, quantity: &str, checksum: &str| {
        format!(
            r#"{{"channel":"book","type":"update","data":[{{"symbol":"AAA/BBB","bids":[{{"price":100.0,"qty":5}},{{"price":{price},"qty":{quantity}}}],"asks":[],"checksum":{checksum}}}]}}"#
        )
    };
    for value in values {
        assert_eq!(target.hit(&update(value, "1", "1")), "malformed", "price {value}");
        assert_eq!(target.hit(&update("1", value, "1")), "malformed", "quantity {value}");
        assert_eq!(target.hit(&update("1", "1", value)), "malformed", "checksum {value}");
        let print = trade("AAA/BBB", 5, "buy");
        assert_eq!(target.hit(&print.replace("83744.3", value)), "malformed", "price {value}");
        assert_eq!(target.hit(&print.replace(":5,", &format!(":{value},"))), "malformed", "number {value}");
    }
    assert_eq!(target.hit(&update("1", "1", "4294967296")), "malformed");
    assert_eq!(target.hit(&update("0.0", "1", "1")), "malformed");
    assert_eq!(top(book(&target.rig, "AAA/BBB")), before, "a malformed frame has no part effect");
    target.check_alive();
}

#[test]
fn duplicate_keys_are_malformed() {
    let mut target = Target::new();
    for frame in Target::good_frames() {
        let (first, rest) = frame[1..].split_once(':').unwrap();
        let doubled = format!(r#"{{{first}:"x",{first}:{rest}"#);
        assert_eq!(target.hit(&doubled), "malformed", "{doubled}");
    }
    assert_eq!(target.hit(&trade("AAA/BBB", 5, "buy").replace(r#""side":"#, r#""side":"sell","side":"#)), "malformed");
    target.check_alive();
}

#[test]
fn absurd_numbers_do_not_shut_a_stream_out() {
    let mut target = Target::new();
    assert_eq!(target.hit(&trade("AAA/BBB", u64::MAX, "buy")), "valid");
    for number in 0..600 {
        target.hit(&trade("AAA/BBB", 100 + number, "buy"));
    }
    assert_eq!(target.rig.session.health().counters.trades, 601);
    let far = STATUS.replace("18125794168470749634", "99999999999999999999999999999999999999");
    assert_eq!(target.hit(&far), "valid");
}

#[test]
fn deep_nesting_fits_a_small_stack() {
    let run = || {
        let mut target = Target::new();
        for n_levels in [31, 32, 33, 127, 128, 129, 8_000, 16_000, 200_000] {
            let (open, close) = ("[".repeat(n_levels), "]".repeat(n_levels));
            let (open_map, close_map) = (r#"{"a":"#.repeat(n_levels), "}".repeat(n_levels));
            for frame in [
                format!("{open}{close}"),
                format!("{open_map}1{close_map}"),
                format!(r#"{{"channel":"book","type":"update","data":{open}{close}}}"#),
                format!(r#"{{"channel":"instrument","type":"snapshot","data":{open_map}1{close_map}}}"#),
                format!(r#"{{"channel":"book","type":"update","data":[{{"symbol":{open}{close}}}]}}"#),
                format!(r#"{{"method":"subscribe","success":true,"result":{open_map}1{close_map}}}"#),
                format!(r#"{{"error":{open_map}1{close_map}}}"#),
                format!(r#"{{"req_id":{open}{close},"method":"pong"}}"#),
                open.clone(),
                open_map.clone(),
            ] {
                target.hit(&frame);
            }
            // What nobody reads is passed over at any depth.
            let extra = trade("AAA/BBB", 10 + n_levels as u64, "buy")
                .replace(r#""ord_type":"limit""#, &format!(r#""ord_type":{open}{close}"#));
            assert_eq!(target.hit(&extra), "valid");
        }
        target.check_alive();
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn long_frames_are_refused_before_they_are_read() {
    let mut target = Target::new();
    let padded = |length: usize| format!("{}{}", " ".repeat(length), trade("AAA/BBB", length as u64, "buy"));
    assert_eq!(target.hit(&padded(1_000)), "valid");
    assert_eq!(target.hit(&padded(16 << 20)), "malformed");
    let keys: Vec<String> = (0..200_000).map(|number| format!("\"k{number}\":0")).collect();
    assert_eq!(target.hit(&format!("{{{}}}", keys.join(","))), "unknown");
    // A book far deeper than asked for is cut at once.
    let rows: Vec<String> = (1..200_000).map(|cents| format!(r#"{{"price":{cents}.5,"qty":1}}"#)).collect();
    let deep = format!(
        r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"AAA/BBB","bids":[{}],"asks":[],"checksum":1}}]}}"#,
        rows.join(",")
    );
    assert_eq!(target.hit(&deep), "valid");
    assert_eq!(book(&target.rig, "AAA/BBB").book.n_bids(), venue::DEPTH);
    target.check_alive();
}

fn mutated() -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..4);
    (0..8_usize, changes).prop_map(|(frame_idx, changes)| {
        let mut bytes = Target::good_frames()[frame_idx].clone().into_bytes();
        for (place, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] ^= 1 << (byte % 8),
                1 => bytes[at] = byte,
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_frames_never_stop_a_session(frames in prop::collection::vec(mutated(), 1..20)) {
        let mut target = Target::new();
        for frame in &frames {
            target.hit(frame);
            let tracked = book(&target.rig, "AAA/BBB");
            prop_assert!(tracked.state != BookState::Live || tracked.last_checksum.unwrap().agrees());
        }
        // A mutation of the list of frames may have stopped the book; anything else heals.
        if book(&target.rig, "AAA/BBB").state != BookState::Unverified {
            target.rig.run(4_000);
            target.check_alive();
        }
    }

    #[test]
    fn any_text_never_panics(frames in prop::collection::vec(".{0,200}", 1..10), is_recording in any::<bool>()) {
        let config = SessionConfig { symbols: Symbols::FromFrames, ..SessionConfig::default() };
        let mut rig = Rig::of("kraken", &if is_recording { config } else { listed(&["AAA/BBB"]) });
        let connection = connect(&mut rig);
        for frame in &frames {
            rig.frame(connection, frame);
            rig.input(Input::Binary(connection, frame.as_bytes()));
        }
        rig.run(40_000);
    }

    #[test]
    fn any_answer_never_panics(
        bodies in prop::collection::vec(prop_oneof![
            ".{0,80}",
            "\\{\"error\":\\[\\],\"result\":.{0,60}\\}",
            Just(r#"{"error":[],"result":{"A/B":{"a":["1","1","1"],"b":["0.5","1","1"]}}}"#.to_owned()),
            Just(r#"{"error":[],"result":{"A/B":[["1","1",1.5,"b","l","",7]],"last":"7"}}"#.to_owned()),
            Just(r#"{"error":["EService:Busy"]}"#.to_owned()),
            Just(r#"{"error":["EAPI:Rate limit exceeded"]}"#.to_owned()),
            mutated(),
        ], 1..12),
        statuses in prop::collection::vec(prop_oneof![4 => Just(200_u16), 1 => Just(404), 1 => Just(429), 1 => Just(500), 1 => any::<u16>()], 12),
        retry_after_s in prop::option::of(any::<u64>()),
    ) {
        let mut rig = Rig::of("kraken", &listed(&["AAA/BBB"]));
        for (body, status) in bodies.iter().zip(statuses) {
            for output in rig.take() {
                match output {
                    Output::Http(request) => rig.answer(request.id, status, retry_after_s.map(|seconds| seconds % 100), body),
                    Output::Connect { connection, .. } => rig.close(connection),
                    Output::Send(..) | Output::Close(_) | Output::Event(_) => {}
                }
            }
            let id = venue::id("AAA/BBB");
            let wish = model::event::HistoryWish { instrument: id, interval: model::candle::Interval::S1, n_bars: 10 };
            rig.input(Input::Wish(wish));
            rig.run(5_000);
        }
    }
}
