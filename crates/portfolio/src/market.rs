//! The market as the portfolio sees it: the best prices and the last trade of each instrument, its terms, and rates.
//!
//! The caller leaves out prices that are too old to count: a price that is not here is not known.

use std::collections::BTreeMap;

use model::{
    decimal::Price,
    instrument::InstrumentId,
    trading::{account::AccountKind, order::Side},
};

use crate::{conversion::Rates, pair::Terms};

/// The prices of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The highest bid.
    pub bid: Option<Price>,
    /// The lowest ask.
    pub ask: Option<Price>,
    /// The last trade.
    pub last: Option<Price>,
}

impl Mark {
    /// Returns the price at which a holding on `side` (buy: long) would be closed: the best bid for a long, the best
    /// ask for a short, else the last trade. A cash account owes nothing, so it values everything at the bid.
    pub fn exit(&self, side: Side, kind: AccountKind) -> Option<Price> {
        match (side, kind) {
            (Side::Sell, AccountKind::Margin) => self.ask.or(self.last),
            _ => self.bid.or(self.last),
        }
    }

    /// Returns the price at which a market order of `side` would begin to fill, else the last trade.
    pub fn entry(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.ask.or(self.last),
            Side::Sell => self.bid.or(self.last),
        }
    }
}

/// Prices, terms and rates at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// Prices by instrument.
    pub marks: BTreeMap<InstrumentId, Mark>,
    /// Base, quote and fees by instrument.
    pub terms: BTreeMap<InstrumentId, Terms>,
    /// Conversions.
    pub rates: Rates,
}

impl Market {
    /// Returns the prices of an instrument, empty ones if none are known.
    pub fn mark(&self, instrument: &InstrumentId) -> Mark {
        self.marks.get(instrument).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::price;

    #[test]
    fn each_side_has_its_price() {
        use AccountKind::{Cash, Margin};
        let mark = Mark { bid: Some(price("99")), ask: Some(price("101")), last: Some(price("100")) };
        assert_eq!(mark.exit(Side::Buy, Margin), Some(price("99")));
        assert_eq!(mark.exit(Side::Sell, Margin), Some(price("101")));
        assert_eq!(mark.exit(Side::Sell, Cash), Some(price("99")));
        assert_eq!((mark.entry(Side::Buy), mark.entry(Side::Sell)), (Some(price("101")), Some(price("99"))));
        let last = Mark { last: Some(price("100")), ..Mark::default() };
        for side in [Side::Buy, Side::Sell] {
            assert_eq!((last.exit(side, Margin), last.entry(side)), (Some(price("100")), Some(price("100"))));
            assert_eq!(Mark::default().exit(side, Margin), None);
        }
    }
}
