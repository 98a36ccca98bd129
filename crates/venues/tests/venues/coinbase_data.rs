//! Processing of frames and answers in the Coinbase session: books, trades, quotes, candles, products under another
//! name.

use crate::coinbase_support::{Feed, book, id, numbered, print, product, ticker, trades};
use crate::support::{EPOCH_MS, listed};
use model::{
    candle::Interval,
    event::{HistoryRequest, MarketEventKind},
    proof::BookState,
    status::FeedCause,
};
use venues::session::Input;

#[test]
fn a_book_is_whole_with_its_snapshot_and_follows_changes() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.update("AAA-USD", &[("bid", "100.50", "1")]);
    assert_eq!(feed.state("AAA-USD"), BookState::Buffering);
    feed.snapshot("AAA-USD");
    feed.update("AAA-USD", &[("bid", "100.00", "0"), ("offer", "100.90", "2"), ("offer", "103", "0")]);
    assert_eq!(
        feed.words_of("AAA-USD"),
        ["state buffering", "snapshot live 2+2", "quote 100.00/101.00", "delta live 1+2", "quote 99.00/100.90"]
    );
    let tracked = feed.tracked("AAA-USD");
    assert_eq!((tracked.last_update_id, tracked.book.n_bids(), tracked.book.n_asks()), (Some(2), 1, 3));
}

#[test]
fn ask_is_no_side() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    feed.update("AAA-USD", &[("ask", "100.90", "2"), ("bid", "100.10", "2")]);
    let counters = feed.session.health().counters;
    assert_eq!((counters.unknown, counters.malformed), (1, 0));
    assert_eq!((feed.state("AAA-USD"), feed.tracked("AAA-USD").book.n_asks()), (BookState::Live, 2));
    assert_eq!(feed.tracked("AAA-USD").book.best_bid().unwrap().price.to_string(), "100.10");
}

#[test]
fn numbers_are_the_connections_not_the_channels() {
    let mut feed = Feed::connected(&["AAA-USD", "BBB-USD"]);
    feed.snapshot("AAA-USD");
    feed.heartbeat();
    feed.say("ticker", &ticker("AAA-USD", "100.00", "101.00"));
    feed.snapshot("BBB-USD");
    feed.say("subscriptions", r#"{"subscriptions":{"level2":["AAA-USD","BBB-USD"]}}"#);
    feed.say("status", r#"{"type":"snapshot"}"#);
    feed.update("AAA-USD", &[("bid", "100.00", "7")]);
    assert_eq!((feed.session.health().counters.gaps, feed.state("AAA-USD")), (0, BookState::Live));

    // A heartbeat or any other frame is missing: the next frame of any channel reveals it.
    let n_sent = feed.sent().len();
    feed.sequence += 1;
    feed.say("ticker", &ticker("BBB-USD", "100.00", "101.00"));
    assert_eq!(feed.session.health().counters.gaps, 1);
    for symbol in ["AAA-USD", "BBB-USD"] {
        let words = feed.words_of(symbol);
        assert!(words.contains(&"state suspect".to_owned()) && !feed.state(symbol).is_served(), "{words:?}");
    }
    feed.update("AAA-USD", &[("bid", "100.00", "9")]);
    assert!(!feed.state("AAA-USD").is_served());

    // Both are requested together.
    feed.run(2_000);
    let texts: Vec<String> = feed.sent().into_iter().skip(n_sent).map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            r#"{"type":"unsubscribe","product_ids":["AAA-USD","BBB-USD"],"channel":"level2"}"#,
            r#"{"type":"subscribe","product_ids":["AAA-USD","BBB-USD"],"channel":"level2"}"#
        ]
    );
    assert_eq!([feed.state("AAA-USD"), feed.state("BBB-USD")], [BookState::Resyncing, BookState::Resyncing]);
    feed.snapshot("AAA-USD");
    feed.snapshot("BBB-USD");
    assert_eq!([feed.state("AAA-USD"), feed.state("BBB-USD")], [BookState::Live, BookState::Live]);
    assert_eq!(feed.session.health().counters.resyncs, 2);
}

