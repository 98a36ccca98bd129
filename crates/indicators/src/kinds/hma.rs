//! Hull moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    weighted::{WeightedMean, WeightedStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Hma {
    half: WeightedMean,
    whole: WeightedMean,
    root: WeightedMean,
}

/// State update for one price; the last average only once the others have a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HmaStep {
    half: WeightedStep,
    whole: WeightedStep,
    root: Option<(WeightedStep, f64)>,
}

impl Kind for Hma {
    type Step = HmaStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "hma",
        title: "Hull moving average",
        group: Group::Averages,
        summary: "A weighted average with little lag.",
        formula: "wma(2 × wma(p, n/2) - wma(p, n), √n), halves and roots rounded down",
        origin: "Alan Hull, 2005, https://alanhull.com/hull-moving-average; as TA-Lib HMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 2.0)],
        takes_source: true,
        outputs: &[Output::line("hma", "HMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "none: the first value is that of full windows",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) + count(parameters, 0).isqrt() - 2,
        convergence: |parameters| count(parameters, 0) + count(parameters, 0).isqrt() - 2,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { half: WeightedMean::new(n / 2), whole: WeightedMean::new(n), root: WeightedMean::new(n.isqrt()) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let ((half, half_mean), (whole, whole_mean)) = (self.half.step(price), self.whole.step(price));
        let ahead = 2.0 * half_mean - whole_mean;
        HmaStep { half, whole, root: (!ahead.is_nan()).then(|| self.root.step(ahead)) }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        step.root.map_or(Values::NONE, |(_, mean)| Values::one(mean))
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.half.commit(&step.half);
        self.whole.commit(&step.whole);
        if let Some((root, _)) = &step.root {
            self.root.commit(root);
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.half.words(words);
        self.whole.words(words);
        self.root.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_straight_line_has_hardly_any_lag() {
        let closes = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        check_closes("hma(4)", &closes, &["-", "-", "-", "-", "5", "6"]);
    }
}
