//! Linearly weighted moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    weighted::{WeightedMean, WeightedStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Wma(WeightedMean);

impl Kind for Wma {
    type Step = (WeightedStep, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "wma",
        title: "Weighted moving average",
        group: Group::Averages,
        summary: "A mean whose weights fall evenly from the newest price to the oldest.",
        formula: "(n × p[0] + (n-1) × p[-1] + … + 1 × p[-(n-1)]) / (n (n+1) / 2)",
        origin: "Textbook; as TA-Lib WMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("wma", "WMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "none: the first value is that of a full window",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(WeightedMean::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        self.0.step(price)
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
    use crate::testing::check_closes;

    #[test]
    fn newer_prices_weigh_more() {
        check_closes("wma(3)", &[1.0, 2.0, 3.0, 9.0], &["-", "-", "2.333333", "5.833333"]);
    }
}
