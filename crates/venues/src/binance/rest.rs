//! REST requests with their weights, and the contents of their answers.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md>. All are public and need no key.
//! Base and quote come only from the list of symbols: symbols cannot be split by guessing, and may contain any letters.
//! Not here: when a request may be sent ([`crate::kit::requests`]), the meaning of answers ([`super::answers`]).

use std::{borrow::Cow, fmt};

use model::{
    candle::{Candle, Interval},
    decimal::{Notional, Price, Quantity},
    event::{DayStatistics, Level, Quote},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, SeqAccess, Visitor},
};

use crate::{
    binance::message::{BinanceTime, positive_price},
    kit::requests::RestRequest,
};

/// Requests the named symbols, or all of them (several megabytes).
pub(super) fn exchange_info(symbols: &[&str]) -> RestRequest {
    let query = match symbols {
        [] => Vec::new(),
        // A list of strings always has a JSON form.
        some => vec![("symbols", serde_json::to_string(some).unwrap_or_default())],
    };
    RestRequest::get("/api/v3/exchangeInfo", query, 20)
}

/// Requests the book, so many levels a side.
pub(super) fn depth(symbol: &str, n_levels: u32) -> RestRequest {
    let weight = match n_levels {
        0..=100 => 5,
        101..=500 => 25,
        501..=1_000 => 50,
        _ => 250,
    };
    RestRequest::get("/api/v3/depth", vec![("symbol", symbol.to_owned()), ("limit", n_levels.to_string())], weight)
}

/// Requests the newest candles, the forming one last.
pub(super) fn klines(symbol: &str, interval: Interval, n_bars: usize) -> RestRequest {
    let query = vec![
        ("symbol", symbol.to_owned()),
        // The venue's names of our intervals equal our own.
        ("interval", interval.as_str().to_owned()),
        ("limit", n_bars.clamp(1, 1_000).to_string()),
    ];
    RestRequest::get("/api/v3/klines", query, 2)
}

/// Requests the newest single trades.
pub(super) fn trades(symbol: &str) -> RestRequest {
    RestRequest::get("/api/v3/trades", vec![("symbol", symbol.to_owned()), ("limit", "500".to_owned())], 25)
}

/// Requests the newest aggregated trades.
pub(super) fn agg_trades(symbol: &str) -> RestRequest {
    RestRequest::get("/api/v3/aggTrades", vec![("symbol", symbol.to_owned()), ("limit", "500".to_owned())], 4)
}

/// Requests only the newest aggregated trade, to see whether anything was traded.
pub(super) fn newest_agg_trade(symbol: &str) -> RestRequest {
    RestRequest::get("/api/v3/aggTrades", vec![("symbol", symbol.to_owned()), ("limit", "1".to_owned())], 4)
}

/// Requests statistics of 24 hours with best bid and ask.
pub(super) fn day_ticker(symbol: &str) -> RestRequest {
    RestRequest::get("/api/v3/ticker/24hr", vec![("symbol", symbol.to_owned())], 2)
}

/// A candle: `[open time, open, high, low, close, volume, close time, …six more]`.
///
/// ```json
/// [1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,"2434.19",308,"1756.87","28.46","0"]
/// ```
#[derive(Debug)]
pub(super) struct BinanceKlineRow(pub(super) Candle);

impl<'de> Deserialize<'de> for BinanceKlineRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;

        impl<'de> Visitor<'de> for Row {
            type Value = BinanceKlineRow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bar's open time, four prices and a volume")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<BinanceKlineRow, A::Error> {
                let missing = |idx| de::Error::invalid_length(idx, &"six members or more");
                let open_time: BinanceTime = seq.next_element()?.ok_or_else(|| missing(0))?;
                let open: Price = seq.next_element()?.ok_or_else(|| missing(1))?;
                let high: Price = seq.next_element()?.ok_or_else(|| missing(2))?;
                let low: Price = seq.next_element()?.ok_or_else(|| missing(3))?;
                let close: Price = seq.next_element()?.ok_or_else(|| missing(4))?;
                let volume: Quantity = seq.next_element()?.ok_or_else(|| missing(5))?;
                // Close time, quote volume and number of trades; then the buyers' volume.
                for _ in 0..3 {
                    let _left_out: Option<IgnoredAny> = seq.next_element()?;
                }
                let buy_volume: Option<Quantity> = seq.next_element()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                let buy_volume = buy_volume.filter(|bought| *bought <= volume);
                Ok(BinanceKlineRow(Candle { open_time: open_time.0, open, high, low, close, volume, buy_volume }))
            }
        }

        deserializer.deserialize_seq(Row)
    }
}

