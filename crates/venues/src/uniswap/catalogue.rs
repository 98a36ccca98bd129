//! The list of the largest pools, from the subgraph.
//!
//! Source: <https://docs.uniswap.org/api/subgraph/overview>. Anyone can open a pool with any name, so the list ends with
//! the pools that hold the most. A symbol is a pool's address; its name has the fee.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use super::graphql;
use crate::{
    catalogue::{Catalogue, CatalogueError, CatalogueItem, CatalogueNeeds, CatalogueSource, Row, Rows},
    kit::requests::RestRequest,
};

pub(super) const SOURCE: CatalogueSource = CatalogueSource {
    needs: CatalogueNeeds::History,
    is_whole: false,
    requests: || {
        let query = format!(
            "{{pools(first:{POOLS},orderBy:totalValueLockedUSD,orderDirection:desc){{id feeTier token0{{symbol}} \
             token1{{symbol}}}}}}"
        );
        let body = Some(json!({ "query": query }).to_string());
        vec![RestRequest { path: graphql::PATH.into(), query: Vec::new(), weight: 1, body }]
    },
    read: |body, catalogue| {
        let UniswapList { data, errors } = serde_json::from_str(body)?;
        match (errors.first(), data) {
            (Some(error), _) => Err(CatalogueError::Refused { detail: error.message.chars().take(200).collect() }),
            (None, Some(data)) => {
                catalogue.extend(&data.pools.0);
                Ok(())
            }
            (None, None) => Err(CatalogueError::Refused { detail: "an empty answer".to_owned() }),
        }
    },
    built_in: |catalogue| {
        let name = "USDC / WETH 0.05 %";
        let symbol = "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640";
        catalogue.push(CatalogueItem { symbol, base: "WETH", quote: "USDC", name, status: "" });
    },
};

#[derive(Deserialize)]
struct UniswapList<'a> {
    #[serde(borrow, default)]
    data: Option<UniswapPools<'a>>,
    #[serde(borrow, default)]
    errors: Vec<UniswapError<'a>>,
}

#[derive(Deserialize)]
struct UniswapError<'a> {
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

#[derive(Deserialize)]
struct UniswapPools<'a> {
    #[serde(borrow)]
    pools: Rows<UniswapPool<'a>>,
}

/// One pool.
///
/// ```json
/// {"id":"0x88e6…","feeTier":"500","token0":{"symbol":"USDC"},"token1":{"symbol":"WETH"}}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UniswapPool<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    fee_tier: Cow<'a, str>,
    #[serde(borrow)]
    token0: UniswapToken<'a>,
    #[serde(borrow)]
    token1: UniswapToken<'a>,
}

#[derive(Debug, Deserialize)]
struct UniswapToken<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
}

impl Row for UniswapPool<'_> {
    fn add_to(&self, _key: &str, catalogue: &mut Catalogue) {
        let (first, second) = (&*self.token0.symbol, &*self.token1.symbol);
        // Prices are in the stablecoin, whichever comes first.
        let is_stable = |token: &str| STABLECOINS.contains(&token);
        let (base, quote) = if is_stable(first) && !is_stable(second) { (second, first) } else { (first, second) };
        // Hundredths of a basis point.
        let fee = self.fee_tier.parse::<u32>().ok().map(|fee| format!(" {} %", f64::from(fee) / 10_000.0));
        let name = format!("{first} / {second}{}", fee.unwrap_or_default());
        catalogue.push(CatalogueItem { symbol: &self.id.to_lowercase(), base, quote, name: &name, status: "" });
    }
}

/// Pools in the list.
const POOLS: usize = 500;
const STABLECOINS: [&str; 4] = ["DAI", "USDC", "USDT", "USDS"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pools_with_prices_in_the_stablecoin() {
        let body = r#"{"data":{"pools":[
            {"id":"0xAB","feeTier":"500","token0":{"symbol":"USDC"},"token1":{"symbol":"WETH"}},
            {"id":"0xcd","feeTier":"3000","token0":{"symbol":"WBTC"},"token1":{"symbol":"WETH"}}]}}"#;
        let mut catalogue = Catalogue::default();
        SOURCE.read(body, &mut catalogue).unwrap();
        let rows: Vec<String> =
            catalogue.iter().map(|row| format!("{}|{}|{}|{}", row.symbol, row.base, row.quote, row.name)).collect();
        assert_eq!(rows, ["0xab|WETH|USDC|USDC / WETH 0.05 %", "0xcd|WBTC|WETH|WBTC / WETH 0.3 %"]);
        let refused = SOURCE.read(r#"{"errors":[{"message":"auth error"}]}"#, &mut catalogue);
        assert_eq!(refused.unwrap_err().to_string(), "auth error");
        assert_eq!(SOURCE.built_in().len(), 1);
    }
}
