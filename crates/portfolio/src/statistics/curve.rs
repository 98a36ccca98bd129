//! The equity curve: its points, daily profit and loss, daily returns and drawdowns.
//!
//! Points are exact amounts in the account's currency, oldest first; the first one is what the account was opened with,
//! so that a loss on the first day is a drawdown. The begin of a day is the caller's: no time zones here.

use std::time::Duration;

use model::{decimal::Notional, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use crate::{exact, standing::Day};

/// The equity at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EquityPoint {
    /// The moment.
    pub time: Timestamp,
    /// Equity in the account's currency.
    pub equity: Notional,
}

/// Returns the points at the begins of days, with the start in front; days that are not after it are left out.
pub fn daily_points(start: EquityPoint, days: &[Day]) -> Vec<EquityPoint> {
    let later = days.iter().filter(|day| day.day_start > start.time);
    let later = later.map(|day| EquityPoint { time: day.day_start, equity: day.equity });
    std::iter::once(start).chain(later).collect()
}

/// Returns the change of the equity up to each point from the one before, exactly; `None` where it does not fit.
pub fn daily_pnl(points: &[EquityPoint]) -> Vec<(Timestamp, Option<Notional>)> {
    let pairs = points.iter().zip(points.iter().skip(1));
    pairs.map(|(before, point)| (point.time, exact::difference(point.equity, before.equity))).collect()
}

/// Returns the daily returns, equity ÷ equity of the day before − 1. Days between two points, because the server was
/// down, count as days without a change, and the first day counts whole however late it began.
///
/// Unknown where an equity before a return is not above zero: what follows has no meaning.
pub fn daily_returns(points: &[EquityPoint]) -> Figure<Vec<f64>> {
    let mut returns = Vec::new();
    for (before, point) in points.iter().zip(points.iter().skip(1)) {
        if !exact::is_positive(before.equity) {
            return Figure::unknown("the equity was not above zero");
        }
        let change = point.equity.to_f64_lossy() / before.equity.to_f64_lossy() - 1.0;
        if !change.is_finite() {
            return Figure::unknown("the equity does not fit");
        }
        returns.extend(std::iter::repeat_n(0.0, n_days(before.time, point.time) - 1));
        returns.push(change);
    }
    Figure::Known(returns)
}

/// Returns the whole days between two points, at least 1 and at most ten years: a day of a changing clock has 23 to 25
/// hours.
fn n_days(from: Timestamp, to: Timestamp) -> usize {
    let hours = to.saturating_since(from).as_secs() / 3_600;
    usize::try_from((hours + 12) / 24).unwrap_or(MAX_GAP_DAYS).clamp(1, MAX_GAP_DAYS)
}

/// A wrong time must not fill the memory.
const MAX_GAP_DAYS: usize = 3_653;

/// A fall from a highest equity and its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawdown {
    /// Share of the peak that was lost at the trough, above 0; above 1 if the equity fell below zero.
    pub depth: f64,
    /// The same in money.
    pub lost: Notional,
    /// Time of the peak.
    pub start: Timestamp,
    /// Time of the lowest equity.
    pub trough: Timestamp,
    /// Time at which the peak was reached again; `None` if it has not been.
    pub recovery: Option<Timestamp>,
}

impl Drawdown {
    /// Returns the time from the peak to the recovery, or to `now` while it lasts.
    pub fn duration(&self, now: Timestamp) -> Duration {
        self.recovery.unwrap_or(now).saturating_since(self.start)
    }
}

/// Returns the share of the highest equity so far that is lost at each point, at least 0. Points before the first
/// equity above zero are left out.
pub fn drawdown_series(points: &[EquityPoint]) -> Vec<(Timestamp, f64)> {
    let mut peak = Notional::ZERO;
    let mut series = Vec::new();
    for point in points {
        peak = peak.max(point.equity);
        if let Some(depth) = depth(peak, point.equity) {
            series.push((point.time, depth));
        }
    }
    series
}

/// Returns all drawdowns, oldest first; the last one may still last.
pub fn drawdowns(points: &[EquityPoint]) -> Vec<Drawdown> {
    let mut found: Vec<Drawdown> = Vec::new();
    let mut peak: Option<EquityPoint> = None;
    for point in points {
        let Some(top) = peak.filter(|peak| point.equity < peak.equity) else {
            if let Some(last) = found.last_mut().filter(|last| last.recovery.is_none()) {
                last.recovery = Some(point.time);
            }
            peak = Some(*point).filter(|point| exact::is_positive(point.equity));
            continue;
        };
        let (Some(depth), Some(lost)) = (depth(top.equity, point.equity), exact::difference(top.equity, point.equity))
        else {
            continue;
        };
        let trough = point.time;
        match found.last_mut().filter(|last| last.recovery.is_none()) {
            Some(last) if lost > last.lost => (last.depth, last.lost, last.trough) = (depth, lost, trough),
            Some(_) => {}
            None => found.push(Drawdown { depth, lost, start: top.time, trough, recovery: None }),
        }
    }
    found
}

