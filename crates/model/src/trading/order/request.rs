//! From a request to an order: what a request says where its maker says nothing, and the order of one.

use super::{ClientOrderId, Order, OrderId, OrderRequest, OrderState, OrderType, Side, TimeInForce, TriggerSource};
use crate::{
    decimal::{Notional, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::account::AccountId,
};

impl OrderRequest {
    /// Returns a market order of the default account and nothing else; other orders are made from it.
    pub fn market(client_order_id: ClientOrderId, instrument: InstrumentId, side: Side, quantity: Quantity) -> Self {
        Self {
            client_order_id,
            account: None,
            instrument,
            side,
            kind: OrderType::Market,
            quantity,
            price: None,
            stop_price: None,
            trail: None,
            trigger: TriggerSource::Last,
            time_in_force: TimeInForce::Gtc,
            expire_time_ms: None,
            post_only: false,
            reduce_only: false,
            stop_loss: None,
            take_profit: None,
        }
    }
}

impl Order {
    /// Returns a request as an order that nobody has seen yet; its bracket is other orders.
    pub fn of_request(request: OrderRequest, order_id: OrderId, account: AccountId, now: Timestamp) -> Self {
        Self {
            order_id,
            client_order_id: request.client_order_id,
            account,
            instrument: request.instrument,
            side: request.side,
            kind: request.kind,
            quantity: request.quantity,
            price: request.price,
            stop_price: request.stop_price,
            trail: request.trail,
            trigger: request.trigger,
            time_in_force: request.time_in_force,
            expire_time_ms: request.expire_time_ms,
            post_only: request.post_only,
            reduce_only: request.reduce_only,
            bracket: None,
            strategy: None,
            state: OrderState::PendingNew,
            is_triggered: false,
            filled: Quantity::ZERO,
            filled_value: Notional::ZERO,
            n_fills: 0,
            created_time: now,
            updated_time: now,
            reason: None,
            has_gap: false,
        }
    }
}
