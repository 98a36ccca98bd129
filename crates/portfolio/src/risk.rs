//! The risk check: whether an order may go to the market.
//!
//! A pure function of the order, the account, the market and the limits. What it cannot measure, because a price or a
//! rate is not known, it refuses. A refusal names limit and value with their unit.
//!
//! Limits on exposure (position, gross, leverage, daily loss, drawdown, margin) concern only what an order opens, so
//! that a position can always be closed; an amendment that only makes an order smaller passes them, too. An order's own
//! value is checked unless it is reduce-only; its price, the rate and the number of orders always. Not here: the kill
//! switch, and how much of each limit is used (`limit_use`).

use model::{
    decimal::Notional,
    time::Timestamp,
    trading::{
        account::{Currency, RiskLimits},
        refusal::{DenyCode, Refusal},
    },
};

use crate::{
    claim::Claim,
    exact::{self, MONEY_DECIMALS},
    exposure::{AccountView, NoValue, gross_worst, reducible},
    standing::Standing,
    valuation::Valuation,
};
use collar::check_collar;
use funding::check_funds;

pub use pace::Pace;

mod collar;
mod funding;
mod pace;

/// Checks an order, or an amendment of one (its claim then carries the order's id). The view's claims are the account's
/// open orders, with the one to be amended as it is.
///
/// # Errors
/// The first limit that the order breaks, in the order of this function.
pub fn check(
    proposal: &Claim,
    view: &AccountView<'_>,
    limits: &RiskLimits,
    standing: &Standing,
    pace: &Pace,
    now: Timestamp,
) -> Result<(), Refusal> {
    let open = view.claims.claims();
    let amended = proposal.order_id.and_then(|order_id| open.get(order_id));
    let (without, with_it) = (open.change(proposal.order_id, None), open.change(proposal.order_id, Some(proposal)));
    let before = AccountView { claims: view.claims.with(&without), ..*view };
    let after = AccountView { claims: view.claims.with(&with_it), ..*view };

    check_pace(limits, pace, now)?;
    check_n_open(limits, open.len() - usize::from(amended.is_some()), proposal)?;
    check_something_to_reduce(proposal, view)?;
    check_collar(limits, proposal, view)?;
    if !proposal.reduce_only {
        check_value(limits, proposal, view)?;
    }
    if amended.is_some_and(|amended| is_smaller(proposal, amended)) {
        return Ok(());
    }
    if !before.opening_quantity(proposal).is_zero() {
        check_losses(limits, standing, view)?;
        check_exposure(limits, proposal, &after)?;
    }
    check_funds(proposal, &before, &after)
}

/// True for an amendment that only takes away from its order's quantity: it must pass where the order itself would not.
fn is_smaller(proposal: &Claim, before: &Claim) -> bool {
    let same_quantity = Claim { quantity: before.quantity, ..proposal.clone() };
    same_quantity == *before && proposal.quantity <= before.quantity
}

fn check_pace(limits: &RiskLimits, pace: &Pace, now: Timestamp) -> Result<(), Refusal> {
    let Some(limit) = limits.max_orders_per_second else { return Ok(()) };
    let n_orders = pace.n_recent(now).saturating_add(1);
    if n_orders <= limit {
        return Ok(());
    }
    let message = format!("This would be order {n_orders} within one second; the limit is {limit}. Try again later.");
    Err(Refusal::new(DenyCode::OrderRate, message)
        .with(format!("{limit} per second"), format!("{n_orders} per second")))
}

fn check_n_open(limits: &RiskLimits, n_others: usize, proposal: &Claim) -> Result<(), Refusal> {
    let Some(limit) = limits.max_open_orders.filter(|_| proposal.order_id.is_none()) else { return Ok(()) };
    let n_open = u32::try_from(n_others).unwrap_or(u32::MAX).saturating_add(1);
    if n_open <= limit {
        return Ok(());
    }
    let message = format!("{n_open} orders would be open at once; the limit is {limit}. Cancel one first.");
    Err(Refusal::new(DenyCode::MaxOpenOrders, message).with(format!("{limit} orders"), format!("{n_open} orders")))
}

