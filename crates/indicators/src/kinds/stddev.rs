//! Standard deviation.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    spread::{Spread, SpreadStep},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct StdDev(Spread);

impl Kind for StdDev {
    type Step = SpreadStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "stddev",
        title: "Standard deviation",
        group: Group::Volatility,
        summary: "How far the last prices are from their mean.",
        formula: "√(mean((p[i] - mean(p, n))², n)), of the population (÷ n)",
        origin: "Textbook; as TA-Lib STDDEV",
        parameters: &[Parameter::bars("length", "Length", 20.0, 2.0)],
        takes_source: true,
        outputs: &[Output::line("stddev", "σ")],
        pane: Pane::FREE,
        input: Input::Price,
        seed: "none: the first value is that of a full window",
        zero_cases: "equal prices: exactly 0 (TA-Lib gives 0 also below 1e-7)",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Spread::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        self.0.step(price)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.deviation)
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
    fn a_distance_from_the_mean() {
        check_closes("stddev(2)", &[1.0, 3.0, 3.0, 7.0], &["-", "1", "0", "2"]);
        check_closes("stddev(4)", &[1.0, 1.0, 3.0, 3.0, 3.0], &["-", "-", "-", "1", "0.866025"]);
    }

    #[test]
    fn equal_prices_have_none_at_any_level() {
        check_closes("stddev(3)", &[4_000_000.3; 8], &["-", "-", "0", "0", "0", "0", "0", "0"]);
    }

    #[test]
    fn a_level_far_from_the_last_keeps_its_digits() {
        let closes = [1.0, 1.0, 1.0, 1e9, 1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0];
        check_closes(
            "stddev(3)",
            &closes,
            &["-", "-", "0", "471404520.319627", "471404520.555329", "0.816497", "0.816497"],
        );
    }
}
