//! Connections of the Binance session under virtual time: pooling, pace, back-off, silence, roll-over, refusals.

use std::{collections::BTreeSet, time::Duration};

use crate::support::{EPOCH_MS, Rig, depth, exchange_info, id, listed, mini_ticker, quote, snapshot, trade};
use model::{
    candle::Interval,
    event::HistoryRequest,
    proof::BookState,
    status::{FeedCause, FeedMode},
    time::Timestamp,
};
use venues::session::{CloseReason, ConnectionId, Input, Output, SessionConfig};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn it_subscribes_four_streams_of_each_symbol() {
    let (rig, connection) = Rig::connected(&["AAABBB", "１２３BBB", "AAABBB"]);
    let Some((_, Output::Connect { url, after, .. })) =
        rig.log.iter().find(|(_, output)| matches!(output, Output::Connect { .. }))
    else {
        panic!("no connection wanted")
    };
    assert_eq!((url.as_str(), *after), ("wss://data-stream.binance.vision/stream", Duration::ZERO));
    let sent = rig.subscriptions(connection);
    let expected = [
        "aaabbb@trade",
        "aaabbb@bookTicker",
        "aaabbb@depth@100ms",
        "aaabbb@miniTicker",
        "１２３bbb@trade",
        "１２３bbb@bookTicker",
        "１２３bbb@depth@100ms",
        "１２３bbb@miniTicker",
    ];
    assert_eq!((sent.len(), sent[0].2.as_slice()), (1, expected.map(str::to_owned).as_slice()));
    assert!(rig.session.health().is_connected);
}

#[test]
fn another_address_can_be_configured() {
    let config = SessionConfig { ws_url: Some("ws://127.0.0.1:9/x/".into()), ..listed(&["AAABBB"]) };
    let rig = Rig::new(&config);
    assert!(
        rig.log
            .iter()
            .any(|(_, output)| matches!(output, Output::Connect { url, .. } if url == "ws://127.0.0.1:9/x/stream"))
    );
}

#[test]
fn many_symbols_share_connections_up_to_the_limit_and_messages_keep_their_distance() {
    let symbols: Vec<String> = (0..600).map(|idx| format!("S{idx}")).collect();
    let mut rig = Rig::new(&listed(&symbols.iter().map(String::as_str).collect::<Vec<_>>()));
    let connections: Vec<ConnectionId> = rig.connects().iter().map(|(_, connection, _)| *connection).collect();
    assert_eq!(connections.len(), 3);
    for connection in &connections {
        rig.input(Input::Connected(*connection));
    }
    rig.run(5_000);
    let mut all = BTreeSet::new();
    for connection in connections {
        let sent = rig.subscriptions(connection);
        let n_streams: usize = sent.iter().map(|(_, _, streams)| streams.len()).sum();
        assert!(n_streams <= 1_000 && sent.iter().all(|(_, _, streams)| streams.len() <= 200));
        assert!(sent.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 300), "{sent:?}");
        all.extend(sent.into_iter().flat_map(|(_, _, streams)| streams));
    }
    assert_eq!(all.len(), 2_400);
}

