//! The stream's payloads, field for field, borrowed from the frame.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md>. Unread fields are left
//! out; unknown ones are ignored, missing or mistyped ones are errors. Not here: which payload a frame contains
//! ([`super::frame`]). Prices and quantities are strings with eight decimals; times are milliseconds, or microseconds
//! if the connection requested them.

use std::{borrow::Cow, fmt};

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, DayStatistics, Level, Quote},
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, SeqAccess, Visitor},
};

/// A trade (`<symbol>@trade`).
///
/// ```json
/// {"e":"trade","E":1723161255343,"s":"BTCUSDT","t":12345,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceTrade<'a> {
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "t")]
    pub(super) trade_id: u64,
    #[serde(rename = "p", deserialize_with = "positive_price")]
    pub(super) price: Price,
    #[serde(rename = "q")]
    pub(super) quantity: Quantity,
    #[serde(rename = "T")]
    pub(super) trade_time: BinanceTime,
    #[serde(rename = "m")]
    pub(super) is_buyer_maker: bool,
}

/// Trades of one taker order at one price (`<symbol>@aggTrade`).
///
/// ```json
/// {"e":"aggTrade","E":1633998523963,"s":"NKNUSDT","a":15683,"p":"0.35280000","q":"58.00000000","f":100,"l":105,"T":1633998523963,"m":false,"M":true}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceAggTrade<'a> {
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "a")]
    pub(super) aggregate_id: u64,
    #[serde(rename = "p", deserialize_with = "positive_price")]
    pub(super) price: Price,
    #[serde(rename = "q")]
    pub(super) quantity: Quantity,
    #[serde(rename = "T")]
    pub(super) trade_time: BinanceTime,
    #[serde(rename = "m")]
    pub(super) is_buyer_maker: bool,
}

/// Best bid and ask (`<symbol>@bookTicker`): no `e` and no time; recognised by its keys. An empty side is zero.
///
/// ```json
/// {"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceBookTicker<'a> {
    #[serde(rename = "u")]
    pub(super) update_id: u64,
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "b", deserialize_with = "quoted_price")]
    pub(super) bid: Price,
    #[serde(rename = "B")]
    pub(super) bid_size: Quantity,
    #[serde(rename = "a", deserialize_with = "quoted_price")]
    pub(super) ask: Price,
    #[serde(rename = "A")]
    pub(super) ask_size: Quantity,
}

impl BinanceBookTicker<'_> {
    /// Converts it to the model's type.
    pub(super) fn quote(&self) -> Quote {
        Quote { bid: Level::quoted(self.bid, self.bid_size), ask: Level::quoted(self.ask, self.ask_size) }
    }
}

/// Changed levels (`<symbol>@depth`, `<symbol>@depth@100ms`); absolute quantities, zero removes.
///
/// ```json
/// {"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceDepthUpdate<'a> {
    #[serde(rename = "E")]
    pub(super) event_time: BinanceTime,
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "U")]
    pub(super) first_update_id: u64,
    #[serde(rename = "u")]
    pub(super) final_update_id: u64,
    #[serde(rename = "b", deserialize_with = "levels")]
    pub(super) bids: Vec<Level>,
    #[serde(rename = "a", deserialize_with = "levels")]
    pub(super) asks: Vec<Level>,
}

/// The best levels (`<symbol>@depth5|10|20`, no symbol inside) and the REST snapshot (`/api/v3/depth`).
///
/// ```json
/// {"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceDepth {
    #[serde(rename = "lastUpdateId")]
    pub(super) last_update_id: u64,
    #[serde(deserialize_with = "levels")]
    pub(super) bids: Vec<Level>,
    #[serde(deserialize_with = "levels")]
    pub(super) asks: Vec<Level>,
}

/// A candle (`<symbol>@kline_<interval>`). With a time-zone suffix on the stream, days do not start at midnight UTC.
///
/// ```json
/// {"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,"s":"BNBBTC","i":"1m",
///  "o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015","v":"1000","x":false,"V":"500"}}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceKline<'a> {
    #[serde(rename = "E")]
    pub(super) event_time: BinanceTime,
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "k", borrow)]
    bar: BinanceBar<'a>,
}

