//! Kaufman's adaptive moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter},
    kind::{Kind, Settings, count},
    smooth::weight_memory,
    values::Values,
    window::{Ring, Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Kama {
    fast: f64,
    slow: f64,
    prices: Ring,
    /// NaN before the first price.
    last: f64,
    path: Window<Sum>,
    /// NaN before the first value.
    value: f64,
}

/// State update for one price; the path only from the second price on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KamaStep {
    price: f64,
    path: Option<WindowStep>,
    value: f64,
}

impl Kind for Kama {
    type Step = KamaStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "kama",
        title: "Kaufman's adaptive moving average",
        group: Group::Averages,
        summary: "An exponential average that is fast in a trend and slow in noise.",
        formula: "kama = kama[-1] + c² × (p - kama[-1]); c = e × (2/(fast+1) - 2/(slow+1)) + 2/(slow+1); \
                  e = |p - p[-n]| / sum(|p - p[-1]|, n)",
        origin: "Perry Kaufman, Smarter Trading, 1995; as TA-Lib KAMA",
        parameters: &[
            Parameter::bars("length", "Length", 10.0, 2.0),
            Parameter::bars("fast", "Fast length", 2.0, 1.0),
            Parameter::bars("slow", "Slow length", 30.0, 2.0),
        ],
        takes_source: true,
        outputs: &[Output::line("kama", "KAMA")],
        pane: Pane::Overlay,
        input: Input::Price,
        seed: "the price before the first value",
        zero_cases: "no movement: the efficiency e is 1",
        lookback: |parameters| count(parameters, 0),
        // In the worst case all is noise.
        convergence: |parameters| {
            let slow = 2.0 / (parameters[2] + 1.0);
            count(parameters, 0) + weight_memory(slow * slow, 1)
        },
        conflict: |parameters| {
            let is_wrong = parameters[1] >= parameters[2];
            is_wrong.then_some("fast must be shorter than slow; exchange them or choose others")
        },
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self {
            fast: 2.0 / (settings.number(1) + 1.0),
            slow: 2.0 / (settings.number(2) + 1.0),
            prices: Ring::new(n),
            last: f64::NAN,
            path: Window::new(n),
            value: f64::NAN,
        }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        if self.last.is_nan() {
            return KamaStep { price, path: None, value: f64::NAN };
        }
        let path = self.path.step((price - self.last).abs());
        let way = (price - self.prices.oldest()).abs();
        let efficiency = if path.total <= way { 1.0 } else { way / path.total };
        let weight = efficiency * (self.fast - self.slow) + self.slow;
        let before = if self.value.is_nan() { self.last } else { self.value };
        let is_early = path.total.is_nan();
        let value = if is_early { f64::NAN } else { before + weight * weight * (price - before) };
        KamaStep { price, path: Some(path), value }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.value)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.prices.push(step.price);
        self.last = step.price;
        self.path.commit_known(&step.path);
        self.value = step.value;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.prices.words(words);
        words.float(&mut self.last);
        self.path.words(words);
        words.float(&mut self.value);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn fast_in_a_trend_and_slow_in_noise() {
        // Efficiency 1, weight (2/2)² = 1: the price itself; then efficiency 0, weight (2/4)² = 1/4.
        check_closes("kama(2,1,3)", &[1.0, 2.0, 3.0, 2.0], &["-", "-", "3", "2.75"]);
        check_closes("kama(2,1,3)", &[5.0, 5.0, 5.0], &["-", "-", "5"]);
    }
}
