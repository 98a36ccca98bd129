//! Average directional index, with the two directional indicators.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    smooth::wilder_memory,
    true_range::true_range,
    values::Values,
    words::Words,
};

/// High, low and close of the bar before lie apart, and the high at the end: compilers read neighbours as a pair, which has to
/// wait until both are written.
#[derive(Clone, Debug)]
pub(crate) struct Adx {
    n: usize,
    low: f64,
    keep: f64,
    close: f64,
    weight: f64,
    state: State,
    /// NaN before the first bar, as the two others.
    high: f64,
}

/// Wilder's sums, and the index.
#[derive(Clone, Copy, Debug)]
struct State {
    n_seen: usize,
    up: f64,
    down: f64,
    range: f64,
    /// The sum of the directional indices of the seed, then the average.
    adx: f64,
}

/// The state after a bar, and the values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdxStep {
    high: f64,
    low: f64,
    close: f64,
    state: State,
    values: [f64; 3],
}

impl Kind for Adx {
    type Step = AdxStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "adx",
        title: "Average directional index",
        group: Group::Trend,
        summary: "The strength of a trend, whatever its direction, and how much of the movement goes up and down.",
        formula: "+di, -di = 100 × s(+dm) / s(range), 100 × s(-dm) / s(range); adx = Wilder's average of \
                  100 × |+di - -di| / (+di + -di); s = s[-1] - s[-1] / n + newest",
        origin: "J. Welles Wilder, New Concepts in Technical Trading Systems, 1978; as TA-Lib ADX, PLUS_DI, MINUS_DI",
        parameters: &[Parameter::bars("length", "Length", 14.0, 2.0)],
        takes_source: false,
        outputs: &[Output::line("adx", "ADX"), Output::line("plus_di", "+DI"), Output::line("minus_di", "-DI")],
        pane: Pane::Own { levels: &[25.0], range: Some((0.0, 100.0)) },
        input: Input::HighLowClose,
        seed: "the sums start with n - 1 bars, as TA-Lib (Wilder takes n); the adx with the plain mean of n values; the \
               directional indicators have values n - 1 bars earlier",
        zero_cases: "no range: both indicators are 0; both 0: the adx remains as it was, and a seed counts a 0",
        lookback: |parameters| 2 * count(parameters, 0) - 1,
        convergence: |parameters| 2 * count(parameters, 0) - 1 + wilder_memory(count(parameters, 0), 2),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let n = settings.count(0);
        let state = State { n_seen: 0, up: 0.0, down: 0.0, range: 0.0, adx: 0.0 };
        let weight = 1.0 / n as f64;
        Self { n, keep: 1.0 - weight, weight, high: f64::NAN, low: f64::NAN, close: f64::NAN, state }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let (high, low, close) = (bar.high, bar.low, bar.close);
        if self.close.is_nan() {
            return AdxStep { high, low, close, state: self.state, values: [f64::NAN; 3] };
        }
        let (rise, fall) = (high - self.high, self.low - low);
        // `&` instead of `&&`: a branch here would be guessed wrong every other time.
        let up = if (rise > fall) & (rise > 0.0) { rise } else { 0.0 };
        let down = if (fall > rise) & (fall > 0.0) { fall } else { 0.0 };
        let range = true_range(bar, self.close);
        let before = &self.state;
        let n_seen = usize::min(before.n_seen + 1, 2 * self.n - 1);
        let keep = if n_seen < self.n { 1.0 } else { self.keep };
        let (up, down, range) = (before.up * keep + up, before.down * keep + down, before.range * keep + range);
        if n_seen < self.n {
            let state = State { n_seen, up, down, range, adx: 0.0 };
            return AdxStep { high, low, close, state, values: [f64::NAN; 3] };
        }
        let scale = if range == 0.0 { 0.0 } else { 100.0 / range };
        let (adx, value) = self.average(n_seen, up, down);
        let state = State { n_seen, up, down, range, adx };
        AdxStep { high, low, close, state, values: [value, up * scale, down * scale] }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of(step.values)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.high = step.high;
        self.low = step.low;
        self.close = step.close;
        self.state = step.state;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        let state = &mut self.state;
        for value in [&mut self.high, &mut self.low, &mut self.close] {
            words.float(value);
        }
        words.count(&mut state.n_seen, 2 * self.n);
        for value in [&mut state.up, &mut state.down, &mut state.range, &mut state.adx] {
            words.float(value);
        }
    }
}

impl Adx {
    /// Takes the directional index of a bar into the average. Returns its state and its value; NaN while there is none.
    #[inline(always)]
    fn average(&self, n_seen: usize, up: f64, down: f64) -> (f64, f64) {
        let (n_last, before) = (2 * self.n - 1, self.state.adx);
        let is_seeded = self.state.n_seen == n_last;
        let unknown = if is_seeded { before } else { 0.0 };
        let both = up + down;
        let index = if both == 0.0 { unknown } else { 100.0 * (up - down).abs() / both };
        if is_seeded {
            let average = before + self.weight * (index - before);
            return (average, average);
        }
        let sum = before + index;
        if n_seen < n_last {
            return (sum, f64::NAN);
        }
        let seed = sum * self.weight;
        (seed, seed)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn a_steady_rise_is_all_trend() {
        let bars = [(2.0, 1.0, 2.0), (3.0, 2.0, 3.0), (4.0, 3.0, 4.0), (5.0, 4.0, 5.0)];
        check_ranges("adx(2)", &bars, &["-", "-", "- 100 0", "100 100 0"]);
    }

    #[test]
    fn no_movement_is_no_trend() {
        check_ranges("adx(2)", &[(1.0, 1.0, 1.0); 5], &["-", "-", "- 0 0", "0 0 0", "0 0 0"]);
    }
}
