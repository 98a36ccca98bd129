//! The price collar: how much worse than the market a limit price may be.

use model::{
    decimal::{Notional, Price, Rate},
    trading::{
        account::RiskLimits,
        order::Side,
        refusal::{DenyCode, Refusal},
    },
};

use crate::{
    claim::Claim,
    exact::{self, MONEY_DECIMALS},
    exposure::{AccountView, NoValue},
};

/// The limit price may not be worse than the best price that it would trade at by more than the collar: above the best ask
/// for a buy, below the best bid for a sell. An order that waits for a stop price is compared with that one.
pub(super) fn check_collar(limits: &RiskLimits, proposal: &Claim, view: &AccountView<'_>) -> Result<(), Refusal> {
    let (Some(limit), Some(price)) = (limits.price_collar_bps, proposal.limit_price) else { return Ok(()) };
    let best = proposal.stop_price.or_else(|| view.market.mark(&proposal.instrument).entry(proposal.side));
    let no_price = || NoValue::Price(proposal.instrument.clone()).refusal();
    let best = best.filter(|best| *best > Price::ZERO).ok_or_else(no_price)?;
    let too_large = || NoValue::DoesNotFit(proposal.instrument.to_string()).refusal();
    let distance = worse_by_bps(price, best, proposal.side).ok_or_else(too_large)?;
    if distance <= Rate::from_mantissa(limit.into(), 0).unwrap_or_default() {
        return Ok(());
    }
    let side = proposal.side;
    let message = format!(
        "The {side} price {price} is {distance} bps worse than {best}; the limit is {limit} bps. Move the price closer to \
         the market."
    );
    Err(Refusal::new(DenyCode::PriceCollar, message).with(format!("{limit} bps"), format!("{distance} bps")))
}

/// Returns by how much a price is worse than another for `side`, in basis points of the other, rounded at two decimals;
/// below zero if it is better.
fn worse_by_bps(price: Price, best: Price, side: Side) -> Option<Rate> {
    let worse = match side {
        Side::Buy => price.checked_sub(best)?,
        Side::Sell => best.checked_sub(price)?,
    };
    let amount = |price: Price| Notional::from_mantissa(price.mantissa(), price.scale());
    let bps = amount(worse)?.share(Rate::from_mantissa(10_000, 0)?, MONEY_DECIMALS)?;
    exact::ratio(bps, amount(best)?, MONEY_DECIMALS)
}
