//! Utilisation of each limit of an account, for the page that shows its risk.

use model::{
    decimal::{Notional, Rate},
    time::Timestamp,
    trading::{account::RiskLimits, refusal::DenyCode},
};
use serde::{Deserialize, Serialize};

use crate::{
    exact,
    exposure::{AccountView, Exposure, NoValue, gross_worst},
    risk::{Pace, claim_value},
    standing::{Standing, percent},
    valuation::Valuation,
};

/// One limit and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitUse {
    /// The code with which it refuses.
    pub code: DenyCode,
    /// Its name.
    pub label: String,
    /// The limit, with its unit.
    pub limit: String,
    /// The value that it is compared with, with its unit; `None` if it cannot be said now.
    pub value: Option<String>,
    /// Value ÷ limit, rounded at four decimals: 1 is used up. `None` without a value, or for a limit of zero.
    pub share: Option<Rate>,
    /// Why there is no value, or what it is the value of.
    pub note: Option<String>,
}

/// Returns all limits that are set, in the order of their fields.
pub fn used(
    limits: &RiskLimits,
    view: &AccountView<'_>,
    standing: &Standing,
    pace: &Pace,
    now: Timestamp,
) -> Vec<LimitUse> {
    let currency = view.account.currency.as_str();
    let equity = Valuation::of(view).complete_equity();
    let exposures = view.exposures();
    let gross = exposures.as_ref().map_err(Clone::clone).and_then(|exposures| gross_worst(exposures));
    let mut uses = Vec::new();
    if let Some(limit) = limits.max_order_value {
        uses.push(money(DenyCode::MaxOrderValue, "Order value", limit, largest_value(view), currency));
    }
    if let Some(limit) = limits.price_collar_bps {
        let note = Some("checked for each order".to_owned());
        uses.push(LimitUse { note, ..unmeasured(DenyCode::PriceCollar, "Price collar", format!("{limit} bps")) });
    }
    if let Some(limit) = limits.max_position_value {
        let worst = exposures.as_ref().map(|exposures| worst_position(exposures));
        let value = worst.map_err(Clone::clone).map(|worst| worst.map(|worst| worst.worst()).unwrap_or_default());
        let note = worst.ok().flatten().map(|worst| worst.instrument.to_string());
        let position = money(DenyCode::MaxPositionValue, "Position value", limit, value, currency);
        uses.push(LimitUse { note: note.or_else(|| position.note.clone()), ..position });
    }
    if let Some(limit) = limits.max_gross_exposure {
        uses.push(money(DenyCode::MaxGrossExposure, "Gross exposure", limit, gross.clone(), currency));
    }
    if let Some(limit) = limits.max_leverage {
        let leverage = equity
            .as_ref()
            .ok()
            .zip(gross.as_ref().ok())
            .and_then(|(equity, gross)| exact::ratio(*gross, *equity, 4).filter(|_| !equity.is_negative()));
        uses.push(share(DenyCode::MaxLeverage, "Leverage", limit, leverage, |rate| format!("{rate}×")));
    }
    if let Some(limit) = limits.max_open_orders {
        let show = |count: usize| format!("{count} {}", if count == 1 { "order" } else { "orders" });
        uses.push(count(DenyCode::MaxOpenOrders, "Open orders", limit, view.claims.claims().len(), show));
    }
    if let Some(limit) = limits.max_orders_per_second {
        let n_recent = usize::try_from(pace.n_recent(now)).unwrap_or(usize::MAX);
        uses.push(count(DenyCode::OrderRate, "Orders a second", limit, n_recent, |count| {
            format!("{count} per second")
        }));
    }
    if let Some(limit) = limits.max_daily_loss {
        let loss = match &equity {
            Ok(equity) => {
                standing.daily_loss(*equity).ok_or("the equity at the begin of the day is not known yet".into())
            }
            Err(no_value) => Err(no_value.to_string()),
        };
        let loss = loss.map(|loss| loss.max(Notional::ZERO));
        uses.push(money(DenyCode::DailyLoss, "Loss of the day", limit, loss, currency));
    }
    if let Some(limit) = limits.max_drawdown {
        let drawdown = equity.as_ref().ok().and_then(|equity| standing.drawdown(*equity));
        uses.push(share(DenyCode::Drawdown, "Drawdown", limit, drawdown, percent));
    }
    uses
}

/// Returns the value of the largest open order.
fn largest_value(view: &AccountView<'_>) -> Result<Notional, NoValue> {
    let mut values = view.claims.claims().iter().map(|claim| claim_value(claim, view));
    values.try_fold(Notional::ZERO, |largest, value| Ok(largest.max(value?)))
}

fn worst_position(exposures: &[Exposure]) -> Option<&Exposure> {
    exposures.iter().max_by_key(|exposure| exposure.worst())
}

fn money<E: ToString>(
    code: DenyCode,
    label: &str,
    limit: Notional,
    value: Result<Notional, E>,
    currency: &str,
) -> LimitUse {
    let empty = unmeasured(code, label, format!("{limit} {currency}"));
    match value {
        Ok(value) => {
            LimitUse { value: Some(format!("{value} {currency}")), share: exact::ratio(value, limit, 4), ..empty }
        }
        Err(reason) => LimitUse { note: Some(reason.to_string()), ..empty },
    }
}

