//! Encodes events in the venue's form: numbers quoted, with eight decimals.

use serde_json::{Value, json};

use super::eight;
use crate::{
    bars::{Bar, Print},
    fixed,
    ladder::Row,
};

/// A removed row's quantity.
pub(super) fn zero(_quantity: &str) -> String {
    eight(0)
}

/// The envelope of an event on a combined connection: the text before and after it.
pub(super) fn envelope(stream: &str) -> (String, &'static str) {
    (format!("{{\"stream\":{},\"data\":", Value::from(stream)), "}")
}

pub(super) fn trade(symbol: &str, event_ms: i64, print: &Print) -> Value {
    json!({
        "e": "trade", "E": event_ms, "s": symbol, "t": print.id, "p": eight(print.price), "q": eight(print.quantity),
        "T": print.time_ms, "m": print.is_buyer_maker, "M": true,
    })
}

pub(super) fn aggregate_trade(symbol: &str, event_ms: i64, print: &Print) -> Value {
    json!({
        "e": "aggTrade", "E": event_ms, "s": symbol, "a": print.id, "p": eight(print.price),
        "q": eight(print.quantity), "f": print.id, "l": print.id, "T": print.time_ms, "m": print.is_buyer_maker,
        "M": true,
    })
}

pub(super) fn book_ticker(symbol: &str, update_id: u64, bid: &Row, ask: &Row) -> Value {
    json!({ "u": update_id, "s": symbol, "b": bid.0, "B": bid.1, "a": ask.0, "A": ask.1 })
}

/// The changes from one update id to another.
pub(super) fn depth_update(
    symbol: &str,
    event_ms: i64,
    (first, last): (u64, u64),
    (bids, asks): &(Vec<Row>, Vec<Row>),
) -> Value {
    json!({ "e": "depthUpdate", "E": event_ms, "s": symbol, "U": first, "u": last, "b": bids, "a": asks })
}

/// The best rows of a book, on streams and by REST.
pub(super) fn depth(update_id: u64, (bids, asks): &(Vec<Row>, Vec<Row>)) -> Value {
    json!({ "lastUpdateId": update_id, "bids": bids, "asks": asks })
}

/// A bar of trades up to number `last_id`.
pub(super) fn kline(symbol: &str, name: &str, length_ms: i64, event_ms: i64, bar: &Bar, last_id: u64) -> Value {
    let end_ms = bar.open_ms + length_ms - 1;
    json!({
        "e": "kline", "E": event_ms, "s": symbol,
        "k": {
            "t": bar.open_ms, "T": end_ms, "s": symbol, "i": name, "f": (last_id + 1).saturating_sub(bar.n_trades),
            "L": last_id, "o": eight(bar.open), "c": eight(bar.close), "h": eight(bar.high), "l": eight(bar.low),
            "v": eight(bar.volume), "n": bar.n_trades, "x": event_ms > end_ms, "q": eight(bar.quote_volume),
            "V": eight(bar.taker_volume), "Q": eight(bar.taker_quote_volume), "B": "0",
        },
    })
}

pub(super) fn mini_ticker(symbol: &str, event_ms: i64, day: &Bar) -> Value {
    json!({
        "e": "24hrMiniTicker", "E": event_ms, "s": symbol, "c": eight(day.close), "o": eight(day.open),
        "h": eight(day.high), "l": eight(day.low), "v": eight(day.volume), "q": eight(day.quote_volume),
    })
}

pub(super) fn ticker(symbol: &str, event_ms: i64, day: &Bar, last: &Print, bid: &Row, ask: &Row) -> Value {
    json!({
        "e": "24hrTicker", "E": event_ms, "s": symbol, "p": eight(day.close - day.open), "P": percent(day),
        "w": eight(fixed::quotient(day.quote_volume, day.volume)), "x": eight(day.open), "c": eight(day.close),
        "Q": eight(last.quantity), "b": bid.0, "B": bid.1, "a": ask.0, "A": ask.1, "o": eight(day.open),
        "h": eight(day.high), "l": eight(day.low), "v": eight(day.volume), "q": eight(day.quote_volume),
        "O": day.open_ms, "C": event_ms, "F": (last.id + 1).saturating_sub(day.n_trades), "L": last.id,
        "n": day.n_trades,
    })
}

/// Returns the difference between the day's last and first price, in percent.
pub(super) fn percent(day: &Bar) -> String {
    let thousandths = if day.open == 0 { 0 } else { (day.close - day.open) * 100_000 / day.open };
    format!("{:.3}", thousandths as f64 / 1_000.0)
}
