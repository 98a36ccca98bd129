//! Finnhub's protocol over real sockets.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::time::Duration;

use common::{Came, Client};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use venue_sim::{Sim, SimConfig, Source, Speed};

#[tokio::test]
async fn the_key_is_checked_and_serves_one_connection() {
    let source = Source::Demo { seed: 5, start: None };
    let config = SimConfig { key: Some("k1".to_owned()), ..SimConfig::new("finnhub", source) };
    let sim = Sim::start(SimConfig { speed: Speed::Times(10.0), ..config }).await.unwrap();
    for path in ["/", "/?token=", "/?token=wrong"] {
        let refused = connect_async(format!("{}{path}", sim.ws_url)).await.unwrap_err();
        assert!(refused.to_string().contains("401"), "{refused}");
    }
    let mut client = Client::connect(&sim, "/?token=k1").await;
    let second = connect_async(format!("{}/?token=k1", sim.ws_url)).await.unwrap_err();
    assert!(second.to_string().contains("429"), "{second}");
    for symbol in ["SIM:BTC-SIM", "SIM:ETH-SIM", "NOPE:X"] {
        client.send(&json!({"type": "subscribe", "symbol": symbol}).to_string()).await;
    }
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 40 {
        let frame = client.json().await;
        assert_eq!(frame["type"], "trade");
        let trade = &frame["data"][0];
        assert!(trade["p"].is_number() && trade["v"].is_number() && trade["t"].is_i64() && trade["c"] == Value::Null);
        seen.push(trade["s"].as_str().unwrap().to_owned());
    }
    assert!(seen.contains(&"SIM:BTC-SIM".to_owned()) && seen.contains(&"SIM:ETH-SIM".to_owned()));
    for number in 0..48 {
        client.send(&json!({"type": "subscribe", "symbol": format!("S{number}")}).to_string()).await;
    }
    loop {
        let frame = client.json().await;
        if frame["type"] == "error" {
            assert_eq!(frame["msg"], "Subscribing to too many symbols");
            break;
        }
    }
    drop(client);
    tokio::time::sleep(Duration::from_millis(100)).await;
    Client::connect(&sim, "/?token=k1").await;
}

#[tokio::test]
async fn a_tape_reaches_whoever_asked_for_its_symbols() {
    let frame =
        |entries: &str| json!({"t": "recv", "ts": 1.0, "data": format!(r#"{{"data":[{entries}],"type":"trade"}}"#)});
    let (a, b) = (r#"{"c":null,"p":1.50,"s":"X:A","t":1,"v":0.10}"#, r#"{"c":["1"],"p":2,"s":"B","t":2,"v":5}"#);
    let text = format!("{}\n{}\n", frame(&format!("{a},{b}")), frame(b));
    let sim =
        Sim::start(SimConfig { speed: Speed::Max, ..SimConfig::new("finnhub", Source::Text(text)) }).await.unwrap();
    let mut client = Client::connect(&sim, "/?token=any").await;
    client.send(r#"{"type":"subscribe","symbol":"X:A"}"#).await;
    assert_eq!(client.text().await, format!(r#"{{"data":[{a}],"type":"trade"}}"#));
    assert_eq!(client.within(Duration::from_millis(50)).await, Came::Nothing);
}
