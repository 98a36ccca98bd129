//! One subscriber's queue and subscriptions. All of it under one lock, held for a push or a drain.

use std::{
    collections::BTreeMap,
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
    /// True if a slot needs a snapshot in its turn.
    is_behind: bool,
    /// Bytes served to the least served of the streams that waited last. A stream that begins to wait starts from here.
    served: u64,
    lag_bytes: usize,
    /// Counts complete drains, after which nothing waits in any slot.
    n_drained: u64,
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
    /// Bytes it got in turns, counted from what the others had got when it began to wait: rest earns no claim.
    served: u64,
    /// Size of its largest item, as the publisher or the reader measured it: a snapshot is at least as large.
    snapshot_bytes: usize,
    /// Size of its last delta as the reader measured it.
    delta_bytes: usize,
    /// Its deltas in the queue, without those of a resume.
    waiting: Waiting,
    /// True if items of an event stream were dropped and the reader has not been told.
    is_skipping: bool,
}

/// Deltas in the queue.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    len: usize,
    bytes: usize,
    /// True if they follow a snapshot whose turn is next.
    is_next: bool,
    /// The inbox's `n_drained` at the last push.
    n_drained: u64,
}

impl Slot {
    fn waiting(&self, n_drained: u64) -> Waiting {
        let since = Waiting { n_drained, ..Waiting::default() };
        if self.waiting.n_drained == n_drained { self.waiting } else { since }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Nothing,
    Snapshot,
    /// Requested for the stream's turn, which has come.
    NextSnapshot,
    /// In place of what waits in the queue.
    FreshSnapshot,
    /// Requesting it before its turn would only let it grow old in the queue.
    SnapshotInTurn,
}

/// The result of a push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// True if the reader must be woken.
    pub(crate) is_wake: bool,
    /// True if an item was queued.
    pub(crate) is_queued: bool,
    /// True if the stream was dropped from the queue to start over.
    pub(crate) is_conflated: bool,
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
            served: 0,
            lag_bytes: config.lag_bytes,
            n_drained: 0,
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
    /// Returns the bytes of the queue.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.bytes
    }

    /// Queues a delta for the slot's stream, if it follows. `n_expected` is roughly how many may come before the next
    /// drain.
    pub(crate) fn push(&mut self, slot_idx: usize, delta: &Published<P>, n_expected: usize) -> Pushed {
        let has_room = self.has_room(delta.size_bytes);
        let Some(slot) = self.slots.get_mut(slot_idx).filter(|slot| slot.is_following) else {
            return Pushed::default();
        };
        if slot.last_offset + 1 != delta.offset {
            self.close(Closed::InsufficientState);
            return Pushed { is_wake: true, ..Pushed::default() };
        }
        slot.last_offset = delta.offset;
        let mut waiting = slot.waiting(self.n_drained);
        let (few, many) = match slot.kind {
            StreamKind::State => STATE_DELTAS,
            StreamKind::Event => EVENT_DELTAS,
        };
        slot.snapshot_bytes = slot.snapshot_bytes.max(delta.size_bytes);
        let n_bytes = waiting.bytes + delta.size_bytes.min(slot.delta_bytes);
        let has_outgrown = slot.kind == StreamKind::State && (1..n_bytes).contains(&slot.snapshot_bytes);
        // A large snapshot in place of a few small deltas would only take longer.
        let is_worth_it = n_bytes >= slot.snapshot_bytes / 2;
        let is_crowded = is_worth_it && self.bytes > self.lag_bytes;
        let is_too_late =
            waiting.len >= many && (has_outgrown || is_crowded) || waiting.len >= few && is_crowded && self.is_behind;
        waiting.len += 1;
        waiting.bytes = n_bytes;
        slot.waiting = waiting;
        if self.queue.capacity() == 0 {
            self.queue.reserve(n_expected);
        }
        if is_too_late && has_room && waiting.is_next {
            // Dropped, it would miss its turn.
            if slot.wish == Wish::Nothing {
                slot.wish = Wish::FreshSnapshot;
                slot.demand.store(true, Ordering::Release);
            }
        } else if is_too_late || !has_room {
            self.conflate(slot_idx);
            return Pushed { is_conflated: true, ..Pushed::default() };
        }
        self.queue(DeliveryKind::Delta, delta)
    }

    /// Queues a snapshot for the slot's stream, if needed; one that does not fit is requested again in its turn.
    pub(crate) fn offer_snapshot(&mut self, slot_idx: usize, snapshot: &Published<P>) -> Pushed {
        let has_room = self.has_room(snapshot.size_bytes);
        let is_wanted = |wish| matches!(wish, Wish::Snapshot | Wish::NextSnapshot | Wish::FreshSnapshot);
        let Some(slot) = self.slots.get_mut(slot_idx).filter(|slot| is_wanted(slot.wish)) else {
            return Pushed::default();
        };
        if slot.is_following && slot.last_offset != snapshot.offset {
            self.close(Closed::InsufficientState);
            return Pushed { is_wake: true, ..Pushed::default() };
        }
        if slot.wish == Wish::FreshSnapshot {
            return self.replace(slot_idx, snapshot);
        }
        if !has_room {
            slot.wish = Wish::SnapshotInTurn;
            self.is_behind = true;
            return Pushed::default();
        }
        let is_next = slot.wish == Wish::NextSnapshot;
        slot.waiting = Waiting { is_next, n_drained: self.n_drained, ..slot.waiting(self.n_drained) };
        (slot.is_following, slot.last_offset, slot.wish) = (true, snapshot.offset, Wish::Nothing);
        slot.snapshot_bytes = slot.snapshot_bytes.max(snapshot.size_bytes);
        let kind = if std::mem::take(&mut slot.is_skipping) { DeliveryKind::Restart } else { DeliveryKind::Snapshot };
        self.queue(kind, snapshot)
    }

    /// Queues a snapshot in place of the stream's queued items; without any, the reader has caught up.
    fn replace(&mut self, slot_idx: usize, snapshot: &Published<P>) -> Pushed {
        let slot = &mut self.slots[slot_idx];
        slot.wish = Wish::Nothing;
        let (stream, kind) = (slot.stream, slot.kind);
        slot.waiting = Waiting { is_next: true, n_drained: self.n_drained, ..Waiting::default() };
        let n_queued = self.queue.len();
        self.forget_queued(stream);
        if self.queue.len() == n_queued {
            return Pushed::default();
        }
        let kind = if kind == StreamKind::Event { DeliveryKind::Restart } else { DeliveryKind::Snapshot };
        Pushed { is_conflated: true, ..self.queue(kind, snapshot) }
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

    /// Drops the queued items of a followed stream; it starts over with a snapshot in its turn.
    fn conflate(&mut self, slot_idx: usize) {
        let Some(slot) = self.slots.get_mut(slot_idx) else { return };
        (slot.is_following, slot.wish) = (false, Wish::SnapshotInTurn);
        slot.waiting = Waiting::default();
        slot.is_skipping |= slot.kind == StreamKind::Event;
        self.is_behind = true;
        let stream = slot.stream;
        self.forget_queued(stream);
        // The next drain may be far off.
        if self.queue.capacity() > SPARE_ITEMS + 2 * self.queue.len() {
            self.queue.shrink_to(SPARE_ITEMS + self.queue.len());
        }
    }

    fn forget_queued(&mut self, stream: u32) {
        let n_bytes = &mut self.bytes;
        self.queue.retain(|delivery| {
            let is_kept = delivery.stream != stream;
            *n_bytes -= if is_kept { 0 } else { delivery.size_bytes };
            is_kept
        });
    }

    /// Takes queued items: as many as fit `max_bytes` by the reader's own measure, and at least one. If not all fit, the
    /// streams take turns.
    pub(crate) fn drain(
        &mut self,
        max_bytes: usize,
        size_of: impl Fn(&P) -> usize,
    ) -> Result<Vec<Delivery<P>>, Closed> {
        if let Some(closed) = self.closed {
            return Err(closed);
        }
        let mut n_bytes = 0_usize;
        let fits = self.queue.iter().all(|delivery| {
            n_bytes = n_bytes.saturating_add(size_of(&delivery.payload));
            n_bytes <= max_bytes
        });
        if !fits || self.is_behind {
            return Ok(self.take_turns(max_bytes, &size_of));
        }
        (self.bytes, self.n_drained) = (0, self.n_drained + 1);
        Ok(std::mem::take(&mut self.queue))
    }

    /// Serves the streams with something waiting, the one that got the fewest bytes first: a large snapshot waits until
    /// all others had as much. In a turn a stream's items are taken as far as they fit, or its snapshot is requested if it
    /// fits the next batch: not earlier, when it would only grow old in the queue.
    fn take_turns(&mut self, max_bytes: usize, size_of: &impl Fn(&P) -> usize) -> Vec<Delivery<P>> {
        let mut sizes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for delivery in &self.queue {
            sizes.entry(delivery.stream).or_default().push(size_of(&delivery.payload));
        }
        let n_drained = self.n_drained;
        let is_waiting = |slot: &Slot| slot.wish == Wish::SnapshotInTurn || sizes.contains_key(&slot.stream);
        for slot in self.slots.iter_mut().filter(|slot| slot.wish != Wish::NextSnapshot && !is_waiting(slot)) {
            slot.served = slot.served.max(self.served);
        }
        let asked = self.slots.iter().filter(|slot| slot.wish == Wish::NextSnapshot);
        let mut n_later = asked.map(|slot| slot.snapshot_bytes).fold(0, usize::saturating_add);
        let mut order: Vec<usize> = (0..self.slots.len()).filter(|idx| is_waiting(&self.slots[*idx])).collect();
        // A requested snapshot keeps its turn.
        order.sort_by_key(|slot_idx| (!self.slots[*slot_idx].waiting(n_drained).is_next, self.slots[*slot_idx].served));
        let lowest = order.iter().map(|slot_idx| self.slots[*slot_idx].served).min();
        self.served = self.served.max(lowest.unwrap_or(0));
        let max_served = self.served.saturating_add(as_u64(max_bytes));
        let is_alone = n_later == 0 && order.len() == 1;
        self.is_behind = false;
        // Items to take, by stream.
        let mut quotas = BTreeMap::new();
        let (mut n_bytes, mut is_full) = (0_usize, false);
        for slot_idx in order {
            let slot = &mut self.slots[slot_idx];
            if slot.wish == Wish::SnapshotInTurn {
                let is_early = slot.served > max_served && !is_alone;
                if is_early || n_later > 0 && n_later.saturating_add(slot.snapshot_bytes) > max_bytes {
                    self.is_behind = true;
                } else {
                    slot.wish = Wish::NextSnapshot;
                    slot.demand.store(true, Ordering::Release);
                }
                n_later = n_later.saturating_add(slot.snapshot_bytes);
            }
            for size in sizes.remove(&slot.stream).unwrap_or_default() {
                slot.snapshot_bytes = slot.snapshot_bytes.max(size);
                is_full |= !quotas.is_empty() && n_bytes.saturating_add(size) > max_bytes;
                if is_full {
                    n_later = n_later.saturating_add(size);
                    continue;
                }
                n_bytes = n_bytes.saturating_add(size);
                *quotas.entry(slot.stream).or_insert(0_usize) += 1;
                slot.served = slot.served.saturating_add(as_u64(size));
                slot.waiting.is_next = false;
            }
        }
        self.take(quotas, size_of)
    }

    fn take(&mut self, mut quotas: BTreeMap<u32, usize>, size_of: &impl Fn(&P) -> usize) -> Vec<Delivery<P>> {
        let is_taken = |delivery: &mut Delivery<P>| {
            quotas.get_mut(&delivery.stream).filter(|quota| **quota > 0).map(|quota| *quota -= 1).is_some()
        };
        let taken: Vec<Delivery<P>> = self.queue.extract_if(.., is_taken).collect();
        self.bytes -= taken.iter().map(|delivery| delivery.size_bytes).sum::<usize>();
        self.n_drained += u64::from(self.queue.is_empty());
        self.count_taken(&taken, size_of);
        taken
    }

    /// Subtracts deltas that were taken while others wait.
    fn count_taken(&mut self, taken: &[Delivery<P>], size_of: &impl Fn(&P) -> usize) {
        let n_drained = self.n_drained;
        for delivery in taken.iter().filter(|delivery| delivery.kind == DeliveryKind::Delta) {
            if let Some(slot) = self.slots.iter_mut().find(|slot| slot.stream == delivery.stream) {
                let mut waiting = slot.waiting(n_drained);
                waiting.len = waiting.len.saturating_sub(1);
                waiting.bytes = waiting.bytes.saturating_sub(delivery.size_bytes.min(slot.delta_bytes));
                slot.waiting = waiting;
                slot.delta_bytes = size_of(&delivery.payload);
            }
        }
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
        let slot = Slot {
            stream,
            kind,
            is_following: false,
            last_offset: 0,
            wish: Wish::Snapshot,
            demand,
            served: self.served,
            snapshot_bytes: 0,
            delta_bytes: usize::MAX,
            waiting: Waiting::default(),
            is_skipping: false,
        };
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
        // A later slot may be of the same stream.
        (slot.is_following, slot.wish, slot.stream) = (false, Wish::Nothing, NO_STREAM);
        self.free.push(slot_idx);
        self.forget_queued(stream);
        Some(stream)
    }

    /// Requests a fresh snapshot and continues following meanwhile.
    pub(crate) fn want_snapshot(&mut self, slot_idx: usize) {
        if let Some(slot) =
            self.slots.get_mut(slot_idx).filter(|slot| matches!(slot.wish, Wish::Nothing | Wish::FreshSnapshot))
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
                // It may take long: others must not wait for it.
                slot.wish = if slot.wish == Wish::NextSnapshot { Wish::Snapshot } else { slot.wish };
                slot.is_following = false;
            }
            self.want_snapshot(slot_idx);
        }
    }
}

fn as_u64(n_bytes: usize) -> u64 {
    u64::try_from(n_bytes).unwrap_or(u64::MAX)
}

/// Deltas of a state stream that may wait for a reader that is behind, while streams wait for their turn and otherwise:
/// four are as many turns of its lane.
const STATE_DELTAS: (usize, usize) = (1, 4);
/// The same for an event stream. More, because its snapshot holds only the newest events.
const EVENT_DELTAS: (usize, usize) = (4, 16);
/// Streams are numbered from one.
const NO_STREAM: u32 = 0;
/// Items for which an emptied queue keeps its memory.
const SPARE_ITEMS: usize = 32;
