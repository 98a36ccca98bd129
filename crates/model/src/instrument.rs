//! What can be traded where: venues, symbols and the steps their prices and quantities move in.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Price, Quantity, Rounding},
    error::ModelError,
};

/// Where it trades, lower case (`kraken`). A name, not an enum: a new venue edits no list here. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Venue(Arc<str>);

impl Venue {
    /// The venue of that name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name under which a recording of this venue plays, beside the venue itself (`replay-kraken`).
    #[must_use]
    pub fn as_replay(&self) -> Self {
        Self(format!("{REPLAY_PREFIX}{}", self.0).into())
    }

    /// The venue whose recording plays under this name; `None` for a venue itself.
    pub fn replayed(&self) -> Option<&str> {
        self.0.strip_prefix(REPLAY_PREFIX)
    }

    /// True for a recording that plays under the name of its venue.
    pub fn is_replay(&self) -> bool {
        self.replayed().is_some()
    }
}

/// What the names of recordings that play begin with; no venue's own name does.
const REPLAY_PREFIX: &str = "replay-";

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One tradable thing on one venue. Shown and read as `venue:SYMBOL`; the symbol is the venue's own spelling, opaque
/// UTF-8 that may hold colons. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId {
    venue: Venue,
    symbol: Arc<str>,
}

impl InstrumentId {
    /// The instrument `symbol` (the venue's own spelling) on `venue`.
    pub fn new(venue: &Venue, symbol: &str) -> Self {
        Self { venue: venue.clone(), symbol: symbol.into() }
    }

    /// Reads `venue:SYMBOL`; everything after the first colon is the symbol.
    ///
    /// # Errors
    /// [`ModelError::NotAnInstrument`] where either part is missing.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        match text.split_once(':') {
            Some((venue, symbol)) if !venue.is_empty() && !symbol.is_empty() => {
                Ok(Self::new(&Venue::new(venue), symbol))
            }
            _ => Err(ModelError::NotAnInstrument { text: text.chars().take(64).collect() }),
        }
    }

    /// Where it trades.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The venue's own spelling.
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

/// Whether an instrument can be traded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentStatus {
    /// Trades normally.
    Trading,
    /// Listed, but not trading now (halt, break, cancel only).
    Halted,
    /// A status the venue has added since this was written.
    Unknown,
}

/// One tradable thing with the steps its numbers move in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Venue and symbol.
    pub id: InstrumentId,
    /// The asset that is bought and sold (`BTC`).
    pub base: String,
    /// The asset it is priced in (`USDT`).
    pub quote: String,
    /// Price step; its digits are the decimals that prices are shown with.
    pub tick_size: Price,
    /// Quantity step; its digits are the decimals that quantities are shown with.
    pub lot_size: Quantity,
    /// Smallest order value in `quote`, where the venue names one.
    pub min_notional: Option<Notional>,
    /// Whether it trades now.
    pub status: InstrumentStatus,
    /// True for a made-up market; pages label it wherever it appears.
    pub is_simulated: bool,
}

impl Instrument {
    /// The asset pair as a reader knows it (`BTC/USD`): the same for the same pair on every venue.
    pub fn pair(&self) -> String {
        format!("{}/{}", self.base, self.quote)
    }

    /// Decimals that prices are shown with: those of the tick size without its trailing zeros.
    pub fn price_decimals(&self) -> u32 {
        self.tick_size.significant_scale()
    }

    /// Decimals that quantities are shown with: those of the lot size without its trailing zeros.
    pub fn size_decimals(&self) -> u32 {
        self.lot_size.significant_scale()
    }

    /// `price` moved onto the tick grid in the named direction; `None` where the tick size is zero or the result does not fit.
    pub fn round_price(&self, price: Price, rounding: Rounding) -> Option<Price> {
        price.round_to(self.tick_size, rounding)
    }

    /// `quantity` moved onto the lot grid in the named direction; `None` where the lot size is zero or the result does not fit.
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
