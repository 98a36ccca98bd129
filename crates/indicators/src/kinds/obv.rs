//! On-balance volume.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, no_conflict},
    kind::{Kind, Settings},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Obv {
    /// NaN before the first bar.
    last: f64,
    balance: f64,
}

impl Kind for Obv {
    /// The price, and the balance.
    type Step = (f64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "obv",
        title: "On-balance volume",
        group: Group::Volume,
        summary: "A running total of volume: rising bars add theirs, falling ones take it away.",
        formula: "obv = obv[-1] + volume if p > p[-1], - volume if p < p[-1]",
        origin: "Joseph Granville, New Key to Stock Market Profits, 1963; as TA-Lib OBV",
        parameters: &[],
        takes_source: true,
        outputs: &[Output::line("obv", "OBV")],
        pane: Pane::FREE,
        input: Input::Volume,
        seed: "the volume of the first bar, as TA-Lib (others start at 0); only differences mean something",
        zero_cases: "none",
        lookback: |_| 0,
        convergence: |_| usize::MAX,
        conflict: no_conflict,
    };

    fn new(_: &Settings<'_>) -> Self {
        Self { last: f64::NAN, balance: 0.0 }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, price: f64) -> Self::Step {
        if self.last.is_nan() {
            return (price, bar.volume);
        }
        // Two choices instead of branches, which would be guessed wrong every other time.
        let risen = if price > self.last { bar.volume } else { 0.0 };
        let fallen = if price < self.last { bar.volume } else { 0.0 };
        let balance = self.balance + (risen - fallen);
        (price, balance)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        (self.last, self.balance) = *step;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.last);
        words.float(&mut self.balance);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn volume_on_balance() {
        check_closes("obv", &[5.0, 6.0, 6.0, 4.0, 3.0], &["1", "2", "2", "1", "0"]);
    }
}
