//! The price makes a lower low while an oscillator makes a higher one (up), or a higher high while it makes a lower one
//! (down).
//!
//! A low counts once two bars after it have gone no lower, and is below the two before it (Williams' fractal: Trading Chaos,
//! 1995); a high likewise. The bar that completes it fires: nothing is known earlier, and nothing moves afterwards. It is
//! compared with the last such low before it, if that is within the window. The oscillator is read at both lows.
//!
//! Strength: the oscillator's difference as a part of its range over the bars from the earlier extreme on.

use model::alert::signal::{self as rule, Line, LookFor, Meaning};

use crate::signals::{
    columns::Column,
    compile::{Compiler, MAX_BARS},
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, share},
    rows::View,
    words,
};

/// A divergence.
#[derive(Clone, Debug)]
pub(crate) struct Divergence {
    of: Column,
    n_bars: usize,
}

/// The extremes that are compared.
#[derive(Clone, Copy)]
enum Extreme {
    Low,
    High,
}

impl Extreme {
    /// Returns the price of a bar, mirrored for highs, so that a new extreme is always lower.
    fn depth(self, view: &View<'_>, n_back: usize) -> Option<f64> {
        let bar = &view.row(n_back)?.bar;
        Some(self.mirrored(match self {
            Self::Low => bar.low,
            Self::High => bar.high,
        }))
    }

    fn mirrored(self, value: f64) -> f64 {
        match self {
            Self::Low => value,
            Self::High => -value,
        }
    }

    /// Returns true for a bar below the two before it, and not above the two after it.
    fn is_at(self, view: &View<'_>, n_back: usize) -> Option<bool> {
        let depth = self.depth(view, n_back)?;
        for distance in 1..=WING {
            if self.depth(view, n_back + distance)? <= depth || self.depth(view, n_back - distance)? < depth {
                return Some(false);
            }
        }
        Some(true)
    }
}

impl Divergence {
    /// Returns how far the oscillator parts from the price, and how many bars before the earlier extreme is, if the current
    /// bar completes the later one.
    fn parting(&self, view: &View<'_>, extreme: Extreme) -> Option<(f64, usize)> {
        let later = WING;
        if !extreme.is_at(view, later)? {
            return None;
        }
        let mut before = later + 1..=later + self.n_bars;
        let earlier = before.find(|n_back| extreme.is_at(view, *n_back) == Some(true))?;
        let is_new = extreme.depth(view, later)? < extreme.depth(view, earlier)?;
        let rise = view.number_back(self.of, later)? - view.number_back(self.of, earlier)?;
        Some((extreme.mirrored(rise), earlier)).filter(|(rise, _)| is_new && *rise > 0.0)
    }
}

impl Leaf for Divergence {
    type Settings = rule::Divergence;

    fn compile(settings: &rule::Divergence, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let n_bars = compiler.count("n_bars", settings.n_bars, 5..=MAX_BARS)?;
        compiler.looks_back(n_bars + 2 * WING);
        let of = match &settings.of {
            Line::Indicator(_) => compiler.line("of", &settings.of)?,
            other => {
                let remedy = "choose an indicator, such as rsi(14)";
                return Err(compiler.error("of", words::line(other), remedy));
            }
        };
        Ok(Self { of, n_bars })
    }

    fn meaning(_: &rule::Divergence) -> Meaning {
        Meaning::Follow
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        view.number_back(self.of, WING)?;
        let is_parting = |extreme| Reach::when(self.parting(view, extreme).is_some());
        Some(Reading { up: Some(is_parting(Extreme::Low)), down: Some(is_parting(Extreme::High)) })
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        let parting = self.parting(view, Extreme::Low).or_else(|| self.parting(view, Extreme::High));
        let Some((rise, earlier)) = parting else { return 0.0 };
        let values = (0..=earlier).filter_map(|n_back| view.number_back(self.of, n_back));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (f64::min(low, value), f64::max(high, value))
        });
        share(rise, high - low)
    }

    fn sentence(settings: &rule::Divergence) -> String {
        let (of, bars) = (words::line(&settings.of), words::bars(settings.n_bars));
        format!("the price makes a new extreme that {of} does not confirm, within {bars}")
    }

    fn template() -> Template {
        Template {
            title: "Divergence",
            summary: "The price makes a new extreme and an oscillator does not.",
            look_for: LookFor::Divergence(rule::Divergence { of: Line::Indicator("rsi(14)".to_owned()), n_bars: 60 }),
        }
    }
}

/// Bars on each side of an extreme.
const WING: usize = 2;

#[cfg(test)]
mod tests {
    use crate::signals::tests::{check, check_refused, closes};

    /// The oscillator is the momentum over one bar: rsi of two bars.
    const RULE: &str = r#"{"divergence":{"of":{"indicator":"rsi(2)"},"n_bars":10}}"#;

    /// A steep fall to a low at bar 5, a rise, and a slow fall to a lower low at bar 11, complete at bar 13.
    const LOWS: [f64; 15] = [20.0, 20.5, 20.0, 17.0, 13.0, 10.0, 12.0, 13.0, 12.5, 13.0, 10.5, 9.9, 11.0, 12.0, 13.0];

    #[test]
    fn a_lower_low_of_the_price_alone_says_buy_when_it_is_complete() {
        check(RULE, &closes(&LOWS), &["13 buy 0.13"]);
        let highs: Vec<f64> = LOWS.iter().map(|price| 40.0 - price).collect();
        check(RULE, &closes(&highs), &["13 sell 0.13"]);
    }

    #[test]
    fn a_low_that_is_no_lower_or_too_far_says_nothing() {
        let mut same = LOWS;
        same[11] = 10.0;
        check(RULE, &closes(&same), &[]);
        check(&RULE.replace("10}", "5}"), &closes(&LOWS), &[]);
        // The low is not complete while the second bar after it is missing, or lower.
        let mut falling = LOWS;
        falling[13] = 9.8;
        check(RULE, &closes(&falling[..14]), &[]);
    }

    #[test]
    fn prices_and_short_windows_are_refused() {
        let price = r#"{"divergence":{"of":"price","n_bars":10}}"#;
        check_refused(price, "look_for.of is the price: choose an indicator, such as rsi(14)");
        check_refused(&RULE.replace("10}", "4}"), "look_for.n_bars is 4: write a whole number from 5 to 500");
    }
}
