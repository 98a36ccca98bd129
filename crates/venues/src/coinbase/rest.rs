//! REST requests, and the contents of their answers.
//!
//! Source: <https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-public-product-candles>
//! and its neighbours (`list-public-products`). All are public and need no key; each counts as one of ten a second.
//! Base and quote of an instrument come from the products only. Not here: when a request may be sent
//! ([`crate::kit::requests`]), the meaning of answers ([`super::answers`]), the effect of an alias on the stream
//! ([`super::supply`]).

use std::{borrow::Cow, time::Duration};

use model::{
    candle::{Candle, Interval},
    decimal::{Notional, Price, Quantity},
    event::{DayStatistics, Level, Quote},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de};

use crate::{
    coinbase::{
        BARS_PER_PAGE, HISTORY_PAGES, POLLED_LEVELS,
        message::{CoinbaseTrade, day, known_price, known_quantity},
    },
    kit::{feed_session::polled::Side, requests::RestRequest, utc_time::UtcTime},
};

const ROOT: &str = "/api/v3/brokerage/market";

/// Requests the description of a product.
pub(super) fn product(symbol: &str) -> RestRequest {
    RestRequest::get(format!("{ROOT}/products/{symbol}"), Vec::new(), 1)
}

/// Requests all products (1.1 MB).
pub(super) fn products() -> RestRequest {
    RestRequest::get(format!("{ROOT}/products"), Vec::new(), 1)
}

/// Requests the newest trades.
pub(super) fn trades(symbol: &str, n_trades: usize) -> RestRequest {
    RestRequest::get(format!("{ROOT}/products/{symbol}/ticker"), vec![("limit", n_trades.to_string())], 1)
}

/// Requests the best levels of the book; the ticker's answer lacks sizes.
pub(super) fn best_levels(symbol: &str) -> RestRequest {
    let query = vec![("product_id", symbol.to_owned()), ("limit", POLLED_LEVELS.to_string())];
    RestRequest::get(format!("{ROOT}/product_book"), query, 1)
}

/// Requests one page of candles, if the venue has candles to build `interval` from.
pub(super) fn candles(symbol: &str, interval: Interval, from: Timestamp, until: Timestamp) -> Option<RestRequest> {
    let (name, _) = granularity(interval)?;
    let seconds = |time: Timestamp| time.as_millis().div_euclid(1_000).to_string();
    let query = vec![
        ("start", seconds(page_start(interval, from, until)?)),
        ("end", seconds(until)),
        ("granularity", name.to_owned()),
        ("limit", BARS_PER_PAGE.to_string()),
    ];
    Some(RestRequest::get(format!("{ROOT}/products/{symbol}/candles"), query, 1))
}

/// Returns first and last candle in the venue's length, for the newest `n_bars` of `interval`; `None` if the venue has
/// none.
pub(super) fn span(interval: Interval, n_bars: usize, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let (_, length) = granularity(interval)?;
    let n_parts = usize::try_from(interval.duration().as_secs() / length.as_secs()).unwrap_or(1).max(1);
    let n_before = u64::try_from(n_bars.clamp(1, BARS_PER_PAGE * HISTORY_PAGES / n_parts) - 1).unwrap_or(0);
    let until = floor(now, length);
    // The first candle is built from all its parts.
    let from = back(interval.open_time(until), interval.duration(), n_before);
    Some((from, until))
}

/// Returns where the page that ends at `until` begins.
fn page_start(interval: Interval, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let (_, length) = granularity(interval)?;
    let n_before = u64::try_from(BARS_PER_PAGE.saturating_sub(1)).unwrap_or(0);
    Some(back(until, length, n_before).max(from))
}

/// Returns where the page before the one that ends at `until` ends; `None` if that was the last.
pub(super) fn page_before(interval: Interval, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let (_, length) = granularity(interval)?;
    let start = page_start(interval, from, until)?;
    (start > from).then(|| back(start, length, 1))
}

