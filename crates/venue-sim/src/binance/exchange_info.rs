//! The list of symbols: from the recording if it contains one, otherwise with chosen or derived steps.

use serde_json::{Value, json};

use super::eight;
use crate::{fixed::step, market::Pair};

/// Assets in which symbols are priced, longest first so that `FDUSD` is not mistaken for `USD`.
const QUOTE_ASSETS: [&str; 14] =
    ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "GBP", "JPY", "SIM"];

/// Base and quote of a symbol.
pub(super) fn split(symbol: &str) -> (String, String) {
    let quote = QUOTE_ASSETS
        .into_iter()
        .find(|asset| symbol.len() > asset.len() && symbol.ends_with(asset))
        .unwrap_or_default();
    (symbol.strip_suffix(quote).unwrap_or(symbol).to_owned(), quote.to_owned())
}

fn entry(pair: &Pair) -> Value {
    let (tick_size, lot_size) = (eight(step(pair.price_decimals)), eight(step(pair.quantity_decimals)));
    json!({
        "symbol": pair.symbol,
        "status": "TRADING",
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": true,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick_size,
                "maxPrice": "1000000.00000000",
                "tickSize": tick_size,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": lot_size,
                "maxQty": "9000000000.00000000",
                "stepSize": lot_size,
            },
            { "filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true, "avgPriceMins": 5 },
        ],
        "permissions": ["SPOT"],
    })
}

/// The whole body.
pub(super) fn body(pairs: &[Pair], now_ms: i64) -> Value {
    json!({
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [
            { "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000 },
            { "rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000 },
        ],
        "exchangeFilters": [],
        "symbols": pairs.iter().map(entry).collect::<Vec<_>>(),
    })
}

/// Returns the body with only the requested symbols; `None` if one of them is missing.
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
        let (base, quote) = split("BTCUSDT");
        let pair = Pair { symbol: "BTCUSDT".to_owned(), base, quote, price_decimals: 2, quantity_decimals: 5 };
        let shown = body(&[pair], 5);
        assert_eq!(shown["symbols"][0]["filters"][0]["tickSize"], "0.01000000");
        assert_eq!(shown["symbols"][0]["filters"][1]["stepSize"], "0.00001000");
        assert!(only(shown.clone(), &["BTCUSDT".to_owned()]).is_some());
        assert_eq!(only(shown, &["NONE".to_owned()]), None);
    }

    #[test]
    fn base_and_quote_are_told_apart() {
        for (symbol, base, quote) in [
            ("BTCUSDT", "BTC", "USDT"),
            ("NKNUSDT", "NKN", "USDT"),
            ("BLZETH", "BLZ", "ETH"),
            ("RUNEEUR", "RUNE", "EUR"),
            ("ODD", "ODD", ""),
        ] {
            assert_eq!(split(symbol), (base.to_owned(), quote.to_owned()), "{symbol}");
        }
    }
}
