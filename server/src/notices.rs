//! Notices of the server that require people's action: one sentence, shown by every page.
//!
//! Not here: the state of feeds (their status), the results of single requests (`error`). The newest notice replaces
//! the previous one; all of them are in the log.

use std::sync::{Arc, Mutex, PoisonError};

/// The newest notice. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    newest: Arc<Mutex<Option<String>>>,
}

impl Notices {
    /// Shows this notice from now on.
    pub fn show(&self, sentence: String) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(sentence);
    }

    /// Withdraws the notice; pages that show it remove it.
    pub fn clear(&self) {
        if let Some(newest) = self.newest.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            newest.clear();
        }
    }

    /// Returns the newest notice; empty once it was cleared, `None` if there never was one.
    pub fn newest(&self) -> Option<String> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
