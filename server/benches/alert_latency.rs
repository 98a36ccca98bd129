//! Measures how long alerts and signals take: from the trade's frame and from the trigger to a client of the stream, and to
//! a webhook on this machine.
//!
//! ```text
//! cargo bench -p server --bench alert_latency
//! cargo bench -p server --bench alert_latency -- --binary target/release/truetape --alerts 300 --signals 30
//! ```
//!
//! The server is a process of its own over the simulated market; both wall clocks are this machine's. Each alert is a rule
//! of its own that fires with the next trade, one after the other. Beside the webhook stands its floor, measured in turn
//! with it: the same request sent to the same receiver by a bare client, which waits for no disk. Signals are forming and
//! confirmed ones of many rules on bars of a second.
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

#[path = "support/process.rs"]
mod process;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use axum::{Router, extract::State, http::HeaderMap};
use clap::Parser;
use futures::{SinkExt, StreamExt};
use model::{
    alert::{rule::AlertRow, signal::Signal},
    time::Timestamp,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use topics::{channels::TopicData, topic::TopicPattern};
use wire::{
    Encoding, decode_server_json, encode_client,
    message::{ClientMessage, Hello, ServerMessage, Subscribe, UpdateKind},
};

use crate::process::{Rest, Server};

/// Number of the measurements.
#[derive(Debug, Parser)]
struct Arguments {
    /// Alerts, one after the other.
    #[arg(long, default_value_t = 200)]
    alerts: usize,
    /// Rules of signals at once.
    #[arg(long, default_value_t = 20)]
    signals: usize,
    /// Seconds over which signals are counted.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// The server's binary.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_truetape"))]
    binary: String,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Gives a command of signals and alerts.
async fn command(rest: &Rest, command: Value) {
    let request = rest.http.post(format!("{}alerts", rest.base)).body(command.to_string());
    rest.send(request, 200).await;
}

/// Reads updates of topics until the task is dropped; each with the moment it was read.
async fn follow(server: &Server, topic: &str) -> mpsc::UnboundedReceiver<(Timestamp, TopicData)> {
    let url = format!("{}ws?format=json", server.url.replacen("http", "ws", 1));
    let (mut socket, _response) = connect_async(url).await.unwrap();
    let hello = ClientMessage::Hello(Hello { protocol: 1, lane_ms: 33, resume: BTreeMap::new() });
    let topics = vec![TopicPattern::parse(topic).unwrap()];
    for message in [hello, ClientMessage::Subscribe(Subscribe { id: 1, topics, lane_ms: None })] {
        let text = String::from_utf8(encode_client(&message, Encoding::Json)).unwrap();
        socket.send(Message::text(text)).await.unwrap();
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let read = now();
            let Message::Text(text) = message else { continue };
            let ServerMessage::Batch(batch) = decode_server_json(text.as_str()).unwrap() else { continue };
            for item in batch.items {
                let is_new = item.update.kind == UpdateKind::Delta;
                if is_new && sender.send((read, item.update.data.clone())).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap())
}

/// Starts a receiver of webhooks; it tells the moment and the identity of each.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(Timestamp, String)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let take = async |State(sender): State<mpsc::UnboundedSender<(Timestamp, String)>>, headers: HeaderMap| {
        let id = headers.get("webhook-id").map_or("", |id| id.to_str().unwrap()).to_owned();
        sender.send((now(), id)).unwrap();
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take).with_state(sender)).await });
    (url, receiver)
}

async fn next<T>(receiver: &mut mpsc::UnboundedReceiver<T>) -> T {
    timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap()
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000].as_secs_f64() * 1e3;
    let (n, p50, p99, worst) = (times.len(), at(500), at(990), at(1_000));
    println!("{what:<52} p50 {p50:>7.2} ms, p99 {p99:>7.2} ms, worst {worst:>7.2} ms, {n} times");
}

async fn alerts(arguments: &Arguments, server: &Server) {
    let rest = Rest::new(server);
    let (url, mut hooks) = receiver().await;
    let mut stream = follow(server, "alerts").await;
    let (mut to_stream, mut from_frame, mut to_hook, mut floor) = (vec![], vec![], vec![], vec![]);
    for number in 0..arguments.alerts {
        // A channel takes twenty at once; a person's rules rarely send as many.
        let channel_id = format!("hook-{}", number / 15);
        if number % 15 == 0 {
            let kind = json!({ "webhook": { "url": url, "secret": SECRET } });
            let channel = json!({ "channel_id": channel_id, "name": "Here", "allows_private": true, "kind": kind });
            command(&rest, json!({ "save_channel": { "channel": channel } })).await;
        }
        let rule_id = format!("rule-{number}");
        let rule = json!({
            "rule_id": rule_id, "name": "Latency", "instrument": "demo:BTC-SIM", "frequency": { "kind": "once" },
            "conditions": [{ "kind": "price_above", "level": "1" }], "channels": [channel_id],
        });
        command(&rest, json!({ "save_alert": { "rule": rule } })).await;
        let (read, notice) = loop {
            let (read, data) = next(&mut stream).await;
            let TopicData::Alerts(rows) = data else { continue };
            let rows = rows.rows.values().map(|row| row.read::<AlertRow>().unwrap().notice);
            if let Some(notice) = rows.into_iter().find(|notice| notice.rule_id == rule_id) {
                break (read, notice);
            }
        };
        to_stream.push(read.saturating_since(notice.fired_time));
        from_frame.extend(notice.receive_time.map(|time| read.saturating_since(time)));
        let (received, _id) = next(&mut hooks).await;
        to_hook.push(received.saturating_since(notice.fired_time));
        let begin = now();
        rest.http.post(&url).body("{}").send().await.unwrap();
        floor.push(next(&mut hooks).await.0.saturating_since(begin));
        command(&rest, json!({ "delete_alert": { "rule_id": rule_id } })).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    show("alert: trigger to a client of the stream (aim 5)", to_stream);
    show("alert: the trade's frame to a client of the stream", from_frame);
    show("alert: trigger to a webhook (aim 50)", to_hook);
    show("the same request by a bare client", floor);
}

async fn signals(arguments: &Arguments, server: &Server) {
    let rest = Rest::new(server);
    let mut stream = follow(server, "signals").await;
    for number in 0..arguments.signals {
        let line = |length: usize| json!({ "indicator": format!("ema({length})") });
        let look_for = json!({ "cross": { "fast": line(2 + number), "slow": line(3 + number) } });
        let rule = json!({
            "rule_id": format!("cross-{number}"), "version": 0, "name": "Latency", "instrument": "demo:BTC-SIM",
            "interval": "1s", "timing": "tick", "look_for": look_for,
        });
        command(&rest, json!({ "save_signal": { "rule": rule } })).await;
    }
    let (mut to_stream, mut from_frame) = (vec![], vec![]);
    let end = tokio::time::Instant::now() + Duration::from_secs(arguments.seconds);
    while let Ok(Some((read, data))) = tokio::time::timeout_at(end, stream.recv()).await {
        let TopicData::Signals(log) = data else { continue };
        for (_, row) in &log.entries {
            let signal: Signal = row.read().unwrap();
            to_stream.push(read.saturating_since(signal.fired_time));
            from_frame.push(read.saturating_since(signal.receive_time));
        }
    }
    show("signal: trigger to a client of the stream", to_stream);
    show("signal: the bar's arrival to a client of the stream", from_frame);
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("truetape-alert-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let server = Server::start(&arguments.binary, "BTC-SIM", &folder);
    alerts(&arguments, &server).await;
    signals(&arguments, &server).await;
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
