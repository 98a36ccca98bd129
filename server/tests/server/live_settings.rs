//! Settings that take effect while the server runs, each seen by its effect: limits, names and proxies, feeds and venues.
//!
//! Not here: how settings are checked, kept and reported (`configuration`), the level of the log (`observed`).

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use model::{
    access::{Role, UserName},
    status::{Silence, StreamState},
};
use reqwest::Method;
use serde_json::{Value, json};
use server::{
    access::{Access, AccessParts, LoginState, caller::Caller},
    clock::Clock,
    config::{
        Config, Live, Network,
        description::{Applies, Description, SETTINGS},
    },
    serve::Server,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};
use topics::{channels::TopicData, topic::Topic};
use venue_sim::{Sim, SimConfig, Source};
use wire::Encoding;

use crate::{
    client::{Client, PATIENCE},
    configuration::{Asker, SETTINGS_PATH, owner, server, server_with, stop},
};

/// Sends the beginning of a request, and nothing more; all that the server answers.
async fn say(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    // A refused connection may end before it has read this.
    let _sent = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
    let _reset = reading.await.expect("the server ends the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks under a host's name, with further header lines; status and text.
async fn get(server: &Server, host: &str, path: &str, lines: &str) -> (u16, String) {
    let answer = say(server, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n")).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {answer}")), answer)
}

/// Asks for the settings by a connection of its own; the status.
async fn ask(server: &Server) -> u16 {
    get(server, &server.address().to_string(), &format!("/{SETTINGS_PATH}"), "").await.0
}

async fn change(server: &Server, settings: Value) {
    let (status, report) = owner(server).change(settings).await;
    assert_eq!(status, 200, "{report}");
}

