//! Notices of the server that require people's action: one sentence, shown by every page.
//!
//! Not here: the state of feeds (their status), the results of single requests (`error`). Each cause has one notice; the
//! newest of all is shown, until its cause ends or it is [`SHOWN_FOR`] old. All of them are in the log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::time::Monotonic;

/// The notices. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    /// Time and sentence by cause: one a venue, so few.
    by_cause: BTreeMap<String, (Monotonic, String)>,
    /// True if there ever was one: pages that show it must be told of its end.
    is_used: bool,
}

impl Notices {
    /// Shows this notice from now on, in place of an earlier one of the same cause.
    pub fn show(&self, cause: &str, sentence: String, now: Monotonic) {
        let mut shown = self.lock();
        shown.by_cause.insert(cause.to_owned(), (now, sentence));
        shown.is_used = true;
    }

    /// Withdraws the notice of a cause that has ended.
    pub fn end(&self, cause: &str) {
        self.lock().by_cause.remove(cause);
    }

    /// Returns the newest notice; empty if there is none any more, `None` if there never was one.
    pub fn newest(&self, now: Monotonic) -> Option<String> {
        let mut shown = self.lock();
        shown.by_cause.retain(|_, (since, _)| now.saturating_since(*since) < SHOWN_FOR);
        let newest = shown.by_cause.values().max_by_key(|(since, _)| *since).map(|(_, sentence)| sentence.clone());
        newest.or_else(|| shown.is_used.then(String::new))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a notice is shown if its cause does not end: long enough to be seen by whoever comes back from lunch.
pub const SHOWN_FOR: Duration = Duration::from_secs(2 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_ends_with_its_cause_or_after_some_time() {
        let notices = Notices::default();
        let at = |seconds| Monotonic::from_zero(Duration::from_secs(seconds));
        assert_eq!(notices.newest(at(0)), None);
        notices.show("a", "first".to_owned(), at(1));
        notices.show("b", "second".to_owned(), at(2));
        assert_eq!(notices.newest(at(3)).as_deref(), Some("second"));
        notices.end("b");
        assert_eq!(notices.newest(at(4)).as_deref(), Some("first"), "still to be done");
        notices.show("a", "again".to_owned(), at(10));
        assert_eq!(notices.newest(at(9 + SHOWN_FOR.as_secs())).as_deref(), Some("again"));
        assert_eq!(notices.newest(at(10 + SHOWN_FOR.as_secs())).as_deref(), Some(""), "pages remove it");
        notices.end("a");
        assert_eq!(notices.newest(at(10)).as_deref(), Some(""));
    }
}
