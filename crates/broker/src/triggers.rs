//! The conditional orders that wait for a price, by that price, so that an event touches only what it sets off.

use std::{collections::BTreeMap, ops::Bound};

use model::{
    decimal::Price,
    trading::order::{Order, OrderId, OrderType, Side, TriggerSource},
};

/// The order of submission.
pub(crate) type Sequence = u64;

/// An order that its price set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reached {
    pub(crate) sequence: Sequence,
    pub(crate) order_id: OrderId,
    pub(crate) price: Price,
}

type ByPrice = BTreeMap<(Price, Sequence), OrderId>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Triggers {
    /// By source, side, and whether a rising price sets them off.
    by_price: [ByPrice; 8],
    /// Trailing stops by source and side, with or without a stop price yet.
    trailing: [BTreeMap<Sequence, OrderId>; 4],
}

impl Triggers {
    pub(crate) fn add(&mut self, order: &Order, sequence: Sequence) {
        if let Some(stop_price) = order.stop_price {
            self.by_price[price_idx(order)].insert((stop_price, sequence), order.order_id);
        }
        if order.kind == OrderType::TrailingStop {
            self.trailing[side_idx(order.trigger, order.side)].insert(sequence, order.order_id);
        }
    }

    pub(crate) fn remove(&mut self, order: &Order, sequence: Sequence) {
        if let Some(stop_price) = order.stop_price {
            self.by_price[price_idx(order)].remove(&(stop_price, sequence));
        }
        if order.kind == OrderType::TrailingStop {
            self.trailing[side_idx(order.trigger, order.side)].remove(&sequence);
        }
    }

    /// Adds the orders of `side` that `price` sets off.
    pub(crate) fn reach(&self, source: TriggerSource, side: Side, price: Price, reached: &mut Vec<Reached>) {
        let idx = side_idx(source, side) * 2;
        let to_reached = |((_, sequence), order_id): (&(Price, Sequence), &OrderId)| Reached {
            sequence: *sequence,
            order_id: *order_id,
            price,
        };
        reached.extend(self.by_price[idx].range((Bound::Included((price, 0)), Bound::Unbounded)).map(to_reached));
        reached.extend(self.by_price[idx + 1].range(..=(price, Sequence::MAX)).map(to_reached));
    }

    /// Returns the trailing stops of `side`, by submission.
    pub(crate) fn trailing(&self, source: TriggerSource, side: Side) -> Vec<OrderId> {
        self.trailing[side_idx(source, side)].values().copied().collect()
    }
}

/// True if a rising price sets the order off.
pub(crate) fn is_rising(kind: OrderType, side: Side) -> bool {
    match kind {
        OrderType::TakeProfit | OrderType::TakeProfitLimit => side == Side::Sell,
        _ => side == Side::Buy,
    }
}

/// True if `price` sets the order off.
pub(crate) fn is_reached(order: &Order, price: Price) -> bool {
    order.stop_price.is_some_and(|stop| if is_rising(order.kind, order.side) { price >= stop } else { price <= stop })
}

fn side_idx(source: TriggerSource, side: Side) -> usize {
    usize::from(source == TriggerSource::BidAsk) * 2 + usize::from(side == Side::Sell)
}

fn price_idx(order: &Order) -> usize {
    side_idx(order.trigger, order.side) * 2 + usize::from(is_rising(order.kind, order.side))
}
