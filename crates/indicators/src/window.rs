//! Sums and extremes of the last n values in constant time a bar (amortised), without drift.
//!
//! A window keeps one array of n cells. The first cells hold the values of the block being filled; the others hold, for
//! the block before, the total from each cell to the block's end. The window's total is one of each: nothing is ever
//! subtracted, so rounding errors do not accumulate and an extreme value leaves no trace once it is out. When a block is
//! full its totals are made in one pass. (Van Herk, 1992; Gil and Werman, 1993, for extremes.)

use crate::words::Words;

/// A combination of two values. Associative, with a neutral element; NaN if the second is.
pub(crate) trait Combine: Copy + std::fmt::Debug {
    const NEUTRAL: f64;
    fn combine(a: f64, b: f64) -> f64;
}

/// The sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum;

/// The largest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Highest;

/// The smallest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lowest;

impl Combine for Sum {
    const NEUTRAL: f64 = 0.0;
    #[inline(always)]
    fn combine(a: f64, b: f64) -> f64 {
        a + b
    }
}

impl Combine for Highest {
    const NEUTRAL: f64 = f64::NEG_INFINITY;
    #[inline(always)]
    fn combine(a: f64, b: f64) -> f64 {
        higher(a, b)
    }
}

impl Combine for Lowest {
    const NEUTRAL: f64 = f64::INFINITY;
    #[inline(always)]
    fn combine(a: f64, b: f64) -> f64 {
        lower(a, b)
    }
}

/// Returns the larger; NaN if the second is. Not `f64::max`: of 0 and -0 that may return either, and not the same in every
/// place.
#[inline(always)]
pub(crate) fn higher(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// Returns the smaller. Not `f64::min`, for the same reason.
#[inline(always)]
pub(crate) fn lower(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The total of the last n values.
#[derive(Clone, Debug)]
pub(crate) struct Window<C> {
    /// n cells and a neutral one behind them; NaN where no value has been.
    cells: Box<[f64]>,
    /// The next cell of the block being filled.
    at: usize,
    /// Total of the block being filled.
    block: f64,
    how: std::marker::PhantomData<C>,
}

/// Update of a window by one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowStep {
    value: f64,
    block: f64,
    /// The total of the last n values; NaN while there are fewer.
    pub(crate) total: f64,
}

/// Returns the total; NaN also where there was no value.
#[inline(always)]
pub(crate) fn total(step: &Option<WindowStep>) -> f64 {
    step.map_or(f64::NAN, |step| step.total)
}

impl<C: Combine> Window<C> {
    /// Starts empty; `n` is at least 1.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        let mut cells = vec![f64::NAN; n + 1].into_boxed_slice();
        cells[n] = C::NEUTRAL;
        Self { cells, at: 0, block: C::NEUTRAL, how: std::marker::PhantomData }
    }

    #[inline(always)]
    fn n(&self) -> usize {
        self.cells.len() - 1
    }

    /// Computes what a value changes.
    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> WindowStep {
        let block = C::combine(self.block, value);
        WindowStep { value, block, total: C::combine(block, self.cells[self.at + 1]) }
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &WindowStep) {
        self.cells[self.at] = step.value;
        let next = self.at + 1;
        (self.at, self.block) = if next < self.n() {
            (next, step.block)
        } else {
            turn::<C>(&mut self.cells);
            (0, C::NEUTRAL)
        };
    }

    /// Computes what a value changes, if there is one: NaN changes nothing.
    #[inline(always)]
    pub(crate) fn step_known(&self, value: f64) -> Option<WindowStep> {
        (!value.is_nan()).then(|| self.step(value))
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit_known(&mut self, step: &Option<WindowStep>) {
        if let Some(step) = step {
            self.commit(step);
        }
    }

    /// Saves or loads the state.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        let n = self.n();
        words.floats(&mut self.cells[..n]);
        words.count(&mut self.at, n - 1);
        words.float(&mut self.block);
    }
}

/// Makes the totals of a block that is full, from its end. Takes the cells alone: a reference to a window that is a local
/// variable would keep it out of the registers.
#[cold]
fn turn<C: Combine>(cells: &mut [f64]) {
    let mut total = C::NEUTRAL;
    for cell in cells.iter_mut().rev() {
        total = C::combine(total, *cell);
        *cell = total;
    }
}

/// The last n values, and the one that leaves.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    cells: Box<[f64]>,
    at: usize,
}

impl Ring {
    /// Starts empty; `n` is at least 1.
    pub(crate) fn new(n: usize) -> Self {
        Self { cells: vec![f64::NAN; n.max(1)].into_boxed_slice(), at: 0 }
    }

    /// Returns the oldest of n values; NaN while there are fewer. It leaves with the next one.
    #[inline(always)]
    pub(crate) fn oldest(&self) -> f64 {
        self.cells[self.at]
    }

    /// Returns the values in no particular sequence; NaN for those that are missing.
    #[inline(always)]
    pub(crate) fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// Returns the values; NaN for those that are missing.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = f64> {
        let (newer, older) = self.cells.split_at(self.at);
        newer.iter().rev().chain(older.iter().rev()).copied()
    }

    /// Takes a value in the place of the oldest.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: f64) {
        self.cells[self.at] = value;
        self.at += 1;
        if self.at == self.cells.len() {
            self.at = 0;
        }
    }

    /// Saves or loads the state.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.floats(&mut self.cells);
        words.count(&mut self.at, self.cells.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<C: Combine>(n: usize, values: &[f64]) -> Vec<f64> {
        let mut window = Window::<C>::new(n);
        let mut totals = Vec::new();
        for value in values {
            let step = window.step(*value);
            totals.push(step.total);
            window.commit(&step);
        }
        totals
    }

    #[test]
    fn windows_equal_their_definition() {
        let values: Vec<f64> = (0..50).map(|idx| f64::from(idx * 37 % 11) - 5.0).collect();
        for n in 1..=12 {
            let (sums, highs, lows) = (run::<Sum>(n, &values), run::<Highest>(n, &values), run::<Lowest>(n, &values));
            for (idx, window) in values.windows(n).enumerate().map(|(idx, window)| (idx + n - 1, window)) {
                assert_eq!(sums[idx], window.iter().sum::<f64>(), "n {n}, bar {idx}");
                assert_eq!(highs[idx], window.iter().copied().fold(f64::MIN, f64::max));
                assert_eq!(lows[idx], window.iter().copied().fold(f64::MAX, f64::min));
            }
            assert!(sums[..n - 1].iter().all(|total| total.is_nan()));
        }
    }

    #[test]
    fn an_extreme_value_leaves_no_trace() {
        let values = [1.0, 2.0, 1e90, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(run::<Sum>(3, &values)[5], 12.0);
    }

    #[test]
    fn a_ring_gives_back_the_oldest() {
        let mut ring = Ring::new(3);
        for value in [1.0, 2.0, 3.0, 4.0] {
            ring.push(value);
        }
        assert_eq!(ring.oldest(), 2.0);
    }
}