/// Asks until the answer is this one.
async fn until<T: PartialEq + std::fmt::Debug>(expected: T, asked: impl AsyncFn() -> T) {
    let begun = tokio::time::Instant::now();
    loop {
        let found = asked().await;
        if found == expected {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?} in place of {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The followed symbols of a venue.
async fn followed(server: &Server, venue: &str) -> Vec<String> {
    let (_, text) = owner(server).ask(Method::GET, "api/v1/feeds", None, None).await;
    let list: Value = serde_json::from_str(&text).unwrap();
    let feeds = list["feeds"].as_array().unwrap();
    let symbols =
        feeds.iter().filter(|feed| feed["venue"] == venue).flat_map(|feed| feed["symbols"].as_array().unwrap());
    symbols.map(|symbol| symbol["symbol"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn fewer_connections_close_nothing_and_refuse_what_comes() {
    for (key, refusal) in [("server.max_connections", 503), ("limits.connections_per_address", 429)] {
        let folder = tempfile::tempdir().unwrap();
        let server = server(folder.path(), "").await;
        let mut open = [Client::greet(&server, Encoding::Json).await, Client::greet(&server, Encoding::Json).await];
        assert_eq!(ask(&server).await, 200, "{key}");
        change(&server, json!({ key: 2 })).await;
        assert_eq!(ask(&server).await, refusal, "{key}");
        for client in &mut open {
            client.subscribe(1, &["quote:demo:ADA-SIM"]).await;
            client.advance("quote:demo:ADA-SIM", 1).await;
        }
        drop(open);
        until(200, async || ask(&server).await).await;
        stop(server).await;
    }
}

#[tokio::test]
async fn fewer_streams_close_nothing_and_refuse_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    let mut open = [Client::greet(&server, Encoding::Json).await, Client::greet(&server, Encoding::Json).await];
    let address = format!("ws://{}/ws", server.address());
    let is_refused = async || match tokio_tungstenite::connect_async(address.as_str()).await {
        Ok(_) => false,
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => answer.status() == 429,
        Err(error) => panic!("{error}"),
    };
    change(&server, json!({ "limits.streams_per_address": 2 })).await;
    assert!(is_refused().await);
    for client in &mut open {
        client.subscribe(1, &["quote:demo:ADA-SIM"]).await;
        client.advance("quote:demo:ADA-SIM", 1).await;
    }
    change(&server, json!({ "limits.streams_per_address": 3 })).await;
    assert!(!is_refused().await);
    stop(server).await;
}

#[tokio::test]
async fn fewer_requests_are_answered_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    for _ in 0..50 {
        assert_eq!(ask(&server).await, 200);
    }
    change(&server, json!({ "limits.requests_per_second": 1, "limits.requests_burst": 5 })).await;
    // On a busy machine the bucket fills a little meanwhile.
    let mut n_passed = 0;
    while ask(&server).await == 200 {
        n_passed += 1;
        assert!(n_passed < 1_000, "nothing is refused");
    }
    stop(server).await;
}

#[tokio::test]
async fn shorter_times_end_what_is_half_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "[limits]\nheader_timeout_ms = 600000\nbody_timeout_ms = 600000\n").await;
    change(&server, json!({ "limits.header_timeout_ms": 100, "limits.body_timeout_ms": 100 })).await;
    let answer = say(&server, "GET / HTTP/1.1\r\n").await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    let head = format!(
        "POST /{SETTINGS_PATH}/check HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: 10\r\n\r\n",
        server.address()
    );
    let answer = say(&server, &head).await;
    assert!(answer.contains("body_too_slow"), "{answer}");
    stop(server).await;
}

#[tokio::test]
async fn a_further_name_is_accepted_once_there_is_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    let (name, path) = ("recordings.example", format!("/{SETTINGS_PATH}"));
    assert_eq!((get(&server, name, &path, "").await.0, ask(&server).await), (403, 200));
    // Others could reach it then, and whoever has added the name could not log in.
    for (key, value) in [("server.allowed_hosts", name), ("server.trusted_proxies", "127.0.0.1")] {
        let (status, error) = owner(&server).change(json!({ key: [value] })).await;
        assert_eq!(status, 400, "{error}");
        let fault = &error["error"]["settings"][0];
        assert_eq!(fault["key"], key);
        assert!(fault["remedy"].as_str().unwrap().starts_with("make a user first"), "{fault}");
    }
    assert_eq!((get(&server, name, &path, "").await.0, ask(&server).await), (403, 200));
    let access = server.access();
    access.add_user(&Caller::OWNER, "ada", Role::Admin, "correct horse battery staple").await.unwrap();
    let ada = UserName::parse("ada").unwrap();
    let token = access.add_token_of(&Caller::OWNER, &ada, "test", Role::Admin, None).await.unwrap();
    let token = token.secret.reveal().to_owned();
    let line = format!("Authorization: Bearer {token}\r\n");
    let admin = Asker { server: &server, token: Some(token) };
    assert_eq!(admin.change(json!({ "server.allowed_hosts": [name] })).await.0, 200);
    assert_eq!(get(&server, name, &path, &line).await.0, 200);
    assert_eq!(get(&server, name, &path, "").await.0, 401);
    assert_eq!(admin.change(json!({ "server.allowed_hosts": null })).await.0, 200);
    assert_eq!(get(&server, name, &path, &line).await.0, 403);
    stop(server).await;
}

#[test]
fn a_server_that_gets_its_first_proxy_is_open_to_nobody() {
    let newest = watch::Sender::new(Arc::new(Config::default()));
    let parts = AccessParts {
        live: Live::new(newest.subscribe()),
        data_dir: "/nowhere".into(),
        is_private: true,
        has_file: false,
        port: 0,
        clock: Clock::start(),
    };
    let (access, _notes) = Access::new(parts).unwrap();
    assert_eq!(access.login_state(), LoginState::Open);
    let mut config = Config::default();
    config.server.allowed_hosts = vec!["recordings.example".to_owned()];
    newest.send_replace(Arc::new(config));
    assert_eq!(access.login_state(), LoginState::SetUp);
    let mut config = Config::default();
    config.server.trusted_proxies = vec![Network::parse("127.0.0.1").unwrap()];
    newest.send_replace(Arc::new(config));
    assert_eq!(access.login_state(), LoginState::SetUp);
}

#[tokio::test]
async fn proxies_are_believed_and_the_page_is_kept_as_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "[access]\nlogin = \"never\"\n").await;
    let own = server.address().to_string();
    // Of a proxy it would be a mistake, of anybody else it is ignored.
    let line = "X-Forwarded-For: nonsense\r\n";
    let kept_off = "data-offline=\"off\"";
    assert_eq!(get(&server, &own, "/healthz", line).await.0, 200);
    assert!(!get(&server, &own, "/", "").await.1.contains(kept_off));
    change(&server, json!({ "server.trusted_proxies": ["127.0.0.1"], "server.offline_page": false })).await;
    assert_eq!(get(&server, &own, "/healthz", line).await.0, 400);
    assert!(get(&server, &own, "/", "").await.1.contains(kept_off));
    stop(server).await;
}

