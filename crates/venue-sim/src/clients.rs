//! The clients, what each has subscribed to, and the way frames take to them.
//!
//! Each client has a bounded queue, emptied by its own socket task. Full queue: at real speed the client is dropped, at
//! full speed the timeline waits for it, up to the write deadline.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, watch};

use crate::{fault::FaultMode, venue::Frame};

/// A frame shared by all who get it.
pub(crate) type SharedFrame = Arc<Frame>;

/// About ten seconds of a busy stream.
const QUEUE_FRAMES: usize = 4_096;

/// One thing to send.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A frame.
    Frame(SharedFrame),
    /// The frame just before, once more.
    Again(SharedFrame),
    /// A frame to be broken in that way; the number is for choices.
    Broken { frame: SharedFrame, mode: FaultMode, choice: u64 },
    /// In place of a frame that does not come; with a ticket where it comes later.
    Missing(Option<u64>),
    /// A frame held back until now.
    Late { frame: SharedFrame, ticket: u64 },
}

impl Outgoing {
    /// The frame, where there is one.
    pub(crate) fn frame(&self) -> Option<&SharedFrame> {
        match self {
            Self::Frame(frame) | Self::Again(frame) | Self::Broken { frame, .. } | Self::Late { frame, .. } => {
                Some(frame)
            }
            Self::Missing(_) => None,
        }
    }
}

/// How a connection is ended: code and reason; without a code abruptly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Close code.
    pub(crate) code: Option<u16>,
    /// Close reason.
    pub(crate) reason: String,
}

#[derive(Debug)]
struct Client {
    queue: mpsc::Sender<Outgoing>,
    ending: watch::Sender<Option<Ending>>,
    streams: BTreeSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct Connected {
    by_id: BTreeMap<u64, Client>,
    by_stream: HashMap<Arc<str>, BTreeSet<u64>>,
    next_id: u64,
}

/// All clients.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<Connected>);

/// A client's own end; leaving drops it.
#[derive(Debug)]
pub(crate) struct ClientEnd {
    pub(crate) id: u64,
    pub(crate) frames: mpsc::Receiver<Outgoing>,
    pub(crate) ending: watch::Receiver<Option<Ending>>,
    clients: Arc<Clients>,
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        self.clients.remove(self.id);
    }
}

impl Clients {
    /// Adds a client without subscriptions.
    pub(crate) fn connect(self: &Arc<Self>) -> ClientEnd {
        let (queue, frames) = mpsc::channel(QUEUE_FRAMES);
        let (ending, ended) = watch::channel(None);
        let mut clients = self.lock();
        let id = clients.next_id;
        clients.next_id += 1;
        clients.by_id.insert(id, Client { queue, ending, streams: BTreeSet::new() });
        ClientEnd { id, frames, ending: ended, clients: self.clone() }
    }

    /// Adds streams to a client's; returns false, and adds none, where it would have more than `most`.
    pub(crate) fn subscribe(&self, id: u64, streams: &[String], most: usize) -> bool {
        let mut clients = self.lock();
        let clients = &mut *clients;
        let Some(client) = clients.by_id.get_mut(&id) else { return false };
        let added: BTreeSet<Arc<str>> = streams.iter().map(|stream| Arc::from(stream.as_str())).collect();
        if client.streams.union(&added).count() > most {
            return false;
        }
        for stream in added {
            clients.by_stream.entry(stream.clone()).or_default().insert(id);
            client.streams.insert(stream);
        }
        true
    }

    /// Takes streams from a client's.
    pub(crate) fn unsubscribe(&self, id: u64, streams: &[String]) {
        let mut clients = self.lock();
        let clients = &mut *clients;
        let Some(client) = clients.by_id.get_mut(&id) else { return };
        for stream in streams {
            client.streams.remove(stream.as_str());
            leave(&mut clients.by_stream, stream, id);
        }
    }

    /// A client's streams.
    pub(crate) fn streams_of(&self, id: u64) -> Vec<Arc<str>> {
        self.lock().by_id.get(&id).map(|client| client.streams.iter().cloned().collect()).unwrap_or_default()
    }

