//! Parses frames: one of the stream's payloads, an acknowledgement, a refusal, or something unknown.
//!
//! A connection may carry wrapped events (`{"stream":…,"data":…}`), bare events, lists of events and bare answers to
//! our requests, all mixed. The usual shapes are distinguished by their first bytes, so that a frame is parsed once, the
//! busiest without serde ([`super::scan`]); anything else (other key order, blanks) is probed first. No path builds a
//! tree of values, and all skip unknown parts without recursion. Not here: the meaning of events ([`super::route`]).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    binance::{
        message::{
            BinanceAggTrade, BinanceBookTicker, BinanceDepth, BinanceDepthUpdate, BinanceKline, BinanceTicker,
            BinanceTrade,
        },
        scan,
    },
    kit::scan::Scan,
};

/// A well-formed frame.
#[derive(Debug)]
pub(super) enum BinanceFrame<'a> {
    Trade(BinanceTrade<'a>),
    AggTrade(BinanceAggTrade<'a>),
    BookTicker(BinanceBookTicker<'a>),
    DepthUpdate(BinanceDepthUpdate<'a>),
    /// The best levels; only the stream's name contains the symbol.
    PartialDepth {
        stream: Cow<'a, str>,
        depth: BinanceDepth,
    },
    Kline(BinanceKline<'a>),
    MiniTicker(BinanceTicker<'a>),
    MiniTickers(Vec<BinanceTicker<'a>>),
    Ticker(BinanceTicker<'a>),
    Tickers(Vec<BinanceTicker<'a>>),
    /// The venue accepted a request of ours.
    Accepted {
        id: Option<u64>,
    },
    /// The venue refused a request of ours; it may not name the request.
    Refused {
        id: Option<u64>,
        detail: String,
    },
    /// The venue is about to shut down.
    ServerShutdown,
    Unknown,
}

/// Parses a frame.
///
/// # Errors
/// The frame is not valid JSON, or its kind is known and a field that we read is missing or has the wrong type.
pub(super) fn parse(text: &str) -> Result<BinanceFrame<'_>, serde_json::Error> {
    let (stream, payload) = split_combined(text).map_or((None, text), |(stream, payload)| (Some(stream), payload));
    let quick = match (kind_at_start(payload), stream) {
        (Some(kind), _) => parse_kind(kind, payload),
        (None, _) if payload.starts_with(r#"{"u":"#) => {
            scan::book_ticker(payload).or_else(|| serde_json::from_str(payload).ok()).map(BinanceFrame::BookTicker)
        }
        (None, Some(stream)) if payload.starts_with(r#"{"lastUpdateId":"#) => serde_json::from_str(payload)
            .ok()
            .map(|depth| BinanceFrame::PartialDepth { stream: Cow::Borrowed(stream), depth }),
        (None, _) => None,
    };
    // A frame that the fast path could not read is parsed in full: only that result counts.
    quick.map_or_else(|| parse_probed(text), Ok)
}

/// Returns stream name and payload of a frame with exactly the usual outer shape.
fn split_combined(text: &str) -> Option<(&str, &str)> {
    let mut scan = Scan::new(text);
    scan.tag(r#"{"stream":""#)?;
    let stream = scan.text()?;
    scan.tag(r#","data":"#)?;
    Some((stream, scan.rest().strip_suffix('}')?))
}

fn kind_at_start(payload: &str) -> Option<&str> {
    let rest = payload.strip_prefix(r#"{"e":""#)?;
    rest.get(..rest.bytes().take(LONGEST_KIND).position(|byte| byte == b'"')?)
}

fn parse_kind<'a>(kind: &str, payload: &'a str) -> Option<BinanceFrame<'a>> {
    match kind {
        "trade" => scan::trade(payload).or_else(|| serde_json::from_str(payload).ok()).map(BinanceFrame::Trade),
        "aggTrade" => {
            scan::aggregate_trade(payload).or_else(|| serde_json::from_str(payload).ok()).map(BinanceFrame::AggTrade)
        }
        "depthUpdate" => {
            scan::depth_update(payload).or_else(|| serde_json::from_str(payload).ok()).map(BinanceFrame::DepthUpdate)
        }
        "kline" => serde_json::from_str(payload).ok().map(BinanceFrame::Kline),
        "24hrMiniTicker" => serde_json::from_str(payload).ok().map(BinanceFrame::MiniTicker),
        "24hrTicker" => serde_json::from_str(payload).ok().map(BinanceFrame::Ticker),
        _ => None,
    }
}

fn parse_probed(text: &str) -> Result<BinanceFrame<'_>, serde_json::Error> {
    let outer: Outer<'_> = match serde_json::from_str(text)? {
        Payload::Object(outer) => *outer,
        Payload::List(first) => return parse_list(first.as_deref(), text, Wrapping::Bare),
        Payload::Other => return Ok(BinanceFrame::Unknown),
    };
    if outer.is_stream_given {
        return match &outer.data {
            Some(Payload::Object(inner)) => parse_object(inner, outer.stream, text, Wrapping::InData),
            Some(Payload::List(first)) => parse_list(first.as_deref(), text, Wrapping::InData),
            Some(Payload::Other) | None => Ok(BinanceFrame::Unknown),
        };
    }
    parse_object(&outer, None, text, Wrapping::Bare)
}

fn parse_object<'a>(
    probe: &Outer<'_>,
    stream: Option<Cow<'a, str>>,
    text: &'a str,
    wrapping: Wrapping,
) -> Result<BinanceFrame<'a>, serde_json::Error> {
    match probe.kind.as_deref() {
        Some("trade") => wrapping.read(text).map(BinanceFrame::Trade),
        Some("aggTrade") => wrapping.read(text).map(BinanceFrame::AggTrade),
        Some("depthUpdate") => wrapping.read(text).map(BinanceFrame::DepthUpdate),
        Some("kline") => wrapping.read(text).map(BinanceFrame::Kline),
        Some("24hrMiniTicker") => wrapping.read(text).map(BinanceFrame::MiniTicker),
        Some("24hrTicker") => wrapping.read(text).map(BinanceFrame::Ticker),
        Some("serverShutdown") => Ok(BinanceFrame::ServerShutdown),
        Some(_) => Ok(BinanceFrame::Unknown),
        None if probe.has_update_id && probe.has_best => wrapping.read(text).map(BinanceFrame::BookTicker),
        None if probe.has_last_update_id => {
            let depth = wrapping.read(text)?;
            // On a bare connection the symbol is in the address, which frames do not repeat.
            Ok(stream.map_or(BinanceFrame::Unknown, |stream| BinanceFrame::PartialDepth { stream, depth }))
        }
        None if probe.error.is_some() || probe.code.is_some() => {
            let (code, message) = match &probe.error {
                Some(error) => (error.code, error.message.as_deref()),
                None => (probe.code, probe.message.as_deref()),
            };
            let detail = format!("{} (code {})", message.unwrap_or("no reason given"), code.unwrap_or_default());
            Ok(BinanceFrame::Refused { id: probe.id.and_then(RequestNumber::number), detail })
        }
        None if probe.has_result => Ok(BinanceFrame::Accepted { id: probe.id.and_then(RequestNumber::number) }),
        None => Ok(BinanceFrame::Unknown),
    }
}

fn parse_list<'a>(
    first: Option<&Payload<'_>>,
    text: &'a str,
    wrapping: Wrapping,
) -> Result<BinanceFrame<'a>, serde_json::Error> {
    let Some(Payload::Object(first)) = first else { return Ok(BinanceFrame::Unknown) };
    match first.kind.as_deref() {
        Some("24hrMiniTicker") => wrapping.read(text).map(BinanceFrame::MiniTickers),
        Some("24hrTicker") => wrapping.read(text).map(BinanceFrame::Tickers),
        _ => Ok(BinanceFrame::Unknown),
    }
}

/// The position of the payload in the frame.
#[derive(Clone, Copy)]
enum Wrapping {
    Bare,
    InData,
}

impl Wrapping {
    fn read<'a, T: Deserialize<'a>>(self, text: &'a str) -> Result<T, serde_json::Error> {
        #[derive(Deserialize)]
        struct Wrapper<T> {
            data: T,
        }
        match self {
            Self::Bare => serde_json::from_str(text),
            Self::InData => serde_json::from_str::<Wrapper<T>>(text).map(|wrapped| wrapped.data),
        }
    }
}

/// A JSON value, parsed only as far as its kind requires.
enum Payload<'a> {
    Object(Box<Outer<'a>>),
    /// With its first element.
    List(Option<Box<Payload<'a>>>),
    Other,
}

/// The fields that distinguish frames and payloads.
#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    /// A stream without data, or data without a stream, is unknown.
    #[serde(skip)]
    is_stream_given: bool,
    #[serde(borrow, default)]
    data: Option<Payload<'a>>,
    #[serde(rename = "e", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(rename = "u", default, deserialize_with = "present")]
    has_update_id: bool,
    #[serde(rename = "B", default, deserialize_with = "present")]
    has_best: bool,
    #[serde(rename = "lastUpdateId", default, deserialize_with = "present")]
    has_last_update_id: bool,
    #[serde(rename = "result", default, deserialize_with = "present")]
    has_result: bool,
    #[serde(default)]
    id: Option<RequestNumber>,
    #[serde(default)]
    code: Option<i64>,
    #[serde(rename = "msg", borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<BinanceError<'a>>,
}

/// A refusal: `{"error":{"code":2,"msg":"Invalid request: …"},"id":1}`, in older versions without the wrapping.
#[derive(Deserialize)]
struct BinanceError<'a> {
    #[serde(default)]
    code: Option<i64>,
    #[serde(rename = "msg", borrow, default)]
    message: Option<Cow<'a, str>>,
}

/// The `id` of an answer: our own are numbers, others may be text.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum RequestNumber {
    Ours(u64),
    Other(IgnoredAny),
}

impl RequestNumber {
    fn number(self) -> Option<u64> {
        match self {
            Self::Ours(number) => Some(number),
            Self::Other(IgnoredAny) => None,
        }
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|IgnoredAny| true)
}

impl<'de: 'a, 'a> Deserialize<'de> for Payload<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;

        impl<'de> Visitor<'de> for Look {
            type Value = Payload<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Payload<'de>, A::Error> {
                let mut outer = Outer::deserialize(MapAccessDeserializer::new(map))?;
                outer.is_stream_given = outer.stream.is_some();
                Ok(Payload::Object(Box::new(outer)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Payload<'de>, A::Error> {
                let first = seq.next_element()?.map(Box::new);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Payload::List(first))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Payload<'de>, E> {
                Ok(Payload::Other)
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Payload<'de>, E> {
                Ok(Payload::Other)
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Payload<'de>, E> {
                Ok(Payload::Other)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Payload<'de>, E> {
                Ok(Payload::Other)
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Payload<'de>, E> {
                Ok(Payload::Other)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Payload<'de>, E> {
                Ok(Payload::Other)
            }
        }

        deserializer.deserialize_any(Look)
    }
}

