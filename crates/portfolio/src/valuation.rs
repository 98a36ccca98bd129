//! Valuation of an account, line by line, with the totals in its currency.
//!
//! A position counts at the price at which it would be closed (`market::Mark::exit`). A line that cannot be valued has no
//! value, is named in [`Valuation::unvalued`] and left out of the totals; a total of an account with such lines is not
//! its equity, and [`Valuation::complete_equity`] does not return it.
//!
//! In each currency realised + unrealised − fees = equity − start exactly; conversion into the account's currency rounds
//! each line at 12 decimals.

use model::{
    decimal::{Notional, Price, Rate, SignedQuantity},
    instrument::InstrumentId,
    trading::account::{AccountKind, Currency},
};
use serde::{Deserialize, Serialize};

use crate::{
    conversion::Route,
    exact::{self, MONEY_DECIMALS},
    exposure::{AccountView, NoValue},
};

/// Cash in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CashLine {
    /// The currency.
    pub currency: Currency,
    /// The whole balance; of a cash account it includes what positions hold.
    pub balance: Notional,
    /// Part locked by open orders; `None` if a price that decides it is not known.
    pub locked: Option<Notional>,
    /// The cash outside positions.
    pub amount: Notional,
    /// The same in the account's currency.
    pub value: Option<Notional>,
    /// Route of its conversion.
    pub route: Option<Route>,
}

/// One open position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionLine {
    /// Instrument held.
    pub instrument: InstrumentId,
    /// The currency of its own figures.
    pub currency: Currency,
    /// Base units: above zero long, below zero short.
    pub quantity: SignedQuantity,
    /// Mean price of the open quantity, for display.
    pub average_price: Option<Price>,
    /// Cost of the open quantity, in its quote currency.
    pub cost: Notional,
    /// The price at which it would be closed.
    pub mark: Option<Price>,
    /// Its value there, in its quote currency; below zero for a short.
    pub quote_value: Option<Notional>,
    /// Its profit or loss there, in its quote currency, before fees.
    pub quote_unrealised_pnl: Option<Notional>,
    /// Its value in the account's currency.
    pub value: Option<Notional>,
    /// Its profit or loss in the account's currency.
    pub unrealised_pnl: Option<Notional>,
    /// Route of its conversion.
    pub route: Option<Route>,
}

/// An account's worth. All totals are in its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Valuation {
    /// The currency of the totals.
    pub currency: Currency,
    /// Cash by currency, in the order of the codes.
    pub cash: Vec<CashLine>,
    /// Open positions, in the order of their instruments.
    pub positions: Vec<PositionLine>,
    /// Items without a value, and why. Empty: the totals are complete.
    pub unvalued: Vec<NoValue>,
    /// Cash and positions: a cash account adds their values, a margin account their unrealised profit and loss.
    pub equity: Notional,
    /// Sum of the values of all positions, shorts below zero.
    pub position_value: Notional,
    /// Unrealised profit and loss of all positions.
    pub unrealised_pnl: Notional,
    /// Realised profit and loss before fees, since the account was opened, at the rates of now.
    pub realised_pnl: Notional,
    /// Fees since the account was opened, at the rates of now.
    pub fees: Notional,
    /// Sum of the values of all positions, without signs. A cash account's sold holdings count as nothing.
    pub gross_exposure: Notional,
    /// Longs less shorts.
    pub net_exposure: Notional,
    /// Gross exposure as a multiple of the equity; `None` if the equity is not above zero or not complete.
    pub leverage: Option<Rate>,
    /// Of a margin account: what positions and open orders take of the equity.
    pub margin_used: Option<Notional>,
    /// Of a margin account: the equity less the margin used, below zero if it does not suffice.
    pub margin_free: Option<Notional>,
}