/// A leg of a bracket may wait for its entry.
fn check_something_to_reduce(proposal: &Claim, view: &AccountView<'_>) -> Result<(), Refusal> {
    let held = view.ledger.position(&proposal.instrument).map(|position| position.quantity()).unwrap_or_default();
    let may_wait = proposal.bracket.is_some() || proposal.is_held;
    if !proposal.reduce_only || may_wait || !reducible(held, proposal.side).is_zero() {
        return Ok(());
    }
    let (side, instrument) = (proposal.side, &proposal.instrument);
    let message =
        format!("There is no position in {instrument} that a {side} could reduce, and the order is reduce-only.");
    Err(Refusal::new(DenyCode::WouldIncrease, message))
}

fn check_value(limits: &RiskLimits, proposal: &Claim, view: &AccountView<'_>) -> Result<(), Refusal> {
    let Some(limit) = limits.max_order_value else { return Ok(()) };
    let value = claim_value(proposal, view).map_err(|no_value| no_value.refusal())?;
    let what = "The order's value is";
    at_most(DenyCode::MaxOrderValue, what, value, limit, "for one order", &view.account.currency)
}

/// Returns the value of an order in the account's currency, without sign.
pub(crate) fn claim_value(claim: &Claim, view: &AccountView<'_>) -> Result<Notional, NoValue> {
    let mark = view.market.mark(&claim.instrument);
    let price = claim.price(&mark).ok_or_else(|| NoValue::Price(claim.instrument.clone()))?;
    let value = exact::value(price, claim.quantity);
    let value = value.ok_or_else(|| NoValue::DoesNotFit(claim.instrument.to_string()))?;
    view.in_account_currency(&claim.instrument, exact::magnitude(value))
}

fn check_losses(limits: &RiskLimits, standing: &Standing, view: &AccountView<'_>) -> Result<(), Refusal> {
    if let Some(cause) = standing.reduce_only() {
        return Err(cause.clone());
    }
    if limits.max_daily_loss.is_none() && limits.max_drawdown.is_none() {
        return Ok(());
    }
    let equity = Valuation::of(view).complete_equity().map_err(|no_value| no_value.refusal())?;
    let unknown = |what: &str| {
        let message = format!("{what} is not known yet, so the limit on losses cannot be checked; wait until it is.");
        Refusal::new(DenyCode::NoPrice, message)
    };
    if limits.max_daily_loss.is_some() && standing.daily_loss(equity).is_none() {
        return Err(unknown("The equity at the begin of the day"));
    }
    if limits.max_drawdown.is_some() && standing.drawdown(equity).is_none() {
        return Err(unknown("The highest equity"));
    }
    standing.breach(limits, equity, &view.account.currency).map_or(Ok(()), Err)
}

fn check_exposure(limits: &RiskLimits, proposal: &Claim, after: &AccountView<'_>) -> Result<(), Refusal> {
    let is_limited =
        limits.max_position_value.is_some() || limits.max_gross_exposure.is_some() || limits.max_leverage.is_some();
    if !is_limited {
        return Ok(());
    }
    let currency = &after.account.currency;
    let refuse = |no_value: NoValue| no_value.refusal();
    let exposures = after.exposures().map_err(refuse)?;
    if let Some(limit) = limits.max_position_value {
        let own = exposures.iter().find(|exposure| exposure.instrument == proposal.instrument);
        let value = own.map(|exposure| exposure.of(proposal.side)).unwrap_or_default();
        let what = format!("With all open orders, the position in {} could reach", proposal.instrument);
        at_most(DenyCode::MaxPositionValue, &what, value, limit, "for one position", currency)?;
    }
    let gross = gross_worst(&exposures).map_err(refuse)?;
    if let Some(limit) = limits.max_gross_exposure {
        let what = "With all open orders, the gross exposure could reach";
        at_most(DenyCode::MaxGrossExposure, what, gross, limit, "for all positions", currency)?;
    }
    let Some(limit) = limits.max_leverage else { return Ok(()) };
    let equity = Valuation::of(after).complete_equity().map_err(refuse)?;
    let allowed = equity.share(limit, MONEY_DECIMALS);
    if exact::is_positive(equity) && allowed.is_some_and(|allowed| gross <= allowed) {
        return Ok(());
    }
    let leverage = exact::ratio(gross, equity, 2).filter(|_| exact::is_positive(equity));
    let leverage =
        leverage.map_or_else(|| "no limit, with no equity left".to_owned(), |leverage| format!("{leverage}×"));
    let message = format!(
        "With all open orders, the exposure of {gross} {currency} could reach a leverage of {leverage}; the limit is \
         {limit}×. Make the order smaller."
    );
    Err(Refusal::new(DenyCode::MaxLeverage, message).with(format!("{limit}×"), leverage))
}

