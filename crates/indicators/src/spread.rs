//! Mean and standard deviation (of the population, ÷ n) of the last n values in constant time a bar (amortised).
//!
//! The sums are those of [`crate::window`], of distances from a pivot: the last value of the block before, and zero for the
//! first one. So squares stay small beside their differences. Where a price is so far from the pivot that more than five
//! digits would cancel, the window is summed again in two passes.

use crate::words::Words;

#[derive(Clone, Debug)]
pub(crate) struct Spread {
    n: f64,
    /// 1 / n.
    share: f64,
    /// The last n values, by position in their block.
    values: Box<[f64]>,
    /// For each position in the block before, sums of the distances and of their squares to its end; zero behind it, NaN
    /// where no value has been.
    sums: Box<[(f64, f64)]>,
    pivot: f64,
    at: usize,
    /// The sums of the block being filled.
    block: (f64, f64),
}

/// State update for one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpreadStep {
    value: f64,
    block: (f64, f64),
    /// The mean; NaN while there are fewer than n values.
    pub(crate) mean: f64,
    /// The standard deviation; NaN while there are fewer than n values.
    pub(crate) deviation: f64,
}

/// The share of the mean square that a variance must reach to be trusted.
const CANCELLED: f64 = 1e-5;

impl Spread {
    /// Starts empty; `n` is at least 1.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        let mut sums = vec![(f64::NAN, f64::NAN); n + 1].into_boxed_slice();
        sums[n] = (0.0, 0.0);
        Self {
            n: n as f64,
            share: 1.0 / n as f64,
            values: vec![f64::NAN; n].into_boxed_slice(),
            sums,
            pivot: 0.0,
            at: 0,
            block: (0.0, 0.0),
        }
    }

    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> SpreadStep {
        let distance = value - self.pivot;
        let block = (self.block.0 + distance, self.block.1 + distance * distance);
        let before = self.sums[self.at + 1];
        let (distances, squares) = (before.0 + block.0, self.n * (before.1 + block.1));
        // n² times the variance: neither part of it has to be divided, which is slow.
        let (mut mean, mut scatter) = (self.pivot + distances / self.n, squares - distances * distances);
        if scatter < CANCELLED * squares {
            (mean, scatter) = two_passes(&self.values, self.at, value);
        }
        SpreadStep { value, block, mean, deviation: scatter.sqrt() * self.share }
    }

    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &SpreadStep) {
        self.values[self.at] = step.value;
        let next = self.at + 1;
        (self.at, self.pivot, self.block) = if next < self.values.len() {
            (next, self.pivot, step.block)
        } else {
            turn(&self.values, &mut self.sums, step.value);
            (0, step.value, (0.0, 0.0))
        };
    }

    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.floats(&mut self.values);
        for (first, second) in &mut self.sums {
            words.float(first);
            words.float(second);
        }
        words.float(&mut self.pivot);
        words.count(&mut self.at, self.values.len() - 1);
        words.float(&mut self.block.0);
        words.float(&mut self.block.1);
    }
}

/// Computes the mean and n² times the variance from the values themselves; `value` stands in the place of that at `at`.
#[cold]
fn two_passes(values: &[f64], at: usize, value: f64) -> (f64, f64) {
    let n = values.len() as f64;
    let all = || values[..at].iter().chain(&values[at + 1..]).chain([&value]);
    // From one of them on, so that equal values have a variance of exactly zero.
    let mean = value + all().map(|other| other - value).sum::<f64>() / n;
    (mean, n * all().map(|other| (other - mean) * (other - mean)).sum::<f64>())
}

/// Makes the sums of a block that is full, from its end and around a new pivot.
#[cold]
fn turn(values: &[f64], sums: &mut [(f64, f64)], pivot: f64) {
    let mut total = (0.0, 0.0);
    for (value, cell) in values.iter().zip(sums).rev() {
        let distance = value - pivot;
        total = (total.0 + distance, total.1 + distance * distance);
        *cell = total;
    }
}
