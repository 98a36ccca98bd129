//! Bollinger bands.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    spread::{Spread, SpreadStep},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Bb {
    deviations: f64,
    spread: Spread,
}

impl Kind for Bb {
    type Step = (SpreadStep, [f64; 3]);

    const DEFINITION: &'static Definition = &Definition {
        name: "bb",
        title: "Bollinger bands",
        group: Group::Volatility,
        summary: "A mean with a band of standard deviations around it.",
        formula: "middle = mean(p, n); upper, lower = middle ± k × σ, σ the population's standard deviation (÷ n)",
        origin: "John Bollinger, Bollinger on Bollinger Bands, 2001; as TA-Lib BBANDS",
        parameters: &[
            Parameter::bars("length", "Length", 20.0, 2.0),
            Parameter::factor("deviations", "Standard deviations", 2.0),
        ],
        takes_source: true,
        outputs: &[Output::band("upper", "Upper"), Output::line("middle", "Middle"), Output::band("lower", "Lower")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "none: the first value is that of a full window",
        zero_cases: "equal prices: all three lines are the price",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self { deviations: settings.number(1), spread: Spread::new(settings.count(0)) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let step = self.spread.step(price);
        let distance = self.deviations * step.deviation;
        (step, [step.mean + distance, step.mean, step.mean - distance])
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.spread.commit(&step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.spread.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_mean_and_its_band() {
        check_closes("bb(2,1.5)", &[1.0, 3.0, 3.0], &["-", "3.5 2 0.5", "3 3 3"]);
    }
}
