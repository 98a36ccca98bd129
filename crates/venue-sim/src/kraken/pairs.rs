//! Names of pairs: `BTC/USD` on the socket, and also `XXBTZUSD`, `XBTUSD` and `XBT/USD` on REST.

use serde_json::{Map, Value, json};

use crate::market::Pair;

/// Assets with an `X` before the old name in REST keys; the second name is the old one.
const OLD_BASES: [(&str, &str); 9] = [
    ("BTC", "XBT"),
    ("DOGE", "XDG"),
    ("ETC", "ETC"),
    ("ETH", "ETH"),
    ("LTC", "LTC"),
    ("XLM", "XLM"),
    ("XMR", "XMR"),
    ("XRP", "XRP"),
    ("ZEC", "ZEC"),
];
/// Currencies with a `Z` prefix.
const OLD_QUOTES: [&str; 5] = ["USD", "EUR", "GBP", "JPY", "CAD"];

/// Returns the old name of an asset.
fn old(asset: &str) -> &str {
    OLD_BASES.iter().find(|(name, _)| *name == asset).map_or(asset, |(_, old)| old)
}

/// `XBTUSD`.
fn alternative(pair: &Pair) -> String {
    format!("{}{}", old(&pair.base), old(&pair.quote))
}

/// Returns the key under which REST answers: `XXBTZUSD`, `SOLUSD`.
pub(super) fn key(pair: &Pair) -> String {
    let is_old = OLD_BASES.iter().any(|(name, _)| *name == pair.base) && OLD_QUOTES.contains(&pair.quote.as_str());
    // DOGE has no prefixes.
    if is_old && pair.base != "DOGE" { format!("X{}Z{}", old(&pair.base), pair.quote) } else { alternative(pair) }
}

/// Returns the pair that a REST request means, and the key of the answer: a spelling with a slash is its own key.
pub(super) fn find<'a>(pairs: &'a [Pair], asked: &str) -> Option<(&'a Pair, String)> {
    let pair = pairs.iter().find(|pair| {
        let names =
            [pair.symbol.clone(), key(pair), alternative(pair), format!("{}/{}", old(&pair.base), old(&pair.quote))];
        names.iter().any(|name| name == asked) || format!("{}{}", pair.base, pair.quote) == asked
    })?;
    Some((pair, if asked == pair.symbol { asked.to_owned() } else { key(pair) }))
}

/// The `result` of `AssetPairs`.
pub(super) fn listing(pairs: &[&Pair]) -> Value {
    let entry = |pair: &&Pair| {
        let code = |asset: &str| {
            let is_base = OLD_BASES.iter().any(|(name, _)| *name == asset);
            match asset {
                quote if OLD_QUOTES.contains(&quote) => format!("Z{quote}"),
                base if is_base => format!("X{}", old(base)),
                other => other.to_owned(),
            }
        };
        let body = json!({
            "altname": alternative(pair),
            "wsname": format!("{}/{}", old(&pair.base), old(&pair.quote)),
            "aclass_base": "currency",
            "base": code(&pair.base),
            "aclass_quote": "currency",
            "quote": code(&pair.quote),
            "lot": "unit",
            "cost_decimals": 5,
            "pair_decimals": pair.price_decimals,
            "lot_decimals": pair.quantity_decimals,
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, 0.4]],
            "fees_maker": [[0, 0.25]],
            "fee_volume_currency": "ZUSD",
            "margin_call": 80,
            "margin_stop": 40,
            "ordermin": crate::fixed::show(crate::fixed::step(pair.quantity_decimals), pair.quantity_decimals),
            "costmin": "0.5",
            "tick_size": crate::fixed::show(crate::fixed::step(pair.price_decimals), pair.price_decimals),
            "status": "online",
        });
        (key(pair), body)
    };
    Value::Object(pairs.iter().map(entry).collect::<Map<String, Value>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(base: &str, quote: &str) -> Pair {
        Pair {
            symbol: format!("{base}/{quote}"),
            base: base.to_owned(),
            quote: quote.to_owned(),
            price_decimals: 1,
            quantity_decimals: 8,
        }
    }

    #[test]
    fn all_spellings_lead_to_the_pair() {
        let pairs = [pair("BTC", "USD"), pair("SOL", "USD"), pair("DOGE", "USD"), pair("BTC", "USDT")];
        for (asked, symbol, answer_key) in [
            ("BTC/USD", "BTC/USD", "BTC/USD"),
            ("XBT/USD", "BTC/USD", "XXBTZUSD"),
            ("XBTUSD", "BTC/USD", "XXBTZUSD"),
            ("BTCUSD", "BTC/USD", "XXBTZUSD"),
            ("XXBTZUSD", "BTC/USD", "XXBTZUSD"),
            ("SOLUSD", "SOL/USD", "SOLUSD"),
            ("XDGUSD", "DOGE/USD", "XDGUSD"),
            ("XBTUSDT", "BTC/USDT", "XBTUSDT"),
        ] {
            let (found, found_key) = find(&pairs, asked).unwrap();
            assert_eq!((found.symbol.as_str(), found_key.as_str()), (symbol, answer_key), "{asked}");
        }
        assert!(find(&pairs, "NOPE/USD").is_none());
        let listed = listing(&[&pairs[0]]);
        assert_eq!((&listed["XXBTZUSD"]["wsname"], &listed["XXBTZUSD"]["base"]), (&json!("XBT/USD"), &json!("XXBT")));
        assert_eq!(listed["XXBTZUSD"]["tick_size"], "0.1");
    }
}