fn at_most(
    code: DenyCode,
    what: &str,
    value: Notional,
    limit: Notional,
    of: &str,
    currency: &Currency,
) -> Result<(), Refusal> {
    if value <= limit {
        return Ok(());
    }
    let message = format!("{what} {value} {currency}; the limit {of} is {limit} {currency}. Make the order smaller.");
    Err(Refusal::new(code, message).with(format!("{limit} {currency}"), format!("{value} {currency}")))
}

#[cfg(test)]
mod tests {
    use model::trading::{
        account::{Account, AccountKind},
        order::{OrderId, Side},
        record::Record,
    };

    use super::*;
    use crate::{
        ledger::Ledger,
        market::Market,
        testing::{account, booked, claim, claims_of, instrument, market, market_claim, notional, rate, seconds},
    };

    /// An account with everything that a check takes; at 99 to 101 unless the test says otherwise.
    struct Case {
        account: Account,
        ledger: Ledger,
        market: Market,
        claims: Vec<Claim>,
        limits: RiskLimits,
        standing: Standing,
        pace: Pace,
    }

    impl Case {
        fn new(kind: AccountKind, held: &[(Side, &str, &str)]) -> Self {
            let account = account(kind, 5, &[("Q", "1000")]);
            let ledger = booked(&account, held);
            let standing = Standing::new(account.account.clone());
            let (market, pace) = (market("99", "101"), Pace::default());
            Self { account, ledger, market, claims: Vec::new(), limits: RiskLimits::default(), standing, pace }
        }

        fn margin(held: &[(Side, &str, &str)]) -> Self {
            Self::new(AccountKind::Margin, held)
        }

        fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
            change(&mut self);
            self
        }

        fn day(&mut self, equity: &str) {
            let (account, day_start) = (self.account.account.clone(), seconds(0));
            let equity = notional(equity);
            self.standing.apply(&Record::DayBegan { account, day_start, equity, time: day_start });
        }

        fn ask(&self, proposal: &Claim) -> Result<(), Refusal> {
            let claims = claims_of(&self.claims);
            let view = AccountView {
                account: &self.account,
                ledger: &self.ledger,
                claims: claims.view(),
                market: &self.market,
            };
            check(proposal, &view, &self.limits, &self.standing, &self.pace, seconds(100))
        }

