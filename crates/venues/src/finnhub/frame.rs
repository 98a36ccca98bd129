//! Parses frames: trades, a ping, an error, or something unknown.
//!
//! Not here: their meaning ([`super::route`]).

use std::borrow::Cow;

use model::{
    decimal::{Price, Quantity},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    finnhub::conditions::{self, Effect},
    kit::{
        number::{any_quantity, positive_price},
        strict_json::Object,
    },
};

/// A well-formed frame.
#[derive(Debug)]
pub(super) enum FinnhubFrame<'a> {
    /// Trades of several symbols, not always ordered by time.
    Trades(Vec<FinnhubTrade<'a>>),
    /// The connection lives; no answer is expected.
    Ping,
    /// A request was refused; it is not named.
    Error(Cow<'a, str>),
    Unknown,
}

/// A trade, or with volume 0 a new price without a trade.
///
/// ```json
/// {"c":["1","12"],"p":64.07,"s":"AAA","t":1680286537580,"v":5}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct FinnhubTrade<'a> {
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "p", deserialize_with = "positive_price")]
    pub(super) price: Price,
    #[serde(rename = "v", deserialize_with = "any_quantity")]
    pub(super) volume: Quantity,
    #[serde(rename = "t")]
    time_ms: i64,
    #[serde(rename = "c", borrow, default)]
    conditions: Option<&'a RawValue>,
}

impl FinnhubTrade<'_> {
    /// Returns the venue's time of the trade.
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.time_ms)
    }

    /// Returns what the trade counts for.
    pub(super) fn effect(&self) -> Effect {
        self.conditions.map_or(Effect::Market, |conditions| conditions::effect(conditions.get()))
    }

    /// Milliseconds since the epoch.
    pub(super) fn time_ms(&self) -> i64 {
        self.time_ms
    }
}

/// Parses a frame.
///
/// # Errors
/// The frame is not a JSON object, or its kind is known and a field that we read is missing or has the wrong type.
pub(super) fn parse(text: &str) -> Result<FinnhubFrame<'_>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "type", borrow, default)]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
        #[serde(rename = "msg", borrow, default)]
        message: Option<Cow<'a, str>>,
    }
    let Object(envelope): Object<Envelope<'_>> = serde_json::from_str(text)?;
    Ok(match envelope.kind.as_deref() {
        // Without its list it is malformed, not empty.
        Some("trade") => {
            let rows: Vec<Object<_>> = serde_json::from_str(envelope.data.map_or("null", RawValue::get))?;
            FinnhubFrame::Trades(rows.into_iter().map(|Object(row)| row).collect())
        }
        Some("ping") => FinnhubFrame::Ping,
        Some("error") => FinnhubFrame::Error(envelope.message.unwrap_or_default()),
        Some(_) | None => FinnhubFrame::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        match parse(text) {
            Ok(FinnhubFrame::Trades(_)) => "trades",
            Ok(FinnhubFrame::Ping) => "ping",
            Ok(FinnhubFrame::Error(_)) => "error",
            Ok(FinnhubFrame::Unknown) => "unknown",
            Err(_) => "malformed",
        }
    }

    #[test]
    fn kinds() {
        for (text, expected) in [
            (r#"{"data":[{"c":null,"p":1.50,"s":"X:A","t":5,"v":0.01}],"type":"trade"}"#, "trades"),
            (r#"{"type":"trade","data":[]}"#, "trades"),
            (r#"{"type":"trade","data":[{"p":1,"s":"A","t":5,"v":0}]}"#, "trades"),
            (r#"{"type":"ping"}"#, "ping"),
            (r#"{"msg":"Subscribing to too many symbols","type":"error"}"#, "error"),
            (r#"{"type":"error"}"#, "error"),
            (r#"{"type":"news","data":[]}"#, "unknown"),
            ("{}", "unknown"),
            (r#"{"type":"trade"}"#, "malformed"),
            (r#"{"type":"trade","data":{}}"#, "malformed"),
            (r#"{"type":"trade","data":[{"p":0,"s":"A","t":5,"v":1}]}"#, "malformed"),
            (r#"{"type":"trade","data":[{"p":"1","s":"A","t":5,"v":1}]}"#, "malformed"),
            (r#"{"type":"trade","data":[{"p":1,"s":"A","t":5,"v":-1}]}"#, "malformed"),
            (r#"{"type":"trade","data":[{"p":1,"s":"A","t":5.5,"v":1}]}"#, "malformed"),
            (r#"{"type":"trade","data":[{"p":1e400,"s":"A","t":5,"v":1}]}"#, "malformed"),
            (r#"{"type":"trade","data":[["A",1,1,5]]}"#, "malformed"),
            (r#"{"type":5}"#, "malformed"),
            ("[]", "malformed"),
            ("", "malformed"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_are_kept() {
        let text = r#"{"data":[{"p":66972.770,"s":"X:A","t":1721555886208,"v":1e-8}],"type":"trade"}"#;
        let Ok(FinnhubFrame::Trades(trades)) = parse(text) else { panic!("trades") };
        let trade = &trades[0];
        assert_eq!((trade.price.to_string(), trade.volume.to_string()), ("66972.770".into(), "0.00000001".into()));
        assert_eq!(trade.time().as_millis(), 1_721_555_886_208);
    }
}
