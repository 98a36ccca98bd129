//! Figures of closed round trips. Money is exact; ratios of sums are `f64`.

use std::time::Duration;

use model::{decimal::Notional, time::Timestamp, trading::account::Currency};

use super::figure::Figure;
use crate::{conversion::Rates, exact, round_trip::RoundTrip};

/// The result of a round trip in the account's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeResult {
    /// Realised profit and loss less fees.
    pub net_pnl: Notional,
    /// Maximum adverse excursion, at most 0.
    pub mae: Notional,
    /// Maximum favourable excursion, at least 0.
    pub mfe: Notional,
    /// Holding period.
    pub duration: Duration,
}

/// Returns the results in `currency`, at the rates of now; unknown if one cannot be told.
pub fn results(trips: &[RoundTrip], rates: &Rates, currency: &Currency) -> Figure<Vec<TradeResult>> {
    let mut results = Vec::with_capacity(trips.len());
    for trip in trips {
        let Some(net_pnl) = trip.net_pnl() else {
            return Figure::unknown("a fee was in a third currency");
        };
        let Some(route) = rates.route(&trip.currency, currency) else {
            return Figure::unknown(format!("no rate from {} to {currency} is known", trip.currency));
        };
        let convert = |amount| route.convert(amount);
        let (Some(net_pnl), Some(mae), Some(mfe)) = (convert(net_pnl), convert(trip.mae), convert(trip.mfe)) else {
            return Figure::unknown("the sums do not fit");
        };
        results.push(TradeResult { net_pnl, mae, mfe, duration: trip.duration() });
    }
    Figure::Known(results)
}

/// Wins ÷ trades.
pub fn win_rate(trades: &[TradeResult]) -> Figure {
    if trades.is_empty() {
        return no_trades();
    }
    Figure::of(count(wins(trades).count()) / count(trades.len()))
}

/// Σ wins ÷ |Σ losses|.
pub fn profit_factor(trades: &[TradeResult]) -> Figure {
    sum(wins(trades)).then(|won| {
        sum(losses(trades)).then(|lost| {
            if lost.is_zero() {
                return Figure::unknown("needs at least 1 losing trade");
            }
            Figure::of(won.to_f64_lossy() / -lost.to_f64_lossy())
        })
    })
}

/// Σ net ÷ trades.
pub fn expectancy(trades: &[TradeResult]) -> Figure<Notional> {
    average(trades.iter().map(|trade| trade.net_pnl), "needs at least 1 closed trade")
}

/// Σ wins ÷ number of wins.
pub fn average_win(trades: &[TradeResult]) -> Figure<Notional> {
    average(wins(trades), "needs at least 1 winning trade")
}

/// |Σ losses| ÷ number of losses.
pub fn average_loss(trades: &[TradeResult]) -> Figure<Notional> {
    average(losses(trades).map(Notional::negated), "needs at least 1 losing trade")
}

/// Average win ÷ average loss.
pub fn payoff(trades: &[TradeResult]) -> Figure {
    average_win(trades)
        .then(|win| average_loss(trades).then(|loss| Figure::of(win.to_f64_lossy() / loss.to_f64_lossy())))
}

/// Σ |MAE| ÷ trades.
pub fn average_mae(trades: &[TradeResult]) -> Figure<Notional> {
    average(trades.iter().map(|trade| trade.mae.negated()), "needs at least 1 closed trade")
}

/// Σ MFE ÷ trades.
pub fn average_mfe(trades: &[TradeResult]) -> Figure<Notional> {
    average(trades.iter().map(|trade| trade.mfe), "needs at least 1 closed trade")
}

/// Σ duration ÷ trades, in seconds.
pub fn average_duration(trades: &[TradeResult]) -> Figure {
    if trades.is_empty() {
        return no_trades();
    }
    Figure::of(trades.iter().map(|trade| trade.duration.as_secs_f64()).sum::<f64>() / count(trades.len()))
}

/// Time with a position ÷ time since `start`. Spans may overlap; parts outside `start` to `now` do not count.
pub fn exposure_time(spans: &[(Timestamp, Timestamp)], start: Timestamp, now: Timestamp) -> Figure {
    let whole = now.saturating_since(start);
    if whole.is_zero() {
        return Figure::unknown("no time has passed");
    }
    let mut spans: Vec<_> = spans.iter().map(|(begin, end)| ((*begin).max(start), (*end).min(now))).collect();
    spans.sort();
    let (mut open, mut covered_to) = (Duration::ZERO, start);
    for (begin, end) in spans {
        open = open.saturating_add(end.saturating_since(begin.max(covered_to)));
        covered_to = covered_to.max(end);
    }
    Figure::of(open.as_secs_f64() / whole.as_secs_f64())
}

fn wins(trades: &[TradeResult]) -> impl Iterator<Item = Notional> {
    trades.iter().map(|trade| trade.net_pnl).filter(|net| exact::is_positive(*net))
}