        #[track_caller]
        fn check(&self, proposal: Claim, expected: Option<DenyCode>) {
            let refusal = self.ask(&proposal).err();
            assert_eq!(refusal.as_ref().map(|refusal| refusal.code), expected, "{proposal:?} {refusal:?}");
        }
    }

    fn new(claim: Claim) -> Claim {
        Claim { order_id: None, ..claim }
    }

    fn buy(size: &str, at: &str) -> Claim {
        new(claim(1, Side::Buy, size, at))
    }

    fn sell(size: &str, at: &str) -> Claim {
        new(claim(1, Side::Sell, size, at))
    }

    fn reduce(claim: Claim) -> Claim {
        Claim { reduce_only: true, ..claim }
    }

    const LONG: [(Side, &str, &str); 1] = [(Side::Buy, "2", "100")];

    #[test]
    fn without_limits_only_funds_count() {
        let case = Case::margin(&[]);
        // Five times an equity of 1000, less the fee: 49.9 at 100 need 998 and 4.99.
        case.check(buy("49.7", "100"), None);
        case.check(buy("49.8", "100"), Some(DenyCode::InsufficientFunds));
        case.check(sell("49.7", "100"), None);
        case.check(new(market_claim(1, Side::Buy, "49.2")), None);
        case.check(new(market_claim(1, Side::Buy, "49.3")), Some(DenyCode::InsufficientFunds));
        let cash = Case::new(AccountKind::Cash, &LONG);
        cash.check(buy("7.99", "100"), None);
        cash.check(buy("8", "100"), Some(DenyCode::InsufficientFunds));
        cash.check(sell("2", "100"), None);
        cash.check(sell("2.1", "100"), Some(DenyCode::InsufficientFunds));
        let cash =
            cash.with(|case| case.claims = vec![claim(1, Side::Sell, "1", "120"), claim(2, Side::Buy, "5", "90")]);
        cash.check(sell("1", "100"), None);
        cash.check(sell("1.1", "100"), Some(DenyCode::InsufficientFunds));
        cash.check(buy("3.49", "100"), None);
        cash.check(buy("3.5", "100"), Some(DenyCode::InsufficientFunds));
    }

    #[test]
    fn what_reduces_needs_no_margin() {
        // The equity is 2 and the position takes 59.4 of it.
        let case = Case::margin(&[(Side::Buy, "3", "431.6666666667")]);
        case.check(sell("3", "99"), None);
        case.check(buy("0.1", "99"), Some(DenyCode::InsufficientFunds));
        case.check(sell("3.1", "99"), Some(DenyCode::InsufficientFunds));
    }

    #[test]
    fn an_order_is_limited_in_value() {
        let case = Case::margin(&LONG).with(|case| case.limits.max_order_value = Some(notional("500")));
        case.check(buy("5", "100"), None);
        case.check(buy("5", "100.01"), Some(DenyCode::MaxOrderValue));
        case.check(new(market_claim(1, Side::Buy, "4.96")), Some(DenyCode::MaxOrderValue));
        // The low limit of a sell does not make it small.
        case.check(sell("6", "1"), Some(DenyCode::MaxOrderValue));
        case.check(reduce(sell("6", "1")), None);
        let refusal = case.ask(&buy("6", "100")).unwrap_err();
        let message = "The order's value is 600 Q; the limit for one order is 500 Q. Make the order smaller.";
        assert_eq!(refusal.message, message);
        assert_eq!((refusal.limit.as_deref(), refusal.value.as_deref()), (Some("500 Q"), Some("600 Q")));
    }

    #[test]
    fn a_price_is_near_the_one_that_it_would_trade_at() {
        let case = Case::margin(&LONG).with(|case| case.limits.price_collar_bps = Some(500));
        // 5 % above the ask of 101 and below the bid of 99.
        case.check(buy("1", "106.05"), None);
        case.check(buy("1", "106.06"), Some(DenyCode::PriceCollar));
        case.check(buy("1", "1"), None);
        case.check(sell("1", "94.05"), None);
        case.check(sell("1", "94.04"), Some(DenyCode::PriceCollar));
        case.check(reduce(sell("1", "94.04")), Some(DenyCode::PriceCollar));
        case.check(new(market_claim(1, Side::Buy, "1")), None);
        // One that waits for 200 is compared with that.
        let stop = |at| Claim { stop_price: Some(crate::testing::price("200")), ..buy("1", at) };
        case.check(stop("210"), None);
        case.check(stop("210.01"), Some(DenyCode::PriceCollar));
    }

    #[test]
    fn positions_and_exposure_are_limited_in_the_worst_case() {
        let limits = |case: &mut Case| case.limits.max_position_value = Some(notional("500"));
        let case = Case::margin(&LONG).with(limits);
        // Two at the bid of 99 and three at 100.
        case.check(buy("3", "100"), None);
        case.check(buy("3.1", "100"), Some(DenyCode::MaxPositionValue));
        case.check(sell("2", "100"), None);
        case.check(sell("7", "100"), None);
        case.check(sell("7.1", "100"), Some(DenyCode::MaxPositionValue));
        let case = case.with(|case| case.claims = vec![claim(1, Side::Buy, "2", "90")]);
        case.check(buy("1.4", "90"), Some(DenyCode::MaxPositionValue));
        case.check(buy("1.4", "80"), None);
        // An amendment takes the place of its order.
        case.check(claim(1, Side::Buy, "3.3", "90"), None);
        case.check(claim(1, Side::Buy, "3.4", "90"), Some(DenyCode::MaxPositionValue));

        let case = Case::margin(&LONG).with(|case| case.limits.max_gross_exposure = Some(notional("500")));
        case.check(buy("3", "100"), None);
        case.check(buy("3.1", "100"), Some(DenyCode::MaxGrossExposure));
        let case = Case::margin(&LONG).with(|case| case.limits.max_leverage = Some(rate("0.5")));
        // The equity is 998.
        case.check(buy("3", "100"), None);
        case.check(buy("3.02", "100"), Some(DenyCode::MaxLeverage));
        case.check(sell("2", "100"), None);
    }

    #[test]
    fn a_position_beyond_its_limits_can_be_closed_but_not_enlarged() {
        let case = Case::margin(&LONG).with(|case| {
            case.limits.max_position_value = Some(notional("1"));
            case.limits.max_gross_exposure = Some(notional("1"));
            case.limits.max_leverage = Some(rate("0.001"));
        });
        case.check(new(market_claim(1, Side::Sell, "2")), None);
        case.check(reduce(new(market_claim(1, Side::Sell, "9"))), None);
        case.check(new(market_claim(1, Side::Buy, "0.01")), Some(DenyCode::MaxPositionValue));
        // Two orders that each reduce would together turn the position.
        let case = case.with(|case| case.claims = vec![claim(1, Side::Sell, "2", "120")]);
        case.check(new(market_claim(1, Side::Sell, "1")), Some(DenyCode::MaxPositionValue));
    }

    #[test]
    fn orders_are_limited_in_number_and_rate() {
        let case = Case::margin(&[]).with(|case| {
            case.limits.max_open_orders = Some(2);
            case.claims = vec![claim(1, Side::Buy, "1", "90")];
        });
        case.check(buy("1", "90"), None);
        let case = case.with(|case| case.claims.push(claim(2, Side::Buy, "1", "90")));
        case.check(buy("1", "90"), Some(DenyCode::MaxOpenOrders));
        case.check(claim(2, Side::Buy, "1", "91"), None);

        let case = Case::margin(&[]).with(|case| case.limits.max_orders_per_second = Some(2));
        case.check(buy("1", "90"), None);
        let case = case.with(|case| case.pace.note(seconds(100)));
        case.check(buy("1", "90"), None);
        let case = case.with(|case| case.pace.note(seconds(100)));
        case.check(buy("1", "90"), Some(DenyCode::OrderRate));
    }

    #[test]
    fn after_a_loss_only_reducing_orders_pass() {
        // Bought at 100 and worth 99: a loss of 2 on an equity of 998.
        let case = Case::margin(&LONG).with(|case| {
            case.limits.max_daily_loss = Some(notional("2"));
            case.day("1000");
        });
        case.check(buy("1", "90"), Some(DenyCode::DailyLoss));
        case.check(sell("2", "100"), None);
        case.check(sell("3", "100"), Some(DenyCode::DailyLoss));
        let case = Case::margin(&LONG).with(|case| {
            case.limits.max_drawdown = Some(rate("0.002"));
            case.day("1000");
        });
        case.check(buy("1", "90"), Some(DenyCode::Drawdown));
        case.check(reduce(sell("1", "100")), None);
        // An order may become smaller, not larger or dearer.
        let case = case.with(|case| case.claims = vec![claim(1, Side::Buy, "2", "90")]);
        case.check(claim(1, Side::Buy, "1", "90"), None);
        case.check(claim(1, Side::Buy, "3", "90"), Some(DenyCode::Drawdown));
        case.check(claim(1, Side::Buy, "1", "91"), Some(DenyCode::Drawdown));
        case.check(buy("2", "90"), Some(DenyCode::Drawdown));
        // The latch holds although the loss is gone.
        let case = case.with(|case| {
            let (account, cause) = (case.account.account.clone(), Refusal::new(DenyCode::Drawdown, "Too deep."));
            case.limits = RiskLimits::default();
            case.standing.apply(&Record::ReduceOnly { account, cause: Some(cause), time: seconds(1) });
        });
        case.check(buy("1", "90"), Some(DenyCode::Drawdown));
    }

    /// Helios-x #23: a price that was no number switched a limit off.
    #[test]
    fn what_cannot_be_measured_is_refused() {
        let limited = |set: fn(&mut RiskLimits)| Case::margin(&LONG).with(|case| set(&mut case.limits));
        let no_price = |case: Case, proposal: Claim| {
            case.with(|case| case.market.marks.clear()).check(proposal, Some(DenyCode::NoPrice));
        };
        no_price(limited(|limits| limits.max_order_value = Some(notional("1"))), new(market_claim(1, Side::Buy, "1")));
        no_price(limited(|limits| limits.price_collar_bps = Some(1)), buy("1", "90"));
        no_price(limited(|limits| limits.max_position_value = Some(notional("1"))), buy("1", "90"));
        no_price(limited(|limits| limits.max_gross_exposure = Some(notional("1"))), buy("1", "90"));
        no_price(limited(|limits| limits.max_leverage = Some(rate("1"))), buy("1", "90"));
        no_price(limited(|limits| limits.max_daily_loss = Some(notional("1"))), buy("1", "90"));
        no_price(Case::margin(&LONG), buy("1", "90"));
        no_price(Case::new(AccountKind::Cash, &[]), new(market_claim(1, Side::Buy, "1")));
        // The day's first equity or the peak is not known.
        limited(|limits| limits.max_daily_loss = Some(notional("1"))).check(buy("1", "90"), Some(DenyCode::NoPrice));
        limited(|limits| limits.max_drawdown = Some(rate("1"))).check(buy("1", "90"), Some(DenyCode::NoPrice));
        // No terms, no rate.
        let case = Case::margin(&[]).with(|case| case.market.terms.clear());
        case.check(buy("1", "90"), Some(DenyCode::NoPrice));
        let case = Case::margin(&[]).with(|case| case.account.currency = Currency::new("X"));
        case.check(buy("1", "90"), Some(DenyCode::NoPrice));
        // Closing needs no price that is not there.
        Case::margin(&LONG)
            .with(|case| case.market.marks.clear())
            .check(reduce(new(market_claim(1, Side::Sell, "2"))), None);
    }

    #[test]
    fn a_reduce_only_order_needs_something_to_reduce() {
        let case = Case::margin(&LONG);
        case.check(reduce(buy("1", "90")), Some(DenyCode::WouldIncrease));
        case.check(reduce(sell("1", "90")), None);
        Case::margin(&[]).check(reduce(sell("1", "90")), Some(DenyCode::WouldIncrease));
        let leg = Claim { bracket: Some(OrderId(3)), ..reduce(sell("1", "90")) };
        Case::margin(&[]).check(leg, None);
    }

    #[test]
    fn figures_that_do_not_fit_are_refused() {
        let case = Case::margin(&[]);
        case.check(buy("79228162514264337593543950335", "2"), Some(DenyCode::DoesNotFit));
        case.check(buy("0.00000000000001", "0.000000000000001"), Some(DenyCode::DoesNotFit));
    }

    #[test]
    fn another_instrument_counts_for_the_exposure_of_all() {
        let other = Claim { instrument: instrument("CQ"), ..claim(1, Side::Buy, "1", "300") };
        let case = Case::margin(&LONG).with(|case| {
            crate::testing::add_instrument(&mut case.market, "CQ", ("C", "Q"), Some(("300", "301")));
            case.limits.max_gross_exposure = Some(notional("600"));
            case.claims = vec![other];
        });
        case.check(buy("1", "100"), None);
        case.check(buy("1.1", "100"), Some(DenyCode::MaxGrossExposure));
    }
}
