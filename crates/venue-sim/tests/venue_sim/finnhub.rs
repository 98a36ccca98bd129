//! Finnhub's protocol over real sockets: the key, trades, and REST answers about them.

use std::time::Duration;

use crate::common::{Came, Client, get};
use model::time::Timestamp;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source, Speed};

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

async fn ask(sim: &RunningSim, path: &str) -> (u16, Value) {
    let answer = get(sim, path).await;
    let body = answer.json();
    (answer.status, body)
}

#[tokio::test]
async fn rest_wants_the_key_and_says_what_is_wrong() {
    let source = Source::Demo { seed: 5, start: Some(Timestamp::from_millis(1_763_668_317_500)) };
    let config = SimConfig { key: Some("k1".to_owned()), ..SimConfig::new("finnhub", source) };
    let sim = Sim::start(config).await.unwrap();
    let bars = "crypto/candle?symbol=SIM:BTC-SIM&resolution=5&from=1763665200&to=1763668317";
    for (path, status) in [
        ("quote?symbol=SIM:BTC-SIM".to_owned(), 401),
        ("quote?symbol=SIM:BTC-SIM&token=wrong".to_owned(), 401),
        (format!("{bars}&token="), 401),
        ("quote?token=k1".to_owned(), 422),
        ("nothing?symbol=A&token=k1".to_owned(), 404),
        ("crypto/candle?symbol=SIM:BTC-SIM&resolution=7&from=1&to=2&token=k1".to_owned(), 422),
        ("crypto/candle?symbol=SIM:BTC-SIM&resolution=5&token=k1".to_owned(), 422),
        (format!("{bars}&token=k1"), 200),
    ] {
        let (found, body) = ask(&sim, &format!("/api/v1/{path}")).await;
        assert_eq!((found, body["error"].is_string()), (status, status != 200), "{path}: {body}");
    }
    let (_, quote) = ask(&sim, "/api/v1/quote?symbol=SIM:BTC-SIM&token=k1").await;
    assert!(["c", "d", "dp", "h", "l", "o", "pc"].iter().all(|key| quote[key].is_number()), "{quote}");
    assert_eq!(quote["t"], 1_763_668_317);
    let (_, unknown) = ask(&sim, "/api/v1/quote?symbol=SIM:NOPE-SIM&token=k1").await;
    assert_eq!((&unknown["c"], &unknown["d"], &unknown["t"]), (&json!(0), &Value::Null, &json!(0)));
    // A stock has no exchange prefix.
    for (path, state) in [(bars.to_owned(), "ok"), (bars.replace("crypto", "stock"), "no_data")] {
        assert_eq!(ask(&sim, &format!("/api/v1/{path}&token=k1")).await.1["s"], state, "{path}");
    }
    sim.fault(Fault { path: Some("candle".into()), code: Some(403), ..Fault::new(FaultKind::RestError) });
    assert_eq!(ask(&sim, &format!("/api/v1/{bars}&token=k1")).await.0, 403);
    assert_eq!(ask(&sim, "/api/v1/quote?symbol=SIM:BTC-SIM&token=k1").await.0, 200);
    sim.fault(Fault { retry_after_s: Some(9), ..Fault::new(FaultKind::Rest429) });
    let limited = get(&sim, "/api/v1/quote?symbol=SIM:BTC-SIM&token=k1").await;
    assert_eq!((limited.status, limited.headers["retry-after"].as_str()), (429, "9"));
}

#[tokio::test]
async fn bars_of_rest_are_those_of_the_trades_played() {
    let entry = |price: &str, time_ms: i64| {
        json!({"t": "recv", "ts": time_ms as f64 / 1_000.0, "data":
        format!(r#"{{"data":[{{"c":null,"p":{price},"s":"X:A","t":{time_ms},"v":0.5}}],"type":"trade"}}"#)})
    };
    let trades = [("10", 60_000), ("12.5", 90_000), ("9", 119_999), ("11", 130_000)];
    let text: Vec<String> = trades.iter().map(|(price, time_ms)| entry(price, *time_ms).to_string()).collect();
    let source = Source::Text(text.join("\n"));
    let sim = Sim::start(SimConfig { speed: Speed::Max, ..SimConfig::new("finnhub", source) }).await.unwrap();
    let mut client = Client::connect(&sim, "/?token=any").await;
    client.send(r#"{"type":"subscribe","symbol":"X:A"}"#).await;
    for _ in trades {
        client.text().await;
    }
    let path = "/api/v1/crypto/candle?symbol=X:A&resolution=1&from=60&to=240&token=any";
    let columns = r#"{"c":[9,11],"h":[12.5,11],"l":[9,11],"o":[10,11],"s":"ok","t":[60,120],"v":[1.5,0.5]}"#;
    assert_eq!(get(&sim, path).await.body, columns);
    let quote = r#"{"c":11,"d":1,"dp":10.0000,"h":12.5,"l":9,"o":10,"pc":10,"t":130}"#;
    assert_eq!(get(&sim, "/api/v1/quote?symbol=X:A&token=any").await.body, quote);
    assert_eq!(sim.candles("X:A", "1").unwrap()["bars"][0][4], "9");
}
