//! The hub itself: the interface for owners of streams, and the source of subscribers.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use crate::{
    config::HubConfig,
    error::HubError,
    registry::{Registry, Wakes},
    subscriber::Subscriber,
};

/// Streams and their subscribers. A handle, cheap to clone.
pub struct Hub<P> {
    pub(crate) shared: Arc<Shared<P>>,
}

pub(crate) struct Shared<P> {
    config: RwLock<HubConfig>,
    registry: Mutex<Registry<P>>,
}

/// Identifies the stream of a subscriber's request: the hub itself knows nothing about topics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamSpec {
    /// The topic's text.
    pub topic: Arc<str>,
    /// The publisher; the name passed to [`Hub::take_demand`].
    pub owner: Arc<str>,
    /// The cadence at which the owner publishes it; its number in [`Hub::take_demand`].
    pub lane: u8,
    /// Kind of the stream: its treatment of slow readers.
    pub kind: StreamKind,
}

/// The treatment of a reader too slow for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// Only the newest state matters: the reader skips to a snapshot.
    State,
    /// Each item matters: the reader gets more time, and is told before it skips to a snapshot.
    Event,
}

/// The work of one owner at a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Streams to publish, by number.
    pub active: Vec<ActiveStream>,
    /// Topics that were active at the last call and are no longer requested on this lane.
    pub stopped: Vec<Arc<str>>,
}

/// A stream that has subscribers, or had some within `retain_idle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveStream {
    /// Its number.
    pub stream: u32,
    /// The topic's text.
    pub topic: Arc<str>,
    /// Its current offset; the next delta's is one above.
    pub offset: u64,
    /// True the first time it is reported, and again after [`Hub::retire`].
    pub is_new: bool,
    /// True if a subscriber waits for a snapshot. In rare cases it is true although none waits; never the reverse.
    pub is_waiting: bool,
}

/// A delta or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published<P> {
    /// The stream's number.
    pub stream: u32,
    /// For a delta: one above the stream's current offset; for a snapshot: the current one.
    pub offset: u64,
    /// The content.
    pub payload: P,
    /// The size it counts for in queues and histories.
    pub size_bytes: usize,
}

/// The result of publishing a turn's deltas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnReport {
    /// Accepted deltas.
    pub n_published: usize,
    /// Refused deltas: the stream is gone or the offset is not the next one. The owner must take the demand again.
    pub n_refused: usize,
}

/// Figures for the metrics page; deliveries (`n_`) count since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubStats {
    /// Current subscribers.
    pub n_subscribers: usize,
    /// Current streams.
    pub n_streams: usize,
    /// Bytes currently kept for resuming.
    pub history_bytes: usize,
    /// Items put in queues.
    pub n_delivered: u64,
    /// Times a stream was dropped from a slow reader's queue to start over.
    pub n_conflated: u64,
}

impl<P> Clone for Hub<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for Hub<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("config", &*self.shared.config()).finish_non_exhaustive()
    }
}

impl<P: Clone + Send + Sync + 'static> Hub<P> {
    /// Creates a hub without streams.
    pub fn new(config: HubConfig) -> Self {
        Self { shared: Arc::new(Shared { config: RwLock::new(config), registry: Mutex::new(Registry::new()) }) }
    }

    /// Replaces the limits. Queues keep those of their connection; everything else follows the new ones from its next use.
    pub fn set_config(&self, config: HubConfig) {
        *self.shared.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Begins an owner, or restarts it with a fresh state: positions of its earlier epoch end, and the followers of its
    /// streams wait for a snapshot. `epoch` must differ from that of every earlier run whose positions clients may
    /// still hold; the owner writes it into its snapshots.
    pub fn begin(&self, owner: &str, epoch: &str) {
        self.shared.lock().begin(owner, epoch);
    }

    /// Returns the work of `owner` on `lane`; the first step of its turn. `now` is the time since any fixed point, the
    /// same for all calls. Streams without subscribers for `retain_idle` end here, with their history.
    pub fn take_demand(&self, owner: &str, lane: u8, now: Duration) -> Demand {
        self.shared.lock().take_demand(owner, lane, now, &self.shared.config())
    }

    /// Delivers a turn's deltas to all followers, keeps them for resuming, and wakes each reader once.
    pub fn publish(&self, turn: Vec<Published<P>>) -> TurnReport {
        let mut wakes = Vec::new();
        let report = self.shared.lock().publish(&turn, &self.shared.config(), &mut wakes);
        wake(&wakes);
        report
    }

    /// Delivers a snapshot of the stream's current offset to all who wait, and keeps it for subscribers that arrive
    /// before the next delta. Returns false, and does nothing, if the stream is gone or the offset is not the current
    /// one.
    pub fn snapshot(&self, snapshot: Published<P>) -> bool {
        let mut wakes = Vec::new();
        let is_taken = self.shared.lock().snapshot(snapshot, &mut wakes);
        wake(&wakes);
        is_taken
    }

    /// Ends an owner: positions in its streams end, followers wait for a snapshot of the next owner with its name, and
    /// streams without followers are removed. Does nothing if the owner has begun another epoch since.
    pub fn retire(&self, owner: &str, epoch: &str) {
        self.shared.lock().retire(owner, epoch);
    }

    /// Connects a subscriber without streams.
    ///
    /// # Errors
    /// Too many subscribers, or the hub is closed.
    pub fn connect(&self) -> Result<Subscriber<P>, HubError> {
        let inbox = self.shared.lock().connect(&self.shared.config())?;
        Ok(Subscriber { shared: Arc::clone(&self.shared), inbox })
    }

    /// Ends all subscribers with [`crate::error::Closed::Shutdown`] and accepts no more.
    pub fn close(&self) {
        let mut wakes = Vec::new();
        self.shared.lock().close(&mut wakes);
        wake(&wakes);
    }

    /// Returns the bytes that wait in the queues of all subscribers. It looks at each queue, so it is for monitors only.
    pub fn queued_bytes(&self) -> usize {
        let inboxes = self.shared.lock().inboxes();
        inboxes.iter().map(|inbox| inbox.lock().queued_bytes()).sum()
    }

    /// Returns figures for the metrics page.
    pub fn stats(&self) -> HubStats {
        self.shared.lock().stats()
    }
}

impl<P> Shared<P> {
    /// Returns the limits. Taken while the registry may be locked, never the other way round.
    pub(crate) fn config(&self) -> RwLockReadGuard<'_, HubConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Registry<P>> {
        // Nothing panics while the lock is held; a poisoned lock would still guard a consistent state.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Called after the lock is released: a woken reader finds the whole turn without contention.
fn wake<P>(wakes: &Wakes<P>) {
    wakes.iter().for_each(|inbox| inbox.notify.notify_one());
}
