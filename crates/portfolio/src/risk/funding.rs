//! Check that an account can pay for an order.

use model::{
    decimal::Notional,
    trading::{
        account::{AccountKind, Currency},
        refusal::{DenyCode, Refusal},
    },
};

use super::claim_value;
use crate::{
    claim::Claim,
    exact,
    exposure::{AccountView, NoValue},
    valuation::Valuation,
};

/// Compares what an order needs with what is free: before it, and with it among the open orders.
pub(super) fn check_funds(proposal: &Claim, before: &AccountView<'_>, after: &AccountView<'_>) -> Result<(), Refusal> {
    let refuse = |no_value: NoValue| no_value.refusal();
    match before.account.kind {
        AccountKind::Cash => {
            let (currency, needed) = before.lock(proposal).map_err(refuse)?;
            // Counted on the whole, so that the legs of a bracket share what they lock.
            let locked = after.locked().map_err(refuse)?.get(&currency).copied().unwrap_or_default();
            if locked <= before.ledger.balance(&currency) {
                return Ok(());
            }
            let free = before.free(&currency).map_err(refuse)?;
            let message =
                format!("The order needs {needed} {currency}, and {free} {currency} is free. Make it smaller.");
            Err(insufficient(message, free, needed, &currency))
        }
        AccountKind::Margin if before.opening_quantity(proposal).is_zero() => Ok(()),
        AccountKind::Margin => {
            let currency = &before.account.currency;
            let equity = Valuation::of(after).complete_equity().map_err(refuse)?;
            let fits =
                |amount: Option<Notional>| amount.ok_or_else(|| NoValue::DoesNotFit("the margin".into()).refusal());
            let value = claim_value(proposal, after).map_err(refuse)?;
            let terms = || NoValue::Terms(proposal.instrument.clone()).refusal();
            let fee = after.fee(&proposal.instrument, value).ok_or_else(terms)?;
            let used_before = before.margin_used().map_err(refuse)?;
            let used = fits(exact::sum(after.margin_used().map_err(refuse)?, fee))?;
            if used <= equity {
                return Ok(());
            }
            let needed = fits(exact::difference(used, used_before))?;
            let free = fits(exact::difference(equity, used_before))?;
            let message = format!(
                "The order needs a margin of {needed} {currency}, and {free} {currency} is free. Make it smaller."
            );
            Err(insufficient(message, free, needed, currency))
        }
    }
}

fn insufficient(message: String, free: Notional, needed: Notional, currency: &Currency) -> Refusal {
    Refusal::new(DenyCode::InsufficientFunds, message)
        .with(format!("{free} {currency}"), format!("{needed} {currency}"))
}
