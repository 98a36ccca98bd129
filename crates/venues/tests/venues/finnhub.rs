//! Finnhub's session under virtual time: subscriptions, trades, prices without trades, refusals, silence, polling.

use std::collections::BTreeSet;

use crate::support::{EPOCH_MS, Rig, listed};
use model::{
    candle::Interval,
    decimal::Price,
    event::{HistoryRequest, MarketEventKind},
    instrument::InstrumentId,
    status::{BreakerState, FeedCause, FeedMode, Silence},
};
use venues::{
    replay::Replay,
    session::{CloseReason, ConnectionId, Input, Output, SessionConfig},
};

fn rig(symbols: &[&str]) -> (Rig, ConnectionId) {
    let mut rig = Rig::of("finnhub", &listed(symbols));
    let connection = connect(&mut rig);
    (rig, connection)
}

fn connect(rig: &mut Rig) -> ConnectionId {
    let connection = rig.connects().last().expect("a connection is wanted").1;
    rig.input(Input::Connected(connection));
    connection
}

fn id(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("finnhub:{symbol}")).unwrap()
}

fn history_request(symbol: &str) -> Input<'static> {
    Input::HistoryRequest(HistoryRequest { instrument: id(symbol), interval: Interval::M1, n_bars: 500 })
}

fn trade(symbol: &str, price: &str, time_ms: i64, volume: &str) -> String {
    format!(r#"{{"c":null,"p":{price},"s":"{symbol}","t":{time_ms},"v":{volume}}}"#)
}

fn frame(trades: &[String]) -> String {
    format!(r#"{{"data":[{}],"type":"trade"}}"#, trades.join(","))
}

fn quote(last: &str, time_s: i64) -> String {
    format!(r#"{{"c":{last},"d":1,"dp":1.0,"h":12,"l":8,"o":10,"pc":9.5,"t":{time_s}}}"#)
}

/// Returns trades and day statistics in order.
fn shown(rig: &Rig) -> Vec<String> {
    let words = rig.events().into_iter().filter_map(|event| match &event.kind {
        MarketEventKind::Trade(trade) => {
            Some(format!("{} {}x{} #{}", event.instrument.symbol(), trade.price, trade.size, trade.id))
        }
        MarketEventKind::OffMarketTrade(trade) => {
            Some(format!("{} off market {}x{}", event.instrument.symbol(), trade.price, trade.size))
        }
        MarketEventKind::Day(day) => {
            let shown = |price: Option<Price>| price.map_or_else(|| "-".to_owned(), |price| price.to_string());
            let [low, high, last] = [day.low, day.high, day.last].map(shown);
            Some(format!("{} day {low} {high} {last}", event.instrument.symbol()))
        }
        _ => None,
    });
    words.collect()
}

#[test]
fn four_hours_are_built_from_hours() {
    let (mut rig, _) = rig(&["BINANCE:BTCUSDT"]);
    let request = HistoryRequest { instrument: id("BINANCE:BTCUSDT"), interval: Interval::H4, n_bars: 2 };
    rig.input(Input::HistoryRequest(request));
    rig.run(2_000);
    let [request] = rig.requests("/candle").try_into().unwrap();
    assert_eq!(request.query[1].1, "60");
    let body = r#"{"o":[1,2,3],"h":[4,5,6],"l":[0.5,1,2],"c":[2,3,4],"v":[1,2,4],"t":[14400,18000,28800],"s":"ok"}"#;
    rig.answer(request.id, 200, None, body);
    let bars = rig.events().into_iter().find_map(|event| match &event.kind {
        MarketEventKind::History(history) => Some(history.candles.clone()),
        _ => None,
    });
    let shown: Vec<String> = bars
        .unwrap()
        .iter()
        .map(|bar| {
            let seconds = bar.open_time.as_millis() / 1_000;
            format!("{seconds} {} {} {} {} {}", bar.open, bar.high, bar.low, bar.close, bar.volume)
        })
        .collect();
    assert_eq!(shown, ["14400 1 5 0.5 3 3", "28800 3 6 2 4 4"]);
}

#[test]
fn one_message_a_symbol_and_the_token_stays_with_the_shell() {
    let (mut rig, connection) = rig(&["BINANCE:BTCUSDT", "AAPL"]);
    rig.run(1_000);
    let Some((_, Output::Connect { url, .. })) =
        rig.log.iter().find(|(_, output)| matches!(output, Output::Connect { .. }))
    else {
        panic!("no connection")
    };
    assert_eq!(url, "wss://ws.finnhub.io/?token={token}");
    let sent: Vec<(u64, &str)> = rig
        .log
        .iter()
        .filter_map(|(time, output)| match output {
            Output::Send(on, text) if *on == connection => Some((*time, text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(
        sent,
        [(0, r#"{"type":"subscribe","symbol":"BINANCE:BTCUSDT"}"#), (100, r#"{"type":"subscribe","symbol":"AAPL"}"#)]
    );
}

#[test]
fn prints_keep_order_repetition_and_digits() {
    let (mut rig, connection) = rig(&["X:A", "X:B"]);
    let t = EPOCH_MS;
    rig.frame(
        connection,
        &frame(&[
            trade("X:A", "10.50", t + 2, "1"),
            trade("X:B", "7", t + 1, "2.5"),
            trade("X:A", "10.50", t + 2, "1"),
            trade("X:A", "10.4", t, "3"),
            trade("X:C", "1", t, "1"),
        ]),
    );
    let ids = [t, t + 1, t + 2].map(|time| time.to_string());
    assert_eq!(
        shown(&rig),
        [
            format!("X:A 10.4x3 #{}-0", ids[0]),
            format!("X:B 7x2.5 #{}-0", ids[1]),
            format!("X:A 10.50x1 #{}-0", ids[2]),
            format!("X:A 10.50x1 #{}-1", ids[2]),
        ]
    );
    let decimals: Vec<(u32, u32)> =
        rig.session.instruments().iter().map(|one| (one.price_decimals(), one.size_decimals())).collect();
    assert_eq!(decimals, [(2, 0), (2, 1)]);
    assert_eq!(rig.session.health().counters.trades, 4);
}

#[test]
fn a_price_without_volume_is_no_print() {
    let (mut rig, connection) = rig(&["OANDA:EUR_USD"]);
    let asked = rig.requests("/quote");
    rig.answer(asked[0].id, 200, None, &quote("10", EPOCH_MS / 1_000));
    rig.frame(connection, &frame(&[trade("OANDA:EUR_USD", "12.5", EPOCH_MS + 500, "0")]));
    rig.frame(connection, &frame(&[trade("OANDA:EUR_USD", "3", EPOCH_MS + 400, "0")]));
    let print = |price: &str, ms: i64| format!("OANDA:EUR_USD {price}x0 #{}-0", EPOCH_MS + ms);
    assert_eq!(
        shown(&rig),
        [
            "OANDA:EUR_USD day 8 12 10".to_owned(),
            "OANDA:EUR_USD day 8 12.5 12.5".to_owned(),
            print("12.5", 500),
            print("3", 400)
        ]
    );
    assert_eq!(rig.session.health().counters.out_of_order, 1);
}

/// A block reported late at a derived price counts as volume alone, and its digits are not the market's.
#[test]
fn a_trade_away_from_the_market_sets_no_price() {
    let (mut rig, connection) = rig(&["IWM"]);
    let with = |conditions: &str, price: &str, ms: i64| {
        trade("IWM", price, EPOCH_MS + ms, "100").replace(r#""c":null"#, &format!(r#""c":{conditions}"#))
    };
    rig.frame(connection, &frame(&[with(r#"["1","12"]"#, "109.41", 0)]));
    rig.frame(connection, &frame(&[with(r#"["53","52","41"]"#, "114.6247", 1), with(r#"["16"]"#, "120", 2)]));
    rig.frame(connection, &frame(&[with(r#"[1,"8"]"#, "109.42", 3)]));
    let print = |price: &str, ms: i64| format!("IWM {price}x100 #{}-0", EPOCH_MS + ms);
    assert_eq!(shown(&rig), [print("109.41", 0), "IWM off market 114.6247x100".to_owned(), print("109.42", 3)]);
    assert_eq!(rig.session.instruments()[0].price_decimals(), 2);
    assert_eq!(rig.session.health().counters.malformed, 0);
}

/// Status 403, and the same in words with another status: that kind is refused, the rest goes on.
#[test]
fn what_is_not_in_the_plan_is_named_and_leaves_the_rest() {
    let words = r#"{"error":"You don't have access to this resource."}"#;
    for (status, body) in [(403, words), (403, ""), (401, words), (200, words)] {
        let (mut rig, connection) = rig(&["AAPL", "MSFT"]);
        for asked in rig.requests("/quote") {
            rig.answer(asked.id, 200, None, &quote("10", EPOCH_MS / 1_000));
        }
        rig.run(1_000);
        rig.input(history_request("AAPL"));
        rig.run(1_000);
        let asked = rig.requests("/stock/candle");
        rig.answer(asked[0].id, status, None, body);
        let cause = rig.session.health().cause.clone().unwrap();
        assert_eq!(cause.to_string(), "bars are not in your plan", "{status} {body}");
        assert_eq!(rig.session.health().breaker, BreakerState::Closed);
        rig.input(history_request("MSFT"));
        rig.frame(connection, &frame(&[trade("AAPL", "11", EPOCH_MS + 5_000, "1")]));
        rig.run(30_000);
        let asked = rig.all_requests();
        let of = |path: &str| asked.iter().filter(|(_, request)| request.path.ends_with(path)).collect::<Vec<_>>();
        assert_eq!(of("/stock/candle").len(), 1, "not asked again soon");
        assert!(of("/quote").len() > 2, "the silent symbol is asked about");
        rig.answer(of("/quote")[2].1.id, 200, None, &quote("10", EPOCH_MS / 1_000));
        assert_eq!(
            rig.session.health().cause.as_ref().map(ToString::to_string).as_deref(),
            Some("bars are not in your plan")
        );
        for _ in 0..100 {
            rig.run(1_000);
            for asked in rig.requests("/quote") {
                rig.answer(asked.id, 200, None, &quote("10", EPOCH_MS / 1_000));
            }
        }
        rig.input(history_request("MSFT"));
        rig.run(3_000);
        assert_eq!(rig.requests("/stock/candle").len(), 1, "a plan may change");
    }
}

#[test]
fn refusals_are_named_where_nothing_came() {
    let (mut rig, connection) = rig(&["X:A", "X:B"]);
    rig.frame(connection, &frame(&[trade("X:A", "1", EPOCH_MS, "1")]));
    rig.frame(connection, r#"{"msg":"Subscribing to too many symbols","type":"error"}"#);
    let causes = &rig.session.health().instrument_causes;
    assert_eq!(causes.keys().collect::<Vec<_>>(), [&id("X:B")]);
    assert_eq!(causes[&id("X:B")].to_string(), "refused: Subscribing to too many symbols");
}

#[test]
fn one_quote_of_zeros_is_not_final() {
    let (mut rig, connection) = rig(&["AAPL", "MSFT"]);
    for asked in rig.requests("/quote") {
        rig.answer(asked.id, 200, None, ZEROS);
    }
    // A trade proves one symbol, a second question the other.
    rig.frame(connection, &frame(&[trade("AAPL", "261.70", EPOCH_MS, "10")]));
    rig.run(1_500);
    let again = rig.requests("/quote");
    assert!(!again.is_empty());
    for asked in again {
        let is_proved = asked.query[0].1 == "AAPL";
        rig.answer(asked.id, 200, None, &if is_proved { ZEROS.to_owned() } else { quote("10", EPOCH_MS / 1_000) });
    }
    assert!(rig.session.health().instrument_causes.is_empty());
    assert_eq!(rig.session.instruments().len(), 2);
    rig.run(60_000);
    assert!(rig.session.health().instrument_causes.is_empty());
}

const ZEROS: &str = r#"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#;

#[test]
fn an_unknown_symbol_is_not_asked_for_for_ever() {
    let (mut rig, _) = rig(&["NONE"]);
    for _ in 0..6 {
        for asked in rig.requests("/quote") {
            rig.answer(asked.id, 200, None, ZEROS);
        }
        rig.run(20_000);
    }
    assert_eq!(rig.session.health().cause, Some(FeedCause::UnknownSymbol { symbol: "NONE".into(), suggestion: None }));
    rig.run(600_000);
    assert!(rig.requests("/quote").is_empty());
}

#[test]
fn a_refused_token_is_said_and_not_hammered() {
    let mut rig = Rig::of("finnhub", &listed(&["AAPL"]));
    for _ in 0..3 {
        let connection = rig.connects().last().unwrap().1;
        let reason = CloseReason::CannotConnect { status: Some(401), retry_after: None, detail: "no token".into() };
        rig.input(Input::Closed(connection, reason));
    }
    assert_eq!(rig.session.health().cause, Some(FeedCause::CredentialsRefused { detail: "no token".into() }));
    let waits: Vec<u64> = rig.connects().iter().skip(1).map(|(_, _, after)| *after).collect();
    assert!(waits.iter().all(|after| *after >= 60_000), "{waits:?}");
}

#[test]
fn pings_alone_keep_the_connection_but_not_the_lights_green() {
    let (mut rig, connection) = rig(&["X:A"]);
    answer_quote(&mut rig, &quote("10", EPOCH_MS / 1_000 - 60));
    for _ in 0..4 {
        rig.run(20_000);
        rig.frame(connection, r#"{"type":"ping"}"#);
    }
    // The venue was asked after 15 s; it has a current trade that never arrived.
    let now_s = (EPOCH_MS + i64::try_from(rig.now_ms).unwrap()) / 1_000;
    assert_eq!(rig.session.health().silences[&id("X:A")], Silence::Unexplained);
    assert!(rig.closes().is_empty());
    answer_quote(&mut rig, &quote("11", now_s));
    assert!(matches!(rig.session.health().cause, Some(FeedCause::AcknowledgedSilent { .. })));
    assert_eq!(rig.closes().len(), 1);
    let successor = connect(&mut rig);
    rig.frame(successor, &frame(&[trade("X:A", "11", now_s * 1_000, "1")]));
    assert_eq!((rig.session.health().cause.clone(), rig.session.health().silences.len()), (None, 0));
}

fn answer_quote(rig: &mut Rig, body: &str) {
    let id = rig.requests("/quote").last().expect("a quote is asked for").id;
    rig.answer(id, 200, None, body);
}

#[test]
fn a_quiet_market_is_quiet_by_the_venues_word() {
    let (mut rig, connection) = rig(&["AAPL"]);
    rig.frame(connection, &frame(&[trade("AAPL", "164.06", EPOCH_MS, "5")]));
    rig.run(16_000);
    answer_quote(&mut rig, &quote("164.06", EPOCH_MS / 1_000));
    rig.run(2_000);
    assert_eq!(rig.session.health().silences[&id("AAPL")], Silence::QuietByVenue);
    assert!(rig.closes().is_empty());
}

#[test]
fn without_a_connection_quotes_are_polled_and_given_up_again() {
    let config = SessionConfig { seed: 3, ..listed(&["AAPL"]) };
    let mut rig = Rig::of("finnhub", &config);
    let _first = rig.requests("/quote");
    for _ in 0..3 {
        let connection = rig.connects().last().unwrap().1;
        rig.close(connection);
    }
    let mut days = BTreeSet::new();
    for round in 0..5 {
        rig.run(10_000);
        for request in rig.requests("/quote") {
            let time_s = (EPOCH_MS + i64::try_from(rig.now_ms).unwrap()) / 1_000 - 20 * (round % 2);
            rig.answer(request.id, 200, None, &quote(&format!("1{round}"), time_s));
        }
    }
    assert_eq!(rig.session.health().mode, FeedMode::RestPolling);
    for word in shown(&rig) {
        assert!(days.insert(word.clone()), "{word} came twice");
    }
    assert_eq!(days.len(), 3, "{days:?}");
    let connection = connect(&mut rig);
    let time_ms = EPOCH_MS + i64::try_from(rig.now_ms).unwrap();
    rig.frame(connection, &frame(&[trade("AAPL", "16", time_ms, "1")]));
    rig.run(100);
    assert_eq!((rig.session.health().mode, rig.session.health().cause.clone()), (FeedMode::WebSocket, None));
}

#[test]
fn a_recording_of_it_is_read_whole() {
    let Ok(folder) = std::env::var("TRUETAPE_CAPTURES") else {
        eprintln!("skipped: TRUETAPE_CAPTURES does not name the folder of recordings");
        return;
    };
    let text = std::fs::read_to_string(format!("{folder}/finnhub/open_btcusdt_ethusdt_aapl.tape.jsonl")).unwrap();
    let mut replay = Replay::new("finnhub").unwrap();
    let mut n_events = 0;
    let mut n_rows = 0;
    for line in text.lines() {
        let entry = model::recording_entry::RecordingEntry::parse(line).unwrap();
        n_rows += entry.data.as_deref().unwrap_or_default().matches("\"s\":").count();
        replay.feed(&entry, |event| n_events += u32::from(matches!(event.kind, MarketEventKind::Trade(_))));
    }
    let counters = replay.summary().counters;
    assert_eq!((counters.malformed, counters.unknown, counters.frames), (0, 0, 9));
    assert!(n_events > 30 && n_events as usize == n_rows, "{n_events} of {n_rows}");
}
