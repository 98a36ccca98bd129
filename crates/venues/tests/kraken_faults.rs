//! Books that do not agree, connections that fall silent, and REST where none can be had.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod support;
#[path = "support/kraken.rs"]
mod venue;

use model::{
    event::MarketEventKind,
    proof::BookState,
    status::{FeedCause, FeedMode, Silence},
};
use support::{Rig, listed};
use venue::{
    HEARTBEAT, Side, VenueBook, acknowledgements, book, book_messages, connect, connected, id, live, sent, ticker, top,
    trade,
};
use venues::session::{CloseReason, ConnectionId, Input};

/// Lets seconds pass in which nothing but heartbeats comes.
fn idle(rig: &mut Rig, connection: ConnectionId, seconds: u64) {
    for _ in 0..seconds {
        rig.run(1_000);
        rig.frame(connection, HEARTBEAT);
    }
}

/// Makes the venue's book change and tells it, or spoils what is told.
fn change(rig: &mut Rig, connection: ConnectionId, venue: &mut VenueBook, is_spoiled: bool) {
    let best = venue.best(Side::Bid).unwrap();
    let quantity = 100_000_000 + rig.now_ms;
    venue.set(Side::Bid, best, quantity);
    let frame = venue.update("BTC/USD");
    rig.frame(connection, &if is_spoiled { spoiled(&frame) } else { frame });
}

/// With another checksum.
fn spoiled(frame: &str) -> String {
    let (before, rest) = frame.split_once(r#""checksum":"#).unwrap();
    let (digits, after) = rest.split_once(',').unwrap();
    format!(r#"{before}"checksum":{},{after}"#, digits.parse::<u32>().unwrap() ^ 1)
}

/// Answers the newest subscription of a book as the venue does.
fn resubscribe(rig: &mut Rig, connection: ConnectionId, venue: &mut VenueBook) {
    rig.run(600);
    let messages = sent(rig, connection);
    let [unsubscribe, subscribe] = &messages[messages.len() - 2..] else { panic!("{messages:?}") };
    assert_eq!(
        (unsubscribe.1["method"].as_str(), subscribe.1["method"].as_str()),
        (Some("unsubscribe"), Some("subscribe"))
    );
    for (_, message) in [unsubscribe, subscribe] {
        acknowledgements(message).iter().for_each(|text| rig.frame(connection, text));
    }
    rig.frame(connection, &venue.snapshot("BTC/USD"));
}

#[test]
fn a_mismatch_is_never_served_and_the_book_is_subscribed_again() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    change(&mut rig, connection, &mut venue, false);
    assert_eq!(top(book(&rig, "BTC/USD")), venue.top());
    change(&mut rig, connection, &mut venue, true);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Suspect);
    assert!(!book(&rig, "BTC/USD").last_checksum.unwrap().agrees());
    let n_events = rig.events().len();
    change(&mut rig, connection, &mut venue, false);
    assert_eq!(rig.events().len(), n_events, "changes of a book that is in doubt say nothing");
    rig.run(1_100);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Resyncing);
    resubscribe(&mut rig, connection, &mut venue);
    assert_eq!((book(&rig, "BTC/USD").state, top(book(&rig, "BTC/USD"))), (BookState::Live, venue.top()));
    let states: Vec<String> =
        rig.words().into_iter().filter(|word| word.contains("state") || word.contains("snapshot")).collect();
    assert_eq!(
        states,
        [
            "BTC/USD state buffering",
            "BTC/USD snapshot live 10+10",
            "BTC/USD state suspect",
            "BTC/USD state resyncing",
            "BTC/USD snapshot live 10+10"
        ]
    );
    assert_eq!(rig.session.health().counters.resyncs, 1);
}

