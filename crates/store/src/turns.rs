//! Turns at the desk's file: the journal and the alerts each have a connection that writes, and one writes at a time.
//!
//! SQLite alone would settle it too, but by sleeping and trying again, up to a tenth of a second at a time; here the
//! second writer waits exactly as long as the first one's commit takes.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The turns of one file. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Waits for a turn, which ends when the value is dropped. Cancel-safe.
    pub(crate) async fn take(&self) -> SemaphorePermit<'_> {
        self.0.acquire().await.expect("invariant: the turns are never closed")
    }
}
