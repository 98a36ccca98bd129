//! A verified book in the form of the venue's own frames, for recordings that begin in the middle; and bars as its answer.
//!
//! The subscription's acknowledgement comes first, because it alone says how deep the book is kept; then the book whole,
//! with the checksum that its digits come to. Not here: when one is made (the recorder).

use model::{
    candle::{Candle, Interval},
    event::Level,
    proof::{BookState, TrackedBook},
};
use serde_json::json;

use crate::{
    kraken::{book::KrakenBook, checksum, message::minutes_of_interval, rest},
    session::SnapshotFrame,
};

/// The frames, with the best `depth` levels a side; `None` where the book is not live.
pub(super) fn frames(symbol: &str, book: &KrakenBook, tracked: &TrackedBook, depth: usize) -> Option<[String; 2]> {
    let subscribed = book.depth().filter(|_| tracked.state == BookState::Live)?;
    let symbol = serde_json::to_string(symbol).ok()?;
    let bids = rows(tracked.book.bids().take(depth));
    let asks = rows(tracked.book.asks().take(depth));
    let checksum = checksum::of_book(&tracked.book);
    let timestamp = tracked.event_time.map(|time| format!(r#","timestamp":"{time}""#)).unwrap_or_default();
    Some([
        format!(
            r#"{{"method":"subscribe","result":{{"channel":"book","depth":{subscribed},"snapshot":true,"symbol":{symbol}}},"success":true}}"#
        ),
        format!(
            r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":{symbol},"bids":[{bids}],"asks":[{asks}],"checksum":{checksum}{timestamp}}}]}}"#
        ),
    ])
}

fn rows(levels: impl Iterator<Item = Level>) -> String {
    let row = |Level { price, quantity }| format!(r#"{{"price":{price},"qty":{quantity}}}"#);
    levels.map(row).collect::<Vec<_>>().join(",")
}

/// Bars as the venue's answer; `None` for a length that it does not have. The mean price of a bar and the number of its prints
/// nobody reads.
pub(super) fn bars(symbol: &str, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
    minutes_of_interval(interval)?;
    let seconds = |bar: &Candle| bar.open_time.as_millis().div_euclid(1_000);
    let row = |bar: &Candle| {
        let Candle { open, high, low, close, volume, .. } = bar;
        json!([seconds(bar), open, high, low, close, close, volume, 0])
    };
    let rows: Vec<_> = bars.iter().map(row).collect();
    // The last one still forms.
    let last = bars.iter().rev().nth(1).map(seconds);
    let body = json!({ "error": [], "result": { symbol: rows, "last": last.unwrap_or_default() } });
    let ask = rest::bars(symbol, interval);
    Some(SnapshotFrame::Answer { path: ask.path, query: ask.query, body: body.to_string() })
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        time::Timestamp,
    };

    use super::*;
    use crate::kraken::rest::{KrakenAnswer, KrakenOhlcRow, KrakenRows};

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
        let Some(SnapshotFrame::Answer { path, query, body }) = bars("A/B", Interval::M1, &both) else {
            panic!("no image")
        };
        assert_eq!((path.as_ref(), &query[0], &query[1].1), ("/0/public/OHLC", &("pair", "A/B".into()), &"1".into()));
        let Ok(KrakenAnswer::Result(result)) = KrakenAnswer::open(&body) else { panic!("{body}") };
        let read: KrakenRows<'_, Vec<KrakenOhlcRow>> = serde_json::from_str(result.get()).unwrap();
        assert_eq!(read.rows.iter().map(|row| row.0).collect::<Vec<_>>(), both);
        assert_eq!(read.last.as_deref(), Some("60"));
        assert_eq!(bars("A/B", Interval::S1, &both), None, "those are made of prints");
    }
}
