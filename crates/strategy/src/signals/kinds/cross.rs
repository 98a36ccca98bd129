//! One line crosses another: their difference meets zero from below (up) or from above (down). Touching counts, once.
//!
//! Strength: how fast the difference moved in the bar, 0.5 at its mean pace over the 14 bars before.

use model::alert::signal::{self as rule, Approach, Line, LookFor, Meaning};

use crate::signals::{
    columns::Column,
    compile::Compiler,
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, pace_between},
    rows::View,
    words,
};

/// A crossing.
#[derive(Clone, Debug)]
pub(crate) struct Cross {
    fast: Column,
    slow: Column,
    approach: Approach,
}

impl Leaf for Cross {
    type Settings = rule::Cross;

    fn compile(settings: &rule::Cross, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let fast = compiler.moving_line("fast", &settings.fast)?;
        let slow = compiler.line("slow", &settings.slow)?;
        if fast == slow {
            let remedy = "choose two different lines";
            return Err(compiler.error("slow", format!("{} like the fast line", words::line(&settings.slow)), remedy));
        }
        Ok(Self { fast, slow, approach: settings.approach })
    }

    fn meaning(settings: &rule::Cross) -> Meaning {
        settings.meaning
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let difference = view.number(self.fast)? - view.number(self.slow)?;
        Some(Reading::of(self.approach, Reach::above(difference, 0.0), Reach::below(difference, 0.0)))
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        pace_between(view, self.fast, self.slow)
    }

    fn sentence(settings: &rule::Cross) -> String {
        let verb = words::by_approach(settings.approach, "crosses above", "crosses below", "crosses");
        let clause = format!("{} {verb} {}", words::line(&settings.fast), words::line(&settings.slow));
        words::with_meaning(clause, settings.meaning)
    }

    fn template() -> Template {
        Template {
            title: "Crossing",
            summary: "One line crosses another, or a level.",
            look_for: LookFor::Cross(rule::Cross {
                fast: Line::Indicator("ema(12)".to_owned()),
                slow: Line::Indicator("ema(26)".to_owned()),
                approach: Approach::Either,
                meaning: Meaning::Follow,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::signals::tests::{check, check_refused, closes};

    const PRICE_AND_MEAN: &str = r#"{"cross":{"fast":"price","slow":{"indicator":"sma(2)"}}}"#;

    #[test]
    fn a_line_fires_when_it_gets_to_the_other_side() {
        // The price is above the mean of two exactly while it rises.
        check(PRICE_AND_MEAN, &closes(&[5.0, 4.0, 5.0, 6.0, 5.0, 6.0]), &["2 buy 1.00", "4 sell 1.00", "5 buy 0.75"]);
        let up = PRICE_AND_MEAN.replace("}}}", r#"},"approach":"up"}}"#);
        check(&up, &closes(&[5.0, 4.0, 5.0, 6.0, 5.0, 6.0]), &["2 buy 1.00", "5 buy 0.75"]);
        let faded = PRICE_AND_MEAN.replace("}}}", r#"},"meaning":"fade"}}"#);
        check(&faded, &closes(&[5.0, 4.0, 5.0, 4.0]), &["2 sell 1.00", "3 buy 0.50"]);
    }

    #[test]
    fn touching_counts_once_and_the_first_bar_only_arms() {
        // Equal to the mean at bars 2 and 3, above it from bar 4 on.
        check(PRICE_AND_MEAN, &closes(&[5.0, 4.0, 4.0, 4.0, 5.0, 6.0]), &["2 buy 1.00"]);
        check(PRICE_AND_MEAN, &closes(&[4.0, 5.0, 6.0]), &[]);
        let level = r#"{"cross":{"fast":"price","slow":{"level":10}}}"#;
        check(level, &closes(&[11.0, 10.0, 10.0, 9.0, 10.0, 11.0]), &["1 sell 1.00", "4 buy 0.75"]);
    }

    #[test]
    fn a_line_does_not_cross_itself_and_a_level_crosses_nothing() {
        let same = r#"{"cross":{"fast":{"indicator":"ema"},"slow":{"indicator":"EMA(20)"}}}"#;
        check_refused(same, "look_for.slow is EMA 20 like the fast line: choose two different lines");
        let level = r#"{"cross":{"fast":{"level":1.5},"slow":"price"}}"#;
        check_refused(level, "look_for.fast is the level 1.5: choose the price or an indicator");
    }
}