/// Longest kind searched for at the start of a payload.
const LONGEST_KIND: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(BinanceFrame::Trade(trade)) => {
                format!("trade {} {} {}x{}", trade.symbol, trade.trade_id, trade.price, trade.quantity)
            }
            Ok(BinanceFrame::AggTrade(trade)) => {
                format!("aggregate {} {} {}x{}", trade.symbol, trade.aggregate_id, trade.price, trade.quantity)
            }
            Ok(BinanceFrame::BookTicker(ticker)) => {
                format!("best {} {} {}", ticker.symbol, ticker.update_id, ticker.quote().bid.unwrap().price)
            }
            Ok(BinanceFrame::DepthUpdate(update)) => format!(
                "depth {} {}..{} {}+{}",
                update.symbol,
                update.first_update_id,
                update.final_update_id,
                update.bids.len(),
                update.asks.len()
            ),
            Ok(BinanceFrame::PartialDepth { stream, depth }) => {
                format!("partial {stream} {} {}+{}", depth.last_update_id, depth.bids.len(), depth.asks.len())
            }
            Ok(BinanceFrame::Kline(kline)) => format!("kline {} {}", kline.symbol, kline.candle().is_some()),
            Ok(BinanceFrame::MiniTicker(ticker)) => format!("mini {} {}", ticker.symbol, ticker.day().last.unwrap()),
            Ok(BinanceFrame::MiniTickers(tickers)) => format!("minis {}", tickers.len()),
            Ok(BinanceFrame::Ticker(ticker)) => format!("ticker {} {}", ticker.symbol, ticker.day().last.unwrap()),
            Ok(BinanceFrame::Tickers(tickers)) => format!("tickers {}", tickers.len()),
            Ok(BinanceFrame::Accepted { id }) => format!("accepted {id:?}"),
            Ok(BinanceFrame::Refused { id, detail }) => format!("refused {id:?} {detail}"),
            Ok(BinanceFrame::ServerShutdown) => "shutdown".into(),
            Ok(BinanceFrame::Unknown) => "unknown".into(),
            Err(_) => "malformed".into(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text), expected, "{text}");
    }

    const TRADE: &str = r#"{"e":"trade","E":1723161255343,"s":"AAABBB","t":7,"p":"61837.63","q":"0.02","T":1723161255342,"m":true,"M":true}"#;
    const BEST: &str = r#"{"u":9,"s":"AAABBB","b":"1.5","B":"2","a":"1.6","A":"3"}"#;
    const DEPTH: &str =
        r#"{"e":"depthUpdate","E":1,"s":"AAABBB","U":3,"u":5,"b":[["1","2"]],"a":[["3","4"],["5","0"]]}"#;
    const MINI: &str =
        r#"{"e":"24hrMiniTicker","E":1,"s":"AAABBB","c":"3","o":"1","h":"4","l":"0.5","v":"10","q":"18"}"#;

    #[test]
    fn bare_and_wrapped() {
        for (payload, expected) in [
            (TRADE, "trade AAABBB 7 61837.63x0.02"),
            (BEST, "best AAABBB 9 1.5"),
            (DEPTH, "depth AAABBB 3..5 1+2"),
            (MINI, "mini AAABBB 3"),
            (
                r#"{"e":"aggTrade","E":1,"s":"AAABBB","a":4,"p":"1","q":"2","f":1,"l":2,"T":1,"m":false}"#,
                "aggregate AAABBB 4 1x2",
            ),
            (r#"{"e":"serverShutdown","E":1770123456789}"#, "shutdown"),
        ] {
            check(payload, expected);
            check(&format!(r#"{{"stream":"aaabbb@any","data":{payload}}}"#), expected);
            check(&format!(r#" {{ "data" : {payload} , "stream" : "aaabbb@any", "more": [[]] }} "#), expected);
        }
    }

    #[test]
    fn key_order_does_not_matter() {
        check(r#"{"s":"AAABBB","A":"3","a":"1.6","B":"2","b":"1.5","u":9}"#, "best AAABBB 9 1.5");
        check(
            r#"{"E":1,"m":true,"T":2,"q":"1","p":"2","t":3,"s":"\u0041AA","e":"trade","x":{"y":[1]}}"#,
            "trade AAA 3 2x1",
        );
    }

    #[test]
    fn lists() {
        check(&format!("[{MINI},{MINI}]"), "minis 2");
        check(&format!(r#"{{"stream":"!miniTicker@arr","data":[{MINI}]}}"#), "minis 1");
        check(r#"[{"e":"1hTicker","s":"A"}]"#, "unknown");
        check("[]", "unknown");
        check("[1]", "unknown");
        check(&format!("[{MINI},{{}}]"), "malformed");
    }

    #[test]
    fn partial_depth_needs_the_streams_name() {
        let depth = r#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[]}"#;
        check(&format!(r#"{{"stream":"aaabbb@depth5","data":{depth}}}"#), "partial aaabbb@depth5 160 1+0");
        check(&format!(r#"{{"data":{depth},"stream":"aaabbb@depth5"}}"#), "partial aaabbb@depth5 160 1+0");
        check(depth, "unknown");
        check(r#"{"lastUpdateId":160,"bids":[["x","10"]],"asks":[]}"#, "malformed");
    }

    #[test]
    fn answers_are_never_wrapped() {
        check(r#"{"result":null,"id":1}"#, "accepted Some(1)");
        check(r#"{"result":["aaabbb@trade"],"id":3}"#, "accepted Some(3)");
        check(r#"{"result":null,"id":"x7"}"#, "accepted None");
        check(r#"{"result":null,"id":null}"#, "accepted None");
        check(
            r#"{"code":2,"msg":"Invalid request: unknown variant","id":4}"#,
            "refused Some(4) Invalid request: unknown variant (code 2)",
        );
        check(r#"{"error":{"code":2,"msg":"Invalid"},"id":4}"#, "refused Some(4) Invalid (code 2)");
        check(r#"{"code":3,"msg":"Invalid JSON"}"#, "refused None Invalid JSON (code 3)");
    }

    #[test]
    fn unknown_is_not_malformed() {
        for text in [
            r#"{"e":"avgPrice","E":1,"s":"AAABBB"}"#,
            r#"{"stream":"aaabbb@avgPrice","data":{"e":"avgPrice"}}"#,
            r#"{"stream":"x","data":5}"#,
            r#"{"stream":"x"}"#,
            "{}",
            "5",
            "null",
            "\"text\"",
            r#"{"id":1}"#,
        ] {
            check(text, "unknown");
        }
    }

    #[test]
    fn malformed() {
        for text in [
            "",
            "{",
            "nonsense",
            r#"{"e":"trade"}"#,
            r#"{"e":5}"#,
            &TRADE.replace("\"p\":\"61837.63\"", "\"p\":61837.63"),
            &TRADE.replace("61837.63", "-61837.63"),
            &TRADE.replace("61837.63", "0.00"),
            &TRADE.replace("\"t\":7", "\"t\":-7"),
            &TRADE.replace("\"t\":7", "\"t\":7.5"),
            &TRADE.replace("\"t\":7", "\"t\":7,\"t\":8"),
            &TRADE.replace("\"m\":true", "\"m\":1"),
            &TRADE.replace("0.02", "1e400"),
            &TRADE.replace("0.02", "NaN"),
            &TRADE.replace("0.02", "٣"),
            &format!("{TRADE}x"),
            &format!("{{\"stream\":\"aaabbb@trade\",\"data\":{TRADE}"),
            &format!("{{\"stream\":\"aaabbb@trade\",\"data\":{TRADE}}}}}"),
            &DEPTH.replace("[[\"1\",\"2\"]]", "[[\"1\",\"2\"],[]]"),
            &DEPTH.replace("\"E\":1", "\"E\":\"1\""),
        ] {
            check(text, "malformed");
        }
    }
}