/// With 300 symbols there are two connections; the second one cannot be had.
#[test]
fn rest_replaces_only_the_connection_that_is_missing() {
    let symbols: Vec<String> = (0..300).map(|idx| format!("S{idx:03}")).collect();
    let mut rig = Rig::new(&listed(&symbols.iter().map(String::as_str).collect::<Vec<_>>()));
    let connections: Vec<ConnectionId> = rig.connects().iter().map(|(_, connection, _)| *connection).collect();
    assert_eq!(connections.len(), 2);
    rig.input(Input::Connected(connections[0]));
    rig.frame(connections[0], &trade("S000", 1));
    let mut polled = BTreeSet::new();
    for _ in 0..120 {
        rig.run(1_000);
        let tried = rig.connects().last().unwrap().1;
        if tried != connections[0] {
            rig.close(tried);
        }
        rig.frame(connections[0], &trade("S000", 1));
        for request in rig.requests("/ticker/24hr") {
            polled.extend(request.query.iter().map(|(_, value)| value.clone()));
            let body = r#"{"symbol":"S299","lastPrice":"4","bidPrice":"3","bidQty":"1","askPrice":"5","askQty":"2","openPrice":"3",
                "highPrice":"5","lowPrice":"2","volume":"100","openTime":1,"closeTime":1750000000000}"#;
            rig.answer(request.id, 200, None, body);
        }
    }
    let health = rig.session.health();
    assert_eq!(health.mode, FeedMode::RestPolling);
    assert!(health.connected.contains(&id("S000")) && !health.connected.contains(&id("S299")));
    assert!(polled.contains("S299") && !polled.contains("S000"), "{polled:?}");
    assert_eq!(health.connected.len() + polled.len(), symbols.len());
}

#[test]
fn waits_grow_until_data_comes_not_until_it_connects() {
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let mut longest = 0;
    for round in 0..40 {
        let connection = rig.connects().last().unwrap().1;
        let (_, _, wait) = *rig.connects().last().unwrap();
        let limit = if round == 0 { 0 } else { (500_u64 << (round - 1).min(20)).min(30_000) };
        assert!(wait <= limit, "round {round}: {wait}");
        longest = longest.max(wait);
        rig.run(wait);
        rig.input(Input::Connected(connection));
        rig.run(50);
        rig.close(connection);
    }
    assert!(longest > 15_000, "{longest}");
    assert_eq!(rig.session.health().cause, Some(FeedCause::Closed { detail: "1006 reset".into() }));
    assert!(rig.session.health().next_attempt.is_some() && !rig.session.health().is_connected);
    let connection = rig.connect();
    assert!(rig.session.health().cause.is_some());
    rig.frame(connection, &trade("AAABBB", 1));
    assert_eq!((rig.session.health().cause.clone(), rig.session.health().next_attempt), (None, None));
    rig.close(connection);
    assert!(rig.connects().last().unwrap().2 <= 500);
    assert_eq!(rig.session.health().counters.reconnects, 40);
}

#[test]
fn attempts_can_be_limited() {
    let mut rig = Rig::new(&SessionConfig { max_attempts: Some(3), ..listed(&["AAABBB"]) });
    for _ in 0..3 {
        let (_, connection, _) = *rig.connects().last().unwrap();
        let reason =
            CloseReason::CannotConnect { status: None, retry_after: None, detail: "connection refused".into() };
        rig.input(Input::Closed(connection, reason));
    }
    rig.run(HOUR_MS / 6);
    assert_eq!(rig.connects().len(), 3);
    assert_eq!(rig.session.health().cause, Some(FeedCause::CannotConnect { detail: "connection refused".into() }));
    assert_eq!(rig.session.health().next_attempt, None);
}

#[test]
fn attempts_stay_below_the_venues_limit() {
    let shortest = Duration::from_millis(1);
    let mut rig = Rig::new(&SessionConfig { backoff_min: shortest, backoff_max: shortest, ..listed(&["AAABBB"]) });
    let mut opened = Vec::new();
    for _ in 0..250 {
        let (_, connection, wait) = *rig.connects().last().unwrap();
        rig.run(wait);
        opened.push(rig.now_ms);
        rig.input(Input::Connected(connection));
        rig.close(connection);
    }
    for pair in opened.windows(101) {
        assert!(pair[100] - pair[0] >= 300_000, "{} {}", pair[0], pair[100]);
    }
}

