//! Times at which frames were written to the socket, for measuring the latency to the page.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// Newest stamps kept: 500 s at 200 frames a second.
const MAX_STAMPS: usize = 100_000;

/// One frame written to a socket.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stamp {
    /// Its number, from 1.
    pub(crate) seq: u64,
    /// The client.
    pub(crate) client: u64,
    /// The stream.
    pub(crate) stream: Arc<str>,
    /// The venue's number in it (update id, trade id).
    pub(crate) id: Option<u64>,
    /// Wall clock in microseconds since the epoch, just before the write.
    pub(crate) sent_us: i64,
}

/// The newest stamps.
#[derive(Debug, Default)]
pub(crate) struct Stamps(Mutex<(u64, VecDeque<Stamp>)>);

impl Stamps {
    /// Adds a stamp.
    pub(crate) fn push(&self, client: u64, stream: &Arc<str>, id: Option<u64>, sent_us: i64) {
        let mut inner = self.lock();
        inner.0 += 1;
        let stamp = Stamp { seq: inner.0, client, stream: stream.clone(), id, sent_us };
        if inner.1.len() == MAX_STAMPS {
            inner.1.pop_front();
        }
        inner.1.push_back(stamp);
    }

    /// Returns the stamps with a number above `after`, oldest first.
    pub(crate) fn after(&self, after: u64) -> Vec<Stamp> {
        self.lock().1.iter().filter(|stamp| stamp.seq > after).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, VecDeque<Stamp>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
