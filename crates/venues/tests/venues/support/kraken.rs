//! A Kraken session under virtual time, its venue's frames, and a book of the venue with independently computed
//! checksums.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

use model::{instrument::InstrumentId, proof::TrackedBook};
use serde_json::{Value, json};
use venues::session::{ConnectionId, Input, Output};

use crate::support::{Rig, listed};

/// Rows a side granted by the venue here, fewer than requested: errors beyond them show soon.
pub(crate) const DEPTH: usize = 10;

/// Returns a started, connected session with everything acknowledged; no data has arrived.
pub(crate) fn connected(symbols: &[&str]) -> (Rig, ConnectionId) {
    let mut rig = Rig::of("kraken", &listed(symbols));
    let connection = connect(&mut rig);
    (rig, connection)
}

/// Opens the newest requested connection and acknowledges all its subscriptions.
pub(crate) fn connect(rig: &mut Rig) -> ConnectionId {
    let connection = open(rig);
    acknowledge(rig, connection);
    connection
}

/// Opens the newest requested connection.
pub(crate) fn open(rig: &mut Rig) -> ConnectionId {
    let connection = rig.connects().last().expect("a connection is wanted").1;
    rig.input(Input::Connected(connection));
    rig.frame(connection, STATUS);
    connection
}

/// Acknowledges everything sent so far on a connection, after waiting until all of it is sent.
pub(crate) fn acknowledge(rig: &mut Rig, connection: ConnectionId) {
    let mut n_seen = 0;
    loop {
        let sent = sent(rig, connection);
        if sent.len() == n_seen {
            return;
        }
        for (_, message) in &sent[n_seen..] {
            for text in acknowledgements(message) {
                rig.frame(connection, &text);
            }
        }
        n_seen = sent.len();
        rig.run(300);
    }
}

/// Returns time and content of each message sent on a connection.
pub(crate) fn sent(rig: &Rig, connection: ConnectionId) -> Vec<(u64, Value)> {
    let sent = rig.log.iter().filter_map(|(time, output)| match output {
        Output::Send(on, text) if *on == connection => Some((*time, serde_json::from_str(text).unwrap())),
        _ => None,
    });
    sent.collect()
}

/// Returns time, method and symbol of each message about books.
pub(crate) fn book_messages(rig: &Rig, connection: ConnectionId) -> Vec<(u64, String, String)> {
    let about_books = sent(rig, connection).into_iter().filter(|(_, message)| message["params"]["channel"] == "book");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    about_books.map(|(time, message)| (time, text(&message["method"]), text(&message["params"]["symbol"][0]))).collect()
}

/// Returns the venue's answers to a message: one for each symbol.
pub(crate) fn acknowledgements(message: &Value) -> Vec<String> {
    let (method, channel, request) = (&message["method"], &message["params"]["channel"], &message["req_id"]);
    let symbols = message["params"]["symbol"].as_array();
    let answer = |result: Value| {
        json!({"method": method, "result": result, "success": true, "time_in": "x", "time_out": "x", "req_id": request})
            .to_string()
    };
    match symbols {
        None => vec![answer(json!({"channel": channel, "snapshot": true}))],
        Some(symbols) if channel == "book" => symbols
            .iter()
            .map(|symbol| answer(json!({"channel": channel, "symbol": symbol, "depth": DEPTH, "snapshot": true})))
            .collect(),
        Some(symbols) => symbols.iter().map(|symbol| answer(json!({"channel": channel, "symbol": symbol}))).collect(),
    }
}

/// Returns the venue's refusal of a message for one symbol.
pub(crate) fn refusal(message: &Value, symbol: &str, error: &str) -> String {
    json!({"error": error, "method": message["method"], "success": false, "symbol": symbol, "req_id": message["req_id"]})
        .to_string()
}

pub(crate) fn id(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("kraken:{symbol}")).unwrap()
}

pub(crate) fn book<'a>(rig: &'a Rig, symbol: &str) -> &'a TrackedBook {
    &rig.session.books()[&id(symbol)]
}

/// Returns the best ten levels a side, asks first, with their digits.
pub(crate) fn top(book: &TrackedBook) -> Vec<(String, String)> {
    let levels = book.book.asks().take(10).chain(book.book.bids().take(10));
    levels.map(|level| (level.price.to_string(), level.quantity.to_string())).collect()
}

pub(crate) const STATUS: &str = r#"{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":18125794168470749634}]}"#;
pub(crate) const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;

pub(crate) fn trade(symbol: &str, number: u64, side: &str) -> String {
    format!(
        r#"{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"{side}","price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":{number},"timestamp":"2025-06-15T15:06:40.844359Z"}}]}}"#
    )
}

pub(crate) fn ticker(symbol: &str, bid: &str, ask: &str) -> String {
    format!(
        r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}","bid":{bid},"bid_qty":0.5,"ask":{ask},"ask_qty":0.4,"last":101.0,"volume":3156.8,"vwap":100.5,"low":90.0,"high":110.0,"change":1.5,"change_pct":1.5}}]}}"#
    )
}

