//! Average true range.

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
pub(crate) struct Atr(AverageRange);

impl Kind for Atr {
    type Step = AverageRangeStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "atr",
        title: "Average true range",
        group: Group::Volatility,
        summary: "The average distance that the price covers in a bar, gaps included.",
        formula: "Wilder's average (weight 1 / n) of max(high - low, |high - close[-1]|, |low - close[-1]|)",
        origin: "J. Welles Wilder, New Concepts in Technical Trading Systems, 1978; as TA-Lib ATR",
        parameters: &[Parameter::bars("length", "Length", 14.0, 1.0)],
        takes_source: false,
        outputs: &[Output::line("atr", "ATR")],
        pane: Pane::FREE,
        input: Input::HighLowClose,
        seed: "the plain mean of the first n true ranges; the first bar has none, as it has no close before",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0) + wilder_memory(count(parameters, 0), 1),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(AverageRange::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        self.0.step(bar)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.value())
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.0.commit(step);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.0.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_range_with_its_gap() {
        // High, low, close: a range of 2, then one from the close before.
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (8.0, 7.0, 8.0), (8.0, 7.0, 7.0)];
        check_ranges("atr(2)", &bars, &["-", "-", "3.5", "2.25"]);
    }
}
