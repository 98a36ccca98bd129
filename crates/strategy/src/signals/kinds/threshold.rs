//! A line reaches a level, and counts again after it has left it by the hysteresis.
//!
//! Strength: how fast the line moved in the bar, 0.5 at its mean pace over the 14 bars before.

use model::alert::signal::{self as rule, Approach, Line, LookFor, Meaning};

use crate::signals::{
    columns::Column,
    compile::Compiler,
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, pace},
    rows::View,
    words,
};

/// A threshold.
#[derive(Clone, Debug)]
pub(crate) struct Threshold {
    of: Column,
    level: f64,
    hysteresis: f64,
    approach: Approach,
}

impl Leaf for Threshold {
    type Settings = rule::Threshold;

    fn compile(settings: &rule::Threshold, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let of = compiler.moving_line("of", &settings.of)?;
        let level = compiler.finite("level", settings.level)?;
        let hysteresis = compiler.finite("hysteresis", settings.hysteresis)?;
        if hysteresis < 0.0 {
            return Err(compiler.error("hysteresis", hysteresis, "write 0 or a number above 0"));
        }
        Ok(Self { of, level, hysteresis, approach: settings.approach })
    }

    fn meaning(settings: &rule::Threshold) -> Meaning {
        settings.meaning
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let value = view.number(self.of)?;
        let up = Reach { rearm: self.level - self.hysteresis, ..Reach::above(value, self.level) };
        let down = Reach { rearm: self.level + self.hysteresis, ..Reach::below(value, self.level) };
        Some(Reading::of(self.approach, up, down))
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        pace(|n_back| view.number_back(self.of, n_back))
    }

    fn sentence(settings: &rule::Threshold) -> String {
        let verb = words::by_approach(settings.approach, "rises to", "falls to", "reaches");
        let clause = format!("{} {verb} {}", words::line(&settings.of), words::number(settings.level));
        words::with_meaning(clause, settings.meaning)
    }

    fn template() -> Template {
        Template {
            title: "Threshold",
            summary: "The price, an indicator, the spread or the imbalance reaches a level.",
            look_for: LookFor::Threshold(rule::Threshold {
                of: Line::Indicator("rsi(14)".to_owned()),
                level: 30.0,
                approach: Approach::Down,
                hysteresis: 2.0,
                meaning: Meaning::Fade,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::signals::tests::{check, check_refused, closes};

    #[test]
    fn a_level_counts_again_after_it_was_left_by_the_hysteresis() {
        let rule = r#"{"threshold":{"of":"price","level":10,"approach":"up","hysteresis":1}}"#;
        let bars = closes(&[8.0, 10.0, 11.0, 9.5, 10.0, 8.9, 10.0]);
        check(rule, &bars, &["1 buy 1.00", "6 buy 0.45"]);
        let either = r#"{"threshold":{"of":"price","level":10,"hysteresis":1,"meaning":"neutral"}}"#;
        check(either, &bars, &["1 neutral 1.00", "6 neutral 0.45"]);
        check(either, &closes(&[12.0, 10.0, 8.0, 12.0]), &["1 neutral 1.00", "3 neutral 1.00"]);
    }

    #[test]
    fn overbought_says_sell() {
        let rule = r#"{"threshold":{"of":{"indicator":"rsi(2)"},"level":70,"approach":"up","meaning":"fade"}}"#;
        check(rule, &closes(&[10.0, 9.0, 8.0, 9.0, 10.0, 11.0, 12.0]), &["4 sell 0.25"]);
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let rule = r#"{"threshold":{"of":"price","level":10,"hysteresis":-1}}"#;
        check_refused(rule, "look_for.hysteresis is -1: write 0 or a number above 0");
        let rule = r#"{"threshold":{"of":{"level":1},"level":10}}"#;
        check_refused(rule, "look_for.of is the level 1: choose the price or an indicator");
    }
}
