//! The venue's frames as text: numbers quoted and as short as possible.

use model::time::Timestamp;
use serde_json::{Value, json};

use super::channel::Channel;
use crate::{
    bars::{Bar, Print},
    fixed,
    ladder::Row,
    market::{Market, Pair},
    moment,
    venue::Frame,
};

/// Length of a candle: the channel offers only this one.
pub(super) const CANDLE_MS: i64 = 300_000;

/// A frame with a placeholder for the connection's number.
pub(super) fn frame(stream: &str, channel: &str, time: Timestamp, events: &str, id: Option<u64>) -> Frame {
    let head = format!(r#"{{"channel":"{channel}","timestamp":"{}","sequence_num":"#, moment::show(time, 9));
    let part = head.len()..head.len() + 1;
    Frame { stream: stream.into(), text: format!(r#"{head}0,"events":{events}}}"#).into(), part, id }
}

/// The `events` with a list of entries.
pub(super) fn events(kind: &str, list: &str, entries: &str) -> String {
    format!(r#"[{{"type":"{kind}","{list}":[{entries}]}}]"#)
}

/// Rows of a book, bids first.
pub(super) fn level2(kind: &str, product: &str, (bids, asks): &(Vec<Row>, Vec<Row>), time: Timestamp) -> String {
    let time = moment::show(time, 6);
    let rows = |side: &'static str, rows: &[Row]| -> Vec<String> {
        let row = |(price, quantity): &Row| {
            format!(r#"{{"side":"{side}","event_time":"{time}","price_level":"{price}","new_quantity":"{quantity}"}}"#)
        };
        rows.iter().map(row).collect()
    };
    let updates = [rows("bid", bids), rows("offer", asks)].concat();
    format!(r#"[{{"type":"{kind}","product_id":{},"updates":[{}]}}]"#, Value::from(product), updates.join(","))
}

/// The quantity of a removed row.
pub(super) fn zero(_quantity: &str) -> String {
    "0".to_owned()
}

/// Trades, newest first; the side is the maker's.
pub(super) fn trades<'a>(kind: &str, product: &str, newest_first: impl Iterator<Item = &'a Print>) -> String {
    let trades: Vec<Value> = newest_first.map(|print| trade(product, print)).collect();
    json!([{ "type": kind, "trades": trades }]).to_string()
}

/// One trade.
pub(super) fn trade(product: &str, print: &Print) -> Value {
    json!({
        "trade_id": print.id.to_string(),
        "product_id": product,
        "price": fixed::shortest(print.price),
        "size": fixed::shortest(print.quantity),
        "time": moment::show(Timestamp::from_millis(print.time_ms), 6),
        "side": if print.is_buyer_maker { "BUY" } else { "SELL" },
    })
}

/// Best bid and ask and the day's statistics; `None` before the first trade or without a book. The batch lacks the best
/// prices.
pub(super) fn ticker(market: &dyn Market, kind: &str, pair: &Pair, channel: Channel) -> Option<String> {
    let (day, ladder) = (market.day(&pair.symbol)?, market.ladder(&pair.symbol)?);
    let (bid, ask) = (ladder.bids().next()?, ladder.asks().next()?);
    let mut body = json!({
        "type": "ticker",
        "product_id": pair.symbol,
        "price": fixed::shortest(day.close),
        "volume_24_h": fixed::shortest(day.volume),
        "low_24_h": fixed::shortest(day.low),
        "high_24_h": fixed::shortest(day.high),
        "low_52_w": fixed::shortest(day.low),
        "high_52_w": fixed::shortest(day.high),
        "price_percent_chg_24_h": fixed::shortest(fixed::quotient((day.close - day.open) * 100, day.open)),
    });
    if channel == Channel::Ticker {
        for (key, value) in
            [("best_bid", &bid.0), ("best_ask", &ask.0), ("best_bid_quantity", &bid.1), ("best_ask_quantity", &ask.1)]
        {
            body[key] = value.as_str().into();
        }
    }
    Some(json!([{ "type": kind, "tickers": [body] }]).to_string())
}

/// Candles in the order given.
pub(super) fn candles(kind: &str, product: &str, bars: &[Bar]) -> String {
    let candles: Vec<Value> = bars
        .iter()
        .map(|bar| {
            let mut candle = candle(bar);
            candle["product_id"] = product.into();
            candle
        })
        .collect();
    json!([{ "type": kind, "candles": candles }]).to_string()
}

/// One candle.
pub(super) fn candle(bar: &Bar) -> Value {
    json!({
        "start": (bar.open_ms / 1_000).to_string(),
        "high": fixed::shortest(bar.high),
        "low": fixed::shortest(bar.low),
        "open": fixed::shortest(bar.open),
        "close": fixed::shortest(bar.close),
        "volume": fixed::shortest(bar.volume),
    })
}

/// The content of the status channel for products.
pub(super) fn status(kind: &str, pairs: &[Pair]) -> String {
    let step = |decimals| fixed::shortest(fixed::step(decimals));
    let product = |pair: &Pair| {
        json!({
            "product_type": "SPOT",
            "id": pair.symbol,
            "base_currency": pair.base,
            "quote_currency": pair.quote,
            "base_increment": step(pair.quantity_decimals),
            "quote_increment": step(pair.price_decimals),
            "display_name": pair.symbol.replace('-', "/"),
            "status": "online",
            "status_message": "",
            "min_market_funds": "1",
        })
    };
    json!([{ "type": kind, "products": pairs.iter().map(product).collect::<Vec<_>>() }]).to_string()
}
