//! Channel `tape`: public trades, each exactly once.

use model::{
    decimal::{Price, Quantity},
    event::{AggressorSide, TradeId},
};
use serde::{Deserialize, Serialize};

use crate::{channels::trade_id, limits::TAPE_LENGTH};

/// Trades, oldest first. A snapshot has the last 100; a delta those since, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeData {
    /// Oldest first.
    pub trades: Vec<TapeTrade>,
}

/// One public trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeTrade {
    /// The venue's id; in JSON a number where the venue counts, else a text.
    #[serde(with = "trade_id")]
    pub id: TradeId,
    /// Price of one base unit.
    pub price: Price,
    /// Base units traded.
    pub size: Quantity,
    /// Who crossed the spread.
    pub aggressor_side: AggressorSide,
    /// The venue's clock; the server's where the venue does not say.
    pub venue_time_ms: i64,
}

impl TapeData {
    /// Appends new trades and keeps the newest 100.
    pub fn merge(&mut self, delta: &Self) {
        self.trades.extend_from_slice(&delta.trades);
        let n_surplus = self.trades.len().saturating_sub(TAPE_LENGTH);
        self.trades.drain(..n_surplus);
    }

    /// The trades of `newer` after the last one of `self`; all of them where that one is no longer there. `None` where
    /// there are none.
    pub fn diff(&self, newer: &Self) -> Option<Self> {
        let n_known = self
            .trades
            .last()
            .and_then(|last| newer.trades.iter().rposition(|trade| trade == last))
            .map_or(0, |at| at + 1);
        let trades = newer.trades[n_known..].to_vec();
        (!trades.is_empty()).then_some(Self { trades })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trade(number: u64) -> TapeTrade {
        TapeTrade {
            id: TradeId::Sequence(number),
            price: Price::parse("61602.01").unwrap(),
            size: Quantity::parse("0.00500").unwrap(),
            aggressor_side: AggressorSide::Seller,
            venue_time_ms: 1_763_668_000_123,
        }
    }

    fn last_100(top: u64) -> TapeData {
        TapeData { trades: (top.saturating_sub(99).max(1)..=top).map(trade).collect() }
    }

    #[test]
    fn more_than_the_window_at_once_leaves_the_newest() {
        let mut tape = last_100(5);
        tape.merge(&TapeData { trades: (6..=300).map(trade).collect() });
        assert_eq!(tape, last_100(300));
    }

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(steps in prop::collection::vec(0_u64..150, 1..20)) {
            let mut top = 3;
            let mut merged = last_100(top);
            for step in steps {
                // What a publisher sends: each trade since, even where the window has moved past some.
                let delta = TapeData { trades: (top + 1..=top + step).map(trade).collect() };
                let older = last_100(top);
                top += step;
                merged.merge(&delta);
                prop_assert_eq!(&merged, &last_100(top));
                if step < 100 {
                    prop_assert_eq!(older.diff(&last_100(top)), (step > 0).then_some(delta));
                }
            }
        }
    }
}
