//! What the server itself wants people to know and do something about: one sentence, shown by every page.
//!
//! Not here: how feeds fare (their status), what single requests are told (`error`). The newest notice replaces the one
//! before it; all of them stand in the log.

use std::sync::{Arc, Mutex, PoisonError};

/// The newest notice. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    newest: Arc<Mutex<Option<String>>>,
}

impl Notices {
    /// Shows this from now on.
    pub fn show(&self, sentence: String) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(sentence);
    }

    /// Nothing is to be said any more; pages that show a notice take it down.
    pub fn clear(&self) {
        if let Some(newest) = self.newest.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            newest.clear();
        }
    }

    /// The newest one; empty once it was cleared, `None` where there never was one.
    pub fn newest(&self) -> Option<String> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
