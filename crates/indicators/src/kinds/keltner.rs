//! Keltner channel.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Smooth, SmoothStep, ema_memory, wilder_memory},
    true_range::{AverageRange, AverageRangeStep},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Keltner {
    ranges: f64,
    middle: Smooth,
    range: AverageRange,
}

/// State update for one bar, with the distance of the band.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeltnerStep {
    middle: SmoothStep,
    range: AverageRangeStep,
    distance: f64,
}

impl Kind for Keltner {
    type Step = KeltnerStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "keltner",
        title: "Keltner channel",
        group: Group::Volatility,
        summary: "An exponential average with a band of average true ranges around it.",
        formula: "middle = ema(close, n); upper, lower = middle ± k × atr(m)",
        origin: "Chester Keltner, How to Make Money in Commodities, 1960, in Linda Raschke's form (TA-Lib's KC averages the typical price \
                 and starts its range later)",
        parameters: &[
            Parameter::bars("length", "Length", 20.0, 1.0),
            Parameter::bars("atr", "Length of the true range", 10.0, 1.0),
            Parameter::factor("ranges", "Average true ranges", 2.0),
        ],
        takes_source: false,
        outputs: &[Output::band("upper", "Upper"), Output::line("middle", "Middle"), Output::band("lower", "Lower")],
        pane: Pane::Overlay,
        input: Input::HighLowClose,
        seed: "those of ema and atr; no value before both have one",
        zero_cases: "none",
        lookback: |parameters| usize::max(count(parameters, 0) - 1, count(parameters, 1)),
        convergence: |parameters| {
            let (n, m) = (count(parameters, 0), count(parameters, 1));
            usize::max(n + ema_memory(n, 1), m + wilder_memory(m, 1))
        },
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self {
            ranges: settings.number(2),
            middle: Smooth::ema(settings.count(0)),
            range: AverageRange::new(settings.count(1)),
        }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let (middle, range) = (self.middle.step(bar.close), self.range.step(bar));
        KeltnerStep { middle, range, distance: self.ranges * range.value() }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        let middle = step.middle.value;
        if step.distance.is_nan() {
            return Values::NONE;
        }
        Values::of([middle + step.distance, middle, middle - step.distance])
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.middle.commit(&step.middle);
        self.range.commit(&step.range);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.middle.words(words);
        self.range.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn an_average_and_its_band() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (8.0, 7.0, 8.0)];
        check_ranges("keltner(1,2,2)", &bars, &["-", "-", "15 8 1"]);
        check_ranges("keltner(3,1,1)", &bars, &["-", "-", "9.333333 4.333333 -0.666667"]);
    }
}
