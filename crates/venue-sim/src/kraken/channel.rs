//! The public channels, their names as streams, and the form of requests for them.

use serde_json::{Value, json};

/// Depths that can be requested; others are refused, not rounded.
pub(super) const DEPTHS: [usize; 5] = [10, 25, 100, 500, 1_000];
/// Bar lengths, in minutes, that can be requested.
pub(super) const INTERVALS: [i64; 9] = [1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600];
/// Channels of the private address.
const PRIVATE: [&str; 4] = ["executions", "balances", "level3", "orders"];

/// A subscribed channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    /// With its depth.
    Book(usize),
    Trade,
    Ticker,
    /// With the bar length in minutes.
    Ohlc(i64),
    Instrument,
}

impl Channel {
    /// Returns the channel named by a request's parameters, or the message of the refusal.
    pub(super) fn read(parameters: &Value) -> Result<Self, String> {
        let name = parameters.get("channel").and_then(Value::as_str).ok_or("Channel missing")?;
        let number = |key: &str, default: i64| match parameters.get(key) {
            None | Some(Value::Null) => Some(default),
            Some(value) => value.as_i64(),
        };
        match name {
            "book" => number("depth", 10)
                .and_then(|depth| usize::try_from(depth).ok())
                .filter(|depth| DEPTHS.contains(depth))
                .map(Self::Book)
                .ok_or_else(|| "Subscription depth not supported".to_owned()),
            "trade" => Ok(Self::Trade),
            "ticker" => match parameters.get("event_trigger").and_then(Value::as_str) {
                None | Some("trades" | "bbo") => Ok(Self::Ticker),
                Some(_) => Err("Event trigger not supported".to_owned()),
            },
            "ohlc" => number("interval", 1)
                .filter(|minutes| INTERVALS.contains(minutes))
                .map(Self::Ohlc)
                .ok_or_else(|| "Subscription ohlc interval not supported".to_owned()),
            "instrument" => Ok(Self::Instrument),
            private if PRIVATE.contains(&private) => {
                Err("Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com".to_owned())
            }
            other => Err(format!("Channel not supported {other}")),
        }
    }

    /// Returns its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Book(_) => "book",
            Self::Trade => "trade",
            Self::Ticker => "ticker",
            Self::Ohlc(_) => "ohlc",
            Self::Instrument => "instrument",
        }
    }

    /// Returns the stream of one symbol.
    pub(super) fn stream(self, symbol: &str) -> String {
        match self {
            Self::Book(depth) => format!("book/{depth}/{symbol}"),
            Self::Ohlc(minutes) => format!("ohlc/{minutes}/{symbol}"),
            Self::Instrument => "instrument".to_owned(),
            other => format!("{}/{symbol}", other.name()),
        }
    }

    /// Returns the channel and symbol of a stream.
    pub(super) fn of_stream(stream: &str) -> Option<(Self, &str)> {
        let (name, rest) = stream.split_once('/')?;
        let numbered = || rest.split_once('/');
        match name {
            "book" => numbered().and_then(|(depth, symbol)| Some((Self::Book(depth.parse().ok()?), symbol))),
            "ohlc" => numbered().and_then(|(minutes, symbol)| Some((Self::Ohlc(minutes.parse().ok()?), symbol))),
            "trade" => Some((Self::Trade, rest)),
            "ticker" => Some((Self::Ticker, rest)),
            _ => None,
        }
    }

    /// Returns whether a snapshot is sent by default.
    pub(super) fn has_snapshot(self) -> bool {
        self != Self::Trade
    }

    /// Returns the `result` of an acknowledgement.
    pub(super) fn result(self, symbol: Option<&str>, parameters: &Value, with_snapshot: bool) -> Value {
        let mut result = json!({ "channel": self.name(), "snapshot": with_snapshot });
        if let Some(symbol) = symbol {
            result["symbol"] = symbol.into();
        }
        match self {
            Self::Book(depth) => result["depth"] = depth.into(),
            Self::Ohlc(minutes) => {
                result["interval"] = minutes.into();
                result["warnings"] = json!(["timestamp is deprecated, use interval_begin"]);
            }
            Self::Ticker => {
                let trigger = parameters.get("event_trigger").and_then(Value::as_str).unwrap_or("trades");
                result["event_trigger"] = trigger.into();
            }
            _ => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_venue_has() {
        for (parameters, expected) in [
            (json!({"channel":"book"}), Ok(Channel::Book(10))),
            (json!({"channel":"book","depth":1000}), Ok(Channel::Book(1_000))),
            (json!({"channel":"book","depth":20}), Err("depth")),
            (json!({"channel":"book","depth":"25"}), Err("depth")),
            (json!({"channel":"ohlc","interval":60}), Ok(Channel::Ohlc(60))),
            (json!({"channel":"ohlc","interval":2}), Err("interval")),
            (json!({"channel":"ticker","event_trigger":"bbo"}), Ok(Channel::Ticker)),
            (json!({"channel":"ticker","event_trigger":"x"}), Err("trigger")),
            (json!({"channel":"executions"}), Err("ws-auth")),
            (json!({"channel":"spread"}), Err("spread")),
            (json!({}), Err("missing")),
        ] {
            match (Channel::read(&parameters), expected) {
                (Ok(channel), Ok(expected)) => assert_eq!(channel, expected, "{parameters}"),
                (Err(words), Err(part)) => assert!(words.contains(part), "{words}"),
                (found, _) => panic!("{parameters}: {found:?}"),
            }
        }
    }

    #[test]
    fn streams_have_names() {
        for channel in [Channel::Book(25), Channel::Trade, Channel::Ticker, Channel::Ohlc(5)] {
            assert_eq!(Channel::of_stream(&channel.stream("BTC/USD")), Some((channel, "BTC/USD")));
        }
        assert_eq!(Channel::of_stream("book/x/BTC/USD"), None);
    }
}
