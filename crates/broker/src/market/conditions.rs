//! Conditional orders: stops that are reached, and stops that follow the price.

use model::{
    decimal::{Price, Rounding},
    desk_feed::DeskLevels,
    trading::{
        order::{OrderId, OrderType, Side, Trail, TriggerSource},
        record::OrderChange,
    },
};

use super::{Market, Stage};
use crate::{
    rows::{bps_of, opposite_rows},
    triggers::{Reached, is_reached},
    turn::Turn,
};

impl Market {
    /// An order waits for its stop price.
    pub(super) fn watch(&mut self, id: OrderId) {
        if let Some(working) = self.orders.get_mut(&id) {
            working.stage = Stage::Stop;
            self.triggers.add(&working.order, working.sequence);
        }
    }

    /// A conditional order has arrived: the price that it knows already may set it off.
    pub(super) fn check_at_once(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        let Some(working) = self.orders.get(&id) else { return };
        let (order, sequence) = (&working.order, working.sequence);
        let reference = match order.trigger {
            TriggerSource::Last => self.last.as_ref().map(|trade| (trade.trade.price, trade.offset)),
            TriggerSource::BidAsk => self.tradable(turn).ok().and_then(|levels| {
                let best = opposite_rows(&levels, order.side).first()?;
                Some((best.price, levels.offset))
            }),
        };
        let Some((price, offset)) = reference else { return };
        if is_reached(order, price) {
            self.set_off(turn, &[Reached { sequence, order_id: id, price }], offset);
        } else if order.kind == OrderType::TrailingStop {
            self.follow(turn, id, price);
        }
    }

    /// Returns what a trade sets off, by submission.
    pub(super) fn reached_by_trade(&self, price: Price) -> Vec<Reached> {
        let mut reached = Vec::new();
        self.triggers.reach(TriggerSource::Last, Side::Buy, price, &mut reached);
        self.triggers.reach(TriggerSource::Last, Side::Sell, price, &mut reached);
        reached.sort_unstable();
        reached
    }

    /// Returns what the best prices set off, by submission.
    pub(super) fn reached_by_levels(&self, levels: &DeskLevels) -> Vec<Reached> {
        let mut reached = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            if let Some(best) = opposite_rows(levels, side).first() {
                self.triggers.reach(TriggerSource::BidAsk, side, best.price, &mut reached);
            }
        }
        reached.sort_unstable();
        reached
    }

    /// Sets the orders off that still wait.
    pub(super) fn set_off(&mut self, turn: &mut Turn<'_>, reached: &[Reached], offset: u64) {
        for Reached { order_id, price, .. } in reached {
            if self.orders.get(order_id).is_none_or(|working| working.stage != Stage::Stop) {
                continue;
            }
            self.unlink(*order_id);
            self.change(turn, *order_id, OrderChange::Triggered { price: *price, offset });
            self.enter(turn, *order_id);
        }
    }

    pub(super) fn trail_by_trade(&mut self, turn: &mut Turn<'_>, price: Price) {
        for side in [Side::Buy, Side::Sell] {
            self.trail(turn, TriggerSource::Last, side, price);
        }
    }

    pub(super) fn trail_by_levels(&mut self, turn: &mut Turn<'_>, levels: &DeskLevels) {
        for side in [Side::Buy, Side::Sell] {
            if let Some(best) = opposite_rows(levels, side).first() {
                self.trail(turn, TriggerSource::BidAsk, side, best.price);
            }
        }
    }

    fn trail(&mut self, turn: &mut Turn<'_>, source: TriggerSource, side: Side, price: Price) {
        for id in self.triggers.trailing(source, side) {
            self.follow(turn, id, price);
        }
    }

    /// A trailing stop sees a price: its stop moves towards it, never away.
    fn follow(&mut self, turn: &mut Turn<'_>, id: OrderId, price: Price) {
        let Some(working) = self.orders.get_mut(&id) else { return };
        let side = working.order.side;
        let extreme = match (side, working.extreme) {
            (_, None) => price,
            (Side::Sell, Some(extreme)) => extreme.max(price),
            (Side::Buy, Some(extreme)) => extreme.min(price),
        };
        if working.extreme.replace(extreme) == Some(extreme) {
            return;
        }
        let distance = match working.order.trail {
            Some(Trail::Offset(offset)) => Some(offset),
            Some(Trail::Bps(bps)) => bps_of(extreme, bps),
            None => None,
        };
        let stop_price = distance.and_then(|distance| match side {
            Side::Sell => self.instrument.round_price(extreme.checked_sub(distance)?, Rounding::Down),
            Side::Buy => self.instrument.round_price(extreme.checked_add(distance)?, Rounding::Up),
        });
        let Some(stop_price) = stop_price.map(|stop| stop.at_scale(self.instrument.price_decimals())) else { return };
        let step = match (side, working.order.stop_price) {
            (_, None) => Some(self.instrument.tick_size),
            (Side::Sell, Some(old)) => stop_price.checked_sub(old),
            (Side::Buy, Some(old)) => old.checked_sub(stop_price),
        };
        if step.is_some_and(|step| step >= self.instrument.tick_size) {
            self.unlink(id);
            self.change(turn, id, OrderChange::Trailed { stop_price });
            self.watch(id);
        }
    }
}