#[derive(Debug, Deserialize)]
struct BinanceBar<'a> {
    #[serde(rename = "t")]
    open_time: BinanceTime,
    #[serde(rename = "i", borrow)]
    interval: Cow<'a, str>,
    #[serde(rename = "o")]
    open: Price,
    #[serde(rename = "h")]
    high: Price,
    #[serde(rename = "l")]
    low: Price,
    #[serde(rename = "c")]
    close: Price,
    #[serde(rename = "v")]
    volume: Quantity,
    #[serde(rename = "V")]
    buy_volume: Option<Quantity>,
    #[serde(rename = "x")]
    is_closed: bool,
}

impl BinanceKline<'_> {
    /// Returns the candle, and whether it is closed; `None` for unknown lengths and for days of another time zone.
    pub(super) fn candle(&self) -> Option<(Interval, Candle, bool)> {
        let bar = &self.bar;
        let interval: Interval = bar.interval.parse().ok()?;
        let open_time = bar.open_time.0;
        let candle = Candle {
            open_time,
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            buy_volume: bar.buy_volume.filter(|bought| *bought <= bar.volume),
        };
        (interval.open_time(open_time) == open_time).then_some((interval, candle, bar.is_closed))
    }
}

/// Statistics of 24 hours (`<symbol>@miniTicker`, `!miniTicker@arr`, and inside the longer `<symbol>@ticker`).
///
/// ```json
/// {"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceTicker<'a> {
    #[serde(rename = "E")]
    pub(super) event_time: BinanceTime,
    #[serde(rename = "s", borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(rename = "o")]
    open: Price,
    #[serde(rename = "h")]
    high: Price,
    #[serde(rename = "l")]
    low: Price,
    #[serde(rename = "c")]
    last: Price,
    #[serde(rename = "v")]
    volume: Quantity,
}

impl BinanceTicker<'_> {
    /// Converts it to the model's type.
    pub(super) fn day(&self) -> DayStatistics {
        DayStatistics::published([self.open, self.high, self.low, self.last], Some(self.volume))
    }
}

/// Milliseconds since the epoch, or microseconds if the number is too large for milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BinanceTime(pub(super) Timestamp);

impl BinanceTime {
    /// Returns the time that the number means; `None` if it is out of range.
    pub(super) fn from_number(number: u64) -> Option<Self> {
        let number = i64::try_from(number).ok()?;
        Some(Self(if number >= FIRST_MICROS { Timestamp::from_micros(number) } else { Timestamp::from_millis(number) }))
    }
}

impl<'de> Deserialize<'de> for BinanceTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_number(u64::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("time out of range"))
    }
}

/// Returns the side that took liquidity: if the buyer was the maker, the seller crossed the spread.
pub(super) fn aggressor_side(is_buyer_maker: bool) -> AggressorSide {
    if is_buyer_maker { AggressorSide::Seller } else { AggressorSide::Buyer }
}

/// A price above zero, or zero for a side without orders.
fn quoted_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let price = Price::deserialize(deserializer)?;
    if price.is_negative() { Err(de::Error::custom("a price below zero")) } else { Ok(price) }
}

/// A price above zero.
pub(super) fn positive_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let price = Price::deserialize(deserializer)?;
    if price.is_zero() || price.is_negative() {
        return Err(de::Error::custom("a price that is not above zero"));
    }
    Ok(price)
}

/// Reads `[["price","quantity"],…]` directly into the model's rows.
pub(super) fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Level>, D::Error> {
    struct Rows;

    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<Level>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of price and quantity pairs")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Level>, A::Error> {
            let mut rows = Vec::new();
            while let Some(row) = seq.next_element::<WireLevel<'_>>()? {
                if rows.is_empty() {
                    rows.reserve(USUAL_ROWS);
                }
                rows.push(row.level().ok_or_else(|| {
                    de::Error::custom(format_args!("{row:?} is no price above zero and a quantity from zero up"))
                })?);
            }
            Ok(rows)
        }
    }

    deserializer.deserialize_seq(Rows)
}

