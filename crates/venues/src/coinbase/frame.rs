//! Parses frames: one of the channels' payloads, an acknowledgement, a refusal, or something unknown.
//!
//! Every channel's frame is `{"channel":…,"timestamp":…,"sequence_num":…,"events":[…]}`; a refusal has a type and no
//! channel. The usual shape is recognised by its first bytes, so that a book of megabytes is parsed once, the busiest
//! channels without serde ([`super::scan`]); anything else (other key order, blanks) is probed first. No path builds a
//! tree of values, and all skip unknown parts without recursion. Not here: the meaning of events ([`super::route`]).

use std::{borrow::Cow, collections::BTreeMap};

use model::{
    event::Level,
    proof::{BookState, TrackedBook},
    time::Timestamp,
};
use serde::{
    Deserialize, Serialize,
    de::{Error, IgnoredAny},
};

use crate::{
    coinbase::{
        message::{CoinbaseBookEvent, CoinbaseCandlesEvent, CoinbaseTickerEvent, CoinbaseTradesEvent},
        scan,
    },
    kit::utc_time::UtcTime,
};

/// A well-formed frame.
#[derive(Debug)]
pub(super) struct CoinbaseFrame<'a> {
    /// Its number on its connection, across all channels; refusals have none.
    pub(super) sequence: Option<u64>,
    /// Time at which the venue sent it.
    pub(super) time: Option<Timestamp>,
    pub(super) body: CoinbaseBody<'a>,
}

/// The content of a frame.
#[derive(Debug)]
pub(super) enum CoinbaseBody<'a> {
    Books(Vec<CoinbaseBookEvent<'a>>),
    Trades(Vec<CoinbaseTradesEvent<'a>>),
    Tickers(Vec<CoinbaseTickerEvent<'a>>),
    Candles(Vec<CoinbaseCandlesEvent<'a>>),
    /// Sent once a second in any case. Its fields are not read: the counter is a number or text, the time has a
    /// programming language's own form.
    Heartbeat,
    /// All current subscriptions, each time; it comes after the first data of a channel.
    Subscriptions(CoinbaseSubscriptions<'a>),
    /// The venue refused a request of ours; it does not name the request.
    Refused {
        detail: String,
    },
    Unknown,
}

/// Products by channel. The book's channel is called `level2` here and `l2_data` in its frames.
pub(super) type CoinbaseSubscriptions<'a> = BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>;

/// Parses a frame.
///
/// # Errors
/// The frame is not valid JSON; or its channel is known and a field that we read is missing or has the wrong type; or
/// it is numbered and names no channel.
pub(super) fn parse(text: &str) -> Result<CoinbaseFrame<'_>, serde_json::Error> {
    // A frame that the fast paths could not read is parsed in full: only that result counts.
    let quick = channel_at_start(text).and_then(|channel| scanned(channel, text).or_else(|| read(channel, text)?.ok()));
    quick.map_or_else(|| parse_probed(text), Ok)
}

fn channel_at_start(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(r#"{"channel":""#)?;
    rest.get(..rest.bytes().take(LONGEST_CHANNEL).position(|byte| byte == b'"')?)
}

/// Reads a frame in the usual spelling of a busy channel.
fn scanned<'a>(channel: &str, text: &'a str) -> Option<CoinbaseFrame<'a>> {
    match channel {
        "l2_data" => scan::books(text),
        "market_trades" => scan::trades(text),
        _ => None,
    }
}

/// Parses a frame of a known channel; `None` for an unknown one.
fn read<'a>(channel: &str, text: &'a str) -> Option<Result<CoinbaseFrame<'a>, serde_json::Error>> {
    Some(match channel {
        "l2_data" | "level2" => envelope(text, CoinbaseBody::Books),
        "market_trades" => envelope(text, CoinbaseBody::Trades),
        "ticker" | "ticker_batch" => envelope(text, CoinbaseBody::Tickers),
        "candles" => envelope(text, CoinbaseBody::Candles),
        "heartbeats" => envelope(text, |_: Vec<IgnoredAny>| CoinbaseBody::Heartbeat),
        "subscriptions" => envelope(text, |events: Vec<Acknowledgement<'a>>| {
            CoinbaseBody::Subscriptions(events.into_iter().flat_map(|event| event.subscriptions).collect())
        }),
        _ => return None,
    })
}

