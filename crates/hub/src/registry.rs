//! All streams, owners and subscribers, under one lock that is held for a call.
//!
//! Lock order: the registry before an inbox, never the reverse.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    config::HubConfig,
    error::{Closed, HubError},
    hub::{ActiveStream, Demand, HubStats, Published, StreamSpec, TurnReport},
    inbox::{Inbox, InboxState, Pushed},
    stream::{Stream, deliver},
    subscriber::{ResetReason, Resume},
};

pub(crate) struct Registry<P> {
    streams: BTreeMap<u32, Stream<P>>,
    /// Stream numbers by topic and lane.
    numbers: BTreeMap<Arc<str>, BTreeMap<u8, u32>>,
    owners: BTreeMap<Arc<str>, Owner>,
    /// Epochs of the running owners.
    epochs: BTreeMap<Arc<str>, Arc<str>>,
    inboxes: BTreeMap<u64, Arc<Inbox<P>>>,
    last_stream: u32,
    last_inbox: u64,
    /// Initial offset of a new stream: above all offsets of dropped streams, so that a position in a stream that was
    /// dropped and created again cannot be mistaken for one in the new stream.
    next_base: u64,
    history_bytes: usize,
    is_closed: bool,
    stats: HubStats,
}

#[derive(Default)]
struct Owner {
    streams: BTreeMap<u8, BTreeSet<u32>>,
}

/// Readers to wake once the lock is released.
pub(crate) type Wakes<P> = Vec<Arc<Inbox<P>>>;

impl<P: Clone> Registry<P> {
    pub(crate) fn new() -> Self {
        Self {
            streams: BTreeMap::new(),
            numbers: BTreeMap::new(),
            owners: BTreeMap::new(),
            epochs: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            last_stream: 0,
            last_inbox: 0,
            next_base: 0,
            history_bytes: 0,
            is_closed: false,
            stats: HubStats::default(),
        }
    }

    pub(crate) fn take_demand(&mut self, owner: &str, lane: u8, now: Duration, config: &HubConfig) -> Demand {
        let mut demand = Demand::default();
        let Some(entry) = self.owners.get(owner) else {
            return demand;
        };
        let numbers: Vec<u32> = entry.streams.get(&lane).into_iter().flatten().copied().collect();
        for number in numbers {
            let Some(stream) = self.streams.get_mut(&number) else { continue };
            if stream.followers.is_empty() {
                let idle_since = *stream.idle_since.get_or_insert(now);
                if now.saturating_sub(idle_since) >= config.retain_idle {
                    demand.stopped.push(Arc::clone(&stream.topic));
                    self.drop_stream(number);
                    continue;
                }
            } else {
                stream.idle_since = None;
            }
            demand.active.push(ActiveStream {
                stream: number,
                topic: Arc::clone(&stream.topic),
                offset: stream.history.top(),
                is_new: std::mem::take(&mut stream.is_new),
                is_waiting: stream.demand.load(Ordering::Acquire),
            });
        }
        demand
    }

    pub(crate) fn publish(&mut self, turn: &[Published<P>], config: &HubConfig, wakes: &mut Wakes<P>) -> TurnReport {
        let mut report = TurnReport::default();
        for part in turn.chunks(DELTAS_AT_ONCE) {
            let mut accepted = Vec::with_capacity(part.len());
            for delta in part {
                let Some(stream) = self.streams.get_mut(&delta.stream) else { continue };
                let before = stream.history.bytes();
                let room = config.total_history_bytes.saturating_sub(self.history_bytes);
                if stream.accept(delta, room, config) {
                    self.history_bytes = self.history_bytes - before + stream.history.bytes();
                    accepted.push(delta);
                }
            }
            report.n_published += accepted.len();
            let followers = |delta: &Published<P>| self.streams.get(&delta.stream).map(|stream| &stream.followers[..]);
            let followed = accepted.into_iter().map(|delta| (delta, followers(delta).unwrap_or_default())).collect();
            let stats = &mut self.stats;
            deliver(followed, &mut |inbox, pushed| note(stats, wakes, inbox, pushed));
        }
        report.n_refused = turn.len() - report.n_published;
        report
    }

    pub(crate) fn snapshot(&mut self, snapshot: Published<P>, wakes: &mut Wakes<P>) -> bool {
        let stats = &mut self.stats;
        self.streams
            .get_mut(&snapshot.stream)
            .is_some_and(|stream| stream.offer(snapshot, &mut |inbox, pushed| note(stats, wakes, inbox, pushed)))
    }

