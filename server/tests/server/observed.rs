//! The server seen by itself: its health and figures by REST and on the stream, and ids in logs and answers.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use topics::{
    channels::{TopicData, system::Health},
    topic::Topic,
};
use wire::Encoding;

use crate::client::{Client, PATIENCE, demo_server};

#[tokio::test]
async fn health_and_figures_are_those_of_the_server() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &["system"]).await;
    client.advance("system", 1).await;
    let TopicData::System(system) = &client.state[&Topic::SYSTEM] else { panic!("no system data") };
    assert_eq!((system.health, system.health_cause.as_deref()), (Some(Health::Good), Some("")));
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let begun = Instant::now();
    let report = loop {
        let answer = http.get(format!("{}api/v1/system", server.url())).send().await.unwrap();
        let report: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        if report["newest_ms"] != 0 {
            break report;
        }
        assert!(begun.elapsed() < PATIENCE, "{report}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((&report["health"], &report["step_ms"]), (&Value::from("good"), &Value::from(10_000)));
    let newest = |name: &str| {
        let figures = report["figures"].as_array().unwrap();
        let figure = figures.iter().find(|figure| figure["name"] == name).unwrap();
        figure["history"].as_array().unwrap().last().unwrap().as_f64()
    };
    assert_eq!(
        (newest("clients"), newest("live_streams"), newest("silent_streams")),
        (Some(1.0), Some(2.0), Some(0.0))
    );
    for name in ["messages_sent", "bytes_sent", "feed_events", "turn_time", "requests"] {
        assert!(newest(name).is_some_and(|value| value > 0.0), "{name}: {report}");
    }
    // This server has no desk, so nothing was written.
    assert_eq!((newest("commit_time"), newest("commits"), newest("open_orders")), (None, Some(0.0), Some(0.0)));
}

#[tokio::test]
async fn lines_of_the_log_have_the_ids_of_requests_and_clients() {
    let folder = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_truetape"))
        .args(["serve", "--listen", "127.0.0.1:0", "--venue", "demo=ADA-SIM", "--log-format", "json", "--data-dir"])
        .arg(folder.path())
        .env("RUST_LOG", "server=debug")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Ended(program);
    let mut ready = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let url = ready["url"].as_str().unwrap();
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let id = async |given: Option<&str>| {
        let mut request = http.get(format!("{url}api/v1/nothing?secret=canary"));
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        let answer = request.send().await.unwrap();
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let (given, made, refused) = (id(Some("from-a-proxy.1")).await, id(None).await, id(Some("a b")).await);
    assert_eq!((given.as_str(), made.len(), refused.len()), ("from-a-proxy.1", 16, 16));
    let socket = format!("{}ws?format=json", url.replacen("http", "ws", 1));
    let (mut socket, _) = tokio_tungstenite::connect_async(socket).await.unwrap();
    let hello = r#"{"type":"hello","protocol":1,"lane_ms":500}"#;
    socket.send(Message::text(hello)).await.unwrap();
    let welcome = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(welcome.contains("welcome"), "{welcome}");
    drop(socket);
    // The log is complete once the program has ended.
    let stopped = Command::new("kill").arg(program.0.id().to_string()).status().unwrap();
    assert!(stopped.success());
    let mut log = String::new();
    program.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains("canary"), "{log}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let spans_of = |message: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["message"] == message).map(|line| &line["span"]).collect()
    };
    let answered = spans_of("a request was answered");
    for id in [given, made, refused] {
        let span = answered.iter().find(|span| span["request_id"] == id.as_str());
        let span = span.unwrap_or_else(|| panic!("no line of request {id} in\n{log}"));
        assert_eq!((&span["name"], &span["path"]), (&Value::from("request"), &Value::from("/api/v1/nothing")));
    }
    let hello = spans_of("a client said hello");
    assert_eq!(hello.len(), 1, "{log}");
    assert!(hello[0]["client"].is_u64() && hello[0]["name"] == "session", "{}", hello[0]);
    // The session has the id of the request that opened it.
    let upgrade = answered.iter().find(|span| span["path"] == "/ws").unwrap();
    assert_eq!(hello[0]["request_id"], upgrade["request_id"]);
}

#[tokio::test]
async fn the_level_of_the_log_changes_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_truetape"))
        .args(["serve", "--listen", "127.0.0.1:0", "--venue", "demo=ADA-SIM", "--log-format", "json", "--data-dir"])
        .arg(folder.path())
        .env_remove("RUST_LOG")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Ended(program);
    let mut ready = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let url = ready["url"].as_str().unwrap();
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    let ask = async |path: &str| http.get(format!("{url}{path}")).send().await.unwrap();
    let set_level = async |level: &str| {
        let body = serde_json::json!({ "settings": { "log.level": level } }).to_string();
        let change = http.patch(format!("{url}api/v1/configuration")).header("content-type", "application/json");
        let answer = change.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    ask("api/v1/before").await;
    set_level("debug").await;
    ask("api/v1/between").await;
    set_level("warn").await;
    ask("api/v1/after").await;
    let stopped = Command::new("kill").arg(program.0.id().to_string()).status().unwrap();
    assert!(stopped.success());
    let mut log = String::new();
    program.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has = |path: &str| lines.iter().any(|line| line["span"]["path"] == path);
    assert_eq!(["/api/v1/before", "/api/v1/between", "/api/v1/after"].map(has), [false, true, false], "{log}");
}

/// Ends with the test, whatever its outcome.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}