#[test]
fn three_mismatches_in_a_minute_end_the_loop_and_five_minutes_later_it_is_tried_again() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    for _ in 0..2 {
        change(&mut rig, connection, &mut venue, true);
        assert_eq!(book(&rig, "BTC/USD").state, BookState::Suspect);
        idle(&mut rig, connection, 6);
        resubscribe(&mut rig, connection, &mut venue);
        assert_eq!(book(&rig, "BTC/USD").state, BookState::Live);
    }
    change(&mut rig, connection, &mut venue, true);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Unverified);
    let n_messages = book_messages(&rig, connection).len();
    for _ in 0..290 {
        idle(&mut rig, connection, 1);
        change(&mut rig, connection, &mut venue, true);
        // Kept up, served, and flagged in every event.
        assert_eq!((book(&rig, "BTC/USD").state, top(book(&rig, "BTC/USD"))), (BookState::Unverified, venue.top()));
    }
    assert!(rig.words().last().unwrap().starts_with("BTC/USD delta unverified"));
    assert_eq!(book_messages(&rig, connection).len(), n_messages, "no storm of snapshots");
    idle(&mut rig, connection, 12);
    assert_eq!(
        (book_messages(&rig, connection).len(), book(&rig, "BTC/USD").state),
        (n_messages + 2, BookState::Unverified)
    );
    resubscribe(&mut rig, connection, &mut venue);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Live);
}

#[test]
fn a_snapshot_that_does_not_come_is_asked_for_again_at_a_distance() {
    let (mut rig, connection) = connected(&["BTC/USD"]);
    idle(&mut rig, connection, 120);
    let times: Vec<u64> = book_messages(&rig, connection).iter().map(|(time, ..)| *time).collect();
    let subscribed: Vec<u64> = times.iter().step_by(2).copied().collect();
    assert!((8..=14).contains(&subscribed.len()), "{times:?}");
    assert!(subscribed.windows(2).all(|pair| pair[1] - pair[0] >= 5_000), "{times:?}");
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Buffering);
    let mut venue = venue::small_book();
    rig.frame(connection, &venue.snapshot("BTC/USD"));
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Live);
}

#[test]
fn the_snapshot_that_comes_with_a_connection_counts_as_one() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    change(&mut rig, connection, &mut venue, true);
    rig.run(300);
    resubscribe(&mut rig, connection, &mut venue);
    change(&mut rig, connection, &mut venue, true);
    let n_messages = book_messages(&rig, connection).len();
    rig.run(3_000);
    assert_eq!(book_messages(&rig, connection).len(), n_messages, "five seconds after the quick second one");
}

#[test]
fn a_book_that_stands_crossed_is_subscribed_again() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    let (bid, ask) = (venue.best(Side::Bid).unwrap(), venue.best(Side::Ask).unwrap());
    venue.set(Side::Bid, ask + 1, 5);
    rig.frame(connection, &venue.update("BTC/USD"));
    rig.run(500);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Live);
    rig.run(5);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Resyncing);
    venue.set(Side::Bid, ask + 1, 0);
    resubscribe(&mut rig, connection, &mut venue);
    assert_eq!(venue.best(Side::Bid), Some(bid));
    assert_eq!((book(&rig, "BTC/USD").state, book(&rig, "BTC/USD").counters.checksums_bad), (BookState::Live, 0));
}

#[test]
fn a_side_that_stands_still_against_the_quotes_is_subscribed_again() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    rig.frame(connection, &ticker("BTC/USD", "100.0", "101.0"));
    rig.frame(connection, &ticker("BTC/USD", "100.0", "101.5"));
    for _ in 0..4 {
        idle(&mut rig, connection, 1);
        // The other side moves, so that nothing looks wrong.
        change(&mut rig, connection, &mut venue, false);
    }
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Live);
    idle(&mut rig, connection, 2);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Resyncing);
}

#[test]
fn heartbeats_keep_the_connection_and_silence_ends_it() {
    let (mut rig, connection, _) = live("BTC/USD");
    idle(&mut rig, connection, 4);
    rig.run(4_990);
    assert_eq!(rig.closes(), []);
    rig.run(20);
    assert_eq!(rig.closes().len(), 1);
    assert!(matches!(rig.session.health().cause, Some(FeedCause::Silent { silent_ms: 5_000 })));
    assert_eq!((book(&rig, "BTC/USD").state, book(&rig, "BTC/USD").book.n_bids()), (BookState::Buffering, 0));
}

