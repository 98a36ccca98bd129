//! A verified book in the form of the venue's own snapshot, for recordings that begin in the middle; and bars likewise.
//!
//! The book's id is that of the last change applied, so that the changes recorded after it join it by the usual rule.

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::Level,
    proof::{BookState, TrackedBook},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{binance::rest, session::SnapshotFrame};

/// The venue's answer to a question for its book.
#[derive(Serialize)]
struct DepthAnswer {
    #[serde(rename = "lastUpdateId")]
    last_update_id: u64,
    bids: Vec<(Price, Quantity)>,
    asks: Vec<(Price, Quantity)>,
}

/// The best `depth` levels a side; `None` where the book is not live.
pub(super) fn image(symbol: &str, tracked: &TrackedBook, depth: usize) -> Option<SnapshotFrame> {
    let last_update_id = tracked.last_update_id.filter(|_| tracked.state == BookState::Live)?;
    let pair = |level: Level| (level.price, level.quantity);
    let answer = DepthAnswer {
        last_update_id,
        bids: tracked.book.bids().take(depth).map(pair).collect(),
        asks: tracked.book.asks().take(depth).map(pair).collect(),
    };
    let ask = rest::depth(symbol);
    Some(SnapshotFrame::Answer { path: ask.path, query: ask.query, body: serde_json::to_string(&answer).ok()? })
}

/// Bars as the venue's answer; zeros for what nobody reads. A row ends before what buyers took where that is not known.
pub(super) fn bars(symbol: &str, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
    let length_ms = i64::try_from(interval.duration().as_millis()).ok()?;
    let row = |Candle { open_time, open, high, low, close, volume, buy_volume }: &Candle| {
        let open_ms = open_time.as_millis();
        let mut row = json!([open_ms, open, high, low, close, volume, open_ms + length_ms - 1, "0", 0]);
        if let (Some(buy_volume), Some(row)) = (buy_volume, row.as_array_mut()) {
            row.extend([json!(buy_volume), json!("0"), json!("0")]);
        }
        row
    };
    let rows: Vec<Value> = bars.iter().map(row).collect();
    // More than any question: of several answers the longest one is taken.
    let ask = rest::klines(symbol, interval, usize::MAX);
    Some(SnapshotFrame::Answer { path: ask.path, query: ask.query, body: serde_json::to_string(&rows).ok()? })
}

#[cfg(test)]
mod tests {
    use model::time::Timestamp;

    use super::*;
    use crate::binance::{message::BinanceDepth, rest::BinanceKlineRow};

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    #[test]
    fn an_image_reads_like_the_venues_answer() {
        let mut tracked = TrackedBook { last_update_id: Some(7), ..TrackedBook::default() };
        let bids = [level("1.50000000", "2.00"), level("1.40000000", "1")];
        tracked.book.apply_snapshot(&bids, &[level("1.60", "3")]);
        assert_eq!(image("AAABBB", &tracked, 9), None, "only a live book has one");
        tracked.state = BookState::Live;
        let Some(SnapshotFrame::Answer { path, query, body }) = image("AAABBB", &tracked, 1) else {
            panic!("no image")
        };
        assert_eq!((path.as_ref(), &query[0]), ("/api/v3/depth", &("symbol", "AAABBB".to_owned())));
        assert_eq!(body, r#"{"lastUpdateId":7,"bids":[["1.50000000","2.00"]],"asks":[["1.60","3"]]}"#);
        let read: BinanceDepth = serde_json::from_str(&body).unwrap();
        assert_eq!((read.last_update_id, read.bids.as_slice()), (7, &bids[..1]));
    }

    #[test]
    fn bars_read_like_the_venues_answer() {
        let price = |text| Price::parse(text).unwrap();
        let bar = Candle {
            open_time: Timestamp::from_millis(60_000),
            open: price("1.50"),
            high: price("2"),
            low: price("1"),
            close: price("1.75000"),
            volume: Quantity::parse("0.10").unwrap(),
            buy_volume: Quantity::parse("0.025").ok(),
        };
        let unsaid = Candle { buy_volume: None, ..bar };
        let Some(SnapshotFrame::Answer { path, query, body }) = bars("AAABBB", Interval::M1, &[bar, unsaid]) else {
            panic!("no image")
        };
        assert_eq!(
            (path.as_ref(), &query[1], &query[2].1),
            ("/api/v3/klines", &("interval", "1m".into()), &"1000".into())
        );
        assert_eq!(
            body,
            concat!(
                r#"[[60000,"1.50","2","1","1.75000","0.10",119999,"0",0,"0.025","0","0"],"#,
                r#"[60000,"1.50","2","1","1.75000","0.10",119999,"0",0]]"#
            )
        );
        let rows: Vec<BinanceKlineRow> = serde_json::from_str(&body).unwrap();
        assert_eq!((rows[0].0, rows[1].0), (bar, unsaid));
    }
}
