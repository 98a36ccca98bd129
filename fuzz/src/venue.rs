//! The venues as the targets play them: their automatic replies to messages and requests, so that a session is
//! connected, subscribed and has a live book when the input's own frames arrive.
//!
//! Not a simulator (`crates/venue-sim`): a few hand-written frames after the venues' documentation.

use serde_json::{Value, json};
use venues::session::HttpRequest;

/// A venue to play.
#[derive(Clone, Copy, Debug)]
pub struct Venue {
    /// Its name in the registry.
    pub name: &'static str,
    /// The symbols that the session follows.
    pub symbols: &'static [&'static str],
    /// The frames it sends in reply to a message.
    pub reply: fn(&Value) -> Vec<String>,
    /// Its answer to a request.
    pub answer: fn(&HttpRequest) -> Option<String>,
    /// Adapts a frame of the input to be number `n` of its connection.
    pub place: fn(frame: String, n: u64) -> String,
}

/// All venues; a byte of the input chooses one.
pub const ALL: [Venue; 5] = [BINANCE, COINBASE, FINNHUB, KRAKEN, UNISWAP];

/// Acknowledges, and sends a change of a book whose snapshot is fetched by request.
pub const BINANCE: Venue = Venue {
    name: "binance",
    symbols: &["AAABBB", "BTCUSDT"],
    reply: |message| {
        let depth = |symbol| {
            json!({"stream": "x@depth", "data": {"e": "depthUpdate", "E": 1_750_000_000_200_u64, "s": symbol,
                "U": 1000, "u": 1000, "b": [["99.00", "2.0"]], "a": []}})
        };
        let acknowledgement = json!({"result": null, "id": message["id"]});
        [acknowledgement, depth("AAABBB"), depth("BTCUSDT")].map(|frame| frame.to_string()).into()
    },
    answer: |request| {
        let book = r#"{"lastUpdateId":1000,"bids":[["100.00","1.0"],["99.00","5.0"]],"asks":[["101.00","3.0"]]}"#;
        request.path.ends_with("/depth").then(|| book.to_owned())
    },
    place: |frame, _| frame,
};

/// Sends a snapshot to each subscriber of a book.
pub const COINBASE: Venue = Venue {
    name: "coinbase",
    symbols: &["AAA-USD", "BTC-USD"],
    reply: |message| {
        let is_book = message["type"] == "subscribe" && message["channel"] == "level2";
        let row = |side: &str, price: &str| json!({"side": side, "event_time": "2025-06-15T15:06:40.170326Z", "price_level": price, "new_quantity": "2.5"});
        let products = message["product_ids"].as_array().filter(|_| is_book);
        let snapshot = |product: &Value| {
            json!({"channel": "l2_data", "timestamp": "2025-06-15T15:06:40.228568804Z", "sequence_num": 0, "events": [
                {"type": "snapshot", "product_id": product, "updates": [row("bid", "100.00"), row("offer", "101.00")]}]})
        };
        products.into_iter().flatten().map(|product| snapshot(product).to_string()).collect()
    },
    answer: |_| None,
    // Even numbers become the next one, so that frames are accepted; odd ones stay, so that gaps occur too.
    place: |frame, n| {
        let Some((before, rest)) = frame.split_once(r#""sequence_num":"#) else { return frame };
        let after = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let is_even = rest[..rest.len() - after.len()].ends_with(['0', '2', '4', '6', '8']);
        if is_even { format!("{before}\"sequence_num\":{n}{after}") } else { frame }
    },
};

/// Sends nothing by itself.
pub const FINNHUB: Venue = Venue {
    name: "finnhub",
    symbols: &["X:A", "BINANCE:BTCUSDT"],
    reply: |_| Vec::new(),
    answer: |request| {
        let quote = r#"{"c":10,"d":1,"dp":1.0,"h":12,"l":8,"o":10,"pc":9.5,"t":1750000000}"#;
        request.path.ends_with("/quote").then(|| quote.to_owned())
    },
    place: |frame, _| frame,
};

/// Acknowledges each symbol; sends a snapshot with its checksum to each subscriber of a book.
pub const KRAKEN: Venue = Venue {
    name: "kraken",
    symbols: &["AAA/BBB", "BTC/USD"],
    reply: |message| {
        let (method, channel, request) = (&message["method"], &message["params"]["channel"], &message["req_id"]);
        let is_book = channel == "book";
        let mut frames = Vec::new();
        for symbol in message["params"]["symbol"].as_array().into_iter().flatten() {
            let mut result = json!({"channel": channel, "symbol": symbol});
            if is_book {
                result["depth"] = 10.into();
            }
            frames.push(json!({"method": method, "result": result, "success": true, "req_id": request}).to_string());
            if is_book && method == "subscribe" {
                frames.push(format!(
                    r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":{symbol},"bids":[{{"price":100.0,"qty":1.00000000}},{{"price":99.0,"qty":5.00000000}}],"asks":[{{"price":101.0,"qty":3.00000000}},{{"price":102.0,"qty":4.00000000}}],"checksum":1832760295,"timestamp":"2025-06-15T15:06:40.660084Z"}}]}}"#
                ));
            }
        }
        if frames.is_empty() {
            frames.push(
                json!({"method": method, "result": {"channel": channel}, "success": true, "req_id": request})
                    .to_string(),
            );
        }
        frames
    },
    answer: |_| None,
    place: |frame, _| frame,
};

/// A node with one pool of a dollar and an ether.
pub const UNISWAP: Venue = Venue {
    name: "uniswap",
    symbols: &["0x00000000000000000000000000000000000000aa"],
    reply: |_| Vec::new(),
    answer: |request| {
        let word = |digits: &str| format!("{digits:0>64}");
        if request.path == "/subgraph" {
            let rows = json!([{"time": "1750000000", "id": "0xab#1", "amount0": "-2000", "amount1": "1"}]);
            return Some(json!({"data": {"_meta": {"block": {"timestamp": 1_750_000_000}}, "rows": rows}}).to_string());
        }
        let calls: Value = serde_json::from_str(request.body.as_deref()?).ok()?;
        let answers = calls.as_array()?.iter().map(|call| {
            let result = match call["method"].as_str() {
                Some("eth_getBlockByNumber") => json!({"number": "0x3e8", "timestamp": "0x66b5f000"}),
                Some("eth_getLogs") => json!([]),
                _ => {
                    let token =
                        if call["params"][0]["to"].as_str().is_some_and(|to| to.ends_with("c0")) { 0 } else { 1 };
                    let hex = match call["params"][0]["data"].as_str() {
                        Some("0x0dfe1681") => word("c0"),
                        Some("0xd21220a7") => word("c1"),
                        Some("0x95d89b41") => format!("{:0<64}", ["55534443", "57455448"][token]),
                        Some("0x313ce567") => word(["6", "12"][token]),
                        _ => word("582602b4d9a30b7e1e2bb8a4ce40") + &word("0").repeat(6),
                    };
                    json!(format!("0x{hex}"))
                }
            };
            json!({"jsonrpc": "2.0", "id": call["id"], "result": result})
        });
        Some(Value::from(answers.collect::<Vec<_>>()).to_string())
    },
    place: |frame, _| frame,
};
