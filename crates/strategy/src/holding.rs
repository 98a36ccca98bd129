//! Memory of a single-position strategy: the open order, the fills, and their result.
//!
//! It trades at the market, one order at a time. Not here: which position is wanted.

use model::{
    decimal::{Notional, Price, Quantity, Rounding, SignedQuantity},
    instrument::Instrument,
    trading::{
        order::{OrderType, Side},
        refusal::{DenyCode, Refusal},
        strategy::StrategyReport,
    },
};
use serde::{Deserialize, Serialize};

use crate::contract::{Event, Intent};

/// A position with its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    position: SignedQuantity,
    /// Cost of the position; below zero: proceeds of a short.
    cost: Notional,
    entry_fees: Notional,
    realised_pnl: Notional,
    fees: Notional,
    n_round_trips: u64,
    /// The open order and its side.
    order: Option<(String, Side)>,
    n_orders: u64,
}

impl Holding {
    /// Returns the position.
    #[cfg(test)]
    pub(crate) fn position(&self) -> SignedQuantity {
        self.position
    }

    /// Returns the order that makes the position the wanted one; nothing while an order is open.
    pub(crate) fn aim(&mut self, target: SignedQuantity) -> Vec<Intent> {
        if self.order.is_some() {
            return Vec::new();
        }
        let Some(change) = target.checked_sub(self.position).filter(|change| !change.is_zero()) else {
            return Vec::new();
        };
        let side = if change.is_negative() { Side::Sell } else { Side::Buy };
        self.n_orders += 1;
        let tag = format!("m-{}", self.n_orders);
        self.order = Some((tag.clone(), side));
        let (kind, quantity) = (OrderType::Market, change.size());
        vec![Intent::Place { tag, side, kind, quantity, price: None, is_post_only: false }]
    }

    /// Takes in what becomes of its order; other events change nothing.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Filled { tag, price, quantity, fee, is_done } => {
                let Some((_, side)) = self.order.clone().filter(|(own, _)| own == tag) else { return };
                self.on_fill(side, *price, *quantity, *fee);
                if *is_done {
                    self.order = None;
                }
            }
            Event::Ended { tag, .. } => {
                self.order.take_if(|(own, _)| own == tag);
            }
            _ => {}
        }
    }

    fn on_fill(&mut self, side: Side, price: Price, quantity: Quantity, fee: Notional) {
        let before = self.position;
        let change = if side == Side::Buy { quantity.long() } else { quantity.short() };
        let is_closing = !before.is_zero() && before.is_negative() != change.is_negative();
        let closed = if is_closing { quantity.min(before.size()) } else { Quantity::ZERO };
        let opened = quantity.checked_sub(closed).unwrap_or_default();
        let signed = |value: Notional| if side == Side::Buy { value } else { value.negated() };
        let add = |one: Notional, other: Notional| one.checked_add(other).unwrap_or(one);
        if is_closing {
            let cost = self.cost.part(closed, before.size(), DECIMALS).unwrap_or_default();
            let entry_fees = self.entry_fees.part(closed, before.size(), DECIMALS).unwrap_or_default();
            let paid = signed(price.checked_mul(closed).unwrap_or_default());
            let fee = fee.part(closed, quantity, DECIMALS).unwrap_or_default();
            let result = add(add(cost, paid).negated(), add(entry_fees, fee).negated());
            self.realised_pnl = add(self.realised_pnl, result);
            self.cost = add(self.cost, cost.negated());
            self.entry_fees = add(self.entry_fees, entry_fees.negated());
        }
        self.position = before.checked_add(change).unwrap_or(before);
        self.cost = add(self.cost, signed(price.checked_mul(opened).unwrap_or_default()));
        self.entry_fees = add(self.entry_fees, fee.part(opened, quantity, DECIMALS).unwrap_or_default());
        self.fees = add(self.fees, fee);
        if is_closing && closed == before.size() {
            self.n_round_trips += 1;
        }
    }

    /// Returns what the strategy shows of itself.
    pub(crate) fn report(&self, last_price: Option<Price>) -> StrategyReport {
        let Self { position, cost, entry_fees, realised_pnl, fees, n_round_trips, .. } = *self;
        let floating = |price: Price| position.value(price)?.checked_sub(cost)?.checked_sub(entry_fees);
        StrategyReport {
            realised_pnl,
            floating_pnl: last_price.and_then(floating),
            fees,
            n_round_trips,
            position,
            ..StrategyReport::default()
        }
    }
}

/// Checks the quantity that a strategy shall hold.
///
/// # Errors
/// It is zero, or no multiple of the lot size.
pub(crate) fn check_quantity(quantity: Quantity, instrument: &Instrument) -> Result<(), Refusal> {
    if quantity.is_zero() || instrument.round_quantity(quantity, Rounding::Down) != Some(quantity) {
        let message = format!("{quantity} is no multiple of the lot size {}", instrument.lot_size);
        return Err(Refusal::new(DenyCode::QuantityOffLot, message).with(instrument.lot_size, quantity));
    }
    Ok(())
}

/// Decimals of a part of a cost.
const DECIMALS: u32 = 12;
