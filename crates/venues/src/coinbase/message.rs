//! The channels' payloads, field for field, borrowed from the frame.
//!
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels>. Unread fields
//! are left out; unknown ones are ignored, missing or mistyped ones are errors. Not here: which payload a frame
//! contains ([`super::frame`]). All numbers are strings; times: [`super::time`].

use std::{borrow::Cow, fmt};

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::{AggressorSide, DayStatistics, Level, Quote},
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{coinbase::rest::CoinbaseSeconds, kit::utc_time::UtcTime};

/// Kind of an event: it repeats earlier data or brings new data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CoinbaseEventKind {
    Snapshot,
    Update,
    /// A kind that the venue added later than this code.
    Unknown,
}

impl CoinbaseEventKind {
    /// Returns the kind of a name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "snapshot" => Self::Snapshot,
            "update" => Self::Update,
            _ => Self::Unknown,
        }
    }
}

impl<'de> Deserialize<'de> for CoinbaseEventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|name| Self::named(&name))
    }
}

/// The whole book of a product, or changed levels (`l2_data`): absolute quantities, zero removes.
///
/// ```json
/// {"type":"update","product_id":"AAA-USD","updates":[
///  {"side":"bid","event_time":"2026-01-02T03:04:05.170326Z","price_level":"100.01","new_quantity":"0.5"},
///  {"side":"offer","event_time":"2026-01-02T03:04:05.170326Z","price_level":"100.02","new_quantity":"0"}]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseBookEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: CoinbaseEventKind,
    #[serde(borrow)]
    pub(super) product_id: Cow<'a, str>,
    pub(super) updates: CoinbaseLevels,
}

/// Levels by side, in their original order.
#[derive(Debug, Default)]
pub(super) struct CoinbaseLevels {
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
    /// Levels of a side that is neither `bid` nor `offer`; they are in neither list.
    pub(super) n_unknown: usize,
    /// The last level's time.
    pub(super) event_time: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for CoinbaseLevels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = CoinbaseLevels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of changed levels")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<CoinbaseLevels, A::Error> {
                let mut levels = CoinbaseLevels::default();
                let mut last_time = None;
                while let Some(row) = seq.next_element::<WireLevel<'de>>()? {
                    match row.side {
                        Side::Bid => levels.bids.push(row.level),
                        Side::Offer => levels.asks.push(row.level),
                        Side::Unknown => levels.n_unknown += 1,
                    }
                    last_time = row.event_time;
                }
                // Only the last time is read: a snapshot has tens of thousands of equal ones.
                levels.event_time = last_time.and_then(|text| UtcTime::parse(&text)).map(|UtcTime(time)| time);
                Ok(levels)
            }
        }

        deserializer.deserialize_seq(Rows)
    }
}

/// One element of `updates`, without an allocation.
struct WireLevel<'a> {
    side: Side,
    level: Level,
    event_time: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for WireLevel<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "snake_case")]
        enum Field {
            Side,
            EventTime,
            PriceLevel,
            NewQuantity,
            #[serde(other)]
            Other,
        }

        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = WireLevel<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a side, a price and a quantity")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireLevel<'de>, A::Error> {
                let (mut side, mut price, mut quantity, mut event_time) = (None, None, None, None);
                while let Some(field) = map.next_key()? {
                    let is_new = match field {
                        Field::Side => side.replace(map.next_value::<Side>()?).is_none(),
                        Field::PriceLevel => price.replace(map.next_value::<Price>()?).is_none(),
                        Field::NewQuantity => quantity.replace(map.next_value::<Quantity>()?).is_none(),
                        Field::EventTime => event_time.replace(map.next_value::<Text<'de>>()?.0).is_none(),
                        Field::Other => map.next_value::<IgnoredAny>().map(|IgnoredAny| true)?,
                    };
                    if !is_new {
                        return Err(de::Error::custom("a field that comes twice"));
                    }
                }
                let side = side.ok_or_else(|| de::Error::missing_field("side"))?;
                let price = price.ok_or_else(|| de::Error::missing_field("price_level"))?;
                let quantity = quantity.ok_or_else(|| de::Error::missing_field("new_quantity"))?;
                if price.is_zero() || price.is_negative() {
                    return Err(de::Error::custom("a price that is not above zero"));
                }
                Ok(WireLevel { side, level: Level { price, quantity }, event_time })
            }
        }

        deserializer.deserialize_map(Row)
    }
}

