//! Changes and fills of orders, and their ends: all that makes an event goes through here.

use std::collections::BTreeMap;

use model::{
    decimal::{Price, Quantity, SignedQuantity},
    trading::{
        account::AccountId,
        fill::{Evidence, Fill, FillId, Liquidity},
        order::{OrderId, OrderState, Side},
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

use super::{Market, Stage};
use crate::{event::BrokerEvent, preview::FEE_DECIMALS, turn::Turn};

impl Market {
    pub(crate) fn change(&mut self, turn: &mut Turn<'_>, id: OrderId, change: OrderChange) {
        if let Some(working) = self.orders.get_mut(&id) {
            working.order.apply(&change, turn.now);
            turn.events.push(BrokerEvent::Changed { order_id: id, time: turn.now, change });
        }
    }

    pub(super) fn end(&mut self, turn: &mut Turn<'_>, id: OrderId, change: OrderChange) {
        self.change(turn, id, change);
        self.leave(turn, id);
    }

    /// An order that has ended leaves.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        self.unlink(id);
        let Some(working) = self.orders.remove(&id) else { return };
        self.ended.push(id);
        if self.just_ended.0 != turn.now {
            self.just_ended = (turn.now, BTreeMap::new());
        }
        self.just_ended.1.insert(id, working.order.filled);
        self.part_ended(turn, &working.order);
    }

    /// Takes an order out of where it waits or rests.
    pub(super) fn unlink(&mut self, id: OrderId) {
        let Some(working) = self.orders.get_mut(&id) else { return };
        match working.stage {
            Stage::Arriving | Stage::Held => {}
            Stage::Stop => self.triggers.remove(&working.order, working.sequence),
            Stage::Waiting(number) => {
                self.waiting.remove(&number);
            }
            Stage::Resting(price) => {
                let side = self.resting.of_mut(working.order.side);
                if let Some(level) = side.get_mut(&price) {
                    level.orders.retain(|other| *other != id);
                    if level.orders.is_empty() {
                        side.remove(&price);
                    }
                }
            }
        }
        working.stage = Stage::Arriving;
        working.place = None;
    }

    /// Fills an order, as far as it is open and may still trade. Returns what has filled.
    pub(super) fn fill(
        &mut self,
        turn: &mut Turn<'_>,
        id: OrderId,
        price: Price,
        quantity: Quantity,
        liquidity: Liquidity,
        evidence: Evidence,
    ) -> Quantity {
        let Some(working) = self.orders.get(&id) else { return Quantity::ZERO };
        let order = &working.order;
        let before = self.positions.get(&order.account).copied().unwrap_or_default();
        let mut quantity = quantity.min(order.leaves());
        if order.reduce_only {
            quantity = quantity.min(reducible(before, order.side));
            if quantity.is_zero() {
                self.nothing_to_reduce(turn, id);
                return Quantity::ZERO;
            }
        }
        if quantity.is_zero() {
            return Quantity::ZERO;
        }
        let rates = turn.config.fees_of(self.instrument.id.venue());
        let rate = match liquidity {
            Liquidity::Maker => rates.maker,
            Liquidity::Taker => rates.taker,
        };
        let signed = match order.side {
            Side::Buy => quantity.long(),
            Side::Sell => quantity.short(),
        };
        let fee = price.checked_mul(quantity).and_then(|value| value.share(rate, FEE_DECIMALS));
        let (Some(fee), Some(after)) = (fee, before.checked_add(signed)) else {
            self.does_not_fit(turn, id);
            return Quantity::ZERO;
        };
        let fill = Fill {
            fill_id: FillId { order_id: id, number: order.n_fills.saturating_add(1) },
            order_id: id,
            account: order.account.clone(),
            instrument: self.instrument.id.clone(),
            side: order.side,
            price,
            quantity,
            fee,
            fee_currency: self.fee_currency.clone(),
            liquidity,
            time: turn.now,
            evidence,
        };
        let account = order.account.clone();
        let Some(working) = self.orders.get_mut(&id) else { return Quantity::ZERO };
        if working.order.apply_fill(&fill).is_err() {
            self.does_not_fit(turn, id);
            return Quantity::ZERO;
        }
        let is_filled = working.order.state == OrderState::Filled;
        turn.events.push(BrokerEvent::Filled(fill));
        self.positions.insert(account.clone(), after);
        self.bracket_filled(turn, id, quantity);
        if is_filled {
            self.leave(turn, id);
        }
        let is_gone = !before.is_zero() && (after.is_zero() || after.is_negative() != before.is_negative());
        if is_gone {
            self.position_gone(turn, &account, id);
        }
        quantity
    }

    /// No position is left for a reduce-only order; a leg whose entry is open waits for the next fill of that one.
    pub(super) fn nothing_to_reduce(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        let entry = self.order(id).and_then(|order| order.bracket);
        if entry.is_some_and(|(entry, _)| self.orders.contains_key(&entry)) {
            return self.hold_back(id);
        }
        let refusal = Refusal::new(DenyCode::NothingToReduce, "There is no position left to reduce");
        self.end(turn, id, OrderChange::Cancelled(refusal));
    }

    fn position_gone(&mut self, turn: &mut Turn<'_>, account: &AccountId, filled: OrderId) {
        let is_idle = |id: &OrderId| {
            self.orders.get(id).is_some_and(|working| {
                let order = &working.order;
                let is_concerned = order.reduce_only && order.account == *account;
                let is_here = *id == filled || !matches!(working.stage, Stage::Held | Stage::Arriving);
                is_concerned && is_here && self.position_to_reduce(order).is_zero()
            })
        };
        let ids: Vec<OrderId> = self.orders.keys().copied().filter(is_idle).collect();
        for id in ids {
            self.nothing_to_reduce(turn, id);
        }
    }

    fn does_not_fit(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        let refusal = Refusal::new(DenyCode::DoesNotFit, "The value of the fill is too large");
        self.end(turn, id, OrderChange::Cancelled(refusal));
    }
}

/// Returns how much of a position an order of `side` can reduce.
pub(super) fn reducible(position: SignedQuantity, side: Side) -> Quantity {
    let is_reduced = match side {
        Side::Buy => position.is_negative(),
        Side::Sell => !position.is_negative(),
    };
    if is_reduced { position.size() } else { Quantity::ZERO }
}