/// Returns the candles to request, and their length: four hours are built from two of two hours; seconds are not
/// available.
fn granularity(interval: Interval) -> Option<(&'static str, Duration)> {
    let (name, seconds) = match interval {
        Interval::S1 => return None,
        Interval::M1 => ("ONE_MINUTE", 60),
        Interval::M5 => ("FIVE_MINUTE", 300),
        Interval::M15 => ("FIFTEEN_MINUTE", 900),
        Interval::M30 => ("THIRTY_MINUTE", 1_800),
        Interval::H1 => ("ONE_HOUR", 3_600),
        Interval::H4 => ("TWO_HOUR", 7_200),
        Interval::D1 => ("ONE_DAY", 86_400),
    };
    Some((name, Duration::from_secs(seconds)))
}

fn floor(time: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(time.as_nanos().div_euclid(length).saturating_mul(length))
}

fn back(time: Timestamp, length: Duration, n_bars: u64) -> Timestamp {
    let length = i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
    let span = length.saturating_mul(i64::try_from(n_bars).unwrap_or(i64::MAX));
    Timestamp::from_nanos(time.as_nanos().saturating_sub(span))
}

/// Candles, newest first; those without trades are missing.
///
/// ```json
/// {"candles":[{"start":"1712192400","low":"66055.14","high":"66331.99","open":"66312.4","close":"66181.6","volume":"355.8"}]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseCandles {
    pub(super) candles: Vec<CoinbaseCandle>,
}

/// A candle.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseCandle {
    start: CoinbaseSeconds,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: Quantity,
}

impl CoinbaseCandle {
    /// Converts it to the model's type.
    pub(super) fn candle(&self) -> Candle {
        let Self { start, open, high, low, close, volume } = *self;
        Candle { open_time: start.0, open, high, low, close, volume, buy_volume: None }
    }
}

/// Trades, newest first; sides are the makers' here too.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseTrades<'a> {
    #[serde(borrow)]
    pub(super) trades: Vec<CoinbaseTrade<'a>>,
}

/// The best rows of a book.
///
/// ```json
/// {"pricebook":{"product_id":"AAA-USD","bids":[{"price":"100.01","size":"0.17"}],"asks":[{"price":"100.02","size":"0.16"}],
///  "time":"2026-04-07T00:28:59.662782Z"}}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseProductBook {
    pricebook: CoinbasePriceBook,
}

#[derive(Debug, Deserialize)]
struct CoinbasePriceBook {
    bids: Vec<CoinbaseRow>,
    asks: Vec<CoinbaseRow>,
    #[serde(default)]
    time: Option<UtcTime>,
}

#[derive(Debug, Deserialize)]
struct CoinbaseRow {
    price: Price,
    size: Quantity,
}

impl CoinbaseProductBook {
    /// Returns best bid and ask.
    pub(super) fn quote(&self) -> Quote {
        let best = |rows: &[CoinbaseRow]| rows.first().and_then(|row| Level::quoted(row.price, row.size));
        Quote { bid: best(&self.pricebook.bids), ask: best(&self.pricebook.asks) }
    }

    /// Returns bids and asks, best first.
    pub(super) fn levels(&self) -> (Side, Side) {
        let levels = |rows: &[CoinbaseRow]| rows.iter().filter_map(|row| Level::quoted(row.price, row.size)).collect();
        (levels(&self.pricebook.bids), levels(&self.pricebook.asks))
    }

    /// Returns their time.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.pricebook.time.map(|UtcTime(time)| time)
    }
}

/// A refusal: `{"error":"NOT_FOUND","error_details":"…","message":"…"}`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CoinbaseRefusal<'a> {
    #[serde(borrow, default)]
    error: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

impl CoinbaseRefusal<'_> {
    /// Returns true if the venue does not know a product.
    pub(super) fn is_unknown_product(&self) -> bool {
        matches!(self.error.as_ref(), "NOT_FOUND" | "INVALID_ARGUMENT")
    }

    /// Returns the text for people, cut to a length that fits a status line.
    pub(super) fn detail(&self) -> String {
        format!("{} {}", self.error, self.message).trim().chars().take(200).collect()
    }
}

