//! Amendments: new figures of open orders, and what they do to a place in the queue.

use model::trading::{
    order::{Amendment, Order, OrderId, OrderState},
    record::OrderChange,
    refusal::{DenyCode, Refusal},
};

use super::{Market, Stage};
use crate::turn::Turn;

impl Market {
    /// Amends an order. One that can no longer be amended so, because it filled meanwhile, stays as it is.
    pub(crate) fn amend(&mut self, turn: &mut Turn<'_>, id: OrderId, amendment: Amendment) {
        let Some(working) = self.orders.get(&id) else { return };
        let order = &working.order;
        if check(order, &amendment).is_err() {
            return;
        }
        let has_price = amendment.price.is_none_or(|price| order.price == Some(price));
        let keeps_place = has_price && amendment.quantity.is_none_or(|quantity| quantity <= order.quantity);
        let stage = working.stage;
        let has_moved = match stage {
            Stage::Stop => true,
            Stage::Resting(_) => !keeps_place,
            Stage::Arriving | Stage::Held | Stage::Waiting(_) => false,
        };
        if has_moved {
            self.unlink(id);
        }
        self.change(turn, id, OrderChange::Amended(amendment));
        if self.order(id).is_some_and(|order| order.state == OrderState::Filled) {
            self.leave(turn, id);
        } else if has_moved && stage == Stage::Stop {
            self.watch(id);
            self.check_at_once(turn, id);
        } else if has_moved {
            self.enter(turn, id);
        }
        self.arrive_all(turn);
    }
}

/// Checks an amendment of an order as it is now.
pub(crate) fn check(order: &Order, amendment: &Amendment) -> Result<(), Refusal> {
    let refuse = |code, text: &str| Err(Refusal::new(code, text));
    if !order.state.is_open() {
        return refuse(DenyCode::OrderClosed, "The order has ended");
    }
    if order.state == OrderState::PendingCancel {
        return refuse(DenyCode::OrderClosed, "A cancel of the order is on its way");
    }
    if amendment.is_empty() {
        return refuse(DenyCode::BadRequest, "The amendment changes nothing; give a quantity, a price or a stop price");
    }
    if let Some(quantity) = amendment.quantity {
        if order.bracket.is_some() {
            return refuse(DenyCode::FieldNotAllowed, "The quantity of a bracket's leg follows its entry");
        }
        if quantity.is_zero() || quantity < order.filled {
            let text = "The new quantity is below what has filled; cancel the order to keep it from filling more";
            return Err(Refusal::new(DenyCode::QuantityBelowMinimum, text).with(order.filled, quantity));
        }
    }
    if amendment.price.is_some() && !order.kind.has_price() {
        return refuse(DenyCode::FieldNotAllowed, "The order has no price");
    }
    if amendment.stop_price.is_some() && !order.is_waiting() {
        return refuse(DenyCode::FieldNotAllowed, "The order does not wait for a stop price");
    }
    let prices = [amendment.price, amendment.stop_price];
    if prices.into_iter().flatten().any(|price| price.is_zero() || price.is_negative()) {
        return refuse(DenyCode::PriceNotPositive, "The new price is not above zero");
    }
    Ok(())
}
