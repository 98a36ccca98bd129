//! True strength index.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Cascade, CascadeStep, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Tsi {
    /// NaN before the first price.
    last: f64,
    changes: Cascade<2>,
    sizes: Cascade<2>,
}

/// State update for one price; the averages only from the second price on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TsiStep {
    last: f64,
    averages: Option<(CascadeStep<2>, CascadeStep<2>)>,
    value: f64,
}

impl Kind for Tsi {
    type Step = TsiStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "tsi",
        title: "True strength index",
        group: Group::Momentum,
        summary: "The twice averaged change of the price, in percent of the twice averaged size of its changes.",
        formula: "100 × ema(ema(c, long), short) / ema(ema(|c|, long), short), with c = p - p[-1]",
        origin: "William Blau, Technical Analysis of Stocks & Commodities, November 1991; as TA-Lib TSI",
        parameters: &[
            Parameter::bars("long", "First length", 25.0, 1.0),
            Parameter::bars("short", "Second length", 13.0, 1.0),
        ],
        takes_source: true,
        outputs: &[Output::line("tsi", "TSI")],
        pane: Pane::AROUND_ZERO,
        input: Input::Price,
        seed: "each average: the plain mean of its first n values",
        zero_cases: "no movement: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0) + count(parameters, 1) - 1,
        convergence: |parameters| {
            let (long, short) = (count(parameters, 0), count(parameters, 1));
            long + short - 1 + ema_memory(long, 1) + ema_memory(short, 1)
        },
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let lengths = [settings.count(0), settings.count(1)];
        Self { last: f64::NAN, changes: Cascade::ema(lengths), sizes: Cascade::ema(lengths) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        if self.last.is_nan() {
            return TsiStep { last: price, averages: None, value: f64::NAN };
        }
        let change = price - self.last;
        let (changes, sizes) = (self.changes.step(change), self.sizes.step(change.abs()));
        let value = if sizes.last() == 0.0 { 0.0 } else { 100.0 * (changes.last() / sizes.last()) };
        TsiStep { last: price, averages: Some((changes, sizes)), value }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.value)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.last = step.last;
        if let Some((changes, sizes)) = &step.averages {
            self.changes.commit(changes);
            self.sizes.commit(sizes);
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.last);
        self.changes.words(words);
        self.sizes.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_share_of_the_movement() {
        check_closes("tsi(1,1)", &[1.0, 2.0, 1.0, 1.0], &["-", "100", "-100", "0"]);
        check_closes("tsi(1,2)", &[1.0, 4.0, 3.0], &["-", "-", "50"]);
    }
}