/// A text that is borrowed if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A level's side. The venue's older texts and other programs say `ask`: the feed never did, so it is unknown here.
#[derive(Clone, Copy)]
enum Side {
    Bid,
    Offer,
    Unknown,
}

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Side;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a side")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Side, E> {
                Ok(match text {
                    "bid" => Side::Bid,
                    "offer" => Side::Offer,
                    _ => Side::Unknown,
                })
            }
        }

        deserializer.deserialize_str(Word)
    }
}

/// Trades (`market_trades`), newest first.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseTradesEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: CoinbaseEventKind,
    #[serde(borrow)]
    pub(super) trades: Vec<CoinbaseTrade<'a>>,
}

/// A trade; `side` is the maker's.
///
/// ```json
/// {"product_id":"AAA-USD","trade_id":"1068","price":"100.02","size":"0.01","time":"2026-01-02T03:04:05.167634Z","side":"SELL"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseTrade<'a> {
    #[serde(borrow)]
    pub(super) product_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) trade_id: Cow<'a, str>,
    #[serde(deserialize_with = "positive_price")]
    pub(super) price: Price,
    pub(super) size: Quantity,
    pub(super) time: UtcTime,
    pub(super) side: MakerSide,
}

/// The side of the resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MakerSide {
    Buy,
    Sell,
    /// Neither; the venue has a word for "unknown".
    Unknown,
}

impl MakerSide {
    /// Returns the side of a name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "BUY" => Self::Buy,
            "SELL" => Self::Sell,
            _ => Self::Unknown,
        }
    }

    /// Returns the side that took liquidity: if the resting order was a seller's, a buyer crossed the spread.
    pub(super) fn aggressor_side(self) -> AggressorSide {
        match self {
            Self::Buy => AggressorSide::Seller,
            Self::Sell => AggressorSide::Buyer,
            Self::Unknown => AggressorSide::Unknown,
        }
    }
}

impl<'de> Deserialize<'de> for MakerSide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|name| Self::named(&name))
    }
}

/// Statistics of products (`ticker`, `ticker_batch`).
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseTickerEvent<'a> {
    #[serde(borrow)]
    pub(super) tickers: Vec<CoinbaseTicker<'a>>,
}

/// Last price, statistics of 24 hours, best bid and ask (not in `ticker_batch`). Unknown values are empty text; a
/// product that has never traded has an empty or a zero price.
///
/// ```json
/// {"type":"ticker","product_id":"AAA-USD","price":"100.02","volume_24_h":"2867.5","low_24_h":"99","high_24_h":"101.5",
///  "low_52_w":"50","high_52_w":"150","price_percent_chg_24_h":"0.096","best_bid":"100.01","best_ask":"100.02",
///  "best_bid_quantity":"0.2","best_ask_quantity":"0.15"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseTicker<'a> {
    #[serde(borrow)]
    pub(super) product_id: Cow<'a, str>,
    #[serde(default, deserialize_with = "known_price")]
    price: Option<Price>,
    #[serde(rename = "volume_24_h", default, deserialize_with = "known_quantity")]
    volume: Option<Quantity>,
    #[serde(rename = "low_24_h", default, deserialize_with = "known_price")]
    low: Option<Price>,
    #[serde(rename = "high_24_h", default, deserialize_with = "known_price")]
    high: Option<Price>,
    #[serde(rename = "price_percent_chg_24_h", default, deserialize_with = "known_price")]
    change_percent: Option<Price>,
    #[serde(rename = "best_bid", default, deserialize_with = "known_price")]
    bid: Option<Price>,
    #[serde(rename = "best_bid_quantity", default, deserialize_with = "known_quantity")]
    bid_size: Option<Quantity>,
    #[serde(rename = "best_ask", default, deserialize_with = "known_price")]
    ask: Option<Price>,
    #[serde(rename = "best_ask_quantity", default, deserialize_with = "known_quantity")]
    ask_size: Option<Quantity>,
}

