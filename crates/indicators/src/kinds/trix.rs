//! Rate of change of a triple exponential average.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::{Cascade, CascadeStep, Smooth, SmoothStep, average, ema_memory},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Trix {
    averages: Cascade<3>,
    /// The last of them; NaN before the first value.
    last: f64,
    signal: Smooth,
}

/// State update for one price; the signal only once there is a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrixStep {
    averages: CascadeStep<3>,
    value: f64,
    signal: Option<SmoothStep>,
}

impl Kind for Trix {
    type Step = TrixStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "trix",
        title: "TRIX",
        group: Group::Momentum,
        summary: "The change of a three times averaged price from bar to bar, in percent, and its average.",
        formula: "trix = 100 × (e3 / e3[-1] - 1), with e3 = ema(ema(ema(p, n), n), n); signal = ema(trix, signal)",
        origin: "Jack Hutson, Technical Analysis of Stocks & Commodities, 1983; as TA-Lib TRIX",
        parameters: &[
            Parameter::bars("length", "Length", 18.0, 1.0),
            Parameter::bars("signal", "Signal length", 9.0, 1.0),
        ],
        takes_source: true,
        outputs: &[Output::line("trix", "TRIX"), Output::line("signal", "Signal")],
        pane: Pane::AROUND_ZERO,
        input: Input::Price,
        seed: "each average: the plain mean of its first n values; trix has values before the signal",
        zero_cases: "an average of 0 before: 0",
        lookback: |parameters| 3 * (count(parameters, 0) - 1) + count(parameters, 1),
        convergence: |parameters| {
            let (n, signal) = (count(parameters, 0), count(parameters, 1));
            // A change is a small part of the averages.
            3 * (n - 1) + signal + 2 * ema_memory(n, 3) + ema_memory(signal, 1)
        },
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let averages = Cascade::ema([settings.count(0); 3]);
        Self { averages, last: f64::NAN, signal: Smooth::ema(settings.count(1)) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        let averages = self.averages.step(price);
        let value = if self.last == 0.0 { 0.0 } else { 100.0 * (averages.last() / self.last - 1.0) };
        // Two averages of opposite sizes can make a ratio that is not finite; it must not enter the signal.
        let signal = if value.is_finite() { Some(self.signal.step(value)) } else { None };
        TrixStep { averages, value, signal }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of([step.value, average(&step.signal)])
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.averages.commit(&step.averages);
        self.last = step.averages.last();
        self.signal.commit_known(&step.signal);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.averages.words(words);
        words.float(&mut self.last);
        self.signal.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn a_change_in_percent() {
        check_closes(
            "trix(1,2)",
            &[2.0, 3.0, 3.0, 0.0, 1.0],
            &["-", "50 -", "0 25", "-100 -58.333333", "0 -19.444444"],
        );
    }
}
