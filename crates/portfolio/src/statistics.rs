//! Performance of an account: every figure with its formula, its convention and its source.
//!
//! Figures come from daily returns at the account's day boundary and from its closed round trips. A figure that cannot be
//! told is [`Figure::Unknown`] with a reason. [`FIGURES`] is the table of definitions that pages show and documents
//! print; it and [`Statistics`] are written from the same lines.
//!
//! # Layout
//! - [`figure`]: values, units and definitions · [`curve`]: equity points, daily returns, drawdowns
//! - [`returns`]: figures of daily returns · [`quantile`]: quantile rules · [`trades`]: figures of round trips

use model::{decimal::Notional, time::Timestamp, trading::account::Currency};
use serde::{Deserialize, Serialize};

use crate::{conversion::Rates, exact, round_trip::RoundTrip, standing::Day};
use curve::{EquityPoint, daily_points, daily_returns, drawdowns};
use figure::{Figure, FigureInfo, Unit};
use quantile::QuantileRule;
use returns::Confidence;

pub mod curve;
pub mod figure;
pub mod quantile;
pub mod returns;
pub mod trades;

/// Input of statistics. Money is in `currency` unless it names its own.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    /// The account's currency.
    pub currency: &'a Currency,
    /// Time at which the account was opened, and its equity then.
    pub start: EquityPoint,
    /// The equity at the begin of each day, oldest first.
    pub days: &'a [Day],
    /// Closed round trips.
    pub round_trips: &'a [RoundTrip],
    /// For round trips in other currencies, at the rates of now.
    pub rates: &'a Rates,
    /// Spans in which a position was open.
    pub open_spans: &'a [(Timestamp, Timestamp)],
    /// Σ price × quantity of all fills; `None` if a rate is not known.
    pub traded: Option<Notional>,
    /// The time of asking.
    pub now: Timestamp,
}

/// The value of a figure of either kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FigureValue {
    /// An exact amount.
    Money(Figure<Notional>),
    /// A number.
    Number(Figure),
}

impl From<Figure<Notional>> for FigureValue {
    fn from(figure: Figure<Notional>) -> Self {
        Self::Money(figure)
    }
}

impl From<Figure> for FigureValue {
    fn from(figure: Figure) -> Self {
        Self::Number(figure)
    }
}

macro_rules! figures {
    ($($key:ident: $type:ty, $label:literal, $unit:ident, $formula:literal, $convention:literal, $source:literal;)*) => {
        /// All figures. Each is described by its line of [`FIGURES`].
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct Statistics {
            $(
                #[doc = concat!($label, ": ", $formula, ".\n\n", $convention, " Source: ", $source, ".")]
                pub $key: $type,
            )*
        }

        /// The definitions of all figures, in the order in which a page shows them.
        pub const FIGURES: &[FigureInfo] = &[$(FigureInfo {
            key: stringify!($key),
            label: $label,
            unit: Unit::$unit,
            formula: $formula,
            convention: $convention,
            source: $source,
        }),*];

        impl Statistics {
            /// Returns each figure with its definition.
            pub fn figures(&self) -> Vec<(&'static FigureInfo, FigureValue)> {
                let values = [$(FigureValue::from(self.$key.clone())),*];
                FIGURES.iter().zip(values).collect()
            }
        }
    };
}

