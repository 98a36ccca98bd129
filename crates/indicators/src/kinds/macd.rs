//! Moving average convergence and divergence.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter},
    kind::{Kind, Settings, count},
    smooth::{Smooth, SmoothStep, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Macd {
    fast: Smooth,
    slow: Smooth,
    signal: Smooth,
}

/// State update for one price; the signal only once there is a difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MacdStep {
    fast: SmoothStep,
    slow: SmoothStep,
    signal: Option<SmoothStep>,
    macd: f64,
}

impl Kind for Macd {
    type Step = MacdStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "macd",
        title: "Moving average convergence/divergence",
        group: Group::Momentum,
        summary: "The distance of a fast average from a slow one, and its own average.",
        formula: "macd = ema(fast) - ema(slow); signal = ema(macd, signal); histogram = macd - signal",
        origin: "Gerald Appel, The Moving Average Convergence-Divergence Method, 1979; as TA-Lib MACD",
        parameters: &[
            Parameter::bars("fast", "Fast length", 12.0, 1.0),
            Parameter::bars("slow", "Slow length", 26.0, 2.0),
            Parameter::bars("signal", "Signal length", 9.0, 1.0),
        ],
        takes_source: true,
        outputs: &[
            Output::line("macd", "MACD"),
            Output::line("signal", "Signal"),
            Output::histogram("histogram", "Histogram"),
        ],
        pane: Pane::AROUND_ZERO,
        input: Input::Price,
        seed: "both averages at the same bar: the fast one is seeded with the last prices of the slow one's seed; no value \
               before the signal has one",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 1) + count(parameters, 2) - 2,
        convergence: |parameters| {
            let (slow, signal) = (count(parameters, 1), count(parameters, 2));
            slow + signal + ema_memory(slow, 1) + ema_memory(signal, 1)
        },
        conflict: |parameters| {
            let is_wrong = parameters[0] >= parameters[1];
            is_wrong.then_some("fast must be shorter than slow; exchange them or choose others")
        },
    };

    fn new(settings: &Settings<'_>) -> Self {
        let (fast, slow, signal) = (settings.count(0), settings.count(1), settings.count(2));
        Self { fast: Smooth::ema(fast).skipping(slow - fast), slow: Smooth::ema(slow), signal: Smooth::ema(signal) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let (fast, slow) = (self.fast.step(price), self.slow.step(price));
        let macd = fast.value - slow.value;
        let signal = self.signal.step_known(macd);
        MacdStep { fast, slow, signal, macd }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        match step.signal {
            Some(signal) if !signal.value.is_nan() => Values::of([step.macd, signal.value, step.macd - signal.value]),
            _ => Values::NONE,
        }
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.fast.commit(&step.fast);
        self.slow.commit(&step.slow);
        self.signal.commit_known(&step.signal);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.fast.words(words);
        self.slow.words(words);
        self.signal.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_distance_and_its_average() {
        // fast (weight 1): 6, 3; slow (weight 1/2 after the seed 3): 3, 3.
        let rows = ["-", "-", "-", "0 1.5 -1.5", "3 2.5 0.5"];
        check_closes("macd(1,3,2)", &[1.0, 2.0, 6.0, 3.0, 9.0], &rows);
    }
}
