//! The search over all instruments that the venues offer, followed or not: the server searches the venues' own lists.

use leptos::prelude::*;
use model::instrument::{InstrumentId, Venue};
use serde::Deserialize;

/// An instrument that a venue offers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Listing {
    /// The venue's name in topics.
    pub venue: String,
    /// The symbol in the venue's spelling.
    pub symbol: String,
    /// The base asset; empty if unknown.
    pub base: String,
    /// The quote asset; empty if unknown.
    pub quote: String,
    /// The name of a company or fund, if the venue gives one.
    pub name: Option<String>,
    /// True if the server follows it.
    pub is_followed: bool,
    /// The venue's word for a state without trading.
    pub status: Option<String>,
}

/// A venue whose list could not be searched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MissingList {
    /// The reason, a sentence.
    pub reason: String,
}

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Found {
    /// Best first.
    pub matches: Vec<Listing>,
    /// The venues whose lists are not there.
    pub missing: Vec<MissingList>,
}

impl Listing {
    /// Returns the instrument's id.
    pub fn id(&self) -> InstrumentId {
        InstrumentId::new(&Venue::new(&self.venue), &self.symbol)
    }

    /// Returns the pair as a reader knows it (`SOL/USDT`), otherwise the venue's own spelling.
    pub fn pair(&self) -> String {
        if self.base.is_empty() || self.quote.is_empty() {
            return self.symbol.clone();
        }
        format!("{}/{}", self.base, self.quote)
    }
}

/// Searches for `text`; `found` receives the result, an error as the reason of a missing list. Browser only.
pub fn search(text: &str, found: RwSignal<Found>) {
    #[cfg(feature = "browser")]
    {
        let path = format!("api/v1/instruments?limit=30&q={}", js_sys::encode_uri_component(text));
        leptos::task::spawn_local(async move {
            let result = super::rest::get::<Found>(&path).await;
            // The dialog may be gone.
            let _gone = found.try_set(
                result.unwrap_or_else(|reason| Found { missing: vec![MissingList { reason }], ..Found::default() }),
            );
        });
    }
    #[cfg(not(feature = "browser"))]
    let _ = (text, found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_servers_answer() {
        let text = r#"{"matches":[{"venue":"binance","symbol":"SOLUSDT","base":"SOL","quote":"USDT","name":null,
            "is_followed":false,"is_trading":true,"status":null},{"venue":"finnhub","symbol":"AAPL","base":"AAPL",
            "quote":"","name":"Apple Inc","is_followed":true,"is_trading":false,"status":"HALT"}],
            "missing":[{"venue":"kraken","reason":"Kraken's list could not be loaded."}],"is_complete":false}"#;
        let found: Found = serde_json::from_str(text).unwrap();
        let names: Vec<_> = found.matches.iter().map(|listed| (listed.id().to_string(), listed.pair())).collect();
        assert_eq!(names, [("binance:SOLUSDT".into(), "SOL/USDT".into()), ("finnhub:AAPL".into(), "AAPL".to_owned())]);
        assert_eq!(found.missing[0].reason, "Kraken's list could not be loaded.");
    }
}
