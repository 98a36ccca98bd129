//! True range and Wilder's average of it.

use crate::{
    bar::Bar,
    smooth::{Smooth, SmoothStep},
    window::higher,
    words::Words,
};

/// Returns the distance that a bar covers, from the close before.
#[inline(always)]
pub(crate) fn true_range(bar: &Bar, last_close: f64) -> f64 {
    let (up, down) = ((bar.high - last_close).abs(), (bar.low - last_close).abs());
    higher(higher(bar.high - bar.low, up), down)
}

/// Wilder's average of the true range; the first bar has none.
#[derive(Clone, Debug)]
pub(crate) struct AverageRange {
    /// NaN before the first bar.
    last_close: f64,
    average: Smooth,
}

/// State update for one bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AverageRangeStep {
    last_close: f64,
    average: Option<SmoothStep>,
}

impl AverageRangeStep {
    /// The average; NaN while there is none.
    #[inline(always)]
    pub(crate) fn value(&self) -> f64 {
        self.average.map_or(f64::NAN, |step| step.value)
    }
}

impl AverageRange {
    pub(crate) fn new(n: usize) -> Self {
        Self { last_close: f64::NAN, average: Smooth::wilder(n) }
    }

    #[inline(always)]
    pub(crate) fn step(&self, bar: &Bar) -> AverageRangeStep {
        let average = (!self.last_close.is_nan()).then(|| self.average.step(true_range(bar, self.last_close)));
        AverageRangeStep { last_close: bar.close, average }
    }

    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &AverageRangeStep) {
        self.last_close = step.last_close;
        if let Some(average) = &step.average {
            self.average.commit(average);
        }
    }

    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.last_close);
        self.average.words(words);
    }
}
