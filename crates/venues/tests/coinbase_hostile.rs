//! Whatever Coinbase sends, the session counts it and goes on: mutated frames, absurd numbers, depth, length.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod coinbase_support;
mod support;

use coinbase_support::{Feed, book, numbered, product, ticker, trades};
use model::proof::BookState;
use proptest::prelude::*;
use venues::session::{Input, Output, SessionConfig, Symbols};

/// Sends a frame; it is malformed, unknown or valid, and says so exactly once.
fn hit(feed: &mut Feed, frame: &str) -> &'static str {
    let before = feed.session.health().counters;
    feed.hear(frame);
    let after = feed.session.health().counters;
    assert_eq!(after.frames, before.frames + 1);
    match (after.malformed - before.malformed, after.unknown - before.unknown) {
        (0, 0) => "valid",
        (1, 0) => "malformed",
        (0, 1) => "unknown",
        other => panic!("counted as {other:?}"),
    }
}

fn live() -> Feed {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    feed.say("market_trades", &trades("snapshot", "AAA-USD", &[(1, "BUY")]));
    assert_eq!(feed.state("AAA-USD"), BookState::Live);
    feed
}

/// The session still takes good frames, and its book can be live.
fn check_alive(feed: &mut Feed) {
    let n_trades = feed.session.health().counters.trades;
    // Far from every number that a mutation may have left behind; an absurd one is believed only so long.
    feed.sequence += 1_000_000_007;
    for round in 0..30 {
        feed.say("market_trades", &trades("update", "AAA-USD", &[(7_000_000_000 + feed.sequence + round, "BUY")]));
    }
    assert!(feed.session.health().counters.trades > n_trades);
    feed.snapshot("AAA-USD");
    assert_eq!(feed.state("AAA-USD"), BookState::Live);
}

