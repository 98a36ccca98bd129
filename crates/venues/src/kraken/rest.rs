//! REST requests, and the contents of their answers.
//!
//! Source: <https://docs.kraken.com/api/docs/rest-api/get-ohlc-data> and the pages beside it. All are public and need
//! no key. Refusals have HTTP status 200. A result's key is the venue's name of the pair, not the requested one. Not
//! here: when a request may be sent ([`crate::kit::requests`]), instruments and the meaning of answers
//! ([`super::answers`]).

use std::{borrow::Cow, fmt, marker::PhantomData};

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, Quote},
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    kit::{feed_session::polled::Side, requests::RestRequest},
    kraken::{
        POLLED_LEVELS,
        answers::KrakenKey,
        message::{minutes_of_interval, parse_seconds},
    },
};

/// The class of a pair's base, which REST must be asked for by name unless it is a currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AssetClass {
    #[default]
    Currency,
    /// A tokenised stock (`AAPLx/USD`).
    Tokenized,
    /// The venue knows the pair in neither class.
    Unknown,
}

impl AssetClass {
    /// Returns the request for a pair of this class.
    pub(super) fn of(self, mut request: RestRequest) -> RestRequest {
        if self == Self::Tokenized {
            request.query.push(("asset_class", TOKENIZED.to_owned()));
        }
        request
    }
}

/// Requests everything of one class that can be traded: one body, whatever the names.
pub(super) fn asset_pairs(class: AssetClass) -> RestRequest {
    // The venue counts requests, so each weighs one.
    let mut request = class.of(RestRequest::get("/0/public/AssetPairs", Vec::new(), 1));
    if class == AssetClass::Tokenized {
        // Its name in this request alone.
        request.query.push(("aclass_base", TOKENIZED.to_owned()));
    }
    request
}

/// Requests the newest candles, the forming one last, at most 721. For a length that the venue does not have, candles
/// are built from the newest trades.
pub(super) fn bars(symbol: &str, interval: Interval) -> RestRequest {
    match minutes_of_interval(interval) {
        Some(minutes) => ask_of("/0/public/OHLC", symbol, ("interval", minutes.to_string())),
        None => ask_of("/0/public/Trades", symbol, ("count", MOST_PRINTS.to_owned())),
    }
}

/// Requests the best levels of the book, and with them best bid and ask.
pub(super) fn best_levels(symbol: &str) -> RestRequest {
    ask_of("/0/public/Depth", symbol, ("count", POLLED_LEVELS.to_string()))
}

/// Requests trades since the position of an earlier answer, or the newest.
pub(super) fn trades(symbol: &str, since: Option<&str>) -> RestRequest {
    let part = since.map_or_else(|| ("count", NEWEST_PRINTS.to_owned()), |since| ("since", since.to_owned()));
    ask_of("/0/public/Trades", symbol, part)
}

/// Requests only the newest trade.
pub(super) fn newest_trade(symbol: &str) -> RestRequest {
    ask_of("/0/public/Trades", symbol, ("count", "1".to_owned()))
}

fn ask_of(path: &'static str, symbol: &str, part: (&'static str, String)) -> RestRequest {
    RestRequest::get(path, vec![("pair", symbol.to_owned()), part], 1)
}

/// The content of a body.
#[derive(Debug)]
pub(super) enum KrakenAnswer<'a> {
    Result(&'a RawValue),
    Refused(KrakenRefusal),
}

impl<'a> KrakenAnswer<'a> {
    /// Parses `{"error":[…],"result":{…}}`. Entries that begin with `W` are warnings beside a result.
    ///
    /// # Errors
    /// The body is not such an object, or has neither.
    pub(super) fn open(body: &'a str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            error: Vec<KrakenKey<'a>>,
            #[serde(borrow, default)]
            result: Option<&'a RawValue>,
        }
        if !body.trim_start().starts_with('{') {
            return Err(de::Error::custom("no object"));
        }
        let body: Body<'_> = serde_json::from_str(body)?;
        let errors: Vec<&str> =
            body.error.iter().map(|KrakenKey(text)| text.as_ref()).filter(|text| !text.starts_with('W')).collect();
        match body.result {
            _ if !errors.is_empty() => {
                Ok(Self::Refused(KrakenRefusal { detail: errors.join(", ").chars().take(LONGEST_DETAIL).collect() }))
            }
            Some(result) => Ok(Self::Result(result)),
            None => Err(de::Error::missing_field("result")),
        }
    }
}

/// Why the venue refuses: `EQuery:Unknown asset pair`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KrakenRefusal {
    /// The venue's text.
    pub(super) detail: String,
}

