//! Kraken's session and the simulated venue: books that do not agree, connections that fall silent, and REST where none
//! can be had.
//!
//! - [`feed`]: the session, the venue and the way between them · [`market`]: what a test sets
//!
//! The simulator encodes frames and answers, its checksum included, which shares no code with the product's.

mod feed;
mod market;

use std::time::Duration;

use crate::support::{self, Rig, listed};
use feed::{Feed, Way, id};
use market::{SYMBOL, print};
use model::{
    event::MarketEventKind,
    proof::BookState,
    status::{FeedCause, FeedMode, Silence},
};
use venues::session::{CloseReason, Input, SessionConfig};

#[test]
fn a_mismatch_is_never_served_and_the_book_is_subscribed_again() {
    let mut feed = Feed::live();
    feed.change();
    assert_eq!(feed.top(), feed.true_top());
    feed.change_wrongly();
    assert_eq!(feed.book().state, BookState::Suspect);
    assert!(!feed.book().last_checksum.unwrap().agrees());
    let n_events = feed.rig.events().len();
    feed.change();
    assert_eq!(feed.rig.events().len(), n_events, "changes of a book that is in doubt say nothing");
    feed.rig.run(1_100);
    assert_eq!(feed.book().state, BookState::Resyncing);
    feed.resubscribe();
    assert_eq!((feed.book().state, feed.top()), (BookState::Live, feed.true_top()));
    let is_state = |word: &String| word.contains("state") || word.contains("snapshot");
    let states: Vec<String> = feed.rig.words().into_iter().filter(is_state).collect();
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
    assert_eq!(feed.rig.session.health().counters.resyncs, 1);
}

#[test]
fn three_mismatches_in_a_minute_end_the_loop_and_five_minutes_later_it_is_tried_again() {
    let mut feed = Feed::live();
    for _ in 0..2 {
        feed.change_wrongly();
        assert_eq!(feed.book().state, BookState::Suspect);
        feed.idle(8);
        assert_eq!(feed.book().state, BookState::Live);
    }
    feed.change_wrongly();
    assert_eq!(feed.book().state, BookState::Unverified);
    let n_messages = feed.book_messages().len();
    for _ in 0..290 {
        feed.idle(1);
        feed.change_wrongly();
        // Kept up, served, and flagged in every event.
        assert_eq!((feed.book().state, feed.top()), (BookState::Unverified, feed.true_top()));
    }
    assert!(feed.rig.words().last().unwrap().starts_with("BTC/USD delta unverified"));
    assert_eq!(feed.book_messages().len(), n_messages, "no storm of snapshots");
    feed.way = Way::WithoutSnapshots;
    feed.idle(12);
    assert_eq!((feed.book_messages().len(), feed.book().state), (n_messages + 2, BookState::Unverified));
    let snapshot = feed.held.last().unwrap().clone();
    feed.rig.frame(feed.connection(), &snapshot);
    assert_eq!(feed.book().state, BookState::Live);
}

#[test]
fn a_snapshot_that_does_not_come_is_requested_again_at_a_distance() {
    let mut feed = Feed::started(SYMBOL);
    feed.way = Way::WithoutSnapshots;
    feed.connect();
    feed.idle(120);
    let times: Vec<u64> = feed.book_messages().iter().map(|(time, _)| *time).collect();
    let subscribed: Vec<u64> = times.iter().step_by(2).copied().collect();
    assert!((8..=14).contains(&subscribed.len()), "{times:?}");
    assert!(subscribed.windows(2).all(|pair| pair[1] - pair[0] >= 5_000), "{times:?}");
    assert_eq!(feed.book().state, BookState::Buffering);
    let snapshot = feed.held.last().unwrap().clone();
    feed.rig.frame(feed.connection(), &snapshot);
    assert_eq!(feed.book().state, BookState::Live);
}

#[test]
fn the_snapshot_that_comes_with_a_connection_counts_as_one() {
    let mut feed = Feed::live();
    feed.change_wrongly();
    feed.rig.run(300);
    feed.resubscribe();
    feed.change_wrongly();
    let n_messages = feed.book_messages().len();
    feed.rig.run(3_000);
    assert_eq!(feed.book_messages().len(), n_messages, "five seconds after the quick second one");
}

