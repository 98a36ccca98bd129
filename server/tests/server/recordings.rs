//! Recordings through the whole server: a simulated venue is recorded, decoded, played, listed, guarded.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::Method;
use model::event::{MarketEvent, MarketEventKind};
use recording::event_line::EventLine;
use serde_json::{Value, json};
use server::{
    cli::decode::Decoder,
    config::{Config, FeedConfig, VenueConfig},
    feed::driver::EventObserver,
    recorder::recording_file::RecordingFile,
    serve::Server,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use topics::{
    channels::{
        TopicData,
        replay::{PlayState, ReplayReport},
    },
    topic::Topic,
};
use venue_sim::{RunningSim, Sim, SimConfig, Source, Speed};
use venues::replay::Replay;
use wire::Encoding;

use crate::client::{Client, PATIENCE, demo_config};

const SYMBOL: &str = "ADASIM";

/// A data folder of a test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("truetape-recordings-{}-{name}", std::process::id()));
        let _earlier = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("recordings")).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("recordings").join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _leftover = fs::remove_dir_all(&self.0);
    }
}

async fn sim(venue: &str) -> RunningSim {
    Sim::start(SimConfig::new(venue, Source::Demo { seed: 7, start: None })).await.unwrap()
}

fn config(sim: &RunningSim, folder: &Folder) -> Config {
    config_of("binance", SYMBOL, sim, folder)
}

fn config_of(venue: &str, symbol: &str, sim: &RunningSim, folder: &Folder) -> Config {
    let addresses = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        ..VenueConfig::default()
    };
    let feeds = vec![FeedConfig { venue: venue.into(), symbols: vec![symbol.into()] }];
    let mut config = Config { feeds, venues: [(venue.to_owned(), addresses)].into(), ..demo_config() };
    config.server.data_dir.clone_from(&folder.0);
    config
}

