//! Kraken's protocol over real sockets, from a hand-made recording and from the simulated market. Every frame of a book
//! is checked by a reader that shares no code with the simulator.

use std::{collections::BTreeMap, time::Duration};

use crate::common::{
    Came, Client, fault, get,
    kraken_reader::{Reader, crc32, digits, of_method, subscribe},
};
use serde_json::{Value, json};
use venue_sim::{RunningSim, Sim, SimConfig, Source, Speed, StartWhen};

fn book_text(kind: &str, reader: &Reader, bids: &[(String, String)], asks: &[(String, String)]) -> String {
    let levels = |rows: &[(String, String)]| {
        rows.iter().map(|(price, qty)| format!(r#"{{"price":{price},"qty":{qty}}}"#)).collect::<Vec<_>>().join(",")
    };
    let part = |text: &str| text.replace('.', "").trim_start_matches('0').to_owned();
    let row = |(price, quantity): &(String, String)| part(price) + &part(quantity);
    let rows = reader.asks.values().take(10).map(row).chain(reader.bids.values().rev().take(10).map(row));
    format!(
        r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"AAA/USD","bids":[{}],"asks":[{}],"checksum":{},"timestamp":"2026-08-02T03:35:51.660084Z"}}]}}"#,
        levels(bids),
        levels(asks),
        crc32(&rows.collect::<String>())
    )
}

