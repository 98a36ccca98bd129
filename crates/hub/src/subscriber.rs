//! The reading side: the streams of one connection, and the queue it drains.

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
    /// Its size as declared by the publisher.
    pub size_bytes: usize,
    /// The published content.
    pub payload: P,
}

/// Whole state or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryKind {
    /// The whole state at its offset.
    Snapshot,
    /// The change since the previous offset.
    Delta,
    /// The whole state at its offset, after events before it were skipped: the reader's positions in this stream end.
    Restart,
}

/// The result of resuming from an earlier connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// All missed items are queued; live items follow.
    Resumed {
        /// The stream's number.
        stream: u32,
        /// The number of missed items.
        replayed: u64,
    },
    /// A snapshot will come.
    Reset {
        /// The stream's number.
        stream: u32,
        /// The reason.
        reason: ResetReason,
    },
}

/// Why a stream could not be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetReason {
    /// The position belongs to another run of the owner.
    EpochChanged,
    /// Not all missed items are kept.
    HistoryExceeded,
}

impl<P: Clone> Subscriber<P> {
    /// Returns its number, never used twice by a hub.
    pub fn id(&self) -> u64 {
        self.inbox.id
    }

    /// Follows a stream from its next snapshot and returns its number. Has no effect if the stream is followed already; a
    /// stream of the same topic on another lane is left.
    ///
    /// # Errors
    /// Too many topics or streams, or closed.
    pub fn subscribe(&self, spec: &StreamSpec) -> Result<u32, HubError> {
        let number = self.shared.lock().subscribe(&self.inbox, spec, &self.shared.config())?;
        self.inbox.notify.notify_one();
        Ok(number)
    }

    /// Resumes a stream from the position of an earlier connection, on the same lane: missed items are queued if the
    /// position is of the owner's epoch and all later items are kept and fit the queue; otherwise a snapshot comes as
    /// after [`Self::subscribe`].
    ///
    /// # Errors
    /// The same as [`Self::subscribe`].
    pub fn resume(&self, spec: &StreamSpec, epoch: &str, offset: u64) -> Result<Resume, HubError> {
        let resume = self.shared.lock().resume(&self.inbox, spec, (epoch, offset), &self.shared.config())?;
        self.inbox.notify.notify_one();
        Ok(resume)
    }

    /// Stops following the topic; its queued items are dropped. Returns its number, `None` if it was not followed.
    pub fn unsubscribe(&self, topic: &str) -> Option<u32> {
        let number = self.shared.lock().unsubscribe(&self.inbox, topic);
        // Other streams may have waited for this one's snapshot.
        self.inbox.notify.notify_one();
        number
    }

    /// Requests a fresh snapshot of a followed topic and continues following meanwhile. False if it is not followed.
    pub fn request_snapshot(&self, topic: &str) -> bool {
        let mut state = self.inbox.lock();
        let found = state.find(topic);
        found.into_iter().for_each(|(_, slot_idx)| state.want_snapshot(slot_idx));
        found.is_some()
    }

    /// Returns the number of a followed topic.
    pub fn stream_of(&self, topic: &str) -> Option<u32> {
        self.inbox.lock().find(topic).map(|(stream, _)| stream)
    }

    /// Returns the followed topics, sorted, with their numbers.
    pub fn topics(&self) -> Vec<(Arc<str>, u32)> {
        self.inbox.lock().topics().map(|(topic, stream)| (Arc::clone(topic), stream)).collect()
    }

    /// Waits until something is queued and takes as many items as fit `max_bytes`, and at least one; if not all fit,
    /// the streams take turns. `size_of` returns an item's bytes on the reader's way. The rest stays in the queue, where
    /// it may still be conflated. Cancel-safe: nothing is taken before it returns.
    ///
    /// # Errors
    /// The subscriber is closed, with the reason; queued items are lost.
    pub async fn next_batch(
        &self,
        max_bytes: usize,
        size_of: impl Fn(&P) -> usize,
    ) -> Result<Vec<Delivery<P>>, Closed> {
        loop {
            let batch = self.inbox.lock().drain(max_bytes, &size_of)?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            self.inbox.notify.notified().await;
        }
    }

    /// Takes all queued items, possibly none.
    ///
    /// # Errors
    /// The same as [`Self::next_batch`].
    pub fn take_batch(&self) -> Result<Vec<Delivery<P>>, Closed> {
        self.inbox.lock().drain(usize::MAX, |_| 0)
    }
}

impl<P: Clone> Drop for Subscriber<P> {
    fn drop(&mut self) {
        self.shared.lock().disconnect(&self.inbox);
    }
}

impl<P: Clone> fmt::Debug for Subscriber<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("id", &self.inbox.id).finish_non_exhaustive()
    }
}