fn losses(trades: &[TradeResult]) -> impl Iterator<Item = Notional> {
    trades.iter().map(|trade| trade.net_pnl).filter(|net| net.is_negative())
}

fn sum(mut amounts: impl Iterator<Item = Notional>) -> Figure<Notional> {
    Figure::some(amounts.try_fold(Notional::ZERO, exact::sum), "the sums do not fit")
}

fn average(amounts: impl Iterator<Item = Notional>, none: &'static str) -> Figure<Notional> {
    let amounts: Vec<_> = amounts.collect();
    let n = u32::try_from(amounts.len()).unwrap_or(u32::MAX);
    if n == 0 {
        return Figure::unknown(none);
    }
    sum(amounts.into_iter()).then(|sum| Figure::some(exact::divided_by(sum, n), "the sums do not fit"))
}

fn no_trades() -> Figure {
    Figure::unknown("needs at least 1 closed trade")
}

fn count(n: usize) -> f64 {
    // Far fewer trades than 2⁵³.
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{currency, notional, seconds};

    fn trades(nets: &[&str]) -> Vec<TradeResult> {
        let trade = |net: &&str| TradeResult {
            net_pnl: notional(net),
            mae: notional("-2"),
            mfe: notional("3"),
            duration: Duration::from_secs(90),
        };
        nets.iter().map(trade).collect()
    }

    /// Win rate, profit factor, payoff, expectancy, average win and loss.
    #[track_caller]
    fn check(nets: &[&str], expected: [&str; 6]) {
        let trades = trades(nets);
        let number = |figure: Figure| match figure {
            Figure::Known(value) => value.to_string(),
            Figure::Unknown(reason) => reason.into_owned(),
        };
        let money = |figure: Figure<Notional>| match figure {
            Figure::Known(value) => value.to_string(),
            Figure::Unknown(reason) => reason.into_owned(),
        };
        let found = [
            number(win_rate(&trades)),
            number(profit_factor(&trades)),
            number(payoff(&trades)),
            money(expectancy(&trades)),
            money(average_win(&trades)),
            money(average_loss(&trades)),
        ];
        assert_eq!(found, expected.map(str::to_owned), "{nets:?}");
    }

    #[test]
    fn trades_have_their_figures_or_a_reason() {
        check(&["10", "-5", "20", "-5", "0"], ["0.4", "3", "3", "4", "15", "5"]);
        check(&["0.1", "-0.3"], ["0.5", "0.33333333333333337", "0.33333333333333337", "-0.1", "0.1", "0.3"]);
        let (none, win, loss) =
            ("needs at least 1 closed trade", "needs at least 1 winning trade", "needs at least 1 losing trade");
        check(&[], [none, loss, win, none, win, loss]);
        check(&["10"], ["1", loss, loss, "10", "10", loss]);
        check(&["-10"], ["0", "0", win, "-10", win, "10"]);
        check(&["1", "1", "-0.0001"], ["0.6666666666666666", "20000", "10000", "0.666633333333", "1", "0.0001"]);
    }

    #[test]
    fn excursions_and_durations_are_averaged() {
        let trades = trades(&["1", "2"]);
        assert_eq!(average_mae(&trades), Figure::Known(notional("2")));
        assert_eq!(average_mfe(&trades), Figure::Known(notional("3")));
        assert_eq!(average_duration(&trades), Figure::Known(90.0));
    }

    #[test]
    fn time_with_a_position_counts_once() {
        #[track_caller]
        fn check(spans: &[(i64, i64)], expected: f64) {
            let spans: Vec<_> = spans.iter().map(|(begin, end)| (seconds(*begin), seconds(*end))).collect();
            assert_eq!(exposure_time(&spans, seconds(100), seconds(200)), Figure::Known(expected), "{spans:?}");
        }
        check(&[], 0.0);
        check(&[(110, 120), (150, 160)], 0.2);
        check(&[(150, 160), (110, 155), (112, 115)], 0.5);
        check(&[(0, 110), (190, 300)], 0.2);
        check(&[(0, 50), (250, 300)], 0.0);
        assert_eq!(exposure_time(&[], seconds(1), seconds(1)), Figure::unknown("no time has passed"));
    }

    #[test]
    fn a_trip_without_a_rate_makes_the_figures_unknown() {
        use crate::{pair::Pair, position::Position, testing::fill};
        let mut position = Position::flat(Pair::new("B", "Q"));
        use model::trading::order::Side;
        position.apply(&fill(1, 1, Side::Buy, "1", "100")).unwrap();
        let trip = position.apply(&fill(2, 1, Side::Sell, "1", "110")).unwrap().round_trip.unwrap();
        let trips = [trip];
        let known = results(&trips, &Rates::default(), &currency("Q"));
        assert_eq!(known.value().unwrap()[0].net_pnl, notional("10"));
        let unknown = results(&trips, &Rates::default(), &currency("X"));
        assert_eq!(unknown, Figure::unknown("no rate from Q to X is known"));
    }
}