fn envelope<'a, E: Deserialize<'a>>(
    text: &'a str,
    body: impl FnOnce(Vec<E>) -> CoinbaseBody<'a>,
) -> Result<CoinbaseFrame<'a>, serde_json::Error> {
    let Envelope { timestamp, sequence_num, events, .. } = serde_json::from_str(text)?;
    let time = timestamp.map(|UtcTime(time)| time);
    Ok(CoinbaseFrame { sequence: Some(sequence_num), time, body: body(events) })
}

fn parse_probed(text: &str) -> Result<CoinbaseFrame<'_>, serde_json::Error> {
    if !text.trim_start().starts_with('{') {
        let IgnoredAny = serde_json::from_str(text)?;
        return Ok(CoinbaseFrame { sequence: None, time: None, body: CoinbaseBody::Unknown });
    }
    let outer: Outer<'_> = serde_json::from_str(text)?;
    let unnumbered = |body| CoinbaseFrame { sequence: None, time: None, body };
    match (outer.channel.as_deref(), outer.kind.as_deref()) {
        (Some(channel), _) => match read(channel, text) {
            Some(frame) => frame,
            // It is nevertheless numbered among the connection's frames.
            None => Ok(CoinbaseFrame { sequence: outer.sequence_num, ..unnumbered(CoinbaseBody::Unknown) }),
        },
        (None, Some("error")) => {
            let parts = [outer.message.as_deref(), outer.reason.as_deref()];
            let words: Vec<&str> = parts.into_iter().flatten().collect();
            let detail = if words.is_empty() { "no reason given".to_owned() } else { words.join(": ") };
            Ok(unnumbered(CoinbaseBody::Refused { detail: detail.chars().take(DETAIL_LETTERS).collect() }))
        }
        // Its number shows that it belonged to a channel: perhaps to a book's.
        (None, _) if outer.sequence_num.is_some() => Err(serde_json::Error::missing_field("channel")),
        (None, _) => Ok(unnumbered(CoinbaseBody::Unknown)),
    }
}

/// The outer shape; `client_id`, mentioned in older documents, is skipped.
#[derive(Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
struct Envelope<E> {
    /// Read only to detect a duplicate.
    #[serde(rename = "channel")]
    _channel: IgnoredAny,
    #[serde(default)]
    timestamp: Option<UtcTime>,
    sequence_num: u64,
    events: Vec<E>,
}

/// An element of `events` of the channel `subscriptions`.
///
/// ```json
/// {"subscriptions":{"heartbeats":["heartbeats"],"level2":["AAA-USD","BBB-USD"]}}
/// ```
#[derive(Deserialize)]
struct Acknowledgement<'a> {
    #[serde(borrow)]
    subscriptions: CoinbaseSubscriptions<'a>,
}

/// The fields that distinguish frames.
#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(default)]
    sequence_num: Option<u64>,
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

/// Longest channel searched for at the start of a frame.
const LONGEST_CHANNEL: usize = 32;
/// Characters of a refusal that are kept.
const DETAIL_LETTERS: usize = 200;

/// A frame of the channel `l2_data`.
#[derive(Serialize)]
struct SnapshotEvents<'a> {
    channel: &'static str,
    sequence_num: u64,
    events: &'a [SnapshotEvent<'a>],
}

/// A whole book under the name in its frames.
#[derive(Serialize)]
pub(super) struct SnapshotEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    product_id: &'a str,
    updates: Vec<SnapshotRow>,
}

#[derive(Serialize)]
struct SnapshotRow {
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<String>,
    price_level: String,
    new_quantity: String,
}

