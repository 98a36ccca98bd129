//! The bars of a chart in columns: pixels are computed from `f64` columns, texts from the exact candles beside them.
//!
//! Bounded at [`MAX_BARS`]: the oldest are dropped. Bars are ordered by open time, one each. An interval without trades
//! has no bar. Not here: building bars (`market`), merging them into pixel columns (`decimate`).

use std::{fmt::Write, ops::Range};

use model::candle::Candle;

use crate::flow::Flow;

/// Most bars kept: twice the number in a snapshot, so that a page left open can scroll back; memory does not grow.
pub const MAX_BARS: usize = 1_000;

/// The number of last bars that [`Series::hash`] covers: those of a snapshot.
pub const HASHED_BARS: usize = 500;

/// The effect of an update on a series, for choosing what to redraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No visible change.
    Nothing,
    /// The last bar, which is still forming.
    LastBar,
    /// Bars were added or corrected.
    Bars,
}

/// Bars in order of open time. All columns have the same length.
#[derive(Clone, Debug, Default)]
pub struct Series {
    candles: Vec<Candle>,
    open_time_ms: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
    flow: Flow,
    /// The most decimal places of any close since the bars were replaced.
    close_decimals: u32,
    hashed: Option<HashedPrefix>,
}

/// The hash over all bars except the last, the only one that changes between two bar closes.
#[derive(Clone, Copy, Debug)]
struct HashedPrefix {
    decimals: (u32, u32),
    state: u64,
}

impl Series {
    /// Replaces all bars; they may come in any order; of two with the same open time the later wins.
    pub fn set(&mut self, bars: &[Candle]) {
        self.clear();
        self.upsert(bars);
    }

    /// Removes all bars and keeps the memory.
    pub fn clear(&mut self) {
        self.drain(self.len());
        self.flow.clear();
        self.close_decimals = 0;
        self.hashed = None;
    }

    /// Adds bars and replaces those with the same open time.
    pub fn upsert(&mut self, bars: &[Candle]) -> Change {
        let mut change = Change::Nothing;
        for bar in bars {
            let time_ms = bar.open_time.as_millis();
            let idx = match self.open_time_ms.last() {
                Some(&last) if last < time_ms => Err(self.len()),
                _ => self.open_time_ms.binary_search(&time_ms),
            };
            match idx {
                Ok(idx) if self.candles[idx] == *bar => {}
                Ok(idx) => {
                    let is_last = idx + 1 == self.len();
                    self.write(idx, bar);
                    if is_last {
                        change = if change == Change::Nothing { Change::LastBar } else { change };
                    } else {
                        self.hashed = None;
                        change = Change::Bars;
                    }
                }
                // Older than the oldest bar of a full series: it would be dropped at once.
                Err(0) if self.len() == MAX_BARS => {}
                Err(idx) => {
                    self.insert(idx, bar);
                    self.hashed = None;
                    change = Change::Bars;
                }
            }
            if self.len() > MAX_BARS {
                self.flow.remove_first(self.open_time_ms[0]);
                self.drain(1);
            }
        }
        change
    }

    /// Returns the number of bars.
    pub fn len(&self) -> usize {
        self.candles.len()
    }

    /// Returns true if there are no bars.
    pub fn is_empty(&self) -> bool {
        self.candles.is_empty()
    }

    /// Returns the bar at `idx`, oldest first, exact.
    pub fn candle(&self, idx: usize) -> Option<&Candle> {
        self.candles.get(idx)
    }

    /// Returns the newest bar, exact.
    pub fn last(&self) -> Option<&Candle> {
        self.candles.last()
    }

    /// Returns the open times in milliseconds, ascending.
    pub fn open_time_ms(&self) -> &[i64] {
        &self.open_time_ms
    }

    /// Returns the bar at `idx` for pixels; `idx` must be below [`Self::len`].
    pub(crate) fn bar(&self, idx: usize) -> Bar {
        Bar {
            open: self.open[idx],
            high: self.high[idx],
            low: self.low[idx],
            close: self.close[idx],
            volume: self.volume[idx],
            bought: self.candles[idx].buy_volume.map(|bought| bought.to_f64_lossy()),
        }
    }

    /// Returns the cumulative volume delta up to and including the bar at `idx`; `None` if unknown.
    pub fn cumulative_delta(&self, idx: usize) -> Option<f64> {
        self.flow.total(idx)
    }

    /// Returns when the cumulative volume delta of the bar at `idx` began.
    pub fn delta_since_ms(&self, idx: usize) -> Option<i64> {
        self.flow.since_ms(idx, &self.open_time_ms)
    }

    /// Returns the close of the bar at `idx` for pixels; `idx` must be below [`Self::len`].
    pub(crate) fn close(&self, idx: usize) -> f64 {
        self.close[idx]
    }