/// A trade.
///
/// ```json
/// {"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceRestTrade {
    pub(super) id: u64,
    #[serde(deserialize_with = "positive_price")]
    pub(super) price: Price,
    #[serde(rename = "qty")]
    pub(super) quantity: Quantity,
    pub(super) time: BinanceTime,
    #[serde(rename = "isBuyerMaker")]
    pub(super) is_buyer_maker: bool,
}

/// Trades of one taker order at one price.
///
/// ```json
/// {"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27783,"T":1498793709153,"m":true,"M":true}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceRestAggTrade {
    #[serde(rename = "p", deserialize_with = "positive_price")]
    pub(super) price: Price,
    #[serde(rename = "q")]
    pub(super) quantity: Quantity,
    #[serde(rename = "f")]
    pub(super) first_trade_id: u64,
    #[serde(rename = "l")]
    pub(super) last_trade_id: u64,
    #[serde(rename = "T")]
    pub(super) trade_time: BinanceTime,
    #[serde(rename = "m")]
    pub(super) is_buyer_maker: bool,
}

/// Statistics of 24 hours.
///
/// ```json
/// {"symbol":"AAABBB","lastPrice":"4.00","lastQty":"200.0","bidPrice":"4.00","bidQty":"100.0","askPrice":"4.01","askQty":"100.0",
/// "openPrice":"99.0","highPrice":"100.0","lowPrice":"0.1","volume":"8913.3","openTime":1499783499040,"closeTime":1499869899040}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BinanceDayTicker {
    last_price: Price,
    bid_price: Price,
    #[serde(rename = "bidQty")]
    bid_size: Quantity,
    ask_price: Price,
    #[serde(rename = "askQty")]
    ask_size: Quantity,
    open_price: Price,
    high_price: Price,
    low_price: Price,
    volume: Quantity,
    pub(super) close_time: BinanceTime,
}

impl BinanceDayTicker {
    /// Returns the statistics.
    pub(super) fn day(&self) -> DayStatistics {
        let prices = [self.open_price, self.high_price, self.low_price, self.last_price];
        DayStatistics::published(prices, Some(self.volume))
    }

    /// Returns best bid and ask.
    pub(super) fn quote(&self) -> Quote {
        Quote { bid: Level::quoted(self.bid_price, self.bid_size), ask: Level::quoted(self.ask_price, self.ask_size) }
    }
}

/// A refusal: `{"code":-1121,"msg":"Invalid symbol."}`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BinanceRefusal<'a> {
    pub(super) code: i64,
    #[serde(rename = "msg", borrow, default)]
    message: Cow<'a, str>,
}

impl BinanceRefusal<'_> {
    /// Returns true if the venue does not know a symbol, or finds letters in it that no symbol has.
    pub(super) fn is_unknown_symbol(&self) -> bool {
        matches!(self.code, -1121 | -1100 | -1101 | -1130)
    }

    /// Returns the text for people, cut to a length that fits a status line.
    pub(super) fn detail(&self) -> String {
        let message: String = self.message.chars().take(200).collect();
        format!("{message} (code {})", self.code)
    }
}

/// The list of symbols (`/api/v3/exchangeInfo`). Unknown filters, statuses and limits are skipped.
///
/// ```json
/// {"timezone":"UTC","rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000}],
///  "symbols":[{"symbol":"AAABBB","status":"TRADING","baseAsset":"AAA","quoteAsset":"BBB","filters":[
///   {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000","tickSize":"0.01"},
///   {"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"9000","stepSize":"0.001"},
///   {"filterType":"NOTIONAL","minNotional":"5"}]}]}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct BinanceExchangeInfo<'a> {
    #[serde(rename = "rateLimits", borrow, default)]
    rate_limits: Vec<BinanceRateLimit<'a>>,
    #[serde(borrow)]
    pub(super) symbols: Vec<BinanceSymbol<'a>>,
}

