//! One subscriber's queue and subscriptions. All of it under one lock, held for a push or a drain.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{
    config::HubConfig,
    error::Closed,
    hub::{Published, StreamKind},
    subscriber::{Delivery, DeliveryKind},
};

/// The shared side of a subscriber.
pub(crate) struct Inbox<P> {
    pub(crate) id: u64,
    state: Mutex<InboxState<P>>,
    /// Notified when an item enters an empty queue, and when the inbox closes.
    pub(crate) notify: Notify,
}

/// The state under the lock.
pub(crate) struct InboxState<P> {
    queue: Vec<Delivery<P>>,
    bytes: usize,
    max_bytes: usize,
    max_len: usize,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Stream number and slot by topic.
    followed: BTreeMap<Arc<str>, (u32, usize)>,
    /// True if a slot needs a snapshot after the next drain.
    is_behind: bool,
    closed: Option<Closed>,
}

/// The state of one stream for this subscriber.
struct Slot {
    stream: u32,
    kind: StreamKind,
    /// True after a snapshot or a resume: the next delta is `last_offset + 1`.
    is_following: bool,
    last_offset: u64,
    wish: Wish,
    /// The stream's flag for a pending snapshot.
    demand: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Nothing,
    Snapshot,
    /// Requesting before the reader has drained would only make snapshots that do not fit.
    SnapshotAfterDrain,
}

/// The result of a push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// True if the reader must be woken.
    pub(crate) is_wake: bool,
    /// True if an item was queued.
    pub(crate) is_queued: bool,
    /// Streams that were dropped from the queue to start over.
    pub(crate) n_conflated: u64,
    /// True if the reader was disconnected as too slow.
    pub(crate) is_cut_off: bool,
}

impl<P> Inbox<P> {
    pub(crate) fn new(id: u64, config: &HubConfig) -> Self {
        let state = InboxState {
            queue: Vec::new(),
            bytes: 0,
            max_bytes: config.queue_bytes,
            max_len: config.queue_len,
            slots: Vec::new(),
            free: Vec::new(),
            followed: BTreeMap::new(),
            is_behind: false,
            closed: None,
        };
        Self { id, state: Mutex::new(state), notify: Notify::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, InboxState<P>> {
        // Nothing panics while the lock is held; a poisoned lock would still guard a consistent state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Clone> InboxState<P> {
    /// Queues a delta for the slot's stream, if it follows. `n_expected` is roughly how many may come before the next
    /// drain.
    pub(crate) fn push(&mut self, slot_idx: usize, delta: &Published<P>, n_expected: usize) -> Pushed {
        let Some(slot) = self.slots.get_mut(slot_idx).filter(|slot| slot.is_following) else {
            return Pushed::default();
        };
        if slot.last_offset + 1 != delta.offset {
            self.close(Closed::InsufficientState);
            return Pushed { is_wake: true, ..Pushed::default() };
        }
        slot.last_offset = delta.offset;
        let kind = slot.kind;
        if self.queue.capacity() == 0 {
            self.queue.reserve(n_expected);
        }
        if self.has_room(delta.size_bytes) {
            return self.queue(DeliveryKind::Delta, delta);
        }
        let n_conflated = match kind {
            StreamKind::State => {
                self.conflate(|slot| slot.stream == delta.stream);
                return Pushed { n_conflated: 1, ..Pushed::default() };
            }
            // State is dropped in favour of events before a reader is disconnected for them.
            StreamKind::Event => {
                let queued: BTreeSet<u32> = self.queue.iter().map(|delivery| delivery.stream).collect();
                self.conflate(|slot| slot.kind == StreamKind::State && queued.contains(&slot.stream))
            }
        };
        if self.has_room(delta.size_bytes) {
            return Pushed { n_conflated, ..self.queue(DeliveryKind::Delta, delta) };
        }
        self.close(Closed::Slow);
        Pushed { is_wake: true, is_cut_off: true, n_conflated, ..Pushed::default() }
    }

    /// Queues a snapshot for the slot's stream, if needed; one that does not fit is requested again after the next
    /// drain.
    pub(crate) fn offer_snapshot(&mut self, slot_idx: usize, snapshot: &Published<P>) -> Pushed {
        let has_room = self.has_room(snapshot.size_bytes);
        let Some(slot) = self.slots.get_mut(slot_idx).filter(|slot| slot.wish == Wish::Snapshot) else {
            return Pushed::default();
        };
        if slot.is_following && slot.last_offset != snapshot.offset {
            self.close(Closed::InsufficientState);
            return Pushed { is_wake: true, ..Pushed::default() };
        }
        if !has_room {
            slot.wish = Wish::SnapshotAfterDrain;
            self.is_behind = true;
            return Pushed::default();
        }
        (slot.is_following, slot.last_offset, slot.wish) = (true, snapshot.offset, Wish::Nothing);
        self.queue(DeliveryKind::Snapshot, snapshot)
    }

    /// Queues the missed deltas and follows from there; returns false, and does nothing, if they do not fit.
    pub(crate) fn replay<'a>(&mut self, slot_idx: usize, top: u64, missed: &[(u64, &'a P, usize)]) -> bool
    where
        P: 'a,
    {
        let n_bytes: usize = missed.iter().map(|(_, _, size_bytes)| size_bytes).sum();
        let fits = self.bytes + n_bytes <= self.max_bytes && self.queue.len() + missed.len() <= self.max_len;
        let Some(slot) = self.slots.get_mut(slot_idx).filter(|_| fits) else {
            return false;
        };
        (slot.is_following, slot.last_offset, slot.wish) = (true, top, Wish::Nothing);
        let stream = slot.stream;
        self.bytes += n_bytes;
        self.queue.extend(missed.iter().map(|&(offset, payload, size_bytes)| Delivery {
            stream,
            kind: DeliveryKind::Delta,
            offset,
            size_bytes,
            payload: payload.clone(),
        }));
        true
    }