fn good_frames() -> [String; 6] {
    [
        numbered("l2_data", 3, &book("update", "AAA-USD", &[("bid", "99.50", "2.0"), ("offer", "101.50", "0")])),
        numbered("l2_data", 3, &book("snapshot", "AAA-USD", &[("bid", "99.50", "2.0")])),
        numbered("market_trades", 3, &trades("update", "AAA-USD", &[(7, "BUY")])),
        numbered("ticker", 3, &ticker("AAA-USD", "100", "101")),
        numbered("heartbeats", 3, r#"{"heartbeat_counter":7}"#),
        numbered("subscriptions", 3, r#"{"subscriptions":{"level2":["AAA-USD"]}}"#),
    ]
}

#[test]
fn every_truncation_is_malformed() {
    let mut feed = live();
    for frame in good_frames() {
        for length in 0..frame.len() {
            assert_eq!(hit(&mut feed, &frame[..length]), "malformed", "{}", &frame[..length]);
        }
    }
    check_alive(&mut feed);
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
        "\"-1.5\"",
        "\"1e5\"",
        "\"1e400\"",
        "\"+1\"",
        "\"1.\"",
        "\".5\"",
        "\" 1\"",
        "\"１\"",
        "\"\\ud800\"",
        "1e400",
        "-1",
        "1.5",
        "99999999999999999999999999",
        "\"99999999999999999999999999999999\"",
    ];
    let mut feed = live();
    let [update, _, trade, ticker, heartbeat, _] = good_frames();
    for value in values {
        for (frame, field) in [
            (&update, "\"99.50\""),
            (&update, "\"2.0\""),
            (&trade, "\"100.50\""),
            (&trade, "\"0.5\""),
            (&ticker, "\"110\""),
        ] {
            assert_eq!(hit(&mut feed, &frame.replace(field, value)), "malformed", "{field} {value}");
        }
        for frame in [&update, &heartbeat] {
            assert_eq!(hit(&mut feed, &frame.replace(":3,", &format!(":{value},"))), "malformed", "number {value}");
        }
    }
    let row = feed.tracked("AAA-USD").book.best_bid().unwrap();
    assert_eq!(row.price.to_string(), "100.00", "a malformed frame has no part effect");
    check_alive(&mut feed);
}

#[test]
fn deep_nesting_fits_a_small_stack() {
    let run = || {
        let mut feed = live();
        for n_levels in [31, 127, 128, 129, 16_000, 200_000] {
            let (open, close) = ("[".repeat(n_levels), "]".repeat(n_levels));
            let (open_map, close_map) = (r#"{"a":"#.repeat(n_levels), "}".repeat(n_levels));
            for frame in [
                format!("{open}{close}"),
                format!("{open_map}1{close_map}"),
                format!(r#"{{"channel":"l2_data","sequence_num":3,"events":{open}{close}}}"#),
                format!(r#"{{"channel":"l2_data","sequence_num":3,"events":[{open_map}1{close_map}]}}"#),
                format!(r#"{{"channel":{open}{close}}}"#),
                format!(r#"{{"type":"error","message":{open_map}1{close_map}}}"#),
                format!(
                    r#"{{"channel":"subscriptions","sequence_num":3,"events":[{{"subscriptions":{open}{close}}}]}}"#
                ),
                open.clone(),
                open_map.clone(),
            ] {
                hit(&mut feed, &frame);
            }
            // What nobody reads is passed over at any depth.
            let extra = format!(r#"{{"extra":{open}{close}}}"#);
            let frame = feed.next("heartbeats", &extra);
            assert_eq!(hit(&mut feed, &frame), "valid");
        }
        check_alive(&mut feed);
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn long_frames_are_read_up_to_a_limit() {
    let mut feed = live();
    let rows: Vec<(String, String)> =
        (0..40_000).map(|idx| (format!("{}.{:02}", 1 + idx / 100, idx % 100), "1.5".to_owned())).collect();
    let borrowed: Vec<(&str, &str, &str)> =
        rows.iter().map(|(price, quantity)| ("bid", price.as_str(), quantity.as_str())).collect();
    feed.say("l2_data", &book("snapshot", "AAA-USD", &borrowed));
    assert_eq!((feed.state("AAA-USD"), feed.tracked("AAA-USD").book.n_bids()), (BookState::Live, 40_000));
    let padded = format!("{}{}", " ".repeat(64 << 20), good_frames()[0]);
    assert_eq!(hit(&mut feed, &padded), "malformed");
    check_alive(&mut feed);
}

fn mutated() -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..4);
    (0..6_usize, changes).prop_map(|(frame_idx, changes)| {
        let mut bytes = good_frames()[frame_idx].clone().into_bytes();
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
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutated_frames_never_stop_a_session(frames in prop::collection::vec(mutated(), 1..20)) {
        let mut feed = live();
        for frame in &frames {
            hit(&mut feed, frame);
        }
        check_alive(&mut feed);
    }

    #[test]
    fn any_text_never_panics(frames in prop::collection::vec(".{0,200}", 1..10), is_recording in any::<bool>()) {
        let symbols = if is_recording { Symbols::FromFrames } else { Symbols::Listed(vec!["AAA-USD".into(), "AAA-USDC".into()]) };
        let mut feed = Feed::of(&SessionConfig { symbols, ..SessionConfig::default() });
        let connection = feed.connection;
        for frame in &frames {
            feed.hear(frame);
            feed.input(Input::Binary(connection, frame.as_bytes()));
        }
        feed.run(40_000);
    }

    #[test]
    fn any_answer_never_panics(
        bodies in prop::collection::vec(prop_oneof![".{0,80}", Just(product("AAA-USDC", "AAA-USD")), Just("{\"candles\":[]}".to_owned()), mutated()], 1..12),
        statuses in prop::collection::vec(prop_oneof![Just(200_u16), Just(400), Just(404), Just(418), Just(429), Just(500), any::<u16>()], 12),
        retry_after_s in prop::option::of(0_u64..100),
    ) {
        let mut feed = Feed::connected(&["AAA-USD", "AAA-USDC"]);
        feed.snapshot("AAA-USD");
        for (body, status) in bodies.iter().zip(statuses) {
            for output in feed.take() {
                if let Output::Http(request) = output {
                    feed.answer(request.id, status, retry_after_s, body);
                }
            }
            feed.heartbeat();
            feed.run(5_000);
        }
    }
}
