//! REST requests, and the contents of their answers.
//!
//! Source: <https://finnhub.io/docs/api/quote>, `/crypto-candles`. The shell adds the token as a header. Not here: when
//! a request may be sent ([`crate::kit::requests`]).

use std::borrow::Cow;

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::DayStatistics,
    time::Timestamp,
};
use serde::Deserialize;

use crate::kit::{
    number::{any_price, any_quantity, positive_price},
    requests::RestRequest,
};

/// Requests day statistics.
pub(super) fn quote(symbol: &str) -> RestRequest {
    RestRequest::get("/api/v1/quote", vec![("symbol", symbol.to_owned())], 1)
}

/// Requests the newest candles; `None` for intervals that the venue does not have. Four hours are built from hours.
pub(super) fn candles(symbol: &str, interval: Interval, n_bars: usize, now: Timestamp) -> Option<RestRequest> {
    let resolution = match interval {
        Interval::M1 => "1",
        Interval::M5 => "5",
        Interval::M15 => "15",
        Interval::M30 => "30",
        Interval::H1 | Interval::H4 => "60",
        Interval::D1 => "D",
        Interval::S1 => return None,
    };
    let path = match symbol.split_once(':') {
        None => "/api/v1/stock/candle",
        Some(("OANDA" | "FXCM" | "FOREX" | "IC MARKETS", _)) => "/api/v1/forex/candle",
        Some(_) => "/api/v1/crypto/candle",
    };
    let to_s = now.as_millis() / 1_000;
    let length_s = i64::try_from(interval.duration().as_secs()).ok()?;
    let mut from_s = to_s - length_s.checked_mul(i64::try_from(n_bars).ok()?)?;
    if interval == Interval::H4 {
        // The first candle is built from all its hours.
        from_s = from_s.div_euclid(length_s).checked_add(1)?.checked_mul(length_s)?;
    }
    let query = vec![
        ("symbol", symbol.to_owned()),
        ("resolution", resolution.to_owned()),
        ("from", from_s.to_string()),
        ("to", to_s.to_string()),
    ];
    Some(RestRequest::get(path, query, 1))
}

/// Returns true for a body that says that the plan does not include what was requested. The status is usually 403, but
/// also 401 or 200.
///
/// ```json
/// {"error":"You don't have access to this resource."}
/// ```
pub(super) fn is_not_in_plan(body: &str) -> bool {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        error: Cow<'a, str>,
    }
    let is_refusal = body.len() <= LONGEST_REFUSAL && body.contains("\"error\"");
    let Some(refusal) = is_refusal.then(|| serde_json::from_str::<Refusal<'_>>(body).ok()).flatten() else {
        return false;
    };
    let words = refusal.error.to_lowercase();
    ["access to this resource", "premium", "subscription plan", "your plan", "upgrade"]
        .iter()
        .any(|part| words.contains(part))
}

/// Longest body that may be a refusal, in bytes.
const LONGEST_REFUSAL: usize = 1_000;

/// Day statistics. All are zero for an unknown symbol.
///
/// ```json
/// {"c":261.74,"d":1.1,"dp":0.42,"h":263.31,"l":260.68,"o":261.07,"pc":259.45,"t":1582641000}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct FinnhubQuote {
    #[serde(rename = "c", deserialize_with = "any_price")]
    current: Price,
    #[serde(rename = "h", deserialize_with = "any_price")]
    high: Price,
    #[serde(rename = "l", deserialize_with = "any_price")]
    low: Price,
    #[serde(rename = "pc", deserialize_with = "any_price")]
    previous_close: Price,
    #[serde(rename = "t")]
    time_s: i64,
}

impl FinnhubQuote {
    /// Returns true if the venue does not know the symbol.
    pub(super) fn is_unknown(&self) -> bool {
        self.current.is_zero() && self.previous_close.is_zero() && self.time_s == 0
    }

    /// Returns the time of the last trade.
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.time_s.saturating_mul(1_000))
    }

    /// Returns the last price.
    pub(super) fn last(&self) -> Price {
        self.current
    }

    /// Returns the statistics. The change is relative to the previous close, as at the venue; it states no volume.
    pub(super) fn day(&self) -> DayStatistics {
        DayStatistics::published([self.previous_close, self.high, self.low, self.current], None)
    }
}

