//! Vortex indicator.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    true_range::true_range,
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

/// High, low and close of the bar before lie apart: read as a pair, they would have to wait until both are written.
#[derive(Clone, Debug)]
pub(crate) struct Vortex {
    /// NaN before the first bar, as the two others.
    high: f64,
    up: Window<Sum>,
    low: f64,
    down: Window<Sum>,
    close: f64,
    range: Window<Sum>,
}

/// State update for one bar; the sums only from the second bar on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VortexStep {
    bar: (f64, f64, f64),
    sums: Option<[WindowStep; 3]>,
}

impl Kind for Vortex {
    type Step = VortexStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "vortex",
        title: "Vortex indicator",
        group: Group::Trend,
        summary: "Movements up and down from the bar before, as shares of the true range.",
        formula: "plus, minus = sum(|high - low[-1]|, n) / sum(range, n), sum(|low - high[-1]|, n) / sum(range, n)",
        origin: "Etienne Botes and Douglas Siepman, Technical Analysis of Stocks & Commodities, January 2010; as TA-Lib VORTEX",
        parameters: &[Parameter::bars("length", "Length", 14.0, 1.0)],
        takes_source: false,
        outputs: &[Output::line("plus", "+VI"), Output::line("minus", "-VI")],
        pane: Pane::Own { levels: &[1.0], range: None },
        input: Input::HighLowClose,
        seed: "none: the first value is that of a full window",
        zero_cases: "no range: 0, as TA-Lib",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        let (up, down, range) = (Window::new(n), Window::new(n), Window::new(n));
        Self { high: f64::NAN, low: f64::NAN, close: f64::NAN, up, down, range }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let bar_now = (bar.high, bar.low, bar.close);
        if self.close.is_nan() {
            return VortexStep { bar: bar_now, sums: None };
        }
        let (up, down) = ((bar.high - self.low).abs(), (bar.low - self.high).abs());
        let sums = [self.up.step(up), self.down.step(down), self.range.step(true_range(bar, self.close))];
        VortexStep { bar: bar_now, sums: Some(sums) }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        let Some([up, down, range]) = &step.sums else { return Values::NONE };
        if range.total == 0.0 {
            return Values::of([0.0, 0.0]);
        }
        Values::of([up.total / range.total, down.total / range.total])
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        (self.high, self.low, self.close) = step.bar;
        if let Some([up, down, range]) = &step.sums {
            self.up.commit(up);
            self.down.commit(down);
            self.range.commit(range);
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        for value in [&mut self.high, &mut self.low, &mut self.close] {
            words.float(value);
        }
        self.up.words(words);
        self.down.words(words);
        self.range.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn movements_as_shares_of_the_range() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 4.0), (5.0, 4.0, 5.0)];
        check_ranges("vortex(1)", &bars, &["-", "1.5 0.5", "3 0"]);
        check_ranges("vortex(1)", &[(1.0, 1.0, 1.0); 2], &["-", "0 0"]);
    }
}
