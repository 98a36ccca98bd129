//! Paper orders and the desk's market updates in, fills with their evidence out: a matching simulator for live books.
//!
//! It is pure: time is an argument, and the same calls give the same events. Books are never changed by own orders; what
//! own orders took of a level stays taken for all of them. Not here: checks before an order is accepted, the journal
//! (`desk`), and what fills add up to (`portfolio`). What each order type means for a fill is in docs/paper-trading.md.
//!
//! # Layout
//! - [`Broker`]: the calls · [`BrokerConfig`]: latency, protection, queue model, fees · [`BrokerEvent`]: what comes out
//! - [`market`](MarketSummary): one instrument's orders, and what its market events do to them
//! - [`QueuePosition`]: how much is ahead of a resting order · [`Blocker`]: why an order cannot fill now
//! - [`Preview`]: what an order would get
//!
//! # Example
//! ```
//! use broker::{Broker, BrokerConfig};
//! use model::time::Timestamp;
//!
//! let mut broker = Broker::new(BrokerConfig::default());
//! broker.advance(Timestamp::from_millis(5));
//! assert!(broker.drain().is_empty() && broker.deadline().is_none());
//! ```

mod blocker;
mod broker;
mod config;
mod event;
mod market;
mod preview;
mod queue;
mod rows;
mod taken;
mod timeline;
mod triggers;
mod turn;

pub use crate::{
    blocker::Blocker,
    broker::Broker,
    config::{BrokerConfig, QueueModel},
    event::BrokerEvent,
    market::MarketSummary,
    preview::Preview,
    queue::QueuePosition,
};