/// Candles by columns; without data only the state is present.
///
/// ```json
/// {"c":[217.68],"h":[222.49],"l":[217.19],"o":[221.03],"s":"ok","t":[1569297600],"v":[33463820]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct FinnhubCandles {
    #[serde(rename = "o", default)]
    open: Vec<PositivePrice>,
    #[serde(rename = "h", default)]
    high: Vec<PositivePrice>,
    #[serde(rename = "l", default)]
    low: Vec<PositivePrice>,
    #[serde(rename = "c", default)]
    close: Vec<PositivePrice>,
    #[serde(rename = "v", default)]
    volume: Vec<Volume>,
    #[serde(rename = "t", default)]
    time_s: Vec<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct PositivePrice(#[serde(deserialize_with = "positive_price")] Price);

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Volume(#[serde(deserialize_with = "any_quantity")] Quantity);

impl FinnhubCandles {
    /// Returns the candles, oldest first; `None` if the columns differ in length.
    pub(super) fn candles(&self) -> Option<Vec<Candle>> {
        let n_bars = self.time_s.len();
        let prices = [&self.open, &self.high, &self.low, &self.close];
        if prices.iter().any(|column| column.len() != n_bars) || self.volume.len() != n_bars {
            return None;
        }
        let bar = |idx: usize| Candle {
            open_time: Timestamp::from_millis(self.time_s[idx].saturating_mul(1_000)),
            open: self.open[idx].0,
            high: self.high[idx].0,
            low: self.low[idx].0,
            close: self.close[idx].0,
            volume: self.volume[idx].0,
            buy_volume: None,
        };
        Some((0..n_bars).map(bar).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_asked_for_by_market_and_resolution() {
        let now = Timestamp::from_millis(1_000_000_000);
        for (symbol, interval, expected) in [
            ("AAPL", Interval::M5, Some("/api/v1/stock/candle 5")),
            ("OANDA:EUR_USD", Interval::D1, Some("/api/v1/forex/candle D")),
            ("BINANCE:BTCUSDT", Interval::H1, Some("/api/v1/crypto/candle 60")),
            ("BINANCE:BTCUSDT", Interval::M30, Some("/api/v1/crypto/candle 30")),
            ("BINANCE:BTCUSDT", Interval::H4, Some("/api/v1/crypto/candle 60")),
            ("BINANCE:BTCUSDT", Interval::S1, None),
        ] {
            let found = candles(symbol, interval, 10, now).map(|ask| format!("{} {}", ask.path, ask.query[1].1));
            assert_eq!(found.as_deref(), expected, "{symbol}");
        }
        assert_eq!(
            candles("AAPL", Interval::M1, 10, now).unwrap().query[2..],
            [("from", "999400".to_owned()), ("to", "1000000".to_owned())]
        );
        // 1,000,000 is 6,400 s into its four hours; two candles begin 14,400 s before those.
        assert_eq!(candles("AAPL", Interval::H4, 2, now).unwrap().query[2].1, "979200");
    }

    #[test]
    fn columns_become_bars() {
        let text = r#"{"c":[2,2.5],"h":[3,3],"l":[1,1],"o":[1.50,2],"s":"ok","t":[60,120],"v":[0,7.25]}"#;
        let bars = serde_json::from_str::<FinnhubCandles>(text).unwrap().candles().unwrap();
        assert_eq!((bars[0].open.to_string(), bars[1].volume.to_string()), ("1.50".into(), "7.25".into()));
        assert_eq!(bars[1].open_time.as_millis(), 120_000);
        let none = serde_json::from_str::<FinnhubCandles>(r#"{"s":"no_data"}"#).unwrap().candles();
        assert_eq!(none.map(|bars| bars.len()), Some(0));
        let odd =
            serde_json::from_str::<FinnhubCandles>(r#"{"c":[2],"h":[],"l":[1],"o":[1],"t":[60],"v":[0]}"#).unwrap();
        assert!(odd.candles().is_none());
    }

    #[test]
    fn an_unknown_symbol_is_all_zeros() {
        let unknown = r#"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#;
        assert!(serde_json::from_str::<FinnhubQuote>(unknown).unwrap().is_unknown());
        let known = r#"{"c":261.74,"d":1.1,"dp":0.42,"h":263.31,"l":260.68,"o":261.07,"pc":259.45,"t":1582641000}"#;
        let quote: FinnhubQuote = serde_json::from_str(known).unwrap();
        assert!(!quote.is_unknown());
        assert_eq!(
            (quote.day().open.unwrap().to_string(), quote.time().as_millis()),
            ("259.45".into(), 1_582_641_000_000)
        );
    }
}