#[test]
fn repeated_and_late_frames_change_no_book() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    let first = feed.next("l2_data", &book("update", "AAA-USD", &[("bid", "99.50", "1")]));
    let second = feed.next("l2_data", &book("update", "AAA-USD", &[("bid", "99.50", "2")]));
    feed.hear(&first);
    feed.hear(&second);
    feed.hear(&first);
    let row = feed.tracked("AAA-USD").book.bids().nth(1).unwrap();
    assert_eq!((row.quantity.to_string().as_str(), feed.session.health().counters.duplicates), ("2", 1));
    let late = feed.next("l2_data", &book("snapshot", "AAA-USD", &[("bid", "1", "1")]));
    feed.heartbeat();
    feed.hear(&late);
    assert_eq!((feed.state("AAA-USD").is_served(), feed.session.health().counters.out_of_order), (false, 1));
}

#[test]
fn an_unreadable_frame_is_a_doubt_that_the_next_two_numbers_settle() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    feed.hear("nonsense");
    assert_eq!(feed.state("AAA-USD"), BookState::Suspect);
    feed.update("AAA-USD", &[("bid", "100.00", "7")]);
    assert_eq!(feed.state("AAA-USD"), BookState::Suspect);
    feed.heartbeat();
    assert_eq!((feed.state("AAA-USD"), feed.tracked("AAA-USD").counters.resyncs), (BookState::Live, 0));
    assert_eq!(feed.tracked("AAA-USD").book.best_bid().unwrap().quantity.to_string(), "7");
    // A late one, right behind the unreadable one, reveals no gap yet.
    let late = feed.next("l2_data", &book("update", "AAA-USD", &[("bid", "100.00", "9")]));
    let broken = feed.next("l2_data", &book("update", "AAA-USD", &[("bid", "100.00", "8")]));
    feed.hear(&broken[..broken.len() - 3]);
    feed.hear(&late);
    assert_eq!(feed.state("AAA-USD"), BookState::Suspect);
    feed.heartbeat();
    assert_eq!((feed.state("AAA-USD"), feed.tracked("AAA-USD").counters.resyncs), (BookState::Resyncing, 1));
}

#[test]
fn a_maker_who_sells_means_a_buyer_who_took() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.say("market_trades", &trades("snapshot", "AAA-USD", &[(11, "BUY"), (10, "SELL")]));
    feed.say("market_trades", &trades("update", "AAA-USD", &[(14, "X"), (13, "SELL"), (12, "BUY")]));
    assert_eq!(feed.words_of("AAA-USD"), ["trade 12 Seller", "trade 13 Buyer", "trade 14 Unknown"]);
}

#[test]
fn the_snapshot_of_prints_is_no_new_volume_but_closes_gaps() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.say("market_trades", &trades("snapshot", "AAA-USD", &[(11, "BUY"), (10, "SELL"), (9, "SELL")]));
    feed.say("market_trades", &trades("update", "AAA-USD", &[(12, "BUY")]));
    feed.say("market_trades", &trades("update", "AAA-USD", &[(12, "BUY")]));
    assert_eq!(feed.words_of("AAA-USD"), ["trade 12 Seller"]);
    assert_eq!(feed.session.health().counters.duplicates, 1);
    let connection = feed.connection;
    feed.close(connection);
    feed.run(600);
    feed.reconnect();
    feed.say("market_trades", &trades("snapshot", "AAA-USD", &[(14, "BUY"), (13, "BUY"), (12, "BUY"), (8, "BUY")]));
    assert_eq!(feed.words_of("AAA-USD"), ["trade 12 Seller", "trade 13 Seller", "trade 14 Seller"]);
    feed.say("market_trades", &trades("update", "AAA-USD", &[(17, "BUY")]));
    let counters = feed.session.health().counters;
    assert_eq!((counters.trades, counters.gaps, counters.duplicates), (4, 1, 1));
}

