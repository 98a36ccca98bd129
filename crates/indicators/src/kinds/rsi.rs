//! Relative strength index.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Smooth, SmoothStep, wilder_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Rsi {
    /// NaN before the first bar.
    last: f64,
    gains: Smooth,
    losses: Smooth,
}

/// State update for one price; the averages only from the second price on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RsiStep {
    last: f64,
    averages: Option<(SmoothStep, SmoothStep)>,
    /// NaN while there is none.
    pub(crate) value: f64,
}

impl Kind for Rsi {
    type Step = RsiStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "rsi",
        title: "Relative strength index",
        group: Group::Momentum,
        summary: "The gains' share of all movements, in percent.",
        formula: "100 × g / (g + l), with g and l Wilder's averages (weight 1 / n) of gains and losses from price to price",
        origin: "J. Welles Wilder, New Concepts in Technical Trading Systems, 1978; as TA-Lib RSI",
        parameters: &[Parameter::bars("length", "Length", 14.0, 2.0)],
        takes_source: true,
        outputs: &[Output::line("rsi", "RSI")],
        pane: Pane::Own { levels: &[30.0, 50.0, 70.0], range: Some((0.0, 100.0)) },
        input: Input::Price,
        seed: "the plain means of the first n gains and losses",
        zero_cases: "neither gains nor losses: 0, as TA-Lib (other charts show 50 or 100)",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0) + wilder_memory(count(parameters, 0), 1),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { last: f64::NAN, gains: Smooth::wilder(n), losses: Smooth::wilder(n) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        if self.last.is_nan() {
            return RsiStep { last: price, averages: None, value: f64::NAN };
        }
        let change = price - self.last;
        let (gain, loss) = if change > 0.0 { (change, 0.0) } else { (0.0, -change) };
        let (gains, losses) = (self.gains.step(gain), self.losses.step(loss));
        let all = gains.value + losses.value;
        let value = if all == 0.0 { 0.0 } else { 100.0 * (gains.value / all) };
        RsiStep { last: price, averages: Some((gains, losses)), value }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.value)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.last = step.last;
        if let Some((gains, losses)) = &step.averages {
            self.gains.commit(gains);
            self.losses.commit(losses);
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.last);
        self.gains.words(words);
        self.losses.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn the_share_of_gains() {
        check_closes("rsi(2)", &[1.0, 2.0, 1.0, 2.0], &["-", "-", "50", "75"]);
        check_closes("rsi(2)", &[1.0, 2.0, 3.0, 4.0], &["-", "-", "100", "100"]);
        check_closes("rsi(2)", &[5.0, 5.0, 5.0], &["-", "-", "0"]);
    }
}