/// The answer to a request for all products.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseProducts<'a> {
    #[serde(borrow)]
    pub(super) products: Vec<CoinbaseProduct<'a>>,
}

/// One product. Unknown values are empty text.
///
/// ```json
/// {"product_id":"AAA-USDC","price":"100.02","price_percentage_change_24h":"0.09","volume_24h":"2867.5","base_increment":"0.00000001",
///  "quote_increment":"0.01","quote_min_size":"1","status":"online","trading_disabled":false,"cancel_only":false,
/// "quote_currency_id":"USDC","base_currency_id":"AAA","alias":"AAA-USD","alias_to":[],"high_24h":"101","low_24h":"99"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseProduct<'a> {
    #[serde(borrow)]
    pub(super) product_id: Cow<'a, str>,
    /// The product under whose name this one's data comes; empty if it has its own data.
    #[serde(borrow, default)]
    pub(super) alias: Cow<'a, str>,
    #[serde(rename = "base_currency_id", borrow)]
    base: Cow<'a, str>,
    #[serde(rename = "quote_currency_id", borrow)]
    quote: Cow<'a, str>,
    quote_increment: Price,
    base_increment: Quantity,
    #[serde(borrow, default)]
    quote_min_size: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(default)]
    trading_disabled: bool,
    #[serde(default)]
    cancel_only: bool,
    #[serde(default)]
    limit_only: bool,
    #[serde(default)]
    post_only: bool,
    #[serde(default)]
    auction_mode: bool,
    #[serde(default)]
    is_disabled: bool,
    #[serde(default, deserialize_with = "known_price")]
    price: Option<Price>,
    #[serde(rename = "price_percentage_change_24h", default, deserialize_with = "known_price")]
    change_percent: Option<Price>,
    #[serde(rename = "volume_24h", default, deserialize_with = "known_quantity")]
    volume: Option<Quantity>,
    #[serde(rename = "low_24h", default, deserialize_with = "known_price")]
    low: Option<Price>,
    #[serde(rename = "high_24h", default, deserialize_with = "known_price")]
    high: Option<Price>,
}

impl CoinbaseProduct<'_> {
    /// Converts it to the model's type.
    pub(super) fn instrument(&self, venue: &Venue) -> Instrument {
        Instrument {
            id: InstrumentId::new(venue, &self.product_id),
            base: self.base.as_ref().into(),
            quote: self.quote.as_ref().into(),
            tick_size: self.quote_increment,
            lot_size: self.base_increment,
            min_notional: Notional::parse(&self.quote_min_size).ok(),
            status: match self.status.as_ref() {
                "online" if !self.is_halted() => InstrumentStatus::Trading,
                "online" | "offline" | "delisted" => InstrumentStatus::Halted,
                _ => InstrumentStatus::Unknown,
            },
            is_simulated: false,
        }
    }

    /// Returns what the venue limits about it, for people.
    pub(super) fn restriction(&self) -> Option<String> {
        let words = match self.status.as_ref() {
            "online" | "" if self.is_disabled || self.trading_disabled => "not trading (trading_disabled)",
            "online" | "" if self.cancel_only => "orders can only be cancelled (cancel_only)",
            "online" | "" if self.auction_mode => "auction, not trading (auction_mode)",
            "online" | "" if self.post_only => "only orders that rest in the book, nothing trades (post_only)",
            "online" | "" if self.limit_only => "only limit orders (limit_only)",
            "online" | "" => return None,
            other => return Some(format!("not trading ({})", other.chars().take(40).collect::<String>())),
        };
        Some(words.to_owned())
    }

    /// Returns true while nothing trades although the product is online.
    fn is_halted(&self) -> bool {
        self.is_disabled || self.trading_disabled || self.cancel_only || self.post_only || self.auction_mode
    }

    /// Returns statistics of 24 hours, as far as known; `None` without a last price.
    pub(super) fn day(&self) -> Option<DayStatistics> {
        let last = self.price.filter(|price| !price.is_zero())?;
        Some(day(last, self.change_percent, (self.low, self.high), self.volume))
    }
}

