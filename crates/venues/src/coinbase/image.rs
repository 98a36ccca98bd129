//! The verified books of a connection in the form of the venue's own frame, for recordings that begin in the middle.
//!
//! One frame holds them all, under the number of the connection's last frame: the next recorded one follows it without a
//! hole, as it did. Not here: when one is made (the recorder).

use model::{
    event::Level,
    proof::{BookState, TrackedBook},
};
use serde::Serialize;

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
