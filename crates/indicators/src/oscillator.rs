//! Common parts of stochastic oscillators: a position in a range, and its two averages.

use crate::{
    values::Values,
    window::{Sum, Window, WindowStep, total},
    words::Words,
};

/// Returns where a value lies between two others, in percent; 0 if they are equal, NaN if they are not known.
#[inline(always)]
pub(crate) fn position(value: f64, low: f64, high: f64) -> f64 {
    let range = high - low;
    if range == 0.0 { 0.0 } else { 100.0 * ((value - low) / range) }
}

/// A plain mean, and a plain mean of it.
#[derive(Clone, Debug)]
pub(crate) struct Slowed {
    n_k: f64,
    n_d: f64,
    k: Window<Sum>,
    d: Window<Sum>,
}

/// State update for one position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowStep {
    k_step: Option<WindowStep>,
    d_step: Option<WindowStep>,
    k: f64,
    d: f64,
}

impl SlowStep {
    #[inline(always)]
    pub(crate) fn values(&self) -> Values {
        Values::of([self.k, self.d])
    }
}

impl Slowed {
    pub(crate) fn new(n_k: usize, n_d: usize) -> Self {
        Self { n_k: n_k as f64, n_d: n_d as f64, k: Window::new(n_k), d: Window::new(n_d) }
    }

    /// Computes what a position changes; NaN changes nothing.
    #[inline(always)]
    pub(crate) fn step(&self, position: f64) -> SlowStep {
        let k_step = self.k.step_known(position);
        let k = total(&k_step) / self.n_k;
        let d_step = self.d.step_known(k);
        SlowStep { k_step, d_step, k, d: total(&d_step) / self.n_d }
    }

    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &SlowStep) {
        self.k.commit_known(&step.k_step);
        self.d.commit_known(&step.d_step);
    }

    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        self.k.words(words);
        self.d.words(words);
    }
}
