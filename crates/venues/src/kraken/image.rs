//! A verified book in the form of the venue's own frames, for recordings that begin in the middle.
//!
//! The subscription's acknowledgement comes first, because it alone says how deep the book is kept; then the book whole,
//! with the checksum that its digits come to. Not here: when one is made (the recorder).

use model::{
    event::Level,
    proof::{BookState, TrackedBook},
};

use crate::kraken::{book::KrakenBook, checksum};

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