impl KrakenRefusal {
    /// Returns true if the venue does not know a symbol.
    pub(super) fn is_unknown_symbol(&self) -> bool {
        self.detail.contains("Unknown asset pair")
    }

    /// Returns true if there were too many requests.
    pub(super) fn is_rate_limit(&self) -> bool {
        ["Rate limit exceeded", "Too many requests", "Throttled"].iter().any(|words| self.detail.contains(words))
    }

    /// Returns true if the venue's own service fails.
    pub(super) fn is_outage(&self) -> bool {
        ["EService:", "EGeneral:Internal error"].iter().any(|start| self.detail.starts_with(start))
    }
}

/// The only entry of a result that is not `last`, and `last`, the position after it.
#[derive(Debug)]
pub(super) struct KrakenRows<'a, T> {
    pub(super) rows: T,
    /// A number in some answers, a text in others; without quotes here.
    pub(super) last: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for KrakenRows<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = KrakenRows<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map with the rows of one pair")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KrakenRows<'de, T>, A::Error> {
                let (mut rows, mut last) = (None, None);
                while let Some(KrakenKey(key)) = map.next_key()? {
                    if key == "last" {
                        let raw = map.next_value::<&RawValue>()?.get();
                        last = Some(Cow::Borrowed(raw.trim_matches('"')));
                    } else if rows.replace(map.next_value()?).is_some() {
                        return Err(de::Error::custom("more than one pair"));
                    }
                }
                let rows = rows.ok_or_else(|| de::Error::custom("no pair"))?;
                Ok(KrakenRows { rows, last })
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// A candle: `[time in seconds, open, high, low, close, mean, volume, count]`. Minutes without trades are included,
/// with no volume.
///
/// ```json
/// [1790348400,"84001.9","84075.9","83351.5","83777.5","83714.6","159.04484404",9205]
/// ```
#[derive(Debug)]
pub(super) struct KrakenOhlcRow(pub(super) Candle);

impl<'de> Deserialize<'de> for KrakenOhlcRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = KrakenOhlcRow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bar's time, four prices, a mean and a volume")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<KrakenOhlcRow, A::Error> {
                let missing = |idx| de::Error::invalid_length(idx, &"seven members or more");
                let time: u64 = seq.next_element()?.ok_or_else(|| missing(0))?;
                let open: Price = seq.next_element()?.ok_or_else(|| missing(1))?;
                let high: Price = seq.next_element()?.ok_or_else(|| missing(2))?;
                let low: Price = seq.next_element()?.ok_or_else(|| missing(3))?;
                let close: Price = seq.next_element()?.ok_or_else(|| missing(4))?;
                let _mean: IgnoredAny = seq.next_element()?.ok_or_else(|| missing(5))?;
                let volume: Quantity = seq.next_element()?.ok_or_else(|| missing(6))?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                let seconds = i64::try_from(time).ok().filter(|seconds| *seconds < LAST_SECOND);
                let open_time = seconds.ok_or_else(|| de::Error::custom("time out of range"))?.saturating_mul(1_000);
                let open_time = Timestamp::from_millis(open_time);
                Ok(KrakenOhlcRow(Candle { open_time, open, high, low, close, volume, buy_volume: None }))
            }
        }

        deserializer.deserialize_seq(Row)
    }
}

/// A trade: `[price, quantity, time in seconds, taker's side, order type, anything, number]`. Answers before 2022 have
/// no number.
///
/// ```json
/// ["83930.30000","0.00005100",1790359840.9392912,"s","l","",109118758]
/// ```
#[derive(Debug)]
pub(super) struct KrakenRestTrade {
    pub(super) price: Price,
    pub(super) quantity: Quantity,
    pub(super) time: Timestamp,
    pub(super) aggressor_side: AggressorSide,
    pub(super) trade_id: u64,
}

impl<'de> Deserialize<'de> for KrakenRestTrade {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = KrakenRestTrade;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a print's price, quantity, time, side, type and number")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<KrakenRestTrade, A::Error> {
                let missing = |idx| de::Error::invalid_length(idx, &"seven members or more");
                let price: Price = seq.next_element()?.ok_or_else(|| missing(0))?;
                let quantity: Quantity = seq.next_element()?.ok_or_else(|| missing(1))?;
                let time: &RawValue = seq.next_element()?.ok_or_else(|| missing(2))?;
                let KrakenKey(side) = seq.next_element()?.ok_or_else(|| missing(3))?;
                let _order_type: IgnoredAny = seq.next_element()?.ok_or_else(|| missing(4))?;
                let _anything: IgnoredAny = seq.next_element()?.ok_or_else(|| missing(5))?;
                let trade_id: u64 = seq.next_element()?.ok_or_else(|| missing(6))?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                if price.is_zero() || price.is_negative() {
                    return Err(de::Error::custom("a price that is not above zero"));
                }
                let time = parse_seconds(time.get()).ok_or_else(|| de::Error::custom("time out of range"))?;
                let aggressor_side = match side.as_ref() {
                    "b" => AggressorSide::Buyer,
                    "s" => AggressorSide::Seller,
                    _ => AggressorSide::Unknown,
                };
                Ok(KrakenRestTrade { price, quantity, time, aggressor_side, trade_id })
            }
        }

        deserializer.deserialize_seq(Row)
    }
}

