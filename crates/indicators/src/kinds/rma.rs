//! Wilder's moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Smooth, SmoothStep, wilder_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Rma(Smooth);

impl Kind for Rma {
    type Step = SmoothStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "rma",
        title: "Wilder's moving average",
        group: Group::Averages,
        summary: "A mean that gives the newest price the weight 1 / n and lets older ones fade.",
        formula: "rma = rma[-1] + 1 / n × (p - rma[-1])",
        origin: "J. Welles Wilder, New Concepts in Technical Trading Systems, 1978; as TA-Lib RMA",
        parameters: &[Parameter::bars("length", "Length", 14.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("rma", "RMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "the plain mean of the first n prices",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1 + wilder_memory(count(parameters, 0), 1),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Smooth::wilder(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        self.0.step(price)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.value)
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
    use crate::testing::check_closes;

    #[test]
    fn newer_prices_weigh_more() {
        check_closes("rma(2)", &[1.0, 3.0, 6.0, 4.0], &["-", "2", "4", "4"]);
    }
}
