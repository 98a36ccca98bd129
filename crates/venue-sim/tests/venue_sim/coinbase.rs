//! Coinbase Advanced Trade's protocol over real sockets, from a hand-made recording and from the simulated market. The
//! reader here checks every number of its connection.

use std::{collections::BTreeMap, time::Duration};

use crate::common::{Came, Client, fault, get};
use serde_json::{Value, json};
use venue_sim::{RunningSim, Sim, SimConfig, Source, Speed, StartWhen};

/// A client that checks the numbering and keeps one book.
struct Reader {
    client: Client,
    next: u64,
    book: BTreeMap<(bool, String), String>,
}

impl Reader {
    async fn connect(sim: &RunningSim) -> Self {
        Self { client: Client::connect(sim, "/").await, next: 0, book: BTreeMap::new() }
    }

    async fn ask(&mut self, kind: &str, channel: &str, products: &[&str]) {
        let request = json!({"type": kind, "product_ids": products, "channel": channel});
        self.client.send(&request.to_string()).await;
    }

    /// Returns the next frame, checking its number.
    async fn next(&mut self) -> Value {
        let frame = self.client.json().await;
        if frame["type"] != "error" {
            assert_eq!(frame["sequence_num"].as_u64(), Some(self.next), "{frame}");
            self.next += 1;
        }
        self.take(&frame);
        frame
    }

    fn take(&mut self, frame: &Value) {
        if frame["channel"] != "l2_data" {
            return;
        }
        for event in frame["events"].as_array().unwrap() {
            if event["type"] == "snapshot" {
                self.book.clear();
            }
            for update in event["updates"].as_array().unwrap() {
                assert!(["bid", "offer"].contains(&update["side"].as_str().unwrap()));
                let text = |key: &str| update[key].as_str().unwrap().to_owned();
                let key = (update["side"] == "bid", text("price_level"));
                match text("new_quantity").as_str() {
                    "0" => self.book.remove(&key),
                    quantity => self.book.insert(key, quantity.to_owned()),
                };
            }
        }
    }

    /// Returns the next frame of a channel.
    async fn of(&mut self, channel: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["channel"] == channel {
                return frame;
            }
        }
    }

    fn rows(&self, is_bid: bool) -> BTreeMap<String, String> {
        let own = self.book.iter().filter(|((side, _), _)| *side == is_bid);
        own.map(|((_, price), quantity)| (price.clone(), quantity.clone())).collect()
    }
}

fn truth(sim: &RunningSim, product: &str, side: &str) -> BTreeMap<String, String> {
    let book = sim.book(product, None, usize::MAX).unwrap();
    let rows = book[side].as_array().unwrap().clone();
    rows.iter().map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned())).collect()
}

