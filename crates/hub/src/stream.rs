//! One stream: its history, its followers, and whether any of them waits for a snapshot.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    config::HubConfig,
    history::History,
    hub::{Published, StreamKind, StreamSpec},
    inbox::{Inbox, Pushed},
};

pub(crate) struct Stream<P> {
    pub(crate) topic: Arc<str>,
    pub(crate) owner: Arc<str>,
    pub(crate) lane: u8,
    pub(crate) kind: StreamKind,
    pub(crate) history: History<P>,
    /// Ordered by the inbox's number.
    pub(crate) followers: Vec<Follower<P>>,
    /// The last snapshot while nothing was published after it: later subscribers get it at once.
    pub(crate) snapshot: Option<Published<P>>,
    /// True if a reader waits for a snapshot. Set by readers without the registry's lock.
    pub(crate) demand: Arc<AtomicBool>,
    /// Time at which the owner first saw it without followers.
    pub(crate) idle_since: Option<Duration>,
    /// Not yet reported to the owner.
    pub(crate) is_new: bool,
}

pub(crate) struct Follower<P> {
    /// The inbox's own id, here so that searching for it does not touch the inbox.
    inbox_id: u64,
    inbox: Arc<Inbox<P>>,
    slot_idx: usize,
}

impl<P: Clone> Stream<P> {
    pub(crate) fn new(spec: &StreamSpec, top: u64) -> Self {
        Self {
            topic: Arc::clone(&spec.topic),
            owner: Arc::clone(&spec.owner),
            lane: spec.lane,
            kind: spec.kind,
            history: History::new(top),
            followers: Vec::new(),
            snapshot: None,
            demand: Arc::new(AtomicBool::new(false)),
            idle_since: None,
            is_new: true,
        }
    }

    /// Accepts a delta as the newest and keeps it for resuming. Returns false, and does nothing, if it is not the next
    /// offset.
    pub(crate) fn accept(&mut self, delta: &Published<P>, room: usize, config: &HubConfig) -> bool {
        if delta.offset != self.history.top() + 1 {
            return false;
        }
        self.snapshot = None;
        let max_bytes = config.history_bytes.min(self.history.bytes() + room);
        self.history.push(delta.payload.clone(), delta.size_bytes, max_bytes, config.history_len);
        true
    }

    /// Delivers the snapshot to all who wait. Returns false, and does nothing, if it is not of the current offset.
    pub(crate) fn offer(&mut self, snapshot: Published<P>, on: &mut impl FnMut(&Arc<Inbox<P>>, Pushed)) -> bool {
        if snapshot.offset != self.history.top() {
            return false;
        }
        // Cleared before the followers are served: a reader that begins to wait meanwhile is seen at the next turn.
        self.demand.store(false, Ordering::Release);
        for follower in &self.followers {
            let pushed = follower.inbox.lock().offer_snapshot(follower.slot_idx, &snapshot);
            on(&follower.inbox, pushed);
        }
        self.snapshot = Some(snapshot);
        true
    }

    /// Ends all positions; followers wait for a snapshot.
    pub(crate) fn restart(&mut self) {
        self.history.restart();
        self.snapshot = None;
        for follower in &self.followers {
            follower.inbox.lock().restart(follower.slot_idx);
            // Streams of other owners may have waited for this one's snapshot.
            follower.inbox.notify.notify_one();
        }
    }

    pub(crate) fn add_follower(&mut self, inbox: &Arc<Inbox<P>>, slot_idx: usize) {
        let at = self.followers.partition_point(|follower| follower.inbox_id < inbox.id);
        self.followers.insert(at, Follower { inbox_id: inbox.id, inbox: Arc::clone(inbox), slot_idx });
    }

    pub(crate) fn remove_follower(&mut self, inbox_id: u64) {
        if let Ok(at) = self.followers.binary_search_by_key(&inbox_id, |follower| follower.inbox_id) {
            self.followers.remove(at);
        }
    }
}

/// Queues deltas for all followers of their streams, reader by reader rather than stream by stream: so each reader's
/// lock is taken once and its memory fetched once.
pub(crate) fn deliver<P: Clone>(
    mut turn: Vec<(&Published<P>, &[Follower<P>])>,
    on: &mut impl FnMut(&Arc<Inbox<P>>, Pushed),
) {
    let n_deltas = turn.len();
    let next = |turn: &[(&Published<P>, &[Follower<P>])]| {
        turn.iter().filter_map(|(_, followers)| followers.first()).map(|follower| follower.inbox_id).min()
    };
    while let Some(inbox_id) = next(&turn) {
        let mut state = None;
        for (delta, followers) in &mut turn {
            if let Some((follower, others)) = followers.split_first()
                && follower.inbox_id == inbox_id
            {
                *followers = others;
                let state = state.get_or_insert_with(|| follower.inbox.lock());
                on(&follower.inbox, state.push(follower.slot_idx, delta, n_deltas));
            }
        }
    }
}
