//! Candles and day statistics of the simulated market for any span, equal to candles built from its trades one by one.
//!
//! A year of daily candles covers 300 million trades, so none is visited needlessly: volumes of either side are
//! differences of sums, and highs and lows are found by branch and bound over halves of the span, with the price path's
//! own bounds.

use std::{collections::VecDeque, ops::Range};

use model::{
    candle::{Candle, Interval},
    event::DayStatistics,
};

use super::{
    market::{DemoInstrument, MAX_SPREAD_TICKS, SLOT_MS, slot_time},
    noise::Block,
};

/// Slots in a day.
const DAY_SLOTS: u64 = 864_000;
/// Spans of up to 2^3 slots are read trade by trade.
const LEAF_SHIFT: u32 = 3;

/// The extreme to search for; prices are multiplied by its sign so that the greatest wins.
#[derive(Clone, Copy)]
enum Extreme {
    High,
    Low,
}

impl DemoInstrument {
    /// Returns the candle of the trades in slots `from..to`, open time at `from`; `None` for an empty span.
    pub fn candle(&self, from: u64, to: u64) -> Option<Candle> {
        if from >= to {
            return None;
        }
        let (open, close) = (self.print(from).0, self.print(to - 1).0);
        let (before, after) = (self.flow.lots_before(from), self.flow.lots_before(to));
        let [bought, sold] = [0, 1].map(|side| after[side] - before[side]);
        Some(Candle {
            open_time: slot_time(from),
            open: self.price(open),
            high: self.price(self.extreme(Extreme::High, from, to, open.max(close))),
            low: self.price(self.extreme(Extreme::Low, from, to, open.min(close))),
            close: self.price(close),
            volume: self.quantity(bought + sold),
            buy_volume: Some(self.quantity(bought)),
        })
    }

    /// Returns the newest `n_bars` candles up to and including the trade of `last_slot`, oldest first; the last one may
    /// be forming.
    #[cfg(test)]
    fn candles(&self, interval: Interval, last_slot: u64, n_bars: usize) -> Vec<Candle> {
        CandleWalk::new(interval, n_bars).step(self, last_slot, usize::MAX).unwrap()
    }

    /// Returns statistics of the 24 hours up to and including the trade of `last_slot`.
    pub fn day(&self, last_slot: u64) -> DayStatistics {
        let from = (last_slot + 1).saturating_sub(DAY_SLOTS);
        let last = self.trade(last_slot);
        match self.candle(from, last_slot + 1) {
            Some(bar) => DayStatistics::published([bar.open, bar.high, bar.low, bar.close], Some(bar.volume)),
            None => DayStatistics::published([last.price; 4], Some(last.size)),
        }
    }

    /// Returns the highest or lowest trade price in `from..to`, in ticks; `known` is one that occurs there.
    fn extreme(&self, which: Extreme, from: u64, to: u64, known: i64) -> i64 {
        let shift = (to - from).next_power_of_two().trailing_zeros().max(LEAF_SHIFT);
        let sign = which.sign();
        let mut best = known * sign;
        for block in (from >> shift)..=((to - 1) >> shift) {
            self.search(which, &self.path.block(block << shift, shift), &(from..to), &mut best);
        }
        best * sign
    }

    fn search(&self, which: Extreme, block: &Block, span: &Range<u64>, best: &mut i64) {
        let end = block.start + (1 << block.shift);
        if end <= span.start || span.end <= block.start || which.reach(block) <= *best {
            return;
        }
        if block.shift <= LEAF_SHIFT {
            for slot in block.start.max(span.start)..end.min(span.end) {
                let mid = self.path.ticks(slot);
                if which.reach_of(mid, mid) > *best {
                    *best = (self.print(slot).0 * which.sign()).max(*best);
                }
            }
            return;
        }
        let mut halves = self.path.halves(block);
        // The more promising half first: its result usually rules the other one out.
        if which.reach(&halves[1]) > which.reach(&halves[0]) {
            halves.swap(0, 1);
        }
        for half in &halves {
            self.search(which, half, span, best);
        }
    }
}

/// Candles that are computed a few at a time, oldest first, while the market goes on.
#[derive(Clone, Debug)]
pub struct CandleWalk {
    interval: Interval,
    n_bars: usize,
    /// Closed ones.
    candles: VecDeque<Candle>,
    /// Number of the next bar since the epoch; `None` before the first step.
    next: Option<u64>,
}

impl CandleWalk {
    /// Creates a walk over the newest `n_bars` candles.
    pub fn new(interval: Interval, n_bars: usize) -> Self {
        Self { interval, n_bars, candles: VecDeque::new(), next: None }
    }

    /// Returns the length of the candles.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Computes at most `n_closed` more closed candles. Once there are all, returns them with the one of the trade of
    /// `last_slot`, which may be forming.
    pub fn step(&mut self, of: &DemoInstrument, last_slot: u64, n_closed: usize) -> Option<Vec<Candle>> {
        let length = slots_of(self.interval);
        let last_bar = last_slot / length;
        let n_wanted = u64::try_from(self.n_bars).unwrap_or(u64::MAX).min(last_bar + 1);
        let first_bar = last_bar + 1 - n_wanted;
        let next = self.next.map_or(first_bar, |next| next.max(first_bar));
        let end = next.saturating_add(u64::try_from(n_closed).unwrap_or(u64::MAX)).min(last_bar);
        self.candles.extend((next..end).filter_map(|bar| of.candle(bar * length, (bar + 1) * length)));
        self.next = Some(end.max(next));
        if end < last_bar {
            return None;
        }
        self.candles.extend(of.candle(last_bar * length, last_slot + 1));
        // Bars have closed since the first step.
        let n_too_many = self.candles.len().saturating_sub(self.n_bars);
        self.candles.drain(..n_too_many);
        Some(std::mem::take(&mut self.candles).into())
    }
}

