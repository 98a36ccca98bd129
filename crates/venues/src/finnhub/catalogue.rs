//! The lists of symbols: stocks of the United States, currencies, coins.
//!
//! Source: <https://finnhub.io/docs/api/stock-symbols>, `/forex-symbols`, `/crypto-symbols`. Currencies and coins are
//! listed by exchange; the ones here are those that the plan without a fee delivers.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    catalogue::{Catalogue, CatalogueItem, CatalogueNeeds, CatalogueSource, Row, Rows},
    finnhub::INFO,
    kit::requests::RestRequest,
    registry,
};

pub(super) const SOURCE: CatalogueSource = CatalogueSource {
    needs: CatalogueNeeds::Token,
    is_whole: false,
    requests: || {
        let list =
            |path: &'static str, exchange: &str| RestRequest::get(path, vec![("exchange", exchange.to_owned())], 1);
        vec![
            list("/api/v1/crypto/symbol", coin_exchange()),
            list("/api/v1/forex/symbol", "OANDA"),
            list("/api/v1/stock/symbol", "US"),
        ]
    },
    read: |body, catalogue| {
        let rows: Rows<FinnhubListed<'_>> = serde_json::from_str(body)?;
        catalogue.extend(&rows.0);
        Ok(())
    },
    built_in: |_| {},
};

/// Returns the exchange whose coins most readers look at first.
fn coin_exchange() -> &'static str {
    let first = registry::first_symbols(INFO.name).iter();
    first.filter_map(|symbol| symbol.split_once(':')).map(|(exchange, _)| exchange).next().unwrap_or_default()
}

/// One symbol.
///
/// ```json
/// {"currency":"USD","description":"APPLE INC","displaySymbol":"AAPL","symbol":"AAPL","type":"Common Stock"}
/// {"description":"Binance ETHBTC","displaySymbol":"ETH/BTC","symbol":"BINANCE:ETHBTC"}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FinnhubListed<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    display_symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    description: Cow<'a, str>,
    #[serde(borrow, default)]
    currency: Cow<'a, str>,
}

impl Row for FinnhubListed<'_> {
    fn add_to(&self, _key: &str, catalogue: &mut Catalogue) {
        let (symbol, name) = (&*self.symbol, &*self.description);
        // Stocks may contain a slash, but have no exchange before the symbol.
        let pair = self.display_symbol.split_once('/').filter(|_| symbol.contains(':'));
        let (base, quote) = pair.unwrap_or((symbol, &self.currency));
        catalogue.push(CatalogueItem { symbol, base, quote, name, status: "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stocks_currencies_and_coins() {
        let bodies = [
            r#"[{"description":"Binance ETHBTC","displaySymbol":"ETH/BTC","symbol":"BINANCE:ETHBTC"}]"#,
            r#"[{"currency":"USD","description":"APPLE INC","displaySymbol":"AAPL","symbol":"AAPL","type":"Common Stock"}]"#,
            "[]",
        ];
        let mut catalogue = Catalogue::default();
        for body in bodies {
            SOURCE.read(body, &mut catalogue).unwrap();
        }
        let rows: Vec<String> =
            catalogue.iter().map(|row| format!("{}|{}|{}|{}", row.symbol, row.base, row.quote, row.name)).collect();
        assert_eq!(rows, ["BINANCE:ETHBTC|ETH|BTC|Binance ETHBTC", "AAPL|AAPL|USD|APPLE INC"]);
        assert!(SOURCE.read(r#"{"error":"Invalid API key"}"#, &mut catalogue).is_err());
        let exchanges: Vec<String> = SOURCE.requests().into_iter().map(|request| request.query[0].1.clone()).collect();
        assert_eq!(exchanges, [coin_exchange(), "OANDA", "US"]);
    }
}
