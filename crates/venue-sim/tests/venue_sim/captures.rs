//! Real recordings, if the folder named by `TRUETAPE_CAPTURES` is available: the oracle's final state equals the one
//! computed by the independent replay supplied with them.

use std::{path::Path, time::Duration};

use crate::common::{
    Came, Client, get,
    kraken_reader::{Reader, subscribe},
};
use serde_json::{Value, json};
use venue_sim::{Sim, SimConfig, Source, Speed};

#[tokio::test]
async fn the_oracle_ends_where_the_independent_replay_ended() {
    let Ok(folder) = std::env::var("TRUETAPE_CAPTURES") else {
        println!("skipped: TRUETAPE_CAPTURES is not set");
        return;
    };
    let folder = Path::new(&folder);
    let recording = |day| folder.join(format!("binance/btcusdt_{day}_spot_depth100ms_bookticker_trade.tape.jsonl.gz"));
    let expected = std::fs::read_to_string(folder.join("expected/binance_btcusdt_after_both_parts.json")).unwrap();
    let expected = serde_json::from_str::<Value>(&expected).unwrap()["BTCUSDT"].clone();
    let source = Source::Files(vec![recording("20240808"), recording("20240809")]);
    let sim = Sim::start(SimConfig { speed: Speed::Max, ..SimConfig::new("binance", source) }).await.unwrap();
    let mut client = Client::connect(&sim, "/stream?streams=btcusdt@depth@100ms").await;
    let mut n_frames = 0;
    while sim.state()["finished"] == json!(false) {
        assert!(matches!(client.next().await, Came::Text(_)));
        n_frames += 1;
    }
    assert!(n_frames > 1_000);
    let book = sim.book("BTCUSDT", None, 20).unwrap();
    let end = &expected["final"];
    assert_eq!(
        (&book["lastUpdateId"], &book["n_bids"], &book["n_asks"]),
        (&end["lastUpdateId"], &end["nbids"], &end["nasks"])
    );
    assert_eq!((&book["n_gaps"], &book["bids"], &book["asks"]), (&json!(0), &end["bids"], &end["asks"]));
    // Seven trades of 6 to 8 decimals among a hundred thousand numbers do not decide the step.
    let info = get(&sim, "/api/v3/exchangeInfo?symbol=BTCUSDT").await.json();
    let filters = &info["symbols"][0]["filters"];
    assert_eq!((&filters[0]["tickSize"], &filters[1]["stepSize"]), (&json!("0.01000000"), &json!("0.00001000")));
    let bars = sim.candles("BTCUSDT", "1d").unwrap();
    assert_eq!(bars["bars"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn recordings_prove_themselves_at_every_depth() {
    let Ok(folder) = std::env::var("TRUETAPE_CAPTURES") else {
        println!("skipped: TRUETAPE_CAPTURES is not set");
        return;
    };
    let folder = Path::new(&folder);
    for (name, symbol) in [("btcusd", "BTC/USD"), ("ethusd", "ETH/USD")] {
        let path = folder.join(format!("expected/kraken_v2_{name}_sample_20260801.json"));
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for depth in [10, 25, 100] {
            let source = Source::Files(vec![folder.join(format!("kraken/v2_{name}_sample_20260801.tape.jsonl.gz"))]);
            let config = SimConfig::new("kraken", source);
            let sim = Sim::start(SimConfig { speed: Speed::Max, ..config }).await.unwrap();
            let mut client = Client::connect(&sim, "/v2").await;
            subscribe(&mut client, &json!({"channel": "book", "symbol": [symbol], "depth": depth})).await;
            let mut reader = Reader { depth, ..Reader::default() };
            let mut n_proven = 0;
            // Heartbeats come once a second: after two of them after the end with no change between them, nothing is in
            // flight.
            let mut n_beats = 0;
            while n_beats < 2
                && let Came::Text(text) = client.within(Duration::from_secs(20)).await
            {
                if text.starts_with(r#"{"channel":"book""#) {
                    reader.take(&text);
                    n_proven += 1;
                    n_beats = 0;
                } else if sim.state()["finished"] == true && text.starts_with(r#"{"channel":"heartbeat""#) {
                    n_beats += 1;
                }
            }
            let book = sim.book(symbol, None, 10).unwrap();
            let end = &expected["final"][symbol];
            assert_eq!(
                (&book["bids"], &book["asks"], &book["n_bad_checksums"]),
                (&end["bids"], &end["asks"], &json!(0))
            );
            let own: Vec<Value> = reader.bids.values().rev().take(10).map(|row| json!(row)).collect();
            assert_eq!(&json!(own), &end["bids"]);
            println!("{symbol} at depth {depth}: {n_proven} frames proven");
            assert!(depth != 25 || json!(n_proven) == expected["crc_ok"], "{n_proven}");
        }
    }
}