/// Returns the best `depth` levels a side of a verified book in the venue's form; `None` if the book is not live.
pub(super) fn snapshot_event<'a>(label: &'a str, tracked: &TrackedBook, depth: usize) -> Option<SnapshotEvent<'a>> {
    if tracked.state != BookState::Live {
        return None;
    }
    let row = |side| {
        move |Level { price, quantity }: Level| SnapshotRow {
            side,
            event_time: None,
            price_level: price.to_string(),
            new_quantity: quantity.to_string(),
        }
    };
    let bids = tracked.book.bids().take(depth).map(row("bid"));
    let mut updates: Vec<SnapshotRow> = bids.chain(tracked.book.asks().take(depth).map(row("offer"))).collect();
    // The last one's time is that of the book.
    if let Some(last) = updates.last_mut() {
        last.event_time = tracked.event_time.map(|time| time.to_string());
    }
    Some(SnapshotEvent { kind: "snapshot", product_id: label, updates })
}

/// Returns the frame with the books of a connection, for recordings that begin midway; `None` if there are none. It has
/// the number of the connection's last frame: the next recorded one follows it without a gap, as in the original.
pub(super) fn of_books(events: &[SnapshotEvent<'_>], sequence_num: u64) -> Option<String> {
    if events.is_empty() {
        return None;
    }
    serde_json::to_string(&SnapshotEvents { channel: "l2_data", sequence_num, events }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Ok(frame) = parse(text) else { return "malformed".to_owned() };
        let number = frame.sequence.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let body = match frame.body {
            CoinbaseBody::Books(events) => {
                let rows = events.iter().map(|event| (event.updates.bids.len(), event.updates.asks.len()));
                format!("books {:?}", rows.collect::<Vec<_>>())
            }
            CoinbaseBody::Trades(events) => format!("trades {}", events[0].trades.len()),
            CoinbaseBody::Tickers(events) => format!("tickers {}", events[0].tickers.len()),
            CoinbaseBody::Candles(events) => format!("candles {}", events[0].candles.len()),
            CoinbaseBody::Heartbeat => "heartbeat".to_owned(),
            CoinbaseBody::Subscriptions(channels) => format!("subscriptions {channels:?}"),
            CoinbaseBody::Refused { detail } => format!("refused {detail}"),
            CoinbaseBody::Unknown => "unknown".to_owned(),
        };
        format!("{number} {body}")
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text), expected, "{text}");
    }

    const BOOK: &str = r#"{"channel":"l2_data","timestamp":"2026-01-02T03:04:05.000000001Z","sequence_num":7,"events":[{"type":"update","product_id":"A-USD","updates":[{"side":"bid","event_time":"2026-01-02T03:04:05Z","price_level":"1","new_quantity":"2"}]}]}"#;
    const TRADES: &str = r#"{"channel":"market_trades","timestamp":"2026-01-02T03:04:05Z","sequence_num":8,"events":[{"type":"update","trades":[{"product_id":"A-USD","trade_id":"5","price":"1","size":"2","time":"2026-01-02T03:04:05Z","side":"SELL"}]}]}"#;
    const TICKER: &str = r#"{"channel":"ticker","timestamp":"2026-01-02T03:04:05Z","sequence_num":9,"events":[{"type":"update","tickers":[{"type":"ticker","product_id":"A-USD","price":"1"}]}]}"#;
    const CANDLES: &str = r#"{"channel":"candles","timestamp":"2026-01-02T03:04:05Z","sequence_num":10,"events":[{"type":"update","candles":[{"start":"1786279500","high":"2","low":"1","open":"1","close":"2","volume":"5","product_id":"A-USD"}]}]}"#;
    const BEAT: &str = r#"{"channel":"heartbeats","timestamp":"2026-01-02T03:04:05Z","sequence_num":11,"events":[{"current_time":"2026-01-02 03:04:05.85 +0000 UTC m=+41691.26","heartbeat_counter":41691}]}"#;

    #[test]
    fn channels_in_any_key_order() {
        for (frame, expected) in [
            (BOOK, "7 books [(1, 0)]"),
            (TRADES, "8 trades 1"),
            (TICKER, "9 tickers 1"),
            (CANDLES, "10 candles 1"),
            (BEAT, "11 heartbeat"),
        ] {
            check(frame, expected);
            check(&frame.replacen("{\"channel\"", "{\"client_id\":\"\",\"channel\"", 1), expected);
            check(&frame.replacen("{\"channel\"", " { \"channel\" ", 1), expected);
            let (channel, rest) = frame[1..frame.len() - 1].split_once(',').unwrap();
            check(&format!("{{{rest},{channel}}}"), expected);
        }
        check(&BOOK.replace("l2_data", "l2\\u005fdata"), "7 books [(1, 0)]");
        check(&BEAT.replace("41691}", "\"41691\"}"), "11 heartbeat");
    }

    #[test]
    fn acknowledgements_and_refusals() {
        check(
            r#"{"channel":"subscriptions","timestamp":"2026-01-02T03:04:05Z","sequence_num":2,"events":[{"subscriptions":{"level2":["A-USD","B-USD"],"heartbeats":["heartbeats"]}}]}"#,
            r#"2 subscriptions {"heartbeats": ["heartbeats"], "level2": ["A-USD", "B-USD"]}"#,
        );
        check(r#"{"type":"error","message":"rate limit exceeded"}"#, "- refused rate limit exceeded");
        check(
            r#"{"type":"error","message":"Failed to subscribe","reason":"X is no product"}"#,
            "- refused Failed to subscribe: X is no product",
        );
        check(r#"{"type":"error"}"#, "- refused no reason given");
    }

    #[test]
    fn unknown_is_not_malformed() {
        for text in [
            r#"{"type":"l2update","product_id":"A-USD","changes":[["buy","1","2"]],"time":"2026-01-02T03:04:05Z"}"#,
            r#"{"type":"match","trade_id":1,"side":"sell","size":"1","price":"1","product_id":"A-USD","sequence":5}"#,
            r#"{"type":"heartbeat","last_trade_id":1,"product_id":"A-USD","sequence":5}"#,
            r#"{"type":"subscriptions","channels":[{"name":"level2","product_ids":["A-USD"]}]}"#,
            "{}",
            "[]",
            "[1]",
            "5",
            "null",
            "\"text\"",
        ] {
            check(text, "- unknown");
        }
        check(r#"{"channel":"status","timestamp":"x","sequence_num":4,"events":[{}]}"#, "4 unknown");
        check(r#"{"channel":"invented"}"#, "- unknown");
    }

    #[test]
    fn malformed() {
        for text in [
            "",
            "{",
            "nonsense",
            r#"{"channel":5}"#,
            r#"{"channel":"ticker"}"#,
            r#"{"channel":"heartbeats","events":[]}"#,
            r#"{"sequence_num":4,"events":[]}"#,
            &BOOK.replace("\"channel\"", "\"chanel\""),
            &BOOK.replace(":7,", ":\"7\","),
            &BOOK.replace(":7,", ":-7,"),
            &BOOK.replace(":7,", ":7.5,"),
            &BOOK.replace(":7,", ":7,\"sequence_num\":8,"),
            &BOOK.replace("{\"channel\":\"l2_data\"", "{\"channel\":\"l2_data\",\"channel\":\"ticker\""),
            &BOOK.replace("\"2\"", "2"),
            &BOOK.replace("\"1\"", "\"1e400\""),
            &BOOK.replace("000000001Z", "x"),
            &BOOK.replace("\"updates\"", "\"changes\""),
            &TRADES.replace("\"5\"", "5"),
            &TRADES.replace("\"price\":\"1\"", "\"price\":\"0.00\""),
            &TRADES.replace("\"side\":\"SELL\"", "\"side\":null"),
            &TICKER.replace("\"price\":\"1\"", "\"price\":\"x\""),
            &CANDLES.replace("\"1786279500\"", "1786279500"),
            &CANDLES.replace("\"1786279500\"", "\"+1\""),
            &format!("{BOOK}x"),
            &BOOK[..BOOK.len() - 1],
        ] {
            check(text, "malformed");
        }
    }
}