impl Valuation {
    /// Values an account.
    pub fn of(view: &AccountView<'_>) -> Self {
        let mut valuation = Self::empty(view.account.currency.clone());
        valuation.add_cash(view);
        valuation.add_positions(view);
        valuation.add_flows(view);
        valuation.unvalued.sort();
        valuation.unvalued.dedup();
        valuation.add_ratios(view);
        valuation
    }

    fn empty(currency: Currency) -> Self {
        Self {
            currency,
            cash: Vec::new(),
            positions: Vec::new(),
            unvalued: Vec::new(),
            equity: Notional::ZERO,
            position_value: Notional::ZERO,
            unrealised_pnl: Notional::ZERO,
            realised_pnl: Notional::ZERO,
            fees: Notional::ZERO,
            gross_exposure: Notional::ZERO,
            net_exposure: Notional::ZERO,
            leverage: None,
            margin_used: None,
            margin_free: None,
        }
    }

    /// Returns true if everything has a value.
    pub fn is_complete(&self) -> bool {
        self.unvalued.is_empty()
    }

    /// Returns the equity.
    ///
    /// # Errors
    /// Something has no value; the error is the first such thing.
    pub fn complete_equity(&self) -> Result<Notional, NoValue> {
        match self.unvalued.first() {
            Some(unvalued) => Err(unvalued.clone()),
            None => Ok(self.equity),
        }
    }

    fn add_cash(&mut self, view: &AccountView<'_>) {
        let locked = view.locked().ok();
        for (currency, balance) in view.ledger.balances() {
            let amount = view.ledger.cash().get(&currency).copied().unwrap_or_default();
            let (value, route) = self.convert(view, &currency, amount);
            self.equity = self.total(self.equity, value, currency.as_str());
            let locked = locked.as_ref().map(|locked| locked.get(&currency).copied().unwrap_or_default());
            self.cash.push(CashLine { currency, balance, locked, amount, value, route });
        }
    }

    fn add_positions(&mut self, view: &AccountView<'_>) {
        let kind = view.account.kind;
        for (instrument, position) in view.ledger.positions() {
            let Some(side) = position.side() else { continue };
            let currency = &position.pair().quote;
            let mark = view.market.mark(instrument).exit(side, kind);
            if mark.is_none() {
                self.unvalued.push(NoValue::Price(instrument.clone()));
            }
            let figure = |value: Option<Option<Notional>>| match value {
                Some(None) => Err(NoValue::DoesNotFit(instrument.to_string())),
                Some(value) => Ok(value),
                None => Ok(None),
            };
            let quote_value = figure(mark.map(|mark| position.value(mark)));
            let quote_unrealised_pnl = figure(mark.map(|mark| position.unrealised_pnl(mark)));
            let (quote_value, quote_unrealised_pnl) = match (quote_value, quote_unrealised_pnl) {
                (Ok(value), Ok(unrealised)) => (value, unrealised),
                (Err(no_value), _) | (_, Err(no_value)) => {
                    self.unvalued.push(no_value);
                    (None, None)
                }
            };
            let (value, route) = self.convert_known(view, currency, quote_value);
            let (unrealised_pnl, _) = self.convert_known(view, currency, quote_unrealised_pnl);
            let name = instrument.to_string();
            self.position_value = self.total(self.position_value, value, &name);
            self.unrealised_pnl = self.total(self.unrealised_pnl, unrealised_pnl, &name);
            let counted = if kind == AccountKind::Cash { value } else { unrealised_pnl };
            self.equity = self.total(self.equity, counted, &name);
            if !view.held(instrument).is_zero() {
                self.gross_exposure = self.total(self.gross_exposure, value.map(exact::magnitude), &name);
                self.net_exposure = self.total(self.net_exposure, value, &name);
            }
            self.positions.push(PositionLine {
                instrument: instrument.clone(),
                currency: currency.clone(),
                quantity: position.quantity(),
                average_price: position.average_price(),
                cost: position.cost(),
                mark,
                quote_value,
                quote_unrealised_pnl,
                value,
                unrealised_pnl,
                route,
            });
        }
    }

