//! Volume bought minus volume sold: the running sum of the bars' deltas (cumulative volume delta, CVD).
//!
//! A bar's delta is the volume bought by aggressors less the volume sold by aggressors. If one bar's sides are unknown,
//! the sum across it is unknown too: it restarts after that bar, at zero, and reports its start. Bars dropped from a
//! full series do not change the sum. For pixels and labels only; not here: drawing.

use model::candle::Candle;

/// Deltas and their sums, one each for every bar of a series; NaN if unknown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    delta: Vec<f64>,
    total: Vec<f64>,
    /// The sum that the first bar continues, if older bars have been dropped.
    before: Option<Before>,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    total: f64,
    /// Start of the sum.
    since_ms: i64,
}

impl Flow {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn write(&mut self, idx: usize, bar: &Candle) {
        self.delta[idx] = delta(bar);
        self.sum_from(idx);
    }

    pub(crate) fn insert(&mut self, idx: usize, bar: &Candle) {
        self.delta.insert(idx, delta(bar));
        self.total.insert(idx, f64::NAN);
        self.sum_from(idx);
    }

    /// Removes the oldest bar, which opened at `open_ms`.
    pub(crate) fn remove_first(&mut self, open_ms: i64) {
        let since_ms = self.before.map_or(open_ms, |before| before.since_ms);
        self.delta.remove(0);
        let total = self.total.remove(0);
        self.before = (!total.is_nan()).then_some(Before { total, since_ms });
    }

    /// Returns the sum up to and including the bar at `idx`.
    pub(crate) fn total(&self, idx: usize) -> Option<f64> {
        self.total.get(idx).copied().filter(|total| !total.is_nan())
    }

    /// Returns when the sum of the bar at `idx` began; `times` are the open times of all bars.
    pub(crate) fn since_ms(&self, idx: usize, times: &[i64]) -> Option<i64> {
        let totals = self.total.get(..=idx)?;
        let n_known = totals.iter().rev().take_while(|total| !total.is_nan()).count();
        let first = totals.len() - n_known;
        match self.before {
            _ if n_known == 0 => None,
            Some(before) if first == 0 => Some(before.since_ms),
            _ => times.get(first).copied(),
        }
    }

    fn sum_from(&mut self, idx: usize) {
        let mut total = match idx.checked_sub(1) {
            Some(older) => self.total[older],
            None => self.before.map_or(f64::NAN, |before| before.total),
        };
        for (sum, delta) in self.total.iter_mut().zip(&self.delta).skip(idx) {
            // A NaN delta makes a NaN sum; the next sum begins at zero.
            total = if total.is_nan() { *delta } else { total + delta };
            *sum = total;
        }
    }
}

fn delta(bar: &Candle) -> f64 {
    let bought = bar.buy_volume.map_or(f64::NAN, |bought| bought.to_f64_lossy());
    2.0 * bought - bar.volume.to_f64_lossy()
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        time::Timestamp,
    };
    use proptest::prelude::*;

    use super::*;

    /// A bar of eight lots, `bought` of them bought; `None` if that is unknown.
    fn bar(bought: Option<i128>) -> Candle {
        let lots = |lots| Quantity::from_mantissa(lots, 0).unwrap();
        Candle {
            open_time: Timestamp::EPOCH,
            open: Price::ZERO,
            high: Price::ZERO,
            low: Price::ZERO,
            close: Price::ZERO,
            volume: lots(8),
            buy_volume: bought.map(lots),
        }
    }

    fn flow(bars: &[Option<i128>]) -> Flow {
        let mut flow = Flow::default();
        bars.iter().enumerate().for_each(|(idx, bought)| flow.insert(idx, &bar(*bought)));
        flow
    }

    #[track_caller]
    fn check(flow: &Flow, expected: &[Option<f64>], since_ms: Option<i64>) {
        let totals: Vec<_> = (0..expected.len()).map(|idx| flow.total(idx)).collect();
        assert_eq!(totals, expected);
        assert_eq!(flow.total(expected.len()), None);
        let times: Vec<i64> = (0..).take(expected.len()).collect();
        assert_eq!(expected.len().checked_sub(1).and_then(|last| flow.since_ms(last, &times)), since_ms);
    }

    #[test]
    fn sums_begin_again_behind_what_is_not_known() {
        check(&flow(&[]), &[], None);
        check(&flow(&[Some(6), Some(3), Some(8)]), &[Some(4.0), Some(2.0), Some(10.0)], Some(0));
        check(&flow(&[Some(6), None, Some(3), Some(0)]), &[Some(4.0), None, Some(-2.0), Some(-10.0)], Some(2));
        check(&flow(&[Some(6), None]), &[Some(4.0), None], None);
        let torn = flow(&[Some(6), Some(3), None, Some(0)]);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|idx| torn.since_ms(idx, &[0, 1, 2, 3])),
            [Some(0), Some(0), None, Some(3), None]
        );
    }

    #[test]
    fn a_corrected_bar_moves_all_behind_it() {
        let mut flow = flow(&[Some(6), None, Some(3), Some(0)]);
        flow.write(1, &bar(Some(4)));
        check(&flow, &[Some(4.0), Some(4.0), Some(2.0), Some(-6.0)], Some(0));
        flow.write(3, &bar(None));
        check(&flow, &[Some(4.0), Some(4.0), Some(2.0), None], None);
    }

    #[test]
    fn bars_that_leave_take_nothing_from_the_sum() {
        let mut flow = flow(&[Some(6), Some(3), Some(8)]);
        flow.remove_first(-500);
        check(&flow, &[Some(2.0), Some(10.0)], Some(-500));
        flow.write(0, &bar(Some(4)));
        check(&flow, &[Some(4.0), Some(12.0)], Some(-500));
        flow.remove_first(0);
        check(&flow, &[Some(12.0)], Some(-500));
        flow.write(0, &bar(None));
        flow.remove_first(1);
        flow.insert(0, &bar(Some(5)));
        check(&flow, &[Some(2.0)], Some(0));
    }

    proptest! {
        #[test]
        fn any_order_of_changes_gives_the_same_sums(
            first in prop::collection::vec(prop::option::of(0_i128..9), 1..40),
            changes in prop::collection::vec((0_usize..40, prop::option::of(0_i128..9)), 0..40),
        ) {
            let mut bars = first;
            let mut changed = flow(&bars);
            for (idx, bought) in changes {
                let idx = idx % (bars.len() + 1);
                if idx < bars.len() && bought.is_some_and(|bought| bought % 2 == 0) {
                    bars[idx] = bought;
                    changed.write(idx, &bar(bought));
                } else {
                    bars.insert(idx, bought);
                    changed.insert(idx, &bar(bought));
                }
            }
            let fresh = flow(&bars);
            for idx in 0..bars.len() {
                prop_assert_eq!(changed.total(idx), fresh.total(idx));
            }
        }
    }
}
