//! Feeds that start and stop while the server runs: by command and by REST, with reasons for what is refused, and
//! nothing left behind.

use std::{collections::BTreeMap, time::Duration};

use hub::{config::HubConfig, hub::Hub};
use model::instrument::{InstrumentId, Venue};
use serde_json::{Value, json};
use server::{
    candle_keeper::CandleKeeper,
    clock::Clock,
    config::VenueConfig,
    feed::{
        directory::Directory,
        endpoints::VenueEndpoints,
        handle::Feeds,
        socket::Connections,
        supervisor::{FeedKit, Supervisor},
    },
    publish::{self, Publishing},
    serve::Server,
    shutdown::Shutdown,
};
use topics::{
    channels::{
        TopicData,
        consolidated::{ConsolidatedData, LeftOut},
        status::StatusData,
    },
    lane::Lane,
    topic::Topic,
};
use venue_sim::{RunningSim, Sim, SimConfig, Source};
use wire::{
    Encoding,
    command::{Command, FeedSymbols},
    message::{ClientMessage, CommandRequest, JsonText, RefusalCode, ServerMessage},
};

use crate::{
    client::{Client, PATIENCE, demo_config, demo_server},
    size::size,
};

fn symbols(venue: &str, symbols: &[&str]) -> FeedSymbols {
    FeedSymbols { venue: venue.to_owned(), symbols: symbols.iter().map(ToString::to_string).collect() }
}

/// Gives a command and reads until its answer.
async fn command(client: &mut Client, id: u64, command: JsonText) -> ServerMessage {
    client.say(&ClientMessage::Command(CommandRequest { id, key: None, command })).await;
    client.until(|message| matches!(message, ServerMessage::Ack(_) | ServerMessage::Refused(_))).await
}

async fn start(client: &mut Client, id: u64, of: FeedSymbols) -> ServerMessage {
    command(client, id, Command::StartFeed(of.into()).to_text()).await
}

async fn stop(client: &mut Client, id: u64, of: FeedSymbols) -> ServerMessage {
    command(client, id, Command::StopFeed(of).to_text()).await
}

#[track_caller]
fn followed(answer: &ServerMessage) -> Vec<String> {
    let ServerMessage::Ack(ack) = answer else { panic!("{answer:?}") };
    let result: Value = serde_json::from_str(ack.result.as_str()).unwrap();
    result["symbols"].as_array().unwrap().iter().map(|symbol| symbol.as_str().unwrap().to_owned()).collect()
}

fn status(client: &Client) -> StatusData {
    match client.state.get(&Topic::STATUS) {
        Some(TopicData::Status(status)) => status.clone(),
        _ => StatusData::default(),
    }
}

async fn until_status(client: &mut Client, is_wanted: impl Fn(&StatusData) -> bool) {
    while !is_wanted(&status(client)) {
        client.next().await.unwrap();
    }
}

pub(crate) async fn rest(server: &Server, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let mut request = http.request(method, format!("{}{path}", server.url()));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn symbols_come_and_go_while_others_go_on() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["status", "quote:demo:ADA-SIM"]).await;
    client.advance("quote:demo:ADA-SIM", 1).await;

    let answer = start(&mut client, 2, symbols("demo", &["BTC-SIM", "ADA-SIM"])).await;
    assert_eq!(followed(&answer), ["ADA-SIM", "XRP-SIM", "BTC-SIM"]);
    until_status(&mut client, |status| status.streams.len() == 3).await;
    client.subscribe(3, &["quote:demo:BTC-SIM"]).await;
    client.advance("quote:demo:BTC-SIM", 2).await;
    // The one that was followed before goes on, with offsets that a client can rely on.
    client.advance("quote:demo:ADA-SIM", 2).await;

    let answer = stop(&mut client, 4, symbols("demo", &["XRP-SIM"])).await;
    assert_eq!(followed(&answer), ["ADA-SIM", "BTC-SIM"]);
    until_status(&mut client, |status| status.streams.len() == 2).await;
    assert!(matches!(client.subscribe(5, &["quote:demo:XRP-SIM"]).await, ServerMessage::Refused(_)));

    let answer = stop(&mut client, 6, symbols("demo", &[])).await;
    assert!(followed(&answer).is_empty());
    until_status(&mut client, |status| status.streams.is_empty() && status.connections.is_empty()).await;
    let (_, instruments) = rest(&server, reqwest::Method::GET, "api/v1/instruments", None).await;
    assert_eq!(instruments, json!({ "instruments": [] }));

    let answer = start(&mut client, 7, symbols("demo", &["ADA-SIM"])).await;
    assert_eq!(followed(&answer), ["ADA-SIM"]);
    client.advance("quote:demo:ADA-SIM", 2).await;
}

