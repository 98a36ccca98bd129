//! Venue catalogues: searched, checked before following, kept over a restart; streams stay live.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use model::{instrument::Venue, status::StreamState};
use reqwest::Method;
use serde_json::{Value, json};
use server::{
    config::{Config, FeedConfig, VenueConfig, token::Token},
    serve::Server,
};
use topics::channels::status::{ConnectionEntry, StreamEntry};
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source};

use crate::{
    client::{PATIENCE, demo_config},
    feeds::rest,
    snapshots,
};

async fn sim(venue: &str, quote: &str, quiet_pairs: usize, faults: Vec<Fault>) -> RunningSim {
    let source = Source::Demo { seed: 7, start: None };
    let config = SimConfig { quote: quote.to_owned(), quiet_pairs, faults, ..SimConfig::new(venue, source) };
    Sim::start(config).await.unwrap()
}

fn config(sim: &RunningSim, venue: &str, symbols: &[&str]) -> Config {
    let nowhere = |name: &str| {
        let nothing = VenueConfig { rest_url: Some("http://127.0.0.1:1".to_owned()), ..VenueConfig::default() };
        (name.to_owned(), nothing)
    };
    // No test asks a real venue.
    let mut venues: BTreeMap<String, VenueConfig> = ["binance", "coinbase", "kraken", "finnhub"].map(nowhere).into();
    let own = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        token: (venue == "finnhub").then(|| Token::new("k1").unwrap()),
        ..VenueConfig::default()
    };
    venues.insert(venue.to_owned(), own);
    let symbols = symbols.iter().map(ToString::to_string).collect::<Vec<_>>();
    let feeds = if symbols.is_empty() { Vec::new() } else { vec![FeedConfig { venue: venue.to_owned(), symbols }] };
    Config { feeds, venues, ..demo_config() }
}

async fn get(server: &Server, path: &str) -> (u16, Value) {
    rest(server, Method::GET, path, None).await
}

async fn follow(server: &Server, body: Value) -> (u16, Value) {
    rest(server, Method::POST, "api/v1/feeds", Some(body)).await
}

