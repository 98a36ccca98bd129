//! The feed task against a simulated venue that speaks the real protocol: data comes through, faults heal, and the live
//! path says the same as a replay.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use model::{
    event::{MarketEvent, MarketEventKind},
    proof::BookState,
    recording_entry::RecordingEntry,
    status::StreamState,
};
use server::{
    config::{Config, FeedConfig, VenueConfig},
    feed::driver::EventObserver,
    serve::Server,
};
use topics::{
    channels::{TopicData, status::StreamEntry},
    topic::Topic,
};
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source, Speed};
use venues::replay::Replay;
use wire::Encoding;

use crate::client::{Client, demo_config};

pub(crate) fn config_for(sim: &RunningSim, symbol: &str) -> Config {
    let venue = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        data_deadline: Some(Duration::from_millis(1_500)),
        backoff_min: Duration::from_millis(50),
        backoff_max: Duration::from_millis(500),
        ..VenueConfig::default()
    };
    Config {
        feeds: vec![FeedConfig { venue: "binance".into(), symbols: vec![symbol.into()] }],
        venues: BTreeMap::from([("binance".to_owned(), venue)]),
        ..demo_config()
    }
}

pub(crate) async fn demo_sim() -> RunningSim {
    Sim::start(SimConfig::new("binance", Source::Demo { seed: 7, start: None })).await.unwrap()
}

pub(crate) fn entry(client: &Client) -> Option<&StreamEntry> {
    match client.state.get(&Topic::STATUS) {
        Some(TopicData::Status(status)) => status.streams.first(),
        _ => None,
    }
}

/// Reads until the symbol's light has that colour; its entry.
pub(crate) async fn until_state(client: &mut Client, state: StreamState) -> StreamEntry {
    loop {
        if let Some(entry) = entry(client).filter(|entry| entry.state == state) {
            return entry.clone();
        }
        client.next().await.unwrap();
    }
}

#[tokio::test]
async fn a_venue_comes_through() {
    let sim = demo_sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &["quote:binance:ADASIM", "book:binance:ADASIM", "tape:binance:ADASIM", "status"]).await;
    until_state(&mut client, StreamState::Live).await;
    for topic in ["quote:binance:ADASIM", "book:binance:ADASIM", "tape:binance:ADASIM"] {
        client.advance(topic, 3).await;
    }
    let book = Topic::parse("book:binance:ADASIM").unwrap();
    while !matches!(client.state.get(&book), Some(TopicData::Book(book)) if book.state == BookState::Live) {
        client.next().await.unwrap();
    }
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let get = async |path: &str| -> serde_json::Value {
        let body = http.get(format!("{}{path}", server.url())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&body).unwrap()
    };
    let bars = get("api/v1/candles?instrument=binance:ADASIM&interval=5m&limit=50").await;
    assert_eq!(bars["bars"].as_array().map(Vec::len), Some(50), "history by REST: {bars}");
    let packed =
        http.get(format!("{}api/v1/candles?instrument=binance:ADASIM", server.url())).header("accept-encoding", "gzip");
    assert_eq!(packed.send().await.unwrap().headers()["content-encoding"], "gzip");
    let book = get("api/v1/book?instrument=binance:ADASIM&depth=3").await;
    assert_eq!((&book["state"], book["bids"].as_array().map(Vec::len)), (&"live".into(), Some(3)), "{book}");
    let trades = get("api/v1/trades?instrument=binance:ADASIM&limit=2").await;
    assert_eq!(trades["trades"].as_array().map(Vec::len), Some(2), "{trades}");
    let instruments = get("api/v1/instruments").await;
    assert_eq!(instruments["instruments"][0]["id"], "binance:ADASIM", "{instruments}");
    let status = get("api/v1/status").await;
    assert_eq!(
        (&status["connections"][0]["is_connected"], &status["streams"][0]["mode"]),
        (&true.into(), &"web_socket".into())
    );
}

#[tokio::test]
async fn silence_is_found_and_healed() {
    let sim = demo_sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["status", "book:binance:ADASIM"]).await;
    until_state(&mut client, StreamState::Live).await;
    client.advance("book:binance:ADASIM", 2).await;
    sim.fault(Fault::new(FaultKind::Stall));
    let failed = until_state(&mut client, StreamState::Failed).await;
    assert!(failed.cause.is_some(), "{failed:?}");
    sim.fault(Fault::new(FaultKind::None));
    until_state(&mut client, StreamState::Live).await;
    client.advance("book:binance:ADASIM", 3).await;
}

#[tokio::test]
async fn a_cut_connection_comes_back() {
    let sim = demo_sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["status", "quality:binance:ADASIM"]).await;
    until_state(&mut client, StreamState::Live).await;
    client.advance("quality:binance:ADASIM", 1).await;
    sim.fault(Fault::new(FaultKind::Close));
    let topic = Topic::parse("quality:binance:ADASIM").unwrap();
    let n_reconnects = |client: &Client| match client.state.get(&topic) {
        Some(TopicData::Quality(quality)) => quality.feed.reconnects,
        _ => None,
    };
    while n_reconnects(&client).unwrap_or_default() == 0 {
        client.next().await.unwrap();
    }
    until_state(&mut client, StreamState::Live).await;
}

