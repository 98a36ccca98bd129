//! The channels' payloads, field for field, borrowed from the frame.
//!
//! Source: <https://docs.kraken.com/api/docs/websocket-v2/book>, `/trade`, `/ticker`, `/ohlc`, `/status`. Unread fields
//! are left out; unknown ones are ignored, missing or mistyped ones are errors. Numbers are bare JSON numbers whose
//! trailing zeros matter, so they are read as text and never pass through `f64`. Seconds with a fraction, used by the
//! venue in REST, are parsed here too, exact to the nanosecond. Not here: which payload a frame contains
//! ([`super::frame`]), instruments ([`super::answers`]).

use std::{borrow::Cow, fmt};

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, DayStatistics, Level, Quote},
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::kit::{
    number::{any_price, any_quantity},
    strict_json::Object,
    utc_time::{UtcTime, fraction_nanos},
};

/// A book, whole or its changed levels; absolute quantities, zero removes. The checksum is that of the best ten levels
/// a side after it. Recordings of 2024 have no time in snapshots.
///
/// ```json
/// {"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":0.00000000}],"asks":[],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenBookEntry<'a> {
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(default, deserialize_with = "levels")]
    pub(super) bids: Vec<Level>,
    #[serde(default, deserialize_with = "levels")]
    pub(super) asks: Vec<Level>,
    pub(super) checksum: u32,
    #[serde(default)]
    pub(super) timestamp: Option<UtcTime>,
}

/// A trade. Its number rises by one with each trade of the symbol.
///
/// ```json
/// {"symbol":"BTC/USD","side":"buy","price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":109116693,"timestamp":"2026-09-25T17:48:26.844359Z"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenTrade<'a> {
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) side: Cow<'a, str>,
    #[serde(deserialize_with = "plain_price")]
    pub(super) price: Price,
    #[serde(rename = "qty", deserialize_with = "plain_quantity")]
    pub(super) quantity: Quantity,
    pub(super) trade_id: u64,
    pub(super) timestamp: UtcTime,
}

impl KrakenTrade<'_> {
    /// Returns the side that took liquidity: the venue names the taker's.
    pub(super) fn aggressor_side(&self) -> AggressorSide {
        match self.side.as_ref() {
            "buy" => AggressorSide::Buyer,
            "sell" => AggressorSide::Seller,
            _ => AggressorSide::Unknown,
        }
    }
}

/// Best bid and ask with statistics of 24 hours. Older recordings have no time.
///
/// ```json
/// {"symbol":"BTC/USD","bid":83744.2,"bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,"volume":3156.84782110,
/// "vwap":84174.6,"low":83163.6,"high":85247.4,"change":-429.3,"change_pct":-0.51,"trades":135262,"timestamp":"2026-09-25T17:48:26.844359Z"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenTicker<'a> {
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(deserialize_with = "any_price")]
    bid: Price,
    #[serde(rename = "bid_qty", deserialize_with = "any_quantity")]
    bid_size: Quantity,
    #[serde(deserialize_with = "any_price")]
    ask: Price,
    #[serde(rename = "ask_qty", deserialize_with = "any_quantity")]
    ask_size: Quantity,
    #[serde(deserialize_with = "any_price")]
    last: Price,
    #[serde(deserialize_with = "any_quantity")]
    volume: Quantity,
    #[serde(deserialize_with = "any_price")]
    low: Price,
    #[serde(deserialize_with = "any_price")]
    high: Price,
    #[serde(deserialize_with = "any_price")]
    change: Price,
    #[serde(default)]
    pub(super) timestamp: Option<UtcTime>,
}

impl KrakenTicker<'_> {
    /// Returns best bid and ask. The venue writes an empty side as zero.
    pub(super) fn quote(&self) -> Quote {
        Quote { bid: Level::quoted(self.bid, self.bid_size), ask: Level::quoted(self.ask, self.ask_size) }
    }

    /// Returns the statistics; the first price of the window is the last one less the change.
    pub(super) fn day(&self) -> Option<DayStatistics> {
        // Without a last price the change is of nothing.
        let open = if self.last.is_zero() { self.last } else { self.last.checked_sub(self.change)? };
        Some(DayStatistics::published([open, self.high, self.low, self.last], Some(self.volume)))
    }
}

