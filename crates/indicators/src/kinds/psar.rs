//! Parabolic stop and reverse.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, Style},
    kind::{Kind, Settings},
    values::Values,
    window::{higher, lower},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Psar {
    acceleration: f64,
    maximum: f64,
    n_seen: usize,
    /// Those of the bar before.
    high: f64,
    low: f64,
    run: Run,
}

/// A run in one direction.
#[derive(Clone, Copy, Debug)]
struct Run {
    is_rising: bool,
    /// The stop of the next bar.
    stop: f64,
    extreme: f64,
    factor: f64,
}

/// The run after a bar, and the bar's stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PsarStep {
    n_seen: usize,
    high: f64,
    low: f64,
    run: Run,
    values: [f64; 2],
}

impl Kind for Psar {
    type Step = PsarStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "psar",
        title: "Parabolic SAR",
        group: Group::Trend,
        summary: "A stop that follows the price ever faster and changes sides when it is touched.",
        formula: "stop = stop[-1] + f × (extreme - stop[-1]), not beyond the last two bars; f grows by the acceleration with \
                  each new extreme, up to the maximum",
        origin: "J. Welles Wilder, New Concepts in Technical Trading Systems, 1978; as TA-Lib SAR",
        parameters: &[
            Parameter { name: "acceleration", title: "Acceleration", default: 0.02, min: 0.001, max: 1.0, step: 0.01 },
            Parameter { name: "maximum", title: "Largest factor", default: 0.2, min: 0.001, max: 1.0, step: 0.01 },
        ],
        takes_source: false,
        outputs: &[Output { name: "psar", title: "SAR", style: Style::Dots }, Output::trend()],
        pane: Pane::Overlay,
        input: Input::HighLowClose,
        seed: "the second bar: falling if it fell further than it rose; the stop is the first bar's extreme",
        zero_cases: "none",
        lookback: |_| 1,
        convergence: |_| usize::MAX,
        conflict: |parameters| {
            let is_wrong = parameters[0] > parameters[1];
            is_wrong.then_some("the acceleration must not be larger than the maximum; lower it or raise the maximum")
        },
    };

    fn new(settings: &Settings<'_>) -> Self {
        let run = Run { is_rising: true, stop: 0.0, extreme: 0.0, factor: 0.0 };
        let (acceleration, maximum) = (settings.number(0), settings.number(1));
        Self { acceleration, maximum, n_seen: 0, high: 0.0, low: 0.0, run }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let (high, low) = (bar.high, bar.low);
        let (run, last_high, last_low) = match self.n_seen {
            0 => return PsarStep { n_seen: 1, high, low, run: self.run, values: [f64::NAN; 2] },
            // The first stop is limited by the second bar alone.
            1 => (self.first_run(bar), high, low),
            _ => (self.run, self.high, self.low),
        };
        let (run, stop) = self.next(run, bar, last_high, last_low);
        PsarStep { n_seen: 2, high, low, run, values: [stop, if run.is_rising { 1.0 } else { -1.0 }] }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of(step.values)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.n_seen = step.n_seen;
        self.high = step.high;
        self.low = step.low;
        self.run = step.run;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.count(&mut self.n_seen, 2);
        words.float(&mut self.high);
        words.float(&mut self.low);
        words.truth(&mut self.run.is_rising);
        words.float(&mut self.run.stop);
        words.float(&mut self.run.extreme);
        words.float(&mut self.run.factor);
    }
}

impl Psar {
    fn first_run(&self, bar: &Bar) -> Run {
        let (rise, fall) = (bar.high - self.high, self.low - bar.low);
        let is_rising = !(fall > 0.0 && fall > rise);
        let (stop, extreme) = if is_rising { (self.low, bar.high) } else { (self.high, bar.low) };
        Run { is_rising, stop, extreme, factor: self.acceleration }
    }

    /// Returns the run after a bar, and the bar's stop.
    #[inline(always)]
    fn next(&self, run: Run, bar: &Bar, last_high: f64, last_low: f64) -> (Run, f64) {
        // Nearer the price than the last two bars is not allowed.
        let below = |stop: f64| lower(lower(stop, last_low), bar.low);
        let above = |stop: f64| higher(higher(stop, last_high), bar.high);
        let Run { is_rising, stop, mut extreme, mut factor } = run;
        let is_touched = if is_rising { bar.low <= stop } else { bar.high >= stop };
        if is_touched {
            let (stop, extreme) = if is_rising { (above(extreme), bar.low) } else { (below(extreme), bar.high) };
            let next = stop + self.acceleration * (extreme - stop);
            let next = if is_rising { above(next) } else { below(next) };
            return (Run { is_rising: !is_rising, stop: next, extreme, factor: self.acceleration }, stop);
        }
        let newest = if is_rising { bar.high } else { bar.low };
        if (is_rising && newest > extreme) || (!is_rising && newest < extreme) {
            extreme = newest;
            factor = lower(factor + self.acceleration, self.maximum);
        }
        let next = stop + factor * (extreme - stop);
        let next = if is_rising { below(next) } else { above(next) };
        (Run { is_rising, stop: next, extreme, factor }, stop)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_stop_follows_and_reverses() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (5.0, 3.0, 4.0), (4.0, 0.5, 1.0)];
        // 1 + 0.1 × (4 - 1) = 1.3 for the third bar; touched by the fourth, whose stop is the highest price.
        check_ranges("psar(0.1,0.2)", &bars, &["-", "1 1", "1.3 1", "5 -1"]);
    }
}
