//! Triple exponential moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Cascade, CascadeStep, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Tema(Cascade<3>);

impl Kind for Tema {
    type Step = CascadeStep<3>;

    const DEFINITION: &'static Definition = &Definition {
        name: "tema",
        title: "Triple exponential moving average",
        group: Group::Averages,
        summary: "An exponential average with even less lag than the double one.",
        formula: "3 × e1 - 3 × e2 + e3, with e1 = ema(p, n), e2 = ema(e1, n), e3 = ema(e2, n)",
        origin: "Patrick Mulloy, Technical Analysis of Stocks & Commodities, February 1994; as TA-Lib TEMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("tema", "TEMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "each average: the plain mean of its first n values",
        zero_cases: "none",
        lookback: |parameters| 3 * (count(parameters, 0) - 1),
        convergence: |parameters| 3 * (count(parameters, 0) - 1) + ema_memory(count(parameters, 0), 3),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Cascade::ema([settings.count(0); 3]))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        self.0.step(price)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(3.0 * step.stage(0) - 3.0 * step.stage(1) + step.last())
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
    fn a_straight_line_has_no_lag() {
        check_closes("tema(2)", &[1.0, 2.0, 3.0, 4.0, 5.0], &["-", "-", "-", "4", "5"]);
    }
}