#[test]
fn a_silent_connection_is_given_up_whatever_pings_say() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.make_live(connection, "AAABBB", 10);
    let last_data = rig.now_ms;
    for _ in 0..28 {
        rig.run(1_000);
        rig.input(Input::Ping(connection));
        rig.frame(connection, r#"{"result":null,"id":77}"#);
        rig.frame(connection, "nonsense");
    }
    assert!(rig.closes().is_empty());
    rig.run(2_000);
    assert_eq!(rig.closes(), [(last_data + 30_000, connection)]);
    assert_eq!(rig.session.health().cause, Some(FeedCause::Silent { silent_ms: 30_000 }));
    assert_eq!(rig.book("AAABBB").state, BookState::Buffering);
    assert_eq!(rig.words().last().map(String::as_str), Some("AAABBB state buffering"));
    let (_, next, wait) = *rig.connects().last().unwrap();
    assert!(next != connection && wait <= 500);
    // Late frames of the abandoned connection are ignored.
    let n_frames = rig.session.health().counters.frames;
    rig.frame(connection, &trade("AAABBB", 1));
    assert_eq!(rig.session.health().counters.frames, n_frames);
}

#[test]
fn a_connection_that_never_opens_is_given_up_too() {
    let config = SessionConfig { data_deadline: Some(Duration::from_secs(5)), ..listed(&["AAABBB"]) };
    let mut rig = Rig::new(&config);
    rig.run(5_000);
    assert_eq!(rig.closes().len(), 1);
    assert!(matches!(rig.session.health().cause, Some(FeedCause::CannotConnect { .. })));
}

#[test]
fn subscriptions_and_books_are_restored_after_a_cut() {
    let (mut rig, first) = Rig::connected(&["AAABBB"]);
    rig.make_live(first, "AAABBB", 10);
    rig.frame(first, &trade("AAABBB", 500));
    rig.close(first);
    assert_eq!(rig.book("AAABBB").state, BookState::Buffering);
    rig.run(600);
    let second = rig.connect();
    assert_eq!(rig.subscriptions(second)[0].2, rig.subscriptions(first)[0].2);
    rig.run(5_000);
    rig.make_live(second, "AAABBB", 90);
    rig.frame(second, &depth("AAABBB", 91, 95));
    rig.frame(second, &trade("AAABBB", 501));
    assert_eq!(rig.book("AAABBB").last_update_id, Some(95));
    let counters = rig.session.health().counters;
    assert_eq!((counters.reconnects, counters.resyncs, counters.gaps, counters.duplicates), (1, 1, 0, 0));
}

#[test]
fn a_snapshot_of_the_connection_before_is_not_used() {
    let (mut rig, first) = Rig::connected(&["AAABBB"]);
    rig.frame(first, &depth("AAABBB", 10, 10));
    let request = rig.requests("/depth").remove(0);
    rig.close(first);
    rig.answer(request.id, 200, None, &snapshot(10));
    assert_eq!(rig.book("AAABBB").state, BookState::Buffering);
    assert_eq!(rig.session.health().counters.malformed, 0);
}

#[test]
fn a_feed_of_a_day_rolls_over_without_gap_or_double() {
    let symbols = ["AAABBB", "CCCDDD"];
    let (mut rig, first) = Rig::connected(&symbols);
    let mut update_id = 100;
    for symbol in symbols {
        rig.make_live(first, symbol, update_id);
    }
    let mut open = vec![first];
    let (mut n_trades, mut seen_connects) = (0, 1);
    // Two days, a round every 15 seconds.
    while rig.now_ms < 48 * HOUR_MS {
        rig.run(15_000);
        if rig.connects().len() > seen_connects {
            seen_connects += 1;
            open.push(rig.connect());
        }
        open.retain(|connection| !rig.closes().iter().any(|(_, closed)| closed == connection));
        update_id += 1;
        n_trades += 1;
        // Both connections of a roll-over deliver everything, the older one slightly later.
        for connection in open.clone().into_iter().rev() {
            for symbol in symbols {
                rig.frame(connection, &trade(symbol, n_trades));
                rig.frame(connection, &quote(symbol, update_id, "100.00", "101.00"));
                rig.frame(connection, &depth(symbol, update_id, update_id));
                rig.frame(connection, &mini_ticker(symbol, EPOCH_MS + i64::try_from(n_trades).unwrap()));
            }
        }
        assert!(symbols.iter().all(|symbol| rig.book(symbol).state == BookState::Live));
        assert_eq!(rig.book("AAABBB").last_update_id, Some(update_id));
    }
    let opened: Vec<u64> = rig.connects().iter().map(|(time, _, _)| *time).collect();
    assert_eq!(opened.len(), 3, "{opened:?}");
    for pair in opened.windows(2) {
        let age_ms = pair[1] - pair[0];
        assert!((22 * HOUR_MS..=23 * HOUR_MS + HOUR_MS / 2).contains(&age_ms), "{age_ms}");
    }
    assert_eq!(rig.closes().len(), 2);
    let counters = rig.session.health().counters;
    assert_eq!((counters.gaps, counters.resyncs, counters.out_of_order), (0, 0, 0));
    assert_eq!((counters.trades, counters.quotes), (2 * n_trades, 2 * n_trades));
    assert_eq!(rig.all_requests().iter().filter(|(_, request)| request.path.ends_with("/depth")).count(), 2);
}

