//! The binary killed between trigger and delivery, again and again (`ALERT_KILLS` times, 3 by default).
//!
//! Each run saves a rule that fires with the next trade, waits until the alert is on disk, and kills the process: at once
//! or a few milliseconds later, every second time while the receiver has the message and has not answered. At the end every
//! alert has come; what came twice has the same identity and the same body.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    http_sink::{HttpSink, Planned},
    process::{Rest, Server},
    rig::PATIENCE,
};

fn start(folder: &Path) -> (Server, Rest) {
    let server = Server::start(env!("CARGO_BIN_EXE_truetape"), "BTC-SIM", folder);
    let rest = Rest::new(&server);
    (server, rest)
}

async fn command(rest: &Rest, command: Value) {
    let request = rest.http.post(format!("{}alerts", rest.base)).body(command.to_string());
    rest.send(request, 200).await;
}

/// Waits until a rule's alert is on disk.
async fn fired(rest: &Rest, rule_id: &str) {
    let begun = Instant::now();
    loop {
        let text = rest.send(rest.http.get(format!("{}alerts?limit=5", rest.base)), 200).await;
        let list: Value = serde_json::from_str(&text).unwrap();
        if list["alerts"].as_array().unwrap().iter().any(|alert| alert["rule_id"] == rule_id) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{rule_id} did not fire");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_alert_is_lost_by_kills() {
    let n_kills: u64 = std::env::var("ALERT_KILLS").map_or(3, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let sink = HttpSink::start().await;
    let (mut server, mut rest) = start(folder.path());
    let kind = json!({ "webhook": { "url": sink.url, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } });
    let channel = json!({ "channel_id": "hook", "name": "Hook", "allows_private": true, "kind": kind });
    command(&rest, json!({ "save_channel": { "channel": channel } })).await;
    let mut n_unsent = 0_u64;
    for run in 0..n_kills {
        let rule_id = format!("run-{run}");
        let rule = json!({
            "rule_id": rule_id, "name": "Kill", "instrument": "demo:BTC-SIM", "frequency": { "kind": "once" },
            "conditions": [{ "kind": "price_above", "level": "1" }], "channels": ["hook"],
        });
        if run % 2 == 1 {
            sink.plan([Planned { silence: Duration::from_millis(100), ..Planned::status(200) }]);
        }
        command(&rest, json!({ "save_alert": { "rule": rule } })).await;
        fired(&rest, &rule_id).await;
        tokio::time::sleep(Duration::from_micros(run * 397 % 6_000)).await;
        drop(server);
        n_unsent += u64::from(!sink.received().iter().any(|one| told(&one.body) == rule_id));
        (server, rest) = start(folder.path());
        if run > 0 {
            command(&rest, json!({ "delete_alert": { "rule_id": format!("run-{}", run - 1) } })).await;
        }
    }
    let begun = Instant::now();
    let mut bodies: BTreeMap<String, BTreeMap<String, Vec<Vec<u8>>>> = BTreeMap::new();
    while bodies.len() < n_kills as usize && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
        bodies.clear();
        for one in sink.received() {
            let copies = bodies.entry(told(&one.body)).or_default();
            copies.entry(one.header("webhook-id").to_owned()).or_default().push(one.body.to_vec());
        }
    }
    let n_lost = n_kills - bodies.len() as u64;
    let n_doubled = bodies.values().flat_map(BTreeMap::values).filter(|copies| copies.len() > 1).count();
    println!(
        "{n_kills} kills, {n_unsent} before the message came: {n_lost} lost, {n_doubled} doubled with the same identity"
    );
    assert_eq!(n_lost, 0);
    for (rule_id, copies) in &bodies {
        assert_eq!(copies.len(), 1, "{rule_id} came with two identities");
        assert!(copies.values().all(|copies| copies.iter().all(|body| *body == copies[0])), "{rule_id} has two bodies");
    }
}

/// Returns the rule that a message is of.
fn told(body: &[u8]) -> String {
    let message: Value = serde_json::from_slice(body).unwrap();
    message["data"]["rule_id"].as_str().unwrap_or_default().to_owned()
}
