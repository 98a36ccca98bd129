//! Williams %R.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    oscillator::position,
    values::Values,
    window::{Highest, Lowest, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct WillR {
    highs: Window<Highest>,
    lows: Window<Lowest>,
}

impl Kind for WillR {
    type Step = (WindowStep, WindowStep, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "willr",
        title: "Williams %R",
        group: Group::Momentum,
        summary: "How far the close lies below the highest price of the last bars, in percent of their range.",
        formula: "-100 × (max(high, n) - close) / (max(high, n) - min(low, n))",
        origin: "Larry Williams, How I Made One Million Dollars Last Year Trading Commodities, 1973; as TA-Lib WILLR",
        parameters: &[Parameter::bars("length", "Length", 14.0, 1.0)],
        takes_source: false,
        outputs: &[Output::line("willr", "%R")],
        pane: Pane::Own { levels: &[-80.0, -20.0], range: Some((-100.0, 0.0)) },
        input: Input::HighLowClose,
        seed: "none: the first value is that of a full window",
        zero_cases: "no range: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { highs: Window::new(n), lows: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let (highs, lows) = (self.highs.step(bar.high), self.lows.step(bar.low));
        // From the top down: the position with its ends exchanged, and its sign.
        (highs, lows, 0.0 - position(bar.close, highs.total, lows.total))
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.2)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.highs.commit(&step.0);
        self.lows.commit(&step.1);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.highs.words(words);
        self.lows.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_distance_from_the_top() {
        let bars = [(3.0, 1.0, 2.0), (5.0, 2.0, 4.0), (5.0, 5.0, 5.0)];
        check_ranges("willr(2)", &bars, &["-", "-25", "0"]);
        check_ranges("willr(1)", &bars, &["-50", "-33.333333", "0"]);
    }
}
