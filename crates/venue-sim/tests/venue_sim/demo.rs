//! The simulated market over the venue's protocol: books, bars and trades agree with each other and with the oracle.

use crate::common::{Client, LocalBook, get};
use model::time::Timestamp;
use serde_json::{Value, json};
use venue_sim::{RunningSim, Sim, SimConfig, Source, Speed};

/// Ten times real speed, from a fixed time 2.5 s before a full minute.
async fn started() -> RunningSim {
    let source = Source::Demo { seed: 5, start: Some(Timestamp::from_millis(1_763_668_317_500)) };
    Sim::start(SimConfig { speed: Speed::Times(10.0), ..SimConfig::new("binance", source) }).await.unwrap()
}

#[tokio::test]
async fn books_follow_the_documented_procedure() {
    let sim = started().await;
    let streams = "/stream?streams=btcsim@depth@100ms/btcsim@bookTicker/pepesim@depth@100ms";
    let mut client = Client::connect(&sim, streams).await;
    // Buffer first, then fetch: the order that the venue requires.
    let mut buffered = vec![client.json().await];
    let snapshot = async |symbol: &str| {
        LocalBook::snapshot(&get(&sim, &format!("/api/v3/depth?symbol={symbol}&limit=1000")).await.json())
    };
    let (mut btc, mut pepe) = (snapshot("BTCSIM").await, snapshot("PEPESIM").await);
    let mut ticker = Value::Null;
    let (mut n_tops, mut n_events) = (0, 0);
    while n_events < 80 {
        let frame = if buffered.is_empty() { client.json().await } else { buffered.remove(0) };
        let data = &frame["data"];
        match frame["stream"].as_str().unwrap() {
            "btcsim@depth@100ms" => {
                btc.apply(data);
                n_events += 1;
                if ticker["u"] == data["u"] && btc.id == data["u"].as_u64().unwrap() {
                    let digits = |value: &Value| value.as_str().unwrap().replace('.', "").parse::<u128>().unwrap();
                    assert_eq!(btc.bids.last_key_value(), Some((&digits(&ticker["b"]), &digits(&ticker["B"]))));
                    assert_eq!(btc.asks.first_key_value(), Some((&digits(&ticker["a"]), &digits(&ticker["A"]))));
                    n_tops += 1;
                }
            }
            "btcsim@bookTicker" => ticker = data.clone(),
            _ => pepe.apply(data),
        }
    }
    assert!(n_tops > 60, "{n_tops}");
    for (symbol, book) in [("BTCSIM", &btc), ("PEPESIM", &pepe)] {
        let own = get(&sim, &format!("/control/book?symbol={symbol}&at={}", book.id)).await.json();
        assert_eq!(&LocalBook::snapshot(&own), book);
        assert_eq!((book.bids.len(), book.asks.len()), (50, 50));
    }
}

#[tokio::test]
async fn bars_of_rest_and_stream_and_trades_agree() {
    let sim = started().await;
    let mut client = Client::connect(&sim, "/stream?streams=ethsim@trade/ethsim@kline_1s/ethsim@kline_1m").await;
    let (mut trades, mut closed) = (Vec::new(), Vec::new());
    while trades.len() < 60 {
        let frame = client.json().await;
        match frame["stream"].as_str().unwrap() {
            "ethsim@trade" => trades.push(frame["data"].clone()),
            _ if frame["data"]["k"]["x"] == true => closed.push(frame["data"]["k"].clone()),
            _ => {}
        }
    }
    assert!(trades.windows(2).all(|pair| pair[1]["t"].as_u64() == pair[0]["t"].as_u64().map(|id| id + 1)));
    assert!(closed.iter().any(|bar| bar["i"] == "1m") && closed.len() >= 5, "{}", closed.len());
    for bar in &closed {
        let path = format!(
            "/api/v3/klines?symbol=ETHSIM&interval={}&startTime={}&limit=1",
            bar["i"].as_str().unwrap(),
            bar["t"]
        );
        let row = get(&sim, &path).await.json()[0].clone();
        let expected =
            [&bar["t"], &bar["o"], &bar["h"], &bar["l"], &bar["c"], &bar["v"], &bar["T"], &bar["q"], &bar["n"]];
        assert_eq!(row.as_array().unwrap()[..9].iter().collect::<Vec<_>>(), expected);
        let inside: Vec<&Value> = trades
            .iter()
            .filter(|trade| (bar["t"].as_i64()..=bar["T"].as_i64()).contains(&trade["T"].as_i64()))
            .collect();
        if inside.len() as u64 == bar["n"].as_u64().unwrap() {
            assert_eq!((&inside[0]["p"], &inside[inside.len() - 1]["p"]), (&bar["o"], &bar["c"]));
        }
    }
}

#[tokio::test]
async fn the_whole_market_is_listed_and_has_a_past() {
    let sim = started().await;
    let info = get(&sim, "/api/v3/exchangeInfo").await.json();
    let symbols = info["symbols"].as_array().unwrap();
    assert_eq!(symbols.len(), 20);
    assert!(symbols.iter().all(|entry| entry["quoteAsset"] == "SIM"));
    assert_eq!(symbols[19]["filters"][0]["tickSize"], "0.00000001");
    for interval in ["1s", "1m", "30m", "4h", "1d"] {
        let rows = get(&sim, &format!("/api/v3/klines?symbol=SHIBSIM&interval={interval}&limit=200")).await.json();
        let rows = rows.as_array().unwrap().clone();
        assert_eq!(rows.len(), 200, "{interval}");
        let length = rows[1][0].as_i64().unwrap() - rows[0][0].as_i64().unwrap();
        assert!(rows.windows(2).all(|pair| pair[0][0].as_i64().unwrap() + length == pair[1][0].as_i64().unwrap()));
    }
    assert_eq!(get(&sim, "/api/v3/ticker/24hr").await.json().as_array().unwrap().len(), 20);
    assert_eq!(get(&sim, "/api/v3/trades?symbol=BTCSIM&limit=5").await.json().as_array().unwrap().len(), 5);
    assert_eq!(get(&sim, "/api/v3/depth?symbol=BTCUSDT").await.json()["code"], json!(-1121));
}
