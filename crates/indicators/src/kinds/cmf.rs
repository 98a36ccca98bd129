//! Chaikin money flow.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Cmf {
    flow: Window<Sum>,
    volume: Window<Sum>,
}

impl Kind for Cmf {
    type Step = (WindowStep, WindowStep);

    const DEFINITION: &'static Definition = &Definition {
        name: "cmf",
        title: "Chaikin money flow",
        group: Group::Volume,
        summary: "Volume weighted by where each close lies in its bar: 1 is always at the top, -1 always at the bottom.",
        formula: "sum(volume × ((close - low) - (high - close)) / (high - low), n) / sum(volume, n)",
        origin: "Marc Chaikin, in the 1980s; as TA-Lib CMF",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: false,
        outputs: &[Output::line("cmf", "CMF")],
        pane: Pane::Own { levels: &[0.0], range: Some((-1.0, 1.0)) },
        input: Input::Volume,
        seed: "none: the first value is that of a full window",
        zero_cases: "a bar without range counts as 0; no volume in the window: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { flow: Window::new(n), volume: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let range = bar.high - bar.low;
        let place = if range == 0.0 { 0.0 } else { ((bar.close - bar.low) - (bar.high - bar.close)) / range };
        (self.flow.step(place * bar.volume), self.volume.step(bar.volume))
    }

    #[inline(always)]
    fn values((flow, volume): &Self::Step) -> Values {
        Values::one(if volume.total == 0.0 { 0.0 } else { flow.total / volume.total })
    }

    #[inline(always)]
    fn commit(&mut self, (flow, volume): &Self::Step) {
        self.flow.commit(flow);
        self.volume.commit(volume);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.flow.words(words);
        self.volume.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bar, check_bars};

    #[test]
    fn volume_by_the_place_of_the_close() {
        let bars = [bar(0, 3.0, 1.0, 3.0, 1.0), bar(1, 3.0, 1.0, 1.5, 3.0), bar(2, 2.0, 2.0, 2.0, 0.0)];
        check_bars("cmf(2)", &bars, &["-", "-0.125", "-0.5"]);
        check_bars("cmf(1)", &bars, &["1", "-0.5", "0"]);
    }
}
