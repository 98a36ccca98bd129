//! The bids' share less the asks' share of the size on the best levels is at least the level (up), or at most its negative
//! (down).
//!
//! A bar's imbalance is the last one before it closed; without a book that can be trusted there is none. Strength: the
//! imbalance without its sign.

use model::alert::signal::{self as rule, Approach, LookFor, Meaning};

use crate::signals::{
    columns::{Column, Source},
    compile::Compiler,
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading},
    rows::View,
    words,
};

/// An imbalance.
#[derive(Clone, Debug)]
pub(crate) struct Imbalance {
    imbalance: Column,
    level: f64,
    approach: Approach,
}

impl Leaf for Imbalance {
    type Settings = rule::Imbalance;

    fn compile(settings: &rule::Imbalance, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let level = compiler.positive("level", settings.level, 1.0)?;
        let n_levels = compiler.count("n_levels", settings.n_levels, 1..=MAX_LEVELS)?;
        let imbalance = compiler.column(Source::Imbalance(n_levels));
        Ok(Self { imbalance, level, approach: settings.approach })
    }

    fn meaning(settings: &rule::Imbalance) -> Meaning {
        settings.meaning
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let value = view.number(self.imbalance)?;
        Some(Reading::of(self.approach, Reach::above(value, self.level), Reach::below(value, -self.level)))
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        view.number(self.imbalance).map_or(0.0, f64::abs)
    }

    fn sentence(settings: &rule::Imbalance) -> String {
        let side = words::by_approach(settings.approach, "bids outweigh asks", "asks outweigh bids", "one side outweighs");
        let (level, n_levels) = (words::number(settings.level), settings.n_levels);
        let levels = if n_levels == 1 { "the best level".to_owned() } else { format!("{n_levels} levels") };
        words::with_meaning(format!("{side} by {level} on {levels}"), settings.meaning)
    }

    fn template() -> Template {
        Template {
            title: "Book imbalance",
            summary: "Far more size on one side of the book.",
            look_for: LookFor::Imbalance(rule::Imbalance {
                level: 0.6,
                n_levels: 5,
                approach: Approach::Either,
                meaning: Meaning::Follow,
            }),
        }
    }
}

/// Levels a side that feeds carry.
const MAX_LEVELS: u32 = 50;

#[cfg(test)]
mod tests {
    use crate::signals::tests::{check_book, check_refused};

    #[test]
    fn the_heavier_side_is_followed() {
        let rule = r#"{"imbalance":{"level":0.5,"n_levels":1}}"#;
        // Sizes of the bids for 1 on the asks: 3 is an imbalance of 0.5, a third of -0.5.
        let book = [(1.0, 1.0), (1.0, 3.0), (1.0, 9.0), (1.0, 1.0), (1.0, 0.25), (1.0, 3.0)];
        check_book(rule, &book, &["1 buy 0.50", "4 sell 0.60", "5 buy 0.50"]);
        let asks = r#"{"imbalance":{"level":0.5,"n_levels":1,"approach":"down"}}"#;
        check_book(asks, &book, &["4 sell 0.60"]);
    }

    #[test]
    fn levels_out_of_range_are_refused() {
        let rule = r#"{"imbalance":{"level":1.5,"n_levels":1}}"#;
        check_refused(rule, "look_for.level is 1.5: write a number above 0, at most 1");
        let rule = r#"{"imbalance":{"level":0.5,"n_levels":51}}"#;
        check_refused(rule, "look_for.n_levels is 51: write a whole number from 1 to 50");
    }
}
