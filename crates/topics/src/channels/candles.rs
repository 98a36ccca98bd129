//! Channel `candles`: candles of one instrument and interval.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    exact::Same,
    limits::{CANDLES_LENGTH, MAX_BARS},
    payload::{FieldReader, FieldWriter, Merge, Payload, check_length, newest, when},
};

/// Candles, oldest first. A snapshot has the last 500; a delta the forming one and those closed or corrected since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "Rows", from = "Rows")]
pub struct CandlesData {
    /// Oldest first, `open_time` ascending; in JSON rows of open time in milliseconds, open, high, low, close, volume,
    /// and separately the buyers' part of each volume.
    pub bars: Vec<Candle>,
}

impl Merge for CandlesData {
    /// Sets each candle of the delta by its open time and keeps the newest 500.
    fn merge(&mut self, delta: &Self) {
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

    /// Returns the candles of `newer` that are new or differ; `None` if there are none. Removed candles cannot be
    /// expressed, except when they drop out of the window of 500.
    fn diff(&self, newer: &Self) -> Option<Self> {
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

impl Payload for CandlesData {
    fn write(&self, writer: &mut impl FieldWriter) {
        let bars = newest(&self.bars, MAX_BARS);
        writer.count(bars.len());
        let (mut before, mut step) = (0_i64, 0_i64);
        for bar in bars {
            let open_ms = bar.open_time.as_millis();
            let next_step = open_ms.wrapping_sub(before);
            writer.signed(next_step.wrapping_sub(step));
            (before, step) = (open_ms, next_step);
            [bar.open, bar.high, bar.low, bar.close].into_iter().for_each(|price| writer.price(price));
            writer.size(bar.volume);
            writer.byte(u8::from(bar.buy_volume.is_some()));
            bar.buy_volume.into_iter().for_each(|size| writer.size(size));
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let n_bars = reader.count("bars", MAX_BARS)?;
        let mut bars = Vec::with_capacity(n_bars);
        let (mut open_ms, mut step) = (0_i64, 0_i64);
        for _ in 0..n_bars {
            step = step.wrapping_add(reader.signed()?);
            open_ms = open_ms.wrapping_add(step);
            bars.push(Candle {
                open_time: Timestamp::from_millis(open_ms),
                open: reader.price()?,
                high: reader.price()?,
                low: reader.price()?,
                close: reader.price()?,
                volume: reader.size()?,
                buy_volume: when(u64::from(reader.byte()?), 0, || reader.size())?,
            });
        }
        Ok(CandlesData { bars })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("bars", self.bars.len(), MAX_BARS)
    }
}

/// Candles as rows, `{"bars":[[open_time_ms,"open","high","low","close","volume"],…],"buy_volumes":["…"|null,…]}`: the
/// buyers' part of each row's volume is a separate list, omitted if it is unknown for all rows.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Rows {
    bars: Vec<(i64, Price, Price, Price, Price, Quantity)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    buy_volumes: Vec<Option<Quantity>>,
}

impl From<CandlesData> for Rows {
    fn from(CandlesData { bars }: CandlesData) -> Self {
        let is_known = bars.iter().any(|bar| bar.buy_volume.is_some());
        let row = |bar: &Candle| (bar.open_time.as_millis(), bar.open, bar.high, bar.low, bar.close, bar.volume);
        let buy_volumes = bars.iter().map(|bar| bar.buy_volume).filter(|_| is_known).collect();
        Self { bars: bars.iter().map(row).collect(), buy_volumes }
    }
}

impl From<Rows> for CandlesData {
    fn from(rows: Rows) -> Self {
        let buy_volumes = rows.buy_volumes.into_iter().chain(std::iter::repeat(None));
        let bar = |((open_ms, open, high, low, close, volume), buy_volume)| Candle {
            open_time: Timestamp::from_millis(open_ms),
            open,
            high,
            low,
            close,
            volume,
            buy_volume,
        };
        Self { bars: rows.bars.into_iter().zip(buy_volumes).map(bar).collect() }
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