/// The best levels, best first: `[price, quantity, time in seconds]` each.
///
/// ```json
/// {"asks":[["105944.30000","1.000",1748640000]],"bids":[["105944.20000","0.250",1748640000]]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct KrakenRestBook {
    asks: Vec<(Price, Quantity, IgnoredAny)>,
    bids: Vec<(Price, Quantity, IgnoredAny)>,
}

impl KrakenRestBook {
    /// Returns best bid and ask; an empty side is gone.
    pub(super) fn quote(&self) -> Quote {
        let (bids, asks) = self.levels();
        Quote { bid: bids.first().copied(), ask: asks.first().copied() }
    }

    /// Returns bids and asks, best first.
    pub(super) fn levels(&self) -> (Side, Side) {
        let levels = |rows: &[(Price, Quantity, IgnoredAny)]| {
            rows.iter().filter_map(|(price, quantity, _)| Level::quoted(*price, *quantity)).collect()
        };
        (levels(&self.bids), levels(&self.asks))
    }
}

/// The venue's word for tokenised stocks.
const TOKENIZED: &str = "tokenized_asset";
/// Trades requested at first.
const NEWEST_PRINTS: &str = "100";
/// Maximum trades in one answer.
const MOST_PRINTS: &str = "1000";
/// Characters of a refusal that are kept.
const LONGEST_DETAIL: usize = 200;
/// The last second that fits a time.
const LAST_SECOND: i64 = i64::MAX / 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn opened<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, String> {
        match KrakenAnswer::open(body) {
            Ok(KrakenAnswer::Result(result)) => serde_json::from_str(result.get()).map_err(|_| "malformed".into()),
            Ok(KrakenAnswer::Refused(refusal)) => Err(refusal.detail),
            Err(_) => Err("malformed".into()),
        }
    }

    #[test]
    fn requests() {
        #[track_caller]
        fn check(ask: &RestRequest, expected: &str) {
            let query: Vec<String> = ask.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!((format!("{}?{}", ask.path, query.join("&")).as_str(), ask.weight), (expected, 1));
        }
        let tokenized = AssetClass::Tokenized;
        check(&asset_pairs(AssetClass::Currency), "/0/public/AssetPairs?");
        check(&asset_pairs(tokenized), "/0/public/AssetPairs?asset_class=tokenized_asset&aclass_base=tokenized_asset");
        check(
            &tokenized.of(best_levels("AAPLx/USD")),
            "/0/public/Depth?pair=AAPLx/USD&count=50&asset_class=tokenized_asset",
        );
        check(&AssetClass::Unknown.of(best_levels("A/B")), "/0/public/Depth?pair=A/B&count=50");
        check(&bars("BTC/USD", Interval::H4), "/0/public/OHLC?pair=BTC/USD&interval=240");
        check(&bars("BTC/USD", Interval::S1), "/0/public/Trades?pair=BTC/USD&count=1000");
        check(&best_levels("BTC/USD"), "/0/public/Depth?pair=BTC/USD&count=50");
        check(&trades("A/B", None), "/0/public/Trades?pair=A/B&count=100");
        check(&trades("A/B", Some("17")), "/0/public/Trades?pair=A/B&since=17");
        check(&newest_trade("A/B"), "/0/public/Trades?pair=A/B&count=1");
    }

    #[test]
    fn refusals_come_with_status_200() {
        #[track_caller]
        fn check(body: &str, expected: &str, kinds: [bool; 3]) {
            let Ok(KrakenAnswer::Refused(refusal)) = KrakenAnswer::open(body) else { panic!("{body}") };
            assert_eq!(refusal.detail, expected);
            assert_eq!([refusal.is_unknown_symbol(), refusal.is_rate_limit(), refusal.is_outage()], kinds, "{body}");
        }
        check(r#"{"error":["EQuery:Unknown asset pair"]}"#, "EQuery:Unknown asset pair", [true, false, false]);
        check(
            r#"{"error":["EAPI:Rate limit exceeded"],"result":{}}"#,
            "EAPI:Rate limit exceeded",
            [false, true, false],
        );
        check(
            r#"{"error":["EService:Unavailable","EService:Busy"]}"#,
            "EService:Unavailable, EService:Busy",
            [false, false, true],
        );
        check(r#"{"error":["EGeneral:Too many requests"]}"#, "EGeneral:Too many requests", [false, true, false]);
        for bad in
            ["", "[]", "5", "{}", r#"{"error":[]}"#, r#"{"error":"EService:Busy"}"#, r#"{"error":[5],"result":{}}"#]
        {
            assert!(KrakenAnswer::open(bad).is_err(), "{bad}");
        }
        assert!(matches!(
            KrakenAnswer::open(r#"{"error":["WGeneral:Old"],"result":{"A":[]}}"#),
            Ok(KrakenAnswer::Result(_))
        ));
    }

    #[test]
    fn the_only_key_that_is_not_last_counts() {
        let body = |result: &str| format!(r#"{{"error":[],"result":{result}}}"#);
        let row =
            r#"[[1790348400,"1.0","4","0.5","2","1.5","10.5",9205],[1790348460,"1","1","1","1","0.0","0.00000000",0]]"#;
        for result in
            [format!(r#"{{"XXBTZUSD":{row},"last":1790348400}}"#), format!(r#"{{"last":1790348400,"BTC/USD":{row}}}"#)]
        {
            let text = body(&result);
            let rows: KrakenRows<'_, Vec<KrakenOhlcRow>> = opened(&text).unwrap();
            assert_eq!((rows.rows.len(), rows.last.as_deref()), (2, Some("1790348400")));
            let bar = rows.rows[0].0;
            assert_eq!((bar.open_time.as_millis(), bar.close.to_string()), (1_790_348_400_000, "2".into()));
            assert_eq!(bar.volume.to_string(), "10.5");
        }
        for bad in ["{}", r#"{"last":1}"#, r#"{"A":[],"B":[]}"#, "[]", r#"{"A":[[1,"1","1","1","1","1"]]}"#] {
            assert!(opened::<KrakenRows<'_, Vec<KrakenOhlcRow>>>(&body(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn prints_have_exact_times() {
        let body = r#"{"error":[],"result":{"BTC/USD":[["83930.30000","0.00005100",1790359840.9392912,"s","l","",7],
            ["83928.00000","0.1",1790359841,"b","m","",8,"new"],["1","0.1",1790359841,"x","m","",9]],"last":"1790359841138228746"}}"#;
        let rows: KrakenRows<'_, Vec<KrakenRestTrade>> = opened(body).unwrap();
        let shown: Vec<String> = rows
            .rows
            .iter()
            .map(|row| format!("{} {} {} {:?}", row.trade_id, row.price, row.time.as_nanos(), row.aggressor_side))
            .collect();
        assert_eq!(
            shown,
            [
                "7 83930.30000 1790359840939291200 Seller",
                "8 83928.00000 1790359841000000000 Buyer",
                "9 1 1790359841000000000 Unknown"
            ]
        );
        assert_eq!(rows.last.as_deref(), Some("1790359841138228746"));
        let without_number = r#"{"error":[],"result":{"A":[["1","1",1,"s","l",""]]}}"#;
        assert!(opened::<KrakenRows<'_, Vec<KrakenRestTrade>>>(without_number).is_err());
        let free = r#"{"error":[],"result":{"A":[["0.0","1",1,"s","l","",4]]}}"#;
        assert!(opened::<KrakenRows<'_, Vec<KrakenRestTrade>>>(free).is_err());
    }

    #[test]
    fn an_empty_side_is_gone() {
        let body = |asks: &str| {
            format!(
                r#"{{"error":[],"result":{{"XBTUSDT":{{"asks":[{asks}],"bids":[["1.5","2.000",17],["1.4","1",9]]}}}}}}"#
            )
        };
        let text = body(r#"["1.60","1.000",18]"#);
        let rows: KrakenRows<'_, KrakenRestBook> = opened(&text).unwrap();
        let shown = |side: Option<Level>| side.map(|level| format!("{} {}", level.price, level.quantity));
        let quote = rows.rows.quote();
        assert_eq!((shown(quote.bid).as_deref(), shown(quote.ask).as_deref()), (Some("1.5 2.000"), Some("1.60 1.000")));
        assert_eq!(rows.rows.levels().0.len(), 2);
        let text = body("");
        let rows: KrakenRows<'_, KrakenRestBook> = opened(&text).unwrap();
        assert_eq!(rows.rows.quote(), Quote { ask: None, ..quote });
    }
}