fn share(code: DenyCode, label: &str, limit: Rate, value: Option<Rate>, show: impl Fn(Rate) -> String) -> LimitUse {
    let amount = |rate: Rate| Notional::from_mantissa(rate.mantissa(), rate.scale());
    let empty = unmeasured(code, label, show(limit));
    match value {
        Some(value) => {
            let share = amount(value).zip(amount(limit)).and_then(|(value, limit)| exact::ratio(value, limit, 4));
            LimitUse { value: Some(show(value)), share, ..empty }
        }
        None => LimitUse { note: Some("the equity is not known".into()), ..empty },
    }
}

fn count(code: DenyCode, label: &str, limit: u32, value: usize, show: impl Fn(usize) -> String) -> LimitUse {
    let amount = |count: u64| Notional::from_mantissa(count.into(), 0);
    let counted = amount(u64::try_from(value).unwrap_or(u64::MAX));
    let share = counted.zip(amount(limit.into())).and_then(|(value, limit)| exact::ratio(value, limit, 4));
    let limit = usize::try_from(limit).map_or_else(|_| limit.to_string(), &show);
    LimitUse { value: Some(show(value)), share, ..unmeasured(code, label, limit) }
}

fn unmeasured(code: DenyCode, label: &str, limit: String) -> LimitUse {
    LimitUse { code, label: label.to_owned(), limit, value: None, share: None, note: None }
}

#[cfg(test)]
mod tests {
    use model::trading::{account::AccountKind, order::Side, record::Record};

    use super::*;
    use crate::{
        claims::Claims,
        testing::{account, booked, claim, claims_of, market, notional, rate, seconds},
    };

    fn all() -> RiskLimits {
        RiskLimits {
            max_order_value: Some(notional("1000")),
            price_collar_bps: Some(500),
            max_position_value: Some(notional("2000")),
            max_gross_exposure: Some(notional("4000")),
            max_leverage: Some(rate("2")),
            max_open_orders: Some(10),
            max_orders_per_second: Some(5),
            max_daily_loss: Some(notional("50")),
            max_drawdown: Some(rate("0.2")),
        }
    }

    #[track_caller]
    fn check(has_prices: bool, expected: &[&str]) {
        let account = account(AccountKind::Margin, 5, &[("Q", "1000")]);
        let ledger = booked(&account, &[(Side::Buy, "5", "100")]);
        let mut market = market("98", "99");
        if !has_prices {
            market.marks.clear();
        }
        let claims = claims_of(&[claim(1, Side::Buy, "5", "90")]);
        let view = AccountView { account: &account, ledger: &ledger, claims: claims.view(), market: &market };
        let mut standing = Standing::new(account.account.clone());
        let (equity, time) = (notional("1000"), seconds(0));
        standing.apply(&Record::DayBegan { account: account.account.clone(), day_start: time, equity, time });
        let mut pace = Pace::default();
        pace.note(seconds(10));
        let found: Vec<String> = used(&all(), &view, &standing, &pace, seconds(10))
            .into_iter()
            .map(|LimitUse { label, limit, value, share, note, .. }| {
                let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".into());
                let (value, share) = (or_dash(value), or_dash(share.map(|share| share.to_string())));
                format!("{label}: {value} of {limit} = {share} {}", or_dash(note))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_limit_has_its_value_and_share() {
        check(
            true,
            &[
                "Order value: 450 Q of 1000 Q = 0.45 –",
                "Price collar: – of 500 bps = – checked for each order",
                "Position value: 940 Q of 2000 Q = 0.47 demo:BQ",
                "Gross exposure: 940 Q of 4000 Q = 0.235 –",
                "Leverage: 0.9495× of 2× = 0.4748 –",
                "Open orders: 1 order of 10 orders = 0.1 –",
                "Orders a second: 1 per second of 5 per second = 0.2 –",
                "Loss of the day: 10 Q of 50 Q = 0.2 –",
                "Drawdown: 1 % of 20 % = 0.05 –",
            ],
        );
    }

    #[test]
    fn without_prices_some_have_a_reason_instead() {
        check(
            false,
            &[
                "Order value: 450 Q of 1000 Q = 0.45 –",
                "Price collar: – of 500 bps = – checked for each order",
                "Position value: – of 2000 Q = – no price of demo:BQ is known",
                "Gross exposure: – of 4000 Q = – no price of demo:BQ is known",
                "Leverage: – of 2× = – the equity is not known",
                "Open orders: 1 order of 10 orders = 0.1 –",
                "Orders a second: 1 per second of 5 per second = 0.2 –",
                "Loss of the day: – of 50 Q = – no price of demo:BQ is known",
                "Drawdown: – of 20 % = – the equity is not known",
            ],
        );
        assert!(
            used(
                &RiskLimits::default(),
                &AccountView {
                    account: &account(AccountKind::Cash, 1, &[]),
                    ledger: &booked(&account(AccountKind::Cash, 1, &[]), &[]),
                    claims: Claims::default().view(),
                    market: &market("1", "2"),
                },
                &Standing::new(account(AccountKind::Cash, 1, &[]).account),
                &Pace::default(),
                seconds(0),
            )
            .is_empty()
        );
    }
}
