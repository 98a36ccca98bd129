//! Base and quote of an instrument, and what the venue charges on it. What the ledger has to know of an instrument.

use std::fmt;

use model::{
    instrument::Instrument,
    trading::account::{Currency, FeeRates},
};
use serde::{Deserialize, Serialize};

/// The two currencies of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The asset that is bought and sold.
    pub base: Currency,
    /// The currency it is priced in.
    pub quote: Currency,
}

impl Pair {
    /// Returns the pair of two codes.
    pub fn new(base: &str, quote: &str) -> Self {
        Self { base: Currency::new(base), quote: Currency::new(quote) }
    }
}

impl From<&Instrument> for Pair {
    fn from(instrument: &Instrument) -> Self {
        Self::new(&instrument.base, &instrument.quote)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.quote)
    }
}

/// The terms on which an instrument trades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Base and quote.
    pub pair: Pair,
    /// Fee rates of the venue.
    pub fees: FeeRates,
}
