//! The list of all products.
//!
//! Source: <https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/list-public-products>. Not
//! here: the steps of followed products ([`super::rest`]).

use std::borrow::Cow;

use serde::Deserialize;

use super::rest;
use crate::catalogue::{Catalogue, CatalogueItem, CatalogueNeeds, CatalogueSource, Row, Rows};

pub(super) const SOURCE: CatalogueSource = CatalogueSource {
    needs: CatalogueNeeds::Nothing,
    is_whole: true,
    requests: || vec![rest::products()],
    read: |body, catalogue| {
        let CoinbaseList { products } = serde_json::from_str(body)?;
        catalogue.extend(&products.0);
        Ok(())
    },
    built_in: |_| {},
};

#[derive(Deserialize)]
struct CoinbaseList<'a> {
    #[serde(borrow)]
    products: Rows<CoinbaseListed<'a>>,
}

/// One product; its numbers are skipped.
///
/// ```json
/// {"product_id":"AAA-USD","base_currency_id":"AAA","quote_currency_id":"USD","base_name":"Triple A","status":"online",
///  "trading_disabled":false,"cancel_only":false,"view_only":false}
/// ```
#[derive(Debug, Deserialize)]
struct CoinbaseListed<'a> {
    #[serde(borrow)]
    product_id: Cow<'a, str>,
    #[serde(rename = "base_currency_id", borrow)]
    base: Cow<'a, str>,
    #[serde(rename = "quote_currency_id", borrow)]
    quote: Cow<'a, str>,
    #[serde(rename = "base_name", borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(default)]
    trading_disabled: bool,
    #[serde(default)]
    cancel_only: bool,
}

impl Row for CoinbaseListed<'_> {
    fn add_to(&self, _key: &str, catalogue: &mut Catalogue) {
        let status = match self.status.as_ref() {
            "" | "online" if self.trading_disabled => "TRADING DISABLED",
            "" | "online" if self.cancel_only => "CANCEL ONLY",
            "" | "online" => "",
            other => &other.to_uppercase(),
        };
        let name = if self.name == self.base { "" } else { &self.name };
        let (symbol, base, quote) = (&self.product_id, &self.base, &self.quote);
        catalogue.push(CatalogueItem { symbol, base, quote, name, status });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_states() {
        let row = |id: &str, more: &str| {
            format!(r#"{{"product_id":"{id}-USD","base_currency_id":"{id}","quote_currency_id":"USD"{more}}}"#)
        };
        let rows = [
            row("AAA", r#","base_name":"Triple A","status":"online","price":"1""#),
            row("BBB", r#","base_name":"BBB","status":"online","trading_disabled":true"#),
            row("CCC", r#","status":"delisted""#),
            row("DDD", ""),
        ];
        let mut catalogue = Catalogue::default();
        SOURCE.read(&format!(r#"{{"products":[{}]}}"#, rows.join(",")), &mut catalogue).unwrap();
        let rows: Vec<String> =
            catalogue.iter().map(|row| format!("{}|{}|{}", row.symbol, row.name, row.status)).collect();
        assert_eq!(rows, ["AAA-USD|Triple A|", "BBB-USD||TRADING DISABLED", "CCC-USD||DELISTED", "DDD-USD||"]);
        assert!(SOURCE.read(r#"{"error":"x"}"#, &mut catalogue).is_err());
    }
}
