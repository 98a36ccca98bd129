//! Exponential smoothing, seeded with the plain average of the first values: EMA (weight 2 / (n + 1)) and Wilder's (1 / n).
//!
//! Not here: windows ([`crate::window`]).

use crate::words::Words;

/// An exponential average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Smooth {
    /// Of the newest value.
    weight: f64,
    /// Of the average before: what is left of 1.
    keep: f64,
    n: usize,
    /// Values that are passed over before the seed.
    skipped: usize,
    /// Values so far, up to the seed.
    n_seen: usize,
    /// The sum of the values of the seed, then what the average gives to the next one: itself times `keep`.
    state: f64,
}

/// Update of an average by one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SmoothStep {
    n_seen: usize,
    state: f64,
    /// The average; NaN while there are fewer than n values.
    pub(crate) value: f64,
}

impl Smooth {
    /// An exponential moving average: the weight of the newest value is 2 / (n + 1).
    pub(crate) fn ema(n: usize) -> Self {
        Self::weighted(n, 2.0 / (n as f64 + 1.0))
    }

    /// Wilder's average: the weight of the newest value is 1 / n.
    pub(crate) fn wilder(n: usize) -> Self {
        Self::weighted(n, 1.0 / n as f64)
    }

    fn weighted(n: usize, weight: f64) -> Self {
        Self { weight, keep: 1.0 - weight, n: n.max(1), skipped: 0, n_seen: 0, state: 0.0 }
    }

    /// Passes over values before the seed.
    pub(crate) fn skipping(mut self, n: usize) -> Self {
        self.skipped = n;
        self
    }

    /// Computes what a value changes.
    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> SmoothStep {
        if self.n_seen == self.n + self.skipped {
            // Two operations wait for the average before; in `average + weight * (value - average)` it is three.
            let average = self.state + self.weight * value;
            return SmoothStep { n_seen: self.n_seen, state: self.keep * average, value: average };
        }
        self.seeding(value)
    }

    /// Takes a copy: a reference would keep an average that is a local variable out of the registers.
    #[cold]
    fn seeding(self, value: f64) -> SmoothStep {
        let n_seen = self.n_seen + 1;
        let sum = if n_seen > self.skipped { self.state + value } else { 0.0 };
        if n_seen == self.n + self.skipped {
            let seed = sum / self.n as f64;
            SmoothStep { n_seen, state: self.keep * seed, value: seed }
        } else {
            SmoothStep { n_seen, state: sum, value: f64::NAN }
        }
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &SmoothStep) {
        self.n_seen = step.n_seen;
        self.state = step.state;
    }

    /// Computes what a value changes, if there is one: NaN changes nothing.
    #[inline(always)]
    pub(crate) fn step_known(&self, value: f64) -> Option<SmoothStep> {
        (!value.is_nan()).then(|| self.step(value))
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit_known(&mut self, step: &Option<SmoothStep>) {
        if let Some(step) = step {
            self.commit(step);
        }
    }

    /// Saves or loads the state.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.count(&mut self.n_seen, self.n + self.skipped);
        words.float(&mut self.state);
    }
}

/// Returns the average; NaN also where there was no value.
#[inline(always)]
pub(crate) fn average(step: &Option<SmoothStep>) -> f64 {
    step.map_or(f64::NAN, |step| step.value)
}

/// Several exponential averages, each of the one before; a stage starts when the stage before has a value.
#[derive(Clone, Debug)]
pub(crate) struct Cascade<const N: usize>([Smooth; N]);

/// Update of a cascade by one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CascadeStep<const N: usize> {
    /// Stages that took a value.
    n_taken: usize,
    steps: [SmoothStep; N],
}

impl<const N: usize> CascadeStep<N> {
    /// Returns the average of a stage; NaN while it has none.
    #[inline(always)]
    pub(crate) fn stage(&self, idx: usize) -> f64 {
        self.steps[idx].value
    }

    /// Returns the average of the last stage; NaN while it has none.
    #[inline(always)]
    pub(crate) fn last(&self) -> f64 {
        self.steps[N - 1].value
    }
}

impl<const N: usize> Cascade<N> {
    /// Stages of exponential moving averages.
    pub(crate) fn ema(lengths: [usize; N]) -> Self {
        Self(lengths.map(Smooth::ema))
    }

    /// Computes what a value changes.
    #[inline(always)]
    pub(crate) fn step(&self, value: f64) -> CascadeStep<N> {
        let mut steps = [SmoothStep { n_seen: 0, state: 0.0, value: f64::NAN }; N];
        let (mut value, mut n_taken) = (value, 0);
        for (stage, step) in self.0.iter().zip(&mut steps) {
            if value.is_nan() {
                break;
            }
            *step = stage.step(value);
            value = step.value;
            n_taken += 1;
        }
        CascadeStep { n_taken, steps }
    }

    /// Carries it out.
    #[inline(always)]
    pub(crate) fn commit(&mut self, step: &CascadeStep<N>) {
        for (stage, step) in self.0.iter_mut().zip(&step.steps).take(step.n_taken) {
            stage.commit(step);
        }
    }

    /// Saves or loads the state.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        for stage in &mut self.0 {
            stage.words(words);
        }
    }
}

/// Returns how many values make an EMA forget its seed to a millionth, in a cascade of that many stages.
pub(crate) fn ema_memory(n: usize, n_stages: usize) -> usize {
    weight_memory(2.0 / (n as f64 + 1.0), n_stages)
}

/// Returns how many values make Wilder's average forget its seed to a millionth, in a cascade of that many stages.
pub(crate) fn wilder_memory(n: usize, n_stages: usize) -> usize {
    weight_memory(1.0 / n as f64, n_stages)
}

/// Returns how many values make an average of this weight forget its seed to a millionth, in a cascade of that many
/// stages: counts until a difference of 1 in every stage has faded.
pub(crate) fn weight_memory(weight: f64, n_stages: usize) -> usize {
    let mut stages = vec![1.0_f64; n_stages];
    let mut n_values = 0;
    while stages.iter().any(|stage| *stage > 1e-6) {
        let mut input = 0.0;
        for stage in &mut stages {
            *stage += weight * (input - *stage);
            input = *stage;
        }
        n_values += 1;
    }
    n_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mut smooth: Smooth, values: &[f64], expected: &[f64]) {
        let mut found = Vec::new();
        for value in values {
            let step = smooth.step(*value);
            smooth.commit(&step);
            found.push(step.value);
        }
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }

    #[test]
    fn averages_start_with_a_plain_one() {
        let nan = f64::NAN;
        check(Smooth::ema(3), &[1.0, 2.0, 3.0, 6.0], &[nan, nan, 2.0, 4.0]);
        check(Smooth::wilder(2), &[1.0, 3.0, 6.0], &[nan, 2.0, 4.0]);
        check(Smooth::ema(1), &[1.0, 5.0], &[1.0, 5.0]);
        check(Smooth::ema(3).skipping(1), &[100.0, 1.0, 2.0, 3.0, 6.0], &[nan, nan, nan, 2.0, 4.0]);
    }

    #[test]
    fn memory_is_the_length_of_the_decay() {
        // 0.9^m < 1e-6 from m = 132.
        assert_eq!(wilder_memory(10, 1), 132);
        assert_eq!(ema_memory(1, 1), 1);
        assert!(ema_memory(9, 3) > ema_memory(9, 1));
    }
}
