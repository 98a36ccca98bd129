//! Preview of an order: its fill if it came to the market now. Nothing is kept.

use model::{
    decimal::{Notional, Price, Quantity, Rate},
    desk_feed::DeskLevels,
    instrument::Instrument,
    trading::{
        order::Side,
        refusal::{DenyCode, Refusal},
    },
};

use crate::{
    config::BrokerConfig,
    rows::{displayed_at, is_within, opposite_rows, own_rows},
    taken::Taken,
};

/// Preview of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The best price of the side that it takes.
    pub best: Option<Price>,
    /// Base units that would fill at once.
    pub filled: Quantity,
    /// Their mean price, rounded half to even two decimals below the tick.
    pub average: Option<Price>,
    /// Their worst price.
    pub worst: Option<Price>,
    /// Their value.
    pub value: Notional,
    /// Slippage of the mean from the best price, in basis points, two decimals; never below zero.
    pub slippage_bps: Option<Rate>,
    /// Fee that the venue would charge for them, in the quote currency.
    pub fee: Notional,
    /// Base units that would rest (of a limit order) or not fill (of a market order).
    pub rest: Quantity,
    /// Base units ahead of those that would rest; `None`: nothing rests, or the level is out of sight.
    pub ahead: Option<Quantity>,
}

/// Walks the levels as a taker would.
pub(crate) fn preview(
    config: &BrokerConfig,
    instrument: &Instrument,
    levels: &DeskLevels,
    taken: &Taken,
    (side, quantity, limit): (Side, Quantity, Option<Price>),
    bound: Option<Price>,
) -> Result<Preview, Refusal> {
    let too_large = || Refusal::new(DenyCode::DoesNotFit, "The value of the order is too large");
    let rows = opposite_rows(levels, side);
    let (mut rest, mut filled, mut value, mut worst) = (quantity, Quantity::ZERO, Notional::ZERO, None);
    for row in rows.iter().take_while(|row| bound.is_none_or(|bound| is_within(side, bound, row.price))) {
        let part = taken.available(*row).min(rest);
        if part.is_zero() {
            continue;
        }
        filled = filled.checked_add(part).ok_or_else(too_large)?;
        let cost = row.price.checked_mul(part).and_then(|cost| value.checked_add(cost));
        value = cost.ok_or_else(too_large)?;
        rest = rest.checked_sub(part).ok_or_else(too_large)?;
        worst = Some(row.price);
    }
    let best = rows.first().map(|row| row.price);
    let average = value.per(filled, instrument.price_decimals().saturating_add(2));
    let ahead = limit.filter(|_| !rest.is_zero()).and_then(|limit| displayed_at(own_rows(levels, side), side, limit));
    Ok(Preview {
        best,
        filled,
        average,
        worst,
        value,
        slippage_bps: best.and_then(|best| slippage_bps(side, best, filled, value)),
        fee: value.share(config.fees_of(instrument.id.venue()).taker, FEE_DECIMALS).ok_or_else(too_large)?,
        rest,
        ahead,
    })
}

fn slippage_bps(side: Side, best: Price, filled: Quantity, value: Notional) -> Option<Rate> {
    let at_best = best.checked_mul(filled)?;
    let excess = match side {
        Side::Buy => value.checked_sub(at_best)?,
        Side::Sell => at_best.checked_sub(value)?,
    };
    let ratio = excess.ratio(at_best, 6)?;
    Rate::from_mantissa(ratio.at_scale(6).mantissa(), 2)
}

/// Decimals of fees.
pub(crate) const FEE_DECIMALS: u32 = 8;
