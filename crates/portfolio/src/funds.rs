//! Locked funds and margin, derived from open orders and positions and never stored.
//!
//! A cash account's buys lock their value and its fee at the taker's rate, in the quote currency, the fee on the sum of
//! an instrument's; its sells lock their quantity, in the base asset. Of a bracket only the largest leg locks, since only one can fill. A margin account locks
//! nothing by currency: its orders need margin for the exposure that they may add (`exposure`).

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Rate},
    instrument::InstrumentId,
    trading::{
        account::{AccountKind, Currency},
        order::Side,
    },
};

use crate::{
    claim::Claim,
    exact::{self, MONEY_DECIMALS},
    exposure::{AccountView, NoValue, gross_worst},
    round_trip::add,
};

impl AccountView<'_> {
    /// Returns what open orders lock, by currency; nothing for a margin account.
    ///
    /// # Errors
    /// A price that it takes is not known, or a figure does not fit.
    pub fn locked(&self) -> Result<BTreeMap<Currency, Notional>, NoValue> {
        let mut locked = BTreeMap::new();
        if self.account.kind == AccountKind::Cash {
            for instrument in self.claims.instruments() {
                let does_not_fit = || NoValue::DoesNotFit(instrument.to_string());
                let bought = exact::sum(
                    self.claim_value_of(instrument, Side::Buy, false)?,
                    self.claim_value_of(instrument, Side::Buy, true)?,
                );
                let sold = self.claims.quantity(instrument, Side::Sell).and_then(|sold| exact::held(sold.long()));
                let (bought, sold) = (bought.ok_or_else(does_not_fit)?, sold.ok_or_else(does_not_fit)?);
                let terms = self.market.terms.get(instrument).ok_or_else(|| NoValue::Terms(instrument.clone()))?;
                let bought = self.with_fee(instrument, bought).ok_or_else(does_not_fit)?;
                add(&mut locked, &terms.pair.quote, bought).ok_or_else(does_not_fit)?;
                add(&mut locked, &terms.pair.base, sold).ok_or_else(does_not_fit)?;
            }
        }
        Ok(locked)
    }

    /// Returns the currency and the amount that an order of a cash account locks.
    ///
    /// # Errors
    /// A price that it takes is not known, or a figure does not fit.
    pub fn lock(&self, claim: &Claim) -> Result<(Currency, Notional), NoValue> {
        let instrument = &claim.instrument;
        let terms = self.market.terms.get(instrument).ok_or_else(|| NoValue::Terms(instrument.clone()))?;
        let does_not_fit = || NoValue::DoesNotFit(instrument.to_string());
        match claim.side {
            Side::Sell => {
                let amount = exact::held(claim.quantity.long()).ok_or_else(does_not_fit)?;
                Ok((terms.pair.base.clone(), amount))
            }
            Side::Buy => {
                let price = claim.price(&self.market.mark(instrument));
                let price = price.ok_or_else(|| NoValue::Price(instrument.clone()))?;
                let value = exact::value(price, claim.quantity).ok_or_else(does_not_fit)?;
                let amount = self.with_fee(instrument, value).ok_or_else(does_not_fit)?;
                Ok((terms.pair.quote.clone(), amount))
            }
        }
    }

    /// Returns the taker's fee on a value, at least 0: a rebate is not money to spend in advance.
    pub(crate) fn fee(&self, instrument: &InstrumentId, value: Notional) -> Option<Notional> {
        let rate = self.market.terms.get(instrument)?.fees.taker.max(Rate::ZERO);
        exact::magnitude(value).share(rate, MONEY_DECIMALS).map(exact::tight)
    }

    fn with_fee(&self, instrument: &InstrumentId, value: Notional) -> Option<Notional> {
        exact::sum(value, self.fee(instrument, value)?)
    }

    /// Returns the balance of a currency less what open orders lock; below zero if the account is overdrawn.
    ///
    /// # Errors
    /// A price that it takes is not known, or a figure does not fit.
    pub fn free(&self, currency: &Currency) -> Result<Notional, NoValue> {
        let locked = self.locked()?.get(currency).copied().unwrap_or_default();
        let free = exact::difference(self.ledger.balance(currency), locked);
        free.ok_or_else(|| NoValue::DoesNotFit(currency.to_string()))
    }

    /// Returns the margin that positions and open orders take: the worst case of each instrument divided by the
    /// account's leverage, in its currency. Zero for a cash account.
    ///
    /// # Errors
    /// A price or a rate that it takes is not known, or a figure does not fit.
    pub fn margin_used(&self) -> Result<Notional, NoValue> {
        if self.account.kind == AccountKind::Cash {
            return Ok(Notional::ZERO);
        }
        let gross = gross_worst(&self.exposures()?)?;
        exact::divided_by(gross, self.account.max_leverage.max(1))
            .ok_or_else(|| NoValue::DoesNotFit("the margin".into()))
    }
}

#[cfg(test)]
mod tests {
    use model::trading::order::OrderId;

    use super::*;
    use crate::testing::{account, booked, claim, claims_of, currency, market, market_claim, notional};

    #[track_caller]
    fn check(claims: &[Claim], expected: &[(&str, &str)]) {
        let account = account(AccountKind::Cash, 1, &[("Q", "1000"), ("B", "10")]);
        let (ledger, market) = (booked(&account, &[]), market("99", "101"));
        let open = claims_of(claims);
        let view = AccountView { account: &account, ledger: &ledger, claims: open.view(), market: &market };
        let expected = expected.iter().map(|(code, amount)| (currency(code), notional(amount))).collect();
        assert_eq!(view.locked(), Ok(expected), "{claims:?}");
    }

    #[test]
    fn open_orders_lock_what_they_may_take() {
        check(&[], &[]);
        check(&[claim(1, Side::Buy, "2", "90")], &[("Q", "180.18")]);
        check(&[market_claim(1, Side::Buy, "1")], &[("Q", "101.101")]);
        check(&[claim(1, Side::Sell, "2", "90"), claim(2, Side::Sell, "1", "120")], &[("B", "3")]);
        let leg = |id| Claim { bracket: Some(OrderId(7)), ..claim(id, Side::Sell, "2", "120") };
        check(&[leg(1), leg(2)], &[("B", "2")]);
        check(&[Claim { is_held: true, ..leg(1) }], &[]);
    }

    #[test]
    fn a_margin_account_needs_its_worst_case_divided_by_its_leverage() {
        let account = account(AccountKind::Margin, 5, &[("Q", "1000")]);
        let (ledger, market) = (booked(&account, &[(Side::Buy, "2", "90")]), market("100", "100"));
        let claims = [claim(1, Side::Buy, "1", "90"), claim(2, Side::Sell, "1", "120")];
        let used = |claims: &[Claim]| {
            let claims = claims_of(claims);
            AccountView { account: &account, ledger: &ledger, claims: claims.view(), market: &market }.margin_used()
        };
        assert_eq!(used(&[]), Ok(notional("40")));
        assert_eq!(used(&claims), Ok(notional("58")));
        let claims = claims_of(&claims);
        let view = AccountView { account: &account, ledger: &ledger, claims: claims.view(), market: &market };
        assert_eq!(view.locked(), Ok(BTreeMap::new()));
    }
}