#[tokio::test]
async fn refusals_say_why_and_what_helps_on_the_stream_and_in_rest() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let many: Vec<String> = (0..1_001).map(|number| format!("S{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    use RefusalCode::{AlreadyRunning, BadSymbols, NeedsToken, NotRunning, TooManySymbols, UnknownVenue};
    let starts = [
        (symbols("binence", &["BTCUSDT"]), UnknownVenue, 404, "did you mean \"binance\"?"),
        (symbols("", &["BTCUSDT"]), UnknownVenue, 404, "known: "),
        (symbols("binance", &[]), BadSymbols, 400, "name at least one symbol, as in BTCUSDT"),
        (symbols("binance", &["A\u{7}"]), BadSymbols, 400, "1 to 64 characters"),
        (symbols("binance", &many), TooManySymbols, 400, "at most 1000"),
        (symbols("finnhub", &["A"]), NeedsToken, 409, "TRUETAPE__VENUES__FINNHUB__TOKEN"),
        (symbols("demo", &["ADA-SIM"]), AlreadyRunning, 409, "follows ADA-SIM"),
    ];
    let stops = [
        (symbols("binance", &[]), NotRunning, 404, "binance is not running; running: demo"),
        (symbols("nothing", &[]), UnknownVenue, 404, "unknown venue"),
        (symbols("demo", &["BTC-SIM"]), NotRunning, 404, "demo BTC-SIM is not running; running: ADA-SIM, XRP-SIM"),
    ];
    for (wanted, code, http, words) in starts {
        let ServerMessage::Refused(refused) = start(&mut client, 7, wanted.clone()).await else { panic!("{wanted:?}") };
        assert_eq!((refused.id, refused.code), (Some(7), code), "{refused:?}");
        assert!(refused.message.contains(words), "{}", refused.message);
        let body = json!({ "venue": wanted.venue, "symbols": wanted.symbols });
        let (status, body) = rest(&server, reqwest::Method::POST, "api/v1/feeds", Some(body)).await;
        assert_eq!((status, &body["error"]["code"]), (http, &serde_json::to_value(code).unwrap()));
        assert_eq!(body["error"]["message"], refused.message, "one implementation, one answer");
    }
    for (unwanted, code, http, words) in stops {
        let answer = stop(&mut client, 8, unwanted.clone()).await;
        let ServerMessage::Refused(refused) = answer else { panic!("{unwanted:?}") };
        assert_eq!(refused.code, code);
        assert!(refused.message.contains(words), "{}", refused.message);
        let path = format!("api/v1/feeds/{}?symbols={}", unwanted.venue, unwanted.symbols.join(","));
        let (status, body) = rest(&server, reqwest::Method::DELETE, &path, None).await;
        assert_eq!((status, &body["error"]["message"]), (http, &refused.message.into()));
    }
    let unknown = JsonText::parse(r#"{"buy":{}}"#).unwrap();
    let ServerMessage::Refused(refused) = command(&mut client, 9, unknown).await else { panic!() };
    assert_eq!((refused.id, refused.code), (Some(9), RefusalCode::UnknownCommand));
    let (status, body) = rest(&server, reqwest::Method::POST, "api/v1/feeds", Some(json!({"venue": 1}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &"bad_body".into()), "{body}");
}

async fn demo_sim() -> RunningSim {
    Sim::start(SimConfig::new("binance", Source::Demo { seed: 7, start: None })).await.unwrap()
}

fn to_sim(sim: &RunningSim) -> BTreeMap<String, VenueConfig> {
    let config = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        ..VenueConfig::default()
    };
    BTreeMap::from([("binance".to_owned(), config)])
}

#[tokio::test]
async fn a_venue_is_started_by_rest_and_seen_in_the_list() {
    let sim = demo_sim().await;
    let server = Server::start(server::config::Config { venues: to_sim(&sim), ..demo_config() }).await.unwrap();
    let find = |body: &Value, name: &str| {
        body["venues"].as_array().unwrap().iter().find(|venue| venue["name"] == name).cloned().unwrap()
    };
    let (_, before) = rest(&server, reqwest::Method::GET, "api/v1/venues", None).await;
    let binance = find(&before, "binance");
    assert_eq!((&binance["is_running"], &binance["token"]), (&false.into(), &"not_needed".into()), "{binance}");
    assert_eq!((&binance["history"], &find(&before, "uniswap")["history"]), (&"own".into(), &"missing".into()));
    assert_eq!(binance["first_symbols"][0], "BTCUSDT");
    assert_eq!(find(&before, "demo")["symbols"], json!(["ADA-SIM", "XRP-SIM"]));

    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &["status"]).await;
    let body = json!({"venue": "Binance", "symbols": ["ADASIM"]});
    let (status, answer) = rest(&server, reqwest::Method::POST, "api/v1/feeds", Some(body)).await;
    assert_eq!((status, answer), (200, json!({"venue": "binance", "symbols": ["ADASIM"]})));
    until_status(&mut client, |status| status.connections.iter().all(|entry| entry.is_connected)).await;
    client.subscribe(2, &["quote:binance:ADASIM"]).await;
    client.advance("quote:binance:ADASIM", 2).await;
    let (_, during) = rest(&server, reqwest::Method::GET, "api/v1/venues", None).await;
    let binance = find(&during, "binance");
    assert_eq!((&binance["is_running"], &binance["mode"]), (&true.into(), &"web_socket".into()), "{binance}");

    let (status, answer) = rest(&server, reqwest::Method::DELETE, "api/v1/feeds/binance", None).await;
    assert_eq!((status, answer), (200, json!({"venue": "binance", "symbols": []})));
    until_status(&mut client, |status| status.connections.len() == 1).await;
    let (_, after) = rest(&server, reqwest::Method::GET, "api/v1/venues", None).await;
    assert_eq!(find(&after, "binance")["is_running"], false);
}

#[tokio::test]
async fn the_best_of_all_venues_leaves_out_who_cannot_be_believed() {
    let sim = demo_sim().await;
    let mut config = server::config::Config { venues: to_sim(&sim), ..demo_config() };
    config.venues.get_mut("binance").unwrap().data_deadline = Some(Duration::from_secs(2));
    let server = Server::start(config).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Binary).await;
    start(&mut client, 1, symbols("binance", &["ADASIM"])).await;
    client.subscribe(2, &["quote:binance:ADASIM"]).await;
    client.advance("quote:binance:ADASIM", 1).await;
    let pair = loop {
        let (_, body) = rest(&server, reqwest::Method::GET, "api/v1/instruments", None).await;
        let of = |instrument: &Value| format!("{}/{}", instrument["base"], instrument["quote"]).replace('"', "");
        let list = body["instruments"].as_array().unwrap();
        if let Some(instrument) = list.iter().find(|instrument| instrument["id"] == "binance:ADASIM") {
            break of(instrument);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let topic = Topic::consolidated(&pair);
    client.subscribe(3, &[&topic.to_string()]).await;
    let data = |client: &Client| match client.state.get(&topic) {
        Some(TopicData::Consolidated(data)) => data.clone(),
        _ => ConsolidatedData::default(),
    };
    while data(&client).bid.is_none() {
        client.next().await.unwrap();
    }
    let best = data(&client);
    assert_eq!(best.bid.unwrap().instrument.to_string(), "binance:ADASIM");
    assert_eq!((best.venues.len(), best.venues[0].left_out), (1, None));
    client.advance(&topic.to_string(), 2).await;

    // Silence: the best goes away, and the reason stands there.
    sim.fault(venue_sim::Fault::new(venue_sim::FaultKind::Stall));
    while data(&client).bid.is_some() {
        client.next().await.unwrap();
    }
    let reason = data(&client).venues[0].left_out;
    assert!(matches!(reason, Some(LeftOut::Stale | LeftOut::Failed | LeftOut::Suspect)), "{reason:?}");

    // A stopped feed's pair is gone for newcomers.
    stop(&mut client, 4, symbols("binance", &[])).await;
    let mut newcomer = Client::greet(&server, Encoding::Binary).await;
    let answer = newcomer.subscribe(1, &[&topic.to_string()]).await;
    assert!(matches!(answer, ServerMessage::Refused(_)), "{answer:?}");
}

/// Open files of this process.
pub(crate) fn n_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Waits until what is counted is at most `limit`, as aborted tasks end at their next poll.
pub(crate) async fn settles(what: &str, limit: usize, count: impl Fn() -> usize) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while count() > limit {
        assert!(tokio::time::Instant::now() < patience, "{what}: {} where {limit} were", count());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Opens and closes a feed of a simulated venue of its own, somebody following its topics each time.
async fn open_and_close(n_cycles: usize) {
    let sim = demo_sim().await;
    let (hub, directory) = (Hub::new(HubConfig::default()), Directory::default());
    let (feeds, orders) = Feeds::new(directory.clone());
    let (clock, shutdown) = (Clock::start(), Shutdown::default());
    let publishing = Publishing::new(hub.clone(), clock);
    let tls = server::tls::client_config().unwrap();
    let client = server::feed::http::client(&tls).unwrap();
    let venues = to_sim(&sim);
    let kit = FeedKit {
        candles: CandleKeeper::new().0,
        clock,
        publishing,
        endpoints: VenueEndpoints::new(&client, clock, |venue| venues.get(venue).cloned().unwrap_or_default()),
        connections: Connections { tls, clock },
        observe: Box::new(|_| None),
        shutdown: shutdown.clone(),
    };
    shutdown.tasks.spawn(Supervisor::new(kit, feeds.clone()).run(orders));
    let id = InstrumentId::new(&Venue::new("binance"), "ADASIM");
    for _ in 0..n_cycles {
        feeds.start(symbols("binance", &["ADASIM", "XRPSIM"])).await.unwrap();
        let subscriber = hub.connect().unwrap();
        for topic in [Topic::quote(&id), Topic::book(&id), Topic::tape(&id)] {
            subscriber.subscribe(&publish::spec(&topic, Lane::Fast)).unwrap();
        }
        let connected = async {
            while !feeds.status().connections.iter().all(|entry| entry.is_connected) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connected).await.expect("the venue lets us in");
        tokio::time::timeout(PATIENCE, subscriber.next_batch(usize::MAX, |_| 1)).await.unwrap().unwrap();
        feeds.stop(symbols("binance", &[])).await.unwrap();
        drop(subscriber);
        assert_eq!((feeds.status(), directory.ids(), hub.stats().n_streams), (StatusData::default(), vec![], 0));
    }
    shutdown.stopping.cancel();
    sim.stop().await;
}

/// 50 times here, 1,000 in the nightly run. The simulated venue allows 300
/// connections in five minutes, as the real one does: each 200 have one of their own.
#[tokio::test]
async fn opening_and_closing_leaves_nothing_behind() {
    let n_cycles = size(50, 1_000);
    let n_tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // The first ones fill what stays: the allocator's pages, the resolver's files.
    open_and_close(5).await;
    settles("tasks", 0, n_tasks).await;
    let before = (n_files(), resident_kib());
    let mut n_left = n_cycles;
    while n_left > 0 {
        open_and_close(n_left.min(200)).await;
        n_left -= n_left.min(200);
    }
    settles("tasks", 0, n_tasks).await;
    settles("open files", before.0, n_files).await;
    let after = (n_files(), resident_kib());
    println!(
        "after {n_cycles} cycles: open files {} -> {}, tasks 0 -> 0, resident {} -> {} KiB",
        before.0, after.0, before.1, after.1
    );
    assert!(after.1 < before.1 + 40_000, "memory grew from {} to {} KiB", before.1, after.1);
}