impl CoinbaseTicker<'_> {
    /// Returns best bid and ask; `None` if the ticker has neither. A side without orders is zero or empty text.
    pub(super) fn quote(&self) -> Option<Quote> {
        let side = |price: Option<Price>, size: Option<Quantity>| Level::quoted(price?, size?);
        let quote = Quote { bid: side(self.bid, self.bid_size), ask: side(self.ask, self.ask_size) };
        (quote != Quote::default()).then_some(quote)
    }

    /// Returns statistics of 24 hours, as far as known; `None` without a last price.
    pub(super) fn day(&self) -> Option<DayStatistics> {
        let last = self.price.filter(|price| is_positive(*price))?;
        Some(day(last, self.change_percent, (self.low, self.high), self.volume))
    }
}

/// Returns statistics of 24 hours; the first price, which the venue does not send, follows from the last one and the
/// change.
pub(super) fn day(
    last: Price,
    change_percent: Option<Price>,
    (low, high): (Option<Price>, Option<Price>),
    volume: Option<Quantity>,
) -> DayStatistics {
    let known = |price: Option<Price>| price.filter(|price| is_positive(*price));
    let open = known(change_percent.and_then(|percent| first_price(last, percent)));
    DayStatistics { open, high: known(high), low: known(low), last: Some(last), volume }
}

/// Returns the price that became `last` by `percent`, with at least [`FIRST_PRICE_DIGITS`] decimal places: the venue's
/// percentage has enough digits for that, so the result is the price it was computed from. Integers throughout.
fn first_price(last: Price, percent: Price) -> Option<Price> {
    let scale = last.scale().max(FIRST_PRICE_DIGITS);
    let whole = 10_i128.checked_pow(percent.scale().checked_add(2)?)?;
    let divisor = whole.checked_add(percent.mantissa())?;
    if divisor <= 0 {
        return None;
    }
    let last = Some(last.at_scale(scale)).filter(|last| last.scale() == scale)?;
    let product = last.mantissa().checked_mul(whole)?;
    let rounded = product.checked_add(divisor / 2)?.div_euclid(divisor);
    let price = Price::from_mantissa(rounded, scale)?;
    Some(price.at_scale(price.significant_scale()))
}

/// Candles of five minutes (`candles`), in no reliable order.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseCandlesEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: CoinbaseEventKind,
    #[serde(borrow)]
    pub(super) candles: Vec<CoinbaseChannelCandle<'a>>,
}

/// A candle of the channel, which names its product.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseChannelCandle<'a> {
    #[serde(borrow)]
    pub(super) product_id: Cow<'a, str>,
    start: CoinbaseSeconds,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: Quantity,
}

impl CoinbaseChannelCandle<'_> {
    /// Converts it to the model's type.
    pub(super) fn candle(&self) -> Candle {
        let Self { start, open, high, low, close, volume, .. } = *self;
        Candle { open_time: start.0, open, high, low, close, volume, buy_volume: None }
    }
}

/// A price above zero.
pub(super) fn positive_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let price = Price::deserialize(deserializer)?;
    if is_positive(price) { Ok(price) } else { Err(de::Error::custom("a price that is not above zero")) }
}

/// Returns true above zero.
fn is_positive(price: Price) -> bool {
    !price.is_zero() && !price.is_negative()
}

/// Reads a price, a difference or a percentage; empty text gives `None`.
pub(super) fn known_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Price>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { Price::parse(&text).map(Some).map_err(de::Error::custom) }
}

/// Reads a quantity; empty text gives `None`.
pub(super) fn known_quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Quantity>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { Quantity::parse(&text).map(Some).map_err(de::Error::custom) }
}

