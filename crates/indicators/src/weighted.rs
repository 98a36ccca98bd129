//! Sums of the last n values, plain and weighted by age, in constant time a bar (amortised): for linearly weighted
//! averages and regression.
//!
//! As in [`crate::window`], nothing is subtracted: the block before keeps its sums to its end. All sums are of distances
//! from a pivot, the last value of the block before, so that little cancels where a level is large beside its changes.

use crate::words::Words;

/// The sums of the last n values.
#[derive(Clone, Debug)]
pub(crate) struct Weighted {
    /// The values of the block being filled.
    values: Box<[f64]>,
    /// For each position in the block before, to its end: the sum of the distances, and the sum with the weights 1, 2, ….
    sums: Box<[(f64, f64)]>,
    pivot: f64,
    at: usize,
    /// The sums of the block being filled.
    block: (f64, f64),
    is_full: bool,
}

/// State update for one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightedStep {
    value: f64,
    block: (f64, f64),
    pub(crate) pivot: f64,
    /// The sum of the distances from the pivot; NaN while there are fewer than n values.
    pub(crate) sum: f64,
    /// The sum with the weight 1 for the oldest distance and n for the newest.
    pub(crate) weighted: f64,
}

impl Weighted {
    /// Starts empty; `n` is at least 1.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        Self {
            values: vec![f64::NAN; n].into_boxed_slice(),
            sums: vec![(0.0, 0.0); n + 1].into_boxed_slice(),
            pivot: f64::NAN,
            at: 0,
            block: (0.0, 0.0),
            is_full: false,
        }
    }

    /// Computes what a value changes.
    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> WeightedStep {
        // The first value of all is the first pivot.
        let pivot = if self.pivot.is_nan() { value } else { self.pivot };
        let (n, n_filled) = (self.values.len(), self.at + 1);
        let distance = value - pivot;
        let block = (self.block.0 + distance, self.block.1 + n_filled as f64 * distance);
        if !self.is_full && n_filled < n {
            return WeightedStep { value, block, pivot, sum: f64::NAN, weighted: f64::NAN };
        }
        let before = self.sums[n_filled];
        // The weights of the block being filled start behind those of what remains of the block before.
        let weighted = before.1 + (block.1 + (n - n_filled) as f64 * block.0);
        WeightedStep { value, block, pivot, sum: before.0 + block.0, weighted }
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &WeightedStep) {
        self.values[self.at] = step.value;
        // Written when it changes only: a value that was just written is slow to read as a part of a pair.
        if self.pivot.is_nan() {
            self.pivot = step.pivot;
        }
        self.block = step.block;
        self.at += 1;
        if self.at == self.values.len() {
            self.turn(step.value);
        }
    }

    /// Makes the sums of the block that is full, from its end and around a new pivot.
    #[inline(never)]
    fn turn(&mut self, pivot: f64) {
        self.pivot = pivot;
        let mut sums = (0.0, 0.0);
        for (value, cell) in self.values.iter().zip(&mut self.sums).rev() {
            let sum = sums.0 + (value - pivot);
            // Each weight grows by one when one more value stands before.
            sums = (sum, sums.1 + sum);
            *cell = sums;
        }
        self.at = 0;
        self.block = (0.0, 0.0);
        self.is_full = true;
    }

    /// Saves or loads the state.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.floats(&mut self.values);
        for (sum, weighted) in &mut self.sums {
            words.float(sum);
            words.float(weighted);
        }
        words.float(&mut self.pivot);
        words.count(&mut self.at, self.values.len() - 1);
        words.float(&mut self.block.0);
        words.float(&mut self.block.1);
        words.truth(&mut self.is_full);
    }
}

/// A linearly weighted mean.
#[derive(Clone, Debug)]
pub(crate) struct WeightedMean {
    weights: f64,
    sums: Weighted,
}

impl WeightedMean {
    /// Starts empty; `n` is at least 1.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { weights: (n * (n + 1)) as f64 / 2.0, sums: Weighted::new(n) }
    }

    /// Computes what a value changes, and the mean; NaN while there are fewer than n values.
    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> (WeightedStep, f64) {
        let step = self.sums.step(value);
        (step, step.pivot + step.weighted / self.weights)
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &WeightedStep) {
        self.sums.commit(step);
    }

    /// Saves or loads the state.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        self.sums.words(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_equal_their_definition() {
        let values: Vec<f64> = (0..60).map(|idx| f64::from(idx * 37 % 11) - 5.0).collect();
        for n in 1..=9 {
            let mut sums = Weighted::new(n);
            for (idx, value) in values.iter().enumerate() {
                let step = sums.step(*value);
                sums.commit(&step);
                if idx + 1 < n {
                    assert!(step.sum.is_nan());
                    continue;
                }
                let distances = values[idx + 1 - n..=idx].iter().map(|value| value - step.pivot);
                let weighted: f64 = distances.clone().zip(1..).map(|(value, weight)| value * f64::from(weight)).sum();
                assert_eq!((step.sum, step.weighted), (distances.sum(), weighted), "n {n}, bar {idx}");
            }
        }
    }
}