/// A recording at depth 25 with `n` updates, 10 ms apart; every third pushes rows out, every fifth removes one.
fn recording(n: u64) -> String {
    let mut book = Reader { depth: 25, ..Reader::default() };
    let row = |ticks: u64, lots: u64| (format!("{}.{}", ticks / 10, ticks % 10), format!("0.{lots:08}"));
    let set = |book: &mut Reader, bids: &[(String, String)], asks: &[(String, String)]| {
        for (side, rows) in [(&mut book.bids, bids), (&mut book.asks, asks)] {
            for (price, quantity) in rows {
                match digits(quantity) {
                    0 => side.remove(&digits(price)),
                    _ => side.insert(digits(price), (price.clone(), quantity.clone())),
                };
            }
        }
        while book.bids.len() > 25 {
            book.bids.pop_first();
        }
        while book.asks.len() > 25 {
            book.asks.pop_last();
        }
    };
    let bids: Vec<_> = (0..25).map(|idx| row(10_000 - idx * 3, 100 + idx)).collect();
    let asks: Vec<_> = (0..25).map(|idx| row(10_010 + idx * 3, 200 + idx)).collect();
    set(&mut book, &bids, &asks);
    let line = |round: u64, data: String| json!({"t": "recv", "ts": 1_000.0 + round as f64 * 0.01, "data": data});
    let mut lines = vec![
        line(0, r#"{"channel":"status","type":"update","data":[{"system":"online"}]}"#.to_owned()),
        line(0, r#"{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"AAA/USD"},"success":true}"#.to_owned()),
        line(0, book_text("snapshot", &book, &bids, &asks)),
        json!({"t": "http", "url": "https://x/0/public/OHLC?pair=AAA/USD&interval=60", "data": r#"{"error":[],"result":{"AAA/USD":[],"last":7}}"#}),
    ];
    for round in 1..=n {
        let mut bids = vec![row(10_000 - (round * 7 % 30), 300 + round)];
        let mut asks = vec![row(10_010 + (round * 11 % 40), 400 + round)];
        if round % 5 == 0 {
            bids.push((book.bids.values().next_back().unwrap().0.clone(), "0.00000000".to_owned()));
        }
        if round % 3 == 0 {
            // The same price twice: the last one counts.
            asks.insert(0, (asks[0].0.clone(), "0.00000009".to_owned()));
        }
        set(&mut book, &bids, &asks);
        lines.push(line(round, book_text("update", &book, &bids, &asks)));
        lines.push(line(round, format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"AAA/USD","side":"sell","price":1000.0,"qty":0.00000{:03},"ord_type":"limit","trade_id":{round},"timestamp":"2026-08-02T03:35:{:02}.000000Z"}}]}}"#,
            round % 999 + 1, round % 60)));
        if round % 10 == 0 {
            lines.push(line(round, r#"{"channel":"heartbeat"}"#.to_owned()));
        }
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

fn recorded(text: &str, channel: &str) -> Vec<String> {
    let head = format!(r#"{{"channel":"{channel}","type":"update""#);
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["data"].as_str().map(str::to_owned))
        .filter(|data| data.starts_with(&head))
        .collect()
}

async fn held(text: &str) -> RunningSim {
    let config = SimConfig::new("kraken", Source::Text(text.to_owned()));
    Sim::start(SimConfig { speed: Speed::Max, start: StartWhen::Resumed, ..config }).await.unwrap()
}

/// Returns the next frame of a channel; skips heartbeats.
async fn of(client: &mut Client, channel: &str) -> String {
    loop {
        let text = client.text().await;
        if text.starts_with(&format!(r#"{{"channel":"{channel}""#)) {
            return text;
        }
    }
}

#[tokio::test]
async fn readers_of_every_depth_can_prove_their_book() {
    let text = recording(300);
    let sim = held(&text).await;
    let mut readers = Vec::new();
    for depth in [10, 25, 100, 500, 1_000] {
        let mut client = Client::connect(&sim, "/v2").await;
        let status = client.json().await;
        assert_eq!(status["channel"], "status");
        assert!(status["data"][0]["connection_id"].as_u64().unwrap() > i64::MAX as u64);
        let ack = subscribe(&mut client, &json!({"channel": "book", "symbol": ["AAA/USD"], "depth": depth})).await;
        assert_eq!(
            (&ack["success"], &ack["req_id"], &ack["result"]["depth"]),
            (&json!(true), &json!(5), &json!(depth))
        );
        let mut reader = Reader { depth, ..Reader::default() };
        reader.take(&of(&mut client, "book").await);
        assert_eq!((reader.bids.len(), reader.asks.len()), (25.min(depth), 25.min(depth)));
        readers.push((client, reader));
    }
    sim.resume();
    let own = recorded(&text, "book");
    assert_eq!(own.len(), 300);
    for text in &own {
        let (client, reader) = &mut readers[1];
        let frame = of(client, "book").await;
        assert_eq!(&frame, text, "the recorded depth gets the recorded frames");
        reader.take(&frame);
    }
    let truth = sim.book("AAA/USD", None, 25).unwrap();
    assert_eq!(truth["n_bad_checksums"], 0);
    for (client, reader) in &mut readers {
        while reader.depth != 25
            && let Came::Text(text) = client.within(Duration::from_millis(800)).await
        {
            if text.starts_with(r#"{"channel":"book""#) {
                reader.take(&text);
            }
        }
        let seen: Vec<Value> = reader.bids.values().rev().map(|row| json!(row)).collect();
        assert_eq!(seen, truth["bids"].as_array().unwrap()[..25.min(reader.depth)], "depth {}", reader.depth);
    }
}

#[tokio::test]
async fn a_snapshot_in_mid_tape_continues_with_the_tape() {
    let text = recording(2_000);
    let config = SimConfig::new("kraken", Source::Text(text.clone()));
    let sim = Sim::start(SimConfig { speed: Speed::Times(10.0), ..config }).await.unwrap();
    let mut client = Client::connect(&sim, "/v2").await;
    let params = json!({"channel": "book", "symbol": ["AAA/USD"], "depth": 25});
    subscribe(&mut client, &params).await;
    let mut reader = Reader { depth: 25, ..Reader::default() };
    for round in 0..6 {
        for _ in 0..40 {
            reader.take(&of(&mut client, "book").await);
        }
        if round % 2 == 0 {
            client.send(&json!({"method": "unsubscribe", "params": params, "req_id": 9}).to_string()).await;
            while client.json().await["method"] != "unsubscribe" {}
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let ack = subscribe(&mut client, &params).await;
        assert_eq!(ack["success"], true);
        let snapshot = of(&mut client, "book").await;
        assert!(snapshot.contains(r#""type":"snapshot""#), "{snapshot}");
        reader.take(&snapshot);
    }
    // A client that connects later with another depth starts at the same place.
    let mut late = Client::connect(&sim, "/v2").await;
    subscribe(&mut late, &json!({"channel": "book", "symbol": ["AAA/USD"], "depth": 10})).await;
    let mut shallow = Reader { depth: 10, ..Reader::default() };
    for _ in 0..40 {
        shallow.take(&of(&mut late, "book").await);
    }
    let mut second = Client::connect(&sim, "/v2").await;
    subscribe(&mut second, &json!({"channel": "book", "symbol": ["AAA/USD"], "depth": 10})).await;
    let mut again = Reader { depth: 10, ..Reader::default() };
    for _ in 0..40 {
        again.take(&of(&mut second, "book").await);
    }
}

#[tokio::test]
async fn refusals_are_in_the_acknowledgement_only() {
    let sim = held(&recording(5)).await;
    let mut client = Client::connect(&sim, "/v2").await;
    for (params, words, n) in [
        (json!({"channel": "book", "symbol": ["XBT/USD"]}), "Currency pair not supported XBT/USD", 1),
        (json!({"channel": "book", "symbol": ["AAA/USD"], "depth": 20}), "depth not supported", 1),
        (json!({"channel": "ohlc", "symbol": ["AAA/USD", "B/C"], "interval": 7}), "interval not supported", 2),
        (json!({"channel": "book"}), "Symbol(s) missing", 1),
        (json!({"channel": "level3", "symbol": ["AAA/USD"]}), "ws-auth.kraken.com", 1),
    ] {
        let refused = subscribe(&mut client, &params).await;
        assert_eq!((&refused["success"], &refused["req_id"], refused.get("result")), (&json!(false), &json!(5), None));
        assert!(refused["error"].as_str().unwrap().contains(words), "{refused}");
        for _ in 1..n {
            assert_eq!(client.json().await["success"], false);
        }
    }
    let both = json!({"channel": "ticker", "symbol": ["NOPE/USD", "AAA/USD"], "event_trigger": "bbo"});
    let first = subscribe(&mut client, &both).await;
    assert_eq!((&first["success"], &first["symbol"]), (&json!(false), &json!("NOPE/USD")));
    let second = of_method(&mut client, "subscribe").await;
    assert_eq!((&second["success"], &second["result"]["event_trigger"]), (&json!(true), &json!("bbo")));
    // Heartbeats continue although half of the requests were refused.
    assert_eq!(client.json().await, json!({"channel": "heartbeat"}));
    client.send(r#"{"method":"ping","req_id":101}"#).await;
    let pong = client.json().await;
    assert_eq!((&pong["method"], &pong["req_id"]), (&json!("pong"), &json!(101)));
    client.send(r#"{"method":"unsubscribe","params":{"channel":"book","symbol":["AAA/USD"]}}"#).await;
    assert_eq!(client.json().await["error"], "Subscription Not Found");
    client.send("{").await;
    assert_eq!(client.json().await["success"], false);
}

#[tokio::test]
async fn trades_bars_and_instruments_of_a_tape() {
    let text = recording(60);
    let sim = held(&text).await;
    let mut client = Client::connect(&sim, "/v2").await;
    for params in [
        json!({"channel": "trade", "symbol": ["AAA/USD"], "snapshot": true}),
        json!({"channel": "ohlc", "symbol": ["AAA/USD"], "interval": 1}),
        json!({"channel": "instrument"}),
    ] {
        assert_eq!(subscribe(&mut client, &params).await["success"], true);
    }
    let listed = of(&mut client, "instrument").await;
    assert!(listed.contains(r#""qty_increment":1e-08"#), "{listed}");
    let pair = &serde_json::from_str::<Value>(&listed).unwrap()["data"]["pairs"][0];
    assert_eq!(
        (&pair["symbol"], &pair["price_precision"], &pair["qty_precision"]),
        (&json!("AAA/USD"), &json!(1), &json!(8))
    );
    sim.resume();
    let trades = recorded(&text, "trade");
    let (mut n_trades, mut bar) = (0, Value::Null);
    while n_trades < 60 {
        let text = client.text().await;
        if text.starts_with(r#"{"channel":"trade""#) {
            assert_eq!(text, trades[n_trades]);
            n_trades += 1;
        } else if text.starts_with(r#"{"channel":"ohlc""#) {
            bar = serde_json::from_str::<Value>(&text).unwrap()["data"][0].clone();
        }
    }
    assert_eq!((&bar["interval_begin"], &bar["interval"]), (&json!("2026-08-02T03:35:00.000000000Z"), &json!(1)));
    assert_eq!(bar["timestamp"], "2026-08-02T03:36:00.000000Z");
    let mut late = Client::connect(&sim, "/v2").await;
    subscribe(&mut late, &json!({"channel": "trade", "symbol": ["AAA/USD"], "snapshot": true})).await;
    let snapshot: Value = serde_json::from_str(&of(&mut late, "trade").await).unwrap();
    assert_eq!((snapshot["data"].as_array().unwrap().len(), &snapshot["data"][49]["trade_id"]), (50, &json!(60)));
}

#[tokio::test]
async fn rest_answers_are_always_200_and_keep_the_venues_keys() {
    let sim = held(&recording(30)).await;
    sim.resume();
    while sim.state()["finished"] == false {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ask = async |path: &str| get(&sim, &format!("/0/public/{path}")).await;
    let listed = ask("AssetPairs").await.json();
    let entry = &listed["result"]["AAAUSD"];
    assert_eq!(
        (&entry["wsname"], &entry["pair_decimals"], &entry["lot_decimals"]),
        (&json!("AAA/USD"), &json!(1), &json!(8))
    );
    let depth = ask("Depth?pair=AAA/USD&count=3").await.json();
    assert_eq!(depth["result"]["AAA/USD"]["bids"].as_array().unwrap().len(), 3);
    let truth = sim.book("AAA/USD", None, 1).unwrap();
    assert_eq!(depth["result"]["AAA/USD"]["asks"][0][1], truth["asks"][0][1]);
    assert_eq!(ask("OHLC?pair=AAA/USD&interval=60").await.json()["result"]["last"], 7, "the recorded body");
    let bars = ask("OHLC?pair=AAAUSD&interval=1").await.json();
    assert_eq!(
        (&bars["result"]["AAAUSD"][0][7], bars["result"]["AAAUSD"][0].as_array().unwrap().len()),
        (&json!(30), 8)
    );
    let trades = ask("Trades?pair=AAAUSD").await.json();
    assert_eq!(
        (trades["result"]["AAAUSD"].as_array().unwrap().len(), &trades["result"]["AAAUSD"][29][3]),
        (30, &json!("s"))
    );
    assert_eq!(trades["result"]["last"], "1785641730000000000");
    assert_eq!(ask("Ticker?pair=AAAUSD").await.json()["result"]["AAAUSD"]["c"][0], "1000.00000");
    assert_eq!(ask("SystemStatus").await.json()["result"]["status"], "online");
    assert!(ask("Time").await.json()["result"]["rfc1123"].as_str().unwrap().starts_with("Sun, 02 Aug 26 03:35:"));
    for (path, words) in [
        ("Depth?pair=NOPE", "EQuery:Unknown asset pair"),
        ("Depth", "EGeneral:Invalid arguments"),
        ("OHLC?pair=AAAUSD&interval=7", "EGeneral:Invalid arguments:Interval"),
        ("Nothing", "EGeneral:Unknown method"),
    ] {
        let answer = ask(path).await;
        assert_eq!((answer.status, &answer.json()["error"][0]), (200, &json!(words)), "{path}");
    }
    sim.fault(fault("rest_429:retry_after_s=3,count=1"));
    let refused = ask("Time").await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "3"));
}

#[tokio::test]
async fn the_made_up_market_proves_itself_at_every_depth() {
    let source = Source::Demo { seed: 5, start: None };
    let config = SimConfig { speed: Speed::Times(10.0), quote: "USD".to_owned(), ..SimConfig::new("kraken", source) };
    let sim = Sim::start(config).await.unwrap();
    let mut client = Client::connect(&sim, "/v2").await;
    let mut readers = BTreeMap::new();
    for (symbol, depth) in [("BTC/USD", 10), ("ETH/USD", 25), ("PEPE/USD", 100)] {
        let params = json!({"channel": "book", "symbol": [symbol], "depth": depth});
        client.send(&json!({"method": "subscribe", "params": params}).to_string()).await;
        readers.insert(symbol, (Reader { depth, ..Reader::default() }, 0));
    }
    for channel in ["trade", "ticker"] {
        let params = json!({"channel": channel, "symbol": ["BTC/USD"]});
        client.send(&json!({"method": "subscribe", "params": params}).to_string()).await;
    }
    let (mut n_trades, mut n_tickers) = (0_u64, 0);
    while readers.values().any(|(_, n)| *n < 60) || n_trades < 50 || n_tickers < 3 {
        let text = client.text().await;
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame["channel"].as_str() {
            Some("book") => {
                let (reader, n) = readers.get_mut(frame["data"][0]["symbol"].as_str().unwrap()).unwrap();
                reader.take(&text);
                *n += 1;
                // A pause ends with one update that catches up.
                if *n == 30 && reader.depth == 10 {
                    sim.pause();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    sim.resume();
                }
            }
            Some("trade") => n_trades += 1,
            None => assert_eq!(frame["success"], true, "{text}"),
            Some("ticker") => {
                let entry = &frame["data"][0];
                assert!(entry["bid"].as_f64() < entry["ask"].as_f64());
                n_tickers += 1;
            }
            _ => {}
        }
    }
    for (reader, _) in readers.values() {
        assert_eq!((reader.bids.len(), reader.asks.len()), (reader.depth.min(50), reader.depth.min(50)));
    }
    let rows = get(&sim, "/0/public/OHLC?pair=XBTUSD&interval=1").await.json();
    assert_eq!(rows["result"]["XXBTZUSD"].as_array().unwrap().len(), 721);
}

#[tokio::test]
async fn faults_show_in_the_checksum() {
    let text = recording(100);
    let sim = held(&text).await;
    sim.fault(fault("drop:stream=book/,probability=0.1,seed=3"));
    let mut client = Client::connect(&sim, "/v2").await;
    subscribe(&mut client, &json!({"channel": "trade", "symbol": ["AAA/USD"]})).await;
    subscribe(&mut client, &json!({"channel": "book", "symbol": ["AAA/USD"], "depth": 25})).await;
    sim.resume();
    let (mut n_books, mut n_trades) = (0, 0);
    while n_trades < 100 {
        let text = client.text().await;
        n_books += u32::from(text.starts_with(r#"{"channel":"book""#));
        n_trades += u32::from(text.starts_with(r#"{"channel":"trade""#));
    }
    assert!((80..100).contains(&n_books), "{n_books}");
    assert_eq!(sim.book("AAA/USD", None, 1).unwrap()["n_bad_checksums"], 0, "the oracle is never hit");
}