    /// Returns the decimal places of the longest close so far. It never falls while bars come and go, so that a label
    /// as long as the close does not change the axis with every trade.
    pub(crate) fn close_decimals(&self) -> u32 {
        self.close_decimals
    }

    /// Returns the lowest low and highest high of the bars in `range`; `None` without bars.
    pub fn price_extent(&self, range: Range<usize>) -> Option<(f64, f64)> {
        let lows = self.low.get(range.clone())?;
        let highs = self.high.get(range)?;
        let low = lows.iter().copied().reduce(f64::min)?;
        let high = highs.iter().copied().reduce(f64::max)?;
        Some((low, high))
    }

    /// Returns FNV-1a 64 over `t,o,h,l,c,v;` of the last [`HASHED_BARS`] bars, oldest first: `t` is the open time in
    /// milliseconds, the rest are decimals as displayed (`price_decimals` for prices, `size_decimals` for the volume; a
    /// value with more significant decimals keeps them). Without bars, returns FNV's offset basis.
    ///
    /// Tests compute the same hash over the bars they expect. While only the last bar changes, only its text is hashed.
    pub fn hash(&mut self, price_decimals: u32, size_decimals: u32) -> u64 {
        let Some((last, _)) = self.candles.split_last() else { return FNV_OFFSET_BASIS };
        let decimals = (price_decimals, size_decimals);
        let prefix = match self.hashed {
            Some(hashed) if hashed.decimals == decimals => hashed.state,
            _ => {
                let window = self.len().saturating_sub(HASHED_BARS)..self.len() - 1;
                self.candles[window].iter().fold(FNV_OFFSET_BASIS, |state, bar| hash_bar(state, bar, decimals))
            }
        };
        let hash = hash_bar(prefix, last, decimals);
        self.hashed = Some(HashedPrefix { decimals, state: prefix });
        hash
    }

    fn write(&mut self, idx: usize, bar: &Candle) {
        self.close_decimals = self.close_decimals.max(bar.close.significant_scale());
        self.candles[idx] = *bar;
        self.open[idx] = bar.open.to_f64_lossy();
        self.high[idx] = bar.high.to_f64_lossy();
        self.low[idx] = bar.low.to_f64_lossy();
        self.close[idx] = bar.close.to_f64_lossy();
        self.volume[idx] = bar.volume.to_f64_lossy();
        self.flow.write(idx, bar);
    }

    fn insert(&mut self, idx: usize, bar: &Candle) {
        self.close_decimals = self.close_decimals.max(bar.close.significant_scale());
        self.candles.insert(idx, *bar);
        self.open_time_ms.insert(idx, bar.open_time.as_millis());
        self.open.insert(idx, bar.open.to_f64_lossy());
        self.high.insert(idx, bar.high.to_f64_lossy());
        self.low.insert(idx, bar.low.to_f64_lossy());
        self.close.insert(idx, bar.close.to_f64_lossy());
        self.volume.insert(idx, bar.volume.to_f64_lossy());
        self.flow.insert(idx, bar);
    }

    fn drain(&mut self, n_bars: usize) {
        self.candles.drain(..n_bars);
        self.open_time_ms.drain(..n_bars);
        for column in [&mut self.open, &mut self.high, &mut self.low, &mut self.close, &mut self.volume] {
            column.drain(..n_bars);
        }
    }
}

/// One bar, or several merged into one, as needed for pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Base units traded.
    pub volume: f64,
    /// The part of the volume bought by aggressors; `None` if unknown.
    pub bought: Option<f64>,
}

impl Bar {
    /// Merges the next bar into this one.
    pub(crate) fn merge(&mut self, next: Self) {
        self.high = self.high.max(next.high);
        self.low = self.low.min(next.low);
        self.close = next.close;
        self.volume += next.volume;
        self.bought = self.bought.zip(next.bought).map(|(one, next)| one + next);
    }

    /// Returns true if it closed at or above its open.
    pub(crate) fn is_up(self) -> bool {
        self.close >= self.open
    }
}

const FNV_OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Hashes the text written to it. Source: the FNV authors' page, "FNV-1a hash", 64 bits.
struct Fnv1a(u64);

impl Write for Fnv1a {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        Ok(())
    }
}

fn hash_bar(state: u64, bar: &Candle, (price_decimals, size_decimals): (u32, u32)) -> u64 {
    let mut hasher = Fnv1a(state);
    // Writing into an integer cannot fail.
    let _ = write!(
        hasher,
        "{},{},{},{},{},{};",
        bar.open_time.as_millis(),
        bar.open.at_scale(price_decimals),
        bar.high.at_scale(price_decimals),
        bar.low.at_scale(price_decimals),
        bar.close.at_scale(price_decimals),
        bar.volume.at_scale(size_decimals)
    );
    hasher.0
}

