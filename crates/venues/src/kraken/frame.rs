//! Parses frames: a channel's payload, an acknowledgement, a refusal, a heartbeat, or something unknown.
//!
//! The usual shapes of the busy channels are recognised by their first bytes, so that a frame is parsed once, the
//! busiest without serde ([`super::scan`]); anything else (other key order, blanks, rare channels) is probed first. No
//! path builds a tree of values, and all skip unknown parts without recursion. Not here: the meaning of events
//! ([`super::route`]).

use std::borrow::Cow;

use model::{
    event::Level,
    proof::{BookState, TrackedBook},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{
    kit::{strict_json::Object, utc_time::UtcTime},
    kraken::{
        answers::KrakenInstruments,
        book::KrakenBook,
        message::{KrakenBar, KrakenBookEntry, KrakenStatus, KrakenTicker, KrakenTrade},
        proof, scan,
    },
};

/// A well-formed frame.
#[derive(Debug)]
pub(super) enum KrakenFrame<'a> {
    /// Books, whole.
    BookSnapshot(Vec<Object<KrakenBookEntry<'a>>>),
    /// Changes of books.
    BookUpdate(Vec<Object<KrakenBookEntry<'a>>>),
    /// The newest trades at the time of subscribing.
    TradeSnapshot(Vec<Object<KrakenTrade<'a>>>),
    Trades(Vec<Object<KrakenTrade<'a>>>),
    Tickers(Vec<Object<KrakenTicker<'a>>>),
    Bars {
        bars: Vec<Object<KrakenBar<'a>>>,
        /// Time at which the venue sent them.
        sent_at: Option<UtcTime>,
    },
    Instruments(KrakenInstruments<'a>),
    Status(Vec<Object<KrakenStatus<'a>>>),
    /// Proves that the transport lives, and nothing else.
    Heartbeat,
    /// The venue accepted a request of ours, for one symbol.
    Accepted(KrakenAcceptance<'a>),
    /// The venue refused a request of ours. It reports this nowhere else: heartbeats continue.
    Refused(KrakenRejection<'a>),
    /// An answer to a ping.
    Pong,
    Unknown,
}

/// `{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},"success":true,"req_id":3,…}`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KrakenAcceptance<'a> {
    pub(super) is_subscription: bool,
    pub(super) channel: Cow<'a, str>,
    /// Missing if the channel has none.
    pub(super) symbol: Option<Cow<'a, str>>,
    pub(super) depth: Option<u32>,
    pub(super) request: Option<u64>,
}

/// `{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD",…}`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KrakenRejection<'a> {
    pub(super) is_subscription: bool,
    pub(super) detail: String,
    /// Missing if the request as a whole was refused.
    pub(super) symbol: Option<Cow<'a, str>>,
    pub(super) request: Option<u64>,
}

impl KrakenRejection<'_> {
    /// Returns true if the venue does not know the symbol.
    pub(super) fn is_unknown_symbol(&self) -> bool {
        self.detail.starts_with("Currency pair not supported")
    }
}

/// Parses a frame.
///
/// # Errors
/// The frame is not valid JSON, or its channel is known and a field that we read is missing or has the wrong type.
pub(super) fn parse(text: &str) -> Result<KrakenFrame<'_>, serde_json::Error> {
    // A frame that the fast path could not read is parsed in full: only that result counts.
    parse_usual(text).map_or_else(|| parse_probed(text), Ok)
}

/// Parses a frame with exactly the usual outer shape.
fn parse_usual(text: &str) -> Option<KrakenFrame<'_>> {
    let rest = text.strip_prefix(r#"{"channel":""#)?;
    if rest == r#"heartbeat"}"# {
        return Some(KrakenFrame::Heartbeat);
    }
    if let Some(rest) = rest.strip_prefix(r#"book","type":"update","data":"#) {
        let data = rest.strip_suffix('}')?;
        return scan::books(data).or_else(|| serde_json::from_str(data).ok()).map(KrakenFrame::BookUpdate);
    }
    if let Some(rest) = rest.strip_prefix(r#"ticker","type":"update","data":"#) {
        return serde_json::from_str(rest.strip_suffix('}')?).ok().map(KrakenFrame::Tickers);
    }
    let rest = rest.strip_prefix(r#"trade","type":"update","data":"#)?;
    let data = rest.strip_suffix('}')?;
    scan::trades(data).or_else(|| serde_json::from_str(data).ok()).map(KrakenFrame::Trades)
}

fn parse_probed(text: &str) -> Result<KrakenFrame<'_>, serde_json::Error> {
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        // Lists (the older version of the protocol) and bare values are unknown.
        return serde_json::from_str(text).map(|IgnoredAny| KrakenFrame::Unknown);
    }
    let outer: Outer<'_> = serde_json::from_str(text)?;
    match (outer.channel.as_deref(), outer.kind.as_deref(), outer.data) {
        (Some("heartbeat"), _, _) => Ok(KrakenFrame::Heartbeat),
        (Some("book"), Some("snapshot"), data) => read(data).map(KrakenFrame::BookSnapshot),
        (Some("book"), Some("update"), data) => read(data).map(KrakenFrame::BookUpdate),
        (Some("trade"), Some("snapshot"), data) => read(data).map(KrakenFrame::TradeSnapshot),
        (Some("trade"), Some("update"), data) => read(data).map(KrakenFrame::Trades),
        (Some("ticker"), Some("snapshot" | "update"), data) => read(data).map(KrakenFrame::Tickers),
        (Some("ohlc"), Some("snapshot" | "update"), data) => {
            let sent_at = outer.timestamp.map(|raw| serde_json::from_str(raw.get())).transpose()?;
            read(data).map(|bars| KrakenFrame::Bars { bars, sent_at })
        }
        (Some("instrument"), Some("snapshot" | "update"), data) => {
            read(data).map(|Object(instruments)| KrakenFrame::Instruments(instruments))
        }
        (Some("status"), Some("snapshot" | "update"), data) => read(data).map(KrakenFrame::Status),
        // A known channel without a type lacks a field; one with a new type is new.
        (Some("book" | "trade" | "ticker" | "ohlc" | "instrument" | "status"), None, _) => {
            Err(<serde_json::Error as serde::de::Error>::missing_field("type"))
        }
        (Some(_), _, _) => Ok(KrakenFrame::Unknown),
        (None, _, _) => parse_answer(outer),
    }
}

fn parse_answer(outer: Outer<'_>) -> Result<KrakenFrame<'_>, serde_json::Error> {
    let request = outer.req_id.and_then(|raw| raw.get().parse().ok());
    let is_subscription = match outer.method.as_deref() {
        Some("subscribe") => true,
        Some("unsubscribe") => false,
        Some("pong") => return Ok(KrakenFrame::Pong),
        // A refusal of something unreadable names no method.
        None if outer.error.is_some() => true,
        Some(_) | None => return Ok(KrakenFrame::Unknown),
    };
    if let Some(error) = &outer.error {
        let detail = error.chars().take(LONGEST_DETAIL).collect();
        return Ok(KrakenFrame::Refused(KrakenRejection { is_subscription, detail, symbol: outer.symbol, request }));
    }
    if outer.success == Some(false) {
        let detail = "no reason given".to_owned();
        return Ok(KrakenFrame::Refused(KrakenRejection { is_subscription, detail, symbol: outer.symbol, request }));
    }
    let Object(KrakenResult { channel, symbol, depth }) = read(outer.result)?;
    Ok(KrakenFrame::Accepted(KrakenAcceptance { is_subscription, channel, symbol, depth, request }))
}

fn read<'a, T: Deserialize<'a>>(data: Option<&'a RawValue>) -> Result<T, serde_json::Error> {
    let data = data.ok_or_else(|| <serde_json::Error as serde::de::Error>::missing_field("data"))?;
    serde_json::from_str(data.get())
}

/// The fields that distinguish frames.
#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    symbol: Option<Cow<'a, str>>,
    /// Our own are numbers that fit; others are not ours.
    #[serde(borrow, default)]
    req_id: Option<&'a RawValue>,
}

/// The subscription. Warnings and unread settings are skipped.
#[derive(Deserialize)]
struct KrakenResult<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow, default)]
    symbol: Option<Cow<'a, str>>,
    #[serde(default)]
    depth: Option<u32>,
}