    fn add_flows(&mut self, view: &AccountView<'_>) {
        for (currency, amount) in view.ledger.realised_pnl() {
            let (value, _) = self.convert(view, &currency, amount);
            self.realised_pnl = self.total(self.realised_pnl, value, currency.as_str());
        }
        for (currency, amount) in view.ledger.fees() {
            let (value, _) = self.convert(view, currency, *amount);
            self.fees = self.total(self.fees, value, currency.as_str());
        }
    }

    fn add_ratios(&mut self, view: &AccountView<'_>) {
        if self.is_complete() && exact::is_positive(self.equity) {
            self.leverage = exact::ratio(self.gross_exposure, self.equity, MONEY_DECIMALS);
        }
        if view.account.kind == AccountKind::Margin {
            self.margin_used = view.margin_used().ok();
            let free = self.margin_used.and_then(|used| exact::difference(self.equity, used));
            self.margin_free = free.filter(|_| self.is_complete());
        }
    }

    /// Adds a line's value, if it has one; a sum that does not fit names the line.
    fn total(&mut self, total: Notional, value: Option<Notional>, name: &str) -> Notional {
        let Some(value) = value else { return total };
        exact::sum(total, value).unwrap_or_else(|| {
            self.unvalued.push(NoValue::DoesNotFit(name.to_owned()));
            total
        })
    }

    fn convert_known(
        &mut self,
        view: &AccountView<'_>,
        from: &Currency,
        amount: Option<Notional>,
    ) -> (Option<Notional>, Option<Route>) {
        amount.map_or((None, None), |amount| self.convert(view, from, amount))
    }

    /// Converts into the account's currency. Nothing needs no rate.
    fn convert(
        &mut self,
        view: &AccountView<'_>,
        from: &Currency,
        amount: Notional,
    ) -> (Option<Notional>, Option<Route>) {
        let to = &view.account.currency;
        let Some(route) = view.market.rates.route(from, to) else {
            if amount.is_zero() {
                return (Some(amount), None);
            }
            self.unvalued.push(NoValue::Rate(from.clone(), to.clone()));
            return (None, None);
        };
        let value = route.convert(amount);
        if value.is_none() {
            self.unvalued.push(NoValue::DoesNotFit(from.to_string()));
        }
        (value, Some(route))
    }
}

