//! Mean and standard deviation (of the population, ÷ n) of the last n values in constant time a bar (amortised).
//!
//! The sums are those of [`crate::window`], of distances from a pivot: the mean of the values when the last block was
//! full. So squares stay small beside their differences. Where a price has run so far from the pivot that more than five
//! digits would cancel, the window is summed again in two passes.

use crate::words::Words;

#[derive(Clone, Debug)]
pub(crate) struct Spread {
    n: f64,
    /// The last n values, by position in their block.
    values: Box<[f64]>,
    /// For each position in the block before, sums of the distances and of their squares to its end; zero behind it.
    sums: Box<[(f64, f64)]>,
    pivot: f64,
    at: usize,
    /// The sums of the block being filled.
    block: (f64, f64),
    is_full: bool,
}

/// State update for one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpreadStep {
    value: f64,
    pivot: f64,
    block: (f64, f64),
    /// The mean; NaN while there are fewer than n values.
    pub(crate) mean: f64,
    variance: f64,
}

impl SpreadStep {
    /// The standard deviation; NaN while there are fewer than n values.
    #[inline(always)]
    pub(crate) fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }
}

/// The share of the mean square that a variance must reach to be trusted.
const CANCELLED: f64 = 1e-5;

impl Spread {
    /// Starts empty; `n` is at least 1.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        Self {
            n: n as f64,
            values: vec![f64::NAN; n].into_boxed_slice(),
            sums: vec![(0.0, 0.0); n + 1].into_boxed_slice(),
            pivot: f64::NAN,
            at: 0,
            block: (0.0, 0.0),
            is_full: false,
        }
    }

    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> SpreadStep {
        // The first value of all is the first pivot.
        let pivot = if self.pivot.is_nan() { value } else { self.pivot };
        let distance = value - pivot;
        let block = (self.block.0 + distance, self.block.1 + distance * distance);
        if !self.is_full && self.at + 1 < self.values.len() {
            return SpreadStep { value, pivot, block, mean: f64::NAN, variance: f64::NAN };
        }
        let before = self.sums[self.at + 1];
        let (mean_distance, mean_square) = ((before.0 + block.0) / self.n, (before.1 + block.1) / self.n);
        let (mut mean, mut variance) = (pivot + mean_distance, mean_square - mean_distance * mean_distance);
        if variance < CANCELLED * mean_square {
            (mean, variance) = self.two_passes(value);
        }
        SpreadStep { value, pivot, block, mean, variance }
    }

    /// Computes mean and variance from the values themselves.
    #[cold]
    fn two_passes(&self, value: f64) -> (f64, f64) {
        let (before, after) = (&self.values[..self.at], &self.values[self.at + 1..]);
        let all = || before.iter().chain(after).chain([&value]);
        // From one of them on, so that equal values have a variance of exactly zero.
        let mean = value + all().map(|other| other - value).sum::<f64>() / self.n;
        let variance = all().map(|other| (other - mean) * (other - mean)).sum::<f64>() / self.n;
        (mean, variance)
    }

    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &SpreadStep) {
        self.values[self.at] = step.value;
        // Written when it changes only: a value that was just written is slow to read as a part of a pair.
        if self.pivot.is_nan() {
            self.pivot = step.pivot;
        }
        self.block = step.block;
        self.at += 1;
        if self.at == self.values.len() {
            self.turn(step.mean);
        }
    }

    /// Makes the sums of the block that is full, from its end and around a new pivot.
    #[inline(never)]
    fn turn(&mut self, pivot: f64) {
        self.pivot = pivot;
        let mut sums = (0.0, 0.0);
        for (value, cell) in self.values.iter().zip(&mut self.sums).rev() {
            let distance = value - pivot;
            sums = (sums.0 + distance, sums.1 + distance * distance);
            *cell = sums;
        }
        self.at = 0;
        self.block = (0.0, 0.0);
        self.is_full = true;
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
        words.truth(&mut self.is_full);
    }
}
