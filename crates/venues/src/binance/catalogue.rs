//! The list of all spot symbols.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information>. Not here: the
//! steps of followed symbols ([`super::rest`]).

use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    catalogue::{Catalogue, CatalogueItem, CatalogueNeeds, CatalogueSource, Row, Rows},
    kit::requests::RestRequest,
};

pub(super) const SOURCE: CatalogueSource = CatalogueSource {
    needs: CatalogueNeeds::Nothing,
    is_whole: true,
    requests: || {
        // Sets of permissions are most of the answer's megabytes.
        let query = vec![("permissions", "SPOT".to_owned()), ("showPermissionSets", "false".to_owned())];
        vec![RestRequest::get("/api/v3/exchangeInfo", query, 20)]
    },
    read: |body, catalogue| {
        let BinanceList { symbols } = serde_json::from_str(body)?;
        catalogue.extend(&symbols.0);
        Ok(())
    },
    built_in: |_| {},
};

#[derive(Deserialize)]
struct BinanceList<'a> {
    #[serde(borrow)]
    symbols: Rows<BinanceListed<'a>>,
}

/// One symbol; filters, steps and permissions are skipped.
///
/// ```json
/// {"symbol":"AAABBB","status":"TRADING","baseAsset":"AAA","quoteAsset":"BBB"}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BinanceListed<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    base_asset: Cow<'a, str>,
    #[serde(borrow)]
    quote_asset: Cow<'a, str>,
}

impl Row for BinanceListed<'_> {
    fn add_to(&self, _key: &str, catalogue: &mut Catalogue) {
        let status = if self.status == "TRADING" { "" } else { &self.status };
        let (symbol, base, quote) = (&self.symbol, &self.base_asset, &self.quote_asset);
        catalogue.push(CatalogueItem { symbol, base, quote, name: "", status });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CatalogueError;

    #[test]
    fn reads_names_and_states() {
        let body = r#"{"timezone":"UTC","symbols":[
            {"symbol":"AAABBB","status":"TRADING","baseAsset":"AAA","quoteAsset":"BBB","filters":[{"filterType":"X"}]},
            {"symbol":"１２３BBB","status":"BREAK","baseAsset":"１２３","quoteAsset":"BBB"}]}"#;
        let mut catalogue = Catalogue::default();
        SOURCE.read(body, &mut catalogue).unwrap();
        let rows: Vec<String> =
            catalogue.iter().map(|row| format!("{} {} {} {}", row.symbol, row.base, row.quote, row.status)).collect();
        assert_eq!(rows, ["AAABBB AAA BBB ", "１２３BBB １２３ BBB BREAK"]);
        for bad in ["", "[]", r#"{"symbols":[{"symbol":5}]}"#, "<html>", r#"{"code":-1003}"#] {
            assert!(matches!(SOURCE.read(bad, &mut catalogue), Err(CatalogueError::Unreadable(_))), "{bad}");
        }
    }

    #[test]
    fn asks_for_spot_with_the_documented_weight() {
        let requests = SOURCE.requests();
        assert_eq!((requests.len(), requests[0].path.as_ref(), requests[0].weight), (1, "/api/v3/exchangeInfo", 20));
        assert_eq!(requests[0].query[0], ("permissions", "SPOT".to_owned()));
    }
}