figures! {
    total_return: Figure, "Total return", Share, "Π(1 + r) − 1",
        "r are the daily returns, the first one from the equity at the opening. Needs 1 day.", "empyrical cum_returns_final";
    cagr: Figure, "Growth a year", Share, "Π(1 + r)^(365 ÷ n) − 1",
        "n days, and 365 a year, since the venues trade on all of them. Needs 2 days.", "empyrical annual_return";
    volatility: Figure, "Volatility a year", Share, "s(r) · √365",
        "s divides by n − 1. Days without trades count as 0. Needs 2 days.", "empyrical annual_volatility";
    sharpe: Figure, "Sharpe ratio", Ratio, "mean(r) ÷ s(r) · √365",
        "Risk-free rate 0; s divides by n − 1. Needs 2 days that differ.", "W. F. Sharpe (1994); empyrical sharpe_ratio";
    sortino: Figure, "Sortino ratio", Ratio, "mean(r) ÷ √(Σ min(r, 0)² ÷ n) · √365",
        "Target return 0; the downside deviation divides by all n days. Needs 2 days and 1 losing day.",
        "F. A. Sortino, R. van der Meer (1991); empyrical sortino_ratio";
    calmar: Figure, "Calmar ratio", Ratio, "growth a year ÷ largest drawdown",
        "Over the whole history, at 365 days a year. Needs 2 days and a drawdown.", "T. W. Young (1991); empyrical calmar_ratio";
    max_drawdown: Figure, "Largest drawdown", Share, "max(1 − w ÷ highest w so far), w = Π(1 + r)",
        "At day boundaries, from the equity at the opening (w = 1). Needs 1 day.", "empyrical max_drawdown";
    current_drawdown: Figure, "Drawdown now", Share, "1 − w ÷ highest w so far",
        "At the newest day boundary. Needs 1 day.", "empyrical max_drawdown";
    longest_drawdown: Figure, "Longest drawdown", Days, "max(recovery − peak)",
        "At day boundaries; one that lasts counts up to now. 0 if there was none. Needs 1 day.", "quantstats drawdown_details";
    ulcer: Figure, "Ulcer index", Share, "√(Σ drawdown² ÷ (n − 1))",
        "At day boundaries; divides by n − 1 as quantstats does, where Martin divides by n. Needs 2 days.",
        "P. Martin (1987); quantstats ulcer_index";
    var_95: Figure, "Value at risk 95 %", Share, "−quantile(r, 5 %)",
        "Historical, one day, linear quantile ((n − 1)·q). Above 0 is a loss. Needs 2 days.", "numpy quantile, linear";
    var_99: Figure, "Value at risk 99 %", Share, "−quantile(r, 1 %)",
        "Historical, one day, linear quantile ((n − 1)·q). Above 0 is a loss. Needs 2 days.", "numpy quantile, linear";
    parametric_var_95: Figure, "Parametric value at risk 95 %", Share, "−(mean(r) − 1.6449 · s(r))",
        "As if returns were normal; s divides by n − 1. Above 0 is a loss. Needs 2 days.", "quantstats value_at_risk";
    parametric_var_99: Figure, "Parametric value at risk 99 %", Share, "−(mean(r) − 2.3263 · s(r))",
        "As if returns were normal; s divides by n − 1. Above 0 is a loss. Needs 2 days.", "quantstats value_at_risk";
    expected_shortfall_95: Figure, "Expected shortfall 95 %", Share, "−mean(r at or below the 5 % quantile)",
        "Historical, one day, linear quantile. Above 0 is a loss. Needs 2 days.", "empyrical conditional_value_at_risk";
    expected_shortfall_99: Figure, "Expected shortfall 99 %", Share, "−mean(r at or below the 1 % quantile)",
        "Historical, one day, linear quantile. Above 0 is a loss. Needs 2 days.", "empyrical conditional_value_at_risk";
    omega: Figure, "Omega ratio", Ratio, "Σ gains ÷ |Σ losses| of the days",
        "Threshold 0. Needs 1 losing day.", "C. Keating, W. F. Shadwick (2002); empyrical omega_ratio";
    winning_days: Figure, "Winning days", Share, "days with a gain ÷ days with a gain or a loss",
        "Days without a change do not count.", "quantstats win_rate";
    daily_payoff: Figure, "Payoff of the days", Ratio, "mean gain ÷ |mean loss| of the days",
        "Needs 1 winning and 1 losing day.", "quantstats payoff_ratio";
    kelly: Figure, "Kelly share", Share, "W − (1 − W) ÷ R",
        "W: winning days, R: payoff of the days. Needs 1 winning and 1 losing day.",
        "J. L. Kelly (1956); quantstats kelly_criterion";
    n_trades: Figure, "Closed trades", Count, "number of round trips",
        "From flat or a change of side to flat or a change of side.", "this desk";
    win_rate: Figure, "Win rate", Share, "wins ÷ trades",
        "By round trip, after fees; one of exactly 0 is no win. Needs 1 trade.", "nautilus_trader WinRate";
    profit_factor: Figure, "Profit factor", Ratio, "Σ wins ÷ |Σ losses|",
        "By round trip, after fees, in money. Needs 1 losing trade.", "J. D. Schwager (1984)";
    expectancy: Figure<Notional>, "Expectancy", Money, "Σ net ÷ trades",
        "Equal to W · average win − L · average loss; after fees. Needs 1 trade.", "V. K. Tharp (1998)";
    average_win: Figure<Notional>, "Average win", Money, "Σ wins ÷ number of wins",
        "After fees. Needs 1 winning trade.", "quantstats avg_win, in money";
    average_loss: Figure<Notional>, "Average loss", Money, "|Σ losses| ÷ number of losses",
        "After fees, at least 0. Needs 1 losing trade.", "quantstats avg_loss, in money";
    payoff: Figure, "Payoff", Ratio, "average win ÷ average loss",
        "By round trip, after fees. Needs 1 winning and 1 losing trade.", "quantstats payoff_ratio, in money";
    average_mae: Figure<Notional>, "Average adverse excursion", Money, "Σ |MAE| ÷ trades",
        "MAE: the lowest unrealised profit and loss while a trade was open. Needs 1 trade.", "J. Sweeney (1996)";
    average_mfe: Figure<Notional>, "Average favourable excursion", Money, "Σ MFE ÷ trades",
        "MFE: the highest unrealised profit and loss while a trade was open. Needs 1 trade.", "J. Sweeney (1996)";
    average_duration: Figure, "Average duration", Seconds, "Σ (exit − entry) ÷ trades",
        "By round trip. Needs 1 trade.", "this desk";
    exposure_time: Figure, "Time in the market", Share, "time with a position ÷ time since the opening",
        "Several positions at once count once.", "this desk";
    turnover: Figure, "Turnover", Ratio, "Σ price · quantity of all fills ÷ mean equity",
        "Both sides of a trade count; the mean is of the opening and all day boundaries, and must be above 0.", "this desk";
}