/// Computes CRC-32 bit by bit, as in the standard.
pub(crate) fn crc32(text: &str) -> u32 {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// Returns the checksum of levels given as text, asks first.
pub(crate) fn checksum(levels: &[(String, String)]) -> u32 {
    let bare = |text: &str| text.replace('.', "").trim_start_matches('0').to_owned();
    crc32(&levels.iter().map(|(price, quantity)| bare(price) + &bare(quantity)).collect::<String>())
}

/// Returns a frame about one book.
pub(crate) fn book_frame(kind: &str, symbol: &str, bids: &[Row], asks: &[Row], checksum: u32) -> String {
    let rows = |rows: &[Row]| {
        let rows: Vec<String> =
            rows.iter().map(|(price, quantity)| format!(r#"{{"price":{price},"qty":{quantity}}}"#)).collect();
        rows.join(",")
    };
    format!(
        r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{}],"asks":[{}],"checksum":{checksum},"timestamp":"2025-06-15T15:06:40.660084Z"}}]}}"#,
        rows(bids),
        rows(asks)
    )
}

/// Price and quantity as text.
pub(crate) type Row = (String, String);

/// The venue's whole book of one symbol, and the book that a subscriber of some depth has.
#[derive(Clone, Debug, Default)]
pub(crate) struct VenueBook {
    /// Quantity in 1e-8 by price in 0.1; bids under their negative price, so that the best comes first on both sides.
    pub(crate) sides: [BTreeMap<i64, u64>; 2],
    /// The subscriber's book.
    told: [BTreeMap<i64, u64>; 2],
}

impl VenueBook {
    pub(crate) fn set(&mut self, side: Side, price: i64, quantity: u64) {
        let (idx, key) = side.place(price);
        if quantity == 0 {
            self.sides[idx].remove(&key);
        } else {
            self.sides[idx].insert(key, quantity);
        }
    }

    pub(crate) fn best(&self, side: Side) -> Option<i64> {
        self.sides[side.place(0).0].keys().next().map(|key| key.abs())
    }

    /// Returns asks, then bids, best first, as text.
    pub(crate) fn top(&self) -> Vec<Row> {
        let side = |idx: usize| self.sides[idx].iter().take(10).map(|(key, quantity)| row(*key, *quantity));
        side(1).chain(side(0)).collect()
    }

    /// Returns the frame for a new subscriber.
    pub(crate) fn snapshot(&mut self, symbol: &str) -> String {
        let cut = |idx: usize| self.sides[idx].iter().take(DEPTH).map(|(key, quantity)| (*key, *quantity)).collect();
        self.told = [cut(0), cut(1)];
        let rows = |idx: usize| self.told[idx].iter().map(|(key, quantity)| row(*key, *quantity)).collect::<Vec<_>>();
        book_frame("snapshot", symbol, &rows(0), &rows(1), checksum(&self.top()))
    }

    /// Returns the frame with the changes for the subscriber; levels pushed beyond the depth are not mentioned.
    pub(crate) fn update(&mut self, symbol: &str) -> String {
        let rows: [Vec<Row>; 2] = [0, 1].map(|idx| {
            let cut: BTreeMap<i64, u64> =
                self.sides[idx].iter().take(DEPTH).map(|(key, quantity)| (*key, *quantity)).collect();
            let mut rows = Vec::new();
            for (key, quantity) in &cut {
                if self.told[idx].get(key) != Some(quantity) {
                    // The same price may come twice: the last one counts.
                    if quantity % 7 == 0 {
                        rows.push(row(*key, quantity + 1));
                    }
                    rows.push(row(*key, *quantity));
                }
            }
            let gone = self.told[idx].keys().filter(|key| !self.sides[idx].contains_key(key));
            rows.extend(gone.map(|key| row(*key, 0)));
            self.told[idx] = cut;
            rows
        });
        book_frame("update", symbol, &rows[0], &rows[1], checksum(&self.top()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Bid,
    Ask,
}

impl Side {
    fn place(self, price: i64) -> (usize, i64) {
        match self {
            Self::Bid => (0, -price),
            Self::Ask => (1, price),
        }
    }
}

fn row(key: i64, quantity: u64) -> Row {
    let price = key.abs();
    (format!("{}.{}", price / 10, price % 10), format!("{}.{:08}", quantity / 100_000_000, quantity % 100_000_000))
}

/// Twelve rows a side around 100.0.
pub(crate) fn small_book() -> VenueBook {
    let mut book = VenueBook::default();
    for distance in 0..12 {
        book.set(Side::Bid, 1_000 - distance, 150_000_000 + u64::try_from(distance).unwrap());
        book.set(Side::Ask, 1_010 + distance, 250_000_000);
    }
    book
}

/// Returns a connected session with a live book of [`small_book`].
pub(crate) fn live(symbol: &str) -> (Rig, ConnectionId, VenueBook) {
    let (mut rig, connection) = connected(&[symbol]);
    let mut venue = small_book();
    rig.frame(connection, &venue.snapshot(symbol));
    assert_eq!(book(&rig, symbol).state, model::proof::BookState::Live);
    rig.take();
    (rig, connection, venue)
}