    /// Streams that anybody has subscribed to.
    pub(crate) fn wanted(&self) -> BTreeSet<Arc<str>> {
        self.lock().by_stream.keys().cloned().collect()
    }

    /// Whether anybody has subscribed to `stream`.
    pub(crate) fn is_wanted(&self, stream: &str) -> bool {
        self.lock().by_stream.contains_key(stream)
    }

    /// How many are connected.
    pub(crate) fn n_clients(&self) -> usize {
        self.lock().by_id.len()
    }

    /// The number the next client will have.
    pub(crate) fn next_id(&self) -> u64 {
        self.lock().next_id
    }

    /// Who gets frames of `stream`.
    pub(crate) fn subscribers(&self, stream: &str) -> Vec<u64> {
        self.lock().by_stream.get(stream).map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    /// Puts something into a client's queue. A full queue is waited for up to `patience` (zero: not at all); a client
    /// that still has no room is dropped.
    pub(crate) async fn send(&self, id: u64, outgoing: Outgoing, patience: Duration) {
        let Some(queue) = self.lock().by_id.get(&id).map(|client| client.queue.clone()) else { return };
        let outgoing = match queue.try_send(outgoing) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
            Err(mpsc::error::TrySendError::Full(outgoing)) => outgoing,
        };
        if patience.is_zero() || queue.send_timeout(outgoing, patience).await.is_err() {
            tracing::warn!(client = id, "a client is too slow and was dropped");
            self.end(id, &Ending { code: None, reason: "too slow".to_owned() });
        }
    }

    /// Ends one connection.
    pub(crate) fn end(&self, id: u64, ending: &Ending) {
        if let Some(client) = self.lock().by_id.get(&id) {
            client.ending.send_replace(Some(ending.clone()));
        }
    }

    /// Ends all connections.
    pub(crate) fn end_all(&self, ending: &Ending) {
        for client in self.lock().by_id.values() {
            client.ending.send_replace(Some(ending.clone()));
        }
    }

    fn remove(&self, id: u64) {
        let mut clients = self.lock();
        let clients = &mut *clients;
        if let Some(client) = clients.by_id.remove(&id) {
            for stream in &client.streams {
                leave(&mut clients.by_stream, stream, id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave(by_stream: &mut HashMap<Arc<str>, BTreeSet<u64>>, stream: &str, id: u64) {
    if let Some(ids) = by_stream.get_mut(stream) {
        ids.remove(&id);
        if ids.is_empty() {
            by_stream.remove(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn only_subscribers_are_found_and_leaving_forgets_them() {
        let clients = Arc::new(Clients::default());
        let (first, second) = (clients.connect(), clients.connect());
        assert!(clients.subscribe(first.id, &names(&["a", "b"]), 2));
        assert!(clients.subscribe(second.id, &names(&["b"]), 2));
        assert!(!clients.subscribe(second.id, &names(&["c", "d"]), 2));
        assert_eq!(clients.subscribers("b"), [first.id, second.id]);
        assert_eq!(clients.streams_of(second.id), [Arc::from("b")]);
        clients.unsubscribe(first.id, &names(&["b", "never"]));
        drop(second);
        assert_eq!((clients.subscribers("b"), clients.n_clients()), (vec![], 1));
        assert_eq!(clients.wanted(), BTreeSet::from([Arc::from("a")]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_dropped() {
        let clients = Arc::new(Clients::default());
        let client = clients.connect();
        let frame = Arc::new(Frame::whole("a".into(), "{}".to_owned(), None));
        for _ in 0..QUEUE_FRAMES {
            clients.send(client.id, Outgoing::Frame(frame.clone()), Duration::ZERO).await;
        }
        assert_eq!(*client.ending.borrow(), None);
        clients.send(client.id, Outgoing::Frame(frame), Duration::from_secs(3)).await;
        assert!(client.ending.borrow().is_some());
    }
}
