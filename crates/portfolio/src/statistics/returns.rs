//! Figures of daily returns. A return of 0.01 is one per cent; a year has 365 days, since the venues trade on all of them.
//!
//! The risk-free rate is 0. Standard deviations divide by n − 1. Losses, drawdowns and values at risk are shares at
//! least 0, except that a value at risk below zero says that even the bad days gained.

use super::{
    figure::Figure,
    quantile::{QuantileRule, quantile},
};

/// Days of a year, for all annual figures.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// A confidence level for which the normal quantile is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// 95 %.
    P95,
    /// 99 %.
    P99,
}

impl Confidence {
    /// Returns the share of days that are worse.
    pub fn tail(self) -> f64 {
        match self {
            Self::P95 => 0.05,
            Self::P99 => 0.01,
        }
    }

    /// Returns the standard normal quantile of the tail.
    fn z(self) -> f64 {
        match self {
            Self::P95 => -1.644_853_626_951_472_2,
            Self::P99 => -2.326_347_874_040_840_8,
        }
    }
}

/// Π(1 + r) − 1.
pub fn total_return(returns: &[f64]) -> Figure {
    if returns.is_empty() { Figure::unknown("needs at least 1 day") } else { Figure::of(wealth(returns) - 1.0) }
}

/// (Π(1 + r))^(365 ÷ n) − 1.
pub fn cagr(returns: &[f64]) -> Figure {
    if returns.len() < 2 {
        return two_days();
    }
    let wealth = wealth(returns);
    if wealth < 0.0 {
        return Figure::unknown("the equity fell below zero");
    }
    Figure::of(wealth.powf(DAYS_PER_YEAR / count(returns)) - 1.0)
}

/// s(r) · √365.
pub fn volatility(returns: &[f64]) -> Figure {
    deviation(returns).then(|deviation| Figure::of(deviation * DAYS_PER_YEAR.sqrt()))
}

/// mean(r) ÷ s(r) · √365.
pub fn sharpe(returns: &[f64]) -> Figure {
    deviation(returns).then(|deviation| {
        if is_constant(returns) {
            return Figure::unknown("the returns do not vary");
        }
        Figure::of(mean(returns) / deviation * DAYS_PER_YEAR.sqrt())
    })
}

/// mean(r) ÷ √(Σ min(r, 0)² ÷ n) · √365.
pub fn sortino(returns: &[f64]) -> Figure {
    if returns.len() < 2 {
        return two_days();
    }
    let downside = (returns.iter().map(|value| value.min(0.0).powi(2)).sum::<f64>() / count(returns)).sqrt();
    if downside > 0.0 {
        Figure::of(mean(returns) / downside * DAYS_PER_YEAR.sqrt())
    } else {
        Figure::unknown("needs at least 1 losing day")
    }
}

/// Growth a year ÷ largest drawdown.
pub fn calmar(returns: &[f64]) -> Figure {
    cagr(returns).then(|cagr| match max_drawdown(returns) {
        Figure::Known(deepest) if deepest > 0.0 => Figure::of(cagr / deepest),
        _ => Figure::unknown("there was no drawdown"),
    })
}

/// max(1 − w ÷ highest w so far), with w = Π(1 + r) from 1.
pub fn max_drawdown(returns: &[f64]) -> Figure {
    if returns.is_empty() {
        return Figure::unknown("needs at least 1 day");
    }
    Figure::of(depths(returns).fold(0.0, f64::max))
}

/// 1 − w ÷ highest w so far, at the end, with w = Π(1 + r) from 1.
pub fn current_drawdown(returns: &[f64]) -> Figure {
    depths(returns).last().map_or_else(|| Figure::unknown("needs at least 1 day"), Figure::of)
}

/// √(Σ drawdown² ÷ (n − 1)).
pub fn ulcer(returns: &[f64]) -> Figure {
    if returns.len() < 2 {
        return two_days();
    }
    Figure::of((depths(returns).map(|depth| depth.powi(2)).sum::<f64>() / (count(returns) - 1.0)).sqrt())
}

/// − quantile of the returns at the tail.
pub fn historical_var(returns: &[f64], confidence: Confidence, rule: QuantileRule) -> Figure {
    if returns.len() < 2 {
        return two_days();
    }
    Figure::some(quantile(returns, confidence.tail(), rule), "needs at least 2 days").then(|value| Figure::of(-value))
}