/// The texts of a row. They are converted where the row is stored: a decimal has four parts, and passing those from
/// function to function takes longer than reading them.
#[derive(Debug)]
struct WireLevel<'a> {
    price: WireText<'a>,
    quantity: WireText<'a>,
}

#[derive(Debug, Deserialize)]
struct WireText<'a>(#[serde(borrow)] Cow<'a, str>);

impl WireLevel<'_> {
    #[inline]
    fn level(&self) -> Option<Level> {
        let price = Price::parse(&self.price.0).ok().filter(|price| !price.is_zero() && !price.is_negative())?;
        Some(Level { price, quantity: Quantity::parse(&self.quantity.0).ok()? })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for WireLevel<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = WireLevel<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a price and a quantity")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireLevel<'de>, A::Error> {
                let price = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let quantity = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
                // Old recordings have an empty list as a third element.
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(WireLevel { price, quantity })
            }
        }

        deserializer.deserialize_seq(Row)
    }
}

/// Initial capacity of a list of levels: a usual change then moves no rows while it is read.
pub(super) const USUAL_ROWS: usize = 32;
/// From here on a number means microseconds: as milliseconds it would be after the year 5138.
const FIRST_MICROS: i64 = 100_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_keep_digits_and_order() {
        let depth: BinanceDepth = serde_json::from_str(
            r#"{"lastUpdateId":7,"bids":[["1.50","2.0"],["\u0031.4","0"]],"asks":[["1.6","3",[]]]}"#,
        )
        .unwrap();
        let shown: Vec<String> =
            depth.bids.iter().chain(&depth.asks).map(|row| format!("{}x{}", row.price, row.quantity)).collect();
        assert_eq!((depth.last_update_id, shown), (7, vec!["1.50x2.0".into(), "1.4x0".into(), "1.6x3".into()]));
    }

    #[test]
    fn unusable_levels_are_errors() {
        for rows in [
            r#"{}"#,
            r#"[["1"]]"#,
            r#"[[]]"#,
            r#"[["1",2]]"#,
            r#"[["1e5","1"]]"#,
            r#"[["0","1"]]"#,
            r#"[["-1","1"]]"#,
            r#"[["1","-1"]]"#,
            r#"[["１","1"]]"#,
            r#"[["NaN","1"]]"#,
            r#"["1","1"]"#,
        ] {
            let body = format!(r#"{{"lastUpdateId":7,"bids":{rows},"asks":[]}}"#);
            assert!(serde_json::from_str::<BinanceDepth>(&body).is_err(), "{rows}");
        }
    }

    #[test]
    fn times_in_either_unit() {
        #[track_caller]
        fn check(text: &str, expected_micros: Option<i64>) {
            let time: Option<BinanceTime> = serde_json::from_str(text).ok();
            assert_eq!(time.map(|time| time.0.as_micros()), expected_micros, "{text}");
        }
        check("1723161255208", Some(1_723_161_255_208_000));
        check("1723161255208123", Some(1_723_161_255_208_123));
        check("-1", None);
        check("1.5", None);
        check("18446744073709551615", None);
        check("\"1\"", None);
    }

    #[test]
    fn bars_of_other_lengths_or_time_zones_are_none() {
        #[track_caller]
        fn check(interval: &str, open_time_ms: i64, is_ours: bool) {
            let text = format!(
                r#"{{"E":1,"s":"A","k":{{"t":{open_time_ms},"i":"{interval}","o":"1","h":"2","l":"1","c":"2","v":"5","x":true}}}}"#
            );
            let kline: BinanceKline<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(kline.candle().is_some(), is_ours, "{interval} {open_time_ms}");
        }
        check("1m", 1_672_515_780_000, true);
        check("1d", 1_672_531_200_000, true);
        check("1d", 1_672_531_200_000 - 8 * 3_600_000, false);
        check("3m", 1_672_515_780_000, false);
        check("1M", 1_672_531_200_000, false);
    }
}
