//! Exposure in the worst case: what each instrument's position becomes if all open orders of one side fill.
//!
//! Of a side's open quantity, what reduces the position comes first; the rest enlarges it, or opens it on the other side,
//! and counts with its share of the orders' value. Reduce-only orders count as far as there is something to reduce. A
//! cash account cannot go short: its sells reduce.
//!
//! Values are in the account's currency.

use model::{
    decimal::{Notional, Quantity, SignedQuantity},
    instrument::InstrumentId,
    trading::{
        account::{Account, AccountKind, Currency},
        order::Side,
        refusal::{DenyCode, Refusal},
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    claim::Claim,
    claims::{ClaimsView, NoSum},
    exact,
    ledger::Ledger,
    market::Market,
};

/// An account with its open orders and the market, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct AccountView<'a> {
    /// Its settings.
    pub account: &'a Account,
    /// Ledger of the account.
    pub ledger: &'a Ledger,
    /// Its open orders.
    pub claims: ClaimsView<'a>,
    /// The market.
    pub market: &'a Market,
}

/// Why something has no value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NoValue {
    /// The market has no price of it.
    #[error("no price of {0} is known")]
    Price(InstrumentId),
    /// Its base, quote and fees are not known.
    #[error("the currencies of {0} are not known")]
    Terms(InstrumentId),
    /// No route leads to the account's currency.
    #[error("no rate from {0} to {1} is known")]
    Rate(Currency, Currency),
    /// The figure does not fit a decimal.
    #[error("the value of {0} does not fit")]
    DoesNotFit(String),
}

impl NoValue {
    /// Refuses an order whose check needs the value.
    pub fn refusal(&self) -> Refusal {
        let code = match self {
            Self::Price(_) | Self::Terms(_) | Self::Rate(..) => DenyCode::NoPrice,
            Self::DoesNotFit(_) => DenyCode::DoesNotFit,
        };
        let remedy = if code == DenyCode::NoPrice { "wait until it is" } else { "make the order smaller" };
        let reason = self.to_string();
        let mut chars = reason.chars();
        let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
        Refusal::new(code, format!("{first}{}, so the order cannot be checked; {remedy}.", chars.as_str()))
    }
}

/// The exposure in one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Value of the position, without sign.
    pub position: Notional,
    /// Value of the long position if all open buys fill; 0 if they leave none.
    pub long: Notional,
    /// Value of the short position if all open sells fill; 0 if they leave none.
    pub short: Notional,
}

impl Exposure {
    /// Returns the largest of the three.
    pub fn worst(&self) -> Notional {
        self.position.max(self.long).max(self.short)
    }

    /// Returns the worst case of one side.
    pub fn of(&self, side: Side) -> Notional {
        match side {
            Side::Buy => self.long,
            Side::Sell => self.short,
        }
    }
}