/// −(mean(r) + z · s(r)), with z the standard normal quantile of the tail.
pub fn parametric_var(returns: &[f64], confidence: Confidence) -> Figure {
    deviation(returns).then(|deviation| Figure::of(-(mean(returns) + confidence.z() * deviation)))
}

/// − mean of the returns that are at or below the linear quantile at the tail.
pub fn expected_shortfall(returns: &[f64], confidence: Confidence) -> Figure {
    historical_var(returns, confidence, QuantileRule::Linear).then(|var| {
        let tail: Vec<f64> = returns.iter().copied().filter(|value| *value <= -var).collect();
        // Rounding between two equal values may leave none.
        if tail.is_empty() { Figure::of(var) } else { Figure::of(-mean(&tail)) }
    })
}

/// Σ gains ÷ |Σ losses| of the days.
pub fn omega(returns: &[f64]) -> Figure {
    let (gains, losses) = gains_and_losses(returns);
    let lost: f64 = losses.iter().sum();
    if losses.is_empty() {
        return Figure::unknown("needs at least 1 losing day");
    }
    Figure::of(gains.iter().sum::<f64>() / -lost)
}

/// Days with a gain ÷ days with a gain or a loss.
pub fn winning_days(returns: &[f64]) -> Figure {
    let (gains, losses) = gains_and_losses(returns);
    if gains.is_empty() && losses.is_empty() {
        return Figure::unknown("needs at least 1 day with a gain or a loss");
    }
    Figure::of(count(&gains) / (count(&gains) + count(&losses)))
}

/// Mean gain ÷ |mean loss| of the days.
pub fn daily_payoff(returns: &[f64]) -> Figure {
    let (gains, losses) = gains_and_losses(returns);
    if gains.is_empty() || losses.is_empty() {
        return Figure::unknown("needs at least 1 winning and 1 losing day");
    }
    Figure::of(mean(&gains) / -mean(&losses))
}

/// W − (1 − W) ÷ R, with W the share of winning days and R the payoff of the days.
pub fn kelly(returns: &[f64]) -> Figure {
    daily_payoff(returns).then(|payoff| winning_days(returns).then(|share| Figure::of(share - (1.0 - share) / payoff)))
}

/// Returns the standard deviation, dividing by n − 1.
fn deviation(returns: &[f64]) -> Figure {
    if returns.len() < 2 {
        return two_days();
    }
    if is_constant(returns) {
        return Figure::Known(0.0);
    }
    let mean = mean(returns);
    let squares: f64 = returns.iter().map(|value| (value - mean).powi(2)).sum();
    Figure::of((squares / (count(returns) - 1.0)).sqrt())
}

/// Rounding gives equal values a deviation a little above zero, and a Sharpe ratio of billions.
fn is_constant(returns: &[f64]) -> bool {
    returns.iter().all(|value| Some(value) == returns.first())
}

fn depths(returns: &[f64]) -> impl Iterator<Item = f64> {
    let (mut wealth, mut peak) = (1.0_f64, 1.0_f64);
    returns.iter().map(move |value| {
        wealth *= 1.0 + value;
        peak = peak.max(wealth);
        1.0 - wealth / peak
    })
}

fn gains_and_losses(returns: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let gains = returns.iter().copied().filter(|value| *value > 0.0).collect();
    (gains, returns.iter().copied().filter(|value| *value < 0.0).collect())
}

