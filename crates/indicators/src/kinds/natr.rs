//! Average true range in percent.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::wilder_memory,
    true_range::{AverageRange, AverageRangeStep},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Natr(AverageRange);

impl Kind for Natr {
    type Step = (AverageRangeStep, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "natr",
        title: "Average true range in percent",
        group: Group::Volatility,
        summary: "The average distance that the price covers in a bar, in percent of the close.",
        formula: "100 × atr(n) / close",
        origin: "John Forman, Technical Analysis of Stocks & Commodities, May 2006; as TA-Lib NATR",
        parameters: &[Parameter::bars("length", "Length", 14.0, 1.0)],
        takes_source: false,
        outputs: &[Output::line("natr", "ATR %")],
        pane: Pane::FREE,
        input: Input::HighLowClose,
        seed: "that of atr",
        zero_cases: "a close of 0: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0) + wilder_memory(count(parameters, 0), 1),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(AverageRange::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let range = self.0.step(bar);
        let is_early = range.value().is_nan();
        let value = if bar.close == 0.0 && !is_early { 0.0 } else { 100.0 * (range.value() / bar.close) };
        (range, value)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.0.commit(&step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.0.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_range_in_percent() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 4.0), (1.0, 0.0, 0.0)];
        check_ranges("natr(1)", &bars, &["-", "50", "0"]);
    }
}