impl Extreme {
    fn sign(self) -> i64 {
        match self {
            Self::High => 1,
            Self::Low => -1,
        }
    }

    /// Returns the best possible price of any trade in the block, times the sign.
    fn reach(self, block: &Block) -> i64 {
        self.reach_of(block.low, block.high)
    }

    fn reach_of(self, low: i64, high: i64) -> i64 {
        match self {
            Self::High => high + MAX_SPREAD_TICKS,
            Self::Low => -low,
        }
    }
}

/// Returns the slots of one candle.
pub fn slots_of(interval: Interval) -> u64 {
    interval.duration().as_millis().try_into().unwrap_or(u64::MAX) / SLOT_MS.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use model::candle::{CandleBuilder, CandleChange};
    use proptest::prelude::*;

    use super::*;
    use crate::demo::market::DemoMarket;

    const SLOT: u64 = 17_636_683_217;

    /// Candles from trades one by one, starting at `first_slot`.
    fn by_trades(one: &DemoInstrument, interval: Interval, first_slot: u64, last_slot: u64) -> Vec<Candle> {
        let mut builder = CandleBuilder::new(interval);
        let mut bars = Vec::new();
        for slot in first_slot..=last_slot {
            let trade = one.trade(slot);
            let change = builder.add(slot_time(slot), trade.price, trade.size, trade.aggressor_side);
            if let CandleChange::Began { closed: Some(bar) } = change {
                bars.push(bar);
            }
        }
        bars.extend(builder.forming().copied());
        bars
    }

    #[test]
    fn bars_equal_those_built_from_the_trades() {
        let market = DemoMarket::new(9);
        for (one, (interval, n_bars)) in market.instruments().iter().zip(
            [(Interval::S1, 120), (Interval::M1, 20), (Interval::M5, 4), (Interval::M15, 3), (Interval::H1, 2)]
                .into_iter()
                .cycle(),
        ) {
            let bars = one.candles(interval, SLOT, n_bars);
            assert_eq!(bars.len(), n_bars);
            let first_slot = SLOT / slots_of(interval) * slots_of(interval) - (n_bars as u64 - 1) * slots_of(interval);
            assert_eq!(bars, by_trades(one, interval, first_slot, SLOT), "{} {interval}", one.instrument.id);
        }
    }

    #[test]
    fn a_walk_gives_the_same_bars_while_the_market_goes_on() {
        let market = DemoMarket::new(9);
        let one = &market.instruments()[3];
        for (n_bars, n_closed, slots_between) in [(40, 7, 3), (40, 4, 25), (1, 7, 0), (5, 40, 0), (0, 1, 1)] {
            let mut walk = CandleWalk::new(Interval::S1, n_bars);
            let mut slot = SLOT;
            let bars = loop {
                if let Some(bars) = walk.step(one, slot, n_closed) {
                    break bars;
                }
                slot += slots_between;
                assert!(slot < SLOT + 10_000, "never done");
            };
            assert_eq!(bars, one.candles(Interval::S1, slot, n_bars), "{n_bars} {n_closed} {slots_between}");
            assert_eq!(bars.len(), n_bars);
        }
    }

    #[test]
    fn long_bars_hold_their_short_ones() {
        let market = DemoMarket::new(2);
        let one = &market.instruments()[5];
        let days = one.candles(Interval::D1, SLOT, 3);
        let hours = one.candles(Interval::H1, SLOT, 72);
        for day in &days {
            let inside: Vec<&Candle> =
                hours.iter().filter(|hour| Interval::D1.open_time(hour.open_time) == day.open_time).collect();
            if inside.first().map(|hour| hour.open_time) != Some(day.open_time) {
                continue;
            }
            assert_eq!(inside.iter().map(|hour| hour.high).max(), Some(day.high));
            assert_eq!(inside.iter().map(|hour| hour.low).min(), Some(day.low));
            assert_eq!(inside.last().map(|hour| hour.close), Some(day.close));
            let sum = inside.iter().try_fold(model::decimal::Quantity::ZERO, |sum, hour| sum.checked_add(hour.volume));
            assert_eq!(sum, Some(day.volume));
        }
    }

    #[test]
    fn the_first_bars_of_time_are_short() {
        let one = &DemoMarket::new(2).instruments()[0].clone();
        assert_eq!(one.candles(Interval::S1, 12, 500).len(), 2);
        assert_eq!(one.candle(5, 5), None);
        assert_eq!(one.day(0).volume, Some(one.trade(0).size));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn extremes_are_exact(from in 0_u64..1 << 35, n_slots in 1_u64..4_000, which in 0_usize..20) {
            let market = DemoMarket::new(8);
            let one = &market.instruments()[which];
            let bar = one.candle(from, from + n_slots).unwrap();
            let prices: Vec<_> = (from..from + n_slots).map(|slot| one.trade(slot).price).collect();
            prop_assert_eq!(Some(&bar.high), prices.iter().max());
            prop_assert_eq!(Some(&bar.low), prices.iter().min());
        }
    }
}