impl BinanceExchangeInfo<'_> {
    /// Returns the request weight per minute that the venue allows, if it states one.
    pub(super) fn weight_per_minute(&self) -> Option<u32> {
        let limit = self
            .rate_limits
            .iter()
            .find(|limit| limit.kind == "REQUEST_WEIGHT" && limit.interval == "MINUTE" && limit.n_intervals == 1)?;
        Some(limit.limit)
    }
}

#[derive(Debug, Deserialize)]
struct BinanceRateLimit<'a> {
    #[serde(rename = "rateLimitType", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    interval: Cow<'a, str>,
    #[serde(rename = "intervalNum")]
    n_intervals: u32,
    limit: u32,
}

/// One symbol.
#[derive(Debug, Deserialize)]
pub(super) struct BinanceSymbol<'a> {
    #[serde(borrow)]
    pub(super) symbol: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(rename = "baseAsset", borrow)]
    base: Cow<'a, str>,
    #[serde(rename = "quoteAsset", borrow)]
    quote: Cow<'a, str>,
    #[serde(borrow)]
    filters: Vec<BinanceFilter<'a>>,
}

#[derive(Debug, Deserialize)]
struct BinanceFilter<'a> {
    #[serde(rename = "filterType", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "tickSize", borrow, default)]
    tick_size: Option<Cow<'a, str>>,
    #[serde(rename = "stepSize", borrow, default)]
    step_size: Option<Cow<'a, str>>,
    #[serde(rename = "minNotional", borrow, default)]
    min_notional: Option<Cow<'a, str>>,
}

impl BinanceSymbol<'_> {
    /// Returns what the venue limits about it, for people.
    pub(super) fn restriction(&self) -> Option<String> {
        let words = match self.status.as_ref() {
            "TRADING" => return None,
            "CANCEL_ONLY" => "orders can only be cancelled",
            "AUCTION_MATCH" => "auction, not trading",
            _ => "not trading",
        };
        Some(format!("{words} ({})", self.status.chars().take(LONGEST_STATUS).collect::<String>()))
    }

    /// Converts it to the model's type; `None` if price or quantity step is missing or unreadable.
    pub(super) fn instrument(&self, venue: &Venue) -> Option<Instrument> {
        let filter = |kind: &str| self.filters.iter().find(|filter| filter.kind == kind);
        let min_notional = filter("NOTIONAL").or_else(|| filter("MIN_NOTIONAL"));
        Some(Instrument {
            id: InstrumentId::new(venue, &self.symbol),
            base: self.base.as_ref().into(),
            quote: self.quote.as_ref().into(),
            tick_size: Price::parse(filter("PRICE_FILTER")?.tick_size.as_deref()?).ok()?,
            lot_size: Quantity::parse(filter("LOT_SIZE")?.step_size.as_deref()?).ok()?,
            min_notional: min_notional
                .and_then(|filter| filter.min_notional.as_deref())
                .and_then(|text| Notional::parse(text).ok()),
            status: match self.status.as_ref() {
                "TRADING" => InstrumentStatus::Trading,
                "HALT" | "BREAK" | "END_OF_DAY" | "AUCTION_MATCH" | "AUCTION" | "PRE_TRADING" | "POST_TRADING"
                | "CANCEL_ONLY" | "DELISTED" => InstrumentStatus::Halted,
                _ => InstrumentStatus::Unknown,
            },
            is_simulated: false,
        })
    }
}

