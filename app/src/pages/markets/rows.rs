//! The rows of the table of pairs: plain values, each with a key that keeps its element while rows come and go.

use std::sync::Arc;

use model::instrument::Instrument;

use crate::pages::markets::figures::PairGroup;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub enum MarketRow {
    /// The best over all venues of a pair that has several.
    Best {
        /// Unique among the rows.
        key: Arc<str>,
        /// The pair and its venues.
        group: Arc<PairGroup>,
    },
    /// One venue of a pair.
    Venue {
        /// Unique among the rows.
        key: Arc<str>,
        /// The pair and its venues.
        group: Arc<PairGroup>,
        /// The venue's instrument.
        instrument: Arc<Instrument>,
        /// The pair's name, if this is its only row.
        pair: Option<Arc<str>>,
    },
}

impl MarketRow {
    /// Returns its key. It names everything that its element shows without asking again.
    pub fn key(&self) -> &str {
        match self {
            Self::Best { key, .. } | Self::Venue { key, .. } => key,
        }
    }

    /// Returns the pair that the row belongs to.
    pub fn group(&self) -> &Arc<PairGroup> {
        match self {
            Self::Best { group, .. } | Self::Venue { group, .. } => group,
        }
    }
}

/// Returns the rows of the pairs: one for a pair with one instrument, else the best and one for each instrument.
pub fn rows(groups: Vec<PairGroup>) -> Vec<MarketRow> {
    let mut rows = Vec::with_capacity(groups.len());
    for group in groups.into_iter().map(Arc::new) {
        let is_alone = group.instruments.len() == 1;
        if !is_alone {
            let key = format!("{} {}", group.name, group.pairs.join(" ")).into();
            rows.push(MarketRow::Best { key, group: Arc::clone(&group) });
        }
        for instrument in &group.instruments {
            let pair = is_alone.then(|| Arc::from(group.name.as_str()));
            let key = format!("{} {} {is_alone}", group.name, instrument.id).into();
            rows.push(MarketRow::Venue { key, group: Arc::clone(&group), instrument: Arc::clone(instrument), pair });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::pages::markets::figures::{Dollars, groups, tests::some};

    #[test]
    fn a_pair_on_one_venue_is_one_row() {
        let shown = |dollars| {
            let rows = rows(groups(&some(), dollars));
            let keys: BTreeSet<&str> = rows.iter().map(MarketRow::key).collect();
            assert_eq!(keys.len(), rows.len(), "keys are unique");
            let word = |row: &MarketRow| match row {
                MarketRow::Best { group, .. } => format!("{}:", group.name),
                MarketRow::Venue { instrument, pair: Some(pair), .. } => format!("{pair} {}", instrument.id),
                MarketRow::Venue { instrument, pair: None, .. } => instrument.id.to_string(),
            };
            rows.iter().map(word).collect::<Vec<_>>()
        };
        let apart =
            ["BTC/USD:", "one:BTC/USD", "two:BTC-USD", "demo:BTCUSD", "BTC/USDT two:BTCUSDT", "ETH/BTC two:ETHBTC"];
        assert_eq!(shown(Dollars::Apart), apart);
        let joined = ["BTC/USD*:", "one:BTC/USD", "two:BTC-USD", "two:BTCUSDT", "demo:BTCUSD", "ETH/BTC two:ETHBTC"];
        assert_eq!(shown(Dollars::Joined), joined);
    }
}