/// A candle. `timestamp` is its end and is not read. Minutes without trades have none, and none is reported as closed.
///
/// ```json
/// {"symbol":"BTC/USD","open":83729.5,"high":83745.2,"low":83729.4,"close":83744.3,"trades":33,"volume":0.21155628,"vwap":83736.4,
///  "interval_begin":"2026-09-25T17:48:00.000000000Z","interval":1,"timestamp":"2026-09-25T17:49:00.000000Z"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenBar<'a> {
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(deserialize_with = "any_price")]
    open: Price,
    #[serde(deserialize_with = "any_price")]
    high: Price,
    #[serde(deserialize_with = "any_price")]
    low: Price,
    #[serde(deserialize_with = "any_price")]
    close: Price,
    #[serde(deserialize_with = "any_quantity")]
    volume: Quantity,
    interval_begin: UtcTime,
    interval: u32,
}

impl KrakenBar<'_> {
    /// Returns the candle; `None` for unknown lengths and for one that begins between two candles.
    pub(super) fn candle(&self) -> Option<(Interval, Candle)> {
        let interval = interval_of_minutes(self.interval)?;
        let open_time = self.interval_begin.0;
        let candle = Candle {
            open_time,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
            buy_volume: None,
        };
        (interval.open_time(open_time) == open_time).then_some((interval, candle))
    }
}

/// State of the whole venue, sent on connecting and when it changes. `connection_id` exceeds `i64::MAX` and is not
/// read.
///
/// ```json
/// {"version":"2.0.10","system":"online","api_version":"v2","connection_id":18125794168470749634,"upcoming_maintenance":[],"emergency":[]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenStatus<'a> {
    #[serde(borrow)]
    pub(super) system: Cow<'a, str>,
}

/// Returns the venue's number of minutes for our interval; `None` for one it does not have.
pub(super) fn minutes_of_interval(interval: Interval) -> Option<u32> {
    match interval {
        Interval::S1 => None,
        Interval::M1 => Some(1),
        Interval::M5 => Some(5),
        Interval::M15 => Some(15),
        Interval::M30 => Some(30),
        Interval::H1 => Some(60),
        Interval::H4 => Some(240),
        Interval::D1 => Some(1_440),
    }
}

fn interval_of_minutes(minutes: u32) -> Option<Interval> {
    Interval::ALL.into_iter().find(|interval| minutes_of_interval(*interval) == Some(minutes))
}

/// Reads `[{"price":…,"qty":…},…]` directly into the model's rows.
fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Level>, D::Error> {
    #[derive(Deserialize)]
    struct KrakenLevel {
        #[serde(deserialize_with = "plain_price")]
        price: Price,
        #[serde(rename = "qty", deserialize_with = "plain_quantity")]
        quantity: Quantity,
    }

    struct Rows;

    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<Level>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of levels")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Level>, A::Error> {
            let mut rows = Vec::new();
            while let Some(Object(KrakenLevel { price, quantity })) = seq.next_element()? {
                rows.push(Level { price, quantity });
            }
            Ok(rows)
        }
    }

    deserializer.deserialize_seq(Rows)
}

/// Reads a plain positive number with every digit, which the checksum needs.
fn plain_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let price = Price::parse(digits(deserializer)?).map_err(de::Error::custom)?;
    if price.is_zero() || price.is_negative() {
        return Err(de::Error::custom("a price that is not above zero"));
    }
    Ok(price)
}

/// Reads a plain number with every digit.
fn plain_quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    Quantity::parse(digits(deserializer)?).map_err(de::Error::custom)
}

/// Returns the text of a value as in the frame.
fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    <&RawValue>::deserialize(deserializer).map(RawValue::get)
}

