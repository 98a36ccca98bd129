//! The venue's list of symbols (`/api/v3/exchangeInfo`), in the model's words.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information>. Base and quote
//! come from this list only: symbols cannot be split by guessing, and may hold any letters. Not here: asking for it.

use std::borrow::Cow;

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
};
use serde::Deserialize;

/// The answer. Unknown filters, statuses and limits are passed over.
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
    /// Request weight the venue allows in a minute, where it says so.
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
    /// In the model's words; `None` where price or quantity step is missing or unreadable.
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
                "HALT" | "BREAK" | "END_OF_DAY" | "AUCTION_MATCH" | "PRE_TRADING" | "POST_TRADING" | "CANCEL_ONLY" => {
                    InstrumentStatus::Halted
                }
                _ => InstrumentStatus::Unknown,
            },
            is_simulated: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
