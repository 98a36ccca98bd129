//! Supertrend.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    true_range::{AverageRange, AverageRangeStep},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Supertrend {
    multiplier: f64,
    range: AverageRange,
    bands: Bands,
}

/// The bands after a bar; NaN before the first.
#[derive(Clone, Copy, Debug)]
struct Bands {
    upper: f64,
    lower: f64,
    close: f64,
    is_rising: bool,
}

/// State update for one bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SupertrendStep {
    range: AverageRangeStep,
    bands: Bands,
}

impl Kind for Supertrend {
    type Step = SupertrendStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "supertrend",
        title: "Supertrend",
        group: Group::Trend,
        summary: "A stop some average true ranges from the price, which changes sides when a close crosses it.",
        formula: "bands = (high + low) / 2 ± k × atr(n), the upper only falls and the lower only rises while no close is \
                  beyond; the value is the lower while rising, the upper while falling",
        origin: "Olivier Seban, in the 2000s; as TA-Lib SUPERTREND",
        parameters: &[
            Parameter::bars("length", "Length", 10.0, 1.0),
            Parameter::factor("multiplier", "Average true ranges", 3.0),
        ],
        takes_source: false,
        outputs: &[Output::line("supertrend", "Supertrend"), Output::trend()],
        pane: Pane::Overlay,
        input: Input::HighLowClose,
        seed: "that of atr; rising at first",
        zero_cases: "none",
        lookback: |parameters| count(parameters, 0),
        convergence: |_| usize::MAX,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let bands = Bands { upper: f64::NAN, lower: f64::NAN, close: f64::NAN, is_rising: true };
        Self { multiplier: settings.number(1), range: AverageRange::new(settings.count(0)), bands }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let range = self.range.step(bar);
        let (middle, distance) = ((bar.high + bar.low) / 2.0, self.multiplier * range.value());
        let (mut upper, mut lower) = (middle + distance, middle - distance);
        let before = &self.bands;
        // Comparisons with NaN are false: the first bands are taken as they are.
        if before.upper <= upper && before.close <= before.upper {
            upper = before.upper;
        }
        if before.lower >= lower && before.close >= before.lower {
            lower = before.lower;
        }
        let is_crossed = if before.is_rising { bar.close < lower } else { bar.close > upper };
        let is_rising = before.is_rising != is_crossed;
        SupertrendStep { range, bands: Bands { upper, lower, close: bar.close, is_rising } }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        let bands = &step.bands;
        if bands.upper.is_nan() {
            return Values::NONE;
        }
        Values::of(if bands.is_rising { [bands.lower, 1.0] } else { [bands.upper, -1.0] })
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.range.commit(&step.range);
        self.bands = step.bands;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.range.words(words);
        words.float(&mut self.bands.upper);
        words.float(&mut self.bands.lower);
        words.float(&mut self.bands.close);
        words.truth(&mut self.bands.is_rising);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_stop_changes_sides() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (8.0, 7.0, 8.0), (5.0, 3.0, 3.0), (4.0, 3.0, 4.0)];
        // Ranges 2, 5, 5, 1: bands 1..5, 2.5..12.5, then 2.5 holds below and 9 above.
        check_ranges("supertrend(1,1)", &bars, &["-", "1 1", "2.5 1", "2.5 1", "2.5 1"]);
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (1.0, 0.0, 0.5), (1.0, 0.0, 0.5)];
        check_ranges("supertrend(1,1)", &bars, &["-", "1 1", "3.5 -1", "1.5 -1"]);
    }
}
