//! Connections of the Coinbase session under virtual time: requests and their timing, silence, dead subscriptions,
//! missing snapshots, refusals.

use crate::coinbase_support::{Feed, book, id, numbered, print, ticker, trades};
use crate::support::{Rig, listed};
use model::{
    proof::BookState,
    status::{FeedCause, Silence},
};
use venues::session::{ConnectionId, Input, Output};

#[test]
fn heartbeats_first_then_one_channel_a_message() {
    let feed = Feed::connected(&["AAA-USD", "BBB-USD", "AAA-USD"]);
    let Some((_, Output::Connect { url, .. })) =
        feed.log.iter().find(|(_, output)| matches!(output, Output::Connect { .. }))
    else {
        panic!("no connection wanted")
    };
    assert_eq!(url, "wss://advanced-trade-ws.coinbase.com");
    let products = r#""product_ids":["AAA-USD","BBB-USD"],"#;
    let texts = ["level2", "market_trades", "ticker"]
        .map(|channel| format!(r#"{{"type":"subscribe",{products}"channel":"{channel}"}}"#));
    let sent = feed.sent();
    assert_eq!(
        sent[0],
        (0, r#"{"type":"subscribe","channel":"heartbeats"}"#.to_owned()),
        "at once: five seconds are all"
    );
    assert_eq!(sent[1..].iter().map(|(_, text)| text.clone()).collect::<Vec<_>>(), texts);
    assert!(sent.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 500), "{sent:?}");
}

#[test]
fn many_products_keep_the_venues_pace() {
    let symbols: Vec<String> = (0..23).map(|idx| format!("S{idx}-USD")).collect();
    let mut rig = Rig::of("coinbase", &listed(&symbols.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut connects: Vec<(u64, ConnectionId)> =
        rig.connects().into_iter().map(|(time, connection, after)| (time + after, connection)).collect();
    assert_eq!(connects.len(), 5);
    connects.sort_unstable();
    for (time, connection) in connects {
        let wait = time - rig.now_ms;
        rig.run(wait);
        rig.input(Input::Connected(connection));
    }
    rig.run(3_000);
    let sent: Vec<u64> =
        rig.log.iter().filter_map(|(time, output)| matches!(output, Output::Send(..)).then_some(*time)).collect();
    assert_eq!(sent.len(), 20);
    assert!(sent.windows(9).all(|nine| nine[8] - nine[0] > 1_000), "{sent:?}");
    let asked: Vec<u64> = rig.all_requests().into_iter().map(|(time, _)| time).collect();
    assert!(asked.windows(6).all(|six| six[5] - six[0] >= 1_000), "{asked:?}");
}

#[test]
fn silence_of_everything_is_a_dead_connection() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    for _ in 0..30 {
        feed.run(1_000);
        feed.heartbeat();
    }
    assert!(feed.closes().is_empty());
    let last = feed.now_ms;
    feed.run(5_000);
    assert_eq!(feed.closes(), [(last + 5_000, feed.connection)]);
    assert_eq!(feed.session.health().cause, Some(FeedCause::Silent { silent_ms: 5_000 }));
    assert_eq!(feed.state("AAA-USD"), BookState::Buffering);
    feed.run(1_500);
    feed.reconnect();
    feed.snapshot("AAA-USD");
    assert_eq!((feed.state("AAA-USD"), feed.session.health().cause.clone()), (BookState::Live, None));
    assert_eq!(feed.session.health().counters.gaps, 0, "numbers start over on a new connection");
}

#[test]
fn a_first_snapshot_of_megabytes_is_no_silence() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.run(12_000);
    assert!(feed.closes().is_empty());
    feed.snapshot("AAA-USD");
    feed.run(5_000);
    assert_eq!(feed.closes().len(), 1);
}

#[test]
fn heartbeats_are_no_data_and_a_dead_subscription_is_noticed() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    feed.say("market_trades", &trades("snapshot", "AAA-USD", &[(40, "BUY")]));
    feed.say("subscriptions", r#"{"subscriptions":{"heartbeats":["heartbeats"],"level2":["AAA-USD"],"market_trades":["AAA-USD"],"ticker":["AAA-USD"]}}"#);
    for _ in 0..16 {
        feed.run(1_000);
        feed.heartbeat();
    }
    assert_eq!(feed.session.health().silences.get(&id("AAA-USD")), Some(&Silence::Unexplained));
    let probe = feed.requests_of("/AAA-USD/ticker").remove(0).1;
    feed.answer(probe.id, 200, None, &format!(r#"{{"trades":[{}]}}"#, print("AAA-USD", 40, "BUY")));
    feed.run(1_000);
    feed.heartbeat();
    assert_eq!(feed.session.health().silences.get(&id("AAA-USD")), Some(&Silence::QuietByVenue));
    for _ in 0..60 {
        feed.run(1_000);
        feed.heartbeat();
    }
    let probe = feed.requests_of("/AAA-USD/ticker").remove(1).1;
    assert!(feed.closes().is_empty());
    feed.answer(probe.id, 200, None, &format!(r#"{{"trades":[{}]}}"#, print("AAA-USD", 55, "BUY")));
    assert_eq!(feed.closes().len(), 1);
    assert!(matches!(feed.session.health().cause, Some(FeedCause::AcknowledgedSilent { .. })));
    feed.run(1_500);
    feed.reconnect();
    feed.snapshot("AAA-USD");
    assert_eq!(feed.state("AAA-USD"), BookState::Live);
}

#[test]
fn a_snapshot_that_never_comes_is_asked_for_again_and_then_the_connection_is_given_up() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    feed.run(3_000);
    feed.sequence += 1;
    let start = feed.now_ms;
    for _ in 0..24 {
        feed.heartbeat();
        feed.say("ticker", &ticker("AAA-USD", "100", "101"));
        feed.run(1_000);
    }
    let asked = feed.sent().into_iter().filter(|(time, text)| *time >= start && text.contains("unsubscribe")).count();
    assert_eq!((asked, feed.closes().len()), (2, 1));
    assert_eq!(feed.state("AAA-USD"), BookState::Buffering);
}

#[test]
fn a_product_without_a_book_costs_the_others_nothing() {
    let mut feed = Feed::connected(&["AAA-USD", "BBB-USD"]);
    feed.snapshot("AAA-USD");
    for _ in 0..400 {
        feed.heartbeat();
        feed.say("ticker", &ticker("AAA-USD", "100.00", "101.00"));
        feed.run(1_000);
    }
    assert!(feed.closes().is_empty() && feed.state("AAA-USD") == BookState::Live);
    let asked = feed.sent().into_iter().filter(|(_, text)| text.contains("unsubscribe")).collect::<Vec<_>>();
    assert!(asked.len() < 8 && asked.iter().all(|(_, text)| !text.contains("AAA")), "{asked:?}");
}

#[test]
fn gaps_without_end_are_no_storm() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    for _ in 0..300 {
        feed.run(200);
        feed.snapshot("AAA-USD");
        feed.sequence += 1;
        feed.heartbeat();
    }
    let asked: Vec<u64> =
        feed.sent().into_iter().filter(|(_, text)| text.contains("unsubscribe")).map(|(time, _)| time).collect();
    assert!(asked.len() > 5 && asked.windows(3).all(|three| three[2] - three[0] >= 5_000), "{asked:?}");
}

#[test]
fn a_refusal_names_its_cause_and_one_product_does_not_spoil_the_others() {
    let mut feed = Feed::connected(&["AAA-USD", "BAD-USD"]);
    feed.hear(r#"{"type":"error","message":"Failed to subscribe: BAD-USD is no product"}"#);
    let cause = FeedCause::Refused { detail: "Failed to subscribe: BAD-USD is no product".to_owned() };
    for symbol in ["AAA-USD", "BAD-USD"] {
        assert_eq!(feed.session.health().instrument_causes.get(&id(symbol)), Some(&cause));
    }
    let n_sent = feed.sent().len();
    feed.hear(r#"{"type":"error","message":"Failed to subscribe: BAD-USD is no product"}"#);
    feed.run(4_000);
    let texts: Vec<String> = feed.sent().into_iter().skip(n_sent - 1).map(|(_, text)| text).collect();
    assert!(texts.iter().filter(|text| text.contains(r#"["AAA-USD"]"#)).count() == 3, "{texts:?}");
    assert!(texts.iter().filter(|text| text.contains(r#"["BAD-USD"]"#)).count() == 3, "{texts:?}");
    feed.say("l2_data", &book("snapshot", "AAA-USD", &[("bid", "1", "1")]));
    assert_eq!(feed.session.health().instrument_causes.keys().collect::<Vec<_>>(), [&id("BAD-USD")]);
    feed.say(
        "subscriptions",
        r#"{"subscriptions":{"level2":["BAD-USD"],"market_trades":["BAD-USD"],"ticker":["BAD-USD"]}}"#,
    );
    assert!(feed.session.health().instrument_causes.is_empty());
}

#[test]
fn an_absurd_number_does_not_shut_a_connection_out() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    let next = feed.sequence;
    feed.sequence = u64::MAX;
    let frame = numbered("heartbeats", feed.sequence, "{}");
    feed.hear(&frame);
    feed.sequence = next;
    for _ in 0..25 {
        feed.run(500);
        feed.heartbeat();
    }
    assert_eq!(feed.state("AAA-USD"), BookState::Resyncing);
    feed.snapshot("AAA-USD");
    assert_eq!(feed.state("AAA-USD"), BookState::Live);
}
