//! Rate of change.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::Ring,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Roc(Ring);

impl Kind for Roc {
    type Step = (f64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "roc",
        title: "Rate of change",
        group: Group::Momentum,
        summary: "How far the price has come since n bars ago, in percent.",
        formula: "100 × (p / p[-n] - 1)",
        origin: "Textbook; as TA-Lib ROC",
        parameters: &[Parameter::bars("length", "Length", 10.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("roc", "ROC")],
        pane: Pane::AROUND_ZERO,
        input: Input::Price,
        seed: "none",
        zero_cases: "a price of 0 n bars ago: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Ring::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let before = self.0.oldest();
        (price, if before == 0.0 { 0.0 } else { 100.0 * (price / before - 1.0) })
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.0.push(step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.0.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_change_in_percent() {
        check_closes("roc(1)", &[2.0, 3.0, 0.0, 5.0], &["-", "50", "-100", "0"]);
    }
}
