//! Events of the broker: order changes and fills, in the order in which they happened.

use model::{
    time::Timestamp,
    trading::{fill::Fill, order::OrderId, record::OrderChange},
};

/// One thing that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerEvent {
    /// An order changed.
    Changed {
        /// The order.
        order_id: OrderId,
        /// The time.
        time: Timestamp,
        /// The change.
        change: OrderChange,
    },
    /// An order filled.
    Filled(Fill),
}

impl BrokerEvent {
    /// Returns the order that it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Changed { order_id, .. } => *order_id,
            Self::Filled(fill) => fill.order_id,
        }
    }
}
