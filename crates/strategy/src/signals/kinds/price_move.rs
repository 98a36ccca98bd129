//! The close is far above the lowest low of the window (up), or far below its highest high (down). The window is a whole
//! number of bars, the current one included.
//!
//! Strength: 0.5 at the distance, 1 at twice that or more; of two directions the longer one.

use model::alert::signal::{self as rule, Approach, Distance, LookFor, Meaning};

use crate::signals::{
    columns::{Column, Source},
    compile::Compiler,
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, share},
    rows::View,
    words,
};

/// A move.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    /// Lowest and highest of the bars before; `None` where the window is the current bar.
    before: Option<(Column, Column)>,
    distance: f64,
    is_percent: bool,
    approach: Approach,
}

impl Move {
    /// Returns rise and fall.
    fn way(&self, view: &View<'_>) -> Option<(f64, f64)> {
        let bar = view.bar();
        let (lowest, highest) = match self.before {
            None => (bar.low, bar.high),
            Some((lowest, highest)) => {
                (f64::min(bar.low, view.number(lowest)?), f64::max(bar.high, view.number(highest)?))
            }
        };
        let (rise, fall) = (bar.close - lowest, highest - bar.close);
        let way = if self.is_percent { (rise / lowest * 100.0, fall / highest * 100.0) } else { (rise, fall) };
        Some(way).filter(|(rise, fall)| rise.is_finite() && fall.is_finite())
    }
}

impl Leaf for Move {
    type Settings = rule::Move;

    fn compile(settings: &rule::Move, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let (distance, is_percent) = match settings.distance {
            Distance::Percent(percent) => (compiler.positive("distance.percent", percent, MAX_PERCENT)?, true),
            Distance::Absolute(amount) => (compiler.positive("distance.absolute", amount, f64::MAX)?, false),
        };
        let n_before = compiler.bars_of("window_s", settings.window_s)? - 1;
        let before = (n_before > 0)
            .then(|| (compiler.column(Source::Lowest(n_before)), compiler.column(Source::Highest(n_before))));
        Ok(Self { before, distance, is_percent, approach: settings.approach })
    }

    fn meaning(settings: &rule::Move) -> Meaning {
        settings.meaning
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let (rise, fall) = self.way(view)?;
        Some(Reading::of(self.approach, Reach::above(rise, self.distance), Reach::above(fall, self.distance)))
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        let Some((rise, fall)) = self.way(view) else { return 0.0 };
        let way = match self.approach {
            Approach::Up => rise,
            Approach::Down => fall,
            Approach::Either => f64::max(rise, fall),
        };
        share(way, 2.0 * self.distance)
    }

    fn sentence(settings: &rule::Move) -> String {
        let verb = words::by_approach(settings.approach, "rises by", "falls by", "moves by");
        let distance = match settings.distance {
            Distance::Percent(percent) => format!("{} %", words::number(percent)),
            Distance::Absolute(amount) => words::number(amount),
        };
        let window = match settings.window_s {
            window_s if window_s.is_multiple_of(60) => format!("{} min", window_s / 60),
            window_s => format!("{window_s} s"),
        };
        words::with_meaning(format!("the price {verb} {distance} within {window}"), settings.meaning)
    }

    fn template() -> Template {
        Template {
            title: "Move",
            summary: "The price moves far within a window.",
            look_for: LookFor::Move(rule::Move {
                distance: Distance::Percent(1.0),
                window_s: 3_600,
                approach: Approach::Either,
                meaning: Meaning::Follow,
            }),
        }
    }
}

/// Ten times the price.
const MAX_PERCENT: f64 = 1_000.0;

#[cfg(test)]
mod tests {
    use crate::signals::tests::{bar, check, check_refused, closes};

    #[test]
    fn a_move_is_measured_from_the_extreme_of_the_window() {
        let rule = r#"{"move":{"distance":{"percent":10},"window_s":180}}"#;
        let bars = closes(&[100.0, 100.0, 100.0, 105.0, 110.0, 111.0, 112.0, 99.0, 99.0]);
        check(rule, &bars, &["4 buy 0.50", "7 sell 0.58"]);
        let up = r#"{"move":{"distance":{"absolute":10},"window_s":180,"approach":"up","meaning":"neutral"}}"#;
        check(up, &bars, &["4 neutral 0.50"]);
    }

    #[test]
    fn a_window_of_one_bar_reads_that_bar() {
        let rule = r#"{"move":{"distance":{"absolute":4},"window_s":60}}"#;
        let bars = [bar(0, 10.0, 10.0, 10.0, 10.0, 1.0), bar(1, 10.0, 14.0, 9.0, 13.0, 1.0)];
        check(rule, &bars, &["1 buy 0.50"]);
    }

    #[test]
    fn windows_are_whole_bars() {
        let rule = r#"{"move":{"distance":{"percent":10},"window_s":90}}"#;
        check_refused(rule, "look_for.window_s is 90: write a multiple of 60 (bars of 1m), at most 30000");
        let rule = r#"{"move":{"distance":{"percent":0},"window_s":60}}"#;
        check_refused(rule, "look_for.distance.percent is 0: write a number above 0, at most 1000");
    }
}