#[tokio::test]
async fn the_list_of_feeds_is_followed_except_what_readers_keep() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_with(folder.path(), "demo=ADA-SIM,XRP-SIM", "").await;
    let keep = json!({ "venue": "demo", "symbols": ["XRP-SIM"], "keep": true });
    assert_eq!(owner(&server).ask(Method::POST, "api/v1/feeds", Some(keep), None).await.0, 200);
    change(&server, json!({ "feeds": ["demo=BTC-SIM"] })).await;
    let expected = ["BTC-SIM", "XRP-SIM"].map(str::to_owned).to_vec();
    until(expected, async || followed(&server, "demo").await).await;
    // A notice says what cannot be followed.
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["system"]).await;
    change(&server, json!({ "feeds": ["demo=BTC-SIM", "finnhub=AAPL"] })).await;
    let notice = |client: &Client| match client.state.get(&Topic::SYSTEM) {
        Some(TopicData::System(system)) => system.notice.clone().unwrap_or_default(),
        _ => String::new(),
    };
    while !notice(&client).contains("finnhub asks for a token") {
        client.next().await.unwrap();
    }
    change(&server, json!({ "feeds": null })).await;
    while !notice(&client).is_empty() {
        client.next().await.unwrap();
    }
    let expected = ["ADA-SIM", "XRP-SIM"].map(str::to_owned).to_vec();
    until(expected, async || followed(&server, "demo").await).await;
    stop(server).await;
}

#[tokio::test]
async fn a_venue_gets_another_address_token_and_age_of_stale_data() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "[venues.coinbase]\nws_url = \"ws://127.0.0.1:9\"\nrest_url = \"http://127.0.0.1:9\"\n\
                   stale_after_ms = 86400000\n";
    let server = server_with(folder.path(), "coinbase=ADA-SIM,BTC-SIM,ETH-SIM", nowhere).await;
    let token = async || {
        let (_, text) = owner(&server).ask(Method::GET, "api/v1/venues", None, None).await;
        let list: Value = serde_json::from_str(&text).unwrap();
        let finnhub = list["venues"].as_array().unwrap().iter().find(|venue| venue["name"] == "finnhub").unwrap();
        finnhub["token"].as_str().unwrap().to_owned()
    };
    assert_eq!(token().await, "missing");
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["status"]).await;
    let ada = |client: &Client| match client.state.get(&Topic::STATUS) {
        Some(TopicData::Status(status)) => {
            status.streams.iter().find(|entry| entry.instrument.to_string() == "coinbase:ADA-SIM").cloned()
        }
        _ => None,
    };
    let sim = Sim::start(SimConfig::new("coinbase", Source::Demo { seed: 7, start: None })).await.unwrap();
    let settings = json!({
        "venues.coinbase.ws_url": sim.ws_url,
        "venues.coinbase.rest_url": sim.rest_url,
        "venues.finnhub.token": "k3y",
    });
    change(&server, settings).await;
    while ada(&client).is_none_or(|entry| entry.state != StreamState::Live) {
        client.next().await.unwrap();
    }
    until("configured".to_owned(), token).await;
    // Silent, but young enough for a day; the other products keep the connection busy.
    sim.fault("stall:stream=ADA-SIM,existing_only=true".parse().unwrap());
    change(&server, json!({ "venues.coinbase.stale_after_ms": 100 })).await;
    let stale = loop {
        client.next().await.unwrap();
        if let Some(entry) = ada(&client).filter(|entry| entry.state == StreamState::Stale) {
            break entry;
        }
    };
    assert_ne!(stale.silence, Some(Silence::Dead), "by its age alone");
    stop(server).await;
    sim.stop().await;
}

