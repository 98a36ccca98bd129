//! Money flow index.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    source::typical,
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Mfi {
    /// NaN before the first bar.
    last: f64,
    up: Window<Sum>,
    down: Window<Sum>,
}

/// State update for one bar; the sums only from the second bar on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MfiStep {
    last: f64,
    flows: Option<(WindowStep, WindowStep)>,
    value: f64,
}

impl Kind for Mfi {
    type Step = MfiStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "mfi",
        title: "Money flow index",
        group: Group::Volume,
        summary: "The share of the money traded in rising bars, in percent.",
        formula: "100 × u / (u + d); u, d = sums over n bars of t × volume where t = (high + low + close) / 3 rose, fell",
        origin: "Gene Quong and Avrum Soudack, Technical Analysis of Stocks & Commodities, March 1989; as TA-Lib MFI",
        parameters: &[Parameter::bars("length", "Length", 14.0, 2.0)],
        takes_source: false,
        outputs: &[Output::line("mfi", "MFI")],
        pane: Pane::Own { levels: &[20.0, 50.0, 80.0], range: Some((0.0, 100.0)) },
        input: Input::Volume,
        seed: "none: the first value is that of a full window; the first bar rose and fell from nothing and does not count",
        zero_cases: "no money in the window: 0 (TA-Lib also where it is less than 1)",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { last: f64::NAN, up: Window::new(n), down: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let price = typical(bar);
        if self.last.is_nan() {
            return MfiStep { last: price, flows: None, value: f64::NAN };
        }
        let money = price * bar.volume;
        let up = self.up.step(if price > self.last { money } else { 0.0 });
        let down = self.down.step(if price < self.last { money } else { 0.0 });
        let all = up.total + down.total;
        let value = if all == 0.0 { 0.0 } else { 100.0 * (up.total / all) };
        MfiStep { last: price, flows: Some((up, down)), value }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.value)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.last = step.last;
        if let Some((up, down)) = &step.flows {
            self.up.commit(up);
            self.down.commit(down);
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.last);
        self.up.words(words);
        self.down.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bar, check_bars, check_closes};

    #[test]
    fn the_share_of_money_in_rising_bars() {
        let bars = [(1.0, 9.0), (2.0, 3.0), (1.0, 2.0), (1.0, 5.0)];
        let bars: Vec<_> =
            bars.iter().zip(0..).map(|((price, volume), idx)| bar(idx, *price, *price, *price, *volume)).collect();
        check_bars("mfi(2)", &bars, &["-", "-", "75", "0"]);
        check_closes("mfi(2)", &[3.0, 3.0, 3.0], &["-", "-", "0"]);
    }
}
