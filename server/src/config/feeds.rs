//! `[[feeds]]`: the followed symbols. An entry has a venue and its symbols; entries of the same venue are joined.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    error::{Origin, SettingError, invalid},
    tree::{Leaf, Node},
    value::{RawValue, parsed},
};

/// The followed symbols of one venue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "Entry")]
pub struct FeedConfig {
    /// The venue's name.
    pub venue: String,
    /// The symbols in the venue's own spelling, without duplicates; never empty once loaded.
    pub symbols: Vec<String>,
}

impl FeedConfig {
    /// Adds new symbols.
    ///
    /// # Errors
    /// A symbol is invalid, or there are too many.
    pub fn add_symbols(&mut self, symbols: Vec<String>) -> Result<(), SettingError> {
        for symbol in symbols {
            if symbol.is_empty() || symbol.chars().count() > MAX_SYMBOL_CHARS || symbol.chars().any(char::is_control) {
                return Err(invalid(format!("a symbol has 1 to {MAX_SYMBOL_CHARS} characters")));
            }
            if !self.symbols.contains(&symbol) {
                self.symbols.push(symbol);
            }
        }
        if self.symbols.len() > MAX_SYMBOLS {
            return Err(invalid(format!("follow at most {MAX_SYMBOLS} symbols of a venue")));
        }
        Ok(())
    }
}

/// An entry as written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    // REST polling will be added when sessions support it; the key is known already so that files stay valid.
    #[serde(rename = "mode", deserialize_with = "mode")]
    _mode: (),
    #[serde(deserialize_with = "symbols")]
    symbols: Vec<String>,
    #[serde(deserialize_with = "venue")]
    venue: String,
}

impl From<Entry> for FeedConfig {
    fn from(entry: Entry) -> Self {
        Self { venue: entry.venue, symbols: entry.symbols }
    }
}

fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    parsed(from, |mode| match mode {
        "websocket" => Ok(()),
        _ => Err(invalid("write \"websocket\", the only mode so far")),
    })
}

fn symbols<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let mut feed = FeedConfig::default();
    feed.add_symbols(Vec::deserialize(from)?).map_err(serde::de::Error::custom)?;
    Ok(feed.symbols)
}

fn venue<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parsed(from, |venue| Ok(venue.to_lowercase()))
}

/// Reads the short form of an entry, `binance=BTCUSDT,ETHUSDT`; without `=`, it means the venue's default symbols.
pub fn short_form(text: &str, origin: &Origin) -> Node {
    let (venue, symbols) = text.split_once('=').unwrap_or((text, ""));
    let leaf = |part: &str| {
        let value = RawValue::Text(part.to_owned());
        Node::Leaf(Leaf { value, origin: origin.clone(), whole: Some(text.to_owned()) })
    };
    let entries = [("venue", leaf(venue.trim())), ("symbols", leaf(symbols))];
    let entries: BTreeMap<String, Node> = entries.map(|(key, node)| (key.to_owned(), node)).into();
    Node::Table(entries, origin.clone())
}

const MAX_SYMBOL_CHARS: usize = 64;
/// The maximum number of symbols followed on one venue.
pub const MAX_SYMBOLS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_short_form() {
        #[track_caller]
        fn check(text: &str, venue: &str, symbols: &[&str]) {
            let feed = FeedConfig::deserialize(&short_form(text, &Origin::Flag("--venue"))).unwrap();
            assert_eq!(
                (feed.venue.as_str(), feed.symbols.as_slice()),
                (venue, symbols.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
                "{text}"
            );
        }
        check("binance=BTCUSDT,ETHUSDT", "binance", &["BTCUSDT", "ETHUSDT"]);
        check("Kraken = BTC/USD, BTC/USD", "kraken", &["BTC/USD"]);
        check("finnhub=BINANCE:BTCUSDT", "finnhub", &["BINANCE:BTCUSDT"]);
        check("demo", "demo", &[]);
        let longest = "哈".repeat(64);
        check(&format!("demo={longest}"), "demo", &[&longest]);
        assert!(FeedConfig::deserialize(&short_form(&format!("demo={longest}A"), &Origin::Flag("--venue"))).is_err());
        assert!(FeedConfig::deserialize(&short_form("demo=A\u{7}B", &Origin::Flag("--venue"))).is_err());
    }
}
