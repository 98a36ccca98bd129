//! Linear regression.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    weighted::{Weighted, WeightedStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct LinReg {
    n: f64,
    /// Sum of the squares of the bars' distances from the middle one.
    squares: f64,
    sums: Weighted,
}

impl Kind for LinReg {
    /// State update for one price, the line's end and its slope.
    type Step = (WeightedStep, f64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "linreg",
        title: "Linear regression",
        group: Group::Averages,
        summary: "The end of the straight line that fits the last prices best, and its slope by bar.",
        formula: "least squares over n bars: slope = sum((i - mean(i)) × p[i]) / sum((i - mean(i))²); \
                  value = mean(p) + slope × (n - 1) / 2",
        origin: "Textbook; as TA-Lib LINEARREG and LINEARREG_SLOPE",
        parameters: &[Parameter::bars("length", "Length", 14.0, 2.0)],
        takes_source: true,
        outputs: &[Output::line("linreg", "Regression"), Output::hidden("slope", "Slope")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "none: the first value is that of a full window",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.number(0);
        Self { n, squares: n * (n * n - 1.0) / 12.0, sums: Weighted::new(settings.count(0)) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let step = self.sums.step(price);
        // Weights 1 to n less their mean: the bars' distances from the middle one.
        let slope = (step.weighted - (self.n + 1.0) / 2.0 * step.sum) / self.squares;
        let end = step.pivot + (step.sum / self.n + slope * ((self.n - 1.0) / 2.0));
        (step, end, slope)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of([step.1, step.2])
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.sums.commit(&step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.sums.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_line_fits_itself() {
        check_closes("linreg(3)", &[1.0, 3.0, 5.0, 7.0], &["-", "-", "5 2", "7 2"]);
        check_closes("linreg(2)", &[1.0, 1.0, 4.0], &["-", "1 0", "4 3"]);
    }
}
