//! The outbox: sends the deliveries that wait in the store, and writes down their outcomes.
//!
//! Waiting deliveries are read from disk each time, so a start after a crash is nothing special. An
//! answer is written before anything else is sent: a message can come twice, with the same
//! identity, but is never lost.
//!
//! # Layout
//! - [`task`]: the loop · [`plan`]: what a channel does next · [`budget`]: its pace · [`outcome`]: what an answer means

use std::sync::Arc;

use model::alert::channel::{Channel, ChannelId, ChannelTest};
use store::{alerts::Alerts, error::StoreError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::channels::Senders;
use crate::{
    clock::Clock,
    metrics::counters::{StoreCounters, trading::AlertCounters},
    shutdown::Shutdown,
};

pub mod budget;
pub mod outcome;
pub mod plan;
pub mod task;

/// Reaches the outbox. Clones share it.
#[derive(Clone, Debug)]
pub struct OutboxHandle {
    alerts: Alerts,
    clock: Clock,
    wake: Arc<Notify>,
    tests: mpsc::Sender<Test>,
    changes: watch::Receiver<u64>,
}

/// Why a channel cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// No channel has that identity.
    #[error("there is no channel {channel_id}")]
    UnknownChannel {
        /// The identity.
        channel_id: ChannelId,
    },
    /// Too many tests are under way.
    #[error("too many tests are under way; try again in a moment")]
    Busy,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopped,
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A test that somebody waits for.
#[derive(Debug)]
pub struct Test {
    /// The channel as it is on disk.
    channel: Channel,
    reply: oneshot::Sender<ChannelTest>,
}

/// Starts the outbox. What waits since the last run goes out at once.
pub fn start(
    alerts: Alerts,
    senders: Senders,
    (counters, commits): (AlertCounters, StoreCounters),
    clock: Clock,
    shutdown: &Shutdown,
) -> OutboxHandle {
    let (tests, requests) = mpsc::channel(MAX_TESTS);
    let (changed, changes) = watch::channel(0);
    let wake = Arc::new(Notify::new());
    let task = task::Outbox::new(alerts.clone(), senders, (counters, commits), clock, changed);
    shutdown.tasks.spawn(task.run(requests, Arc::clone(&wake), shutdown.stopping.clone()));
    OutboxHandle { alerts, clock, wake, tests, changes }
}

impl OutboxHandle {
    /// Has the outbox look at the store: after a commit with deliveries, or a changed channel. Returns at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Sends a test message now, whatever waits; returns what the other server said. A success verifies the channel and
    /// lets a disabled one send again.
    ///
    /// # Errors
    /// There is no such channel, or no test can be made.
    pub async fn test(&self, channel_id: &ChannelId) -> Result<ChannelTest, TestError> {
        let row = self.alerts.channel(channel_id).await?;
        let row = row.ok_or_else(|| TestError::UnknownChannel { channel_id: channel_id.clone() })?;
        let (reply, result) = oneshot::channel();
        self.tests.try_send(Test { channel: row.channel, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => TestError::Busy,
            mpsc::error::TrySendError::Closed(_) => TestError::Stopped,
        })?;
        result.await.map_err(|_| TestError::Stopped)
    }

    /// Lets a dead delivery begin again. Returns false where it is not dead.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn resend(&self, notice_id: u64, channel_id: &ChannelId) -> Result<bool, StoreError> {
        let is_again = self.alerts.resend(notice_id, channel_id, self.clock.now().wall).await?;
        self.wake();
        Ok(is_again)
    }

    /// Counts the changes of deliveries and of channels' states, for whoever shows them.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

/// Tests are made by people: a few at once.
const MAX_TESTS: usize = 8;
