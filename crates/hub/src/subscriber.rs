//! The reading side: what one connection follows, and the queue it drains.

use std::{fmt, sync::Arc};

use crate::{
    error::{Closed, HubError},
    hub::{Shared, StreamSpec},
    inbox::Inbox,
};

/// One connection's subscriptions and queue. Dropping it ends them. All methods take `&self`, so that one task may
/// subscribe while another drains; the answer to a subscription must then reach the client before the next batch.
pub struct Subscriber<P: Clone> {
    pub(crate) shared: Arc<Shared<P>>,
    pub(crate) inbox: Arc<Inbox<P>>,
}

/// One item for one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<P> {
    /// The stream's number.
    pub stream: u32,
    /// Whole state or change.
    pub kind: DeliveryKind,
    /// Its position.
    pub offset: u64,
    /// What the publisher said it counts for.
    pub size_bytes: usize,
    /// What was published.
    pub payload: P,
}

/// Whole state or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryKind {
    /// The whole state at its offset.
    Snapshot,
    /// The change from the offset before.
    Delta,
}

/// What came of a wish to go on where an earlier connection stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// All that was missed is queued; live items follow.
    Resumed {
        /// The stream's number.
        stream: u32,
        /// How many items were missed.
        replayed: u64,
    },
    /// A snapshot will come.
    Reset {
        /// The stream's number.
        stream: u32,
        /// Why.
        reason: ResetReason,
    },
}

/// Why a stream could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetReason {
    /// The position is of another run of the owner.
    EpochChanged,
    /// Not all that was missed is kept.
    HistoryExceeded,
}

impl<P: Clone> Subscriber<P> {
    /// Its number, never used twice by a hub.
    pub fn id(&self) -> u64 {
        self.inbox.id
    }

    /// Its lane.
    pub fn lane(&self) -> u8 {
        self.inbox.lane
    }

    /// Follows a stream from its next snapshot on and returns its number. Following it already changes nothing.
    ///
    /// # Errors
    /// Too many topics or streams, or closed.
    pub fn subscribe(&self, spec: &StreamSpec) -> Result<u32, HubError> {
        let number = self.shared.lock().subscribe(&self.inbox, spec, &self.shared.config)?;
        self.inbox.notify.notify_one();
        Ok(number)
    }

    /// Follows a stream from where an earlier connection stopped, on the same lane: what was missed is queued where the
    /// position is of the owner's epoch and all since is kept and fits the queue, else a snapshot comes as after [`Self::subscribe`].
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub fn resume(&self, spec: &StreamSpec, epoch: &str, offset: u64) -> Result<Resume, HubError> {
        let resume = self.shared.lock().resume(&self.inbox, spec, (epoch, offset), &self.shared.config)?;
        self.inbox.notify.notify_one();
        Ok(resume)
    }

    /// Follows the topic no more; what is queued of it is dropped. Returns its number, `None` where it was not followed.
    pub fn unsubscribe(&self, topic: &str) -> Option<u32> {
        self.shared.lock().unsubscribe(&self.inbox, topic)
    }

    /// Wants a fresh snapshot of a followed topic and goes on following meanwhile. False where it is not followed.
    pub fn request_snapshot(&self, topic: &str) -> bool {
        let mut state = self.inbox.lock();
        let found = state.find(topic);
        found.into_iter().for_each(|(_, slot_idx)| state.want_snapshot(slot_idx));
        found.is_some()
    }

    /// Number of a followed topic.
    pub fn stream_of(&self, topic: &str) -> Option<u32> {
        self.inbox.lock().find(topic).map(|(stream, _)| stream)
    }

    /// Followed topics, sorted, with their numbers.
    pub fn topics(&self) -> Vec<(Arc<str>, u32)> {
        self.inbox.lock().topics().map(|(topic, stream)| (Arc::clone(topic), stream)).collect()
    }

    /// Waits until something is queued and takes all of it, oldest first. Cancel-safe: nothing is taken before it returns.
    ///
    /// # Errors
    /// Once closed, with the reason; what was queued is gone then.
    pub async fn next_batch(&self) -> Result<Vec<Delivery<P>>, Closed> {
        loop {
            let batch = self.take_batch()?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            self.inbox.notify.notified().await;
        }
    }

    /// Takes all that is queued, which may be nothing.
    ///
    /// # Errors
    /// As [`Self::next_batch`].
    pub fn take_batch(&self) -> Result<Vec<Delivery<P>>, Closed> {
        self.inbox.lock().drain()
    }
}

impl<P: Clone> Drop for Subscriber<P> {
    fn drop(&mut self) {
        self.shared.lock().disconnect(&self.inbox);
    }
}

impl<P: Clone> fmt::Debug for Subscriber<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("id", &self.inbox.id).field("lane", &self.inbox.lane).finish_non_exhaustive()
    }
}
