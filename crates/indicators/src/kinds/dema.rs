//! Double exponential moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Cascade, CascadeStep, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Dema(Cascade<2>);

impl Kind for Dema {
    type Step = CascadeStep<2>;

    const DEFINITION: &'static Definition = &Definition {
        name: "dema",
        title: "Double exponential moving average",
        group: Group::Averages,
        summary: "An exponential average less its own lag.",
        formula: "2 × e1 - e2, with e1 = ema(p, n) and e2 = ema(e1, n)",
        origin: "Patrick Mulloy, Technical Analysis of Stocks & Commodities, January 1994; as TA-Lib DEMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("dema", "DEMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "each average: the plain mean of its first n values",
        zero_cases: "none",
        lookback: |parameters| 2 * (count(parameters, 0) - 1),
        convergence: |parameters| 2 * (count(parameters, 0) - 1) + ema_memory(count(parameters, 0), 2),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Cascade::ema([settings.count(0); 2]))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        self.0.step(price)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(2.0 * step.stage(0) - step.stage(1))
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
        check_closes("dema(2)", &[1.0, 2.0, 3.0, 4.0], &["-", "-", "3", "4"]);
    }
}
