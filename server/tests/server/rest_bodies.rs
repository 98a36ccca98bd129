//! The bodies of the REST API as programs get them: each resource, and each error.
//!
//! The data is a recording played to its end, so it is the same each time; what depends on the machine's clock or speed
//! is replaced by `"…"`.

use std::{fs, io, sync::Arc, time::Duration};

use axum::{body::to_bytes, response::IntoResponse};
use model::access::Role;
use model::instrument::Venue;
use recording::player::Control;
use serde_json::Value;
use server::{
    commands::CommandFailure,
    config::Config,
    feed::{control::ControlError, error::FeedError},
    http::error::ApiError,
    recorder::{
        error::RecorderError,
        library::{RecordingName, Use},
        replays::Load,
    },
    serve::Server,
};
use topics::channels::replay::PlayState;
use venues::error::VenueError;

use crate::{client::demo_config, feed::recording, snapshots};

/// Replaces what is different each time, wherever it stands.
fn redact(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if VOLATILE.contains(&key.as_str()) && !value.is_null() {
                    *value = Value::from("…");
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}

const VOLATILE: [&str; 5] = ["age_ms", "duration_ms", "publish_time_us", "rate", "updates"];

fn pretty(mut value: Value) -> String {
    redact(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

#[tokio::test]
async fn every_resource_has_its_form() {
    let folder = std::env::temp_dir().join(format!("truetape-bodies-{}", std::process::id()));
    fs::create_dir_all(folder.join("recordings")).unwrap();
    let text = format!(
        "{}\n{}",
        r#"{"t":"header","ts":999.0,"venue":"binance","symbols":["AAABBB"],"kind":"recording"}"#,
        recording(3)
    );
    fs::write(folder.join("recordings/binance-a.jsonl"), &text).unwrap();
    let mut config = Config { feeds: Vec::new(), ..demo_config() };
    config.server.data_dir.clone_from(&folder);
    let server = Server::start(config).await.unwrap();
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let get = async |path: &str| {
        let response = http.get(format!("{}{path}", server.url())).send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        format!("GET /{path}\n{status}\n{}\n\n", pretty(body))
    };
    let mut text = String::new();
    for path in ["healthz", "readyz", "api/v1/instruments", "api/v1/status", "api/v1/replay", "api/v1/direct"] {
        text += &get(path).await;
    }
    snapshots::check("bodies_of_an_idle_server", &text);

    let load = Load {
        paths: vec![folder.join("recordings/binance-a.jsonl")],
        venue: None,
        at: None,
        speed: 100.0,
        is_paused: false,
    };
    server.replays().load_files(load).await.unwrap();
    while server.replays().report().unwrap().state != PlayState::Ended {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // One more control, so that all earlier states have been published.
    server.replays().control(Control::Pause).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut text = String::new();
    for path in [
        "api/v1/book?instrument=replay-binance:AAABBB&depth=2",
        "api/v1/recordings",
        "api/v1/replay",
        "api/v1/status",
        "api/v1/trades?instrument=replay-binance:AAABBB&limit=2",
        "api/v1/venues",
        "readyz",
    ] {
        text += &get(path).await;
    }
    snapshots::check("bodies_of_a_replay", &text);
    fs::remove_dir_all(&folder).unwrap();
}

/// Values by their type, lists by their first entry.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(values) => values.first().map(shape).into_iter().collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Null => Value::Null,
    }
}

#[tokio::test]
async fn a_live_feed_has_the_same_forms() {
    let server = Server::start(demo_config()).await.unwrap();
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let get = async |path: &str| -> Value {
        let response = http.get(format!("{}{path}", server.url())).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    };
    while get("api/v1/trades?instrument=demo:ADA-SIM").await["trades"].as_array().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut text = String::new();
    for path in ["api/v1/instruments", "api/v1/direct"] {
        text += &format!("GET /{path}\n{}\n\n", pretty(get(path).await));
    }
    for path in ["api/v1/book?instrument=demo:ADA-SIM", "api/v1/candles?instrument=demo:ADA-SIM&interval=1m"] {
        let body = get(path).await;
        text += &format!("GET /{path}, its shape\n{}\n\n", pretty(shape(&body)));
    }
    snapshots::check("bodies_of_a_live_feed", &text);
}

fn name() -> RecordingName {
    RecordingName::parse("binance-a.jsonl").unwrap()
}

fn feed_errors() -> Vec<FeedError> {
    let instrument = "demo:BTC-SIN".to_owned();
    vec![FeedError::UnknownInstrument { instrument, nearest: vec!["demo:BTC-SIM".into()] }, FeedError::Busy]
}

fn control_errors() -> Vec<ControlError> {
    let venue = || "kraken".to_owned();
    vec![
        ControlError::UnknownVenue(unknown_venue()),
        ControlError::BadSymbols { remedy: "a symbol has 1 to 64 characters".into() },
        ControlError::UnknownSymbol {
            venue: "Binance",
            symbol: "SOLUDST".into(),
            did_you_mean: vec!["SOLUSDT".into(), "SOLUSDC".into()],
        },
        ControlError::TooManySymbols { venue: venue(), found: 1_001, limit: 1_000 },
        ControlError::NeedsToken { venue: "finnhub".into() },
        ControlError::AlreadyRunning { venue: venue(), symbols: "BTC/USD".into() },
        ControlError::NotRunning { what: venue(), running: "demo".into() },
        ControlError::TooOften { venue: venue(), wait_s: 7 },
        ControlError::Busy,
        ControlError::Stuck { venue: venue() },
    ]
}

fn recorder_errors() -> Vec<RecorderError> {
    let venue = || Venue::new("binance");
    let failure = || io::Error::other("the disk is full");
    vec![
        RecorderError::UnknownRecording { name: name() },
        RecorderError::NoFeed { venue: "binance".into() },
        RecorderError::IsReplay { venue: venue().as_replay() },
        RecorderError::NothingReceived { venue: Venue::new("demo") },
        RecorderError::NotFollowed {
            venue: venue(),
            symbol: "ETHUSD".into(),
            followed: vec!["BTCUSDT".into(), "ETHUSDT".into()],
        },
        RecorderError::AlreadyRecording { venue: venue() },
        RecorderError::NotRecording { venue: venue() },
        RecorderError::NothingKept { venue: venue() },
        RecorderError::InUse { name: name(), purpose: Use::Writing },
        RecorderError::InUse { name: name(), purpose: Use::Playing },
        RecorderError::InUse { name: name(), purpose: Use::Reading },
        RecorderError::Folder(failure()),
        RecorderError::NotWritten { failure: failure().to_string() },
        RecorderError::NoFiles,
        RecorderError::TooManyFiles { limit: 256 },
        RecorderError::BadName,
        RecorderError::UnnamedVenue,
        RecorderError::UnknownVenue(unknown_venue()),
        RecorderError::Unplayable { file: "binance-a.jsonl".into(), source: failure() },
        RecorderError::BadSpeed { found: 101.0 },
        RecorderError::NoReplay,
        RecorderError::ReplayBusy,
        RecorderError::Feed(FeedError::Busy),
        RecorderError::ShuttingDown,
    ]
}

fn command_failures() -> Vec<CommandFailure> {
    let own = vec![
        CommandFailure::Forbidden { command: "start_feed", needed: Role::Admin },
        CommandFailure::BadKey,
        CommandFailure::KeyReused { key: "k1".into() },
        CommandFailure::NotKept { source: io::Error::other("the disk is full") },
        CommandFailure::ShuttingDown,
    ];
    let rooms = control_errors().into_iter().map(CommandFailure::from);
    rooms.chain(own).collect()
}

fn unknown_venue() -> VenueError {
    VenueError::UnknownVenue { name: "binanse".into(), suggestion: "binance", known: "binance, demo".into() }
}

fn own_errors() -> Vec<ApiError> {
    vec![
        ApiError::BadParameter { parameter: "limit", remedy: "write a whole number from 1 to 500".into() },
        ApiError::UnknownVenue { venue: "binanse".into(), available: "binance, demo".into() },
        ApiError::NotPassedOn { venue: "finnhub", reason: "it needs a token" },
        ApiError::PathNotAllowed { venue: "binance", allowed: "/api/v3/depth".into() },
        ApiError::AskLater { reason: "the venue's request limit is used up", wait_s: 7 },
        ApiError::VenueUnreachable { detail: "connection refused".into() },
        ApiError::BadBody { detail: "expected value".into(), example: "{}" },
        ApiError::BodyTooLarge { limit_bytes: 65_536 },
        ApiError::BodyTooSlow,
        ApiError::Full,
        ApiError::NotFound,
        ApiError::MethodNotAllowed,
        ApiError::ForeignCaller { header: "Host" },
        ApiError::BadForwarded {
            header: "X-Forwarded-For",
            reason: "has something else where the caller's address is",
        },
        ApiError::NotAWebSocket,
        ApiError::ShuttingDown,
    ]
}

#[tokio::test]
async fn every_error_has_its_status_and_code() {
    let errors = own_errors().into_iter();
    let errors = errors.chain(feed_errors().into_iter().map(ApiError::from));
    let errors = errors.chain(command_failures().into_iter().map(|failure| ApiError::from(Arc::new(failure))));
    let errors = errors.chain(recorder_errors().into_iter().map(ApiError::from));
    let mut text = String::new();
    for error in errors {
        let response = error.into_response();
        let status = response.status().as_u16();
        let retry =
            response.headers().get("retry-after").map(|wait| format!(", retry-after {}", wait.to_str().unwrap()));
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        text += &format!("{status}{}\n{body}\n\n", retry.unwrap_or_default());
    }
    snapshots::check("errors", &text);
}