impl Statistics {
    /// Computes all figures.
    pub fn of(history: &History<'_>) -> Self {
        let points = daily_points(history.start, history.days);
        let daily = daily_returns(&points);
        let by_day = |figure: fn(&[f64]) -> Figure| daily.clone().then(|returns| figure(&returns));
        let by_level =
            |figure: fn(&[f64], Confidence) -> Figure, level| daily.clone().then(|returns| figure(&returns, level));
        let historical: fn(&[f64], Confidence) -> Figure =
            |returns, level| returns::historical_var(returns, level, QuantileRule::Linear);
        let trades = trades::results(history.round_trips, history.rates, history.currency);
        let by_trade = |figure: fn(&[trades::TradeResult]) -> Figure| trades.clone().then(|trades| figure(&trades));
        let money =
            |figure: fn(&[trades::TradeResult]) -> Figure<Notional>| trades.clone().then(|trades| figure(&trades));
        Self {
            total_return: by_day(returns::total_return),
            cagr: by_day(returns::cagr),
            volatility: by_day(returns::volatility),
            sharpe: by_day(returns::sharpe),
            sortino: by_day(returns::sortino),
            calmar: by_day(returns::calmar),
            max_drawdown: by_day(returns::max_drawdown),
            current_drawdown: by_day(returns::current_drawdown),
            longest_drawdown: longest_drawdown(&points, history.now),
            ulcer: by_day(returns::ulcer),
            var_95: by_level(historical, Confidence::P95),
            var_99: by_level(historical, Confidence::P99),
            parametric_var_95: by_level(returns::parametric_var, Confidence::P95),
            parametric_var_99: by_level(returns::parametric_var, Confidence::P99),
            expected_shortfall_95: by_level(returns::expected_shortfall, Confidence::P95),
            expected_shortfall_99: by_level(returns::expected_shortfall, Confidence::P99),
            omega: by_day(returns::omega),
            winning_days: by_day(returns::winning_days),
            daily_payoff: by_day(returns::daily_payoff),
            kelly: by_day(returns::kelly),
            // Far fewer trades than 2⁵³.
            n_trades: Figure::of(history.round_trips.len() as f64),
            win_rate: by_trade(trades::win_rate),
            profit_factor: by_trade(trades::profit_factor),
            expectancy: money(trades::expectancy),
            average_win: money(trades::average_win),
            average_loss: money(trades::average_loss),
            payoff: by_trade(trades::payoff),
            average_mae: money(trades::average_mae),
            average_mfe: money(trades::average_mfe),
            average_duration: by_trade(trades::average_duration),
            exposure_time: trades::exposure_time(history.open_spans, history.start.time, history.now),
            turnover: turnover(history.traded, &points),
        }
    }
}

fn longest_drawdown(points: &[EquityPoint], now: Timestamp) -> Figure {
    if points.len() < 2 {
        return Figure::unknown("needs at least 1 day");
    }
    let durations = drawdowns(points).into_iter().map(|fall| fall.duration(now).as_secs_f64());
    Figure::of(durations.fold(0.0, f64::max) / 86_400.0)
}