/// Contiguous depth changes, trades and quotes of one symbol, and the answer that the book begins with.
pub(crate) fn recording(n_rounds: u64) -> String {
    let mut recording = String::new();
    let mut line = |ts: u64, data: serde_json::Value| {
        let data = data.to_string();
        writeln!(recording, "{}", serde_json::json!({"t": "recv", "ts": ts as f64 / 1_000.0, "data": data})).unwrap();
    };
    let mut noise = 1_u64;
    let mut next = |limit: u64| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) % limit
    };
    for round in 0..n_rounds {
        let (ts, id) = (1_000_000 + round * 100, 101 + round * 2);
        let (bid, ask) = (9_000 + next(900), 10_100 + next(900));
        let price = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        line(
            ts,
            serde_json::json!({"stream": "aaabbb@depth@100ms", "data": {
                "e": "depthUpdate", "E": ts, "s": "AAABBB", "U": id, "u": id + 1,
                "b": [[price(bid), format!("{}.0", next(3))]], "a": [[price(ask), format!("{}.50", next(3))]],
            }}),
        );
        line(
            ts + 10,
            serde_json::json!({"stream": "aaabbb@trade", "data": {
                "e": "trade", "E": ts + 10, "s": "AAABBB", "t": round + 1, "p": price(10_000 + next(100)), "q": "0.10",
                "T": ts + 9, "m": next(2) == 0, "M": true,
            }}),
        );
        line(
            ts + 20,
            serde_json::json!({"stream": "aaabbb@bookTicker", "data": {
                "u": id + 1, "s": "AAABBB", "b": price(9_999), "B": "1.0", "a": price(10_001 + next(50)), "A": "2.0",
            }}),
        );
    }
    let snapshot = serde_json::json!({
        "lastUpdateId": 100, "bids": [["99.99", "1.0"], ["90.00", "2.0"]], "asks": [["100.01", "2.0"], ["110.00", "3.0"]],
    });
    let answer = serde_json::json!({
        "t": "http", "ts": 999.0, "url": "https://x.test/api/v3/depth?symbol=AAABBB&limit=5000", "data": snapshot.to_string(),
    });
    format!("{answer}\n{recording}")
}

/// A log of trades and quotes, in order, without our own clock.
#[derive(Default)]
struct Log(Vec<String>);

impl Log {
    fn note(&mut self, event: &MarketEvent) {
        if matches!(event.kind, MarketEventKind::Trade(_) | MarketEventKind::Quote(_)) {
            self.0.push(format!("{} {:?} {:?}", event.instrument, event.event_time, event.kind));
        }
    }
}

#[tokio::test]
async fn the_live_path_says_the_same_as_a_replay() {
    let text = recording(500);
    let mut replayed = Log::default();
    let mut replay = Replay::new("binance").unwrap();
    text.lines().for_each(|line| replay.feed(&RecordingEntry::parse(line).unwrap(), |event| replayed.note(event)));
    assert_eq!(replayed.0.len(), 1_000);

    let sim = SimConfig { speed: Speed::Max, ..SimConfig::new("binance", Source::Text(text)) };
    let sim = Sim::start(sim).await.unwrap();
    let live = Arc::new(Mutex::new(Log::default()));
    let observer = {
        let live = live.clone();
        move |event: &MarketEvent| live.lock().unwrap().note(event)
    };
    let mut observer = Some(Box::new(observer) as EventObserver);
    let server = Server::start_observed(config_for(&sim, "AAABBB"), move |_| observer.take()).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &["system"]).await;
    while live.lock().unwrap().0.len() < replayed.0.len() {
        client.next().await.unwrap();
    }
    assert_eq!(live.lock().unwrap().0, replayed.0);
}

/// The book that somebody subscribes to comes before those that are waiting.
#[tokio::test]
async fn a_subscription_reaches_the_session() {
    let sim = demo_sim().await;
    sim.fault("rest_slow:path=depth,delay_ms=3000".parse().unwrap());
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let get = async |path: &str| -> serde_json::Value {
        let body = http.get(format!("{}{path}", sim.rest_url)).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&body).unwrap()
    };
    let listed = get("/api/v3/exchangeInfo").await;
    let listed = listed["symbols"].as_array().unwrap().iter();
    let symbols: Vec<String> = listed.map(|symbol| symbol["symbol"].as_str().unwrap().to_owned()).take(20).collect();
    let last = symbols.last().unwrap().clone();
    let mut config = config_for(&sim, &last);
    config.feeds[0].symbols = symbols;
    let server = Server::start(config).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &[&format!("book:binance:{last}"), "status"]).await;
    let place = loop {
        client.next().await.unwrap();
        let log = get("/control/requests?after=0").await;
        let requests = log["requests"].as_array().unwrap().iter();
        let mut depths = requests.filter(|request| request["path"] == "/api/v3/depth");
        if let Some(place) = depths.position(|request| request["query"].as_str().unwrap().contains(&last)) {
            break place;
        }
    };
    // Four are under way at once; without interest it would be the last of twenty.
    assert!(place < 12, "{place}");
}