/// One request; status and body.
async fn call(server: &Server, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let (status, bytes) = call_with(server, method, path, body, "").await;
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn call_with(server: &Server, method: Method, path: &str, body: Option<&Value>, headers: &str) -> (u16, Vec<u8>) {
    let text = body.map(Value::to_string).unwrap_or_default();
    let kind = if body.is_some() { "content-type: application/json\r\n" } else { "" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{kind}content-length: {}\r\n{headers}\r\n{text}",
        server.address(),
        text.len(),
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer[end + 4..].to_vec();
    let body = if head.to_lowercase().contains("transfer-encoding: chunked") { unchunked(&body) } else { body };
    (status, body)
}

fn unchunked(body: &[u8]) -> Vec<u8> {
    let (mut rest, mut whole) = (body, Vec::new());
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let n_bytes = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        whole.extend(&rest[end + 2..end + 2 + n_bytes]);
        rest = &rest[end + 4 + n_bytes..];
        if n_bytes == 0 {
            break;
        }
    }
    whole
}

async fn until_live(server: &Server, instrument: &str) {
    let path = format!("/api/v1/book?instrument={instrument}");
    for _ in 0..600 {
        let (_, book) = call(server, Method::GET, &path, None).await;
        if book["state"] == "live" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{instrument} has no live book");
}

/// All that is said but instruments and history, which come when they are asked for, as `decode` prints it: with our clock to
/// the microsecond.
fn line_of(event: &MarketEvent) -> Option<String> {
    if matches!(event.kind, MarketEventKind::Instrument(_) | MarketEventKind::History(_)) {
        return None;
    }
    let mut line = Vec::new();
    EventLine::of(event).write(&mut line).unwrap();
    Some(String::from_utf8(line).unwrap())
}

fn events_of(venue: &str, path: &Path) -> Vec<String> {
    let mut file = RecordingFile::open(path).unwrap();
    let mut replay = Replay::new(venue).unwrap();
    let mut events = Vec::new();
    while let Some(line) = file.next_line().unwrap() {
        let entry = model::recording_entry::RecordingEntry::parse(std::str::from_utf8(line).unwrap()).unwrap();
        replay.feed(&entry, |event| events.extend(line_of(event)));
    }
    assert_eq!(replay.summary().counters.gaps, 0);
    events
}

fn hash_of(path: &Path) -> String {
    let mut out = Vec::new();
    let mut decoder = Decoder::new(Replay::new("binance").unwrap(), &mut out, false).hashing("binance");
    decoder.file(RecordingFile::open(path).unwrap()).unwrap();
    decoder.finish().unwrap();
    let summary: Value = serde_json::from_slice(&out).unwrap();
    summary["events_sha256"].as_str().unwrap().to_owned()
}

async fn replay_until(server: &Server, is_wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1_200 {
        let (_, answer) = call(server, Method::GET, "/api/v1/replay", None).await;
        if is_wanted(&answer["replay"]) {
            return answer["replay"].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the replay did not come to what was wanted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_decodes_to_what_was_said_and_plays_the_same() {
    let (sim, folder) = (sim("binance").await, Folder::new("round-trip"));
    let live = Arc::new(Mutex::new(Vec::new()));
    let mut observer = {
        let live = live.clone();
        Some(Box::new(move |event: &MarketEvent| live.lock().unwrap().extend(line_of(event))) as EventObserver)
    };
    let server = Server::start_observed(config(&sim, &folder), move |_| observer.take()).await.unwrap();
    // In the middle of everything, so that the book has to come out of the prelude.
    until_live(&server, "binance:ADASIM").await;
    let which = json!({ "venue": "binance" });
    let (status, begun) = call(&server, Method::POST, "/api/v1/recordings/start", Some(&which)).await;
    assert_eq!((status, &begun["is_running"]), (200, &json!(true)), "{begun}");
    let (status, again) = call(&server, Method::POST, "/api/v1/recordings/start", Some(&which)).await;
    assert_eq!((status, &again["error"]["code"]), (409, &json!("conflict")));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (_, during) = call(&server, Method::GET, "/api/v1/recordings", None).await;
    assert_eq!(during["recordings"][0]["state"], "recording");
    let name = during["recordings"][0]["name"].as_str().unwrap().to_owned();
    let (status, _) = call(&server, Method::DELETE, &format!("/api/v1/recordings/{name}"), None).await;
    assert_eq!(status, 409, "not while it is written");
    let (status, ended) = call(&server, Method::POST, "/api/v1/recordings/stop", Some(&which)).await;
    assert_eq!((status, &ended["is_running"], &ended["n_lost"]), (200, &json!(false), &json!(0)), "{ended}");

    check_piece(&events_of("binance", &folder.file(&name)), &live.lock().unwrap());

    // Listed, downloaded byte for byte.
    let (_, list) = call(&server, Method::GET, "/api/v1/recordings", None).await;
    let row = &list["recordings"][0];
    assert_eq!(
        (&row["state"], &row["venue"], &row["symbols"]),
        (&json!("complete"), &json!("binance"), &json!([SYMBOL]))
    );
    assert!((3_000..6_000).contains(&row["duration_ms"].as_i64().unwrap()), "{row}");
    let (status, bytes) = call_with(&server, Method::GET, &format!("/api/v1/recordings/{name}"), None, "").await;
    assert_eq!((status, bytes), (200, fs::read(folder.file(&name)).unwrap()));

    // Played at full speed, with pauses and jumps: the fingerprint is that of decode.
    let load = json!({ "load": { "files": [name], "speed": 100 } });
    let (status, loaded) = call(&server, Method::POST, "/api/v1/replay", Some(&load)).await;
    assert_eq!((status, &loaded["replay"]["venue"]), (200, &json!("replay-binance")), "{loaded}");
    let fast = replay_until(&server, |replay| replay["state"] == "ended").await;
    let (_, after) = call(&server, Method::GET, "/api/v1/recordings", None).await;
    assert_eq!(after["recordings"][0]["state"], "playing");
    let middle = (fast["start_ms"].as_i64().unwrap() + fast["end_ms"].as_i64().unwrap()) / 2;
    for order in [json!({ "seek": { "position_ms": middle } }), json!({ "speed": 4.0 }), json!("pause"), json!("play")]
    {
        let (status, answer) = call(&server, Method::POST, "/api/v1/replay", Some(&order)).await;
        assert_eq!(status, 200, "{order} {answer}");
    }
    until_live(&server, "replay-binance:ADASIM").await;
    let slow = replay_until(&server, |replay| replay["state"] == "ended").await;
    assert_eq!(fast["events_sha256"], slow["events_sha256"]);
    assert_eq!(fast["events_sha256"], json!(hash_of(&folder.file(&name))));

    // Its instruments go with it.
    let (status, stopped) = call(&server, Method::POST, "/api/v1/replay", Some(&json!("stop"))).await;
    assert_eq!((status, &stopped["replay"]), (200, &Value::Null));
    let (status, _) = call(&server, Method::GET, "/api/v1/book?instrument=replay-binance:ADASIM", None).await;
    assert_eq!(status, 404);
    let (status, _) = call(&server, Method::DELETE, &format!("/api/v1/recordings/{name}"), None).await;
    assert_eq!((status, folder.file(&name).exists()), (200, false));
}

/// Checks that the recording is a gapless part of the live log, in order.
#[track_caller]
fn check_piece(recorded: &[String], live: &[String]) {
    // The first change of the book is merged into the snapshot at the beginning; all later ones are published.
    let joined = recorded.iter().position(|line| line.contains(r#""update":"delta""#)).expect("the book changes");
    let recorded = &recorded[joined..];
    assert!(recorded.len() > 60, "{}", recorded.len());
    let begin = live.iter().position(|line| *line == recorded[0]).expect("the first event was said");
    assert_eq!(*recorded, live[begin..begin + recorded.len()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn books_come_to_life_in_the_middle_of_every_venue() {
    for (venue, symbol) in [("kraken", "ADA/SIM"), ("coinbase", "ADA-SIM")] {
        let (sim, folder) = (sim(venue).await, Folder::new(venue));
        let live = Arc::new(Mutex::new(Vec::new()));
        let mut observer = {
            let live = live.clone();
            Some(Box::new(move |event: &MarketEvent| live.lock().unwrap().extend(line_of(event))) as EventObserver)
        };
        let config = config_of(venue, symbol, &sim, &folder);
        let server = Server::start_observed(config, move |_| observer.take()).await.unwrap();
        until_live(&server, &format!("{venue}:{symbol}")).await;
        let which = json!({ "venue": venue });
        let (status, begun) = call(&server, Method::POST, "/api/v1/recordings/start", Some(&which)).await;
        assert_eq!(status, 200, "{begun}");
        tokio::time::sleep(Duration::from_secs(4)).await;
        let (status, ended) = call(&server, Method::POST, "/api/v1/recordings/stop", Some(&which)).await;
        assert_eq!((status, &ended["n_lost"]), (200, &json!(0)), "{ended}");
        let (_, list) = call(&server, Method::GET, "/api/v1/recordings", None).await;
        let name = list["recordings"][0]["name"].as_str().unwrap();
        check_piece(&events_of(venue, &folder.file(name)), &live.lock().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_half_minute_is_saved_and_starts_well() {
    let (sim, folder) = (sim("binance").await, Folder::new("last"));
    let server = Server::start(config(&sim, &folder)).await.unwrap();
    until_live(&server, "binance:ADASIM").await;
    // Past the second checkpoint, so that a window has been kept and pruned once.
    tokio::time::sleep(Duration::from_secs(17)).await;
    let which = json!({ "venue": "binance" });
    let (status, saved) = call(&server, Method::POST, "/api/v1/recordings/save-last", Some(&which)).await;
    assert_eq!(status, 200, "{saved}");
    let name = saved["name"].as_str().unwrap();
    assert!(name.contains("last30s"));
    assert!(events_of("binance", &folder.file(name)).len() > 100);
    let load = json!({ "load": { "files": [name], "is_paused": true } });
    let (status, loaded) = call(&server, Method::POST, "/api/v1/replay", Some(&load)).await;
    assert_eq!((status, &loaded["replay"]["state"]), (200, &json!("paused")), "{loaded}");
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["status", "replay", "book:replay-binance:ADASIM", "tape:replay-binance:ADASIM"]).await;
    let later = loaded["replay"]["start_ms"].as_i64().unwrap() + 12_000;
    call(&server, Method::POST, "/api/v1/replay", Some(&json!({ "seek": { "position_ms": later } }))).await;
    until_live(&server, "replay-binance:ADASIM").await;
    let status_topic = Topic::parse("status").unwrap();
    let is_marked = |client: &Client| match client.state.get(&status_topic) {
        Some(TopicData::Status(status)) => {
            let marks = status.streams.iter().map(|entry| (entry.instrument.to_string(), entry.is_replay));
            marks.collect::<Vec<_>>()
                == [("binance:ADASIM".to_owned(), false), ("replay-binance:ADASIM".to_owned(), true)]
        }
        _ => false,
    };
    while !is_marked(&client) {
        client.next().await.unwrap();
    }
    // Paused: it stands where it was sent.
    let standing = replay_until(&server, |replay| replay["state"] == "paused").await;
    assert_eq!(standing["position_ms"], json!(later));
    let shown = |client: &Client| match client.state.get(&Topic::REPLAY) {
        Some(TopicData::Replay(data)) => data.replay.clone(),
        _ => None,
    };
    let is_paused_there = |replay: ReplayReport| (replay.state, replay.position_ms) == (PlayState::Paused, later);
    while !shown(&client).is_some_and(is_paused_there) {
        client.next().await.unwrap();
    }
    assert_eq!(json!(shown(&client)), standing, "its topic says the same");
    call(&server, Method::POST, "/api/v1/replay", Some(&json!("play"))).await;
    client.advance("book:replay-binance:ADASIM", 3).await;
    // Back to the beginning: a snapshot first, then contiguous changes; the client checks it.
    let start = loaded["replay"]["start_ms"].clone();
    call(&server, Method::POST, "/api/v1/replay", Some(&json!({ "seek": { "position_ms": start } }))).await;
    client.advance("book:replay-binance:ADASIM", 5).await;
    call(&server, Method::POST, "/api/v1/replay", Some(&json!("stop"))).await;
    while shown(&client).is_some() {
        client.next().await.unwrap();
    }
}

/// Bars of a minute, oldest first: open time, then figures without the digits that say nothing.
async fn bars(server: &Server, venue: &str, symbol: &str) -> Vec<(i64, Vec<String>)> {
    let symbol = symbol.replace('/', "%2F");
    let path = format!("/api/v1/candles?instrument={venue}:{symbol}&interval=1m&limit=60");
    let (status, body) = call(server, Method::GET, &path, None).await;
    assert_eq!(status, 200, "{body}");
    let plain = |number: &Value| number.as_str().unwrap().trim_end_matches('0').trim_end_matches('.').to_owned();
    let bar = |bar: &Value| (bar[0].as_i64().unwrap(), bar.as_array().unwrap()[1..].iter().map(plain).collect());
    body["bars"].as_array().unwrap().iter().map(bar).collect()
}

/// The venue's time runs ten times as fast, so that minutes lie between the feed's query for bars and the recording.
async fn bars_go_on_without_a_hole(venue: &str, symbol: &str) {
    let config = SimConfig::new(venue, Source::Demo { seed: 7, start: None });
    let sim = Sim::start(SimConfig { speed: Speed::Times(10.0), ..config }).await.unwrap();
    let folder = Folder::new(&format!("bars-{venue}"));
    let server = Server::start(config_of(venue, symbol, &sim, &folder)).await.unwrap();
    until_live(&server, &format!("{venue}:{}", symbol.replace('/', "%2F"))).await;
    assert_eq!(bars(&server, venue, symbol).await.len(), 60, "{venue}: history came");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let which = json!({ "venue": venue });
    let begun = bars(&server, venue, symbol).await.last().unwrap().0;
    call(&server, Method::POST, "/api/v1/recordings/start", Some(&which)).await;
    tokio::time::sleep(Duration::from_secs(13)).await;
    call(&server, Method::POST, "/api/v1/recordings/stop", Some(&which)).await;
    let live = bars(&server, venue, symbol).await;
    let (_, list) = call(&server, Method::GET, "/api/v1/recordings", None).await;
    let load = json!({ "load": { "files": [list["recordings"][0]["name"]], "speed": 50 } });
    call(&server, Method::POST, "/api/v1/replay", Some(&load)).await;
    replay_until(&server, |replay| replay["state"] == "ended").await;
    let replayed = bars(&server, &format!("replay-{venue}"), symbol).await;
    let times: Vec<i64> = replayed.iter().map(|bar| bar.0).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 60_000), "{venue}: {times:?}");
    assert!(times[0] <= begun - 3_000_000, "{venue}: from {} to {begun} are the bars of the past", times[0]);
    // The last one ends with the recording. Of the one that the recording began in, the first trade may be counted less.
    for bar in &replayed[..replayed.len() - 1] {
        let same = live.iter().find(|known| known.0 == bar.0);
        if bar.0 == begun {
            assert_eq!(same.map(|known| &known.1[..4]), Some(&bar.1[..4]), "{venue} {begun}");
        } else if let Some(same) = same {
            assert_eq!(same, bar, "{venue}");
        }
    }
    assert!(replayed.iter().filter(|bar| bar.0 > begun).count() >= 2, "{venue}: {times:?} after {begun}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_begins_in_the_middle_has_the_bars_before_it() {
    tokio::join!(
        bars_go_on_without_a_hole("binance", "ADASIM"),
        bars_go_on_without_a_hole("coinbase", "ADA-SIM"),
        bars_go_on_without_a_hole("kraken", "ADA/SIM"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_cannot_be_written_is_refused_at_once() {
    let folder = Folder::new("refused");
    let sim = sim("binance").await;
    let server = Server::start(config(&sim, &folder)).await.unwrap();
    until_live(&server, &format!("binance:{SYMBOL}")).await;
    // A file in the place of the folder, as good as a full disk.
    let place = folder.0.join("recordings");
    let _there_already = fs::remove_dir_all(&place);
    fs::write(&place, "in the way").unwrap();
    let venue = json!({ "venue": "binance" });
    let (status, body) = call(&server, Method::POST, "/api/v1/recordings/start", Some(&venue)).await;
    assert_eq!((status, body["error"]["code"].as_str()), (507, Some("storage")), "{body}");
    let (status, body) = call(&server, Method::POST, "/api/v1/recordings/stop", Some(&venue)).await;
    assert_eq!(status, 409, "nothing has begun: {body}");
    fs::remove_file(&place).unwrap();
    let (status, body) = call(&server, Method::POST, "/api/v1/recordings/start", Some(&venue)).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = call(&server, Method::POST, "/api/v1/recordings/stop", Some(&venue)).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn callers_are_guarded_and_told_what_to_do() {
    let folder = Folder::new("guards");
    fs::write(folder.0.join("secret.jsonl"), "canary").unwrap();
    fs::write(folder.file("mine.jsonl"), "{\"t\":\"recv\",\"ts\":1.0,\"data\":\"{}\"}\n").unwrap();
    let mut config = demo_config();
    config.server.data_dir.clone_from(&folder.0);
    let server = Server::start(config).await.unwrap();
    let names = [
        "..%2fsecret.jsonl",
        "%2e%2e%2fsecret.jsonl",
        "..%5csecret.jsonl",
        "%2e%2e",
        "..",
        ".",
        "secret.jsonl",
        "%2fetc%2fpasswd",
        "mine.jsonl%00",
        "mine.jsonl%2f..%2f..%2fsecret.jsonl",
        "mine.txt",
        "%c0%ae%c0%ae%2fsecret.jsonl",
        "....%2f%2fsecret.jsonl",
        "C:secret.jsonl",
        "mine.jsonl%20",
        "%20mine.jsonl",
        "~root.jsonl",
    ];
    for name in names {
        for method in [Method::GET, Method::DELETE] {
            let path = format!("/api/v1/recordings/{name}");
            let (status, body) = call_with(&server, method, &path, None, "").await;
            assert!([400, 404, 405].contains(&status), "{name} {status}");
            assert!(!String::from_utf8_lossy(&body).contains("canary"), "{name}");
        }
        let load = json!({ "load": { "files": [name.replace("%2f", "/")] } });
        let (status, _) = call(&server, Method::POST, "/api/v1/replay", Some(&load)).await;
        assert!([400, 404].contains(&status), "{name} {status}");
    }
    assert!(folder.0.join("secret.jsonl").exists() && folder.file("mine.jsonl").exists());
    // Other pages of the same browser.
    for path in
        ["/api/v1/recordings/start", "/api/v1/recordings/stop", "/api/v1/recordings/save-last", "/api/v1/replay"]
    {
        let (status, _) = call_with(
            &server,
            Method::POST,
            path,
            Some(&json!({ "venue": "demo" })),
            "origin: http://evil.example\r\n",
        )
        .await;
        assert_eq!(status, 403, "{path}");
        let form = "content-type: text/plain\r\n";
        let (status, _) = call_with(&server, Method::POST, path, None, form).await;
        assert_eq!(status, 400, "{path}: only JSON");
    }
    let (status, _) =
        call_with(&server, Method::DELETE, "/api/v1/recordings/mine.jsonl", None, "origin: null\r\n").await;
    assert_eq!(status, 403);
    // Refusals give the reason and the remedy.
    let told = [
        ("/api/v1/recordings/start", json!({ "venue": "demo" }), 400, "receives nothing"),
        ("/api/v1/recordings/start", json!({ "venue": "binance" }), 400, "start it first"),
        ("/api/v1/recordings/start", json!({ "venue": "replay-binance" }), 400, "already"),
        ("/api/v1/recordings/start", json!({ "venue": "demo", "x": 1 }), 400, "unknown field"),
        ("/api/v1/recordings/stop", json!({ "venue": "demo" }), 409, "nothing to stop"),
        ("/api/v1/recordings/save-last", json!({ "venue": "demo" }), 400, "receives nothing"),
        ("/api/v1/replay", json!("play"), 409, "load a recording first"),
        ("/api/v1/replay", json!("dance"), 400, "unknown variant"),
        ("/api/v1/replay", json!({ "load": { "files": [] } }), 400, "at least one"),
        ("/api/v1/replay", json!({ "load": { "files": ["mine.jsonl"] } }), 400, "name its venue"),
        ("/api/v1/replay", json!({ "load": { "files": ["mine.jsonl"], "venue": "nowhere" } }), 400, "nowhere"),
        (
            "/api/v1/replay",
            json!({ "load": { "files": ["mine.jsonl"], "venue": "binance", "speed": 101 } }),
            400,
            "0.5 to 100",
        ),
        ("/api/v1/replay", json!({ "load": { "files": ["other.jsonl"] } }), 404, "lists them"),
    ];
    for (path, body, expected, words) in told {
        let (status, answer) = call(&server, Method::POST, path, Some(&body)).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{path} {body} {answer}");
        assert!(message.contains(words), "{path} {body}: {message}");
    }
    let (status, _) = call(&server, Method::POST, "/api/v1/recordings", None).await;
    assert_eq!(status, 405);
}
