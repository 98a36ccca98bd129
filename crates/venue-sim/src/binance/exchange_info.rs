//! The list of symbols: from the recording where it holds one, else with steps chosen or worked out.

use serde_json::{Value, json};

use super::fixed;
use crate::fixed::step;

/// Assets in which symbols are priced, longest first so that `FDUSD` is not taken for `USD`.
const QUOTE_ASSETS: [&str; 14] =
    ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "GBP", "JPY", "SIM"];

/// What one entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) symbol: String,
    pub(super) base: String,
    pub(super) quote: String,
    /// Integers of twelve decimals.
    pub(super) tick_size: i128,
    pub(super) lot_size: i128,
}

impl Entry {
    /// An entry with steps of so many decimals of price and quantity.
    pub(super) fn of(symbol: &str, (price_decimals, quantity_decimals): (usize, usize)) -> Self {
        let quote = QUOTE_ASSETS
            .into_iter()
            .find(|asset| symbol.len() > asset.len() && symbol.ends_with(asset))
            .unwrap_or_default();
        Self {
            symbol: symbol.to_owned(),
            base: symbol.strip_suffix(quote).unwrap_or(symbol).to_owned(),
            quote: quote.to_owned(),
            tick_size: step(price_decimals),
            lot_size: step(quantity_decimals),
        }
    }

    fn show(&self) -> Value {
        json!({
            "symbol": self.symbol,
            "status": "TRADING",
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "icebergAllowed": true,
            "isSpotTradingAllowed": true,
            "isMarginTradingAllowed": false,
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": fixed::show(self.tick_size),
                    "maxPrice": "1000000.00000000",
                    "tickSize": fixed::show(self.tick_size),
                },
                {
                    "filterType": "LOT_SIZE",
                    "minQty": fixed::show(self.lot_size),
                    "maxQty": "9000000000.00000000",
                    "stepSize": fixed::show(self.lot_size),
                },
                { "filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true, "avgPriceMins": 5 },
            ],
            "permissions": ["SPOT"],
        })
    }
}

/// The whole body.
pub(super) fn body(entries: &[Entry], now_ms: i64) -> Value {
    json!({
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [
            { "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000 },
            { "rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000 },
        ],
        "exchangeFilters": [],
        "symbols": entries.iter().map(Entry::show).collect::<Vec<_>>(),
    })
}

/// The body with only the symbols asked for; `None` where it lacks one of them.
pub(super) fn only(mut body: Value, symbols: &[String]) -> Option<Value> {
    let listed = body.get_mut("symbols")?.as_array_mut()?;
    listed.retain(|entry| symbols.iter().any(|symbol| entry.get("symbol").and_then(Value::as_str) == Some(symbol)));
    (listed.len() == symbols.len()).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_shows_its_steps() {
        let entry = Entry::of("BTCUSDT", (2, 5));
        assert_eq!((entry.base.as_str(), entry.quote.as_str()), ("BTC", "USDT"));
        let shown = body(&[entry], 5);
        assert_eq!(shown["symbols"][0]["filters"][0]["tickSize"], "0.01000000");
        assert_eq!(shown["symbols"][0]["filters"][1]["stepSize"], "0.00001000");
        assert!(only(shown.clone(), &["BTCUSDT".to_owned()]).is_some());
        assert_eq!(only(shown, &["NONE".to_owned()]), None);
    }

    #[test]
    fn base_and_quote_are_told_apart() {
        for (symbol, base, quote) in
            [("NKNUSDT", "NKN", "USDT"), ("BLZETH", "BLZ", "ETH"), ("RUNEEUR", "RUNE", "EUR"), ("ODD", "ODD", "")]
        {
            let entry = Entry::of(symbol, (2, 5));
            assert_eq!((entry.base.as_str(), entry.quote.as_str()), (base, quote), "{symbol}");
        }
    }
}