/// The test that sees the effect of each setting that needs no restart.
const SEEN: [(&str, &[&str]); 15] = [
    (
        "fewer_connections_close_nothing_and_refuse_what_comes",
        &["server.max_connections", "limits.connections_per_address"],
    ),
    ("fewer_streams_close_nothing_and_refuse_what_comes", &["limits.streams_per_address"]),
    ("other_numbers_end_nothing_and_hold_for_what_comes", &["limits.streams_per_account"]),
    ("fewer_requests_are_answered_from_then_on", &["limits.requests_per_second", "limits.requests_burst"]),
    ("shorter_times_end_what_is_half_sent", &["limits.header_timeout_ms", "limits.body_timeout_ms"]),
    ("a_request_ends_in_time", &["limits.answer_timeout_ms"]),
    ("a_further_name_is_accepted_once_there_is_a_user", &["server.allowed_hosts"]),
    (
        "proxies_are_believed_and_the_page_is_kept_as_the_settings_say",
        &["server.trusted_proxies", "server.offline_page"],
    ),
    ("the_list_of_feeds_is_followed_except_what_readers_keep", &["feeds"]),
    (
        "a_venue_gets_another_address_token_and_age_of_stale_data",
        &["venues.*.ws_url", "venues.*.rest_url", "venues.*.token", "venues.*.stale_after_ms"],
    ),
    // One session is made of all of them.
    (
        "only_the_age_of_stale_data_keeps_the_session",
        &[
            "venues.*.history_url",
            "venues.*.data_deadline_ms",
            "venues.*.poll_ms",
            "venues.*.backoff_min_ms",
            "venues.*.backoff_max_ms",
            "venues.*.max_attempts",
        ],
    ),
    ("the_level_of_the_log_changes_while_the_server_runs", &["log.level"]),
    // The sections that are read whole: sessions of the stream, the hub, recordings, logins.
    (
        "a_change_holds_for_new_connections_and_after_a_restart",
        &[
            "stream.ping_ms",
            "stream.pong_timeout_ms",
            "stream.hello_timeout_ms",
            "stream.write_timeout_ms",
            "stream.messages_per_second",
            "stream.messages_burst",
        ],
    ),
    (
        "new_limits_hold_from_the_next_use",
        &[
            "stream.history_bytes",
            "stream.history_len",
            "stream.queue_bytes",
            "stream.retain_idle_ms",
            "stream.max_topics",
        ],
    ),
    (
        "times_of_logins_and_limits_of_recordings_change_at_once",
        &[
            "access.idle_minutes",
            "access.max_minutes",
            "recordings.max_file_mib",
            "recordings.max_file_minutes",
            "recordings.max_total_mib",
            "recordings.max_age_days",
        ],
    ),
];

/// All text of the Rust files below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn each_setting_that_needs_no_restart_has_a_test_of_its_effect() {
    let mut text = String::new();
    for folder in ["src", "tests", "../crates/hub/tests"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    }
    for (test, _) in SEEN {
        assert!(text.contains(&format!("fn {test}(")), "there is no test {test}");
    }
    let seen: BTreeSet<&str> = SEEN.iter().flat_map(|(_, keys)| *keys).copied().collect();
    let needs_none = |setting: &&Description| !matches!(setting.applies, Applies::Restart | Applies::NotHere);
    let promised: BTreeSet<&str> = SETTINGS.iter().filter(needs_none).map(|setting| setting.key).collect();
    assert_eq!(seen, promised, "a setting that applies without a restart has a test that sees it");
}
