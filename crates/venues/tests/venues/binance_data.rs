//! Data of the Binance session under virtual time: books, trades, requests and their pace, causes, polling.

use std::time::Duration;

use crate::support::{Rig, depth, depth_of, exchange_info, id, listed, mini_ticker, quote, snapshot, trade};
use model::{
    candle::Interval,
    event::HistoryRequest,
    proof::BookState,
    status::{FeedCause, FeedMode},
};
use venues::session::{CloseReason, ConnectionId, HttpAnswer, Input, Output, SessionConfig, Symbols};

fn history_request(symbol: &str) -> Input<'static> {
    Input::HistoryRequest(HistoryRequest { instrument: id(symbol), interval: Interval::M1, n_bars: 500 })
}

const KLINES: &str = r#"[[1750000020000,"1","4","0.5","2","10.5",1750000079999,"24",3,"17","28","0"],[1750000080000,"2","2","2","2","0",1750000139999,"0",0,"0","0","0"]]"#;

#[test]
fn from_the_start_to_a_live_book() {
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let info = rig.requests("/exchangeInfo").remove(0);
    assert_eq!((info.query, info.weight), (vec![("symbols", r#"["AAABBB"]"#.to_owned())], 20));
    rig.answer(info.id, 200, None, &exchange_info(&["AAABBB", "OTHER"]));
    assert_eq!(rig.session.instruments().len(), 1);
    let connection = rig.connect();
    // The acknowledgement suffices to request the snapshot: quiet symbols have a book too.
    let request = rig.requests("/depth").remove(0);
    assert_eq!((request.query[1].1.as_str(), request.weight), ("100", 5));
    rig.frame(connection, &depth("AAABBB", 8, 10));
    rig.frame(connection, &depth("AAABBB", 11, 12));
    rig.answer(request.id, 200, None, &snapshot(10));
    rig.frame(connection, &quote("AAABBB", 13, "100.00", "101.00"));
    rig.frame(connection, &depth_of("AAABBB", 13, 14, "", r#"["101.50","1"],["102.00","2"]"#));
    rig.frame(connection, &trade("AAABBB", 7));
    rig.frame(connection, &mini_ticker("AAABBB", 1_750_000_000_000));
    assert_eq!(
        rig.words(),
        [
            "AAABBB instrument 0.01",
            "AAABBB state buffering",
            "AAABBB snapshot live 2+1",
            "AAABBB quote 100.00/101.00",
            "AAABBB delta live 0+2",
            "AAABBB trade 7 Seller",
            "AAABBB day 100",
        ]
    );
    let book = rig.book("AAABBB");
    assert_eq!((book.last_update_id, book.counters.updates, book.counters.quote_matches), (Some(14), 2, 1));
    let counters = rig.session.health().counters;
    assert_eq!((counters.trades, counters.quotes, counters.books, counters.others), (1, 1, 2, 2));
    assert_eq!((counters.frames, counters.malformed, counters.unknown), (7, 0, 0));
}

/// The venue quotes an empty side as zero: the ask is gone, the bid goes on, and the book agrees.
#[test]
fn a_side_without_orders_is_gone() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.make_live(connection, "AAABBB", 10);
    rig.frame(connection, &depth_of("AAABBB", 11, 11, "", r#"["101.00","0"]"#));
    let none = |update_id, bid| {
        let text = quote("AAABBB", update_id, bid, "0.00000000");
        let (start, _) = text.rsplit_once(r#""A":""#).unwrap();
        format!(r#"{start}"A":"0.00000000"}}}}"#)
    };
    rig.frame(connection, &none(11, "100.00"));
    rig.frame(connection, &none(12, "100.50"));
    rig.frame(connection, &quote("AAABBB", 13, "100.50", "101.50"));
    let quotes = rig.words().into_iter().filter(|word| word.contains("quote")).collect::<Vec<_>>();
    assert_eq!(quotes, ["AAABBB quote 100.00/-", "AAABBB quote 100.50/-", "AAABBB quote 100.50/101.50"]);
    assert_eq!(rig.session.health().counters.malformed, 0);
}

#[test]
fn a_gap_is_suspect_then_resyncing_then_live() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.make_live(connection, "AAABBB", 10);
    rig.run(10_000);
    rig.frame(connection, &depth("AAABBB", 12, 13));
    let request = rig.requests("/depth").remove(0);
    assert_eq!(rig.book("AAABBB").state, BookState::Resyncing);
    rig.answer(request.id, 200, None, &snapshot(12));
    assert_eq!(
        rig.words()[1..],
        ["AAABBB snapshot live 2+1", "AAABBB state suspect", "AAABBB state resyncing", "AAABBB snapshot live 2+1"]
    );
    assert_eq!(rig.book("AAABBB").last_update_id, Some(13));
    let counters = rig.session.health().counters;
    assert_eq!((counters.gaps, counters.resyncs, counters.books), (1, 1, 2));
}

#[test]
fn snapshots_that_are_too_old_are_asked_for_again_at_a_walk() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.frame(connection, &depth("AAABBB", 100, 101));
    for round in 0..200 {
        let requests: Vec<_> = rig.requests("/depth");
        for request in requests {
            rig.answer(request.id, 200, None, &snapshot(50));
        }
        rig.frame(connection, &depth("AAABBB", 102 + round, 102 + round));
        rig.run(100);
    }
    let times: Vec<u64> = rig
        .all_requests()
        .iter()
        .filter(|(_, request)| request.path.ends_with("/depth"))
        .map(|(time, _)| *time)
        .collect();
    let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() >= 4 && gaps[0] >= 1_000 && gaps[1..].iter().all(|gap| *gap >= 5_000), "{gaps:?}");
    assert_eq!(rig.session.health().counters.resyncs, 0);
}

#[test]
fn a_book_crossed_for_half_a_second_is_fetched_again_even_if_nothing_more_comes() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.make_live(connection, "AAABBB", 10);
    rig.frame(connection, &depth_of("AAABBB", 11, 11, r#"["101.00","1"]"#, ""));
    rig.run(500);
    assert_eq!((rig.book("AAABBB").state, rig.book("AAABBB").counters.crossed), (BookState::Live, 1));
    rig.run(2);
    assert_eq!(rig.book("AAABBB").state, BookState::Suspect);
    rig.run(1_000);
    assert_eq!((rig.book("AAABBB").state, rig.requests("/depth").len()), (BookState::Resyncing, 1));
    assert_eq!(rig.session.health().counters.resyncs, 1);
}

#[test]
fn prints_are_said_once_and_holes_counted() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    for number in [7, 8, 8, 11, 9, 9] {
        rig.frame(connection, &trade("AAABBB", number));
    }
    // Single trades are followed, so the aggregated form brings nothing new.
    rig.frame(connection, r#"{"e":"aggTrade","E":1,"s":"AAABBB","a":4,"p":"1","q":"2","f":1,"l":2,"T":1,"m":false}"#);
    let trades: Vec<String> = rig.words().into_iter().filter(|words| words.contains("trade")).collect();
    assert_eq!(trades, ["7", "8", "11", "9"].map(|number| format!("AAABBB trade {number} Seller")));
    let counters = rig.session.health().counters;
    assert_eq!((counters.gaps, counters.duplicates, counters.out_of_order), (1, 2, 1));
}

#[test]
fn in_recordings_aggregated_prints_count_until_single_ones_come() {
    let mut rig = Rig::new(&SessionConfig { symbols: Symbols::FromFrames, ..SessionConfig::default() });
    let connection = rig.connect();
    let aggregated = |number: u64| {
        format!(r#"{{"e":"aggTrade","E":1,"s":"AAABBB","a":{number},"p":"1","q":"2","f":1,"l":2,"T":1,"m":false}}"#)
    };
    rig.frame(connection, &aggregated(1));
    rig.frame(connection, &aggregated(2));
    rig.frame(connection, &trade("AAABBB", 50));
    rig.frame(connection, &aggregated(3));
    assert_eq!(rig.words(), ["AAABBB trade 1 Buyer", "AAABBB trade 2 Buyer", "AAABBB trade 50 Seller"]);
}

#[test]
fn candles_and_best_levels_of_recordings() {
    let mut rig = Rig::new(&SessionConfig { symbols: Symbols::FromFrames, ..SessionConfig::default() });
    let connection = rig.connect();
    let kline = |interval: &str, time: u64| {
        format!(
            r#"{{"e":"kline","E":{time},"s":"AAABBB","k":{{"t":1672515780000,"i":"{interval}","o":"1","h":"2","l":"1","c":"2","v":"5","x":true}}}}"#
        )
    };
    rig.frame(connection, &kline("1m", 5));
    rig.frame(connection, &kline("1m", 4));
    rig.frame(connection, &kline("3m", 6));
    rig.frame(connection, r#"{"stream":"cccddd@depth5@100ms","data":{"lastUpdateId":160,"bids":[["1","10"]],"asks":[["2","5"],["3","1"]]}}"#);
    assert_eq!(rig.words(), ["AAABBB candle 1m true", "CCCDDD snapshot live 1+2"]);
    assert_eq!(rig.session.health().counters.out_of_order, 1);
}

#[test]
fn frames_about_other_symbols_change_nothing() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    let before = rig.words();
    rig.frame(connection, &trade("OTHER", 1));
    rig.frame(connection, &depth("OTHER", 1, 1));
    rig.input(Input::Frame(ConnectionId(99), &trade("AAABBB", 1)));
    assert_eq!((rig.words(), rig.session.books().len()), (before, 1));
}

#[test]
fn nothing_goes_out_inside_retry_after_then_one_probe() {
    for (status, retry_after_s) in [(429, 7), (418, 120)] {
        let symbols = ["AAABBB", "CCCDDD", "EEEFFF"];
        let (mut rig, connection) = Rig::connected(&symbols);
        let answered: Vec<_> = rig.take();
        let refused_at = rig.now_ms;
        for output in &answered {
            if let Output::Http(request) = output {
                rig.answer(request.id, status, Some(retry_after_s), "{}");
            }
        }
        let n_before = rig.all_requests().len();
        assert!(matches!(rig.session.health().cause, Some(FeedCause::RateLimited { .. })));
        for round in 0..(retry_after_s * 10 - 1) {
            rig.input(history_request(symbols[(round % 3) as usize]));
            rig.frame(connection, &depth("AAABBB", 1_000 + 2 * round, 1_000 + 2 * round));
            rig.run(100);
        }
        assert_eq!(rig.all_requests().len(), n_before, "{status}");
        rig.run(10_000);
        let later: Vec<u64> = rig.all_requests()[n_before..].iter().map(|(time, _)| *time).collect();
        assert_eq!((later.len(), later[0]), (1, refused_at + retry_after_s * 1_000), "{status}");
        let probe = rig.all_requests()[n_before].1.clone();
        rig.answer(probe.id, 200, None, &snapshot(5_000));
        assert_eq!(rig.session.health().cause, None);
        rig.run(1_000);
        assert!(rig.all_requests().len() > n_before + 1);
    }
}

#[test]
fn two_hundred_symbols_start_within_half_of_the_weight() {
    let names: Vec<String> = (0..200).map(|idx| format!("S{idx}")).collect();
    let mut rig = Rig::new(&listed(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    rig.connect();
    for _ in 0..600 {
        for output in rig.take() {
            if let Output::Http(request) = output {
                let body = if request.path.ends_with("/depth") {
                    snapshot(10)
                } else if request.path.ends_with("/aggTrades") {
                    "[]".to_owned()
                } else {
                    let asked: Vec<String> = serde_json::from_str(&request.query[0].1).unwrap();
                    exchange_info(&asked.iter().map(String::as_str).collect::<Vec<_>>())
                };
                rig.answer(request.id, 200, None, &body);
            }
        }
        rig.run(1_000);
        let connection = rig.connects()[0].1;
        rig.frame(connection, &trade("S0", rig.now_ms));
    }
    let requests = rig.all_requests();
    for (start, _) in &requests {
        let window = requests.iter().filter(|(time, _)| time >= start && *time < start + 60_000);
        let weight: u32 = window.map(|(_, request)| request.weight).sum();
        assert!(weight <= 3_000, "{weight} in the minute from {start}");
    }
    let n_asked = |path: &str| requests.iter().filter(|(_, request)| request.path.ends_with(path)).count();
    assert_eq!(n_asked("/depth"), 200);
    // Two at the start, and those of the quiet symbols every two minutes.
    assert!((4..=12).contains(&n_asked("/exchangeInfo")), "{}", n_asked("/exchangeInfo"));
    assert!(names.iter().all(|symbol| rig.book(symbol).state == BookState::Live));
}

#[test]
fn the_venues_own_count_is_kept_to() {
    let (mut rig, _) = Rig::connected(&["AAABBB"]);
    let info = rig.requests("/exchangeInfo").remove(0);
    let body = exchange_info(&["AAABBB"]);
    let answer = HttpAnswer { status: 200, retry_after: None, used_weight: Some(2_999), body: &body };
    rig.input(Input::Http(info.id, Ok(answer)));
    let answered_at = rig.now_ms;
    let n_before = rig.all_requests().len();
    rig.input(history_request("AAABBB"));
    rig.run(59_999 - (rig.now_ms - answered_at));
    assert_eq!(rig.all_requests().len(), n_before);
    rig.run(1);
    assert!(rig.all_requests().len() > n_before);
}

#[test]
fn an_unknown_symbol_is_found_among_known_ones() {
    let symbols = ["AAABBB", "WRONG", "CCCDDD", "EEEFFF"];
    let mut rig = Rig::new(&listed(&symbols));
    let connection = rig.connect();
    for _ in 0..10 {
        for output in rig.take() {
            let Output::Http(request) = output else { continue };
            if request.path.ends_with("/depth") {
                rig.answer(request.id, 200, None, &snapshot(10));
                continue;
            }
            let asked: Vec<String> = serde_json::from_str(&request.query[0].1).unwrap();
            if asked.iter().any(|symbol| symbol == "WRONG") {
                rig.answer(request.id, 400, None, r#"{"code":-1121,"msg":"Invalid symbol."}"#);
            } else {
                let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
                rig.answer(request.id, 200, None, &exchange_info(&asked));
            }
        }
        rig.run(200);
    }
    let causes = &rig.session.health().instrument_causes;
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[&id("WRONG")], FeedCause::UnknownSymbol { symbol: "WRONG".into(), suggestion: None });
    assert_eq!((rig.session.instruments().len(), rig.session.health().cause.clone()), (3, None));
    // After a reconnect it is not subscribed again.
    rig.close(connection);
    let next = rig.connect();
    assert_eq!(rig.subscriptions(next)[0].2.len(), 12);
}

#[test]
fn a_feed_of_unknown_symbols_only_rests() {
    let (mut rig, connection) = Rig::connected(&["WRONG"]);
    let info = rig.requests("/exchangeInfo").remove(0);
    rig.answer(info.id, 400, None, r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    assert_eq!(rig.closes().last().map(|(_, closed)| *closed), Some(connection));
    assert_eq!(rig.session.health().cause, Some(FeedCause::UnknownSymbol { symbol: "WRONG".into(), suggestion: None }));
    assert!(!rig.session.health().is_connected);
    let n_connects = rig.connects().len();
    rig.run(600_000);
    assert_eq!(rig.connects().len(), n_connects);
}

#[test]
fn a_snapshot_request_that_hangs_or_fails_is_made_again() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.frame(connection, &depth("AAABBB", 10, 10));
    let hung = rig.requests("/depth").remove(0);
    rig.run(15_000);
    rig.frame(connection, &trade("AAABBB", 1));
    rig.run(6_000);
    let second = rig.requests("/depth").remove(0);
    // The late answer to the first request is no longer awaited.
    rig.answer(hung.id, 200, None, &snapshot(10));
    assert_eq!(rig.book("AAABBB").state, BookState::Buffering);
    rig.fail(second.id);
    rig.run(5_500);
    let third = rig.requests("/depth").remove(0);
    rig.answer(third.id, 200, None, r#"{"lastUpdateId":10,"bids":[["x","1"]],"asks":[]}"#);
    assert_eq!(rig.session.health().counters.malformed, 1);
    rig.frame(connection, &trade("AAABBB", 2));
    rig.run(5_500);
    let fourth = rig.requests("/depth").remove(0);
    rig.answer(fourth.id, 200, None, &snapshot(10));
    assert_eq!(rig.book("AAABBB").state, BookState::Live);
}

#[test]
fn requests_for_history_are_answered_and_retried_with_pauses() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.take();
    rig.input(history_request("AAABBB"));
    rig.input(Input::HistoryRequest(HistoryRequest { instrument: id("OTHER"), interval: Interval::M1, n_bars: 5 }));
    let mut times = Vec::new();
    for _ in 0..3 {
        let request = rig.requests("/klines").remove(0);
        times.push(rig.now_ms);
        let expected = [("symbol", "AAABBB"), ("interval", "1m"), ("limit", "500")];
        assert_eq!(request.query, expected.map(|(key, value)| (key, value.to_owned())));
        rig.answer(request.id, 500, None, "oops");
        let n_before = rig.all_requests().len();
        while rig.all_requests().len() == n_before {
            rig.run(100);
            rig.frame(connection, &trade("AAABBB", rig.now_ms));
        }
    }
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "{times:?}");
    let request = rig.requests("/klines").remove(0);
    rig.answer(request.id, 200, None, KLINES);
    assert_eq!(rig.words().last().map(String::as_str), Some("AAABBB history 1m 2"));
}

fn fail_to_connect(rig: &mut Rig, n_times: usize) {
    for _ in 0..n_times {
        let (_, connection, _) = *rig.connects().last().unwrap();
        rig.input(Input::Closed(
            connection,
            CloseReason::CannotConnect { status: None, retry_after: None, detail: "blocked".into() },
        ));
    }
}

#[test]
fn rest_is_polled_while_no_connection_can_be_had() {
    let config = SessionConfig {
        backoff_min: Duration::from_secs(9),
        backoff_max: Duration::from_secs(9),
        ..listed(&["AAABBB"])
    };
    let mut rig = Rig::new(&config);
    fail_to_connect(&mut rig, 2);
    rig.run(100);
    assert!(rig.requests("/ticker/24hr").is_empty());
    fail_to_connect(&mut rig, 1);
    rig.run(1);
    let ticker = |last: &str, time: u64| {
        format!(
            r#"{{"symbol":"AAABBB","lastPrice":"{last}","bidPrice":"3.9","bidQty":"1","askPrice":"4.1","askQty":"2","openPrice":"3",
            "highPrice":"5","lowPrice":"2","volume":"100","openTime":1,"closeTime":{time}}}"#
        )
    };
    let rows = |numbers: std::ops::RangeInclusive<u64>| {
        let rows: Vec<String> = numbers
            .map(|number| {
                format!(r#"{{"id":{number},"price":"4","qty":"1","time":1750000000000,"isBuyerMaker":false}}"#)
            })
            .collect();
        format!("[{}]", rows.join(","))
    };
    for round in 0..2_u64 {
        for output in rig.take() {
            let Output::Http(request) = output else { continue };
            let body = match request.path.as_ref() {
                "/api/v3/ticker/24hr" => ticker("4.0", 1_750_000_000_000 + round),
                "/api/v3/trades" => rows(1 + round..=5 + round),
                _ => continue,
            };
            rig.answer(request.id, 200, None, &body);
        }
        assert_eq!((rig.session.health().mode, rig.session.health().is_connected), (FeedMode::RestPolling, true));
        rig.run(5_000);
    }
    let expected = ["day 4.0", "quote 3.9/4.1", "trade 5 Buyer", "day 4.0", "quote 3.9/4.1", "trade 6 Buyer"];
    assert_eq!(rig.words(), expected.map(|words| format!("AAABBB {words}")));

    let connection = rig.connect();
    assert_eq!(rig.session.health().mode, FeedMode::RestPolling);
    rig.frame(connection, &trade("AAABBB", 6));
    rig.frame(connection, &trade("AAABBB", 7));
    rig.run(1);
    assert_eq!((rig.session.health().mode, rig.session.health().is_connected), (FeedMode::WebSocket, true));
    assert_eq!(rig.words().last().map(String::as_str), Some("AAABBB trade 7 Seller"));
    assert_eq!((rig.session.health().counters.trades, rig.session.health().counters.gaps), (3, 0));
    rig.take();
    rig.run(20_000);
    assert!(rig.requests("/ticker/24hr").is_empty());
}

#[test]
fn rest_is_polled_as_often_as_is_configured() {
    #[track_caller]
    fn check(poll_every: Option<Duration>, n_rounds: usize) {
        let wait = Duration::from_secs(600);
        let mut rig =
            Rig::new(&SessionConfig { poll_every, backoff_min: wait, backoff_max: wait, ..listed(&["AAABBB"]) });
        fail_to_connect(&mut rig, 3);
        rig.take();
        let mut n_asked = 0;
        // Step by step, so that each round is answered before the next is due.
        for _ in 0..595 {
            rig.run(100);
            for output in rig.take() {
                let Output::Http(request) = output else { continue };
                n_asked += usize::from(request.path == "/api/v3/ticker/24hr");
                rig.answer(request.id, 200, None, "[]");
            }
        }
        assert_eq!(n_asked, n_rounds, "{poll_every:?}");
    }
    check(None, 15);
    check(Some(Duration::from_secs(1)), 60);
    check(Some(Duration::from_secs(20)), 3);
}

#[test]
fn rest_is_polled_at_once_where_connections_are_refused() {
    let mut rig = Rig::new(&listed(&["AAABBB"]));
    let (_, connection, _) = rig.connects()[0];
    let reason = CloseReason::CannotConnect { status: Some(403), retry_after: None, detail: "forbidden".into() };
    rig.input(Input::Closed(connection, reason));
    rig.run(1);
    assert_eq!(rig.requests("/ticker/24hr").len(), 1);
}

#[test]
fn symbols_that_cannot_be_asked_for_are_unknown() {
    let long = "A".repeat(65);
    let rig = Rig::new(&listed(&["AAABBB", &long]));
    assert_eq!(rig.session.books().len(), 1);
    assert!(matches!(rig.session.health().instrument_causes[&id(&long)], FeedCause::UnknownSymbol { .. }));
}

#[test]
fn spurious_inputs_do_nothing() {
    let (mut rig, connection) = Rig::connected(&["AAABBB"]);
    rig.make_live(connection, "AAABBB", 10);
    rig.take();
    for _ in 0..3 {
        rig.input(Input::Timeout);
        rig.input(Input::Start);
        rig.input(Input::Connected(connection));
        rig.input(Input::Connected(ConnectionId(77)));
        rig.input(Input::Closed(ConnectionId(77), CloseReason::Ended { code: None, detail: String::new() }));
        rig.input(Input::Ping(connection));
        rig.answer(venues::session::RequestId(777), 200, None, "{}");
    }
    assert_eq!(rig.take(), []);
}
