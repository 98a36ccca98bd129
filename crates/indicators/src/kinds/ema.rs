//! Exponential moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Smooth, SmoothStep, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Ema(Smooth);

impl Kind for Ema {
    type Step = SmoothStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "ema",
        title: "Exponential moving average",
        group: Group::Averages,
        summary: "A mean that gives the newest price the weight 2 / (n + 1) and lets older ones fade.",
        formula: "ema = ema[-1] + 2 / (n + 1) × (p - ema[-1])",
        origin: "Textbook; as TA-Lib EMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("ema", "EMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "the plain mean of the first n prices",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1 + ema_memory(count(parameters, 0), 1),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Smooth::ema(settings.count(0)))
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
        check_closes("ema(3)", &[1.0, 2.0, 3.0, 6.0, 6.0], &["-", "-", "2", "4", "5"]);
    }
}