/// Characters of a status that are kept.
const LONGEST_STATUS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_state_their_weight() {
        assert_eq!(exchange_info(&[]), RestRequest::get("/api/v3/exchangeInfo", vec![], 20));
        assert_eq!(exchange_info(&["A\"", "B"]).query, [("symbols", r#"["A\"","B"]"#.to_owned())]);
        assert_eq!(depth("A", 1_000).query, [("symbol", "A".to_owned()), ("limit", "1000".to_owned())]);
        let weights =
            [depth("A", 1_000), depth("A", 100), trades("A"), agg_trades("A"), newest_agg_trade("A"), day_ticker("A")]
                .map(|ask| ask.weight);
        assert_eq!(weights, [50, 5, 25, 4, 4, 2]);
        let bars = klines("A", Interval::M15, 5_000);
        assert_eq!((bars.path.as_ref(), bars.weight), ("/api/v3/klines", 2));
        assert_eq!(bars.query[1..], [("interval", "15m".to_owned()), ("limit", "1000".to_owned())]);
    }

    #[test]
    fn bars_need_six_members() {
        let rows: Vec<BinanceKlineRow> = serde_json::from_str(
            r#"[[1499040000000,"1","4","0.5","2","10.5",1499644799999,"2434.19",308,"1756.87","28.46","0"],[60000,"1","1","1","1","0"]]"#,
        )
        .unwrap();
        assert_eq!(rows[0].0.open_time.as_millis(), 1_499_040_000_000);
        assert_eq!((rows[0].0.high.to_string(), rows[1].0.volume.to_string()), ("4".into(), "0".into()));
        for bad in [
            r#"[[60000,"1","1","1","1"]]"#,
            r#"[["60000","1","1","1","1","0"]]"#,
            r#"[[60000,1,"1","1","1","0"]]"#,
            "[{}]",
        ] {
            assert!(serde_json::from_str::<Vec<BinanceKlineRow>>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_side_is_gone() {
        let body = |ask: &str| {
            format!(
                r#"{{"symbol":"A","lastPrice":"4","bidPrice":"3.9","bidQty":"1","askPrice":"{ask}","askQty":"2",
                "openPrice":"3","highPrice":"5","lowPrice":"2","volume":"100","openTime":1,"closeTime":1499869899040}}"#
            )
        };
        let ticker: BinanceDayTicker = serde_json::from_str(&body("4.1")).unwrap();
        assert_eq!(ticker.quote().ask.map(|ask| ask.price.to_string()).as_deref(), Some("4.1"));
        assert_eq!(ticker.day().low.unwrap().to_string(), "2");
        let quote = serde_json::from_str::<BinanceDayTicker>(&body("0.00000000")).unwrap().quote();
        assert_eq!((quote.bid.map(|bid| bid.price.to_string()), quote.ask), (Some("3.9".into()), None));
    }

    #[test]
    fn refusals() {
        let refusal: BinanceRefusal<'_> = serde_json::from_str(r#"{"code":-1121,"msg":"Invalid symbol."}"#).unwrap();
        assert!(refusal.is_unknown_symbol());
        assert_eq!(refusal.detail(), "Invalid symbol. (code -1121)");
        assert!(!serde_json::from_str::<BinanceRefusal<'_>>(r#"{"code":-1003}"#).unwrap().is_unknown_symbol());
    }

    fn body(status: &str, filters: &str) -> String {
        format!(
            r#"{{"rateLimits":[{{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":9}},
            {{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":1200}}],"other":[],
            "symbols":[{{"symbol":"１２３BBB","status":"{status}","baseAsset":"１２３","quoteAsset":"BBB","filters":[{filters}]}}]}}"#
        )
    }

    const FILTERS: &str = r#"{"filterType":"NEW_ONE","limit":5},{"filterType":"PRICE_FILTER","tickSize":"0.01000000"},
        {"filterType":"LOT_SIZE","stepSize":"0.00100000"},{"filterType":"MIN_NOTIONAL","minNotional":"5.00000000"}"#;

    #[test]
    fn reads_steps_status_and_limit() {
        let venue = Venue::new("binance");
        for (status, expected) in [
            ("TRADING", InstrumentStatus::Trading),
            ("CANCEL_ONLY", InstrumentStatus::Halted),
            ("INVENTED", InstrumentStatus::Unknown),
        ] {
            let text = body(status, FILTERS);
            let info: BinanceExchangeInfo<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(info.weight_per_minute(), Some(1_200));
            let instrument = info.symbols[0].instrument(&venue).unwrap();
            assert_eq!(instrument.id.symbol(), "１２３BBB");
            assert_eq!((instrument.price_decimals(), instrument.size_decimals()), (2, 3));
            assert_eq!((instrument.base.as_str(), instrument.status), ("１２３", expected));
            assert_eq!(instrument.min_notional.map(|value| value.to_string()).as_deref(), Some("5.00000000"));
        }
    }

    #[test]
    fn without_steps_there_is_no_instrument() {
        for filters in ["", r#"{"filterType":"PRICE_FILTER","tickSize":"x"},{"filterType":"LOT_SIZE","stepSize":"1"}"#]
        {
            let text = body("TRADING", filters);
            let info: BinanceExchangeInfo<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(info.symbols[0].instrument(&Venue::new("binance")), None);
        }
    }
}