    pub(crate) fn begin(&mut self, owner: &str, epoch: &str) {
        self.end(owner);
        self.epochs.insert(owner.into(), epoch.into());
    }

    pub(crate) fn retire(&mut self, owner: &str, epoch: &str) {
        if self.epochs.get(owner).is_some_and(|known| **known == *epoch) {
            self.end(owner);
        }
    }

    fn end(&mut self, owner: &str) {
        self.epochs.remove(owner);
        let Some(entry) = self.owners.get(owner) else { return };
        let numbers: Vec<u32> = entry.streams.values().flatten().copied().collect();
        for number in numbers {
            match self.streams.get_mut(&number) {
                Some(stream) if !stream.followers.is_empty() => {
                    self.history_bytes -= stream.history.bytes();
                    stream.restart();
                    stream.is_new = true;
                }
                _ => self.drop_stream(number),
            }
        }
    }

    pub(crate) fn connect(&mut self, config: &HubConfig) -> Result<Arc<Inbox<P>>, HubError> {
        if self.is_closed {
            return Err(HubError::Closed(Closed::Shutdown));
        }
        if self.inboxes.len() >= config.max_subscribers {
            return Err(HubError::TooManySubscribers { limit: config.max_subscribers });
        }
        self.last_inbox += 1;
        let inbox = Arc::new(Inbox::new(self.last_inbox, config));
        self.inboxes.insert(inbox.id, Arc::clone(&inbox));
        Ok(inbox)
    }

    /// Follows a stream from its next snapshot. A stream followed already stays unchanged; the topic's stream of another
    /// lane is left.
    pub(crate) fn subscribe(
        &mut self,
        inbox: &Arc<Inbox<P>>,
        spec: &StreamSpec,
        config: &HubConfig,
    ) -> Result<u32, HubError> {
        let mut state = inbox.lock();
        match self.add_follower(inbox, &mut state, spec, config)? {
            Added::Already(number) => Ok(number),
            Added::New { number, slot_idx } => {
                self.ask_snapshot(&mut state, number, slot_idx);
                Ok(number)
            }
        }
    }

    /// Follows a stream from a position, if it is of the owner's epoch and all later deltas are kept; otherwise like
    /// [`Self::subscribe`].
    pub(crate) fn resume(
        &mut self,
        inbox: &Arc<Inbox<P>>,
        spec: &StreamSpec,
        (epoch, offset): (&str, u64),
        config: &HubConfig,
    ) -> Result<Resume, HubError> {
        let is_of_this_run = self.epochs.get(&spec.owner).is_some_and(|known| **known == *epoch);
        let mut state = inbox.lock();
        let (number, slot_idx) = match self.add_follower(inbox, &mut state, spec, config)? {
            Added::New { number, slot_idx } => (number, slot_idx),
            Added::Already(number) => {
                if let Some((_, slot_idx)) = state.find(&spec.topic) {
                    state.want_snapshot(slot_idx);
                }
                return Ok(Resume::Reset { stream: number, reason: ResetReason::HistoryExceeded });
            }
        };
        if let Some(stream) = self.streams.get(&number).filter(|_| is_of_this_run)
            && let Some(missed) = stream.history.after(offset)
        {
            let missed: Vec<(u64, &P, usize)> = missed.collect();
            if state.replay(slot_idx, stream.history.top(), &missed) {
                return Ok(Resume::Resumed { stream: number, replayed: missed.len() as u64 });
            }
        }
        self.ask_snapshot(&mut state, number, slot_idx);
        let reason = if is_of_this_run { ResetReason::HistoryExceeded } else { ResetReason::EpochChanged };
        Ok(Resume::Reset { stream: number, reason })
    }

    pub(crate) fn unsubscribe(&mut self, inbox: &Arc<Inbox<P>>, topic: &str) -> Option<u32> {
        let number = inbox.lock().remove(topic)?;
        self.leave(inbox, number);
        Some(number)
    }

    pub(crate) fn disconnect(&mut self, inbox: &Arc<Inbox<P>>) {
        self.inboxes.remove(&inbox.id);
        let numbers: Vec<u32> = inbox.lock().topics().map(|(_, number)| number).collect();
        numbers.into_iter().for_each(|number| self.leave(inbox, number));
    }

    pub(crate) fn close(&mut self, wakes: &mut Wakes<P>) {
        self.is_closed = true;
        for inbox in self.inboxes.values() {
            inbox.lock().close(Closed::Shutdown);
            wakes.push(Arc::clone(inbox));
        }
    }

    /// Returns the inboxes of all subscribers.
    pub(crate) fn inboxes(&self) -> Vec<Arc<Inbox<P>>> {
        self.inboxes.values().cloned().collect()
    }