fn wealth(returns: &[f64]) -> f64 {
    returns.iter().map(|value| 1.0 + value).product()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

fn count(values: &[f64]) -> f64 {
    // Far fewer days than 2⁵³.
    values.len() as f64
}

fn two_days() -> Figure {
    Figure::unknown("needs at least 2 days")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::GOLDEN_RETURNS as R;

    /// Compares to all digits printed, and to a relative 10⁻¹² where there are more.
    #[track_caller]
    fn check(figure: Figure, printed: &str) {
        let Figure::Known(value) = figure else { panic!("{figure:?} instead of {printed}") };
        let expected: f64 = printed.parse().unwrap();
        let n_decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        // A whole number is exact.
        let last_digit = if n_decimals == 0 { 0.0 } else { 0.5 * 10_f64.powi(-i32::try_from(n_decimals).unwrap()) };
        let tolerance = last_digit.max(1e-12 * expected.abs());
        assert!((value - expected).abs() <= tolerance, "{value} instead of {printed}");
    }

    #[track_caller]
    fn check_unknown(figure: Figure, expected: &str) {
        assert_eq!(figure, Figure::unknown(expected.to_owned()));
    }

    /// lumi #30: 252 days a year for venues that trade on all of them; freqtrade #2727: a mean by day over a deviation by trade.
    #[test]
    fn golden_values() {
        check(total_return(&R), "0.013253079778302812");
        check(sharpe(&R), "1.4225378599668321");
        check(sortino(&R), "2.24807610054601");
        check(max_drawdown(&R), "0.0300000000000");
        check(volatility(&R), "0.38487552100213734");
        check(cagr(&R), "0.6169795764054322");
        check(calmar(&R), "20.56598588");
        check(omega(&R), "1.2000000000000");
        check(daily_payoff(&R), "0.9600000000000");
        check(kelly(&R), "0.0925926");
        check(ulcer(&R), "0.013542");
        check(winning_days(&R), "0.5555555555555556");
        check(historical_var(&R, Confidence::P95, QuantileRule::Linear), "0.0255000000000");
        check(historical_var(&R, Confidence::P95, QuantileRule::Higher), "0.0200000000000");
        check(parametric_var(&R, Confidence::P95), "0.0316360788");
        check(parametric_var(&R, Confidence::P99), "0.045364988601331");
        check(expected_shortfall(&R, Confidence::P95), "0.0300000000000");
    }

    #[test]
    fn a_loss_on_the_first_day_is_a_drawdown() {
        check(max_drawdown(&[-0.1]), "0.100000000000");
        check(max_drawdown(&[-0.1, 0.5]), "0.100000000000");
        check(max_drawdown(&[0.1, 0.5]), "0");
    }

    #[test]
    fn what_a_sample_cannot_say_is_unknown() {
        for figure in [cagr, volatility, sharpe, sortino, calmar, ulcer] {
            check_unknown(figure(&[0.01]), "needs at least 2 days");
            check_unknown(figure(&[]), "needs at least 2 days");
        }
        let level = Confidence::P95;
        check_unknown(historical_var(&[0.01], level, QuantileRule::Linear), "needs at least 2 days");
        check_unknown(parametric_var(&[0.01], level), "needs at least 2 days");
        check_unknown(expected_shortfall(&[0.01], level), "needs at least 2 days");
        // Ten times a hundredth has a mean that is not a hundredth.
        check_unknown(sharpe(&[0.01; 10]), "the returns do not vary");
        check_unknown(sharpe(&[0.0; 10]), "the returns do not vary");
        check(volatility(&[0.01; 10]), "0");
        check_unknown(sortino(&[0.01, 0.02]), "needs at least 1 losing day");
        check_unknown(omega(&[0.01, 0.0]), "needs at least 1 losing day");
        check_unknown(calmar(&[0.01, 0.02]), "there was no drawdown");
        check_unknown(kelly(&[0.01, 0.02]), "needs at least 1 winning and 1 losing day");
        check_unknown(winning_days(&[0.0, 0.0]), "needs at least 1 day with a gain or a loss");
        check_unknown(max_drawdown(&[]), "needs at least 1 day");
        check_unknown(cagr(&[-2.0, 0.5]), "the equity fell below zero");
        check_unknown(cagr(&[1e9, 1e9]), "does not fit a number");
        check(cagr(&[-1.0, 0.0]), "-1");
    }

    proptest! {
        #[test]
        fn no_figure_is_nan_or_panics(returns in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..12)) {
            let figures = [
                total_return(&returns), cagr(&returns), volatility(&returns), sharpe(&returns), sortino(&returns),
                calmar(&returns), max_drawdown(&returns), ulcer(&returns), omega(&returns), winning_days(&returns),
                daily_payoff(&returns), kelly(&returns), parametric_var(&returns, Confidence::P99),
                historical_var(&returns, Confidence::P99, QuantileRule::Linear),
                expected_shortfall(&returns, Confidence::P99),
            ];
            for figure in figures {
                prop_assert!(figure.value().is_none_or(|value| value.is_finite()));
            }
        }

        #[test]
        fn a_drawdown_is_a_share_of_a_positive_wealth(returns in prop::collection::vec(-0.99..2.0_f64, 1..50)) {
            let deepest = *max_drawdown(&returns).value().unwrap();
            prop_assert!((0.0..=1.0).contains(&deepest));
            let worst = returns.iter().copied().fold(0.0, f64::min);
            prop_assert!(deepest >= -worst - 1e-12);
        }
    }
}