#[test]
fn the_ticker_is_told_while_the_book_is_not_and_compared_afterwards() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.say("ticker", &ticker("AAA-USD", "99.90", "101.10"));
    feed.snapshot("AAA-USD");
    feed.say("ticker", &ticker("AAA-USD", "100.00", "101.00"));
    feed.say("ticker", &ticker("AAA-USD", "99.90", "101.00"));
    assert_eq!(
        feed.words_of("AAA-USD"),
        ["day 110", "quote 99.90/101.10", "snapshot live 2+2", "quote 100.00/101.00", "day 110", "day 110"]
    );
    let counters = feed.tracked("AAA-USD").counters;
    assert_eq!((counters.quote_matches, counters.quote_mismatches), (1, 1));
    let day = feed.events().into_iter().find_map(|event| match &event.kind {
        MarketEventKind::Day(day) => Some(*day),
        _ => None,
    });
    assert_eq!(
        day.map(|day| (day.open.unwrap().to_string(), day.low.unwrap().to_string())),
        Some(("100".into(), "90".into()))
    );
}

#[test]
fn a_book_that_the_ticker_keeps_contradicting_is_asked_for_again() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    for _ in 0..6 {
        feed.run(1_000);
        feed.say("ticker", &ticker("AAA-USD", "100.40", "101.00"));
    }
    assert_eq!(feed.state("AAA-USD"), BookState::Resyncing);
    feed.snapshot("AAA-USD");
    assert_eq!((feed.state("AAA-USD"), feed.session.health().counters.resyncs), (BookState::Live, 1));
}

#[test]
fn a_crossed_book_is_asked_for_again_after_half_a_second() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.snapshot("AAA-USD");
    feed.run(4_000);
    feed.update("AAA-USD", &[("bid", "101.50", "1")]);
    assert_eq!(feed.words_of("AAA-USD").last().map(String::as_str), Some("delta live 1+0"), "no crossed quote");
    feed.run(500);
    assert_eq!(feed.state("AAA-USD"), BookState::Live);
    feed.run(10);
    assert_eq!(feed.state("AAA-USD"), BookState::Resyncing);
}