#[test]
fn a_lost_connection_restores_every_subscription() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    change(&mut rig, connection, &mut venue, true);
    rig.close(connection);
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Buffering);
    rig.run(600);
    let second = connect(&mut rig);
    let channels = |connection| -> Vec<String> {
        sent(&rig, connection).iter().map(|(_, message)| message["params"]["channel"].to_string()).collect()
    };
    assert_eq!(channels(second), [r#""instrument""#, r#""book""#, r#""trade""#, r#""ticker""#]);
    // What is left of the first connection counts no more.
    rig.frame(connection, &venue.snapshot("BTC/USD"));
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Buffering);
    rig.frame(second, &venue.snapshot("BTC/USD"));
    assert_eq!((book(&rig, "BTC/USD").state, top(book(&rig, "BTC/USD"))), (BookState::Live, venue.top()));
    assert_eq!(rig.session.health().counters.reconnects, 1);
    assert_eq!(rig.session.health().cause, None);
}

#[test]
fn prints_of_a_lost_connection_come_with_the_next_one() {
    let (mut rig, connection, _) = live("BTC/USD");
    rig.frame(connection, &trade("BTC/USD", 10, "buy"));
    rig.close(connection);
    rig.run(600);
    let second = connect(&mut rig);
    let entry = |number: u64| {
        let frame = trade("BTC/USD", number, "buy");
        frame[frame.find("[{").unwrap() + 1..frame.len() - 2].to_owned()
    };
    let newest: Vec<String> = (8..=13).rev().map(entry).collect();
    rig.frame(second, &format!(r#"{{"channel":"trade","type":"snapshot","data":[{}]}}"#, newest.join(",")));
    rig.frame(second, &trade("BTC/USD", 14, "buy"));
    let counters = rig.session.health().counters;
    // 8 and 9 were traded before anything was followed; 11 to 13 while nothing was connected.
    assert_eq!((counters.trades, counters.gaps, counters.duplicates), (7, 0, 0));
}

#[test]
fn an_acknowledged_symbol_without_data_is_found_out() {
    let (mut rig, connection, mut venue) = live("BTC/USD");
    rig.frame(connection, &trade("BTC/USD", 10, "buy"));
    change(&mut rig, connection, &mut venue, false);
    idle(&mut rig, connection, 14);
    assert_eq!(rig.session.health().silences.get(&id("BTC/USD")), Some(&Silence::Unexplained));
    idle(&mut rig, connection, 3);
    let [probe] = rig.requests("/Trades").try_into().unwrap();
    let body = |seconds: u64| {
        format!(r#"{{"error":[],"result":{{"XXBTZUSD":[["1.0","1.0",{seconds}.5,"b","l","",10]],"last":"1"}}}}"#)
    };
    rig.answer(probe.id, 200, None, &body(1_750_000_000));
    idle(&mut rig, connection, 2);
    assert_eq!(rig.session.health().silences.get(&id("BTC/USD")), Some(&Silence::QuietByVenue));
    assert_eq!(rig.closes(), []);
    idle(&mut rig, connection, 60);
    let [probe] = rig.requests("/Trades").try_into().unwrap();
    rig.answer(probe.id, 200, None, &body(1_750_000_070));
    assert_eq!(rig.closes().len(), 1);
    assert!(matches!(rig.session.health().cause, Some(FeedCause::AcknowledgedSilent { .. })));
    assert!(!book(&rig, "BTC/USD").state.is_served());
}

/// Refuses connections until REST stands in.
fn without_connection(symbols: &[&str]) -> Rig {
    let mut rig = Rig::of("kraken", &listed(symbols));
    let wanted = rig.connects()[0].1;
    let reason = CloseReason::CannotConnect { status: Some(403), detail: "forbidden".into() };
    rig.input(Input::Closed(wanted, reason));
    rig.run(10);
    rig
}

fn prints(numbers: std::ops::RangeInclusive<u64>) -> String {
    let last = numbers.end() * 1_000_000_000;
    let rows: Vec<String> = numbers.map(|number| format!(r#"["1.0","2.0",{number}.25,"s","l","",{number}]"#)).collect();
    format!(r#"{{"error":[],"result":{{"XXBTZUSD":[{}],"last":"{last}"}}}}"#, rows.join(","))
}

const TICKER: &str =
    r#"{"error":[],"result":{"XXBTZUSD":{"a":["101.0","1","1.000"],"b":["100.0","2","2.000"],"o":"90.0"}}}"#;

#[test]
fn rest_is_polled_while_no_connection_can_be_had_and_prints_come_once() {
    let mut rig = without_connection(&["BTC/USD"]);
    let mut since = Vec::new();
    for round in 0..3_u64 {
        for _ in 0..6 {
            for request in rig.requests("") {
                let body = match request.path.as_ref() {
                    "/0/public/Ticker" => TICKER.to_owned(),
                    "/0/public/Trades" => {
                        since.push(request.query[1].clone());
                        prints(1 + round..=5 + round)
                    }
                    "/0/public/AssetPairs" => {
                        r#"{"error":[],"result":{"XXBTZUSD":{"wsname":"XBT/USD","pair_decimals":1,"lot_decimals":8}}}"#
                            .to_owned()
                    }
                    other => panic!("{other}"),
                };
                rig.answer(request.id, 200, None, &body);
            }
            rig.run(1_000);
        }
    }
    assert_eq!(rig.session.health().mode, FeedMode::RestPolling);
    assert!(rig.session.health().is_connected);
    let prints: Vec<String> = rig.words().into_iter().filter(|word| word.contains("trade")).collect();
    assert_eq!(prints, ["BTC/USD trade 5 Seller", "BTC/USD trade 6 Seller", "BTC/USD trade 7 Seller"]);
    let asked = |key, value: &str| (key, value.to_owned());
    assert_eq!(since[..2], [asked("count", "100"), asked("since", "5000000000")]);
    assert!(rig.words().contains(&"BTC/USD instrument 0.1".to_owned()));
    assert!(rig.words().contains(&"BTC/USD quote 100.0/101.0".to_owned()));
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Empty, "seconds-old levels are no book");

    // And back: what was polled does not come twice.
    rig.run(60_000);
    let connection = connect(&mut rig);
    rig.frame(connection, &trade("BTC/USD", 7, "sell"));
    rig.frame(connection, &trade("BTC/USD", 8, "sell"));
    rig.run(10);
    assert_eq!(rig.session.health().mode, FeedMode::WebSocket);
    let n_trades = rig.events().iter().filter(|event| matches!(event.kind, MarketEventKind::Trade(_))).count();
    assert_eq!((n_trades, rig.session.health().counters.gaps), (4, 0));
    rig.take();
    idle(&mut rig, connection, 4);
    assert_eq!(rig.requests("/Ticker").len(), 0);
}

#[test]
fn a_symbol_that_rest_does_not_know_is_told_while_polling() {
    let mut rig = without_connection(&["NOPE/USD"]);
    rig.run(1_000);
    let [request] = rig.requests("/Ticker").try_into().unwrap();
    rig.answer(request.id, 200, None, r#"{"error":["EQuery:Unknown asset pair"]}"#);
    let unknown = FeedCause::UnknownSymbol { symbol: "NOPE/USD".into() };
    assert_eq!(rig.session.health().instrument_causes.get(&id("NOPE/USD")), Some(&unknown));
}

#[test]
fn connections_are_not_wanted_too_often() {
    let mut rig = Rig::of("kraken", &listed(&["BTC/USD"]));
    for _ in 0..200 {
        let wanted = rig.connects().last().unwrap().1;
        rig.input(Input::Closed(wanted, CloseReason::CannotConnect { status: None, detail: "no route".into() }));
        let (_, _, after) = *rig.connects().last().unwrap();
        rig.run(after);
    }
    let starts: Vec<u64> = rig.connects().iter().map(|(time, _, after)| time + after).collect();
    assert!(starts.windows(76).all(|window| window[75] - window[0] >= 600_000));
}
