//! The hub itself: what owners of streams call, and where subscribers come from.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    pub(crate) config: HubConfig,
    registry: Mutex<Registry<P>>,
}

/// Which stream is meant when a subscriber asks: the hub itself knows nothing of topics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamSpec {
    /// The topic's text.
    pub topic: Arc<str>,
    /// Who publishes it; the name that [`Hub::take_demand`] is called with.
    pub owner: Arc<str>,
    /// Whether a slow reader may skip.
    pub kind: StreamKind,
}

/// What becomes of a reader too slow for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// The newest state is all that counts: it skips to a snapshot.
    State,
    /// Each item counts: it is cut off and resumes.
    Event,
}

/// What one owner has to do at a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Streams to publish, by number.
    pub active: Vec<ActiveStream>,
    /// Topics that were active at the last call and are no longer wanted on this lane.
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
    /// True where someone waits for a snapshot. It may rarely be true with nobody waiting; never the reverse.
    pub is_waiting: bool,
}

/// A delta or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published<P> {
    /// The stream's number.
    pub stream: u32,
    /// A delta's: one above the stream's current; a snapshot's: the current one.
    pub offset: u64,
    /// What is delivered.
    pub payload: P,
    /// What it counts for in queues and histories.
    pub size_bytes: usize,
}

/// What became of a turn's deltas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnReport {
    /// Taken.
    pub n_published: usize,
    /// Not taken: the stream is gone or the offset is not the next one. The owner asks for the demand again.
    pub n_refused: usize,
}

/// Figures for the metrics page; the `n_` of deliveries count since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubStats {
    /// Subscribers now.
    pub n_subscribers: usize,
    /// Streams now.
    pub n_streams: usize,
    /// Bytes kept for resuming now.
    pub history_bytes: usize,
    /// Items put in queues.
    pub n_delivered: u64,
    /// Times a stream was dropped from a slow reader's queue to start over.
    pub n_conflated: u64,
    /// Readers cut off as too slow.
    pub n_slow: u64,
}

impl<P> Clone for Hub<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for Hub<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl<P: Clone + Send + Sync + 'static> Hub<P> {
    /// A hub without streams.
    pub fn new(config: HubConfig) -> Self {
        Self { shared: Arc::new(Shared { config, registry: Mutex::new(Registry::new()) }) }
    }

    /// `owner` begins, or starts over with a fresh state: positions of its earlier epoch end, and who follows its streams
    /// waits for a snapshot. `epoch` must differ from that of every earlier run whose positions clients may still hold;
    /// the owner writes it into its snapshots.
    pub fn begin(&self, owner: &str, epoch: &str) {
        self.shared.lock().begin(owner, epoch);
    }

    /// What `owner` has to do on `lane`; the first step of its turn. `now` is the time since any fixed point, the same
    /// for all calls. Streams without subscribers for `retain_idle` end here, with their history.
    pub fn take_demand(&self, owner: &str, lane: u8, now: Duration) -> Demand {
        self.shared.lock().take_demand(owner, lane, now, &self.shared.config)
    }

    /// Delivers a turn's deltas to all who follow, keeps them for resuming, and wakes each reader once.
    pub fn publish(&self, turn: Vec<Published<P>>) -> TurnReport {
        let mut wakes = Vec::new();
        let report = self.shared.lock().publish(&turn, &self.shared.config, &mut wakes);
        wake(&wakes);
        report
    }

    /// Delivers a snapshot of the stream's current offset to all who wait, and keeps it for those who come before the
    /// next delta. False, and nothing done, where the stream is gone or the offset is not the current one.
    pub fn snapshot(&self, snapshot: Published<P>) -> bool {
        let mut wakes = Vec::new();
        let is_taken = self.shared.lock().snapshot(snapshot, &mut wakes);
        wake(&wakes);
        is_taken
    }

    /// The owner ends: positions in its streams end, who follows waits for a snapshot of whoever begins under its name
    /// next, and streams that nobody follows go.
    /// Nothing is done where the owner has begun another epoch since.
    pub fn retire(&self, owner: &str, epoch: &str) {
        self.shared.lock().retire(owner, epoch);
    }

    /// A subscriber without streams, on one lane for all its life.
    ///
    /// # Errors
    /// Too many subscribers, or the hub is closed.
    pub fn connect(&self, lane: u8) -> Result<Subscriber<P>, HubError> {
        let inbox = self.shared.lock().connect(lane, &self.shared.config)?;
        Ok(Subscriber { shared: Arc::clone(&self.shared), inbox })
    }

    /// Ends all subscribers with [`crate::error::Closed::Shutdown`] and takes no more.
    pub fn close(&self) {
        let mut wakes = Vec::new();
        self.shared.lock().close(&mut wakes);
        wake(&wakes);
    }

    /// Figures for the metrics page.
    pub fn stats(&self) -> HubStats {
        self.shared.lock().stats()
    }
}

impl<P> Shared<P> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Registry<P>> {
        // Nothing panics while it is held; a poisoned lock would still hold a sound state.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After the lock is released: a reader that wakes finds the whole turn and no one in its way.
fn wake<P>(wakes: &Wakes<P>) {
    wakes.iter().for_each(|inbox| inbox.notify.notify_one());
}
