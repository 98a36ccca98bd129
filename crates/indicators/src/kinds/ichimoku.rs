//! Ichimoku cloud.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Highest, Lowest, Ring, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Ichimoku {
    conversion: Middle,
    base: Middle,
    span: Middle,
    /// The spans of the bars before, which lie under later bars.
    ahead_a: Ring,
    ahead_b: Ring,
}

/// State update for one bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IchimokuStep {
    windows: [(WindowStep, WindowStep); 3],
    ahead_a: f64,
    ahead_b: f64,
    values: [f64; 4],
}

impl Kind for Ichimoku {
    type Step = IchimokuStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "ichimoku",
        title: "Ichimoku cloud",
        group: Group::Trend,
        summary: "Middles of the range over three spans of time; two of them, drawn ahead, are the edges of a cloud.",
        formula: "conversion, base = (max(high) + min(low)) / 2 over their lengths; span_a = (conversion + base) / 2 and span_b \
                  = the middle over the span, both of displacement bars ago. The lagging span is the close, drawn as many \
                  bars back; it is not an output, as it would look ahead",
        origin: "Goichi Hosoda, Ichimoku Kinko Hyo, 1969",
        parameters: &[
            Parameter::bars("conversion", "Conversion length", 9.0, 1.0),
            Parameter::bars("base", "Base length", 26.0, 1.0),
            Parameter::bars("span", "Span length", 52.0, 1.0),
            Parameter::bars("displacement", "Displacement", 26.0, 1.0),
        ],
        takes_source: false,
        outputs: &[
            Output::line("conversion", "Conversion"),
            Output::line("base", "Base"),
            Output::band("span_a", "Span A"),
            Output::band("span_b", "Span B"),
        ],
        pane: Pane::Overlay,
        input: Input::HighLowClose,
        seed: "none: the first values are those of full windows; each line starts when it can",
        zero_cases: "none",
        lookback,
        convergence: lookback,
        conflict: |parameters| {
            let is_wrong = !(parameters[0] <= parameters[1] && parameters[1] <= parameters[2]);
            is_wrong.then_some("conversion, base and span must not become shorter; write them by rising length")
        },
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self {
            conversion: Middle::new(settings.count(0)),
            base: Middle::new(settings.count(1)),
            span: Middle::new(settings.count(2)),
            ahead_a: Ring::new(settings.count(3)),
            ahead_b: Ring::new(settings.count(3)),
        }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let windows = [self.conversion.step(bar), self.base.step(bar), self.span.step(bar)];
        let [conversion, base, span] = windows.map(|(high, low)| (high.total + low.total) / 2.0);
        IchimokuStep {
            windows,
            ahead_a: (conversion + base) / 2.0,
            ahead_b: span,
            values: [conversion, base, self.ahead_a.oldest(), self.ahead_b.oldest()],
        }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of(step.values)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        for (middle, window) in [&mut self.conversion, &mut self.base, &mut self.span].into_iter().zip(&step.windows) {
            middle.highs.commit(&window.0);
            middle.lows.commit(&window.1);
        }
        self.ahead_a.push(step.ahead_a);
        self.ahead_b.push(step.ahead_b);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        for middle in [&mut self.conversion, &mut self.base, &mut self.span] {
            middle.highs.words(words);
            middle.lows.words(words);
        }
        self.ahead_a.words(words);
        self.ahead_b.words(words);
    }
}

/// The range of the last bars.
#[derive(Clone, Debug)]
struct Middle {
    highs: Window<Highest>,
    lows: Window<Lowest>,
}

impl Middle {
    fn new(n: usize) -> Self {
        Self { highs: Window::new(n), lows: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar) -> (WindowStep, WindowStep) {
        (self.highs.step(bar.high), self.lows.step(bar.low))
    }
}

fn lookback(parameters: &[f64]) -> usize {
    count(parameters, 2) - 1 + count(parameters, 3)
}

#[cfg(test)]
mod tests {
    use crate::testing::check_ranges;

    #[test]
    fn spans_lie_under_later_bars() {
        let bars = [(3.0, 1.0, 2.0), (4.0, 2.0, 3.0), (8.0, 7.0, 8.0), (9.0, 8.0, 9.0)];
        // Conversion 2, 3, 7.5, 8.5; base -, 2.5, 5, 8; span -, 2.5, 5, 8.
        check_ranges("ichimoku(1,2,2,1)", &bars, &["2 - - -", "3 2.5 - -", "7.5 5 2.75 2.5", "8.5 8 6.25 5"]);
    }
}