/// Characters of a refusal that are kept.
const LONGEST_DETAIL: usize = 200;

/// Returns a verified book in the form of the venue's own frames, for recordings that begin midway: the best `depth`
/// levels a side, `None` if the book is not live. The subscription's acknowledgement comes first, because only it gives
/// the depth of the book; then the whole book, with the checksum of its digits.
pub(super) fn of_book(symbol: &str, book: &KrakenBook, tracked: &TrackedBook, depth: usize) -> Option<[String; 2]> {
    let subscribed = book.depth().filter(|_| tracked.state == BookState::Live)?;
    let symbol = serde_json::to_string(symbol).ok()?;
    let bids = rows(tracked.book.bids().take(depth));
    let asks = rows(tracked.book.asks().take(depth));
    let checksum = proof::checksum_of_book(&tracked.book);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let books = |entries: &[Object<KrakenBookEntry<'_>>]| {
            let rows = |Object(entry): &Object<KrakenBookEntry<'_>>| {
                format!("{} {}+{} {}", entry.symbol, entry.bids.len(), entry.asks.len(), entry.checksum)
            };
            entries.iter().map(rows).collect::<Vec<_>>().join(", ")
        };
        let prints = |entries: &[Object<KrakenTrade<'_>>]| {
            let print = |Object(trade): &Object<KrakenTrade<'_>>| {
                format!("{} {} {}x{}", trade.symbol, trade.trade_id, trade.price, trade.quantity)
            };
            entries.iter().map(print).collect::<Vec<_>>().join(", ")
        };
        match parse(text) {
            Ok(KrakenFrame::BookSnapshot(entries)) => format!("snapshot {}", books(&entries)),
            Ok(KrakenFrame::BookUpdate(entries)) => format!("change {}", books(&entries)),
            Ok(KrakenFrame::TradeSnapshot(entries)) => format!("newest {}", prints(&entries)),
            Ok(KrakenFrame::Trades(entries)) => format!("prints {}", prints(&entries)),
            Ok(KrakenFrame::Tickers(entries)) => format!("tickers {}", entries.len()),
            Ok(KrakenFrame::Bars { bars, sent_at }) => format!("bars {} {}", bars.len(), sent_at.is_some()),
            Ok(KrakenFrame::Instruments(instruments)) => format!("instruments {}", instruments.pairs.len()),
            Ok(KrakenFrame::Status(entries)) => {
                format!("status {}", entries.first().map_or("none", |Object(status)| &status.system))
            }
            Ok(KrakenFrame::Heartbeat) => "heartbeat".into(),
            Ok(KrakenFrame::Accepted(accepted)) => format!(
                "accepted {} {} {:?} {:?} {:?}",
                accepted.is_subscription, accepted.channel, accepted.symbol, accepted.depth, accepted.request
            ),
            Ok(KrakenFrame::Refused(refused)) => {
                format!("refused {:?} {:?} {}", refused.symbol, refused.request, refused.detail)
            }
            Ok(KrakenFrame::Pong) => "pong".into(),
            Ok(KrakenFrame::Unknown) => "unknown".into(),
            Err(_) => "malformed".into(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text), expected, "{text}");
    }

    const BOOK: &str = r#"{"symbol":"AAA/BBB","bids":[{"price":1.50,"qty":2.0}],"asks":[],"checksum":7,"timestamp":"2026-08-02T03:35:51.660084Z"}"#;
    const TRADE: &str = r#"{"symbol":"AAA/BBB","side":"sell","price":1.50,"qty":2.0,"ord_type":"market","trade_id":9,"timestamp":"2026-08-02T03:35:51.660084Z"}"#;
    const TICKER: &str = r#"{"symbol":"AAA/BBB","bid":1.5,"bid_qty":1,"ask":1.6,"ask_qty":1,"last":1.5,"volume":10,"vwap":1.5,"low":1,"high":2,"change":0.1,"change_pct":1}"#;
    const BAR: &str = r#"{"symbol":"AAA/BBB","open":1,"high":2,"low":1,"close":2,"trades":3,"volume":5,"vwap":1.5,"interval_begin":"2026-08-02T03:35:00.000000000Z","interval":1,"timestamp":"2026-08-02T03:36:00.000000Z"}"#;

    #[test]
    fn channels() {
        for (channel, kind, data, expected) in [
            ("book", "snapshot", BOOK, "snapshot AAA/BBB 1+0 7"),
            ("book", "update", BOOK, "change AAA/BBB 1+0 7"),
            ("trade", "snapshot", TRADE, "newest AAA/BBB 9 1.50x2.0"),
            ("trade", "update", TRADE, "prints AAA/BBB 9 1.50x2.0"),
            ("ticker", "snapshot", TICKER, "tickers 1"),
            ("ticker", "update", TICKER, "tickers 1"),
            ("ohlc", "update", BAR, "bars 1 false"),
            ("status", "update", r#"{"system":"online","connection_id":18125794168470749634}"#, "status online"),
            ("status", "update", r#"{"system":"invented","connection_id":99999999999999999999999}"#, "status invented"),
        ] {
            check(&format!(r#"{{"channel":"{channel}","type":"{kind}","data":[{data}]}}"#), expected);
            // Version 2.0.8 put the type last.
            check(&format!(r#"{{"channel":"{channel}","data":[{data}],"type":"{kind}"}}"#), expected);
            check(
                &format!(r#" {{ "data" : [ {data} ], "new":[[]], "type":"{kind}","channel" : "{channel}" }} "#),
                expected,
            );
        }
        check(r#"{"channel":"heartbeat"}"#, "heartbeat");
        check(r#"{ "channel":"heartbeat" , "more":1}"#, "heartbeat");
        check(
            &format!(
                r#"{{"channel":"ohlc","type":"update","timestamp":"2026-08-02T03:35:01.844359566Z","data":[{BAR}]}}"#
            ),
            "bars 1 true",
        );
    }

    #[test]
    fn several_entries_in_one_frame() {
        check(
            &format!(r#"{{"channel":"book","type":"update","data":[{BOOK},{}]}}"#, BOOK.replace("AAA", "CCC")),
            "change AAA/BBB 1+0 7, CCC/BBB 1+0 7",
        );
        check(
            &format!(r#"{{"channel":"trade","type":"update","data":[{TRADE},{}]}}"#, TRADE.replace(":9,", ":10,")),
            "prints AAA/BBB 9 1.50x2.0, AAA/BBB 10 1.50x2.0",
        );
        check(r#"{"channel":"trade","type":"update","data":[]}"#, "prints ");
    }

    #[test]
    fn answers() {
        check(
            r#"{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"x","req_id":3}"#,
            r#"accepted true book Some("BTC/USD") Some(25) Some(3)"#,
        );
        check(
            r#"{"method":"unsubscribe","result":{"channel":"book","symbol":"BTC/USD","warnings":["old"]},"success":true}"#,
            r#"accepted false book Some("BTC/USD") None None"#,
        );
        check(
            r#"{"method":"subscribe","result":{"channel":"instrument"},"success":true,"req_id":"x"}"#,
            "accepted true instrument None None None",
        );
        check(
            r#"{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD"}"#,
            r#"refused Some("XBT/USD") None Currency pair not supported XBT/USD"#,
        );
        check(
            r#"{"error":"Private data and trading are unavailable on this endpoint","method":"subscribe","success":false,"req_id":4}"#,
            "refused None Some(4) Private data and trading are unavailable on this endpoint",
        );
        check(r#"{"method":"subscribe","success":false}"#, "refused None None no reason given");
        check(r#"{"error":"Malformed request"}"#, "refused None None Malformed request");
        check(r#"{"method":"pong","req_id":101,"time_in":"x"}"#, "pong");
        check(r#"{"method":"subscribe","success":true}"#, "malformed");
        check(r#"{"method":"subscribe","result":{},"success":true}"#, "malformed");
    }

    #[test]
    fn unknown_is_not_malformed() {
        for text in [
            r#"{"channel":"level3","type":"snapshot","data":[{"symbol":"AAA/BBB"}]}"#,
            r#"{"channel":"book","type":"patch","data":[5]}"#,
            r#"{"method":"add_order","success":true}"#,
            r#"[336,{"a":[["1","2","3"]]},"book-10","XBT/USD"]"#,
            r#"["book"]"#,
            "{}",
            "5",
            "null",
            "\"text\"",
        ] {
            check(text, "unknown");
        }
    }

    #[test]
    fn malformed() {
        let update = |data: &str| format!(r#"{{"channel":"book","type":"update","data":{data}}}"#);
        for text in [
            "",
            "{",
            "nonsense",
            "[1",
            r#"{"channel":5}"#,
            r#"{"channel":"book"}"#,
            r#"{"channel":"book","type":"update"}"#,
            r#"{"channel":"book","channel":"book","type":"update","data":[]}"#,
            r#"{"channel":"heartbeat"}x"#,
            r#"{"channel":"trade","data":[]}"#,
            r#"{"channel":"ticker","type":"update","data":[{}]}"#,
            r#"{"channel":"status","type":"update","data":[{}]}"#,
            &update("{}"),
            &update("[[]]"),
            &update(r#"[["AAA/BBB",[],[],7]]"#),
            &update(&format!("[{BOOK}")),
            &update(&format!("[{}]", BOOK.replace(r#""symbol":"AAA/BBB","#, ""))),
            &update(&format!("[{}]", BOOK.replace(r#""checksum":7,"#, ""))),
            &update(&format!("[{}]", BOOK.replace(r#""checksum":7"#, r#""checksum":7,"checksum":8"#))),
            &update(&format!("[{}]", BOOK.replace("2026-08-02T", "2026-08-02 "))),
            &update(&format!("[{}]", BOOK.replace("2.0", "1e400"))),
            &update(&format!("[{BOOK}],\"data\":[]")),
            &format!("{}x", update(&format!("[{BOOK}]"))),
        ] {
            check(text, "malformed");
        }
    }
}
