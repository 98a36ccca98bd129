//! The session's requests to the venue, and its processing of frames and answers.

use crate::kraken_support::{
    HEARTBEAT, STATUS, acknowledgements, book, book_messages, connected, id, live, open, refusal, sent, small_book,
    ticker, trade,
};
use crate::support::{Rig, listed};
use model::{
    candle::Interval,
    event::{AggressorSide, HistoryRequest, MarketEventKind, TradeId},
    proof::BookState,
    status::FeedCause,
};
use serde_json::json;
use venues::session::{HttpRequest, Input, RequestId, SessionConfig};

#[test]
fn everything_of_a_symbol_is_subscribed_once_connected() {
    let (rig, connection) = connected(&["BTC/USD", "ETH/USD"]);
    let messages: Vec<String> = sent(&rig, connection)
        .iter()
        .map(|(_, message)| {
            let params = &message["params"];
            format!("{} {} {}", message["method"], params["channel"], params.get("symbol").unwrap_or(&json!([])))
        })
        .collect();
    let symbols = r#"["BTC/USD","ETH/USD"]"#;
    assert_eq!(
        messages,
        [
            r#""subscribe" "instrument" []"#.to_owned(),
            format!(r#""subscribe" "book" {symbols}"#),
            format!(r#""subscribe" "trade" {symbols}"#),
            format!(r#""subscribe" "ticker" {symbols}"#),
        ]
    );
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Buffering);
    let times: Vec<u64> = sent(&rig, connection).iter().map(|(time, _)| *time).collect();
    assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 250), "{times:?}");
}

#[test]
fn the_address_has_the_version_and_the_name_may_be_another() {
    let config = SessionConfig {
        ws_url: Some("ws://127.0.0.1:5/".into()),
        venue_name: Some("replay-kraken".into()),
        ..listed(&["BTC/USD"])
    };
    let rig = Rig::of("kraken", &config);
    let venues::session::Output::Connect { url, .. } = &rig.log[0].1 else { panic!("{:?}", rig.log) };
    assert_eq!((url.as_str(), rig.session.venue().as_str()), ("ws://127.0.0.1:5/v2", "replay-kraken"));
    assert_eq!(rig.session.books().keys().next().unwrap().to_string(), "replay-kraken:BTC/USD");
}

#[test]
fn the_named_side_is_the_takers() {
    let (mut rig, connection, _) = live("BTC/USD");
    for (number, side) in [(7, "buy"), (8, "sell"), (9, "both")] {
        rig.frame(connection, &trade("BTC/USD", number, side));
    }
    let sides: Vec<(TradeId, AggressorSide)> = rig
        .events()
        .iter()
        .filter_map(|event| match &event.kind {
            MarketEventKind::Trade(trade) => Some((trade.id.clone(), trade.aggressor_side)),
            _ => None,
        })
        .collect();
    let (id, side) = (TradeId::Sequence, [AggressorSide::Buyer, AggressorSide::Seller, AggressorSide::Unknown]);
    assert_eq!(sides, [(id(7), side[0]), (id(8), side[1]), (id(9), side[2])]);
    assert_eq!(rig.session.health().counters.malformed, 0);
}

#[test]
fn prints_are_judged_by_their_numbers() {
    let (mut rig, connection, _) = live("BTC/USD");
    for number in [7, 8, 8, 11, 10] {
        rig.frame(connection, &trade("BTC/USD", number, "buy"));
    }
    let counters = rig.session.health().counters;
    assert_eq!((counters.trades, counters.duplicates, counters.gaps, counters.out_of_order), (4, 1, 1, 1));
    // Trades at the time of subscribing close a gap, and repeated ones are not a fault.
    let repeated = trade("BTC/USD", 9, "buy").replace("update", "snapshot");
    rig.frame(connection, &repeated);
    rig.frame(connection, &repeated);
    let counters = rig.session.health().counters;
    assert_eq!((counters.trades, counters.duplicates, counters.out_of_order), (5, 1, 1));
}