/// A recording of `n` rounds, 10 ms apart: book, trade, ticker; numbers begin at 500 and have a gap.
fn recording(n: u64) -> String {
    let update = |side: &str, price: String, quantity: String| json!({"side": side, "event_time": "2026-08-09T21:05:48Z", "price_level": price, "new_quantity": quantity});
    let mut number = 500;
    let mut line = |round: u64, channel: &str, event: Value| {
        number += 1 + u64::from(round == 7);
        let frame = format!(
            r#"{{"channel":"{channel}","timestamp":"2026-08-09T21:05:{:02}.000000000Z","sequence_num":{number},"events":[{event}]}}"#,
            round % 60
        );
        json!({"t": "recv", "ts": 1_000.0 + round as f64 * 0.01, "data": frame})
    };
    let whole: Vec<Value> = (0..200_u64)
        .flat_map(|idx| {
            [
                update("bid", format!("{}.5", 999 - idx), "1.25".to_owned()),
                update("offer", (1_000 + idx).to_string(), "2".to_owned()),
            ]
        })
        .collect();
    let mut lines = vec![
        line(
            0,
            "market_trades",
            json!({"type": "snapshot", "trades": [
            {"trade_id": "12", "product_id": "AAA-USD", "price": "1000", "size": "0.5", "time": "2026-08-09T21:05:40Z", "side": "SELL"},
            {"trade_id": "11", "product_id": "AAA-USD", "price": "999.5", "size": "0.25", "time": "2026-08-09T21:05:39Z", "side": "BUY"}]}),
        ),
        line(0, "subscriptions", json!({"subscriptions": {"market_trades": ["AAA-USD"]}})),
        line(0, "l2_data", json!({"type": "snapshot", "product_id": "AAA-USD", "updates": whole})),
        line(0, "heartbeats", json!({"heartbeat_counter": 5})),
        json!({"t": "http", "url": "https://x/api/v3/brokerage/market/products/AAA-USD/candles?granularity=ONE_DAY", "data": r#"{"candles":[]}"#}),
    ];
    for round in 1..=n {
        let quantity = if round % 4 == 0 { "0".to_owned() } else { format!("0.{:03}", round % 900 + 99) };
        let updates = [
            update("bid", format!("{}.5", 999 - round * 7 % 50), quantity),
            update("offer", format!("{}.25", 1_000 + round % 90), "1".to_owned()),
        ];
        lines.push(line(round, "l2_data", json!({"type": "update", "product_id": "AAA-USD", "updates": updates})));
        lines.push(line(
            round,
            "market_trades",
            json!({"type": "update", "trades": [{"trade_id": (12 + round).to_string(), "product_id": "AAA-USD",
            "price": "1000", "size": "0.5", "time": "2026-08-09T21:05:41Z", "side": "SELL"}]}),
        ));
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

async fn held(text: &str) -> RunningSim {
    let config = SimConfig::new("coinbase", Source::Text(text.to_owned()));
    Sim::start(SimConfig { speed: Speed::Max, start: StartWhen::Resumed, ..config }).await.unwrap()
}

#[tokio::test]
async fn a_tape_is_numbered_again_and_acknowledged_after_the_first_data() {
    let text = recording(300);
    let sim = held(&text).await;
    let mut reader = Reader::connect(&sim).await;
    reader.ask("subscribe", "market_trades", &["AAA-USD"]).await;
    let snapshot = reader.next().await;
    assert_eq!((&snapshot["channel"], &snapshot["events"][0]["type"]), (&json!("market_trades"), &json!("snapshot")));
    assert_eq!(snapshot["events"][0]["trades"][0]["trade_id"], "12");
    let acknowledged = reader.next().await;
    assert_eq!(acknowledged["events"][0]["subscriptions"], json!({"market_trades": ["AAA-USD"]}));
    reader.ask("subscribe", "level2", &["AAA-USD"]).await;
    let snapshot = reader.next().await;
    assert_eq!(snapshot["events"][0]["updates"].as_array().unwrap().len(), 400, "the whole book");
    assert_eq!(reader.next().await["events"][0]["subscriptions"]["level2"], json!(["AAA-USD"]));
    sim.resume();
    let (mut n_books, mut n_trades) = (0, 0);
    while n_books < 300 || n_trades < 300 {
        match reader.next().await["channel"].as_str() {
            Some("l2_data") => n_books += 1,
            Some("market_trades") => n_trades += 1,
            _ => {}
        }
    }
    assert_eq!(
        (reader.rows(true), reader.rows(false)),
        (truth(&sim, "AAA-USD", "bids"), truth(&sim, "AAA-USD", "asks"))
    );
    // A late client gets the current book, and so does one that subscribes again.
    let mut late = Reader::connect(&sim).await;
    late.ask("subscribe", "level2", &["AAA-USD"]).await;
    late.of("subscriptions").await;
    assert_eq!(late.book, reader.book);
    reader.ask("unsubscribe", "level2", &["AAA-USD"]).await;
    assert_eq!(reader.of("subscriptions").await["events"][0]["subscriptions"], json!({"market_trades": ["AAA-USD"]}));
    reader.book.clear();
    reader.ask("subscribe", "level2", &["AAA-USD"]).await;
    reader.of("subscriptions").await;
    assert_eq!(late.book, reader.book);
}

#[tokio::test]
async fn a_subscription_in_mid_tape_loses_nothing() {
    let text = recording(2_000);
    let config = SimConfig::new("coinbase", Source::Text(text));
    let sim = Sim::start(SimConfig { speed: Speed::Times(8.0), ..config }).await.unwrap();
    let mut first = Reader::connect(&sim).await;
    first.ask("subscribe", "level2", &["AAA-USD"]).await;
    for _ in 0..100 {
        first.of("l2_data").await;
    }
    let mut second = Reader::connect(&sim).await;
    second.ask("subscribe", "level2", &["AAA-USD"]).await;
    for _ in 0..100 {
        second.of("l2_data").await;
    }
    sim.pause();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for reader in [&mut first, &mut second] {
        while let Came::Text(text) = reader.client.within(Duration::from_millis(800)).await {
            reader.take(&serde_json::from_str(&text).unwrap());
        }
        assert_eq!(reader.rows(true), truth(&sim, "AAA-USD", "bids"));
        assert_eq!(reader.rows(false), truth(&sim, "AAA-USD", "asks"));
    }
}

#[tokio::test]
async fn lost_doubled_and_late_frames_show_in_the_numbers() {
    let text = recording(100);
    for (spec, expected) in [
        ("drop:stream=level2/,count=1", vec![3, 4, 5]),
        ("duplicate:stream=level2/,count=1", vec![2, 2, 3, 4]),
        ("reorder:stream=level2/,distance=1,count=1", vec![3, 2, 4, 5]),
    ] {
        let sim = held(&text).await;
        let mut client = Client::connect(&sim, "/").await;
        client.send(r#"{"type":"subscribe","product_ids":["AAA-USD"],"channel":"level2"}"#).await;
        client.texts(2).await;
        sim.fault(fault(spec));
        sim.resume();
        let mut numbers = Vec::new();
        for _ in &expected {
            numbers.push(client.json().await["sequence_num"].as_u64().unwrap());
        }
        assert_eq!(numbers, expected, "{spec}");
    }
}

#[tokio::test]
async fn errors_have_no_channel_and_silence_is_not_kept() {
    let sim = held(&recording(5)).await;
    let mut reader = Reader::connect(&sim).await;
    for (channel, products, words) in [
        ("user", vec!["AAA-USD"], "authentication"),
        ("full", vec!["AAA-USD"], "does not exist"),
        ("level2", vec!["NOPE-USD"], "not a valid product"),
        ("level2", vec![], "missing"),
    ] {
        reader.ask("subscribe", channel, &products).await;
        let refused = reader.next().await;
        assert_eq!((&refused["type"], refused.get("channel")), (&json!("error"), None));
        assert!(refused["message"].as_str().unwrap().contains(words), "{refused}");
    }
    reader.ask("subscribe", "heartbeats", &[]).await;
    assert_eq!(reader.next().await["events"][0]["subscriptions"], json!({"heartbeats": ["heartbeats"]}));
    let (first, second) = (reader.of("heartbeats").await, reader.of("heartbeats").await);
    let counter = |frame: &Value| frame["events"][0]["heartbeat_counter"].as_u64().unwrap();
    assert_eq!(counter(&second), counter(&first) + 1);
    assert!(first["events"][0]["current_time"].as_str().unwrap().contains(" +0000 UTC m=+"));
    let mut idle = Client::connect(&sim, "/").await;
    assert_eq!(idle.next().await, Came::Closed(Some(1000)));
}

#[tokio::test]
async fn the_made_up_market_with_aliases_and_rest() {
    let source = Source::Demo { seed: 5, start: None };
    let config = SimConfig { speed: Speed::Times(10.0), quote: "USD".to_owned(), ..SimConfig::new("coinbase", source) };
    let sim = Sim::start(config).await.unwrap();
    let mut reader = Reader::connect(&sim).await;
    reader.ask("subscribe", "level2", &["BTC-USDC"]).await;
    reader.ask("subscribe", "ticker", &["BTC-USD"]).await;
    reader.ask("subscribe", "candles", &["BTC-USD"]).await;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    while seen.get("l2_data").copied().unwrap_or(0) < 100 {
        let frame = reader.next().await;
        let event = &frame["events"][0];
        if frame["channel"] == "l2_data" {
            assert_eq!(event["product_id"], "BTC-USD", "an alias shows the real product");
        }
        if event["type"] == "snapshot" && frame["channel"] == "candles" {
            assert_eq!(event["candles"].as_array().unwrap().len(), 100);
        }
        *seen.entry(frame["channel"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(seen["ticker"] > 5 && seen["candles"] > 5 && seen["subscriptions"] == 3, "{seen:?}");
    sim.pause();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((reader.rows(true).len(), reader.rows(false).len()), (50, 50));

    let ask = async |path: &str| get(&sim, &format!("/api/v3/brokerage/market/{path}")).await;
    let listed = ask("products").await.json();
    assert_eq!(listed["num_products"], 40);
    let alias = ask("products/BTC-USDC").await.json();
    assert_eq!((&alias["alias"], &alias["quote_increment"]), (&json!("BTC-USD"), &json!("0.01")));
    let now = 1_790_000_000;
    let rows =
        ask(&format!("products/BTC-USD/candles?start={}&end={now}&granularity=ONE_MINUTE", now - 600)).await.json();
    let starts: Vec<i64> =
        rows["candles"].as_array().unwrap().iter().map(|row| row["start"].as_str().unwrap().parse().unwrap()).collect();
    assert!(starts.len() == 10 && starts.windows(2).all(|pair| pair[0] == pair[1] + 60), "{starts:?}");
    let ticker = ask("products/BTC-USD/ticker?limit=3").await.json();
    assert_eq!(ticker["trades"].as_array().unwrap().len(), 3);
    let book = ask("product_book?product_id=BTC-USD&limit=5").await.json();
    assert_eq!(book["pricebook"]["bids"].as_array().unwrap().len(), 5);
    for (path, status) in [
        ("products/NOPE", 404),
        ("products/BTC-USD/candles?granularity=ONE_MINUTE", 400),
        ("products/BTC-USD/candles?granularity=ONE_MINUTE&start=0&end=99999999", 400),
        ("products/BTC-USD/candles?granularity=TWO&start=0&end=1", 400),
        ("product_book", 400),
        ("nothing", 404),
    ] {
        assert_eq!(ask(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_recording_ends_where_the_independent_replay_ended() {
    let Ok(folder) = std::env::var("TRUETAPE_CAPTURES") else {
        println!("skipped: TRUETAPE_CAPTURES is not set");
        return;
    };
    let folder = std::path::Path::new(&folder);
    let path = folder.join("expected/coinbase_advanced_btcusd_ethusd_20260809_first14s.json");
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let source = Source::Files(vec![folder.join("coinbase/advanced_btcusd_ethusd_20260809_first14s.tape.jsonl.gz")]);
    let sim = Sim::start(SimConfig { speed: Speed::Max, ..SimConfig::new("coinbase", source) }).await.unwrap();
    let mut reader = Reader::connect(&sim).await;
    reader.ask("subscribe", "market_trades", &["BTC-USD", "ETH-USD"]).await;
    reader.ask("subscribe", "level2", &["BTC-USD"]).await;
    let mut n_updates = 0;
    loop {
        let frame = reader.next().await;
        n_updates += u32::from(frame["channel"] == "l2_data" && frame["events"][0]["type"] == "update");
        if sim.state()["finished"] == true && n_updates > 0 {
            break;
        }
    }
    while let Came::Text(text) = reader.client.within(Duration::from_millis(800)).await {
        reader.take(&serde_json::from_str(&text).unwrap());
    }
    for product in ["BTC-USD", "ETH-USD"] {
        let (book, end) = (sim.book(product, None, 20).unwrap(), &expected["final"][product]);
        assert_eq!((&book["n_bids"], &book["n_asks"]), (&end["nbids"], &end["nasks"]), "{product}");
        assert_eq!((&book["bids"], &book["asks"]), (&end["bids"], &end["asks"]), "{product}");
    }
    assert_eq!(reader.rows(true), truth(&sim, "BTC-USD", "bids"));
}