fn turnover(traded: Option<Notional>, points: &[EquityPoint]) -> Figure {
    let Some(traded) = traded else { return Figure::unknown("a rate is not known") };
    let sum = points.iter().try_fold(Notional::ZERO, |sum, point| exact::sum(sum, point.equity));
    let n_points = u32::try_from(points.len()).unwrap_or(u32::MAX);
    match sum.and_then(|sum| exact::divided_by(sum, n_points)) {
        Some(mean) if exact::is_positive(mean) => Figure::of(traded.to_f64_lossy() / mean.to_f64_lossy()),
        Some(_) => Figure::unknown("the mean equity is not above zero"),
        None => Figure::unknown("the sums do not fit"),
    }
}

/// Daily returns whose figures other programs have printed.
#[cfg(test)]
pub(crate) const GOLDEN_RETURNS: [f64; 10] = [0.01, -0.02, 0.03, 0.0, -0.015, 0.025, -0.01, 0.005, 0.02, -0.03];

#[cfg(test)]
mod tests {
    use model::trading::{account::AccountKind, order::Side};

    use super::*;
    use crate::testing::{account, booked, currency, notional, seconds};

    const DAY: i64 = 86_400;

    /// Statistics of an account that was opened with 1000 at time 0 and stands at these equities at its days' begins.
    fn statistics(equities: &[&str], fills: &[(Side, &str, &str)]) -> Statistics {
        let account = account(AccountKind::Margin, 5, &[("Q", "1000")]);
        let ledger = booked(&account, fills);
        let days: Vec<_> = (1..)
            .zip(equities)
            .map(|(number, equity)| Day { day_start: seconds(number * DAY), equity: notional(equity) })
            .collect();
        let now = days.last().map_or(seconds(0), |day| day.day_start);
        Statistics::of(&History {
            currency: &currency("Q"),
            start: EquityPoint { time: seconds(0), equity: notional("1000") },
            days: &days,
            round_trips: ledger.round_trips(),
            rates: &Rates::default(),
            open_spans: &ledger.open_spans(now),
            traded: ledger.traded().get(&currency("Q")).copied(),
            now,
        })
    }

    fn nearly(figure: &Figure, expected: f64) -> bool {
        figure.value().is_some_and(|value| (value - expected).abs() < 1e-12)
    }

    #[test]
    fn days_and_trades_come_together() {
        let fills =
            [(Side::Buy, "1", "100"), (Side::Sell, "1", "110"), (Side::Sell, "1", "110"), (Side::Buy, "1", "115")];
        let found = statistics(&["900", "990", "1050"], &fills);
        assert!(nearly(&found.total_return, 0.05), "{found:?}");
        assert!(nearly(&found.max_drawdown, 0.1) && nearly(&found.current_drawdown, 0.0), "{found:?}");
        assert!(nearly(&found.longest_drawdown, 3.0), "{found:?}");
        assert!(nearly(&found.n_trades, 2.0) && nearly(&found.win_rate, 0.5) && nearly(&found.profit_factor, 2.0));
        assert_eq!(found.expectancy, Figure::Known(notional("2.5")));
        // Open for one second each, of three days.
        assert!(nearly(&found.exposure_time, 2.0 / (3.0 * 86_400.0)), "{found:?}");
        assert!(nearly(&found.turnover, 435.0 / 985.0), "{found:?}");
    }

    #[test]
    fn a_new_account_has_reasons_instead_of_figures() {
        let found = statistics(&[], &[]);
        for (info, value) in found.figures() {
            let is_unknown =
                matches!(value, FigureValue::Number(Figure::Unknown(_)) | FigureValue::Money(Figure::Unknown(_)));
            assert!(is_unknown || info.key == "n_trades", "{info:?} {value:?}");
        }
        let one_day = statistics(&["990"], &[]);
        assert_eq!(one_day.sharpe, Figure::unknown("needs at least 2 days"));
        assert!(nearly(&one_day.max_drawdown, 0.01));
        assert_eq!(statistics(&["1000", "1000"], &[]).sharpe, Figure::unknown("the returns do not vary"));
        assert_eq!(statistics(&["0", "1000"], &[]).sharpe, Figure::unknown("the equity was not above zero"));
    }

    #[test]
    fn every_figure_is_defined() {
        let mut keys: Vec<_> = FIGURES.iter().map(|info| info.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), FIGURES.len());
        for info in FIGURES {
            assert!(![info.label, info.formula, info.convention, info.source].contains(&""), "{info:?}");
            assert!(info.convention.ends_with('.'), "{info:?}");
        }
        let json = serde_json::to_value(statistics(&["900", "990"], &[])).unwrap();
        let in_json: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(in_json.len(), FIGURES.len());
        assert!(FIGURES.iter().all(|info| in_json.contains(&info.key)));
    }
}