/// Returns what the account was opened with, in its currency, at the rates of now.
///
/// # Errors
/// A rate is not known, or a figure does not fit.
pub fn start_value(view: &AccountView<'_>) -> Result<Notional, NoValue> {
    let to = &view.account.currency;
    let mut total = Notional::ZERO;
    for (from, amount) in view.ledger.start().iter().filter(|(_, amount)| !amount.is_zero()) {
        let route = view.market.rates.route(from, to).ok_or_else(|| NoValue::Rate(from.clone(), to.clone()))?;
        let sum = route.convert(*amount).and_then(|value| exact::sum(total, value));
        total = sum.ok_or_else(|| NoValue::DoesNotFit(from.to_string()))?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use model::trading::order::Side;

    use super::*;
    use crate::{
        claims::Claims,
        conversion::LiveRate,
        ledger::Ledger,
        market::Market,
        pair::Pair,
        testing::{account, add_instrument, booked, currency, fill, instrument, market, notional, price, rate},
    };

    fn value(kind: AccountKind, start: &[(&str, &str)], fills: &[(Side, &str, &str)], market: &Market) -> Valuation {
        let account = account(kind, 5, start);
        let ledger = booked(&account, fills);
        Valuation::of(&AccountView { account: &account, ledger: &ledger, claims: Claims::default().view(), market })
    }

    #[test]
    fn a_position_counts_at_the_price_that_closes_it() {
        let market = market("99", "101");
        let long = value(AccountKind::Margin, &[("Q", "1000")], &[(Side::Buy, "4", "100")], &market);
        assert_eq!((long.equity, long.unrealised_pnl), (notional("996"), notional("-4")));
        assert_eq!((long.gross_exposure, long.net_exposure), (notional("396"), notional("396")));
        assert_eq!((long.margin_used, long.margin_free), (Some(notional("79.2")), Some(notional("916.8"))));
        assert_eq!(long.leverage, Some(rate("0.397590361446")));
        let short = value(AccountKind::Margin, &[("Q", "1000")], &[(Side::Sell, "4", "100")], &market);
        assert_eq!((short.equity, short.unrealised_pnl), (notional("996"), notional("-4")));
        assert_eq!((short.gross_exposure, short.net_exposure), (notional("404"), notional("-404")));
        let cash = value(AccountKind::Cash, &[("Q", "1000")], &[(Side::Buy, "4", "100")], &market);
        assert_eq!((cash.equity, cash.position_value), (notional("996"), notional("396")));
        assert_eq!((cash.margin_used, cash.margin_free), (None, None));
        assert_eq!(cash.cash.iter().map(|line| line.amount).collect::<Vec<_>>(), [Notional::ZERO, notional("600")]);
        assert_eq!(cash.cash.iter().map(|line| line.balance).collect::<Vec<_>>(), [notional("4"), notional("600")]);
    }

    #[test]
    fn what_has_no_value_is_named_and_left_out() {
        let mut market = market("99", "101");
        market.marks.clear();
        let valuation = value(AccountKind::Margin, &[("Q", "1000"), ("X", "5")], &[(Side::Buy, "4", "100")], &market);
        let names: Vec<_> = valuation.unvalued.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["no price of demo:BQ is known", "no rate from X to Q is known"]);
        assert_eq!(valuation.equity, notional("1000"));
        assert_eq!(valuation.complete_equity(), Err(NoValue::Price(instrument("BQ"))));
        assert_eq!((valuation.leverage, valuation.margin_free), (None, None));
        assert_eq!(valuation.positions[0].value, None);
    }

    #[test]
    fn other_currencies_come_by_a_route_that_is_shown() {
        let account = account(AccountKind::Margin, 5, &[("Q", "1000"), ("E", "100")]);
        let mut ledger = Ledger::open(&account);
        let other = model::trading::fill::Fill {
            instrument: instrument("BE"),
            fee: notional("2"),
            fee_currency: currency("E"),
            ..fill(1, 1, Side::Buy, "1", "50")
        };
        ledger.apply(&other, &Pair::new("B", "E")).unwrap();
        let mut market = Market::default();
        add_instrument(&mut market, "BE", ("B", "E"), Some(("60", "61")));
        market.rates.live =
            vec![LiveRate { base: currency("E"), quote: currency("Q"), price: price("1.25"), source: "k:EQ".into() }];
        let none = Claims::default();
        let view = AccountView { account: &account, ledger: &ledger, claims: none.view(), market: &market };
        let valuation = Valuation::of(&view);
        assert_eq!(valuation.equity, notional("1135"));
        assert_eq!((valuation.unrealised_pnl, valuation.fees), (notional("12.5"), notional("2.5")));
        let route = valuation.positions[0].route.as_ref().unwrap();
        assert_eq!(route.to_string(), "E → Q by k:EQ 1.25");
        assert_eq!(start_value(&view), Ok(notional("1125")));
        assert_eq!(valuation.margin_used, Some(notional("15")));
    }

    #[test]
    fn a_total_that_does_not_fit_names_the_line() {
        let huge = "79228162514264337593543950335";
        let mut market = Market::default();
        market.rates.parity = vec![vec![currency("P"), currency("Q")]];
        let valuation = value(AccountKind::Margin, &[("P", huge), ("Q", huge)], &[], &market);
        assert_eq!(valuation.unvalued, [NoValue::DoesNotFit("Q".into())]);
        assert_eq!(valuation.equity, notional(huge));
    }
}
