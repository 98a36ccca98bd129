//! A hand-made recording, and small clients for sockets and REST that share no code with the simulator.

#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod kraken_reader;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, protocol::CloseFrame},
};
use venue_sim::{Fault, RunningSim, Sim, SimConfig, Source, Speed, StartWhen};

/// Longer than anything here takes; only failing tests wait this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const SYMBOL: &str = "AAAUSDT";
pub const DEPTH: &str = "aaausdt@depth@100ms";
pub const TRADE: &str = "aaausdt@trade";
pub const TICKER: &str = "aaausdt@bookTicker";

/// A recording of `n_rounds`, 10 ms apart; a round has a depth event, a bookTicker of the same update and a trade. The
/// REST snapshot is before the connection, as in some real recordings, and belongs between the first two depth events.
pub fn recording(n_rounds: u64) -> String {
    let mut lines = vec![
        json!({"t": "header", "note": "made for a test"}),
        json!({"t": "http", "ts": 1000.0, "url": format!("https://x/api/v3/depth?symbol={SYMBOL}&limit=1000"), "data":
            json!({"lastUpdateId": 103, "bids": [["9.99000000", "1.00000000"], ["9.50000000", "2.00000000"]],
                   "asks": [["10.01000000", "1.50000000"]]}).to_string()}),
        json!({"t": "connect", "ts": 1000.0, "url": "wss://x/stream"}),
        json!({"t": "recv", "ts": 1000.0, "data": "{\"result\":null,\"id\":1}"}),
    ];
    for round in 0..n_rounds {
        let (first, last) = (101 + round * 3, 103 + round * 3);
        let (ts, event_ms) = (1000.0 + round as f64 * 0.01, 1_700_000_000_000_u64 + round * 10_000);
        let (bid, ask) = (format!("9.9{}000000", round % 9), format!("10.0{}000000", round % 9 + 1));
        let size = format!("{}.25000000", round + 1);
        let gone = format!("9.9{}000000", (round + 8) % 9);
        for (stream, data) in [
            (
                DEPTH,
                format!(
                    r#"{{"e":"depthUpdate","E":{event_ms},"s":"{SYMBOL}","U":{first},"u":{last},"b":[["{gone}","0.00000000"],["{bid}","{size}"]],"a":[["{ask}","{size}"]]}}"#
                ),
            ),
            (TICKER, format!(r#"{{"u":{last},"s":"{SYMBOL}","b":"{bid}","B":"{size}","a":"{ask}","A":"{size}"}}"#)),
            (
                TRADE,
                format!(
                    r#"{{"e":"trade","E":{event_ms},"s":"{SYMBOL}","t":{},"p":"{ask}","q":"{size}","T":{event_ms},"m":{},"M":true}}"#,
                    500 + round,
                    round % 2 == 0
                ),
            ),
        ] {
            let wrapped = format!(r#"{{"stream":"{stream}","data":{data}}}"#);
            lines.push(json!({"t": "recv", "ts": ts, "data": wrapped}));
        }
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

/// The frames of [`recording`] on one stream, verbatim and without envelope.
pub fn recorded(text: &str, stream: &str) -> Vec<String> {
    let head = format!("{{\"stream\":\"{stream}\",\"data\":");
    let frames = text.lines().filter_map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let data = entry["data"].as_str()?.to_owned();
        Some(data.strip_prefix(&head)?.strip_suffix('}')?.to_owned())
    });
    frames.collect()
}

pub fn config(text: &str) -> SimConfig {
    SimConfig { speed: Speed::Max, ..SimConfig::new("binance", Source::Text(text.to_owned())) }
}

/// Waits for a command, so that the client misses nothing.
pub async fn held(text: &str) -> RunningSim {
    Sim::start(SimConfig { start: StartWhen::Resumed, ..config(text) }).await.unwrap()
}

pub fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

/// A WebSocket client.
pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// The outcome of a client's wait for a frame.
#[derive(Debug, PartialEq)]
pub enum Came {
    Text(String),
    Closed(Option<u16>),
    Failed(String),
    Nothing,
}

impl Client {
    pub async fn connect(sim: &RunningSim, path: &str) -> Self {
        Self(connect_async(format!("{}{path}", sim.ws_url)).await.unwrap().0)
    }

    pub async fn send(&mut self, text: &str) {
        self.0.send(Message::Text(text.into())).await.unwrap();
    }

    pub async fn within(&mut self, patience: Duration) -> Came {
        let deadline = Instant::now() + patience;
        loop {
            return match timeout_at(deadline, self.0.next()).await {
                Err(_) => Came::Nothing,
                Ok(Some(Ok(Message::Text(text)))) => Came::Text(text.to_string()),
                Ok(Some(Ok(Message::Close(frame)))) => Came::Closed(frame.map(|CloseFrame { code, .. }| code.into())),
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(Error::Protocol(_) | Error::Io(_) | Error::ConnectionClosed)) | None) => Came::Closed(None),
                Ok(Some(Err(error))) => Came::Failed(error.to_string()),
            };
        }
    }

    pub async fn next(&mut self) -> Came {
        self.within(PATIENCE).await
    }

    pub async fn text(&mut self) -> String {
        match self.next().await {
            Came::Text(text) => text,
            other => panic!("{other:?} instead of a frame"),
        }
    }

    pub async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    pub async fn texts(&mut self, n: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..n {
            texts.push(self.text().await);
        }
        texts
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

pub async fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}

pub async fn get(sim: &RunningSim, path: &str) -> Answer {
    request(sim.address, "GET", path, "").await
}

pub async fn post(sim: &RunningSim, path: &str, body: &str) -> Answer {
    request(sim.address, "POST", path, body).await
}

/// A local book kept by the venue's documented procedure, with integers of eight decimals.
#[derive(Debug, Default, PartialEq)]
pub struct LocalBook {
    pub bids: BTreeMap<u128, u128>,
    pub asks: BTreeMap<u128, u128>,
    pub id: u64,
}

fn scaled(text: &Value) -> u128 {
    let text = text.as_str().unwrap();
    assert_eq!(text.split_once('.').unwrap().1.len(), 8, "{text}");
    text.replace('.', "").parse().unwrap()
}

impl LocalBook {
    pub fn snapshot(body: &Value) -> Self {
        let mut book = Self { id: body["lastUpdateId"].as_u64().unwrap(), ..Self::default() };
        book.set(&body["bids"], &body["asks"]);
        book
    }

    fn set(&mut self, bids: &Value, asks: &Value) {
        for (side, rows) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for row in rows.as_array().unwrap() {
                match scaled(&row[1]) {
                    0 => side.remove(&scaled(&row[0])),
                    quantity => side.insert(scaled(&row[0]), quantity),
                };
            }
        }
    }

    /// Applies an event; panics at a gap.
    pub fn apply(&mut self, event: &Value) {
        let (first, last) = (event["U"].as_u64().unwrap(), event["u"].as_u64().unwrap());
        if last <= self.id {
            return;
        }
        assert!(first <= self.id + 1, "gap: {} then {first}", self.id);
        self.set(&event["b"], &event["a"]);
        self.id = last;
    }
}
