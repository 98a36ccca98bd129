//! The verified books of a connection in the form of the venue's own frame, for recordings that begin in the middle;
//! and bars as its answer.
//!
//! One frame holds them all, under the number of the connection's last frame: the next recorded one follows it without a
//! hole, as it did. Not here: when one is made (the recorder).

use model::{
    candle::{Candle, Interval},
    event::Level,
    proof::{BookState, TrackedBook},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    coinbase::{limits::BARS_PER_PAGE, rest},
    session::SnapshotFrame,
};

/// A frame of the channel `l2_data`.
#[derive(Serialize)]
struct Frame<'a> {
    channel: &'static str,
    sequence_num: u64,
    events: &'a [Event<'a>],
}

/// A whole book under the name its frames carry.
#[derive(Serialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    product_id: &'a str,
    updates: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<String>,
    price_level: String,
    new_quantity: String,
}

/// The best `depth` levels a side; `None` where the book is not live.
pub(super) fn event<'a>(label: &'a str, tracked: &TrackedBook, depth: usize) -> Option<Event<'a>> {
    if tracked.state != BookState::Live {
        return None;
    }
    let row = |side| {
        move |Level { price, quantity }: Level| Row {
            side,
            event_time: None,
            price_level: price.to_string(),
            new_quantity: quantity.to_string(),
        }
    };
    let bids = tracked.book.bids().take(depth).map(row("bid"));
    let mut updates: Vec<Row> = bids.chain(tracked.book.asks().take(depth).map(row("offer"))).collect();
    // The last one's time is that of the book.
    if let Some(last) = updates.last_mut() {
        last.event_time = tracked.event_time.map(|time| time.to_string());
    }
    Some(Event { kind: "snapshot", product_id: label, updates })
}

/// The frame; `None` where there is no book.
pub(super) fn frame(events: &[Event<'_>], sequence_num: u64) -> Option<String> {
    if events.is_empty() {
        return None;
    }
    serde_json::to_string(&Frame { channel: "l2_data", sequence_num, events }).ok()
}

/// Bars as one answer, newest first, however many: it stands for all pages. `None` for a length that the venue does not have.
pub(super) fn bars(symbol: &str, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
    let (first, last) = (bars.first()?, bars.last()?);
    let row = |Candle { open_time, open, high, low, close, volume, .. }: &Candle| {
        let start = open_time.as_millis().div_euclid(1_000).to_string();
        json!({ "start": start, "low": low, "high": high, "open": open, "close": close, "volume": volume })
    };
    let rows: Vec<_> = bars.iter().rev().map(row).collect();
    let mut ask = rest::candles(symbol, interval, first.open_time, last.open_time)?;
    // More than any question: of several answers the longest one is taken.
    let limit = ask.query.iter_mut().find(|(key, _)| *key == "limit")?;
    limit.1 = bars.len().max(BARS_PER_PAGE + 1).to_string();
    Some(SnapshotFrame::Answer { path: ask.path, query: ask.query, body: json!({ "candles": rows }).to_string() })
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        time::Timestamp,
    };

    use super::*;
    use crate::coinbase::rest::CoinbaseCandles;

    #[test]
    fn bars_read_like_the_venues_answer() {
        let price = |text| Price::parse(text).unwrap();
        let bar = |minute: i64| Candle {
            open_time: Timestamp::from_millis(minute * 60_000),
            open: price("1.50"),
            high: price("2"),
            low: price("1"),
            close: price("1.75000"),
            volume: Quantity::parse("0.10").unwrap(),
            buy_volume: None,
        };
        let both = [bar(1), bar(2)];
        let Some(SnapshotFrame::Answer { path, query, body }) = bars("A-B", Interval::M1, &both) else {
            panic!("no image")
        };
        assert!(path.ends_with("/products/A-B/candles"), "{path}");
        assert_eq!(query[2..], [("granularity", "ONE_MINUTE".to_owned()), ("limit", "351".to_owned())]);
        let read: CoinbaseCandles = serde_json::from_str(&body).unwrap();
        assert_eq!(read.candles.iter().rev().map(|row| row.candle()).collect::<Vec<_>>(), both);
        assert_eq!(bars("A-B", Interval::S1, &both), None);
    }
}
