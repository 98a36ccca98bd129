//! An indicator over the last bars of a market: keeps bars and rows, and takes late and corrected bars by computing again
//! from the nearest checkpoint.
//!
//! The newest bar is the forming one: its row is a look, not an update. Not here: where bars come from (`market`).

use model::candle::Interval;

use crate::{bar::Bar, indicator::Indicator, spec::Spec, values::Values};

/// Bars between two checkpoints.
const STRIDE: usize = 64;

/// The rows of an indicator over the last bars.
#[derive(Clone, Debug)]
pub struct IndicatorSeries {
    spec: Spec,
    interval: Interval,
    capacity: usize,
    /// Oldest first, the forming one last. Up to two strides more than the capacity.
    bars: Vec<Bar>,
    /// One for each bar.
    rows: Vec<(i64, Values)>,
    /// The state after all bars but the forming one.
    closed: Indicator,
    /// The state before the bar of that position, positions rising from 0 in steps of a stride.
    checkpoints: Vec<Indicator>,
    /// True once bars have been dropped.
    has_dropped: bool,
}

impl IndicatorSeries {
    /// Starts without bars; keeps at least one.
    pub fn new(spec: &Spec, interval: Interval, capacity: usize) -> Self {
        let closed = Indicator::new(spec, interval);
        let checkpoints = vec![closed.clone()];
        let spec = spec.clone();
        Self {
            spec,
            interval,
            capacity: capacity.max(1),
            bars: Vec::new(),
            rows: Vec::new(),
            closed,
            checkpoints,
            has_dropped: false,
        }
    }

    /// Returns what it computes.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Returns the interval of its bars.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Takes new, changed and late bars, by rising `open_ms`. Bars older than all kept ones are ignored once older ones
    /// have been dropped. Returns the position in [`Self::rows`] of the first row that was computed; `None` if no bar
    /// differs from the one known.
    pub fn set(&mut self, bars: &[Bar]) -> Option<usize> {
        let mut first_changed = None;
        for bar in bars {
            let changed = self.place(bar);
            first_changed = match (first_changed, changed) {
                (Some(before), Some(now)) => Some(usize::min(before, now)),
                (before, now) => before.or(now),
            };
        }
        let first_changed = first_changed?;
        self.compute(first_changed);
        let n_dropped = self.drop_oldest();
        let n_hidden = self.n_hidden();
        Some(first_changed.saturating_sub(n_dropped).saturating_sub(n_hidden))
    }

    /// Returns the rows of the last bars with their `open_ms`, oldest first; the last is that of the forming bar.
    pub fn rows(&self) -> &[(i64, Values)] {
        &self.rows[self.n_hidden()..]
    }

    /// Returns the row of a bar.
    pub fn row(&self, open_ms: i64) -> Option<Values> {
        let rows = self.rows();
        let idx = rows.binary_search_by_key(&open_ms, |(open_ms, _)| *open_ms).ok()?;
        rows.get(idx).map(|(_, values)| *values)
    }

    /// Puts a bar among the others and returns its position; `None` if it is known or too old.
    fn place(&mut self, bar: &Bar) -> Option<usize> {
        let position = match self.bars.last() {
            Some(last) if last.open_ms == bar.open_ms => Ok(self.bars.len() - 1),
            Some(last) if last.open_ms < bar.open_ms => Err(self.bars.len()),
            _ => self.bars.binary_search_by_key(&bar.open_ms, |known| known.open_ms),
        };
        match position {
            Ok(idx) if self.bars[idx] == *bar => None,
            Ok(idx) => {
                self.bars[idx] = *bar;
                Some(idx)
            }
            // Bars before the first one are in the state of the first checkpoint.
            Err(0) if !self.bars.is_empty() && self.has_dropped => None,
            Err(idx) => {
                self.bars.insert(idx, *bar);
                Some(idx)
            }
        }
    }

    /// Computes the rows from a position on.
    fn compute(&mut self, first_changed: usize) {
        // All but the last bar are closed; the state has taken as many as there are rows, less the forming one.
        let n_taken = self.rows.len().saturating_sub(1);
        let n_closed = self.bars.len() - 1;
        let start = if first_changed < n_taken {
            let nearest = first_changed / STRIDE;
            self.checkpoints.truncate(nearest + 1);
            self.closed = self.checkpoints[nearest].clone();
            nearest * STRIDE
        } else {
            n_taken
        };
        self.rows.truncate(start);
        let row = |bar: &Bar, values| (bar.open_ms, values);
        let mut at = start;
        while at < n_closed {
            if at / STRIDE == self.checkpoints.len() {
                self.checkpoints.push(self.closed.clone());
            }
            // To the next checkpoint.
            let end = usize::min((at / STRIDE + 1) * STRIDE, n_closed);
            self.closed.run(&self.bars[at..end], &mut self.rows, row);
            at = end;
        }
        self.closed.look(&self.bars[n_closed], &mut self.rows, row);
    }

    /// Drops whole strides of bars that are beyond the capacity; returns how many bars.
    fn drop_oldest(&mut self) -> usize {
        if self.bars.len() < self.capacity + 2 * STRIDE {
            return 0;
        }
        let n_strides = (self.bars.len() - self.capacity) / STRIDE;
        let n_dropped = n_strides * STRIDE;
        self.bars.drain(..n_dropped);
        self.rows.drain(..n_dropped);
        self.checkpoints.drain(..n_strides);
        self.has_dropped = true;
        n_dropped
    }

    fn n_hidden(&self) -> usize {
        self.rows.len().saturating_sub(self.capacity)
    }
}
