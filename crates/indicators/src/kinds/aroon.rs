//! Aroon.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::Ring,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Aroon {
    n: usize,
    n_seen: usize,
    highs: Latest,
    /// Of the lows with their signs changed.
    lows: Latest,
}

/// State update for one bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AroonStep {
    n_seen: usize,
    highs: LatestStep,
    lows: LatestStep,
    values: [f64; 2],
}

impl Kind for Aroon {
    type Step = AroonStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "aroon",
        title: "Aroon",
        group: Group::Trend,
        summary: "How recently the last n bars made their highest and their lowest price, in percent.",
        formula: "up, down = 100 × (n - bars since the highest high, the lowest low of n + 1 bars) / n",
        origin: "Tushar Chande, Technical Analysis of Stocks & Commodities, September 1995; as TA-Lib AROON",
        parameters: &[Parameter::bars("length", "Length", 14.0, 2.0)],
        takes_source: false,
        outputs: &[Output::line("up", "Up"), Output::line("down", "Down")],
        pane: Pane::Own { levels: &[50.0], range: Some((0.0, 100.0)) },
        input: Input::HighLowClose,
        seed: "none: the first value is that of a full window",
        zero_cases: "several bars with the same extreme: the latest counts",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        Self { n, n_seen: 0, highs: Latest::new(n), lows: Latest::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let (highs, lows) = (self.highs.step(bar.high), self.lows.step(-bar.low));
        let n_seen = if self.n_seen > self.n { self.n_seen } else { self.n_seen + 1 };
        let percent = |age: usize| 100.0 * ((self.n - age) as f64 / self.n as f64);
        let values = if n_seen > self.n { [percent(highs.age), percent(lows.age)] } else { [f64::NAN; 2] };
        AroonStep { n_seen, highs, lows, values }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of(step.values)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.n_seen = step.n_seen;
        self.highs.commit(&step.highs);
        self.lows.commit(&step.lows);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.count(&mut self.n_seen, self.n + 1);
        self.highs.words(words);
        self.lows.words(words);
    }
}

/// The latest of the highest of the last n + 1 values.
#[derive(Clone, Debug)]
struct Latest {
    /// The last n values.
    values: Ring,
    highest: f64,
    /// Bars since the highest.
    age: usize,
}

/// State update for one value.
#[derive(Clone, Copy, Debug)]
struct LatestStep {
    value: f64,
    highest: f64,
    age: usize,
}

impl Latest {
    fn new(n: usize) -> Self {
        Self { values: Ring::new(n), highest: f64::NEG_INFINITY, age: 0 }
    }

    #[inline(always)]
    fn step(&self, value: f64) -> LatestStep {
        if value >= self.highest {
            LatestStep { value, highest: value, age: 0 }
        } else if self.age < self.values.cells().len() {
            LatestStep { value, highest: self.highest, age: self.age + 1 }
        } else {
            self.search(value)
        }
    }

    /// The highest has left: looks through the values that remain.
    #[cold]
    fn search(&self, value: f64) -> LatestStep {
        let mut found = LatestStep { value, highest: value, age: 0 };
        for (older, age) in self.values.newest_first().zip(1..) {
            if older > found.highest {
                found = LatestStep { value, highest: older, age };
            }
        }
        found
    }

    #[inline(always)]
    fn commit(&mut self, step: &LatestStep) {
        self.values.push(step.value);
        self.highest = step.highest;
        self.age = step.age;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.values.words(words);
        words.float(&mut self.highest);
        words.count(&mut self.age, self.values.cells().len());
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn the_age_of_the_extremes() {
        let bars = [(5.0, 1.0, 2.0), (4.0, 2.0, 2.0), (3.0, 1.0, 2.0), (3.0, 2.0, 2.0), (2.0, 2.0, 2.0)];
        check_ranges("aroon(2)", &bars, &["-", "-", "0 100", "0 50", "50 0"]);
    }
}
