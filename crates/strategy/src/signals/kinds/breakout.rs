//! A close above the highest high (up), or below the lowest low (down), of the bars before. Equal is not beyond. While
//! closes stay beyond it fires once.
//!
//! Strength: the distance beyond, 1 at half the range of the bars before or more.

use model::alert::signal::{self as rule, Approach, LookFor, Meaning};

use crate::signals::{
    columns::{Column, Source},
    compile::{Compiler, MAX_BARS},
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, share},
    rows::View,
    words,
};

/// A breakout.
#[derive(Clone, Debug)]
pub(crate) struct Breakout {
    highest: Column,
    lowest: Column,
    approach: Approach,
}

impl Leaf for Breakout {
    type Settings = rule::Breakout;

    fn compile(settings: &rule::Breakout, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let n_bars = compiler.count("n_bars", settings.n_bars, 1..=MAX_BARS)?;
        let (highest, lowest) = (compiler.column(Source::Highest(n_bars)), compiler.column(Source::Lowest(n_bars)));
        Ok(Self { highest, lowest, approach: settings.approach })
    }

    fn meaning(settings: &rule::Breakout) -> Meaning {
        settings.meaning
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let (highest, lowest, close) = (view.number(self.highest)?, view.number(self.lowest)?, view.bar().close);
        Some(Reading::of(self.approach, Reach::when(close > highest), Reach::when(close < lowest)))
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        let (Some(highest), Some(lowest)) = (view.number(self.highest), view.number(self.lowest)) else { return 0.0 };
        let beyond = f64::max(view.bar().close - highest, lowest - view.bar().close);
        // Out of a range of one price every distance is large.
        if highest > lowest { share(beyond, (highest - lowest) / 2.0) } else { 1.0 }
    }

    fn sentence(settings: &rule::Breakout) -> String {
        let verb = words::by_approach(
            settings.approach,
            "closes above the high",
            "closes below the low",
            "closes outside the range",
        );
        let clause = format!("the price {verb} of the last {}", words::bars(settings.n_bars));
        words::with_meaning(clause, settings.meaning)
    }

    fn template() -> Template {
        Template {
            title: "Breakout",
            summary: "A close beyond the range of the bars before.",
            look_for: LookFor::Breakout(rule::Breakout {
                n_bars: 20,
                approach: Approach::Either,
                meaning: Meaning::Follow,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::signals::tests::{bar, check, check_refused, closes};

    #[test]
    fn a_close_beyond_the_range_fires_once() {
        let rule = r#"{"breakout":{"n_bars":3}}"#;
        let bars = closes(&[10.0, 12.0, 11.0, 12.0, 12.5, 13.0, 13.0, 10.0, 9.0]);
        check(rule, &bars, &["4 buy 1.00", "7 sell 1.00"]);
        let up = r#"{"breakout":{"n_bars":3,"approach":"up"}}"#;
        check(up, &bars, &["4 buy 1.00"]);
    }

    #[test]
    fn highs_and_lows_are_the_range_not_closes() {
        let rule = r#"{"breakout":{"n_bars":2}}"#;
        let wide = |idx, close| bar(idx, 10.0, 14.0, 6.0, close, 1.0);
        check(rule, &[wide(0, 10.0), wide(1, 10.0), wide(2, 10.0), wide(3, 13.0)], &[]);
        let beyond = bar(3, 10.0, 16.0, 10.0, 16.0, 1.0);
        check(rule, &[wide(0, 10.0), wide(1, 10.0), wide(2, 10.0), beyond], &["3 buy 0.50"]);
    }

    #[test]
    fn a_window_without_bars_is_refused() {
        let expected = "look_for.n_bars is 0: write a whole number from 1 to 500";
        check_refused(r#"{"breakout":{"n_bars":0}}"#, expected);
    }
}
