//! Channel `candles`: bars of one instrument and interval.

use model::candle::Candle;
use serde::{Deserialize, Serialize};

use crate::{channels::bars::Rows, exact::Same, limits::CANDLES_LENGTH};

/// Bars, oldest first. A snapshot has the last 500; a delta the forming bar and those closed or corrected since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Rows", from = "Rows")]
pub struct CandlesData {
    /// Oldest first, `open_time` rising; in JSON rows of open time in milliseconds, open, high, low, close, volume, and
    /// beside them what buyers took of each volume.
    pub bars: Vec<Candle>,
}

impl CandlesData {
    /// Sets each bar of the delta by its open time and keeps the newest 500.
    pub fn merge(&mut self, delta: &Self) {
        for bar in &delta.bars {
            let at = self.bars.partition_point(|known| known.open_time < bar.open_time);
            match self.bars.get_mut(at) {
                Some(known) if known.open_time == bar.open_time => *known = *bar,
                _ => self.bars.insert(at, *bar),
            }
        }
        let n_surplus = self.bars.len().saturating_sub(CANDLES_LENGTH);
        self.bars.drain(..n_surplus);
    }

    /// The bars of `newer` that are new or differ; `None` where there are none. Bars that are gone cannot be told,
    /// except by falling out of the window of 500.
    pub fn diff(&self, newer: &Self) -> Option<Self> {
        let mut known = self.bars.iter().peekable();
        let mut bars = Vec::new();
        for bar in &newer.bars {
            while known.next_if(|older| older.open_time < bar.open_time).is_some() {}
            if !known.peek().is_some_and(|older| older.is_same(bar)) {
                bars.push(*bar);
            }
        }
        (!bars.is_empty()).then_some(Self { bars })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::{
        decimal::{Price, Quantity},
        event::AggressorSide,
        time::Timestamp,
    };
    use proptest::prelude::*;

    use super::*;

    fn bar(minute: i64, cents: i64) -> Candle {
        let price = Price::from_mantissa(i128::from(cents), 2).unwrap();
        Candle::of_trade(Timestamp::from_millis(minute * 60_000), price, Quantity::ZERO, AggressorSide::Unknown)
    }

    fn last_500(all: &BTreeMap<i64, i64>) -> CandlesData {
        let n_older = all.len().saturating_sub(CANDLES_LENGTH);
        CandlesData { bars: all.iter().skip(n_older).map(|(minute, cents)| bar(*minute, *cents)).collect() }
    }

    #[test]
    fn the_forming_bar_is_replaced_and_a_correction_finds_its_place() {
        let mut candles = CandlesData { bars: vec![bar(1, 10), bar(3, 30)] };
        candles.merge(&CandlesData { bars: vec![bar(2, 20), bar(3, 31), bar(4, 40)] });
        assert_eq!(candles.bars, [bar(1, 10), bar(2, 20), bar(3, 31), bar(4, 40)]);
        assert_eq!(candles.diff(&candles), None);
    }

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(
            n_history in 0_i64..520,
            steps in prop::collection::vec(prop::collection::vec((-3_i64..3, 1_i64..1_000), 0..5), 1..30),
        ) {
            let mut all: BTreeMap<i64, i64> = (0..n_history).map(|minute| (minute, 100)).collect();
            let mut older = last_500(&all);
            let mut merged = older.clone();
            for changes in steps {
                for (shift, cents) in changes {
                    let top = all.keys().next_back().copied().unwrap_or(0);
                    all.insert(top + shift, cents);
                }
                let newer = last_500(&all);
                if let Some(delta) = older.diff(&newer) {
                    merged.merge(&delta);
                }
                prop_assert_eq!(&merged, &newer);
                older = newer;
            }
        }
    }
}
