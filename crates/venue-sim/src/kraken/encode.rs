//! The venue's frames as text: numbers unquoted with every digit, in the venue's field order.

use model::time::Timestamp;
use serde_json::Value;

use super::checksum::checksum;
use crate::{
    bars::{Bar, Print},
    fixed,
    ladder::{Ladder, Row},
    market::{Market, Pair},
    moment,
};

/// Marks a frame with the complete state.
pub(super) const SNAPSHOT: &str = "snapshot";
/// Marks a frame with changes.
pub(super) const UPDATE: &str = "update";

/// A frame of a channel with its entries.
pub(super) fn frame(channel: &str, kind: &str, entries: &str) -> String {
    format!(r#"{{"channel":"{channel}","type":"{kind}","data":[{entries}]}}"#)
}

/// A frame of the bars' channel, which includes the time it was made.
pub(super) fn ohlc_frame(kind: &str, now: Timestamp, entries: &str) -> String {
    let now = moment::show(now, 9);
    format!(r#"{{"channel":"ohlc","type":"{kind}","timestamp":"{now}","data":[{entries}]}}"#)
}

/// A frame of the book with these rows; `after` is the reader's book afterwards.
pub(super) fn book(
    kind: &str,
    symbol: &str,
    (bids, asks): &(Vec<Row>, Vec<Row>),
    after: &Ladder,
    time: &str,
) -> String {
    let entry = format!(
        r#"{{"symbol":{},"bids":[{}],"asks":[{}],"checksum":{},"timestamp":"{time}"}}"#,
        quoted(symbol),
        levels(bids),
        levels(asks),
        checksum(after)
    );
    frame("book", kind, &entry)
}

fn levels(rows: &[Row]) -> String {
    let level = |(price, quantity): &Row| format!(r#"{{"price":{price},"qty":{quantity}}}"#);
    rows.iter().map(level).collect::<Vec<_>>().join(",")
}

/// The quantity of a removed row: zero with the digits of the last one.
pub(super) fn zero(quantity: &str) -> String {
    fixed::show(0, fixed::decimals_shown(quantity))
}

/// A trade; the side is the taker's.
pub(super) fn trade(pair: &Pair, print: &Print) -> String {
    format!(
        r#"{{"symbol":{},"side":"{}","price":{},"qty":{},"ord_type":"limit","trade_id":{},"timestamp":"{}"}}"#,
        quoted(&pair.symbol),
        if print.is_buyer_maker { "sell" } else { "buy" },
        fixed::show(print.price, pair.price_decimals),
        fixed::show(print.quantity, pair.quantity_decimals),
        print.id,
        moment::show(Timestamp::from_millis(print.time_ms), 6),
    )
}

/// A bar; its `timestamp` is its end.
pub(super) fn bar(pair: &Pair, minutes: i64, bar: &Bar) -> String {
    let price = |value| fixed::show(value, pair.price_decimals);
    let time = |ms, decimals| moment::show(Timestamp::from_millis(ms), decimals);
    format!(
        concat!(
            r#"{{"symbol":{},"open":{},"high":{},"low":{},"close":{},"trades":{},"volume":{},"vwap":{},"#,
            r#""interval_begin":"{}","interval":{},"timestamp":"{}"}}"#
        ),
        quoted(&pair.symbol),
        price(bar.open),
        price(bar.high),
        price(bar.low),
        price(bar.close),
        bar.n_trades,
        fixed::show(bar.volume, pair.quantity_decimals),
        price(fixed::quotient(bar.quote_volume, bar.volume)),
        time(bar.open_ms, 9),
        minutes,
        time(bar.open_ms + minutes * 60_000, 6),
    )
}

/// Best bid and ask and the day's statistics; `None` before the first trade or without a book.
pub(super) fn ticker(market: &dyn Market, pair: &Pair) -> Option<String> {
    let (day, ladder) = (market.day(&pair.symbol)?, market.ladder(&pair.symbol)?);
    let (bid, ask) = (ladder.bids().next()?, ladder.asks().next()?);
    let price = |value| fixed::show(value, pair.price_decimals);
    let change = day.close - day.open;
    Some(format!(
        concat!(
            r#"{{"symbol":{},"bid":{},"bid_qty":{},"ask":{},"ask_qty":{},"last":{},"volume":{},"vwap":{},"#,
            r#""low":{},"high":{},"change":{},"change_pct":{},"trades":{},"timestamp":"{}"}}"#
        ),
        quoted(&pair.symbol),
        bid.0,
        bid.1,
        ask.0,
        ask.1,
        price(day.close),
        fixed::show(day.volume, pair.quantity_decimals),
        price(fixed::quotient(day.quote_volume, day.volume)),
        price(day.low),
        price(day.high),
        price(change),
        fixed::show(fixed::quotient(change * 100, day.open), 2),
        day.n_trades,
        moment::show(market.now(), 6),
    ))
}

/// All listed pairs, with increments in the notation used only by this channel.
pub(super) fn instruments(pairs: &[Pair]) -> String {
    let mut names: Vec<&str> = pairs.iter().flat_map(|pair| [pair.base.as_str(), &pair.quote]).collect();
    names.sort_unstable();
    names.dedup();
    let assets: Vec<String> = names
        .into_iter()
        .map(|name| {
            format!(
                r#"{{"id":{},"status":"enabled","precision":10,"precision_display":5,"borrowable":false,"collateral_value":0.00,"margin_rate":0.000000}}"#,
                quoted(name)
            )
        })
        .collect();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|pair| {
            let (price, quantity) = (increment(pair.price_decimals), increment(pair.quantity_decimals));
            format!(
                concat!(
                    r#"{{"symbol":{},"base":{},"quote":{},"status":"online","qty_precision":{},"qty_increment":{},"#,
                    r#""price_precision":{},"cost_precision":5,"marginable":false,"has_index":false,"cost_min":0.50,"#,
                    r#""tick_size":{},"price_increment":{},"qty_min":{}}}"#
                ),
                quoted(&pair.symbol),
                quoted(&pair.base),
                quoted(&pair.quote),
                pair.quantity_decimals,
                quantity,
                pair.price_decimals,
                price,
                price,
                quantity,
            )
        })
        .collect();
    format!(
        r#"{{"channel":"instrument","type":"snapshot","data":{{"assets":[{}],"pairs":[{}]}}}}"#,
        assets.join(","),
        pairs.join(",")
    )
}

/// `0.01`, `1e-08`.
fn increment(decimals: usize) -> String {
    if decimals > 4 { format!("1e-{decimals:02}") } else { fixed::show(fixed::step(decimals), decimals) }
}

/// Writes a JSON string.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