/// Whole seconds since the epoch, as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct CoinbaseSeconds(pub(super) Timestamp);

impl<'de> Deserialize<'de> for CoinbaseSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let nanos =
            text.parse::<i64>().ok().filter(|_| is_plain).and_then(|seconds| seconds.checked_mul(1_000_000_000));
        nanos.map(|nanos| Self(Timestamp::from_nanos(nanos))).ok_or_else(|| de::Error::custom("not seconds as text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn query(interval: Interval, from: i64, until: i64) -> Vec<String> {
        candles("A-USD", interval, at(from), at(until)).unwrap().query.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn pages_of_bars_reach_back_without_a_seam() {
        let now = at(1_786_309_548);
        let (from, until) = span(Interval::M1, 500, now).unwrap();
        assert_eq!((until.as_millis(), from.as_millis()), (1_786_309_500_000, 1_786_309_500_000 - 499 * 60_000));
        let first = query(Interval::M1, from.as_millis() / 1_000, 1_786_309_500);
        assert_eq!(first, [(1_786_309_500 - 349 * 60).to_string().as_str(), "1786309500", "ONE_MINUTE", "350"]);
        let before = page_before(Interval::M1, from, until).unwrap();
        assert_eq!(before, at(1_786_309_500 - 350 * 60));
        assert_eq!(page_before(Interval::M1, from, before), None);
        assert_eq!(query(Interval::M1, 1_000, 2_000)[0], "1000");
    }

    #[test]
    fn four_hours_begin_with_a_whole_bar_and_seconds_cannot_be_had() {
        assert_eq!(candles("A", Interval::M30, at(0), at(1)).unwrap().query[2].1, "THIRTY_MINUTE");
        let (from, until) = span(Interval::H4, 3, at(1_786_309_548)).unwrap();
        assert_eq!((until, from), (at(1_786_305_600), at(1_786_291_200 - 14_400)));
        assert_eq!(Interval::H4.open_time(from), from);
        assert!(span(Interval::S1, 10, at(0)).is_none() && candles("A", Interval::S1, at(0), at(1)).is_none());
    }

    #[test]
    fn answers() {
        let body =
            r#"{"candles":[{"start":"1712192400","low":"1","high":"4","open":"2","close":"3","volume":"5.50"}]}"#;
        let answer: CoinbaseCandles = serde_json::from_str(body).unwrap();
        let bar = answer.candles[0].candle();
        assert_eq!(
            (bar.open_time.as_millis(), bar.high.to_string(), bar.volume.to_string()),
            (1_712_192_400_000, "4".into(), "5.50".into())
        );
        let book = |asks: &str| {
            let body = format!(
                r#"{{"pricebook":{{"product_id":"A","bids":[{{"price":"1","size":"2"}}],"asks":[{asks}],"time":"2026-04-07T00:28:59Z"}}}}"#
            );
            let quote = serde_json::from_str::<CoinbaseProductBook>(&body).unwrap().quote();
            assert_eq!(quote.bid.map(|bid| bid.price.to_string()).as_deref(), Some("1"));
            quote.ask.map(|ask| ask.price.to_string())
        };
        assert_eq!((book(r#"{"price":"3","size":"4"}"#).as_deref(), book("")), (Some("3"), None));
        let refusal: CoinbaseRefusal<'_> =
            serde_json::from_str(r#"{"error":"NOT_FOUND","error_details":"x","message":"no product"}"#).unwrap();
        assert!(refusal.is_unknown_product());
        assert_eq!(refusal.detail(), "NOT_FOUND no product");
        assert!(!CoinbaseRefusal::default().is_unknown_product());
    }

    const PRODUCT: &str = r#"{"product_id":"AAA-USDC","price":"110","price_percentage_change_24h":"10","volume_24h":"5","base_increment":"0.00000001",
        "quote_increment":"0.01","quote_min_size":"1","status":"online","trading_disabled":false,"cancel_only":false,"future":[{}],
        "quote_currency_id":"USDC","base_currency_id":"AAA","alias":"AAA-USD","alias_to":[],"high_24h":"120","low_24h":"90"}"#;

    #[test]
    fn a_status_is_told_in_words() {
        #[track_caller]
        fn check(from: &str, to: &str, expected: Option<&str>, is_trading: bool) {
            let text = PRODUCT.replace(from, to);
            let product: CoinbaseProduct<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(product.restriction().as_deref(), expected, "{to}");
            let status = product.instrument(&Venue::new("coinbase")).status;
            assert_eq!(status == InstrumentStatus::Trading, is_trading, "{to}");
        }
        let flag = |name: &str| format!(r#""{name}":true,"future":"#);
        check("online", "online", None, true);
        check("online", "offline", Some("not trading (offline)"), false);
        check("online", "delisted", Some("not trading (delisted)"), false);
        check("\"trading_disabled\":false", "\"trading_disabled\":true", Some("not trading (trading_disabled)"), false);
        check(
            "\"cancel_only\":false",
            "\"cancel_only\":true",
            Some("orders can only be cancelled (cancel_only)"),
            false,
        );
        check("\"future\":", &flag("limit_only"), Some("only limit orders (limit_only)"), true);
        check(
            "\"future\":",
            &flag("post_only"),
            Some("only orders that rest in the book, nothing trades (post_only)"),
            false,
        );
        check("\"future\":", &flag("auction_mode"), Some("auction, not trading (auction_mode)"), false);
        check("\"future\":", &flag("is_disabled"), Some("not trading (trading_disabled)"), false);
    }

    #[test]
    fn reads_steps_status_and_alias() {
        #[track_caller]
        fn check(text: &str, expected: InstrumentStatus) {
            let product: CoinbaseProduct<'_> = serde_json::from_str(text).unwrap();
            let instrument = product.instrument(&Venue::new("coinbase"));
            assert_eq!((instrument.price_decimals(), instrument.size_decimals()), (2, 8));
            assert_eq!((instrument.base.as_str(), instrument.quote.as_str()), ("AAA", "USDC"));
            assert_eq!((product.alias.as_ref(), instrument.status), ("AAA-USD", expected), "{text}");
            assert_eq!(product.day().map(|day| day.open.unwrap().to_string()).as_deref(), Some("100"));
        }
        check(PRODUCT, InstrumentStatus::Trading);
        check(&PRODUCT.replace("\"trading_disabled\":false", "\"trading_disabled\":true"), InstrumentStatus::Halted);
        check(&PRODUCT.replace("online", "delisted"), InstrumentStatus::Halted);
        check(&PRODUCT.replace("online", "invented"), InstrumentStatus::Unknown);
    }

    #[test]
    fn empty_text_is_nothing_known_and_steps_are_needed() {
        let text = PRODUCT.replace("\"110\"", "\"\"").replace("\"5\"", "\"\"").replace("\"1\"", "\"\"");
        let product: CoinbaseProduct<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!((product.day(), product.instrument(&Venue::new("coinbase")).min_notional), (None, None));
        for bad in [PRODUCT.replace("\"0.01\"", "\"\""), PRODUCT.replace("base_increment", "other")] {
            assert!(serde_json::from_str::<CoinbaseProduct<'_>>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds_are_plain_text() {
        #[track_caller]
        fn check(text: &str, expected_ms: Option<i64>) {
            let found: Option<CoinbaseSeconds> = serde_json::from_str(text).ok();
            assert_eq!(found.map(|seconds| seconds.0.as_millis()), expected_ms, "{text}");
        }
        check("\"1712192400\"", Some(1_712_192_400_000));
        for bad in
            ["1712192400", "\"\"", "\"+1\"", "\"-1\"", "\"1.5\"", "\"99999999999999999999\"", "\"9999999999999\""]
        {
            check(bad, None);
        }
    }
}
