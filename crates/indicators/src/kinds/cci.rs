//! Commodity channel index.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    source::typical,
    values::Values,
    window::{Ring, Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Cci {
    n: f64,
    sum: Window<Sum>,
    prices: Ring,
}

impl Kind for Cci {
    type Step = (f64, WindowStep, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "cci",
        title: "Commodity channel index",
        group: Group::Momentum,
        summary: "The distance of the typical price from its mean, in units of the mean distance.",
        formula: "(t - sma(t, n)) / (0.015 × mean(|t[i] - sma(t, n)|, n)), with t = (high + low + close) / 3",
        origin: "Donald Lambert, Commodities magazine, October 1980; as TA-Lib CCI",
        parameters: &[Parameter::bars("length", "Length", 20.0, 2.0)],
        takes_source: false,
        outputs: &[Output::line("cci", "CCI")],
        pane: Pane::Own { levels: &[-100.0, 0.0, 100.0], range: None },
        input: Input::HighLowClose,
        seed: "none: the first value is that of a full window; each value reads the whole window",
        zero_cases: "no distance: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        // The newest price is not in the ring yet.
        Self { n: settings.number(0), sum: Window::new(n), prices: Ring::new(n - 1) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let price = typical(bar);
        let sum = self.sum.step(price);
        if sum.total.is_nan() {
            return (price, sum, f64::NAN);
        }
        let mean = sum.total / self.n;
        let distances = self.prices.cells().iter().fold((price - mean).abs(), |sum, other| sum + (other - mean).abs());
        // Equal prices: what is left of their distances is rounding.
        let is_flat = self.prices.cells().iter().all(|other| *other == price);
        let value = if is_flat { 0.0 } else { (price - mean) / (0.015 * (distances / self.n)) };
        (price, sum, value)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.2)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.sum.commit(&step.1);
        self.prices.push(step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.sum.words(words);
        self.prices.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_distance_in_mean_distances() {
        check_closes("cci(2)", &[1.0, 3.0, 3.0], &["-", "66.666667", "0"]);
        check_closes("cci(3)", &[0.1, 0.1, 0.1], &["-", "-", "0"]);
    }
}
