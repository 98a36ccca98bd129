//! Stochastic oscillator.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    oscillator::{SlowStep, Slowed, position},
    values::Values,
    window::{Highest, Lowest, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Stoch {
    highs: Window<Highest>,
    lows: Window<Lowest>,
    slowed: Slowed,
}

/// State update for one bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StochStep {
    highs: WindowStep,
    lows: WindowStep,
    slowed: SlowStep,
}

impl Kind for Stoch {
    type Step = StochStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "stoch",
        title: "Stochastic oscillator",
        group: Group::Momentum,
        summary: "Where the close lies in the range of the last bars, in percent.",
        formula: "k = sma(100 × (close - min(low, n)) / (max(high, n) - min(low, n)), smooth); d = sma(k, signal)",
        origin: "George Lane, in the 1950s; as TA-Lib STOCH",
        parameters: &[
            Parameter::bars("length", "Length", 14.0, 1.0),
            Parameter::bars("smooth", "Smoothing of %K", 3.0, 1.0),
            Parameter::bars("signal", "Length of %D", 3.0, 1.0),
        ],
        takes_source: false,
        outputs: &[Output::line("k", "%K"), Output::line("d", "%D")],
        pane: Pane::Own { levels: &[20.0, 80.0], range: Some((0.0, 100.0)) },
        input: Input::HighLowClose,
        seed: "none: the first values are those of full windows; k has values before d",
        zero_cases: "no range: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0) + count(parameters, 1) + count(parameters, 2) - 3,
        convergence: |parameters| count(parameters, 0) + count(parameters, 1) + count(parameters, 2) - 3,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        let slowed = Slowed::new(settings.count(1), settings.count(2));
        Self { highs: Window::new(n), lows: Window::new(n), slowed }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let (highs, lows) = (self.highs.step(bar.high), self.lows.step(bar.low));
        let slowed = self.slowed.step(position(bar.close, lows.total, highs.total));
        StochStep { highs, lows, slowed }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        step.slowed.values()
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.highs.commit(&step.highs);
        self.lows.commit(&step.lows);
        self.slowed.commit(&step.slowed);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.highs.words(words);
        self.lows.words(words);
        self.slowed.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_position_in_the_range() {
        let bars = [(3.0, 1.0, 2.0), (5.0, 2.0, 4.0), (5.0, 3.0, 3.0)];
        check_ranges("stoch(2,1,2)", &bars, &["-", "75 -", "33.333333 54.166667"]);
        check_ranges("stoch(1,1,1)", &[(2.0, 2.0, 2.0)], &["0 0"]);
    }
}
