//! Momentum.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::Ring,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Mom(Ring);

impl Kind for Mom {
    type Step = (f64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "mom",
        title: "Momentum",
        group: Group::Momentum,
        summary: "How far the price has come since n bars ago.",
        formula: "p - p[-n]",
        origin: "Textbook; as TA-Lib MOM",
        parameters: &[Parameter::bars("length", "Length", 10.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("mom", "Momentum")],
        pane: Pane::AROUND_ZERO,
        input: Input::Price,
        seed: "none",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Ring::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        (price, price - self.0.oldest())
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
    fn a_difference() {
        check_closes("mom(2)", &[1.0, 2.0, 6.0, 1.0], &["-", "-", "5", "-1"]);
    }
}
