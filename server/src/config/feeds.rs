//! `[[feeds]]`: what is followed. One entry a venue and its symbols; entries of the same venue are joined.

use super::{
    error::{SettingError, invalid},
    value::RawValue,
};

/// What is followed on one venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedConfig {
    /// The venue's name.
    pub venue: String,
    /// In the venue's own spelling, each once; never empty once loaded.
    pub symbols: Vec<String>,
}

impl FeedConfig {
    /// Every key of an entry.
    pub const KEYS: &[&str] = &["mode", "symbols", "venue"];

    /// Reads `binance=BTCUSDT,ETHUSDT`; without `=` the venue's default symbols are meant.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let (venue, symbols) = text.split_once('=').unwrap_or((text, ""));
        let mut feed = Self::default();
        feed.set("venue", &RawValue::Text(venue.trim().to_owned()))?;
        feed.set("symbols", &RawValue::Text(symbols.to_owned()))?;
        Ok(feed)
    }

    /// Takes one setting in.
    pub fn set(&mut self, key: &str, value: &RawValue) -> Result<(), SettingError> {
        match key {
            "venue" => self.venue = value.text()?.to_lowercase(),
            "symbols" => {
                self.symbols.clear();
                self.add_symbols(value.list()?)?;
            }
            // REST polling joins the list when sessions can do it; the key stands already so that files stay valid.
            "mode" if value.text()? == "websocket" => {}
            "mode" => return Err(invalid("write \"websocket\", the only mode so far")),
            _ => return Err(SettingError::UnknownKey),
        }
        Ok(())
    }

    /// Adds symbols it does not have yet.
    ///
    /// # Errors
    /// A symbol that cannot be one, or too many.
    pub fn add_symbols(&mut self, symbols: Vec<String>) -> Result<(), SettingError> {
        for symbol in symbols {
            if symbol.is_empty() || symbol.len() > MAX_SYMBOL_BYTES || symbol.chars().any(char::is_control) {
                return Err(invalid(format!("write symbols of 1 to {MAX_SYMBOL_BYTES} bytes")));
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

    /// The entry as TOML.
    pub fn to_toml(&self) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("venue".into(), self.venue.clone().into());
        table.insert("symbols".into(), self.symbols.clone().into());
        table
    }
}

const MAX_SYMBOL_BYTES: usize = 64;
/// Most symbols that are followed on one venue.
pub const MAX_SYMBOLS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_short_form() {
        #[track_caller]
        fn check(text: &str, venue: &str, symbols: &[&str]) {
            let feed = FeedConfig::parse(text).unwrap();
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
        assert!(FeedConfig::parse("demo=A\u{7}B").is_err());
    }
}