impl AccountView<'_> {
    /// Returns the exposure of every instrument with a position or an open order, in the order of their names.
    ///
    /// # Errors
    /// A price or a rate that it takes is not known, or a figure does not fit.
    pub fn exposures(&self) -> Result<Vec<Exposure>, NoValue> {
        let held = self.ledger.positions().iter().filter(|(_, position)| !position.quantity().is_zero());
        let mut instruments = self.claims.instruments();
        instruments.extend(held.map(|(instrument, _)| instrument));
        instruments.into_iter().map(|instrument| self.exposure(instrument)).collect()
    }

    fn exposure(&self, instrument: &InstrumentId) -> Result<Exposure, NoValue> {
        let held = self.held(instrument);
        let position = self.in_account_currency(instrument, self.position_value(instrument)?)?;
        let worst = |side| -> Result<Notional, NoValue> {
            let added = self.added(instrument, held, side)?;
            let added = self.in_account_currency(instrument, added)?;
            let is_same_side = !held.is_zero() && held.is_negative() == (side == Side::Sell);
            let base = if is_same_side { position } else { Notional::ZERO };
            exact::sum(base, added).ok_or_else(|| does_not_fit(instrument))
        };
        let (long, short) = (worst(Side::Buy)?, worst(Side::Sell)?);
        Ok(Exposure { instrument: instrument.clone(), position, long, short })
    }

    /// Returns the quote value that open orders of one side add beyond what they reduce.
    fn added(&self, instrument: &InstrumentId, held: SignedQuantity, side: Side) -> Result<Notional, NoValue> {
        if side == Side::Sell && self.account.kind == AccountKind::Cash {
            return Ok(Notional::ZERO);
        }
        let fits = |quantity: Option<Quantity>| quantity.ok_or_else(|| does_not_fit(instrument));
        let plain = fits(self.claims.quantity_of(instrument, side, false))?;
        let reducing = fits(self.claims.quantity_of(instrument, side, true))?;
        let value = self.claim_value_of(instrument, side, false)?;
        let reducible = reducible(held, side);
        let left = reducible.checked_sub(reducing.min(reducible)).unwrap_or_default();
        let added = plain.checked_sub(left.min(plain)).unwrap_or_default();
        let part = || exact::part(exact::magnitude(value), added, plain).ok_or_else(|| does_not_fit(instrument));
        if added.is_zero() { Ok(Notional::ZERO) } else { part() }
    }

    /// Returns the quote value of the open orders of one side that are reduce-only, or of the others.
    pub(crate) fn claim_value_of(
        &self,
        instrument: &InstrumentId,
        side: Side,
        reduce_only: bool,
    ) -> Result<Notional, NoValue> {
        let value = self.claims.value_of(instrument, side, reduce_only, &self.market.mark(instrument));
        value.map_err(|no_sum| match no_sum {
            NoSum::Price => NoValue::Price(instrument.clone()),
            NoSum::DoesNotFit => does_not_fit(instrument),
        })
    }

    /// Returns how much of a claim would open or enlarge a position, if all other open orders of its side filled first.
    pub fn opening_quantity(&self, claim: &Claim) -> Quantity {
        if claim.reduce_only || (claim.side == Side::Sell && self.account.kind == AccountKind::Cash) {
            return Quantity::ZERO;
        }
        let reducible = reducible(self.held(&claim.instrument), claim.side);
        // A sum that does not fit leaves nothing.
        let before = self.claims.quantity(&claim.instrument, claim.side).unwrap_or(reducible);
        let left = reducible.checked_sub(before.min(reducible)).unwrap_or_default();
        claim.quantity.checked_sub(left.min(claim.quantity)).unwrap_or_default()
    }

    /// Returns the base units that count as exposure: a cash account is never short.
    pub(crate) fn held(&self, instrument: &InstrumentId) -> SignedQuantity {
        let held = self.ledger.position(instrument).map(|position| position.quantity()).unwrap_or_default();
        if self.account.kind == AccountKind::Cash && held.is_negative() { SignedQuantity::ZERO } else { held }
    }

    /// Returns the value of a position in quote currency, without sign.
    fn position_value(&self, instrument: &InstrumentId) -> Result<Notional, NoValue> {
        let held = self.held(instrument);
        let Some(side) = crate::round_trip::side_of(held) else { return Ok(Notional::ZERO) };
        let price = self.market.mark(instrument).exit(side, self.account.kind);
        let price = price.ok_or_else(|| NoValue::Price(instrument.clone()))?;
        let value = exact::signed_value(price, held).map(exact::magnitude);
        value.ok_or_else(|| does_not_fit(instrument))
    }

    /// Converts an amount of an instrument's quote currency.
    pub(crate) fn in_account_currency(&self, instrument: &InstrumentId, amount: Notional) -> Result<Notional, NoValue> {
        if amount.is_zero() {
            return Ok(amount);
        }
        let from = self.quote(instrument)?;
        let to = &self.account.currency;
        let route = self.market.rates.route(from, to).ok_or_else(|| NoValue::Rate(from.clone(), to.clone()))?;
        route.convert(amount).ok_or_else(|| does_not_fit(instrument))
    }

    fn quote(&self, instrument: &InstrumentId) -> Result<&Currency, NoValue> {
        let booked = self.ledger.position(instrument).map(|position| position.pair());
        let pair = booked.or_else(|| self.market.terms.get(instrument).map(|terms| &terms.pair));
        pair.map(|pair| &pair.quote).ok_or_else(|| NoValue::Terms(instrument.clone()))
    }
}

/// Returns the base units that an order of `side` could close.
pub(crate) fn reducible(held: SignedQuantity, side: Side) -> Quantity {
    let is_opposite = !held.is_zero() && held.is_negative() == (side == Side::Buy);
    if is_opposite { held.size() } else { Quantity::ZERO }
}

/// Returns the sum of the worst cases.
///
/// # Errors
/// It does not fit.
pub fn gross_worst(exposures: &[Exposure]) -> Result<Notional, NoValue> {
    let sum = exposures.iter().try_fold(Notional::ZERO, |sum, exposure| exact::sum(sum, exposure.worst()));
    sum.ok_or_else(|| NoValue::DoesNotFit("all positions".into()))
}

