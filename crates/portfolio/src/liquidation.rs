//! Liquidation of a margin account: when it can no longer carry its positions, and what to close.
//!
//! Rule: the maintenance margin is half of the initial margin at the account's largest leverage, so
//! Σ |position value| ÷ leverage ÷ 2. At an equity at or below it all positions are closed at their marks. A venue's own
//! rule has tiers by size and a fee of its own; this one is simpler and stated. Nothing is decided on a price that is
//! not known.

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
    trading::{account::AccountKind, order::Side},
};

use crate::{
    exact,
    exposure::{AccountView, NoValue},
    valuation::Valuation,
};

/// One position to close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side of the closing fill.
    pub side: Side,
    /// Base units.
    pub quantity: Quantity,
    /// The mark to close it at.
    pub price: Price,
}

/// A margin account that must be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// The equity, in the account's currency.
    pub equity: Notional,
    /// The maintenance margin that it is not above.
    pub maintenance_margin: Notional,
    /// All positions, in the order of their instruments.
    pub closings: Vec<Closing>,
}

/// Returns the maintenance margin of a gross exposure; `None` if it does not fit.
pub fn maintenance_margin(gross_exposure: Notional, max_leverage: u32) -> Option<Notional> {
    exact::divided_by(gross_exposure, max_leverage.max(1).checked_mul(2)?)
}

/// Decides whether an account must be liquidated. Never a cash account, nor one without positions.
///
/// # Errors
/// Something has no value: nothing can be decided.
pub fn liquidation(view: &AccountView<'_>, valuation: &Valuation) -> Result<Option<Liquidation>, NoValue> {
    if view.account.kind == AccountKind::Cash || valuation.positions.is_empty() {
        return Ok(None);
    }
    let equity = valuation.complete_equity()?;
    let maintenance_margin = maintenance_margin(valuation.gross_exposure, view.account.max_leverage)
        .ok_or_else(|| NoValue::DoesNotFit("the margin".into()))?;
    if equity > maintenance_margin {
        return Ok(None);
    }
    let closings = valuation.positions.iter().filter_map(|line| {
        let side = if line.quantity.is_negative() { Side::Buy } else { Side::Sell };
        let (instrument, quantity) = (line.instrument.clone(), line.quantity.size());
        line.mark.map(|price| Closing { instrument, side, quantity, price })
    });
    Ok(Some(Liquidation { equity, maintenance_margin, closings: closings.collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claims::Claims,
        testing::{account, booked, instrument, market, notional, price, quantity},
    };

    fn decide(
        kind: AccountKind,
        start: &str,
        fills: &[(Side, &str, &str)],
        at: Option<&str>,
    ) -> Result<Option<Liquidation>, NoValue> {
        let account = account(kind, 10, &[("Q", start)]);
        let ledger = booked(&account, fills);
        let mut market = market(at.unwrap_or("1"), at.unwrap_or("1"));
        if at.is_none() {
            market.marks.clear();
        }
        let none = Claims::default();
        let view = AccountView { account: &account, ledger: &ledger, claims: none.view(), market: &market };
        liquidation(&view, &Valuation::of(&view))
    }

    #[track_caller]
    fn check(start: &str, fills: &[(Side, &str, &str)], at: &str, is_due: bool) {
        let decision = decide(AccountKind::Margin, start, fills, Some(at)).unwrap();
        assert_eq!(decision.is_some(), is_due, "{start} {fills:?} {at}");
    }

    #[test]
    fn it_is_due_at_half_of_the_initial_margin() {
        let long = [(Side::Buy, "10", "100")];
        let short = [(Side::Sell, "10", "100")];
        // At 95 the equity is 47.51 and half of the margin 47.5.
        check("97.51", &long, "95", false);
        check("97.5", &long, "95", true);
        check("97.5", &long, "90", true);
        check("102.51", &short, "105", false);
        check("102.5", &short, "105", true);
        check("0", &[], "95", false);
        check("-5", &[], "95", false);
    }

    #[test]
    fn it_closes_everything_at_the_mark() {
        let due = decide(AccountKind::Margin, "1", &[(Side::Sell, "10", "100")], Some("105")).unwrap().unwrap();
        assert_eq!((due.equity, due.maintenance_margin), (notional("-49"), notional("52.5")));
        let (instrument, quantity, price) = (instrument("BQ"), quantity("10"), price("105"));
        assert_eq!(due.closings, [Closing { instrument, side: Side::Buy, quantity, price }]);
    }

    #[test]
    fn nothing_is_decided_without_a_price_and_a_cash_account_never_is() {
        let long = [(Side::Buy, "10", "100")];
        assert!(decide(AccountKind::Margin, "1", &long, None).is_err());
        assert_eq!(decide(AccountKind::Cash, "1000", &long, Some("0.01")), Ok(None));
    }
}
