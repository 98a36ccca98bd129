//! The list of all pairs.
//!
//! Source: <https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs>. The list has the old codes (`XBT`); symbols
//! are in the modern ones, as version 2 of the protocol takes them. Not here: the steps of followed pairs
//! ([`super::answers`]).

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    answers::modern_code,
    rest::{self, AssetClass},
};
use crate::catalogue::{Catalogue, CatalogueError, CatalogueItem, CatalogueNeeds, CatalogueSource, Row, Rows};

pub(super) const SOURCE: CatalogueSource = CatalogueSource {
    needs: CatalogueNeeds::Nothing,
    is_whole: true,
    requests: || [AssetClass::Currency, AssetClass::Tokenized].map(rest::asset_pairs).into(),
    read: |body, catalogue| {
        let KrakenList { error, result } = serde_json::from_str(body)?;
        match (error.first(), result) {
            // Errors have status 200.
            (Some(detail), _) => Err(CatalogueError::Refused { detail: detail.chars().take(200).collect() }),
            (None, Some(pairs)) => {
                catalogue.extend(&pairs.0);
                Ok(())
            }
            (None, None) => Err(CatalogueError::Refused { detail: "an empty answer".to_owned() }),
        }
    },
    built_in: |_| {},
};

#[derive(Deserialize)]
struct KrakenList<'a> {
    #[serde(borrow, default)]
    error: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    result: Option<Rows<KrakenListed<'a>>>,
}

/// One pair; its numbers are skipped.
///
/// ```json
/// {"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","status":"online"}}
/// ```
#[derive(Debug, Deserialize)]
struct KrakenListed<'a> {
    #[serde(borrow, default)]
    altname: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    wsname: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
}

impl Row for KrakenListed<'_> {
    fn add_to(&self, key: &str, catalogue: &mut Catalogue) {
        // Dark pools have no name on the WebSocket.
        if key.ends_with(".d") || self.altname.as_deref().is_some_and(|name| name.ends_with(".d")) {
            return;
        }
        let Some((base, quote)) = self.wsname.as_deref().unwrap_or(key).split_once('/') else { return };
        let (base, quote) = (modern_code(base), modern_code(quote));
        let status = match self.status.as_deref() {
            None | Some("online" | "limit_only" | "reduce_only") => String::new(),
            Some(other) => other.replace('_', " ").to_uppercase(),
        };
        if !base.is_empty() && !quote.is_empty() {
            catalogue.push(CatalogueItem {
                symbol: &format!("{base}/{quote}"),
                base,
                quote,
                name: "",
                status: &status,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_modern_names_and_states() {
        let body = r#"{"error":[],"result":{
            "XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT\/USD","status":"online","pair_decimals":1},
            "XXBTZUSD.d":{"altname":"XBTUSD.d","wsname":"XBT/USD"},
            "XDGEUR":{"altname":"XDGEUR","wsname":"XDG/EUR","status":"cancel_only"},
            "OLD":{"altname":"OLD"}}}"#;
        let mut catalogue = Catalogue::default();
        SOURCE.read(body, &mut catalogue).unwrap();
        let rows: Vec<String> =
            catalogue.iter().map(|row| format!("{}|{}|{}|{}", row.symbol, row.base, row.quote, row.status)).collect();
        assert_eq!(rows, ["BTC/USD|BTC|USD|", "DOGE/EUR|DOGE|EUR|CANCEL ONLY"]);
    }

    #[test]
    fn errors_come_with_status_200() {
        let mut catalogue = Catalogue::default();
        for (body, words) in [
            (r#"{"error":["EService:Unavailable"]}"#, "EService:Unavailable"),
            (r#"{"error":[]}"#, "an empty answer"),
            ("<html>", "the list cannot be read"),
        ] {
            assert_eq!(SOURCE.read(body, &mut catalogue).unwrap_err().to_string(), words);
        }
    }
}