#[test]
fn tickers_are_quotes_and_the_figures_where_they_change() {
    let (mut rig, connection, _) = live("BTC/USD");
    rig.frame(connection, &ticker("BTC/USD", "100.0", "101.0"));
    rig.frame(connection, &ticker("BTC/USD", "100.1", "101.0"));
    rig.frame(connection, &ticker("BTC/USD", "100.1", "0.0"));
    rig.frame(connection, &ticker("BTC/USD", "100.1", "101.0").replace(r#""high":110.0"#, r#""high":111.0"#));
    let words: Vec<String> =
        rig.words().into_iter().filter(|word| word.contains("quote") || word.contains("day")).collect();
    assert_eq!(
        words,
        [
            "BTC/USD quote 100.0/101.0",
            "BTC/USD day 101.0",
            "BTC/USD quote 100.1/101.0",
            "BTC/USD quote 100.1/-",
            "BTC/USD quote 100.1/101.0",
            "BTC/USD day 101.0"
        ]
    );
}

#[test]
fn instruments_come_from_the_channel() {
    let (mut rig, connection) = connected(&["BTC/USD"]);
    let frame = r#"{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD"}],"pairs":[
        {"symbol":"ETH/USD","base":"ETH","quote":"USD","status":"online","qty_increment":1e-08,"price_increment":0.01},
        {"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"STATUS","qty_increment":1e-08,"price_increment":0.1,"cost_min":"0.5"}]}}"#;
    for status in ["online", "online", "cancel_only"] {
        rig.frame(connection, &frame.replace("STATUS", status));
    }
    assert_eq!(rig.words(), ["BTC/USD state buffering", "BTC/USD instrument 0.1", "BTC/USD instrument 0.1"]);
    let instruments = rig.session.instruments();
    assert_eq!((instruments.len(), instruments[0].size_decimals()), (1, 8));
}

#[test]
fn a_refused_symbol_is_told_and_not_asked_for_again() {
    let mut rig = Rig::of("kraken", &listed(&["XBT/USD", "BTC/USD"]));
    let connection = open(&mut rig);
    rig.run(1_000);
    for (_, message) in sent(&rig, connection) {
        if message["params"]["channel"] != "instrument" {
            rig.frame(connection, &refusal(&message, "XBT/USD", "Currency pair not supported XBT/USD"));
        }
        for text in acknowledgements(&message).iter().filter(|text| !text.contains("XBT/USD")) {
            rig.frame(connection, text);
        }
    }
    let mut venue = small_book();
    rig.frame(connection, &venue.snapshot("BTC/USD"));
    for _ in 0..300 {
        rig.run(1_000);
        rig.frame(connection, HEARTBEAT);
        rig.frame(connection, &ticker("BTC/USD", "100.0", "101.0"));
    }
    let unknown = FeedCause::UnknownSymbol { symbol: "XBT/USD".into(), suggestion: Some("BTC/USD".into()) };
    assert_eq!(rig.session.health().instrument_causes, [(id("XBT/USD"), unknown)].into());
    assert_eq!(rig.session.health().cause, None);
    assert_eq!((rig.connects().len(), book_messages(&rig, connection).len()), (1, 1));
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Live);
}

#[test]
fn a_refused_channel_is_told_until_it_is_taken() {
    let mut rig = Rig::of("kraken", &listed(&["BTC/USD"]));
    let connection = open(&mut rig);
    rig.run(1_000);
    let messages = sent(&rig, connection);
    for (_, message) in &messages {
        if message["params"]["channel"] == "book" {
            rig.frame(connection, &refusal(message, "BTC/USD", "Subscription depth not supported"));
        } else {
            acknowledgements(message).iter().for_each(|text| rig.frame(connection, text));
        }
    }
    // Trades and heartbeats flow: the missing book is reported nevertheless.
    let stay = |rig: &mut Rig, seconds: u64, first: u64| {
        for number in first..first + seconds {
            rig.run(1_000);
            rig.frame(connection, HEARTBEAT);
            rig.frame(connection, &trade("BTC/USD", number, "buy"));
        }
    };
    stay(&mut rig, 58, 100);
    let refused = FeedCause::Refused { detail: "Subscription depth not supported".into() };
    assert_eq!(rig.session.health().instrument_causes.get(&id("BTC/USD")), Some(&refused));
    assert_eq!(book_messages(&rig, connection).len(), 1);
    stay(&mut rig, 4, 200);
    let again = sent(&rig, connection).last().unwrap().1.clone();
    assert_eq!((&again["method"], &again["params"]["channel"]), (&json!("subscribe"), &json!("book")));
    acknowledgements(&again).iter().for_each(|text| rig.frame(connection, text));
    assert_eq!(rig.session.health().instrument_causes.len(), 0);
}

#[test]
fn a_refusal_that_names_nothing_concerns_what_was_asked() {
    let mut rig = Rig::of("kraken", &listed(&["BTC/USD"]));
    let connection = open(&mut rig);
    rig.run(1_000);
    let messages = sent(&rig, connection);
    let refuse = |request: &serde_json::Value| {
        json!({"error": "Exceeded msg rate", "method": "subscribe", "success": false, "req_id": request}).to_string()
    };
    rig.frame(connection, &refuse(&messages[0].1["req_id"]));
    assert_eq!(rig.requests("/AssetPairs").len(), 1, "REST has the list that the channel does not give");
    rig.frame(connection, &refuse(&messages[3].1["req_id"]));
    let refused = FeedCause::Refused { detail: "Exceeded msg rate".into() };
    assert_eq!(rig.session.health().instrument_causes, [(id("BTC/USD"), refused)].into());
}

#[test]
fn restrictions_are_a_cause_until_the_venue_is_online() {
    let (mut rig, connection, _) = live("BTC/USD");
    rig.frame(connection, &STATUS.replace("online", "maintenance"));
    assert!(matches!(rig.session.health().cause, Some(FeedCause::Maintenance { .. })));
    rig.frame(connection, &trade("BTC/USD", 1, "buy"));
    assert!(rig.session.health().cause.is_some());
    for (word, expected) in [
        ("cancel_only", Some("the venue takes no new orders: orders can only be cancelled")),
        ("online", None),
        ("post_only", Some("the venue takes only orders that rest in the book: nothing trades")),
        ("limit_only", Some("the venue takes only limit orders")),
        ("new_word", None),
    ] {
        rig.frame(connection, &STATUS.replace("online", word));
        let cause = rig.session.health().cause.as_ref();
        assert_eq!(cause.map(ToString::to_string).as_deref(), expected, "{word}");
        assert!(!cause.is_some_and(FeedCause::is_transport), "data goes on: {word}");
    }
    assert_eq!(rig.session.health().counters.malformed, 0);
}

fn request_history(rig: &mut Rig, interval: Interval, n_bars: usize) {
    rig.input(Input::HistoryRequest(HistoryRequest { instrument: id("BTC/USD"), interval, n_bars }));
}

/// Returns the open times in seconds of the last history emitted.
fn history(rig: &Rig) -> Option<(Interval, Vec<i64>)> {
    rig.events().iter().rev().find_map(|event| match &event.kind {
        MarketEventKind::History(history) => {
            let times = history.candles.iter().map(|candle| candle.open_time.as_millis() / 1_000);
            Some((history.interval, times.collect()))
        }
        _ => None,
    })
}

#[test]
fn history_is_answered_with_the_newest_bars_and_holes_stay() {
    let (mut rig, connection, _) = live("BTC/USD");
    for (interval, minutes) in [
        (Interval::M1, 1),
        (Interval::M5, 5),
        (Interval::M15, 15),
        (Interval::M30, 30),
        (Interval::H1, 60),
        (Interval::H4, 240),
        (Interval::D1, 1_440),
    ] {
        rig.frame(connection, HEARTBEAT);
        request_history(&mut rig, interval, 4);
        rig.run(1_000);
        let [request] = rig.requests("/OHLC").try_into().unwrap();
        assert_eq!(request.query, [("pair", "BTC/USD".to_owned()), ("interval", format!("{minutes}"))]);
        let step = minutes * 60;
        // 721 candles with a gap; the last one is still forming, and `last` is the one before it.
        let times: Vec<i64> = (0..722).filter(|idx| *idx != 719).map(|idx| idx * step).collect();
        let rows: Vec<String> =
            times.iter().map(|time| format!(r#"[{time},"1.0","2.0","0.5","1.5","1.2","7.00",3]"#)).collect();
        let body = format!(r#"{{"error":[],"result":{{"XXBTZUSD":[{}],"last":{}}}}}"#, rows.join(","), 720 * step);
        rig.answer(request.id, 200, None, &body);
        assert_eq!(history(&rig), Some((interval, [717, 718, 720, 721].map(|idx| idx * step).to_vec())));
        rig.run(2_000);
    }
}

#[test]
fn bars_of_a_second_are_made_of_prints() {
    let (mut rig, ..) = live("BTC/USD");
    request_history(&mut rig, Interval::S1, 100);
    let [request] = rig.requests("/Trades").try_into().unwrap();
    let rows: Vec<String> = [(5, "10.2"), (6, "10.9"), (7, "11.0"), (8, "13.5")]
        .iter()
        .map(|(number, time)| format!(r#"["1.0","2.0",{time},"b","l","",{number}]"#))
        .collect();
    let body = format!(r#"{{"error":[],"result":{{"BTC/USD":[{}],"last":"13500000000"}}}}"#, rows.join(","));
    rig.answer(request.id, 200, None, &body);
    // More may have been traded in the first second than was reported; in the twelfth nothing was.
    assert_eq!(history(&rig), Some((Interval::S1, vec![11, 13])));
}

#[test]
fn refusals_of_rest_are_judged_by_their_words() {
    let (mut rig, connection, _) = live("BTC/USD");
    request_history(&mut rig, Interval::M1, 10);
    let [request] = rig.requests("/OHLC").try_into().unwrap();
    rig.answer(request.id, 200, None, r#"{"error":["EAPI:Rate limit exceeded"]}"#);
    assert!(matches!(rig.session.health().cause, Some(FeedCause::RateLimited { .. })));
    let stay = |rig: &mut Rig, seconds: u64| {
        for _ in 0..seconds {
            rig.run(1_000);
            rig.frame(connection, HEARTBEAT);
            rig.frame(connection, &ticker("BTC/USD", "100.0", "101.0"));
        }
    };
    stay(&mut rig, 59);
    assert_eq!(rig.requests("/OHLC").len(), 0, "nothing goes out while the venue has had enough");
    stay(&mut rig, 3);
    let [request] = rig.requests("/OHLC").try_into().unwrap();
    rig.answer(request.id, 200, None, r#"{"error":["EService:Unavailable"]}"#);
    stay(&mut rig, 10);
    let [request] = rig.requests("/OHLC").try_into().unwrap();
    rig.answer(request.id, 200, None, r#"{"error":["EQuery:Unknown asset pair"]}"#);
    stay(&mut rig, 2);
    let [request] = rig.requests("/OHLC").try_into().unwrap();
    rig.answer(request.id, 200, None, r#"{"error":["EQuery:Unknown asset pair"]}"#);
    stay(&mut rig, 100);
    assert_eq!(rig.requests("/OHLC").len(), 0, "the same question would be refused again");
    assert_eq!(book(&rig, "BTC/USD").state, BookState::Live, "the connection knows the symbol");
    assert_eq!(rig.session.health().instrument_causes.len(), 0);
}

#[test]
fn requests_keep_a_second_between_them_and_half_of_the_budget() {
    let symbols: Vec<String> = (0..80).map(|idx| format!("S{idx}/USD")).collect();
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let (mut rig, connection) = connected(&names);
    for symbol in &names {
        let instrument = id(symbol);
        rig.input(Input::HistoryRequest(HistoryRequest { instrument, interval: Interval::M1, n_bars: 10 }));
    }
    for _ in 0..200 {
        rig.run(1_000);
        rig.frame(connection, HEARTBEAT);
        for request in rig.requests("") {
            rig.answer(request.id, 200, None, r#"{"error":[],"result":{"A":[],"last":0}}"#);
        }
    }
    let times: Vec<u64> = rig.all_requests().iter().map(|(time, _)| *time).collect();
    assert!(times.len() >= 80, "{}", times.len());
    assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 1_000), "{times:?}");
    assert!(times.windows(31).all(|window| window[30] - window[0] >= 60_000), "{times:?}");
}

/// REST knows tokenised stocks in a class of their own, which it must be asked for.
#[test]
fn a_tokenised_stock_is_asked_for_in_its_class() {
    let (mut rig, connection, _) = live("BTC/USD");
    let stay = |rig: &mut Rig, seconds: u64| {
        for _ in 0..seconds {
            rig.run(1_000);
            rig.frame(connection, &ticker("BTC/USD", "100.0", "101.0"));
        }
    };
    let unknown = r#"{"error":["EQuery:Unknown asset pair"]}"#;
    let classes = |rig: &mut Rig| -> Vec<(RequestId, Option<String>)> {
        let class = |request: &HttpRequest| {
            request.query.iter().find(|(key, _)| *key == "asset_class").map(|(_, value)| value.clone())
        };
        rig.requests("/OHLC").iter().map(|request| (request.id, class(request))).collect()
    };
    rig.take();
    request_history(&mut rig, Interval::M1, 10);
    stay(&mut rig, 3);
    let first = classes(&mut rig);
    assert_eq!((first.len(), &first[0].1), (1, &None));
    rig.answer(first[0].0, 200, None, unknown);
    stay(&mut rig, 3);
    let second = classes(&mut rig);
    assert_eq!((second.len(), second[0].1.as_deref()), (1, Some("tokenized_asset")));
    let row = r#"[1790348400,"1","2","1","2","1.5","3",4]"#;
    rig.answer(second[0].0, 200, None, &format!(r#"{{"error":[],"result":{{"AAPLxUSD":[{row}],"last":1}}}}"#));
    assert_eq!(history(&rig), Some((Interval::M1, vec![1_790_348_400])));
    request_history(&mut rig, Interval::M5, 10);
    stay(&mut rig, 3);
    let third = classes(&mut rig);
    assert_eq!(third[0].1.as_deref(), Some("tokenized_asset"), "it is remembered");
    rig.answer(third[0].0, 200, None, unknown);
    stay(&mut rig, 60);
    assert!(classes(&mut rig).is_empty(), "neither class: not asked again");
}

/// The venue's names tell which symbol was meant; before they come, its spelling does.
#[test]
fn an_unknown_symbol_is_told_with_a_suggestion() {
    for (symbol, with_names, expected) in [
        ("XBT/USD", true, "unknown symbol XBT/USD; did you mean BTC/USD?"),
        ("XBT/USD", false, "unknown symbol XBT/USD; did you mean BTC/USD?"),
        ("btc-usd", false, "unknown symbol btc-usd; did you mean BTC/USD?"),
        ("BTC/USF", true, "unknown symbol BTC/USF; did you mean BTC/USD?"),
        ("NOPE/ABC", true, "unknown symbol NOPE/ABC"),
        ("XDG/ABC", true, "unknown symbol XDG/ABC"),
    ] {
        let mut rig = Rig::of("kraken", &listed(&[symbol]));
        let connection = open(&mut rig);
        rig.run(1_000);
        if with_names {
            let pair = r#"{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_increment":1e-8,"price_increment":0.1}"#;
            let data = format!(r#"{{"assets":[],"pairs":[{pair}]}}"#);
            rig.frame(connection, &format!(r#"{{"channel":"instrument","type":"snapshot","data":{data}}}"#));
        }
        for (_, message) in sent(&rig, connection) {
            if message["params"]["channel"] != "instrument" {
                let detail = format!("Currency pair not supported {symbol}");
                rig.frame(connection, &refusal(&message, symbol, &detail));
            }
        }
        assert_eq!(rig.session.health().instrument_causes[&id(symbol)].to_string(), expected);
    }
}

#[test]
fn a_pairs_status_is_told_until_it_ends() {
    let (mut rig, connection, _) = live("BTC/USD");
    for (status, expected) in [
        ("post_only", Some("only orders that rest in the book, nothing trades (post_only)")),
        ("limit_only", Some("only limit orders (limit_only)")),
        ("cancel_only", Some("orders can only be cancelled (cancel_only)")),
        ("delisted", Some("not trading (delisted)")),
        ("online", None),
    ] {
        let pair = format!(
            r#"{{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"{status}","qty_increment":1e-8,"price_increment":0.1}}"#
        );
        let data = format!(r#"{{"assets":[],"pairs":[{pair}]}}"#);
        rig.frame(connection, &format!(r#"{{"channel":"instrument","type":"update","data":{data}}}"#));
        let told = rig.session.health().restrictions.get(&id("BTC/USD")).map(ToString::to_string);
        assert_eq!(told.as_deref(), expected);
    }
}
