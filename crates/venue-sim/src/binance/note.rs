//! What a recorded frame means, as far as the oracle needs it. Reads generic JSON and nothing else of this project.

use serde_json::Value;

use super::fixed;
use crate::{bars::Print, ladder::Row};

/// What a frame means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Note {
    /// Changed rows of a book.
    Depth { symbol: String, first: u64, last: u64, bids: Vec<Row>, asks: Vec<Row> },
    /// A trade, or several of one order together.
    Print { symbol: String, is_aggregate: bool, print: Print },
    /// Best bid and ask.
    Ticker { symbol: String, update_id: u64, bid: Row, ask: Row },
    /// Anything else.
    Other,
}

impl Note {
    /// Reads the text of an event without its envelope.
    pub(super) fn read(event: &Value) -> Self {
        Self::known(event).unwrap_or(Self::Other)
    }

    /// Whom it is about.
    pub(super) fn symbol(&self) -> Option<&str> {
        match self {
            Self::Depth { symbol, .. } | Self::Print { symbol, .. } | Self::Ticker { symbol, .. } => Some(symbol),
            Self::Other => None,
        }
    }

    /// The venue's number in it.
    pub(super) fn id(&self) -> Option<u64> {
        match self {
            Self::Depth { last, .. } => Some(*last),
            Self::Print { print, .. } => Some(print.id),
            Self::Ticker { update_id, .. } => Some(*update_id),
            Self::Other => None,
        }
    }

    fn known(event: &Value) -> Option<Self> {
        let symbol = event.get("s")?.as_str()?.to_owned();
        let number = |key: &str| event.get(key).and_then(Value::as_u64);
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        match event.get("e").map(Value::as_str) {
            Some(Some("depthUpdate")) => Some(Self::Depth {
                symbol,
                first: number("U")?,
                last: number("u")?,
                bids: rows(event.get("b")?)?,
                asks: rows(event.get("a")?)?,
            }),
            Some(Some(kind @ ("trade" | "aggTrade"))) => {
                let is_aggregate = kind == "aggTrade";
                let print = Print {
                    id: number(if is_aggregate { "a" } else { "t" })?,
                    price: fixed::parse(&text("p")?)?,
                    quantity: fixed::parse(&text("q")?)?,
                    time_ms: event.get("T")?.as_i64()?,
                    is_buyer_maker: event.get("m")?.as_bool()?,
                };
                Some(Self::Print { symbol, is_aggregate, print })
            }
            // bookTicker is the only event without a kind and a time.
            None => Some(Self::Ticker {
                symbol,
                update_id: number("u")?,
                bid: (text("b")?, text("B")?),
                ask: (text("a")?, text("A")?),
            }),
            _ => None,
        }
    }
}

/// Rows of a book side; `None` where one is no pair of texts.
pub(super) fn rows(side: &Value) -> Option<Vec<Row>> {
    let row = |row: &Value| Some((row.get(0)?.as_str()?.to_owned(), row.get(1)?.as_str()?.to_owned()));
    side.as_array()?.iter().map(row).collect()
}

/// The stream an event without envelope came on; `url` is the connection's address, where known.
pub(super) fn derived_stream(event: &Value, url: Option<&str>) -> Option<String> {
    // `wss://host/ws/btcusdt@trade`, `wss://host/stream?streams=a/b`.
    let listed = || {
        let url = url.unwrap_or_default();
        url.split_once("streams=").or_else(|| url.split_once("/ws/")).map(|(_, streams)| streams.split('/'))
    };
    let only_one = || {
        let mut streams = listed()?;
        let one = streams.next().filter(|stream| !stream.is_empty())?.to_owned();
        streams.next().is_none().then_some(one)
    };
    let Some(symbol) = event.get("s").and_then(Value::as_str).map(str::to_lowercase) else { return only_one() };
    Some(match event.get("e").map(|kind| kind.as_str().unwrap_or_default()) {
        None => format!("{symbol}@bookTicker"),
        Some("depthUpdate") => {
            let slow = format!("{symbol}@depth");
            let is_slow = listed().is_some_and(|mut streams| streams.any(|stream| stream == slow));
            if is_slow { slow } else { format!("{slow}@100ms") }
        }
        Some("24hrMiniTicker") => format!("{symbol}@miniTicker"),
        Some("24hrTicker") => format!("{symbol}@ticker"),
        Some("kline") => format!("{symbol}@kline_{}", event.get("k")?.get("i")?.as_str()?),
        Some(kind) => format!("{symbol}@{kind}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn streams_of_events_without_envelope() {
        let depth = json!({"e":"depthUpdate","s":"AAABBB"});
        for (event, url, expected) in [
            (json!({"e":"trade","s":"AAABBB"}), None, Some("aaabbb@trade")),
            (json!({"u":1,"s":"AAABBB","b":"1","B":"1","a":"2","A":"1"}), None, Some("aaabbb@bookTicker")),
            (json!({"e":"kline","s":"AAABBB","k":{"i":"1m"}}), None, Some("aaabbb@kline_1m")),
            (depth.clone(), None, Some("aaabbb@depth@100ms")),
            (depth.clone(), Some("wss://x/stream?streams=aaabbb@trade/aaabbb@depth"), Some("aaabbb@depth")),
            (depth, Some("wss://x/ws/aaabbb@depth@100ms"), Some("aaabbb@depth@100ms")),
            (json!({"lastUpdateId":1,"bids":[]}), Some("wss://x/ws/aaabbb@depth5"), Some("aaabbb@depth5")),
            (json!({"lastUpdateId":1,"bids":[]}), Some("wss://x/stream?streams=a@depth5/b@depth5"), None),
            (json!({"result":null,"id":1}), None, None),
        ] {
            assert_eq!(derived_stream(&event, url).as_deref(), expected, "{event}");
        }
    }

    #[test]
    fn broken_events_mean_nothing() {
        for event in [
            json!({"e":"trade","s":"A","t":1,"p":"1","q":"x","T":1,"m":true}),
            json!({"e":"depthUpdate","s":"A","U":1,"u":2,"b":[["1"]],"a":[]}),
            json!([1]),
            json!({"s":5}),
        ] {
            assert_eq!(Note::read(&event), Note::Other, "{event}");
        }
    }
}