#[test]
fn an_announced_shutdown_rolls_over_at_once() {
    let (mut rig, first) = Rig::connected(&["AAABBB"]);
    rig.make_live(first, "AAABBB", 10);
    rig.frame(first, r#"{"e":"serverShutdown","E":1770123456789}"#);
    let (time, second, wait) = *rig.connects().last().unwrap();
    assert!(second != first && (time, wait) == (rig.now_ms, 0));
    assert!(rig.closes().is_empty());
    rig.connect();
    rig.frame(first, &depth("AAABBB", 11, 11));
    assert!(rig.closes().is_empty());
    rig.frame(second, &depth("AAABBB", 11, 12));
    assert_eq!(rig.closes().last().map(|(_, connection)| *connection), Some(first));
    assert_eq!((rig.book("AAABBB").state, rig.book("AAABBB").last_update_id), (BookState::Live, Some(12)));
    assert_eq!((rig.session.health().cause.clone(), rig.session.health().counters.resyncs), (None, 0));
}

#[test]
fn a_cut_in_the_middle_of_a_roll_over_keeps_the_book_if_the_successor_follows_everything() {
    for is_acknowledged in [true, false] {
        let (mut rig, first) = Rig::connected(&["AAABBB", "CCCDDD"]);
        rig.make_live(first, "AAABBB", 10);
        rig.frame(first, r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#);
        let second = rig.connects().last().unwrap().1;
        rig.input(Input::Connected(second));
        if is_acknowledged {
            rig.acknowledge(second);
        }
        // CCCDDD is quiet: the older connection is kept for now.
        rig.frame(second, &depth("AAABBB", 11, 12));
        rig.close(first);
        let expected = if is_acknowledged { BookState::Live } else { BookState::Buffering };
        assert_eq!((rig.book("AAABBB").state, rig.session.health().is_connected), (expected, true));
        assert_eq!(rig.connects().len(), 2);
    }
}

#[test]
fn a_successor_that_fails_is_tried_again_while_the_elder_goes_on() {
    let (mut rig, first) = Rig::connected(&["AAABBB"]);
    rig.make_live(first, "AAABBB", 10);
    rig.frame(first, r#"{"e":"serverShutdown","E":1770123456789}"#);
    for round in 2..6 {
        let (_, successor, _) = *rig.connects().last().unwrap();
        rig.input(Input::Closed(
            successor,
            CloseReason::CannotConnect { status: None, retry_after: None, detail: "refused".into() },
        ));
        assert_eq!(rig.connects().len(), round + 1);
        assert_eq!((rig.session.health().cause.clone(), rig.session.health().is_connected), (None, true));
    }
    assert_eq!(rig.book("AAABBB").state, BookState::Live);
    rig.close(first);
    assert_eq!(rig.session.health().cause, Some(FeedCause::Maintenance { detail: "announced by the venue".into() }));
}

#[test]
fn refused_handshakes_have_helpful_causes_and_long_waits() {
    #[track_caller]
    fn check(reason: CloseReason, least_wait_ms: u64, expected: impl Fn(&FeedCause) -> bool) {
        let mut rig = Rig::new(&listed(&["AAABBB"]));
        let (_, connection, _) = rig.connects()[0];
        rig.input(Input::Closed(connection, reason));
        let cause = rig.session.health().cause.clone().unwrap();
        assert!(expected(&cause), "{cause:?}");
        assert!(rig.connects()[1].2 >= least_wait_ms, "{:?}", rig.connects());
    }
    let refused =
        |status| CloseReason::CannotConnect { status: Some(status), retry_after: None, detail: "handshake".into() };
    check(refused(451), 60_000, |cause| *cause == FeedCause::RegionBlocked);
    check(refused(403), 60_000, |cause| matches!(cause, FeedCause::Refused { .. }));
    check(refused(429), 60_000, |cause| matches!(cause, FeedCause::RateLimited { .. }));
    check(refused(418), 120_000, |cause| matches!(cause, FeedCause::RateLimited { .. }));
    check(refused(502), 0, |cause| matches!(cause, FeedCause::CannotConnect { detail } if detail.contains("502")));
    let many = CloseReason::Ended { code: Some(1008), detail: "Too many requests".into() };
    check(many, 60_000, |cause| matches!(cause, FeedCause::RateLimited { .. }));
}

/// Whichever way a venue names the wait: nothing is opened before, on any connection.
#[test]
fn a_stated_wait_is_kept_by_every_connection() {
    let at_s = |seconds: i64| EPOCH_MS + seconds * 1_000;
    let refused = |status| CloseReason::CannotConnect {
        status: Some(status),
        retry_after: Some(Duration::from_secs(300)),
        detail: "handshake".into(),
    };
    let banned = format!("Too many requests; IP banned until {}.", at_s(300));
    let ended = |code| CloseReason::Ended { code, detail: banned.clone() };
    for reason in [refused(429), refused(418), refused(503), refused(403), ended(Some(1008)), ended(None)] {
        let symbols: Vec<String> = (0..300).map(|idx| format!("S{idx}")).collect();
        let mut rig = Rig::new(&listed(&symbols.iter().map(String::as_str).collect::<Vec<_>>()));
        let [first, second] = [rig.connects()[0].1, rig.connects()[1].1];
        rig.input(Input::Connected(second));
        rig.input(Input::Closed(first, reason.clone()));
        assert!(matches!(rig.session.health().cause, Some(FeedCause::RateLimited { .. })), "{reason:?}");
        assert_eq!(rig.session.health().held_until, Some(Timestamp::from_millis(at_s(300))));
        rig.run(1_000);
        rig.close(second);
        let due: Vec<u64> = rig.connects()[2..].iter().map(|(time, _, after)| time + after).collect();
        assert!(due.len() == 2 && due.iter().all(|due| *due >= 300_000), "{reason:?} {due:?}");
    }
}

/// A ban that a message names holds messages and connections alike; one by the address holds requests too.
#[test]
fn a_ban_named_in_a_message_is_kept() {
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let connection = rig.connects()[0].1;
    rig.input(Input::Connected(connection));
    let until = EPOCH_MS + 300_000;
    let message = format!(r#"{{"error":{{"code":-1003,"msg":"Too much; IP banned until {until}."}},"id":1}}"#);
    rig.frame(connection, &message);
    rig.close(connection);
    let (time, _, after) = rig.connects()[1];
    assert!(time + after >= 300_000, "{after}");

    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let connection = rig.connects()[0].1;
    rig.take();
    let retry_after = Some(Duration::from_secs(300));
    let reason = CloseReason::CannotConnect { status: Some(418), retry_after, detail: "banned".into() };
    rig.input(Input::Closed(connection, reason));
    rig.input(Input::HistoryRequest(HistoryRequest { instrument: id("AAABBB"), interval: Interval::M1, n_bars: 5 }));
    rig.run(299_000);
    assert!(rig.requests("").is_empty());
}

/// The venue pings and its REST has no newer trade: a thin pair keeps its connection and its book. Without pings, or
/// with newer trades, it does not.
#[test]
fn a_quiet_pair_keeps_its_connection_while_pings_come() {
    let n_closes = |is_pinged: bool, newest_ms: i64, n_before: u64| {
        let (mut rig, connection) = Rig::connected(&["AAABBB"]);
        rig.make_live(connection, "AAABBB", 10);
        for number in 11..11 + n_before {
            rig.run(100);
            rig.frame(connection, &depth("AAABBB", number, number));
        }
        for _ in 0..12 {
            if is_pinged {
                rig.input(Input::Ping(connection));
            }
            rig.run(10_000);
            for asked in rig.requests("/aggTrades") {
                let row = format!(r#"[{{"a":1,"p":"1","q":"3","f":1,"l":1,"T":{newest_ms},"m":true,"M":true}}]"#);
                rig.answer(asked.id, 200, None, &row);
            }
        }
        (rig.closes().len(), rig.book("AAABBB").state == BookState::Live)
    };
    assert_eq!(n_closes(true, EPOCH_MS - 900_000, 0), (0, true));
    assert!(n_closes(false, EPOCH_MS - 900_000, 0).0 > 0);
    assert!(n_closes(true, EPOCH_MS + 60_000, 0).0 > 0);
    assert!(n_closes(true, EPOCH_MS - 900_000, 50).0 > 0, "a book that always changed");
}

/// A delisted pair is acknowledged and silent: its status is told, its connection is kept, and trading resumes.
#[test]
fn a_pair_that_does_not_trade_is_named_and_keeps_its_connection() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    let asked = rig.all_requests().into_iter().find(|(_, request)| request.path.ends_with("/exchangeInfo")).unwrap().1;
    rig.answer(asked.id, 200, None, &exchange_info(&["AAABBB"]).replace("TRADING", "BREAK"));
    let told = |rig: &Rig| rig.session.health().restrictions.get(&id("AAABBB")).map(ToString::to_string);
    assert_eq!(told(&rig).as_deref(), Some("not trading (BREAK)"));
    let mut n_again = 0;
    for _ in 0..15 {
        for output in rig.take() {
            let Output::Http(request) = output else { continue };
            match request.path.as_ref() {
                "/api/v3/depth" => rig.answer(request.id, 200, None, &snapshot(10)),
                "/api/v3/aggTrades" => rig.answer(request.id, 200, None, "[]"),
                _ if request.id != asked.id => {
                    n_again += 1;
                    rig.answer(request.id, 200, None, &exchange_info(&["AAABBB"]));
                }
                _ => {}
            }
        }
        rig.input(Input::Ping(connection));
        rig.run(10_000);
    }
    assert!(rig.closes().is_empty());
    assert!(n_again > 0, "the status is asked for again");
    assert_eq!(told(&rig), None);
}

#[test]
fn a_refused_subscription_is_shown_at_its_symbols_until_data_comes() {
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let connection = rig.connects()[0].1;
    rig.input(Input::Connected(connection));
    rig.frame(connection, r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#);
    let cause = rig.session.health().instrument_causes.get(&id("AAABBB")).cloned();
    assert_eq!(cause, Some(FeedCause::Refused { detail: "Invalid request (code 2)".into() }));
    rig.frame(connection, &trade("AAABBB", 1));
    assert!(rig.session.health().instrument_causes.is_empty());
    rig.frame(connection, r#"{"code":3,"msg":"Invalid JSON"}"#);
    assert_eq!(rig.session.health().instrument_causes.len(), 1);
}
