//! The settings of the broker.

use std::{collections::BTreeMap, time::Duration};

use model::{instrument::Venue, trading::account::FeeRates};

/// Model of the queue ahead of a resting order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueModel {
    /// By trades, and where less is displayed than was ahead. A lower bound of what fills.
    #[default]
    Conservative,
    /// By everything that leaves the level: whoever cancels was ahead. Trades without a side count for both. An upper
    /// bound of what fills.
    Optimistic,
}

/// The settings of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// From the acceptance of an order or amendment to its arrival at the market.
    pub entry_latency: Duration,
    /// From a cancel to its arrival at the market.
    pub cancel_latency: Duration,
    /// Largest distance of a market order's fills from the best price at arrival, in basis points.
    pub protection_bps: u32,
    /// The age from which a book fills nothing.
    pub max_book_age: Duration,
    /// Model of the queue ahead of a resting order.
    pub queue: QueueModel,
    /// Fee rates by venue.
    pub fees: BTreeMap<Venue, FeeRates>,
    /// Fee rates of all other venues.
    pub default_fees: FeeRates,
}

impl BrokerConfig {
    /// Returns what `venue` charges; a replayed one charges what the venue itself does.
    pub fn fees_of(&self, venue: &Venue) -> FeeRates {
        let replayed = || self.fees.get(&Venue::new(venue.replayed()?));
        self.fees.get(venue).or_else(replayed).copied().unwrap_or(self.default_fees)
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            entry_latency: Duration::ZERO,
            cancel_latency: Duration::ZERO,
            protection_bps: 200,
            max_book_age: Duration::from_secs(10),
            queue: QueueModel::default(),
            fees: BTreeMap::new(),
            default_fees: FeeRates::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::decimal::Rate;

    use super::*;

    #[test]
    fn a_replay_charges_what_its_venue_does() {
        let rates = |text| FeeRates { maker: Rate::ZERO, taker: Rate::parse(text).unwrap() };
        let mut config = BrokerConfig { default_fees: rates("0.3"), ..BrokerConfig::default() };
        config.fees.insert(Venue::new("here"), rates("0.1"));
        for (venue, taker) in [("here", "0.1"), ("replay-here", "0.1"), ("there", "0.3"), ("replay-there", "0.3")] {
            assert_eq!(config.fees_of(&Venue::new(venue)), rates(taker), "{venue}");
        }
    }
}
