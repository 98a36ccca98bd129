//! Quantiles of a sample, by a named rule: the rule decides the value where the sample is small.
//!
//! Source: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages" (1996); the names are numpy's.

use serde::{Deserialize, Serialize};

/// The rule by which a quantile falls on or between sorted values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuantileRule {
    /// Between the values around (n − 1)·q, in proportion (type 7).
    #[default]
    Linear,
    /// The lower of the values around (n − 1)·q.
    Lower,
    /// The higher of them.
    Higher,
    /// The nearer of them; halfway, the one with the even index.
    Nearest,
    /// Their mean.
    Midpoint,
    /// Between the values around n·q − 1/2 (type 5).
    Hazen,
    /// Between the values around (n + 1)·q − 1 (type 6).
    Weibull,
    /// Between the values around (n + 1/3)·q − 2/3 (type 8).
    MedianUnbiased,
    /// The smallest value that at least the share q is not above (type 1).
    InvertedCdf,
}

impl QuantileRule {
    /// All rules.
    pub const ALL: [Self; 9] = [
        Self::Linear,
        Self::Lower,
        Self::Higher,
        Self::Nearest,
        Self::Midpoint,
        Self::Hazen,
        Self::Weibull,
        Self::MedianUnbiased,
        Self::InvertedCdf,
    ];
}

/// Returns the quantile `q` (0 to 1) of values in any order; `None` without values.
pub fn quantile(values: &[f64], q: f64, rule: QuantileRule) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    // Far fewer values than 2⁵³.
    let n = sorted.len() as f64;
    let q = q.clamp(0.0, 1.0);
    let plain = (n - 1.0) * q;
    let position = match rule {
        QuantileRule::Linear => plain,
        QuantileRule::Lower => plain.floor(),
        QuantileRule::Higher => plain.ceil(),
        QuantileRule::Nearest => plain.round_ties_even(),
        QuantileRule::Midpoint => f64::midpoint(plain.floor(), plain.ceil()),
        QuantileRule::Hazen => n * q - 0.5,
        QuantileRule::Weibull => (n + 1.0) * q - 1.0,
        QuantileRule::MedianUnbiased => (n + 1.0 / 3.0) * q - 2.0 / 3.0,
        QuantileRule::InvertedCdf => (n * q).ceil() - 1.0,
    };
    // As `as` does it: below zero is zero.
    let position = position.clamp(0.0, n - 1.0);
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below], sorted[above]);
    let share = position - position.floor();
    Some(low + share * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::GOLDEN_RETURNS;

    #[track_caller]
    fn check(rule: QuantileRule, expected: f64) {
        let found = quantile(&GOLDEN_RETURNS, 0.05, rule).unwrap();
        assert!((found - expected).abs() < 1e-15, "{rule:?}: {found}");
    }

    #[test]
    fn each_rule_has_its_golden_value() {
        use QuantileRule::{Hazen, Higher, InvertedCdf, Linear, Lower, MedianUnbiased, Midpoint, Nearest, Weibull};
        check(Linear, -0.0255);
        for rule in [Lower, Nearest, Hazen, Weibull, MedianUnbiased, InvertedCdf] {
            check(rule, -0.03);
        }
        check(Higher, -0.02);
        check(Midpoint, -0.025);
    }

    #[test]
    fn the_edges_are_the_smallest_and_the_largest() {
        for rule in QuantileRule::ALL {
            assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.0, rule), Some(1.0), "{rule:?}");
            assert_eq!(quantile(&[3.0, 1.0, 2.0], 1.0, rule), Some(3.0), "{rule:?}");
            assert_eq!(quantile(&[5.0], 0.05, rule), Some(5.0), "{rule:?}");
            assert_eq!(quantile(&[], 0.05, rule), None, "{rule:?}");
        }
    }
}
