//! The venue's products (`/market/products`), in the model's words.
//!
//! Source: <https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/list-public-products>. Base and
//! quote come from here only. Not here: asking for it, what an alias means for the stream ([`super::alias`]).

use std::borrow::Cow;

use model::{
    decimal::{Notional, Price, Quantity},
    event::DayStatistics,
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
};
use serde::Deserialize;

use crate::coinbase::message::{day, known_price, known_quantity};

/// The answer to a question for all products.
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseProducts<'a> {
    #[serde(borrow)]
    pub(super) products: Vec<CoinbaseProduct<'a>>,
}

/// One product. What is not known is empty text.
///
/// ```json
/// {"product_id":"AAA-USDC","price":"100.02","price_percentage_change_24h":"0.09","volume_24h":"2867.5","base_increment":"0.00000001",
///  "quote_increment":"0.01","quote_min_size":"1","status":"online","trading_disabled":false,"cancel_only":false,
///  "quote_currency_id":"USDC","base_currency_id":"AAA","alias":"AAA-USD","alias_to":[],"high_24h":"101","low_24h":"99"}
/// ```
#[derive(Debug, Deserialize)]
pub(super) struct CoinbaseProduct<'a> {
    #[serde(borrow)]
    pub(super) product_id: Cow<'a, str>,
    /// The product under whose name this one's data comes; empty where it has data of its own.
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
    /// In the model's words.
    pub(super) fn instrument(&self, venue: &Venue) -> Instrument {
        Instrument {
            id: InstrumentId::new(venue, &self.product_id),
            base: self.base.as_ref().into(),
            quote: self.quote.as_ref().into(),
            tick_size: self.quote_increment,
            lot_size: self.base_increment,
            min_notional: Notional::parse(&self.quote_min_size).ok(),
            status: match self.status.as_ref() {
                "online" if !self.trading_disabled && !self.cancel_only => InstrumentStatus::Trading,
                "online" | "offline" | "delisted" => InstrumentStatus::Halted,
                _ => InstrumentStatus::Unknown,
            },
            is_simulated: false,
        }
    }

    /// Figures of 24 hours, where all are known.
    pub(super) fn day(&self) -> Option<DayStatistics> {
        day(self.price?, self.change_percent?, (self.low?, self.high?), self.volume?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = r#"{"product_id":"AAA-USDC","price":"110","price_percentage_change_24h":"10","volume_24h":"5","base_increment":"0.00000001",
        "quote_increment":"0.01","quote_min_size":"1","status":"online","trading_disabled":false,"cancel_only":false,"future":[{}],
        "quote_currency_id":"USDC","base_currency_id":"AAA","alias":"AAA-USD","alias_to":[],"high_24h":"120","low_24h":"90"}"#;

    #[test]
    fn reads_steps_status_and_alias() {
        #[track_caller]
        fn check(text: &str, expected: InstrumentStatus) {
            let product: CoinbaseProduct<'_> = serde_json::from_str(text).unwrap();
            let instrument = product.instrument(&Venue::new("coinbase"));
            assert_eq!((instrument.price_decimals(), instrument.size_decimals()), (2, 8));
            assert_eq!((instrument.base.as_str(), instrument.quote.as_str()), ("AAA", "USDC"));
            assert_eq!((product.alias.as_ref(), instrument.status), ("AAA-USD", expected), "{text}");
            assert_eq!(product.day().map(|day| day.open.to_string()).as_deref(), Some("100"));
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
}