fn does_not_fit(instrument: &InstrumentId) -> NoValue {
    NoValue::DoesNotFit(instrument.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claims::Claims,
        testing::{account, booked, claim, claims_of, instrument, market, market_claim, notional, quantity},
    };

    /// Checks position, long and short in the worst case, at 100 to buy and to sell.
    #[track_caller]
    fn check(kind: AccountKind, held: &[(Side, &str, &str)], claims: &[Claim], expected: (&str, &str, &str)) {
        let account = account(kind, 5, &[("Q", "1000")]);
        let (ledger, market) = (booked(&account, held), market("100", "100"));
        let claims = claims_of(claims);
        let view = AccountView { account: &account, ledger: &ledger, claims: claims.view(), market: &market };
        let exposures = view.exposures().unwrap();
        let found = exposures.first().map(|exposure| (exposure.position, exposure.long, exposure.short));
        let expected = (notional(expected.0), notional(expected.1), notional(expected.2));
        assert_eq!(found.unwrap_or_default(), expected, "{kind:?} {held:?} {claims:?}");
    }

    #[test]
    fn the_worst_case_is_all_orders_of_one_side() {
        use AccountKind::{Cash, Margin};
        use Side::{Buy, Sell};
        let reduce = |claim| Claim { reduce_only: true, ..claim };
        let long = [(Buy, "2", "90")];
        let short = [(Sell, "2", "90")];
        check(Margin, &[], &[], ("0", "0", "0"));
        check(Margin, &long, &[], ("200", "200", "0"));
        check(Margin, &short, &[], ("200", "0", "200"));
        check(
            Margin,
            &[],
            &[claim(1, Buy, "1", "90"), claim(2, Buy, "2", "80"), claim(3, Sell, "1", "110")],
            ("0", "250", "110"),
        );
        check(Margin, &long, &[claim(1, Buy, "1", "90")], ("200", "290", "0"));
        // Sells first close the long; of five, three open a short at their own price.
        check(Margin, &long, &[claim(1, Sell, "2", "110")], ("200", "200", "0"));
        check(Margin, &long, &[claim(1, Sell, "5", "110")], ("200", "200", "330"));
        check(Margin, &short, &[market_claim(1, Buy, "3")], ("200", "100", "200"));
        // A reduce-only order adds nothing, but leaves less to reduce for the others.
        check(Margin, &long, &[reduce(claim(1, Sell, "9", "110"))], ("200", "200", "0"));
        check(Margin, &long, &[reduce(claim(1, Sell, "2", "110")), claim(2, Sell, "1", "110")], ("200", "200", "110"));
        check(Margin, &[], &[reduce(market_claim(1, Buy, "3"))], ("0", "0", "0"));
        check(Cash, &long, &[claim(1, Sell, "5", "110"), claim(2, Buy, "1", "90")], ("200", "290", "0"));
        check(Cash, &short, &[], ("0", "0", "0"));
    }

    #[test]
    fn only_what_goes_beyond_the_position_opens() {
        use Side::{Buy, Sell};
        #[track_caller]
        fn check(held: &[(Side, &str, &str)], claims: &[Claim], proposal: Claim, expected: &str) {
            let account = account(AccountKind::Margin, 5, &[("Q", "1000")]);
            let (ledger, market) = (booked(&account, held), Market::default());
            let claims = claims_of(claims);
            let view = AccountView { account: &account, ledger: &ledger, claims: claims.view(), market: &market };
            assert_eq!(view.opening_quantity(&proposal), quantity(expected), "{held:?} {claims:?} {proposal:?}");
        }
        let long = [(Buy, "2", "90")];
        check(&long, &[], market_claim(9, Buy, "1"), "1");
        check(&long, &[], market_claim(9, Sell, "2"), "0");
        check(&long, &[], market_claim(9, Sell, "3"), "1");
        check(&[], &[], market_claim(9, Sell, "3"), "3");
        check(&long, &[claim(1, Sell, "1.5", "110")], market_claim(9, Sell, "1"), "0.5");
        check(&long, &[claim(1, Sell, "5", "110")], market_claim(9, Sell, "1"), "1");
        check(&long, &[], Claim { reduce_only: true, ..market_claim(9, Sell, "3") }, "0");
        let leg = |id| Claim { bracket: Some(model::trading::order::OrderId(5)), ..claim(id, Sell, "1", "110") };
        check(&long, &[leg(1), leg(2)], market_claim(9, Sell, "1"), "0");
    }

    #[test]
    fn what_has_no_price_is_named() {
        let account = account(AccountKind::Margin, 5, &[("Q", "1000")]);
        let ledger = booked(&account, &[(Side::Buy, "1", "100")]);
        let mut market = market("100", "100");
        market.marks.clear();
        let none = Claims::default();
        let view = AccountView { account: &account, ledger: &ledger, claims: none.view(), market: &market };
        assert_eq!(view.exposures(), Err(NoValue::Price(instrument("BQ"))));
        let refusal = NoValue::Price(instrument("BQ")).refusal();
        assert_eq!(refusal.code, DenyCode::NoPrice);
        let message = "No price of demo:BQ is known, so the order cannot be checked; wait until it is.";
        assert_eq!(refusal.message, message);
    }
}
