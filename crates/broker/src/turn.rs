//! One moment of the broker: its time, the settings, and the list that events go to.

use model::time::Timestamp;

use crate::{config::BrokerConfig, event::BrokerEvent};

/// Passed down to whatever acts at this moment.
pub(crate) struct Turn<'a> {
    pub(crate) config: &'a BrokerConfig,
    pub(crate) now: Timestamp,
    pub(crate) events: &'a mut Vec<BrokerEvent>,
}