#[test]
fn a_book_that_stays_crossed_is_subscribed_again() {
    let mut feed = Feed::live();
    feed.market.set_bid(1_011, 5);
    feed.step();
    feed.rig.run(500);
    assert_eq!(feed.book().state, BookState::Live);
    feed.rig.run(5);
    assert_eq!(feed.book().state, BookState::Resyncing);
    feed.market.set_bid(1_011, 0);
    feed.resubscribe();
    assert_eq!((feed.book().state, feed.top()), (BookState::Live, feed.true_top()));
    assert_eq!(feed.book().counters.checksums_bad, 0);
}

#[test]
fn a_side_that_does_not_change_against_the_quotes_is_subscribed_again() {
    let mut feed = Feed::live();
    feed.market.state().has_day = true;
    feed.step_to_ticker();
    feed.way = Way::WithOtherAsk("101.5");
    feed.step_to_ticker();
    assert!(feed.rig.words().contains(&"BTC/USD quote 100.0/101.5".to_owned()));
    feed.market.state().has_day = false;
    for _ in 0..4 {
        feed.idle(1);
        // The other side changes, so that nothing looks wrong.
        feed.change();
    }
    assert_eq!(feed.book().state, BookState::Live);
    feed.rig.run(1_100);
    assert_eq!(feed.book().state, BookState::Resyncing);
}

#[test]
fn heartbeats_keep_the_connection_and_silence_ends_it() {
    let mut feed = Feed::live();
    feed.idle(10);
    feed.rig.run(4_990);
    assert_eq!(feed.rig.closes(), []);
    feed.rig.run(20);
    assert_eq!(feed.rig.closes().len(), 1);
    assert!(matches!(feed.rig.session.health().cause, Some(FeedCause::Silent { silent_ms: 5_000 })));
    assert_eq!((feed.book().state, feed.book().book.n_bids()), (BookState::Buffering, 0));
}

