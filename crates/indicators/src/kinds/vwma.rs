//! Volume-weighted moving average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Vwma {
    traded: Window<Sum>,
    volume: Window<Sum>,
}

impl Kind for Vwma {
    type Step = (WindowStep, WindowStep);

    const DEFINITION: &'static Definition = &Definition {
        name: "vwma",
        title: "Volume-weighted moving average",
        group: Group::Averages,
        summary: "A mean that weighs each price by the bar's volume.",
        formula: "sum(p × volume, n) / sum(volume, n)",
        origin: "Textbook; as TA-Lib VWMA",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("vwma", "VWMA")],
        pane: Pane::Overlay,
        input: Input::Volume,
        seed: "none: the first value is that of a full window",
        zero_cases: "no volume in the window: no value",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { traded: Window::new(n), volume: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, price: f64) -> Self::Step {
        (self.traded.step(price * bar.volume), self.volume.step(bar.volume))
    }

    #[inline(always)]
    fn values((traded, volume): &Self::Step) -> Values {
        Values::one(traded.total / volume.total)
    }

    #[inline(always)]
    fn commit(&mut self, (traded, volume): &Self::Step) {
        self.traded.commit(traded);
        self.volume.commit(volume);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.traded.words(words);
        self.volume.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bar, check_bars};

    #[test]
    fn more_volume_weighs_more() {
        let bars = [bar(0, 1.0, 1.0, 1.0, 1.0), bar(1, 4.0, 4.0, 4.0, 2.0), bar(2, 9.0, 9.0, 9.0, 0.0)];
        check_bars("vwma(2)", &bars, &["-", "3", "4"]);
        check_bars("vwma(1)", &bars, &["1", "4", "-"]);
    }
}
