//! Stochastic oscillator of the relative strength index.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    kinds::rsi::{Rsi, RsiStep},
    oscillator::{SlowStep, Slowed, position},
    smooth::wilder_memory,
    values::Values,
    window::{Highest, Lowest, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct StochRsi {
    rsi: Rsi,
    highs: Window<Highest>,
    lows: Window<Lowest>,
    slowed: Slowed,
}

/// State update for one price; the window only once there is an index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StochRsiStep {
    rsi: RsiStep,
    range: Option<(WindowStep, WindowStep)>,
    slowed: SlowStep,
}

impl Kind for StochRsi {
    type Step = StochRsiStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "stochrsi",
        title: "Stochastic RSI",
        group: Group::Momentum,
        summary: "Where the relative strength index lies in its own range of the last bars, in percent.",
        formula: "r = rsi(p, n); k = sma(100 × (r - min(r, m)) / (max(r, m) - min(r, m)), smooth); d = sma(k, signal)",
        origin: "Tushar Chande and Stanley Kroll, The New Technical Trader, 1994; as TA-Lib STOCHRSI where smooth is 1",
        parameters: &[
            Parameter::bars("rsi", "Length of the RSI", 14.0, 2.0),
            Parameter::bars("length", "Length of the range", 14.0, 1.0),
            Parameter::bars("smooth", "Smoothing of %K", 3.0, 1.0),
            Parameter::bars("signal", "Length of %D", 3.0, 1.0),
        ],
        takes_source: true,
        outputs: &[Output::line("k", "%K"), Output::line("d", "%D")],
        pane: Pane::Own { levels: &[20.0, 80.0], range: Some((0.0, 100.0)) },
        input: Input::Price,
        seed: "that of rsi; k has values before d",
        zero_cases: "no range: 0, as TA-Lib",
        lookback: |parameters| (0..4).map(|idx| count(parameters, idx)).sum::<usize>() - 3,
        convergence: |parameters| {
            let n_bars = (0..4).map(|idx| count(parameters, idx)).sum::<usize>();
            // The range may be a small part of the index's scale.
            n_bars - 3 + 2 * wilder_memory(count(parameters, 0), 1)
        },
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(1);
        let slowed = Slowed::new(settings.count(2), settings.count(3));
        Self { rsi: Rsi::new(settings), highs: Window::new(n), lows: Window::new(n), slowed }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, price: f64) -> Self::Step {
        let rsi = self.rsi.step(bar, price);
        let range = (!rsi.value.is_nan()).then(|| (self.highs.step(rsi.value), self.lows.step(rsi.value)));
        let now = range.map_or(f64::NAN, |(highs, lows)| position(rsi.value, lows.total, highs.total));
        StochRsiStep { rsi, range, slowed: self.slowed.step(now) }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        step.slowed.values()
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.rsi.commit(&step.rsi);
        if let Some((highs, lows)) = &step.range {
            self.highs.commit(highs);
            self.lows.commit(lows);
        }
        self.slowed.commit(&step.slowed);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.rsi.words(words);
        self.highs.words(words);
        self.lows.words(words);
        self.slowed.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_position_in_the_range_of_the_index() {
        // The index is 50, 75, 37.5.
        let closes = [1.0, 2.0, 1.0, 2.0, 1.0];
        check_closes("stochrsi(2,2,1,2)", &closes, &["-", "-", "-", "100 -", "0 50"]);
        check_closes("stochrsi(2,1,1,1)", &closes, &["-", "-", "0 0", "0 0", "0 0"]);
    }
}
