//! Order previews for tickets: the fill, and whether it is accepted. Nothing is placed or kept.

use model::{
    decimal::{Notional, Price, Quantity, Rate},
    instrument::{Instrument, InstrumentId},
    time::Timestamp,
    trading::{
        order::{OrderRequest, Side, TimeInForce},
        refusal::{DenyCode, Refusal},
    },
};
use portfolio::claim::Claim;
use serde::{Deserialize, Serialize};
use strategy::grid::{
    preview::{GridPreview, preview},
    settings::GridSettings,
};

use crate::{
    checks::{check_request, unknown_instrument},
    desk::Desk,
};

/// Preview of an order that comes to the market now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderPreview {
    /// The best price of the side that it takes.
    pub best: Option<Price>,
    /// Base units that would fill at once.
    pub filled: Quantity,
    /// Their mean price.
    pub average_price: Option<Price>,
    /// Their worst price.
    pub worst_price: Option<Price>,
    /// Their value, in quote currency.
    pub value: Notional,
    /// Slippage of the mean from the best price, in basis points.
    pub slippage_bps: Option<Rate>,
    /// The fee of what would fill at once, in quote currency.
    pub fee: Notional,
    /// Base units that would rest, or, of a market order, not fill.
    pub rest: Quantity,
    /// Base units ahead of those that would rest.
    pub ahead: Option<Quantity>,
    /// Why it would be refused; `None`: it would be accepted.
    pub refusal: Option<Refusal>,
}

impl Desk {
    /// Returns what an order would get now. A conditional order is shown as if its price had been reached.
    ///
    /// # Errors
    /// The account or the instrument is not known, or the book cannot be traded on now.
    pub fn preview_order(&self, request: &OrderRequest, now: Timestamp) -> Result<OrderPreview, Refusal> {
        let account = self.account_of(request.account.as_ref())?.account.account.clone();
        let instrument = self.instrument(&request.instrument)?;
        let seen = self.broker().preview(&instrument.id, request.side, request.quantity, request.price, now)?;
        let checked = self
            .check_kill()
            .and_then(|()| check_request(request, instrument, now))
            .and_then(|()| self.check_risk(&account, &Claim::of_request(request), now))
            .and_then(|()| check_arrival(request, &seen));
        Ok(OrderPreview {
            best: seen.best,
            filled: seen.filled,
            average_price: seen.average,
            worst_price: seen.worst,
            value: seen.value,
            slippage_bps: seen.slippage_bps,
            fee: seen.fee,
            rest: seen.rest,
            ahead: seen.ahead,
            refusal: checked.err(),
        })
    }

    /// Returns what a grid would do on an instrument.
    ///
    /// # Errors
    /// The instrument is not known, or the grid would be refused.
    pub fn preview_grid(&self, settings: &GridSettings, instrument: &InstrumentId) -> Result<GridPreview, Refusal> {
        let instrument = self.instrument(instrument)?;
        preview(settings, instrument, self.fees(&instrument.id))
    }

    fn instrument(&self, id: &InstrumentId) -> Result<&Instrument, Refusal> {
        self.listed(id).ok_or_else(|| unknown_instrument(id))
    }
}

/// Checks what the broker checks when an order comes to the market: flags that depend on what the book has now.
fn check_arrival(request: &OrderRequest, seen: &broker::Preview) -> Result<(), Refusal> {
    if request.kind.is_conditional() {
        return Ok(());
    }
    let crosses = request.price.zip(seen.best).is_some_and(|(price, best)| match request.side {
        Side::Buy => price >= best,
        Side::Sell => price <= best,
    });
    let is_immediate = request.price.is_none() || request.time_in_force == TimeInForce::Ioc;
    let (code, message) = match () {
        () if request.post_only && crosses => {
            (DenyCode::PostOnlyWouldTake, "the post-only order would take liquidity; choose a price that rests")
        }
        () if request.time_in_force == TimeInForce::Fok && !seen.rest.is_zero() => {
            (DenyCode::FokUnfillable, "the fill-or-kill order cannot fill at once")
        }
        () if is_immediate && seen.filled.is_zero() => {
            (DenyCode::NothingLeftToTake, "nothing can fill at once at this price")
        }
        () => return Ok(()),
    };
    Err(Refusal::new(code, message))
}
