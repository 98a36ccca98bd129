//! Donchian channel.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Highest, Lowest, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Donchian {
    highs: Window<Highest>,
    lows: Window<Lowest>,
}

impl Kind for Donchian {
    type Step = (WindowStep, WindowStep);

    const DEFINITION: &'static Definition = &Definition {
        name: "donchian",
        title: "Donchian channel",
        group: Group::Volatility,
        summary: "The highest and lowest price of the last bars, the newest included.",
        formula: "upper = max(high, n); lower = min(low, n); middle = (upper + lower) / 2",
        origin: "Richard Donchian, in the 1950s; as TA-Lib DONCHIAN (some charts leave the newest bar out)",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: false,
        outputs: &[Output::band("upper", "Upper"), Output::line("middle", "Middle"), Output::band("lower", "Lower")],
        pane: Pane::Overlay,
        input: Input::HighLowClose,
        seed: "none: the first value is that of a full window",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { highs: Window::new(n), lows: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        (self.highs.step(bar.high), self.lows.step(bar.low))
    }

    #[inline(always)]
    fn values((highs, lows): &Self::Step) -> Values {
        Values::of([highs.total, (highs.total + lows.total) / 2.0, lows.total])
    }

    #[inline(always)]
    fn commit(&mut self, (highs, lows): &Self::Step) {
        self.highs.commit(highs);
        self.lows.commit(lows);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.highs.words(words);
        self.lows.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn the_range_of_the_last_bars() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (3.5, 2.5, 3.0)];
        check_ranges("donchian(2)", &bars, &["-", "4 2.5 1", "4 3 2"]);
    }
}