/// Minimum decimal places to which a first price is computed; trailing zeros are removed.
const FIRST_PRICE_DIGITS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rows: &str) -> Result<CoinbaseLevels, serde_json::Error> {
        serde_json::from_str(&format!("[{rows}]"))
    }

    const BID: &str =
        r#"{"side":"bid","event_time":"2026-01-02T03:04:05.000001Z","price_level":"1.50","new_quantity":"2.0"}"#;

    #[test]
    fn levels_keep_digits_order_and_the_last_time() {
        let offer = BID.replace("bid", "offer").replace("1.50", "1.6").replace("000001Z", "25Z");
        let found = levels(&format!("{BID},{offer},{BID}")).unwrap();
        let shown: Vec<String> =
            found.bids.iter().chain(&found.asks).map(|row| format!("{}x{}", row.price, row.quantity)).collect();
        assert_eq!(shown, ["1.50x2.0", "1.50x2.0", "1.6x2.0"]);
        assert_eq!((found.n_unknown, found.event_time.map(Timestamp::as_micros)), (0, Some(1_767_323_045_000_001)));
    }

    #[test]
    fn the_word_ask_is_no_side() {
        for word in ["ask", "Bid", "OFFER", "", "sell"] {
            let found = levels(&format!("{BID},{}", BID.replace("bid", word))).unwrap();
            assert_eq!((found.bids.len(), found.asks.len(), found.n_unknown), (1, 0, 1), "{word}");
        }
    }

    #[test]
    fn unusable_levels_are_errors() {
        for bad in [
            "{}".to_owned(),
            r#"["bid","2026-01-02T03:04:05Z","1","2"]"#.to_owned(),
            BID.replace("\"1.50\"", "1.50"),
            BID.replace("1.50", "0"),
            BID.replace("1.50", "-1"),
            BID.replace("1.50", "1e5"),
            BID.replace("2.0", "-2.0"),
            BID.replace("2.0", "NaN"),
            BID.replace("\"bid\"", "7"),
            BID.replace("side", "edge"),
            BID.replace("price_level", "price"),
            BID.replace("\"side\"", "\"side\":\"bid\",\"side\""),
        ] {
            assert!(levels(&bad).is_err(), "{bad}");
        }
        assert!(levels(&BID.replace("\"side\"", "\"extra\":[[{}]],\"side\"")).is_ok());
    }

    #[test]
    fn the_maker_stood_on_the_other_side() {
        for (word, expected) in
            [("SELL", AggressorSide::Buyer), ("BUY", AggressorSide::Seller), ("X", AggressorSide::Unknown)]
        {
            let side: MakerSide = serde_json::from_str(&format!("\"{word}\"")).unwrap();
            assert_eq!(side.aggressor_side(), expected, "{word}");
        }
    }

    #[test]
    fn the_first_price_follows_from_last_and_change() {
        #[track_caller]
        fn check(last: &str, percent: &str, expected: Option<&str>) {
            let found = first_price(Price::parse(last).unwrap(), Price::parse(percent).unwrap());
            assert_eq!(found.map(|price| price.to_string()).as_deref(), expected, "{last} {percent}");
        }
        check("110", "10", Some("100"));
        check("65086.18", "0.09601107287722", Some("65023.75"));
        check("0.00000001", "-50", Some("0.00000002"));
        check("50", "-50.0", Some("100"));
        check("1", "-100", None);
        check("1", "-100.1", None);
        check("1", "0.0000000000000000000000000001", Some("1"));
        check("79228162514264337593543950335", "1", None);
    }

    #[test]
    fn tickers_without_a_side_or_a_figure() {
        let text = r#"{"type":"ticker","product_id":"A-USD","price":"110","volume_24_h":"5","low_24_h":"90","high_24_h":"120",
            "price_percent_chg_24_h":"10","best_bid":"109","best_bid_quantity":"1","best_ask":"111","best_ask_quantity":"2"}"#;
        let read = |text: &str| -> (Option<String>, Option<String>) {
            let ticker: CoinbaseTicker<'_> = serde_json::from_str(text).unwrap();
            let shown = |side: Option<Level>| side.map_or_else(|| "-".to_owned(), |level| level.price.to_string());
            let quote = ticker.quote().map(|quote| format!("{}/{}", shown(quote.bid), shown(quote.ask)));
            (quote, ticker.day().and_then(|day| day.open).map(|open| open.to_string()))
        };
        assert_eq!(read(text), (Some("109/111".into()), Some("100".into())));
        assert_eq!(read(&text.replace("\"109\"", "\"\"")), (Some("-/111".into()), Some("100".into())));
        assert_eq!(read(&text.replace("\"111\"", "\"0\"")), (Some("109/-".into()), Some("100".into())));
        assert_eq!(read(&text.replace("\"10\"", "\"\"")), (Some("109/111".into()), None));
        assert_eq!(read(&text.replace("\"110\"", "\"\"")), (Some("109/111".into()), None));
        assert_eq!(read(&text.replace("\"110\"", "\"0\"")), (Some("109/111".into()), None));
        assert_eq!(read(&text.replace("\"price\":\"110\",", "")), (Some("109/111".into()), None));
        assert_eq!(read(&text.replace("best_", "other_")), (None, Some("100".into())));
    }
}
