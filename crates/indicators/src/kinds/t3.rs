//! Tillson's moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Cascade, CascadeStep, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct T3 {
    /// Of the stages 3 to 6.
    weights: [f64; 4],
    averages: Cascade<6>,
}

impl Kind for T3 {
    type Step = (CascadeStep<6>, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "t3",
        title: "Tillson's moving average",
        group: Group::Averages,
        summary: "A smooth exponential average with little lag.",
        formula: "-v³ × e6 + (3v² + 3v³) × e5 - (6v² + 3v + 3v³) × e4 + (1 + 3v + 3v² + v³) × e3, with e1 = ema(p, n) to \
                  e6 = ema(e5, n)",
        origin: "Tim Tillson, Technical Analysis of Stocks & Commodities, January 1998; as TA-Lib T3",
        parameters: &[
            Parameter::bars("length", "Length", 5.0, 2.0),
            Parameter { name: "factor", title: "Volume factor v", default: 0.7, min: 0.0, max: 1.0, step: 0.1 },
        ],
        takes_source: true,
        outputs: &[Output::line("t3", "T3")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "each average: the plain mean of its first n values",
        zero_cases: "none",
        lookback: |parameters| 6 * (count(parameters, 0) - 1),
        // The weights are up to ten.
        convergence: |parameters| 6 * (count(parameters, 0) - 1) + ema_memory(count(parameters, 0), 8),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let v = settings.number(1);
        let (v2, v3) = (v * v, v * v * v);
        let weights = [1.0 + 3.0 * v + 3.0 * v2 + v3, -6.0 * v2 - 3.0 * v - 3.0 * v3, 3.0 * v2 + 3.0 * v3, -v3];
        Self { weights, averages: Cascade::ema([settings.count(0); 6]) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let step = self.averages.step(price);
        let [w3, w4, w5, w6] = self.weights;
        let value = w6 * step.stage(5) + w5 * step.stage(4) + w4 * step.stage(3) + w3 * step.stage(2);
        (step, value)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.averages.commit(&step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.averages.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn with_a_factor_of_one_a_straight_line_has_no_lag() {
        let closes = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        check_closes("t3(2,1)", &closes, &["-", "-", "-", "-", "-", "-", "7", "8"]);
        check_closes("t3(2,0)", &closes, &["-", "-", "-", "-", "-", "-", "5.5", "6.5"]);
    }
}
