//! Instruments: venues, symbols and the steps of their prices and quantities.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Price, Quantity, Rounding},
    error::ModelError,
};

/// The place of trading, lower case (`kraken`). A name, not an enum, so that a new venue edits no list here. Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Venue(Arc<str>);

impl Venue {
    /// Returns the venue with that name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name under which a recording of this venue is replayed, separate from the venue itself
    /// (`replay-kraken`).
    #[must_use]
    pub fn as_replay(&self) -> Self {
        Self(format!("{REPLAY_PREFIX}{}", self.0).into())
    }

    /// Returns the venue whose recording is replayed under this name; `None` for a venue itself.
    pub fn replayed(&self) -> Option<&str> {
        self.0.strip_prefix(REPLAY_PREFIX)
    }

    /// Returns true for a recording replayed under its venue's name.
    pub fn is_replay(&self) -> bool {
        self.replayed().is_some()
    }
}

/// Prefix of the names of replayed recordings; no venue's own name begins with it.
const REPLAY_PREFIX: &str = "replay-";

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One tradable thing on one venue. Displayed and parsed as `venue:SYMBOL`; the symbol is the venue's own spelling,
/// opaque UTF-8 that may contain colons. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId {
    venue: Venue,
    symbol: Arc<str>,
}

impl InstrumentId {
    /// Returns the instrument `symbol` (the venue's own spelling) on `venue`.
    pub fn new(venue: &Venue, symbol: &str) -> Self {
        Self { venue: venue.clone(), symbol: symbol.into() }
    }

    /// Parses `venue:SYMBOL`; everything after the first colon is the symbol.
    ///
    /// # Errors
    /// [`ModelError::NotAnInstrument`] if either part is missing.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        match text.split_once(':') {
            Some((venue, symbol)) if !venue.is_empty() && !symbol.is_empty() => {
                Ok(Self::new(&Venue::new(venue), symbol))
            }
            _ => Err(ModelError::NotAnInstrument { text: text.chars().take(64).collect() }),
        }
    }

    /// Returns the venue.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// Returns the symbol in the venue's own spelling.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }
}

impl fmt::Display for InstrumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.venue, self.symbol)
    }
}

impl Serialize for InstrumentId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstrumentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Trading status of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum InstrumentStatus {
    /// Trades normally.
    Trading,
    /// Listed, but not trading now (halt, break, cancel only).
    Halted,
    /// A status that the venue added later than this code.
    Unknown,
}

/// One tradable thing and the steps of its prices and quantities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Instrument {
    /// Venue and symbol.
    pub id: InstrumentId,
    /// The asset that is bought and sold (`BTC`).
    pub base: String,
    /// The asset it is priced in (`USDT`).
    pub quote: String,
    /// Price step; its digits are the decimal places of displayed prices.
    pub tick_size: Price,
    /// Quantity step; its digits are the decimal places of displayed quantities.
    pub lot_size: Quantity,
    /// Smallest order value in `quote`, if the venue publishes one.
    pub min_notional: Option<Notional>,
    /// The trading status.
    pub status: InstrumentStatus,
    /// True for a simulated market; pages label it wherever it appears.
    pub is_simulated: bool,
}

impl Instrument {
    /// Returns the pair as a reader knows it (`BTC/USD`); identical on every venue.
    pub fn pair(&self) -> String {
        format!("{}/{}", self.base, self.quote)
    }

    /// Returns the decimal places of displayed prices: those of the tick size without trailing zeros.
    pub fn price_decimals(&self) -> u32 {
        self.tick_size.significant_scale()
    }

    /// Returns the decimal places of displayed quantities: those of the lot size without trailing zeros.
    pub fn size_decimals(&self) -> u32 {
        self.lot_size.significant_scale()
    }

    /// Rounds `price` onto the tick grid in the given direction; `None` if the tick size is zero or the result does not
    /// fit.
    pub fn round_price(&self, price: Price, rounding: Rounding) -> Option<Price> {
        price.round_to(self.tick_size, rounding)
    }

    /// Rounds `quantity` onto the lot grid in the given direction; `None` if the lot size is zero or the result does
    /// not fit.
    pub fn round_quantity(&self, quantity: Quantity, rounding: Rounding) -> Option<Quantity> {
        quantity.round_to(self.lot_size, rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instrument_ids_keep_colons_of_the_symbol() {
        let id = InstrumentId::parse("finnhub:BINANCE:BTCUSDT").unwrap();
        assert_eq!((id.venue().as_str(), id.symbol()), ("finnhub", "BINANCE:BTCUSDT"));
        assert_eq!(id.to_string(), "finnhub:BINANCE:BTCUSDT");
        for bad in ["", "kraken", ":BTC", "kraken:"] {
            assert!(InstrumentId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn decimals_come_from_tick_and_lot() {
        let instrument = Instrument {
            id: InstrumentId::parse("demo:AAABBB").unwrap(),
            base: "AAA".into(),
            quote: "BBB".into(),
            tick_size: Price::parse("0.01000000").unwrap(),
            lot_size: Quantity::parse("0.00001000").unwrap(),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: true,
        };
        assert_eq!((instrument.price_decimals(), instrument.size_decimals()), (2, 5));
        let price = Price::parse("10.017").unwrap();
        assert_eq!(instrument.round_price(price, Rounding::Down), Price::parse("10.01").ok());
        assert_eq!(instrument.round_price(price, Rounding::Up), Price::parse("10.02").ok());
    }
}
