//! Simple moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Sma {
    n: f64,
    window: Window<Sum>,
}

impl Kind for Sma {
    type Step = (WindowStep, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "sma",
        title: "Simple moving average",
        group: Group::Averages,
        summary: "The mean of the last prices.",
        formula: "(p[0] + … + p[-(n-1)]) / n",
        origin: "Textbook; as TA-Lib SMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("sma", "SMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "none: the first value is that of a full window",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self { n: settings.number(0), window: Window::new(settings.count(0)) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let step = self.window.step(price);
        (step, step.total / self.n)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.window.commit(&step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.window.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_mean_of_the_last_prices() {
        check_closes("sma(3)", &[1.0, 2.0, 6.0, 10.0], &["-", "-", "3", "6"]);
        check_closes("sma(1)", &[1.0, 2.0], &["1", "2"]);
    }
}