#[test]
fn a_lost_connection_restores_every_subscription() {
    let mut feed = Feed::live();
    feed.change_wrongly();
    let first = feed.connection();
    feed.rig.close(first);
    assert_eq!(feed.book().state, BookState::Buffering);
    feed.rig.run(600);
    feed.way = Way::WithoutSnapshots;
    let second = feed.connect();
    let channels: Vec<String> =
        feed.sent(second).iter().map(|(_, message)| message["params"]["channel"].to_string()).collect();
    assert_eq!(channels, [r#""instrument""#, r#""book""#, r#""trade""#, r#""ticker""#]);
    // Frames of the first connection count no more.
    let snapshot = feed.held.last().unwrap().clone();
    feed.rig.frame(first, &snapshot);
    assert_eq!(feed.book().state, BookState::Buffering);
    feed.rig.frame(second, &snapshot);
    assert_eq!((feed.book().state, feed.top()), (BookState::Live, feed.true_top()));
    assert_eq!(feed.rig.session.health().counters.reconnects, 1);
    assert_eq!(feed.rig.session.health().cause, None);
}

/// Lets the venue send a new trade.
fn trade(feed: &mut Feed, number: u64) {
    let mut state = feed.market.state();
    state.prints.push(print(number, 844));
    state.has_new_print = true;
    drop(state);
    feed.step();
}

#[test]
fn prints_of_a_lost_connection_come_with_the_next_one() {
    let mut feed = Feed::live();
    trade(&mut feed, 10);
    feed.rig.close(feed.connection());
    feed.rig.run(600);
    feed.market.state().prints = (8..=13).map(|number| print(number, 900)).collect();
    feed.connect();
    trade(&mut feed, 14);
    let counters = feed.rig.session.health().counters;
    // 8 and 9 were traded before anything was followed; 11 to 13 while nothing was connected.
    assert_eq!((counters.trades, counters.gaps, counters.duplicates), (7, 0, 0));
}

#[test]
fn an_acknowledged_symbol_without_data_is_found_out() {
    let mut feed = Feed::live();
    trade(&mut feed, 10);
    feed.change();
    feed.idle(14);
    assert_eq!(feed.rig.session.health().silences.get(&id(SYMBOL)), Some(&Silence::Unexplained));
    feed.idle(3);
    let [probe] = feed.rig.requests("/Trades").try_into().unwrap();
    feed.market.state().has_new_print = true;
    feed.answer(&probe);
    feed.idle(2);
    assert_eq!(feed.rig.session.health().silences.get(&id(SYMBOL)), Some(&Silence::QuietByVenue));
    assert_eq!(feed.rig.closes(), []);
    feed.idle(60);
    let [probe] = feed.rig.requests("/Trades").try_into().unwrap();
    {
        let mut state = feed.market.state();
        state.prints.push(print(11, 70_500));
        state.has_new_print = true;
    }
    feed.answer(&probe);
    assert_eq!(feed.rig.closes().len(), 1);
    assert!(matches!(feed.rig.session.health().cause, Some(FeedCause::AcknowledgedSilent { .. })));
    assert!(!feed.book().state.is_served());
}

/// Refuses connections until REST stands in.
fn without_connection(symbol: &str) -> Feed {
    let mut feed = Feed::started(symbol);
    let wanted = feed.rig.connects()[0].1;
    let reason = CloseReason::CannotConnect { status: Some(403), retry_after: None, detail: "forbidden".into() };
    feed.rig.input(Input::Closed(wanted, reason));
    feed.rig.run(10);
    feed
}

#[test]
fn rest_is_polled_while_no_connection_can_be_had_and_prints_come_once() {
    let mut feed = without_connection(SYMBOL);
    let mut since = Vec::new();
    for round in 0..3_u64 {
        // The venue repeats trades: each answer has the last four of the one before.
        let after_ms = i64::try_from(round).unwrap() * 6_000;
        feed.market.state().prints = (1 + round..=5 + round).map(|number| print(number, after_ms + 500)).collect();
        for _ in 0..6 {
            for request in feed.rig.requests("") {
                if request.path.ends_with("/Trades") {
                    since.push(request.query[1].clone());
                }
                feed.answer(&request);
            }
            feed.rig.run(1_000);
        }
    }
    assert_eq!(feed.rig.session.health().mode, FeedMode::RestPolling);
    assert!(feed.rig.session.health().is_connected);
    let prints: Vec<String> = feed.rig.words().into_iter().filter(|word| word.contains("trade")).collect();
    assert_eq!(prints, ["BTC/USD trade 5 Seller", "BTC/USD trade 6 Seller", "BTC/USD trade 7 Seller"]);
    let first = [("count", "100".to_owned()), ("since", "1750000000500000000".to_owned())];
    assert_eq!(since[..2], first);
    assert!(feed.rig.words().contains(&"BTC/USD instrument 0.1".to_owned()));
    assert!(feed.rig.words().contains(&"BTC/USD quote 100.00000/101.00000".to_owned()));
    assert_eq!((feed.book().state, feed.book().book.n_bids() > 1), (BookState::Polled, true), "shown, never proven");

    // And back: what was polled does not come twice.
    feed.rig.run(60_000);
    feed.market.state().prints.pop();
    feed.connect();
    trade(&mut feed, 7);
    trade(&mut feed, 8);
    feed.rig.run(10);
    assert_eq!(feed.rig.session.health().mode, FeedMode::WebSocket);
    let events = feed.rig.events();
    let n_trades = events.iter().filter(|event| matches!(event.kind, MarketEventKind::Trade(_))).count();
    assert_eq!((n_trades, feed.rig.session.health().counters.gaps), (4, 0));
    feed.rig.take();
    feed.idle(4);
    assert_eq!(feed.rig.requests("/Depth").len(), 0);
}

#[test]
fn a_symbol_that_rest_does_not_know_is_reported_while_polling() {
    let mut feed = without_connection("NOPE/USD");
    feed.rig.run(1_000);
    let [request] = feed.rig.requests("/Depth").try_into().unwrap();
    feed.answer(&request);
    // It may be a tokenised stock.
    feed.rig.run(3_000);
    let again = feed.rig.requests("/Depth").into_iter().find(|request| request.query.len() > 1).unwrap();
    feed.answer(&again);
    let unknown = FeedCause::UnknownSymbol { symbol: "NOPE/USD".into(), suggestion: None };
    assert_eq!(feed.rig.session.health().instrument_causes.get(&id("NOPE/USD")), Some(&unknown));
}

#[test]
fn connections_are_not_wanted_too_often() {
    // Waits too short to keep the limit by themselves.
    let config = SessionConfig { backoff_max: Duration::from_secs(1), ..listed(&[SYMBOL]) };
    let mut rig = Rig::of("kraken", &config);
    for _ in 0..200 {
        let wanted = rig.connects().last().unwrap().1;
        rig.input(Input::Closed(
            wanted,
            CloseReason::CannotConnect { status: None, retry_after: None, detail: "no route".into() },
        ));
        let (_, _, after) = *rig.connects().last().unwrap();
        rig.run(after);
    }
    let starts: Vec<u64> = rig.connects().iter().map(|(time, _, after)| time + after).collect();
    assert!(starts.windows(76).all(|window| window[75] - window[0] >= 600_000));
}
