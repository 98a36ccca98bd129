//! The list of products: recorded if the recording contains it, otherwise generated. `X-USDC` is an alias of `X-USD`.

use serde_json::{Value, json};

use crate::{
    bars::Bar,
    fixed,
    market::{Market, Pair},
};

/// Returns the product whose data is shown: another one for an alias, otherwise itself; `None` for unknown names.
pub(super) fn target(market: &dyn Market, asked: &str) -> Option<String> {
    if market.pair(asked).is_some() {
        return Some(asked.to_owned());
    }
    let real = format!("{}-USD", asked.strip_suffix("-USDC")?);
    market.pair(&real).map(|pair| pair.symbol.clone())
}

/// The bodies of all products, each alias after its target.
pub(super) fn listing(market: &dyn Market) -> Vec<Value> {
    let recorded =
        market.recorded_answer("/market/products", &[]).and_then(|body| serde_json::from_str::<Value>(body).ok());
    if let Some(Value::Array(products)) = recorded.and_then(|mut body| body.get_mut("products").map(Value::take)) {
        return products;
    }
    let both = |pair: &Pair| {
        let alias = (pair.quote == "USD").then(|| format!("{}-USDC", pair.base));
        let real = product(market, pair, &pair.symbol, "", alias.as_deref());
        let aliased = alias.map(|alias| product(market, pair, &alias, &pair.symbol, None));
        std::iter::once(real).chain(aliased)
    };
    market.pairs().iter().flat_map(both).collect()
}

fn product(market: &dyn Market, pair: &Pair, name: &str, alias: &str, alias_to: Option<&str>) -> Value {
    let day = market.day(&pair.symbol);
    let number = |pick: fn(&Bar) -> i128| fixed::shortest(day.as_ref().map_or(0, pick));
    let quote = name.rsplit_once('-').map_or(pair.quote.as_str(), |(_, quote)| quote);
    let (price_step, lot) = (fixed::step(pair.price_decimals), fixed::step(pair.quantity_decimals));
    json!({
        "product_id": name,
        "price": number(|bar| bar.close),
        "price_percentage_change_24h": number(|bar| fixed::quotient((bar.close - bar.open) * 100, bar.open)),
        "volume_24h": number(|bar| bar.volume),
        "volume_percentage_change_24h": "0",
        "base_increment": fixed::shortest(lot),
        "quote_increment": fixed::shortest(price_step),
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_min_size": fixed::shortest(lot),
        "base_max_size": "3400",
        "base_name": pair.base,
        "quote_name": quote,
        "watched": false,
        "is_disabled": false,
        "new": false,
        "status": "online",
        "cancel_only": false,
        "limit_only": false,
        "post_only": false,
        "trading_disabled": false,
        "auction_mode": false,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": pair.base,
        "fcm_trading_session_details": null,
        "mid_market_price": "",
        "alias": alias,
        "alias_to": alias_to.into_iter().collect::<Vec<_>>(),
        "base_display_symbol": pair.base,
        "quote_display_symbol": pair.quote,
        "view_only": false,
        "price_increment": fixed::shortest(price_step),
        "display_name": name,
        "product_venue": "CBE",
        "high_24h": number(|bar| bar.high),
        "low_24h": number(|bar| bar.low),
    })
}