#[cfg(test)]
pub(crate) mod tests {
    use model::{
        decimal::{Price, Quantity},
        time::Timestamp,
    };
    use proptest::prelude::*;

    use super::*;

    /// A bar with whole-cent prices around `cents` that opens at `time_ms`.
    pub(crate) fn bar(time_ms: i64, cents: i64) -> Candle {
        let price = |cents: i64| Price::from_mantissa(i128::from(cents), 2).unwrap();
        Candle {
            open_time: Timestamp::from_millis(time_ms),
            open: price(cents),
            high: price(cents + 30),
            low: price(cents - 20),
            close: price(cents + if cents % 2 == 0 { 10 } else { -10 }),
            volume: Quantity::from_mantissa(i128::from(time_ms / 1_000 % 50 + 1), 3).unwrap(),
            buy_volume: None,
        }
    }

    fn series_of(bars: &[Candle]) -> Series {
        let mut series = Series::default();
        series.set(bars);
        series
    }

    #[test]
    fn updates_say_what_they_changed() {
        let mut series = series_of(&[bar(0, 100), bar(60_000, 110)]);
        assert_eq!(series.upsert(&[bar(60_000, 110)]), Change::Nothing);
        assert_eq!(series.upsert(&[bar(60_000, 111)]), Change::LastBar);
        assert_eq!(series.upsert(&[bar(60_000, 112), bar(120_000, 113)]), Change::Bars);
        assert_eq!(series.upsert(&[bar(0, 99)]), Change::Bars);
        assert_eq!(series.upsert(&[bar(0, 98), bar(120_000, 114)]), Change::Bars);
        assert_eq!(series.open_time_ms(), [0, 60_000, 120_000]);
        assert_eq!(series.candle(0), Some(&bar(0, 98)));
        assert_eq!(series.last(), Some(&bar(120_000, 114)));
    }

    #[test]
    fn the_oldest_leave_a_full_series() {
        let bars: Vec<_> = (0..1_005).map(|minute| bar(minute * 60_000, 100)).collect();
        let mut series = series_of(&bars);
        assert_eq!((series.len(), series.open_time_ms()[0]), (MAX_BARS, 5 * 60_000));
        assert_eq!(series.upsert(&[bar(0, 1)]), Change::Nothing);
        assert_eq!(series.len(), MAX_BARS);
        series.clear();
        assert!(series.is_empty() && series.last().is_none());
    }

    #[test]
    fn the_hash_is_fnv_1a_of_the_shown_text() {
        // From the FNV authors' test vectors.
        let mut hasher = Fnv1a(FNV_OFFSET_BASIS);
        hasher.write_str("foobar").unwrap();
        assert_eq!(hasher.0, 0x8594_4171_f739_67e8);

        let mut expected = Fnv1a(FNV_OFFSET_BASIS);
        expected.write_str("0,1.00,1.30,0.80,1.10,0.00100;60000,1.10,1.40,0.90,1.20,0.01100;").unwrap();
        let mut series = series_of(&[bar(0, 100), bar(60_000, 110)]);
        assert_eq!(series.hash(2, 5), expected.0);
        assert_eq!(Series::default().hash(2, 5), FNV_OFFSET_BASIS);
    }

    #[test]
    fn the_hash_covers_the_last_500_bars() {
        let bars: Vec<_> = (0..700).map(|minute| bar(minute * 60_000, 100 + minute)).collect();
        assert_eq!(series_of(&bars).hash(2, 3), series_of(&bars[200..]).hash(2, 3));
        assert_ne!(series_of(&bars).hash(2, 3), series_of(&bars[201..]).hash(2, 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_order_of_updates_ends_in_the_same_series(updates in prop::collection::vec((0_i64..600, 100_i64..200), 0..600)) {
            let mut series = Series::default();
            let mut expected = std::collections::BTreeMap::new();
            for (minute, cents) in updates {
                let bar = bar(minute * 60_000, cents);
                series.upsert(&[bar]);
                // Only sometimes, so that there is a kept prefix that could be wrong.
                if cents > 195 {
                    series.hash(2, 3);
                }
                expected.insert(minute, bar);
            }
            let bars: Vec<_> = expected.into_values().collect();
            prop_assert_eq!(&series.candles, &bars);
            prop_assert_eq!(series.hash(2, 3), series_of(&bars).hash(2, 3));
            for (idx, bar) in bars.iter().enumerate() {
                prop_assert_eq!(series.bar(idx).close, bar.close.to_f64_lossy());
                prop_assert_eq!(series.open_time_ms[idx], bar.open_time.as_millis());
            }
            prop_assert_eq!(
                series.price_extent(0..series.len()).map(|(low, high)| low < high),
                (!bars.is_empty()).then_some(true)
            );
        }
    }
}
