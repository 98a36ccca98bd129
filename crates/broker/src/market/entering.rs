//! Orders that come to the market: they take, rest, wait, or are refused.

use std::sync::Arc;

use model::{
    decimal::{Price, Quantity},
    desk_feed::DeskLevels,
    trading::{
        fill::{Evidence, FillCause, Liquidity},
        order::{Order, OrderId, TimeInForce},
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

use super::{Market, Stage, fills::reducible};
use crate::{
    rows::{is_within, less, opposite_rows},
    turn::Turn,
};

/// Why a taker took no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    /// The order has ended.
    Ended,
    /// The next level is beyond its bound.
    Bound,
    /// No level is left.
    NoLevels,
}

impl Market {
    /// An order reaches the market.
    pub(crate) fn arrive(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        self.change(turn, id, OrderChange::Opened);
        self.look_at(turn, id);
        self.arrive_all(turn);
    }

    /// Looks at the legs that were activated meanwhile.
    pub(super) fn arrive_all(&mut self, turn: &mut Turn<'_>) {
        while let Some(id) = self.arriving.pop_front() {
            self.look_at(turn, id);
        }
    }

    fn look_at(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        let Some(order) = self.order(id) else { return };
        if order.reduce_only && self.position_to_reduce(order).is_zero() {
            self.nothing_to_reduce(turn, id);
        } else if order.is_waiting() {
            self.watch(id);
            self.check_at_once(turn, id);
        } else {
            self.enter(turn, id);
        }
    }

    /// An order that its price has set off, or that never had to wait for one, trades as far as it can now.
    pub(super) fn enter(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        let levels = self.tradable(turn);
        let Some(order) = self.order(id) else { return };
        let is_immediate = matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let levels = match levels {
            Ok(levels) => levels,
            Err(blocker) if is_immediate => return self.reject(turn, id, blocker.refusal()),
            Err(_) => return self.wait(id),
        };
        let keeps_trying = is_exit(order) && !is_immediate;
        let price = order.price.filter(|_| order.is_limit_now());
        let bound = price.or_else(|| self.protection(turn.config, &levels, order.side));
        let crosses = bound
            .zip(opposite_rows(&levels, order.side).first())
            .is_some_and(|(bound, best)| is_within(order.side, bound, best.price));
        if order.post_only && crosses {
            let refusal = Refusal::new(DenyCode::PostOnlyWouldTake, "The post-only order would take liquidity");
            return self.reject(turn, id, refusal);
        }
        if order.time_in_force == TimeInForce::Fok && !self.can_fill_all(order, &levels, bound) {
            let refusal = Refusal::new(DenyCode::FokUnfillable, "The fill-or-kill order cannot fill at once");
            return self.reject(turn, id, refusal);
        }
        let halt = match bound {
            Some(bound) => self.take(turn, id, &levels, bound),
            None => Halt::NoLevels,
        };
        match (halt, price) {
            (Halt::Ended, _) => {}
            (_, Some(price)) if !is_immediate => self.join(id, price, Some(&levels)),
            (_, None) if keeps_trying => self.wait(id),
            (Halt::Bound, None) => {
                let text = "The rest would fill beyond the price protection";
                let refusal = Refusal::new(DenyCode::PriceProtection, text);
                let refusal = match bound {
                    Some(bound) => Refusal { limit: Some(bound.to_string()), ..refusal },
                    None => refusal,
                };
                self.end(turn, id, OrderChange::Cancelled(refusal));
            }
            _ => {
                let refusal = Refusal::new(DenyCode::NothingLeftToTake, "Nothing more can fill at once");
                self.end(turn, id, OrderChange::Cancelled(refusal));
            }
        }
    }

    /// An order waits for a tradable book, or for one that has something for it.
    pub(super) fn wait(&mut self, id: OrderId) {
        self.n_waited += 1;
        if let Some(working) = self.orders.get_mut(&id) {
            working.stage = Stage::Waiting(self.n_waited);
            self.waiting.insert(self.n_waited, id);
        }
    }

    fn reject(&mut self, turn: &mut Turn<'_>, id: OrderId, refusal: Refusal) {
        self.end(turn, id, OrderChange::Rejected(refusal));
    }

    fn can_fill_all(&self, order: &Order, levels: &DeskLevels, bound: Option<Price>) -> bool {
        let Some(bound) = bound else { return false };
        if order.reduce_only && self.position_to_reduce(order) < order.leaves() {
            return false;
        }
        let taken = self.taken.of(order.side.opposite());
        let rows = opposite_rows(levels, order.side).iter().take_while(|row| is_within(order.side, bound, row.price));
        rows.fold(order.leaves(), |left, row| less(left, taken.available(*row))).is_zero()
    }

    /// Takes the other side level by level, at each level's price.
    fn take(&mut self, turn: &mut Turn<'_>, id: OrderId, levels: &Arc<DeskLevels>, bound: Price) -> Halt {
        let Some(side) = self.order(id).map(|order| order.side) else { return Halt::Ended };
        for row in opposite_rows(levels, side) {
            let Some(leaves) = self.order(id).map(Order::leaves) else { return Halt::Ended };
            if !is_within(side, bound, row.price) {
                return Halt::Bound;
            }
            let taken = self.taken.of(side.opposite());
            let quantity = taken.available(*row).min(leaves);
            if quantity.is_zero() {
                continue;
            }
            let cause = FillCause::Level {
                last_update_id: levels.last_update_id,
                price: row.price,
                displayed: row.quantity,
                taken_before: taken.of(*row),
            };
            let filled = self.fill(turn, id, row.price, quantity, Liquidity::Taker, evidence_of(levels, cause));
            self.taken.of_mut(side.opposite()).take(*row, filled);
            if self.is_held_back(id) {
                return Halt::Ended;
            }
        }
        if self.orders.contains_key(&id) { Halt::NoLevels } else { Halt::Ended }
    }

    /// Returns how much of the position an order may reduce.
    pub(super) fn position_to_reduce(&self, order: &Order) -> Quantity {
        reducible(self.positions.get(&order.account).copied().unwrap_or_default(), order.side)
    }
}

/// True for a stop or target of a position that trades at the market: its rest is never given up on a thin book, which
/// would leave the position without protection.
pub(super) fn is_exit(order: &Order) -> bool {
    order.reduce_only && order.kind.is_conditional() && !order.kind.has_price()
}

pub(super) fn evidence_of(levels: &DeskLevels, cause: FillCause) -> Evidence {
    Evidence { offset: levels.offset, event_time: levels.event_time, receive_time: levels.receive_time, cause }
}
