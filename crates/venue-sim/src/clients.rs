//! The clients' queues: the messages to be written on each connection, in order.
//!
//! Each queue is bounded and emptied by its connection's own task. If a queue is full, the client is dropped; at full
//! speed the timeline first waits for room, up to the write deadline. Not here: who reads which stream
//! ([`crate::exchange`]).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

/// About ten seconds of a busy stream.
const QUEUE_FRAMES: usize = 4_096;
/// At full speed the timeline waits until every queue has room for this many frames.
const ROOM_FRAMES: usize = 64;

/// A message to be written.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message outside any stream.
    Message(Utf8Bytes),
    /// A frame of a stream, with the venue's number in it.
    Frame(Arc<str>, Option<u64>, Payload),
    /// The end, with a close frame.
    Close(Ending),
}

/// A frame's text, whole or broken on purpose.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Whole(Utf8Bytes),
    Broken(Bytes),
}

/// End of a connection: code and reason; abrupt without a code.
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
}

#[derive(Debug, Default)]
struct Connected {
    by_id: BTreeMap<u64, Client>,
    next_id: u64,
}

/// All clients.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<Connected>);

/// The receiving ends of a client's queue.
#[derive(Debug)]
pub(crate) struct ClientEnd {
    pub(crate) id: u64,
    pub(crate) frames: mpsc::Receiver<Outgoing>,
    pub(crate) ending: watch::Receiver<Option<Ending>>,
}

impl Clients {
    /// Adds a client.
    pub(crate) fn connect(&self) -> ClientEnd {
        let (queue, frames) = mpsc::channel(QUEUE_FRAMES);
        let (ending, ended) = watch::channel(None);
        let mut clients = self.lock();
        let id = clients.next_id;
        clients.next_id += 1;
        clients.by_id.insert(id, Client { queue, ending });
        ClientEnd { id, frames, ending: ended }
    }

    /// Removes a client.
    pub(crate) fn remove(&self, id: u64) {
        self.lock().by_id.remove(&id);
    }

    /// Returns the number of connected clients.
    pub(crate) fn n_clients(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Returns the number of the next client.
    pub(crate) fn next_id(&self) -> u64 {
        self.lock().next_id
    }

    /// Adds a message to a client's queue; a client without room is dropped.
    pub(crate) fn send(&self, id: u64, outgoing: Outgoing) {
        let clients = self.lock();
        let Some(client) = clients.by_id.get(&id) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = client.queue.try_send(outgoing) {
            tracing::warn!(client = id, "a client is too slow and was dropped");
            client.ending.send_replace(Some(Ending { code: None, reason: "too slow".to_owned() }));
        }
    }

    /// Waits until every client has room, for `patience` each; a client still without room is dropped. Cancel-safe.
    pub(crate) async fn wait_for_room(&self, patience: Duration) {
        let queues: Vec<_> = {
            let clients = self.lock();
            let is_full = |client: &&Client| client.queue.capacity() < ROOM_FRAMES;
            clients.by_id.values().filter(is_full).map(|client| (client.queue.clone(), client.ending.clone())).collect()
        };
        for (queue, ending) in queues {
            if timeout(patience, queue.reserve_many(ROOM_FRAMES)).await.is_err() {
                ending.send_replace(Some(Ending { code: None, reason: "too slow".to_owned() }));
            }
        }
    }

    /// Closes all connections.
    pub(crate) fn end_all(&self, ending: &Ending) {
        for client in self.lock().by_id.values() {
            client.ending.send_replace(Some(ending.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_dropped() {
        for patience in [None, Some(Duration::from_secs(3))] {
            let clients = Clients::default();
            let client = clients.connect();
            for _ in 0..QUEUE_FRAMES {
                clients.send(client.id, Outgoing::Message("{}".into()));
            }
            assert_eq!(*client.ending.borrow(), None);
            match patience {
                Some(patience) => clients.wait_for_room(patience).await,
                None => clients.send(client.id, Outgoing::Message("{}".into())),
            }
            assert!(client.ending.borrow().is_some(), "{patience:?}");
        }
    }
}