    pub(crate) fn stats(&self) -> HubStats {
        HubStats {
            n_subscribers: self.inboxes.len(),
            n_streams: self.streams.len(),
            history_bytes: self.history_bytes,
            ..self.stats
        }
    }

    fn add_follower(
        &mut self,
        inbox: &Arc<Inbox<P>>,
        state: &mut InboxState<P>,
        spec: &StreamSpec,
        config: &HubConfig,
    ) -> Result<Added, HubError> {
        if let Some(reason) = state.closed() {
            return Err(HubError::Closed(reason));
        }
        let known = state.find(&spec.topic).map(|(number, _)| number);
        if let Some(number) = known
            && self.streams.get(&number).is_none_or(|stream| stream.lane == spec.lane)
        {
            return Ok(Added::Already(number));
        }
        if known.is_none() && state.n_topics() >= config.max_topics {
            return Err(HubError::TooManyTopics { limit: config.max_topics });
        }
        let number = self.number_of(spec, config)?;
        if let Some(other_lane) = known {
            state.remove(&spec.topic);
            self.leave(inbox, other_lane);
        }
        let Some(stream) = self.streams.get_mut(&number) else {
            return Err(HubError::TooManyStreams { limit: config.max_streams });
        };
        let slot_idx = state.add(Arc::clone(&stream.topic), number, stream.kind, Arc::clone(&stream.demand));
        stream.add_follower(inbox, slot_idx);
        Ok(Added::New { number, slot_idx })
    }

    fn number_of(&mut self, spec: &StreamSpec, config: &HubConfig) -> Result<u32, HubError> {
        if let Some(number) = self.numbers.get(&spec.topic).and_then(|lanes| lanes.get(&spec.lane)) {
            return Ok(*number);
        }
        let too_many = HubError::TooManyStreams { limit: config.max_streams };
        if self.streams.len() >= config.max_streams {
            return Err(too_many);
        }
        let number = self.last_stream.checked_add(1).ok_or(too_many)?;
        self.last_stream = number;
        self.streams.insert(number, Stream::new(spec, self.next_base));
        self.numbers.entry(Arc::clone(&spec.topic)).or_default().insert(spec.lane, number);
        let owner = self.owners.entry(Arc::clone(&spec.owner)).or_default();
        owner.streams.entry(spec.lane).or_default().insert(number);
        Ok(number)
    }

    /// Answers at once if the last snapshot is still current, otherwise at the owner's next turn.
    fn ask_snapshot(&self, state: &mut InboxState<P>, number: u32, slot_idx: usize) {
        let Some(stream) = self.streams.get(&number) else { return };
        match &stream.snapshot {
            // The reader is the caller: only the caller itself would need waking.
            Some(snapshot) => drop(state.offer_snapshot(slot_idx, snapshot)),
            None => stream.demand.store(true, Ordering::Release),
        }
    }

    fn leave(&mut self, inbox: &Arc<Inbox<P>>, number: u32) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        stream.remove_follower(inbox.id);
        let is_abandoned = stream.followers.is_empty() && !self.epochs.contains_key(&stream.owner);
        if is_abandoned {
            self.drop_stream(number);
        }
    }

    fn drop_stream(&mut self, number: u32) {
        let Some(stream) = self.streams.remove(&number) else { return };
        self.next_base = self.next_base.max(stream.history.top() + 1);
        self.history_bytes -= stream.history.bytes();
        if let Some(lanes) = self.numbers.get_mut(&stream.topic) {
            lanes.remove(&stream.lane);
            if lanes.is_empty() {
                self.numbers.remove(&stream.topic);
            }
        }
        if let Some(owner) = self.owners.get_mut(&stream.owner) {
            if let Some(numbers) = owner.streams.get_mut(&stream.lane) {
                numbers.remove(&number);
            }
            owner.streams.retain(|_, numbers| !numbers.is_empty());
            if owner.streams.is_empty() {
                self.owners.remove(&stream.owner);
            }
        }
    }
}

/// Deltas delivered together. Finding the next reader checks each of them.
const DELTAS_AT_ONCE: usize = 32;

enum Added {
    New { number: u32, slot_idx: usize },
    Already(u32),
}

fn note<P>(stats: &mut HubStats, wakes: &mut Wakes<P>, inbox: &Arc<Inbox<P>>, pushed: Pushed) {
    if pushed.is_wake {
        wakes.push(Arc::clone(inbox));
    }
    stats.n_delivered += u64::from(pushed.is_queued);
    stats.n_conflated += u64::from(pushed.is_conflated);
}
