//! A reader of Kraken's books that keeps its own as texts and computes its own checksums.

use std::collections::BTreeMap;

use serde_json::{Value, json, value::RawValue};

use super::Client;

/// A reader's book: prices as numbers of the last digit, with their texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reader {
    pub depth: usize,
    pub bids: BTreeMap<u64, (String, String)>,
    pub asks: BTreeMap<u64, (String, String)>,
}

#[derive(serde::Deserialize)]
struct Frame<'a> {
    r#type: String,
    #[serde(borrow)]
    data: Vec<Entry<'a>>,
}

#[derive(serde::Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    bids: Vec<Level<'a>>,
    #[serde(borrow)]
    asks: Vec<Level<'a>>,
    checksum: u32,
}

#[derive(serde::Deserialize)]
struct Level<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
}

pub fn digits(text: &str) -> u64 {
    text.replace('.', "").parse().unwrap()
}

/// CRC32 by table, unlike the simulator's.
pub fn crc32(text: &str) -> u32 {
    let table: Vec<u32> = (0..256)
        .map(|byte: u32| (0..8).fold(byte, |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 }))
        .collect();
    !text.bytes().fold(u32::MAX, |crc, byte| table[((crc ^ u32::from(byte)) & 0xFF) as usize] ^ (crc >> 8))
}

impl Reader {
    /// Applies a frame and checks it; panics if the checksum is wrong.
    pub fn take(&mut self, text: &str) {
        let frame: Frame<'_> = serde_json::from_str(text).unwrap();
        for entry in frame.data {
            if frame.r#type == "snapshot" {
                *self = Self { depth: self.depth, ..Self::default() };
            }
            for (side, levels) in [(&mut self.bids, &entry.bids), (&mut self.asks, &entry.asks)] {
                for level in levels {
                    let (price, quantity) = (level.price.get(), level.qty.get());
                    match digits(quantity) {
                        0 => side.remove(&digits(price)),
                        _ => side.insert(digits(price), (price.to_owned(), quantity.to_owned())),
                    };
                }
            }
            while self.bids.len() > self.depth {
                self.bids.pop_first();
            }
            while self.asks.len() > self.depth {
                self.asks.pop_last();
            }
            let part = |text: &str| text.replace('.', "").trim_start_matches('0').to_owned();
            let row = |(price, quantity): &(String, String)| part(price) + &part(quantity);
            let rows = self.asks.values().take(10).map(row).chain(self.bids.values().rev().take(10).map(row));
            assert_eq!(crc32(&rows.collect::<String>()), entry.checksum, "{text}");
        }
    }
}

pub async fn subscribe(client: &mut Client, params: &Value) -> Value {
    client.send(&json!({"method": "subscribe", "params": params, "req_id": 5}).to_string()).await;
    of_method(client, "subscribe").await
}

/// Returns the next answer to a method; skips frames.
pub async fn of_method(client: &mut Client, method: &str) -> Value {
    loop {
        let frame = client.json().await;
        if frame["method"] == method {
            return frame;
        }
    }
}