fn depth(peak: Notional, equity: Notional) -> Option<f64> {
    let depth = 1.0 - equity.to_f64_lossy() / peak.to_f64_lossy();
    (exact::is_positive(peak) && depth.is_finite()).then_some(depth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{notional, seconds};

    const DAY: i64 = 86_400;

    fn points(equities: &[(i64, &str)]) -> Vec<EquityPoint> {
        let point = |(time, equity): &(i64, &str)| EquityPoint { time: seconds(*time), equity: notional(equity) };
        equities.iter().map(point).collect()
    }

    #[track_caller]
    fn check_returns(equities: &[(i64, &str)], expected: Result<&[f64], &str>) {
        match (daily_returns(&points(equities)), expected) {
            (Figure::Known(returns), Ok(expected)) => {
                assert_eq!(returns.len(), expected.len(), "{returns:?}");
                let differs = |(one, other): (&f64, &f64)| (one - other).abs() > 1e-15;
                assert!(!returns.iter().zip(expected).any(differs), "{returns:?} {expected:?}");
            }
            (Figure::Unknown(reason), Err(expected)) => assert_eq!(reason, expected),
            (found, expected) => panic!("{found:?} {expected:?}"),
        }
    }

    /// bytex #57: days without a closed trade were left out.
    #[test]
    fn each_day_has_a_return() {
        check_returns(&[], Ok(&[]));
        check_returns(&[(0, "100")], Ok(&[]));
        check_returns(&[(0, "100"), (DAY, "90"), (2 * DAY, "99")], Ok(&[-0.1, 0.1]));
        // Two days were not recorded.
        check_returns(&[(0, "100"), (DAY, "100"), (4 * DAY, "110")], Ok(&[0.0, 0.0, 0.0, 0.1]));
        // Opened in the evening; a day of 23 hours.
        check_returns(&[(DAY - 7_200, "100"), (DAY, "110"), (2 * DAY - 3_600, "121")], Ok(&[0.1, 0.1]));
        check_returns(&[(0, "100"), (DAY, "0")], Ok(&[-1.0]));
        check_returns(&[(0, "100"), (DAY, "0"), (2 * DAY, "5")], Err("the equity was not above zero"));
    }

    #[test]
    fn days_before_the_start_are_no_points() {
        let day = |number: i64, equity| Day { day_start: seconds(number * DAY), equity: notional(equity) };
        let start = EquityPoint { time: seconds(DAY / 2), equity: notional("100") };
        let found = daily_points(start, &[day(0, "100"), day(1, "110"), day(2, "105")]);
        assert_eq!(found, points(&[(DAY / 2, "100"), (DAY, "110"), (2 * DAY, "105")]));
        let pnl: Vec<_> = daily_pnl(&found).into_iter().map(|(_, pnl)| pnl.unwrap()).collect();
        assert_eq!(pnl, [notional("10"), notional("-5")]);
    }

    #[test]
    fn drawdowns_begin_at_the_start_balance() {
        #[track_caller]
        fn check(equities: &[(i64, &str)], expected: &[(&str, i64, i64, Option<i64>)]) {
            let found: Vec<_> = drawdowns(&points(equities))
                .into_iter()
                .map(|fall| (format!("{:.4}", fall.depth), fall.start, fall.trough, fall.recovery))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(depth, start, trough, recovery)| {
                    ((*depth).to_owned(), seconds(*start), seconds(*trough), recovery.map(seconds))
                })
                .collect();
            assert_eq!(found, expected, "{equities:?}");
        }
        check(&[(0, "100"), (1, "90")], &[("0.1000", 0, 1, None)]);
        check(&[(0, "100"), (1, "110"), (2, "120")], &[]);
        check(
            &[(0, "100"), (1, "95"), (2, "80"), (3, "90"), (4, "100"), (5, "99"), (6, "101")],
            &[("0.2000", 0, 2, Some(4)), ("0.0100", 4, 5, Some(6))],
        );
        check(&[(0, "100"), (1, "-10"), (2, "120")], &[("1.1000", 0, 1, Some(2))]);
        check(&[(0, "0"), (1, "-10"), (2, "10"), (3, "9")], &[("0.1000", 2, 3, None)]);
        let fall = &drawdowns(&points(&[(0, "100"), (5, "90")]))[0];
        assert_eq!((fall.lost, fall.duration(seconds(60))), (notional("10"), Duration::from_secs(60)));
        let series: Vec<_> = drawdown_series(&points(&[(0, "100"), (1, "75"), (2, "125")]))
            .into_iter()
            .map(|(_, depth)| depth)
            .collect();
        assert_eq!(series, [0.0, 0.25, 0.0]);
    }
}