    fn has_room(&self, size_bytes: usize) -> bool {
        // An empty queue accepts one item of any size: otherwise it could never be delivered.
        self.queue.is_empty() || (self.bytes + size_bytes <= self.max_bytes && self.queue.len() < self.max_len)
    }

    fn queue(&mut self, kind: DeliveryKind, published: &Published<P>) -> Pushed {
        let is_wake = self.queue.is_empty();
        self.bytes += published.size_bytes;
        self.queue.push(Delivery {
            stream: published.stream,
            kind,
            offset: published.offset,
            size_bytes: published.size_bytes,
            payload: published.payload.clone(),
        });
        Pushed { is_wake, is_queued: true, ..Pushed::default() }
    }

    /// Drops the queued items of the chosen followed streams; they start over with a snapshot after the next drain.
    fn conflate(&mut self, is_chosen: impl Fn(&Slot) -> bool) -> u64 {
        let mut streams = Vec::new();
        for slot in self.slots.iter_mut().filter(|slot| slot.is_following && is_chosen(slot)) {
            (slot.is_following, slot.wish) = (false, Wish::SnapshotAfterDrain);
            streams.push(slot.stream);
        }
        self.is_behind = true;
        streams.sort_unstable();
        self.forget_queued(|stream| streams.binary_search(&stream).is_ok());
        streams.len() as u64
    }

    fn forget_queued(&mut self, is_chosen: impl Fn(u32) -> bool) {
        self.queue.retain(|delivery| !is_chosen(delivery.stream));
        self.bytes = self.queue.iter().map(|delivery| delivery.size_bytes).sum();
    }

    /// Takes the oldest queued items: as many as fit `max_bytes`, and at least one.
    pub(crate) fn drain(&mut self, max_bytes: usize) -> Result<Vec<Delivery<P>>, Closed> {
        if let Some(closed) = self.closed {
            return Err(closed);
        }
        let mut n_bytes = 0;
        let n_fitting = self.queue.iter().take_while(|delivery| {
            let is_first = n_bytes == 0;
            n_bytes += delivery.size_bytes;
            is_first || n_bytes <= max_bytes
        });
        let n_taken = n_fitting.count();
        if n_taken < self.queue.len() {
            let taken: Vec<Delivery<P>> = self.queue.drain(..n_taken).collect();
            self.bytes -= taken.iter().map(|delivery| delivery.size_bytes).sum::<usize>();
            return Ok(taken);
        }
        self.bytes = 0;
        if std::mem::take(&mut self.is_behind) {
            for slot in self.slots.iter_mut().filter(|slot| slot.wish == Wish::SnapshotAfterDrain) {
                slot.wish = Wish::Snapshot;
                slot.demand.store(true, Ordering::Release);
            }
        }
        Ok(std::mem::take(&mut self.queue))
    }

    /// Closes the inbox for good: frees the queue and ends all subscriptions. The first reason is kept.
    pub(crate) fn close(&mut self, reason: Closed) {
        self.closed.get_or_insert(reason);
        (self.queue, self.bytes) = (Vec::new(), 0);
        for slot in &mut self.slots {
            (slot.is_following, slot.wish) = (false, Wish::Nothing);
        }
    }

    pub(crate) fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// Returns stream number and slot of a followed topic.
    pub(crate) fn find(&self, topic: &str) -> Option<(u32, usize)> {
        self.followed.get(topic).copied()
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.followed.iter().map(|(topic, (stream, _))| (topic, *stream))
    }

    pub(crate) fn n_topics(&self) -> usize {
        self.followed.len()
    }

    /// Adds a slot for a stream not followed yet. It needs a snapshot, but has not requested it yet.
    pub(crate) fn add(&mut self, topic: Arc<str>, stream: u32, kind: StreamKind, demand: Arc<AtomicBool>) -> usize {
        let slot = Slot { stream, kind, is_following: false, last_offset: 0, wish: Wish::Snapshot, demand };
        let slot_idx = match self.free.pop() {
            Some(slot_idx) => {
                self.slots[slot_idx] = slot;
                slot_idx
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.followed.insert(topic, (stream, slot_idx));
        slot_idx
    }

    /// Stops following the topic and drops its queued items.
    pub(crate) fn remove(&mut self, topic: &str) -> Option<u32> {
        let (stream, slot_idx) = self.followed.remove(topic)?;
        let slot = &mut self.slots[slot_idx];
        (slot.is_following, slot.wish) = (false, Wish::Nothing);
        self.free.push(slot_idx);
        self.forget_queued(|queued| queued == stream);
        Some(stream)
    }

    /// Requests a fresh snapshot and continues following meanwhile.
    pub(crate) fn want_snapshot(&mut self, slot_idx: usize) {
        if let Some(slot) = self.slots.get_mut(slot_idx).filter(|slot| slot.wish == Wish::Nothing)
            && self.closed.is_none()
        {
            slot.wish = Wish::Snapshot;
            slot.demand.store(true, Ordering::Release);
        }
    }

    /// Restarts the stream: nothing is delivered before its next snapshot.
    pub(crate) fn restart(&mut self, slot_idx: usize) {
        if self.closed.is_none() {
            if let Some(slot) = self.slots.get_mut(slot_idx) {
                slot.is_following = false;
            }
            self.want_snapshot(slot_idx);
        }
    }
}