fn symbols(found: &Value) -> Vec<&str> {
    found["matches"].as_array().unwrap().iter().map(|row| row["symbol"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_of_two_thousand_symbols_is_searched() {
    let sim = sim("binance", "USDT", 2_000, Vec::new()).await;
    let server = Server::start(config(&sim, "binance", &["SOLUSDT"])).await.unwrap();
    let (status, found) = get(&server, "api/v1/instruments?q=sol&venue=binance&limit=1").await;
    assert_eq!(status, 200);
    let text = serde_json::to_string_pretty(&found).unwrap();
    let n_requests = sim.n_requests();
    for (query, expected) in [
        ("q=btc/usdt&limit=1", ["BTCUSDT"].as_slice()),
        ("q=SLOUSDT&limit=1", &["SOLUSDT"]),
        ("q=q1234", &["Q1234USDT"]),
        ("q=%F0%9F%92%A5", &[]),
        ("q=&limit=3", &["SOLUSDT", "ADAUSDT", "ATOMUSDT"]),
    ] {
        let (_, found) = get(&server, &format!("api/v1/instruments?{query}&venue=binance")).await;
        assert_eq!(symbols(&found)[..expected.len()], *expected, "{query}");
        assert_eq!((&found["is_complete"], symbols(&found).is_empty()), (&true.into(), expected.is_empty()), "{query}");
    }
    let (_, many) = get(&server, "api/v1/instruments?q=q&venue=binance&limit=50").await;
    assert_eq!(symbols(&many).len(), 50);
    assert!(sim.n_requests() <= n_requests + 5, "the list is kept: {} {n_requests}", sim.n_requests());
    let mut bodies = format!("GET /api/v1/instruments?q=sol&venue=binance&limit=1\n{text}\n\n");
    for query in [&format!("q={}", "x".repeat(65)), "q=a&limit=0", "q=a&limit=51", "q=a&venue=binanse"] {
        let (status, body) = get(&server, &format!("api/v1/instruments?{query}")).await;
        bodies += &format!("GET /api/v1/instruments?{query}\n{status} {body}\n\n");
    }
    let (_, demo) = get(&server, "api/v1/instruments?q=btc&venue=demo").await;
    bodies += &format!("GET /api/v1/instruments?q=btc&venue=demo\n{}\n", serde_json::to_string_pretty(&demo).unwrap());
    snapshots::check("search", &bodies);
}

#[tokio::test]
async fn a_list_that_does_not_come_is_named_and_symbols_are_followed_unchecked() {
    let at = |kind| Fault { path: Some("exchangeInfo".to_owned()), ..Fault::new(kind) };
    let faults = [
        (
            Fault { code: Some(503), ..at(FaultKind::RestError) },
            "Binance's list could not be loaded (503). Next try in ",
        ),
        (at(FaultKind::RestGarbage), "Binance's list could not be loaded (the list cannot be read). Next try in "),
        (
            Fault { delay_ms: Some(60_000), ..at(FaultKind::RestSlow) },
            "Binance's list is being loaded. Search again in ",
        ),
    ];
    for (fault, words) in faults {
        let sim = sim("binance", "USDT", 0, vec![fault]).await;
        let server = Server::start(config(&sim, "binance", &["SOLUSDT"])).await.unwrap();
        let (status, found) = get(&server, "api/v1/instruments?q=sol&venue=binance").await;
        let reason = found["missing"][0]["reason"].as_str().unwrap();
        assert!(status == 200 && reason.starts_with(words), "{reason}");
        assert_eq!(
            (&found["is_complete"], symbols(&found)),
            (&false.into(), vec!["SOLUSDT"]),
            "the followed one is known"
        );
        let (status, answer) = follow(&server, json!({"venue": "binance", "symbols": ["NOPEUSDT"]})).await;
        assert_eq!((status, &answer["symbols"]), (200, &json!(["SOLUSDT", "NOPEUSDT"])));
    }
}

#[tokio::test]
async fn all_venues_are_searched_and_those_without_a_list_are_named() {
    let sim = sim("binance", "USDT", 0, Vec::new()).await;
    let server = Server::start(config(&sim, "binance", &[])).await.unwrap();
    let (_, found) = get(&server, "api/v1/instruments?q=ada").await;
    let missing: Vec<&str> =
        found["missing"].as_array().unwrap().iter().map(|row| row["venue"].as_str().unwrap()).collect();
    assert_eq!(missing, ["coinbase", "finnhub", "kraken", "uniswap"]);
    assert_eq!((symbols(&found), &found["is_complete"]), (vec!["ADAUSDT", "ADA-SIM"], &false.into()));
    assert!(
        found["missing"][1]["reason"].as_str().unwrap().starts_with("Finnhub's list needs a token: set token under")
    );
}

#[tokio::test]
async fn a_list_behind_a_token_is_fetched_with_it() {
    let sim = sim("finnhub", "EUR", 0, Vec::new()).await;
    let server = Server::start(config(&sim, "finnhub", &[])).await.unwrap();
    for (typed, symbol) in [("ada/eur", "SIM:ADA-EUR"), ("simulated stock", "SIMS")] {
        let (_, found) = get(&server, &format!("api/v1/instruments?venue=finnhub&q={typed}")).await;
        assert_eq!((symbols(&found)[0], &found["missing"]), (symbol, &json!([])), "{found}");
    }
}

#[tokio::test]
async fn what_is_typed_is_completed_or_refused_with_suggestions() {
    let sim = sim("binance", "USDT", 0, Vec::new()).await;
    let server = Server::start(config(&sim, "binance", &["SOLUSDT"])).await.unwrap();
    let (status, answer) = follow(&server, json!({"venue": "binance", "symbols": ["ada/usdt", "XBT-USDT"]})).await;
    assert_eq!((status, &answer["symbols"]), (200, &json!(["SOLUSDT", "ADAUSDT", "BTCUSDT"])));
    let (status, answer) = follow(&server, json!({"venue": "binance", "symbols": ["XRPUSDT", "DOGEUDST"]})).await;
    assert_eq!(status, 404);
    let error = json!({"error": {
        "code": "unknown_symbol",
        "message": "Binance does not list DOGEUDST. Did you mean DOGEUSDT?",
        "parameter": "symbols",
        "did_you_mean": ["DOGEUSDT"],
    }});
    assert_eq!(answer, error);
    let (status, answer) = follow(&server, json!({"venue": "binance", "symbols": ["💥"]})).await;
    assert_eq!((status, &answer["error"]["message"]), (404, &"Binance does not list 💥".into()));
    let (_, feeds) = get(&server, "api/v1/feeds").await;
    let followed = ["ADAUSDT", "BTCUSDT", "SOLUSDT"].map(|symbol| json!({"symbol": symbol, "is_kept": false}));
    assert_eq!(
        feeds,
        json!({"feeds": [{"venue": "binance", "symbols": followed}]}),
        "nothing of a refused command is done"
    );
}

#[tokio::test]
async fn what_is_kept_is_followed_again() {
    let folder: PathBuf = std::env::temp_dir().join(format!("truetape-followed-{}", std::process::id()));
    let start = async || {
        let mut config = demo_config();
        config.server.data_dir.clone_from(&folder);
        let server = Server::start(config).await.unwrap();
        server.following().resume().await;
        server
    };
    let end = async |server: Server| {
        server.shutdown().begin();
        server.shutdown().finish().await;
    };
    let kept = async |server: &Server| -> Vec<String> {
        let (_, feeds) = get(server, "api/v1/feeds").await;
        let rows = feeds["feeds"][0]["symbols"].as_array().unwrap().iter();
        let kept = rows
            .map(|row| format!("{}{}", row["symbol"].as_str().unwrap(), if row["is_kept"] == true { "!" } else { "" }));
        kept.collect()
    };
    let server = start().await;
    let (status, _) = follow(&server, json!({"venue": "demo", "symbols": ["btc-sim"], "keep": true})).await;
    assert_eq!(status, 200);
    let (status, answer) = follow(&server, json!({"venue": "demo", "symbols": ["ADA-SIM"], "keep": true})).await;
    assert_eq!((status, answer["symbols"].as_array().unwrap().len()), (200, 3), "followed already, kept from now on");
    assert_eq!(follow(&server, json!({"venue": "demo", "symbols": ["SOL-SIM"]})).await.0, 200);
    assert_eq!(kept(&server).await, ["ADA-SIM!", "BTC-SIM!", "SOL-SIM", "XRP-SIM"]);
    end(server).await;

    let server = start().await;
    assert_eq!(kept(&server).await, ["ADA-SIM!", "BTC-SIM!", "XRP-SIM"]);
    let (status, _) = rest(&server, Method::DELETE, "api/v1/feeds/demo?symbols=BTC-SIM", None).await;
    assert_eq!(status, 200);
    end(server).await;

    let server = start().await;
    assert_eq!(kept(&server).await, ["ADA-SIM!", "XRP-SIM"]);
    end(server).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

fn entries(server: &Server, venue: &str) -> (BTreeMap<String, StreamEntry>, Option<ConnectionEntry>) {
    let status = server.feeds().status();
    let streams = status.streams.into_iter().filter(|entry| entry.instrument.venue().as_str() == venue);
    let streams = streams.map(|entry| (entry.instrument.symbol().to_owned(), entry)).collect();
    (streams, status.connections.into_iter().find(|entry| entry.venue == Venue::new(venue)))
}

/// Reads the status until `is_wanted`, and checks each time that these symbols are live and count on.
async fn watch(
    server: &Server,
    venue: &str,
    live: &[&str],
    is_wanted: impl Fn(&BTreeMap<String, StreamEntry>) -> bool,
) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    let mut known: BTreeMap<&str, u64> = BTreeMap::new();
    loop {
        let (streams, connection) = entries(server, venue);
        for symbol in live {
            let entry = streams.get(*symbol).unwrap_or_else(|| panic!("{venue} {symbol} is gone"));
            assert_eq!(entry.state, StreamState::Live, "{venue} {entry:?}");
            let before = known.insert(symbol, entry.updates);
            assert!(before.is_none_or(|before| before <= entry.updates), "{venue} {symbol} counts again");
        }
        let connection = connection.unwrap();
        let is_calm = connection.is_connected && connection.reconnects == 0 && connection.gaps == 0;
        assert!(is_calm || live.is_empty(), "{connection:?}");
        if is_wanted(&streams) {
            return;
        }
        assert!(tokio::time::Instant::now() < patience, "{venue} {streams:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn others_stay_live_while_symbols_come_and_go() {
    let is_live = |streams: &BTreeMap<String, StreamEntry>, symbol: &str| {
        streams.get(symbol).is_some_and(|entry| entry.state == StreamState::Live)
    };
    for (venue, [first, second, third]) in [
        ("binance", ["ADAEUR", "XRPEUR", "SOLEUR"]),
        ("coinbase", ["ADA-EUR", "XRP-EUR", "SOL-EUR"]),
        ("finnhub", ["SIM:ADA-EUR", "SIM:XRP-EUR", "SIM:SOL-EUR"]),
        ("kraken", ["ADA/EUR", "XRP/EUR", "SOL/EUR"]),
        ("demo", ["ADA-SIM", "XRP-SIM", "SOL-SIM"]),
    ] {
        let sim = sim(if venue == "demo" { "binance" } else { venue }, "EUR", 0, Vec::new()).await;
        let server = Server::start(config(&sim, venue, &[first, second])).await.unwrap();
        watch(&server, venue, &[], |streams| is_live(streams, first) && is_live(streams, second)).await;
        for _ in 0..2 {
            let (status, answer) = follow(&server, json!({"venue": venue, "symbols": [third]})).await;
            assert_eq!((status, answer["symbols"].as_array().unwrap().len()), (200, 3), "{answer}");
            watch(&server, venue, &[first, second], |streams| is_live(streams, third)).await;
            let n_updates = entries(&server, venue).0[third].updates;
            watch(&server, venue, &[first, second, third], |streams| streams[third].updates > n_updates + 3).await;
            let path = format!("api/v1/feeds/{venue}?symbols={third}");
            assert_eq!(rest(&server, Method::DELETE, &path, None).await.0, 200);
            watch(&server, venue, &[first, second], |streams| !streams.contains_key(third)).await;
            let n_updates = entries(&server, venue).0[second].updates;
            watch(&server, venue, &[first, second], |streams| streams[second].updates > n_updates + 3).await;
            assert!(!entries(&server, venue).0.contains_key(third), "{venue}: data of {third} still comes");
        }
        let (_, connection) = entries(&server, venue);
        assert!(venue == "demo" || connection.unwrap().n_open == 1, "one connection carries all");
    }
}