/// Parses seconds since the epoch with a fraction, as plain decimal text; digits after the ninth are cut off.
pub(super) fn parse_seconds(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(seconds) || !is_plain(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let fraction = fraction_nanos(&fraction.as_bytes()[..fraction.len().min(9)])?;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction).map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bids: &str) -> Result<KrakenBookEntry<'static>, serde_json::Error> {
        let text = format!(r#"{{"symbol":"AAA/BBB","bids":{bids},"asks":[],"checksum":1}}"#);
        serde_json::from_str::<KrakenBookEntry<'_>>(&text)
            .map(|entry| KrakenBookEntry { symbol: entry.symbol.into_owned().into(), ..entry })
    }

    #[test]
    fn levels_keep_digits_and_order() {
        let entry =
            entry(r#"[{"price":1.50,"qty":2.0},{"qty":0.00000000,"price":1.4},{"price":1.4,"qty":7,"new":[]}]"#);
        let shown: Vec<String> =
            entry.unwrap().bids.iter().map(|row| format!("{}x{}", row.price, row.quantity)).collect();
        assert_eq!(shown, ["1.50x2.0", "1.4x0.00000000", "1.4x7"]);
    }

    #[test]
    fn unusable_levels_are_errors() {
        for rows in [
            "{}",
            "[[]]",
            "[[1,2]]",
            r#"[{"price":1}]"#,
            r#"[{"price":"1","qty":1}]"#,
            r#"[{"price":1,"qty":"1"}]"#,
            r#"[{"price":1e5,"qty":1}]"#,
            r#"[{"price":1,"qty":1e-08}]"#,
            r#"[{"price":0.0,"qty":1}]"#,
            r#"[{"price":-1,"qty":1}]"#,
            r#"[{"price":1,"qty":-1}]"#,
            r#"[{"price":01,"qty":1}]"#,
            r#"[{"price":NaN,"qty":1}]"#,
            r#"[{"price":null,"qty":1}]"#,
            r#"[{"price":1,"price":2,"qty":1}]"#,
            r#"[{"price":99999999999999999999999999999999,"qty":1}]"#,
        ] {
            assert!(entry(rows).is_err(), "{rows}");
        }
    }

    #[test]
    fn checksums_are_unsigned_and_of_32_bits() {
        for (checksum, is_valid) in [("4294967295", true), ("4294967296", false), ("-1", false), ("\"1\"", false)] {
            let text = format!(r#"{{"symbol":"AAA/BBB","checksum":{checksum}}}"#);
            assert_eq!(serde_json::from_str::<KrakenBookEntry<'_>>(&text).is_ok(), is_valid, "{checksum}");
        }
    }

    #[test]
    fn the_window_opened_at_last_less_change() {
        let text = |bid: &str| {
            format!(
                r#"{{"symbol":"AAA/BBB","bid":{bid},"bid_qty":0.5,"ask":83744.3,"ask_qty":1e-08,"last":83744.3,"volume":3156.8,
                "low":83163.6,"high":85247.4,"change":-429.3,"change_pct":-0.51}}"#
            )
        };
        let text_of_one = text("83744.20");
        let ticker: KrakenTicker<'_> = serde_json::from_str(&text_of_one).unwrap();
        assert_eq!(ticker.day().unwrap().open.unwrap().to_string(), "84173.6");
        let (bid, ask) = (ticker.quote().bid.unwrap(), ticker.quote().ask.unwrap());
        assert_eq!((bid.price.to_string(), ask.quantity.to_string()), ("83744.20".into(), "0.00000001".into()));
        let no_bid = serde_json::from_str::<KrakenTicker<'_>>(&text("0.0")).unwrap().quote();
        assert_eq!(no_bid, Quote { bid: None, ask: Some(ask) });
        assert!(serde_json::from_str::<KrakenTicker<'_>>(&text("null")).is_err());
    }

    #[test]
    fn bars_begin_at_interval_begin() {
        #[track_caller]
        fn check(minutes: u32, begin: &str, is_ours: bool) {
            let text = format!(
                r#"{{"symbol":"A/B","open":1.0,"high":2.0,"low":1.0,"close":2.0,"trades":3,"volume":5.0,"vwap":1.5,
                "interval_begin":"{begin}","interval":{minutes},"timestamp":"2026-09-25T17:49:00.000000Z"}}"#
            );
            let bar: KrakenBar<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(bar.candle().is_some_and(|(_, candle)| candle.open_time == bar.interval_begin.0), is_ours);
        }
        check(1, "2026-09-25T17:48:00.000000000Z", true);
        check(1_440, "2026-09-25T00:00:00Z", true);
        check(1_440, "2026-09-25T08:00:00Z", false);
        check(30, "2026-09-25T17:30:00Z", true);
        check(10, "2026-09-25T17:40:00Z", false);
        check(10_080, "2026-09-24T00:00:00Z", false);
    }

    #[test]
    fn unknown_sides_are_no_side() {
        for (side, expected) in
            [("buy", AggressorSide::Buyer), ("sell", AggressorSide::Seller), ("both", AggressorSide::Unknown)]
        {
            let text = format!(
                r#"{{"symbol":"A/B","side":"{side}","price":1.0,"qty":1,"trade_id":1,"timestamp":"2026-09-25T17:48:26Z"}}"#
            );
            assert_eq!(serde_json::from_str::<KrakenTrade<'_>>(&text).unwrap().aggressor_side(), expected);
        }
    }

    #[test]
    fn seconds_with_a_fraction() {
        for (text, expected) in [
            ("1790359841.1382287", Some(1_790_359_841_138_228_700)),
            ("1790359841", Some(1_790_359_841_000_000_000)),
            ("1790359841.12345678901", Some(1_790_359_841_123_456_789)),
            ("-1", None),
            ("1e9", None),
            (".5", None),
            ("1.", None),
            ("99999999999999999999", None),
            ("9999999999999", None),
        ] {
            assert_eq!(parse_seconds(text).map(Timestamp::as_nanos), expected, "{text}");
        }
    }
}
