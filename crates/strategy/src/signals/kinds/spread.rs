//! The spread is at least so many basis points, or so many times its mean at the ends of the bars before. Neutral.
//!
//! A bar's spread is the last one before it closed; without a book that can be trusted there is none. Strength: 0.5 at the
//! limit, 1 at twice that or more.

use model::alert::signal::{self as rule, LookFor, Meaning, SpreadLimit};

use crate::signals::{
    columns::{Column, Source},
    compile::{Compiler, MAX_BARS},
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, share},
    rows::View,
    words,
};

/// A wide spread.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    spread: Column,
    limit: Limit,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    Bps(f64),
    Multiple(f64, Column),
}

impl Spread {
    fn limit(&self, view: &View<'_>) -> Option<f64> {
        match self.limit {
            Limit::Bps(bps) => Some(bps),
            Limit::Multiple(multiple, mean) => view.number(mean).map(|mean| multiple * mean),
        }
    }
}

impl Leaf for Spread {
    type Settings = rule::Spread;

    fn compile(settings: &rule::Spread, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let spread = compiler.column(Source::Spread);
        let limit = match settings.limit {
            SpreadLimit::Bps(bps) => Limit::Bps(compiler.positive("limit.bps", bps, MAX_BPS)?),
            SpreadLimit::Average { multiple, n_bars } => {
                let multiple = compiler.multiple("limit.average.multiple", multiple)?;
                let n_bars = compiler.count("limit.average.n_bars", n_bars, 1..=MAX_BARS)?;
                Limit::Multiple(multiple, compiler.column(Source::Mean(spread, n_bars)))
            }
        };
        Ok(Self { spread, limit })
    }

    fn meaning(_: &rule::Spread) -> Meaning {
        Meaning::Neutral
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let (spread, limit) = (view.number(self.spread)?, self.limit(view)?);
        Some(Reading { up: Some(Reach::above(spread, limit)), down: None })
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        let (Some(spread), Some(limit)) = (view.number(self.spread), self.limit(view)) else { return 0.0 };
        share(spread, 2.0 * limit)
    }

    fn sentence(settings: &rule::Spread) -> String {
        match settings.limit {
            SpreadLimit::Bps(bps) => format!("the spread reaches {} bps", words::number(bps)),
            SpreadLimit::Average { multiple, n_bars } => {
                let (multiple, bars) = (words::number(multiple), words::bars(n_bars));
                format!("the spread reaches {multiple} times its mean of the last {bars}")
            }
        }
    }

    fn template() -> Template {
        Template {
            title: "Wide spread",
            summary: "The spread is wider than a limit or than usual.",
            look_for: LookFor::Spread(rule::Spread { limit: SpreadLimit::Average { multiple: 3.0, n_bars: 20 } }),
        }
    }
}

/// A spread as wide as the price.
const MAX_BPS: f64 = 10_000.0;

#[cfg(test)]
mod tests {
    use crate::signals::tests::{check_book, check_refused};

    #[test]
    fn a_wide_spread_fires_once_and_again_after_it_was_narrow() {
        let rule = r#"{"spread":{"limit":{"bps":10}}}"#;
        // Best bid and ask around 1,000: one is 10 basis points.
        let book = [(0.5, 1.0), (1.0, 1.0), (2.0, 1.0), (0.9, 1.0), (1.5, 1.0)];
        check_book(rule, &book, &["1 neutral 0.50", "4 neutral 0.75"]);
        let average = r#"{"spread":{"limit":{"average":{"multiple":2,"n_bars":2}}}}"#;
        let book = [(1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (2.0, 1.0), (5.0, 1.0)];
        check_book(average, &book, &["3 neutral 0.50", "5 neutral 0.62"]);
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        let rule = r#"{"spread":{"limit":{"bps":0}}}"#;
        check_refused(rule, "look_for.limit.bps is 0: write a number above 0, at most 10000");
        let rule = r#"{"spread":{"limit":{"average":{"multiple":2,"n_bars":501}}}}"#;
        check_refused(rule, "look_for.limit.average.n_bars is 501: write a whole number from 1 to 500");
    }
}