#[test]
fn data_of_an_alias_comes_under_the_other_name() {
    let mut feed = Feed::connected(&["AAA-USDC"]);
    assert!(feed.sent()[1].1.contains(r#""product_ids":["AAA-USDC"],"channel":"level2""#));
    feed.snapshot("AAA-USD");
    feed.say("market_trades", &trades("update", "AAA-USD", &[(12, "BUY")]));
    assert_eq!(feed.words_of("AAA-USDC"), ["snapshot live 2+2", "quote 100.00/101.00", "trade 12 Seller"]);
    assert_eq!(feed.session.books().len(), 1);
    // The list of products decides if names are inconclusive.
    let mut feed = Feed::connected(&["AAA-EURC"]);
    let request = feed.requests_of("/products/AAA-EURC").remove(0).1;
    feed.answer(request.id, 200, None, &product("AAA-EURC", "AAA-EUR"));
    feed.snapshot("AAA-EUR");
    feed.snapshot("OTHER-USD");
    assert_eq!(feed.state("AAA-EURC"), BookState::Live);
}

#[test]
fn an_alias_beside_its_original_shares_what_comes() {
    let mut feed = Feed::connected(&["AAA-USD", "AAA-USDC"]);
    assert!(feed.sent().iter().all(|(_, text)| !text.contains("AAA-USDC")), "{:?}", feed.sent());
    feed.snapshot("AAA-USD");
    assert_eq!(feed.state("AAA-USDC"), BookState::Empty);
    let request = feed.requests_of("/products/AAA-USDC").remove(0).1;
    feed.answer(request.id, 200, None, &product("AAA-USDC", "AAA-USD"));
    assert_eq!(feed.words_of("AAA-USDC"), ["snapshot live 2+2", "quote 100.00/101.00"]);
    feed.update("AAA-USD", &[("bid", "100.10", "1")]);
    for symbol in ["AAA-USD", "AAA-USDC"] {
        assert_eq!(feed.words_of(symbol)[2..], ["delta live 1+0", "quote 100.10/101.00"], "{symbol}");
    }
    feed.sequence += 1;
    feed.heartbeat();
    assert_eq!([feed.state("AAA-USD"), feed.state("AAA-USDC")], [BookState::Resyncing; 2]);
    feed.run(6_000);
    assert!(feed.sent().iter().all(|(_, text)| !text.contains("AAA-USDC")));
    feed.snapshot("AAA-USD");
    assert_eq!([feed.state("AAA-USD"), feed.state("AAA-USDC")], [BookState::Live; 2]);
    let connection = feed.connection;
    feed.close(connection);
    assert_eq!([feed.state("AAA-USD"), feed.state("AAA-USDC")], [BookState::Buffering; 2]);
}

#[test]
fn a_name_like_an_aliases_proves_nothing() {
    let mut feed = Feed::connected(&["AAA-USD", "AAA-USDC"]);
    let request = feed.requests_of("/products/AAA-USDC").remove(0).1;
    feed.answer(request.id, 200, None, &product("AAA-USDC", ""));
    feed.run(2_000);
    assert_eq!(feed.sent().iter().filter(|(_, text)| text.contains(r#"["AAA-USDC"]"#)).count(), 3);
    feed.snapshot("AAA-USD");
    assert_eq!([feed.state("AAA-USD"), feed.state("AAA-USDC")], [BookState::Live, BookState::Empty]);
    feed.snapshot("AAA-USDC");
    assert_eq!(feed.state("AAA-USDC"), BookState::Live);
}

#[test]
fn products_are_described_and_unknown_ones_left_alone() {
    let mut feed = Feed::of(&listed(&["AAA-USD", "NOPE-USD", "A/../B", ""]));
    for (symbol, status, body) in [
        ("AAA-USD", 200, product("AAA-USD", "")),
        ("NOPE-USD", 404, r#"{"error":"NOT_FOUND","error_details":"x","message":"x"}"#.to_owned()),
    ] {
        let request = feed.requests_of(&format!("/products/{symbol}")).remove(0).1;
        feed.answer(request.id, status, None, &body);
    }
    let health = feed.session.health();
    assert!(matches!(health.instrument_causes[&id("NOPE-USD")], FeedCause::UnknownSymbol { .. }));
    assert!(health.instrument_causes.contains_key(&id("A/../B")) && health.cause.is_none());
    let instruments = feed.session.instruments();
    assert_eq!((instruments.len(), instruments[0].price_decimals()), (1, 2));
    feed.run(60_000);
    assert_eq!(feed.requests_of("/products/NOPE-USD").len(), 1);
}

fn bars(first: i64, length: i64, n_bars: i64) -> String {
    let row = |idx: i64| {
        let start = first + length * (n_bars - 1 - idx);
        format!(r#"{{"start":"{start}","low":"1","high":"4","open":"2","close":"3","volume":"1"}}"#)
    };
    format!(r#"{{"candles":[{}]}}"#, (0..n_bars).map(row).collect::<Vec<_>>().join(","))
}

#[test]
fn history_is_fetched_in_pages_and_told_at_once() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    let request_history = |feed: &mut Feed, interval, n_bars| {
        feed.input(Input::HistoryRequest(HistoryRequest { instrument: id("AAA-USD"), interval, n_bars }));
        feed.run(1_000);
    };
    request_history(&mut feed, Interval::S1, 500);
    assert!(feed.requests_of("/candles").is_empty());
    request_history(&mut feed, Interval::M1, 500);
    let first = feed.requests_of("/candles").remove(0).1;
    let value = |idx: usize| first.query[idx].1.parse::<i64>().unwrap();
    assert!(value(1) - value(0) == 349 * 60 && value(1) <= EPOCH_MS / 1_000 + 10, "{:?}", first.query);
    feed.answer(first.id, 200, None, &bars(value(0), 60, 350));
    feed.run(1_000);
    let second = feed.requests_of("/candles").remove(1).1;
    assert_eq!(
        (second.query[0].1.parse::<i64>().unwrap(), second.query[1].1.parse::<i64>().unwrap()),
        (value(1) - 499 * 60, value(0) - 60)
    );
    assert!(feed.words_of("AAA-USD").is_empty());
    feed.answer(second.id, 200, None, &bars(value(1) - 499 * 60, 60, 150));
    assert_eq!(feed.words_of("AAA-USD"), ["history 1m 500"]);
    let history = feed.events().into_iter().find_map(|event| match &event.kind {
        MarketEventKind::History(history) => Some(history.candles.clone()),
        _ => None,
    });
    assert!(history.unwrap().windows(2).all(|pair| pair[0].open_time < pair[1].open_time));

    // Four hours are built from two of two hours; a finally refused answer leaves the existing data.
    request_history(&mut feed, Interval::H4, 2);
    let request = feed.requests_of("/candles").remove(2).1;
    assert_eq!(request.query[2].1, "TWO_HOUR");
    let start = request.query[0].1.parse().unwrap();
    feed.answer(request.id, 200, None, &bars(start, 7_200, 3));
    assert_eq!(feed.words_of("AAA-USD").last().map(String::as_str), Some("history 4h 2"));
}

#[test]
fn polling_bridges_a_broken_connection_without_doubles() {
    let mut feed = Feed::connected(&["AAA-USD"]);
    feed.say("market_trades", &trades("update", "AAA-USD", &[(12, "BUY")]));
    for _ in 0..3 {
        let connection = feed.wanted_connection();
        feed.close(connection);
        feed.run(2_500);
    }
    let answer_all = |feed: &mut Feed, newest: u64| {
        for _ in 0..8 {
            for output in feed.take() {
                let venues::session::Output::Http(request) = output else { continue };
                let prints: Vec<String> = (newest - 2..=newest).rev().map(|id| print("AAA-USD", id, "SELL")).collect();
                let body = match request.path.rsplit('/').next().unwrap() {
                    "product_book" => r#"{"pricebook":{"product_id":"AAA-USD","bids":[{"price":"99","size":"1"}],"asks":[{"price":"99.5","size":"2"}]}}"#.to_owned(),
                    "ticker" => format!(r#"{{"trades":[{}],"best_bid":"99","best_ask":"99.5"}}"#, prints.join(",")),
                    _ => product("AAA-USD", ""),
                };
                feed.answer(request.id, 200, None, &body);
            }
            feed.run(300);
        }
    };
    answer_all(&mut feed, 14);
    assert_eq!(feed.session.health().mode, model::status::FeedMode::RestPolling);
    assert!(feed.session.health().is_connected);
    feed.run(5_000);
    answer_all(&mut feed, 15);
    let printed = |feed: &Feed| {
        feed.words_of("AAA-USD").into_iter().filter(|words| words.starts_with("trade")).collect::<Vec<_>>()
    };
    assert_eq!(printed(&feed), ["trade 12 Seller", "trade 13 Buyer", "trade 14 Buyer", "trade 15 Buyer"]);
    assert!(feed.words_of("AAA-USD").contains(&"quote 99/99.5".to_owned()));
    feed.reconnect();
    feed.say("market_trades", &trades("snapshot", "AAA-USD", &[(16, "BUY"), (15, "SELL"), (14, "SELL")]));
    feed.run(1_000);
    assert_eq!(feed.session.health().mode, model::status::FeedMode::WebSocket);
    assert_eq!(printed(&feed).last().map(String::as_str), Some("trade 16 Seller"));
    assert_eq!((printed(&feed).len(), feed.session.health().counters.gaps), (5, 0));
    let n_requests = feed.all_requests().len();
    feed.heartbeat();
    feed.run(4_000);
    assert_eq!(feed.all_requests().len(), n_requests, "no polls any more");
}

#[test]
fn channels_of_bars_are_read_in_recordings() {
    let mut feed = Feed::of(&venues::session::SessionConfig {
        symbols: venues::session::Symbols::FromFrames,
        ..Default::default()
    });
    let bar = |start: i64| {
        format!(
            r#"{{"start":"{start}","high":"4","low":"1","open":"2","close":"3","volume":"5","product_id":"AAA-USD"}}"#
        )
    };
    feed.say("candles", &format!(r#"{{"type":"snapshot","candles":[{},{}]}}"#, bar(1_800), bar(600)));
    feed.say("candles", &format!(r#"{{"type":"update","candles":[{}]}}"#, bar(2_100)));
    assert_eq!(feed.words_of("AAA-USD"), ["history 5m 2", "candle 5m false"]);
}

#[test]
fn single_events_may_share_a_frame() {
    let mut feed = Feed::connected(&["AAA-USD", "BBB-USD"]);
    let events =
        [book("snapshot", "AAA-USD", &[("bid", "1", "1")]), book("snapshot", "BBB-USD", &[("offer", "2", "1")])];
    let connection = feed.connection;
    feed.frame(connection, &numbered("l2_data", 0, &events.join(",")));
    assert_eq!([feed.state("AAA-USD"), feed.state("BBB-USD")], [BookState::Live, BookState::Live]);
}
