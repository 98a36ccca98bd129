//! Whatever a venue sends, sessions count it and go on: mutated frames, absurd numbers, depth, length, duplicate keys.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod support;

use proptest::prelude::*;
use support::{Rig, depth, exchange_info, listed, mini_ticker, quote, snapshot, trade};
use venues::session::{ConnectionId, Input, Output, SessionConfig, Symbols};

/// A session with a live book, and what its next good frames are.
struct Target {
    rig: Rig,
    connection: ConnectionId,
    next_id: u64,
}

impl Target {
    fn new() -> Self {
        let (mut rig, connection) = Rig::connected(&["AAABBB"]);
        rig.make_live(connection, "AAABBB", 1_000);
        Self { rig, connection, next_id: 1_001 }
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
        assert_eq!(self.hit(&trade("AAABBB", self.next_id)), "valid");
        assert_eq!(self.rig.session.health().counters.trades, n_trades + 1);
        assert_eq!(self.hit(&mini_ticker("AAABBB", 1_750_000_000_000)), "valid");
    }

    fn good_frames() -> [String; 5] {
        [
            trade("AAABBB", 5),
            quote("AAABBB", 1_005, "100.00", "101.00"),
            depth("AAABBB", 1_001, 1_001),
            mini_ticker("AAABBB", 1_750_000_000_000),
            r#"{"e":"kline","E":1,"s":"AAABBB","k":{"t":1672515780000,"i":"1m","o":"1","h":"2","l":"1","c":"2","v":"5","x":true}}"#.into(),
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
        "\"x\"",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-1.5\"",
        "\"1e5\"",
        "\"1e400\"",
        "\"+1\"",
        "\"1.\"",
        "\".5\"",
        "\"1_000\"",
        "\" 1\"",
        "\"１\"",
        "\"\\ud800\"",
        "1e400",
        "-1",
        "-0.0",
        "1.5",
        "1e-30",
        "99999999999999999999999999",
        "\"99999999999999999999999999999999\"",
    ];
    let mut target = Target::new();
    let frame =
        r#"{"stream":"aaabbb@trade","data":{"e":"trade","E":1,"s":"AAABBB","t":T,"p":P,"q":"1","T":1,"m":M,"M":true}}"#;
    let fill = |number: &str, price: &str, maker: &str| {
        frame
            .replace(":T,", &format!(":{number},"))
            .replace(":P,", &format!(":{price},"))
            .replace(":M,", &format!(":{maker},"))
    };
    assert_eq!(target.hit(&fill("1", "\"1\"", "true")), "valid");
    for value in values {
        assert_eq!(target.hit(&fill(value, "\"1\"", "true")), "malformed", "id {value}");
        assert_eq!(target.hit(&fill("2", value, "true")), "malformed", "price {value}");
        if value != "true" {
            assert_eq!(target.hit(&fill("2", "\"1\"", value)), "malformed", "maker {value}");
        }
        let rows = format!(r#"["1",{value}]"#);
        let level = support::depth_of("AAABBB", 1_001, 1_001, &rows, "");
        assert_eq!(target.hit(&level), "malformed", "quantity {value}");
    }
    assert_eq!(target.rig.book("AAABBB").last_update_id, Some(1_000), "a malformed frame has no part effect");
    target.check_alive();
}

#[test]
fn duplicate_keys_and_backward_ranges_are_malformed() {
    let mut target = Target::new();
    let doubled = trade("AAABBB", 5).replace(r#""t":5"#, r#""t":5,"t":6"#);
    assert_eq!(target.hit(&doubled), "malformed");
    assert_eq!(target.hit(&depth("AAABBB", 1_005, 1_001)), "malformed");
    assert_eq!(target.hit(r#"{"stream":"a","stream":"b","data":{}}"#), "malformed");
    target.check_alive();
}

#[test]
fn absurd_ids_do_not_shut_a_stream_out() {
    let mut target = Target::new();
    let max = u64::MAX;
    for frame in
        [trade("AAABBB", max), quote("AAABBB", max, "1", "2"), depth("AAABBB", 1_001, max), depth("AAABBB", max, max)]
    {
        assert_eq!(target.hit(&frame), "valid");
    }
    for round in 0..600 {
        target.hit(&quote("AAABBB", 2_000 + round, "100", "101"));
        target.hit(&depth("AAABBB", 2_000 + round, 2_000 + round));
        target.hit(&trade("AAABBB", 100 + round));
    }
    let counters = target.rig.session.health().counters;
    assert_eq!(counters.trades, 601);
    assert!(counters.quotes >= 400, "{counters:?}");
    assert!(!target.rig.book("AAABBB").state.is_served());
    target.rig.run(6_000);
    let snapshots = target.rig.requests("/depth");
    target.rig.answer(snapshots.last().expect("a fresh snapshot is wanted").id, 200, None, &snapshot(2_599));
    assert!(target.rig.book("AAABBB").state.is_served());
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
                format!(r#"{{"data":{open}{close},"stream":"x"}}"#),
                format!(r#"{{"stream":"x","data":{open_map}1{close_map}}}"#),
                format!(r#"{{"stream":"x","data":{{"e":"trade","s":{open}{close}}}}}"#),
                format!(r#"{{"id":{open}{close},"result":null}}"#),
                format!(r#"{{"error":{open_map}1{close_map}}}"#),
                open.clone(),
                open_map.clone(),
            ] {
                target.hit(&frame);
            }
            // What nobody reads is passed over at any depth.
            let extra = trade("AAABBB", 10 + n_levels as u64).replace(r#""M":true"#, &format!(r#""M":{open}{close}"#));
            assert_eq!(target.hit(&extra), "valid");
        }
        target.check_alive();
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn long_frames_are_refused_before_they_are_read() {
    let mut target = Target::new();
    let padded = |length: usize| {
        trade("AAABBB", length as u64).replace("{\"stream\"", &format!("{}{{\"stream\"", " ".repeat(length)))
    };
    assert_eq!(target.hit(&padded(1_000)), "valid");
    assert_eq!(target.hit(&padded(16 << 20)), "malformed");
    let keys: Vec<String> = (0..200_000).map(|number| format!("\"k{number}\":0")).collect();
    assert_eq!(target.hit(&format!("{{{}}}", keys.join(","))), "unknown");
    target.check_alive();
}

fn mutated() -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..4);
    (0..5_usize, changes).prop_map(|(frame_idx, changes)| {
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
        }
        target.check_alive();
    }

    #[test]
    fn any_text_never_panics(frames in prop::collection::vec(".{0,200}", 1..10), is_recording in any::<bool>()) {
        let config = SessionConfig { symbols: Symbols::FromFrames, ..SessionConfig::default() };
        let mut rig = Rig::new(&if is_recording { config } else { listed(&["AAABBB"]) });
        let connection = rig.connect();
        for frame in &frames {
            rig.frame(connection, frame);
            rig.input(Input::Binary(connection, frame.as_bytes()));
        }
        rig.run(40_000);
    }

    #[test]
    fn any_answer_never_panics(
        bodies in prop::collection::vec(prop_oneof![".{0,80}", Just(snapshot(10)), Just(exchange_info(&["AAABBB"])), mutated()], 1..12),
        statuses in prop::collection::vec(prop_oneof![Just(200_u16), Just(400), Just(404), Just(418), Just(429), Just(500), any::<u16>()], 12),
        retry_after_s in prop::option::of(any::<u64>()),
    ) {
        let (mut rig, connection) = Rig::connected(&["AAABBB"]);
        rig.frame(connection, &depth("AAABBB", 5, 5));
        for (body, status) in bodies.iter().zip(statuses) {
            for output in rig.take() {
                if let Output::Http(request) = output {
                    rig.answer(request.id, status, retry_after_s.map(|seconds| seconds % 100), body);
                }
            }
            rig.frame(connection, &trade("AAABBB", 1));
            rig.run(5_000);
        }
    }
}
